"""Read the header and the sample summaries of an Inspect log, without the samples themselves.

    header, samples = contents("logs/x.eval")

An `.eval` file is an archive that holds both as JSON. Reading them directly saves Inspect's import and
validation, which take longer than everything else. Anything unexpected (another format, version or file
system, a damaged file) is left to Inspect's own reader.
"""

import json
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from zipfile import ZipFile

from inoc_evals.errors import UserError
from inoc_evals.files import local_path

if TYPE_CHECKING:
    from inspect_ai.model import ModelOutput

VERSION = 2
"""Version of the log format that is read here, as Inspect numbers it."""


LARGEST_PART = 2**29
"""Bytes that one part of an archive may have when it is unpacked: a thousand times more than any log has."""


class TooLargeError(UserError):
    """A part of a log's archive would not fit into memory, as in a file made to that end."""


class Contents(NamedTuple):
    """The contents of a log, with Inspect's field names.

    Attributes:
        header: With `status`, `invalidated` and `eval`.
        samples: Each with `id`, `epoch`, `metadata`, `scores`, `error` and `limit`, if it has any.
    """

    header: dict[str, Any]
    samples: list[dict[str, Any]]


def contents(location: str) -> Contents:
    """Read a log.

    Args:
        location: Path or URL.

    Returns:
        Its header and summaries.

    Raises:
        Exception: Any error that Inspect raises for a damaged file.
    """
    return from_archive(location) or by_inspect(location)


def from_archive(location: str) -> Contents | None:
    """The contents of a local `.eval` file of version `VERSION`, else None."""
    path = archive_path(location)
    if path is None:
        return None
    try:
        with opened_archive(path) as archive:
            header = json.loads(archive.read("header.json"))
            summaries = json.loads(archive.read("summaries.json"))
        if header["version"] != VERSION or "status" not in header:
            return None
        # if a sample was run twice, the last run counts
        return Contents(header, list({(str(s["id"]), s["epoch"]): s for s in summaries}.values()))
    except TooLargeError:
        raise
    except Exception:  # Inspect's reader reports what is wrong
        return None


def archive_path(location: str) -> Path | None:
    """The path of a local `.eval` file, which `ZipFile` can then open; None for any other log."""
    path = local_path(location)
    if path.suffix != ".eval" or not path.is_file():
        return None
    with suppress(ImportError):
        import_module("zipfile_zstd")  # adds the compression to `zipfile`; Python 3.14 has it
    return path


@contextmanager
def opened_archive(path: Path) -> Iterator[ZipFile]:
    """Open a log's archive, once the sizes of its parts are known to be bearable.

    Args:
        path: As `archive_path` gives it.

    Yields:
        The archive.

    Raises:
        TooLargeError: If a part is larger than `LARGEST_PART`.
    """
    with ZipFile(path) as archive:
        for part in archive.infolist():
            if part.file_size > LARGEST_PART:
                size, most = part.file_size / 1e6, LARGEST_PART / 1e6
                raise TooLargeError(f"{part.filename!r:.80} in it has {size:,.0f} MB, more than {most:,.0f}")
        yield archive


def by_inspect(location: str) -> Contents:
    """The contents of any log, by Inspect's own reader."""
    from inspect_ai.log import read_eval_log, read_eval_log_sample_summaries

    # JSON is read as a whole: its summaries may be those of an earlier file at the same location
    whole = location.endswith(".json")
    log = read_eval_log(location, header_only=not whole)
    summaries = (
        [sample.summary() for sample in log.samples or []]
        if whole
        else read_eval_log_sample_summaries(location)
    )
    fields = {"id", "epoch", "metadata", "scores", "error", "limit"}
    return Contents(
        log.model_dump(include={"status", "invalidated", "eval"}),
        [summary.model_dump(include=fields) for summary in summaries],
    )


def whole_scores(location: str, sample: str | int, epoch: int) -> dict[str, Any]:
    """The scores of one sample with all of their metadata, which a summary leaves out if they are long.

    Args:
        location: The log's path or URL.
        sample: The sample's id.
        epoch: Its epoch.

    Returns:
        Scores by name, with Inspect's field names.
    """
    path = archive_path(location)
    if path is not None:
        try:
            with opened_archive(path) as archive:
                return dict(_sample(archive, sample, epoch)["scores"] or {})
        except Exception:  # noqa: S110 - Inspect's reader reports what is wrong
            pass
    from inspect_ai.log import read_eval_log_sample

    read = read_eval_log_sample(location, sample, epoch, exclude_fields={"events", "store", "messages"})
    return {name: score.model_dump() for name, score in (read.scores or {}).items()}


def unanswered(location: str, samples: Collection[tuple[str | int, int]]) -> set[tuple[str | int, int]]:
    """Which samples that a limit stopped have no answer, not even an empty one: a summary does not say it.

    The log is opened once, however many samples are asked about.

    Args:
        location: The log's path or URL.
        samples: Ids and epochs.
    """
    from inspect_ai.model import ModelOutput

    path = archive_path(location)
    if path is not None:
        try:
            with opened_archive(path) as archive:
                outputs = ((one, _sample(archive, *one)["output"]) for one in samples)
                return {one for one, output in outputs if not _answers(ModelOutput.model_validate(output))}
        except Exception:  # noqa: S110 - Inspect's reader reports what is wrong
            pass
    from inspect_ai.log import read_eval_log

    read = ((one.id, one.epoch, one.output) for one in read_eval_log(location).samples or [])
    return {
        (name, epoch) for name, epoch, output in read if (name, epoch) in samples and not _answers(output)
    }


def _answers(output: "ModelOutput") -> bool:
    """Whether a model's last output is an answer: there is one, and it does not call tools."""
    from inoc_evals.scorers.answers import calls_on

    return bool(output.choices) and not calls_on(output)


def _sample(archive: ZipFile, sample: str | int, epoch: int) -> dict[str, Any]:
    return dict(json.loads(archive.read(f"samples/{sample}_epoch_{epoch}.json")))
