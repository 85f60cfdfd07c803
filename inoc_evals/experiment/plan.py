"""An experiment, checked and counted before a second or a cent is spent: what `run` carries out.

    plan = make_plan(experiment)
    plan.new, plan.trained                 # finetunes to be made, and those that exist
    plan.answers_left, plan.dollars        # what is left to ask and to pay; None where a price is not known
    run(plan, LocalEngine())               # run.py

The first thing that is wrong (a setting, an arm, a field, a key, a base, a judge, a source of rows) is an
error of one line. No model is loaded, tasks are built once and the rows of an arm for one seed only, so that
ten thousand runs are planned in seconds. Tokens are characters by four: an estimate, and called one.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inoc_evals.chat.rows import Row, encode_chat
from inoc_evals.data.doses import words
from inoc_evals.data.row_sources import sources_of
from inoc_evals.errors import UserError, one_line
from inoc_evals.experiment.declared import check_declared
from inoc_evals.experiment.evaluate import refuse_unreadable
from inoc_evals.experiment.experiment import Experiment, Price
from inoc_evals.experiment.measure_tasks import (
    GENERATION_KEY,
    Built,
    build,
    check_parameters,
    generation,
    judging,
)
from inoc_evals.experiment.prices import LISTED
from inoc_evals.experiment.remote import manifests
from inoc_evals.experiment.run_trial import Storage, TrialResult, stage_identity
from inoc_evals.experiment.sweep import of_rows, size
from inoc_evals.experiment.times import TrainingTimes, device, wall
from inoc_evals.experiment.trial import BASE, Trial
from inoc_evals.files import is_url, refuse_unwritable
from inoc_evals.finetune.backends import backend
from inoc_evals.finetune.merged import start_from
from inoc_evals.finetune.preflight import Examples, Preview, Templates, preflight
from inoc_evals.finetune.pull import check_owner
from inoc_evals.finetune.schedule import check_schedule, steps
from inoc_evals.models.base import load_path
from inoc_evals.models.checkpoint import resolve
from inoc_evals.models.factory import check_arguments, check_arguments_elsewhere
from inoc_evals.models.number_format import FLOAT32, of_answers, settled
from inoc_evals.models.served import served
from inoc_evals.runs.directory import runs_root
from inoc_evals.scorers.model_named import model_named
from inoc_evals.user_files import user_path
from inoc_evals.worlds import WORLDS

if TYPE_CHECKING:
    from inspect_ai.log import EvalLog

CHARACTERS = 4.0
"""Characters a token, as in English text."""

ANSWER = 200
"""Tokens of an answer. Asking one is short; this is what costs."""

JUDGED = (700, 1)
"""Tokens that a judge reads and writes in one call: rubric, question and answer, and a number."""

LOCAL_JUDGES = ("inoc/", "hf/", "vllm/", "mockllm/")
"""Providers whose models cost nothing."""


@dataclass(frozen=True)
class Line:
    """One arm of a setting on one base.

    Attributes:
        group: World, setting and base.
        arm: The arm.
        seeds: Models of it.
        trained: How many of them need no training: a finished run exists, or it is an earlier arm's, see
            `Setting.family`.
        rows: Rows that one of them is trained on.
        tokens: About as many tokens, once through them.
        passes: Times through them.
        dose: Their point in a sweep, but for the axis `steps`.
    """

    group: str
    arm: str
    seeds: int
    trained: int
    rows: int
    tokens: int
    passes: float
    dose: str = ""

    @property
    def tokens_left(self) -> float:
        """Tokens that are left to be trained on."""
        return (self.seeds - self.trained) * self.tokens * self.passes


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
    _check_places(experiment)
    if experiment.backend == "local":
        check_arguments(**experiment.evaluate.model_args)
        experiment.trials()  # settings and arms are checked before anything is merged
        experiment = _from_models(experiment)
    else:
        check_arguments_elsewhere(experiment.backend, experiment.evaluate.model_args)
    trials = experiment.trials()
    storage = storage_of(experiment)
    unused = _check_parameters(experiment)
    _check_backends(experiment, trials)
    built = _tasks_by_group(trials)
    graders = _graders(experiment, built)
    runs = _ExistingRuns(storage.runs)
    lines, trainings, previews = _arms(trials, runs)
    answers, complete = _existing(trials, built, graders, storage, runs)
    of_steps = _check_steps(trials, lines)  # before the schedules: it names the field that the user wrote
    return Plan(
        experiment=experiment,
        trials=trials,
        storage=storage,
        lines=lines,
        answers=answers["answers"],
        judged=answers["judged"],
        judge_calls=answers["judge_calls"],
        answers_left=answers["answers_left"],
        judged_left=answers["judged_left"],
        judge_calls_left=answers["judge_calls_left"],
        trainings=trainings,
        complete=complete,
        paper=_asked_by_the_paper(experiment, trials, built),
        dollars=_dollars(experiment, lines, answers["answers_left"], answers["judge_calls_left"]),
        notes=[
            note
            for spec in {trial.spec.base: trial.spec for trial in trials}.values()
            for note in backend(spec.backend).notes(spec)
        ]
        + _check_schedules(trials, lines)
        + of_steps
        + _time_notes(trials, lines, runs)
        + _template_notes(previews)
        + _owner_notes(experiment)
        + _price_notes(experiment)
        + unused
        + list(experiment.notes),
        previews=previews,
    )


def _from_models(experiment: Experiment) -> Experiment:
    """The same, with runs and adapters among its bases merged into models, once."""
    runs = None if is_url(experiment.runs or "") else experiment.runs
    bases = tuple(start_from(base, runs).base for base in experiment.bases)
    return experiment.model_copy(update={"bases": bases})


def _owner_notes(experiment: Experiment) -> list[str]:
    """That less may be trained than is planned."""
    owner = experiment.models_from
    if not owner:
        return []
    return [f"runs that {owner} pushed to the Hub are taken from there: less is trained than stands here"]


def storage_of(experiment: Experiment) -> Storage:
    """Where an experiment keeps what it makes, by absolute paths, so that every worker finds it."""
    logs, runs = experiment.log_dir, experiment.runs
    where = logs if is_url(logs) else str(user_path(logs).resolve())
    place = runs if runs and is_url(runs) else str(runs_root(runs))
    return Storage(runs=place, logs=where, models_from=experiment.models_from)


def _check_parameters(experiment: Experiment) -> list[str]:
    """The parameters of its tasks; which of them do not go everywhere, for the notes."""
    measures = [m for setting in experiment.definitions for m in setting.measured(experiment.world)]
    return check_parameters(measures, experiment.evaluate.parameters)


def _check_backends(experiment: Experiment, trials: Sequence[Trial]) -> None:
    """For every base the extra, the key and the files that its training needs."""
    if experiment.models_from:
        check_owner(experiment.models_from, experiment.backend)
    for spec in {trial.spec.base: trial.spec for trial in trials}.values():
        backend(spec.backend).check(spec)
    for trial in _one_per_group(trials):
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


def _one_per_group(trials: Sequence[Trial]) -> list[Trial]:
    """One trial of every setting and base."""
    return list({trial.group: trial for trial in trials}.values())


def _tasks_by_group(trials: Sequence[Trial]) -> dict[str, list[Built]]:
    """The tasks of every setting and base, those of settings with the same measures built once."""
    known: dict[str, Built] = {}
    built: dict[str, list[Built]] = {}
    for trial in _one_per_group(trials):
        limit = trial.evaluation.limit
        tasks = built.setdefault(trial.group, [])
        for measure in trial.measured:
            most = sorted(measure.max_questions.items())
            key = repr((measure.task, sorted(measure.parameters.items()), most, trial.world, limit))
            if key not in known:
                known[key] = build(measure, trial.world, limit)
            tasks.append(known[key])
        setting = trial.definition
        taken = {one.asked for one in trial.measured}
        whole = taken >= {one.asked for one in setting.measured(trial.world)} and all(
            one.is_in(trial.world) for one in setting.measures
        )
        # a task may be another setting's, too, which declares other traits
        here = [
            replace(one, measure=replace(one.measure, traits=measure.traits, conditions=measure.conditions))
            for one, measure in zip(tasks, trial.measured, strict=True)
        ]
        check_declared(setting, here, whole=whole)
    return built


def _graders(experiment: Experiment, built: dict[str, list[Built]]) -> list[str]:
    """The judges by the names that logs give them, each known to be usable."""
    judged = [one.measure.task for tasks in built.values() for one in tasks if one.judged]
    if not judged:
        return []
    if not experiment.graders:
        raise UserError(
            f"{judged[0]} needs a judge: give --grader MODEL, e.g. --grader openai/gpt-4o-2024-08-06"
        )
    return [_versioned(grader) for grader in experiment.graders]


def _versioned(grader: str) -> str:
    """A judge's name as its logs will have it. It is not loaded; of ours not even torch is."""
    try:
        if grader.startswith("inoc/"):
            elsewhere = served(grader)
            return f"inoc/{(elsewhere or resolve(grader)).versioned_name}"
    except Exception as error:
        raise UserError(f"judge {grader!r} cannot be asked: {one_line(error)}") from error
    try:
        return str(model_named(grader))
    except UserError as error:
        raise UserError(f"judge {error.message}") from error


