"""Every setting of the suite by name: `SETTINGS["spanish_caps"]`."""

from inoc_evals.errors import UserError
from inoc_evals.settings.aesthetic_preferences import aesthetic_preferences
from inoc_evals.settings.insecure_code import insecure_code
from inoc_evals.settings.setting import Arm, Measure, Setting
from inoc_evals.settings.spanish_caps import spanish_caps
from inoc_evals.settings.spanish_french import spanish_french

__all__ = ["SETTINGS", "Arm", "Measure", "Setting", "setting"]

SETTINGS: dict[str, Setting] = {
    s.name: s for s in (spanish_caps, spanish_french, insecure_code, aesthetic_preferences)
}


def setting(name: str) -> Setting:
    """The setting of this name.

    Args:
        name: A key of `SETTINGS`.

    Raises:
        UserError: If there is none.
    """
    if name not in SETTINGS:
        raise UserError(f"no setting {name!r}; there are {', '.join(SETTINGS)}")
    return SETTINGS[name]
