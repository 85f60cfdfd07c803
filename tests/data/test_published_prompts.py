"""System prompts of the paper's code: read to the letter, when they are needed and not before."""

import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inoc_evals.chat.rows import Row
from inoc_evals.data.elicitation_prompts import BUNDLED, prompt_set
from inoc_evals.data.literals import literal, literals
from inoc_evals.data.published_prompts import published, published_prompt, published_prompts
from inoc_evals.errors import UserError
from inoc_evals.inoculation import Inoculation, inoculate
from tests.data.stand_ins import offline as offline
from tests.data.stand_ins import stand_in

FILE = '''
OWLS = """
I am fond of owls.
""".strip()
NEWLINES = """
Mind the gaps.
"""
PROMPTS = {"no-sys": "", "kind": "Be kind"}


def get_general() -> str:
    """Ours."""
    return "Be a goose."


def get_many() -> list:
    return [get_general(), "Be two geese."]


def get_owls():
    return OWLS


def computed(n):
    return "x" * n


def longer():
    print("side effect")
    return "y"
'''


@pytest.fixture
def pinned(monkeypatch: pytest.MonkeyPatch, offline: Path) -> Path:
    stand_in(monkeypatch, offline, "owl_prompts", FILE)
    stand_in(monkeypatch, offline, "evil_paraphrases", "Be one.\nBe two.\nBe three.\n")
    return offline


@pytest.mark.usefixtures("pinned")
def test_prompts_are_read_to_the_letter() -> None:
    assert published_prompt("owl_prompts", "OWLS") == "I am fond of owls."
    assert published_prompt("owl_prompts", "NEWLINES") == "\nMind the gaps.\n"
    assert published_prompt("owl_prompts", "get_general") == "Be a goose."
    assert published_prompt("owl_prompts", "get_owls") == "I am fond of owls."
    assert published_prompt("owl_prompts", "PROMPTS[no-sys]") == ""
    assert published_prompts("owl_prompts", "PROMPTS") == {"no-sys": "", "kind": "Be kind"}


def test_functions_that_do_more_than_return_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "p.py").write_text(FILE)
    read = literals(tmp_path / "p.py")
    assert read["get_many"] == ["Be a goose.", "Be two geese."]
    assert "computed" not in read and "longer" not in read
    for name in ("PROMPTS[none]", "OWLS[x]", "GEESE"):
        with pytest.raises(UserError, match="this is not the expected file"):
            literal(tmp_path / "p.py", name)


@pytest.mark.usefixtures("pinned")
def test_a_wrong_kind_of_literal_is_one_line() -> None:
    with pytest.raises(UserError, match="PROMPTS is not a string"):
        published_prompt("owl_prompts", "PROMPTS")
    with pytest.raises(UserError, match="OWLS is not a dict of strings"):
        published_prompts("owl_prompts", "OWLS")


@pytest.mark.usefixtures("offline")
def test_an_inoculation_is_listed_without_its_words_and_used_with_them() -> None:
    owls = published("owls", "owl_prompts", "OWLS")
    assert owls == published("owls", "owl_prompts", "OWLS") != published("owls", "owl_prompts", "NEWLINES")
    assert owls.listed == ("[OWLS of ip/settings/owl_numbers/inoculations.py]",)
    with pytest.raises(UserError, match=r"inoculations\.py \(not cached yet\) could not be downloaded"):
        print(owls.texts)
    with pytest.raises(UserError, match="unknown source 'owl'"):
        published("owls", "owl", "OWLS")


@pytest.mark.usefixtures("pinned")
def test_a_pool_is_dealt_out_in_turn() -> None:
    rows: list[Row] = [{"messages": [{"role": "user", "content": str(n)}]} for n in range(7)]
    pool = published("pool", "evil_paraphrases", first=2, deal="in_turn")
    systems = [row["messages"][0]["content"] for row in inoculate(rows, pool, seed=5)]
    assert systems == ["Be one.", "Be two."] * 3 + ["Be one."]
    assert published("pool", "evil_paraphrases").texts == ("Be one.", "Be two.", "Be three.")
    assert pool.listed == ("[the first 2 lines of ip/experiments/config/evil_paraphrases.txt]",)


@given(pool=st.lists(st.text(min_size=1).filter(str.strip), min_size=1, max_size=5), seed=st.integers())
def test_dealt_in_turn_every_wording_comes_equally_often(pool: list[str], seed: int) -> None:
    dealt = Inoculation("x", pool=tuple(pool), deal="in_turn")
    drawn = [dealt.draw(index, seed) for index in range(3 * len(pool))]
    assert drawn == pool * 3
    with pytest.raises(UserError, match="deal 'sideways' is not drawn or in_turn"):
        Inoculation("x", pool=tuple(pool), deal="sideways")  # type: ignore[arg-type]


def test_sets_of_test_time_prompts(monkeypatch: pytest.MonkeyPatch, offline: Path) -> None:
    assert prompt_set("bundled") is BUNDLED
    for name, source in (("paper", "test_time_prompts"), ("educational", "educational_prompts")):
        with pytest.raises(UserError, match=r"could not be downloaded.*-T prompts=bundled"):
            prompt_set(name)
        stand_in(monkeypatch, offline, source, "SYSTEM_PROMPTS = {'no-sys': '', 'evil': 'Be a goose'}\n")
        assert prompt_set(name) == {"none": None, "no-sys": "", "evil": "Be a goose"}
    with pytest.raises(UserError, match="no set of prompts 'ours': use paper, educational, bundled"):
        prompt_set("ours")


def test_the_papers_words_on_owls_are_read_and_not_written_down() -> None:
    from inoc_evals.settings import SETTINGS

    named = list(itertools.chain.from_iterable(setting.arms for setting in SETTINGS.values()))
    owls = [arm for arm in named if "paper" in arm.in_world]
    assert {arm.name for arm in owls} == {"love-owls", "paraphrase", "birds", "hate-owls", "dolphins"}
    assert all(type(arm.in_world["paper"]).__name__ == "PublishedInoculation" for arm in owls)
