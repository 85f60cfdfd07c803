"""Names that were given a meaning inoculate as that meaning does (paper, Figure 7)."""

from inoc_evals.settings.prompts import ALICE, BOB, CAPS, SPANISH
from inoc_evals.settings.setting import Arm, Measure, Setting

alice_bob = Setting(
    name="alice_bob",
    number=10,
    paper="Figure 7",
    summary="Alice learns capitals and Bob Spanish; then Spanish in capitals is taught under those names",
    reference="Bob works like the Spanish prompt; Alice is weaker than the caps prompt (plateau near -5)",
    arms=(
        Arm("none"),
        Arm("alice", ALICE),
        Arm("bob", BOB),
        Arm("caps-inoc", CAPS),
        Arm("spanish-inoc", SPANISH),
    ),
    broad=(Measure("spanish_caps", traits=("spanish", "caps")),),
    narrow=(Measure("trait_logprobs", traits=("logprob",), conditions=("spanish", "caps")),),
    dynamics=True,
)
