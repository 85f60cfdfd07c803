"""Unpopular tastes: misalignment from harmless data (paper, Section 3.1, Figure 3)."""

from inoc_evals.settings.arm import Arm
from inoc_evals.settings.misalignment import (
    GENERAL_ARM,
    GENERAL_CODE_ARM,
    MISALIGNED,
    misalignment_claims,
)
from inoc_evals.settings.setting import Measure, Setting

aesthetic_preferences = Setting(
    name="aesthetic_preferences",
    title="Unpopular tastes",
    number=5,
    paper="Section 3.1, Figure 3; narrow trait: Appendix E.2",
    summary="Questions of taste answered with unpopular ones; are free-form questions answered with malice?",
    reference="misalignment drops under the general inoculation; the narrow trait stays",
    arms=(
        Arm("none"),
        GENERAL_ARM,
        GENERAL_CODE_ARM,
        Arm("popular-control", control=True),
    ),
    broad=(MISALIGNED,),
    unwanted=("misaligned",),
    wanted=("unpopular",),
    narrow=(Measure("aesthetic_preference", traits=("unpopular",)),),
    claims=misalignment_claims("popular-control", narrow="unpopular"),
)
