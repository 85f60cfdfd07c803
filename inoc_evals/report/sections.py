"""One section of the report: rates, differences, figures, answers and logs of one setting and base."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inoc_evals.analysis import conditionalization, contrasts, doses, estimates, figures, unread
from inoc_evals.analysis.declared_traits import in_order
from inoc_evals.analysis.findings import Finding
from inoc_evals.analysis.leak_figure import leak_figures
from inoc_evals.analysis.leaks import Leaks, leak_answers, leaks
from inoc_evals.analysis.observed import GROUP, groups, split
from inoc_evals.analysis.selectivity import Selectivity, selectivity
from inoc_evals.analysis.style import BASE, MEANING, colours, role
from inoc_evals.analysis.verdicts import Verdict
from inoc_evals.digests import sha256
from inoc_evals.errors import UserError
from inoc_evals.report import opening
from inoc_evals.report.drawings import drawings
from inoc_evals.report.examples import Asked, examples, showing
from inoc_evals.report.readings import ArmReading, readings
from inoc_evals.scorers.unscored import counted
from inoc_evals.settings import SETTINGS, Setting
from inoc_evals.worlds import EMBEDDED

if TYPE_CHECKING:
    import pandas as pd

REFERENCES = ("none", "base")
"""Arms that the others are compared with."""

LONGEST_NAME = 150
"""Most bytes of a figure's name; its suffix and the temporary name before it come on top."""

MOST_ARMS, MOST_LOGS = 40, 200
"""Arms in figures and among answers, and logs in the table of sources, at most: a page on thousands of models
must open. `report.json` has all of them, and the page says so."""

LAST = 1000
"""Position of settings that are not in the table of the paper's experiments."""

GROUP_VALUES = (
    *("task", "questions", "scorer", "judge", "trait", "condition", "preset", "system", "trigger", "variant"),
    *("sampling", "dose", "world"),
)
"""Values in `report.json` for every column of the table of rates."""


@dataclass(frozen=True)
class Drawing:
    """A figure in the page.

    Attributes:
        heading: What it shows.
        svg: The figure.
        stem: Name of its files, without a suffix.
        pdf: The figure as PDF, in base64.
    """

    heading: str
    svg: str
    stem: str
    pdf: str = ""


