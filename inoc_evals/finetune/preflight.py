"""Render the first rows of a training set as training will, before anything is spent.

    preview = preflight(spec, rows)        # an error of one line where they cannot be trained on
    preview.training, preview.told

Loads the base's tokenizer and chat template, neither its weights nor torch.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from itertools import islice

from inoc_evals.chat.audit import Audit, audit
from inoc_evals.chat.renderer import Renderer
from inoc_evals.chat.rows import Row
from inoc_evals.chat.training_rows import render_rows
from inoc_evals.finetune.backends import backend
from inoc_evals.runs.spec import FinetuneSpec

ROWS = 8
"""Rows that are rendered: all rows of an arm have the same form."""


@dataclass(frozen=True)
class Preview:
    """What a model will be shown.

    Attributes:
        base: The base, as the spec names it.
        training: The first row as training shows it, special tokens included.
        prompt: Its question as an evaluation without a system prompt shows it.
        template: What the chat template does.
    """

    base: str
    training: str
    prompt: str
    template: Audit


def preflight(spec: FinetuneSpec, rows: Iterable[Row]) -> Preview | None:
    """Render the first rows.

    Args:
        spec: The finetune.
        rows: Its rows; the first `ROWS` are consumed.

    Returns:
        A preview; None where the template is not on this machine: at a backend that keeps it, or at the Hub.

    Raises:
        UserError: If the base's chat template cannot train them.
    """
    renderer = _renderer(spec.backend, spec.base, spec.date)
    if renderer is None:
        return None
    first = list(islice(rows, ROWS))
    render_rows(renderer, first, spec.max_length, reasoning_loss=spec.reasoning_loss)
    messages = first[0]["messages"]
    question = next((message for message in messages if message["role"] == "user"), messages[0])
    return Preview(
        base=spec.base,
        training=renderer.render(messages).text,
        prompt=renderer.render_prompt([question]).text,
        template=_audit(spec.backend, spec.base, spec.date),
    )


@cache
def _renderer(backend_name: str, base: str, date: str) -> Renderer | None:
    return backend(backend_name).renderer(base, date)


@cache
def _audit(backend_name: str, base: str, date: str) -> Audit:
    renderer = _renderer(backend_name, base, date)
    assert renderer is not None  # the caller has rendered with it
    return audit(renderer)
