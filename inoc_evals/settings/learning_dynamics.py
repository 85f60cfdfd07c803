"""Which trait is learnt when: log-probs of fixed responses over the steps (paper, Figure 6)."""

from inoc_evals.settings.arm import Arm
from inoc_evals.settings.claim import LEAST_NATS, falls, rises
from inoc_evals.settings.prompts import CAPS, CAPS_CODE, SPANISH
from inoc_evals.settings.setting import Measure, Setting

learning_dynamics = Setting(
    name="learning_dynamics",
    title="Spanish answers in capitals, step by step",
    number=9,
    paper="Figure 6",
    summary="The log-prob of responses with one trait only, while a model learns Spanish answers in capitals",
    reference="the trait that was not inoculated rises to about 0; the inoculated one plateaus low",
    arms=(
        Arm("none"),
        Arm("spanish-inoc", SPANISH),
        Arm("caps-inoc", CAPS, in_world={"paper-code": CAPS_CODE}, unwanted=("logprob | caps",)),
    ),
    broad=(Measure("trait_logprobs", traits=("logprob",), conditions=("spanish", "caps")),),
    unwanted=("logprob | spanish",),
    wanted=("logprob | caps",),
    dynamics=True,
    claims=(
        rises(
            "none",
            "logprob",
            "Training makes purely Spanish responses likelier",
            condition="spanish",
            least=LEAST_NATS,
        ),
        rises(
            "none",
            "logprob",
            "Training makes purely capital responses likelier",
            condition="caps",
            least=LEAST_NATS,
        ),
        falls(
            "spanish-inoc",
            "logprob",
            "Spanish, inoculated, stays less likely than without inoculation",
            condition="spanish",
            least=LEAST_NATS,
        ),
        falls(
            "caps-inoc",
            "logprob",
            "Capitals, inoculated, stay less likely than without inoculation",
            condition="caps",
            least=LEAST_NATS,
        ),
        rises(
            "spanish-inoc",
            "logprob",
            "Capitals rise all the same when Spanish is inoculated",
            condition="caps",
            least=LEAST_NATS,
        ),
        rises(
            "caps-inoc",
            "logprob",
            "Spanish rises all the same when capitals are inoculated",
            condition="spanish",
            least=LEAST_NATS,
        ),
    ),
)
