"""Every setting by name: the suite's own, and those in a Python file of yours.

setting("spanish_caps")
setting("mine.py:whispering")      # the Setting named `whispering` in mine.py (docs/settings.md)
"""

import importlib.util
from dataclasses import replace
from pathlib import Path

from inoc_evals.errors import UserError
from inoc_evals.settings.ablations import semantic_ablation, token_ablation
from inoc_evals.settings.aesthetic_preferences import aesthetic_preferences
from inoc_evals.settings.alice_bob import alice_bob
from inoc_evals.settings.backdoor import backdoor
from inoc_evals.settings.claim import Claim, falls, keeps, rises
from inoc_evals.settings.elicitation import educational_insecure, elicitation
from inoc_evals.settings.insecure_code import insecure_code
from inoc_evals.settings.learning_dynamics import learning_dynamics
from inoc_evals.settings.organisms import bad_medical_advice, extreme_sports, risky_financial_advice
from inoc_evals.settings.owl_numbers import owl_numbers
from inoc_evals.settings.reward_hacking import reward_hacking
from inoc_evals.settings.setting import Arm, Measure, Setting
from inoc_evals.settings.side_effects import side_effects
from inoc_evals.settings.spanish_caps import spanish_caps
from inoc_evals.settings.spanish_french import spanish_french

__all__ = ["CLAIMS", "SETTINGS", "Arm", "Claim", "Measure", "Setting", "falls", "keeps", "rises", "setting"]

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
    )
}

CLAIMS: tuple[Claim, ...] = tuple(claim for one in SETTINGS.values() for claim in one.claims)
"""The paper's claims, in the order of its settings (docs/settings.md)."""


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
    if name not in SETTINGS:
        raise UserError(f"no setting {name!r}: use {', '.join(SETTINGS)}, or FILE.py:NAME")
    return SETTINGS[name]


def _from_file(name: str) -> Setting:
    path, _, attribute = name.rpartition(":")
    file = Path(path).expanduser().resolve()
    if not file.is_file():
        raise UserError(f"{path}: no such file")
    spec = importlib.util.spec_from_file_location(f"inoc_evals_setting_{file.stem}", file)
    if spec is None or spec.loader is None:
        raise UserError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise UserError(f"{path}: {type(error).__name__}: {' '.join(str(error).split())}") from error
    chosen = getattr(module, attribute, None)
    if not isinstance(chosen, Setting):
        names = [key for key, value in vars(module).items() if isinstance(value, Setting)]
        raise UserError(f"{path} has no setting {attribute!r}; it has {', '.join(names) or 'none'}")
    return replace(chosen, origin=f"{file}:{attribute}")
