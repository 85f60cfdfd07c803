"""The rows of one Inspect log, and the file that keeps them, so that a log is parsed once.

    source = Source.at(UPath("logs/x.eval"))
    prepare(source)      # a parquet file in the cache, or a sentence that says why the log has no rows

A sample that has failed has rows like the others, without a value: it must not vanish from a denominator.
"""

import gc
import json
import math
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inoc_evals.analysis.eval_archive import Contents, contents, local, whole_scores
from inoc_evals.data.conditions import under
from inoc_evals.digests import sha256
from inoc_evals.files import replacing

if TYPE_CHECKING:
    import pyarrow as pa
    from upath import UPath

COLUMNS = {
    **dict.fromkeys(("setting", "world", "arm"), "category"),
    "seed": "float",
    **dict.fromkeys(("base", "model", "run", "task", "questions", "question", "condition"), "category"),
    **dict.fromkeys(("system", "trigger", "sample"), "category"),
    "epoch": "int",
    **dict.fromkeys(("scorer", "trait"), "category"),
    "value": "float",
    **dict.fromkeys(("unscored", "judge", "preset"), "category"),
}
"""Columns of the table, with their kinds; `log` comes last. `seed` is NaN for a model that was not finetuned
in an experiment; `run` names its run directory; `questions` is the question set, `question` one of it;
`condition`, `system` and `trigger` are those of the test, not of the training; `sample` is Inspect's id;
`scorer` is the score's name in the log; `unscored` says why there is no value; `judge` is who judged this
score (None for a detector's), `preset` its thresholds."""

FORMAT = "3"
"""Part of the name of a kept file: a new form of rows finds no old ones."""

FAILED = "the sample failed: "

GRADES = {"C": 1.0, "P": 0.5, "I": 0.0, "N": 0.0}
"""What Inspect's grades count: correct, partly so, incorrect, no answer."""

Score = dict[str, Any]
"""A score as a log holds it."""


@dataclass(frozen=True)
class Source:
    """A log, and what tells it from others.

    Attributes:
        location: Path or URL.
        size: In bytes.
        mtime: When it was written; 0 where its file system does not say.
        state: What its file system says of it, digested; empty for a local file, whose content is looked at.
    """

    location: str
    size: int
    mtime: float
    state: str = ""

    @staticmethod
    def at(path: "UPath") -> "Source":
        """The source at a path; one that is not there has no size, and will be skipped."""
        try:
            found = path.stat()
            state = "" if local(str(path)).is_file() else str(path.fs.ukey(path.path))
        except OSError:
            return Source(str(path), 0, 0.0)
        return Source(str(path), int(found.st_size), float(found.st_mtime), state)

    @property
    def file(self) -> Path:
        """Where its rows are kept: by content where it can be had cheaply, else by place and state."""
        from inoc_evals.data.cache import cache_dir

        path, state = local(self.location), f"{self.location}\n{self.size}\n{self.state}"
        told = path.read_bytes() if path.is_file() else state.encode()
        return _kept_in(cache_dir() / "tables") / f"{sha256(told)}-{FORMAT}.parquet"

    def cached(self) -> Path | None:
        """The file of its rows, if there is one."""
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

    try:
        log = contents(source.location)
        if log.header["status"] != "success":
            return f"not finished: its status is {log.header['status']}"
        if log.header.get("invalidated"):
            return "marked as invalid"
        table = _arrow(log, source.location)
    except Exception as error:  # whatever a damaged or strange file makes Inspect or us raise
        return f"no log that Inspect can read: {(str(error).strip() or type(error).__name__).splitlines()[0]}"
    if not table.num_rows:
        return "no sample with scores"
    file = source.file
    file.parent.mkdir(parents=True, exist_ok=True)
    with replacing(file) as passing:
        pq.write_table(table, passing, compression="zstd")
    return file


def _arrow(log: Contents, location: str) -> "pa.Table":
    import pyarrow as pa

    types = {"category": pa.string(), "float": pa.float64(), "int": pa.int32()}
    of_answer = ("question", "condition", "system", "trigger", "sample", "epoch")
    own: dict[str, list[Any]] = {name: [] for name in (*of_answer, "value", "unscored")}
    kinds: dict[tuple[str, str], int] = {}
    kind: list[int] = []
    for answer, scorer, trait, value, unscored in _rows(log):
        for name in of_answer:
            own[name].append(answer[name])
        own["value"].append(value)
        own["unscored"].append(unscored)
        kind.append(kinds.setdefault((scorer, trait), len(kinds)))
    # who scored it by which thresholds is the same for all answers of a log that a scorer gives a trait for
    codes, scored_by = (
        pa.array(kind, type=pa.int32()),
        _scored_by(log, location, dict.fromkeys(scorer for scorer, _ in kinds)),
    )
    of_kind = {
        "scorer": [scorer for scorer, _ in kinds],
        "trait": [trait for _, trait in kinds],
        "judge": [scored_by[scorer].judge_of(trait) for scorer, trait in kinds],
        "preset": [scored_by[scorer].preset for scorer, _ in kinds],
    }
    shared, count = about_log(log.header["eval"]), len(kind)

    def column(name: str, type: "pa.DataType") -> "pa.Array":
        if name in of_kind:
            return pa.array(of_kind[name], type=type).take(codes)
        return pa.array(own[name] if name in own else [shared[name]] * count, type=type)

    columns = {name: column(name, types[of]) for name, of in COLUMNS.items()}
    return pa.table(columns).replace_schema_metadata({"same": _same(log)})


