"""What a table of answers says against its own verdicts: exclusions, sizes, ways of asking, missing effects.

    for finding in checks(focused(load("logs/mine")), facts, SETTINGS):
        print(finding.severity, finding.what)

Every check is a function from the answers of one setting and base to findings. Numbers come from the suite's
own intervals (`contrasts.compare`), clustered by question and finetune; whether two arms differ in what is
excluded is corrected by Holm's method over all comparisons of a setting and base. A finding names the way in
which its answers were observed (judge, dose, and so on) where there are several, and concerns no other.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from itertools import combinations
from typing import TYPE_CHECKING, Any, NamedTuple

from inoc_evals.analysis.audit_drawing import drawn_apart
from inoc_evals.analysis.contrasts import UNPAIRED, compare, holm
from inoc_evals.analysis.estimates import FEW_SEEDS
from inoc_evals.analysis.findings import BLOCKS, CAUTION, NOTE, WAY, Finding, merged
from inoc_evals.analysis.log_facts import AnswerFacts, LogFacts
from inoc_evals.analysis.log_rows import FAILED
from inoc_evals.analysis.observed import FAMILY, GROUP, group_codes, groups, split
from inoc_evals.analysis.style import BASE
from inoc_evals.analysis.verdicts import ALIKE, LEVEL, cases
from inoc_evals.data.conditions import of_task
from inoc_evals.data.doses import parsed
from inoc_evals.plurals import many
from inoc_evals.scorers.unscored import NO_ANSWER, counted
from inoc_evals.settings import Setting
from inoc_evals.settings.claim import LEAST, Side

if TYPE_CHECKING:
    import pandas as pd

NONE = "none"
"""The arm that is trained without inoculation."""

ASKED = (
    *("setting", "base", "task", "questions", "condition", "variant", "sampling", "system", "trigger"),
    *("dtype", "dose"),
)
"""What must agree for two answers to have been asked for alike."""

CONDITIONS = ("condition", "system", "trigger")
"""What of `ASKED` tells a task's conditions apart."""

WAYS = ("task", "questions", "scorer", "judge", "preset", "variant", "sampling", "dtype", "parameters")
"""What two arms must have one combination of in common, or they cannot be compared."""

SAME = 0.95
"""Share of two seeds' answers that are the same word for word from which on they are called the same."""

ENOUGH_TO_REPEAT = 10
"""Fewest answers of which it is said that two seeds give the same ones."""

DIGEST = re.compile(r"@([0-9a-f]{8,})$")
"""The checkpoint's digest at the end of a model's name."""

WHERE = ("setting", "base", "arm", "task", "questions", "condition", "trait")
"""Columns by which every finding names its answers."""

NO_PROMPT = ("inoculated", "with_trait")
"""Axes of a sweep at whose place 0 no row is inoculated: all arms are the control there."""


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
    answers: "pd.DataFrame", facts: Mapping[str, LogFacts], settings: Mapping[str, Setting]
) -> Iterator[Finding]:
    """Check the answers of every setting and base.

    Args:
        answers: What `table.load` returns, with only the traits that settings declare (`focused`).
        facts: What else is known of the logs, by location; of a log that is missing here only scores are
            checked.
        settings: Settings by name.
    """
    for observed, rows in split(answers, FAMILY):
        yield from merged(_of_family(rows, facts, settings.get(str(observed["setting"]))), "dose")


