"""Inspect logs as one tidy table: a row per question, epoch, trait and model.

    table = load("logs/demo")
    table.groupby(["arm", "trait"], observed=True)["value"].mean()
    read("s3://ours/logs", group_by="model").skipped     # which logs were left out, and why

Logs of any suite can be read. Only headers and sample summaries are read, by several processes, and the rows
are cached by the log's content: reading the same logs again takes a second.
"""

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from inoc_evals.analysis.at_doses import at_every_dose
from inoc_evals.analysis.log_rows import COLUMNS, NO_SCORES, UNFINISHED, Source, about_answers, prepare
from inoc_evals.analysis.parameters import where_they_differ
from inoc_evals.analysis.workers import by_workers, worthwhile
from inoc_evals.errors import UserError, require
from inoc_evals.files import LOG_NAME, below, files_below, local_path, on_this_machine, reaching

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

GroupBy = Literal["arm", "model"]

SAME = "the same answers"
"""Beginning of the reason for which a log that repeats another one is left out: nothing is lost by it."""


@dataclass(frozen=True)
class Loaded:
    """The table of several logs.

    Attributes:
        table: See `load`.
        logs: Locations of the logs in it.
        skipped: Locations of logs that are not in it, each with the reason.
    """

    table: "pd.DataFrame"
    logs: list[str]
    skipped: list[tuple[str, str]]


def load(logs: str | Path | Sequence[str], group_by: GroupBy = "arm") -> "pd.DataFrame":
    """Read finished logs.

    Args:
        logs: A folder of Inspect logs, one log, or several of either; paths or URLs.
        group_by: What an arm is: `arm` is the arm that an experiment's log names, and the model if a log
            names none. `model` is always the model, and puts models of all bases side by side.

    Returns:
        A table with the columns `log_rows.COLUMNS`, most of them categories: give `observed=True` to
        `groupby`. Where a task asks under several conditions (`tasks/grid.py`), `condition` names the one of
        an answer. In a sweep, answers of the base have a row at every dose (`at_doses.py`). Errors are
        clustered by `question`. `value` is NaN if a sample is
        unscored, so that it leaves every mean but not the count of rows; `unscored` is the reason.

    Raises:
        UserError: If no finished log has scores.
    """
    return read(logs, group_by).table


def read(logs: str | Path | Sequence[str], group_by: GroupBy = "arm") -> Loaded:
    """Read finished logs, and say which were skipped.

    Args:
        logs: As for `load`.
        group_by: As for `load`.

    Returns:
        The table, with the logs that were read and skipped.

    Raises:
        UserError: If no finished log has scores.
    """
    require("analysis", "pandas", "pyarrow")
    if group_by not in ("arm", "model"):
        raise UserError(f"--group-by {group_by}: use arm or model")
    sources = _sources(logs)
    rows = [
        (source.location, _parquet(source, file) if isinstance(file, Path) else file)
        for source, file in zip(sources, _prepared(sources), strict=True)
    ]
    tables, logs_read, skipped = _counted(rows)
    if not tables:
        why = "; ".join(f"{location}: {reason}" for location, reason in skipped[:3])
        places = ", ".join(map(str, [logs] if isinstance(logs, str | Path) else logs))
        # such logs are there, and have only to be scored
        todo = ": score them with  inspect score LOG --scorer inoc_evals/..., or  import --scorer"
        unscored = any(reason == NO_SCORES for _, reason in skipped)
        raise UserError(
            f"{places}: no finished log with scores{f' ({why})' if why else ''}{todo if unscored else ''}"
        )
    return Loaded(_frame(tables, group_by), logs_read, skipped)


def _counted(
    rows: "Sequence[tuple[str, pa.Table | str]]", unscored: bool = False
) -> "tuple[list[pa.Table | str], list[str], list[tuple[str, str]]]":
    """The tables that count, their logs, and the other logs with the reason of each.

    Args:
        rows: Per log, its rows, or why it has none.
        unscored: Whether a log without scores counts, too; its reason is then its table.
    """
    about = {location: _about(location, table) for location, table in rows}
    last = _last_attempts(rows, about)
    tables: list[pa.Table | str] = []
    logs, skipped = [], []
    seen: dict[bytes, str] = {}
    for location, table in rows:
        same, task = about[location].get(b"same"), about[location].get(b"task")
        if task and last[task][0] > about[location][b"attempt"]:
            skipped.append((location, f"{SAME} are in {last[task][1]}, which tried it again"))
        elif isinstance(table, str) and not (unscored and table == NO_SCORES):
            skipped.append((location, table))
        elif same and same in seen:
            skipped.append((location, f"{SAME} and scores as {seen[same]}"))
        else:
            if same:
                seen[same] = location
            tables.append(table)
            logs.append(location)
    return tables, logs, skipped


def _about(location: str, table: "pa.Table | str") -> dict[bytes, bytes]:
    """What tells the answers of a log from those of others; nothing of what is no log."""
    if not isinstance(table, str):
        return dict(table.schema.metadata or {})
    return about_answers(location) if table.startswith((UNFINISHED, NO_SCORES)) else {}


