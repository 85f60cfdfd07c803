"""All checks of a table of answers, and those of exclusions, sizes and missing effects.

    for finding in checks(focused(load("logs/mine")), facts, SETTINGS):
        print(finding.severity, finding.what)

Every check is a function from the answers of one setting and base to findings. Numbers come from the suite's
own intervals (`contrasts.compare`), clustered by question and finetune; whether two arms differ in what is
excluded is corrected by Holm's method over all comparisons of a setting and base. A finding names the way in
which its answers were observed (judge, dose, and so on) where there are several, and concerns no other.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from inoc_evals.analysis.audit_apart import (
    asked_apart,
    asked_other_words,
    missing_seeds,
    scored_apart,
    trained_apart,
)
from inoc_evals.analysis.audit_drawing import drawn_apart
from inoc_evals.analysis.audit_fields import Specs
from inoc_evals.analysis.audit_places import (
    NONE,
    Places,
    arms_of,
    family_of,
    joined,
    one_or_all,
    pairs_of,
    percent,
)
from inoc_evals.analysis.audit_same import same_answers, same_model
from inoc_evals.analysis.audit_texts import odd_answers, with_facts
from inoc_evals.analysis.contrasts import compare, holm
from inoc_evals.analysis.estimates import FEW_SEEDS
from inoc_evals.analysis.findings import BLOCKS, CAUTION, NOTE, WAY, Finding, merged
from inoc_evals.analysis.log_facts import LogFacts
from inoc_evals.analysis.observed import FAMILY, GROUP, groups, split
from inoc_evals.analysis.style import BASE
from inoc_evals.analysis.verdicts import ALIKE, LEVEL, cases
from inoc_evals.data.conditions import of_task
from inoc_evals.plurals import many
from inoc_evals.scorers.unscored import FAILED, NO_ANSWER, counted
from inoc_evals.settings import Setting
from inoc_evals.settings.claim import LEAST, Side

if TYPE_CHECKING:
    import pandas as pd


class Thresholds(NamedTuple):
    """From `audit_thresholds.json`, which benchmarks/audit_thresholds.py writes; docs/audit.md explains them.

    Attributes:
        questions: Fewest questions from which a verdict is what it promises.
        answers: Fewest scored answers of an arm, likewise.
        power: Fewest questions at which a difference like the paper's is found in 4 of 5 experiments.
        excluded: Largest difference of the shares excluded from two arms at which a verdict is still honest.
    """

    questions: int
    answers: int
    power: int
    excluded: float


@cache
def thresholds() -> Thresholds:
    """The thresholds of the audit."""
    text = files("inoc_evals.analysis").joinpath("audit_thresholds.json").read_text(encoding="utf-8")
    kept = json.loads(text)
    return Thresholds(*(kept[name] for name in Thresholds._fields))


def checks(
    answers: "pd.DataFrame",
    facts: Mapping[str, LogFacts],
    settings: Mapping[str, Setting],
    runs: Path | None = None,
) -> Iterator[Finding]:
    """Check the answers of every setting and base.

    Args:
        answers: What `table.load` returns, with only the traits that settings declare (`focused`).
        facts: What else is known of the logs, by location; of a log that is missing here only scores are
            checked.
        settings: Settings by name.
        runs: Folder of the run directories, which say in what models were trained apart; None if it is not
            known.
    """
    specs = Specs(runs)
    for observed, rows in split(answers, FAMILY):
        yield from merged(_of_family(rows, facts, settings.get(str(observed["setting"])), specs), "dose")


def _of_family(
    rows: "pd.DataFrame", facts: Mapping[str, LogFacts], setting: Setting | None, specs: Specs
) -> Iterator[Finding]:
    """Check the answers of one setting and base."""
    yield from excluded(rows)
    yield from too_few(rows)
    yield from asked_apart(rows)
    yield from asked_other_words(rows, facts)
    yield from scored_apart(rows, facts)
    yield from missing_seeds(rows)
    yield from trained_apart(rows, facts, specs)
    yield from same_model(rows)
    yield from drawn_apart(rows)
    if setting is not None:
        yield from nothing_to_inoculate(rows, setting)
    known = with_facts(rows, facts)
    if len(known):
        yield from odd_answers(known)
        yield from same_answers(known)


def excluded(rows: "pd.DataFrame") -> Iterator[Finding]:
    """Answers without a value, by arm and reason, and arms that differ in how many there are."""
    places = Places(rows)
    by_arm: dict[tuple[Any, ...], list[Finding]] = {}
    compared: dict[tuple[Any, ...], list[tuple[dict[str, Any], str, dict[str, Any]]]] = {}
    for observed, group in split(rows, GROUP):
        place = places.of(observed)
        shape = _shape(place, "condition")
        for arm, of_arm in arms_of(group).items():
            reasons = of_arm.loc[of_arm["value"].isna(), "unscored"].astype(object)
            missing = reasons.fillna("no reason is given").astype(str)
            if missing.empty:
                continue
            failed = int(missing.str.startswith((FAILED, NO_ANSWER)).sum())
            where, size = {**place, "arm": arm}, (len(of_arm), len(missing), counted(missing))
            by_arm.setdefault((*shape, arm, *size), []).append(_excluded(where, len(of_arm), missing, failed))
        for arm, to in pairs_of(group):
            one, two = (_indicator(group[(group["arm"] == name).to_numpy()]) for name in (arm, to))
            if one["value"].any() or two["value"].any():
                found = compare(one, two)
                size_apart = (round(float(found["difference"]), 12), int(found["n"]))
                shares = {"share": one["value"].mean(), "share_to": two["value"].mean()}
                where = {**place, "arm": arm}
                compared.setdefault((*shape, arm, to, *size_apart), []).append(
                    (where, to, {**found, **shares})
                )
    for alike in by_arm.values():
        yield from _together(alike)
    yield from _excluded_apart([_first(alike) for alike in compared.values()])


def _excluded(where: dict[str, Any], n: int, missing: "pd.Series", failed: int) -> Finding:
    reasons = counted(missing)
    todo = "read the reasons, and mend the judge or the sampling where the model is not at fault"
    if failed:
        todo = "look at the errors in Inspect's viewer, and ask again (`inspect eval-retry`)"
    # an arm without a valid answer is said here, with the reasons, and not once more as one of too few
    severity = BLOCKS if len(missing) == n else CAUTION if failed else NOTE
    return Finding(
        "answers excluded",
        severity,
        f"{len(missing)} of {n} answers have no value: {reasons}",
        todo,
        where,
        numbers={"excluded": len(missing), "answers": n, "failed": failed, "reasons": reasons},
    )


def _excluded_apart(compared: list[tuple[dict[str, Any], str, dict[str, Any]]]) -> Iterator[Finding]:
    """Comparisons of which more is excluded from one arm than from the other."""
    import pandas as pd

    if not compared:
        return
    corrected = holm(pd.Series([float(found["p"]) for _, _, found in compared]))
    limit = thresholds().excluded
    for (where, to, found), p in zip(compared, corrected, strict=True):
        if p >= LEVEL:
            continue
        difference, low, high = (float(found[key]) for key in ("difference", "low", "high"))
        blocks = abs(difference) > limit
        what = (
            f"{percent(found['share'])} of the answers of {where['arm']} are excluded and "
            f"{percent(found['share_to'])} of {to}: {difference:+z.2f} [{low:+z.2f}, {high:+z.2f}]"
        )
        if blocks:
            what += f", more than the {limit:.2f} at which verdicts are still honest"
        yield Finding(
            "exclusion differs between arms",
            BLOCKS if blocks else CAUTION,
            what,
            "find out why one arm loses more answers, or count them as answers without the trait",
            where,
            to,
            numbers={
                **{"share": float(found["share"]), "share_to": float(found["share_to"])},
                **{"difference": difference, "low": low, "high": high, "p_holm": float(p), "limit": limit},
            },
        )


def too_few(rows: "pd.DataFrame") -> Iterator[Finding]:
    """Arms with too few valid answers, questions or finetunes for a verdict; of none `excluded` says why."""
    limits, places = thresholds(), Places(rows)
    by_size: dict[tuple[Any, ...], list[Finding]] = {}
    for observed, group in split(rows, GROUP):
        place = places.of(observed)
        for arm, of_arm in arms_of(group).items():
            scored = of_arm.dropna(subset=["value"])
            n, questions = len(scored), scored["question"].nunique()
            if not n or (questions >= limits.power and n >= limits.answers):
                continue
            blocks = questions < limits.questions or n < limits.answers
            what = f"{many(n, 'valid answer')} to {many(questions, 'question')}"
            what += (
                f"; verdicts are honest from {many(limits.questions, 'question')} and "
                f"{many(limits.answers, 'answer')} on"
                if blocks
                else f"; a difference of half the answers is mostly found from {limits.power} questions on"
            )
            finding = Finding(
                "too few answers",
                BLOCKS if blocks else CAUTION,
                what,
                "ask more questions (no `--limit`, or other `questions`), not the same ones more often",
                {**place, "arm": arm},
                numbers={
                    "answers": n,
                    "questions": questions,
                    "least": limits.questions,
                    "power": limits.power,
                },
            )
            by_size.setdefault((*_shape(place), arm, n, questions), []).append(finding)
    for alike in by_size.values():
        yield from _together(alike)
    yield from _few_finetunes(rows)


def _few_finetunes(rows: "pd.DataFrame") -> Iterator[Finding]:
    """Arms with few seeds: a verdict is of one task at one dose, so that the least counts."""
    by_arm: dict[str, list[tuple[dict[str, Any], int]]] = {}
    for observed, group in split(rows, (*FAMILY, "task", "dose", "world")):
        for arm, of_arm in arms_of(group).items():
            if count := int(of_arm["seed"].nunique()):
                by_arm.setdefault(arm, []).append((observed, count))
    for arm, counts in by_arm.items():
        least = min(count for _, count in counts)
        if least < FEW_SEEDS:
            those = [observed for observed, count in counts if count == least]
            yield Finding(
                "few finetunes",
                CAUTION,
                f"{least} finetune{'s' * (least > 1)}; what others would show is unknown below {FEW_SEEDS}",
                f"train {FEW_SEEDS} seeds an arm (`--seeds {FEW_SEEDS}`)",
                {**joined(those, [observed for observed, _ in counts]), "arm": arm},
                numbers={"seeds": least, "least": FEW_SEEDS},
            )


def nothing_to_inoculate(rows: "pd.DataFrame", setting: Setting) -> Iterator[Finding]:
    """Claims that a prompt keeps a trait out which training without it does not bring in."""
    from dataclasses import replace

    scored, places = rows.dropna(subset=["value"]), Places(rows)
    for claim in setting.claims:
        if claim.high >= 0 or claim.right.arm != NONE or claim.left.arm in (NONE, BASE):
            continue
        if _is_wanted(claim.left, setting):
            continue
        # the arm need not have the prompt, trigger and condition of `none`, if those are what is compared
        asked = claim.left.condition == claim.right.condition
        parts = (*ALIKE, "trait", *(("condition", "system", "trigger") if asked else ()))
        ways = [_way(case.right, parts) for case in cases(scored, claim) if not case.why_not]
        learnt = replace(claim, left=claim.right, right=replace(claim.right, arm=BASE))
        for case in cases(scored, learnt):
            if case.why_not or not _shares(case.left) or not _shares(case.right):
                continue
            if (way := _way(case.left, parts)) not in ways:
                continue
            found = compare(case.left, case.right)
            difference, low, high = (float(found[key]) for key in ("difference", "low", "high"))
            if difference >= LEAST:
                continue
            rates = {"none": float(case.left["value"].mean()), "base": float(case.right["value"].mean())}
            name, missing = claim.right.name, "did not bring" if high < LEAST else "is not shown to bring"
            shown = rates["base"] > 1 - rates["base"]
            full = round(1 - rates["base"], 12) < LEAST
            more = "no room is left" if full else f"training without a prompt {missing} more of it in"
            what = (
                f"the base already shows {name} in {percent(rates['base'])} of its answers, and {more}"
                if shown
                else f"training without a prompt {missing} {name} in"
            )
            train = "train longer or on more rows, until the arm none shows"
            todo = f"{train} the trait"
            if shown:
                todo = "take a base that lacks the trait" + ("" if full else f", or {train} more of it")
            yield Finding(
                "the base already shows the trait" if shown else "nothing to inoculate",
                BLOCKS if high < LEAST else CAUTION,
                f"{what}: {NONE} minus {BASE} {difference:+z.2f} [{low:+z.2f}, {high:+z.2f}]",
                todo,
                {**family_of(rows), **places.of(way), "arm": claim.left.arm},
                claim=claim.name,
                numbers={**rates, "difference": difference, "low": low, "high": high, "least": LEAST},
            )


def _is_wanted(side: Side, setting: Setting) -> bool:
    """Whether a setting declares that this arm is to leave the trait in, so that nothing keeps it out."""
    declared = setting.aims(side.arm)
    name = side.trait, of_task(side.condition or None)
    return declared is not None and name in [
        (one.trait, of_task(one.condition or None)) for one in declared.wanted
    ]


def _way(rows: "pd.DataFrame", parts: Sequence[str]) -> dict[str, Any]:
    """How the first of these answers was observed."""
    return groups(rows, parts)[0]


def _indicator(rows: "pd.DataFrame") -> "pd.DataFrame":
    """The same answers, valued 1 where they are excluded."""
    return rows.assign(value=rows["value"].isna().astype(float))


def _shape(place: Mapping[str, Any], *further: str) -> tuple[Any, ...]:
    """What findings on several traits and conditions have in common if they are shown as one."""
    return tuple((key, place[key]) for key in ("task", "questions", *WAY, *further) if key in place)


def _together(alike: list[Finding]) -> Iterator[Finding]:
    """Findings on several traits and conditions that say the same, as one for each set of conditions."""
    from dataclasses import replace

    conditions: dict[Any, dict[Any, None]] = {}
    for one in alike:
        conditions.setdefault(one.where.get("trait"), {})[one.where.get("condition")] = None
    traits: dict[tuple[Any, ...], list[Any]] = {}
    for trait, of_trait in conditions.items():
        traits.setdefault(tuple(of_trait), []).append(trait)
    for those, of_those in traits.items():
        named = {"trait": one_or_all(of_those), "condition": one_or_all(those)}
        place = {key: value for key, value in named.items() if key in alike[0].where}
        yield replace(alike[0], where={**alike[0].where, **place})


def _first(
    alike: list[tuple[dict[str, Any], str, dict[str, Any]]],
) -> tuple[dict[str, Any], str, dict[str, Any]]:
    """The first of several comparisons that are the same but for the trait, with all of their traits."""
    where, to, found = alike[0]
    traits = tuple(dict.fromkeys(one["trait"] for one, _, _ in alike))
    return {**where, "trait": traits if len(traits) > 1 else traits[0]}, to, found


def _shares(rows: "pd.DataFrame") -> bool:
    return bool(rows["value"].between(0, 1).all())
