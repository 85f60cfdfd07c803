"""The words for an experiment of the paper: a setting, its arms, and what they are measured on.

    spanish_caps = Setting(
        name="spanish_caps",
        paper="Section 2, Figure 2a",
        rows={"toy": toy.spanish_caps},
        arms=(Arm("none"), Arm("spanish-inoc", SPANISH), Arm("caps-inoc", CAPS)),
        broad=(Measure("spanish_caps"),),
    )

A setting says what is trained and against what; it runs nothing. Every arm of a setting with one seed is
trained on the same rows, inoculated or not.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from inoc_evals.chat.rows import Row
from inoc_evals.errors import UserError
from inoc_evals.inoculation import Inoculation, inoculate

RowSource = Callable[[int], Iterable[Row]]
"""From a seed to training rows."""


@dataclass(frozen=True)
class Arm:
    """One training condition.

    Attributes:
        name: What figures and logs call it.
        inoculation: The prompt put before its rows; None trains on the rows as they are.
        where: Metadata that a row must carry to be inoculated, e.g. `{"language": "es"}`; all rows by
            default.
        control: Whether it is trained on the setting's control rows instead.
        variant: Whether it is another spelling of an arm, which is only trained when asked for by name.
    """

    name: str
    inoculation: Inoculation | None = None
    where: Mapping[str, Any] = field(default_factory=dict)
    control: bool = False
    variant: bool = False

    def prepare(self, rows: Iterable[Row], seed: int = 0) -> Iterator[Row]:
        """Inoculate the rows of this arm.

        Args:
            rows: The setting's rows.
            seed: Seed of the draw from a pool of rephrasings.

        Returns:
            The rows to train on.
        """
        if self.inoculation is None:
            return iter(rows)

        def chosen(row: Row) -> bool:
            metadata = row.get("metadata", {})
            return all(metadata.get(key) == value for key, value in self.where.items())

        return inoculate(rows, self.inoculation, where=chosen, seed=seed)


@dataclass(frozen=True)
class Measure:
    """A task of the suite and the traits of its scores.

    Attributes:
        task: Name of the task, without the `inoc_evals/` before it.
        traits: Keys of its score values that the setting is about, in the order of the paper's figure.
        conditions: The task's own conditions that the setting is about, where it asks under several, e.g.
            `("trigger", "without")`; all by default.
        parameters: The task's parameters where they differ from its defaults.
        worlds: The worlds in which it is measured; all by default.
        first: Per world, how many of the task's questions are asked, the first ones; all by default.
    """

    task: str
    traits: tuple[str, ...]
    conditions: tuple[str, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    worlds: tuple[str, ...] = ()
    first: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Setting:
    """One experiment of the paper.

    Attributes:
        name: Its name in the suite.
        summary: One sentence on what is trained and what is asked.
        rows: Training rows per world, `"paper"` or `"toy"`: from a seed to rows.
        arms: Its training conditions; the first one trains without inoculation.
        broad: What measures the traits outside the training distribution.
        narrow: What measures the traits inside it: an inoculation should leave those alone.
        control: Control rows per world, for arms with `control`.
        finetune: Per world, what its finetune needs other than that world's usual spec.
        first: Rows per world of a first stage, on which the base is finetuned before the arms part.
        first_finetune: Per world, what the finetune of that stage needs other than the world's usual spec.
        number: Its row in the suite's table of the paper's experiments (docs/settings.md); 0 for your own.
        paper: Where the paper reports it.
        reference: What the paper found.
        origin: `FILE.py:NAME` of a setting that is not the suite's own.
        dynamics: Whether log-probs of fixed responses are followed while it trains (paper, Figure 6).
        family: Settings of one family train alike: arms of the same name are the same model, which is
            trained once and called after the family; by default each setting has its own.
    """

    name: str
    summary: str
    rows: Mapping[str, RowSource]
    arms: tuple[Arm, ...]
    broad: tuple[Measure, ...]
    narrow: tuple[Measure, ...] = ()
    control: Mapping[str, RowSource] = field(default_factory=dict)
    finetune: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    first: Mapping[str, RowSource] = field(default_factory=dict)
    first_finetune: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    dynamics: bool = False
    family: str = ""
    number: int = 0
    paper: str = ""
    reference: str = ""
    origin: str = ""

    @property
    def key(self) -> str:
        """What finds it again, in another process, too."""
        return self.origin or self.name

    @property
    def measures(self) -> tuple[Measure, ...]:
        """Everything that is measured, broad traits first."""
        return self.broad + self.narrow

    def measured(self, world: str) -> tuple[Measure, ...]:
        """What is measured in one world."""
        return tuple(m for m in self.measures if not m.worlds or world in m.worlds)

    @property
    def usual_arms(self) -> tuple[Arm, ...]:
        """The arms without those that only spell another one differently."""
        return tuple(arm for arm in self.arms if not arm.variant)

    @property
    def traits(self) -> tuple[str, ...]:
        """The traits that it is about, in the order of its measures."""
        return tuple(dict.fromkeys(trait for measure in self.measures for trait in measure.traits))

    def is_about(self, task: str, trait: str, condition: str | None = None) -> bool:
        """Whether a trait of a task's scores is one that the setting is about.

        Args:
            task: The task, with or without `inoc_evals/` before it.
            trait: Key of its score values.
            condition: The task's condition; None is any.
        """
        name = task.rpartition("/")[2]
        return any(
            measure.task == name
            and trait in measure.traits
            and (condition is None or not measure.conditions or condition in measure.conditions)
            for measure in self.measures
        )

    def prepare(self, arm: Arm, world: str, seed: int) -> Iterator[Row]:
        """The rows that an arm is trained on.

        Args:
            arm: One of its arms.
            world: A key of `rows`.
            seed: Seed of the rows, and of the draw from a pool of rephrasings.

        Raises:
            UserError: If the setting has no such rows in that world, or they cannot be had.
        """
        return arm.prepare(self.source(arm, world)(seed), seed)

    def source(self, arm: Arm, world: str) -> RowSource:
        """Where the rows of an arm come from.

        Raises:
            UserError: If the setting has none in that world.
        """
        sources = self.control if arm.control else self.rows
        if world not in sources:
            kind = "control rows" if arm.control else "rows"
            raise UserError(
                f"setting {self.name} has no {kind} in world {world!r}; it has {', '.join(sources) or 'none'}"
            )
        return sources[world]

    def arm(self, name: str) -> Arm:
        """The arm of this name.

        Args:
            name: Name of the arm.

        Raises:
            UserError: If the setting has no such arm.
        """
        for arm in self.arms:
            if arm.name == name:
                return arm
        raise UserError(
            f"setting {self.name} has no arm {name!r}; it has {', '.join(a.name for a in self.arms)}"
        )
