"""Which of the paper's claims a table of answers supports, which it contradicts, and which it leaves open.

    for verdict in verdicts(load("logs/reproduce")):
        print(verdict.claim.text, verdict.word, verdict.why)

A claim says in which region a difference lies. It is supported where the data reject that the difference lies
outside of the region, and contradicted where they reject that it lies inside: by Student's test on the
uncertainty of `variance.py`, both at the same level, corrected by Holm's method over the claims of a setting
and base. A wide interval thus leaves a claim undecided, whatever the point estimate.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from inoc_evals.analysis.claims import ALIASES, CLAIMS, LEAST, Claim, Side
from inoc_evals.analysis.contrasts import compare, holm
from inoc_evals.analysis.declared_traits import focused
from inoc_evals.analysis.estimates import RARE
from inoc_evals.errors import require

if TYPE_CHECKING:
    import pandas as pd

Word = Literal["supported", "contradicted", "undecided", "not measured"]

LEVEL = 0.05


@dataclass(frozen=True)
class Verdict:
    """What a table says of a claim.

    Attributes:
        claim: The claim.
        base: Base model.
        word: The verdict.
        left: Rate of the claim's left side.
        right: Rate of its right side.
        difference: Left less right.
        low: Lower bound of its 95 % interval, for this claim alone.
        high: Upper bound.
        p_supported: Of the test for the claim, corrected.
        p_contradicted: Of the test against it, corrected.
        n: Answers on both sides.
        why: The verdict's reason, in a few words.
    """

    claim: Claim
    base: str
    word: Word
    left: float
    right: float
    difference: float
    low: float
    high: float
    p_supported: float
    p_contradicted: float
    n: int
    why: str

    def as_dict(self) -> dict[str, Any]:
        """The same for programs; what is not a number is None."""
        claim = self.claim
        numbers = {
            name: None if value != value else value
            for name in ("left", "right", "difference", "low", "high", "p_supported", "p_contradicted")
            for value in (getattr(self, name),)
        }
        return {
            **{"setting": claim.setting, "claim": claim.name, "text": claim.text, "paper": claim.paper},
            **{"base": self.base, "region": claim.region, "verdict": self.word, **numbers},
            **{"n": self.n, "why": self.why},
        }


def verdicts(table: "pd.DataFrame", claims: Sequence[Claim] = CLAIMS, level: float = LEVEL) -> list[Verdict]:
    """Hold claims against a table.

    Args:
        table: What `table.load` returns.
        claims: The claims; the paper's by default.
        level: Probability that a setting's claims give one wrong verdict where all are false.

    Returns:
        For every base in the table, one verdict a claim; for a claim whose answers are not there, one that
        says so.
    """
    require("analysis", "pandas", "scipy", "statsmodels")
    found = []
    scored = focused(table.dropna(subset=["value"]))
    bases = [str(base) for base in scored["base"].dropna().unique()]
    for setting in dict.fromkeys(claim.setting for claim in claims):
        here = scored[scored["setting"] == setting]
        wanted = [claim for claim in claims if claim.setting == setting]
        there = [b for b in bases if not b or (here["base"] == b).any()]
        for base in there or [""]:
            found += _judge(wanted, here[here["base"] == base] if base else here, base, level)
    return found


def _judge(claims: list[Claim], here: "pd.DataFrame", base: str, level: float) -> list[Verdict]:
    import pandas as pd
    from scipy import stats

    sides = [(_rows(here, claim.left), _rows(here, claim.right)) for claim in claims]
    known = [None if left.empty or right.empty else compare(left, right) for left, right in sides]
    tests: dict[tuple[int, bool], float] = {}
    for number, (claim, about) in enumerate(zip(claims, known, strict=True)):
        if about is None:
            continue
        error, difference = max(float(about["error"]), 1e-12), float(about["difference"])
        t = stats.t(about["dof"])
        below, above = (float(t.sf((difference - bound) / error)) for bound in (claim.low, claim.high))
        # outside: below `low` or above `high`; to reject both, each is tested (two one-sided tests)
        tests[number, True] = max(below, 1 - above)
        tests[number, False] = min(1.0, _outside(1 - below, above))
    corrected: dict[tuple[int, bool], float] = {}
    for side in (True, False):
        keys = [key for key in tests if key[1] is side]
        if keys:
            corrected |= dict(zip(keys, holm(pd.Series([tests[key] for key in keys])), strict=True))
    return [
        _verdict(
            claim,
            base,
            about,
            (float(pair[0]["value"].mean()), float(pair[1]["value"].mean())),
            number,
            corrected,
            level,
        )
        for number, (claim, about, pair) in enumerate(zip(claims, known, sides, strict=True))
    ]


def _outside(under: float, over: float) -> float:
    """The p-value against lying inside: on the side that is farther out, both having been looked at."""
    return 2 * min(under, over) if under < 1 and over < 1 else min(under, over)


def _verdict(
    claim: Claim,
    base: str,
    about: dict[str, Any] | None,
    means: tuple[float, float],
    number: int,
    corrected: dict[tuple[int, bool], float],
    level: float,
) -> Verdict:
    nan = float("nan")
    if about is None:
        missing = [s for s, mean in zip((claim.left, claim.right), means, strict=True) if mean != mean]
        why = "no answers: " + ", ".join(dict.fromkeys(f"{s.trait} of {s.arm}" for s in missing))
        return Verdict(claim, base, "not measured", *means, nan, nan, nan, nan, nan, 0, why)
    supported, contradicted = corrected[number, True], corrected[number, False]
    word: Word = "supported" if supported < level else "contradicted" if contradicted < level else "undecided"
    why = f"{about['difference']:+.2f} [{about['low']:+.2f}, {about['high']:+.2f}], claimed {claim.region}"
    if word == "undecided":
        why += f"; detectable ±{about['detectable']:.2f}"
    if cautions := _cautions(claim, about):
        why += f"; caution: {cautions}"
    difference, low, high = (float(about[key]) for key in ("difference", "low", "high"))
    n = int(about["n"])
    return Verdict(claim, base, word, *means, difference, low, high, supported, contradicted, n, why)


def _cautions(claim: Claim, about: dict[str, Any]) -> str:
    """What may be wrong with the interval. A rare trait's is off by points: nothing where bounds are far."""
    distance = min(abs(about["difference"] - bound) for bound in (claim.low, claim.high))
    reasons = str(about["caution"]).split(", ")
    return ", ".join(r for r in reasons if r and (distance <= LEAST or not r.startswith(RARE)))


def _rows(here: "pd.DataFrame", side: Side) -> "pd.DataFrame":
    """The answers of a side; of the paper's trait, or of the toy's that stands for it."""
    mine = here[(here["arm"] == side.arm) & (here["trait"] == side.trait)]
    if mine.empty and len(here):
        other = ALIASES.get((str(here["setting"].iloc[0]), side.trait))
        mine = here[(here["arm"] == side.arm) & (here["trait"] == other)] if other else mine
    return mine
