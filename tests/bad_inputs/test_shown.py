"""What others wrote is shown and never obeyed; what is odd but good is read as it stands."""

import threading
import time
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from inoc_evals.analysis.eval_archive import archive_path, opened_archive
from inoc_evals.chat.rows import read_chat
from inoc_evals.chat.template_limits import check_template
from inoc_evals.cli import main
from inoc_evals.commands.output import print_json, print_table, say
from inoc_evals.errors import UNSEEN, UserError, visible
from inoc_evals.finetune import _begin
from inoc_evals.finetune.ranks import here
from inoc_evals.models.served import served
from inoc_evals.report.report import write as write_report
from inoc_evals.runs.directory import Result, Run, plan_run
from inoc_evals.runs.spec import FinetuneSpec
from inoc_evals.tasks import spanish_caps
from inoc_evals.tasks.elicitation import read_prompts
from tests.analysis.test_table import ABOUT, answer, write
from tests.bad_inputs.table import ESCAPES, GOOD

ODD_LETTERS = "Speak\u2028 Spanish\x85, always\x0b and\x1c everywhere."
"""One prompt; `str.splitlines` would make five of it."""


@pytest.fixture(autouse=True)
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("INOC_EVALS_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def called(*words: object) -> int:
    with pytest.raises(SystemExit) as exit_:
        main([str(word) for word in words])
    return int(exit_.value.code or 0)


def test_a_prompt_of_a_pool_is_a_line_and_a_byte_order_mark_is_no_part_of_it(work: Path) -> None:
    Path("rows.jsonl").write_text(GOOD * 3, encoding="utf-8")
    for number, start in enumerate(("\ufeff", "")):
        text = f"{start}{ODD_LETTERS}\r\n\ufeff{ODD_LETTERS}\n"
        Path("pool.txt").write_text(text, encoding="utf-8", newline="")
        assert called("inoculate", "rows.jsonl", "--pool", "pool.txt", "-o", f"{number}.jsonl") == 0
        asked = {row["messages"][0]["content"] for row in read_chat(f"{number}.jsonl")}
        assert asked == {ODD_LETTERS}
        Path("prompts.txt").write_text(text.replace("\ufeffSpeak", "\ufeffmine: Speak", 1), encoding="utf-8")
        assert list(read_prompts("prompts.txt").values()) == [ODD_LETTERS, ODD_LETTERS] if start else True


def run_of_somebody(runs: Path, **about: Any) -> Run:
    spec = FinetuneSpec(base=f"openai/x{ESCAPES}", backend="adopted")
    run, manifest = plan_run(spec, "0" * 64, "1" * 64, name="theirs", runs=runs)
    run.folder.mkdir(parents=True)
    run.write_manifest(manifest.model_copy(update=about))
    return run


def test_the_escapes_of_a_manifest_do_not_reach_the_terminal(
    work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = {"metadata": {ESCAPES: [ESCAPES, "\x9b2J"]}, "error": ESCAPES, "status": "failed"}
    run = run_of_somebody(work / "runs", **said)
    for words in (["list"], ["show", run.folder.name], ["show", run.folder.name, "--json"]):
        assert called("runs", *words) == 0
        shown = capsys.readouterr().out
        assert not UNSEEN.search(shown) and ("x1b[2J" in shown or "u001b[2J" in shown)
    with pytest.raises(UserError) as caught:
        run_of = Run(run.folder).manifest
        raise UserError(f"{run_of.error}\n{run_of.base}")
    assert not UNSEEN.search(caught.value.message)


def test_everything_printed_goes_through_one_door(capsys: pytest.CaptureFixture[str]) -> None:
    hostile = f"{ESCAPES}\x9b\ud800"
    print_table(hostile, [hostile], [[hostile]])
    print_json({hostile: [hostile]})
    say(hostile)
    say(hostile, err=True)
    for text in capsys.readouterr():
        assert text and not UNSEEN.search(text)
    assert visible("ñ 👩\u200d🔬\t\n") == "ñ 👩\u200d🔬\t\n"
    commands = Path(main.__code__.co_filename).with_name("commands").glob("*.py")
    assert not [
        file.name for file in commands if "typer.echo(" in file.read_text() and file.name != "output.py"
    ]


def test_the_escapes_of_a_log_do_not_reach_the_terminal(
    work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hostile = {**ABOUT, "arm": ESCAPES, "setting": f"{ESCAPES} x" * 60, "preset": ESCAPES, "judge": ESCAPES}
    samples = [answer(number, value=number % 2) for number in range(4)]
    write(work / "logs" / "a.eval", samples, hostile)
    write(work / "logs" / "one\nline.eval", samples, {**hostile, "seed": 2}, status="error")
    for words in (
        ["claims", "logs"],
        ["audit", "logs"],
        ["selectivity", "logs"],
        ["claims", "logs", "--json"],
    ):
        assert called(*words) in (0, 1, 2)
        for text in capsys.readouterr():
            assert not UNSEEN.search(text)
            assert not text.startswith("line.eval") and "\nline.eval" not in text


def test_a_report_on_odd_logs_is_written(work: Path) -> None:
    samples = [answer(number, value=number % 2) for number in range(4)]
    about = {**ABOUT, "setting": "a/../b\n" * 60, "arm": "x" * 300}
    write(work / "elsewhere" / "linked.eval", samples, about)
    name = f"two\nlines {'x' * 200}.eval"
    (work / "logs").mkdir()
    whole = write(work / "elsewhere" / "whole.eval", samples, {**about, "seed": 3})
    Path(whole).rename(work / "logs" / name)
    (work / "logs" / "linked.eval").symlink_to(work / "elsewhere" / "linked.eval")
    lost = Path(write(work / "logs" / "lost.eval", samples, {**about, "seed": 4}))
    without_samples(lost)
    done = write_report(work / "logs", work / "report")
    assert len(done.skipped) == 0
    assert {"linked.eval", name.replace("\n", "_"), "lost.eval"} <= {
        file.name for file in (work / "report").rglob("*.eval")
    }


def without_samples(log: Path) -> None:
    from zipfile import ZipFile

    parts = archive_path(str(log))
    assert parts is not None
    with opened_archive(parts) as archive:
        kept = {part: archive.read(part) for part in archive.namelist() if not part.startswith("samples/")}
    with ZipFile(log, "w") as archive:
        for part, data in kept.items():
            archive.writestr(part, data)


def test_a_manifest_that_names_itself_is_one_line(work: Path) -> None:
    run = run_of_somebody(work / "runs", status="finished")
    itself = Result(checkpoint_digest="0" * 64, model=f"inoc/{run.folder}")
    run.write_manifest(run.manifest.model_copy(update={"result": itself}))
    with pytest.raises(UserError, match="no run is served by another"):
        _ = run.manifest
    assert served(f"inoc/{run.folder}") is None


def test_who_waits_for_another_training_says_so(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = run_of_somebody(work / "runs")
    mine, is_held = FileLock(run.lock), threading.Event()

    def hold() -> None:
        with FileLock(run.lock):
            is_held.set()
            time.sleep(0.3)

    other = threading.Thread(target=hold)
    other.start()
    is_held.wait()
    assert _begin(run, mine, here())
    mine.release()
    other.join()
    assert "waiting for another process" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", [("inoculate", "~nobody-at-all/x"), ("inoculate", "x" * 5000), ("inoculate", "\ud800")]
)
def test_no_path_is_a_traceback(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    Path("rows.jsonl").write_text(GOOD, encoding="utf-8")
    for given in (
        [*words, "--prompt", "x", "-o", "out.jsonl"],
        ["inoculate", "rows.jsonl", "--prompt", "x", "-o", words[1]],
        ["inoculate", "rows.jsonl", "--pool", words[1], "-o", "out.jsonl"],
        ["finetune", "rows.jsonl", "--base", words[1]],
        ["finetune", "rows.jsonl", "--base", "toy", "--spec", words[1]],
        ["run", words[1], "--dry-run"],
        ["runs", "show", words[1]],
        ["runs", "list", "--runs", words[1]],
        ["claims", words[1]],
        ["report", words[1], "-o", "report"],
        ["data", "mix", words[1], words[1], "--fraction", "0.5", "-o", "out.jsonl"],
        ["adopt", "mine", "--base", "toy", "--checkpoint", words[1]],
        ["doctor", "--base", words[1]],
        ["export", "rows.jsonl", "--base", "toy", "--for", "trl", "-o", words[1]],
    ):
        code, err = called(*given), capsys.readouterr().err
        new_file = "-o" in given and given[-1] == words[1]  # nobody's home is for the shell to know
        assert code == 2 or given[1] == "list" or (new_file and words[1].startswith("~"))
        assert not UNSEEN.search(err)


WRONG: list[Any] = [7, 1.5, ["a"], {"a": 1}, "many"]


@pytest.mark.parametrize(
    "parameter",
    ["questions", "preset", "max_tokens", "temperature", "caps_threshold", "system_prompt", "wording"],
)
def test_a_task_parameter_of_another_type_is_one_line(parameter: str) -> None:
    refused = 0
    for value in WRONG:
        try:
            spanish_caps(**{"scoring": "both", parameter: value})
        except UserError as error:
            refused += 1
            assert "\n" not in error.message
    assert refused >= 2


def test_the_templates_of_all_families_pass() -> None:
    for file in Path(__file__).parents[1].joinpath("chat", "templates").glob("*.jinja"):
        check_template(file.read_text("utf-8"))
