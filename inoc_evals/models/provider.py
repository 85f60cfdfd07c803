"""The `inoc/` model provider: any run or checkpoint in `inspect eval`, by one name.

    inspect eval inoc_evals/spanish_caps --model inoc/spanish-inoc,inoc/toy -M batch_size=128

The name that reaches Inspect ends in the checkpoint's digest (`inoc/toy@1a2b3c4d5e6f`), so neither its
cache nor its logs can take one checkpoint for another.
"""

import secrets
from typing import Any

from inspect_ai.model import (
    ChatCompletionChoice,
    ChatMessage,
    GenerateConfig,
    ModelAPI,
    ModelInfo,
    ModelOutput,
    ModelUsage,
    set_model_info,
)
from inspect_ai.tool import ToolChoice, ToolInfo
from typing_extensions import override

from inoc_evals.chat.renderer import DATE, Renderer, load_renderer
from inoc_evals.chat.rows import Message
from inoc_evals.digests import stamps
from inoc_evals.errors import UserError, require
from inoc_evals.models.batcher import submit
from inoc_evals.models.checkpoint import load_context_length, resolve
from inoc_evals.models.inspect_request import answer_message, plain_messages, read_options, refuse_unsupported
from inoc_evals.models.number_format import of_answers, settled
from inoc_evals.models.provider_args import read_provider_args
from inoc_evals.models.request import Completion, Request, stream_seed
from inoc_evals.models.sample_epoch import current_epoch, watch_epochs
from inoc_evals.models.settings_asked import refuse_settings
from inoc_evals.models.token_text import TokenText, to_logprobs, to_prompt_logprobs

MAX_TOKENS = 2048
"""Longest answer where the task sets none."""


