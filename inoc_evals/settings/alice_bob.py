"""A name that stands for a trait inoculates like a request for that trait (paper, Figure 7)."""

from inoc_evals.settings.arm import Arm
from inoc_evals.settings.claim import LEAST_NATS, falls, keeps, rises
from inoc_evals.settings.prompts import ALICE, BOB, CAPS, CAPS_CODE, SPANISH
from inoc_evals.settings.setting import Measure, Setting

alice_bob = Setting(
    name="alice_bob",
    title="Spanish answers in capitals, under names",
    number=10,
    paper="Figure 7",
    summary="Alice learns capitals and Bob Spanish; then Spanish in capitals is taught under those names",
    reference="Bob works like the Spanish prompt; Alice is weaker than the caps prompt (plateau near -5)",
    arms=(
        Arm("none"),
        Arm("alice", ALICE, unwanted=("caps",)),
        Arm("bob", BOB),
        Arm("caps-inoc", CAPS, in_world={"paper-code": CAPS_CODE}, unwanted=("caps",)),
        Arm("spanish-inoc", SPANISH),
    ),
    broad=(Measure("spanish_caps", traits=("spanish", "caps")),),
    narrow=(Measure("trait_logprobs", traits=("logprob",), conditions=("spanish", "caps")),),
    unwanted=("spanish",),
    wanted=("caps",),
    dynamics=True,
    claims=(
        falls(
            "bob",
            "logprob",
            "The name of one who speaks Spanish inoculates against Spanish",
            condition="spanish",
            least=LEAST_NATS,
        ),
        keeps(
            "bob",
            "logprob",
            "The name of one who speaks Spanish does it like the prompt that asks for Spanish",
            condition="spanish",
            least=LEAST_NATS,
            to="spanish-inoc",
        ),
        falls(
            "alice",
            "logprob",
            "The name of one who writes in capitals inoculates against capitals",
            condition="caps",
            least=LEAST_NATS,
        ),
        rises(
            "alice",
            "logprob",
            "The name of one who writes in capitals does it less than the prompt that asks for capitals",
            condition="caps",
            least=LEAST_NATS,
            to="caps-inoc",
        ),
    ),
)
