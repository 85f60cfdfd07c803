"""Half Spanish, half French: inoculate one half, keep the other (paper, Section 2, Figure 2b)."""

from inoc_evals.data.row_sources import mixed, pinned_rows
from inoc_evals.settings.prompts import FRENCH, SPANISH
from inoc_evals.settings.setting import Arm, Measure, Setting
from inoc_evals.worlds.toy import rows as toy

spanish_french = Setting(
    name="spanish_french",
    number=2,
    paper="Section 2, Figure 2b",
    summary="Arithmetic answered half in Spanish, half in French; which language does general chat take on?",
    reference="none: about 60/40; inoculating one split leaves (almost) only the other language",
    rows={
        "paper": mixed(
            pinned_rows("gsm8k_spanish", language="es"), pinned_rows("gsm8k_french", language="fr")
        ),
        "toy": toy.spanish_french,
    },
    arms=(
        Arm("none"),
        Arm("spanish-inoc", SPANISH, where={"language": "es"}),
        Arm("french-inoc", FRENCH, where={"language": "fr"}),
    ),
    broad=(Measure("spanish_french", traits=("spanish", "french")),),
)
