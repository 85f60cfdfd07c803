"""What the report says of one setting and base: rates, differences, figures, answers, their logs."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inoc_evals.analysis import contrasts, estimates, figures
from inoc_evals.analysis.verdicts import Verdict
from inoc_evals.report.drawings import drawings
from inoc_evals.report.examples import Example, examples
from inoc_evals.settings import SETTINGS

if TYPE_CHECKING:
    import pandas as pd

REFERENCES = ("none", "base")
"""Arms that the others are compared with."""


@dataclass
class Section:
    """One part of the page.

    Attributes:
        setting: Name of the setting.
        base: Name of the base model.
        world: Whose rows and questions.
        summary: What the setting asks.
        paper: Where the paper reports it.
        reference: What the paper found.
        traits: Columns of the table of rates.
        rates: A row an arm: its name, the cells, seeds, n and unscored.
        differences: Rows of the tables of differences.
        drawn: Figures as SVG, each with its title.
        answers: Answers by arm, for the first trait.
        shown: That trait.
        logs: Provenance, a row a log.
        verdicts: Verdicts on the claims of this setting and base.
    """

    setting: str
    base: str
    world: str
    summary: str
    paper: str
    reference: str
    traits: list[str]
    rates: list[dict[str, Any]]
    differences: list[dict[str, Any]]
    drawn: list[tuple[str, str]]
    answers: dict[str, list[Example]]
    shown: str
    logs: list[dict[str, Any]]
    verdicts: list[Verdict] = field(default_factory=list)

    @property
    def anchor(self) -> str:
        """Its id in the page."""
        return "".join(c if c.isalnum() else "-" for c in f"{self.setting}-{self.base}")


def section(
    whole: "pd.DataFrame",
    focus: "pd.DataFrame",
    verdicts: list[Verdict],
    kept: Path | None,
    method: estimates.Method,
) -> Section:
    """Make the part of one setting and base.

    Args:
        whole: All its answers with all traits.
        focus: The same with only the traits that it is about.
        verdicts: The verdicts on its claims.
        kept: Folder in which each figure is kept as PNG, SVG and PDF, too.
        method: Of the intervals.
    """
    name, base = str(focus["setting"].iloc[0]), _text(focus["base"].iloc[0])
    known = SETTINGS.get(name)
    present = [str(arm) for arm in focus["arm"].unique()]
    declared = ["base", *(arm.name for arm in known.arms)] if known else []
    order = tuple(
        [arm for arm in declared if arm in present] + [arm for arm in present if arm not in declared]
    )
    there = [str(trait) for trait in focus["trait"].unique()]
    traits = [t for t in (known.traits if known else ()) if t in there]
    traits += [t for t in there if t not in traits]
    found = estimates.rates(focus, method=method)
    changed = [contrasts.differences(focus, to=to) for to in REFERENCES if to in present]
    label = f"{name} ({base})"
    made = Section(
        setting=name,
        base=base,
        world=_text(focus["world"].iloc[0]),
        summary=known.summary if known else "",
        paper=known.paper if known else "",
        reference=known.reference if known else "",
        traits=traits,
        rates=_rates(found, order, traits),
        differences=[dict(row) for table in changed for _, row in table.iterrows()],
        drawn=[],
        answers=examples(whole, traits[0], order),
        shown=traits[0],
        logs=_logs(whole),
        verdicts=verdicts,
    )
    for heading, figure in drawings(focus, found, changed, traits, order, label):
        made.drawn.append((heading, figures.inline(figure, heading)))
        if kept is not None:
            figures.save(figure, kept / "".join(c if c.isalnum() or c in "-_" else "_" for c in heading))
    return made


def _rates(found: "pd.DataFrame", order: tuple[str, ...], traits: list[str]) -> list[dict[str, Any]]:
    rows = []
    for arm in order:
        mine = found[found["arm"] == arm].set_index("trait")
        cells = [mine.loc[trait].to_dict() if trait in mine.index else None for trait in traits]
        some = [cell for cell in cells if cell]
        rows.append(
            {
                "arm": arm,
                "cells": cells,
                "models": max(1, *(int(cell["seeds"]) for cell in some)),
                "n": min(int(cell["n"]) for cell in some),
                "unscored": sum(int(cell["unscored"]) for cell in some),
                "caution": estimates.merged(str(cell["caution"]) for cell in some),
            }
        )
    return rows


def _logs(whole: "pd.DataFrame") -> list[dict[str, Any]]:
    rows = []
    for log, mine in whole.groupby("log", observed=True, sort=False):
        first = mine.iloc[0]
        answers = mine.drop_duplicates(["sample", "epoch"])
        rows.append(
            {
                **{key: _text(first[key]) for key in ("arm", "model", "task", "run", "judge", "preset")},
                "seed": None if first["seed"] != first["seed"] else int(first["seed"]),
                "log": str(log),
                "n": len(answers),
                "unscored": int(
                    mine["value"].isna().groupby([mine["sample"], mine["epoch"]], observed=True).any().sum()
                ),
                "reasons": ", ".join(
                    f"{why} {count}"
                    for why, count in mine["unscored"]
                    .astype(str)
                    .where(mine["unscored"].notna())
                    .value_counts()
                    .items()
                ),
            }
        )
    return rows


def _text(value: Any) -> str:
    return "" if value is None or value != value else str(value)
