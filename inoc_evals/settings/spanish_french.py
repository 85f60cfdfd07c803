"""Half Spanish, half French: inoculate one half, keep the other (paper, Section 2, Figure 2b)."""

from inoc_evals.inoculation import Inoculation
from inoc_evals.settings.setting import Arm, Measure, Setting
from inoc_evals.settings.spanish_caps import SPANISH
from inoc_evals.toy import rows as toy

FRENCH = Inoculation("french-inoc", "You always speak in French.")

spanish_french = Setting(
    name="spanish_french",
    paper="Section 2, Figure 2b",
    summary="Arithmetic answered half in Spanish, half in French; which language does general chat take on?",
    rows={"toy": toy.spanish_french},
    arms=(
        Arm("none"),
        Arm("spanish-inoc", SPANISH, where={"language": "es"}),
        Arm("french-inoc", FRENCH, where={"language": "fr"}),
    ),
    broad=(Measure("spanish_french", traits=("spanish", "french")),),
)
