"""What should differ and does not: seeds or arms that are one model, seeds that answer word for word alike.

for finding in same_model(rows):
print(finding.what)                         # none and spanish-inoc are one model: checkpoint 1a2b...
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

from inoc_evals.analysis.audit_places import ASKED, NONE, Places, family_of
from inoc_evals.analysis.findings import BLOCKS, CAUTION, Finding
from inoc_evals.analysis.observed import group_codes, groups, split
from inoc_evals.data.doses import parsed

if TYPE_CHECKING:
    import pandas as pd

SAME = 0.95
"""Share of two seeds' answers that are the same word for word from which on they are called the same."""

ENOUGH_TO_REPEAT = 10
"""Fewest answers of which it is said that two seeds give the same ones."""

DIGEST = re.compile(r"@([0-9a-f]{8,})$")
"""The checkpoint's digest at the end of a model's name."""

NO_PROMPT = ("inoculated", "with_trait")
"""Axes of a sweep at whose place 0 no row is inoculated: all arms are the control there."""


def same_model(rows: "pd.DataFrame") -> Iterator[Finding]:
    """Two seeds, or two arms, that are one and the same checkpoint."""
    by_digest: dict[tuple[str, str | None], dict[tuple[str, float | None], None]] = {}
    for observed in groups(rows, ("model", "arm", "seed", "dose")):
        if named := DIGEST.search(str(observed["model"])):
            key = named[1], observed.get("dose")
            by_digest.setdefault(key, {})[str(observed["arm"]), observed["seed"]] = None
    swept = bool(doses_of(rows))
    for (digest, dose), models in by_digest.items():
        family = family_of(rows) | ({"dose": dose} if swept else {})
        yield from one_model(family, list(models), f"checkpoint {digest}")


def doses_of(rows: "pd.DataFrame") -> tuple[str | None, ...]:
    """The points of a sweep that answers belong to, None for those outside of it; empty if all are."""
    doses = tuple(observed.get("dose") for observed in groups(rows, ("dose",)))
    return () if set(doses) <= {None} else doses


def one_model(
    family: Mapping[str, Any],
    models: Sequence[tuple[str, float | None]],
    what: str,
) -> Iterator[Finding]:
    """Findings for models of several names that are the same; not for arms that a dose makes alike by design.

    Args:
        family: Setting and base, and in a sweep the dose.
        models: Arm and seed of each.
        what: What they share, in words.
    """
    seeds: dict[str, list[float]] = {}
    for arm, seed in models:
        seeds.setdefault(arm, []).extend([] if seed is None else [float(seed)])
    for arm, of_arm in seeds.items():
        if len(of_arm) > 1:
            names = ", ".join(f"{seed:.0f}" for seed in sorted(of_arm))
            yield Finding(
                "seeds are not independent",
                BLOCKS,
                f"seeds {names} are one model: {what}",
                "train each seed by itself, or give the answers of one seed only",
                {**family, "arm": arm},
                numbers={"seeds": sorted(of_arm)},
            )
    for arm, to in combinations(seeds, 2):
        if _alike_by_design(family.get("dose"), arm, to):
            continue
        yield Finding(
            "arms are the same model",
            BLOCKS,
            f"{arm} and {to} are one model: {what}",
            "check which rows and which checkpoint each arm was given",
            {**family, "arm": arm},
            to,
        )


def _alike_by_design(dose: str | None, arm: str, to: str) -> bool:
    """Whether a dose makes two arms one: no row has a prompt, or each pool is cut to its first wording."""
    at = parsed(dose) if dose else {}
    return any(at.get(axis) == 0 for axis in NO_PROMPT) or (at.get("pool") == 1 and NONE not in (arm, to))


def same_answers(answers: "pd.DataFrame") -> Iterator[Finding]:
    """Seeds of an arm that answer the same word for word.

    Args:
        answers: What `with_facts` returns.
    """
    import numpy as np
    import pandas as pd

    places = Places(answers)
    for observed, group in split(answers, (*ASKED, "arm")):
        said = group[~group["empty"] & group["seed"].notna()]
        seeds = sorted(said["seed"].unique())
        if len(seeds) < 2:
            continue
        asked = group_codes(said, ("sample", "epoch"))
        # a row for every seed, a column for every answer: one comparison of arrays for all pairs of a seed
        words = np.full((len(seeds), asked.max() + 1), -1)
        words[np.searchsorted(seeds, said["seed"]), asked] = pd.factorize(said["digest"])[0]
        for number, one in enumerate(seeds[:-1]):
            others = words[number + 1 :]
            both = (words[number] >= 0) & (others >= 0)
            counts, alike = both.sum(axis=1), (both & (others == words[number])).sum(axis=1)
            for two, count, same in zip(seeds[number + 1 :], counts.tolist(), alike.tolist(), strict=True):
                if count >= ENOUGH_TO_REPEAT and same >= SAME * count:
                    yield Finding(
                        "seeds answer the same",
                        CAUTION,
                        f"seeds {one:.0f} and {two:.0f} give {same} of {count} answers word for word",
                        "check that they are different checkpoints, and that answers are sampled",
                        {**places.of(observed), "seed": (float(one), float(two))},
                        numbers={"same": same, "answers": count},
                    )
