"""The rows of one Inspect log, and the file that keeps them, so that a log is parsed once.

    source = Source.at(UPath("logs/x.eval"))
    prepare(source)      # a parquet file in the cache, or a sentence that says why the log has no rows

A sample that has failed has rows like the others, without a value: it must not vanish from a denominator.
"""

import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa
    from inspect_ai.log import EvalLog, EvalSampleSummary
    from inspect_ai.scorer import Score
    from upath import UPath

COLUMNS = {
    **dict.fromkeys(("setting", "world", "arm"), "category"),
    "seed": "float",
    **dict.fromkeys(("base", "model", "run", "task", "question", "condition", "system"), "category"),
    **dict.fromkeys(("trigger", "sample"), "category"),
    "epoch": "int",
    "trait": "category",
    "value": "float",
    **dict.fromkeys(("unscored", "judge", "preset"), "category"),
}
"""Columns of the table, with their kinds; `log` comes last. `seed` is NaN for a model that was not finetuned
in an experiment; `run` names its run directory; `system` and `trigger` are those of the test, not of the
training; `sample` is Inspect's id of the sample; `unscored` says why there is no value."""

FORMAT = "1"
"""Part of the name of a kept file: a new form of rows finds no old ones."""

FAILED = "the sample failed: "


@dataclass(frozen=True)
class Source:
    """A log, and what tells it from others.

    Attributes:
        location: Path or URL.
        size: In bytes.
        mtime: When it was written.
    """

    location: str
    size: int
    mtime: float

    @staticmethod
    def at(path: "UPath") -> "Source":
        """The source at a path; one that is not there has no size, and will be skipped."""
        try:
            found = path.stat()
        except OSError:
            return Source(str(path), 0, 0.0)
        return Source(str(path), int(found.st_size), float(found.st_mtime))

    @property
    def file(self) -> Path:
        """Where its rows are kept: by content where it can be had cheaply, else by place, size and time."""
        from inoc_evals.data.cache import cache_dir

        local = Path(self.location.removeprefix("file://"))
        if local.is_file():
            digest = hashlib.sha256(local.read_bytes()).hexdigest()
        else:
            digest = hashlib.sha256(f"{self.location}\n{self.size}\n{self.mtime}".encode()).hexdigest()
        return _kept_in(cache_dir() / "tables") / f"{digest}-{FORMAT}.parquet"

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
    from inspect_ai.log import read_eval_log, read_eval_log_sample_summaries

    try:
        log = read_eval_log(source.location, header_only=True)
        if log.status != "success":
            return f"not finished: its status is {log.status}"
        if log.invalidated:
            return "marked as invalid"
        samples = read_eval_log_sample_summaries(source.location)
    except Exception as error:  # whatever a damaged file makes Inspect raise
        return f"no log that Inspect can read: {(str(error).strip() or type(error).__name__).splitlines()[0]}"
    table = _arrow(log, samples)
    if not table.num_rows:
        return "no sample with scores"
    file = source.file
    file.parent.mkdir(parents=True, exist_ok=True)
    passing = file.with_name(f".{file.name}.{hashlib.sha256(source.location.encode()).hexdigest()[:8]}.tmp")
    pq.write_table(table, passing, compression="zstd")
    passing.replace(file)
    return file


def _arrow(log: "EvalLog", samples: "list[EvalSampleSummary]") -> "pa.Table":
    import pyarrow as pa

    kinds = {"category": pa.string(), "float": pa.float64(), "int": pa.int32()}
    own: dict[str, list[Any]] = {
        name: [] for name in ("question", "condition", "system", "trigger", "sample")
    }
    own |= {name: [] for name in ("epoch", "trait", "value", "unscored")}
    for row in _rows(log, samples):
        for name, value in row.items():
            own[name].append(value)
    shared, count = _shared(log), len(own["value"])
    columns = {
        name: pa.array(own[name] if name in own else [shared[name]] * count, type=kinds[kind])
        for name, kind in COLUMNS.items()
    }
    about = log.eval.metadata or {}
    same = "".join(str(about.get(key) or "") for key in ("generation", "judging", "run_digest", "setting"))
    arm = f"{about.get('arm')}-{about.get('seed')}" if about.get("generation") else ""
    return pa.table(columns).replace_schema_metadata({"same": same + arm} if arm else {})


def _shared(log: "EvalLog") -> dict[str, Any]:
    about = log.eval.metadata or {}
    graders = [role.model for role in _roles(log)]
    seed = about.get("seed")
    return {
        **{key: about.get(key) for key in ("world", "arm", "base", "run", "preset")},
        "setting": about.get("setting") or log.eval.task,
        "seed": None if seed is None else float(seed),
        "model": log.eval.model,
        "task": log.eval.task.rpartition("/")[2],
        "judge": about.get("judge") or ",".join(graders) or None,
    }


def _roles(log: "EvalLog") -> list[Any]:
    found = (log.eval.model_roles or {}).get("grader", [])
    return list(found) if isinstance(found, list | tuple) else [found]


def _rows(log: "EvalLog", samples: "list[EvalSampleSummary]") -> Iterator[dict[str, Any]]:
    about = log.eval.metadata or {}
    prompts = about.get("prompts") if isinstance(about.get("prompts"), Mapping) else {}
    traits: dict[str, dict[str, None]] = {}
    for sample in samples:
        for name, score in (sample.scores or {}).items():
            traits.setdefault(name, {}).update(dict.fromkeys(_values(name, score)))
    for sample in samples:
        told = sample.metadata or {}
        condition = told.get("condition")
        under = "" if condition is None else f" | {condition}"
        common = {
            "question": str(told.get("question", sample.id)),
            "condition": condition,
            "system": (prompts or {}).get(condition) or (log.eval.task_args or {}).get("system_prompt"),
            "trigger": str(about["trigger"]).strip()
            if condition == "trigger" and "trigger" in about
            else None,
            "sample": str(sample.id),
            "epoch": sample.epoch,
        }
        if not sample.scores:
            why = FAILED + (sample.error or sample.limit or "no score").splitlines()[0]
            for trait in {trait: None for of_scorer in traits.values() for trait in of_scorer}:
                yield {**common, "trait": trait + under, "value": None, "unscored": why}
            continue
        for name, score in sample.scores.items():
            # an unscored answer has a place in every trait of its scorer
            for trait, value in (_values(name, score) or dict.fromkeys(traits[name] or [name])).items():
                reason = None if value is not None else _reason(score)
                yield {**common, "trait": trait + under, "value": value, "unscored": reason}


def _values(name: str, score: "Score") -> dict[str, float | None]:
    """The traits of a score: the keys of its value, or the scorer itself where it gives one value."""
    from inspect_ai.scorer import value_to_float

    if isinstance(score.value, Mapping):
        return {str(key): _number(value) for key, value in score.value.items()}
    if isinstance(score.value, str):
        return {name: value_to_float()(score.value)} if score.value in ("C", "I", "P", "N") else {}
    known = isinstance(score.value, int | float) and score.value == score.value
    return {name: float(score.value)} if known else {}  # type: ignore[arg-type]


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and value == value else None


def _reason(score: "Score") -> str:
    return str(score.reason or (score.answer if isinstance(score.answer, str) else None) or "no value")[:200]


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
    found = [prepare(Source(*words)) for words in json.load(sys.stdin)]
    told = [(str(f), None) if isinstance(f, Path) else (None, f) for f in found]
    answer.write(json.dumps(told))


if __name__ == "__main__":
    main()
