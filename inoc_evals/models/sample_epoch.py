"""Which epoch of a sample a request belongs to, so that one seed draws every epoch anew.

A provider is told the messages and the settings of a request, and not the epoch. Inspect's hooks are: this
one notes the epoch where the sample begins, in the context that all its requests inherit.
"""

from contextvars import ContextVar
from functools import cache

from inspect_ai.hooks import Hooks, SampleStart, hooks

_epoch: ContextVar[int] = ContextVar("inoc_evals_epoch", default=1)


@cache
def watch_epochs() -> None:
    """Begin to note epochs.

    Called when the first model of ours is made: a hook that is registered with the package would be announced
    by every command of Inspect.
    """

    @hooks(name="epoch", description="Lets a seeded inoc/ model draw each epoch anew.")
    class EpochHooks(Hooks):
        async def on_sample_start(self, data: SampleStart) -> None:
            _epoch.set(data.summary.epoch)


def current_epoch() -> int:
    """The epoch of the sample under way, from 1; 1 outside of an evaluation."""
    return _epoch.get()
