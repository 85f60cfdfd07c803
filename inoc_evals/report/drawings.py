"""The figures that one setting's answers have something for, the most telling first.

for heading, figure in drawings(focus, estimates, changed, traits, order):
    ...
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inoc_evals.analysis import dynamics, figures, panels
from inoc_evals.analysis.observed import GROUP, groups, split, told_apart
from inoc_evals.analysis.style import is_share, named, sentence
from inoc_evals.data.conditions import of_task
from inoc_evals.errors import UserError
from inoc_evals.settings import SETTINGS, Measure, Setting

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd
    from matplotlib.figure import Figure

FEW_TRAITS = 4
"""Up to so many traits stand side by side in one figure."""


def drawings(
    focus: "pd.DataFrame",
    found: "pd.DataFrame",
    changed: "Sequence[pd.DataFrame]",
    traits: Sequence[str],
    order: tuple[str, ...],
    runs: Path | None = None,
) -> "Iterator[tuple[str, Figure]]":
    """Draw what these answers have something for.

    Args:
        focus: Answers of one setting and base, with the traits that the setting is about.
        found: What `estimates.rates` made of them.
        changed: Tables of `contrasts.differences`, the first of which is drawn.
        traits: Labels of its traits (`observed.labels`), in order.
        order: Its arms, in order.
        runs: Folder of run directories, for log-probs that were followed in training.

    Yields:
        A heading, and the figure.
    """
    setting, base = str(focus["setting"].iloc[0]), focus["base"].iloc[0]
    title = named(setting).capitalize() + ("" if base != base else f", {base}")
    known = SETTINGS.get(setting)
    observed = {str(values["label"]): values for values in groups(found, (*GROUP, "label"))}
    shares = [label for label in traits if is_share(found.loc[found["label"] == label, "rate"])]
    # rates under the conditions of a task are cells of a grid, everything else is a bar
    gridded = [label for label in shares if _own_condition(observed[label])]
    plain = tuple(label for label in traits if label not in gridded)[:FEW_TRAITS]
    wanted: list[tuple[str, Callable[[], Figure]]] = []
    if plain:
        wanted.append(("Every arm", partial(figures.arms, focus, found, plain, order, title)))
    for trait, apart, rates in _grids(found[found["label"].isin(gridded)]):
        draw = partial(panels.grid, rates, trait, order, title)
        heading = f"{sentence(trait)} under every condition of the test"
        wanted.append((f"{heading}, {apart}" if apart else heading, draw))
    if runs is not None and known is not None and known.dynamics:
        wanted.append(("Log-probs while it trained", partial(_curves, focus, order, title, runs)))
    both = list(_narrow_and_broad(known, [observed[label] for label in shares])) if known else []
    for broad, narrow in both:
        draw = partial(panels.narrow_and_broad, found, broad, narrow, order, title)
        which = "" if len(both) == 1 else f": {narrow} against {broad}"
        wanted.append((f"Narrow trait against broad{which}", draw))
    for differences in changed[:1]:
        if len(differences):
            draw = partial(panels.forest, differences, tuple(traits)[:FEW_TRAITS], order, title)
            wanted.append((f"Differences to {differences['to'].iloc[0]}", draw))
    if shares:
        draw = partial(panels.heat_map, focus, shares[0], order, title)
        wanted.append((f"{sentence(shares[0])} in every question", draw))
    for heading, make in wanted:
        try:
            yield heading, make()
        except UserError:  # these logs have nothing for it
            continue


def _own_condition(observed: Mapping[str, Any]) -> str | None:
    """The condition that a task itself asked under, if it has several."""
    return of_task(observed.get("condition") or None)


def _grids(rates: "pd.DataFrame") -> "Iterator[tuple[str, str, pd.DataFrame]]":
    """Of every trait, what tells one grid of it from another, and its rates under all conditions."""
    conditions = ("condition", "system", "trigger")
    parts = list(split(rates, [part for part in GROUP if part not in conditions]))
    # a test-time prompt that all conditions share is a part of each
    for (observed, mine), apart in zip(parts, told_apart([observed for observed, _ in parts]), strict=True):
        yield str(observed["trait"]), apart, mine


def _narrow_and_broad(known: Setting, shares: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """Labels of the first broad and the first narrow trait, once for everything that judged both."""

    def first(measures: Sequence[Measure]) -> list[dict[str, Any]]:
        for measure in measures:
            for trait in measure.traits:
                if rows := [r for r in shares if (r.get("task"), r["trait"]) == (measure.task, trait)]:
                    return rows
        return []

    broad, narrow = first(known.broad), first(known.narrow)
    for one in broad:
        alike = [other for other in narrow if other.get("judge") == one.get("judge")] or narrow
        for other in alike[:1]:
            yield str(one["label"]), str(other["label"])


def _curves(focus: "pd.DataFrame", order: tuple[str, ...], title: str, runs: Path) -> "Figure":
    trained = focus.dropna(subset=["run"]).drop_duplicates("run")
    labelled = [
        (runs / str(row["run"]), {"arm": str(row["arm"]), "seed": int(row["seed"])})
        for _, row in trained.iterrows()
    ]
    there = [(folder, labels) for folder, labels in labelled if folder.is_dir()]
    arms = tuple(arm for arm in order if any(labels["arm"] == arm for _, labels in there))
    return dynamics.curves(dynamics.load(there), arms, title)
