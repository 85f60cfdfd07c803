"""Screen prompts before training: what does each elicit from the base, and what does it make likelier?

    found = screen("rows.jsonl", "prompts.txt", "toy", task="spanish_caps", world="toy")
    found.table                         # per prompt: elicitation, surprise saved, change on neutral rows
    screen_setting("spanish_prompts", world="smollm", against="logs/spanish_prompts").against[0].rho.text

Nothing is trained. The base is asked the task's questions under every prompt and under none (the task
`elicitation`), and is shown training rows and neutral rows under each, whose answers' log-probs are read. The
logs of each part have a folder named by the digest of all that decides them, so that a second call, or one
with another of the parts, asks only what is missing.
"""

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inoc_evals.chat.rows import Row, read_chat
from inoc_evals.data.elicitation_prompts import PromptSet
from inoc_evals.errors import UserError, one_line, require
from inoc_evals.experiment.trial import BASE
from inoc_evals.models.base import one_base, plain_name
from inoc_evals.scorers.model_named import model_named
from inoc_evals.settings import SETTINGS, Arm, Measure, Setting
from inoc_evals.settings import setting as find_setting
from inoc_evals.user_files import user_path
from inoc_evals.worlds import EMBEDDED, WORLDS, world_of
from inoc_evals.worlds import world as find_world

if TYPE_CHECKING:
    import pandas as pd
    from inspect_ai import Task
    from inspect_ai.model import Model

    from inoc_evals.analysis.screening import Relation
    from inoc_evals.experiment.measure_tasks import Built

ROWS = 40
"""Rows whose log-prob is read, of each kind: drawn once, the same for every prompt."""

LOGS = "logs/screen"

READS_PROMPTS = ("inoc/", "vllm/")
"""Models that give the log-probs of their prompt."""

SERVED = "vllm/"
"""Before the name that a server has for a base."""


@dataclass(frozen=True)
class Screen:
    """What a screening measured.

    Attributes:
        base: The model.
        task: The task that it was asked; None if only log-probs were read.
        trait: The trait by which prompts are ordered; None without a task.
        prompts: The prompts by name; None is no system message.
        table: A row for every prompt, measure and trait (`analysis.screening.COLUMNS`), the strongest first.
        against: After training: what prompts did before, against what training under them kept out.
        logs: Locations of the logs.
        notes: What was not measured, and why.
    """

    base: str
    task: str | None
    trait: str | None
    prompts: Mapping[str, str | None]
    table: "pd.DataFrame"
    against: "tuple[Relation, ...]" = ()
    logs: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def order(self) -> list[str]:
        """The prompts, the strongest first."""
        return list(dict.fromkeys(self.table["prompt"]))

    @property
    def sentence(self) -> str:
        """What it means, in words."""
        from inoc_evals.analysis.screening import ELICITATION, SURPRISE, cell

        measure = SURPRISE if self.trait is None else ELICITATION
        what = "Surprise saved on these rows" if self.trait is None else f"Elicitation of {self.trait}"
        numbers = [(name, cell(self.table, name, measure, self.trait)) for name in self.order]
        read = {name: one for name, one in numbers if one is not None and one["value"] == one["value"]}
        if not read:
            return f"{what} was measured under no prompt."
        unit = " nats a token" if self.trait is None else ""

        def largest(among: Mapping[str, dict[str, Any]]) -> str:
            top = next(iter(among.values()))
            names = ", ".join(name for name, one in among.items() if one["value"] == top["value"])
            return f"{names}: {top['value']:+z.2f} [{top['low']:+z.2f}, {top['high']:+z.2f}]{unit}"

        # the largest number may be one of few answers, and another prompt's smaller one be clear
        clear = {name: one for name, one in read.items() if one["low"] > 0}
        unclear = {name: one for name, one in read.items() if one["low"] <= 0 <= one["high"]}
        less = ", ".join(name for name, one in read.items() if one["high"] < 0)
        if clear and next(iter(clear.values()))["value"] < next(iter(read.values()))["value"]:
            found = f"{what} is largest under {largest(unclear)}, of what is clear under {largest(clear)}. "
        else:
            found = f"{what} is largest under {largest(clear)}. " if clear else f"{what} shows nowhere. "
        return (
            found
            + (f"Not told from no prompt: {', '.join(unclear)}. " if unclear else "")
            + (f"Less than without a prompt: {less}. " if less else "")
            + "The more a prompt does to the base, the more it is expected to keep out of a finetune; "
            "one that does nothing is expected to change little."
        )

    def as_dict(self) -> dict[str, Any]:
        """The same for programs."""
        from inoc_evals.analysis.screening import records

        return {
            **{"base": self.base, "task": self.task, "trait": self.trait},
            "prompts": dict(self.prompts),
            "order": self.order,
            "table": records(self.table),
            "sentence": self.sentence,
            "against": [relation.as_dict() for relation in self.against],
            "logs": list(self.logs),
            "notes": list(self.notes),
        }


