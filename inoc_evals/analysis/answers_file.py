"""A table of answers that somebody has already, read so that nothing in it is guessed without being shown.

    answers = read(Path("answers.csv"), {"answer": "reply"})
    answers.columns      # {"question": "prompt", "answer": "reply", "group": "arm"}: who stands for what
    answers.answers[0]   # Answer(where="answers.csv:2", question="2+2?", answer="4", group="none", ...)

Columns are found by common names unless they are named. A table needs a question and an answer, or a column
of whole conversations.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from inoc_evals.chat.layouts import ChatFormatError, turns_of
from inoc_evals.data.records import CSV, Record, records
from inoc_evals.errors import UserError
from inoc_evals.scorers.unscored import FAILED, NO_ANSWER
from inoc_evals.scorers.values import LARGEST, is_score
from inoc_evals.user_files import strict_json

Empty = Literal["refuse", "keep", "skip"]

ROLES: dict[str, tuple[str, ...]] = {
    "question": ("question", "prompt", "user_prompt", "instruction", "query", "input", "user"),
    "answer": (
        *("answer", "response", "completion", "output", "reply", "generation", "assistant"),
        *("model_answer", "model_response", "model_output"),
    ),
    "messages": ("messages", "conversation", "conversations"),
    "system": ("system", "system_prompt", "system_message"),
    "group": ("group", "arm", "treatment"),
    "model": ("model", "model_name", "model_id"),
    "seed": ("seed", "finetune_seed", "training_seed"),
    "id": ("id", "sample_id", "row_id", "custom_id", "uuid"),
    "question_id": ("question_id", "prompt_id", "qid"),
    "condition": ("condition",),
    "epoch": ("epoch",),
}
"""What a column can be, with the names by which it is found, the best first."""

MEANINGS = {
    "question": "what the model was asked",
    "answer": "what it answered",
    "messages": "the whole conversation, the answer last",
    "system": "system prompt in the test",
    "group": "training arm: base, none, ...",
    "model": "which model answered",
    "seed": "seed of the finetune",
    "id": "name of the row, each once in a group and condition",
    "question_id": "name of the question",
    "condition": "condition of the test",
    "epoch": "number of the answer to its question",
}

KEPT, SCORE = "kept as metadata", "score"
"""What columns are that have no role, and those that hold scores."""

SHOWN = 60
"""Maximal length of a first value that is shown, in characters."""

WORDS = {**dict.fromkeys(("true", "yes"), 1.0), **dict.fromkeys(("false", "no"), 0.0)}
"""Scores that are words."""


@dataclass(frozen=True)
class Answer:
    """One answer.

    Attributes:
        where: Its place in the file, for errors.
        turns: What was asked, as (role, text); without the system prompt.
        answer: What the model answered; None where it gave no answer, not even an empty one.
        system: The system prompt of the test; None for none, "" for an empty system message.
        group: The training arm; None where the table has no such column, as for all that follow.
        model: The model.
        seed: Seed of its finetune.
        id: Name of the row.
        question_id: Name of the question.
        condition: Condition of the test.
        epoch: Number of the answer to its question, from 1.
        scores: Scores that the table has, by column; None for one that is missing.
        rest: All other columns.
    """

    where: str
    turns: tuple[tuple[str, str], ...]
    answer: str | None
    system: str | None = None
    group: str | None = None
    model: str | None = None
    seed: int | None = None
    id: str | None = None
    question_id: str | None = None
    condition: str | None = None
    epoch: int | None = None
    scores: Mapping[str, float | None] = field(default_factory=dict)
    rest: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Answers:
    """What a table holds.

    Attributes:
        columns: By role, the column that has it.
        shown: For every column, what it is taken for, and its first value as it can be shown.
        answers: The answers, in order.
        skipped: Places of answers that are empty, or none, and were left out.
    """

    columns: dict[str, str]
    shown: list[tuple[str, str, str]]
    answers: list[Answer]
    skipped: list[str]


def read(
    path: Path,
    columns: Mapping[str, str | None],
    *,
    scores: tuple[str, ...] = (),
    empty: Empty = "refuse",
    encoding: str = "",
) -> Answers:
    """Read a table of answers.

    Args:
        path: CSV, TSV, JSONL, JSON or Parquet.
        columns: By role, the column that has it; "" for none. Roles that are not named are guessed.
        scores: Columns that hold scores.
        empty: What to do with an answer that is empty, or none: a kept one stays what it is.
        encoding: As for `records`.

    Raises:
        UserError: If the table or a row of it cannot be used, saying which and why; at the first one.
    """
    found = list(records(path, encoding))
    has = list(dict.fromkeys(name for _, record in found for name in record))
    roles = _roles(path, has, columns, scores)
    answers, skipped = [], []
    for where, record in found:
        answer = _answer(where, record, roles, scores, path.suffix.lower() in CSV)
        if (answer.answer or "").strip() or empty == "keep":
            answers.append(answer)
        elif empty == "skip":
            skipped.append(where)
        else:
            raise UserError(f"{where}: the answer is empty: say what such rows are by --empty keep or skip")
    if not answers:
        raise UserError(f"{path}: every answer is empty")
    if any(answer.epoch == 0 for answer in answers):  # Inspect counts from 1
        answers = [replace(one, epoch=None if one.epoch is None else one.epoch + 1) for one in answers]
    of_column = {column: MEANINGS[role] for role, column in roles.items()}
    of_column |= dict.fromkeys(scores, SCORE)
    named = {column: role for role, column in roles.items()}
    shown = [
        (
            name,
            f"{named[name]}: {of_column[name]}" if name in named else of_column.get(name, KEPT),
            _first(found, name),
        )
        for name in has
    ]
    return Answers(roles, shown, answers, skipped)


def _roles(
    path: Path, has: list[str], named: Mapping[str, str | None], scores: tuple[str, ...]
) -> dict[str, str]:
    """By role, the column: as it is named, or by the names that are common."""
    listed = ", ".join(repr(name) for name in has[:12]) + (", ..." if len(has) > 12 else "")
    for option, column in [
        *((f"--{r.replace('_', '-')}", c) for r, c in named.items()),
        *(("--score-column", c) for c in scores),
    ]:
        if column and column not in has:
            raise UserError(f"{path}: no column {column!r:.60} ({option}): its columns are {listed}")
    roles = {role: column for role, column in named.items() if column}
    if len(twice := [*roles.values(), *scores]) != len(set(twice)):
        column = next(one for one in twice if twice.count(one) > 1)
        raise UserError(f"{path}: column {column!r:.60} is named for two roles: give each its own")
    by_name: dict[str, str] = {}
    for name in has:
        by_name.setdefault(name.strip().lower().replace(" ", "_").replace("-", "_"), name)
    for role, names in ROLES.items():
        if named.get(role) is not None:  # also "", which is none
            continue
        free = (by_name[name] for name in names if name in by_name)
        if (column := next((one for one in free if one not in (*roles.values(), *scores)), None)) is not None:
            roles[role] = column
    if "question" in roles and "answer" in roles:
        if not named.get("messages"):
            roles.pop("messages", None)
    elif "messages" not in roles:
        lacks = " and ".join(f"--{role}" for role in ("question", "answer") if role not in roles)
        raise UserError(f"{path}: say by {lacks} which column that is: its columns are {listed}")
    if "messages" in roles:
        roles = {role: column for role, column in roles.items() if role not in ("question", "answer")}
    return {role: roles[role] for role in ROLES if role in roles}


def _answer(
    where: str, record: Record, roles: Mapping[str, str], scores: tuple[str, ...], of_cells: bool
) -> Answer:
    given = {role: record.get(column) for role, column in roles.items()}
    system = _system(where, roles, given, of_cells)
    said: str | None
    if "messages" in roles:
        turns, said, of_turns = _conversation(where, given["messages"], _none_given(record))
        system = of_turns if system is None else system
    else:
        turns = [("user", _needed(where, roles, "question", given["question"]))]
        if not turns[0][1].strip():
            raise UserError(f"{where}: the question is empty")
        cell = given["answer"]
        said = None if cell is None or cell != cell else _needed(where, roles, "answer", cell)
    used = {*roles.values(), *scores}
    return Answer(
        where=where,
        turns=tuple(turns),
        answer=None if not said and _none_given(record) else said,
        system=system,
        group=_text(where, roles, given, "group"),
        model=_text(where, roles, given, "model"),
        id=_text(where, roles, given, "id"),
        question_id=_text(where, roles, given, "question_id"),
        condition=_text(where, roles, given, "condition"),
        seed=_whole(where, roles, given, "seed", 0),
        epoch=_whole(where, roles, given, "epoch", 0),
        scores={column: _score(where, column, record.get(column)) for column in scores},
        rest={name: value for name, value in record.items() if name not in used and value is not None},
    )


def _conversation(
    where: str, value: Any, none_given: bool
) -> tuple[list[tuple[str, str]], str | None, str | None]:
    if isinstance(value, str):
        try:
            value = strict_json(value)
        except (ValueError, RecursionError) as error:
            raise UserError(f"{where}: its conversation is not JSON: {error}") from error
    try:
        turns = [(turn["role"], turn["content"]) for turn in turns_of(value, where)]
    except ChatFormatError as error:
        raise UserError(str(error)) from error
    if not all(isinstance(text, str | None) for _, text in turns):
        raise UserError(f"{where}: a turn of its conversation is not a text")
    plain = [(role, text or "") for role, text in turns]
    if none_given and plain[-1][0] == "user":  # the place of the answer that there is none of
        plain.append(("assistant", ""))
    if plain[-1][0] != "assistant" or not any(role == "user" for role, _ in plain[:-1]):
        raise UserError(f"{where}: its conversation is to have a question, and to end with the answer")
    system = plain.pop(0)[1] if plain[0][0] == "system" else None
    return plain[:-1], plain[-1][1], system


def _needed(where: str, roles: Mapping[str, str], role: str, value: Any) -> str:
    if value is None:
        raise UserError(f"{where}: the {role} is empty")
    if isinstance(value, dict | list):
        raise UserError(f"{where}: {roles[role]!r:.60} is no text: give --messages for whole conversations")
    return value if isinstance(value, str) else str(value)


def _text(where: str, roles: Mapping[str, str], given: Mapping[str, Any], role: str) -> str | None:
    """A name or number of a column that need not be there; an empty one is none."""
    value = given.get(role)
    text = None if value is None or value != value else _needed(where, roles, role, value)
    return (text or "").strip() or None  # a name with a space behind it is the same name


def _system(where: str, roles: Mapping[str, str], given: Mapping[str, Any], of_cells: bool) -> str | None:
    """The system prompt as it is: an empty one is a message, too, but in CSV, where none is the same cell."""
    value = given.get("system")
    text = None if value is None or value != value else _needed(where, roles, "system", value)
    return None if of_cells and not text else text


def _none_given(record: Record) -> bool:
    """Whether a row of `inoc-evals table` says that its empty answer is none: in CSV both are one cell."""
    why = record.get("unscored")
    return isinstance(why, str) and any(one in why for one in (NO_ANSWER, FAILED))


def _whole(
    where: str, roles: Mapping[str, str], given: Mapping[str, Any], role: str, least: int
) -> int | None:
    text = _text(where, roles, given, role)
    if text is None:
        return None
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if math.isnan(number):  # how tables write an empty cell among numbers
        return None
    if not least <= number < math.inf or number != int(number):
        option = f"--{role} '' takes the column for nothing"
        raise UserError(f"{where}: {role} {text!r:.40} is not a whole number from {least} on ({option})")
    return int(number)


def _score(where: str, column: str, value: Any) -> float | None:
    if value is None or (isinstance(value, str) and value.strip().lower() in ("", "nan", "none", "null")):
        return None
    word = WORDS.get(str(value).strip().lower())
    try:
        number = float(value) if word is None else word
    except OverflowError:  # a whole number of hundreds of digits
        number = math.inf
    except (TypeError, ValueError) as error:
        raise UserError(f"{where}: {column!r:.60} is to be a score, and is {value!r:.40}") from error
    if not is_score(number):
        raise UserError(
            f"{where}: {column!r:.60} is to be a score, and is {value!s:.40}: the largest is {LARGEST:g}: "
            "leave such cells empty, or give the column in another unit"
        )
    return None if math.isnan(number) else number


def _first(found: list[tuple[str, Record]], name: str) -> str:
    values: Iterator[Any] = (record[name] for _, record in found if record.get(name) not in (None, ""))
    return printable(next(values, ""))


def printable(value: Any) -> str:
    """A value of a foreign file on one line, short and without control characters."""
    text = " ".join(str(value).split())
    text = "".join(
        character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text
    )
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"
