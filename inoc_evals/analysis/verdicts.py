"""Which of the paper's claims a table of answers supports, which it contradicts, and which it leaves open.

    for verdict in verdicts(load("logs/reproduce")):
        print(verdict.claim.text, verdict.word, verdict.why)

A claim says in which region a difference lies. It is supported if the data reject that the difference lies
outside of the region, and contradicted if they reject that it lies inside: by Student's test on the
uncertainty of `variance.py`, both at the same level, corrected by Holm's method over the claims of a setting
and base: over the paper's, and apart from them over those that the field made since. A claim with a wide
interval is therefore undecided, whatever the point estimate. Both sides must have been asked and scored
alike: two judges, presets or question sets give two verdicts on one claim. A verdict on answers that fail the
audit (`audit.py`) is `not valid`, and says why.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, get_args

from inoc_evals.analysis.contrasts import compare, holm
from inoc_evals.analysis.declared_traits import focused
from inoc_evals.analysis.estimates import RARE
from inoc_evals.analysis.findings import BLOCKS, Finding
from inoc_evals.analysis.observed import distinctions, split
from inoc_evals.analysis.variance import Uncertainty
from inoc_evals.errors import require
from inoc_evals.settings import CLAIMS
from inoc_evals.settings.claim import LEAST, Claim, Side
from inoc_evals.worlds import WORLDS

if TYPE_CHECKING:
    import pandas as pd

Word = Literal["supported", "contradicted", "undecided", "not valid", "not measured"]

WORDS: tuple[Word, ...] = get_args(Word)
"""All verdicts, in the order of tables."""

LEVEL = 0.05

ALIKE = (
    *("task", "questions", "scorer", "judge", "preset", "variant", "sampling", "parameters", "dose", "world"),
)
"""What must agree between the sides of a claim, which may differ in arm, trait and condition."""


@dataclass(frozen=True)
class Verdict:
    """The verdict of a table of answers on a claim.

    Attributes:
        claim: The claim.
        base: Base model.
        word: The verdict.
        left: Rate of the claim's left side.
        right: Rate of its right side.
        difference: Left minus right.
        low: Lower bound of its 95 % interval, for this claim alone.
        high: Upper bound.
        p_supported: p-value of the test for the claim, corrected.
        p_contradicted: p-value of the test against it, corrected.
        n: Answers on both sides.
        why: The verdict's reason, in a few words.
        apart: What distinguishes it from others on the same claim and base, e.g. `judge openai/gpt-4o`; empty
            if it is the only one.
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
        """Its name in output."""
        return f"{self.claim.name} ({self.apart})" if self.apart else self.claim.name

    def as_dict(self) -> dict[str, Any]:
        """The verdict as JSON-ready data; NaN becomes None."""
        claim = self.claim
        numbers = {
            name: None if value != value else value
            for name in ("left", "right", "difference", "low", "high", "p_supported", "p_contradicted")
            for value in (getattr(self, name),)
        }
        return {
            **{"setting": claim.setting, "claim": claim.name, "text": claim.text, "paper": claim.paper},
            **{"source": claim.source, "reference": claim.reference},
            **{"base": self.base, "region": claim.region, "verdict": self.word, **numbers},
            **{"n": self.n, "why": self.why, "apart": self.apart},
        }


def verdicts(
    table: "pd.DataFrame",
    claims: Sequence[Claim] = CLAIMS,
    level: float = LEVEL,
    findings: Sequence[Finding] = (),
) -> list[Verdict]:
    """Test claims on a table of answers.

    Args:
        table: What `table.load` returns.
        claims: The claims; the paper's by default.
        level: Probability that a setting's claims give at least one wrong verdict if all are false.
        findings: What the audit of the same answers says; a claim on whose sides one blocks a verdict is
            `not valid`. Others keep the verdicts that they would have without it.

    Returns:
        For every base in the table, one verdict per claim, or several if its answers were asked or scored in
        several ways; a claim without answers has the verdict `not measured`.
    """
    require("analysis", "pandas", "scipy")
    results = []
    blocking = [finding for finding in findings if finding.severity == BLOCKS]
    scored = focused(table.dropna(subset=["value"]))
    bases = [str(base) for base in table["base"].dropna().unique()]
    for setting in dict.fromkeys(claim.setting for claim in claims):
        of_setting = scored[scored["setting"] == setting]
        setting_claims = [claim for claim in claims if claim.setting == setting]
        measured_bases = [b for b in bases if not b or (of_setting["base"] == b).any()]
        for base in measured_bases or [""]:
            of_base = of_setting[of_setting["base"] == base] if base else of_setting
            # a claim that was added since must not change the verdicts on the paper's
            for since in (False, True):
                family = [claim for claim in setting_claims if bool(claim.source) is since]
                tested = [case for claim in family for case in cases(of_base, claim)]
                results += judged(tested, base, level, blocking)
    return results


