"""The figures that one setting's answers have something for, the most telling first.

for heading, figure in drawings(focus, estimates, changed, traits, order):
    ...
"""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from inoc_evals.analysis import dynamics, figures, panels
from inoc_evals.analysis.style import is_share, named
from inoc_evals.errors import UserError
from inoc_evals.settings import SETTINGS

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
    """Draw what there is to draw.

    Args:
        focus: Answers of one setting and base, with the traits that the setting is about.
        found: What `estimates.rates` made of them.
        changed: Tables of `contrasts.differences`, the first of which is drawn.
        traits: Its traits, in order.
        order: Its arms, in order.
        runs: Folder of run directories, for log-probs that were followed in training.

    Yields:
        A heading, and the figure.
    """
    setting, base = str(focus["setting"].iloc[0]), focus["base"].iloc[0]
    title = named(setting).capitalize() + ("" if base != base else f", {base}")
    shares = [t for t in traits if is_share(found.loc[found["trait"] == t, "rate"])]
    plain = tuple(t for t in traits if " | " not in t or t not in shares)[:FEW_TRAITS]
    conditions = dict.fromkeys(t.partition(" | ")[0] for t in shares if " | " in t)
    wanted: list[tuple[str, Callable[[], Figure]]] = []
    if plain:
        wanted.append(("Every arm", partial(figures.arms, focus, found, plain, order, title)))
    for trait in conditions:
        draw = partial(panels.grid, found, trait, order, title)
        wanted.append((f"{named(trait).capitalize()} under every condition of the test", draw))
    if runs is not None and setting in SETTINGS and SETTINGS[setting].dynamics:
        wanted.append(("Log-probs while it trained", partial(_curves, focus, order, title, runs)))
    known = SETTINGS.get(setting)
    broad = [t for m in known.broad for t in m.traits if t in shares] if known else []
    narrow = [t for m in known.narrow for t in m.traits if t in shares] if known else []
    if broad and narrow:
        both = partial(panels.narrow_and_broad, found, broad[0], narrow[0], order, title)
        wanted.append(("Narrow trait against broad", both))
    for differences in changed[:1]:
        if len(differences):
            draw = partial(panels.forest, differences, tuple(traits)[:FEW_TRAITS], order, title)
            wanted.append((f"Differences to {differences['to'].iloc[0]}", draw))
    if shares:
        draw = partial(panels.heat_map, focus, shares[0], order, title)
        wanted.append((f"{named(shares[0]).capitalize()} in every question", draw))
    for heading, make in wanted:
        try:
            yield heading, make()
        except UserError:  # these logs have nothing for it
            continue


def _curves(focus: "pd.DataFrame", order: tuple[str, ...], title: str, runs: Path) -> "Figure":
    trained = focus.dropna(subset=["run"]).drop_duplicates("run")
    labelled = [
        (runs / str(row["run"]), {"arm": str(row["arm"]), "seed": int(row["seed"])})
        for _, row in trained.iterrows()
    ]
    there = [(folder, labels) for folder, labels in labelled if folder.is_dir()]
    arms = tuple(arm for arm in order if any(labels["arm"] == arm for _, labels in there))
    return dynamics.curves(dynamics.load(there), arms, title)
