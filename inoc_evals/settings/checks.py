"""What a setting is refused for when it is written, in one line each, before anything is trained.

    checked_name("arm", "caps (v1)")                                # a UserError: no folder can be called so
    traits = checked_texts("measure spanish_caps", "traits", given)    # one text in place of a tuple, e.g.
    checked_sources("setting mine", "rows", rows)                   # what is no function from a seed to rows

Python takes `broad=(measure)` and `traits=("spanish")` for what they are, a measure and a text, whose letters
would be looked for as traits. What only the tasks know, e.g. a trait that none of them scores, is checked
where tasks are built (`experiment/measure_tasks.py`).
"""

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from inoc_evals.chat.rows import Row, check_row
from inoc_evals.data.row_sources import RowSource
from inoc_evals.errors import UserError, one_line
from inoc_evals.runs.directory import NAME

LONGEST_NAME = 100
"""Most characters of a name: a run's folder has world, setting and arm, and file systems end at 255."""


def checked_name(kind: str, name: object) -> None:
    """Refuse what cannot name runs, folders of logs and rows of tables.

    Args:
        kind: What it names, e.g. `arm`.
        name: The name.

    Raises:
        UserError: If it is none.
    """
    if not isinstance(name, str) or len(name) > LONGEST_NAME or not NAME.fullmatch(name):
        raise UserError(
            f"{kind} {name!r:.80}: runs and logs are named after it: use up to {LONGEST_NAME} letters, "
            "digits, '.', '_' and '-', the first a letter or a digit"
        )


def checked_texts(whose: str, name: str, given: object) -> tuple[str, ...]:
    """A field that holds several texts.

    Args:
        whose: What has the field, as the error is to name it.
        name: The field.
        given: What it was given.

    Raises:
        UserError: If it is one text, or holds anything else.
    """
    if isinstance(given, str):
        raise UserError(f"{whose}: {name} is one text: write {name}=({given!r:.80},), with the comma")
    if not isinstance(given, tuple | list) or not all(isinstance(one, str) for one in given):
        raise UserError(f'{whose}: {name} is {given!r:.80}: give a tuple of texts, e.g. {name}=("spanish",)')
    return tuple(given)


def checked_parts(whose: str, name: str, given: object, kind: type) -> tuple[Any, ...]:
    """A field that holds several of one kind, e.g. measures; arguments as of `checked_texts`."""
    word = kind.__name__
    if isinstance(given, kind):
        raise UserError(f"{whose}: {name} is one {word}: write {name}=({word}(...),), with the comma")
    if not isinstance(given, tuple | list):
        raise UserError(f"{whose}: {name} is {given!r:.80}: give a tuple, {name}=({word}(...),)")
    if wrong := [one for one in given if not isinstance(one, kind)]:
        raise UserError(f"{whose}: {name} holds {wrong[0]!r:.80}, which is no {word}")
    return tuple(given)


def checked_mapping(whose: str, name: str, given: object, example: str) -> None:
    """Refuse a field that is no mapping from texts.

    Args:
        whose: What has the field, as the error is to name it.
        name: The field.
        given: What it was given.
        example: What it might be given.

    Raises:
        UserError: If it is something else.
    """
    if not isinstance(given, Mapping) or not all(isinstance(key, str) for key in given):
        raise UserError(f"{whose}: {name} is {given!r:.80}: give a mapping, e.g. {name}={example}")


def checked_kind(whose: str, name: str, given: object, kind: type, example: str) -> None:
    """Refuse a field that is neither None nor of its kind; arguments as of `checked_mapping`."""
    if given is not None and not isinstance(given, kind):
        raise UserError(f"{whose}: {name} is {given!r:.80}: give {example}")


def checked_counts(whose: str, name: str, given: object) -> None:
    """Refuse a field that is no mapping from worlds to numbers from 1; arguments as of `checked_mapping`."""
    checked_mapping(whose, name, given, '{"toy": 100}')
    assert isinstance(given, Mapping)
    for world, count in given.items():
        if isinstance(count, bool) or not isinstance(count, int) or count < 1:
            raise UserError(
                f"{whose}: {name} of world {world!r} is {count!r:.80}: give a whole number from 1, or "
                "leave it out to ask every question"
            )


def checked_sources(whose: str, name: str, given: object) -> None:
    """Refuse a field that is no mapping from worlds to functions of a seed.

    Arguments and errors are those of `checked_mapping`.
    """
    checked_mapping(whose, name, given, '{"toy": lambda seed: read_chat("rows.jsonl")}')
    assert isinstance(given, Mapping)
    for world, source in given.items():
        if not callable(source) or not _takes_a_seed(source):
            shown = "a function without that argument" if callable(source) else f"{source!r:.60}"
            raise UserError(
                f"{whose}: {name} of world {world!r} must be a function from a seed to rows, not {shown}: "
                'write lambda seed: read_chat("rows.jsonl")'
            )


def _takes_a_seed(source: Callable[..., Any]) -> bool:
    try:
        inspect.signature(source).bind(0)
    except TypeError:
        return False
    except ValueError:  # a builtin that does not say what it takes
        return True
    return True


def checked_known(whose: str, what: str, names: Iterable[str], known: Iterable[str]) -> None:
    """Refuse names that nothing has.

    Args:
        whose: Who gives the names, as the error is to say it.
        what: What they name, e.g. `arm`.
        names: The names.
        known: The names that there are.

    Raises:
        UserError: At the first that is not known.
    """
    known = list(dict.fromkeys(known))
    if unknown := [name for name in names if name not in known]:
        raise UserError(f"{whose}: there is no {what} {unknown[0]!r:.80}: use {', '.join(known) or 'none'}")


def made(source: RowSource, seed: int, whose: str) -> Iterator[Row]:
    """The rows of a function that somebody else wrote, each checked.

    Args:
        source: The function.
        seed: What it is called with.
        whose: What an error calls them, e.g. `setting mine, rows of world 'toy'`.

    Yields:
        The rows.

    Raises:
        UserError: If it raises anything, or gives what is no row.
    """
    try:
        for number, row in enumerate(source(seed), start=1):
            yield check_row(row, f"{whose}: row {number}")
    except UserError as error:
        if error.message.startswith(whose):
            raise
        raise type(error)(f"{whose}: {error.message}") from error
    except Exception as error:  # whatever may be wrong in it
        raise UserError(f"{whose} cannot be made: {type(error).__name__}: {one_line(error)}") from error
