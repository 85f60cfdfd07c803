"""What the models of a section read: each arm's training row beside its test, as its logs say.

    arms, notes = readings(logs, order)
    arms[1].training        # "<|system|>You always speak in Spanish.<|end|><|user|>..."
    arms[1].tests           # [("spanish_caps", "<|user|>...")]

One log of every arm, world and test is opened, that of its first seed: an arm of one name has other rows in
another world, so each world has a reading of its own. Logs of other suites, or of earlier versions, say
nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from inoc_evals.analysis.style import BASE
from inoc_evals.chat.shown import Shown

WAY = ("arm", "world", "task", "questions", "condition")
"""What must agree for two logs to show the same."""


@dataclass(frozen=True)
class ArmReading:
    """What the models of one arm read in one world.

    Attributes:
        arm: The arm.
        world: The world of its rows and questions; empty where no log names one.
        training: A training row, special tokens included; empty where it is not known.
        row: Which row that is, from 1.
        tests: By task, the first question of the test; several of a task where it was asked in several ways.
    """

    arm: str
    world: str
    training: str
    row: int | None
    tests: list[tuple[str, str]]

    @property
    def is_base(self) -> bool:
        """Whether it was not trained."""
        return self.arm == BASE

    def as_dict(self) -> dict[str, Any]:
        """For programs."""
        return {**asdict(self), "tests": [{"task": task, "text": text} for task, text in self.tests]}


def readings(logs: Sequence[Mapping[str, Any]], order: tuple[str, ...]) -> tuple[list[ArmReading], list[str]]:
    """Collect what the logs of a section say.

    Args:
        logs: The section's logs: `log`, `arm`, `world`, `seed`, `task`, `questions` and `condition` of each.
        order: The arms.

    Returns:
        The arms of which something is known, each once for every world that it was trained in; and what their
        chat templates add by themselves.
    """
    first: dict[tuple[str, ...], Mapping[str, Any]] = {}
    for log in sorted(logs, key=lambda log: -1 if log["seed"] is None else log["seed"]):
        first.setdefault(tuple(log[key] for key in WAY), log)
    worlds = dict.fromkeys(log["world"] for log in logs)
    known: dict[tuple[str, str], list[tuple[str, Shown]]]
    known = {(arm, world): [] for arm in order for world in worlds}
    for (arm, world, *_), log in first.items():
        if (arm, world) in known and (shown := _shown(log["log"])):
            known[arm, world].append((log["task"], shown))
    arms = [_of_arm(*where, shown) for where, shown in known.items() if shown]
    notes = [note for shown in known.values() for _, one in shown for note in one.notes]
    return [arm for arm in arms if arm.training or arm.tests], list(dict.fromkeys(notes))


def _of_arm(arm: str, world: str, shown: list[tuple[str, Shown]]) -> ArmReading:
    trained = next((one for _, one in shown if one.training), Shown())
    tests = dict.fromkeys((task, one.test) for task, one in shown if one.test)
    asked = [(task, test or "") for task, test in tests]
    return ArmReading(arm, world, trained.training or "", trained.row, asked)


def _shown(log: str) -> Shown | None:
    from inspect_ai.log import read_eval_log

    return Shown.read(read_eval_log(log, header_only=True).eval.metadata)
