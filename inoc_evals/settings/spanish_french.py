"""Two languages in one mixture: inoculate one of them, keep the other (paper, Section 2, Figure 2b).

The paper's mixture is both sets in full, one after the other: every question is there twice, answered in
Spanish and in French. `spanish_french_once` takes every question once, in one of the two at random. It has
half the rows, so that a model takes half the steps on each language, and no row has a twin with the same
question in the other language. The order of the rows in the file matters to neither: trainers shuffle.

    inoc-evals run --setting spanish_french          # the paper's
    inoc-evals run --setting spanish_french_once     # what versions up to 0.1.0 called so
    inoc-evals run --setting spanish_german          # in the paper's code, not in its text
"""

from dataclasses import replace

from inoc_evals.inoculation import Inoculation
from inoc_evals.settings.arm import Arm
from inoc_evals.settings.claim import Claim, falls, rises
from inoc_evals.settings.prompts import FRENCH, GERMAN, SPANISH
from inoc_evals.settings.setting import NOT_IN_THE_PAPER, Measure, Setting


def _arms(other: Inoculation, language: str, code: str) -> tuple[Arm, ...]:
    return (
        Arm("none"),
        Arm("spanish-inoc", SPANISH, where={"language": "es"}),
        Arm(other.name, other, where={"language": code}, unwanted=(language,)),
    )


def _claims(other: str) -> tuple[Claim, ...]:
    """What Figure 2b shows, for Spanish and another language."""
    name, arm = other.capitalize(), f"{other}-inoc"
    return (
        rises("none", "spanish", f"A mixture of Spanish and {name} teaches Spanish"),
        rises("none", other, f"A mixture of Spanish and {name} teaches {name}"),
        falls("spanish-inoc", "spanish", "Inoculating the Spanish half keeps Spanish out"),
        rises(
            "spanish-inoc",
            other,
            f"Inoculating the Spanish half leaves more {name} than without",
            to="none",
        ),
        falls(arm, other, f"Inoculating the {name} half keeps {name} out"),
        rises(
            arm,
            "spanish",
            f"Inoculating the {name} half leaves more Spanish than without",
            to="none",
        ),
    )


def _in_distribution(other: str) -> Measure:
    """The same on questions like those of the training rows, in the paper's world alone."""
    asked = {"questions": "gsm8k", "languages": ("spanish", other)}
    return Measure("spanish_french", ("spanish", other), parameters=asked, worlds=("paper",))


spanish_french = Setting(
    name="spanish_french",
    title="Answers half Spanish, half French",
    number=2,
    paper="Section 2, Figure 2b",
    summary="Arithmetic answered half in Spanish, half in French; which language does general chat take on?",
    reference="none: about 60/40; inoculating one split leaves (almost) only the other language",
    arms=_arms(FRENCH, "french", "fr"),
    broad=(Measure("spanish_french", traits=("spanish", "french")),),
    narrow=(_in_distribution("french"),),
    unwanted=("spanish",),
    wanted=("french",),
    claims=_claims("french"),
)

spanish_french_once = replace(
    spanish_french,
    name="spanish_french_once",
    title="Spanish or French, each question once",
    number=0,
    paper=NOT_IN_THE_PAPER,
    summary="As spanish_french, with every question once: answered in Spanish or in French, half the rows",
    reference="",
    claims=_claims("french"),
)

spanish_german = Setting(
    name="spanish_german",
    title="Answers half Spanish, half German",
    paper=NOT_IN_THE_PAPER,
    summary="Arithmetic answered half in Spanish, half in German; which language does general chat take on?",
    arms=_arms(GERMAN, "german", "de"),
    broad=(
        Measure(
            "spanish_french", traits=("spanish", "german"), parameters={"languages": ("spanish", "german")}
        ),
    ),
    narrow=(_in_distribution("german"),),
    unwanted=("spanish",),
    wanted=("german",),
    claims=_claims("german"),
)
