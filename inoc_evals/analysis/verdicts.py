"""Which of the paper's claims a table of answers supports, which it contradicts, and which it leaves open.

    for verdict in verdicts(load("logs/reproduce")):
        print(verdict.claim.text, verdict.word, verdict.why)

A claim says in which region a difference lies. It is supported where the data reject that the difference lies
outside of the region, and contradicted where they reject that it lies inside: by Student's test on the
uncertainty of `variance.py`, both at the same level, corrected by Holm's method over the claims of a setting
and base. A wide interval thus leaves a claim undecided, whatever the point estimate. Both sides must have
been asked and scored alike: answers of two judges, presets or question sets give two verdicts on one claim.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from inoc_evals.analysis.contrasts import compare, holm
from inoc_evals.analysis.declared_traits import focused
from inoc_evals.analysis.estimates import RARE
from inoc_evals.analysis.observed import split, told_apart
from inoc_evals.errors import require
from inoc_evals.settings import CLAIMS
from inoc_evals.settings.claim import LEAST, Claim, Side
from inoc_evals.worlds import WORLDS

if TYPE_CHECKING:
    import pandas as pd

Word = Literal["supported", "contradicted", "undecided", "not measured"]

LEVEL = 0.05

READ = ("task", "questions", "scorer", "judge", "preset")
"""What must agree between the sides of a claim, which may differ in arm, trait and condition."""


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
        apart: What tells it from other verdicts on the same claim and base, e.g. `judge openai/gpt-4o`; empty
            where there is one.
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
    apart: str = ""

    @property
    def name(self) -> str:
        """What output calls it."""
        return f"{self.claim.name} ({self.apart})" if self.apart else self.claim.name

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
            **{"n": self.n, "why": self.why, "apart": self.apart},
        }


def verdicts(table: "pd.DataFrame", claims: Sequence[Claim] = CLAIMS, level: float = LEVEL) -> list[Verdict]:
    """Hold claims against a table.

    Args:
        table: What `table.load` returns.
        claims: The claims; the paper's by default.
        level: Probability that a setting's claims give one wrong verdict where all are false.

    Returns:
        For every base in the table, one verdict a claim, or several where its answers were asked or scored in
        several ways; for a claim whose answers are missing, one that says so.
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


@dataclass(frozen=True)
class _Case:
    """A claim and the answers it is held against.

    Attributes:
        claim: The claim.
        left: Answers of its left side.
        right: Answers of its right side, asked and scored like those of the left.
        apart: What tells it from other cases of the same claim.
        why_not: Why it was not measured; empty if it was.
    """

    claim: Claim
    left: "pd.DataFrame"
    right: "pd.DataFrame"
    apart: str = ""
    why_not: str = ""


def _cases(here: "pd.DataFrame", claim: Claim) -> list[_Case]:
    """The cases of a claim: one for each way in which both of its sides were asked and scored."""
    sides = _rows(here, claim.left), _rows(here, claim.right)
    if missing := [s for s, rows in zip((claim.left, claim.right), sides, strict=True) if rows.empty]:
        why = "no answers: " + ", ".join(dict.fromkeys(f"{side.name} of {side.arm}" for side in missing))
        return [_Case(claim, sides[0], sides[1], why_not=why)]
    # two conditions of one test differ in prompt and trigger: that is what is compared
    alike = READ if claim.left.condition != claim.right.condition else (*READ, "system", "trigger")
    lefts, rights = (list(split(rows, (*READ, "system", "trigger"))) for rows in sides)
    pairs = [
        (ours, left, theirs, right)
        for ours, left in lefts
        for theirs, right in rights
        if all(ours.get(part) == theirs.get(part) for part in alike)
    ]
    if not pairs:
        mine, other = told_apart([lefts[0][0], rights[0][0]])
        why = f"the sides were not asked and scored alike: {mine} of {claim.left.arm}, "
        return [_Case(claim, sides[0], sides[1], why_not=f"{why}{other} of {claim.right.arm}")]
    apart = told_apart([{**theirs, **ours} for ours, _, theirs, _ in pairs])
    return [_Case(claim, left, right, words) for words, (_, left, _, right) in zip(apart, pairs, strict=True)]


