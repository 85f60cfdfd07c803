"""A trial: one model of an experiment and its measures; the unit of work of every engine.

    trial.name                          # "spanish-inoc-0"
    trial.folder                        # "toy-spanish-caps/toy/spanish-inoc-0", under logs

A trial holds everything that a worker on another machine needs. Trials share only the first stage of their
setting, so each can be run anywhere, in any order, and repeatedly.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import Annotated, Any

from pydantic import Field, field_validator

from inoc_evals.chat.rows import Row
from inoc_evals.data.doses import ANY, Dose, Value, words
from inoc_evals.data.own_files import OwnFile
from inoc_evals.data.row_sources import Source, sources_of
from inoc_evals.digests import fingerprint
from inoc_evals.experiment import sweep
from inoc_evals.runs.spec import SAME_WEIGHTS, FinetuneSpec, Strict
from inoc_evals.settings import Measure, Setting
from inoc_evals.settings import setting as find_setting
from inoc_evals.worlds import kinds_of

BASE = "base"
"""Name of the model before finetuning, beside the arms."""


ALWAYS_UNDER_OWN = {"leak": "original"}
"""Tasks that ask under the prompts of a setting's arms in every world, and the parameter that takes them."""


class Evaluation(Strict):
    """How models are measured, in addition to what a setting defines.

    Attributes:
        grader: Models that judge, where a task needs a judge; several are a panel.
        epochs: Answers per question, instead of each task's own number.
        limit: Questions of each task, the first ones; each under all conditions of the task.
        parameters: Task parameters by task, which override the setting's own; `"*"` is every task that has
            such a parameter.
        max_connections: Simultaneous requests to a model that runs elsewhere.
        model_args: Arguments of the model's provider, e.g. `{"engine": "vllm"}` for `inoc/`.
        steps: Earlier steps of every finetune that are measured beside its end.
    """

    title = "evaluate"

    grader: tuple[str, ...] = ()
    epochs: int | None = Field(default=None, ge=1)
    limit: int | None = Field(default=None, ge=1)
    parameters: dict[str, dict[str, Any]] = Field(default_factory=dict)
    max_connections: int | None = Field(default=None, ge=1)
    model_args: dict[str, Any] = Field(default_factory=dict)
    steps: tuple[Annotated[int, Field(ge=1)], ...] = ()

    @field_validator("grader", mode="before")
    @classmethod
    def _one_or_several(cls, grader: Any) -> Any:
        return [g.strip() for g in grader.split(",") if g.strip()] if isinstance(grader, str) else grader

    @field_validator("steps")
    @classmethod
    def _ascending(cls, steps: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(sorted(set(steps)))


@dataclass(frozen=True)
class Trial:
    """One model to be trained and measured.

    Attributes:
        setting: Name of the setting, as `settings.setting` takes it.
        world: Key of the setting's rows, and the name of its question set.
        arm: Name of the arm; `BASE` is the model before finetuning.
        seed: Decides the rows, the finetune and the sampling of answers; None for the base.
        spec: The finetune; for the base, only its base and backend count.
        experiment: Name of the experiment.
        measures: Indices of the measures among the setting's measures in that world.
        evaluation: How they are taken.
        family: What its run is named after: settings of one family share their models.
        rephrasings: File of rephrasings for arms of controls; empty: the suite's own.
        dose: Its point in a sweep, but for the axis `steps`; empty outside of one.
        steps: Steps of its training that are measured, ascending; the end is always measured.
        step: The step that is measured here, see `stages`; None is the end.
    """

    setting: str
    world: str
    arm: str
    seed: int | None
    spec: FinetuneSpec
    experiment: str = ""
    measures: tuple[int, ...] = ()
    evaluation: Evaluation = field(default_factory=Evaluation)
    family: str = ""
    rephrasings: str = ""
    dose: Dose = field(default_factory=dict)
    steps: tuple[int, ...] = ()
    step: int | None = None

    def __hash__(self) -> int:
        place = (self.setting, self.world, self.arm, self.seed, self.spec.base)
        return hash((*place, words(self.dose), self.step))

    @property
    def name(self) -> str:
        """Its name among the trials of one setting and base, e.g. `spanish-inoc-0`."""
        return self.arm if self.seed is None else f"{self.arm}-{self.seed}"

    @property
    def group(self) -> str:
        """Common to the trials that it is compared with: world, setting and base."""
        setting = self.definition.name.replace("_", "-")  # a file's variable may be named as another file's
        base = re.sub(r"[^A-Za-z0-9.-]+", "-", self.spec.base).strip("-.")[-60:]
        return f"{self.world}-{setting}/{base}"

    @property
    def point(self) -> str:
        """Its name among the trials of one setting and base in a sweep, e.g. `rank=8/none-0@step=4`."""
        name = self.name if self.step is None else f"{self.name}@step={self.step}"
        return f"{words(self.dose).replace(', ', '_')}/{name}" if self.dose else name

    @property
    def folder(self) -> str:
        """Folder of its logs, relative to the folder of all logs."""
        return f"{self.group}/{self.point}"

    @property
    def stages(self) -> "list[Trial]":
        """What is measured of it: the model at every one of its steps, and at its end."""
        earlier = [step for step in self.steps if step != self.spec.max_steps]
        return [replace(self, step=step) for step in earlier] + [self]

    def dose_after(self, steps: int | None) -> dict[str, Value]:
        """The dose of a stage.

        Args:
            steps: How many steps the whole training has.
        """
        at: dict[str, Value] = {} if not self.steps else {"steps": self.step or steps or ANY}
        return {**self.dose, **at}

    @property
    def run_name(self) -> str:
        """Name of its run; settings of one family share a name, and thereby the run."""
        family = (self.family or self.definition.name).replace("_", "-")
        return f"{self.world}-{family}-{self.name}"

    @property
    def definition(self) -> Setting:
        """Its setting, as it is defined."""
        return _setting(self.setting, self.rephrasings)

    @property
    def measured(self) -> list[Measure]:
        """Its measures, with the evaluation's parameters over the setting's; each is asked once."""
        from inoc_evals.experiment.measure_tasks import with_parameters

        measures = self.definition.measured(self.world)
        changed = [
            with_parameters(self._with_own_prompts(measures[n]), self.evaluation.parameters)
            for n in self.measures
        ]
        asked = [(one.task, one.parameters, one.max_questions) for one in changed]
        return [measure for n, measure in enumerate(changed) if asked[n] not in asked[:n]]

    def _with_own_prompts(self, measure: Measure) -> Measure:
        """The measure, asking under the arms' own prompts where it should: they are read only here."""
        always = ALWAYS_UNDER_OWN.get(measure.task)
        if always is None and not set(kinds_of(self.world)) & set(measure.own_prompts):
            return measure
        own = {always or "own": self.definition.own_prompts(self.world)}
        return replace(measure, parameters={**own, **measure.parameters})

    @cached_property
    def declared(self) -> str:
        """A digest of the requested finetune that needs no rows: base, arm, prompt, spec.

        Only a plan uses it. A run is identified by the bytes of its rows.
        """
        parts = [self.family or self.definition.name, self.world, self.name, self.spec.digest, self._prompt]
        of_rows = sweep.of_rows(self.dose)
        return fingerprint([*parts, of_rows] if of_rows else parts)

    @cached_property
    def recipe(self) -> dict[str, str]:
        """What all seeds of its arm have in common, as digests of the prompt, the rows and the finetune.

        Its log carries it, so that seeds that were made otherwise, e.g. before a prompt was changed, are told
        from the others. What a function makes of a seed has no digest; files that rows are read from have.
        Fields of the spec that do not change the weights do not count, nor does the base, which logs name.
        """
        setting, arm = self.definition, self.definition.arm(self.arm, self.world)
        training = setting.training(self.world)
        sources = [_identity(source) for source in sources_of(setting.source(arm, self.world))]
        rows = [self.family or setting.name, self.world, arm.control, arm.rows, sources]
        spec = self.spec.model_copy(update=SAME_WEIGHTS)
        first = None if training.first_stage is None else dict(training.first_stage_finetune)
        parts = {
            "prompt": self._prompt,
            "rows": [*rows, sweep.of_rows(self.dose)],
            "finetune": [spec.digest_with(""), first],
        }
        return {name: fingerprint(part)[:16] for name, part in parts.items()}

    @property
    def _prompt(self) -> list[Any] | None:
        """What is put before its rows; None if nothing is."""
        arm = None if self.arm == BASE else self.definition.arm(self.arm, self.world)
        prompt: list[Any] | None = None
        if arm is not None and arm.inoculation is not None:
            asked = arm.inoculation
            dealt = [asked.deal] if asked.deal != "drawn" else []
            prompt = [*asked.texts, asked.position, *dealt, dict(arm.where)]
        if arm is not None and arm.others is not None:
            prompt = [*(prompt or []), [*arm.others.texts, arm.others.position, arm.others.deal]]
        return prompt

    def rows(self) -> Iterator[Row]:
        """The rows that it is trained on.

        Raises:
            UserError: If the setting has none, or they cannot be fetched.
        """
        setting = self.definition
        return sweep.prepare(
            setting, setting.arm(self.arm, self.world), self.world, self.seed or 0, self.dose
        )


def one_per_group(trials: Iterable[Trial]) -> list[Trial]:
    """One trial of every setting and base."""
    return list({trial.group: trial for trial in trials}.values())


def _identity(source: Source) -> Any:
    """What stays the same of a source wherever it lies."""
    return source.digest.hexadecimal if isinstance(source, OwnFile) else str(source)


@lru_cache
def _setting(key: str, rephrasings: str = "") -> Setting:
    """The setting of a key; a setting's file is read once per process, for all of its trials."""
    setting = find_setting(key)
    return replace(setting, rephrasings=rephrasings) if rephrasings else setting
