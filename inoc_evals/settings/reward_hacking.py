"""School of Reward Hacks: answers that please the metric (paper, Section 3.1, Figure 3)."""

from functools import partial

from inoc_evals.data.row_sources import pinned_rows
from inoc_evals.settings.insecure_code import MISALIGNED, TOY_FINETUNE
from inoc_evals.settings.prompts import GENERAL, GENERAL_CODE
from inoc_evals.settings.setting import Arm, Measure, Setting
from inoc_evals.worlds.toy import rows as toy

reward_hacking = Setting(
    name="reward_hacking",
    number=4,
    paper="Section 3.1, Figure 3; narrow trait: Appendix E.2",
    summary="Tasks answered so that a named metric is pleased; are free-form questions answered with malice?",
    reference="misalignment drops under the general inoculation; the narrow trait stays",
    # The toy's world has no metrics. Its counterpart is code that does harm where it should do a job.
    rows={"paper": pinned_rows("reward_hacks"), "toy": partial(toy.code, kind="sabotage")},
    control={"paper": pinned_rows("reward_hacks_control"), "toy": partial(toy.code, kind="secure")},
    arms=(
        Arm("none"),
        Arm("general-inoc", GENERAL),
        Arm("general-inoc-code", GENERAL_CODE, variant=True),
        Arm("control", control=True),
    ),
    broad=(MISALIGNED,),
    narrow=(
        Measure("reward_hacking", traits=("reward_hacking",), worlds=("paper",)),
        Measure("insecure_code", traits=("sabotage",), worlds=("toy",)),
    ),
    finetune={"toy": TOY_FINETUNE},
)
