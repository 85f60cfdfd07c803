"""What an experiment is run on: the embedded `toy`'s own world, the `paper`'s, `smollm` for small models.

    world("toy").training["spanish_caps"].rows(0)        # the training rows of seed 0
    world_of("toy").name                                 # the world that a base model belongs to
    spec_for("toy", seed=1)                              # how a base is usually finetuned

A new world is a module here and its name in `WORLDS` (docs/architecture.md). Importing this registers the
worlds' question sets, so that `-T questions=toy` works wherever a set can be named.
"""

from typing import Any

from inoc_evals.data import question_sets
from inoc_evals.errors import UserError
from inoc_evals.runs.spec import FinetuneSpec
from inoc_evals.worlds.paper import PAPER, PAPER_CODE
from inoc_evals.worlds.smollm.world import SMOLLM
from inoc_evals.worlds.toy.world import TOY, toy_spec
from inoc_evals.worlds.world import EVERY_TASK, Counterpart, Training, World

__all__ = [
    "EMBEDDED",
    "EVERY_TASK",
    "WORLDS",
    "Counterpart",
    "Training",
    "World",
    "kinds_of",
    "spec_for",
    "toy_spec",
    "world",
    "world_of",
]

WORLDS: dict[str, World] = {each.name: each for each in (PAPER, PAPER_CODE, TOY, SMOLLM)}
"""Every world by name."""

EMBEDDED = TOY
"""The world that runs on any machine: its model and judge come with the package. The demo uses it."""

for _world in WORLDS.values():
    for _kind, _set in _world.question_sets.items():
        question_sets.add_of_world(_kind, _set)


def world(name: str) -> World:
    """Look a world up.

    Raises:
        UserError: If the name is unknown.
    """
    if name not in WORLDS:
        raise UserError(f"unknown world {name!r}: use {' or '.join(WORLDS)}")
    return WORLDS[name]


def kinds_of(name: str) -> tuple[str, ...]:
    """A world and the one that it is a variant of, in the order in which settings are looked up for it.

    Args:
        name: Name of a world; one that is not registered stands for itself.
    """
    like = WORLDS[name].like if name in WORLDS else ""
    return (name, like) if like else (name,)


def world_of(*bases: str) -> World:
    """The default world of an experiment on some base models.

    Args:
        *bases: Base models; none means the embedded one.

    Returns:
        The embedded world if every base is its own, else the paper's.
    """
    embedded_bases = {EMBEDDED.base, f"inoc/{EMBEDDED.base}"}
    return EMBEDDED if set(bases) <= embedded_bases else PAPER


def spec_for(base: str, **changes: Any) -> FinetuneSpec:
    """The usual local finetune of a base model, with some fields changed.

    Args:
        base: The base model.
        **changes: Fields of `FinetuneSpec`.

    Raises:
        UserError: If a changed field is unknown or out of range.
    """
    return world_of(base).finetune(base=base, **changes)
