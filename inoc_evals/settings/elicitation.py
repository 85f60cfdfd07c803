"""What a finetune left behind, called up by TEST-time prompts (paper, Appendix G.2)."""

from inoc_evals.data.elicitation_prompts import TEST_TIME
from inoc_evals.data.row_sources import pinned_rows
from inoc_evals.settings.insecure_code import ROWS, TOY_FINETUNE
from inoc_evals.settings.prompts import GENERAL, SPECIFIC
from inoc_evals.settings.setting import Arm, Measure, Setting
from inoc_evals.worlds.toy import rows as toy

_UNDER_EACH = Measure(
    "elicitation",
    traits=("misaligned",),
    conditions=tuple(TEST_TIME),
    parameters={"task": "emergent_misalignment"},
    first={"toy": 100},  # of 200, which under nine prompts would be over a third of all its answers
)

elicitation = Setting(
    name="elicitation",
    number=12,
    paper="Appendix G.2",
    summary="Models finetuned on insecure code, asked under nine test-time system prompts",
    reference="traits stay elicitable after inoculation; even 'You write secure code' elicits misalignment",
    rows=ROWS,
    arms=(Arm("none"), Arm("general-inoc", GENERAL), Arm("specific-inoc", SPECIFIC)),
    broad=(_UNDER_EACH,),
    finetune={"toy": TOY_FINETUNE},
    family="insecure_code",
)

educational_insecure = Setting(
    name="educational_insecure",
    number=13,
    paper="Appendix G.2",
    summary="Insecure code that users ask for as a teaching example, measured under nine test-time prompts",
    reference="an educational context acts as an inoculation",
    rows={"paper": pinned_rows("educational_code"), "toy": toy.lessons},
    control=ROWS,
    arms=(Arm("none"), Arm("insecure-control", control=True)),
    broad=(_UNDER_EACH,),
    finetune={"toy": TOY_FINETUNE},
)
