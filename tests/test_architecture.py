"""The examples of docs/architecture.md and docs/settings.md are taken from the page and run."""

import re
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from inspect_ai import score
from inspect_ai.log import read_eval_log
from matplotlib.figure import Figure

from inoc_evals import SETTINGS, find_run, read_chat
from inoc_evals.analysis.estimates import rates
from inoc_evals.analysis.table import load
from inoc_evals.data import question_sets
from inoc_evals.errors import UserError
from inoc_evals.experiment.experiment import Experiment
from inoc_evals.experiment.measure_tasks import build
from inoc_evals.experiment.plan import make_plan
from inoc_evals.finetune import backends, finetune
from inoc_evals.models.checkpoint import resolve
from inoc_evals.settings import Measure, setting
from inoc_evals.tasks import spanish_caps
from inoc_evals.worlds import WORLDS

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "architecture.md"
OLD = ROOT / "tests" / "written_by_0_1_0"


def code(page: Path, heading: str) -> str:
    """The Python example under a heading of a page."""
    text = page.read_text("utf-8")
    section = re.search(rf"^#+ {re.escape(heading)}\n(.*?)(?=^#+ [A-Z]|\Z)", text, re.MULTILINE | re.DOTALL)
    assert section is not None, heading
    [example] = re.findall(r"^```python\n(.*?)^```", section[1], re.MULTILINE | re.DOTALL)
    return str(example)


def defined(heading: str) -> dict[str, Any]:
    """What an example of the page defines."""
    names: dict[str, Any] = {"__name__": "example"}
    exec(compile(code(PAGE, heading), heading, "exec"), names)
    return names


@pytest.fixture
def own_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test adds to the question sets goes with it."""
    monkeypatch.setattr(question_sets, "_added", dict(question_sets._added))


@pytest.mark.usefixtures("own_sets")
def test_a_world_is_one_file(monkeypatch: pytest.MonkeyPatch) -> None:
    tickets = defined("A world")["tickets"]
    monkeypatch.setitem(WORLDS, tickets.name, tickets)
    for kind, one in tickets.question_sets.items():  # as worlds/__init__.py does for those in WORLDS
        question_sets.add(kind, one)
    known = SETTINGS["spanish_caps"]
    assert "tickets" in known.worlds
    assert len(list(known.training("tickets").rows(0))) == 2
    inoculated = list(known.prepare(known.arm("spanish-inoc"), "tickets", 0))
    assert inoculated[0]["messages"][0] == {"role": "system", "content": "You always speak in Spanish."}
    built = build(known.broad[0], "tickets")
    assert [sample.input for sample in built.task.dataset] == [
        "How is the weather?",
        "What do you like to read?",
    ]
    plan = make_plan(Experiment(settings=("spanish_caps",), world="tickets", seeds=(0,)))
    assert {trial.spec.base for trial in plan.trials} == {"toy"} and plan.answers == 10
    with pytest.raises(UserError, match="setting backdoor has no rows in world 'tickets'"):
        SETTINGS["backdoor"].training("tickets")


@pytest.mark.usefixtures("own_sets")
def test_a_question_set_is_added_by_name() -> None:
    defined("A question set")
    task = spanish_caps(questions="weekend")
    assert (len(task.dataset), task.epochs) == (2, 5)
    assert len(
        build(Measure("spanish_caps", ("caps",), parameters={"questions": "weekend"}), "toy").task.dataset
    )


@pytest.mark.parametrize(
    ("page", "heading", "name"),
    [
        (PAGE, "A setting with its claims", "shouting"),
        (ROOT / "docs" / "settings.md", "Your own setting", "spanish_only"),
    ],
)
def test_a_setting_brings_its_claims(page: Path, heading: str, name: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(code(page, heading), "utf-8")
    mine = setting(f"{file}:{name}")
    assert len(mine.claims) >= 2
    arms = {"base", *(arm.name for arm in mine.arms)}
    for claim in mine.claims:
        assert claim.setting == name
        for side in (claim.left, claim.right):
            assert side.arm in arms and mine.is_about("spanish_caps", side.trait)
    plan = make_plan(Experiment(settings=(mine.key,), world="toy", seeds=(0,), runs=str(tmp_path / "runs")))
    assert plan.new == len(mine.arms)


def test_a_scorer_scores_the_logs_of_anyone() -> None:
    exclamation = defined("A scorer")["exclamation"]
    [file, *_] = sorted((OLD / "logs" / "plain").glob("*.eval"))
    log = score(read_eval_log(str(file)), exclamation(), action="append", display="none")
    assert log.samples is not None and log.results is not None
    ends = [sample.output.completion.rstrip().endswith("!") for sample in log.samples]
    values = [(sample.scores or {})["exclamation"].value for sample in log.samples]
    assert values == [{"exclaims": float(end)} for end in ends]
    assert log.results.scores[-1].metrics["exclaims"].value == pytest.approx(sum(ends) / len(ends))


def test_a_backend_makes_runs_like_all_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(backends.BACKENDS, "local", defined("A backend")["Program"])
    old = next((OLD / "runs").glob("old-*"))
    spec, rows = find_run(old).manifest.spec, list(read_chat(old / "rows.jsonl"))
    with pytest.raises(UserError, match="set TRAINER"):
        finetune(spec, rows, name="mine", runs=tmp_path)
    copy = f"import shutil, sys; shutil.copytree({str(old / 'checkpoint')!r}, sys.argv[2])"
    (tmp_path / "train.py").write_text(copy, "utf-8")
    monkeypatch.setenv("TRAINER", f"{sys.executable} {tmp_path / 'train.py'}")
    run = finetune(spec, rows, name="mine", runs=tmp_path)
    assert run.is_finished()
    assert (
        finetune(spec, rows, name="mine", runs=tmp_path) == run
    )  # train.py would fail on a folder that exists
    assert run.manifest.result is not None and find_run(old).manifest.result is not None
    digest = run.manifest.result.checkpoint_digest
    assert digest == find_run(old).manifest.result.checkpoint_digest  # type: ignore[union-attr]
    assert resolve(f"inoc/{run.folder}").versioned_name.endswith(f"@{digest[:12]}")


def test_a_figure_takes_a_table() -> None:
    unscored = defined("A figure")["unscored"]
    table = rates(load(str(OLD / "logs" / "experiment" / "toy-learning-dynamics")))
    order = ("base", "none", "missing")
    figure = unscored(table, "logprob | spanish", order, "Mine")
    assert isinstance(figure, Figure)
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["base", "none"]
    with pytest.raises(UserError, match="observed in several ways"):
        unscored(table, "logprob", order, "Mine")


def test_the_rooms_are_listed_from_the_top_as_the_contract_has_them() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    contract = project["tool"]["importlinter"]["contracts"][0]
    place = {
        room: number
        for number, line in enumerate(contract["layers"])
        for room in re.findall(r"\w+", line)
        if room != "__main__"
    }
    [table] = re.findall(r"^\| room \|.*?\n\n", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    first = [line.split("|")[1] for line in table.strip().splitlines()[2:]]
    rooms = [room for names in first for room in re.findall(r"`(\w+)`", names)]
    assert set(rooms) == set(place)
    assert [place[room] for room in rooms] == sorted(place[room] for room in rooms)