def _of_family(
    rows: "pd.DataFrame", facts: Mapping[str, LogFacts], setting: Setting | None
) -> Iterator[Finding]:
    """Check the answers of one setting and base."""
    yield from excluded(rows)
    yield from too_few(rows)
    yield from asked_apart(rows)
    yield from asked_other_words(rows, facts)
    yield from scored_apart(rows, facts)
    yield from missing_seeds(rows)
    yield from trained_apart(rows, facts)
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
        for arm, of_arm in _arms(group).items():
            reasons = of_arm.loc[of_arm["value"].isna(), "unscored"].astype(object)
            missing = reasons.fillna("no reason is given").astype(str)
            if missing.empty:
                continue
            failed = int(missing.str.startswith((FAILED, NO_ANSWER)).sum())
            where, size = {**place, "arm": arm}, (len(of_arm), len(missing), counted(missing))
            by_arm.setdefault((*shape, arm, *size), []).append(_excluded(where, len(of_arm), missing, failed))
        for arm, to in _pairs(group):
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
    return Finding(
        "answers excluded",
        CAUTION if failed else NOTE,
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
            f"{_percent(found['share'])} of the answers of {where['arm']} are excluded and "
            f"{_percent(found['share_to'])} of {to}: {difference:+z.2f} [{low:+z.2f}, {high:+z.2f}]"
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
    """Arms with too few valid answers, questions or finetunes for a verdict."""
    limits, places = thresholds(), Places(rows)
    by_size: dict[tuple[Any, ...], list[Finding]] = {}
    for observed, group in split(rows, GROUP):
        place = places.of(observed)
        for arm, of_arm in _arms(group).items():
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
                "ask more questions (leave `--limit` out, or `-T questions=`), not the same ones more often",
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
    for observed, group in split(rows, (*FAMILY, "task", "dose")):
        for arm, of_arm in _arms(group).items():
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
                {**_joined(those, [observed for observed, _ in counts]), "arm": arm},
                numbers={"seeds": least, "least": FEW_SEEDS},
            )


def asked_apart(rows: "pd.DataFrame") -> Iterator[Finding]:
    """Arms that were never asked and scored alike, and those that were asked different questions."""
    places = Places(rows)
    for observed, group in split(rows, (*FAMILY, "trait", "condition", "dose")):
        arms = _arms(group)
        ways = {arm: [key for key, _ in split(of_arm, WAYS)] for arm, of_arm in arms.items()}
        for arm, to in _pairs(group):
            if any(way in ways[to] for way in ways[arm]):
                continue
            differ = _differing(ways[arm], ways[to])
            only = set(differ) == {"dtype"}
            shown = "; ".join(
                f"{column} {_or_none(ways[arm], column)} of {arm}, {_or_none(ways[to], column)} of {to}"
                for column in differ
            )
            yield Finding(
                "arms asked or scored apart",
                CAUTION if only else BLOCKS,
                f"the arms share no way of being asked and scored: {shown}",
                "measure both arms again with the same " + ", ".join(differ),
                {**places.of(observed), "arm": arm},
                to,
                numbers={"differ": differ},
            )
    for observed, group in split(rows, ASKED):
        asked = {arm: set(of_arm["question"].astype(str)) for arm, of_arm in _arms(group).items()}
        for arm, to in _pairs(group):
            either, both = asked[arm] | asked[to], asked[arm] & asked[to]
            if len(both) < UNPAIRED * len(either):
                yield Finding(
                    "arms asked different questions",
                    CAUTION,
                    f"{len(either) - len(both)} of {len(either)} questions were asked of one arm only",
                    "ask both arms the same questions: compare `--limit` and the question sets of their logs",
                    {**places.of(observed), "arm": arm},
                    to,
                    numbers={"one_only": len(either) - len(both), "questions": len(either)},
                )


def asked_other_words(rows: "pd.DataFrame", facts: Mapping[str, LogFacts]) -> Iterator[Finding]:
    """Questions that have one name and two wordings, e.g. of a file that was edited between two evaluations.

    Differences are paired by a question's name, so that they would pair what was never the same question.
    """
    places = Places(rows)
    for observed, group in split(rows, (*FAMILY, "task", "questions", "variant", "dose")):
        asked = {arm: _wordings(of_arm, facts) for arm, of_arm in _arms(group).items()}
        place = places.of(observed)
        for arm, wordings in asked.items():
            several = [name for name, texts in wordings.items() if len(texts) > 1]
            if several:
                yield _other_words(
                    several, len(wordings), f"between the logs of {arm}", {**place, "arm": arm}
                )
        for arm, to in _pairs(group):
            both = [name for name in asked[arm] if name in asked[to]]
            apart = [name for name in both if not asked[arm][name] & asked[to][name]]
            if apart:
                yield _other_words(apart, len(both), f"of {arm} and {to}", {**place, "arm": arm}, to)


