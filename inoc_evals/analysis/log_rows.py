"""The rows of one Inspect log, kept in a file of the cache, so that a log is parsed only once.

    source = Source.at(UPath("logs/x.eval"))
    prepare(source)      # a parquet file in the cache, or the reason why the log has no rows

A failed sample has rows like the others, without a value, so that it stays in the denominator.
"""

import json
import math
import os
import stat
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inoc_evals.analysis.asked_under import OF_ANSWER, as_text, asked_under
from inoc_evals.analysis.eval_archive import Contents, contents, unanswered, whole_scores
from inoc_evals.analysis.parameters import OURS, given
from inoc_evals.analysis.workers import work
from inoc_evals.data.doses import KINDS, words
from inoc_evals.digests import sha256
from inoc_evals.errors import UserError, first_line
from inoc_evals.files import local_path, replacing
from inoc_evals.scorers.unscored import FAILED, no_answer, stopped, why_none
from inoc_evals.scorers.values import LARGEST, as_number, is_score

if TYPE_CHECKING:
    import pyarrow as pa
    from upath import UPath

COLUMNS = {
    **dict.fromkeys(("setting", "world", "arm"), "category"),
    "seed": "float",
    **dict.fromkeys(("base", "model", "run", "task", "questions", "question", "condition"), "category"),
    **dict.fromkeys(("prompt_category", "system", "trigger", "sample"), "category"),
    "epoch": "int",
    **dict.fromkeys(("scorer", "trait"), "category"),
    "value": "float",
    **dict.fromkeys(("unscored", "judge", "preset", "version", "dtype", "variant", "sampling"), "category"),
    **dict.fromkeys(("parameters", "dose"), "category"),
}
"""Columns of the table, with their kinds; `log` comes last. `seed` is NaN for a model that was not finetuned
in an experiment; `run` names its run directory; `questions` is the question set, `question` one of its
questions; `condition`, `system` and `trigger` are those of the test, not of the training; `prompt_category`
is that of a leak grid's prompt; `sample` is Inspect's id; `scorer` is the score's name in the log;
`unscored` is the reason for a missing value; `judge`
names the judges of this score (None for a detector's), `preset` its thresholds, `version` which
versions read the answer, e.g. `inoc-evals 0.1.0, lingua 2.1.1`; `dtype` is the number format
that the model computed in, None for float32 and where a log does not say; `variant` is the task's way to ask,
None for the usual one; `sampling` is how answers were drawn, e.g. `temperature 1, max_tokens 512`;
`parameters` are those of task and scorer in which logs of one task differ (`parameters.py`); `dose` is
the model's point in a sweep (`data/doses.py`), None outside of one."""

FORMAT = "15"
"""Version of the rows, in the name of a kept file: changed rows must not be read from old files."""

DRAWN_BY = (
    *("temperature", "top_p", "top_k", "max_tokens", "stop_seqs", "frequency_penalty", "presence_penalty"),
    *(
        "best_of",
        "logit_bias",
        "reasoning_effort",
        "reasoning_tokens",
        "reasoning_mode",
        "effort",
        "verbosity",
    ),
    *("system_message", "extra_body"),
)
"""What of Inspect's generation settings decides how answers are drawn. Who answers first, how often a request
is repeated and the seed do not."""

NO_SCORES = "no sample with scores"
"""Why a finished log has no rows."""

UNFINISHED = "not finished"
"""Beginning of the reason why another log has none."""

SUITE = "inoc-evals"
"""Our distribution, as a log's header lists it among the packages."""

NO_RESPONSE = "no_response"
"""Inspect's reason of the score of an empty answer."""

Score = dict[str, Any]
"""A score as a log holds it."""


