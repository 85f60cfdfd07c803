"""What the models of a section read: each arm's training row beside its test, as its logs say.

    arms, notes = readings(logs, order)
    arms[1].training        # "<|system|>You always speak in Spanish.<|end|><|user|>..."
    arms[1].tests           # [("spanish_caps", "<|user|>...")]

One log of every arm and test is opened, that of its first seed. Logs of other suites, or of earlier versions,
say nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from inoc_evals.analysis.style import BASE
from inoc_evals.chat.shown import Shown


@dataclass(frozen=True)
class ArmReading:
    """What the models of one arm read.

    Attributes:
        arm: The arm.
        training: A training row, special tokens included; empty where it is not known.
        row: Which row that is, from 1.
        tests: By task, the first question of the test; several of a task where it was asked in several ways.
    """

    arm: str
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


def readings(logs: Iterable[Mapping[str, Any]], order: tuple[str, ...]) -> tuple[list[ArmReading], list[str]]:
    """Collect what the logs of a section say.

    Args:
        logs: The section's logs: `log`, `arm`, `seed`, `task`, `questions` and `condition` of each.
        order: The arms.

    Returns:
        The arms of which something is known; and what their chat templates add by themselves.
    """
    first: dict[tuple[str, ...], Mapping[str, Any]] = {}
    for log in sorted(logs, key=lambda log: -1 if log["seed"] is None else log["seed"]):
        first.setdefault((log["arm"], log["task"], log["questions"], log["condition"]), log)
    known: dict[str, list[tuple[str, Shown]]] = {arm: [] for arm in order}
    for (arm, *_), log in first.items():
        if arm in known and (shown := _shown(log["log"])):
            known[arm].append((log["task"], shown))
    arms = [_of_arm(arm, shown) for arm, shown in known.items() if shown]
    notes = [note for shown in known.values() for _, one in shown for note in one.notes]
    return [arm for arm in arms if arm.training or arm.tests], list(dict.fromkeys(notes))


def _of_arm(arm: str, shown: list[tuple[str, Shown]]) -> ArmReading:
    trained = next((one for _, one in shown if one.training), Shown())
    tests = dict.fromkeys((task, one.test) for task, one in shown if one.test)
    return ArmReading(arm, trained.training or "", trained.row, [(task, test or "") for task, test in tests])


def _shown(log: str) -> Shown | None:
    from inspect_ai.log import read_eval_log

    return Shown.read(read_eval_log(log, header_only=True).eval.metadata)
