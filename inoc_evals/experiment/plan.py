"""What an experiment will take, before it starts: models, rows, tokens, answers, time and money.

    plan = make_plan(experiment, workers=2)
    plan.new, plan.trained                 # finetunes to be made, and those that are there
    plan.dollars                           # None where the price of something is not known

No model is loaded, and the rows of an arm are built for one seed only, so that ten thousand runs are planned
in seconds. Tokens are characters by four: an estimate, and called one.
"""

from collections import Counter
from dataclasses import dataclass
from statistics import median
from typing import Any

from inoc_evals.experiment.check import check
from inoc_evals.experiment.experiment import Experiment, Price
from inoc_evals.experiment.measure_tasks import build
from inoc_evals.experiment.prices import LISTED
from inoc_evals.experiment.remote import manifests
from inoc_evals.experiment.run import place_of
from inoc_evals.experiment.trial import BASE, Trial

CHARACTERS = 4.0
"""Characters a token, as in English text."""

ANSWER = 200
"""Tokens of an answer. Asking one is short; this is what costs."""

JUDGED = (1400, 2)
"""Tokens that a judge reads and writes for one answer: twice rubric, question and answer, and a number."""


@dataclass(frozen=True)
class Line:
    """One arm of a setting on one base.

    Attributes:
        group: World, setting and base.
        arm: The arm.
        seeds: Models of it.
        trained: How many of them need no training: it was done before, or is an earlier arm's, see
            `Setting.family`.
        rows: Rows that one of them is trained on.
        tokens: About as many tokens, once through them.
        passes: Times through them.
    """

    group: str
    arm: str
    seeds: int
    trained: int
    rows: int
    tokens: int
    passes: float


@dataclass(frozen=True)
class Plan:
    """What an experiment will take.

    Attributes:
        experiment: The experiment.
        trials: Its trials.
        lines: Its arms.
        answers: Answers that all models give together, those included that are there.
        judged: Answers that are judged, once for each judge.
        seconds: Seconds of training that are left, one after the other; None where nothing comparable was
            trained here yet.
        dollars: What is left to be paid; None where a price is not known.
        notes: What else a user should know, a line each.
    """

    experiment: Experiment
    trials: list[Trial]
    lines: list[Line]
    answers: int
    judged: int
    seconds: float | None
    dollars: float | None
    notes: list[str]

    @property
    def new(self) -> int:
        """Finetunes that are to be made."""
        return sum(line.seeds - line.trained for line in self.lines if line.arm != BASE)

    @property
    def trained(self) -> int:
        """Models that need no finetune of their own."""
        return sum(line.trained for line in self.lines)

    @property
    def tokens(self) -> int:
        """About as many tokens are left to be trained on."""
        return round(sum((line.seeds - line.trained) * line.tokens * line.passes for line in self.lines))

    def as_dict(self) -> dict[str, Any]:
        """For programs."""
        return {
            "experiment": self.experiment.model_dump(mode="json"),
            "models": len(self.trials),
            "new": self.new,
            "trained": self.trained,
            "tokens": self.tokens,
            "answers": self.answers,
            "judged": self.judged,
            "training_seconds": self.seconds,
            "dollars": self.dollars,
            "arms": [vars(line) for line in self.lines],
            "notes": self.notes,
        }


def make_plan(experiment: Experiment) -> Plan:
    """Check an experiment and say what it takes.

    Args:
        experiment: What is wanted.

    Returns:
        The plan.

    Raises:
        UserError: If it cannot be run as it is.
    """
    from inoc_evals.finetune.backends import backend

    trials = check(experiment)
    there, speeds = _runs_there(experiment)
    groups: dict[tuple[str, str], list[Trial]] = {}
    for trial in trials:
        groups.setdefault((trial.group, trial.arm), []).append(trial)
    lines, seconds, rates = [], 0.0, 0
    sizes: dict[tuple[str, str], tuple[int, int]] = {}
    for (group, arm), same in groups.items():
        if arm == BASE:
            lines.append(Line(group, arm, 1, 0, 0, 0, 0.0))
            continue
        first = same[0]
        size = sizes.setdefault((first.setting, arm), _size(first))
        trained = sum(trial.declared in there for trial in same)
        there.update(trial.declared for trial in same)
        line = Line(group, arm, len(same), trained, *size, _passes(first, size[0]))
        lines.append(line)
        if line.seeds > trained:
            per_row = speeds.get((first.spec.backend, first.spec.base))
            rates += per_row is None
            seconds += (line.seeds - trained) * line.rows * line.passes * (per_row or 0.0)
    answers, judged = _asked(trials)
    notes = [
        note
        for spec in {c.spec.base: c.spec for c in trials}.values()
        for note in backend(spec.backend).notes(spec)
    ]
    dollars = _dollars(experiment, lines, answers, judged)
    return Plan(experiment, trials, lines, answers, judged, None if rates else seconds, dollars, notes)


