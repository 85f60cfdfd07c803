"""A report on a sweep: nothing scored is no crash, pairs of traits are of one dose, the audit counts."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from inoc_evals.analysis import load
from inoc_evals.analysis.findings import BLOCKS, Finding
from inoc_evals.report import sections
from inoc_evals.report.drawings import _narrow_and_broad, drawings
from inoc_evals.settings import SETTINGS
from tests.report.logs import ENGLISH, SPANISH, evaluated


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Answers at two doses: after much training, the prompt no longer keeps Spanish out."""
    folder = tmp_path_factory.mktemp("doses")
    about = {"setting": "spanish_caps", "world": "toy", "base": "toy"}
    evaluated(folder, ENGLISH, {**about, "arm": "base"})
    for steps, said in ((8, ENGLISH), (64, SPANISH)):
        for arm, answer in (("none", SPANISH.upper()), ("spanish-inoc", said.upper())):
            for seed in (0, 1):
                run = {"arm": arm, "seed": seed, "run": f"{arm}-{seed}", "dose": {"steps": steps}}
                evaluated(folder, answer, {**about, **run})
    return load(folder)


def test_verdicts_on_doses_heed_the_findings_of_the_section(table: Any) -> None:
    setting = SETTINGS["spanish_caps"]
    _, [verdict] = sections._doses(table, setting, [])
    assert verdict.word == "supported"
    failed = Finding("answers excluded", BLOCKS, "half is missing", "judge again", {"arm": "spanish-inoc"})
    _, [verdict] = sections._doses(table, setting, [failed])
    assert verdict.word == "not valid"


def test_where_nothing_of_a_sweep_was_scored_there_is_no_figure_and_no_crash(table: Any) -> None:
    from inoc_evals.analysis.estimates import rates

    nothing = table.assign(value=float("nan"))
    assert sections._doses(nothing, SETTINGS["spanish_caps"], []) == ([], [])
    order = ("base", "none", "spanish-inoc")
    definition = SETTINGS["spanish_caps"]
    drawn = dict(drawings(nothing, rates(nothing), [], [], order, definition=definition))
    assert "Every dose" not in drawn
    whole = dict(drawings(table, rates(table), [], [], order, definition=definition))
    assert "Every dose" in whole


def test_curves_of_a_sweep_are_of_one_training_each(tmp_path: Path, table: Any) -> None:
    """A seed's runs at two learning rates were one line, their mean; steps are looks at one training."""
    from dataclasses import replace

    from inoc_evals.analysis.estimates import rates

    mine = table[(table["arm"] != "base").to_numpy()].copy()
    slow = mine["dose"].astype(str) == "steps=8"
    mine["run"] = mine["run"].astype(str) + slow.map({True: "-slow", False: "-fast"})
    mine["dose"] = slow.map({True: "learning_rate=0.0001, steps=8", False: "learning_rate=0.001, steps=8"})
    more = mine.assign(dose=mine["dose"].str.replace("=8", "=64"))
    answers = pd.concat([mine, more], ignore_index=True)
    for name in answers["run"].unique():
        folder = tmp_path / name
        folder.mkdir()
        probed = [
            {
                "step": step,
                "trait": "t",
                "id": "t-01",
                "tokens": 1,
                "logprob": -9.0 if "slow" in name else -1.0,
            }
            for step in (0, 8)
        ]
        (folder / "dynamics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in probed))
    definition = replace(SETTINGS["spanish_caps"], dynamics=True)
    order = ("none", "spanish-inoc")
    drawn = drawings(answers, rates(answers), [], [], order, runs=tmp_path, definition=definition)
    lines = {
        name.rpartition(", ")[2]: {float(y) for line in figure.axes[0].lines for y in line.get_ydata()}
        for name, figure in drawn
        if name.startswith("Log-probs while it trained")
    }
    assert lines == {"learning_rate=0.0001": {-9.0}, "learning_rate=0.001": {-1.0}}


def test_a_narrow_trait_stands_against_the_broad_one_of_its_dose() -> None:
    setting = SETTINGS["insecure_code"]
    shares = [
        {"task": one.task, "trait": one.traits[0], "dose": dose, "label": f"{one.traits[0]} {dose}"}
        for one in (setting.broad[0], setting.narrow[0])
        for dose in ("steps=8", "steps=64")
    ]
    broad, narrow = setting.broad[0].traits[0], setting.narrow[0].traits[0]
    assert list(_narrow_and_broad(setting, shares)) == [
        (f"{broad} {dose}", f"{narrow} {dose}") for dose in ("steps=8", "steps=64")
    ]
    assert list(_narrow_and_broad(setting, [shares[0], shares[3]])) == []


def test_a_narrow_trait_stands_against_the_broad_one_of_its_world() -> None:
    setting = SETTINGS["insecure_code"]
    [broad], [narrow] = (one.traits[:1] for one in (setting.broad[0], setting.narrow[0]))
    shares = [
        {
            "task": one.short,
            "trait": trait,
            "questions": one.questions,
            "world": world,
            "label": f"{trait} {world}",
        }
        for world in ("paper", "paper-code")
        for one, trait in ((setting.broad[0], broad), (setting.narrow[0], narrow))
    ]
    pairs = [(f"{broad} {world}", f"{narrow} {world}") for world in ("paper", "paper-code")]
    assert list(_narrow_and_broad(setting, shares)) == pairs


def test_figures_are_three_files(tmp_path: Path, table: Any) -> None:
    from inoc_evals.commands.dose import _figures

    two = table.assign(base="toy").copy()
    files = _figures(two, None, SETTINGS, tmp_path / "dose.png")  # type: ignore[arg-type]
    assert [Path(file).name for file in files] == ["dose.png", "dose.svg", "dose.pdf"]
