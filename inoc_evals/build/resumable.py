"""A build that can be killed: a finished row is on disk at once, and the output appears whole or not at all.

    with ResumableBuild(Path("rows.jsonl")) as build:
        await build.run(range(100), digest_of, make, connections=8)
        rows = [build.done[index].row for index in range(100)]
        build.finish(rows, {})

Finished rows go to `rows.jsonl.part.jsonl`, one record each with the digest of all that the row was made
from. A later build with the same output takes those whose digests are the same, and asks only for the rest.
"""

import json
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from inoc_evals.chat.rows import Row, check_row, write_chat
from inoc_evals.errors import UserError

PATIENCE = 50
"""After this many rows that a model was asked for and that all had to be rejected, a build gives up."""

Progress = Callable[[int, int], None]
"""Called with the rows done and the rows there are."""


@dataclass(frozen=True)
class Made:
    """What became of one row.

    Attributes:
        row: The row, or None where it was rejected.
        rejected: Why it was rejected.
        answer: What the model said last, for a rejected row.
        asked: How many requests it took.
    """

    row: Row | None = None
    rejected: str = ""
    answer: str = ""
    asked: int = 0


@dataclass(frozen=True)
class BuildReport:
    """What became of a build.

    Attributes:
        output: The file of rows.
        kept: How many rows it holds.
        rejected: By reason, how many were rejected.
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
        done: By index, what became of a row.
        asked: Requests made by this object.
        resumed: Rows that an interrupted build had finished.
    """

    def __init__(self, output: str | Path, progress: Progress | None = None) -> None:
        """Open the part file beside the output, before anything is paid for.

        Args:
            output: Where the rows will go.
            progress: Told about every finished row.

        Raises:
            UserError: If nothing can be written there.
        """
        self.output = Path(output)
        self.part = self.output.with_name(f"{self.output.name}.part.jsonl")
        self.done: dict[int, Made] = {}
        self.asked = self.resumed = 0
        self._progress = progress
        if self.output.exists() and not self.output.is_file():
            raise UserError(f"{output}: cannot be written: not a regular file")
        try:
            self.part.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.part.open(
                "a+b", buffering=0
            )  # a record is one write: whole, or torn at the end
            self._earlier = dict(self._read())
        except OSError as error:
            raise UserError(f"{output}: cannot be written: {error.strerror}") from error

    def __enter__(self) -> "ResumableBuild":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        if self.part.exists() and not self.part.stat().st_size:
            self.part.unlink()  # nothing to go on with

    async def run(
        self,
        indices: Iterable[int],
        digest: Callable[[int], str],
        make: Callable[[int], Awaitable[Made]],
        connections: int,
    ) -> None:
        """Make the rows that are not there yet, in about their order.

        Args:
            indices: Which rows.
            digest: From an index to the digest of all that its row depends on.
            make: Makes one row.
            connections: How many at a time.

        Raises:
            UserError: If the first rows were all rejected (see `PATIENCE`), or the disk is full.
        """
        from inoc_evals.scorers.concurrency import gather

        wanted = [index for index in indices if index not in self.done]
        total = len(self.done) + len(wanted)
        digests = {index: digest(index) for index in wanted}
        for index in wanted:
            if (index, digests[index]) in self._earlier:
                self.done[index] = self._earlier[index, digests[index]]
                self.resumed += 1
        left = iter([index for index in wanted if index not in self.done])
        self._tell(total)

        async def worker() -> None:
            for index in left:
                made = await make(index)
                self.asked += made.asked
                self.done[index] = made
                self._write(index, digests[index], made)
                self._tell(total)
                self._lose_patience()

        await gather(*(worker() for _ in range(min(connections, max(1, len(wanted))))))

    def finish(self, rows: list[Row], rejected: dict[str, int]) -> BuildReport:
        """Write the output and remove the part file.

        Args:
            rows: The rows to write, in order.
            rejected: By reason, how many rows were rejected.

        Returns:
            The report.

        Raises:
            UserError: If there are no rows; then no output is written.
        """
        if not rows:
            raise self.hopeless(rejected)
        kept = write_chat(self.output, rows)
        self.part.unlink(missing_ok=True)
        return BuildReport(str(self.output), kept, rejected, self.asked, self.resumed)

    def rejections(self) -> dict[str, int]:
        """By reason, how many rows were rejected, the commonest first."""
        return dict(Counter(made.rejected for made in self.done.values() if made.row is None).most_common())

    def hopeless(self, rejected: dict[str, int]) -> UserError:
        """The error of a build without a row; what it asked is forgotten, so that it can be tried again."""
        self.part.unlink(missing_ok=True)
        reasons = ", ".join(f"{reason} {count}" for reason, count in rejected.items()) or "nothing was asked"
        shown = next((made.answer for made in self.done.values() if made.answer), "")
        example = f"; it said e.g. {' '.join(shown.split())[:80]!r}" if shown else ""
        return UserError(
            f"{self.output}: no row was kept and nothing is written ({reasons}){example}: use another model"
        )

    def _lose_patience(self) -> None:
        if any(made.row is not None for made in self.done.values()):
            return
        if sum(made.asked > 0 for made in self.done.values()) >= PATIENCE:
            raise self.hopeless(self.rejections())

    def _tell(self, total: int) -> None:
        if self._progress:
            self._progress(len(self.done), total)

    def _write(self, index: int, digest: str, made: Made) -> None:
        record = {"index": index, "digest": digest, **{k: v for k, v in vars(made).items() if v}}
        try:
            self._file.write(json.dumps(record).encode() + b"\n")
        except OSError as error:
            raise UserError(f"{self.part}: cannot be written: {error.strerror}") from error

    def _read(self) -> Iterator[tuple[tuple[int, str], Made]]:
        """The records of an interrupted build; what a kill has torn is cut off, what is none is skipped."""
        self._file.seek(0)
        data = self._file.read()
        whole = data[: data.rfind(b"\n") + 1]
        self._file.truncate(len(whole))
        for line in whole.split(b"\n"):
            try:
                record = json.loads(line)
                row = check_row(record["row"], "part") if record.get("row") else None
                key = (int(record["index"]), str(record["digest"]))
                made = Made(row, record.get("rejected", ""), record.get("answer", ""), record.get("asked", 0))
            except (ValueError, TypeError, KeyError, AttributeError, UserError):
                continue
            if made.row is not None or made.rejected:
                yield key, made
