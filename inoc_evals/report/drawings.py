"""The figures that one setting's answers have something for, the most telling first.

for heading, figure in drawings(focus, estimates, changed, traits, order, "spanish_caps (toy)"):
    ...
"""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from inoc_evals.analysis import figures, panels
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
    label: str,
) -> "Iterator[tuple[str, Figure]]":
    """Draw what there is to draw.

    Args:
        focus: Answers of one setting and base, with the traits that the setting is about.
        found: What `estimates.rates` made of them.
        changed: Tables of `contrasts.differences`, the first of which is drawn.
        traits: Its traits, in order.
        order: Its arms, in order.
        label: Setting and base, for headings.

    Yields:
        A heading, and the figure.
    """
    setting = str(focus["setting"].iloc[0])
    shares = tuple(t for t in traits if found.loc[found["trait"] == t, "rate"].between(0, 1).all())
    plain = tuple(t for t in shares if " | " not in t)
    conditions = dict.fromkeys(t.partition(" | ")[0] for t in shares if " | " in t)
    first = plain or (shares if len(shares) <= FEW_TRAITS else ())
    wanted: list[tuple[str, Callable[[], Figure]]] = []
    if first:
        wanted.append(("Rates in every arm", partial(figures.arms, focus, found, first, order, setting)))
    wanted += [
        (f"{trait} under every condition", partial(panels.grid, found, trait, order, setting))
        for trait in conditions
    ]
    known = SETTINGS.get(setting)
    broad = [t for m in known.broad for t in m.traits if t in plain] if known else []
    narrow = [t for m in known.narrow for t in m.traits if t in plain] if known else []
    if broad and narrow:
        both = partial(panels.narrow_and_broad, found, broad[0], narrow[0], order, setting)
        wanted.append(("Narrow trait against broad", both))
    if changed and not changed[0].empty:
        few = changed[0][changed[0]["trait"].isin(list(traits)[:FEW_TRAITS])]
        to = str(changed[0]["to"].iloc[0])
        wanted.append((f"Differences to {to}", partial(panels.forest, few, order, setting)))
    if plain:
        heat = partial(panels.heat_map, focus, plain[0], order, setting)
        wanted.append((f"{plain[0]} in every question", heat))
    for heading, draw in wanted:
        try:
            yield f"{heading}, {label}", draw()
        except UserError:  # these logs have nothing for it
            continue