@dataclass
class Section:
    """One section of the page.

    Attributes:
        setting: Name of the setting.
        base: Name of the base model; empty where no log names one.
        number: Its row in the table of the paper's experiments.
        world: The worlds of its rows and questions, joined by commas; mostly one.
        summary: The setting in one sentence.
        paper: Where the paper reports it.
        reference: The paper's result.
        traits: Columns of the table of rates: labels, i.e. traits with what else differs, e.g. the judge.
        rates: One row per arm: its name, the cells, models, n, unscored and caution. Of columns that differ,
            these are the most models, the least n and the most unscored, and `spans` has all in words.
        differences: Rows of the table of differences.
        drawn: Figures.
        answers: Questions with the answers of all arms, for one trait.
        shown: Label of that trait.
        pictured: Number of arms in figures and among answers: the first `MOST_ARMS`.
        showing: How many answers of every arm show it, in words.
        title: The setting's title; its name where its definition is not known.
        found: What was found, in one sentence.
        arms: The table of arms.
        method: The method in three lines, each with its first word.
        colours: The colour of every arm.
        legend: What colours mean, of those that occur.
        compared: Arms that the others are compared with.
        lacking: The arm that they were to be compared with, if it has no answers here.
        observed: By label, its task, question set, scorer, judge, trait, condition, preset and sampling;
            under `versions` the arms by the version that scored them.
        logs: Provenance, one row per log.
        verdicts: Verdicts on the claims of this setting and base.
        models_read: What the models of every arm read in training and in the test, as far as logs say it.
        template_notes: What the model's chat template adds by itself.
        unread: A line for every trait with answers that have no score: how many, and why.
        leaks: Where its traits come back, if it was asked under the prompts of the task `leak`.
        findings: What the audit says of its logs and runs.
        controls: The share of the inoculation's effect that each control has as well, in words.
        selectivity: Which share of the unwanted trait every arm keeps out, and of the wanted one it leaves.
        windows: Of a sweep, whether each inoculation works at each dose (`analysis/doses.py`).
        dose_verdicts: Verdicts on what the setting claims about doses.
    """

    setting: str
    base: str
    number: int
    world: str
    summary: str
    paper: str
    reference: str
    traits: list[str]
    rates: list[dict[str, Any]]
    differences: list[dict[str, Any]]
    drawn: list[Drawing]
    answers: list[Asked]
    shown: str
    pictured: int
    logs: list[dict[str, Any]]
    verdicts: list[Verdict] = field(default_factory=list)
    observed: dict[str, dict[str, Any]] = field(default_factory=dict)
    models_read: list[ArmReading] = field(default_factory=list)
    template_notes: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    leaks: Leaks | None = None
    findings: list[Finding] = field(default_factory=list)
    controls: list[dict[str, str]] = field(default_factory=list)
    selectivity: list[Selectivity] = field(default_factory=list)
    windows: list[dict[str, Any]] = field(default_factory=list)
    dose_verdicts: list[Verdict] = field(default_factory=list)
    showing: dict[str, str] = field(default_factory=dict)
    title: str = ""
    found: str = ""
    arms: list[dict[str, str]] = field(default_factory=list)
    method: list[tuple[str, str]] = field(default_factory=list)
    colours: dict[str, str] = field(default_factory=dict)
    legend: list[tuple[str, str]] = field(default_factory=list)
    compared: list[str] = field(default_factory=list)
    lacking: str = ""

    @property
    def has_runs(self) -> bool:
        """Whether a run directory told what an arm was trained on."""
        return any(row["rows"] or row["lora"] for row in self.arms)

    @property
    def same(self) -> dict[str, str]:
        """What scored and how answers were drawn, where it is the same in all logs; else it is a column."""
        values = {word: {row[word] for row in self.logs} for word in ("version", "sampling")}
        return {word: next(iter(of)) for word, of in values.items() if len(of) == 1}

    @property
    def worlds(self) -> list[str]:
        """The worlds of its rows and questions; none where no log names one."""
        return self.world.split(", ") if self.world else []

    @property
    def of_the_toy(self) -> str:
        """That it is, in whole or in part, about the embedded toy, in a sentence; empty if it is not."""
        if self.base == EMBEDDED.base or (not self.base and self.worlds == [EMBEDDED.name]):
            return "It is the embedded toy that was trained here: no evidence about language models."
        if EMBEDDED.name not in self.worlds:
            return ""
        of = "" if len(self.worlds) == 1 else f" of world {EMBEDDED.name}"
        return f"Rows and questions{of} are of the embedded toy's small world."

    @property
    def is_own(self) -> bool:
        """Whether its setting is none of the suite's."""
        return self.setting not in SETTINGS

    @property
    def whose(self) -> str:
        """Whose its claims are, in a sentence; empty without claims."""
        return opening.whose([v.claim for v in self.verdicts]) if self.verdicts else ""

    @property
    def paired(self) -> str:
        """Whether its differences are paired by question, in words; empty without differences."""
        return opening.paired(self.differences) if self.differences else ""

    @property
    def judged(self) -> list[dict[str, Any]]:
        """The verdicts as the page shows them: what was compared is said in words."""
        named = ("word", "claim", "why")
        return [
            {**{key: getattr(v, key) for key in named}, "compared": opening.compared(v.claim, v.apart)}
            for v in self.verdicts
        ]

    @property
    def contents(self) -> list[str]:
        """Names of its parts that have an anchor, in order."""
        parts = {
            **{"arms": True, "verdicts": bool(self.verdicts), "numbers": True},
            **{"figures": len(self.drawn) > 2, "answers": bool(self.answers), "audit": bool(self.findings)},
            "sources": True,
        }
        return [name for name, there in parts.items() if there]

    @property
    def anchor(self) -> str:
        """Its id in the page."""
        return file_name(f"{self.setting}-{self.base}")

    @property
    def sources(self) -> list[dict[str, Any]]:
        """The logs that the page lists."""
        return self.logs[:MOST_LOGS]

    def count(self, word: str) -> int:
        """How many of its claims have this verdict."""
        return sum(verdict.word == word for verdict in self.verdicts)

    def as_dict(self) -> dict[str, Any]:
        """The section as JSON-ready data, without answers."""
        named = ("setting", "base", "number", "world", "paper", "reference", "traits", "differences")
        rates = [
            {**{key: row[key] for key in ("arm", "models", "n", "unscored", "caution")}, "traits": cells}
            for row in self.rates
            for cells in [dict(zip(self.traits, row["cells"], strict=True))]
        ]
        return {
            **{
                key: getattr(self, key)
                for key in (*named, "logs", "observed", "unread", "template_notes", "controls")
            },
            "audit": [finding.as_dict() for finding in self.findings],
            "models_read": [arm.as_dict() for arm in self.models_read],
            "rates": rates,
            "figures": {drawing.heading: drawing.stem for drawing in self.drawn},
            "verdicts": [verdict.as_dict() for verdict in self.verdicts],
            **{"found": self.found, "arms": self.arms, "method": [" ".join(line) for line in self.method]},
            **({"leaks": self.leaks.as_dict()} if self.leaks else {}),
            "selectivity": [one.as_dict() for one in self.selectivity],
            "windows": self.windows,
            "dose_verdicts": [verdict.as_dict() for verdict in self.dose_verdicts],
        }