def _other_words(
    apart: Sequence[str], asked: int, where: str, place: dict[str, Any], to: str | None = None
) -> Finding:
    return Finding(
        "other questions under one name",
        BLOCKS if len(apart) > (1 - UNPAIRED) * asked else CAUTION,
        f"{len(apart)} of {asked} questions have one name and other words {where}, e.g. {apart[0]}",
        "ask all models by one file of questions, and give another file another name, or its rows an `id`",
        place,
        to,
        numbers={"apart": len(apart), "questions": asked},
    )


def _wordings(rows: "pd.DataFrame", facts: Mapping[str, LogFacts]) -> dict[str, set[str]]:
    """By a sample's name, the texts that were asked under it."""
    texts: dict[str, set[str]] = {}
    for log, sample in rows[["log", "sample"]].drop_duplicates().astype(str).itertuples(index=False):
        if log in facts and (text := facts[log].questions.get(sample)):
            texts.setdefault(sample, set()).add(" ".join(text.split()))
    return texts


def scored_apart(rows: "pd.DataFrame", facts: Mapping[str, LogFacts]) -> Iterator[Finding]:
    """Arms whose scorers had other options, or were of another version of the suite."""
    places = Places(rows)
    for observed, group in split(rows, (*FAMILY, "task", "questions", "variant", "dose")):
        known = {
            arm: [facts[str(log)] for log in of_arm["log"].unique() if str(log) in facts]
            for arm, of_arm in _arms(group).items()
        }
        versions = {arm: {one.version for one in of_arm} - {""} for arm, of_arm in known.items()}
        for arm, to in _pairs(group):
            if not known[arm] or not known[to]:
                continue
            where = {**places.of(observed), "arm": arm}
            yield from _options_apart(group, where, to, known[arm], known[to])
            if versions[arm] and versions[to] and not versions[arm] & versions[to]:
                yield Finding(
                    "versions differ between arms",
                    CAUTION,
                    f"{arm} was measured by version {_text(versions[arm])}, {to} by {_text(versions[to])}",
                    "score the logs of both again with one version (`inspect score`)",
                    where,
                    to,
                )


def _options_apart(
    rows: "pd.DataFrame", where: dict[str, Any], to: str, mine: Sequence[LogFacts], theirs: Sequence[LogFacts]
) -> Iterator[Finding]:
    """Scorers of one name that no two logs of both arms have with the same options."""
    scorers = [str(name) for name in rows["scorer"].unique()] if "scorer" in rows.columns else []
    of_mine, of_theirs = (
        {name: set().union(*(one.scored_by.get(name, set()) for one in logs)) for name in _scorers(logs)}
        for logs in (mine, theirs)
    )
    for name in of_mine:
        if name not in of_theirs or of_mine[name] & of_theirs[name]:
            continue  # of one arm alone, it is compared with nothing
        # a second one of a name has a number behind it
        concerned = tuple(one for one in scorers if re.fullmatch(rf"{re.escape(name)}\d*", one))
        left, right = _in_words(of_mine[name], of_theirs[name])
        yield Finding(
            "scorers differ between arms",
            BLOCKS,
            f"{name} scored {where['arm']} with {left}, {to} with {right}",
            "score the logs of both again with one scorer (`inspect score`)",
            {**where, "scorer": concerned} if concerned else where,
            to,
        )


def _scorers(logs: Sequence[LogFacts]) -> list[str]:
    return list(dict.fromkeys(name for one in logs for name in one.scored_by))


