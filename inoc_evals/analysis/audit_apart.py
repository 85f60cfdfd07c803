"""Arms and seeds that must not be compared: asked, scored or trained in different ways.

    for finding in trained_apart(rows, facts):
        print(finding.what)                         # seeds 0 and 1 share the arm's name only: ...

Where nothing is known of how answers came about, nothing is said.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from inoc_evals.analysis.audit_fields import Specs, in_words
from inoc_evals.analysis.audit_places import ASKED, Places, arms_of, in_one, joined, pairs_of
from inoc_evals.analysis.contrasts import UNPAIRED
from inoc_evals.analysis.findings import BLOCKS, CAUTION, Finding
from inoc_evals.analysis.log_facts import LogFacts
from inoc_evals.analysis.observed import FAMILY, split

if TYPE_CHECKING:
    import pandas as pd

WAYS = ("task", "questions", "scorer", "judge", "preset", "variant", "sampling", "dtype", "parameters")
"""What two arms must have one combination of in common, or they cannot be compared."""


def asked_apart(rows: "pd.DataFrame") -> Iterator[Finding]:
    """Arms that were never asked and scored alike, and those that were asked different questions."""
    places = Places(rows)
    for observed, group in split(rows, (*FAMILY, "trait", "condition", "dose", "world")):
        arms = arms_of(group)
        ways = {arm: [key for key, _ in split(of_arm, WAYS)] for arm, of_arm in arms.items()}
        for arm, to in pairs_of(group):
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
        asked = {arm: set(of_arm["question"].astype(str)) for arm, of_arm in arms_of(group).items()}
        for arm, to in pairs_of(group):
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
    for observed, group in split(rows, (*FAMILY, "task", "questions", "variant", "dose", "world")):
        asked = {arm: _wordings(of_arm, facts) for arm, of_arm in arms_of(group).items()}
        place = places.of(observed)
        for arm, wordings in asked.items():
            several = [name for name, texts in wordings.items() if len(texts) > 1]
            if several:
                yield _other_words(
                    several, len(wordings), f"between the logs of {arm}", {**place, "arm": arm}
                )
        for arm, to in pairs_of(group):
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
    for observed, group in split(rows, (*FAMILY, "task", "questions", "variant", "dose", "world")):
        known = {
            arm: [facts[str(log)] for log in of_arm["log"].unique() if str(log) in facts]
            for arm, of_arm in arms_of(group).items()
        }
        versions = {arm: {one.version for one in of_arm} - {""} for arm, of_arm in known.items()}
        for arm, to in pairs_of(group):
            if not known[arm] or not known[to]:
                continue
            where = {**places.of(observed), "arm": arm}
            yield from _options_apart(group, where, to, known[arm], known[to])
            if versions[arm] and versions[to] and not versions[arm] & versions[to]:
                yield Finding(
                    "versions differ between arms",
                    CAUTION,
                    f"{arm} was measured by version {in_one(versions[arm])}, {to} by {in_one(versions[to])}",
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
    for observed, group in split(rows, (*FAMILY, "task", "dose", "world")):
        seeds = {arm: set(of_arm["seed"].dropna()) for arm, of_arm in arms_of(group).items()}
        every = set().union(*seeds.values())
        for arm, of_arm in seeds.items():
            measured.setdefault(arm, []).append(observed)
            if of_arm and of_arm != every:
                without.setdefault((arm, tuple(sorted(every - of_arm))), []).append(observed)
    for (arm, lacking), those in without.items():
        yield Finding(
            "seeds missing",
            CAUTION,
            f"other arms have seed {', '.join(f'{seed:.0f}' for seed in lacking)}, this arm does not",
            "run the experiment again: what is finished is kept, what is missing is made",
            {**joined(those, measured[arm]), "arm": arm},
            numbers={"missing": list(lacking)},
        )


def trained_apart(rows: "pd.DataFrame", facts: Mapping[str, LogFacts], specs: Specs) -> Iterator[Finding]:
    """Seeds of one arm that differ in more than the seed, and arms that differ in the finetune.

    Logs of earlier versions, and of others, do not say how their models were made, and are not accused.

    Args:
        rows: Answers of one setting and base.
        facts: What else is known of the logs, by location.
        specs: The specs of the runs behind them.
    """
    apart: dict[tuple[str, str, str], tuple[list[dict[str, Any]], dict[str, Any]]] = {}
    measured: dict[str, list[dict[str, Any]]] = {}
    places = Places(rows)
    for observed, group in split(rows, (*FAMILY, "task", "dose", "world")):
        made = {arm: _recipes(of_arm, facts) for arm, of_arm in arms_of(group).items()}
        for arm, parts in made.items():
            measured.setdefault(arm, []).append(observed)
            if unlike := [part for part, by_digest in parts.items() if len(by_digest) > 1]:
                ways = _ways(parts[FINETUNE if FINETUNE in unlike else unlike[0]])
                fields = specs.apart([runs for _, runs in ways]) if FINETUNE in unlike else {}
                named = [
                    f"{part}: {in_words(fields)}" if part == FINETUNE and fields else part for part in unlike
                ]
                key = arm, _who([seeds for seeds, _ in ways]), ", ".join(named)
                numbers = {"differ": unlike, "fields": fields}
                apart.setdefault(key, ([], numbers))[0].append(observed)
        for arm, to in pairs_of(group):
            one, two = (made[name].get(FINETUNE) or {} for name in (arm, to))
            if one and two and not set(one) & set(two):
                runs = [{run for way in side.values() for _, run in way} for side in (one, two)]
                fields = specs.apart(runs)
                yield Finding(
                    "arms trained apart",
                    BLOCKS,
                    f"{arm} and {to} were not finetuned alike: "
                    + (in_words(fields) or "their steps, rates or adapters differ"),
                    "train both anew by one spec (`inoc-evals run` with both arms and the same `--set`)",
                    {**places.of(observed), "arm": arm},
                    to,
                    numbers={"fields": fields},
                )
    for (arm, who, said), (those, numbers) in apart.items():
        yield Finding(
            "seeds trained apart",
            BLOCKS,
            f"{who} share the arm's name only: they were not trained alike ({said})",
            "train all seeds of the arm anew (`inoc-evals run` with all `--seeds`), or use another --log-dir",
            {**joined(those, measured[arm]), "arm": arm},
            numbers=numbers,
        )


FINETUNE = "finetune"
"""The part of a recipe that is the spec's."""

