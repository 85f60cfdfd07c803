"""Which epoch of a sample a request belongs to, so that one seed draws every epoch anew.

A provider is told the messages and the settings of a request, and not the epoch. Inspect's hooks are: this
one notes the epoch where the sample begins, in the context that all its requests inherit.
"""

from contextvars import ContextVar

from inspect_ai.hooks import Hooks, SampleStart

_epoch: ContextVar[int] = ContextVar("inoc_evals_epoch", default=1)
_watching = False


class EpochHooks(Hooks):
    """Notes the epoch of each sample, once a model of ours is in use."""

    def enabled(self) -> bool:
        """Whether a model of ours is in use; before that Inspect need not announce a hook."""
        return _watching

    async def on_sample_start(self, data: SampleStart) -> None:
        """Note the sample's epoch."""
        _epoch.set(data.summary.epoch)


def watch_epochs() -> None:
    """Begin to note epochs."""
    global _watching
    _watching = True


def current_epoch() -> int:
    """The epoch of the sample under way, from 1; 1 outside of an evaluation."""
    return _epoch.get()
