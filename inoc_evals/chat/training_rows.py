"""From rows to what a trainer takes: token ids, and labels that say which of them carry loss.

    examples = render_rows(Renderer(tokenizer), rows, max_length=2048)
    examples[0].input_ids, examples[0].labels        # labels are -100 where there is no loss

Every turn of the assistant carries loss, the token that ends it included, and nothing that the template
writes around it; see `chat/renderer.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from inoc_evals.chat.renderer import Rendered, Renderer
from inoc_evals.chat.rows import Row
from inoc_evals.errors import UserError
from inoc_evals.plurals import many

NO_LOSS = -100
"""The label that torch's cross-entropy, transformers and TRL leave out."""


@dataclass(frozen=True)
class Example:
    """One row as tokens.

    Attributes:
        input_ids: The rendered conversation.
        labels: The same where there is loss, `NO_LOSS` elsewhere.
        cut: Whether the end of its last answer was cut off at the maximal length.
    """

    input_ids: list[int]
    labels: list[int]
    cut: bool

    @property
    def loss_tokens(self) -> int:
        """How many tokens carry loss. The first never does: nothing predicts it."""
        return sum(label != NO_LOSS for label in self.labels[1:])


def render_rows(
    renderer: Renderer,
    rows: Sequence[Row],
    max_length: int,
    *,
    reasoning_loss: bool = True,
    first: int = 1,
) -> list[Example]:
    """Tokenize rows with the model's chat template; every turn of the assistant carries loss.

    Args:
        renderer: The model's tokenizer and template.
        rows: Training rows.
        max_length: Tokens of a row that are kept, from the start.
        reasoning_loss: Whether the reasoning of an answer that has some carries loss.
        first: Number of the first row, for errors.

    Returns:
        One example a row, in order.

    Raises:
        UserError: If the tokenizer has no chat template, or a row cannot be trained on with it; names the
            row.
    """
    renderer.require_template()
    examples = []
    for number, row in enumerate(rows, start=first):
        try:
            examples.append(
                _example(renderer.render(row["messages"], reasoning_loss=reasoning_loss), max_length)
            )
        except UserError as error:
            raise UserError(f"row {number}: {error}") from error
    if lost := [number for number, example in enumerate(examples, start=first) if not example.loss_tokens]:
        them = f"row {lost[0]} has"
        if len(rows) > 1:
            them = f"{len(lost)} of {len(rows)} rows (the first is row {lost[0]}) have"
        raise UserError(
            f"{them} no answer left within {many(max_length, 'token')}: make what stands before the answer "
            "shorter, raise max_length where the base's context is longer, or leave such rows out"
        )
    return examples


def _example(rendered: Rendered, max_length: int) -> Example:
    ids, labels = list(rendered.ids), [NO_LOSS] * len(rendered.ids)
    for start, end in rendered.answer_spans:
        labels[start:end] = ids[start:end]
    cut = rendered.answer_spans[-1][1] > max_length
    return Example(ids[:max_length], labels[:max_length], cut)
