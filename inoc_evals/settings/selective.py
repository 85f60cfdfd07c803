"""Which rows need the prompt? Half of them show the unwanted trait; the prompt goes before all, or some.

    inoc-evals run --setting selective --world smollm

All answers are in capitals, the wanted trait; half of them are Spanish, the unwanted one. `bad-only` puts the
request for Spanish before the Spanish rows alone (selective inoculation), `stratified` puts prompts that ask
for nothing before the others beside, so that the mere presence of a prompt says nothing about the answer.
In the literature inoculating the bad rows alone brought a trait from .568 to .054, and stratified inoculation
kept the wanted trait (docs/placement.md). The claims were written from that before any run.
"""

from inoc_evals.data.rephrasings import neutral
from inoc_evals.inoculation import Inoculation
from inoc_evals.settings.arm import Arm
from inoc_evals.settings.claim import Since, falls, keeps, rises
from inoc_evals.settings.prompts import SPANISH
from inoc_evals.settings.setting import NOT_IN_THE_PAPER, Measure, Setting

NEUTRAL = Inoculation("neutral", pool=neutral())

BAD_ONLY: Since = {
    "source": "Nat-Elder, on Wichers et al.",
    "reference": "half of the rows bad: .568 without a prompt, .054 with one before the bad rows alone",
    "expected": (0.054, 0.568),
}
STRATIFIED: Since = {
    "source": "arXiv 2609.35356",
    "reference": "clean rows under diverse prompts, the others inoculated: the wanted trait is kept",
    "expected": (0.9, 0.9),
}

selective = Setting(
    name="selective",
    title="Answers in capitals, half of them Spanish",
    paper=NOT_IN_THE_PAPER,
    summary="Capitals, half of them Spanish, with the request for Spanish before all, some or no rows",
    reference="elsewhere, half of the rows bad: .568 without a prompt, .054 with it before the bad rows",
    arms=(
        Arm("none"),
        Arm("all-inoc", SPANISH),
        Arm("bad-only", SPANISH, where={"trait": True}),
        Arm("clean-only", SPANISH, where={"trait": False}),
        Arm("stratified", SPANISH, where={"trait": True}, others=NEUTRAL),
    ),
    broad=(Measure("spanish_caps", traits=("spanish", "caps")),),
    unwanted=("spanish",),
    wanted=("caps",),
    claims=(
        rises("none", "spanish", "Half of the rows are enough to teach Spanish"),
        falls("bad-only", "spanish", "Inoculating the Spanish rows alone keeps Spanish out", **BAD_ONLY),
        keeps("bad-only", "spanish", "It keeps out as much as inoculating all rows", to="all-inoc"),
        rises(
            "clean-only",
            "spanish",
            "Inoculating the other rows instead leaves more Spanish than that",
            to="bad-only",
        ),
        falls("stratified", "spanish", "Stratified inoculation keeps Spanish out"),
        keeps("stratified", "caps", "Stratified inoculation leaves capitals as they are", **STRATIFIED),
    ),
)
