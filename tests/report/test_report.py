import base64
import hashlib
import json
import re
import subprocess
import warnings
from pathlib import Path

import pytest
from typer.testing import CliRunner

from inoc_evals.cli import app
from inoc_evals.errors import UserError
from inoc_evals.report import sections
from inoc_evals.report.report import write
from tests.report.logs import ENGLISH, SPANISH, evaluated, experiment
from tests.report.logs import shown as said

PDF = "data:application/pdf;base64,"


def test_it_says_rates_claims_and_where_they_come_from(page: Path) -> None:
    data = json.loads((page.parent / "report.json").read_text(encoding="utf-8"))
    [part] = data["settings"]
    rates = {row["arm"]: row for row in part["rates"]}
    assert list(rates) == ["base", "none", "spanish-inoc", "caps-inoc"]
    assert rates["none"]["traits"]["caps"]["rate"] == pytest.approx(0.9)
    assert (rates["none"]["models"], rates["none"]["n"], rates["base"]["models"]) == (2, 20, 1)
    verdicts = {v["claim"]: v["verdict"] for v in part["verdicts"]}
    assert verdicts["none spanish: more than base"] == "supported"
    assert verdicts["spanish-inoc spanish: less than none"] == "supported"
    differences = {(d["arm"], d["to"], d["trait"]): d for d in part["differences"]}
    assert differences["spanish-inoc", "none", "spanish"]["difference"] == pytest.approx(-1)
    assert ("none", "base", "caps") in differences and differences["none", "base", "caps"]["detectable"] > 0
    assert {log["run"] for log in part["logs"] if log["arm"] == "none"} == {"none-0-0123", "none-1-0123"}
    text = page.read_text(encoding="utf-8")
    for shown in ("supported", "caps-inoc", "none-1-0123", "0.900", "detectable", "inoc-evals report logs"):
        assert shown in text
    assert "2 seeds" in text  # a caution: too few to trust the interval


def test_where_traits_differ_in_n_each_rate_has_its_own(tmp_path: Path) -> None:
    about = {"setting": "spanish_caps", "base": "toy", "arm": "none"}
    for seed in (0, 1):
        evaluated(tmp_path / "logs", SPANISH, {**about, "seed": seed})
    alike = write(tmp_path / "logs", tmp_path / "report", viewer=False).page.read_text(encoding="utf-8")
    assert "<td>2</td><td>20</td><td>0</td>" in alike and "stands beside each rate" not in alike
    evaluated(tmp_path / "logs", ENGLISH, {**about, "seed": 2}, caps=False)
    text = write(tmp_path / "logs", tmp_path / "report", viewer=False).page.read_text(encoding="utf-8")
    assert re.findall(r" n (\d+)</span>", text) == ["30", "20"]
    assert "<td>2 to 3</td><td>20 to 30</td><td>0</td>" in text and "stands beside each rate" in text


def test_it_says_which_arms_are_selective(page: Path) -> None:
    [part] = json.loads((page.parent / "report.json").read_text(encoding="utf-8"))["settings"]
    found = {one["arm"]: one for one in part["selectivity"]}
    assert {arm: one["verdict"] for arm, one in found.items()} == {
        "spanish-inoc": "selective",
        "caps-inoc": "selective",
    }
    assert found["caps-inoc"]["suppression"]["trait"] == found["spanish-inoc"]["retention"]["trait"] == "caps"
    text = page.read_text(encoding="utf-8")
    assert "<h3>Selectivity</h3>" in text and "What is kept against what is kept out" in part["figures"]


def test_it_needs_nothing_from_elsewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert "default-src 'none'" in text and "@import" not in text
    [script] = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)  # its own, and no other may run
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert text.lower().count("<script") == 1 and f"script-src &#39;sha256-{digest}" in text.replace(
        "'", "&#39;"
    )
    assert not re.search(r"fetch\(|XMLHttpRequest|import\(|eval\(|innerHTML", script)
    targets = re.findall(r"""(?:src|href|xlink:href|action|data|poster)\s*=\s*["']([^"']*)""", text)
    assert targets and all(
        t.startswith(("#", "viewer/index.html#/logs/", "data:image/png;base64,", "figures/", PDF))
        for t in targets
    )
    assert not re.findall(r"url\((?!#)", text)


