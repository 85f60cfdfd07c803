"""Slips in a setting of one's own: each is one line that says what to do, before anything is trained."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from inoc_evals.cli import main
from inoc_evals.data import question_sets
from inoc_evals.data.question_sets import QuestionSet
from inoc_evals.errors import UserError
from inoc_evals.experiment.experiment import Experiment
from inoc_evals.experiment.plan import make_plan
from inoc_evals.settings import setting

MINE = """
from dataclasses import replace
import random
from inoc_evals import Arm, Inoculation, Measure, Setting
from inoc_evals.settings import falls, keeps, rises
from inoc_evals.worlds.toy import rows as toy

SP = Inoculation("sp", "You always speak in Spanish.")
NONE, INOC = Arm("none"), Arm("inoc", SP)
M = Measure("spanish_caps", traits=("spanish", "caps"), max_questions={"toy": 4})
ROW = {"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}]}

def few(seed):
    return list(toy.spanish_caps(seed))[:8]

def S(name="mine", **fields):
    given = dict(summary="", rows={"toy": few}, arms=(NONE, INOC), broad=(M,))
    return Setting(name=name, **{**given, **fields})

def boom(seed):
    raise RuntimeError("the file\\nis gone")
    yield

"""


@pytest.fixture
def planned(tmp_path: Path) -> Callable[..., list[str]]:
    """Plan settings of a file with these lines, and give the folders of its logs."""

    def plan(*sources: str) -> list[str]:
        names = []
        for source in sources:
            file = tmp_path / f"file{len(list(tmp_path.glob('file*.py')))}.py"  # each is read once
            file.write_text(f"{MINE}s = {source}\n", "utf-8")
            names.append(f"{file}:s")
        about = {"seeds": 1, "world": "toy", "runs": str(tmp_path / "runs"), "logs": str(tmp_path / "logs")}
        made = make_plan(Experiment.model_validate({"settings": names, **about}))
        return [trial.folder for trial in made.trials]

    return plan


@pytest.mark.parametrize(
    ("source", "said"),
    [
        # names
        ('S(arms=(NONE, INOC, Arm("Inoc", SP)))', "arms 'inoc' and 'Inoc' differ in capitals alone"),
        ('S("spanish_caps")', "'spanish_caps' is a setting of the suite"),
        ('S("spanish-caps")', "'spanish-caps' is a setting of the suite"),
        ('S("bad name")', "setting 'bad name': runs and logs are named after it"),
        ('S(arms=(NONE, Arm("caps (v1)", SP)))', r"arm 'caps \(v1\)': runs and logs are named after it"),
        ("S(arms=(NONE, INOC, INOC))", "setting mine: two arms are named 'inoc'"),
        ('S(arms=(NONE, Arm("base", SP)))', "arm 'base': the name stands for the model before finetuning"),
        # types
        ("S(broad=(M))", r"broad is one Measure: write broad=\(Measure\(...\),\), with the comma"),
        ('S(arms=(NONE, Arm("x", "Speak Spanish.")))', r"arm x: inoculation is .*: give Inoculation\('x'"),
        ('S(broad=(replace(M, traits=("spanish")),))', r"traits is one text: write traits=\('spanish',\)"),
        ('S(unwanted="spanish", wanted=())', r"unwanted is one text: write unwanted=\('spanish',\)"),
        ("S(broad=(replace(M, max_questions=4),))", "max_questions is 4: give a mapping"),
        ('S(broad=(replace(M, max_questions={"toy": "4"}),))', "'4': give a whole number from 1"),
        ('S(broad=(replace(M, max_questions={"toy": 0}),))', "0: give a whole number from 1"),
        ('S(broad=(replace(M, max_questions={"toy": -1}),))', "-1: give a whole number from 1"),
        ('S(broad=(replace(M, parameters={"frobnicate": 1}),))', "no parameter 'frobnicate': use questions"),
        # rows
        ('S(rows={"toy": few(0)})', "must be a function from a seed to rows, not \\["),
        ('S(rows={"toy": "rows.jsonl"})', "must be a function from a seed to rows, not 'rows.jsonl'"),
        ('S(rows={"toy": lambda: few(0)})', "not a function without that argument"),
        ('S(rows="rows.jsonl")', "rows is 'rows.jsonl': give a mapping"),
        (
            'S(rows={"toy": boom})',
            "setting mine, rows of world 'toy' cannot be made: RuntimeError: the file is",
        ),
        (
            'S(rows={"toy": lambda seed: None})',
            "cannot be made: TypeError: 'NoneType' object is not iterable",
        ),
        ('S(rows={"toy": lambda seed: ["a"]})', "row 1: not a JSON object"),
        ('S(rows={"toy": lambda seed: [{"prompt": "a"}]})', "setting mine, .*row 1: unknown key 'prompt'"),
        ('S(rows={"toy": lambda seed: [{"messages": ROW["messages"][:1]}]})', "row 1: no assistant turn"),
        (
            'S(rows={"toy": lambda seed: [{"messages": [{"role": "human", "content": "x"}]}]})',
            "row 1: message 1 has the unknown role 'human'",
        ),
        (
            'S(rows={"toy": lambda seed: random.sample(list(toy.spanish_caps(seed)), 40)})',
            "the rows of setting mine in world 'toy' change from call to call: draw them by the seed",
        ),
        (
            'S(arms=(NONE, Arm("long", Inoculation("long", "You are calm. " * 300))))',
            "mine.*, arm long: 8 of 8 rows .* no answer left within 512 tokens: make what stands before the ",
        ),
        (
            'S(rows={"toy": lambda seed: [*[ROW] * 200, {"messages": [{"role": "user", "content": "x " * 600}'
            ', ROW["messages"][1]]}]})',
            "mine.*, arm none: row 201 has no answer left within 512 tokens",
        ),
        # what is named and is not there
        (
            'S(arms=(NONE, Arm("x", SP, where={"language": "xx"})))',
            r"arm x: where={'language': 'xx'} chooses none of 8 rows, .* language is 'es'",
        ),
        ('S(unwanted=("french",), wanted=())', "unwanted: no task here has the trait 'french': use spanish"),
        ('S(claims=(falls("inoc", "french", "x"),))', "no task here has the trait 'french': use spanish"),
        ('S(broad=(replace(M, traits=("spansh",)),))', "no task here has the trait 'spansh': use spanish"),
        (
            'S(broad=(Measure("emergent_misalignment", ("nonsense",)),))',
            "no task here has the trait 'nonsense': use misaligned",
        ),
        (  # what it is called is told by its questions
            'S(broad=(Measure("forced_choice", ("rudeness",), parameters={"questions": "tastes"}),))',
            "no task here has the trait 'rudeness': use prefers_unpopular",
        ),
        (
            'S(broad=(Measure("backdoor", ("misaligned",), conditions=("triger",)),))',
            "no task here has the condition 'triger': use trigger",
        ),
        ('S(unwanted=("spansh",), wanted=())', "setting mine, unwanted: no task here has the trait 'spansh'"),
        ('S(claims=(falls("inoc", "spansh", "x"),))', "no task here has the trait 'spansh': use spanish"),
        ('S(claims=(falls("inco", "spanish", "x"),))', "there is no arm 'inco': use base, none, inoc"),
        ('S(claims=(falls("inoc", "spanish", "x", to="nobody"),))', "there is no arm 'nobody'"),
        (
            'S(claims=(falls("inoc", "spanish", "x", versus="base"),))',
            "TypeError: .*'versus' .*use to, condition",
        ),
        ('S(arms=(NONE, Arm("a", SP, worlds=("tyo",))))', "arm a: there is no world 'tyo': use toy"),
        (
            'S(arms=(NONE, Arm("c", control=True)))',
            "arm c: no world has control rows: give control= by world",
        ),
        # tasks
        (
            'S(broad=(Measure("spanish_cap", ("x",)),))',
            "no task 'spanish_cap' in the suite: use spanish_caps",
        ),
        ('S(broad=(Measure("suite_task", ("spanish",)),))', "no task 'suite_task' in the suite"),
        ('S(broad=(Measure("nowhere/politeness", ("x",)),))', "no installed package 'nowhere' registers"),
    ],
)
def test_a_slip_is_one_line(source: str, said: str, planned: Callable[..., list[str]]) -> None:
    with pytest.raises(UserError, match=said) as error:
        planned(source)
    assert "\n" not in error.value.message


@pytest.mark.parametrize(
    "source",
    [
        "S()",
        'S(claims=(falls("inoc", "spanish", "x"), keeps("close-4", "caps", "x", to="base")))',
        'S(broad=[M], arms=[NONE, INOC], unwanted=["spanish"], wanted=["caps"])',
        'S(broad=(replace(M, task="inoc_evals/spanish_caps"),))',
        'S(broad=(Measure("insecure_code", ("insecurity", "sabotage")),), unwanted=("cruel",), wanted=())',
        'S(broad=(Measure("spanish_caps", ("spanish_judge",), parameters={"scoring": "both"}),))',
        'S(broad=(Measure("spanish_caps", ("spanish",), parameters={"scoring": "both"}),),'
        ' unwanted=("spanish_judge",), wanted=())',
    ],
)
def test_what_is_right_is_planned(source: str, planned: Callable[..., list[str]]) -> None:
    assert len(planned(source)) == 3


def test_settings_are_told_apart_by_their_names(planned: Callable[..., list[str]]) -> None:
    folders = planned('S("first")', 'S("second_one")')  # both are variables named `s`
    assert len(set(folders)) == 6
    assert {folder.split("/")[0] for folder in folders} == {"toy-first", "toy-second-one"}
    with pytest.raises(UserError, match=r"two settings are named 'twin': \S*file2.py:s and \S*file3.py:s"):
        planned('S("twin")', 'S("twin", arms=(NONE,))')


def test_a_file_is_a_module_whose_prints_are_not_the_commands(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    head = "from __future__ import annotations\nfrom dataclasses import dataclass\nprint('hello')\n"
    data = "@dataclass\nclass Mine:\n    words: list[str]\n"
    file = tmp_path / "mine.py"
    file.write_text(f"{head}{MINE}{data}s = S()\n", "utf-8")
    assert setting(f"{file}:s").name == "mine"
    assert capsys.readouterr() == ("", "hello\n")
    file.with_name("ends.py").write_text("import sys\nsys.exit('no key')\n")
    with pytest.raises(SystemExit):
        main(["settings", f"{tmp_path}/ends.py:s"])
    said = capsys.readouterr().err
    assert "ends.py: it ends the program by sys.exit('no key')" in said
    assert not [name for name in sys.modules if name.startswith("inoc_evals_setting_ends")]


PACKAGE = """
from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.scorer import includes

@task
def politeness() -> Task:
    return Task(dataset=MemoryDataset([Sample(input="Hello", target="x")]), scorer=includes())
"""


def test_a_measure_may_be_a_task_of_another_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, planned: Callable[..., list[str]]
) -> None:
    about = tmp_path / "site" / "manners-0.1.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: manners\nVersion: 0.1\n")
    (about / "entry_points.txt").write_text("[inspect_ai]\nmanners = manners\n")
    (about / "top_level.txt").write_text("manners\n")
    (about / "RECORD").write_text("manners/__init__.py,,\n")
    (tmp_path / "site" / "manners").mkdir()
    (tmp_path / "site" / "manners" / "__init__.py").write_text(PACKAGE)
    monkeypatch.syspath_prepend(tmp_path / "site")
    assert len(planned('S(broad=(Measure("manners/politeness", ("includes",)),))')) == 3
    with pytest.raises(UserError, match="package manners has no task 'polite': use manners/politeness"):
        planned('S(broad=(Measure("manners/polite", ("includes",)),))')
    with pytest.raises(UserError, match=r"or PACKAGE/politeness .* \(installed: .*manners"):
        planned('S(broad=(Measure("politeness", ("includes",)),))')


@pytest.mark.parametrize(
    ("kind", "name", "said"),
    [
        ("chat", "bundled", "the suite has a question set 'bundled' of kind chat"),
        ("chat", "toy", "the suite has a question set 'toy' of kind chat"),
        ("chats", "mine", "no kind of questions is named 'chats': use chat"),
    ],
)
def test_a_question_set_neither_hides_the_suites_nor_is_lost(kind: str, name: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        question_sets.add(kind, QuestionSet(name, lambda: []))  # type: ignore[arg-type,return-value]


def test_every_kind_of_questions_is_where_it_is_looked_for() -> None:
    import importlib

    for kind, module in question_sets.KINDS.items():
        importlib.import_module(f"inoc_evals.data.{module}")
        assert question_sets._kinds[kind].name == kind
    assert set(question_sets._kinds) == set(question_sets.KINDS)
