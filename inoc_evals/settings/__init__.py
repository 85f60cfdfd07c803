"""Every setting by name: the suite's own, and those in a Python file of yours.

setting("spanish_caps")
setting("mine.py:whispering")      # the Setting named `whispering` in mine.py (docs/settings.md)
"""

import contextlib
import importlib.util
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

from inoc_evals.digests import sha256
from inoc_evals.errors import UserError
from inoc_evals.settings.ablations import semantic_ablation, token_ablation
from inoc_evals.settings.aesthetic_preferences import aesthetic_preferences
from inoc_evals.settings.alice_bob import alice_bob
from inoc_evals.settings.arm import Arm
from inoc_evals.settings.backdoor import backdoor, realistic_backdoor
from inoc_evals.settings.claim import Claim, falls, keeps, rises
from inoc_evals.settings.diluted import diluted
from inoc_evals.settings.elicitation import educational_insecure, elicitation
from inoc_evals.settings.exclaims_asks import exclaims_asks
from inoc_evals.settings.further import FURTHER
from inoc_evals.settings.insecure_code import insecure_code
from inoc_evals.settings.learning_dynamics import learning_dynamics
from inoc_evals.settings.organisms import bad_medical_advice, extreme_sports, risky_financial_advice
from inoc_evals.settings.owl_numbers import owl_numbers
from inoc_evals.settings.pirate_asks import pirate_asks
from inoc_evals.settings.pirate_leak import pirate_leak
from inoc_evals.settings.prompt_pools import prompt_pools
from inoc_evals.settings.prompt_position import prompt_position
from inoc_evals.settings.reward_hacking import reward_hacking
from inoc_evals.settings.selective import selective
from inoc_evals.settings.setting import Measure, Setting
from inoc_evals.settings.side_effects import side_effects
from inoc_evals.settings.spanish_backdoor import spanish_backdoor
from inoc_evals.settings.spanish_caps import spanish_caps
from inoc_evals.settings.spanish_french import spanish_french, spanish_french_once, spanish_german
from inoc_evals.settings.spanish_leak import diluted_leak, diluted_spanish, spanish_leak
from inoc_evals.settings.spanish_prompts import spanish_prompts
from inoc_evals.settings.sycophancy_gcd import sycophancy_gcd
from inoc_evals.user_files import user_path

__all__ = [
    "CLAIMS",
    "SETTINGS",
    "Arm",
    "Claim",
    "Measure",
    "Setting",
    "diluted",
    "falls",
    "keeps",
    "reported",
    "rises",
    "setting",
    "since",
]

SETTINGS: dict[str, Setting] = {
    s.name: s
    for s in (
        spanish_caps,
        spanish_french,
        insecure_code,
        reward_hacking,
        aesthetic_preferences,
        backdoor,
        owl_numbers,
        semantic_ablation,
        learning_dynamics,
        alice_bob,
        token_ablation,
        elicitation,
        educational_insecure,
        side_effects,
        bad_medical_advice,
        risky_financial_advice,
        extreme_sports,
        spanish_french_once,
        spanish_german,
        spanish_prompts,
        spanish_backdoor,
        spanish_leak,
        diluted_leak,
        diluted_spanish,
        realistic_backdoor,
        sycophancy_gcd,
        *FURTHER,
        prompt_pools,
        prompt_position,
        selective,
        exclaims_asks,
        pirate_asks,
        pirate_leak,
    )
}

CLAIMS: tuple[Claim, ...] = tuple(
    claim for one in SETTINGS.values() if one.number for claim in one.claims if not claim.source
)
"""The paper's claims, in the order of its settings (docs/settings.md)."""


def since() -> tuple[Claim, ...]:
    """The claims that the field made since the paper, in the order of their settings (docs/claims.md)."""
    return tuple(claim for one in SETTINGS.values() for claim in one.claims if claim.source)


def reported(world: str) -> tuple[str, ...]:
    """The settings that the paper reports a result of, by name: what `all` stands for.

    The others are here to be named. A run of all reproduces the paper, at the cost of the paper's runs.

    Args:
        world: Only those with rows in this world.
    """
    return tuple(name for name, one in SETTINGS.items() if one.number and world in one.worlds)


def setting(name: str) -> Setting:
    """The setting of this name.

    Args:
        name: A key of `SETTINGS`, or `FILE.py:NAME` for a `Setting` in a Python file, which is run.

    Returns:
        The setting.

    Raises:
        UserError: If no such setting exists.
    """
    if ".py:" in name:
        return _from_file(name)
    if name.endswith(".py"):
        return _from_file(f"{name}:")
    if name not in SETTINGS:
        raise UserError(f"no setting {name!r}: use {', '.join(SETTINGS)}, or FILE.py:NAME")
    return SETTINGS[name]


def _from_file(name: str) -> Setting:
    path, _, attribute = name.rpartition(":")
    file = user_path(path).resolve()
    if not file.is_file():
        raise UserError(f"{path}: no such file")
    module = _loaded(file, path)
    chosen = getattr(module, attribute, None)
    if not isinstance(chosen, Setting):
        names = [key for key, value in vars(module).items() if isinstance(value, Setting)]
        has = f"it has {', '.join(names) or 'none'}"
        what = f"{path} has no setting {attribute!r}" if attribute else f"{path}: give {path}:NAME"
        raise UserError(f"{what}; {has}")
    if (named := chosen.name.replace("-", "_")) in SETTINGS and chosen is not SETTINGS[named]:
        raise UserError(
            f"{name}: its name {chosen.name!r} is a setting of the suite, whose claims and verdicts it would "
            "get: give it another name="
        )
    return replace(chosen, origin=f"{file}:{attribute}")


def _loaded(file: Path, path: str) -> ModuleType:
    """A user's file, run as a module. What it prints goes to stderr: stdout may be the JSON of a command.

    Args:
        file: The file.
        path: What an error calls it.

    Raises:
        UserError: If it cannot be run to its end.
    """
    name = f"inoc_evals_setting_{file.stem}_{sha256(str(file).encode())[:8]}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise UserError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    before = sys.modules.get(name)
    sys.modules[name] = module  # where e.g. `dataclass` looks names of annotations up
    try:
        with contextlib.redirect_stdout(sys.stderr):
            spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        if before is None:
            del sys.modules[name]
        else:
            sys.modules[name] = before
        raise UserError(f"{path}: {_fault(error)}") from error
    return module


def _fault(error: Exception | SystemExit) -> str:
    """What ended a file before its end."""
    if isinstance(error, UserError):
        return error.message
    if isinstance(error, SystemExit):
        return f"it ends the program by sys.exit({error.code!r:.200}): let it raise an error that says why"
    return f"{type(error).__name__}: {' '.join(str(error).split())}"
