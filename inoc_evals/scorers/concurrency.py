"""Several requests to models at once, with one error instead of a group of them.

first, second = await gather(ask(ALIGNMENT, ...), ask(COHERENCE, ...))
"""

from collections.abc import Awaitable
from typing import TypeVar

from inspect_ai.util import collect

T = TypeVar("T")


async def gather(*awaitables: Awaitable[T]) -> list[T]:
    """Await all at once, as `asyncio.gather` does, within Inspect's transcript.

    Args:
        *awaitables: What to await.

    Returns:
        Their results, in order.

    Raises:
        Exception: The first error as it was raised: a user's mistake stays one line, and Inspect knows an
            API's error by its type.
    """
    try:
        return list(await collect(*awaitables))
    except BaseExceptionGroup as group:
        error: BaseException = group
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        raise error from None
