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
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inoc_evals.analysis.eval_archive import Contents, contents, local
from inoc_evals.digests import sha256
from inoc_evals.files import replacing

if TYPE_CHECKING:
    import pyarrow as pa
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

FORMAT = "2"
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
        table = _arrow(log)
    except Exception as error:  # whatever a damaged or strange file makes Inspect or us raise
        return f"no log that Inspect can read: {(str(error).strip() or type(error).__name__).splitlines()[0]}"
    if not table.num_rows:
        return "no sample with scores"
    file = source.file
    file.parent.mkdir(parents=True, exist_ok=True)
    with replacing(file) as passing:
        pq.write_table(table, passing, compression="zstd")
    return file


def _arrow(log: Contents) -> "pa.Table":
    import pyarrow as pa

    kinds = {"category": pa.string(), "float": pa.float64(), "int": pa.int32()}
    own: dict[str, list[Any]] = {
        name: [] for name in ("question", "condition", "system", "trigger", "sample")
    }
    own |= {name: [] for name in ("epoch", "trait", "value", "unscored")}
    for row in _rows(log):
        for name, value in row.items():
            own[name].append(value)
    shared, count = _shared(log), len(own["value"])
    columns = {
        name: pa.array(own[name] if name in own else [shared[name]] * count, type=kinds[kind])
        for name, kind in COLUMNS.items()
    }
    return pa.table(columns).replace_schema_metadata({"same": _same(log)})


def _same(log: Contents) -> str:
    """Equal for two logs of the same answers: what an experiment says, else the evaluation's id."""
    about = log.header["eval"].get("metadata") or {}
    if not about.get("generation"):
        return str(log.header["eval"].get("eval_id") or "")
    return " ".join(
        str(about.get(key)) for key in ("generation", "judging", "run_digest", "setting", "arm", "seed")
    )


def _shared(log: Contents) -> dict[str, Any]:
    about = log.header["eval"].get("metadata") or {}
    asked = log.header["eval"]
    graders = [role["model"] for role in _graders(asked)]
    return {
        **{key: _text(about.get(key)) for key in ("world", "arm", "base", "run", "preset")},
        "setting": _text(about.get("setting")) or asked["task"],
        "seed": _number(about.get("seed")),
        "model": asked["model"],
        "task": asked["task"].rpartition("/")[2],
        "judge": _text(about.get("judge")) or ",".join(graders) or None,
    }


def _text(value: Any) -> str | None:
    """What a log says, as text: another's metadata may hold anything under our names."""
    return None if value is None else str(value)


def _graders(asked: Mapping[str, Any]) -> list[Any]:
    found = (asked.get("model_roles") or {}).get("grader", [])
    return list(found) if isinstance(found, list | tuple) else [found]


def _rows(log: Contents) -> Iterator[dict[str, Any]]:
    about = log.header["eval"].get("metadata") or {}
    prompts = about.get("prompts") if isinstance(about.get("prompts"), Mapping) else {}
    traits = _traits(log.samples)
    arguments = log.header["eval"].get("task_args") or {}
    for sample in log.samples:
        told = sample.get("metadata") or {}
        condition, question = (_text(told.get(key)) for key in ("condition", "question"))
        under = "" if condition is None else f" | {condition}"
        common = {
            "question": str(sample["id"]) if question is None else question,
            "condition": condition,
            "system": _text((prompts or {}).get(condition) or arguments.get("system_prompt")),
            "trigger": str(about["trigger"]).strip()
            if condition == "trigger" and "trigger" in about
            else None,
            "sample": str(sample["id"]),
            "epoch": sample["epoch"],
        }
        if not sample.get("scores"):
            why = FAILED + (sample.get("error") or sample.get("limit") or "no score").splitlines()[0]
            for trait in dict.fromkeys(
                trait for name in traits for trait in _expected(traits, name, condition)
            ):
                yield {**common, "trait": trait + under, "value": None, "unscored": why}
            continue
        for name, score in sample["scores"].items():
            values = _values(name, score)
            # an answer without a value has a place in every trait of its scorer
            for trait in dict.fromkeys([*_expected(traits, name, condition), *values]):
                value = values.get(trait)
                reason = None if value is not None else _reason(score)
                yield {**common, "trait": trait + under, "value": value, "unscored": reason}


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