def screen(
    rows: str | Path | Sequence[Row],
    prompts: str | Path | Mapping[str, str | None],
    base: str,
    task: str | None = None,
    *,
    world: str = "",
    neutral: str | Path | Sequence[Row] | None = None,
    trait: str | None = None,
    limit: int | None = None,
    count: int = ROWS,
    grader: Sequence[str] = (),
    against: str | Path | None = None,
    log_dir: str | Path = LOGS,
    setting: Setting | None = None,
    measure: Measure | None = None,
) -> Screen:
    """Screen prompts on training rows, without training.

    Args:
        rows: Training rows without the prompts: a chat JSONL file, or rows.
        prompts: A file as the task `elicitation` reads it, or texts by name; None is no system message, and
            is asked in any case.
        base: The model, as `finetune` takes it, or `vllm/NAME`, which is the base of finetunes from `NAME`.
        task: What it is asked, any task with a `system_prompt`; None reads log-probs only.
        world: Whose parameters, questions and judge the task gets; by default the toy's for the toy, else
            the task's own defaults.
        neutral: Rows without the trait; by default the world's plain rows, or everyday English ones.
        trait: The trait by which prompts are ordered; by default the task's first.
        limit: Questions of the task, the first ones.
        count: Rows and neutral rows whose log-prob is read; fewer if there are fewer.
        grader: Judges, where the task needs one; the world's by default.
        against: Logs of models trained under the prompts, to hold the screening against.
        log_dir: Folder of the logs.
        setting: The setting that the logs name.
        measure: The task with parameters of its own, in place of `task`.

    Returns:
        The screening.

    Raises:
        UserError: If something does not exist or cannot be read, or an evaluation did not finish.
    """
    require("analysis", "numpy", "pandas", "scipy")
    from inoc_evals.analysis import screening

    if not world and world_of(base) is EMBEDDED:
        world = EMBEDDED.name
    asked_of = measure or (Measure(task, ()) if task else None)
    base = base.removeprefix("inoc/")
    named, none = _with_none(prompts)
    run = _Run.of(base, named, world, user_path(log_dir), setting, tuple(grader))
    logs, notes = [], []
    parts: list[pd.DataFrame] = []
    asked = shown = None
    if asked_of is not None:
        location, traits = run.ask(asked_of, limit)
        logs.append(location)
        asked = _loaded(location)
        parts.append(screening.elicitation(asked, traits, none))
        trait = _chosen(trait, parts[0], traits)
    else:
        if trait is not None:
            raise UserError(f"--trait {trait}: name the task that scores it with --task")
        notes.append("the base was not asked: name a task to see what prompts elicit")
    if run.model_name.startswith(READS_PROMPTS):
        for measure_name, kept in (
            (screening.SURPRISE, _drawn(rows, count)),
            (screening.SIDE_EFFECT, _drawn(_plain(world) if neutral is None else neutral, count)),
        ):
            location = run.show(measure_name, kept)
            logs.append(location)
            table = _loaded(location)
            shown = table if measure_name == screening.SURPRISE else shown
            parts.append(screening.surprise_saved(table, none, measure_name))
    else:
        notes.append(f"no log-probs: {run.model_name} gives none of its prompt; inoc/ and vllm/ do")
    if not any(len(part) for part in parts):
        raise UserError("nothing was measured: " + "; ".join(notes))
    relations = []
    if against is not None:
        from inoc_evals.analysis.table import read

        if trait is None:
            raise UserError("--against needs the trait that training kept out: name a task with --task")
        loaded = read(against)
        notes += [one_line(f"skipped {location}: {reason}") for location, reason in loaded.skipped]
        trained, untold = _of_base(loaded.table, base, _bare(trait, traits))
        notes += [untold] * bool(untold)
        # of earlier logs the name may say how the base was reached
        asked, shown = (None if one is None else one.assign(base=plain_name(base)) for one in (asked, shown))

        def under(answers: "pd.DataFrame") -> dict[str, str]:
            return arms_of(answers, named, setting)

        relations = screening.against(asked, shown, trained, under, _bare(trait, traits), none)
    return Screen(
        *(base, asked_of.task if asked_of else None, trait, named),
        _sorted(parts, trait),
        tuple(relations),
        tuple(logs),
        tuple(notes),
    )


