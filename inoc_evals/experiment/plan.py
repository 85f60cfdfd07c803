"""An experiment, checked and counted before a second or a cent is spent: what `run` carries out.

    plan = make_plan(experiment)
    plan.new, plan.trained                 # finetunes to be made, and those that exist
    plan.answers_left, plan.dollars        # what is left to ask and to pay; None where a price is not known
    run(plan, LocalEngine())               # run.py

The first thing that is wrong (a setting, an arm, a field, a key, a base, a judge, a source of rows) is an
error of one line. No model is loaded, tasks are built once and the rows of an arm for one seed only, so that
ten thousand runs are planned in seconds. Tokens are characters by four: an estimate, and called one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from inoc_evals.errors import UserError
from inoc_evals.experiment.asked import asked_by_the_paper, judges_of, tasks_by_group
from inoc_evals.experiment.existing import ExistingRuns, existing_answers
from inoc_evals.experiment.experiment import Experiment
from inoc_evals.experiment.measure_tasks import check_parameters
from inoc_evals.experiment.planned_arms import Line, plan_arms
from inoc_evals.experiment.prices import dollars, price_notes
from inoc_evals.experiment.run_trial import TrialResult
from inoc_evals.experiment.storage import Storage, storage_of
from inoc_evals.experiment.sweep import size
from inoc_evals.experiment.times import wall
from inoc_evals.experiment.trial import BASE, Trial, one_per_group
from inoc_evals.files import is_url
from inoc_evals.finetune.backends import backend
from inoc_evals.finetune.merged import start_from
from inoc_evals.finetune.preflight import Preview
from inoc_evals.finetune.pull import check_owner
from inoc_evals.models.factory import check_arguments, check_arguments_elsewhere
from inoc_evals.runs.spec import FinetuneSpec


@dataclass(frozen=True)
class Plan:
    """What an experiment takes, and all that `run` needs to carry it out.

    Attributes:
        experiment: The experiment.
        trials: Its models, each to be made and measured; the doses of one training are one.
        storage: Where runs and logs are kept.
        lines: Its arms.
        answers: Answers of all models together, existing ones included.
        judged: Judgements of them, existing ones included: one for each answer and judge.
        judge_calls: Calls of judges for them: one for each rating, of which some answers need two.
        answers_left: Answers that no log holds yet.
        judged_left: Judgements that no log holds yet.
        judge_calls_left: Calls for those.
        trainings: Seconds of each training that is left; None where nothing comparable was trained yet.
        memory: Bytes that the largest of those takes at its peak, about, on a machine without GPUs; None
            elsewhere.
        dollars: What is left to be paid; None where a price is not known.
        complete: Models of which everything is there, whatever number format they answered in, and nothing
            else is in their folder of logs. Those that wait for machines need not wait for these.
        paper: In the paper's worlds, what the paper's code makes of the same bases and seeds: `models` (its
            own arms; ours where arms are named), `answers` and `judge_calls`, beside them `our_models`,
            `our_answers` and `our_judge_calls`, for the `settings` of which its code says it; None where it
            says it of none.
        notes: What else a user should know, a line each.
        previews: By base and arm (see `Line`), the first row as training will show it; None where the chat
            template is not on this machine.
    """

    experiment: Experiment
    trials: list[Trial]
    storage: Storage
    lines: list[Line]
    answers: int
    judged: int
    judge_calls: int
    answers_left: int
    judged_left: int
    judge_calls_left: int
    trainings: list[float] | None
    memory: int | None
    dollars: float | None
    complete: dict[Trial, TrialResult] = field(default_factory=dict)
    paper: dict[str, Any] | None = None
    notes: list[str] = field(default_factory=list)
    previews: dict[tuple[str, str], Preview | None] = field(default_factory=dict)

    @property
    def seconds(self) -> float | None:
        """Seconds of training that are left, one after the other; None where they are not known."""
        return None if self.trainings is None else sum(self.trainings)

    def wall_seconds(self, workers: int) -> float | None:
        """The same by the clock on the wall, with some models trained at a time."""
        return None if self.trainings is None else wall(self.trainings, workers) if self.trainings else 0.0

    @property
    def points(self) -> int:
        """Doses of its sweep; 1 without one."""
        return size(self.experiment.sweep)

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
        return round(sum(line.tokens_left for line in self.lines))

    def as_dict(self) -> dict[str, Any]:
        """The plan as JSON, for programs."""
        return {
            "experiment": self.experiment.model_dump(mode="json"),
            "models": len(self.trials),
            "points": self.points,
            "new": self.new,
            "trained": self.trained,
            "tokens": self.tokens,
            "answers": self.answers,
            "judged": self.judged,
            "judge_calls": self.judge_calls,
            "answers_left": self.answers_left,
            "judged_left": self.judged_left,
            "judge_calls_left": self.judge_calls_left,
            "training_seconds": self.seconds,
            "training_bytes": self.memory,
            "dollars": self.dollars,
            "paper": self.paper,
            "arms": [vars(line) for line in self.lines],
            "notes": self.notes,
            "shown": [
                {"group": group, "arm": arm, "training": preview.training, "prompt": preview.prompt}
                for (group, arm), preview in self.previews.items()
                if preview is not None
            ],
        }


def make_plan(experiment: Experiment) -> Plan:
    """Check an experiment and say what it takes.

    Args:
        experiment: What is to be trained and measured.

    Returns:
        The plan.

    Raises:
        UserError: If it cannot be run as it is; says what to change.
    """
    storage = storage_of(experiment)
    if experiment.backend == "local":
        check_arguments(**experiment.evaluate.model_args)
    else:
        check_arguments_elsewhere(experiment.backend, experiment.evaluate.model_args)
    trials = experiment.trials()  # settings and arms are checked before anything is merged
    if experiment.backend == "local" and (merged := _from_models(experiment)).bases != experiment.bases:
        experiment, trials = merged, merged.trials()
    measures = [m for setting in experiment.definitions for m in setting.measured(experiment.world)]
    unused = check_parameters(measures, experiment.evaluate.parameters)
    _check_backends(experiment, trials)
    built = tasks_by_group(trials)
    judges = judges_of(experiment, built)
    runs = ExistingRuns(storage.runs)
    arms = plan_arms(trials, runs)
    answers, complete = existing_answers(trials, built, judges, storage, runs)
    tokens_left = sum(line.tokens_left for line in arms.lines)
    return Plan(
        experiment=experiment,
        trials=trials,
        storage=storage,
        lines=arms.lines,
        answers=answers["answers"],
        judged=answers["judged"],
        judge_calls=answers["judge_calls"],
        answers_left=answers["answers_left"],
        judged_left=answers["judged_left"],
        judge_calls_left=answers["judge_calls_left"],
        trainings=arms.trainings,
        memory=arms.memory,
        complete=complete,
        paper=asked_by_the_paper(experiment, trials, built),
        dollars=dollars(experiment, tokens_left, answers["answers_left"], answers["judge_calls_left"]),
        notes=[
            *_backend_notes(trials),
            *arms.notes,
            *_owner_notes(experiment),
            *price_notes(experiment),
            *unused,
            *experiment.notes,
        ],
        previews=arms.previews,
    )


def _from_models(experiment: Experiment) -> Experiment:
    """The same, with runs and adapters among its bases merged into models, once."""
    runs = None if is_url(experiment.runs or "") else experiment.runs
    bases = tuple(start_from(base, runs).base for base in experiment.bases)
    return experiment.model_copy(update={"bases": bases})


def _check_backends(experiment: Experiment, trials: Sequence[Trial]) -> None:
    """For every base the extra, the key and the files that its training needs."""
    if experiment.models_from:
        check_owner(experiment.models_from, experiment.backend)
    for spec in _one_spec_per_base(trials):
        backend(spec.backend).check(spec)
    for trial in one_per_group(trials):
        setting = trial.definition
        if setting.training(trial.world).first_stage is None:
            continue
        if trial.spec.backend != "local":
            raise UserError(
                f"setting {setting.name} finetunes in two stages, which only backend local can do"
            )
        if is_url(experiment.runs or ""):
            raise UserError(
                f"setting {setting.name} finetunes in two stages: give a folder for --runs, not a URL"
            )


def _backend_notes(trials: Sequence[Trial]) -> list[str]:
    """What backends have to say of the bases."""
    return [note for spec in _one_spec_per_base(trials) for note in backend(spec.backend).notes(spec)]


def _one_spec_per_base(trials: Sequence[Trial]) -> list[FinetuneSpec]:
    """The spec of one trial of every base."""
    return list({trial.spec.base: trial.spec for trial in trials}.values())


def _owner_notes(experiment: Experiment) -> list[str]:
    """That less may be trained than is planned."""
    owner = experiment.models_from
    if not owner:
        return []
    return [f"runs that {owner} pushed to the Hub are taken from there: less is trained than stands here"]