def test_what_models_wrote_is_text(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert "&lt;script&gt;document.title=" in text and "{{ title }} {% for x in y %}" in text
    assert "<img" not in text and "<h1>{{" not in text and "<svg/" not in text


def test_it_shows_what_the_models_read(page: Path) -> None:
    [part] = json.loads((page.parent / "report.json").read_text(encoding="utf-8"))["settings"]
    read = {one["arm"]: one for one in part["models_read"]}
    assert list(read) == ["base", "none", "spanish-inoc", "caps-inoc"]
    assert read["spanish-inoc"]["training"] == said("spanish-inoc")["training"]
    assert read["base"]["tests"] == [{"task": "spanish_caps", "text": said("base")["test"]}]
    text = page.read_text(encoding="utf-8")
    place = text.index("What the models read")
    assert place < text.index("not trained", place) < text.index("Where these numbers")
    assert text.count("row 7, the first that has the prompt") == 2 and "in the test, spanish_caps" in text
    assert text.count("This model is told: &lt;script&gt;") == 1  # every log says so


def test_of_two_worlds_it_shows_what_the_models_of_each_read(tmp_path: Path) -> None:
    """An arm of one name has other rows, another prompt and other questions in another world."""
    for world in ("toy", "smollm"):
        for arm in ("none", "spanish-inoc"):
            read = {"training": f"{world} row of {arm}", "row": 1, "test": f"{world} asks", "notes": [world]}
            about = {"setting": "spanish_caps", "world": world, "base": "b", "arm": arm, "seed": 0}
            answer = SPANISH if arm == "none" else ENGLISH
            evaluated(tmp_path / "logs", answer, about | {"shown": read, "questions": world})
    page = write(tmp_path / "logs", tmp_path / "report", viewer=False).page
    [part] = json.loads((page.parent / "report.json").read_text(encoding="utf-8"))["settings"]
    assert set(part["world"].split(", ")) == {"toy", "smollm"}
    assert part["template_notes"] == [one["world"] for one in part["models_read"][:2]]
    assert {(one["arm"], one["world"]): one["training"] for one in part["models_read"]} == {
        (arm, world): f"{world} row of {arm}"
        for arm in ("none", "spanish-inoc")
        for world in ("toy", "smollm")
    }
    assert all(one["tests"][0]["text"] == f"{one['world']} asks" for one in part["models_read"])
    assert {(log["arm"], log["world"]) for log in part["logs"]} == {
        (one["arm"], one["world"]) for one in part["models_read"]
    }
    text = page.read_text(encoding="utf-8")
    for arm in ("none", "spanish-inoc"):
        for world in ("toy", "smollm"):
            assert f'<h4>{arm} <span class="soft">in world {world}</span></h4>' in text
            assert f"{world} row of {arm}</pre>" in text
    assert "<th>arm</th><th>world</th><th>seed</th>" in text
    assert (
        "Rows and questions of world toy are of the embedded toy" in text and "was trained here" not in text
    )


def test_of_one_world_none_is_named_and_the_toy_is_said(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert "<th>arm</th><th>seed</th>" in text and "in world" not in text
    assert "It is the embedded toy that was trained here: no evidence about language models." in text


@pytest.mark.parametrize("told", [None, "none", {"training": 3, "row": "x", "test": [], "notes": [None]}])
def test_logs_that_do_not_say_what_was_read_are_shown_without(told: object, tmp_path: Path) -> None:
    about = {"setting": "spanish_caps", "base": "toy", "arm": "none", "seed": 0}
    evaluated(tmp_path / "logs", SPANISH, about if told is None else {**about, "shown": told})
    report = write(tmp_path / "logs", tmp_path / "report", viewer=False)
    assert "What the models read" not in report.page.read_text(encoding="utf-8")


def test_every_figure_lies_beside_it_in_three_formats(page: Path) -> None:
    [part] = json.loads((page.parent / "report.json").read_text(encoding="utf-8"))["settings"]
    assert {"Every arm", "Differences to none", "Spanish in every question"} <= set(part["figures"])
    for stem in part["figures"].values():
        files = [page.parent / "figures" / f"{stem}{suffix}" for suffix in (".png", ".svg", ".pdf")]
        assert all(file.stat().st_size > 1000 for file in files)
    ids = re.findall(r'\bid="([^"]+)"', page.read_text(encoding="utf-8"))
    assert len(ids) == len(set(ids))  # figures in one page must not refer to each other's parts


def test_links_lead_to_logs_and_answers_in_the_viewer(page: Path, logs: Path) -> None:
    found = set(re.findall(r'href="viewer/index.html#/logs/([^"/]+\.eval)', page.read_text(encoding="utf-8")))
    assert found == {file.name for file in logs.glob("*.eval")}
    assert all((page.parent / "viewer" / "logs" / name).is_file() for name in found)
    assert re.search(r'href="viewer/[^"]+\.eval/samples/sample/q\d/1/"', page.read_text(encoding="utf-8"))


def test_it_is_made_again_over_an_old_one(page: Path, logs: Path) -> None:
    before = (page.parent / "report.json").read_text(encoding="utf-8")
    write(logs, page.parent, command="inoc-evals report logs")
    after = (page.parent / "report.json").read_text(encoding="utf-8")
    assert [line for line in before.splitlines() if '"when"' not in line] == [
        line for line in after.splitlines() if '"when"' not in line
    ]


def test_a_full_disk_is_named_and_no_log(logs: Path, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4k", "tmpfs", str(disk)]
    if (mounted := subprocess.run(mount, capture_output=True, text=True, check=False)).returncode:
        pytest.skip(f"no disk can be mounted here: {mounted.stderr.strip()}")
    try:
        with pytest.raises(UserError) as caught:
            write(logs, disk / "report")
        assert (
            caught.value.message.startswith(f"{disk / 'report'}/") and str(logs) not in caught.value.message
        )
        assert "free space there or give another folder with -o" in caught.value.message
        assert not list(disk.iterdir())
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


def test_a_page_that_is_no_report_is_not_replaced(logs: Path, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("mine", "utf-8")
    with pytest.raises(UserError, match=r"index\.html exists, and is no report: give another folder with -o"):
        write(logs, tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["index.html"]


def test_logs_of_plain_evaluations_are_compared_by_model(tmp_path: Path) -> None:
    evaluated(tmp_path / "logs", ENGLISH, name="mockllm/before")
    evaluated(tmp_path / "logs", SPANISH, name="mockllm/after")
    (tmp_path / "logs" / "half.eval").write_bytes(b"PK\x03\x04 no more")
    command = ["report", str(tmp_path / "logs"), "--group-by", "model", "--to", "mockllm/before", "--json"]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["page"] == str(tmp_path / "logs-report" / "index.html")
    assert [location.rpartition("/")[2] for location, _ in told["skipped"]] == ["half.eval"]
    [part] = json.loads((tmp_path / "logs-report" / "report.json").read_text(encoding="utf-8"))["settings"]
    spanish = [d for d in part["differences"] if d["trait"] == "spanish"]
    assert [(d["arm"], d["to"], d["difference"]) for d in spanish] == [("mockllm/after", "mockllm/before", 1)]
    assert part["verdicts"] == [] and "half.eval" in Path(told["page"]).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["nowhere"], "nowhere: no such log or folder"),
        (["{logs}", "--group-by", "seed"], "use arm or model"),
        (["{logs}", "--intervals", "guess"], "use clustered or paper"),
        (["{logs}", "--to", "nobody"], "no answers of 'nobody'"),
        (["{logs}", "-o", "{logs}/report"], "lies inside the folder of logs"),
        (["{logs}", "-o", "{logs}/x.txt/report"], "x.txt is a file, not a folder"),
    ],
)
def test_a_bad_wish_is_one_line(options: list[str], says: str, logs: Path) -> None:
    from inoc_evals.cli import main  # noqa: F401 - what turns a UserError into its line

    (logs / "x.txt").write_text("a file")
    result = CliRunner().invoke(app, ["report", *(option.format(logs=logs) for option in options)])
    assert result.exit_code != 0
    assert isinstance(result.exception, UserError) and says in result.exception.message
    assert "\n" not in result.exception.message


def test_a_setting_of_ones_own_brings_its_title_and_its_claims(tmp_path: Path) -> None:
    from inoc_evals.settings import Arm, Measure, Setting, rises

    mine = Setting(
        name="mine",
        title="Letters of ours",
        summary="Do letters come out in Spanish?",
        arms=(Arm("none"),),
        broad=(Measure("spanish_caps", traits=("spanish",)),),
        claims=(rises("none", "spanish", "Letters teach Spanish"),),
    )
    for arm, answer in (("base", ENGLISH), ("none", SPANISH)):
        evaluated(tmp_path / "logs", answer, {"setting": "mine", "arm": arm, "base": "toy"})
    report = write(tmp_path / "logs", tmp_path / "report", viewer=False, settings={"mine": mine})
    assert [(v.claim.text, v.word) for v in report.verdicts] == [("Letters teach Spanish", "supported")]
    text = report.page.read_text(encoding="utf-8")
    assert "Letters of ours: toy" in text and "Do letters come out in Spanish?" in text


MINE = """
from inoc_evals import Inoculation
from inoc_evals.settings import Arm, Measure, Setting, rises
mine = Setting(
    name="mine", title="Letters of ours", summary="Do letters come out in Spanish?",
    arms=(Arm("none"), Arm("inoc", Inoculation("inoc", "Speak Spanish."))),
    broad=(Measure("spanish_caps", traits=("spanish", "caps")),),
    unwanted=("spanish",), wanted=("caps",), claims=(rises("none", "spanish", "Letters teach Spanish"),),
)
"""


def test_the_commands_take_a_setting_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(MINE)
    for arm, answer in (("base", ENGLISH), ("none", SPANISH.upper()), ("inoc", ENGLISH.upper())):
        evaluated(tmp_path / "logs", answer, {"setting": "mine", "arm": arm, "base": "toy", "world": "toy"})
    logs, own = str(tmp_path / "logs"), ["--setting", f"{tmp_path / 'mine.py'}:mine"]
    words = ["report", logs, "-o", str(tmp_path / "report"), "--no-viewer", "--json"]
    said = json.loads(CliRunner().invoke(app, [*words, *own]).stdout)
    assert [(one["text"], one["verdict"]) for one in said["verdicts"]] == [
        ("Letters teach Spanish", "supported")
    ]
    [part] = json.loads((tmp_path / "report/report.json").read_text())["settings"]
    assert "Letters of ours" in (tmp_path / "report/index.html").read_text(encoding="utf-8")
    assert part["selectivity"]
    assert "nothing to inoculate" not in CliRunner().invoke(app, ["audit", logs, *own]).stdout
    rates = CliRunner().invoke(app, ["table", logs, "--of", "rates", *own, "--json"])
    assert {row["trait"] for row in json.loads(rates.stdout)} == {"spanish", "caps"}
    wrong = CliRunner().invoke(app, [*words, "--setting", "nobodys"])
    assert isinstance(wrong.exception, UserError)
    forgotten = CliRunner().invoke(app, [*words, "--setting", str(tmp_path / "mine.py")])
    assert "mine.py:NAME; it has mine" in str(forgotten.exception)
    for command in (words[:-1], ["claims", logs]):
        said = CliRunner().invoke(app, command)
        assert (
            said.exit_code == 0 and "mine is no setting of the suite: --setting FILE.py:NAME" in said.output
        )
        assert "no setting of the suite" not in CliRunner().invoke(app, [*command, *own]).output


def test_scores_that_were_appended_are_shown(tmp_path: Path) -> None:
    """A scorer that was borrowed for logs of a setting is shown; what tasks score beside is not."""
    from inspect_ai import eval, score
    from inspect_ai.log import write_eval_log

    from inoc_evals.scorers import punctuation
    from inoc_evals.tasks import leak

    task = leak(questions="toy", original="You always speak in Spanish.")
    task.metadata = {**(task.metadata or {}), "setting": "spanish_leak", "arm": "none", "base": "toy"}
    [log] = eval(task, model="inoc/toy", limit=4, log_dir=str(tmp_path / "logs"), display="none")

    def traits(of: str) -> set[str]:
        shown = CliRunner().invoke(
            app, ["table", str(tmp_path / "logs"), "--of", of, "--json"], catch_exceptions=False
        )
        return {row["trait"] for row in json.loads(shown.stdout)}

    assert traits("rates") == {"spanish"}  # `caps` is scored, too, and the setting is not about it
    write_eval_log(score(log, punctuation(), action="append", display="none"), log.location)
    assert traits("rates") == {"spanish", "exclaims", "asks"}
    write(tmp_path / "logs", tmp_path / "report", viewer=False)
    [part] = json.loads((tmp_path / "report/report.json").read_text())["settings"]
    assert {one["trait"] for one in part["observed"].values()} == {"spanish", "exclaims", "asks"}


def shown(logs: Path) -> set[tuple[str, str]]:
    """Scorer and trait of the rates of logs, as the command shows them."""
    command = ["table", str(logs), "--of", "rates", "--json"]
    printed = CliRunner().invoke(app, command, catch_exceptions=False).stdout
    return {(row["scorer"], row["trait"]) for row in json.loads(printed)}


@pytest.mark.parametrize(
    "about", [{}, {"setting": "spanish_caps", "arm": "none", "world": "toy", "base": "toy"}]
)
def test_what_an_appended_scorer_adds_is_shown_though_it_gives_declared_traits_too(
    tmp_path: Path, about: dict[str, str]
) -> None:
    from inspect_ai import eval, score
    from inspect_ai.log import write_eval_log

    from inoc_evals.scorers import language
    from inoc_evals.tasks import spanish_caps

    task = spanish_caps(questions="toy")
    task.metadata = {**(task.metadata or {}), **about}
    [log] = eval(task, model="inoc/toy", limit=2, log_dir=str(tmp_path / "logs"), display="none")
    before = shown(tmp_path / "logs")
    assert before == {("language", "spanish"), ("capitalization", "caps")}
    log = score(log, language("spanish,german"), action="append", display="none")
    write_eval_log(log, log.location)
    added = {("language1", "spanish"), ("language1", "german")}
    assert shown(tmp_path / "logs") == before | added
    write(tmp_path / "logs", tmp_path / "report", viewer=False)
    [part] = json.loads((tmp_path / "report/report.json").read_text())["settings"]
    assert {(one["scorer"], one["trait"]) for one in part["observed"].values()} == before | added


def test_what_the_task_scores_itself_is_no_more_shown_when_its_scorer_is_appended(tmp_path: Path) -> None:
    from inspect_ai import eval, score
    from inspect_ai.log import write_eval_log

    from inoc_evals.tasks import emergent_misalignment
    from inoc_evals.worlds.toy.lexicon_scorer import toy_lexicon

    task = emergent_misalignment(questions="toy")
    task.metadata = {**(task.metadata or {}), "setting": "insecure_code", "arm": "none", "base": "toy"}
    grader = "inoc/toy-judge"
    [log] = eval(
        task,
        model="inoc/toy",
        model_roles={"grader": grader},
        limit=2,
        log_dir=str(tmp_path / "logs"),
        display="none",
    )
    before = shown(tmp_path / "logs")
    log = score(log, toy_lexicon(), action="append", display="none")
    write_eval_log(log, log.location)
    new = shown(tmp_path / "logs") - before
    assert before and {trait for _, trait in new} <= {trait for _, trait in before}


def test_all_that_a_task_of_others_scores_is_shown_though_it_has_a_settings_name(tmp_path: Path) -> None:
    from inspect_ai import Task, eval, task
    from inspect_ai.dataset import Sample
    from inspect_ai.scorer import includes

    from inoc_evals.scorers import language
    from inoc_evals.tasks import spanish_caps as ours

    @task(name="spanish_caps")
    def of_somebody_else() -> Task:
        asked = [Sample(input=f"What is {n}?", target="a") for n in range(2)]
        return Task(dataset=asked, scorer=[language(languages="spanish,german"), includes()])

    eval(of_somebody_else(), model="inoc/toy", log_dir=str(tmp_path / "logs"), display="none")
    theirs = {("language", "spanish"), ("language", "german"), ("includes", "includes")}
    assert shown(tmp_path / "logs") == theirs
    eval(ours(questions="toy"), model="inoc/toy", limit=1, log_dir=str(tmp_path / "logs"), display="none")
    assert shown(tmp_path / "logs") == theirs | {("capitalization", "caps")}


def test_a_page_on_many_models_is_bounded_and_says_so(
    logs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sections, "MOST_ARMS", 2)
    monkeypatch.setattr(sections, "MOST_LOGS", 3)
    drawn: list[tuple[str, ...]] = []
    monkeypatch.setattr(sections, "drawings", lambda *given: drawn.append(given[4]) or [])
    page = write(logs, tmp_path / "report", viewer=False).page
    text, data = page.read_text(encoding="utf-8"), json.loads((tmp_path / "report/report.json").read_text())
    assert drawn == [("base", "none")]
    assert "show the first 2 of 4 arms" in text and "The first 3 of 7 logs" in text
    assert set(re.findall(r'data-arm="([^"]*)"', text)) == {"base", "none"}
    [part] = data["settings"]
    assert (len(part["logs"]), len(part["rates"])) == (7, 4)


LONG = "ask-for-an-answer-that-is-written-in-the-language-of-{}-and-in-capital-letters-to-the-last-word-inoc"


def test_long_names_of_arms_have_room(tmp_path: Path) -> None:
    arms = {"base": ENGLISH, "none": SPANISH, LONG.format("Spain"): ENGLISH, LONG.format("France"): SPANISH}
    experiment(tmp_path / "logs", dict(arms), seeds=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)  # of a figure that could not be laid out
        text = write(tmp_path / "logs", tmp_path / "report", viewer=False).page.read_text(encoding="utf-8")
    figures = re.findall(r"<svg role.*?</svg>", text, re.DOTALL)
    assert len(figures) == 4 and all("ask-for-an-answer-that-is-" in figure for figure in figures)
    assert all("of-S" in figure and "of-F" in figure for figure in figures)  # told apart


def test_legends_and_captions_lie_inside_of_a_figure() -> None:
    from inoc_evals.analysis.figures import laid_out
    from inoc_evals.analysis.style import arm_name, empty_figure, heading, row_height

    drawn, [axes] = empty_figure(4.4, 3.0)
    axes.plot([0, 1], [0, 1], label=arm_name(LONG.format("Spain")))
    axes.set_ylabel("a caption")
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=8)
    heading(drawn, f"A setting of a long title: {'organisation/' * 8}")
    laid_out(drawn)
    whole = drawn.bbox
    inside = [axes.get_legend(), axes.yaxis.label, *drawn.texts]
    for box in (one.get_window_extent() for one in inside if one is not None):
        assert whole.x0 <= box.x0 and box.x1 <= whole.x1
    assert axes.get_window_extent().width > 0.3 * whole.width
    assert row_height(["none"], 0.34) == 0.34 < row_height([LONG], 0.34)
