"""The data types that define an experiment of the paper: a setting and its measures (its arms: `arm.py`).

    spanish_caps = Setting(
        name="spanish_caps",
        paper="Section 2, Figure 2a",
        rows={"mine": lambda seed: read_chat("my_rows.jsonl")},
        arms=(Arm("none"), Arm("spanish-inoc", SPANISH), Arm("caps-inoc", CAPS)),
        broad=(Measure("spanish_caps", traits=("spanish", "caps")),),
        unwanted=("spanish",),
        wanted=("caps",),
        claims=(falls("spanish-inoc", "spanish", "Asking for Spanish in training keeps Spanish out"),),
    )

A setting defines what is compared; it runs nothing. Its training rows come from a world (`worlds/`), or from
its own field `rows`. For one seed, every arm of a setting is trained on the same rows, inoculated or not.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from inoc_evals.chat.rows import Row
from inoc_evals.data.row_sources import RowSource
from inoc_evals.errors import UserError
from inoc_evals.notebooks import html_table
from inoc_evals.settings.arm import Arm
from inoc_evals.settings.checks import (
    checked_counts,
    checked_known,
    checked_mapping,
    checked_name,
    checked_parts,
    checked_sources,
    checked_texts,
    made,
)
from inoc_evals.settings.claim import Claim, Side
from inoc_evals.settings.controls import control, is_control
from inoc_evals.worlds import WORLDS, Training, kinds_of

NOT_IN_THE_PAPER = "not in the paper"
"""In place of a section of the paper, for what its authors released and reported nothing of."""

SUITE = "inoc_evals/"
"""What Inspect puts before the names of the suite's tasks."""


@dataclass(frozen=True)
class Measure:
    """A task and the traits of its scores.

    Attributes:
        task: Name of the suite's task, or `PACKAGE/NAME` of a task that another installed package registers
            with Inspect.
        traits: Keys of its score values that the setting is about, in the order of the paper's figure.
        conditions: Which of the task's own conditions the setting is about, if it has several, e.g.
            `("trigger", "without")`; all by default.
        parameters: Task parameters that differ from their defaults.
        max_questions: By world, the maximal number of the task's questions, the first ones; by default the
            world's own limit.
        worlds: The worlds that have this measure, e.g. `("paper",)`; by default every one.
        in_world: By world, parameters that differ there.
        own_prompts: Worlds in which `elicitation` also asks under the prompts that the setting's own arms
            were trained with; `leak` does so in every world.
    """

    task: str
    traits: tuple[str, ...]
    conditions: tuple[str, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    max_questions: Mapping[str, int] = field(default_factory=dict)
    worlds: tuple[str, ...] = ()
    in_world: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    own_prompts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.task, str) or not self.task:
            raise UserError(f"measure {self.task!r:.80}: its first field is the name of a task, in quotes")
        object.__setattr__(self, "task", self.task.removeprefix(SUITE))
        whose = f"measure {self.task}"
        for name in ("traits", "conditions", "worlds", "own_prompts"):
            object.__setattr__(self, name, checked_texts(whose, name, getattr(self, name)))
        checked_mapping(whose, "parameters", self.parameters, '{"questions": "bundled"}')
        checked_mapping(whose, "in_world", self.in_world, '{"toy": {"questions": "bundled"}}')
        for world, parameters in self.in_world.items():
            checked_mapping(whose, f"in_world of world {world!r}", parameters, '{"questions": "bundled"}')
        checked_counts(whose, "max_questions", self.max_questions)

    @property
    def short(self) -> str:
        """The task's name as tables have it, without its package."""
        return self.task.rpartition("/")[2]

    @property
    def full(self) -> str:
        """The task's name as Inspect has it, with its package."""
        return self.task if "/" in self.task else f"{SUITE}{self.task}"

    @property
    def questions(self) -> str:
        """The question set that it names; empty where the world or the task decides."""
        return str(self.parameters.get("questions", ""))

    @property
    def asked(self) -> str:
        """The task whose questions are asked: for `leak` the one that it asks under its prompts."""
        return str(self.parameters.get("task", self.task)) if self.task == "leak" else self.task

    def is_in(self, world: str) -> bool:
        """Whether it is measured in a world."""
        return not self.worlds or bool(set(kinds_of(world)) & set(self.worlds))


