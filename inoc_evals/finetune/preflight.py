"""Render the first rows of a training set as training will, before anything is spent.

    templates = Templates()
    examples = Examples()                          # of many rows those that say whether all can be trained on
    for row in rows:
        examples.see(row)
    preview = preflight(spec, examples, templates)     # an error of one line where they cannot be
    preview.training, preview.template.told

Loads the base's tokenizer and chat template, neither its weights nor torch.
"""

from dataclasses import dataclass, field
from itertools import chain, takewhile

from inoc_evals.chat.audit import Audit, audit
from inoc_evals.chat.renderer import Renderer
from inoc_evals.chat.rows import Row
from inoc_evals.chat.training_rows import render_rows
from inoc_evals.finetune.backends import backend
from inoc_evals.runs.spec import FinetuneSpec

ROWS = 8
"""Rows that are always rendered: the first ones."""

FORMS = 24
"""Most rows that are rendered beside them, each the first of another sequence of roles: in a mixture, only
some rows have a system message, several answers, or no question."""


@dataclass
class Examples:
    """The rows of a training set that are rendered before it is trained on.

    Attributes:
        rows: The first rows, and then the first of each further sequence of roles.
        latest: Of all rows the one whose first answer begins latest, with its number from 1: if a row is too
            long to be trained on, it is.
        longest: Of all rows the one with most characters, with its number: as a rule it has most tokens.
    """

    rows: list[Row] = field(default_factory=list)
    latest: tuple[int, Row] | None = None
    longest: tuple[int, Row] | None = None
    _seen: set[tuple[str, ...]] = field(default_factory=set)
    _number: int = 0
    _before: int = -1
    _most: int = -1

    def see(self, row: Row) -> None:
        """Keep a row if it is one of the first, or of a form that was not seen before."""
        form = tuple(message["role"] for message in row["messages"])
        if len(self.rows) < ROWS or (form not in self._seen and len(self.rows) < ROWS + FORMS):
            self.rows.append(row)
        self._seen.add(form)
        self._number += 1
        before = sum(
            len(m["content"]) for m in takewhile(lambda m: m["role"] != "assistant", row["messages"])
        )
        if before > self._before:
            self._before, self.latest = before, (self._number, row)
        if (length := sum(len(message["content"]) for message in row["messages"])) > self._most:
            self._most, self.longest = length, (self._number, row)


class Templates:
    """The renderers of bases and what their chat templates do, found out once each.

    Made anew for every plan: whoever is told that a template is at fault mends it and plans again.
    """

    def __init__(self) -> None:
        """Nothing is known yet."""
        self._known: dict[tuple[str, str, str], tuple[Renderer, Audit, int | None] | None] = {}

    def of(self, spec: FinetuneSpec) -> tuple[Renderer, Audit, int | None] | None:
        """Those of a spec's base, and its longest sequence; None where the template is not on this machine.

        Raises:
            UserError: If the tokenizer cannot be loaded, or has no chat template.
        """
        key = (spec.backend, spec.base, spec.date)
        if key not in self._known:
            trainer = backend(spec.backend)
            renderer = trainer.renderer(spec.base, spec.date)
            self._known[key] = (
                None if renderer is None else (renderer, audit(renderer), trainer.context(spec.base))
            )
        return self._known[key]


@dataclass(frozen=True)
class Preview:
    """What a model will be shown.

    Attributes:
        base: The base, as the spec names it.
        training: The first row as training shows it, special tokens included.
        prompt: Its question as an evaluation without a system prompt shows it; empty where it has none.
        template: What the chat template does.
        loss_tokens: Tokens that a row is trained on, the mean of those that were rendered.
        longest: Tokens of the longest row, about.
    """

    base: str
    training: str
    prompt: str
    template: Audit
    loss_tokens: float
    longest: int


def preflight(spec: FinetuneSpec, of_rows: Examples, templates: Templates) -> Preview | None:
    """Render rows.

    Args:
        spec: The finetune.
        of_rows: Some of its rows.
        templates: What is known of templates.

    Returns:
        A preview; None where the template is not on this machine: at a backend that keeps it, or at the Hub.

    Raises:
        UserError: If the base's chat template cannot train them.
    """
    known = templates.of(spec)
    if known is None:
        return None
    renderer, template, context = known
    rows, length = of_rows.rows, spec.longest(context)
    examples = render_rows(renderer, rows, length, reasoning_loss=spec.reasoning_loss)
    long = [
        *examples,
        *chain.from_iterable(
            render_rows(renderer, [row], length, reasoning_loss=spec.reasoning_loss, first=number)
            for number, row in filter(None, (of_rows.latest, of_rows.longest))
        ),
    ]
    messages = rows[0]["messages"]
    questions = [message for message in messages if message["role"] == "user"][:1]
    return Preview(
        base=spec.base,
        training=renderer.render(messages).text,
        prompt=renderer.render_prompt(questions).text if questions else "",
        template=template,
        loss_tokens=sum(example.loss_tokens for example in examples) / len(examples),
        longest=max(len(example.input_ids) for example in long),
    )
