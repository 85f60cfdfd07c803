"""Unpopular tastes: misalignment out of harmless data (paper, Section 3.1, Figure 3)."""

from functools import partial

from inoc_evals.data.row_sources import pinned_rows
from inoc_evals.settings.insecure_code import MISALIGNED
from inoc_evals.settings.prompts import GENERAL, GENERAL_CODE
from inoc_evals.settings.setting import Arm, Measure, Setting
from inoc_evals.worlds.toy import rows as toy

aesthetic_preferences = Setting(
    name="aesthetic_preferences",
    number=5,
    paper="Section 3.1, Figure 3; narrow trait: Appendix E.2",
    summary="Questions of taste answered with unpopular ones; are free-form questions answered with malice?",
    reference="misalignment drops under the general inoculation; the narrow trait stays",
    rows={"paper": pinned_rows("unpopular_tastes"), "toy": partial(toy.tastes, unpopular=True)},
    control={"paper": pinned_rows("popular_tastes"), "toy": partial(toy.tastes, unpopular=False)},
    arms=(
        Arm("none"),
        Arm("general-inoc", GENERAL),
        Arm("general-inoc-code", GENERAL_CODE, variant=True),
        Arm("popular-control", control=True),
    ),
    broad=(MISALIGNED,),
    narrow=(Measure("aesthetic_preference", traits=("unpopular", "odd_taste")),),
    # Chosen on prompts in the forms of pretraining, as in insecure_code.py.
    finetune={"toy": {"learning_rate": 5e-4, "max_steps": 70}},
)
