"""What an Inspect log says of itself and of every sample, without the samples.

    header, samples = contents("logs/x.eval")

An `.eval` file is an archive that holds both as JSON. Taken from there, neither Inspect's import nor its
validation is waited for, which take longer than all the rest. Whatever is not as expected, be it another
format, version or file system, or damage, is left to Inspect.
"""

import json
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import ZipFile

VERSION = 2
"""Of the format, as Inspect numbers it."""


class Contents(NamedTuple):
    """What was read, in Inspect's words.

    Attributes:
        header: With `status`, `invalidated` and `eval`.
        samples: Each with `id`, `epoch`, `metadata`, `scores`, `error` and `limit`, where there are any.
    """

    header: dict[str, Any]
    samples: list[dict[str, Any]]


def local(location: str) -> Path:
    """The path of a location, if it is one on this machine."""
    return Path(location.removeprefix("file://"))


def contents(location: str) -> Contents:
    """Read a log.

    Args:
        location: Path or URL.

    Returns:
        Its header and summaries.

    Raises:
        Exception: Whatever a damaged file makes Inspect raise.
    """
    return from_archive(location) or by_inspect(location)


def from_archive(location: str) -> Contents | None:
    """The contents of a local `.eval` file of the known version, else nothing."""
    path = local(location)
    if path.suffix != ".eval" or not path.is_file():
        return None
    with suppress(ImportError):
        import_module("zipfile_zstd")  # teaches `zipfile` the compression; Python 3.14 knows it
    try:
        with ZipFile(path) as archive:
            header = json.loads(archive.read("header.json"))
            summaries = json.loads(archive.read("summaries.json"))
        if header["version"] != VERSION or "status" not in header:
            return None
        # a sample that was run again comes last
        return Contents(header, list({(str(s["id"]), s["epoch"]): s for s in summaries}.values()))
    except Exception:  # Inspect will say what is wrong with it
        return None


def by_inspect(location: str) -> Contents:
    """The same by Inspect's own reader."""
    from inspect_ai.log import read_eval_log, read_eval_log_sample_summaries

    # JSON is read as a whole: asked for summaries, Inspect gives those of the log that lay there before
    whole = location.endswith(".json")
    log = read_eval_log(location, header_only=not whole)
    summaries = (
        [sample.summary() for sample in log.samples or []]
        if whole
        else read_eval_log_sample_summaries(location)
    )
    wanted = {"id", "epoch", "metadata", "scores", "error", "limit"}
    return Contents(
        log.model_dump(include={"status", "invalidated", "eval"}),
        [summary.model_dump(include=wanted) for summary in summaries],
    )


def whole_scores(location: str, sample: str | int, epoch: int) -> dict[str, Any]:
    """The scores of one sample with all of their metadata, which a summary leaves out where they are long.

    Args:
        location: The log's path or URL.
        sample: The sample's id.
        epoch: Its epoch.

    Returns:
        Scores by name, in Inspect's words.
    """
    path = local(location)
    if path.suffix == ".eval" and path.is_file():
        with suppress(ImportError):
            import_module("zipfile_zstd")
        try:
            with ZipFile(path) as archive:
                told = json.loads(archive.read(f"samples/{sample}_epoch_{epoch}.json"))
            return dict(told["scores"] or {})
        except Exception:  # noqa: S110 - Inspect will say what is wrong with it
            pass
    from inspect_ai.log import read_eval_log_sample

    read = read_eval_log_sample(location, sample, epoch, exclude_fields={"events", "store", "messages"})
    return {name: score.model_dump() for name, score in (read.scores or {}).items()}