def _last_attempts(
    rows: "Sequence[tuple[str, pa.Table | str]]", about: Mapping[str, Mapping[bytes, bytes]]
) -> dict[bytes, tuple[bytes, str]]:
    """The last attempt at each evaluation, and its log: a retry keeps what those before it answered.

    An attempt that did not finish takes nothing from a finished one.
    """
    last: dict[bytes, tuple[bytes, str]] = {}
    whole: set[bytes] = set()
    for finished in (True, False):
        for location, table in rows:
            task = about[location].get(b"task")
            if not task or finished == isinstance(table, str) or (not finished and task in whole):
                continue
            if task not in last or last[task][0] < about[location][b"attempt"]:
                last[task] = about[location][b"attempt"], location
        whole = set(last) if finished else whole
    return last


def whole_logs(places: Sequence[str | Path]) -> tuple[list[str], list[tuple[str, str]]]:
    """The logs that can be scored, for commands that read more of them than their rows.

    Args:
        places: Logs, or folders of them; paths or URLs.

    Returns:
        Locations of the logs in these places that `read` would read, and of those that only have no scores
        yet; and of the others, each with the reason. A log that was itself named is taken as it is, so that
        who reads it says what is wrong with it.

    Raises:
        UserError: If a place does not exist or cannot be read, or a folder has no such log.
    """
    require("analysis", "pandas", "pyarrow")
    logs, skipped = [], []
    for place in places:
        sources = _sources_at(place, alone=True)
        if [source.location for source in sources] in ([str(place)], [str(on_this_machine(place))]):
            logs.append(sources[0].location)
            continue
        rows = [
            (source.location, _parquet(source, file) if isinstance(file, Path) else file)
            for source, file in zip(sources, _prepared(sources), strict=True)
        ]
        _, found, others = _counted(rows, unscored=True)
        if not sources:
            raise UserError(f"{place}: no log in this folder")
        if not found:
            why = "; ".join(f"{location}: {reason}" for location, reason in others[:3])
            raise UserError(f"{place}: no finished log in this folder{f' ({why})' if why else ''}")
        logs += found
        skipped += others
    named = list(dict.fromkeys(logs))
    return named, [one for one in dict.fromkeys(skipped) if one[0] not in named]


def _sources(logs: str | Path | Sequence[str]) -> list[Source]:
    places = [logs] if isinstance(logs, str | Path) else logs
    sources = [source for place in places for source in _sources_at(place, alone=len(places) == 1)]
    return list(dict.fromkeys(sources))


def _sources_at(place: str | Path, alone: bool) -> list[Source]:
    from upath import UPath

    with reaching(place):
        here = on_this_machine(place)
        path = UPath(place) if here is None else UPath(here)
        # logs are found by name: importing Inspect would take most of the time if their rows are cached
        if path.is_dir():
            # links are followed on this machine only: a store has none
            files = below(path) if here is None else map(UPath, files_below(here))
            sources = [Source.at(file) for file in files if LOG_NAME.search(file.name)]
            # the newest of two that hold the same comes first
            return sorted(sources, key=lambda source: (source.mtime, source.location), reverse=True)
        if alone and not path.exists():
            raise UserError(f"{place}: no such log or folder")
        # a log that a URL names as it is keeps that name
        return [Source.at(UPath(place) if here == local_path(place) else path)]


def _prepared(sources: list[Source]) -> list[Path | str]:
    """Per log, the file of its rows, or why it is skipped."""
    cached = [source.cached() for source in sources]
    missing = [source for source, file in zip(sources, cached, strict=True) if file is None]
    files: dict[Source, Path | str] = {}
    # other processes cannot see this one's memory
    shareable = [source for source in missing if not source.location.startswith("memory:")]
    if worthwhile([source.size for source in shareable]):
        tasks = [astuple(source) for source in shareable]
        done = zip(shareable, by_workers("inoc_evals.analysis.log_rows", tasks), strict=True)
        files = {source: Path(one[0]) if one[0] else one[1] for source, one in done if one}
    files |= {source: prepare(source) for source in missing if source not in files}
    return [files[source] if file is None else file for source, file in zip(sources, cached, strict=True)]


def _parquet(source: Source, file: Path) -> "pa.Table | str":
    """The rows of a log; if their file is damaged or missing, it is written again."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = [name for name, kind in COLUMNS.items() if kind == "category"]
    try:
        table = pq.read_table(file, read_dictionary=names)
    except (OSError, pa.ArrowException):
        rewritten = prepare(source)
        if isinstance(rewritten, str):
            return rewritten
        table = pq.read_table(rewritten, read_dictionary=names)
    location = pa.array([source.location]).dictionary_encode()
    log = pa.DictionaryArray.from_arrays(pa.array([0] * table.num_rows, type=pa.int32()), location.dictionary)
    return table.append_column("log", log)


def _frame(tables: "list[pa.Table]", group_by: GroupBy) -> "pd.DataFrame":
    import pyarrow as pa

    # one set of categories for all logs
    whole = pa.concat_tables([t.replace_schema_metadata(None) for t in tables]).unify_dictionaries()
    frame: pd.DataFrame = whole.to_pandas()
    if group_by == "model":
        frame["arm"], frame["seed"] = frame["model"], float("nan")
        frame["base"] = frame["base"].cat.set_categories(
            []
        )  # all models side by side, whatever they come from
    elif frame["arm"].isna().any():
        named = frame["arm"].astype(object)
        frame["arm"] = named.where(named.notna(), frame["model"].astype(object)).astype("category")
    frame["parameters"] = where_they_differ(frame)
    return at_every_dose(frame[[*COLUMNS, "log"]])