@dataclass(frozen=True)
class Source:
    """A log, and what identifies it.

    Attributes:
        location: Path or URL.
        size: In bytes.
        mtime: When it was written; 0 if its file system does not say.
        state: A digest of its file's attributes; empty for a local file, which is identified by its content.
    """

    location: str
    size: int
    mtime: float
    state: str = ""

    @staticmethod
    def at(path: "UPath") -> "Source":
        """The source at a path; a missing one has size 0, and will be skipped."""
        try:
            status = path.stat()
            state = "" if local_path(str(path)).is_file() else str(path.fs.ukey(path.path))
        except OSError:
            return Source(str(path), 0, 0.0)
        return Source(str(path), int(status.st_size), float(status.st_mtime), state)

    @property
    def file(self) -> Path:
        """The file of its rows, named by content for a local log, else by location and state."""
        from inoc_evals.data.cache import cache_dir

        path, state = local_path(self.location), f"{self.location}\n{self.size}\n{self.state}"
        content = path.read_bytes() if path.is_file() else state.encode()
        return _writable(cache_dir() / "tables") / f"{sha256(content)}-{FORMAT}.parquet"

    def cached(self) -> Path | None:
        """The file of its rows, if it exists."""
        file = self.file
        return file if file.is_file() else None


def prepare(source: Source) -> Path | str:
    """Read a log and keep its rows.

    Args:
        source: The log.

    Returns:
        The parquet file, or why the log has no rows.
    """
    import pyarrow.parquet as pq

    file = local_path(source.location)
    if file.exists() and not file.is_file():
        return "not a regular file"  # a pipe would be waited for
    try:
        log = contents(source.location)
        if log.header["status"] != "success":
            return f"{UNFINISHED}: its status is {log.header['status']}"
        if log.header.get("invalidated"):
            return "marked as invalid"
        table = _arrow(log, source.location)
    except Exception as error:  # a damaged or unusual file raises errors of many kinds
        return f"not a log that Inspect can read: {first_line(error)}"
    if not table.num_rows:
        return _why_no_rows(log)
    file = source.file
    file.parent.mkdir(parents=True, exist_ok=True)
    with replacing(file) as passing:
        pq.write_table(table, passing, compression="zstd")
    return file


def _why_no_rows(log: Contents) -> str:
    """Why a finished log has no rows: nobody scored its answers, or there are none, and what went wrong."""
    errors = Counter(first_line(sample["error"]) for sample in log.samples if sample.get("error"))
    if not errors or sum(errors.values()) < len(log.samples):
        return NO_SCORES
    return f"all {len(log.samples)} samples failed: {errors.most_common(1)[0][0]}"


def _arrow(log: Contents, location: str) -> "pa.Table":
    import pyarrow as pa

    types = {"category": pa.string(), "float": pa.float64(), "int": pa.int32()}
    per_answer: dict[str, list[Any]] = {name: [] for name in (*OF_ANSWER, "value", "unscored")}
    kinds: dict[tuple[str, str], int] = {}
    kind: list[int] = []
    for answer, scorer, trait, value, unscored in _rows(log, location):
        for name in OF_ANSWER:
            per_answer[name].append(answer[name])
        per_answer["value"].append(value)
        per_answer["unscored"].append(unscored)
        kind.append(kinds.setdefault((scorer, trait), len(kinds)))
    # judge and preset are the same for all answers of a log with the same scorer and trait
    codes, scored_by = (
        pa.array(kind, type=pa.int32()),
        _scored_by(log, location, dict.fromkeys(scorer for scorer, _ in kinds)),
    )
    parameters = given(log.header["eval"], log.header.get("plan") or {})
    of_kind = {
        "scorer": [scorer for scorer, _ in kinds],
        "trait": [trait for _, trait in kinds],
        "judge": [scored_by[scorer].judge_of(trait) for scorer, trait in kinds],
        "preset": [scored_by[scorer].preset_of(trait) for scorer, trait in kinds],
        "version": [scored_by[scorer].version_of(trait) for scorer, trait in kinds],
        "parameters": [parameters.get(scorer, parameters[""]) for scorer, _ in kinds],
    }
    shared, count = about_log(log.header["eval"], _generation(log.header)), len(kind)

    def column(name: str, type: "pa.DataType") -> "pa.Array":
        if name in of_kind:
            return pa.array(of_kind[name], type=type).take(codes)
        return pa.array(per_answer[name] if name in per_answer else [shared[name]] * count, type=type)

    columns = {name: column(name, types[of]) for name, of in COLUMNS.items()}
    return pa.table(columns).replace_schema_metadata({"same": _same(log), **_attempt(log)})