class Aims(NamedTuple):
    """What an arm is to do.

    Attributes:
        unwanted: What it is to keep out.
        wanted: What it is to leave in; empty if nothing wanted is measured.
    """

    unwanted: tuple[Side, ...]
    wanted: tuple[Side, ...]


@dataclass(frozen=True)
class Setting:
    """One experiment of the paper.

    Attributes:
        name: Its name in the suite.
        summary: One sentence: what the models are trained on and how they are tested.
        arms: Its training conditions; the first one trains without inoculation.
        broad: Measures of traits outside the training distribution.
        narrow: Measures of traits inside it, which an inoculation should leave unchanged.
        rows: By world, the setting's own training rows, as a function from a seed to rows. In other worlds it
            uses the rows that the world lists for it or for its family.
        control: By world of `rows`, control rows for arms with `control`.
        finetune: By world of `rows`, fields of the finetune other than that world's usual spec.
        first_stage: By world of `rows`, rows of a first stage: the base is finetuned on them first, and every
            arm continues from there.
        first_stage_finetune: By world of `rows`, fields of that stage's finetune.
        number: Its row in the suite's table of the paper's experiments (docs/settings.md); 0 for your own,
            and for those that the paper reports nothing of, which `--setting all` leaves out.
        title: What figures and reports call it, e.g. `Spanish answers in capitals`.
        claims: Claims about its results, written before there were any (`settings/claim.py`).
        paper: Where the paper reports it.
        reference: The paper's result.
        origin: `FILE.py:NAME`, for a setting that was loaded from a file.
        dynamics: Whether log-probs of fixed responses are recorded during training (paper, Figure 6).
        family: Settings of one family share models: arms of the same name are one model, which is trained
            once and named after the family; by default each setting has its own.
        rephrasings: File of rephrasings for its controls (`settings/controls.py`); empty: the suite's own.
        unwanted: The traits that its inoculations are to keep out, with the task's condition if they have
            one, e.g. `misaligned | trigger`; an arm may say otherwise (`Arm.unwanted`). None where nobody
            has declared it.
        wanted: The traits that the rows teach beside them and that should stay; empty if none is measured.
            None where nobody has declared it.
    """

    name: str
    summary: str
    arms: tuple[Arm, ...]
    broad: tuple[Measure, ...]
    narrow: tuple[Measure, ...] = ()
    rows: Mapping[str, RowSource] = field(default_factory=dict)
    control: Mapping[str, RowSource] = field(default_factory=dict)
    finetune: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    first_stage: Mapping[str, RowSource] = field(default_factory=dict)
    first_stage_finetune: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    dynamics: bool = False
    family: str = ""
    number: int = 0
    title: str = ""
    claims: tuple[Claim, ...] = ()
    paper: str = ""
    reference: str = ""
    origin: str = ""
    rephrasings: str = ""
    unwanted: tuple[str, ...] | None = None
    wanted: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        self._check()
        claims = [
            replace(
                c,
                setting=self.name,
                paper=c.paper or c.source or self.paper,
                left=self._asked(c.left),
                right=self._asked(c.right),
            )
            for c in self.claims
        ]
        object.__setattr__(self, "claims", tuple(claims))
        object.__setattr__(self, "title", self.title or self.name.replace("_", " ").capitalize())
        self._check_names()

    def _check(self) -> None:
        """Refuse fields that hold something else than they should."""
        checked_name("setting", self.name)
        whose = f"setting {self.name}"
        if self.family:
            checked_name(f"{whose}: family", self.family)
        for name in ("rows", "control", "first_stage"):
            checked_sources(whose, name, getattr(self, name))
        for name in ("finetune", "first_stage_finetune"):
            checked_mapping(whose, name, getattr(self, name), '{"toy": {"max_steps": 64}}')
            for world, fields in getattr(self, name).items():
                checked_mapping(whose, f"{name} of world {world!r}", fields, '{"max_steps": 64}')
        for name, kind in (("arms", Arm), ("broad", Measure), ("narrow", Measure), ("claims", Claim)):
            object.__setattr__(self, name, checked_parts(whose, name, getattr(self, name), kind))
        for name in ("unwanted", "wanted"):
            if (given := getattr(self, name)) is not None:
                object.__setattr__(self, name, checked_texts(whose, name, given))
        for several, names in (
            ("arms", [arm.name for arm in self.arms]),
            ("claims", [claim.name for claim in self.claims]),
        ):
            if twice := [name for name in names if names.count(name) > 1]:
                raise UserError(f"{whose}: two {several} are named {twice[0]!r}: only one would be shown")
        names = [arm.name for arm in self.arms]
        folded = [name.casefold() for name in names]
        if alike := [name for name in names if folded.count(name.casefold()) > 1]:
            raise UserError(
                f"{whose}: arms {alike[0]!r} and {alike[1]!r} differ in capitals alone: on some disks the "
                "runs of both would have one folder"
            )

    def _check_names(self) -> None:
        """Refuse worlds and arms that there are not, and arms that no world has rows for."""
        whose = f"setting {self.name}"
        worlds = [*self.rows, *WORLDS]
        for arm in self.arms:
            checked_known(f"{whose}, arm {arm.name}", "world", [*arm.worlds, *arm.in_world], worlds)
        for one in self.measures:
            named = [*one.worlds, *one.in_world, *one.own_prompts, *one.max_questions]
            checked_known(f"{whose}, measure {one.task}", "world", named, worlds)
        for field_name in ("control", "finetune", "first_stage", "first_stage_finetune"):
            checked_known(
                f"{whose}, {field_name}: among its rows", "world", getattr(self, field_name), self.rows
            )
        trainings = [self.training(world) for world in self.worlds]
        for arm in self.arms:
            if trainings and not any(one.has(arm.control, arm.rows) for one in trainings):
                kind = f"rows named {arm.rows!r}" if arm.rows else "control rows: give control= by world"
                raise UserError(f"{whose}, arm {arm.name}: no world has {kind}")
        arms = ["base", *(arm.name for arm in self.arms)]
        for claim in self.claims:
            named = [side.arm for side in (claim.left, claim.right) if not is_control(side.arm)]
            checked_known(f"{whose}, claim {claim.name!r:.80}", "arm", named, arms)

    def _repr_html_(self) -> str:
        """What a notebook shows of it."""
        arms = (
            f"{arm.name}: {' | '.join(arm.inoculation.listed) if arm.inoculation else '-'}"
            for arm in self.arms
        )
        return html_table(
            self.name,
            {
                **{"what": self.summary, "paper": self.paper, "worlds": ", ".join(self.worlds)},
                "arms and their prompts": list(arms),
                "tasks": list(dict.fromkeys(measure.full for measure in self.measures)),
                "claims": [claim.said for claim in self.claims],
            },
        )

    @property
    def key(self) -> str:
        """The name by which `settings.setting` finds it, also in another process."""
        return self.origin or self.name

    @property
    def measures(self) -> tuple[Measure, ...]:
        """All measures, the broad ones first."""
        return self.broad + self.narrow

    @property
    def worlds(self) -> tuple[str, ...]:
        """Names of the worlds in which it has rows."""
        shared = [
            name
            for name, one in WORLDS.items()
            if self.name in one.training
            or self.family in one.training
            or set(kinds_of(name)) & set(self.rows)
        ]
        return tuple(dict.fromkeys([*self.rows, *shared]))

    def arms_in(self, world: str) -> tuple[Arm, ...]:
        """The arms that a world has, and has rows for, each with its prompt there."""
        arms = [arm.in_(world) for arm in self.arms]
        training = self.training(world)
        return tuple(arm for arm in arms if arm is not None and training.has(arm.control, arm.rows))

    def training(self, world: str) -> Training:
        """What its models are trained on in a world: its own rows, or the world's.

        Args:
            world: Name of the world.

        Raises:
            UserError: If it has no rows in that world.
        """
        for kind in kinds_of(world):
            if kind in self.rows:
                return Training(
                    rows=self.rows[kind],
                    control=self.control.get(kind),
                    finetune=self.finetune.get(kind, {}),
                    first_stage=self.first_stage.get(kind),
                    first_stage_finetune=self.first_stage_finetune.get(kind, {}),
                )
        for name in (self.name, self.family):
            if world in WORLDS and name in WORLDS[world].training:
                return WORLDS[world].training[name]
        has = ", ".join(self.worlds) or "none"
        raise UserError(f"setting {self.name} has no rows in world {world!r}; it has {has}")

    def measured(self, world: str) -> tuple[Measure, ...]:
        """The measures that a world has; a trait that it cannot measure is replaced by its counterpart."""
        narrow = [one for measure in self.narrow for one in _in_world(measure, world)]
        return (*self.broad_in(world), *narrow)

    def broad_in(self, world: str) -> tuple[Measure, ...]:
        """The broad ones among `measured`; they come first."""
        return tuple(one for measure in self.broad for one in _in_world(measure, world))

    def usual_arms(self, world: str) -> tuple[Arm, ...]:
        """The arms of a world without those that are trained only when requested by name."""
        return tuple(arm for arm in self.arms_in(world) if not arm.variant)

    @property
    def traits(self) -> tuple[str, ...]:
        """Its traits in any world, in the order of its measures."""
        return tuple(dict.fromkeys(trait for one in self.measures_anywhere for trait in one.traits))

    @property
    def measures_anywhere(self) -> tuple[Measure, ...]:
        """Its measures as they are in each of the worlds."""
        return tuple(one for measure in self.measures for one in forms(measure))

    def is_about(self, task: str, trait: str, condition: str | None = None) -> bool:
        """Whether a trait of a task's scores is one that the setting is about.

        Args:
            task: The task, with or without `inoc_evals/` before it.
            trait: Key of its score values.
            condition: The task's condition; None is any.
        """
        name = task.rpartition("/")[2]
        return any(
            one.short == name
            and trait in one.traits
            and (condition is None or not one.conditions or condition in one.conditions)
            for one in self.measures_anywhere
        )

    def own_prompts(self, world: str) -> dict[str, str]:
        """The system prompts that its usual arms are trained with in a world, by arm; pools are left out."""
        asked = {arm.name: arm.inoculation for arm in self.usual_arms(world) if arm.inoculation}
        return {
            name: one.texts[0]
            for name, one in asked.items()
            if len(one.texts) == 1 and one.position == "system"
        }

    def aims(self, arm: str = "") -> "Aims | None":
        """What an arm is to keep out, and what it is to leave in.

        Args:
            arm: One of its arms; any other name stands for an arm that says nothing of its own.

        Returns:
            The sides whose rates say so; None if the setting does not declare what is wanted.
        """
        if self.unwanted is None or self.wanted is None:
            return None
        own = next((one.unwanted for one in self.arms if one.name == arm), ())
        unwanted, every = own or self.unwanted, (*self.unwanted, *self.wanted)
        wanted = tuple(trait for trait in every if trait not in own) if own else self.wanted
        return Aims(*(tuple(self._side(arm, name) for name in names) for names in (unwanted, wanted)))

    def _side(self, arm: str, name: str) -> Side:
        """The side of an arm whose name in output is this one."""
        trait, _, condition = name.partition(" | ")
        return self._asked(Side(arm, trait, condition))

    def _asked(self, side: Side) -> Side:
        """A side of a claim, with the question sets that it is not about.

        Where two measures score one trait and only one of them names its question set, a claim that names
        none is about the other.
        """
        if side.questions:
            return side
        scoring = [m for m in self.measures if side.trait in m.traits and side.task in ("", m.task, m.short)]
        if all(measure.questions for measure in scoring):
            return side
        named = dict.fromkeys(measure.questions for measure in scoring if measure.questions)
        return replace(side, other_questions=tuple(named))

    def prepare(self, arm: Arm, world: str, seed: int) -> Iterator[Row]:
        """The rows that an arm is trained on.

        Args:
            arm: One of its arms.
            world: Name of a world.
            seed: Seed of the rows, and of the draw from a pool of rephrasings.

        Raises:
            UserError: If the setting has no such rows in that world, or they cannot be fetched.
        """
        return arm.prepare(self.drawn(arm, world, seed), seed)

    def drawn(self, arm: Arm, world: str, seed: int) -> Iterator[Row]:
        """The rows of an arm before any prompt is put before them; arguments and errors as of `prepare`."""
        return self.made(self.source(arm, world), world, seed)

    def made(self, source: RowSource, world: str, seed: int) -> Iterator[Row]:
        """The rows of a source of this setting, those of its own functions checked.

        Args:
            source: One of the sources of its training in that world.
            world: Name of the world.
            seed: Seed of the rows.

        Raises:
            UserError: If a function of its own gives what is no row, or raises.
        """
        if not self.has_own_rows(world):
            return iter(source(seed))
        return made(source, seed, f"setting {self.name}, rows of world {world!r}")

    def has_own_rows(self, world: str) -> bool:
        """Whether its rows in a world are its own, and not the world's."""
        return any(kind in self.rows for kind in kinds_of(world))

    def source(self, arm: Arm, world: str) -> RowSource:
        """Where the rows of an arm come from.

        Raises:
            UserError: If the setting has none in that world.
        """
        training = self.training(world)
        if arm.rows:
            if arm.rows not in training.further:
                has = ", ".join(name for name in self.worlds if arm.rows in self.training(name).further)
                raise UserError(
                    f"setting {self.name} has no rows {arm.rows!r} in world {world!r}; it has {has or 'none'}"
                )
            return training.further[arm.rows]
        if not arm.control:
            return training.rows
        if training.control is None:
            has = ", ".join(name for name in self.worlds if self.training(name).control) or "none"
            raise UserError(f"setting {self.name} has no control rows in world {world!r}; it has {has}")
        return training.control

    def arm(self, name: str, world: str = "") -> Arm:
        """The arm of this name: one that it declares, or a control (`settings/controls.py`).

        Args:
            name: Name of the arm.
            world: The world whose prompt it gets; empty for the arm as it is declared.

        Raises:
            UserError: If the setting has no such arm, or not in this world.
        """
        for arm in self.arms:
            if arm.name == name:
                if not world:
                    return arm
                if (there := arm.in_(world)) is not None:
                    return there
                has = ", ".join(arm.worlds)
                raise UserError(f"setting {self.name}: arm {name} exists in world {has}, not in {world!r}")
        if (made := control(self, name, world)) is not None:
            return made
        raise UserError(
            f"setting {self.name} has no arm {name!r}; it has {', '.join(a.name for a in self.arms)}"
        )


