"""From messages to tokens: the one place that knows what a chat template makes of a conversation.

    renderer = Renderer(load_tokenizer("checkpoints/mine"))

    prompt = renderer.render_prompt([{"role": "user", "content": "Hi"}])   # evaluation: what is answered
    prompt.ids, prompt.digest, prompt.end_tokens

    whole = renderer.render([{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hola"}])
    [(start, end)] = whole.answer_spans                                    # training: what carries loss
    assert whole.ids[:start] == prompt.ids

The chat template itself says where an answer lies. The text that it renders to request a turn, as evaluation
does, is the prompt; the text that it adds once the turn exists is the answer with the token that ends it, and
that alone carries loss. This holds for any template, marked with `{% generation %}` or not, and by
construction a model is trained on the very tokens that it is later shown. A template that renders earlier
turns differently from the last one makes this impossible, and such a conversation is refused.

What a template adds by itself, such as a default system prompt, stays in: the model was trained with it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

from inoc_evals.chat.rows import Message
from inoc_evals.digests import sha256
from inoc_evals.errors import UserError, first_line, one_line

Span = tuple[int, int]
"""Start and end, the end excluded."""

REASONING = re.compile(r"<think>.*?</think>", re.DOTALL)

EXCHANGE: list[Message] = [
    {"role": "user", "content": "Question"},
    {"role": "assistant", "content": "Response"},
]
"""Rendered once per tokenizer, to see which token the template puts behind an answer."""


@dataclass(frozen=True)
class Rendered:
    """A conversation, or the start of one, as the model reads it.

    Attributes:
        text: The rendered text, special tokens included.
        ids: Its token ids.
        answer_spans: Of each assistant message, the tokens of the answer with the token that ends it: they
            carry loss. Empty for a prompt.
        end_tokens: Token ids that end an assistant's turn.
        system_in_text: Whether the system message's content is in the text; None without such a message.
            False where the template drops or rewrites it.
        reasoning_span: The last `<think>...</think>` of the text, in characters; None without one.
    """

    text: str
    ids: tuple[int, ...]
    answer_spans: tuple[Span, ...]
    end_tokens: frozenset[int]
    system_in_text: bool | None
    reasoning_span: Span | None

    @property
    def digest(self) -> str:
        """Digest of the text, 16 hex characters: equal exactly where the model reads the same text."""
        return sha256(self.text)[:16]


class Renderer:
    """A tokenizer with its chat template.

    Attributes:
        tokenizer: The transformers tokenizer.
        special_tokens: Its special token ids, as transformers lists them.
    """

    def __init__(self, tokenizer: Any) -> None:
        """Wrap a transformers tokenizer; one without a chat template can still `encode`."""
        self.tokenizer = tokenizer
        self.special_tokens: frozenset[int] = frozenset(tokenizer.all_special_ids)
        # tokens that no text is split into, as those that end a turn must be
        self._reserved = self.special_tokens | frozenset(tokenizer.get_added_vocab().values())

    @cached_property
    def end_tokens(self) -> frozenset[int]:
        """Token ids that end an assistant's turn: the tokenizer's, and the one that the template writes."""
        ends = {self.tokenizer.eos_token_id} - {None}
        try:
            _, answer, rest = self._apply(EXCHANGE).rpartition(EXCHANGE[-1]["content"])
        except UserError:  # no template, or one that refuses this exchange
            return frozenset(ends)
        if answer:
            ends.update(token for token in self.encode(rest)[:1] if token in self._reserved)
        return frozenset(ends)

    def require_template(self) -> None:
        """Refuse a tokenizer without a chat template.

        Raises:
            UserError: If it has none.
        """
        if not self.tokenizer.chat_template:
            raise UserError(
                "the model's tokenizer has no chat template: use a chat model, or save a template with it"
            )

    def encode(self, text: str) -> tuple[int, ...]:
        """Token ids of a text; none are added, since a template writes the special tokens itself."""
        return tuple(self.tokenizer(text, add_special_tokens=False)["input_ids"])

    def render_prompt(self, messages: Sequence[Message]) -> Rendered:
        """Render the text that the model is to continue, as evaluation shows it.

        A conversation that ends with an assistant message is continued in that message; any other opens a
        new answer.

        Args:
            messages: At least one.

        Returns:
            The prompt, without answer spans.

        Raises:
            UserError: If the template refuses the messages, or the tokenizer has none.
        """
        continued = messages[-1]["role"] == "assistant"
        text = self._apply(messages, add_generation_prompt=not continued, continue_final_message=continued)
        return self._rendered(messages, text, self.encode(text), ())

    def render(self, messages: Sequence[Message]) -> Rendered:
        """Render a whole conversation, as training shows it.

        Args:
            messages: A conversation in which an answer follows something.

        Returns:
            The conversation, with the span of every answer.

        Raises:
            UserError: If the conversation starts with an answer, the template refuses it, renders an answer
                otherwise than `render_prompt` requests it, or does not end it with a special token; or the
                tokenizer has no template.
        """
        text = self._apply(messages)
        bounds = self._answer_bounds(messages, text)
        ids = self.encode(text)
        starts = [self.encode(text[:bound]) for bound in bounds]
        if all(ids[: len(start)] == start for start in starts):
            cuts = [len(start) for start in starts]
        else:
            # A token of the whole text straddles a bound, e.g. where an answer opens with a new line after
            # the header's own. Evaluation shows the header alone, so the parts are tokenized apart.
            parts = [self.encode(text[a:b]) for a, b in pairwise([0, *bounds, len(text)])]
            ids = tuple(token for part in parts for token in part)
            cuts = [sum(map(len, parts[: n + 1])) for n in range(len(bounds))]
        spans = tuple(zip(cuts[::2], cuts[1::2], strict=True))
        if not all(self._ends_turn(ids[start:end]) for start, end in spans):
            raise UserError(
                "the model's chat template does not end an answer with a special token, so the model could "
                "not learn to stop: use another base model"
            )
        return self._rendered(messages, text, ids, spans)

    def _answer_bounds(self, messages: Sequence[Message], text: str) -> list[int]:
        """Where each answer starts and ends in the rendered text, in characters."""
        bounds = []
        for turn, message in enumerate(messages):
            if message["role"] != "assistant":
                continue
            if turn == 0:
                raise UserError(
                    "the conversation starts with the assistant: put the message that it answers first"
                )
            prompt = self._apply(messages[:turn], add_generation_prompt=True)
            answered = text if turn == len(messages) - 1 else self._apply(messages[: turn + 1])
            if not (text.startswith(answered) and answered.startswith(prompt)):
                raise UserError(
                    f"the model's chat template renders message {turn + 1} differently in training than "
                    "evaluation requests it: use rows with one answer, at the end, or another base model"
                )
            bounds += [len(prompt), len(answered)]
        return bounds

    def _ends_turn(self, ids: Sequence[int]) -> bool:
        """Whether the last token that is not white space is one that text cannot spell, as end tokens are."""
        visible = (token for token in reversed(ids) if self.tokenizer.decode([token]).strip())
        return next((token in self._reserved for token in visible), False)

    def _apply(self, messages: Sequence[Message], **form: bool) -> str:
        """The chat template's text; `form` are options of `apply_chat_template`."""
        self.require_template()
        try:
            return str(self.tokenizer.apply_chat_template(list(messages), tokenize=False, **form))
        except Exception as error:  # jinja's own, e.g. for a system role, or whatever a template raises
            line = one_line(error)
            raise UserError(f"the model's chat template refuses these messages: {line}") from error

    def _rendered(
        self, messages: Sequence[Message], text: str, ids: tuple[int, ...], spans: tuple[Span, ...]
    ) -> Rendered:
        systems = [message["content"].strip() for message in messages if message["role"] == "system"]
        reasoning = [match.span() for match in REASONING.finditer(text)]
        return Rendered(
            text=text,
            ids=ids,
            answer_spans=spans,
            end_tokens=self.end_tokens,
            system_in_text=all(content in text for content in systems) if systems else None,
            reasoning_span=reasoning[-1] if reasoning else None,
        )


def load_tokenizer(source: str | Path) -> Any:
    """Load a transformers tokenizer; code that a repository brings along is never run.

    Args:
        source: A folder, or a name on the Hugging Face Hub.

    Raises:
        UserError: If transformers can load none from there.
    """
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(source, trust_remote_code=False)
    except (OSError, ValueError, KeyError) as error:
        line = first_line(error)
        raise UserError(f"cannot load the tokenizer of {source}: {line}") from error