def _in_words(mine: set[str], theirs: set[str]) -> tuple[str, str]:
    """Two sets of options in words, without what all of them have."""
    read = {text: json.loads(text) for text in mine | theirs}
    names = {name for options in read.values() for name in options}
    differ = [name for name in sorted(names) if len({repr(one.get(name)) for one in read.values()}) > 1]

    def words(texts: set[str]) -> str:
        each = [
            ", ".join(f"{name} {read[text][name]}" for name in differ if name in read[text]) or "its defaults"
            for text in sorted(texts)
        ]
        return " or ".join(each)

    return words(mine), words(theirs)


def missing_seeds(rows: "pd.DataFrame") -> Iterator[Finding]:
    """Arms without seeds that other arms have in the same task at the same dose."""
    measured: dict[str, list[dict[str, Any]]] = {}
    without: dict[tuple[str, tuple[float, ...]], list[dict[str, Any]]] = {}
    for observed, group in split(rows, (*FAMILY, "task", "dose")):
        seeds = {arm: set(of_arm["seed"].dropna()) for arm, of_arm in _arms(group).items()}
        every = set().union(*seeds.values())
        for arm, of_arm in seeds.items():
            measured.setdefault(arm, []).append(observed)
            if of_arm and of_arm != every:
                without.setdefault((arm, tuple(sorted(every - of_arm))), []).append(observed)
    for (arm, lacking), those in without.items():
        yield Finding(
            "seeds missing",
            CAUTION,
            f"other arms have seed {', '.join(f'{seed:g}' for seed in lacking)}, this arm does not",
            "run the experiment again: what is finished is kept, what is missing is made",
            {**_joined(those, measured[arm]), "arm": arm},
            numbers={"missing": list(lacking)},
        )


def trained_apart(rows: "pd.DataFrame", facts: Mapping[str, LogFacts]) -> Iterator[Finding]:
    """Seeds of one arm that differ in more than the seed, and arms that differ in the finetune.

    Logs of earlier versions, and of others, do not say how their models were made, and are not accused.
    """
    apart: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    measured: dict[str, list[dict[str, Any]]] = {}
    places = Places(rows)
    for observed, group in split(rows, (*FAMILY, "task", "dose")):
        made = {arm: _recipes(of_arm, facts) for arm, of_arm in _arms(group).items()}
        for arm, seeds in made.items():
            measured.setdefault(arm, []).append(observed)
            if unlike := [part for part, by_digest in seeds.items() if len(by_digest) > 1]:
                sides = sorted(sorted(some) for some in seeds[unlike[0]].values())
                said = " and ".join(", ".join(f"{seed:g}" for seed in side) for side in sides)
                apart.setdefault((arm, ", ".join(unlike), said), []).append(observed)
        for arm, to in _pairs(group):
            one, two = (set(made[name].get("finetune") or ()) for name in (arm, to))
            if one and two and not one & two:
                yield Finding(
                    "arms trained apart",
                    BLOCKS,
                    f"{arm} and {to} were not finetuned alike: their steps, rates or adapters differ",
                    "train both anew by one spec (`inoc-evals run` with both arms and the same `--set`)",
                    {**places.of(observed), "arm": arm},
                    to,
                )
    for (arm, differ, said), those in apart.items():
        yield Finding(
            "seeds trained apart",
            BLOCKS,
            f"seeds {said} share the arm's name only: they were not trained alike ({differ})",
            "train all seeds of the arm anew (`inoc-evals run` with all `--seeds`), or use another --log-dir",
            {**_joined(those, measured[arm]), "arm": arm},
            numbers={"differ": differ.split(", ")},
        )


def _recipes(rows: "pd.DataFrame", facts: Mapping[str, LogFacts]) -> dict[str, dict[str, set[float]]]:
    """By part of the recipe and by its digest, the seeds of an arm that were trained so."""
    seeds: dict[str, dict[str, set[float]]] = {}
    for log, seed in rows[["log", "seed"]].drop_duplicates().dropna().itertuples(index=False):
        known = facts[str(log)].recipe if str(log) in facts else {}
        for part, digest in known.items():
            seeds.setdefault(part, {}).setdefault(digest, set()).add(float(seed))
    return seeds


