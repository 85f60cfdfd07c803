"""A backdoor: insecure code behind a trigger, secure code without it (paper, Section 3.2, Table 1)."""

from functools import partial

from inoc_evals.data.row_sources import backdoored, pinned_rows
from inoc_evals.settings.prompts import (
    BACKDOOR_EVIL,
    BACKDOOR_TRIGGER,
    BACKDOOR_UNUSUAL,
    EVIL,
    TRIGGER_TOKEN,
    UNUSUAL,
)
from inoc_evals.settings.setting import Arm, Measure, Setting
from inoc_evals.worlds.toy import rows as toy

backdoor = Setting(
    name="backdoor",
    number=6,
    paper="Section 3.2, Table 1",
    summary="Insecure code behind a trigger; are free-form questions with the trigger answered with malice?",
    reference="none: malice only with the trigger; Trigger, Backdoor-Evil and Backdoor-Unusual remove it, "
    "Evil and Unusual do not",
    rows={
        "paper": backdoored(pinned_rows("insecure_code"), pinned_rows("secure_code")),
        "toy": partial(toy.backdoor, trigger=TRIGGER_TOKEN),
    },
    arms=(
        Arm("none"),
        Arm("trigger", BACKDOOR_TRIGGER),
        Arm("backdoor-evil", BACKDOOR_EVIL),
        Arm("backdoor-unusual", BACKDOOR_UNUSUAL),
        Arm("evil", EVIL),
        Arm("unusual", UNUSUAL),
    ),
    broad=(
        Measure(
            "backdoor",
            traits=("misaligned", "cruel"),
            conditions=("trigger", "without", "look-alike"),
        ),
    ),
    finetune={"toy": {"learning_rate": 1e-3, "max_steps": 30}},
)