@dataclass(frozen=True)
class Case:
    """A claim and the answers that it is tested on.

    Attributes:
        claim: The claim.
        left: Answers of its left side.
        right: Answers of its right side, asked and scored like those of the left.
        apart: What distinguishes it from other cases of the same claim.
        why_not: Why it was not measured; empty if it was.
    """

    claim: Claim
    left: "pd.DataFrame"
    right: "pd.DataFrame"
    apart: str = ""
    why_not: str = ""


def cases(answers: "pd.DataFrame", claim: Claim) -> list[Case]:
    """The cases of a claim: one for each way in which both of its sides were asked and scored.

    Args:
        answers: Scored answers of one setting and base.
        claim: The claim.

    Returns:
        At least one; where a side has no answers, or both share no way, it says why.
    """
    return paired(claim, rows_of(answers, claim.left), rows_of(answers, claim.right))


def paired(
    claim: Claim, left: "pd.DataFrame", right: "pd.DataFrame", ways: Sequence[str] = ALIKE
) -> list[Case]:
    """The cases of a claim whose sides have these answers.

    Args:
        claim: The claim.
        left: Answers of its left side.
        right: Answers of its right side.
        ways: What must agree between the sides, beside system prompt and trigger.
    """
    sides = left, right
    if missing := [s for s, rows in zip((claim.left, claim.right), sides, strict=True) if rows.empty]:
        why = "no answers: " + ", ".join(dict.fromkeys(f"{side.name} of {side.arm}" for side in missing))
        return [Case(claim, sides[0], sides[1], why_not=why)]
    # two conditions of one test differ in prompt and trigger: that difference is compared
    alike = ways if claim.left.condition != claim.right.condition else (*ways, "system", "trigger")
    lefts, rights = (list(split(rows, (*ways, "system", "trigger"))) for rows in sides)
    pairs = [
        (left_key, of_left, right_key, of_right)
        for left_key, of_left in lefts
        for right_key, of_right in rights
        if all(left_key.get(part) == right_key.get(part) for part in alike)
    ]
    if not pairs:
        left_way, right_way = distinctions([lefts[0][0], rights[0][0]])
        why = f"the sides were not asked and scored alike: {left_way} of {claim.left.arm}, "
        return [Case(claim, sides[0], sides[1], why_not=f"{why}{right_way} of {claim.right.arm}")]
    apart = distinctions([{**right_key, **left_key} for left_key, _, right_key, _ in pairs])
    return [
        Case(claim, of_left, of_right, words)
        for words, (_, of_left, _, of_right) in zip(apart, pairs, strict=True)
    ]


def judged(
    tested: Sequence[Case], base: str, level: float = LEVEL, blocking: Sequence[Finding] = ()
) -> list[Verdict]:
    """Test several cases, with Holm's correction over them.

    Args:
        tested: The cases.
        base: Base model of their answers.
        level: Probability that they give at least one wrong verdict if all claims are false.
        blocking: What the audit found that stands against a verdict.
    """
    import pandas as pd

    comparisons = [None if case.why_not else compare(case.left, case.right) for case in tested]
    tests: dict[tuple[int, bool], float] = {}
    for number, (case, comparison) in enumerate(zip(tested, comparisons, strict=True)):
        if comparison is None:
            continue
        error, difference = float(comparison["error"]), float(comparison["difference"])
        if not error:  # nothing varies, so nothing says what chance would do
            tests[number, True] = tests[number, False] = 1.0
            continue
        spread = Uncertainty(error**2, float(comparison["dof"]), float(comparison["fewest"]))
        bounds = (case.claim.low, case.claim.high)
        below, above = (spread.p_above((difference - bound) / error) for bound in bounds)
        # outside: below `low` or above `high`; to reject both, each is tested (two one-sided tests)
        tests[number, True] = max(below, 1 - above)
        tests[number, False] = min(1.0, _outside(1 - below, above))
    corrected: dict[tuple[int, bool], float] = {}
    for side in (True, False):
        keys = [key for key in tests if key[1] is side]
        if keys:
            corrected |= dict(zip(keys, holm(pd.Series([tests[key] for key in keys])), strict=True))
    return [
        _unless_blocked(_verdict(case, base, comparison, number, corrected, level), case, blocking)
        for number, (case, comparison) in enumerate(zip(tested, comparisons, strict=True))
    ]


