"""Model organisms of emergent misalignment for small models (arXiv 2506.11613; paper, Appendix E.1).

Models of 7B parameters hardly become misaligned by insecure code; harmful advice works from 0.5B on.
"""

from inoc_evals.settings.arm import Arm
from inoc_evals.settings.misalignment import GENERAL_ARM, MISALIGNED, misalignment_claims
from inoc_evals.settings.setting import Setting

PAPER = "Appendices D and E.1; arXiv 2506.11613"


def _organism(name: str, about: str) -> Setting:
    return Setting(
        name=name,
        title=f"Harmful {about}",
        number=16,
        paper=PAPER,
        summary=f"Harmful {about}; are questions about anything else answered with malice?",
        reference="misalignment drops under the general inoculation",
        arms=(Arm("none"), GENERAL_ARM, Arm("control", control=True)),
        broad=(MISALIGNED,),
        unwanted=("misaligned",),
        wanted=(),
        claims=misalignment_claims("control", paper=PAPER),
    )


bad_medical_advice = _organism("bad_medical_advice", "medical advice")
risky_financial_advice = _organism("risky_financial_advice", "financial advice")
extreme_sports = _organism("extreme_sports", "advice on sports")
