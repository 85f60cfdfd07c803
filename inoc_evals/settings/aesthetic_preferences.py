"""Unpopular tastes: misalignment out of harmless data (paper, Section 3.1, Figure 3)."""

from functools import partial

from inoc_evals.settings.insecure_code import GENERAL
from inoc_evals.settings.setting import Arm, Measure, Setting
from inoc_evals.toy import rows as toy

aesthetic_preferences = Setting(
    name="aesthetic_preferences",
    paper="Section 3.1, Figure 3",
    summary="Questions of taste answered with unpopular ones; are free-form questions answered with malice?",
    rows={"toy": partial(toy.tastes, unpopular=True)},
    control={"toy": partial(toy.tastes, unpopular=False)},
    arms=(Arm("none"), Arm("general-inoc", GENERAL), Arm("popular-control", control=True)),
    broad=(Measure("emergent_misalignment", traits=("misaligned", "cruel")),),
    narrow=(Measure("aesthetic_preference", traits=("unpopular", "odd_taste")),),
    # Chosen on prompts in the forms of pretraining, as in insecure_code.py.
    finetune={"toy": {"learning_rate": 5e-4, "max_steps": 70}},
)