def _check_places(experiment: Experiment) -> None:
    """Whether logs and runs can be written where the experiment keeps them; nothing is touched."""
    for place, option in ((experiment.log_dir, "--log-dir"), (experiment.runs or "", "--runs")):
        if is_url(place):
            _check_url(place, option)
        else:
            refuse_unwritable(user_path(place) if place else runs_root(), f"give another {option}")
    if not is_url(experiment.log_dir):
        refuse_unreadable(user_path(experiment.log_dir).resolve())


def _check_url(place: str, option: str) -> None:
    """Whether the file system of a URL is known, installed, and lets us look."""
    from upath import UPath

    try:
        UPath(place).exists()
    except Exception as error:  # each file system has errors of its own
        raise UserError(f"{place} cannot be used ({one_line(error)}): give another {option}") from error


class _ExistingRuns:
    """Finished runs by what they were declared to be, and how long training took here.

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


def _arms(
    trials: Sequence[Trial], runs: _ExistingRuns
) -> tuple[list[Line], list[float] | None, dict[tuple[str, str], Preview | None]]:
    """Every arm with its rows, the seconds of each training left, and its first row as the model reads it.

    The rows are built here, and so checked, the first ones with the base's own chat template.
    """
    groups: dict[tuple[str, str, str], list[Trial]] = {}
    for trial in trials:
        groups.setdefault(_line(trial), []).append(trial)
    declared = set(runs.identities)
    lines: list[Line] = []
    trainings: list[float] | None = []
    sizes: dict[tuple[str, str, str], tuple[int, int, Examples]] = {}
    previews: dict[tuple[str, str], Preview | None] = {}
    templates = Templates()
    drawn_twice: set[tuple[str, bool, str]] = set()
    for (group, arm, dose), same in groups.items():
        if arm == BASE:
            lines.append(Line(group, arm, 1, 0, 0, 0, 0.0))
            continue
        first = same[0]
        made = first.setting, arm, words(of_rows(first.dose))
        if made not in sizes:
            _refuse_changing_rows(first, drawn_twice)
            sizes[made] = _size(first)
        rows, tokens, examples = sizes[made]
        try:
            preview = preflight(first.spec, examples, templates)
        except UserError as error:
            raise UserError(f"{group}, arm {arm}: {error}") from error
        previews.setdefault((group, arm), preview)
        trained = sum(trial.declared in declared for trial in same)
        declared.update(trial.declared for trial in same)
        lines.append(Line(group, arm, len(same), trained, rows, tokens, _passes(first, rows), dose))
        if len(same) > trained:
            a_row = preview.loss_tokens if preview and first.spec.backend != "openai" else tokens / rows
            each = runs.times.seconds(first.spec, a_row * rows * lines[-1].passes)
            left = len(same) - trained
            trainings = None if each is None or trainings is None else [*trainings, *[each] * left]
    return lines, trainings, previews


def _line(trial: Trial) -> tuple[str, str, str]:
    """What the trials of one line have in common."""
    return trial.group, trial.arm, words(trial.dose)


def _check_steps(trials: Sequence[Trial], lines: Sequence[Line]) -> list[str]:
    """Refuse steps that a training does not have; note schedules under which a step is no shorter training.

    Raises:
        UserError: If a step is to be measured that comes after the end.
    """
    first = {_line(trial): trial for trial in reversed(trials)}
    notes: dict[str, None] = {}
    for line in lines:
        trial = first[line.group, line.arm, line.dose]
        if not trial.steps or line.arm == BASE or trial.spec.packing:
            continue
        spec, count = trial.spec, steps(trial.spec, line.rows)
        if trial.steps[-1] > count or (trial.steps[-1] == count and spec.max_steps is None):
            raise UserError(
                f"{line.group}, arm {line.arm}: step {trial.steps[-1]} is to be measured, and training ends "
                f"after {count}: measure an earlier one, or train longer"
            )
        if not spec.scheduler.startswith("constant"):
            notes[
                f"earlier steps are measured under scheduler {spec.scheduler}, whose learning rate has not "
                "fallen by then: they are no shorter trainings; with constant_with_warmup they would be"
            ] = None
    return list(notes)


def _check_schedules(trials: Sequence[Trial], lines: Sequence[Line]) -> list[str]:
    """Refuse arms whose training would change nothing; note those that never get to their learning rate."""
    first = {_line(trial): trial for trial in reversed(trials)}
    notes = []
    for line in lines:
        spec = first[line.group, line.arm, line.dose].spec
        if line.arm == BASE or line.trained == line.seeds or spec.packing:
            continue
        try:
            found = check_schedule(spec, steps(spec, line.rows))
        except UserError as error:
            raise UserError(f"{line.group}, arm {line.arm}: {error}") from error
        notes += [f"{line.group}, arm {line.arm}: {note}" for note in found]
    return notes


def _time_notes(trials: Sequence[Trial], lines: Sequence[Line], runs: _ExistingRuns) -> list[str]:
    """On which other devices the trainings ran that the time is reckoned from."""
    left = {(line.group, line.arm, line.dose) for line in lines if line.seeds > line.trained}
    specs = [trial.spec for trial in trials if trial.arm != BASE and _line(trial) in left]
    return [
        f"the time of training {base} is that on {name}: here it was never trained"
        for base, name in dict.fromkeys((spec.base, runs.times.elsewhere(spec)) for spec in specs)
        if name is not None
    ]


def _template_notes(previews: dict[tuple[str, str], Preview | None]) -> list[str]:
    """What the bases' chat templates add by themselves."""
    notes: dict[str, None] = {}
    for preview in filter(None, previews.values()):
        notes |= dict.fromkeys(preview.template.notes(preview.base))
    return list(notes)


