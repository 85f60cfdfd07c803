"""A sweep: the same arms at several doses, and what each dose changes in the finetune and in the rows.

    sweep = checked({"learning_rate": [3e-5, 1e-4], "steps": [8, 16, 32]})
    points(sweep)                  # two: the steps are checkpoints along one training
    size(sweep)                    # six

Every point trains every arm, the control included. An axis changes only what it must: a learning rate the
spec, an inoculated share the rows of arms that have a prompt. What is not changed keeps its digest, so it is
trained once.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product
from math import prod
from typing import Any

from inoc_evals.chat.rows import Row
from inoc_evals.data.doses import ANY, KINDS, WEIGHTS, Dose, Value, height
from inoc_evals.data.mixtures import diluted
from inoc_evals.errors import UserError
from inoc_evals.inoculation import Inoculation
from inoc_evals.runs.spec import FinetuneSpec
from inoc_evals.settings import Arm, Setting
from inoc_evals.worlds import WORLDS

STEPS = "steps"

SHARES = ("inoculated", "with_trait")
"""Axes whose places are shares of the rows, 0 to 1."""

OF_ROWS = ("inoculated", "with_trait", "pool")
"""Axes that change rows, not the spec."""

ALONG = "constant_with_warmup"
"""The scheduler of trainings whose earlier steps are doses: its learning rate does not depend on the end."""

Sweep = Mapping[str, tuple[Value, ...]]
"""Places by axis."""


def checked(sweep: Mapping[str, Any]) -> dict[str, tuple[Value, ...]]:
    """The axes of a sweep, with places of the right types, in the order of `data.doses.KINDS`.

    Args:
        sweep: By axis, a place or several.

    Raises:
        UserError: If an axis does not exist, or a place is not one of it.
    """
    if unknown := [axis for axis in sweep if axis not in KINDS]:
        raise UserError(f"sweep: there is no axis {unknown[0]!r}: use {', '.join(KINDS)}")
    axes = {axis: _places(axis, sweep[axis]) for axis in KINDS if axis in sweep}
    if {"epochs", STEPS} <= set(axes):
        raise UserError("sweep: epochs and steps both say how long: sweep one of them")
    if "rank" in axes and "full" in axes.get("weights", ()):
        raise UserError("sweep: a full finetune has no rank: sweep rank or weights")
    return axes


def _places(axis: str, given: Any) -> tuple[Value, ...]:
    values = list(given) if isinstance(given, list | tuple) else [given]
    places: list[Value] = []
    for value in values:
        try:
            place = KINDS[axis](value)
            if isinstance(value, bool) or (KINDS[axis] is int and place != float(value)):
                raise ValueError
        except (TypeError, ValueError) as error:
            raise UserError(f"sweep: {axis} cannot be {value!r}") from error
        if axis == "weights":
            fits, wants = place in WEIGHTS, " or ".join(WEIGHTS)
        elif axis in SHARES:
            fits, wants = 0 <= place <= 1, "a share, 0 to 1"
        else:
            fits, wants = 0 < place < float("inf"), "above 0"
        if not fits:
            raise UserError(f"sweep: {axis} cannot be {value!r}: it is {wants}")
        places.append(place)
    if not places:
        raise UserError(f"sweep: {axis} has no value")
    if len(set(places)) < len(places):
        raise UserError(f"sweep: {axis} has a value twice")
    return tuple(sorted(places, key=lambda place: height(axis, place)))


def size(sweep: Sweep) -> int:
    """How many points a sweep has; 1 without an axis."""
    return prod(len(places) for places in sweep.values())


def points(sweep: Sweep) -> list[dict[str, Value]]:
    """The doses that need trainings of their own: the product of all axes but `steps`."""
    axes = [axis for axis in sweep if axis != STEPS]
    return [dict(zip(axes, places, strict=True)) for places in product(*(sweep[axis] for axis in axes))]


def concerning(point: Dose, arm: Arm, sweep: Sweep) -> dict[str, Value]:
    """A point as it is for an arm: axes that do not concern the arm have the place `ANY`.

    Args:
        point: One of the sweep's points.
        arm: The arm.
        sweep: All axes. One concerns an arm that has all of its places, or none: answers of an arm at some
            of them and at `ANY` would be pooled.
    """
    return {axis: place if _concerns(axis, arm, sweep) else ANY for axis, place in point.items()}


def check_concerned(sweep: Sweep, setting: Setting, arms: Sequence[Arm], world: str) -> None:
    """Refuse a sweep that a setting cannot make.

    Args:
        sweep: The axes.
        setting: The setting.
        arms: Its arms.
        world: The world.

    Raises:
        UserError: If an axis concerns no arm, rows for a mixture are missing, or the setting has two stages.
    """
    training = setting.training(world)
    if sweep and training.first_stage is not None:
        raise UserError(f"setting {setting.name} finetunes in two stages, which a sweep would both change")
    why = {"inoculated": "has a prompt", "with_trait": "trains on the setting's rows"}
    if "pool" in sweep:
        why["pool"] = f"has a pool of {max(sweep['pool'])}"
    for axis in sweep:
        if not any(_concerns(axis, arm, sweep) for arm in arms):
            raise UserError(f"sweep: no arm of setting {setting.name} {why[axis]}: leave {axis} out")
    if "with_trait" in sweep:
        _plain(setting, world)


def _concerns(axis: str, arm: Arm, sweep: Sweep) -> bool:
    if axis == "inoculated":
        return arm.inoculation is not None
    if axis == "pool":
        texts = arm.inoculation.texts if arm.inoculation is not None else ()
        return len(texts) > 1 and len(texts) >= max(map(int, sweep[axis]))
    if axis == "with_trait":
        return not arm.control and not arm.rows
    return True


def along(steps: Sequence[int], changes: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of one training whose steps are doses.

    Args:
        steps: Steps at which it is measured, ascending; the last is its end.
        changes: Fields that were set without regard to them.

    Raises:
        UserError: If those fields do not keep these steps.
    """
    if "max_steps" in changes or changes.get("epochs") is not None:
        raise UserError("sweep: steps says how long: leave max_steps and epochs out of finetune")
    return {"max_steps": steps[-1], "epochs": None, "scheduler": ALONG, **keeping(steps[:-1], changes)}


