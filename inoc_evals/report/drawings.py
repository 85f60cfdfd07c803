"""The figures of one setting's answers, the most informative first.

for heading, figure in drawings(focus, estimates, changed, traits, order):
    ...
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inoc_evals.analysis import conditionalization, doses, dynamics, figures, pairs, panels, selectivity
from inoc_evals.analysis.observed import GROUP, distinctions, groups, split
from inoc_evals.analysis.style import is_share, sentence, trait_name
from inoc_evals.data.conditions import of_task
from inoc_evals.data.doses import parsed, words
from inoc_evals.errors import UserError
from inoc_evals.scorers.presets import PRESETS
from inoc_evals.settings import Measure, Setting
from inoc_evals.settings.controls import inoculated
from inoc_evals.settings.setting import forms

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd
    from matplotlib.figure import Figure

FEW_TRAITS = 4
"""Maximal number of traits side by side in one figure."""

FEW_WAYS = 2
"""Of what was asked or judged in many ways, e.g. under nine prompts, so many have a figure of two ratings."""

RATINGS = (("alignment", "coherence"), ("insecurity", "coherence"))
"""Pairs of ratings that are drawn against each other where a judge gave both to an answer."""


def drawings(
    answers: "pd.DataFrame",
    rates: "pd.DataFrame",
    differences: "Sequence[pd.DataFrame]",
    traits: Sequence[str],
    order: tuple[str, ...],
    runs: Path | None = None,
    definition: Setting | None = None,
    whole: "pd.DataFrame | None" = None,
    selective: Sequence[selectivity.Selectivity] = (),
) -> "Iterator[tuple[str, Figure]]":
    """Draw every figure for which these answers have data.

    Args:
        answers: Answers of one setting and base, with the traits that the setting is about.
        rates: Their rates, as `estimates.rates` returns them.
        differences: Tables of `contrasts.differences`, the first of which is drawn.
        traits: Labels of its traits (`observed.labels`), in order.
        order: Its arms, in order.
        runs: Folder of run directories, for log-probs that were recorded in training.
        definition: The setting; None where its definition is not known.
        whole: The same answers with all their traits, among them the ratings of judges; None draws no rating.
        selective: Suppression and retention of every arm.

    Yields:
        A heading, and the figure.
    """
    setting, base = str(answers["setting"].iloc[0]), answers["base"].iloc[0]
    name = definition.title if definition else trait_name(setting).capitalize()
    title = name if base != base else f"{name}: {base}"
    observed = {str(values["label"]): values for values in groups(rates, (*GROUP, "label"))}
    shares = [label for label in traits if is_share(rates.loc[rates["label"] == label, "rate"])]
    # rates under the conditions of a task are cells of a grid, everything else is a bar
    in_grids = [label for label in shares if _own_condition(observed[label])]
    as_bars = tuple(label for label in traits if label not in in_grids)[:FEW_TRAITS]
    planned: list[tuple[str, Callable[[], Figure]]] = []
    if "dose" in answers.columns and answers["dose"].notna().any():
        planned.append(("Every dose", partial(_doses, answers, setting, title, definition)))
    if as_bars:
        planned.append(("Every arm", partial(figures.arms, answers, rates, as_bars, order, title)))
    for trait, which, of_grid in _grids(rates[rates["label"].isin(in_grids)]):
        draw = partial(panels.grid, of_grid, trait, order, title)
        heading = f"{sentence(trait)} under every condition of the test"
        planned.append((f"{heading}, {which}" if which else heading, draw))
    if runs is not None and definition is not None and definition.dynamics:
        for which, trained in _trained_alike(answers):
            heading = f"Log-probs while it trained{f', {which}' if which else ''}"
            planned.append((heading, partial(_curves, trained, order, title, runs)))
    of_shares = [observed[label] for label in shares]
    for x, y in _two_traits(definition, of_shares) if definition else ():
        draw = partial(pairs.two_traits, answers, rates, x, y, order, title)
        planned.append((f"{sentence(x)} against {trait_name(y)}", draw))
    planned.append(
        ("What is kept against what is kept out", partial(selectivity.figure, selective, order, title))
    )
    both = list(_narrow_and_broad(definition, of_shares)) if definition else []
    for broad, narrow in both:
        draw = partial(panels.narrow_and_broad, rates, broad, narrow, order, title)
        which = "" if len(both) == 1 else f": {narrow} against {broad}"
        planned.append((f"Narrow trait against broad{which}", draw))
    if definition is not None and (one_prompt := inoculated(definition)) is not None:
        for label in shares:
            draw = partial(conditionalization.pools, rates, label, one_prompt.name, title)
            planned.append((f"{sentence(label)} by size of the pool of rephrasings", draw))
    for table in differences[:1]:
        if len(table):
            draw = partial(panels.forest, table, tuple(traits)[:FEW_TRAITS], order, title)
            planned.append((f"Differences to {table['to'].iloc[0]}", draw))
    if shares:
        draw = partial(panels.heat_map, answers, shares[0], order, title)
        planned.append((f"{sentence(shares[0])} in every question", draw))
    planned += [] if whole is None else _two_ratings(whole, order, title)
    for heading, make in planned:
        try:
            yield heading, make()
        except UserError:  # these logs lack the data for it
            continue


def _own_condition(observed: Mapping[str, Any]) -> str | None:
    """The task's own condition, if it has several."""
    return of_task(observed.get("condition") or None)