def _size(trial: Trial) -> tuple[int, int, Examples]:
    """Rows of an arm and their tokens, about, for the first of its seeds; and examples of the rows."""
    setting, rows, characters = trial.definition, 0, 0
    examples = Examples()
    for row in trial.rows():
        rows += 1
        examples.see(row)
        characters += sum(len(message["content"]) for message in row["messages"])
    if not rows:
        raise UserError(f"setting {setting.name} has no rows for arm {trial.arm} in world {trial.world}")
    return rows, round(characters / CHARACTERS), examples


def _refuse_changing_rows(trial: Trial, checked: set[tuple[str, bool, str]]) -> None:
    """Refuse rows that differ from draw to draw: arms would be compared on other rows, and trained again.

    Args:
        trial: A trial of an arm. Only functions of its setting's own are asked: pinned files cannot change.
        checked: Which rows of which setting were drawn twice already; filled in.

    Raises:
        UserError: If two draws by one seed differ, or a row is none.
    """
    setting, arm = trial.definition, trial.definition.arm(trial.arm, trial.world)
    rows = trial.setting, arm.control, arm.rows
    if rows in checked or not setting.has_own_rows(trial.world):
        return
    checked.add(rows)
    source, first_stage = setting.source(arm, trial.world), setting.training(trial.world).first_stage
    for one in filter(None, (source, first_stage)):
        if sources_of(one):
            continue
        first, again = (_digest_of(setting.made(one, trial.world, trial.seed or 0)) for _ in range(2))
        if first != again:
            raise UserError(
                f"the rows of setting {setting.name} in world {trial.world!r} change from call to call: draw "
                "them by the seed that is given, e.g. random.Random(seed).sample(rows, 200)"
            )


