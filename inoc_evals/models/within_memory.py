"""As many requests at once as memory holds: where it runs out, half as many go on.

    within_memory = WithinMemory()
    within_memory.answer(batch, requests, done, places=64, more=more)

What a batch takes depends on the model, its prompts and answers whose length nobody knows before, and what is
free depends on who else computes there. So nothing is reckoned: a batch that does not fit is halved, with a
warning, and so are all that follow. What was answered stays. What was under way begins again and comes to the
same answers, up to rounding, because each request draws from a stream of its own.
"""

import logging
from collections import deque
from collections.abc import Callable, Sequence

import torch

from inoc_evals.errors import UserError, first_line
from inoc_evals.models.freed import give_back
from inoc_evals.models.request import Completion, Request

logger = logging.getLogger(__name__)

Done = Callable[[int, Completion], None]
More = Callable[[int], Sequence[Request]]

Batch = Callable[[Sequence[Request], Done, int, More], None]
"""Answers requests: those that begin, whom to tell, how many at once, and who gives those that join. The
indices of these go on after the first ones'."""

SIGNS = ("out of memory", "can't allocate memory")
"""What torch's errors say on devices for which it has no error of its own."""


class WithinMemory:
    """What was found to fit; see the module."""

    def __init__(self) -> None:
        """Nothing is known yet."""
        self._most: int | None = None

    def answer(
        self, batch: Batch, requests: Sequence[Request], done: Done, *, places: int, more: More
    ) -> None:
        """Have requests answered, by smaller batches if need be.

        Args:
            batch: What answers.
            requests: Those that begin.
            done: Called with a request's index and completion as soon as it ends.
            places: Requests that are answered at once at most.
            more: Gives requests that join, at most as many as it is asked for.

        Raises:
            UserError: If not even one request fits.
        """
        left = _Left(requests, done, more)
        while True:
            at_once = places if self._most is None else min(places, self._most)
            try:
                batch(left.take(at_once), left.finish, at_once, left.take)
                return
            except RuntimeError as error:
                why = first_line(error)
                if not (isinstance(error, torch.OutOfMemoryError) or any(sign in why for sign in SIGNS)):
                    raise
            # not before here, where nothing of what failed is held any more
            if at_once == 1:
                raise UserError(
                    f"out of memory with a single request: free the device, or choose another by -M device= "
                    f"or a smaller number format by -M dtype= ({why})"
                )
            self._most = at_once // 2
            left.again()
            give_back()
            logger.warning(
                "out of memory with %d requests at once: going on with %d (-M batch_size=%d begins so)",
                *(at_once, self._most, self._most),
            )


class _Left:
    """The requests that are not answered yet."""

    def __init__(self, requests: Sequence[Request], done: Done, more: More) -> None:
        self._waiting = deque(enumerate(requests))
        self._under_way: dict[int, tuple[int, Request]] = {}  # by their indices in the present batch
        self._seen, self._begun = len(requests), 0
        self._done, self._more = done, more

    def take(self, count: int) -> list[Request]:
        """The next ones, at most so many."""
        if len(self._waiting) < count:
            new = self._more(count - len(self._waiting))
            self._waiting.extend(enumerate(new, start=self._seen))
            self._seen += len(new)
        taken = [self._waiting.popleft() for _ in range(min(count, len(self._waiting)))]
        self._under_way.update(enumerate(taken, start=self._begun))
        self._begun += len(taken)
        return [request for _, request in taken]

    def finish(self, place: int, completion: Completion) -> None:
        """One of the present batch is answered."""
        index, _ = self._under_way.pop(place)
        self._done(index, completion)

    def again(self) -> None:
        """What is under way waits again, before all others."""
        self._waiting.extendleft(reversed(self._under_way.values()))
        self._under_way.clear()
        self._begun = 0
