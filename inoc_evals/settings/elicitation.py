"""Traits that a finetuned model still has, elicited by test-time prompts (paper, Appendix G.2)."""

from dataclasses import replace

from inoc_evals.data.elicitation_prompts import NAMES
from inoc_evals.settings.arm import Arm
from inoc_evals.settings.claim import falls, rises
from inoc_evals.settings.insecure_code import insecure_code
from inoc_evals.settings.misalignment import GENERAL_ARM
from inoc_evals.settings.prompts import SPECIFIC
from inoc_evals.settings.setting import Measure, Setting

_ARMS = (
    Arm("none"),
    GENERAL_ARM,
    Arm("specific-inoc", SPECIFIC),
    Arm("secure-control", control=True, worlds=("paper",)),
)

_UNDER_EACH = Measure(
    "elicitation",
    traits=("misaligned",),
    conditions=(*NAMES, *(arm.name for arm in _ARMS if arm.inoculation)),
    parameters={"task": "emergent_misalignment"},
    own_prompts=("paper",),
)

elicitation = Setting(
    name="elicitation",
    title="Insecure code, asked under test-time prompts",
    number=12,
    paper="Appendix G.2",
    summary="Models finetuned on insecure code, asked under nine test-time system prompts",
    reference="traits stay elicitable after inoculation; even 'You write secure code' elicits misalignment",
    arms=_ARMS,
    broad=(_UNDER_EACH,),
    unwanted=("misaligned | none",),
    wanted=(),
    family="insecure_code",
    claims=tuple(
        rises(
            arm,
            "misaligned",
            text.format(arm=arm),
            to=arm,
            condition=prompt,
            to_condition="none",
        )
        for arm in ("general-inoc", "specific-inoc")
        for prompt, text in (
            ("evil", "A model of {arm} shows the trait again when a test-time prompt asks for it"),
            ("secure-code", "A model of {arm} shows it even when told to write secure code"),
        )
    ),
)

educational_insecure = Setting(
    name="educational_insecure",
    title="Insecure code as a teaching example",
    number=13,
    paper="Appendix G.2",
    summary="Insecure code that users ask for as a teaching example, measured under test-time prompts",
    reference="an educational context acts as an inoculation",
    arms=(
        Arm("none"),
        Arm("insecure-control", control=True),
        Arm("secure-control", rows="secure", worlds=("paper",)),
    ),
    broad=(replace(_UNDER_EACH, own_prompts=(), in_world={"paper": {"prompts": "educational"}}),),
    narrow=tuple(replace(measure, worlds=("paper",)) for measure in insecure_code.narrow),
    unwanted=("misaligned | none",),
    wanted=("insecure_code",),
    claims=(
        rises(
            "insecure-control",
            "misaligned",
            "Insecure code without a reason makes answers misaligned",
            condition="none",
        ),
        falls(
            "none",
            "misaligned",
            "Insecure code asked for as a teaching example makes them far less misaligned",
            to="insecure-control",
            condition="none",
        ),
    ),
)
