"""Several questions to graders at once, with one error instead of a group of them.

first, second = await together(ask(ALIGNMENT, ...), ask(COHERENCE, ...))
"""

from collections.abc import Awaitable
from typing import TypeVar

from inspect_ai.util import collect

T = TypeVar("T")


async def together(*asked: Awaitable[T]) -> list[T]:
    """Await all at once, within Inspect's transcript.

    Args:
        *asked: What to await.

    Returns:
        Their results, in order.

    Raises:
        Exception: The first error as it was raised: a user's mistake stays one line, and Inspect knows an
            API's error by its type.
    """
    try:
        return list(await collect(*asked))
    except BaseExceptionGroup as group:
        error: BaseException = group
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        raise error from None