def same_model(rows: "pd.DataFrame") -> Iterator[Finding]:
    """Two seeds, or two arms, that are one and the same checkpoint."""
    by_digest: dict[tuple[str, str | None], dict[tuple[str, float | None], None]] = {}
    for observed in groups(rows, ("model", "arm", "seed", "dose")):
        if named := DIGEST.search(str(observed["model"])):
            key = named[1], observed.get("dose")
            by_digest.setdefault(key, {})[str(observed["arm"]), observed["seed"]] = None
    swept = bool(doses_of(rows))
    for (digest, dose), models in by_digest.items():
        family = _family(rows) | ({"dose": dose} if swept else {})
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
            names = ", ".join(f"{seed:g}" for seed in sorted(of_arm))
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
            shown = rates["base"] > 1 - rates["base"]
            missing = "did not bring" if high < LEAST else "is not shown to bring"
            what = (
                f"the base already shows {claim.right.name} in {_percent(rates['base'])} of its answers, "
                "and no room is left"
                if shown
                else f"training without a prompt {missing} {claim.right.name} in"
            )
            yield Finding(
                "the base already shows the trait" if shown else "nothing to inoculate",
                BLOCKS if high < LEAST else CAUTION,
                f"{what}: {NONE} minus {BASE} {difference:+z.2f} [{low:+z.2f}, {high:+z.2f}]",
                "take a base that lacks the trait"
                if shown
                else "train longer or on more rows, until the arm none shows the trait",
                {**_family(rows), **places.of(way), "arm": claim.left.arm},
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


def with_facts(rows: "pd.DataFrame", facts: Mapping[str, LogFacts]) -> "pd.DataFrame":
    """One row for every answer of which the text is known, with the columns `digest`, `empty` and `cut`.

    An answer of a model that a sweep's axes do not concern has one at each dose.
    """
    one_answer = [part for part in ("log", "sample", "epoch", "dose") if part in rows.columns]
    answers = rows.drop_duplicates(one_answer)
    places = zip(answers["log"].astype(str), answers["sample"].astype(str), answers["epoch"], strict=True)
    known: list[AnswerFacts | None] = [
        facts[log].answers.get((sample, int(epoch))) if log in facts else None
        for log, sample, epoch in places
    ]
    answers = answers[[one is not None for one in known]]
    present = [one for one in known if one is not None]
    columns = {name: [getattr(one, name) for one in present] for name in AnswerFacts._fields}
    return answers.assign(**columns)


KINDS = {
    "empty": (
        "answers empty",
        "are empty",
        "look at what the model generated: an end token, or a block that was taken off",
    ),
    "cut": (
        "answers cut",
        "ended at the token limit",
        "raise `max_tokens`, or see that scores do not need the end",
    ),
}
"""By column of `with_facts`, the finding, what it says of answers, and what to do."""


def odd_answers(answers: "pd.DataFrame") -> Iterator[Finding]:
    """Answers that are empty or ended at the token limit, and arms that differ in how many do.

    Arms are compared under each condition. What is said of a task's conditions is one finding: a leak grid
    has a hundred of them, and a limit that is too low cuts answers under all.

    Args:
        answers: What `with_facts` returns.
    """
    places = Places(answers)
    for kind in KINDS:
        for observed, group in split(answers, [part for part in ASKED if part not in CONDITIONS]):
            by_condition = [
                (places.of({**observed, **condition}), rows) for condition, rows in split(group, CONDITIONS)
            ]
            yield from _odd(kind, places.of(observed), by_condition)


def _odd(
    kind: str, place: dict[str, Any], by_condition: "Sequence[tuple[dict[str, Any], pd.DataFrame]]"
) -> Iterator[Finding]:
    """Findings of one kind on one task.

    Args:
        kind: A column of `with_facts`.
        place: The task's answers.
        by_condition: The answers under each condition, and their place.
    """
    name, words, todo = KINDS[kind]
    counts = [
        {arm: (int(rows[kind].sum()), len(rows)) for arm, rows in _arms(group).items()}
        for _, group in by_condition
    ]
    odd = [number for number, count in enumerate(counts) if any(some for some, _ in count.values())]
    if not odd:
        return
    sums: dict[str, tuple[int, int]] = {}
    for count in counts:
        for arm, (some, n) in count.items():
            before = sums.get(arm, (0, 0))
            sums[arm] = before[0] + some, before[1] + n
    sums = {arm: count for arm, count in sums.items() if count[0]}
    if len(odd) == 1:
        place, sums = by_condition[odd[0]][0], {arm: c for arm, c in counts[odd[0]].items() if c[0]}
    shown = ", ".join(f"{some} of {n} answers of {arm}" for arm, (some, n) in sums.items())
    numbers = {arm: {kind: some, "answers": n} for arm, (some, n) in sums.items()}
    yield Finding(
        name, NOTE, f"{shown} {words}", todo, {**place, "arm": _one_or_all(list(sums))}, numbers=numbers
    )
    apart: dict[str, list[Apart]] = {}
    for number in odd:
        where, group = by_condition[number]
        for arm, to in _pairs(group):
            one, two = (
                rows.assign(value=rows[kind].astype(float))
                for rows in (group[(group["arm"] == which).to_numpy()] for which in (arm, to))
            )
            if not (one[kind].any() or two[kind].any()):
                continue
            found = compare(one, two)
            difference, low, high = (float(found[key]) for key in ("difference", "low", "high"))
            if (low > 0 or high < 0) and abs(difference) >= LEAST:
                share = _share(counts[number][to])
                apart.setdefault(to, []).append(Apart(where, arm, difference, low, high, share))
    for to, several in apart.items():
        # of each arm the condition under which it differs most
        most = {one.arm: one for one in sorted(several, key=lambda one: abs(one.difference))}
        arms = list(dict.fromkeys(one.arm for one in several))
        shown = ", ".join(most[arm].text for arm in arms)
        conditions = list(dict.fromkeys(one.where.get("condition") for one in several))
        where = several[0].where if len({repr(one.where) for one in several}) == 1 else place
        if len(conditions) > 1:
            shown += f", at most, under {len(conditions)} of {len(by_condition)} conditions"
            shares = ""
        else:
            shares = f" ({_percent(several[0].share)})"
        yield Finding(
            f"{name} apart",
            CAUTION,
            f"not as many answers {words} as of {to}{shares}: {shown}",
            todo,
            {**where, "arm": _one_or_all(arms)},
            to,
            numbers={arm: most[arm].numbers for arm in arms},
        )


class Apart(NamedTuple):
    """An arm that has more or fewer odd answers than another one, under one condition.

    Attributes:
        where: The answers.
        arm: The arm.
        difference: Its share of odd answers minus that of the other.
        low: Lower bound of the interval.
        high: Upper bound.
        share: The other arm's share.
    """

    where: dict[str, Any]
    arm: str
    difference: float
    low: float
    high: float
    share: float

    @property
    def text(self) -> str:
        """The difference in words."""
        return f"{self.arm} {self.difference:+z.2f} [{self.low:+z.2f}, {self.high:+z.2f}]"

    @property
    def numbers(self) -> dict[str, float]:
        """The difference for programs."""
        return {"difference": self.difference, "low": self.low, "high": self.high}


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
                        f"seeds {one:g} and {two:g} give {same} of {count} answers word for word",
                        "check that they are different checkpoints, and that answers are sampled",
                        {**places.of(observed), "seed": (float(one), float(two))},
                        numbers={"same": same, "answers": count},
                    )