def _same(log: Contents) -> str:
    """Equal for two logs of the same answers: what an experiment says, else the evaluation's id."""
    about = log.header["eval"].get("metadata") or {}
    if not about.get("generation"):
        return str(log.header["eval"].get("eval_id") or "")
    return " ".join(
        str(about.get(key)) for key in ("generation", "judging", "run_digest", "setting", "arm", "seed")
    )


def about_log(asked: Mapping[str, Any]) -> dict[str, Any]:
    """What a log's header says of all of its answers.

    Args:
        asked: The header's `eval`.

    Returns:
        `world`, `arm`, `base`, `run`, `setting`, `seed`, `model`, `task` and `questions`.
    """
    about = asked.get("metadata") or {}
    return {
        **{key: _text(about.get(key)) for key in ("world", "arm", "base", "run")},
        "setting": _text(about.get("setting")) or asked["task"],
        "seed": _number(about.get("seed")),
        "model": asked["model"],
        "task": asked["task"].rpartition("/")[2],
        "questions": _questions(asked),
    }


def _questions(asked: Mapping[str, Any]) -> str | None:
    """The question set: as an experiment says, as the task was told, or as the dataset is called."""
    said = _text((asked.get("metadata") or {}).get("questions"))
    if said is not None and said != "default":
        return said
    told = _text((asked.get("task_args") or {}).get("questions"))
    return told or _text((asked.get("dataset") or {}).get("name")) or said


@dataclass(frozen=True)
class ScoredBy:
    """Who gave the scores of one name.

    Attributes:
        judge: The judges, joined by commas; None for a detector.
        preset: Thresholds of the verdict.
        both: Whether a detector gave some of the traits, those without `_judge` in their names.
    """

    judge: str | None
    preset: str | None
    both: bool

    def judge_of(self, trait: str) -> str | None:
        """Who judged a trait."""
        return None if self.both and "_judge" not in trait else self.judge


def _scored_by(log: Contents, location: str, scorers: Iterable[str]) -> dict[str, ScoredBy]:
    """Of every scorer, who judged: what its scores say, else what the log says of scores that say nothing."""
    asked = log.header["eval"]
    about = asked.get("metadata") or {}
    told = {name: _merged_metadata(log, name) for name in scorers}
    named = {name: _judges(metadata) for name, metadata in told.items()}
    for name, metadata in told.items():  # a summary leaves out what is long: one whole sample has it
        if named[name] is None and isinstance(metadata.get("judges"), str):
            named |= _judges_in(log, location, name)
    graders = [_text(role["model"]) for role in _graders(asked)]
    bound = ",".join(g for g in graders if g) or _text(about.get("judge"))
    silent_judge = None if any(named.values()) else _text(about.get("judge"))
    silent_preset = None if any("preset" in metadata for metadata in told.values()) else about.get("preset")
    found = {}
    for name, metadata in told.items():
        judge = named[name]
        if judge is None and "judges" in metadata:  # judged, but every answer was empty
            judge = bound
        elif judge is None and not metadata:
            judge = silent_judge or _grader_of(asked, name, bound)
        preset = metadata.get("preset", None if metadata else silent_preset)
        found[name] = ScoredBy(judge, _text(preset), both="detector" in metadata and "judges" in metadata)
    return found


def _merged_metadata(log: Contents, scorer: str) -> dict[str, Any]:
    """What the scores of a name say of themselves; of what several say, the first that is not empty."""
    merged: dict[str, Any] = {}
    for sample in log.samples:
        said = ((sample.get("scores") or {}).get(scorer) or {}).get("metadata")
        for key, value in said.items() if said else ():
            if not merged.get(key):
                merged[key] = value
    return merged


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
    except (KeyError, TypeError):  # another's metadata may hold anything under our names
        return None


def _judges_in(log: Contents, location: str, scorer: str) -> dict[str, str | None]:
    """The judges of all scorers that one whole sample tells, a sample that this scorer has judged."""
    for sample in log.samples:
        score = (sample.get("scores") or {}).get(scorer) or {}
        if isinstance((score.get("metadata") or {}).get("judges"), str):
            scores = whole_scores(location, sample["id"], sample["epoch"])
            known = {name: _judges(whole.get("metadata") or {}) for name, whole in scores.items()}
            return {name: judge for name, judge in known.items() if judge}
    return {}


def _grader_of(asked: Mapping[str, Any], name: str, bound: str | None) -> str | None:
    """The grader of a scorer of another suite that is graded by a model, as the log's header says."""
    for known in asked.get("scorers") or []:
        own = str(known.get("name", "")).rpartition("/")[2]
        if own.startswith("model_graded") and name.rstrip("0123456789").rpartition("/")[2] == own:
            given = (known.get("options") or {}).get("model")
            return ",".join(map(str, given)) if isinstance(given, list) else _text(given) or bound
    return None


