"""Controls against conditionalization: arms that any setting gets on request, made of its first inoculation.

    arms, notes = controls(setting("spanish_caps"), "toy")
    [arm.name for arm in arms]       # irrelevant, close-1, close-2, ..., diverse-8, clean-rows
    setting("spanish_caps").arm("diverse-4", "toy")                       # one of them, by name

    inoc-evals run --setting spanish_caps --controls

A model trained under one fixed prompt may learn its traits only under that prompt, whatever the prompt says:
then any prompt would "inoculate". These arms tell the two apart (docs/controls.md). `irrelevant` is a fixed
prompt that asks for something else. `close-K` and `diverse-K` deal out K rephrasings of the inoculation.
`clean-rows` are rows without the trait under the inoculation itself. Where a setting has an arm of such a
name of its own, that arm is used.
"""

import re
from dataclasses import replace
from typing import Protocol

from inoc_evals.data import rephrasings
from inoc_evals.errors import UserError
from inoc_evals.inoculation import Inoculation
from inoc_evals.plurals import many
from inoc_evals.settings.arm import Arm
from inoc_evals.settings.prompts import IRRELEVANT
from inoc_evals.worlds import Training

SIZES = (1, 2, 4, 8)
"""Sizes of the pools that are trained where none is named."""

CLEAN = "clean-rows"
"""Name of the arm of clean rows under the inoculation."""

CLEAN_ROWS = "clean"
"""Name of a world's rows without the trait (`Training.further`); without them, they are its control rows."""

_POOL = re.compile(rf"({'|'.join(rephrasings.KINDS)})-([1-9][0-9]*)")


class Controlled(Protocol):
    """What controls are made of: a setting, which stands above this file and knows its controls by name."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def arms(self) -> tuple[Arm, ...]:
        """The arms that it declares."""

    @property
    def rephrasings(self) -> str:
        """File of rephrasings; empty: the suite's own."""

    def usual_arms(self, world: str) -> tuple[Arm, ...]:
        """The arms that are trained in a world unless others are named."""

    def training(self, world: str) -> Training:
        """Its rows in a world."""

    def arm(self, name: str, world: str = "") -> Arm:
        """The arm of a name: one that it declares, or a control."""


def inoculated(setting: Controlled, world: str = "") -> Arm | None:
    """The arm whose prompt the controls are made of: the first that is inoculated with one prompt.

    Args:
        setting: The setting.
        world: The world whose prompt it has; empty for the arm as it is declared.
    """
    arms = setting.usual_arms(world) if world else setting.arms
    for arm in arms:
        if arm.inoculation and arm.name != IRRELEVANT.name and not (arm.control or arm.rows or arm.variant):
            return arm
    return None


def pool_of(name: str) -> tuple[str, int] | None:
    """Kind and size of the pool that an arm's name stands for; None if it names no pool."""
    found = _POOL.fullmatch(name)
    return (found[1], int(found[2])) if found else None


def is_control(name: str) -> bool:
    """Whether an arm of this name is made on request, for a setting that has none of its own."""
    return pool_of(name) is not None or name in (IRRELEVANT.name, CLEAN)


def pool(prompt: Inoculation, kind: str, size: int, file: str = "") -> Inoculation:
    """An inoculation with the first so many rephrasings of a prompt, of which every row draws one.

    Args:
        prompt: The inoculation; its position and way of dealing are kept.
        kind: `close` or `diverse`.
        size: How many rephrasings. Smaller pools are part of larger ones.
        file: File of rephrasings; empty: the suite's own.

    Raises:
        UserError: If there are no rephrasings of this prompt, or not so many.
    """
    texts = prompt.texts
    found = rephrasings.read(file) if file else rephrasings.bundled(texts[0])
    name = f"{kind}-{size}"
    if found is None:
        raise UserError(f"no rephrasings of {texts[0]!r:.80} come with the suite: give --rephrasings FILE")
    if size > len(of_kind := found.get(kind, ())):
        where = file or "the suite"
        raise UserError(f"{name}: {where} has {many(len(of_kind), f'{kind} rephrasing')} of {texts[0]!r:.80}")
    return Inoculation(name, pool=of_kind[:size], position=prompt.position, deal=prompt.deal)


def control(setting: Controlled, name: str, world: str = "") -> Arm | None:
    """The control arm of a name.

    Args:
        setting: The setting, which has no arm of this name itself.
        name: `irrelevant`, `close-K`, `diverse-K` or `clean-rows`.
        world: The world; empty for any.

    Returns:
        The arm; None if a control has no such name.

    Raises:
        UserError: If the setting cannot have this control, with the reason.
    """
    if not is_control(name):
        return None
    kind_and_size = pool_of(name)
    arm = inoculated(setting, world)
    if arm is None or arm.inoculation is None:
        raise UserError(f"setting {setting.name} has no inoculated arm to make the control {name} of")
    asked = arm.inoculation
    if kind_and_size is not None:
        return replace(arm, name=name, inoculation=pool(asked, *kind_and_size, setting.rephrasings))
    if name == IRRELEVANT.name:
        return replace(arm, name=name, inoculation=replace(IRRELEVANT, position=asked.position))
    training = setting.training(world) if world else None
    if training is None or training.has(control=False, further=CLEAN_ROWS):
        return replace(arm, name=name, where={}, rows=CLEAN_ROWS)
    if training.control is not None:
        return replace(arm, name=name, where={}, control=True)
    raise UserError(f"world {world!r} has no rows without its trait")


def controls(setting: Controlled, world: str) -> tuple[tuple[Arm, ...], tuple[str, ...]]:
    """All controls of a setting.

    Args:
        setting: The setting.
        world: The world.

    Returns:
        The arms, in order, the setting's own among them where it has them; and a line for every control that
        it cannot have.

    Raises:
        UserError: If the setting's file of rephrasings cannot be read.
    """
    if inoculated(setting, world) is None:
        return (), (f"setting {setting.name} has no inoculated arm: no controls",)
    if setting.rephrasings:
        rephrasings.read(setting.rephrasings)
    pools = [[f"{kind}-{size}" for size in SIZES] for kind in rephrasings.KINDS]
    arms: list[Arm] = []
    notes: dict[str, None] = {}
    for names in ([IRRELEVANT.name], *pools, [CLEAN]):
        try:
            for name in names:
                arms.append(setting.arm(name, world))
        except UserError as error:
            notes[f"controls {', '.join(names)} of {setting.name} are left out: {error.message}"] = None
    return tuple(arms), tuple(notes)