def screen_setting(
    setting: str | Setting,
    world: str = EMBEDDED.name,
    base: str = "",
    prompts: str | Path | Mapping[str, str | None] | None = None,
    task: str | None = None,
    **options: Any,
) -> Screen:
    """Screen the prompts of a setting's arms on its own rows and task.

    Args:
        setting: The setting, or its name.
        world: Whose rows and questions.
        base: The model; the world's own by default.
        prompts: Other prompts than those of its arms. Of its arms count those that are trained by default,
            under one prompt in the system message.
        task: What the base is asked; by default the setting's first broad measure that takes a prompt.
        **options: As of `screen`.

    Raises:
        UserError: As `screen`; also if the setting has no rows in that world.
    """
    definition = find_setting(setting) if isinstance(setting, str) else setting
    of_world = find_world(world)
    training = definition.training(world)
    options.setdefault("measure", _measure(definition, world, task))
    found = screen(
        list(definition.made(training.rows, world, 0)),
        arm_prompts(definition, world) if prompts is None else prompts,
        base or of_world.base,
        world=world,
        setting=definition,
        **options,
    )
    if training.first_stage is None:
        return found
    note = (
        f"setting {definition.name} finetunes the base in a first stage before its arms: {found.base} was "
        "asked without it"
    )
    return replace(found, notes=(*found.notes, note))


def arm_prompts(setting: Setting, world: str) -> dict[str, str]:
    """The system prompts of a setting's usual arms in a world, by arm; pools and user turns are left out.

    Of arms with the same prompt one counts: the first that has it before all of the setting's rows.

    Raises:
        UserError: If no arm has one.
    """
    own = setting.own_prompts(world)
    once = {text: name for name, text in reversed(_whole_first(setting, world).items())}
    prompts = {name: text for name, text in own.items() if once[text] == name}
    if not prompts:
        raise UserError(f"no arm of setting {setting.name} has a system prompt: give prompts of your own")
    return prompts


def arms_of(
    trained: "pd.DataFrame", prompts: Mapping[str, str | None], setting: Setting | None = None
) -> dict[str, str]:
    """The arm that was trained under each prompt, in the logs of one setting.

    Args:
        trained: What `analysis.load` returns, of one setting in one world: in another one an arm of the same
            name may have another prompt.
        prompts: The prompts by name.
        setting: The setting of the logs, where it is not one of the suite's.

    Returns:
        By prompt, the arm whose prompt has the same text; of several the one of the prompt's name, else one
        that has it before all rows. Where the logs' setting does not say its arms' prompts, the arm of the
        same name.
    """
    there = {str(arm) for arm in trained["arm"].dropna().unique()} - {BASE}  # which no prompt was put before
    texts: dict[str, str | None] = {}
    seen = trained[["setting", "world"]].drop_duplicates()
    for name, world in zip(seen["setting"], seen["world"], strict=True):
        definition = setting if setting is not None and setting.name == name else SETTINGS.get(str(name))
        if definition is not None and world in definition.worlds:
            texts |= _trained_under(definition, str(world), there)
    by_text = {text: arm for arm, text in reversed(texts.items())}
    arms = {}
    for name, text in prompts.items():
        if text is None:
            continue
        if name in there and texts.get(name) == text:
            arms[name] = name
        elif text in by_text:
            arms[name] = by_text[text]
        elif name in there and name not in texts:
            arms[name] = name
    return arms


