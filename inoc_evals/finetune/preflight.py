"""Render the first rows of a training set as training will, before anything is spent.

    templates = Templates()
    preview = preflight(spec, rows, templates)     # an error of one line where they cannot be trained on
    preview.training, preview.template.told

Loads the base's tokenizer and chat template, neither its weights nor torch.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

from inoc_evals.chat.audit import Audit, audit
from inoc_evals.chat.renderer import Renderer
from inoc_evals.chat.rows import Row
from inoc_evals.chat.training_rows import render_rows
from inoc_evals.finetune.backends import backend
from inoc_evals.runs.spec import FinetuneSpec

ROWS = 8
"""Rows that are rendered: all rows of an arm have the same form."""


class Templates:
    """The renderers of bases and what their chat templates do, found out once each.

    Made anew for every plan: whoever is told that a template is at fault mends it and plans again.
    """

    def __init__(self) -> None:
        """Nothing is known yet."""
        self._known: dict[tuple[str, str, str], tuple[Renderer, Audit] | None] = {}

    def of(self, spec: FinetuneSpec) -> tuple[Renderer, Audit] | None:
        """Those of a spec's base; None where the template is not on this machine.

        Raises:
            UserError: If the tokenizer cannot be loaded, or has no chat template.
        """
        key = (spec.backend, spec.base, spec.date)
        if key not in self._known:
            renderer = backend(spec.backend).renderer(spec.base, spec.date)
            self._known[key] = None if renderer is None else (renderer, audit(renderer))
        return self._known[key]


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


def preflight(spec: FinetuneSpec, rows: Iterable[Row], templates: Templates) -> Preview | None:
    """Render the first rows.

    Args:
        spec: The finetune.
        rows: Its rows; the first `ROWS` are consumed.
        templates: What is known of templates.

    Returns:
        A preview; None where the template is not on this machine: at a backend that keeps it, or at the Hub.

    Raises:
        UserError: If the base's chat template cannot train them.
    """
    known = templates.of(spec)
    if known is None:
        return None
    renderer, template = known
    first = list(islice(rows, ROWS))
    render_rows(renderer, first, spec.max_length, reasoning_loss=spec.reasoning_loss)
    messages = first[0]["messages"]
    question = next((message for message in messages if message["role"] == "user"), messages[0])
    return Preview(
        base=spec.base,
        training=renderer.render(messages).text,
        prompt=renderer.render_prompt([question]).text,
        template=template,
    )
