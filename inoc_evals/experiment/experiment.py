"""The definition of an experiment: which settings, models and seeds, and how the models are measured.

    experiment = load("em.yaml")
    experiment = Experiment(settings=("spanish_caps",), bases=("Qwen/Qwen2.5-7B-Instruct",), seeds=3)
    experiment.trials()                     # one for each model to be trained and measured

It is what `inoc-evals run EXPERIMENT.yaml` reads (docs/experiments.md). It describes an experiment and runs
nothing; `plan.py` checks that it can be run.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, TypeGuard

from pydantic import Field, field_validator, model_validator

from inoc_evals.data.doses import Value, words
from inoc_evals.errors import UserError
from inoc_evals.experiment.sweep import (
    STEPS,
    along,
    applied,
    check_concerned,
    checked,
    concerning,
    keeping,
    points,
    size,
)
from inoc_evals.experiment.trial import BASE, Evaluation, Trial
from inoc_evals.runs.spec import FinetuneSpec, ProbeSpec, Strict
from inoc_evals.settings import Arm, Setting, reported
from inoc_evals.settings import setting as find_setting
from inoc_evals.settings.controls import controls
from inoc_evals.user_files import given_text, strict_yaml, user_path
from inoc_evals.worlds import EMBEDDED, WORLDS, world_of

Engine = Literal["local", "ray"]

MOST_MODELS = 100_000
"""Most seeds of an experiment, and most models of a sweep: each is a training of its own."""


class Price(Strict):
    """Dollars for a million tokens of one model.

    Attributes:
        train: For tokens trained on, per epoch.
        input: For tokens read.
        output: For tokens written.
    """

    title = "price"

    train: float = Field(default=0.0, ge=0)
    input: float = Field(default=0.0, ge=0)
    output: float = Field(default=0.0, ge=0)


class Experiment(Strict):
    """A grid of models, and how each is measured.

    Attributes:
        name: Its name, in its logs and as the name of their folder.
        settings: Names of settings, or `FILE.py:NAME`; `all` is every setting of the suite with rows in the
            world.
        bases: Models to start from, by their name at the backend; the world's own by default. Of local ones
            also finished runs and adapters (`finetune/merged.py`).
        world: The world of its rows and questions, a key of `worlds.WORLDS`; by default that of the bases.
            `variant: paper-code` in a file stands for that variant of `world: paper`.
        arms: Names of arms, the same for each setting; by default every arm that is not a variant and has
            rows in the world. The base model is always measured as well.
        controls: Whether every setting also gets its arms against conditionalization: an irrelevant prompt,
            pools of rephrasings, clean rows under the prompt (`settings/controls.py`).
        rephrasings: A file of rephrasings for those pools; the suite's own by default.
        seeds: Seeds, or how many: 3 is 0, 1, 2.
        backend: Where models are trained.
        finetune: Fields of `FinetuneSpec` that differ from the setting's usual ones.
        measures: `all`, `broad`, `narrow`, or names of tasks.
        evaluate: How the models are measured.
        sweep: By axis, the doses at which every arm is trained and measured (docs/dose.md), e.g.
            `{"learning_rate": [3e-5, 1e-4], "steps": [8, 16]}`.
        runs: Folder of run directories, local or by URL; None is the usual one (`runs_root`).
        logs: Folder of Inspect logs, local or by URL; None is `logs/<name>`.
        models_from: A user or an organization of the Hugging Face Hub: runs that they pushed are taken from
            there in place of training the very same (`finetune/pull.py`). Empty for nobody.
        prices: Dollars per million tokens by model, for the estimate; they override the suite's own table.
    """

    title = "experiment"

    name: str = Field(default="", pattern=r"^[A-Za-z0-9._-]*$")
    settings: tuple[str, ...] = Field(min_length=1)
    bases: tuple[str, ...] = Field(default=(EMBEDDED.base,), min_length=1)
    world: str = ""
    arms: tuple[str, ...] | None = None
    controls: bool = False
    rephrasings: str | None = None
    seeds: tuple[int, ...] = Field(default=(0, 1, 2), description="how many, or a list of whole numbers")
    backend: Literal["local", "openai", "tinker"] = "local"
    finetune: dict[str, Any] = Field(default_factory=dict)
    measures: Literal["all", "broad", "narrow"] | tuple[str, ...] = "all"
    evaluate: Evaluation = Evaluation()
    sweep: dict[str, tuple[Value, ...]] = Field(default_factory=dict)
    runs: str | None = None
    logs: str | None = None
    models_from: str = ""
    prices: dict[str, Price] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _short_forms(cls, data: Any) -> Any:
        """Let `setting: x` stand for `settings: [x]`, a number for seeds, a variant for a world."""
        if not isinstance(data, dict):
            raise UserError("experiment: the file must hold a mapping of fields, e.g. setting: spanish_caps")
        data = {key: value for key, value in data.items() if value is not None}
        for one, many in (("setting", "settings"), ("base", "bases")):
            if one in data and many in data:
                raise UserError(f"experiment: give {one} or {many}, not both")
            if one in data:
                data[many] = data.pop(one)
        if "variant" in data:
            data["world"] = _variant(data.pop("variant"), data.get("world"))
        for many in ("settings", "bases", "arms"):
            if isinstance(data.get(many), str):
                data[many] = [part.strip() for part in data[many].split(",") if part.strip()]
        if isinstance(data.get("measures"), str) and data["measures"] not in ("all", "broad", "narrow"):
            data["measures"] = [part.strip() for part in data["measures"].split(",")]
        if "sweep" in data:
            if not isinstance(data["sweep"], dict):
                raise UserError("experiment: sweep is a mapping from axes to values, e.g. {steps: [8, 16]}")
            data["sweep"] = checked(data["sweep"])
            if (count := size(data["sweep"])) > MOST_MODELS:
                raise UserError(f"experiment: the sweep has {count:,} points, more than {MOST_MODELS:,}")
        if isinstance(data.get("runs"), Path):
            data["runs"] = str(data["runs"])
        seeds = data.get("seeds")
        if isinstance(seeds, int) and not isinstance(seeds, bool):
            if seeds > MOST_MODELS:
                raise UserError(
                    f"experiment: {seeds:,} seeds are more than {MOST_MODELS:,}, the most there can be"
                )
            data["seeds"] = range(seeds)
        return {**data, **_derived_defaults(data)}

    @field_validator("settings", "bases", "arms", "seeds")
    @classmethod
    def _each_once(cls, values: Any) -> Any:
        if values is not None:
            if not values:
                raise ValueError("at least one is needed")
            if len(set(values)) < len(values):
                raise ValueError("each value may be listed only once")
        return values

    @property
    def log_dir(self) -> str:
        """Folder or URL of its logs."""
        return self.logs or f"logs/{self.name}"

    @property
    def graders(self) -> tuple[str, ...]:
        """The judges that it names, else the world's own judge, if it has one."""
        default = WORLDS[self.world].grader if self.world in WORLDS else None
        return self.evaluate.grader or ((default,) if default else ())

    @cached_property
    def definitions(self) -> tuple[Setting, ...]:
        """Its settings, as they are defined.

        Raises:
            UserError: If a setting does not exist, or two have one name, by which logs and tables know them.
        """
        found = [find_setting(name) for name in self.settings]
        first: dict[str, str] = {}
        for one, where in zip(found, self.settings, strict=True):
            folder = one.name.replace("_", "-")  # as logs are kept
            if folder in first:
                raise UserError(
                    f"two settings are named {one.name!r}: {first[folder]} and {where}: "
                    "give each a name= of its own"
                )
            first[folder] = where
        return tuple(replace(one, rephrasings=own) if (own := self._rephrasings) else one for one in found)

    @property
    def _rephrasings(self) -> str:
        """The file of rephrasings by its absolute path, for workers that run elsewhere; empty for none."""
        return str(user_path(self.rephrasings).resolve()) if self.rephrasings else ""

    def arms_of(self, setting: Setting) -> tuple[Arm, ...]:
        """The arms of one setting.

        Raises:
            UserError: If it has no such arm.
        """
        if self.arms is None:
            arms = setting.usual_arms(self.world)
        else:
            arms = tuple(setting.arm(name, self.world) for name in self.arms if name != BASE)
        if not self.controls:
            return arms
        names = {arm.name for arm in arms}
        added, _ = controls(setting, self.world)
        return (*arms, *(arm for arm in added if arm.name not in names))

    @property
    def notes(self) -> tuple[str, ...]:
        """Which controls its settings lack, a line each."""
        if not self.controls:
            return ()
        return tuple(note for one in self.definitions for note in controls(one, self.world)[1])

    def trials(self) -> list[Trial]:
        """Every model to be trained and measured: for each setting and base, the base, then arms by seed.

        Raises:
            UserError: If a setting, an arm, a world or a field of the finetune is unknown.
        """
        evaluation = self.evaluate.model_copy(update={"grader": self.graders})
        trials = []
        for setting in self.definitions:
            setting.training(self.world)  # raises where it has no rows in this world
            measures = self._measures_of(setting)
            # Nodes that share runs by URL cannot wait for each other: each setting then has its own.
            family = "" if "://" in (self.runs or "") else setting.family
            arms = self.arms_of(setting)
            for arm in arms:
                setting.source(arm, self.world)
            check_concerned(self.sweep, setting, arms, self.world)
            about = (self.name, measures, evaluation, family, self._rephrasings)
            for base in self.bases:
                specs = {seed: self._spec(setting, base, seed) for seed in self.seeds}
                trials.append(Trial(setting.key, self.world, BASE, None, specs[self.seeds[0]], *about))
                finetunes: dict[tuple[str, int, str], Trial] = {}  # what an axis does not concern, once
                for point in points(self.sweep):
                    for arm in arms:
                        dose = concerning(point, arm, self.sweep)
                        for seed in self.seeds:
                            spec = applied(specs[seed], dose)
                            place = (setting.key, self.world, arm.name, seed, spec)
                            trial = Trial(*place, *about, dose, self._steps)
                            finetunes.setdefault((arm.name, seed, words(dose)), trial)
                trials += finetunes.values()
        return trials

    @property
    def _steps(self) -> tuple[int, ...]:
        """Steps at which finetunes are measured, ascending."""
        if STEPS in self.sweep and self.evaluate.steps:
            raise UserError("experiment: give steps in sweep or in evaluate, not in both")
        return tuple(map(int, self.sweep.get(STEPS, self.evaluate.steps)))

    def _measures_of(self, setting: Setting) -> tuple[int, ...]:
        """Which of `setting.measured(world)` the experiment takes, by their index."""
        measures = setting.measured(self.world)
        if self.measures == "all":
            return tuple(range(len(measures)))
        if isinstance(self.measures, str):
            first_narrow = len(setting.broad_in(self.world))
            chosen = tuple(
                n for n in range(len(measures)) if (n < first_narrow) == (self.measures == "broad")
            )
        else:
            names = {measure.task for measure in measures}
            if unknown := [name for name in self.measures if name not in names]:
                has = ", ".join(sorted(names))
                raise UserError(f"setting {setting.name} does not measure {unknown[0]!r}; it has {has}")
            chosen = tuple(n for n, measure in enumerate(measures) if measure.task in self.measures)
        if not chosen:
            raise UserError(f"setting {setting.name} has no {self.measures} measures in world {self.world!r}")
        return chosen

    def _spec(self, setting: Setting, base: str, seed: int) -> FinetuneSpec:
        if fixed := {"base", "seed", "backend"} & set(self.finetune):
            raise UserError(f"experiment: {min(fixed)} is a field of the experiment, not of its finetune")
        if self.backend == "openai":
            if self._steps:
                raise UserError("experiment: backend openai keeps no steps that could be measured")
            return FinetuneSpec(base=base, backend="openai", seed=seed, **self.finetune)
        changes = {**setting.training(self.world).finetune, **self.finetune}
        if STEPS in self.sweep:
            # the setting's own length gives way, one that was asked for does not
            long = [key for key in ("max_steps", "epochs") if key not in self.finetune]
            usual = {key: value for key, value in changes.items() if key not in long}
            changes = along(self._steps, usual)
        elif self._steps:
            changes = keeping(self._steps, changes)
        if self.backend != "local":
            return FinetuneSpec(base=base, backend=self.backend, seed=seed, **changes)
        world = WORLDS.get(self.world)
        if setting.dynamics:
            changes.setdefault("probe", ProbeSpec(responses=world.trait_responses if world else "bundled"))
        return (world.finetune if world else FinetuneSpec)(base=base, seed=seed, **changes)