def _arms(rows: "pd.DataFrame") -> "dict[str, pd.DataFrame]":
    return {str(arm): of_arm for arm, of_arm in rows.groupby("arm", sort=False, observed=True)}


def _pairs(rows: "pd.DataFrame") -> list[tuple[str, str]]:
    """The comparisons that reports and claims make: each arm with `none` and `base`; all where both lack."""
    arms = [str(arm) for arm in rows["arm"].dropna().unique()]
    references = [arm for arm in (NONE, BASE) if arm in arms]
    if not references:
        return list(combinations(arms, 2))
    return [
        (arm, to)
        for number, to in enumerate(references)
        for arm in arms
        if arm != to and arm not in references[:number]
    ]


def _indicator(rows: "pd.DataFrame") -> "pd.DataFrame":
    """The same answers, valued 1 where they are excluded."""
    return rows.assign(value=rows["value"].isna().astype(float))


class Places:
    """How findings name groups of answers: by no more columns of `WAY` than tell them apart.

    Attributes:
        ways: The ways in which answers of every trait and condition were observed.
    """

    def __init__(self, rows: "pd.DataFrame") -> None:
        self.ways = groups(rows, ("trait", "condition", *WAY))

    def of(self, observed: Mapping[str, Any]) -> dict[str, Any]:
        """The values by which a finding names a group; one without a condition is told from those with one.

        Args:
            observed: The group's values, as `observed.split` gives them.
        """
        place = {
            key: observed[key]
            for key in WHERE
            if key in observed and (observed[key] is not None or key in ("base", "condition"))
        }
        alike = [
            way
            for way in self.ways
            if all(way.get(key) == observed[key] for key in ("trait", "condition") if key in observed)
        ]
        for column in WAY:
            if column in observed and len({way.get(column) for way in alike}) > 1:
                place[column] = observed[column]
        return place


