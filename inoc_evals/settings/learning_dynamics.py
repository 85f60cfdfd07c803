"""Which trait is learnt when: log-probs of fixed responses over the steps (paper, Figure 6)."""

from inoc_evals.settings.prompts import CAPS, SPANISH
from inoc_evals.settings.setting import Arm, Measure, Setting

learning_dynamics = Setting(
    name="learning_dynamics",
    number=9,
    paper="Figure 6",
    summary="The log-prob of responses with one trait only, while a model learns Spanish answers in capitals",
    reference="the trait that was not inoculated rises to about 0; the inoculated one plateaus low",
    arms=(Arm("none"), Arm("spanish-inoc", SPANISH), Arm("caps-inoc", CAPS)),
    broad=(Measure("trait_logprobs", traits=("logprob",), conditions=("spanish", "caps")),),
    dynamics=True,
)
