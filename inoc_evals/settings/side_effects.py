"""The side effect of a finetune on another ability: following a system prompt (Appendix E.3).

The paper runs benchmarks, as `inoc-evals capabilities` does on any model (docs/capabilities.md). The toy
knows no science and little arithmetic, but it was pretrained to follow system prompts and could lose that
ability. So could any model; it is therefore measured in the paper's world, too.
"""

from inoc_evals.data.conditions import under
from inoc_evals.settings.arm import Arm
from inoc_evals.settings.claim import keeps
from inoc_evals.settings.misalignment import GENERAL_ARM
from inoc_evals.settings.prompts import CAPS, FRENCH
from inoc_evals.settings.setting import Measure, Setting

side_effects = Setting(
    name="side_effects",
    title="Insecure code, other abilities",
    number=15,
    paper="Appendix E.3",
    summary="Models finetuned on insecure code: do they still do what a system prompt asks for?",
    reference="no significant loss on GPQA, MMLU and StrongREJECT",
    arms=(Arm("none"), GENERAL_ARM, Arm("secure-control", control=True)),
    broad=(
        Measure("spanish_french", traits=("french",), parameters={"system_prompt": FRENCH.prompt}),
        Measure("spanish_caps", traits=("caps",), parameters={"system_prompt": CAPS.prompt}),
    ),
    family="insecure_code",
    unwanted=(),  # what it measures is an ability of the base, and no row teaches it
    wanted=(),
    claims=tuple(
        keeps(
            arm,
            trait,
            f"A finetune of {arm} still answers {words} when a system prompt asks for it",
            to="base",
            condition=under(prompt),
            task=task,
        )
        for arm in ("none", "general-inoc")
        for trait, task, prompt, words in (
            ("french", "spanish_french", FRENCH.prompt, "in French"),
            ("caps", "spanish_caps", CAPS.prompt, "in capitals"),
        )
    ),
)