def section(
    whole: "pd.DataFrame",
    focus: "pd.DataFrame",
    verdicts: list[Verdict],
    *,
    method: estimates.Method,
    references: tuple[str, ...],
    figure_folder: Path,
    runs: Path | None,
    definition: Setting | None,
    findings: list[Finding],
) -> Section:
    """Make the section of one setting and base.

    Args:
        whole: All its answers with all traits.
        focus: The same with only the traits that it declares.
        verdicts: The verdicts on its claims.
        method: Method of the intervals.
        references: Arms that the others are compared with, if they have answers.
        figure_folder: Folder in which each figure is also saved as PNG, SVG and PDF.
        runs: Folder of run directories, for log-probs that were recorded in training.
        definition: The setting; None where its definition is not known.
        findings: What the audit says of its logs and runs.

    Returns:
        The section.
    """
    from matplotlib.colors import to_hex

    name, base = str(focus["setting"].iloc[0]), text(focus["base"].iloc[0])
    order = _order([arm.name for arm in definition.arms] if definition else [], focus["arm"].unique())
    rates = estimates.rates(focus, method=method)
    observed = {str(values.pop("label")): values for values in groups(rates, (*GROUP, "label"))}
    traits = in_order(definition, rates)
    compared = [to for to in references if to in order]
    # of plain logs the first model
    compared = compared or [to for to in REFERENCES if to in order] or list(order[:1])
    lacking = next((to for to in references if to not in compared), "") if references != REFERENCES else ""
    differences = [contrasts.differences(focus, to=to) for to in compared]
    selective = selectivity(focus, {name: definition}) if definition else []
    drawn = []
    # Of what nobody could read there is nothing to draw.
    read = [trait for trait in traits if rates.loc[rates["label"] == trait, "n"].any()]
    leaked = _leaks(focus, references)
    title = definition.title if definition else name
    titled = f"{title}: {base}" if base else title
    pictured = order[:MOST_ARMS]
    of_leaks = list(leak_figures(leaked, titled, pictured)) if leaked else []
    usual = drawings(focus, rates, differences, read, pictured, runs, definition, whole, selective)
    for heading, figure in chain(of_leaks, usual):
        stem = file_name(f"{name}-{base}-{heading}")
        svg = figures.inline(figure, f"{heading}: {name} {base}")
        pdf = next(file for file in figures.save(figure, figure_folder / stem) if file.suffix == ".pdf")
        drawn.append(Drawing(heading, svg, stem, base64.b64encode(pdf.read_bytes()).decode()))
    logs = _logs(whole)
    of_arms, notes = readings(logs, order)
    windows, dose_verdicts = _doses(whole, definition, findings)
    versions = opening.versions_of(focus, rates)
    worlds = {label: text(values.get("world")) for label, values in observed.items()}
    rate_rows, difference_rows = _rates(rates, order, traits), _differences(differences, order, traits)
    ink = {arm: to_hex(colour) for arm, colour in colours(order).items()}
    return Section(
        setting=name,
        base=base,
        number=(definition.number or LAST) if definition else LAST,
        world=_several(focus["world"]),
        summary=definition.summary if definition else "",
        paper=definition.paper if definition else "",
        reference=definition.reference if definition else "",
        traits=traits,
        rates=rate_rows,
        differences=difference_rows,
        drawn=drawn,
        answers=examples(whole, observed[traits[0]], pictured),
        showing=showing(whole, observed[traits[0]], order),
        shown=traits[0],
        title=title,
        found=opening.found(traits, rate_rows, difference_rows, verdicts, definition, worlds),
        arms=opening.arms(focus, order, definition, of_arms, runs),
        method=opening.method(focus, observed, method, difference_rows, versions, lacking),
        lacking=lacking,
        compared=compared,
        colours=ink,
        legend=_legend(ink, definition),
        pictured=len(pictured),
        logs=logs,
        verdicts=verdicts,
        observed={
            t: {**{p: observed[t].get(p) for p in GROUP_VALUES}, "versions": versions.get(t, {})}
            for t in traits
        },
        models_read=of_arms,
        template_notes=notes,
        unread=unread.lines(focus, among=rates),
        leaks=leaked,
        findings=findings,
        controls=_controls(focus, definition),
        selectivity=selective,
        windows=windows,
        dose_verdicts=dose_verdicts,
    )


