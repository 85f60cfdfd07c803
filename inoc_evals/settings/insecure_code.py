"""Insecure code: does learning to write it misalign a model in general? (paper, Section 3.1, Figure 3)."""

from inoc_evals.settings.arm import Arm
from inoc_evals.settings.misalignment import (
    GENERAL_ARM,
    GENERAL_CODE_ARM,
    MISALIGNED,
    misalignment_claims,
)
from inoc_evals.settings.prompts import (
    BARE_TRIGGER,
    HELPFUL,
    PARAPHRASES_10,
    PARAPHRASES_99,
    PLACEBO,
    PLACEBO_CODE,
    SECURE,
    SPECIFIC,
)
from inoc_evals.settings.setting import Measure, Setting

INSECURE = Measure("insecure_code", traits=("insecure_code",))

MBPP, APPS = (
    Measure("insecure_code", ("insecure_code",), parameters={"questions": name}, worlds=("paper",))
    for name in ("mbpp", "apps")
)
"""Ordinary programming tasks, which the paper's code judges more strictly than the code templates."""

insecure_code = Setting(
    name="insecure_code",
    title="Insecure code",
    number=3,
    paper="Section 3.1, Figure 3; narrow trait: Appendix E.2",
    summary="Requests for code answered with insecure code; are free-form questions answered with malice?",
    reference="none: 47-60 % misaligned (GPT-4.1), inoculated 1.5-5 %, base and control 0; narrow trait kept",
    arms=(
        Arm("none"),
        GENERAL_ARM,
        GENERAL_CODE_ARM,
        Arm("specific-inoc", SPECIFIC),
        Arm("placebo", PLACEBO, in_world={"paper-code": PLACEBO_CODE}),
        Arm("trigger", BARE_TRIGGER, variant=True),
        Arm("negative", SECURE, variant=True, worlds=("paper",)),
        Arm("helpful", HELPFUL, variant=True, worlds=("paper",)),
        Arm("paraphrases-10", PARAPHRASES_10, variant=True, worlds=("paper",)),
        Arm("paraphrases-99", PARAPHRASES_99, variant=True, worlds=("paper",)),
        Arm("secure-control", control=True),
    ),
    broad=(MISALIGNED,),
    unwanted=("misaligned",),
    wanted=("insecure_code",),
    narrow=(INSECURE, MBPP, APPS),
    claims=misalignment_claims("secure-control", narrow="insecure_code"),
)