def _text(value: Any) -> str | None:
    """What a log says, as text: another's metadata may hold anything under our names."""
    return None if value is None else str(value)


def _graders(asked: Mapping[str, Any]) -> list[Any]:
    graders = (asked.get("model_roles") or {}).get("grader", [])
    return list(graders) if isinstance(graders, list | tuple) else [graders]


def condition_of(asked: Mapping[str, Any], told: Mapping[str, Any]) -> str | None:
    """What a question was asked under: the task's condition, a test-time system prompt, both, or neither.

    Args:
        asked: The header's `eval`.
        told: The sample's metadata.
    """
    condition, prompt = _text(told.get("condition")), _test_prompt(asked)
    return condition if prompt is None else under(prompt, condition)


def _test_prompt(asked: Mapping[str, Any]) -> str | None:
    """The test-time system prompt that the task was given: none where it is the task's own default."""
    told = asked["task_args_passed"] if "task_args_passed" in asked else asked.get("task_args")
    prompt = (told or {}).get("system_prompt")
    # Inspect cuts a `-T` value at its commas
    return ",".join(map(str, prompt)) if isinstance(prompt, list | tuple) else _text(prompt)


Row = tuple[dict[str, Any], str, str, float | None, str | None]
"""What is known of the answer, the scorer, the trait, its value, and why there is none."""


def _rows(log: Contents) -> Iterator[Row]:
    asked = log.header["eval"]
    about = asked.get("metadata") or {}
    prompts = about.get("prompts") if isinstance(about.get("prompts"), Mapping) else {}
    traits = _traits(log.samples)
    prompt = _test_prompt(asked)
    general = prompt or _text((asked.get("task_args") or {}).get("system_prompt"))
    for sample in log.samples:
        told = sample.get("metadata") or {}
        condition, question = (_text(told.get(key)) for key in ("condition", "question"))
        common = {
            "question": str(sample["id"]) if question is None else question,
            "condition": condition if prompt is None else under(prompt, condition),
            "system": _text((prompts or {}).get(condition)) or general,
            "trigger": str(about["trigger"]).strip()
            if condition == "trigger" and "trigger" in about
            else None,
            "sample": str(sample["id"]),
            "epoch": sample["epoch"],
        }
        if not sample.get("scores"):
            why = FAILED + (sample.get("error") or sample.get("limit") or "no score").splitlines()[0]
            for name in traits:
                for trait in _expected(traits, name, condition):
                    yield common, name, trait, None, why
            continue
        for name, score in sample["scores"].items():
            values = _values(name, score)
            # an answer without a value has a place in every trait of its scorer
            for trait in dict.fromkeys([*_expected(traits, name, condition), *values]):
                value = values.get(trait)
                yield common, name, trait, value, None if value is not None else _reason(score)


Traits = dict[str, dict[str | None, dict[str, None]]]
"""Of every scorer, by condition, the traits that it gave values for, in order."""


def _traits(samples: list[dict[str, Any]]) -> Traits:
    found: Traits = {}
    for sample in samples:
        condition = _text((sample.get("metadata") or {}).get("condition"))
        for name, score in (sample.get("scores") or {}).items():
            found.setdefault(name, {}).setdefault(condition, {}).update(dict.fromkeys(_values(name, score)))
    return found


def _expected(traits: Traits, scorer: str, condition: str | None) -> list[str]:
    """The traits that a scorer reads under a condition; if none was read there, those read elsewhere."""
    here = traits[scorer].get(condition)
    return list(here or {t: None for of in traits[scorer].values() for t in of} or [scorer])


def _values(name: str, score: Score) -> dict[str, float | None]:
    """The traits of a score: the keys of its value, or the scorer itself where it gives one value."""
    given = score["value"]
    if isinstance(given, Mapping):
        return {str(key): _number(value) for key, value in given.items()}
    value = GRADES.get(given) if isinstance(given, str) else _number(given)
    return {} if value is None else {name: value}


def _number(value: Any) -> float | None:
    """A number; one that is not finite is none, nor is anything else."""
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def _reason(score: Score) -> str:
    answer = score.get("answer")
    return str(score.get("reason") or (answer if isinstance(answer, str) else None) or "no value")[:200]


@cache
def _kept_in(folder: Path) -> Path:
    """The folder, or one for this process where it cannot be written to, as a shared mirror of data."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError:
        return (
            Path(tempfile.gettempdir()) / f"inoc_evals-tables-{os.getuid() if hasattr(os, 'getuid') else ''}"
        )


def main() -> None:
    """A worker: sources on the standard input, what became of them on the standard output."""
    answer = sys.stdout
    sys.stdout = sys.stderr  # nothing but the answer belongs there
    gc.disable()  # a third of the time went into looking for cycles, and what a log holds has none
    found = [prepare(Source(*words)) for words in json.load(sys.stdin)]
    told = [(str(f), None) if isinstance(f, Path) else (None, f) for f in found]
    answer.write(json.dumps(told))


if __name__ == "__main__":
    main()