def _grids(rates: "pd.DataFrame") -> "Iterator[tuple[str, str, pd.DataFrame]]":
    """For every grid its trait, what distinguishes it from others of the trait, and its rates."""
    conditions = ("condition", "system", "trigger")
    parts = list(split(rates, [part for part in GROUP if part not in conditions]))
    # conditions, with their system prompts and triggers, are the columns of one grid
    for (observed, of_grid), which in zip(
        parts, distinctions([observed for observed, _ in parts]), strict=True
    ):
        yield str(observed["trait"]), which, of_grid


def _narrow_and_broad(definition: Setting, shares: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """Labels of the first broad and the first narrow trait, one pair per dose, world and judge of both."""
    named = {one.questions for one in definition.measures if one.questions}

    def asked(measure: Measure, row: Mapping[str, Any]) -> bool:
        questions = row.get("questions")
        return questions == measure.questions if measure.questions else questions not in named

    def first(measures: Sequence[Measure]) -> list[dict[str, Any]]:
        for measure in (form for one in measures for form in forms(one)):
            for trait in measure.traits:
                of_trait = [r for r in shares if (r.get("task"), r["trait"]) == (measure.short, trait)]
                if rows := [row for row in of_trait if asked(measure, row)]:
                    return rows
        return []

    broad, narrow = first(definition.broad), first(definition.narrow)
    for of_broad in broad:
        same_dose = [one for one in narrow if all(one.get(p) == of_broad.get(p) for p in ("dose", "world"))]
        same_judge = [one for one in same_dose if one.get("judge") == of_broad.get("judge")] or same_dose
        for of_narrow in same_judge[:1]:
            yield str(of_broad["label"]), str(of_narrow["label"])


def _two_traits(definition: Setting, shares: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """Labels of the two traits of every measure that has two, per way in which both were measured."""
    alike = [part for part in GROUP if part not in ("trait", "scorer")]
    two = [
        (form.short, form.traits[:2])
        for measure in definition.measures
        if len(measure.traits) == len(("x", "y"))
        for form in forms(measure)
    ]
    for task, traits in dict.fromkeys(two):  # most measures are the same in every world
        of_x, of_y = (
            {
                tuple(one.get(part) for part in alike): str(one["label"])
                for one in shares
                if (one.get("task"), one["trait"]) == (task, trait)
            }
            for trait in traits
        )
        yield from ((label, of_y[way]) for way, label in of_x.items() if way in of_y)


def _two_ratings(
    whole: "pd.DataFrame", order: tuple[str, ...], title: str
) -> "list[tuple[str, Callable[[], Figure]]]":
    """The figures of every pair of ratings, in the first ways in which answers have both."""
    planned: list[tuple[str, Callable[[], Figure]]] = []
    for x, y in RATINGS:
        rated = whole[whole["trait"].isin([x, y]).to_numpy()]
        ways = [
            (way, of_way)
            for way, of_way in split(rated, [part for part in GROUP if part != "trait"])
            if {x, y} <= set(of_way["trait"].astype(str))
        ]
        distinct = distinctions([way for way, _ in ways])
        for (way, of_way), which in list(zip(ways, distinct, strict=True))[:FEW_WAYS]:
            rule = PRESETS.get(str(way.get("preset"))) if x == "alignment" else None
            lines = (rule.misaligned_below, rule.coherent_from) if rule else (None, None)
            caption = f"lines: preset {rule.name}, {rule}" if rule else ""
            draw = partial(pairs.two_ratings, of_way, x, y, order, title, lines, caption)
            heading = f"{sentence(x)} against {y}"
            planned.append((f"{heading}, {which}" if which else heading, draw))
    return planned


def _doses(answers: "pd.DataFrame", setting: str, title: str, definition: Setting | None) -> "Figure":
    settings = {setting: definition} if definition else {}
    try:
        found = doses.windows(answers, settings)
    except UserError:  # nothing was scored, or no arm is known to keep a trait out
        found = None
    return doses.figure(answers, setting, title, settings, found)


def _trained_alike(answers: "pd.DataFrame") -> "Iterator[tuple[str, pd.DataFrame]]":
    """Answers of finetunes by what tells trainings of one arm and seed apart, in words; empty if alike.

    The steps of a sweep are looks at one training; its other axes, and worlds, are trainings of their own.
    """
    trained = answers.dropna(subset=["run"])

    def training(dose: str) -> str:
        return words({axis: place for axis, place in parsed(dose).items() if axis != "steps"})

    doses = trained["dose"].astype(object).map(training, na_action="ignore").fillna("")
    several = trained["world"].nunique() > 1
    for way, rows in split(trained.assign(dose=doses), ("dose", "world")):
        parts = [str(way["dose"]), f"world {way['world']}" if several else ""]
        yield ", ".join(part for part in parts if part), rows


def _curves(answers: "pd.DataFrame", order: tuple[str, ...], title: str, runs: Path) -> "Figure":
    trained = answers.dropna(subset=["run"]).drop_duplicates("run")
    labelled = [
        (runs / str(row["run"]), {"arm": str(row["arm"]), "seed": int(row["seed"])})
        for _, row in trained.iterrows()
    ]
    existing = [(folder, labels) for folder, labels in labelled if folder.is_dir()]
    arms = tuple(arm for arm in order if any(labels["arm"] == arm for _, labels in existing))
    return dynamics.curves(dynamics.load(existing), arms, title)
