"""The parameters that judged tasks and scorers share, and the one check of them.

    inspect eval inoc_evals/emergent_misalignment -T reader=sampled -T wording=paper -T combine=majority ...

- `reader`: how a judge's reply is read: `token`, `exact`, `continued`, `one_spelling`, `sampled`
  (`readers.py`), or `auto`, the sharpest of them that the judge allows (`reader_choice.py`).
- `wording`: whose judge prompts: `inoc_evals`, or `paper` (fetched once, `wordings.py`).
- `combine`: how several graders become one: the `mean` or `median` of their ratings, or the `majority` of
  what each of them decides (`panel.py`).
- `preset`: the thresholds under which an answer counts as misaligned, a key of `presets.PRESETS`.
- `yes_no`: which spellings of YES and NO count, and what becomes of an answer where one of them is out of
  sight (`result.py`).
"""

from collections.abc import Collection
from typing import Literal, get_args

from inoc_evals.errors import UserError
from inoc_evals.scorers import presets

ReaderChoice = Literal["auto", "token", "exact", "continued", "one_spelling", "sampled"]
Wording = Literal["inoc_evals", "paper"]
Combine = Literal["mean", "median", "majority"]
YesNo = Literal["all-spellings", "paper-code"]


def check_judge_parameters(
    *,
    reader: str = "auto",
    wording: str = "inoc_evals",
    combine: str = "mean",
    preset: str = "paper-code",
    yes_no: str = "all-spellings",
) -> None:
    """Refuse a parameter value that does not exist.

    Args:
        reader: How judges are read.
        wording: Whose judge prompts.
        combine: How several graders become one.
        preset: Thresholds, by name.
        yes_no: How a yes or no is read.

    Raises:
        UserError: In one line with the values that exist.
    """
    presets.preset(preset)
    _check("reader", reader, get_args(ReaderChoice))
    _check("combine", combine, get_args(Combine))
    _check("wording", wording, get_args(Wording))
    _check("yes_no", yes_no, get_args(YesNo))
    if yes_no == "paper-code" and reader not in ("auto", "token"):
        raise UserError(f"yes_no=paper-code reads the judge's first token: use reader=token, not {reader}")


def _check(parameter: str, value: str, allowed: Collection[str]) -> None:
    if not isinstance(value, str) or value not in allowed:
        raise UserError(f"unknown {parameter} {value!r}: use {', '.join(allowed)}")
