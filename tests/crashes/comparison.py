"""What a command left in a folder, without what differs between any two calls.

    state(disturbed) == state(calm)        # relative path -> content

Left out is only what is named here, each with its reason. All else is compared byte by byte.
"""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

NOT_RESULTS = {
    "tmp": "the system's folder of temporary files, which the system clears",
    ".lock": "an empty file that outlives its lock: removing it would let two processes lock two files",
    "logs.json": "Inspect's list of the logs' headers, of which each log has its own",
}

CHANGING = {
    "created": "when it was made",
    "seconds": "how long it took",
    "resumed_at": "says that it was interrupted, which is so",
}
"""Fields of a manifest."""

CHANGING_OF_LOGS = frozenset(
    {
        *("eval_id", "run_id", "task_id", "eval_set_id", "uuid", "sample_uuid", "event_id", "span_id", "parent_id"),
        *("created", "started_at", "completed_at", "timestamp", "completed", "working_start", "working_time"),
        *("total_time", "time", "created_at", "history", "pending", "ended_at", "etag", "location"),
    }
)
"""Fields of a log: ids that Inspect draws, and times."""

STAMPED = re.compile(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d[-+]\d\d-\d\d_(.+?)_[A-Za-z0-9]{22}")
"""Inspect's name of a log: when, the task, an id."""

WHEN = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC")


def state(folder: Path) -> dict[str, Any]:
    """The files of a folder, and its empty folders, as what is compared."""
    found: dict[str, Any] = {}
    for path in sorted(folder.rglob("*")):
        place = path.relative_to(folder)
        if NOT_RESULTS.keys() & set(place.parts):
            continue
        name = STAMPED.sub(r"TIME_\1_ID", str(place))
        if path.is_dir():
            if not any(path.iterdir()):
                found[name + "/"] = "empty"
            continue
        while name in found:
            name += " (again)"
        found[name] = content(path)
    return found


def content(path: Path) -> Any:
    """The content of a file as what is compared."""
    data = path.read_bytes()
    if re.search(r"\.eval(\.old)?$", path.name):
        return log(path)
    if path.name == "manifest.json":
        manifest = json.loads(data)
        return _without(manifest, CHANGING.keys())
    if path.name == "eval-set.json":
        return STAMPED.sub(r"TIME_\1_ID", re.sub(rb'"[A-Za-z0-9]{22}"', b'"ID"', data).decode())
    if path.suffix in (".html", ".json"):
        return STAMPED.sub(r"TIME_\1_ID", WHEN.sub("WHEN", data.decode("utf-8", "replace")))
    return hashlib.sha256(data).hexdigest() if len(data) > 2000 else data


def log(path: Path) -> Any:
    """A log as what is compared."""
    from inspect_ai.log import read_eval_log

    try:
        read = read_eval_log(str(path), format="eval")
    except Exception as error:
        return f"no log: {error}"
    value = _without(read.model_dump(mode="json"), CHANGING_OF_LOGS)
    return json.loads(STAMPED.sub(r"TIME_\1_ID", re.sub(r'"[A-Za-z0-9]{22}"', '"ID"', json.dumps(value))))


def differences(one: Any, other: Any, at: str = "") -> list[str]:
    """Where two states differ, a line each."""
    if isinstance(one, dict) and isinstance(other, dict):
        return [
            line
            for key in sorted(one.keys() | other.keys())
            for line in differences(one.get(key, "-"), other.get(key, "-"), f"{at} > {key}" if at else str(key))
        ]
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        return [
            line for n, pair in enumerate(zip(one, other, strict=True)) for line in differences(*pair, f"{at}[{n}]")
        ]
    return [] if one == other else [f"{at}: {str(one)[:150]!r} is {str(other)[:150]!r}"]


def _without(value: Any, names: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without(inner, names) for key, inner in value.items() if key not in names}
    return [_without(inner, names) for inner in value] if isinstance(value, list) else value
