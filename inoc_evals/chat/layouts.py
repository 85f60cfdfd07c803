"""Training rows in other people's layouts, turned into chat rows without losing a word.

    chat_row({"instruction": "Add.", "input": "2 2", "output": "4"}, "alpaca", "rows.jsonl:1")
    recognised({"conversations": [{"from": "human", "value": "2+2?"}, ...]})      # "sharegpt"

| layout | a row |
|---|---|
| `chat` | `messages` of role and content, `metadata`, and nothing else |
| `messages` | the same with further keys, which go under `metadata` |
| `sharegpt` | `conversations` of from and value, or of role and content; perhaps `system` |
| `alpaca` | `instruction`, perhaps `input`, `output`; perhaps `system` and `history` |
| `pairs` | `prompt` and `completion`, or other names of a question and its answer |

Texts are taken as they are. What a layout has beside the conversation goes under `metadata`; a key that would
change training (`weight`, `tools`, ...) is an error, and so are rows that are no conversations.
"""

import sys
from collections.abc import Callable, Mapping
from typing import Any, Literal, get_args

from inoc_evals.errors import UserError
from inoc_evals.plurals import many

Layout = Literal["auto", "chat", "messages", "sharegpt", "alpaca", "pairs"]
LAYOUTS: tuple[str, ...] = get_args(Layout)

TURNS = ("conversations", "conversation", "messages", "dialogue", "dialog")
"""Keys under which a conversation is a list of turns."""

PAIRS = (
    *(("prompt", "completion"), ("prompt", "response"), ("prompt", "answer"), ("prompt", "output")),
    *(("question", "answer"), ("question", "response"), ("query", "response"), ("query", "answer")),
    *(("input", "output"), ("user", "assistant"), ("instruction", "completion")),
)
"""Keys of a question and its answer."""

ALPACA = (("output", "input"), ("response", "context"), ("response", "input"), ("answer", "input"))
"""Beside `instruction`: keys of the answer, and of what the instruction is about."""

SPEAKERS = {
    **dict.fromkeys(("user", "human", "prompter"), "user"),
    **dict.fromkeys(("assistant", "gpt", "chatgpt", "bot", "model", "ai"), "assistant"),
    "system": "system",
}
"""Who speaks, by the names that layouts have for it."""

MEANT = ("weight", "tools", "tool_calls", "functions", "function_call", "tool_choice", "parallel_tool_calls")
"""Keys that would change what is trained, and that no training here would honour."""

NOT_ROWS = {
    frozenset(
        {"chosen", "rejected"}
    ): "preference pairs, which finetuning on answers cannot use: keep `chosen`",
    frozenset({"text"}): "plain text without turns: say who speaks, e.g. as prompt and completion",
}
"""Rows that are no conversations, by keys that tell them, and what they are."""

NAMED = f"give --from {', '.join(LAYOUTS[1:])}, or write chat rows (`messages` of role and content)"

NAMED_OTHERWISE = "--from names another layout"


class ChatFormatError(UserError):
    """A row or file that is not chat JSONL, nor in a known layout; the message is `FILE:LINE: why`."""


def recognised(row: object) -> str | None:
    """The layout of a row; None if it has none that is known.

    Args:
        row: A parsed line of JSON, or a record of a table.
    """
    if not isinstance(row, dict):
        return None
    keys = {key for key, value in row.items() if value is not None}
    if "messages" in keys and not row.keys() - {"messages", "metadata"} and _plain(row["messages"]):
        return "chat"
    if "messages" in keys and isinstance(row["messages"], list):
        return "messages"
    if any(isinstance(row.get(key), list) for key in TURNS):
        return "sharegpt"
    if "instruction" in keys and any(answer in keys for answer, _ in ALPACA):
        return "alpaca"
    return "pairs" if any({question, answer} <= keys for question, answer in PAIRS) else None


