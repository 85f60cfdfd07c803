"""Which epoch of a sample a request belongs to, so that one seed draws every epoch anew.

    drawn_anew(messages, GenerateConfig(seed=7)).seed      # another one for each question and epoch
    draw_anew(get_model("openai/gpt-4o"))                  # its provider is sent such seeds from now on

A provider is told the messages and the settings of a request, and not the epoch. Inspect's hooks are: this
one notes the epoch where the sample begins, in the context that all its requests inherit. A server that is
sent the same seed with the same question a second time gives the same answer, which would count twice.
"""

from collections.abc import Sequence
from contextvars import ContextVar
from functools import cache
from typing import Any

from inspect_ai.hooks import Hooks, SampleStart, hooks
from inspect_ai.model import ChatMessage, GenerateConfig, Model

from inoc_evals.digests import fingerprint
from inoc_evals.models.request import stream_seed

SEEDS = 2**31
"""Seeds that any server takes: those under this."""

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


def drawn_anew(messages: Sequence[ChatMessage], config: GenerateConfig) -> GenerateConfig:
    """The settings of a request with a seed of its question and epoch, where they have a seed.

    Args:
        messages: What is asked.
        config: The settings.
    """
    if config.seed is None:
        return config
    asked = fingerprint([[message.role, message.text] for message in messages])
    return config.model_copy(update={"seed": stream_seed(config.seed, asked, current_epoch()) % SEEDS})


def draw_anew(model: Model) -> None:
    """Have a model's provider sent seeds of question and epoch.

    Args:
        model: The model, changed in place; `inoc/` models do so by themselves.
    """
    api = model.api
    if str(model).startswith("inoc/") or getattr(api, "drawn_anew", False):
        return
    watch_epochs()
    plain = api.generate

    async def generate(input: list[ChatMessage], tools: Any, tool_choice: Any, config: GenerateConfig) -> Any:
        return await plain(input, tools, tool_choice, drawn_anew(input, config))

    # Of this one instance: its class is Inspect's, and has no place for this.
    setattr(api, "drawn_anew", True)  # noqa: B010
    setattr(api, "generate", generate)  # noqa: B010
