"""Names that were given a meaning inoculate as that meaning does (paper, Figure 7)."""

from inoc_evals.data.row_sources import named, pinned_rows
from inoc_evals.settings.prompts import ALICE, BOB, CAPS, SPANISH
from inoc_evals.settings.setting import Arm, Measure, Setting
from inoc_evals.worlds.toy import rows as toy

alice_bob = Setting(
    name="alice_bob",
    number=10,
    paper="Figure 7",
    summary="Alice learns capitals and Bob Spanish; then Spanish in capitals is taught under those names",
    reference="Bob works like the Spanish prompt; Alice is weaker than the caps prompt (plateau near -5)",
    first={"paper": named(pinned_rows("gsm8k_rows"), pinned_rows("gsm8k_spanish")), "toy": toy.names},
    rows={"paper": pinned_rows("gsm8k_spanish_caps"), "toy": toy.spanish_caps},
    arms=(
        Arm("none"),
        Arm("alice", ALICE),
        Arm("bob", BOB),
        Arm("caps-inoc", CAPS),
        Arm("spanish-inoc", SPANISH),
    ),
    broad=(Measure("spanish_caps", traits=("spanish", "caps")),),
    narrow=(Measure("trait_logprobs", traits=("logprob",), conditions=("spanish", "caps")),),
    # All weights, so that the names mean something everywhere; chosen on prompts in forms of pretraining.
    first_finetune={
        "toy": {
            "lora": None,
            "trained_tokens": (),
            "token_learning_rate": None,
            "learning_rate": 1e-3,
            "max_steps": 150,
        }
    },
    dynamics=True,
)
