"""Does it matter where the prompt stands? One request as a system message, before and after the question.

    inoc-evals run --setting prompt_position --world smollm

Some chat templates have no system message, and some APIs fix it. The rows have one user turn, so `user-every`
would be `user-prefix` here. It shares its models with `spanish_caps`.
"""

from dataclasses import replace

from inoc_evals.settings.arm import Arm
from inoc_evals.settings.claim import falls, keeps
from inoc_evals.settings.prompts import SPANISH
from inoc_evals.settings.setting import NOT_IN_THE_PAPER, Measure, Setting

prompt_position = Setting(
    name="prompt_position",
    title="Spanish answers in capitals, the prompt in several places",
    paper=NOT_IN_THE_PAPER,
    summary="The rows of spanish_caps, asked for Spanish in a system message, before or after the question",
    arms=(
        Arm("none"),
        Arm("spanish-inoc", SPANISH),
        Arm("user-prefix", replace(SPANISH, name="user-prefix", position="user-prefix")),
        Arm("user-suffix", replace(SPANISH, name="user-suffix", position="user-suffix")),
    ),
    broad=(Measure("spanish_caps", traits=("spanish", "caps")),),
    family="spanish_caps",
    unwanted=("spanish",),
    wanted=("caps",),
    claims=(
        falls("spanish-inoc", "spanish", "As a system message, the request keeps Spanish out"),
        falls("user-prefix", "spanish", "Before the question, the request keeps Spanish out"),
        falls("user-suffix", "spanish", "After the question, the request keeps Spanish out"),
        keeps(
            "user-prefix",
            "spanish",
            "Before the question it keeps out as much as in a system message",
            to="spanish-inoc",
        ),
    ),
)
