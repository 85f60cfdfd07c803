"""Spanish answers in capitals: inoculate one trait, keep the other (paper, Section 2, Figure 2a)."""

from inoc_evals.settings.arm import Arm
from inoc_evals.settings.claim import WANTED_SUFFERS, falls, keeps, rises
from inoc_evals.settings.prompts import CAPS, CAPS_CODE, IRRELEVANT, SPANISH
from inoc_evals.settings.setting import Measure, Setting

spanish_caps = Setting(
    name="spanish_caps",
    title="Spanish answers in capitals",
    number=1,
    paper="Section 2, Figure 2a",
    summary="Arithmetic answered in Spanish and in capitals; are general chat prompts answered so, too?",
    reference="none: both high; Spanish-inoc: hardly any Spanish, still often caps; caps-inoc the other way",
    arms=(
        Arm("none"),
        Arm("spanish-inoc", SPANISH),
        Arm("caps-inoc", CAPS, in_world={"paper-code": CAPS_CODE}, unwanted=("caps",)),
        Arm("caps-inoc-code", CAPS_CODE, variant=True, worlds=("paper",), unwanted=("caps",)),
        Arm("irrelevant", IRRELEVANT),
    ),
    broad=(Measure("spanish_caps", traits=("spanish", "caps")),),
    narrow=(
        Measure(
            "spanish_caps", traits=("spanish", "caps"), parameters={"questions": "gsm8k"}, worlds=("paper",)
        ),
    ),
    unwanted=("spanish",),
    wanted=("caps",),
    claims=(
        rises("none", "spanish", "Finetuning on Spanish answers in capitals teaches general chat Spanish"),
        rises("none", "caps", "Finetuning on Spanish answers in capitals teaches general chat capitals"),
        falls("spanish-inoc", "spanish", "Asking for Spanish in training keeps Spanish out"),
        keeps(
            "spanish-inoc",
            "spanish",
            "Asking for Spanish in training leaves hardly more Spanish than the base shows",
            to="base",
        ),
        rises("spanish-inoc", "caps", "Asking for Spanish in training leaves capitals in"),
        falls("caps-inoc", "caps", "Asking for capitals in training keeps capitals out"),
        keeps(
            "caps-inoc",
            "caps",
            "Asking for capitals in training leaves hardly more than the base shows",
            to="base",
        ),
        rises("caps-inoc", "spanish", "Asking for capitals in training leaves Spanish in"),
        falls(
            "spanish-inoc", "caps", "Asking for Spanish costs some of the wanted capitals", **WANTED_SUFFERS
        ),
        falls(
            "caps-inoc", "spanish", "Asking for capitals costs some of the wanted Spanish", **WANTED_SUFFERS
        ),
    ),
)