def _same(log: Contents) -> str:
    """Equal for two logs of the same answers: an experiment's digests, else the evaluation's id."""
    about = log.header["eval"].get("metadata") or {}
    if not about.get("generation"):
        return str(log.header["eval"].get("eval_id") or "")
    return " ".join(
        str(about.get(key))
        for key in ("generation", "judging", "run_digest", "setting", "world", "arm", "seed", "dose")
    )


def about_answers(location: str) -> dict[bytes, bytes]:
    """What the file of a log's rows says of its answers, of a log that has no such file.

    Args:
        location: Path or URL of a log that is not finished, or has no scores.

    Returns:
        `same`, and where the log says it `task` and `attempt`; nothing of a log that cannot be read.
    """
    try:
        log = contents(location)
        about = {"same": _same(log), **_attempt(log)}
    except Exception:  # as in `prepare`
        return {}
    return {name.encode(): value.encode() for name, value in about.items()}


def _attempt(log: Contents) -> dict[str, str]:
    """What is equal for the attempts at one evaluation (`inspect eval-retry`), and which of them this is."""
    about = log.header["eval"]
    task = about.get("task_id")
    if not task:
        return {}
    return {
        "task": f"{task} {about.get('model')}",
        "attempt": f"{about.get('created')} {about.get('eval_id') or ''}",
    }


def _generation(header: Mapping[str, Any]) -> Mapping[str, Any]:
    """The generation settings of a log: the task's, with those of the command line over them."""
    return (header.get("plan") or {}).get("config") or {}


def about_log(header: Mapping[str, Any], generation: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What the header of a log says about all of its answers.

    Args:
        header: The header's `eval`.
        generation: The generation settings.

    Returns:
        `world`, `arm`, `base`, `run`, `setting`, `seed`, `model`, `task`, `questions`, `dtype`,
        `variant`, `sampling` and `dose`.
    """
    about = header.get("metadata") or {}
    return {
        **{key: as_text(about.get(key)) for key in ("world", "arm", "base", "run")},
        "setting": as_text(about.get("setting")) or header["task"],
        "seed": _number(about.get("seed")),
        "model": header["model"],
        "task": header["task"].rpartition("/")[2],
        "questions": _questions(header),
        "dtype": _number_format(header),
        "variant": as_text(about.get("variant")),
        "sampling": _sampling(generation or {}),
        "dose": _dose(about.get("dose")),
    }


def _dose(named: Any) -> str | None:
    """The dose of an experiment's log; other suites may use the word for something else."""
    return words(named) or None if isinstance(named, Mapping) and set(named) <= set(KINDS) else None


def _sampling(generation: Mapping[str, Any]) -> str | None:
    """How answers were drawn, in words; None where the log does not say."""
    named = {name: generation[name] for name in DRAWN_BY if generation.get(name) is not None}
    words = (
        f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}"
        for name, value in named.items()
    )
    return ", ".join(words) or None


def _number_format(header: Mapping[str, Any]) -> str | None:
    """The model's number format: as an experiment settled it, or as it was asked for."""
    args = header.get("model_args") or {}
    named = as_text((header.get("metadata") or {}).get("dtype")) or as_text(args.get("dtype"))
    return None if named in ("auto", "float32") else named