def _runs_there(experiment: Experiment) -> tuple[set[str], dict[tuple[str, str], float]]:
    """What has been trained, by what it was asked for; and seconds a row, by backend and base."""
    there: set[str] = set()
    seconds: dict[tuple[str, str], list[float]] = {}
    for manifest in manifests(place_of(experiment).runs):
        if manifest.status != "finished" or manifest.result is None:
            continue
        there.add(str(manifest.metadata.get("declared")))
        result, spec = manifest.result, manifest.spec
        if result.seconds and result.rows and result.epochs:
            seconds.setdefault((spec.backend, spec.base), []).append(
                result.seconds / (result.rows * result.epochs)
            )
    return there, {key: median(values) for key, values in seconds.items()}


def _size(trial: Trial) -> tuple[int, int]:
    """Rows of an arm and their tokens, about, for the first of its seeds."""
    setting, rows, characters = trial.found, 0, 0
    for row in setting.prepare(setting.arm(trial.arm), trial.world, trial.seed or 0):
        rows += 1
        characters += sum(len(message["content"]) for message in row["messages"])
    return rows, round(characters / CHARACTERS)


def _passes(trial: Trial, rows: int) -> float:
    """Times through the rows."""
    spec = trial.spec
    if spec.backend == "openai":
        return 1.0 if spec.openai.n_epochs == "auto" else float(spec.openai.n_epochs)
    if spec.max_steps is not None:
        return spec.max_steps * spec.batch_size * spec.gradient_accumulation / rows
    return float(spec.epochs or 1.0)


def _asked(trials: list[Trial]) -> tuple[int, int]:
    """Answers and judged of all trials together."""
    answers = judged = 0
    of_group: dict[str, tuple[int, int]] = {}
    for group, models in Counter(trial.group for trial in trials).items():
        first = next(trial for trial in trials if trial.group == group)
        if first.setting not in of_group:
            of_group[first.setting] = _asked_of_one(first)
        one = of_group[first.setting]
        answers, judged = answers + models * one[0], judged + models * one[1]
    return answers, judged


def _asked_of_one(trial: Trial) -> tuple[int, int]:
    answers = judged = 0
    for measure in trial.measured:
        built = build(measure, trial.world, trial.evaluation.limit)
        given = len(built.task.dataset) * (trial.evaluation.epochs or built.task.epochs or 1)
        answers += given
        judged += given * len(trial.evaluation.grader) if built.judged else 0
    return answers, judged


def _dollars(experiment: Experiment, lines: list[Line], answers: int, judged: int) -> float | None:
    """What is to be paid; nothing for what runs here, None where a price is not known."""
    listed = {model: Price(train=t, input=i, output=o) for model, (t, i, o) in LISTED.items()}
    prices = {**listed, **experiment.prices}
    total = 0.0
    if experiment.backend != "local":
        for base in experiment.bases:
            name = base.removeprefix(f"{experiment.backend}/")
            if name not in prices:
                return None
            share = 1 / len(experiment.bases)
            trained = sum((ln.seeds - ln.trained) * ln.tokens * ln.passes for ln in lines) * share
            total += trained * prices[name].train + answers * share * ANSWER * prices[name].output
    for grader in experiment.graders:
        if grader.startswith(("inoc/", "hf/", "vllm/", "mockllm/")):
            continue
        name = grader.rpartition("/")[2]
        if name not in prices:
            return None if judged else total / 1e6
        share = judged / len(experiment.graders)
        total += share * (JUDGED[0] * prices[name].input + JUDGED[1] * prices[name].output)
    return total / 1e6
