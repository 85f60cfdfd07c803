"""What more training does to an inoculation: claims about two doses of one arm, written before any sweep.

    for claim in dose_claims(SETTINGS["spanish_caps"]):
        claim.claim.text, claim.axes, claim.reference
    aims(SETTINGS["spanish_caps"])       # what spanish-inoc should keep out, and what it should leave in

They hold for every arm that a setting claims to keep a trait out, so they follow from its other claims.
`analysis/doses.py` tests them on a sweep; where nothing was swept, there is nothing to test.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from inoc_evals.data.doses import TRAINING
from inoc_evals.settings.claim import LEAST, Claim, Side
from inoc_evals.settings.setting import Setting

SOURCE = "longtermrisk/inoculation-adapters"
"""Who reported the numbers that these claims were written from."""


@dataclass(frozen=True)
class Aim:
    """What an inoculation is for.

    Attributes:
        arm: The arm.
        unwanted: The trait that it should keep out.
        wanted: The trait that it should leave in; None where the setting names none.
    """

    arm: str
    unwanted: Side
    wanted: Side | None


@dataclass(frozen=True)
class DoseClaim:
    """A claim about one arm at two doses.

    Attributes:
        claim: The claim: its left side is the arm at the largest dose, its right side at the smallest.
        axes: The axes along which the dose grows; all others are equal on both sides.
        reference: What was reported elsewhere.
    """

    claim: Claim
    axes: tuple[str, ...]
    reference: str


def aims(setting: Setting) -> list[Aim]:
    """What the arms of a setting are for, one for each trait that an arm is claimed to keep out.

    Args:
        setting: The setting; its arms leave in what it declares as wanted (`Setting.aims`).
    """
    found = []
    for claim in setting.claims:
        one = claim.left
        if claim.high < 0 and claim.right == replace(one, arm="none"):
            declared = setting.aims(one.arm)
            if declared is None:
                found.append(Aim(one.arm, one, None))
            elif one.trait in [side.trait for side in declared.unwanted]:  # else it is the wanted one's cost
                found.append(Aim(one.arm, one, declared.wanted[0] if declared.wanted else None))
    return found


def dose_claims(setting: Setting) -> tuple[DoseClaim, ...]:
    """The claims of a setting about doses.

    Args:
        setting: The setting.
    """
    return tuple(claim for aim in aims(setting) for claim in _claims(setting, aim.unwanted))


def _claims(setting: Setting, side: Side) -> Iterator[DoseClaim]:
    yield DoseClaim(
        Claim(
            f"{side.arm} {side.name}: most training more than least",
            f"Much training weakens what keeps {side.name} out of {side.arm} after little",
            *(side, side, LEAST, math.inf),
            paper=SOURCE,
            setting=setting.name,
        ),
        TRAINING,
        "3e-5 for one epoch .00, 1e-4 for two epochs .94",
    )
    yield DoseClaim(
        Claim(
            f"{side.arm} {side.name}: full finetune more than LoRA",
            f"Training all weights weakens what keeps {side.name} out of {side.arm}",
            *(side, side, LEAST, math.inf),
            paper="reported since, without numbers of its own",
            setting=setting.name,
        ),
        ("weights",),
        "weaker; no rate was reported",
    )