def _questions(header: Mapping[str, Any]) -> str | None:
    """The question set: as named by an experiment, by the task's parameter, or by the dataset."""
    from_experiment = as_text((header.get("metadata") or {}).get("questions"))
    if from_experiment is not None and from_experiment != "default":
        return from_experiment
    from_task = as_text((header.get("task_args") or {}).get("questions"))
    return from_task or as_text((header.get("dataset") or {}).get("name")) or from_experiment


@dataclass(frozen=True)
class ScoredBy:
    """Judge and preset of one scorer.

    Attributes:
        judge: The judges, joined by commas; None for a detector.
        preset: Thresholds of the verdict.
        both: Whether a detector gave some of its traits: those without `_judge` in their names.
        package: The suite and its version, where the log says it.
        detector: The library that detects, and its version; None where it is the suite itself.
    """

    judge: str | None
    preset: str | None
    both: bool
    package: str | None = None
    detector: str | None = None

    def version_of(self, trait: str) -> str | None:
        """Which versions read the answers for a trait."""
        detector = self.detector if self._detected(trait) or not self.judge else None
        return ", ".join(filter(None, (self.package, detector))) or None

    def judge_of(self, trait: str) -> str | None:
        """Who judged a trait."""
        return None if self._detected(trait) else self.judge

    def preset_of(self, trait: str) -> str | None:
        """The thresholds of a judged trait."""
        return None if self._detected(trait) else self.preset

    def _detected(self, trait: str) -> bool:
        return self.both and "_judge" not in trait


def _scored_by(log: Contents, location: str, scorers: Iterable[str]) -> dict[str, ScoredBy]:
    """Judge and preset of every scorer, from its scores, or from the log's header if they name none."""
    header = log.header["eval"]
    about = header.get("metadata") or {}
    metadata_of = {name: _merged_metadata(log, name) for name in scorers}
    judges_of = {name: _judges(metadata) for name, metadata in metadata_of.items()}
    for name, metadata in metadata_of.items():  # a summary omits long metadata: read one whole sample
        if judges_of[name] is None and isinstance(metadata.get("judges"), str):
            judges_of |= _judges_in(log, location, name)
    graders = [as_text(role["model"]) for role in _graders(header)]
    bound = ",".join(g for g in graders if g) or as_text(about.get("judge"))
    silent_judge = None if any(judges_of.values()) else as_text(about.get("judge"))
    silent_preset = (
        None if any("preset" in metadata for metadata in metadata_of.values()) else about.get("preset")
    )
    release = (header.get("packages") or {}).get(SUITE)
    package = f"{SUITE} {release}" if release else None
    scored_by = {}
    for name, metadata in metadata_of.items():
        judge = judges_of[name]
        if judge is None and "judges" in metadata:  # judged, but every answer was empty
            judge = bound
        elif judge is None and not metadata:
            judge = silent_judge or _grader_of(header, name, bound)
        preset = metadata.get("preset", None if metadata else silent_preset)
        both = "detector" in metadata and "judges" in metadata
        scored_by[name] = ScoredBy(judge, as_text(preset), both, package, _detector(metadata))
    return scored_by


def _merged_metadata(log: Contents, scorer: str) -> dict[str, Any]:
    """The metadata of all scores of one scorer; of several values, the first that is not empty."""
    merged: dict[str, Any] = {}
    for sample in log.samples:
        metadata = ((sample.get("scores") or {}).get(scorer) or {}).get("metadata")
        for key, value in metadata.items() if metadata else ():
            if not merged.get(key):
                merged[key] = value
    return merged


def _detector(metadata: Mapping[str, Any]) -> str | None:
    """The library that detected, as a score's metadata name it; a summary holds short metadata as JSON."""
    found = metadata.get("detector")
    with suppress(ValueError):
        found = json.loads(found) if isinstance(found, str) else found
    return as_text(found.get("by")) if isinstance(found, Mapping) else None


def _judges(metadata: Mapping[str, Any]) -> str | None:
    """The judges in a score's metadata."""
    panels = metadata.get("judges")
    if not isinstance(panels, list):
        return None
    try:
        return (
            ",".join(dict.fromkeys(str(reading["judge"]) for p in panels for reading in p["readings"]))
            or None
        )
    except (KeyError, TypeError):  # other suites may use these names differently
        return None