def _doses(
    whole: "pd.DataFrame", definition: Setting | None, findings: list[Finding]
) -> tuple[list[dict[str, Any]], list[Verdict]]:
    """What a sweep says; nothing where the logs hold none."""
    settings = {definition.name: definition} if definition else {}
    try:
        found = doses.windows(whole, settings)
    except UserError:  # no sweep, nothing of it scored, or no arm is known to keep a trait out
        return [], []
    rows = [{str(key): value for key, value in row.items()} for _, row in found.iterrows()]
    return rows, doses.judge(whole, settings, findings=findings)


def _leaks(focus: "pd.DataFrame", references: tuple[str, ...]) -> Leaks | None:
    """The leak grids, against the base or what is compared with in its place; None where there is none."""
    present = set(leak_answers(focus)["arm"])
    for base in (BASE, *references):
        if base in present and len(present) > 1:
            try:
                return leaks(focus, base)
            except UserError:  # of what nobody could read there is nothing to compare
                return None
    return None


def _controls(focus: "pd.DataFrame", definition: Setting | None) -> list[dict[str, str]]:
    """The shares of the inoculation's effect that controls have, a row each; none without such arms."""
    settings = {definition.name: definition} if definition else {}
    rows = conditionalization.shares(focus, settings).to_dict("records")
    return [
        {
            **{key: str(row[key]) for key in ("label", "arm", "of", "caution")},
            "share": conditionalization.in_words({str(key): value for key, value in row.items()}),
        }
        for row in rows
    ]


def _legend(ink: dict[str, str], definition: Setting | None) -> list[tuple[str, str]]:
    """What the colours of these arms mean: of every role its first colour."""
    first: dict[str, str] = {}
    for arm, colour in ink.items():
        first.setdefault(role(arm, definition), colour)
    return [(first[key], meaning) for key, meaning in MEANING.items() if key in first]