Made = tuple[float, str]
"""Seed and run directory of a model."""


def _recipes(rows: "pd.DataFrame", facts: Mapping[str, LogFacts]) -> dict[str, dict[str, set[Made]]]:
    """By part of the recipe and by its digest, the models of an arm that were trained so."""
    made: dict[str, dict[str, set[Made]]] = {}
    trained = rows[["log", "seed", "run"]].drop_duplicates().dropna(subset=["log", "seed"])
    for log, seed, run in trained.itertuples(index=False):
        known = facts[str(log)].recipe if str(log) in facts else {}
        for part, digest in known.items():
            made.setdefault(part, {}).setdefault(digest, set()).add((float(seed), str(run)))
    return made


def _ways(by_digest: Mapping[str, set[Made]]) -> list[tuple[list[float], list[str]]]:
    """Seeds and runs of every way in which an arm was trained, by their seeds and names."""
    return [
        (sorted({seed for seed, _ in made}), sorted({run for _, run in made}))
        for made in sorted(map(sorted, by_digest.values()))
    ]


def _who(ways: Sequence[Sequence[float]]) -> str:
    """The seeds of every way in which an arm was trained; one that was trained in two ways is said so."""
    every = [seed for way in ways for seed in way]
    if len(set(every)) == len(every):
        return "seeds " + " and ".join(_listed(way) for way in ways)
    twice = sorted({seed for seed in every if every.count(seed) > 1})
    others = sorted(set(every) - set(twice))
    return f"several trainings of seed {_listed(twice)}" + (
        f", and seed {_listed(others)}," if others else ""
    )


def _listed(seeds: Sequence[float]) -> str:
    return ", ".join(f"{seed:.0f}" for seed in seeds)


def _differing(ways: list[dict[str, Any]], others: list[dict[str, Any]]) -> list[str]:
    """The columns in which the two most similar ways differ."""
    each = [[c for c in WAYS if one.get(c) != two.get(c)] for one in ways for two in others]
    return min(each, key=len)


def _or_none(ways: list[dict[str, Any]], column: str) -> str:
    return in_one(str(way.get(column) or "none") for way in ways)
