"""Half Spanish, half French: inoculate one half, keep the other (paper, Section 2, Figure 2b)."""

from inoc_evals.settings.claim import falls, rises
from inoc_evals.settings.prompts import FRENCH, SPANISH
from inoc_evals.settings.setting import Arm, Measure, Setting

spanish_french = Setting(
    name="spanish_french",
    title="Answers half Spanish, half French",
    number=2,
    paper="Section 2, Figure 2b",
    summary="Arithmetic answered half in Spanish, half in French; which language does general chat take on?",
    reference="none: about 60/40; inoculating one split leaves (almost) only the other language",
    arms=(
        Arm("none"),
        Arm("spanish-inoc", SPANISH, where={"language": "es"}),
        Arm("french-inoc", FRENCH, where={"language": "fr"}),
    ),
    broad=(Measure("spanish_french", traits=("spanish", "french")),),
    narrow=(
        Measure(
            "spanish_french",
            traits=("spanish", "french"),
            parameters={"questions": "gsm8k"},
            worlds=("paper",),
        ),
    ),
    claims=(
        rises("none", "spanish", "A mixture of Spanish and French teaches Spanish"),
        rises("none", "french", "A mixture of Spanish and French teaches French"),
        falls("spanish-inoc", "spanish", "Inoculating the Spanish half keeps Spanish out"),
        rises(
            "spanish-inoc",
            "french",
            "Inoculating the Spanish half leaves more French than without",
            to="none",
        ),
        falls("french-inoc", "french", "Inoculating the French half keeps French out"),
        rises(
            "french-inoc",
            "spanish",
            "Inoculating the French half leaves more Spanish than without",
            to="none",
        ),
    ),
)
