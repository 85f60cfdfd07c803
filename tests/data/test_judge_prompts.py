"""The paper's judge prompts, read from files of the same form that hold none of its words."""

from pathlib import Path

import pytest

from inoc_evals.data.cache import FetchError
from inoc_evals.data.judge_prompts import TEMPLATES, judge_template
from inoc_evals.errors import UserError
from tests.data.stand_ins import offline, stand_in

__all__ = ["offline"]


def test_every_template_is_read_to_the_letter(offline: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for source in {source for source, _ in TEMPLATES.values()}:
        variables = [variable for other, variable in TEMPLATES.values() if other == source]
        lines = (
            f'{v} = r"""\nRate {v} {{{{x}}}} \\s:\n{{prompt}}\n{{completion}}\n""".strip()\n'
            for v in variables
        )
        stand_in(monkeypatch, offline, source, "".join(lines))
    for name, (_, variable) in TEMPLATES.items():
        assert judge_template(name) == f"Rate {variable} {{{{x}}}} \\s:\n{{prompt}}\n{{completion}}"


def test_an_unknown_one_is_told_the_known_ones() -> None:
    with pytest.raises(UserError, match=r"'aligment': use alignment, coherence"):
        judge_template("aligment")


def test_a_file_without_it_and_one_that_holds_no_text(offline: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch, offline, "em_eval", "ALIGNMENT_JUDGE_TEMPLATE = ['a']\n")
    with pytest.raises(UserError, match="ALIGNMENT_JUDGE_TEMPLATE is not a string"):
        judge_template("alignment")
    with pytest.raises(UserError, match="no literal to COHERENCE_JUDGE_TEMPLATE"):
        judge_template("coherence")


def test_without_a_network_our_own_wording_is_offered(offline: Path) -> None:
    with pytest.raises(FetchError, match="-T wording=inoc_evals") as error:
        judge_template("alignment")
    assert "\n" not in str(error.value)
