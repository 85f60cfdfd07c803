"""What the run directories behind a table of answers say against it.

    for finding in checks(table, facts, Path("runs"), SETTINGS):
        print(finding.kind, finding.place, finding.what)

A run that is not in the folder is only noted: logs travel without their runs. Training rows are compared with
the questions of the test by their words: the same words are one question, and nearly the same ones, by
sequences of three words, are near.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inoc_evals.analysis.audit_places import worlds_of
from inoc_evals.analysis.audit_same import DIGEST, doses_of, one_model
from inoc_evals.analysis.findings import BLOCKS, CAUTION, NOTE, Finding, merged
from inoc_evals.analysis.log_facts import LogFacts
from inoc_evals.analysis.observed import FAMILY, split
from inoc_evals.analysis.style import BASE
from inoc_evals.errors import UserError
from inoc_evals.runs.directory import Manifest, Run
from inoc_evals.settings import Setting

if TYPE_CHECKING:
    import pandas as pd

NEAR = 0.8
"""Share of their sequences of `WORDS` words, of those of either, that two near questions have in common."""

WORDS = 3

_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Trained:
    """A model of the table with its run.

    Attributes:
        family: Setting and base, and the world where there are several.
        arm: The arm.
        seed: The seed.
        run: Name of the run directory.
        model: Name of the model in the log.
        run_digest: The run's digest as the log says it; empty where it does not.
        manifest: The run's manifest; None where it is not in the folder.
        folder: Its directory.
        doses: Its points in a sweep, several where an axis does not concern it, None for one outside; empty
            where its setting and base have no sweep.
    """

    family: Mapping[str, Any]
    arm: str
    seed: float | None
    run: str
    model: str
    run_digest: str
    manifest: Manifest | None
    folder: Path
    doses: tuple[str | None, ...] = ()

    @property
    def where(self) -> dict[str, Any]:
        """The answers of this model."""
        at = {"dose": self.doses[0] if len(self.doses) == 1 else self.doses} if self.doses else {}
        return {**self.family, "arm": self.arm, "seed": self.seed, **at}


def checks(
    rows: "pd.DataFrame", facts: Mapping[str, LogFacts], runs: Path, settings: Mapping[str, Setting]
) -> Iterator[Finding]:
    """Check the runs of every setting and base, and of each of their worlds where they have several.

    Args:
        rows: Answers.
        facts: What else is known of the logs, by location.
        runs: Folder of the run directories.
        settings: Settings by name.
    """
    overlaps: dict[tuple[str, str], Overlap] = {}
    for _, of_family in split(rows, FAMILY):
        ways = list(worlds_of(of_family, FAMILY))
        found = [one for way in ways for one in _of_world(*way, facts, runs, settings, overlaps)]
        yield from merged(found, "world") if len(ways) > 1 else found


def _of_world(
    observed: dict[str, Any],
    group: "pd.DataFrame",
    facts: Mapping[str, LogFacts],
    runs: Path,
    settings: Mapping[str, Setting],
    overlaps: "dict[tuple[str, str], Overlap]",
) -> Iterator[Finding]:
    """Check the runs of one setting and base in one world."""
    models = list(_models(group, observed, facts, runs))
    known = [one for one in models if one.manifest]
    if len(known) < len(models):
        yield Finding(
            "runs not there",
            NOTE,
            f"{len(models) - len(known)} of {len(models)} runs are not in {runs}: they are not checked",
            "name the folder of the runs, as `inoc-evals audit LOGS RUNS`",
            observed,
            numbers={"missing": len(models) - len(known), "runs": len(models)},
        )
    others = {one.run: of for one in known if one.manifest and (of := one.manifest.taken_from)}
    if others:
        owners = ", ".join(sorted({of.partition("/")[0] for of in others.values()}))
        yield Finding(
            "runs of others",
            NOTE,
            f"{len(others)} of {len(known)} runs were taken from {owners} on the Hugging Face Hub: that "
            "their weights come of this training is the owner's word",
            "train them yourself where that matters: without --models-from, into another folder of runs",
            observed,
            numbers={"taken": len(others), "runs": len(known)},
        )
    for one in known:
        yield from of_run(one)
    by_content: dict[tuple[str, str, str | None], dict[tuple[str, float | None], None]] = {}
    for one in known:
        # models whose names hold the digest are compared by it, without their runs
        if one.manifest and one.manifest.result and not DIGEST.search(one.model):
            content = one.manifest.data_digest, one.manifest.result.checkpoint_digest
            for dose in one.doses or (None,):  # two arms are compared at one dose
                by_content.setdefault((*content, dose), {})[one.arm, one.seed] = None
    same: list[Finding] = []
    swept = bool(doses_of(group))
    for (data, checkpoint, dose), of_content in by_content.items():
        what = f"training bytes {data[:12]}, checkpoint {checkpoint[:12]}"
        family = observed | ({"dose": dose} if swept else {})
        same += one_model(family, list(of_content), what)
    yield from merged(same, "dose")
    for finding in shared_questions(group, facts, known, settings.get(str(observed["setting"])), overlaps):
        yield replace(finding, where={**observed, **finding.where})


def of_run(one: Trained) -> Iterator[Finding]:
    """Check one run against the log that names it, and its rows."""
    manifest = one.manifest
    if manifest is None:
        return
    if manifest.status != "finished" or manifest.result is None:
        why = f" ({manifest.error})" if manifest.error else ""
        yield Finding(
            "run not finished",
            BLOCKS,
            f"run {one.run} is {manifest.status}{why}",
            "train it again: `inoc-evals run` resumes what was interrupted",
            one.where,
        )
        return
    if one.run_digest and one.run_digest != manifest.run_digest:
        yield Finding(
            "log of another run",
            BLOCKS,
            f"the log names run {one.run_digest[:12]}, the folder holds {manifest.run_digest[:12]}",
            "name the folder of the runs that were measured, or measure again",
            one.where,
        )
    base = one.family.get("base")
    first_stage = "/" in manifest.base and Path(manifest.base).is_absolute()  # trained on from another run
    if base and base != manifest.base and not first_stage:
        yield Finding(
            "another base",
            BLOCKS,
            f"the log says base {base}, run {one.run} was trained from {manifest.base}",
            "find out which is right, and measure the model of the other again",
            one.where,
        )
    digest = DIGEST.search(one.model)
    if (
        digest
        and manifest.result.model is None
        and not manifest.result.checkpoint_digest.startswith(digest[1])
    ):
        measured = one.model.partition("@")[0].rpartition("/")[2]
        if measured == one.run and "@step=" not in one.model:  # else it is a checkpoint of an earlier step
            yield Finding(
                "another checkpoint",
                BLOCKS,
                f"the log measured checkpoint {digest[1]}, the run now holds "
                f"{manifest.result.checkpoint_digest[: len(digest[1])]}",
                "measure the run again",
                one.where,
            )
    if cut := manifest.result.rows_cut:
        rows = manifest.result.rows or 0
        yield Finding(
            "rows cut",
            CAUTION,
            f"{cut} of {rows} training rows were cut at max_length {manifest.spec.max_length}",
            "raise `max_length`, or leave the long rows out",
            one.where,
            numbers={"cut": cut, "rows": rows},
        )
    empty = total = 0
    for row in rows_of(one.folder):
        messages = row.get("messages") or [{}]
        total += 1
        empty += messages[-1].get("role") != "assistant" or not str(messages[-1].get("content") or "").strip()
    if empty:
        yield Finding(
            "empty last turns",
            CAUTION,
            f"{empty} of {total} training rows end without an answer",
            "leave these rows out: they teach the model to say nothing",
            one.where,
            numbers={"empty": empty, "rows": total},
        )


def shared_questions(
    rows: "pd.DataFrame",
    facts: Mapping[str, LogFacts],
    models: Iterable[Trained],
    setting: Setting | None,
    overlaps: "dict[tuple[str, str], Overlap]",
) -> Iterator[Finding]:
    """Questions of the test that training rows ask, too.

    Args:
        rows: Answers of one setting and base.
        facts: What else is known of the logs, by location.
        models: Its models with runs; rows that several share are read once.
        setting: The setting; its narrow measures ask training questions on purpose.
        overlaps: What was counted already, by digests of rows and questions; filled in.
    """
    by_data: dict[str, list[Trained]] = {}
    for one in models:
        if one.manifest:
            by_data.setdefault(one.manifest.data_digest, []).append(one)
    narrow = {(m.short, m.questions) for m in setting.narrow} if setting else set()
    if setting:
        narrow -= {(m.short, m.questions) for m in setting.broad}
    trained = {data: _asked(of_data[0].folder) for data, of_data in by_data.items()}
    for observed, group in split(rows, ("setting", "base", "task", "questions")):
        questions = list(dict.fromkeys(_questions(group, facts)))
        key = "\n".join(questions)
        found: dict[str, Overlap] = {}
        for data, asked in trained.items():
            if (data, key) not in overlaps:
                overlaps[data, key] = Overlap.of(questions, asked)
            for one in by_data[data]:
                found.setdefault(one.arm, overlaps[data, key])
        on_purpose = any((observed["task"], named) in narrow for named in ("", observed["questions"]))
        by_count: dict[Overlap, list[str]] = {}
        for arm, overlap in found.items():
            if overlap.same or overlap.near:
                by_count.setdefault(overlap, []).append(arm)
        for overlap, arms in by_count.items():
            yield Finding(
                "training questions in the test",
                NOTE if on_purpose else CAUTION,
                f"{overlap.same} of {overlap.questions} test questions are training questions word for word, "
                f"{overlap.near} nearly, e.g. “{overlap.example}”",
                "the measure is a narrow one: read its rates as those of training"
                if on_purpose
                else "ask other questions, or leave these rows out of the training",
                {**observed, "arm": tuple(arms) if len(arms) > 1 else arms[0]},
                numbers={"same": overlap.same, "near": overlap.near, "questions": overlap.questions},
            )


@dataclass(frozen=True)
class Overlap:
    """How many of the test's questions training rows ask.

    Attributes:
        questions: Questions of the test.
        same: Those that a row asks with the same words.
        near: Further ones that a row asks with nearly the same words.
        example: The first of either.
    """

    questions: int
    same: int
    near: int
    example: str

    @staticmethod
    def of(questions: Iterable[str], trained: Iterable[str]) -> "Overlap":
        """Count them.

        Args:
            questions: Questions of the test.
            trained: What the rows ask.
        """
        rows = list(dict.fromkeys(tuple(_words(text)) for text in trained))
        exact = set(rows)
        shingles = [_shingles(words) for words in rows]
        places: dict[tuple[str, ...], list[int]] = {}
        for number, of_row in enumerate(shingles):
            for shingle in of_row:
                places.setdefault(shingle, []).append(number)
        same = near = total = 0
        example = ""
        for question in questions:
            words = tuple(_words(question))
            total += 1
            if words and words in exact:
                same += 1
            elif _near(_shingles(words), shingles, places):
                near += 1
            else:
                continue
            example = example or " ".join(question.split())[:80]
        return Overlap(total, same, near, example)


def rows_of(folder: Path) -> Iterator[dict[str, Any]]:
    """The training rows of a run, as they are; lines that are no object are left out."""
    try:
        with (folder / "rows.jsonl").open(encoding="utf-8") as lines:
            for line in lines:
                row = json.loads(line) if line.strip() else None
                if isinstance(row, dict):
                    yield row
    except (OSError, ValueError):  # of a run whose rows are gone or damaged, other checks still hold
        return


def _models(
    rows: "pd.DataFrame", family: Mapping[str, Any], facts: Mapping[str, LogFacts], runs: Path
) -> Iterator[Trained]:
    swept = bool(doses_of(rows))
    for observed, group in split(rows, ("arm", "seed", "run")):
        name = observed["run"]
        if name is None or observed["arm"] == BASE:
            continue
        log = facts.get(str(group["log"].iloc[0]))
        about = (log.about.get("metadata") or {}) if log else {}
        run = Run(runs / str(name))
        try:
            manifest = run.manifest
        except UserError:
            manifest = None
        yield Trained(
            family=family,
            arm=str(observed["arm"]),
            seed=observed["seed"],
            run=str(name),
            model=str(group["model"].iloc[0]),
            run_digest=str(about.get("run_digest") or ""),
            manifest=manifest,
            folder=run.folder,
            doses=(doses_of(group) or (None,)) if swept else (),
        )


def _questions(rows: "pd.DataFrame", facts: Mapping[str, LogFacts]) -> Iterator[str]:
    places = rows[["log", "sample"]].drop_duplicates()
    for log, sample in zip(places["log"].astype(str), places["sample"].astype(str), strict=True):
        if log in facts and (text := facts[log].questions.get(sample)):
            yield text


def _asked(folder: Path) -> list[str]:
    """What the user says in the rows of a run."""
    return [
        str(message.get("content") or "")
        for row in rows_of(folder)
        for message in row.get("messages") or []
        if message.get("role") == "user"
    ]


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())


def _shingles(words: "tuple[str, ...] | list[str]") -> frozenset[tuple[str, ...]]:
    return frozenset(tuple(words[n : n + WORDS]) for n in range(len(words) - WORDS + 1))


def _near(
    question: frozenset[tuple[str, ...]],
    rows: list[frozenset[tuple[str, ...]]],
    places: Mapping[tuple[str, ...], list[int]],
) -> bool:
    shared: dict[int, int] = {}
    for shingle in question:
        for number in places.get(shingle, ()):
            shared[number] = shared.get(number, 0) + 1
    return any(count >= NEAR * len(question | rows[number]) for number, count in shared.items())