def _shape(place: Mapping[str, Any], *further: str) -> tuple[Any, ...]:
    """What findings on several traits and conditions have in common if they are shown as one."""
    return tuple((key, place[key]) for key in ("task", "questions", *WAY, *further) if key in place)


def _joined(some: list[dict[str, Any]], every: list[dict[str, Any]]) -> dict[str, Any]:
    """The setting and base of some of an arm's groups, with their tasks and doses if it has others."""
    place = {key: some[0][key] for key in FAMILY if key in some[0]}
    for key in ("task", "dose") if len(some) < len(every) else ():
        if len({one.get(key) for one in every}) > 1:
            place[key] = _one_or_all(list(dict.fromkeys(one.get(key) for one in some)))
    return place


def _family(rows: "pd.DataFrame") -> dict[str, Any]:
    [(observed, _), *_] = split(rows, FAMILY)
    return observed


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
        named = {"trait": _one_or_all(of_those), "condition": _one_or_all(those)}
        place = {key: value for key, value in named.items() if key in alike[0].where}
        yield replace(alike[0], where={**alike[0].where, **place})


def _first(
    alike: list[tuple[dict[str, Any], str, dict[str, Any]]],
) -> tuple[dict[str, Any], str, dict[str, Any]]:
    """The first of several comparisons that are the same but for the trait, with all of their traits."""
    where, to, found = alike[0]
    traits = tuple(dict.fromkeys(one["trait"] for one, _, _ in alike))
    return {**where, "trait": traits if len(traits) > 1 else traits[0]}, to, found


def _differing(ways: list[dict[str, Any]], others: list[dict[str, Any]]) -> list[str]:
    """The columns in which the two most similar ways differ."""
    each = [[c for c in WAYS if one.get(c) != two.get(c)] for one in ways for two in others]
    return min(each, key=len)


def _or_none(ways: list[dict[str, Any]], column: str) -> str:
    return _text(str(way.get(column) or "none") for way in ways)


def _one_or_all(values: Sequence[Any]) -> Any:
    return values[0] if len(values) == 1 else tuple(values)


def _share(count: tuple[int, int]) -> float:
    return count[0] / count[1]


def _text(values: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(value or "unknown" for value in values))


def _percent(share: float) -> str:
    return f"{100 * float(share):.0f} %"


def _shares(rows: "pd.DataFrame") -> bool:
    return bool(rows["value"].between(0, 1).all())