def forms(measure: Measure) -> tuple[Measure, ...]:
    """A measure as it is in each of the worlds; what stands for its traits there comes first."""
    return tuple(one for world in WORLDS for one in _in_world(measure, world))


def _in_world(measure: Measure, world: str) -> tuple[Measure, ...]:
    """A measure as it is in a world, with the traits that the world's own scorers add; none if it is not."""
    if not measure.is_in(world):
        return ()
    own = next((measure.in_world[kind] for kind in kinds_of(world) if kind in measure.in_world), {})
    measure = replace(measure, parameters={**measure.parameters, **own}, in_world={})
    if world not in WORLDS:
        return (measure,)
    definition = WORLDS[world]
    if measure.asked in definition.not_measured:
        return ()
    counterparts = [definition.counterpart(measure.asked, trait) for trait in measure.traits]
    task = counterparts[0].task if counterparts else measure.asked
    if counterparts and counterparts[0].parameters:
        measure = replace(measure, parameters={**measure.parameters, **counterparts[0].parameters})
    traits = [one.trait for one in counterparts]
    traits += [trait for trait, one in zip(measure.traits, counterparts, strict=True) if one.beside]
    if task == measure.asked:  # a counterpart stands for one trait alone
        traits += [trait for trait in definition.extra_traits.get(task, ()) if trait not in traits]
    if measure.asked != measure.task:
        return (replace(measure, parameters={**measure.parameters, "task": task}, traits=tuple(traits)),)
    return (replace(measure, task=task, traits=tuple(traits)),)