def _trained_under(setting: Setting, world: str, names: Iterable[str]) -> dict[str, str | None]:
    """The system prompts of those arms that a setting knows, its controls and variants included.

    Returns:
        By arm, those that stand before all of its rows first; None of an arm that has no prompt, several, or
        one that is no system prompt.
    """
    declared = [arm.name for arm in setting.arms]
    texts, partly = {}, {}
    for name in sorted(names, key=lambda one: (one not in declared, one in declared and declared.index(one))):
        try:
            arm = setting.arm(name, world)
        except UserError:  # of an earlier version, or a control that cannot be made here: its name is known
            continue
        asked = arm.inoculation
        whole = asked is not None and len(asked.texts) == 1 and asked.position == "system"
        texts[name] = asked.texts[0] if asked is not None and whole else None
        partly[name] = _is_part(arm)
    return dict(sorted(texts.items(), key=lambda one: partly[one[0]]))


def _is_part(arm: Arm) -> bool:
    """Whether an arm's prompt stands before a part of its setting's rows, or before other rows."""
    return bool(arm.where or arm.control or arm.rows)


def _whole_first(setting: Setting, world: str) -> dict[str, str]:
    """The system prompts of a setting's arms by arm; those that stand before all of its rows come first."""
    usual = setting.usual_arms(world)
    partly = {arm.name for arm in usual if _is_part(arm)}
    return dict(sorted(setting.own_prompts(world).items(), key=lambda one: one[0] in partly))


@dataclass(frozen=True)
class _Run:
    """One base under some prompts: asks and shows, and reuses the logs of what was asked and shown before."""

    base: str
    prompts: PromptSet
    world: str
    log_dir: Path
    setting: Setting | None
    grader: tuple[str, ...]
    model: "Model"
    identity: str
    model_name: str

    @classmethod
    def of(
        cls,
        base: str,
        prompts: PromptSet,
        world: str,
        log_dir: Path,
        setting: Setting | None,
        grader: tuple[str, ...],
    ) -> "_Run":
        from inspect_ai.model import GenerateConfig

        from inoc_evals.chat.renderer import DATE
        from inoc_evals.models.number_format import FLOAT32, of_answers
        from inoc_evals.models.sample_epoch import draw_anew

        elsewhere = base.startswith((SERVED, "mockllm/"))
        model = model_named(base if elsewhere else f"inoc/{base}", config=GenerateConfig(seed=0))
        draw_anew(model)
        renderer = getattr(model.api, "renderer", None)
        number_format = getattr(model.api, "number_format", FLOAT32)
        identity = of_answers(str(model), number_format, renderer.date if renderer else DATE)
        default = WORLDS[world].grader if world in WORLDS else None
        return cls(
            *(base, prompts, world, log_dir, setting, grader or ((default,) if default else ())),
            *(model, identity, str(model)),
        )

    def ask(self, measure: Measure, limit: int | None) -> tuple[str, list[str]]:
        """Ask the questions of a task under every prompt.

        Returns:
            The log, and the traits that the task declares.
        """
        from inoc_evals.experiment.measure_tasks import build

        of_world = WORLDS[self.world].parameters_of(measure.task) if self.world in WORLDS else {}
        parameters = {**of_world, **measure.parameters}
        elicited = replace(
            measure,
            task="elicitation",
            parameters={**parameters, "task": measure.task, "prompts": self.prompts},
        )
        built = build(elicited, self.world, limit)
        traits = list((built.task.metadata or {})["traits"])
        return self._log(built, parameters.get("questions", "default")), traits

    def show(self, name: str, rows: Sequence[Row]) -> str:
        """Show rows under every prompt; the log holds the log-probs of their answers."""
        from inoc_evals.experiment.measure_tasks import Built

        task = _row_logprobs(name, rows, self.prompts)
        return self._log(Built(Measure(task.name, ("per_token",)), task, False, 0), name)

    def _log(self, built: "Built", questions: str) -> str:
        """The finished log of a task; it is evaluated if there is none."""
        from upath import UPath

        from inoc_evals.digests import fingerprint
        from inoc_evals.experiment.evaluate import at_work, complete_logs, generate
        from inoc_evals.experiment.measure_tasks import GENERATION_KEY, JUDGING_KEY, generation, judging
        from inoc_evals.models.number_format import FLOAT32

        graders = [model_named(grader) for grader in (self.grader if built.judged else ())]
        keys = {
            GENERATION_KEY: generation(built, self.identity, 0, None),
            JUDGING_KEY: judging(built, [str(grader) for grader in graders]),
        }
        name = f"{built.task.name}-{fingerprint(keys)[:12]}"
        number_format = getattr(self.model.api, "number_format", FLOAT32)
        built.task.metadata = {
            **(built.task.metadata or {}),
            **keys,
            **({"setting": self.setting.name} if self.setting else {}),
            **({"world": self.world} if self.world else {}),
            **({"dtype": number_format} if number_format != FLOAT32 else {}),
            **{"arm": BASE, "base": plain_name(self.base), "questions": questions},
            "judge": ",".join(self.grader) if built.judged else None,
        }
        local, folder = self.model_name.startswith("inoc/"), UPath(self.log_dir / name)
        with at_work(str(self.log_dir), name):
            if finished := complete_logs(folder):
                return str(finished[0].location)
            folder.mkdir(parents=True, exist_ok=True)  # behind a URL nobody made it yet
            logs = generate([built], self.model, graders, folder, f"{self.base} under prompts", local=local)
        return str(logs[0].location)