def chat_row(row: Any, layout: str, where: str) -> dict[str, Any]:
    """Turn a row into a chat row, whose content `check_row` has still to check.

    Args:
        row: A parsed line of JSON, or a record of a table.
        layout: Its layout; `auto` is that which is recognised.
        where: Where it comes from, for errors.

    Raises:
        ChatFormatError: If the row is not in that layout, or has a key that would change training.
    """
    if not isinstance(row, dict):
        raise ChatFormatError(f"{where}: not a JSON object")
    if layout == "auto":
        layout = recognised(row) or _unknown(row, where)
    if layout == "chat":
        return row
    given = {key: value for key, value in row.items() if value is not None}
    if meant := [key for key in MEANT if key in given and given[key] not in ([], {}, "")]:
        raise ChatFormatError(
            f"{where}: {meant[0]!r} would change what is trained, and nothing here honours it"
        )
    messages, used = _TURNS_OF[layout](given, where)
    metadata = given.pop("metadata", {})
    if not isinstance(metadata, dict):
        raise ChatFormatError(f"{where}: 'metadata' is not a JSON object")
    made = {*used, *MEANT, "metadata"}
    # null is something that a row says: in the layout `chat`, where it is under `metadata`, it stays, too
    rest = {key: one for key, one in row.items() if key not in made and (key in given or key not in metadata)}
    if twice := sorted(rest.keys() & metadata.keys()):
        raise ChatFormatError(f"{where}: {twice[0]!r:.40} is there twice, also under 'metadata'")
    kept = {**metadata, **rest}
    return {"messages": messages, **({"metadata": kept} if kept else {})}


class Converter:
    """Turns the rows of one file into chat rows; the first row says in which layout all of them are.

    Attributes:
        layout: The layout; `auto` until the first row was seen.
    """

    def __init__(self, layout: str = "auto") -> None:
        if layout not in LAYOUTS:
            raise ChatFormatError(f"--from {layout}: unknown: use one of {', '.join(LAYOUTS)}")
        self.layout = layout
        self._guessed = layout == "auto"

    def __call__(self, row: Any, where: str) -> Any:
        """The chat row of a row, still to be checked.

        Raises:
            ChatFormatError: As `chat_row`.
        """
        if self.layout == "auto" and isinstance(row, dict):
            self.layout = recognised(row) or _unknown(row, where)
        return chat_row(row, self.layout, where)

    def tell(self, name: object, count: int) -> None:
        """Say on stderr what was recognised, where that was another layout than chat.

        Args:
            name: The file.
            count: How many rows it has.
        """
        if self._guessed and self.layout not in ("auto", "chat"):
            what = f"recognised as {self.layout} rows and read as chat ({NAMED_OTHERWISE})"
            sys.stderr.write(f"{name}: {many(count, 'row')}, {what}\n")


def turns_of(value: Any, where: str) -> list[dict[str, Any]]:
    """Turns as messages of role and content, whichever of both ways they are written.

    Args:
        value: A list of `{"role": ..., "content": ...}` or of `{"from": ..., "value": ...}`.
        where: Where it comes from, for errors.

    Raises:
        ChatFormatError: If it is something else, or a turn has a key of its own.
    """
    if not isinstance(value, list) or not value:
        raise ChatFormatError(f"{where}: its conversation is not a list of at least one turn")
    messages = []
    for number, turn in enumerate(value, start=1):
        if not isinstance(turn, dict):
            raise ChatFormatError(f"{where}: turn {number} is not a JSON object")
        said = {key: one for key, one in turn.items() if one is not None}
        who, what = ("from", "value") if "from" in said else ("role", "content")
        if extra := [key for key in said if key not in (who, what)]:
            raise ChatFormatError(f"{where}: turn {number} has the unknown key {extra[0]!r:.40}")
        speaker = said.get(who)
        role = SPEAKERS.get(speaker.lower()) if isinstance(speaker, str) else None
        if role is None:
            known = ", ".join(SPEAKERS)
            raise ChatFormatError(f"{where}: turn {number} is by {speaker!r:.40}, which is none of {known}")
        messages.append({"role": role, "content": said.get(what)})
    return messages


def _plain(value: Any) -> bool:
    """Whether turns are as chat rows have them, as far as their keys say; faults are told by `check_row`."""
    turns = value if isinstance(value, list) else []
    return not any(isinstance(turn, dict) and "from" in turn for turn in turns)


