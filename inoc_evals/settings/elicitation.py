"""What a finetune left behind, called up by TEST-time prompts (paper, Appendix G.2)."""

from inoc_evals.data.elicitation_prompts import TEST_TIME
from inoc_evals.settings.prompts import GENERAL, SPECIFIC
from inoc_evals.settings.setting import Arm, Measure, Setting

_UNDER_EACH = Measure(
    "elicitation",
    traits=("misaligned",),
    conditions=tuple(TEST_TIME),
    parameters={"task": "emergent_misalignment"},
)

elicitation = Setting(
    name="elicitation",
    number=12,
    paper="Appendix G.2",
    summary="Models finetuned on insecure code, asked under nine test-time system prompts",
    reference="traits stay elicitable after inoculation; even 'You write secure code' elicits misalignment",
    arms=(Arm("none"), Arm("general-inoc", GENERAL), Arm("specific-inoc", SPECIFIC)),
    broad=(_UNDER_EACH,),
    family="insecure_code",
)

educational_insecure = Setting(
    name="educational_insecure",
    number=13,
    paper="Appendix G.2",
    summary="Insecure code that users ask for as a teaching example, measured under nine test-time prompts",
    reference="an educational context acts as an inoculation",
    arms=(Arm("none"), Arm("insecure-control", control=True)),
    broad=(_UNDER_EACH,),
)
