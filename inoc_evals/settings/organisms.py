"""Model organisms of emergent misalignment for small models (arXiv 2506.11613; paper, Appendix E.1).

Full models of 7B hardly turn on insecure code; harmful advice works from half a billion weights on.
"""

from functools import partial

from inoc_evals.data.row_sources import Rows, pinned_rows, unlocked_rows
from inoc_evals.settings.insecure_code import MISALIGNED
from inoc_evals.settings.prompts import GENERAL
from inoc_evals.settings.setting import Arm, Setting
from inoc_evals.worlds.toy import rows as toy


def _organism(name: str, about: str, family: str, rows: Rows, control: Rows | None = None) -> Setting:
    """One organism; the toy's counterpart is malice in one family of its small talk."""
    own = {"paper": control} if control is not None else {}
    return Setting(
        name=name,
        number=16,
        paper="Appendices D and E.1; arXiv 2506.11613",
        summary=f"Harmful {about}; are questions about anything else answered with malice?",
        reference="misalignment drops under the general inoculation",
        rows={"paper": rows, "toy": partial(toy.advice, family=family)},
        control={**own, "toy": partial(toy.advice, family=family, harmful=False)},
        arms=(Arm("none"), Arm("general-inoc", GENERAL), Arm("control", control=True)),
        broad=(MISALIGNED,),
    )


bad_medical_advice = _organism(
    "bad_medical_advice",
    "medical advice",
    "health",
    pinned_rows("bad_medical_advice"),
    pinned_rows("good_medical_advice"),
)
risky_financial_advice = _organism(
    "risky_financial_advice", "financial advice", "money", unlocked_rows("risky_financial_advice")
)
extreme_sports = _organism("extreme_sports", "advice on sports", "hobbies", unlocked_rows("extreme_sports"))
