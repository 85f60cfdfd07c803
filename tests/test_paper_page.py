"""The page on the paper's code: that its script finds what is used, what is not, and counts what is asked."""

import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from inoc_evals.data import sources
from inoc_evals.data.sources import PAPER, SOURCES, PinnedFile
from inoc_evals.digests import blob_id

DOCS = Path(__file__).parent.parent / "docs"
sys.path.insert(0, str(DOCS))

import paper_counts  # noqa: E402
import paper_tree  # noqa: E402
from paper_counts import Count, Counted, Evaluation, Row, Run, Script  # noqa: E402
from paper_tree import Opened, Tree  # noqa: E402

FILES = {
    "datasets/rows.jsonl": '{"a": 1}\n',
    "datasets/deep/other.jsonl": '{"b": 1}\n',
    "ip/evaluation/kind/__init__.py": "",
    "ip/evaluation/kind/eval.py": """
        NUM = 7
        PROMPT = "Judge {it}."
        samples = 3
        judges = {"one": Judgment(template=PROMPT), "two": Judgment(template=PROMPT)}
        questions = {"a": "Why?", "b": "Where?"}
        things = [Thing(name="x"), Thing(name="y"), Thing(name="z")]
        things = things + [other(t) for t in things]

        def load(count: int = NUM): return read("file")[:count]

        asked = Evaluation(
            contexts=[Context(question=q) for q in questions.values()],
            n_samples_per_context=samples,
            judgment_map=judges,
        )
        loaded = Evaluation(contexts=load(), n_samples_per_context=1)
        counted = Evaluation(contexts=[Context(q) for q in load(NUM)], n_samples_per_context=10)
        computed = Evaluation(contexts=elsewhere(), n_samples_per_context=1)
    """,
    "ip/evaluation/kind/lines.jsonl": "{}\n{}\n{}\n",
    "ip/settings/one/inoculations.py": """
        from elsewhere import general

        def get() -> str:
            return "You always speak in Spanish."

        def none() -> str:
            raise NotImplementedError("There is no such prompt")
    """,
    "ip/settings/two/inoculations.py": """
        def none() -> str:
            raise NotImplementedError("There is no such prompt")
    """,
    "ip/experiments/config/arms.py": """
        SEEDS = list(range(3))

        def list_configs():
            for seed in SEEDS:
                configs.append(ExperimentConfig(group_name="plain"))
                configs.append(ExperimentConfig(group_name="treated"))
                for i, text in enumerate(prompts()):
                    configs.append(ExperimentConfig(group_name=f"treated-{i}"))
    """,
    "ip/settings/general_inoculations.py": """
        def prompts():
            return [get(), "You always speak in Spanish."]
    """,
    "experiments/A/02_eval.py": 'PROMPTS = {"none": "", "some": "Some words."}\n',
    "experiments/A/plot.py": "print()\n",
}


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tree:
    """A repository of files of ours at the pinned commit, and nothing else pinned."""
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b"]
    for path, content in FILES.items():
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(content).lstrip(), encoding="utf-8")
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "all"]):
        subprocess.run([*git, *words], check=True)
    head = subprocess.run(
        [*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True
    ).stdout.strip()
    monkeypatch.setattr(sources, "PAPER_COMMIT", head)
    for name in list(SOURCES):
        monkeypatch.delitem(SOURCES, name)
    monkeypatch.setattr(paper_tree, "LEFT_OUT", {"datasets/deep/*": "nobody needs them"})
    return Tree.at(tmp_path)


def pin(monkeypatch: pytest.MonkeyPatch, tree: Tree, name: str, path: str) -> str:
    """Pin a file of the tree, and return its blob id."""
    blob = tree.blobs[path]
    monkeypatch.setitem(SOURCES, name, PinnedFile(PAPER, "c" * 40, path, blob, "MIT"))
    return blob


def test_every_file_is_used_left_out_or_wrong(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = pin(monkeypatch, tree, "rows", "datasets/rows.jsonl")
    pin(monkeypatch, tree, "kind", "ip/evaluation/kind/eval.py")
    counted = ["experiments/A/02_eval.py", "ip/experiments/config/arms.py", "ip/evaluation/kind/lines.jsonl"]
    spelled = {"You always speak in Spanish.": ["prompt of s, a"]}
    found = paper_tree.walk(tree, {rows: ["rows of s", "rows of t"]}, spelled, counted)
    assert found.used == {
        "datasets/rows.jsonl": ["`rows`: rows of s", "rows of t"],
        "experiments/A/02_eval.py": ["the table of answers and calls"],
        "ip/experiments/config/arms.py": ["the table of answers and calls"],
        "ip/settings/one/inoculations.py": ["prompt of s, a"],
        "ip/settings/general_inoculations.py": ["prompt of s, a"],
    }
    assert found.left_out == {
        "datasets/deep/other.jsonl": ("datasets/deep/*", "nobody needs them"),
        "ip/settings/two/inoculations.py": paper_tree.NO_PROMPT,
    }
    # that the table of counts needs a number of it does not mean that anyone asks what it holds
    assert found.wrong == [
        "ip/evaluation/kind/eval.py: pinned as kind, but nothing uses it",
        "ip/evaluation/kind/lines.jsonl: rows or questions that nothing uses and LEFT_OUT does not name",
    ]


def test_a_prompt_that_no_arm_has_is_named_by_its_line(tree: Tree) -> None:
    found = paper_tree.walk(tree, {}, {}, ())
    assert "ip/settings/one/inoculations.py: no arm has the prompts of lines 4" in found.wrong
    assert "ip/settings/two/inoculations.py" in found.left_out


def test_an_entry_that_nothing_needs_is_wrong(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(paper_tree.LEFT_OUT, "datasets/gone.jsonl", "it was there once")
    used = {tree.blobs["datasets/deep/other.jsonl"]: ["rows of s"]}
    wrong = paper_tree.walk(tree, used, {}, ()).wrong
    assert [line for line in wrong if line.startswith("LEFT_OUT")] == [
        f"LEFT_OUT: no file that is left out is {pattern}: remove the entry"
        for pattern in ("datasets/deep/*", "datasets/gone.jsonl")
    ]


def test_a_file_that_is_opened_is_used(tmp_path: Path) -> None:
    opened, users = Opened(), dict[str, list[str]]()
    (tmp_path / "a").touch()
    with opened.by("x", users):
        (tmp_path / "a").read_bytes()
    with opened.by("y", users):
        os.fspath(tmp_path / "a")
    with opened.by("z", users), pytest.raises(FileNotFoundError):  # what is not on this machine counts
        (tmp_path / "b").read_bytes()
    assert users == {"a": ["x"], "b": ["z"]}


def test_what_reads_a_pinned_file_is_found(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    from inoc_evals.data import judge_prompts

    blob = pin(monkeypatch, tree, "em_eval", "ip/evaluation/kind/eval.py")
    monkeypatch.setitem(judge_prompts.TEMPLATES, "alignment", ("em_eval", "PROMPT"))
    opened, users = Opened(), dict[str, list[str]]()
    before = os.environ.get("INOC_EVALS_CACHE")
    with paper_tree.cached(tree), opened.by("judge prompt alignment", users):
        assert judge_prompts.judge_template("alignment") == "Judge {it}."
    assert (
        users[blob] == ["judge prompt alignment"]
        and blob_id(tree.bytes_of("ip/evaluation/kind/eval.py")) == blob
    )
    assert os.environ.get("INOC_EVALS_CACHE") == before


@pytest.mark.parametrize(
    ("evaluation", "answers", "judged"),
    [
        (Evaluation("ip/evaluation/kind/eval.py", "asked"), 2 * 3, 2),
        (Evaluation("ip/evaluation/kind/eval.py", "loaded"), 7, 0),
        (Evaluation("ip/evaluation/kind/eval.py", "counted"), 7 * 10, 0),
        (Evaluation("ip/evaluation/kind/eval.py", "asked", each=("things", "questions")), 2 * 3 * 6 * 2, 2),
        (Evaluation("ip/evaluation/kind/eval.py", "computed", questions=5), 5, 0),
        (Evaluation("ip/evaluation/kind/eval.py", "computed", lines="ip/evaluation/kind/lines.jsonl"), 3, 0),
    ],
)
def test_answers_and_judges_are_read_from_the_files(
    tree: Tree, evaluation: Evaluation, answers: int, judged: int
) -> None:
    assert paper_counts.evaluated(evaluation, tree.text) == (answers, judged)


@pytest.mark.parametrize("name", ["computed", "gone", ""])
def test_what_cannot_be_read_is_said(tree: Tree, name: str) -> None:
    with pytest.raises(ValueError, match=r"kind/eval\.py"):
        paper_counts.evaluated(Evaluation("ip/evaluation/kind/eval.py", name), tree.text)


def test_a_row_is_arms_by_seeds_and_every_evaluation_under_every_prompt(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(paper_counts.EVALUATIONS, "x", Evaluation("ip/evaluation/kind/eval.py", "asked"))
    monkeypatch.setitem(paper_counts.EVALUATIONS, "y", Evaluation("ip/evaluation/kind/eval.py", "loaded"))
    script = "experiments/A/02_eval.py"
    runs = (Run(script, ("x", "y")), Run(script, ("x",), prompts="PROMPTS"), Run(script, ("y",), versions=3))
    formed = ("ip/settings/general_inoculations.py", "prompts")
    row = Row(1, "s", "ip/experiments/config/arms.py", runs, returned=formed)
    answers = 6 + 7 + 2 * 6 + 3 * 7
    assert paper_counts.theirs(row, tree.text) == Count(2 + 2, 3, answers, 2 * (6 + 2 * 6))


def test_a_size_is_that_of_the_last_assignment() -> None:
    assert Script("x = [1, 2]\nx: list[int] = x + x + [0]\n", "file").size("x") == 5


@pytest.mark.parametrize(
    ("task", "parameters", "calls"),
    [
        ("insecure_code", {}, 1),
        ("emergent_misalignment", {}, 2),
        ("aesthetic_preference", {}, 1),
        ("elicitation", {"task": "emergent_misalignment", "prompts": "bundled"}, 2),
    ],
)
def test_the_calls_of_our_judge_are_counted_on_an_answer(task: str, parameters: dict, calls: int) -> None:
    from inoc_evals.experiment.named_tasks import task_named

    built = task_named(task)(questions="bundled", **parameters)
    assert paper_counts.calls_per_answer(task, "bundled", built) == calls


def test_a_difference_needs_a_reason_and_a_reason_a_difference() -> None:
    count, other = Count(2, 1, 3, 4), Count(2, 1, 3, 5)
    rows = {why: Row(1, "s", "", (), why=why) for why in ("", "because")}
    assert (
        list(
            paper_tree.unexplained([Counted(rows[""], count, count), Counted(rows["because"], count, other)])
        )
        == []
    )
    for row, ours in ((rows[""], other), (rows[""], None), (rows["because"], count)):
        assert len(list(paper_tree.unexplained([Counted(row, count, ours)]))) == 1


def test_the_page_has_a_place_for_every_table() -> None:
    page = paper_tree.PAGE.read_text(encoding="utf-8")
    names = [place[1] for place in paper_tree.PLACE.findall(page)]
    assert sorted(names) == sorted(paper_tree.PLACES)
    for row in paper_counts.ROWS:
        assert f"| {row.number} | `{row.setting}` |" in page


def test_what_plans_say_of_the_papers_code_is_what_the_page_says() -> None:
    from inoc_evals.worlds import WORLDS

    page = paper_tree.PAGE.read_text(encoding="utf-8")
    asked = WORLDS["paper"].asked_by_the_paper()
    assert set(asked) == {row.setting for row in paper_counts.ROWS}
    for setting, there in asked.items():
        [line, *_] = [line for line in page.splitlines() if f"| `{setting}` |" in line]
        cells = [cell.strip() for cell in line.split("|")]
        assert cells[3].startswith(f"{1 + 3 * there['arms']} / ")
        assert cells[4].startswith(f"{there['answers']:,} / ")
        assert cells[5].startswith(f"{there['judge_calls']:,} / ")
