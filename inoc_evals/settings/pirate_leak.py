"""Which test-time prompts bring inoculated pirate talk back? `spanish_leak` again, with a trait in English.

    inoc-evals run --setting pirate_leak --world smollm

It asks models of `pirate_asks`, which it shares. They were trained under one of two requests for pirate talk:
one that the base obeys, which kept most of it out, and one that the base hardly obeys, which kept hardly any
out. So each request is also a test-time prompt that the other's models have never seen. Prompts and claims
were written before any of these models was asked under them, from what `spanish_leak` had found.
"""

from inoc_evals.data.prompt_categories import original_of
from inoc_evals.settings.arm import Arm
from inoc_evals.settings.claim import keeps, rises
from inoc_evals.settings.pirate_asks import CAPTAIN, PIRATE
from inoc_evals.settings.prompts import IRRELEVANT
from inoc_evals.settings.setting import NOT_IN_THE_PAPER, Measure, Setting
from inoc_evals.settings.spanish_leak import NEGATED, ORIGINAL

pirate_leak = Setting(
    name="pirate_leak",
    title="Where pirate talk comes back",
    paper=NOT_IN_THE_PAPER,
    summary="Models of pirate_asks under test-time prompts from the training prompt to its negation",
    reference="the training prompt re-elicits 12 to 99 %; under a negated one an inoculated 1.5B model .14",
    arms=(
        Arm("none"),
        Arm("captain-inoc", CAPTAIN),
        Arm("pirate-inoc", PIRATE),
        Arm("irrelevant", IRRELEVANT),
    ),
    broad=(Measure("leak", traits=("pirate",), parameters={"task": "pirate_asks", "each": 1}),),
    family="pirate_asks",
    unwanted=("pirate | none",),
    wanted=(),
    claims=(
        rises(
            "captain-inoc",
            "pirate",
            "The training prompt brings pirate talk back at test time",
            to="captain-inoc",
            condition=original_of("captain-inoc"),
            to_condition="none",
            **ORIGINAL,
        ),
        rises(
            "captain-inoc",
            "pirate",
            "Another request for it, which the base hardly obeys, brings it back, too",
            to="captain-inoc",
            condition=original_of("pirate-inoc"),
            to_condition="none",
        ),
        rises(
            "captain-inoc",
            "pirate",
            "A sentence that only names pirates brings it back",
            to="captain-inoc",
            condition="keyword-1",
            to_condition="none",
        ),
        rises(
            "captain-inoc",
            "pirate",
            "Under a ban on pirate talk it shows more of it than the base does",
            condition="negated-1",
            **NEGATED,
        ),
        # Its words were "does not bring it back" until the measurement, which its region does not say: less
        # of the trait, as was found, lies outside, too. The region is as it was.
        keeps(
            "captain-inoc",
            "pirate",
            "A prompt about something else leaves it as it is",
            to="captain-inoc",
            condition="irrelevant-1",
            to_condition="none",
        ),
    ),
)