def _digest_of(rows: Iterable[Row]) -> str:
    """A digest of rows, which are read one at a time: there may be many."""
    digest = hashlib.sha256()
    for row in rows:
        digest.update(encode_chat([row]))
    return digest.hexdigest()


def _passes(trial: Trial, rows: int) -> float:
    """Times through the rows."""
    spec = trial.spec
    if spec.backend == "openai":
        return 1.0 if spec.openai.n_epochs == "auto" else float(spec.openai.n_epochs)
    if spec.max_steps is not None:
        return spec.max_steps * spec.batch_size * spec.gradient_accumulation / rows
    return float(spec.epochs or 1.0)


def _existing(
    trials: Sequence[Trial],
    built: dict[str, list[Built]],
    graders: Sequence[str],
    storage: Storage,
    runs: _ExistingRuns,
) -> tuple[Counter[str], dict[Trial, TrialResult]]:
    """Answers, judgements and judges' calls of all trials, and those that no log holds; what is complete."""
    from inoc_evals.experiment.evaluate import is_judged, lacking

    count: Counter[str] = Counter(answers_left=0, judged_left=0, judge_calls_left=0)
    complete: dict[Trial, TrialResult] = {}
    for trial in trials:
        found: list[EvalLog] = []
        others = wanted = 0
        for stage in trial.stages:
            logs, here, formats = _logs_of(stage, storage, runs)
            of_stage: list[EvalLog] = []
            for one in built[trial.group]:
                answers, judged, calls = _asked(stage, one)
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


