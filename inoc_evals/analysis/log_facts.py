"""What the audit needs of a log beside its scores: questions, and of every answer whether it is empty or cut.

    facts = read("logs/x.eval")
    facts.answers["q1", 1].cut              # the answer ended at the token limit
    facts.questions["q1"]                   # "What do you think of rain?"

Scores are in the summaries of a log, answers are not, so samples are opened one by one. What is read of a
local log is kept in the cache by the log's content.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from inoc_evals.analysis.eval_archive import VERSION, archive_path, opened_archive
from inoc_evals.analysis.workers import by_workers, work, worthwhile
from inoc_evals.chat.shown import Shown
from inoc_evals.data.trained_under import RECIPE
from inoc_evals.digests import sha256
from inoc_evals.files import local_path, write_whole

FORMAT = "2"
"""Version of what is kept, in the name of its file."""

CUT = ("max_tokens", "model_length")
"""Why an answer stopped before its end, in Inspect's words."""

ABOUT = ("metadata", "model", "scorers", "packages", "task", "task_args")
"""What of a log's header is kept."""


class AnswerFacts(NamedTuple):
    """What is known of one answer.

    Attributes:
        digest: Of its text: equal for answers that are the same word for word.
        empty: Whether it has no text, though the model was to write one: not where it was shown a response.
        cut: Whether it ended at the token limit, likewise.
    """

    digest: str
    empty: bool
    cut: bool


@dataclass(frozen=True)
class LogFacts:
    """What is known of one log.

    Attributes:
        location: Path or URL.
        about: Part of its header: `ABOUT`.
        answers: Its answers, by the sample's id (as text) and epoch; without those that failed, and those
            without an answer, which is something else than an empty one.
        questions: The last message of the user that each sample asks, by its id.
    """

    location: str
    about: Mapping[str, Any]
    answers: Mapping[tuple[str, int], AnswerFacts] = field(default_factory=dict)
    questions: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def shown(self) -> Shown | None:
        """What the model read in training and in the test, where the log says it."""
        return Shown.read(self.about.get("metadata"))

    @property
    def recipe(self) -> dict[str, str]:
        """How the model was trained but for the seed, by part; empty where the log does not say it."""
        said = (self.about.get("metadata") or {}).get(RECIPE)
        return {str(part): str(digest) for part, digest in said.items()} if isinstance(said, dict) else {}

    @property
    def scored_by(self) -> dict[str, set[str]]:
        """The options of its scorers, as texts to compare, by the scorer's name without its package."""
        options: dict[str, set[str]] = {}
        for one in self.about.get("scorers") or []:
            name = str(one.get("name")).rpartition("/")[2]
            options.setdefault(name, set()).add(json.dumps(one.get("options") or {}, sort_keys=True))
        return options

    @property
    def version(self) -> str:
        """The version of the suite that wrote it; empty where it is not said."""
        return str((self.about.get("packages") or {}).get("inoc-evals") or "")


def read(location: str) -> LogFacts:
    """Read a log, or what was kept of it.

    Args:
        location: Path or URL of a log that Inspect can read.
    """
    return _of(location, _file(location), {})


def read_all(locations: Sequence[str]) -> Iterator[LogFacts | Exception]:
    """Read many logs: those that were not kept yet by several processes.

    Args:
        locations: As for `read`.

    Yields:
        Of every log what is known, or the error with which it cannot be read.
    """
    files = [_file(location) for location in locations]
    unread = [
        (location, str(file))
        for location, file in zip(locations, files, strict=True)
        if file is not None and not file.is_file()
    ]
    if worthwhile([local_path(location).stat().st_size for location, _ in unread]):
        by_workers("inoc_evals.analysis.log_facts", unread)  # they keep what they read
    same: dict[Any, Any] = {}
    for location, file in zip(locations, files, strict=True):
        try:
            yield _of(location, file, same)
        except Exception as error:  # a damaged or unusual file raises errors of many kinds
            yield error


