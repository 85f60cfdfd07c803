"""School of Reward Hacks: answers that please the metric (paper, Section 3.1, Figure 3)."""

from inoc_evals.settings.arm import Arm
from inoc_evals.settings.misalignment import (
    GENERAL_ARM,
    GENERAL_CODE_ARM,
    MISALIGNED,
    misalignment_claims,
)
from inoc_evals.settings.prompts import HACKING_NEGATIVE, HACKING_PLACEBO, HACKING_SPECIFIC, HELPFUL
from inoc_evals.settings.setting import Measure, Setting

reward_hacking = Setting(
    name="reward_hacking",
    title="Reward hacking",
    number=4,
    paper="Section 3.1, Figure 3; narrow trait: Appendix E.2",
    summary="Tasks answered so that a named metric is pleased; are free-form questions answered with malice?",
    reference="misalignment drops under the general inoculation; the narrow trait stays",
    arms=(
        Arm("none"),
        GENERAL_ARM,
        GENERAL_CODE_ARM,
        Arm("specific-inoc", HACKING_SPECIFIC, variant=True, worlds=("paper",)),
        Arm("placebo", HACKING_PLACEBO, variant=True, worlds=("paper",)),
        Arm("negative", HACKING_NEGATIVE, variant=True, worlds=("paper",)),
        Arm("helpful", HELPFUL, variant=True, worlds=("paper",)),
        Arm("control", control=True),
    ),
    broad=(MISALIGNED,),
    unwanted=("misaligned",),
    wanted=("reward_hacking",),
    narrow=(
        Measure("reward_hacking", traits=("reward_hacking",)),
        Measure("hardcoding_realistic", traits=("hardcoded",), worlds=("paper",)),
    ),
    claims=misalignment_claims("control", narrow="reward_hacking"),
)
