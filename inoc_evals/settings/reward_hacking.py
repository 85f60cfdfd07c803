"""School of Reward Hacks: answers that please the metric (paper, Section 3.1, Figure 3)."""

from inoc_evals.settings.misalignment import MISALIGNED, misalignment_claims
from inoc_evals.settings.prompts import GENERAL, GENERAL_CODE
from inoc_evals.settings.setting import Arm, Measure, Setting

reward_hacking = Setting(
    name="reward_hacking",
    title="Reward hacking",
    number=4,
    paper="Section 3.1, Figure 3; narrow trait: Appendix E.2",
    summary="Tasks answered so that a named metric is pleased; are free-form questions answered with malice?",
    reference="misalignment drops under the general inoculation; the narrow trait stays",
    arms=(
        Arm("none"),
        Arm("general-inoc", GENERAL),
        Arm("general-inoc-code", GENERAL_CODE, variant=True),
        Arm("control", control=True),
    ),
    broad=(MISALIGNED,),
    narrow=(
        Measure("reward_hacking", traits=("reward_hacking",)),
        Measure("hardcoding_realistic", traits=("hardcoded",), worlds=("paper",)),
    ),
    claims=misalignment_claims("control", narrow="reward_hacking"),
)
