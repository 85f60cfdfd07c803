"""Models at Tinker, under `inoc/`: a run that was trained at Tinker, or a base model.

    inspect eval inoc_evals/spanish_caps --model inoc/spanish-inoc-0
    inspect eval inoc_evals/spanish_caps --model inoc/tinker/Qwen/Qwen3-8B

Chats are rendered on this machine, with the model's own template; Tinker answers with tokens.
"""

import secrets
from typing import Any

import anyio
from inspect_ai.model import (
    ChatCompletionChoice,
    ChatMessage,
    GenerateConfig,
    ModelAPI,
    ModelOutput,
    ModelUsage,
)
from inspect_ai.tool import ToolChoice, ToolInfo
from typing_extensions import override

from inoc_evals.chat.renderer import Renderer, load_renderer
from inoc_evals.errors import UserError, one_line, require
from inoc_evals.models.base import TINKER
from inoc_evals.models.checkpoint import SHORT
from inoc_evals.models.inspect_request import answer_message, plain_messages, refuse_unsupported
from inoc_evals.models.request import stream_seed
from inoc_evals.models.sample_epoch import current_epoch, watch_epochs
from inoc_evals.models.served import Served
from inoc_evals.models.settings_asked import refuse_settings
from inoc_evals.models.token_text import TokenText

MAX_TOKENS = 2048
"""Longest answer where the task sets none."""

SCHEME = "tinker://"


class TinkerAPI(ModelAPI):
    """Samples through Tinker's SDK.

    Attributes:
        provider: `tinker`, by which readers of judges see that no probabilities of replies come from here.
    """

    provider = "tinker"

    def __init__(
        self,
        model_name: str,
        base_url: str | None = None,
        api_key: str | None = None,
        config: GenerateConfig | None = None,
        *,
        served_model: Served,
        **model_args: Any,
    ) -> None:
        """Connect.

        Args:
            model_name: Part of Inspect's interface; `served_model` says which model it is.
            base_url: Unused; the SDK has a variable of its own for that.
            api_key: Unused; the SDK reads `TINKER_API_KEY`.
            config: Inspect's default generation settings.
            served_model: The model to sample from.
            **model_args: None exist.

        Raises:
            UserError: If the SDK is not installed, an argument is given, or Tinker refuses the key or the
                model.
        """
        require("tinker", "tinker", "transformers")
        refuse_settings(config or GenerateConfig())
        if model_args:
            argument = next(iter(model_args))
            raise UserError(f"a model at Tinker takes no model argument {argument}: leave it out")
        import tinker

        where = served_model.model.removeprefix(TINKER)
        named = {"model_path": where} if where.startswith(SCHEME) else {"base_model": where}
        try:
            service: Any = tinker.ServiceClient()
            self._client: Any = service.create_sampling_client(**named).result()
        except tinker.TinkerError as error:
            raise UserError(f"Tinker, asked for {where}: {one_line(error)}") from error
        self._renderer = load_renderer(served_model.base, date=served_model.date)
        self._text = TokenText(self._renderer.tokenizer)
        name = f"{served_model.name}@{served_model.digest[:SHORT]}"
        super().__init__(name, None, None, config=config or GenerateConfig())
        watch_epochs()

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
        """Answer a chat.

        Raises:
            UserError: If the request needs what Tinker does not give, such as log-probs.
        """
        from tinker import types

        refuse_unsupported(tools, config)
        if config.logprobs or config.prompt_logprobs or config.extra_body:
            raise UserError("log-probs of a model at Tinker are not read yet: measure it without them")
        prompt = self._renderer.render_prompt(plain_messages(input))
        seed = config.seed if config.seed is not None else secrets.randbits(32)
        choices, written = [], 0
        for choice in range(config.num_choices or 1):
            sampling = types.SamplingParams(
                max_tokens=MAX_TOKENS if config.max_tokens is None else config.max_tokens,
                seed=stream_seed(seed, prompt.digest, current_epoch(), choice) % 2**31,
                stop=sorted(prompt.end_tokens),
                temperature=1.0 if config.temperature is None else config.temperature,
                top_p=1.0 if config.top_p is None else config.top_p,
                top_k=config.top_k or -1,
            )
            future = self._client.sample(types.ModelInput.from_ints(list(prompt.ids)), 1, sampling)
            (sequence,) = (await anyio.to_thread.run_sync(future.result)).sequences
            written += len(sequence.tokens)
            choices.append(self._choice(sequence, config.stop_seqs or [], prompt.opened))
        usage = ModelUsage(
            input_tokens=len(prompt.ids),
            output_tokens=written,
            total_tokens=len(prompt.ids) + written,
        )
        return ModelOutput(model=self.model_name, choices=choices, usage=usage, metadata={"seed": seed})

    def _choice(self, sequence: Any, stops: list[str], opened: str) -> ChatCompletionChoice:
        text = self._text.text(sequence.tokens)
        ended = sequence.stop_reason == "stop"
        for stop in stops:  # Tinker stops at token ids only; strings are cut off here
            if stop in text:
                text, ended = text.partition(stop)[0], True
        return ChatCompletionChoice(
            message=answer_message(text, opened, self.model_name),
            stop_reason="stop" if ended else "max_tokens",
        )
