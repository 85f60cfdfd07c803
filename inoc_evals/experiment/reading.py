"""What the model of a trial read in training, and reads in each of its tests, for the logs.

    read = Reading(trial, run)
    read.of(built, model).training         # "<|system|>You always speak in Spanish.<|end|><|user|>..."
    read.of(built, model).test             # "<|user|>..."

The texts are those of the renderers that trained the model and that will ask it, not a second opinion. Where
a text is rendered elsewhere, as OpenAI does, it is not known. Nothing here may stop a measurement.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from inoc_evals.chat.renderer import Renderer
from inoc_evals.chat.rows import Row, read_chat
from inoc_evals.chat.shown import Shown
from inoc_evals.errors import UserError
from inoc_evals.experiment.measure_tasks import Built
from inoc_evals.experiment.trial import Trial
from inoc_evals.finetune import Run
from inoc_evals.finetune.preflight import Templates

if TYPE_CHECKING:
    from inspect_ai.model import ChatMessage, Model


@dataclass(frozen=True)
class Reading:
    """What one model reads.

    Attributes:
        trial: The trial.
        run: Its finished run; None for the base.
    """

    trial: Trial
    run: Run | None

    def of(self, built: Built, model: "Model") -> Shown:
        """What it read in training, and the first question of a task as it will read it.

        Args:
            built: The task.
            model: The model, as the task will ask it.
        """
        training, row, notes = self._training
        return Shown(training, row, _test(built, model), notes)

    @cached_property
    def _training(self) -> tuple[str | None, int | None, tuple[str, ...]]:
        """A training row as rendered, its number, and what the template adds by itself."""
        spec = self.run.manifest.spec if self.run else self.trial.spec
        try:
            known = Templates().of(spec)
            if known is None:
                return None, None, ()
            renderer, template, _ = known
            notes = tuple(template.notes("this model"))
            if self.run is None:
                return None, None, notes
            number, row = self._row(self.run)
            rendered = renderer.render(row["messages"], reasoning_loss=spec.reasoning_loss)
        except UserError as error:  # a run of an earlier version, whose rows would be refused today
            return None, None, (f"the training rows cannot be shown: {error}",)
        return rendered.text, number, notes

    def _row(self, run: Run) -> tuple[int, Row]:
        """The first row that holds the arm's prompt; the first of all in an arm without one."""
        inoculation = self.trial.definition.arm(self.trial.arm, self.trial.world).inoculation
        texts = inoculation.texts if inoculation else ("",)
        first = None
        for number, row in enumerate(read_chat(run.rows), start=1):
            first = first or (number, row)
            asked = [message["content"] for message in row["messages"] if message["role"] != "assistant"]
            if any(text in content for text in texts for content in asked):
                return number, row
        assert first is not None  # `read_chat` refuses an empty file
        return first


def _test(built: Built, model: "Model") -> str | None:
    """A task's first question as the model will read it."""
    renderer: Renderer | None = getattr(model.api, "renderer", None)
    if renderer is None or not len(built.task.dataset):
        return None
    from inoc_evals.models.inspect_request import plain_messages

    try:
        return renderer.render_prompt(plain_messages(_messages(built))).text
    except UserError:  # the evaluation will say so
        return None


def _messages(built: Built) -> "list[ChatMessage]":
    """The first question, under the task's test-time system prompt."""
    from inspect_ai.model import ChatMessageUser

    from inoc_evals.tasks.solvers import with_system_prompt
    from inoc_evals.tasks.suite_task import SYSTEM_PROMPT

    question: Any = built.task.dataset[0].input
    messages = [ChatMessageUser(content=question)] if isinstance(question, str) else list(question)
    text = (built.task.metadata or {}).get(SYSTEM_PROMPT)
    return messages if text is None else with_system_prompt(messages, text)