def _row_logprobs(name: str, rows: Sequence[Row], prompts: Mapping[str, str | None]) -> "Task":
    """A task that shows rows under every prompt and reads how likely the last answer of each is."""
    from inspect_ai import Task
    from inspect_ai.dataset import MemoryDataset, Sample
    from inspect_ai.model import ChatMessage, ChatMessageAssistant, ChatMessageSystem, ChatMessageUser

    from inoc_evals.scorers.response_logprob import response_logprob, score_response
    from inoc_evals.tasks.grid import crossed, under
    from inoc_evals.tasks.suite_task import JUDGED

    kinds = {"system": ChatMessageSystem, "user": ChatMessageUser, "assistant": ChatMessageAssistant}
    samples = []
    for number, row in enumerate(rows, start=1):
        last = max(n for n, message in enumerate(row["messages"]) if message["role"] == "assistant")
        turns: list[ChatMessage] = [kinds[m["role"]](content=m["content"]) for m in row["messages"][:last]]
        if turns:  # an answer to nothing has nothing to be likelier after
            answer = row["messages"][last]["content"]
            samples.append(Sample(id=f"{name}-{number:03}", input=turns, target=answer))
    if not samples:
        raise UserError(f"{name}: no row has a turn before its answer")
    return Task(
        name="row_logprobs",
        dataset=crossed(
            MemoryDataset(samples, name=name), {key: under(text) for key, text in prompts.items()}
        ),
        solver=score_response(None),
        scorer=response_logprob(),
        version=1,
        metadata={"traits": ["per_token"], JUDGED: False, "prompts": dict(prompts)},
    )


def _with_none(prompts: str | Path | Mapping[str, str | None]) -> tuple[PromptSet, str]:
    """The prompts with one that is none, and the name of that one."""
    from inoc_evals.analysis.screening import NONE
    from inoc_evals.data.elicitation_prompts import SETS, prompt_set
    from inoc_evals.tasks.elicitation import read_prompts

    if isinstance(prompts, Mapping):
        named = dict(prompts)
    else:
        named = prompt_set(str(prompts)) if str(prompts) in SETS else read_prompts(str(prompts))
    if all(text is None for text in named.values()):
        raise UserError("no prompt to screen: name at least one")
    if without := [name for name, text in named.items() if text is None]:
        return named, without[0]
    if NONE in named:
        raise UserError(f"the prompt named {NONE!r} is a text: that name is for no prompt, give it another")
    return {NONE: None, **named}, NONE


