"""Models at Tinker, under `inoc/`: a run that was trained there, or a base before it.

    inspect eval inoc_evals/spanish_caps --model inoc/spanish-inoc-0
    inspect eval inoc_evals/spanish_caps --model inoc/tinker/Qwen/Qwen3-8B

Chats are rendered here, with the model's own template, and answered there token by token.
"""

import secrets
from typing import Any

import anyio
from inspect_ai.model import (
    ChatCompletionChoice,
    ChatMessage,
    ChatMessageAssistant,
    GenerateConfig,
    ModelAPI,
    ModelOutput,
    ModelUsage,
)
from inspect_ai.tool import ToolChoice, ToolInfo
from typing_extensions import override

from inoc_evals.errors import UserError, require
from inoc_evals.models.chat import plain_messages, refuse_unsupported
from inoc_evals.models.checkpoint import SHORT
from inoc_evals.models.request import stream_seed
from inoc_evals.models.sample_epoch import current_epoch, watch_epochs
from inoc_evals.models.served import Served

MAX_TOKENS = 2048
"""Longest answer where the task sets none."""

SCHEME = "tinker://"


class TinkerAPI(ModelAPI):
    """Samples through Tinker's SDK."""

    def __init__(
        self,
        model_name: str,
        base_url: str | None = None,
        api_key: str | None = None,
        config: GenerateConfig | None = None,
        *,
        found: Served,
        **model_args: Any,
    ) -> None:
        """Connect.

        Args:
            model_name: Part of Inspect's interface; `found` says what it means.
            base_url: Unused; the SDK has a variable of its own for that.
            api_key: Unused; the SDK reads `TINKER_API_KEY`.
            config: Inspect's default generation settings.
            found: What to sample from.
            **model_args: There are none.

        Raises:
            UserError: If the SDK is not installed, or an argument is given.
        """
        require("tinker", "tinker", "transformers")
        if model_args:
            raise UserError(f"no model argument {next(iter(model_args))} for a model at Tinker")
        import tinker

        where = found.model.removeprefix("tinker/")
        service: Any = tinker.ServiceClient()
        named = {"model_path": where} if where.startswith(SCHEME) else {"base_model": where}
        self._client: Any = service.create_sampling_client(**named).result()
        self._tokenizer = tokenizer_of(found.base)
        self._ends = turn_ends(self._tokenizer)
        super().__init__(
            f"{found.name}@{found.digest[:SHORT]}", None, None, config=config or GenerateConfig()
        )
        watch_epochs()

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
            UserError: If something is asked for that is not to be had, log-probs among it.
        """
        from tinker import types

        from inoc_evals.models.tokenizer import encode, prompt_digest, render

        refuse_unsupported(tools, config)
        if config.logprobs or config.prompt_logprobs or config.extra_body:
            raise UserError("log-probs of a model at Tinker are not read yet: measure it without them")
        text = render(self._tokenizer, plain_messages(input))
        prompt, digest = encode(self._tokenizer, text), prompt_digest(text)
        seed = config.seed if config.seed is not None else secrets.randbits(32)
        choices, written = [], 0
        for choice in range(config.num_choices or 1):
            asked = types.SamplingParams(
                max_tokens=config.max_tokens or MAX_TOKENS,
                seed=stream_seed(seed, digest, current_epoch(), choice) % 2**31,
                stop=self._ends,
                temperature=1.0 if config.temperature is None else config.temperature,
                top_p=1.0 if config.top_p is None else config.top_p,
                top_k=config.top_k or -1,
            )
            future = self._client.sample(types.ModelInput.from_ints(list(prompt)), 1, asked)
            (sequence,) = (await anyio.to_thread.run_sync(future.result)).sequences
            written += len(sequence.tokens)
            choices.append(self._choice(sequence, config.stop_seqs or []))
        usage = ModelUsage(
            input_tokens=len(prompt), output_tokens=written, total_tokens=len(prompt) + written
        )
        return ModelOutput(model=self.model_name, choices=choices, usage=usage, metadata={"seed": seed})

    def _choice(self, sequence: Any, stops: list[str]) -> ChatCompletionChoice:
        text = self._tokenizer.decode(sequence.tokens, skip_special_tokens=True)
        ended = sequence.stop_reason == "stop"
        for stop in stops:  # token ids stop it there, words only here
            if stop in text:
                text, ended = text.partition(stop)[0], True
        return ChatCompletionChoice(
            message=ChatMessageAssistant(content=text, model=self.model_name, source="generate"),
            stop_reason="stop" if ended else "max_tokens",
        )


def tokenizer_of(base: str) -> Any:
    """The tokenizer of a base model, by its name on the Hugging Face Hub.

    The SDK would load it, too, but lets the repository's own code run for that.

    Args:
        base: The name.

    Raises:
        UserError: If it cannot be had.
    """
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(base, trust_remote_code=False)
    except (OSError, ValueError, KeyError) as error:
        line = str(error).strip().split("\n", 1)[0]
        raise UserError(f"cannot load the tokenizer of {base}: {line}") from error


def turn_ends(tokenizer: Any) -> list[int]:
    """The tokens that end an assistant's turn: the special ones that its template puts behind an answer."""
    chat = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    text = tokenizer.apply_chat_template(chat, tokenize=False)
    after = tokenizer.encode(text.rpartition("b")[2], add_special_tokens=False)
    special = set(tokenizer.all_special_ids) | set(tokenizer.get_added_vocab().values())
    ends = [token for token in after[:1] if token in special]
    return sorted({*ends, *([tokenizer.eos_token_id] if tokenizer.eos_token_id is not None else [])})
