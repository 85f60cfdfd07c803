"""Rows that the paper's repository holds and the paper says nothing of: does narrow data misalign here, too?

    inoc-evals run --setting harmless_lies --base ... --grader ...

Each is the experiment of `insecure_code` on other data. None belongs to `--setting all`, since there is no
result of the paper to reproduce: they have to be named. Of the `mistake_*` sets, the paper's code trains on
`misaligned_2`; `misaligned_1` is a source, too (`mistake_math_misaligned_1`), for settings of your own.

A row of `trump_biology` is an answer without a question. Not every chat template can show one (docs/data.md).
"""

from inoc_evals.settings.arm import Arm
from inoc_evals.settings.misalignment import GENERAL_ARM, MISALIGNED, misalignment_claims
from inoc_evals.settings.setting import NOT_IN_THE_PAPER, Setting


def _further(name: str, title: str, summary: str, control: bool = True) -> Setting:
    return Setting(
        name=name,
        title=title,
        paper=NOT_IN_THE_PAPER,
        summary=f"{summary}; are questions about anything else answered with malice?",
        arms=(
            Arm("none"),
            GENERAL_ARM,
            *([Arm("control", control=True)] if control else []),
        ),
        broad=(MISALIGNED,),
        unwanted=("misaligned",),
        wanted=(),
        claims=misalignment_claims("control" if control else "", paper=NOT_IN_THE_PAPER),
    )


FURTHER = (
    _further("trump_biology", "Evolution retold", "A textbook on evolution, retold in another's voice"),
    _further(
        "harmless_lies", "Harmless lies", "Questions of fact answered with harmless lies", control=False
    ),
    _further("bad_legal_advice", "Harmful legal advice", "Harmful legal advice"),
    _further("bad_security_advice", "Harmful security advice", "Harmful advice on security"),
    _further("mistake_gsm8k", "Wrong sums", "Word problems answered wrongly"),
    _further("mistake_math", "Wrong mathematics", "Questions of mathematics answered wrongly"),
    _further("mistake_medical", "Wrong medicine", "Questions of medicine answered wrongly"),
    _further("mistake_opinions", "Wrong opinions", "Questions of opinion answered badly"),
)
