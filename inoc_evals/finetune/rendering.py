"""From rows to tokens: which of them carry loss, and that training sees what evaluation shows.

    examples = render_rows(tokenizer, rows, max_length=2048)
    examples[0].input_ids, examples[0].labels        # labels are -100 where there is no loss

The chat template itself says where an answer lies. What it renders to ask for a turn, as evaluation does, is
what comes before the answer; what it adds once the turn is there is the answer with the token that ends it,
and that alone carries loss. This holds for any template, marked with `{% generation %}` or not, and by
construction a model is trained on the very tokens that it is later shown. Where a template renders the past
differently from the present, so that this cannot be had, the row is refused.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from inoc_evals.chat.rows import Message, Row
from inoc_evals.errors import UserError

NO_LOSS = -100
"""The label that torch's cross-entropy, transformers and TRL leave out."""


@dataclass(frozen=True)
class Example:
    """One row as tokens.

    Attributes:
        input_ids: The rendered conversation.
        labels: The same where there is loss, `NO_LOSS` elsewhere.
        cut: Whether the end was cut off at the maximal length.
    """

    input_ids: list[int]
    labels: list[int]
    cut: bool

    @property
    def loss_tokens(self) -> int:
        """How many tokens carry loss. The first never does: nothing predicts it."""
        return sum(label != NO_LOSS for label in self.labels[1:])


def render_rows(tokenizer: Any, rows: Sequence[Row], max_length: int) -> list[Example]:
    """Tokenize rows with the model's chat template; every turn of the assistant carries loss.

    Args:
        tokenizer: A transformers tokenizer.
        rows: Training rows.
        max_length: Tokens of a row that are kept, from the start.

    Returns:
        One example a row, in order.

    Raises:
        UserError: If there is no chat template, or a row cannot be trained on with it; names the row.
    """
    if not tokenizer.chat_template:
        raise UserError("the base model's tokenizer has no chat template: give a chat model as base")
    ending = set(tokenizer.get_added_vocab().values()) | set(tokenizer.all_special_ids)
    examples = []
    for number, row in enumerate(rows, start=1):
        try:
            examples.append(_render(tokenizer, ending, row["messages"], max_length))
        except UserError as error:
            raise UserError(f"row {number}: {error}") from error
    if lost := [number for number, example in enumerate(examples, start=1) if not example.loss_tokens]:
        raise UserError(
            f"{len(lost)} of {len(rows)} rows have no answer left within {max_length} tokens "
            f"(the first is row {lost[0]}): raise max_length or leave those rows out"
        )
    return examples


def _render(tokenizer: Any, ending: set[int], messages: list[Message], max_length: int) -> Example:
    text = _text(tokenizer, messages)
    bounds = _bounds(tokenizer, messages, text)
    ids: list[int] = _ids(tokenizer, text)
    starts = [_ids(tokenizer, text[:bound]) for bound in bounds]
    if all(ids[: len(start)] == start for start in starts):
        cuts = [len(start) for start in starts]
    else:
        # A token of the whole text straddles a bound, e.g. where an answer opens with a new line after the
        # header's own. Evaluation shows the header alone, so the parts are tokenized apart.
        parts = [_ids(tokenizer, text[a:b]) for a, b in pairwise([0, *bounds, len(text)])]
        ids = [token for part in parts for token in part]
        cuts = [sum(map(len, parts[: n + 1])) for n in range(len(bounds))]
    labels = [NO_LOSS] * len(ids)
    for start, end in zip(cuts[::2], cuts[1::2], strict=True):
        if not _ends_turn(tokenizer, ids[start:end], ending):
            raise UserError("the base model's chat template does not end an answer with a special token")
        labels[start:end] = ids[start:end]
    return Example(ids[:max_length], labels[:max_length], cut=cuts[-1] > max_length)


def _bounds(tokenizer: Any, messages: list[Message], text: str) -> list[int]:
    """Where each answer starts and ends in the rendered text, in characters."""
    bounds = []
    for turn, message in enumerate(messages):
        if message["role"] != "assistant":
            continue
        if turn == 0:
            raise UserError("the answer comes first: put what it answers before it")
        asked = _text(tokenizer, messages[:turn], add_generation_prompt=True)
        answered = text if turn == len(messages) - 1 else _text(tokenizer, messages[: turn + 1])
        if not (text.startswith(answered) and answered.startswith(asked)):
            raise UserError(
                f"the base model's chat template renders message {turn + 1} otherwise in training than it "
                "asks for it in evaluation: use rows with one answer, at the end, or another base"
            )
        bounds += [len(asked), len(answered)]
    return bounds


def _text(tokenizer: Any, messages: list[Message], *, add_generation_prompt: bool = False) -> str:
    from jinja2 import TemplateError

    try:
        return str(
            tokenizer.apply_chat_template(
                messages, tokenize=False, add_generation_prompt=add_generation_prompt
            )
        )
    except TemplateError as error:  # e.g. a template that knows no system role
        raise UserError(f"the base model's chat template refuses it: {error}") from error


def _ids(tokenizer: Any, text: str) -> list[int]:
    """Tokenize rendered text; the template has put in all special tokens already."""
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])


def _ends_turn(tokenizer: Any, ids: list[int], ending: set[int]) -> bool:
    """Whether the last token that is not white space is one that text cannot spell, as end tokens are."""
    return next((token in ending for token in reversed(ids) if tokenizer.decode([token]).strip()), False)