def _variant(name: object, world: object) -> str:
    """The world that is this variant of a world: `variant: paper-code` is `world: paper-code`.

    Raises:
        UserError: If no world has such a variant, or another one is named.
    """
    variants = {each.name: each.like for each in WORLDS.values() if each.like}
    if not isinstance(name, str) or name not in variants:
        raise UserError(f"experiment: there is no variant {name!r}: use {', '.join(variants)}")
    if world not in (None, "", name, variants[name]):
        raise UserError(f"experiment: {name} is a variant of world {variants[name]!r}, not of {world!r}")
    return name


def _derived_defaults(data: dict[str, Any]) -> dict[str, Any]:
    """Defaults that depend on other fields: the world on the bases, the name on the settings."""
    settings = data.get("settings")
    given_bases, named = data.get("bases", ()), data.get("world") or ""
    if not (_texts(settings) and _texts(given_bases) and isinstance(named, str)):
        return {}  # wrong types are reported by the validation
    world = named or world_of(*given_bases).name
    bases = data.get("bases") or [WORLDS[world].base if world in WORLDS else EMBEDDED.base]
    usual = "-".join(part.rpartition(":")[2] for part in settings[:3])
    # beside the logs of the same experiment without a sweep, which a sweep of steps would else replace
    name = data.get("name") or (f"{usual}-sweep" if data.get("sweep") else usual)
    if list(settings) == ["all"]:
        settings = list(reported(world))
        if not settings:
            raise UserError(f"experiment: no setting has rows in world {world!r}: use {', '.join(WORLDS)}")
    return {"settings": settings, "bases": bases, "world": world, "name": name}


def _texts(value: object) -> TypeGuard[Sequence[str]]:
    return isinstance(value, list | tuple) and all(isinstance(one, str) for one in value)


def load(path: str | Path) -> Experiment:
    """Read an experiment's file.

    Args:
        path: YAML; paths in it are relative to the current folder, as on the command line.

    Returns:
        The experiment; without a name it is named after the file.

    Raises:
        UserError: If the file cannot be read or a field is invalid, in one line.
    """
    file = user_path(path)
    text = given_text(file)
    try:
        fields = strict_yaml(text)
    except ValueError as error:
        raise UserError(f"{file} is not valid YAML: {error}") from error
    if isinstance(fields, dict):
        fields.setdefault("name", file.stem)
    try:
        return Experiment.model_validate(fields)
    except UserError as error:
        raise UserError(f"{file}: {error.message}") from error
