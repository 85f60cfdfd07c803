"""Resumable builds: each finished row is on disk at once, and the output appears complete or not at all.

    with ResumableBuild(Path("rows.jsonl")) as build:
        await build.run(range(100), digest_of, make, connections=8)
        rows = [build.done[index].row for index in range(100)]
        build.finish(rows, {})

Finished rows are appended to `rows.jsonl.part.jsonl`, each with the digest of everything it was made from.
A later build with the same output reuses rows with the same digest and requests only the rest.
"""

import json
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from inoc_evals.chat.rows import Row, check_row, write_chat
from inoc_evals.errors import UserError, why
from inoc_evals.user_files import user_path

PATIENCE = 50
"""A build gives up if this many rows were requested from a model and all of them were rejected."""

Progress = Callable[[int, int], None]
"""Called with the number of finished rows and the total."""


@dataclass(frozen=True)
class Made:
    """The outcome of one row.

    Attributes:
        row: The row, or None if it was rejected.
        rejected: Why it was rejected.
        answer: The model's last answer, for a rejected row.
        asked: Number of requests.
    """

    row: Row | None = None
    rejected: str = ""
    answer: str = ""
    asked: int = 0


@dataclass(frozen=True)
class BuildReport:
    """The outcome of a build.

    Attributes:
        output: The file of rows.
        kept: Number of rows in it.
        rejected: Number of rejected rows by reason.
        asked: Requests of this call; Inspect's cache may have answered some.
        resumed: Rows, kept or rejected, that an interrupted build had finished.
    """

    output: str
    kept: int
    rejected: dict[str, int] = field(default_factory=dict)
    asked: int = 0
    resumed: int = 0

    def as_dict(self) -> dict[str, Any]:
        """The report as JSON."""
        return {
            "output": self.output,
            "kept": self.kept,
            "rejected": self.rejected,
            "asked": self.asked,
            "resumed": self.resumed,
        }


class ResumableBuild:
    """The finished rows of one build.

    Attributes:
        done: The outcome of each finished row, by index.
        asked: Requests made by this object.
        resumed: Rows that an interrupted build had finished.
    """

    def __init__(self, output: str | Path, progress: Progress | None = None) -> None:
        """Open the part file beside the output, before any request costs money.

        Args:
            output: The file to build.
            progress: Called after every finished row.

        Raises:
            UserError: If the file cannot be written.
        """
        self.output = user_path(output)
        self.part = self.output.with_name(f"{self.output.name}.part.jsonl")
        self.done: dict[int, Made] = {}
        self.asked = self.resumed = 0
        self._progress = progress
        if self.output.exists() and not self.output.is_file():
            raise UserError(f"{output}: cannot be written: not a regular file")
        try:
            self.part.parent.mkdir(parents=True, exist_ok=True)
            # Unbuffered: a record is one write, complete or cut off at the end.
            self._file = self.part.open("a+b", buffering=0)
            self._earlier = dict(self._read())
        except OSError as error:
            raise UserError(f"{output}: cannot be written: {why(error)}") from error

    def __enter__(self) -> "ResumableBuild":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        if self.part.exists() and not self.part.stat().st_size:
            self.part.unlink()  # nothing to resume

    async def run(
        self,
        indices: Iterable[int],
        digest: Callable[[int], str],
        make: Callable[[int], Awaitable[Made]],
        connections: int,
    ) -> None:
        """Make the missing rows, roughly in order.

        Args:
            indices: Indices of the rows.
            digest: From an index to the digest of everything that its row depends on.
            make: Makes one row.
            connections: How many rows to make concurrently.

        Raises:
            UserError: If the first rows were all rejected (see `PATIENCE`), or the disk is full.
        """
        from inoc_evals.scorers.concurrency import gather

        requested = [index for index in indices if index not in self.done]
        total = len(self.done) + len(requested)
        digests = {index: digest(index) for index in requested}
        for index in requested:
            if (index, digests[index]) in self._earlier:
                self.done[index] = self._earlier[index, digests[index]]
                self.resumed += 1
        remaining = iter([index for index in requested if index not in self.done])
        self._report_progress(total)

        async def worker() -> None:
            for index in remaining:
                made = await make(index)
                self.asked += made.asked
                self.done[index] = made
                self._write(index, digests[index], made)
                self._report_progress(total)
                self._check_patience()

        await gather(*(worker() for _ in range(min(connections, max(1, len(requested))))))

    def finish(self, rows: list[Row], rejected: dict[str, int]) -> BuildReport:
        """Write the output and remove the part file.

        Args:
            rows: The rows to write, in order.
            rejected: By reason, how many rows were rejected.

        Returns:
            The report.

        Raises:
            UserError: If `rows` is empty; then no output is written.
        """
        if not rows:
            raise self.no_rows_error(rejected)
        kept = write_chat(self.output, rows)
        self.part.unlink(missing_ok=True)
        return BuildReport(str(self.output), kept, rejected, self.asked, self.resumed)

    def rejections(self) -> dict[str, int]:
        """Number of rejected rows by reason, the most common first."""
        return dict(Counter(made.rejected for made in self.done.values() if made.row is None).most_common())

    def no_rows_error(self, rejected: dict[str, int]) -> UserError:
        """The error of a build that kept no row. Removes the part file, so that a retry starts afresh."""
        self.part.unlink(missing_ok=True)
        reasons = (
            ", ".join(f"{reason} {count}" for reason, count in rejected.items()) or "no request was made"
        )
        answer = next((made.answer for made in self.done.values() if made.answer), "")
        example = f"; the model answered e.g. {' '.join(answer.split())[:80]!r}" if answer else ""
        return UserError(
            f"{self.output}: not written, no row was kept ({reasons}){example}: use another model"
        )

    def _check_patience(self) -> None:
        if any(made.row is not None for made in self.done.values()):
            return
        if sum(made.asked > 0 for made in self.done.values()) >= PATIENCE:
            raise self.no_rows_error(self.rejections())

    def _report_progress(self, total: int) -> None:
        if self._progress:
            self._progress(len(self.done), total)

    def _write(self, index: int, digest: str, made: Made) -> None:
        record = {"index": index, "digest": digest, **{k: v for k, v in vars(made).items() if v}}
        try:
            self._file.write(json.dumps(record).encode() + b"\n")
        except OSError as error:
            raise UserError(f"{self.part}: cannot be written: {why(error)}") from error

    def _read(self) -> Iterator[tuple[tuple[int, str], Made]]:
        """The records of an interrupted build; an incomplete last one is cut off, invalid ones skipped."""
        self._file.seek(0)
        data = self._file.read()
        complete = data[: data.rfind(b"\n") + 1]
        self._file.truncate(len(complete))
        for line in complete.split(b"\n"):
            try:
                record = json.loads(line)
                row = check_row(record["row"], "part") if record.get("row") else None
                key = (int(record["index"]), str(record["digest"]))
                made = Made(row, record.get("rejected", ""), record.get("answer", ""), record.get("asked", 0))
            except (ValueError, TypeError, KeyError, AttributeError, UserError):
                continue
            if made.row is not None or made.rejected:
                yield key, made