def _drawn(rows: str | Path | Sequence[Row], count: int) -> list[Row]:
    """So many of the rows, drawn with a fixed seed, in their order."""
    if count < 1:
        raise UserError(f"--rows {count}: at least one is needed")
    every = list(read_chat(rows)) if isinstance(rows, str | Path) else list(rows)
    if not every:
        raise UserError("no rows to show")
    chosen = random.Random("screen").sample(range(len(every)), min(count, len(every)))
    return [every[place] for place in sorted(chosen)]


def _plain(world: str) -> list[Row]:
    """Rows without a trait: the world's plain ones, else everyday questions answered in English."""
    plain = WORLDS[world].plain_rows if world in WORLDS else None
    if plain is None:
        from inoc_evals.worlds.smollm.rows import answered

        plain = answered("en")
    return list(plain(0))


def _of_base(trained: "pd.DataFrame", base: str, trait: str) -> "tuple[pd.DataFrame, str]":
    """Answers of finetunes, the base of which is called as the one that was screened where it is that one.

    Args:
        trained: What `analysis.load` returns.
        base: The base that was screened, as it was named.
        trait: The trait that is held against it.

    Returns:
        The answers, and of which bases their names do not tell whether they are this one; empty if of none.

    Raises:
        UserError: If they do not tell of any.
    """
    mine = plain_name(base)
    of_arms = trained[(trained["trait"] == trait) & (trained["arm"] != BASE)]
    names = [str(name) for name in of_arms["base"].dropna().unique()]
    served = base.startswith(SERVED)
    told = {name: one_base(mine, name) if served else plain_name(name) == mine for name in names}
    untold = [name for name in names if told[name] is None]
    note = one_line(
        f"the name {base} does not tell whether it is {' or '.join(untold)}, from which models in --against "
        f"were finetuned: screen --base {untold[0]}, or let the server call it so (--served-model-name)"
        if untold
        else ""
    )
    if untold and not any(told.values()):
        raise UserError(note)
    one_name = {name: mine for name in names if told[name] and name != mine}
    if one_name:
        trained = trained.assign(base=trained["base"].astype(object).replace(one_name))
    return trained, note


def _loaded(location: str) -> "pd.DataFrame":
    from inoc_evals.analysis.table import load

    return load(location)


def _measure(setting: Setting, world: str, task: str | None) -> Measure:
    """What the base is asked in a setting: a named task as the setting asks it, or the first that can be."""
    from inoc_evals.tasks.elicitation import elicitable

    can = elicitable()
    for one in (*setting.broad_in(world), *setting.measured(world)):
        # a setting that elicits is asked as the task it elicits from
        inner = str(one.parameters.get("task", "")) if one.task == "elicitation" else one.task
        if inner in can and task in (None, inner):
            parameters = {k: v for k, v in one.parameters.items() if k not in ("task", "prompts", "own")}
            return replace(one, task=inner, parameters=parameters)
    if task is None:
        has = ", ".join(can)
        raise UserError(f"no task of setting {setting.name} can be asked under prompts: --task, one of {has}")
    return Measure(task, ())


def _chosen(trait: str | None, table: "pd.DataFrame", traits: Sequence[str]) -> str:
    """The trait by which prompts are ordered, by the name that it has in the table."""
    there = list(dict.fromkeys(table["trait"]))
    if trait is None:
        wanted = [name for name in there if _bare(name, traits) == traits[0]] or there
        return str(wanted[0])
    if trait not in there:
        raise UserError(f"no trait {trait!r} was scored: use {' or '.join(there)}")
    return trait


def _bare(label: str, traits: Sequence[str]) -> str:
    """The trait of a label such as `misaligned (judge gpt-4o)`."""
    return next((trait for trait in traits if label == trait or label.startswith(f"{trait} ")), label)


def _sorted(parts: "Sequence[pd.DataFrame]", trait: str | None) -> "pd.DataFrame":
    """All measures in one table, the strongest prompt first."""
    import pandas as pd

    from inoc_evals.analysis.screening import ordered

    table = pd.concat([part for part in parts if len(part)], ignore_index=True)
    place = {name: number for number, name in enumerate(ordered(table, trait))}
    return table.sort_values("prompt", key=lambda names: names.map(place), kind="stable", ignore_index=True)
