"""Requests of the builders to a model: one seed per request, Inspect's cache, limited concurrency.

requester = Requester.of("inoc/toy", seed=0)
output = await requester.generate([ChatMessageUser(content="...")], "row 7", "attempt 1")
"""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from inoc_evals.digests import sha256
from inoc_evals.errors import UserError
from inoc_evals.scorers.model_named import model_named
from inoc_evals.whole_text import has_half

if TYPE_CHECKING:
    from inspect_ai.model import CachePolicy, ChatMessage, Model, ModelOutput

# Settings that change how a request is sent, not the answer.
_TRANSPORT = {"max_connections", "adaptive_connections", "max_retries", "timeout", "attempt_timeout", "cache"}


def fingerprint(*parts: Any) -> str:
    """Digest of JSON-serialisable values: 64 hex digits."""
    return sha256(json.dumps(parts, ensure_ascii=True, sort_keys=True))


@dataclass(frozen=True)
class Requester:
    """A model and the settings of the requests to it.

    Attributes:
        model: The model.
        seed: Seed of all requests; each request's own seed is derived from it.
        temperature: Sampling temperature; None uses the model's default.
        cache: Inspect's cache: True keeps answers forever, a policy sets other limits, False does not cache.
        connections: Maximum concurrent requests; None uses the provider's default.
    """

    model: "Model"
    seed: int = 0
    temperature: float | None = None
    cache: "bool | CachePolicy" = True
    connections: int | None = None

    @classmethod
    def of(cls, model: "str | Model", **settings: Any) -> "Requester":
        """Create one from a model's name.

        Args:
            model: A model or its name in Inspect.
            **settings: The other attributes.

        Raises:
            UserError: If Inspect cannot find the model, or the number of connections is below 1.
        """
        if (settings.get("connections") or 1) < 1:
            raise UserError("the number of connections must be at least 1")
        return cls(model_named(model), **settings)

    @property
    def name(self) -> str:
        """The model's name in Inspect's logs."""
        return str(self.model)

    @property
    def concurrency(self) -> int:
        """Maximum number of concurrent requests."""
        return self.connections or self.model.config.max_connections or self.model.api.max_connections()

    def identity(self) -> dict[str, Any]:
        """Everything that an answer depends on besides the messages; JSON."""
        config = self.model.config.model_dump(mode="json", exclude_none=True, exclude=_TRANSPORT)
        return {"model": self.name, "config": config, "seed": self.seed, "temperature": self.temperature}

    async def generate(self, messages: "list[ChatMessage]", *stream: Any) -> "ModelOutput":
        """Get one answer from the model.

        Args:
            messages: The chat.
            *stream: Distinguishes this request from others with the same messages; part of its seed.

        Returns:
            The model's output.
        """
        from inspect_ai.model import CachePolicy, GenerateConfig

        # Kept forever, and shared between evaluations: the cache key contains all that an answer depends on.
        forever = CachePolicy(expiry=None, per_epoch=False)
        config = GenerateConfig(
            seed=int(fingerprint(self.seed, *stream)[:8], 16) >> 1,  # 31 bits: some providers accept no more
            temperature=self.temperature,
            max_connections=self.connections,
            cache=forever if self.cache is True else self.cache,
        )
        return await self.model.generate(messages, config=config)


def text_or_fault(output: "ModelOutput") -> tuple[str, str | None]:
    """The stripped text of an answer, and why it cannot be used regardless of its content, or None."""
    answer = output.completion.strip()
    stop = output.choices[0].stop_reason if output.choices else "unknown"
    if stop in ("max_tokens", "model_length"):
        return answer, "cut off"
    if stop == "content_filter":
        return answer, "refused"
    if has_half(answer):
        return answer, "no text"
    return answer, None if answer else "empty answer"
