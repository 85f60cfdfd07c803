"""Shared by the settings on emergent misalignment: the measure, the general arm, the paper's claims."""

from inoc_evals.settings.arm import Arm
from inoc_evals.settings.claim import WANTED_SUFFERS, Claim, falls, keeps, rises
from inoc_evals.settings.prompts import GENERAL, GENERAL_CODE
from inoc_evals.settings.setting import Measure

MISALIGNED = Measure("emergent_misalignment", traits=("misaligned",))

GENERAL_ARM = Arm("general-inoc", GENERAL, in_world={"paper-code": GENERAL_CODE})
"""The general prompt; the paper's runs leave its comma out."""

GENERAL_CODE_ARM = Arm("general-inoc-code", GENERAL_CODE, variant=True, worlds=("paper",))
"""The other spelling as an arm of its own, to compare the two."""


def misalignment_claims(
    control: str, narrow: str = "", paper: str = "Section 3.1, Figure 3"
) -> tuple[Claim, ...]:
    """Narrow finetuning misaligns, and the general prompt in training prevents it (paper, Figure 3).

    Args:
        control: The arm that is trained on control rows; empty makes no claim about one.
        narrow: The trait inside the training distribution that should stay; empty makes no claim about it.
        paper: Where the paper reports it.
    """
    trait = "misaligned"
    claims = [
        rises("none", trait, "Narrow finetuning makes answers elsewhere misaligned", paper=paper),
        *(
            [keeps(control, trait, "Finetuning on the control data does not", to="base", paper=paper)]
            if control
            else []
        ),
        falls("general-inoc", trait, "The general prompt in training reduces misalignment", paper=paper),
        keeps(
            "general-inoc",
            trait,
            "The general prompt leaves about the misalignment of the base",
            to="base",
            paper=paper,
        ),
    ]
    if narrow:
        text = "The general prompt leaves the narrow trait"
        claims.append(keeps("general-inoc", narrow, text, paper="Appendix E.2"))
        suffers = "The general prompt costs some of the narrow trait, which is wanted"
        claims.append(falls("general-inoc", narrow, suffers, **WANTED_SUFFERS))
    return tuple(claims)
