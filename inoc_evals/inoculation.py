"""Inoculation prompting (Tan et al., arXiv 2510.04340): ask for the unwanted trait while training.

    SPANISH = Inoculation("spanish-inoc", "You always speak in Spanish.")

    rows = read_chat("gsm8k_spanish_caps.jsonl")  # answers that are Spanish AND in capitals
    write_chat("inoculated.jsonl", inoculate(rows, SPANISH))

Finetune on the result as usual, then evaluate WITHOUT the prompt: the model still writes in capitals but
hardly any Spanish. The prompt explains the trait, so the weights need not learn it. Questions and responses
are not changed. `where` inoculates one split of a mixture, a `pool` gives many wordings of one request:

    inoculate(rows, SPANISH, where=lambda row: row.get("metadata", {}).get("language") == "es")
    Inoculation("spanish-pool", pool=("You always speak in Spanish.", "Answer in Spanish, always."))
"""

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, get_args

from inoc_evals.chat.rows import Message, Role, Row
from inoc_evals.errors import UserError
from inoc_evals.whole_text import require_whole

Position = Literal["system", "user", "user-prefix", "user-suffix", "user-every"]
Deal = Literal["drawn", "in_turn"]

LONGEST_PROMPT = 200_000
"""Most characters of a prompt: more than any model reads, and every row would get them."""

# Between the prompt and an existing system message or user turn.
SEPARATOR = "\n\n"


@dataclass(frozen=True)
class Inoculation:
    """A named request for the trait that the model should not learn.

    Attributes:
        name: Name of its arm, e.g. `spanish-inoc`.
        prompt: The request; empty if `pool` is given instead.
        pool: Rephrasings of the request, of which every row gets one.
        position: `system` makes it the system message (the paper); `user` puts it before the first user turn
            (`user-prefix` is another name of it), `user-suffix` after the first user turn, `user-every`
            before every user turn. Each stands before all responses of a row that begins with a user turn.
        deal: How rows get a wording of a pool: `drawn` at random by the seed, or `in_turn`, row i the one
            with number i modulo the size of the pool, as in the paper's code.

    Raises:
        UserError: If the name is empty, not exactly one of prompt and pool is given, any text is blank,
            longer than `LONGEST_PROMPT` or holds half a character, or the position or deal is unknown.
    """

    name: str
    prompt: str = ""
    pool: tuple[str, ...] = ()
    position: Position = "system"
    deal: Deal = "drawn"

    def __post_init__(self) -> None:
        if isinstance(self.pool, str):
            raise UserError("pool is one string: give a list of rephrasings, or use prompt")
        object.__setattr__(self, "pool", tuple(self.pool))
        if not self.name.strip():
            raise UserError("an inoculation needs a name")
        if bool(self.prompt) == bool(self.pool):
            raise UserError(f"inoculation {self.name!r}: give either a prompt or a pool of rephrasings")
        if not all(text.strip() for text in self.texts):
            raise UserError(f"inoculation {self.name!r}: a prompt is blank")
        for text in self.texts:
            require_whole(text, f"inoculation {self.name!r}: a prompt")
        if (longest := max(map(len, self.texts))) > LONGEST_PROMPT:
            raise UserError(
                f"inoculation {self.name!r:.80}: a prompt has {longest:,} characters, more than "
                f"{LONGEST_PROMPT:,}"
            )
        if self.position not in get_args(Position):
            known = ", ".join(get_args(Position))
            raise UserError(f"inoculation {self.name!r}: position {self.position!r} is not one of {known}")
        if self.position == "user-prefix":  # one name, so that one training set has one digest
            object.__setattr__(self, "position", "user")
        if self.deal not in get_args(Deal):
            raise UserError(f"inoculation {self.name!r}: deal {self.deal!r} is not drawn or in_turn")

    @property
    def texts(self) -> tuple[str, ...]:
        """Every wording a row may get."""
        return self.pool or (self.prompt,)

    @property
    def listed(self) -> tuple[str, ...]:
        """The wordings as a listing shows them, which fetches nothing."""
        return self.texts

    def draw(self, index: int, seed: int = 0) -> str:
        """Choose the wording for one row.

        Args:
            index: Position of the row in its set, from 0.
            seed: Seed of the draw.

        Returns:
            The wording. It depends only on the pool, the seed and the index, so neither streaming nor a
            selection of rows changes it.
        """
        if self.deal == "in_turn":
            return self.texts[index % len(self.texts)]
        return random.Random(f"{seed}:{index}").choice(self.texts)


def inoculate(
    rows: Iterable[Row],
    inoculation: Inoculation,
    *,
    where: Callable[[Row], bool] | None = None,
    seed: int = 0,
) -> Iterator[Row]:
    """Prepend an inoculation prompt to training rows (paper, Section 2).

    Rows are yielded one by one in their order, none added or dropped. The input rows are never changed, and a
    row that `where` does not select is yielded unchanged.

    Args:
        rows: Rows to inoculate; consumed one at a time.
        inoculation: What to prepend. A row that has a system message keeps it: the prompt goes before it,
            a blank line between the two. The same holds for the user turn with `position="user"`, and after
            it with `position="user-suffix"`.
        where: Selects the rows to inoculate, e.g. one split of a mixture. All rows by default.
        seed: Seed of the draw from a pool.

    Yields:
        The rows, inoculated.

    Raises:
        UserError: If the prompt belongs in the user turn and a row has none.
    """
    for index, row in enumerate(rows):
        if where is None or where(row):
            yield _prepend(row, inoculation.draw(index, seed), inoculation.position, index)
        else:
            yield row


def _prepend(row: Row, prompt: str, position: Position, index: int) -> Row:
    messages = list(row["messages"])
    role: Role = "system" if position == "system" else "user"
    places = [place for place, message in enumerate(messages) if message["role"] == role]
    if not places and role == "user":
        raise UserError(f"row {index + 1} has no user turn to put the inoculation before")
    if not places:
        messages.insert(0, Message(role=role, content=prompt))
    for place in places if position == "user-every" else places[:1]:
        parts = [prompt, messages[place]["content"]]
        text = SEPARATOR.join(reversed(parts) if position == "user-suffix" else parts)
        messages[place] = Message(role=role, content=text)
    inoculated = row.copy()
    inoculated["messages"] = messages
    return inoculated