def _judges_in(log: Contents, location: str, scorer: str) -> dict[str, str | None]:
    """The judges of all scorers, read from one whole sample that this scorer has judged."""
    for sample in log.samples:
        score = (sample.get("scores") or {}).get(scorer) or {}
        if isinstance((score.get("metadata") or {}).get("judges"), str):
            scores = whole_scores(location, sample["id"], sample["epoch"])
            judges = {name: _judges(score_json.get("metadata") or {}) for name, score_json in scores.items()}
            return {name: judge for name, judge in judges.items() if judge}
    return {}


def _grader_of(header: Mapping[str, Any], name: str, bound: str | None) -> str | None:
    """The grader of another suite's model-graded scorer, from the log's header."""
    for scorer in header.get("scorers") or []:
        scorer_name = str(scorer.get("name", "")).rpartition("/")[2]
        scored_name = name.rstrip("0123456789").rpartition("/")[2]
        if scorer_name.startswith("model_graded") and scored_name == scorer_name:
            graders = (scorer.get("options") or {}).get("model")
            return ",".join(map(str, graders)) if isinstance(graders, list) else as_text(graders) or bound
    return None


def _graders(header: Mapping[str, Any]) -> list[Any]:
    graders = (header.get("model_roles") or {}).get("grader", [])
    return list(graders) if isinstance(graders, list | tuple) else [graders]


Row = tuple[dict[str, Any], str, str, float | None, str | None]
"""The columns of the answer, the scorer, the trait, its value, and the reason if it has none."""


def _rows(log: Contents, location: str) -> Iterator[Row]:
    traits = _traits(log.samples)
    baseless = _baseless(log, location)
    asked = asked_under(log.header["eval"], log.header.get("plan") or {}, log.samples)
    for sample in log.samples:
        common = asked(sample)
        condition = as_text((sample.get("metadata") or {}).get("condition"))
        scores, failed = sample.get("scores") or {}, _failed(sample)
        for name, of in traits.items():
            # an appended scorer has read what there is of a failed sample, the first one has nothing of it
            if not scores or (failed and name not in scores and condition in of):
                for trait in _expected(traits, name, condition):
                    yield common, name, trait, None, failed or FAILED + "no score"
        for name, score in scores.items():
            values, why = _values(name, score), None
            if sample.get("error"):  # an appended scorer takes what is not there for an empty answer
                values, why = {}, failed
            if name in baseless.get((sample["id"], sample["epoch"]), ()):
                values, why = {}, no_answer(sample["limit"])
            # an answer without a value has a row for every trait of its scorer
            for trait in dict.fromkeys([*_expected(traits, name, condition), *values]):
                value = values.get(trait)
                yield (
                    common,
                    name,
                    trait,
                    value,
                    None if value is not None else why or _reason(score, trait),
                )


def _failed(sample: Mapping[str, Any]) -> str | None:
    """Why a sample has no whole answer; None if it has."""
    limit = sample.get("limit")
    why = sample.get("error") or (stopped(limit) if limit else None)
    return FAILED + str(why).splitlines()[0] if why else None


def _baseless(log: Contents, location: str) -> dict[tuple[str | int, int], list[str]]:
    """By sample, scores of an answer that a limit prevented: earlier versions took it for an empty one.

    Scores of other suites stay, unless they say that there was no answer: they may be of something else, such
    as what a model has done in a sandbox.
    """
    registered = (str(one.get("name", "")) for one in log.header["eval"].get("scorers") or [])
    ours = {name.removeprefix(OURS) for name in registered if name.startswith(OURS)}
    suspected: dict[tuple[str | int, int], list[str]] = {}
    for sample in log.samples:
        if not sample.get("limit"):
            continue
        for name, score in (sample.get("scores") or {}).items():
            of_ours = name.rstrip("0123456789") in ours  # a second score of one scorer has a number behind it
            read = any(value is not None for value in _values(name, score).values())
            if score.get("reason") == NO_RESPONSE or (of_ours and read):
                suspected.setdefault((sample["id"], sample["epoch"]), []).append(name)
    without = unanswered(location, suspected) if suspected else set()
    return {one: names for one, names in suspected.items() if one in without}


