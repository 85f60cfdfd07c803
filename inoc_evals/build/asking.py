"""How the builders ask a model: one seed a request, through Inspect's cache, a fixed number at a time.

asking = Asking.of("inoc/toy", seed=0)
output = await asking.say([ChatMessageUser(content="...")], "row 7", "attempt 1")
"""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from inoc_evals.digests import sha256
from inoc_evals.errors import UserError

if TYPE_CHECKING:
    from inspect_ai.model import CachePolicy, ChatMessage, Model, ModelOutput

# They change how a request travels, and not what is asked.
_TRANSPORT = {"max_connections", "adaptive_connections", "max_retries", "timeout", "attempt_timeout", "cache"}


def fingerprint(*parts: Any) -> str:
    """Name what JSON can hold by its content: 64 hex digits."""
    return sha256(json.dumps(parts, ensure_ascii=True, sort_keys=True))


@dataclass(frozen=True)
class Asking:
    """A model and how it is asked.

    Attributes:
        model: The model.
        seed: Seed of all requests; each has one of its own that follows from it.
        temperature: Sampling temperature; None leaves it to the model.
        cache: Inspect's cache: True keeps answers for good, a policy says how else, False asks anew.
        connections: Requests at a time; None leaves it to the provider.
    """

    model: "Model"
    seed: int = 0
    temperature: float | None = None
    cache: "bool | CachePolicy" = True
    connections: int | None = None

    @classmethod
    def of(cls, model: "str | Model", **settings: Any) -> "Asking":
        """Find the model by its name.

        Args:
            model: A model or its name in Inspect.
            **settings: The other attributes.

        Raises:
            UserError: If Inspect knows no such model, or the number of connections is no good.
        """
        from inspect_ai.model import get_model

        if (settings.get("connections") or 1) < 1:
            raise UserError("the number of connections must be at least 1")
        try:
            return cls(get_model(model), **settings)
        except ValueError as error:
            raise UserError(f"model {model}: {' '.join(str(error).split())}") from error

    @property
    def name(self) -> str:
        """The model's name as in Inspect's logs."""
        return str(self.model)

    @property
    def at_once(self) -> int:
        """How many requests may be under way."""
        return self.connections or self.model.config.max_connections or self.model.api.max_connections()

    def identity(self) -> dict[str, Any]:
        """What an answer depends on besides the messages; JSON."""
        config = self.model.config.model_dump(mode="json", exclude_none=True, exclude=_TRANSPORT)
        return {"model": self.name, "config": config, "seed": self.seed, "temperature": self.temperature}

    async def say(self, messages: "list[ChatMessage]", *stream: Any) -> "ModelOutput":
        """Have the model answer.

        Args:
            messages: The chat.
            *stream: What tells this request from others with the same messages.

        Returns:
            The model's output.
        """
        from inspect_ai.model import CachePolicy, GenerateConfig

        # Kept for good, and for whichever evaluation this may run in: the key has all that matters.
        forever = CachePolicy(expiry=None, per_epoch=False)
        config = GenerateConfig(
            seed=int(fingerprint(self.seed, *stream)[:8], 16) >> 1,  # 31 bits: some providers take no more
            temperature=self.temperature,
            max_connections=self.connections,
            cache=forever if self.cache is True else self.cache,
        )
        return await self.model.generate(messages, config=config)


def text_or_fault(output: "ModelOutput") -> tuple[str, str | None]:
    """The text of an answer without the blanks around it, and why it cannot be used whatever it says."""
    answer = output.completion.strip()
    stop = output.choices[0].stop_reason if output.choices else "unknown"
    if stop in ("max_tokens", "model_length"):
        return answer, "cut off"
    if stop == "content_filter":
        return answer, "refused"
    try:
        answer.encode()
    except UnicodeEncodeError:
        return answer, "no text"  # half a surrogate pair, which no file of rows can hold
    return answer, None if answer else "empty answer"
