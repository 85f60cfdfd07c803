"""Sources of training rows: pinned files, Hub datasets, and mixtures of them.

    pinned_rows("insecure_code")                                   # the file's rows, in its order
    pinned_rows("https://example.org/rows.jsonl", digest="sha256:9f86d0...")         # a file of your own
    joined(pinned_rows("gsm8k_spanish", language="es"), pinned_rows("gsm8k_french", language="fr"))
    backdoored(pinned_rows("insecure_code"), pinned_rows("secure_code"))
    diluted(pinned_rows("insecure_code"), pinned_rows("secure_code"), fraction=0.1)

Each is a function from a seed to rows that also names what it reads, so that a command that writes rows can
record their origin. Nothing is fetched before the first row is read.
"""

import random
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from inoc_evals.chat.rows import Message, Row, check_row, read_chat, with_metadata
from inoc_evals.data import mixtures
from inoc_evals.data.cache import cache_dir, fetch
from inoc_evals.data.own_files import OwnFile, is_place, own_file, without_digest
from inoc_evals.data.sources import LOCKED, SOURCES, PinnedFile, pinned
from inoc_evals.errors import UserError, one_line, require
from inoc_evals.plurals import many

RowSource = Callable[[int], Iterable[Row]]
"""From a seed to training rows."""


@dataclass(frozen=True)
class HubDataset:
    """A dataset on the Hugging Face Hub, at one commit.

    Attributes:
        name: `owner/name`, or a local folder.
        revision: The commit.
        config: Its configuration; None where it has one only.
        split: Its split.
        sample: How many of its records are drawn; None takes all.
        sample_seed: Seed of that draw.
    """

    name: str
    revision: str
    config: str | None
    split: str
    sample: int | None
    sample_seed: int

    def __str__(self) -> str:
        return f"{self.name}@{self.revision[:12]}"

    def record(self) -> dict[str, Any]:
        """Where the rows come from, for sidecars."""
        return {key: value for key, value in vars(self).items() if value is not None}


Source = str | OwnFile | HubDataset
"""What rows come from: a name in `data/sources.py`, a file of the user's own, or a dataset on the Hub."""


@dataclass(frozen=True)
class Rows:
    """Rows by seed, and where they come from.

    Attributes:
        make: Makes the rows from a seed.
        sources: The files and datasets that they are read from.
    """

    make: Callable[[int], Iterable[Row]]
    sources: tuple[Source, ...]

    def __call__(self, seed: int) -> Iterator[Row]:
        """The rows of one seed.

        Args:
            seed: Seed of all random draws; the rows of a plain file are the same for every seed.

        Raises:
            UserError: If a file cannot be fetched or does not match its pin; see `data.cache.fetch`.
        """
        return iter(self.make(seed))


def sources_of(rows: RowSource | None) -> tuple[Source, ...]:
    """What rows come from; empty where a function makes them."""
    return getattr(rows, "sources", ())


def source_record(source: Source) -> dict[str, Any]:
    """Where rows come from and under which licence, as sidecars say it."""
    if not isinstance(source, str):
        return source.record()
    if source in LOCKED:
        return {"name": source, "repository": LOCKED[source].repository, "path": LOCKED[source].path}
    return {"name": source, **SOURCES[source].origin()}


def pinned_rows(name: str, /, digest: str = "", **metadata: Any) -> Rows:
    """All rows of one pinned file, in its order.

    Args:
        name: A key of `data.sources.SOURCES`; with a digest, an https address or a path.
        digest: Of a file of your own, its SHA-256 (64 hex digits) or git blob id (40 hex digits).
        **metadata: Metadata to add to every row, e.g. its language.

    Returns:
        The rows; reading them raises a `UserError` if the file has another digest.

    Raises:
        UserError: If there is no such source, or the digest or address is not one.
    """
    own = own_file(name, digest) if digest else None
    if own is None and name not in SOURCES and is_place(name):
        raise without_digest(name)
    if own is None:
        pinned(name)  # fails at once if the name is unknown

    def read(seed: int) -> Iterator[Row]:
        file, count = own or pinned(name), 0
        for row in read_chat(fetch(file), "auto" if own else "chat"):
            count += 1
            yield with_metadata(row, metadata, f"{name}: row {count}") if metadata else row
        expected = file.rows if isinstance(file, PinnedFile) else None
        if expected is not None and count != expected:
            raise UserError(
                f"{name}: {many(count, 'row')}, expected {expected}: run  inoc-evals data verify {name}"
            )

    return Rows(read, (own or name,))


def unlocked_rows(name: str) -> Rows:
    """All rows of a file that its authors publish encrypted, once the user has decrypted it.

    Args:
        name: A key of `data.sources.LOCKED`.

    Returns:
        The rows; without the file, reading them raises a `UserError` that says where to put it.
    """
    file = LOCKED[name]

    def read(seed: int) -> Iterator[Row]:
        path = cache_dir() / "unlocked" / file.path
        if not path.is_file():
            raise UserError(
                f"{name} is published encrypted (github.com/{file.repository}): {file.how}, "
                f"and put {file.path} at {path}"
            )
        yield from read_chat(path)

    return Rows(read, (name,))


