r"""Text without halves of characters (lone surrogates), which no tokenizer, file or server takes.

    require_whole("a\ud800", "system_prompt")    # UserError: system_prompt holds half a surrogate pair, ...

What is put in is refused: a model would read another text than the log says. What a model has said cannot be
mended any more: scorers read such a half as a replacement character (`scorers/answers.py`).
"""

import re
from collections.abc import Iterable

from inoc_evals.errors import UserError

HALF = re.compile("[\ud800-\udfff]")


def has_half(text: str) -> bool:
    """Whether a text holds half a surrogate pair, and so cannot be written as UTF-8."""
    return HALF.search(text) is not None


def require_whole(text: str, where: str) -> None:
    """Refuse a text that holds half a surrogate pair.

    Args:
        text: The text.
        where: What it is, as the error is to name it.

    Raises:
        UserError: If it does.
    """
    if has_half(text):
        raise UserError(f"{where} holds half a surrogate pair, which is not a character: mend the text")


def require_whole_chat(said: Iterable[tuple[str, str]]) -> None:
    """Refuse a conversation in which a message holds half a surrogate pair.

    Args:
        said: Role and text of each message.

    Raises:
        UserError: If one does.
    """
    for number, (role, text) in enumerate(said, start=1):
        require_whole(text, f"message {number} ({role})")