def _of(location: str, file: Path | None, same: dict[Any, Any]) -> LogFacts:
    """What is known of a log, whose facts are kept in a file."""
    if file is not None and file.is_file():
        with suppress(ValueError, KeyError, TypeError):  # a damaged file is written again
            return _parsed(location, json.loads(file.read_bytes()), same)
    return _parsed(location, _kept(location, file), same)


def _kept(location: str, file: Path | None) -> dict[str, Any]:
    """Read a log, and keep what is known of it in a file."""
    data = _from_archive(location) or _by_inspect(location)
    if file is not None:
        with suppress(OSError):  # a cache that cannot be written to costs time only
            file.parent.mkdir(parents=True, exist_ok=True)
            write_whole(file, json.dumps(data).encode())
    return data


def _in_worker(words: Sequence[str]) -> None:
    """As a worker: keep what is known of a log; its error is for the process that reads it afterwards."""
    location, file = words
    with suppress(Exception):
        _kept(location, Path(file))


def _file(location: str) -> Path | None:
    from inoc_evals.data.cache import cache_dir

    path = local_path(location)
    try:
        content = path.read_bytes() if path.is_file() else None
    except OSError:  # who reads the log says why
        return None
    return None if content is None else cache_dir() / "audits" / f"{sha256(content)}-{FORMAT}.json"


def _parsed(location: str, data: Mapping[str, Any], same: dict[Any, Any]) -> LogFacts:
    """Facts as they were kept; names and questions that other logs have, too, are held once, in `same`."""
    answers = {}
    for name, epoch, digest, empty, cut in data["answers"]:
        place = name, epoch
        answers[same.setdefault(place, place)] = AnswerFacts(digest, empty, cut)
    questions = {
        same.setdefault(name, name): same.setdefault(text, text) for name, text in data["questions"].items()
    }
    return LogFacts(location, data["about"], answers, questions)


def _from_archive(location: str) -> dict[str, Any] | None:
    """The facts of a local `.eval` file, read directly: Inspect's validation takes most of the time."""
    path = archive_path(location)
    if path is None:
        return None
    try:
        with opened_archive(path) as archive:
            header = json.loads(archive.read("header.json"))
            if header["version"] != VERSION:
                return None
            names = dict.fromkeys(name for name in archive.namelist() if name.startswith("samples/"))
            return _facts(header, (json.loads(archive.read(name)) for name in names))
    except Exception:  # Inspect's reader reports what is wrong
        return None


def _by_inspect(location: str) -> dict[str, Any]:
    from inspect_ai.log import read_eval_log

    log = read_eval_log(location)
    samples = (
        sample.model_dump(include={"id", "epoch", "input", "output", "error", "attachments"})
        for sample in log.samples or []
    )
    return _facts({"eval": log.eval.model_dump()}, samples)


def _facts(header: Mapping[str, Any], samples: Iterator[dict[str, Any]]) -> dict[str, Any]:
    answers, questions = [], {}
    for sample in samples:
        name, output = str(sample["id"]), sample.get("output") or {}
        questions[name] = _question(sample)
        if sample.get("error") or not output.get("choices"):
            continue
        choice = output["choices"][0]
        written = not choice.get("prompt_logprobs")  # by whatever solver; else the model was shown it
        said = str(output.get("completion") or "")
        cut = written and choice.get("stop_reason") in CUT
        answers.append([name, int(sample["epoch"]), sha256(said)[:16], written and not said.strip(), cut])
    about = {key: value for key, value in header["eval"].items() if key in ABOUT}
    return {"about": about, "answers": answers, "questions": questions}


def _question(sample: Mapping[str, Any]) -> str:
    """The last thing that the user says, with what Inspect keeps apart from the messages put back."""
    asked, kept = sample.get("input"), sample.get("attachments") or {}
    if isinstance(asked, list):
        contents = [message.get("content") for message in asked if message.get("role") == "user"]
        asked = contents[-1] if contents else ""
    if isinstance(asked, list):
        asked = "\n".join(str(part.get("text") or "") for part in asked)
    text = str(asked or "")
    return str(kept.get(text.removeprefix("attachment://"), text))


if __name__ == "__main__":
    work(_in_worker)