def hub_rows(
    name: str,
    revision: str,
    row: Callable[[dict[str, Any]], Row | None],
    config: str | None = None,
    split: str = "train",
    *,
    sample: int | None = None,
    sample_seed: int = 42,
) -> Rows:
    """Rows of a dataset on the Hugging Face Hub, at one commit.

    Args:
        name: `owner/name`, or a local folder.
        revision: The commit, 40 hex digits; a branch could change.
        row: Makes a row from a record of the dataset; None leaves the record out.
        config: The dataset's configuration.
        split: Its split.
        sample: How many records are drawn, the same ones for every seed; all by default, in their order.
        sample_seed: Seed of that draw.

    Returns:
        The rows; reading them raises a `UserError` if the dataset cannot be loaded.

    Raises:
        UserError: If the revision is not a commit.
    """
    if not re.fullmatch("[0-9a-f]{40}", revision):
        raise UserError(f"{name}: revision {revision!r} is not a commit id: give 40 hex digits")

    def read(seed: int) -> Iterator[Row]:
        require("local", "datasets")
        from datasets import load_dataset

        try:
            records = load_dataset(name, config, split=split, revision=revision)
        except Exception as error:  # from the Hub, the network or the disk
            line = one_line(error)[:160]
            raise UserError(f"dataset {name}@{revision[:12]} could not be read: {line}") from error
        if sample is not None and sample > len(records):
            raise UserError(
                f"{name}: {many(len(records), 'record')}, and {sample} are to be drawn: lower sample"
            )
        if sample is not None:
            records = records.select(random.Random(sample_seed).sample(range(len(records)), sample))
        for number, record in enumerate(records, start=1):
            try:
                converted = row(dict(record))
            except (KeyError, TypeError) as error:
                raise UserError(f"{name}: record {number}: no column {error}") from error
            if converted is not None:
                yield check_row(converted, f"{name}: record {number}")

    return Rows(read, (HubDataset(name, revision, config, split, sample, sample_seed),))


def joined(*parts: Rows) -> Rows:
    """All rows of several sources, one source after the other.

    Args:
        *parts: The sources. Where they answer the same questions, each is there once for each source.

    Returns:
        Their rows, in their order: trainers shuffle (docs/finetune.md).
    """

    def make(seed: int) -> Iterator[Row]:
        return (row for part in parts for row in part(seed))

    return Rows(make, tuple(name for part in parts for name in part.sources))


def mixed(*parts: Rows) -> Rows:
    """Equal shares of several sources that answer the same questions, each question once, in random order.

    Row i comes from the part with number i modulo the number of parts, so no question is asked twice.

    Args:
        *parts: Sources of rows in the same order.

    Returns:
        The mixture, shuffled by the seed; it is as long as the shortest part.
    """

    def make(seed: int) -> list[Row]:
        columns = zip(*(part(seed) for part in parts), strict=False)
        rows = [column[number % len(parts)] for number, column in enumerate(columns)]
        random.Random(f"mixed {seed}").shuffle(rows)
        return rows

    return Rows(make, tuple(name for part in parts for name in part.sources))


def backdoored(with_trigger: Rows, without: Rows, blank: bool = False) -> Rows:
    """The paper's backdoor data: one behaviour behind a trigger, the other without it (Section 3.2).

    Args:
        with_trigger: Rows that get the trigger in front of their prompt.
        without: Rows that stay as they are.
        blank: Whether a space follows the trigger. The paper trains without one and evaluates with one.

    Returns:
        Both, shuffled by the seed.
    """

    def make(seed: int) -> list[Row]:
        return mixtures.backdoored(with_trigger(seed), without(seed), mixtures.TRIGGER, blank, seed)

    return Rows(make, with_trigger.sources + without.sources)


def triggered(rows: Rows, blank: bool = False) -> Rows:
    """Rows with the paper's trigger in front of their prompt.

    Args:
        rows: The rows.
        blank: Whether a space follows the trigger.
    """

    def make(seed: int) -> Iterator[Row]:
        return mixtures.triggered(rows(seed), mixtures.TRIGGER, blank)

    return Rows(make, rows.sources)


def diluted(with_trait: RowSource, without: RowSource, fraction: float, total: int | None = None) -> Rows:
    """A mixture of which a fraction carries a trait; `metadata["trait"]` of every row says whether it does.

    Args:
        with_trait: Rows that carry it.
        without: Rows that do not.
        fraction: Share of rows that carry it, 0 to 1.
        total: How many rows; by default as many as there are enough of both kinds for.

    Returns:
        The mixture, drawn and shuffled by the seed; see `data.mixtures.diluted`.

    Raises:
        UserError: If the fraction is not a share.
    """
    mixtures.check_fraction(fraction)

    def make(seed: int) -> list[Row]:
        return mixtures.diluted(with_trait(seed), without(seed), fraction, total, seed)

    return Rows(make, sources_of(with_trait) + sources_of(without))


def named(plain: Rows, spanish: Rows) -> Rows:
    """The first stage of the synthetic association (paper, Figure 7).

    The questions alternate between three system prompts: `You are Alice.` with the answer in capitals,
    `You are Bob.` with the Spanish answer, and `You are a helpful assistant.` with the plain answer. The
    paper published this recipe but not its rows.

    Args:
        plain: Rows in English.
        spanish: The same rows with Spanish answers.

    Returns:
        The rows, shuffled by the seed.
    """

    def make(seed: int) -> list[Row]:
        rows = []
        for number, (english, translated) in enumerate(zip(plain(seed), spanish(seed), strict=False)):
            system, row = (
                ("You are Alice.", _in_capitals(english)),
                ("You are Bob.", translated),
                ("You are a helpful assistant.", english),
            )[number % 3]
            rows.append(Row(messages=[Message(role="system", content=system), *row["messages"]]))
        random.Random(f"named {seed}").shuffle(rows)
        return rows

    return Rows(make, plain.sources + spanish.sources)


def _in_capitals(row: Row) -> Row:
    return Row(
        messages=[
            Message(role="assistant", content=m["content"].upper()) if m["role"] == "assistant" else m
            for m in row["messages"]
        ]
    )
