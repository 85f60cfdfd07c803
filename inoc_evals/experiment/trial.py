"""One model of an experiment, and how it is measured: what every engine takes, runs and hands back.

    trial.name                          # "spanish-inoc-0"
    trial.folder                        # "toy-spanish-caps/toy/spanish-inoc-0", under logs

A trial says everything that a worker on another machine needs to know. Trials share nothing but the first
stage of their setting, so any of them can be run anywhere, in any order, and again.
"""

import re
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

from pydantic import Field, field_validator

from inoc_evals.digests import fingerprint
from inoc_evals.runs.spec import FinetuneSpec, Strict
from inoc_evals.settings import Measure, Setting
from inoc_evals.settings import setting as find_setting

BASE = "base"
"""Name of the model before finetuning, beside the arms."""


class Evaluation(Strict):
    """How models are measured, beside what a setting says.

    Attributes:
        grader: Models that judge, where a task needs a judge; several are a panel.
        epochs: Answers a question, instead of each task's own number.
        limit: Questions of each task, the first ones; under all its conditions, where it has some.
        parameters: Parameters of tasks by their name, over the setting's own; `"*"` is every task that has
            such a parameter.
        max_connections: Requests at a time to a model that answers elsewhere.
        model_args: What the model's provider takes, e.g. `{"engine": "vllm"}` for `inoc/`.
    """

    title = "evaluate"

    grader: tuple[str, ...] = ()
    epochs: int | None = Field(default=None, ge=1)
    limit: int | None = Field(default=None, ge=1)
    parameters: dict[str, dict[str, Any]] = Field(default_factory=dict)
    max_connections: int | None = Field(default=None, ge=1)
    model_args: dict[str, Any] = Field(default_factory=dict)

    @field_validator("grader", mode="before")
    @classmethod
    def _one_or_several(cls, grader: Any) -> Any:
        return [g.strip() for g in grader.split(",") if g.strip()] if isinstance(grader, str) else grader


@dataclass(frozen=True)
class Trial:
    """One model to be made and measured.

    Attributes:
        setting: What finds the setting, see `settings.setting`.
        world: Key of the setting's rows, and the name of its question set.
        arm: Name of the arm; `BASE` is the model before finetuning.
        seed: Decides the rows, the finetune and the sampling of answers; None for the base.
        spec: The finetune; for the base, only its base and backend count.
        experiment: Name of the experiment.
        measures: Which of the setting's measures in that world, by their place.
        evaluation: How they are taken.
        family: What its run is called after: settings of one family share their models.
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

    def __hash__(self) -> int:
        return hash((self.setting, self.world, self.arm, self.seed, self.spec.base))

    @property
    def name(self) -> str:
        """Its name among the trials of one setting and base, e.g. `spanish-inoc-0`."""
        return self.arm if self.seed is None else f"{self.arm}-{self.seed}"

    @property
    def group(self) -> str:
        """What it shares with the trials that it is compared with: world, setting and base."""
        setting = self.setting.rpartition(":")[2].replace("_", "-")
        base = re.sub(r"[^A-Za-z0-9.-]+", "-", self.spec.base).strip("-.")[-60:]
        return f"{self.world}-{setting}/{base}"

    @property
    def folder(self) -> str:
        """Where its logs lie, under the folder of all logs."""
        return f"{self.group}/{self.name}"

    @property
    def run_name(self) -> str:
        """What its run is called; that of another setting of the family may be called the same, and be it."""
        family = (self.family or self.setting.rpartition(":")[2]).replace("_", "-")
        return f"{self.world}-{family}-{self.name}"

    @property
    def definition(self) -> Setting:
        """Its setting, as it is defined."""
        return _setting(self.setting)

    @property
    def measured(self) -> list[Measure]:
        """Its measures, with the evaluation's parameters over the setting's."""
        from inoc_evals.experiment.measure_tasks import with_parameters

        there = self.definition.measured(self.world)
        return [with_parameters(there[n], self.evaluation.parameters) for n in self.measures]

    @cached_property
    def declared(self) -> str:
        """A digest of what is asked for, that is known without a row of data: base, arm, prompt, finetune.

        Only a plan goes by it. What identifies a run are its bytes.
        """
        setting = self.definition
        arm = None if self.arm == BASE else setting.arm(self.arm)
        prompt = None
        if arm is not None and arm.inoculation is not None:
            prompt = [*arm.inoculation.texts, arm.inoculation.position, dict(arm.where)]
        asked = [self.family or setting.name, self.world, self.name, self.spec.digest, prompt]
        return fingerprint(asked)


@lru_cache
def _setting(key: str) -> Setting:
    """The setting of a key; that of a file is read once a process, however many trials it has."""
    return find_setting(key)
