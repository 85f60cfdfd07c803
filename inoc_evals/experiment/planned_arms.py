"""The arms of an experiment with their rows, as the models will read them: what there is to train.

    planned = plan_arms(trials, ExistingRuns(storage.runs))
    planned.lines                          # by arm and dose: seeds, rows, tokens, what is trained already
    planned.previews                       # the first row of each arm as training will show it

An arm's rows are built here for one of its seeds, and so checked, with the base's own chat template; so is
the schedule that they make. Tokens are characters by four: an estimate, and called one.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from inoc_evals.chat.rows import Row, encode_chat
from inoc_evals.data.doses import words
from inoc_evals.data.row_sources import sources_of
from inoc_evals.errors import UserError
from inoc_evals.experiment.existing import ExistingRuns
from inoc_evals.experiment.sweep import of_rows
from inoc_evals.experiment.trial import BASE, Trial
from inoc_evals.finetune.memory import Shapes, shapes, training_memory
from inoc_evals.finetune.preflight import Examples, Preview, Templates, preflight
from inoc_evals.finetune.schedule import check_schedule, steps
from inoc_evals.models.base import load_path
from inoc_evals.models.checkpoint import load_context_length
from inoc_evals.models.loading import load_config
from inoc_evals.models.number_format import on_cpu
from inoc_evals.runs.spec import FinetuneSpec

CHARACTERS = 4.0
"""Characters a token, as in English text."""


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
class PlannedArms:
    """What there is to train.

    Attributes:
        lines: Every arm of every setting on every base, by dose.
        trainings: Seconds of each training that is left; None where nothing comparable was trained yet.
        memory: Bytes that the largest of them takes at its peak, about, on a machine without GPUs; None
            elsewhere, and where the base is not here yet.
        previews: By group and arm, the first row as training will show it; None where the chat template is
            not on this machine.
        notes: What a user should know of schedules, times and chat templates, a line each.
    """

    lines: list[Line]
    trainings: list[float] | None
    memory: int | None
    previews: dict[tuple[str, str], Preview | None]
    notes: list[str]


def plan_arms(trials: Sequence[Trial], runs: ExistingRuns) -> PlannedArms:
    """Build the rows of every arm, for one of its seeds, and say what is left to be trained on them.

    Args:
        trials: All of them.
        runs: The runs that are there.

    Returns:
        The arms.

    Raises:
        UserError: If rows cannot be trained on as they are, or would change nothing; names the arm.
    """
    groups: dict[tuple[str, str, str], list[Trial]] = {}
    for trial in trials:
        groups.setdefault((trial.group, trial.arm, words(trial.dose)), []).append(trial)
    declared = set(runs.identities)
    planned: list[tuple[Line, Trial]] = []
    trainings: list[float] | None = []
    sizes: dict[tuple[str, str, str], tuple[int, int, Examples]] = {}
    previews: dict[tuple[str, str], Preview | None] = {}
    templates, memory = Templates(), _Memory()
    drawn_twice: set[tuple[str, bool, str]] = set()
    for (group, arm, dose), same in groups.items():
        first = same[0]
        if arm == BASE:
            planned.append((Line(group, arm, 1, 0, 0, 0, 0.0), first))
            continue
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
        line = Line(group, arm, len(same), trained, rows, tokens, _passes(first, rows), dose)
        planned.append((line, first))
        if left := line.seeds - trained:
            a_row = preview.loss_tokens if preview and first.spec.backend != "openai" else tokens / rows
            each = runs.times.seconds(first.spec, a_row * rows * line.passes)
            trainings = None if each is None or trainings is None else [*trainings, *[each] * left]
            memory.see(first.spec, preview)
    of_steps = _check_steps(planned)  # before the schedules: it names the field that the user wrote
    notes = _check_schedules(planned) + of_steps + _time_notes(planned, runs) + _template_notes(previews)
    return PlannedArms([line for line, _ in planned], trainings, memory.most, previews, notes)


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


class _Memory:
    """The memory that the largest of some trainings takes, if they run on this machine's cores."""

    def __init__(self) -> None:
        self.most: int | None = None
        self._shapes: dict[tuple[str, str], Shapes] = {}

    def see(self, spec: FinetuneSpec, preview: Preview | None) -> None:
        """Look at one more; its base may not be here yet, or its rows be read elsewhere."""
        if spec.backend != "local" or preview is None or not on_cpu("auto"):
            return
        folder = load_path(spec.base)
        key = spec.base, repr((spec.lora, spec.trained_tokens))
        if key not in self._shapes:
            self._shapes[key] = shapes(spec, load_config(folder))
        longest = spec.longest(load_context_length(Path(folder))) if spec.packing else preview.longest
        needed = training_memory(spec, self._shapes[key], longest).bytes
        self.most = max(needed, self.most or 0)


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


def _check_steps(planned: Sequence[tuple[Line, Trial]]) -> list[str]:
    """Refuse steps that a training does not have; note schedules under which a step is no shorter training.

    Raises:
        UserError: If a step is to be measured that comes after the end.
    """
    notes: dict[str, None] = {}
    for line, trial in planned:
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


def _check_schedules(planned: Sequence[tuple[Line, Trial]]) -> list[str]:
    """Refuse arms whose training would change nothing; note those that never get to their learning rate."""
    notes = []
    for line, trial in planned:
        spec = trial.spec
        if line.arm == BASE or line.trained == line.seeds or spec.packing:
            continue
        try:
            found = check_schedule(spec, steps(spec, line.rows))
        except UserError as error:
            raise UserError(f"{line.group}, arm {line.arm}: {error}") from error
        notes += [f"{line.group}, arm {line.arm}: {note}" for note in found]
    return notes


def _time_notes(planned: Sequence[tuple[Line, Trial]], runs: ExistingRuns) -> list[str]:
    """On which other devices the trainings ran that the time is reckoned from."""
    specs = [trial.spec for line, trial in planned if line.arm != BASE and line.seeds > line.trained]
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
