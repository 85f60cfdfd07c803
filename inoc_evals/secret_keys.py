"""Keys that must not get into a file or onto a terminal, and texts without them.

    os.environ["OPENAI_API_KEY"] = "sk-0123456789"
    without_keys("Incorrect API key provided: sk-0123456789")      # 'Incorrect API key provided: [key]'

Some servers say in an error, or even in an answer, which key they were sent. Whatever of it would be kept is
passed through here first.
"""

import os
import re
from collections.abc import Iterable
from typing import Any

HIDDEN = "[key]"
"""What stands where a key stood."""

SHORTEST = 8
"""Characters from which on a value is taken for a key: `test` or `EMPTY` guard nothing, and are words."""

PLACEHOLDERS = frozenset({"inspectai", "lm-studio", "lmstudio"})
"""What is set for servers that ask for a key and check none."""

_NAMED = re.compile(r"(?:\A|_)(?:API_?KEY|KEY|TOKEN|SECRET|PASSWORD|CREDENTIALS?)(?:_\d+)?\Z", re.IGNORECASE)
"""Names of variables that hold a key, whatever it looks like: `HF_TOKEN`, `OPENAI_API_KEY_2`."""

_ABOUT = re.compile(r"(?:\A|_)(?:API_?KEY|KEY|TOKEN|SECRET|PASSWORD|CREDENTIALS?)_", re.IGNORECASE)
"""Names of variables that may hold one, and may say something about one: `HF_TOKEN_READ`, `SECRET_MODE`."""

_KEY_LIKE = re.compile(r"(?=[^\d]*\d)(?=[^a-zA-Z]*[a-zA-Z])[\w+=.~/-]{16,}", re.ASCII)
"""What no word, number or short name is: long, of letters and digits, without spaces."""


def keys(others: Iterable[str | None] = ()) -> list[str]:
    """The keys that this process knows, the longest first.

    Args:
        others: Keys that are in no variable, e.g. one that was given to a model as an argument.
    """
    values = {value.strip() for name, value in os.environ.items() if _holds_key(name, value.strip())}
    values |= {value for value in others if value}
    real = {value for value in values if len(value) >= SHORTEST and value not in PLACEHOLDERS}
    return sorted(real, key=lambda value: (-len(value), value))


def _holds_key(name: str, value: str) -> bool:
    if _NAMED.search(name):
        return True
    return bool(_ABOUT.search(name) and _KEY_LIKE.fullmatch(value)) and not value.startswith(("/", ".", "~"))


def without_keys(text: str, others: Iterable[str | None] = ()) -> str:
    """A text with `[key]` for every key in it.

    Args:
        text: Any text.
        others: As for `keys`.
    """
    for key in keys(others):
        text = text.replace(key, HIDDEN)
    return text


def hidden_in(value: Any, secrets: list[str]) -> Any:
    """The same of whatever JSON holds: texts, lists and objects, their names as well.

    Args:
        value: The value; it is not changed.
        secrets: What `keys` returns.

    Returns:
        The value itself where it holds no key.
    """
    if isinstance(value, str):
        for key in secrets:
            value = value.replace(key, HIDDEN)
        return value
    if isinstance(value, dict):
        clean = {hidden_in(name, secrets): hidden_in(item, secrets) for name, item in value.items()}
        same = all(a is b for a, b in zip(value.values(), clean.values(), strict=False))
        return value if same and list(value) == list(clean) else clean
    if isinstance(value, list | tuple):
        items = [hidden_in(item, secrets) for item in value]
        return value if all(a is b for a, b in zip(value, items, strict=True)) else type(value)(items)
    return value