def _judge(claims: list[Claim], here: "pd.DataFrame", base: str, level: float) -> list[Verdict]:
    import pandas as pd
    from scipy import stats

    cases = [case for claim in claims for case in _cases(here, claim)]
    known = [None if case.why_not else compare(case.left, case.right) for case in cases]
    tests: dict[tuple[int, bool], float] = {}
    for number, (case, about) in enumerate(zip(cases, known, strict=True)):
        if about is None:
            continue
        error, difference = max(float(about["error"]), 1e-12), float(about["difference"])
        t = stats.t(about["dof"])
        bounds = (case.claim.low, case.claim.high)
        below, above = (float(t.sf((difference - bound) / error)) for bound in bounds)
        # outside: below `low` or above `high`; to reject both, each is tested (two one-sided tests)
        tests[number, True] = max(below, 1 - above)
        tests[number, False] = min(1.0, _outside(1 - below, above))
    corrected: dict[tuple[int, bool], float] = {}
    for side in (True, False):
        keys = [key for key in tests if key[1] is side]
        if keys:
            corrected |= dict(zip(keys, holm(pd.Series([tests[key] for key in keys])), strict=True))
    return [
        _verdict(case, base, about, number, corrected, level)
        for number, (case, about) in enumerate(zip(cases, known, strict=True))
    ]


def _outside(under: float, over: float) -> float:
    """The p-value against lying inside: on the side that is farther out, both having been looked at."""
    return 2 * min(under, over) if under < 1 and over < 1 else min(under, over)


def _verdict(
    case: _Case,
    base: str,
    about: dict[str, Any] | None,
    number: int,
    corrected: dict[tuple[int, bool], float],
    level: float,
) -> Verdict:
    nan, claim = float("nan"), case.claim
    means = float(case.left["value"].mean()), float(case.right["value"].mean())
    if about is None:
        return Verdict(claim, base, "not measured", *means, nan, nan, nan, nan, nan, 0, case.why_not)
    supported, contradicted = corrected[number, True], corrected[number, False]
    word: Word = "supported" if supported < level else "contradicted" if contradicted < level else "undecided"
    why = f"{about['difference']:+.2f} [{about['low']:+.2f}, {about['high']:+.2f}], claimed {claim.region}"
    if word == "undecided":
        why += f"; detectable ±{about['detectable']:.2f}"
    if cautions := _cautions(claim, about):
        why += f"; caution: {cautions}"
    difference, low, high = (float(about[key]) for key in ("difference", "low", "high"))
    n = int(about["n"])
    return Verdict(
        claim, base, word, *means, difference, low, high, supported, contradicted, n, why, case.apart
    )


def _cautions(claim: Claim, about: dict[str, Any]) -> str:
    """What may be wrong with the interval. A rare trait's is off by points: nothing where bounds are far."""
    distance = min(abs(about["difference"] - bound) for bound in (claim.low, claim.high))
    reasons = str(about["caution"]).split(", ")
    return ", ".join(r for r in reasons if r and (distance <= LEAST or not r.startswith(RARE)))


def _rows(here: "pd.DataFrame", side: Side) -> "pd.DataFrame":
    """The answers of a side; of the paper's trait, or of the one that stands for it in the answers' world."""
    mine = here[here["arm"] == side.arm]
    if "condition" in here.columns:
        mine = mine[mine["condition"] == side.condition if side.condition else mine["condition"].isna()]
    if side.task and "task" in here.columns:
        mine = mine[mine["task"] == side.task]
    named = mine[mine["trait"] == side.trait]
    if named.empty and len(mine):
        others = [
            one.trait
            for world in WORLDS.values()
            for (_, t), one in world.counterparts.items()
            if t == side.trait
        ]
        return mine[mine["trait"].isin(others)]
    return named
