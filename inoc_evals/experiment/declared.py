"""Traits and conditions that a setting declares, held against what its tasks score and ask.

    check_declared(setting, tasks, whole=True)    # "no task here has the trait 'spansh': use spanish"

A misspelt one would be trained and asked in full, and found missing at the end.
"""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from inoc_evals.data.conditions import of_task
from inoc_evals.errors import UserError
from inoc_evals.experiment.measure_tasks import Built
from inoc_evals.scorers.metrics import CONDITION, SCORED, stands_for
from inoc_evals.settings import Setting

if TYPE_CHECKING:
    from inspect_ai import Task


def check_declared(setting: Setting, built: Sequence[Built], *, whole: bool) -> None:
    """Refuse traits and conditions that no task of a setting has: they would be found missing at the end.

    Args:
        setting: The setting.
        built: Its tasks. Those of other packages need not say which traits they score, and are taken at the
            setting's word.
        whole: Whether these are all that it measures, so that its claims and aims can be held against them.

    Raises:
        UserError: If there is no such trait or condition.
    """
    known = [*setting.traits, *(trait for one in setting.measures for trait in one.traits)]
    every = True
    for one in built:
        whose = f"setting {setting.name}, measure {one.measure.task}"
        scored, is_all = _scored(one.task)
        # a task of the suite names all its traits; a parameter may have it score them by other names
        every = every and bool((one.task.metadata or {}).get("traits"))
        # what a world measures in place of a trait is the world's word, not the setting's
        own = [
            trait for measure in setting.measures for trait in measure.traits if trait in one.measure.traits
        ]
        _refuse_unknown(whose, "trait", own, scored, is_all=is_all)
        known += scored
        if one.measure.conditions:
            given = (of_task((sample.metadata or {}).get(CONDITION)) for sample in one.task.dataset)
            asked = list(filter(None, given))
            none_is_there = not set(one.measure.conditions) & set(asked)  # some may be another world's
            _refuse_unknown(whose, "condition", one.measure.conditions, asked, is_all=none_is_there)
    if not whole:
        return
    for claim in setting.claims:
        named = [side.trait for side in (claim.left, claim.right)]
        whose = f"setting {setting.name}, claim {claim.name!r:.80}"
        _refuse_unknown(whose, "trait", named, known, is_all=every)
    aims = {"unwanted": setting.unwanted or (), "wanted": setting.wanted or ()}
    aims |= {f"unwanted of arm {arm.name}": arm.unwanted for arm in setting.arms}
    for which, names in aims.items():
        named = [name.partition(" | ")[0].partition(" (")[0] for name in names]
        _refuse_unknown(f"setting {setting.name}, {which}", "trait", named, known, is_all=every)


def _scored(task: "Task") -> tuple[list[str], bool]:
    """The traits that a task is known to score, and whether these are all."""
    from inspect_ai.util import registry_info

    declared: list[str] = list((task.metadata or {}).get("traits", ()))
    traits, is_all = list(declared), bool(declared)
    for scorer in task.scorer or ():
        try:
            metrics = registry_info(scorer).metadata.get("metrics")
        except ValueError:  # of no registered kind
            metrics = None
        if isinstance(metrics, Mapping):
            found = list(metrics)
        else:
            found = [trait for one in metrics or () for trait in getattr(one, SCORED, ())]
        # `*` is any other key; one that begins somehow is told by the task's metadata
        open_ended = [trait for trait in found if trait.endswith("*")]
        told = all(one != "*" and any(stands_for(one, key) for key in declared) for one in open_ended)
        is_all = is_all and bool(found) and told
        traits += [trait for trait in found if trait not in open_ended]
    return traits, is_all


def _refuse_unknown(
    whose: str, what: str, names: Sequence[str], known: Iterable[str], *, is_all: bool
) -> None:
    """Refuse a name that is not known: any, if the known ones are all there are, else what misspells one."""
    has = list(dict.fromkeys(known))
    for name in names:
        near = difflib.get_close_matches(name, has, n=3, cutoff=0.8)
        if name not in has and (is_all or near):
            raise UserError(
                f"{whose}: no task here has the {what} {name!r:.80}: use {', '.join(near or has) or 'none'}"
            )
