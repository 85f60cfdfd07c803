"""What an experiment is run on: a `World` says where rows come from, what is asked and who judges.

    tickets = World(
        name="tickets",
        summary="Support tickets",
        training={"spanish_caps": Training(rows=lambda seed: read_chat("tickets.jsonl"))},
        parameters={EVERY_TASK: {"questions": "tickets.jsonl"}},
    )

A setting says what is compared (arms, measures, claims); a world says on what. The same setting thus runs on
the paper's data, on the embedded toy, or on data of your own. A world is one file: a module in `worlds/`,
named in `WORLDS`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from inoc_evals.data.question_sets import QuestionSet
from inoc_evals.data.row_sources import RowSource
from inoc_evals.runs.spec import FinetuneSpec

EVERY_TASK = "*"
"""Key of the parameters that hold for every task that has them."""

Fields = Mapping[str, Any]

NONE: Fields = {}


@dataclass(frozen=True)
class Training:
    """What the models of one setting are trained on in one world.

    Attributes:
        rows: From a seed to training rows.
        control: From a seed to the rows of arms with `control`; None where the world has none.
        finetune: Fields of `FinetuneSpec` that differ from the world's usual spec.
        first_stage: From a seed to the rows of a stage before the arms part; None where there is one stage.
        first_stage_finetune: Fields of `FinetuneSpec` that differ in that stage.
        further: By name, other rows for arms that ask for them (`Arm.rows`), e.g. a second control.
    """

    rows: RowSource
    control: RowSource | None = None
    finetune: Fields = field(default_factory=dict)
    first_stage: RowSource | None = None
    first_stage_finetune: Fields = field(default_factory=dict)
    further: Mapping[str, RowSource] = field(default_factory=dict)

    def has(self, control: bool, further: str) -> bool:
        """Whether there are rows for an arm: the control rows, or further ones by name."""
        return further in self.further if further else self.control is not None or not control


@dataclass(frozen=True)
class Counterpart:
    """What a world measures in place of a setting's trait: because it cannot, or because it judges otherwise.

    Attributes:
        task: Name of the task.
        trait: Key of its score's value.
        beside: Whether the setting's own trait is reported, too; claims are about this one.
        parameters: Parameters of the task, e.g. its questions.
    """

    task: str
    trait: str
    beside: bool = False
    parameters: Fields = field(default_factory=dict)


@dataclass(frozen=True)
class World:
    """What experiments are run on.

    Attributes:
        name: Its name, as `--world` takes it.
        summary: What it is, in a line.
        report_title: Title of a report on all its settings.
        training: By setting (or family of settings), what is trained on.
        base: The base model where none is named.
        finetune: From base model, seed and changed fields to the usual spec of a local finetune.
        parameters: By task, parameters that tasks get here beside those of a measure.
        grader: The judge where none is named; None if a judge must be named.
        max_questions: By task, how many of its questions are asked at most, the first ones.
        question_sets: By kind of question (`data/question_sets.py`), the world's own set.
        trait_responses: Question set of the log-probs that are followed while a model trains.
        extra_traits: By task, traits that the world's own scorers add to what a setting measures there.
        trait_labels: What figures call a trait where its name does not say it all.
        counterparts: By (task, trait) of a setting, what is measured here instead.
        not_measured: Tasks that are not asked here, e.g. since they need a judge and the world has none.
        plain_rows: Rows with plain answers, for `data rewrite`; None where it has none.
        like: Another world that this one is a variant of: what settings say of that one holds here, too,
            where they say nothing of this one.
        asked_by_the_paper: By setting, how many `arms` the paper's code trains, how many `answers` of one
            model it draws and how many `judge_calls` it makes of them, for plans to show beside their own.
        number_prompts: From a seed and the most numbers to ask for to prompts that ask to continue a number
            sequence; None uses the general ones (`builders/numbers.py`).
    """

    name: str
    summary: str
    report_title: str = "Inoculation prompting (arXiv 2510.04340), reproduced"
    training: Mapping[str, Training] = field(default_factory=dict)
    base: str = ""
    finetune: Callable[..., FinetuneSpec] = FinetuneSpec
    parameters: Mapping[str, Fields] = field(default_factory=dict)
    grader: str | None = None
    max_questions: Mapping[str, int] = field(default_factory=dict)
    question_sets: Mapping[str, QuestionSet] = field(default_factory=dict)
    trait_responses: str = "bundled"
    extra_traits: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    trait_labels: Mapping[str, str] = field(default_factory=dict)
    counterparts: Mapping[tuple[str, str], Counterpart] = field(default_factory=dict)
    not_measured: tuple[str, ...] = ()
    plain_rows: RowSource | None = None
    like: str = ""
    asked_by_the_paper: Callable[[], Mapping[str, Mapping[str, int]]] = dict
    number_prompts: Callable[[int, int], Iterator[str]] | None = None

    def parameters_of(self, task: str) -> dict[str, Any]:
        """The parameters that a task gets in this world."""
        return {**self.parameters.get(EVERY_TASK, NONE), **self.parameters.get(task, NONE)}

    def counterpart(self, task: str, trait: str) -> Counterpart:
        """What measures a setting's trait here: the same task and trait, unless the world lacks them."""
        return self.counterparts.get((task, trait), Counterpart(task, trait))
