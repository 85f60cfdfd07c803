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
    "home/data/inspect_ai": "Inspect's traces of its processes, one each, and where its last log was",
    ".lock": "an empty file that outlives its lock: removing it would let two processes lock two files",
    ".eval-set-id": "an id that Inspect draws",
    "logs.json": "Inspect's list of the logs' headers, of which each log has its own",
}
"""Names and places that are left out."""

CHANGING = {
    "created": "when it was made",
    "seconds": "how long it took",
    "resumed_at": "says that it was interrupted, which is so",
}
"""Fields of a manifest."""

CHANGING_OF_LOGS = frozenset(
    {
        *("eval_id", "run_id", "task_id", "eval_set_id", "uuid", "sample_uuid", "log_sample_uuid"),
        *("created", "started_at", "completed_at", "total_time", "working_time", "time", "location", "etag"),
        "events",  # the transcript says again what the messages and scores say, with times
        "stats",  # tokens of the last attempt alone: the answers of a killed one are taken over
        "confidence",  # the language detector's, whose last digits differ from process to process
    }
)
"""Fields of a log: ids that Inspect draws, times, and what is named above."""

STAMPED = re.compile(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d[-+]\d\d-\d\d_(.+?)_[A-Za-z0-9]{22}")
"""Inspect's name of a log: when, the task, an id."""

WHEN = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d( UTC|:\d\d(\.\d+)?([+]00:00|Z)?)")

UNFINISHED = re.compile(r"\.[0-9a-f]{6}-\d+-[0-9a-f]{6}\.tmp")
"""In the name of an unfinished file, whose it is; Inspect's viewer names the folder that it was made from."""

ID = re.compile(r'"[A-Za-z0-9]{22}"')


def state(folder: Path) -> dict[str, Any]:
    """The files of a folder, and its empty folders, as what is compared."""
    found: dict[str, Any] = {}
    for path in sorted(folder.rglob("*")):
        place = path.relative_to(folder)
        if any(name in place.parts or str(place).startswith(f"{name}/") for name in NOT_RESULTS):
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


def remains(folder: Path) -> str:
    """What a killed call left, to tell two such states apart: also of what is left out above, the names."""
    named = {
        re.sub(r"[A-Za-z0-9]{22}|[0-9]+", "N", UNFINISHED.sub(".tmp", str(path.relative_to(folder))))
        for path in folder.rglob("*")
        if not path.is_relative_to(folder / "tmp")  # nobody looks there for what another call left
    }
    whole = {UNFINISHED.sub(".tmp", name): found for name, found in state(folder).items()}
    return hashlib.sha256(repr((sorted(named), sorted(whole.items()))).encode()).hexdigest()


def content(path: Path) -> Any:
    """The content of a file as what is compared."""
    data = path.read_bytes()
    if re.search(r"\.eval(\.old)?$", path.name):
        return log(path)
    if path.name == "manifest.json":
        manifest = json.loads(data)
        return _without(manifest, CHANGING.keys())
    if path.suffix in (".html", ".json"):
        return _plain(data.decode("utf-8", "replace"))
    return hashlib.sha256(data).hexdigest() if len(data) > 2000 else data


def log(path: Path) -> Any:
    """A log as what is compared."""
    from inspect_ai.log import read_eval_log

    try:
        read = read_eval_log(str(path), format="eval")
    except Exception as error:
        return f"no log: {error}"
    value = _without(read.model_dump(mode="json"), CHANGING_OF_LOGS)
    return json.loads(_plain(json.dumps(value)))


def differences(one: Any, other: Any, at: str = "") -> list[str]:
    """Where two states differ, a line each."""
    if isinstance(one, dict) and isinstance(other, dict):
        return [
            line
            for key in sorted(one.keys() | other.keys())
            for line in differences(
                one.get(key, "-"), other.get(key, "-"), f"{at} > {key}" if at else str(key)
            )
        ]
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        return [
            line
            for n, pair in enumerate(zip(one, other, strict=True))
            for line in differences(*pair, f"{at}[{n}]")
        ]
    return [] if one == other else [f"{at}: {str(one)[:150]!r} is {str(other)[:150]!r}"]


def _plain(text: str) -> str:
    """A text without times, ids and names of unfinished files."""
    text = UNFINISHED.sub(".tmp", text)
    return ID.sub('"ID"', WHEN.sub("WHEN", STAMPED.sub(r"TIME_\1_ID", text)))


def _without(value: Any, names: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without(inner, names) for key, inner in value.items() if key not in names}
    return [_without(inner, names) for inner in value] if isinstance(value, list) else value