Traits = dict[str, dict[str | None, dict[str, None]]]
"""By scorer and condition, the traits with values, in order."""


def _traits(samples: list[dict[str, Any]]) -> Traits:
    traits: Traits = {}
    for sample in samples:
        condition = as_text((sample.get("metadata") or {}).get("condition"))
        for name, score in (sample.get("scores") or {}).items():
            traits.setdefault(name, {}).setdefault(condition, {}).update(dict.fromkeys(_values(name, score)))
    return traits


def _expected(traits: Traits, scorer: str, condition: str | None) -> list[str]:
    """The traits of a scorer under a condition; if it has none there, those under other conditions."""
    here = traits[scorer].get(condition)
    return list(here or {t: None for of in traits[scorer].values() for t in of} or [scorer])


def _values(name: str, score: Score) -> dict[str, float | None]:
    """The traits of a score: the keys of its value, or the scorer itself where it gives one value."""
    raw = score["value"]
    if isinstance(raw, Mapping):
        return {str(key): _finite(value) for key, value in raw.items()}
    value = _finite(raw)
    return {} if value is None else {name: value}


def _finite(value: Any) -> float | None:
    """What a value says as a number that statistics can be made with; None for anything else."""
    read = as_number(value)
    return read if read is not None and is_score(read) and not math.isnan(read) else None


def _number(value: Any) -> float | None:
    """A finite number as float; None for anything else."""
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def _reason(score: Score, trait: str) -> str:
    raw = score["value"]
    value = raw.get(trait) if isinstance(raw, Mapping) else raw
    read = as_number(value)
    if read is not None and not is_score(read):
        return f"the value {read:g} is no score: the largest is {LARGEST:g}"
    texts = (score.get(key) for key in ("reason", "explanation", "answer"))
    reason, explanation, answer = (text if isinstance(text, str) else None for text in texts)
    if read is None and isinstance(value, str) and not reason:
        return f"the value {value!r:.60} is no number"
    return why_none(raw, reason, explanation, trait, answer)


@cache
def _writable(folder: Path) -> Path:
    """The folder, or a temporary one if it cannot be written to, e.g. in a shared mirror of data."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError:
        mine = os.getuid() if hasattr(os, "getuid") else None
        return _private(
            Path(tempfile.gettempdir()) / f"inoc_evals-tables-{'' if mine is None else mine}", mine
        )


def _private(folder: Path, mine: int | None) -> Path:
    """A folder in the temporary one, where anyone may have made it first: what lies there becomes the rates.

    Args:
        folder: The folder.
        mine: Number of this process's user; None where users have temporary folders of their own.

    Raises:
        UserError: If it is a link, another user's, or open to others.
    """
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError as error:
        raise UserError(
            f"{folder} cannot be made ({error.strerror}): set INOC_EVALS_CACHE to a folder of yours"
        ) from error
    if mine is not None and (
        not stat.S_ISDIR(found.st_mode) or found.st_uid != mine or found.st_mode & 0o022
    ):
        raise UserError(
            f"{folder} is not a folder of yours alone, so its tables are not trusted: "
            "remove it, or set INOC_EVALS_CACHE to a folder of yours"
        )
    return folder


def _prepared(words: list[Any]) -> tuple[str | None, str | None]:
    """As a worker: the file of a source's rows, or why it has none."""
    done = prepare(Source(*words))
    return (str(done), None) if isinstance(done, Path) else (None, done)


if __name__ == "__main__":
    work(_prepared)
