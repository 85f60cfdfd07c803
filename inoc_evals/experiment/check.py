"""Everything that can be known to be wrong with an experiment before a second or a cent is spent on it.

trials = check(experiment)

Settings, arms, worlds, fields, task parameters, extras, keys, bases, judges and the data of every arm: the
first that is no good is an error of one line.
"""

from itertools import islice
from pathlib import Path

from inoc_evals.errors import UserError
from inoc_evals.experiment.experiment import Experiment
from inoc_evals.experiment.measure_tasks import Built, build, check_parameters
from inoc_evals.experiment.remote import is_url
from inoc_evals.experiment.trial import BASE, Trial
from inoc_evals.finetune.backends import backend
from inoc_evals.models.checkpoint import resolve
from inoc_evals.models.served import served
from inoc_evals.settings import Measure


def check(experiment: Experiment) -> list[Trial]:
    """Check an experiment.

    Args:
        experiment: What is wanted.

    Returns:
        Its trials.

    Raises:
        UserError: If it cannot be run; says what to change.
    """
    trials = experiment.trials()
    firsts = list({trial.group: trial for trial in trials}.values())
    measures = [m for setting in experiment.found for m in setting.measured(experiment.world)]
    check_parameters(measures, experiment.evaluate.parameters)
    for spec in {trial.spec.base: trial.spec for trial in trials}.values():
        backend(spec.backend).check(spec)
    for trial in firsts:
        stages = 1 if trial.found.training(trial.world).first_stage is None else 2
        if stages > 1 and trial.spec.backend != "local":
            raise UserError(
                f"setting {trial.found.name} finetunes in two stages, which only backend local does"
            )
        if stages > 1 and is_url(experiment.runs or ""):
            raise UserError(
                f"setting {trial.found.name} finetunes in two stages: give a folder for --runs, not a URL"
            )
    _check_data(trials)
    _check_judges(experiment, _built(firsts))
    _check_folder(experiment)
    return trials


def _check_data(trials: list[Trial]) -> None:
    """Draw a row of every source that the arms have."""
    seen = set()
    for trial in trials:
        if trial.arm == BASE or (trial.setting, trial.arm) in seen:
            continue
        seen.add((trial.setting, trial.arm))
        setting, seed = trial.found, trial.seed or 0
        rows = list(islice(setting.prepare(setting.arm(trial.arm), trial.world, seed), 1))
        if not rows:
            raise UserError(f"setting {setting.name} has no rows for arm {trial.arm} in world {trial.world}")


def _built(firsts: list[Trial]) -> list[Built]:
    """The tasks of all settings, each once."""
    wanted: dict[str, tuple[Measure, str]] = {}
    for trial in firsts:
        for measure in trial.measured:
            wanted[repr((measure.task, sorted(measure.parameters.items())))] = (measure, trial.world)
    return [build(measure, world) for measure, world in wanted.values()]


def _check_judges(experiment: Experiment, built: list[Built]) -> None:
    judged = [b.measure.task for b in built if b.judged]
    if judged and not experiment.graders:
        raise UserError(
            f"{judged[0]} needs a judge: give --grader MODEL, e.g. --grader openai/gpt-4o-2024-08-06"
        )
    for grader in experiment.graders if judged else ():
        try:
            _find(grader)
        except Exception as error:  # Inspect's word for it, in rich markup, and those of the providers
            words = " ".join(str(getattr(error, "message", error)).split())
            raise UserError(f"judge {grader!r} cannot be asked: {words}") from error


def _find(model: str) -> None:
    """Find a model without loading it; of ours not even the library that would."""
    if model.startswith("inoc/"):
        if served(model) is None:
            resolve(model)
        return
    from inspect_ai.model import get_model

    get_model(model)


def _check_folder(experiment: Experiment) -> None:
    if "://" in experiment.log_dir:
        return
    folder = Path(experiment.log_dir).expanduser().resolve()
    for parent in (folder, *folder.parents):
        if parent.exists():
            if not parent.is_dir():
                raise UserError(f"{parent} is no folder: give another --log-dir")
            return