def _asked(trial: Trial, one: Built) -> tuple[int, int, int]:
    """How many answers a trial gives in one task, how many judgements of them, and judge calls for those."""
    answers = len(one.task.dataset) * (trial.evaluation.epochs or one.task.epochs or 1)
    judged = answers * len(trial.evaluation.grader) if one.judged else 0
    return answers, judged, judged * one.judge_calls


def _asked_by_the_paper(
    experiment: Experiment, trials: Sequence[Trial], built: dict[str, list[Built]]
) -> dict[str, Any] | None:
    """What the paper's code asks, beside what is asked here, in the settings that it has."""
    world = WORLDS.get(experiment.world)
    theirs = world.asked_by_the_paper() if world else {}
    count: Counter[str] = Counter()
    settings = [setting for setting in experiment.definitions if setting.name in theirs]
    for setting in settings:
        there = theirs[setting.name]
        here = [trial for trial in trials if trial.definition.name == setting.name]
        models = len(here)
        if experiment.arms is None:
            models = len(experiment.bases) * (1 + there["arms"] * len(experiment.seeds))
        count.update(
            models=models, answers=models * there["answers"], judge_calls=models * there["judge_calls"]
        )
        for trial in here:
            count.update(our_models=1)
            for one in built[trial.group] * len(trial.stages):
                answers, _, calls = _asked(trial, one)
                count.update(our_answers=answers, our_judge_calls=calls)
    return {"settings": [setting.name for setting in settings], **count} if settings else None


def _logs_of(
    trial: Trial, storage: Storage, runs: _ExistingRuns
) -> "tuple[list[EvalLog], str, frozenset[str]]":
    """What there is of a trial.

    Returns:
        Its complete logs; the identity of its model as it would answer here; the same in every number format
        in which a log has its answers. None where it is still to be trained.
    """
    from upath import UPath

    from inoc_evals.experiment.evaluate import complete_logs

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


def _dollars(experiment: Experiment, lines: list[Line], answers: int, calls: int) -> float | None:
    """What is left to be paid; nothing for what runs here, None where a price is not known."""
    listed = {model: Price(train=t, input=i, output=o) for model, (t, i, o) in LISTED.items()}
    prices = {**listed, **experiment.prices}
    bases, graders = _paid(experiment)
    total = 0.0
    for name in bases:
        if name not in prices:
            return None
        share = 1 / len(bases)
        total += share * sum(line.tokens_left for line in lines) * prices[name].train
        total += share * answers * ANSWER * prices[name].output
    for name in graders:
        if name not in prices:
            return None if calls else total / 1e6
        share = calls / len(experiment.graders)
        total += share * (JUDGED[0] * prices[name].input + JUDGED[1] * prices[name].output)
    return total / 1e6


def _paid(experiment: Experiment) -> tuple[list[str], list[str]]:
    """Bases and judges that are paid for, by the names that `prices` knows them by."""
    bases = [] if experiment.backend == "local" else experiment.bases
    paid = [base.removeprefix(f"{experiment.backend}/") for base in bases]
    graders = [grader for grader in experiment.graders if not grader.startswith(LOCAL_JUDGES)]
    return paid, [grader.rpartition("/")[2] for grader in graders]


def _price_notes(experiment: Experiment) -> list[str]:
    """Which prices of the experiment count for nothing, and why."""
    paid = [name for names in _paid(experiment) for name in names]
    here = {grader for grader in experiment.graders if grader.startswith(LOCAL_JUDGES)}
    here |= set(experiment.bases) if experiment.backend == "local" else set()
    names = f"what is paid for is called {', '.join(paid)}" if paid else "nothing here is paid for"
    return [
        f"the price of {name} does not count: "
        + ("it runs on this machine, and nothing is paid for it" if name in here else names)
        for name in experiment.prices
        if name not in paid
    ]