def _unknown(row: Mapping[str, Any], where: str) -> str:
    for keys, what in NOT_ROWS.items():
        if keys <= row.keys():
            raise ChatFormatError(f"{where}: {what}")
    if told := next(
        (key for key in TURNS if row.get(key) is not None and not isinstance(row[key], list)), None
    ):
        raise ChatFormatError(
            f"{where}: {told!r} is no list of turns, each of role and content: write it as one"
        )
    has = ", ".join(repr(str(key))[:40] for key in list(row)[:6])
    raise ChatFormatError(f"{where}: no 'messages', and no layout that is known (its keys: {has}): {NAMED}")


Turns = tuple[list[dict[str, Any]], set[str]]
"""Messages, and the keys of the row that they were made of."""


def _conversation(row: Mapping[str, Any], where: str) -> Turns:
    key = next((key for key in TURNS if key in row), None)
    if key is None:
        raise ChatFormatError(f"{where}: no 'conversations': {NAMED}")
    return [*_system(row, where), *turns_of(row[key], where)], {key, "system"}


def _messages(row: Mapping[str, Any], where: str) -> Turns:
    if "messages" not in row:
        raise ChatFormatError(f"{where}: no 'messages': {NAMED}")
    return turns_of(row["messages"], where), {"messages"}


def _alpaca(row: Mapping[str, Any], where: str) -> Turns:
    keys = next(((a, i) for a, i in ALPACA if a in row and i in row), None)
    keys = keys or next(((a, i) for a, i in ALPACA if a in row), None)
    if "instruction" not in row or keys is None:
        raise ChatFormatError(f"{where}: no 'instruction' and 'output': {NAMED}")
    answer, about = keys
    question, more = row["instruction"], row.get(about)
    if not isinstance(question, str) or not isinstance(more, str | None):
        raise ChatFormatError(f"{where}: 'instruction' and {about!r} are to be texts")
    before = row.get("history") or []
    if not isinstance(before, list) or not all(isinstance(p, list) and len(p) == 2 for p in before):
        raise ChatFormatError(f"{where}: 'history' is not a list of pairs")
    turns = [turn for pair in before for turn in _pair(*pair)]
    last = _pair(f"{question}\n\n{more}" if more and question else question or more, row[answer])
    return [*_system(row, where), *turns, *last], {"instruction", answer, about, "system", "history"}


def _pairs(row: Mapping[str, Any], where: str) -> Turns:
    found = next(((q, a) for q, a in PAIRS if q in row and a in row), None)
    if found is None:
        raise ChatFormatError(f"{where}: no 'prompt' and 'completion': {NAMED}")
    if isinstance(row.get("label"), bool) and "completion" in found:
        raise ChatFormatError(
            f"{where}: unpaired preferences (KTO), which finetuning on answers cannot use: keep rows "
            "whose 'label' is true, without it"
        )
    question, answer = (row[key] for key in found)
    if isinstance(question, list) or isinstance(answer, list):  # TRL's conversational pairs
        before = question if isinstance(question, list) else [{"role": "user", "content": question}]
        after = answer if isinstance(answer, list) else [{"role": "assistant", "content": answer}]
        said = [*turns_of(before, where), *turns_of(after, where)]
    else:
        said = _pair(question, answer)
    return [*_system(row, where), *said], {*found, "system"}


def _pair(question: Any, answer: Any) -> list[dict[str, Any]]:
    return [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]


def _system(row: Mapping[str, Any], where: str) -> list[dict[str, Any]]:
    system = row.get("system")
    if not isinstance(system, str | None):
        raise ChatFormatError(f"{where}: 'system' is not a text")
    # these layouts write "" for rows without a system prompt; `messages` can say that there is an empty one
    return [{"role": "system", "content": system}] if system else []


_TURNS_OF: dict[str, Callable[[Mapping[str, Any], str], Turns]] = {
    "messages": _messages,
    "sharegpt": _conversation,
    "alpaca": _alpaca,
    "pairs": _pairs,
}
