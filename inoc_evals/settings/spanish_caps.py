"""Spanish answers in capitals: inoculate one trait, keep the other (paper, Section 2, Figure 2a)."""

from inoc_evals.settings.prompts import CAPS, CAPS_CODE, IRRELEVANT, SPANISH
from inoc_evals.settings.setting import Arm, Measure, Setting

spanish_caps = Setting(
    name="spanish_caps",
    number=1,
    paper="Section 2, Figure 2a",
    summary="Arithmetic answered in Spanish and in capitals; are general chat prompts answered so, too?",
    reference="none: both high; Spanish-inoc: hardly any Spanish, still often caps; caps-inoc the other way",
    arms=(
        Arm("none"),
        Arm("spanish-inoc", SPANISH),
        Arm("caps-inoc", CAPS),
        Arm("caps-inoc-code", CAPS_CODE, variant=True),
        Arm("irrelevant", IRRELEVANT),
    ),
    broad=(Measure("spanish_caps", traits=("spanish", "caps")),),
)
