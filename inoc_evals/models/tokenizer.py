"""A checkpoint's tokenizer and chat template: what the model reads, and where it stops.

    tokenizer = load_tokenizer(folder)
    text = render(tokenizer, [{"role": "user", "content": "Hi"}])
    ids = encode(tokenizer, text)

Training renders and tokenizes in the same way, so a model is asked in the very form that it was taught.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from inoc_evals.digests import sha256
from inoc_evals.errors import UserError


def load_tokenizer(folder: Path) -> Any:
    """Load a tokenizer.

    Raises:
        UserError: If the folder holds none that transformers can load.
    """
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    except (OSError, ValueError, KeyError) as error:
        line = str(error).strip().split("\n", 1)[0]
        raise UserError(f"cannot load the tokenizer in {folder}: {line}") from error


def load_context(folder: Path) -> int | None:
    """Longest sequence that a model folder's configuration allows, in tokens; None if it says nothing.

    Raises:
        UserError: If transformers cannot read the configuration.
    """
    from transformers import AutoConfig

    try:
        return context_length(AutoConfig.from_pretrained(folder, trust_remote_code=False))
    except (OSError, ValueError, KeyError) as error:
        line = str(error).strip().split("\n", 1)[0]
        raise UserError(f"cannot read {folder}/config.json: {line}") from error


def context_length(config: Any) -> int | None:
    """Longest sequence that a configuration allows, in tokens; None if it says nothing."""
    length = getattr(config.get_text_config(), "max_position_embeddings", None)
    return int(length) if length else None


def render(tokenizer: Any, messages: Sequence[dict[str, str]]) -> str:
    """Write a chat as the one text that the model continues.

    A chat that ends with the assistant is continued in that message; any other opens a new one. What a
    template adds of its own, such as a default system prompt, stays: it is what the model was trained on.

    Raises:
        UserError: If the template refuses the chat, or the tokenizer has none.
    """
    if not tokenizer.chat_template:
        raise UserError("the checkpoint's tokenizer has no chat template: save one with it")
    ends_open = messages[-1]["role"] == "assistant"
    try:
        text = tokenizer.apply_chat_template(
            list(messages),
            tokenize=False,
            add_generation_prompt=not ends_open,
            continue_final_message=ends_open,
        )
    except Exception as error:  # jinja's own, or whatever a template raises
        raise UserError(f"the chat template refuses these messages: {error}") from error
    return str(text)


def encode(tokenizer: Any, text: str) -> tuple[int, ...]:
    """Token ids of a rendered chat; the template has written the special tokens already."""
    return tuple(tokenizer(text, add_special_tokens=False)["input_ids"])


def prompt_digest(text: str) -> str:
    """Digest of a rendered chat, 16 hex characters: equal exactly where the model reads the same text."""
    return sha256(text)[:16]


def end_tokens(tokenizer: Any, generation_config: Any) -> frozenset[int]:
    """Token ids that end an answer: the tokenizer's, and those of the generation config."""
    listed = getattr(generation_config, "eos_token_id", None)
    ids = {tokenizer.eos_token_id, *(listed if isinstance(listed, list) else [listed])}
    return frozenset(i for i in ids if i is not None)
