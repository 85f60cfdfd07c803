"""What exists of an experiment: finished runs, how long they took, and logs that need no answer more.

    existing = ExistingRuns(storage.runs)
    trial.declared in existing.identities                # it needs no training
    left, complete = existing_answers(trials, built, judges, storage, existing)

Nothing is loaded: runs are known by their manifests, logs by the digests in their headers.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from upath import UPath

from inoc_evals.experiment.asked import asked
from inoc_evals.experiment.evaluate import complete_logs, is_judged, lacking
from inoc_evals.experiment.measure_tasks import GENERATION_KEY, Built, generation, judging
from inoc_evals.experiment.remote import manifests
from inoc_evals.experiment.run_trial import TrialResult, stage_identity
from inoc_evals.experiment.storage import Storage
from inoc_evals.experiment.times import TrainingTimes, device
from inoc_evals.experiment.trial import BASE, Trial
from inoc_evals.files import is_url
from inoc_evals.finetune.backends import backend
from inoc_evals.models.base import load_path
from inoc_evals.models.number_format import FLOAT32, of_answers, settled

if TYPE_CHECKING:
    from inspect_ai.log import EvalLog


class ExistingRuns:
    """Finished runs by what they were declared to be, and how long training took.

    Attributes:
        identities: By `Trial.declared`, what changes with the run's weights and nothing else.
        times: How long they took.
    """

    def __init__(self, runs: str) -> None:
        self.identities: dict[str, str] = {}
        finished = []
        for manifest, usable in manifests(runs):
            if manifest.status != "finished" or manifest.result is None:
                continue
            finished.append(manifest)
            if usable:
                self.identities[str(manifest.metadata.get("declared"))] = manifest.result.checkpoint_digest
        self.times = TrainingTimes(finished, device())


def existing_answers(
    trials: Sequence[Trial],
    built: dict[str, list[Built]],
    graders: Sequence[str],
    storage: Storage,
    runs: ExistingRuns,
) -> tuple[Counter[str], dict[Trial, TrialResult]]:
    """Count answers, judgements and judges' calls of all trials, and those that no log holds.

    Args:
        trials: All of them.
        built: Their tasks, by `Trial.group`.
        graders: The judges by the names that logs give them.
        storage: Where logs and runs are.
        runs: The runs that are there.

    Returns:
        `answers`, `judged`, `judge_calls`, and of each what is `..._left`; and the trials of which everything
        is there and nothing else is in their folder of logs, with what came of them.
    """
    count: Counter[str] = Counter(answers_left=0, judged_left=0, judge_calls_left=0)
    complete: dict[Trial, TrialResult] = {}
    for trial in trials:
        found: list[EvalLog] = []
        others = wanted = 0
        for stage in trial.stages:
            logs, here, formats = _logs_of(stage, storage, runs)
            of_stage: list[EvalLog] = []
            for one in built[trial.group]:
                answers, judged, calls = asked(stage, one)
                count.update(answers=answers, judged=judged, judge_calls=calls)
                judges = judging(one, graders if one.judged else ())
                keys = {
                    identity: generation(one, identity, stage.seed or 0, stage.evaluation.epochs)
                    for identity in formats
                }
                same = [log for log in logs if _key(log, GENERATION_KEY) == keys.get(here)]
                if not same:
                    count.update(answers_left=answers, judged_left=judged, judge_calls_left=calls)
                elif not any(is_judged(log, judges) for log in same):
                    count.update(judged_left=judged, judge_calls_left=calls)
                usable = (log for log in logs if _key(log, GENERATION_KEY) in keys.values())
                of_stage += [log for log in usable if is_judged(log, judges) and not lacking(log, one)][:1]
            wanted += len(built[trial.group])
            others += len(logs) - len(of_stage)
            found += of_stage
        if len(found) == wanted and not others:
            named = (found[0].eval.metadata or {}).get("run") if found else None
            run = str(Path(storage.runs) / named) if named and not is_url(storage.runs) else named
            complete[trial] = TrialResult(tuple(log.location for log in found), run, 0.0)
    return count, complete


def _logs_of(
    trial: Trial, storage: Storage, runs: ExistingRuns
) -> "tuple[list[EvalLog], str, frozenset[str]]":
    """What there is of a trial.

    Returns:
        Its complete logs; the identity of its model as it would answer here; the same in every number format
        in which a log has its answers. None where it is still to be trained.
    """
    if trial.arm == BASE:
        identity = backend(trial.spec.backend).base_digest(trial.spec)
    elif (known := runs.identities.get(trial.declared)) is not None:
        identity = stage_identity(known, trial.step)
    else:
        return [], "", frozenset()
    logs = complete_logs(UPath(storage.logs) / trial.folder)
    if not logs:
        return [], "", frozenset()
    arguments = trial.evaluation.model_args
    if trial.spec.backend == "local" and arguments.get("engine", "transformers") == "transformers":
        asked = (str(arguments.get(name, "auto")) for name in ("device", "dtype"))
        date = str(arguments.get("date") or trial.spec.date)
        here = settled(load_path(trial.spec.base), *asked)
        formats = {here, *(str((log.eval.metadata or {}).get("dtype") or FLOAT32) for log in logs)}
        identities = {each: of_answers(identity, each, date) for each in formats}
        return logs, identities[here], frozenset(identities.values())
    return logs, identity, frozenset({identity})


def _key(log: "EvalLog", name: str) -> str | None:
    return (log.eval.metadata or {}).get(name)