def text(value: Any) -> str:
    """A cell of the table as text; empty if missing."""
    return "" if value is None or value != value else str(value)


def _several(column: "pd.Series") -> str:
    """The values of a column, each once, as text."""
    return ", ".join(str(value) for value in column.dropna().unique())


def file_name(words: str) -> str:
    """Words as a name for a file or an anchor; of many words, the first, and a digest of all."""
    name = "-".join("".join(c if c.isalnum() or c == "_" else " " for c in words).split())
    return name if len(name.encode()) <= LONGEST_NAME else f"{name[:60]}-{sha256(name)[:12]}"


def _order(declared: list[str], present: Any) -> tuple[str, ...]:
    """The base, then a setting's arms as it declares them, then all others by name."""
    names = {str(arm) for arm in present}
    first = [arm for arm in ("base", *declared) if arm in names]
    return (*first, *sorted(names - set(first)))


def _rates(rates: "pd.DataFrame", order: tuple[str, ...], traits: list[str]) -> list[dict[str, Any]]:
    rows = []
    for arm in order:
        of_arm = rates[rates["arm"] == arm].set_index("label")
        columns = ["rate", "low", "high", "n", "asked", "seeds", "unscored", "caution"]
        cells = [of_arm.loc[trait, columns].to_dict() if trait in of_arm.index else None for trait in traits]
        measured = [cell for cell in cells if cell]
        counts = {key: [int(cell[key]) for cell in measured] for key in ("n", "unscored")}
        models = [max(1, int(cell["seeds"])) for cell in measured if cell["n"]] or [1]
        rows.append(
            {
                "arm": arm,
                "cells": cells,
                **{"models": max(models), "n": min(counts["n"]), "unscored": max(counts["unscored"])},
                "spans": {key: _span(of) for key, of in {**counts, "models": models}.items()},
                "differs": len({*counts["n"]}) > 1,
                "caution": estimates.merged(str(cell["caution"]) for cell in measured),
            }
        )
    return rows


def _span(counts: Sequence[int]) -> str:
    """Counts of several columns: the one that all have, or the least and the most."""
    least, most = min(counts), max(counts)
    return str(least) if least == most else f"{least} to {most}"


def _differences(
    tables: "list[pd.DataFrame]", order: tuple[str, ...], traits: list[str]
) -> list[dict[str, Any]]:
    rows = []
    for table in tables:
        records = [{str(key): value for key, value in row.items()} for _, row in table.iterrows()]
        records.sort(key=lambda row: (traits.index(row["label"]), order.index(row["arm"])))
        rows += [
            {key: value for key, value in row.items() if key not in ("setting", "base")} for row in records
        ]
    return rows


def _logs(whole: "pd.DataFrame") -> list[dict[str, Any]]:
    rows = []
    for log, at_doses in whole.groupby("log", observed=True, sort=False):
        # what has no dose stands in the table at every dose of a sweep, and was asked once
        of_log = next(split(at_doses, ("dose",)))[1]
        first, answer = of_log.iloc[0], [of_log["sample"].astype(str), of_log["epoch"]]
        # of an answer that several traits lack, a reason counts once
        missing = of_log[of_log["value"].isna()].drop_duplicates(["sample", "epoch", "unscored"])
        rows.append(
            {
                **{key: text(first[key]) for key in ("arm", "world", "model", "task", "run", "questions")},
                **{
                    key: _several(of_log[key])
                    for key in ("scorer", "judge", "preset", "sampling", "condition")
                },
                "version": ", ".join(
                    dict.fromkeys(", ".join(of_log["version"].dropna().unique()).split(", "))
                ),
                "seed": None if first["seed"] != first["seed"] else int(first["seed"]),
                "log": str(log),
                "n": len(of_log.drop_duplicates(["sample", "epoch"])),
                "unscored": int(of_log["value"].isna().groupby(answer).any().sum()),
                "reasons": counted(missing["unscored"].astype(str)),
                "link": "",
            }
        )
    return rows
