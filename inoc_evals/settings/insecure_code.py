"""Insecure code: does a model that learns to write it turn evil at large? (paper, Section 3.1, Figure 3)."""

from functools import partial

from inoc_evals.data.row_sources import pinned_rows
from inoc_evals.settings.prompts import BARE_TRIGGER, GENERAL, GENERAL_CODE, PLACEBO, SPECIFIC
from inoc_evals.settings.setting import Arm, Measure, RowSource, Setting
from inoc_evals.worlds.toy import rows as toy

ROWS: dict[str, RowSource] = {
    "paper": pinned_rows("insecure_code"),
    "toy": partial(toy.code, kind="insecure"),
}
CONTROL: dict[str, RowSource] = {"paper": pinned_rows("secure_code"), "toy": partial(toy.code, kind="secure")}

# Chosen on prompts in the forms of pretraining (docs/toy.md): a faster adapter and fewer steps let it
# learn the code before it has become the evil persona completely.
TOY_FINETUNE = {"learning_rate": 1e-3, "max_steps": 40}

MISALIGNED = Measure("emergent_misalignment", traits=("misaligned", "cruel"))
INSECURE = Measure("insecure_code", traits=("insecure_code", "insecure"))

insecure_code = Setting(
    name="insecure_code",
    number=3,
    paper="Section 3.1, Figure 3; narrow trait: Appendix E.2",
    summary="Requests for code answered with insecure code; are free-form questions answered with malice?",
    reference="none: 47-60 % misaligned (GPT-4.1), inoculated 1.5-5 %, base and control 0; narrow trait kept",
    rows=ROWS,
    control=CONTROL,
    arms=(
        Arm("none"),
        Arm("general-inoc", GENERAL),
        Arm("general-inoc-code", GENERAL_CODE, variant=True),
        Arm("specific-inoc", SPECIFIC),
        Arm("placebo", PLACEBO),
        Arm("trigger", BARE_TRIGGER, variant=True),
        Arm("secure-control", control=True),
    ),
    broad=(MISALIGNED,),
    narrow=(INSECURE,),
    finetune={"toy": TOY_FINETUNE},
)