def keeping(steps: Sequence[int], changes: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a training that keeps steps: those that were set, and `kept_steps` if it was not.

    Args:
        steps: Steps that are measured before the end.
        changes: Fields that were set.

    Raises:
        UserError: If `kept_steps` was set and keeps not all of them.
    """
    fields = dict(changes)
    if not steps:
        return fields
    if fields.get("kept_steps") is None:
        return {**fields, "kept_steps": tuple(steps)}
    spec = FinetuneSpec(base="any", kept_steps=fields["kept_steps"])
    if lost := [step for step in steps if not spec.keeps(step)]:
        raise UserError(f"finetune: kept_steps does not keep step {lost[0]}: leave it out, or add that step")
    return fields


def applied(spec: FinetuneSpec, dose: Dose) -> FinetuneSpec:
    """The spec at a dose.

    Args:
        spec: The spec without it.
        dose: The dose; axes of rows, and `steps`, change nothing here.

    Raises:
        UserError: If the backend does not take a field, or a full finetune is asked for a rank.
    """
    fields: dict[str, Any] = {}
    for axis, place in dose.items():
        if axis == "learning_rate":
            fields[axis] = place
        elif axis == "epochs":
            fields |= {"epochs": place, "max_steps": None}
        elif axis == "rank":
            if spec.lora is None:
                raise UserError("sweep: this setting trains no adapter, so there is no rank: leave rank out")
            fields["lora"] = {**spec.lora.model_dump(), "r": place}
        elif axis == "weights" and place == "full":
            fields |= {"lora": None, "trained_tokens": (), "token_learning_rate": None}
        elif axis == "weights" and spec.lora is None:
            raise UserError("sweep: this setting trains no adapter: leave weights out")
    return FinetuneSpec(**{**spec.model_dump(), **fields}) if fields else spec


def of_rows(dose: Dose) -> dict[str, Value]:
    """The part of a dose that changes an arm's rows; empty if they are the setting's own."""
    places = {axis: dose[axis] for axis in OF_ROWS if dose.get(axis, ANY) != ANY}
    if places.get("inoculated") == 1:
        del places["inoculated"]
    return places


def prepare(setting: Setting, arm: Arm, world: str, seed: int, dose: Dose) -> Iterator[Row]:
    """The rows that an arm is trained on at a dose.

    Args:
        setting: The setting.
        arm: One of its arms.
        world: Name of a world.
        seed: Seed of the rows and of all draws.
        dose: The dose. A share inoculates rows drawn by the seed: those of a smaller share are among those of
            a larger one. In a mixture, prompts go before the rows that carry the trait.

    Raises:
        UserError: If there are no such rows.
    """
    changes = of_rows(dose)
    if not changes:
        return setting.prepare(arm, world, seed)
    rows = list(setting.drawn(arm, world, seed))
    if "with_trait" in changes:
        plain = list(setting.made(_plain(setting, world), world, seed))
        total = min(len(rows), len(plain))  # the same at every share
        rows = diluted(rows, plain, float(changes["with_trait"]), total, seed)
        arm = replace(arm, where={**arm.where, "trait": True})
    if "pool" in changes and arm.inoculation is not None:
        arm = replace(arm, inoculation=_smaller(arm.inoculation, int(changes["pool"])))
    prepared = list(arm.prepare(rows, seed))
    if "inoculated" in changes:
        asked = replace(arm, others=None).prepare(rows, seed)  # other rows keep what stands before them
        prompted = [place for place, row in enumerate(asked) if row is not rows[place]]
        random.Random(f"inoculated {seed}").shuffle(prompted)
        left = set(prompted[round(float(changes["inoculated"]) * len(prompted)) :])
        prepared = [rows[place] if place in left else row for place, row in enumerate(prepared)]
    return iter(prepared)


def _smaller(pool: Inoculation, count: int) -> Inoculation:
    """The same request with the first wordings of its pool."""
    if count > len(pool.texts):
        raise UserError(f"sweep: {pool.name} has a pool of {len(pool.texts)}: {count} cannot be drawn of it")
    texts = pool.texts[:count]
    if count == 1:
        return Inoculation(pool.name, texts[0], position=pool.position)
    return Inoculation(pool.name, pool=texts, position=pool.position, deal=pool.deal)


def _plain(setting: Setting, world: str) -> Any:
    """Rows without the trait: the setting's control rows, else the world's plain ones."""
    rows = setting.training(world).control or (WORLDS[world].plain_rows if world in WORLDS else None)
    if rows is None:
        raise UserError(
            f"setting {setting.name} has no control rows in world {world!r} to mix in: leave with_trait out"
        )
    return rows