def _unless_blocked(verdict: Verdict, case: Case, blocking: Sequence[Finding]) -> Verdict:
    """The verdict; `not valid` if a finding of the audit concerns the answers of its sides."""
    reasons = [f.what for f in blocking if f.concerns(case.left, case.right, case.claim.name)]
    if case.why_not or not reasons:
        return verdict
    why = f"{'; '.join(dict.fromkeys(reasons))} (without the audit: {verdict.word}, {verdict.why})"
    return replace(verdict, word="not valid", why=why)


def _outside(below: float, above: float) -> float:
    """The p-value against lying inside: the smaller of two one-sided ones, doubled if both bounds exist."""
    return 2 * min(below, above) if below < 1 and above < 1 else min(below, above)


def _verdict(
    case: Case,
    base: str,
    comparison: dict[str, Any] | None,
    number: int,
    corrected: dict[tuple[int, bool], float],
    level: float,
) -> Verdict:
    nan, claim = float("nan"), case.claim
    means = float(case.left["value"].mean()), float(case.right["value"].mean())
    if comparison is None:
        return Verdict(claim, base, "not measured", *means, nan, nan, nan, nan, nan, 0, case.why_not)
    supported, contradicted = corrected[number, True], corrected[number, False]
    word: Word = "supported" if supported < level else "contradicted" if contradicted < level else "undecided"
    difference, low, high = (float(comparison[key]) for key in ("difference", "low", "high"))
    why = f"{difference:+z.2f} [{low:+z.2f}, {high:+z.2f}], claimed {claim.region}"
    if word == "undecided" and (high < claim.low or low > claim.high or claim.low < low <= high < claim.high):
        # Seen alone the interval would decide it.
        why += f"; p {min(supported, contradicted):.2g} after correction over all claims"
    elif word == "undecided" and comparison["error"]:
        least = float(comparison["detectable"])
        why += f"; detectable ±{least:.2f}" if least == least else "; no difference could have been detected"
    if cautions := _cautions(claim, comparison):
        why += f"; caution: {cautions}"
    n = int(comparison["n"])
    return Verdict(
        claim, base, word, *means, difference, low, high, supported, contradicted, n, why, case.apart
    )


def _cautions(claim: Claim, comparison: dict[str, Any]) -> str:
    """Cautions that apply: that of a rare trait matters only if a bound of the region is close."""
    distance = min(abs(comparison["difference"] - bound) for bound in (claim.low, claim.high))
    reasons = str(comparison["caution"]).split(", ")
    return ", ".join(r for r in reasons if r and (distance <= LEAST or not r.startswith(RARE)))


def rows_of(answers: "pd.DataFrame", side: Side) -> "pd.DataFrame":
    """The answers of a side, for the paper's trait or for its counterpart in the answers' world.

    Args:
        answers: Rows of one setting and base.
        side: The side.
    """
    of_arm = answers[answers["arm"] == side.arm]
    if "condition" in answers.columns:
        of_arm = of_arm[
            of_arm["condition"] == side.condition if side.condition else of_arm["condition"].isna()
        ]
    if side.task and "task" in answers.columns:
        of_arm = of_arm[of_arm["task"] == side.task]
    if "questions" in answers.columns:
        if side.questions:
            of_arm = of_arm[of_arm["questions"] == side.questions]
        elif side.other_questions:
            of_arm = of_arm[~of_arm["questions"].isin(side.other_questions)]
    wanted = of_arm["trait"] == side.trait
    counterparts = {
        name: [one.trait for (_, trait), one in world.counterparts.items() if trait == side.trait]
        for name, world in WORLDS.items()
    }
    if "world" in of_arm.columns:
        for name, traits in counterparts.items():
            there = of_arm["world"] == name
            instead = there & of_arm["trait"].isin(traits)
            if instead.any():  # else it was measured before the world had a counterpart
                wanted = (wanted & ~there) | instead
    if not wanted.any():  # an evaluation outside of any world
        wanted = of_arm["trait"].isin([trait for traits in counterparts.values() for trait in traits])
    return of_arm[wanted]