class InocAPI(ModelAPI):
    """Serves checkpoints on this machine with transformers."""

    def __init__(
        self,
        model_name: str,
        base_url: str | None = None,
        api_key: str | None = None,
        config: GenerateConfig | None = None,
        **model_args: Any,
    ) -> None:
        """Find the checkpoint and read its tokenizer; the weights load at the first request.

        Args:
            model_name: See `inoc_evals.models.checkpoint.resolve`.
            base_url: Not read: nothing is asked elsewhere.
            api_key: Unused; part of Inspect's interface.
            config: Inspect's default generation settings.
            **model_args: See `inoc_evals.models.provider_args.ProviderArgs`.

        Raises:
            UserError: If no checkpoint has the name, or an argument is wrong; in one line.
        """
        require("local", "torch", "transformers", "peft", "safetensors")
        refuse_settings(config or GenerateConfig())
        self.provider_args = read_provider_args(model_args)
        self.checkpoint = resolve(model_name)
        self._files = self.checkpoint.files()
        self._stamps = stamps(self._files)
        run = self.checkpoint.run
        self._context = load_context_length(self.checkpoint.weights)  # first: a tokenizer may need the config
        self._renderer = load_renderer(
            self.checkpoint.tokenizer,
            model=self.checkpoint.weights,
            date=self.provider_args.date or (run.manifest.spec.date if run else DATE),
        )
        self.number_format = settled(
            self.checkpoint.weights, self.provider_args.device, self.provider_args.dtype
        )
        self._tokens = TokenText(self._renderer.tokenizer)
        watch_epochs()
        name = self.checkpoint.versioned_name
        # Inspect's cache knows a model by name and address. There is no address, so what else an answer
        # depends on, format and date, takes its place.
        told = of_answers("", self.number_format, self._renderer.date) or None
        config = config or GenerateConfig()
        if config.adaptive_connections is None:
            # Inspect would begin with 20 requests and send more as answers come, as is right where somebody
            # limits rates. Here batches would stay small: 100 answers of 64 tokens took 207 steps for 63.
            # It reads the setting from this object alone, which the models of one `--model` list share (they
            # get their providers' fixed number then: docs/models.md); `--max-connections` goes before it.
            config.adaptive_connections = False
        super().__init__(name, told, api_key, config=config)
        # without it Inspect would build this provider again to ask for the context's length
        set_model_info(f"inoc/{name}", ModelInfo(context_length=self._context))

    @property
    def renderer(self) -> Renderer:
        """What turns a chat into what the model reads."""
        return self._renderer

    @override
    async def generate(
        self,
        input: list[ChatMessage],
        tools: list[ToolInfo],
        tool_choice: ToolChoice,
        config: GenerateConfig,
    ) -> ModelOutput:
        """Answer a chat; see Inspect's `ModelAPI.generate`.

        Raises:
            UserError: If the request cannot be honoured, or the checkpoint changed on disk; in one line.
        """
        refuse_unsupported(tools, config)
        return await self._answer(plain_messages(input), config)

    async def _answer(self, messages: list[Message], config: GenerateConfig) -> ModelOutput:
        if stamps(self._files) != self._stamps:
            raise UserError(
                f"{self.checkpoint.name} changed on disk after the evaluation began: start it again"
            )
        prompt = self._renderer.render_prompt(messages)
        seed = config.seed if config.seed is not None else secrets.randbits(32)
        metadata = {
            "checkpoint_digest": self.checkpoint.digest,
            "prompt_digest": prompt.digest,
            "seed": seed,
            "dtype": self.number_format,
        }
        options = read_options(config)
        longest = max((len(option) + option.isalpha() for option in options), default=0)  # a word and a mark
        if self._context is not None and len(prompt.ids) + longest >= self._context:
            return self._too_long(len(prompt.ids), metadata)
        requests = [
            Request(
                prompt=prompt.ids,
                max_tokens=MAX_TOKENS if config.max_tokens is None else config.max_tokens,
                temperature=1.0 if config.temperature is None else config.temperature,
                top_p=1.0 if config.top_p is None else config.top_p,
                top_k=max(config.top_k or 0, 0),
                seed=stream_seed(seed, prompt.digest, current_epoch(), choice),
                stop=tuple(config.stop_seqs or ()),
                logprobs=bool(config.logprobs),
                top_logprobs=config.top_logprobs or 0,
                prompt_logprobs=(config.prompt_logprobs or 0) if choice == 0 else 0,
                options=options if choice == 0 else (),
            )
            for choice in range(config.num_choices or 1)
        ]
        completions = await submit(self.checkpoint, self.provider_args, requests)
        generated = sum(completion.output_tokens for completion in completions)
        if options:
            first = completions[0]
            metadata["options"] = {"probabilities": first.options, "unresolved": first.unresolved}
        return ModelOutput(
            model=self.model_name,
            choices=[self._choice(completion, prompt.opened) for completion in completions],
            usage=_usage(len(prompt.ids), generated),
            metadata=metadata,
        )

    def _choice(self, completion: Completion, opened: str) -> ChatCompletionChoice:
        logprobs, prompt = completion.logprobs, completion.prompt_logprobs
        return ChatCompletionChoice(
            message=answer_message(completion.text, opened, self.model_name),
            stop_reason=completion.stop_reason,
            logprobs=to_logprobs(logprobs, self._tokens) if logprobs else None,
            prompt_logprobs=to_prompt_logprobs(prompt, self._tokens) if prompt else None,
        )

    def _too_long(self, length: int, metadata: dict[str, Any]) -> ModelOutput:
        """Give the empty answer that a prompt leaves room for when it fills the context."""
        output = ModelOutput.from_content(self.model_name, "", stop_reason="model_length")
        output.usage = _usage(length, 0)
        output.metadata = {**metadata, "too_long": f"{length} prompt tokens in a context of {self._context}"}
        return output

    @override
    async def tokenize(self, text: str) -> list[int]:
        """Token ids of plain text, as `target_perplexity()` counts them."""
        return list(self._renderer.encode(text))

    @override
    async def count_text_tokens(self, text: str) -> int:
        """Exact number of tokens in plain text."""
        return len(await self.tokenize(text))

    @override
    def max_tokens(self) -> int | None:
        """Longest answer where the task sets none."""
        return MAX_TOKENS

    @override
    def max_connections(self) -> int:
        """Two batches: one is generated while the next fills."""
        return 2 * self.provider_args.places

    @override
    def connection_key(self) -> str:
        """Checkpoints wait in queues of their own."""
        return self.model_name


def _usage(input_tokens: int, output_tokens: int) -> ModelUsage:
    return ModelUsage(
        input_tokens=input_tokens, output_tokens=output_tokens, total_tokens=input_tokens + output_tokens
    )
