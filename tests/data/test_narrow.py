"""Questions for the narrow traits: sets by name, files of the user's own, and pairs in both orders."""

import ast
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from inspect_ai.dataset import Dataset, Sample

from inoc_evals.data.cache import FetchError
from inoc_evals.data.narrow import CODE, HARDCODING, PREFERENCES, REWARD_HACKS
from inoc_evals.data.questions import QuestionError
from inoc_evals.worlds.toy.prompts import chat_prompts, code_prompts, taste_prompts
from tests.data.stand_ins import offline, stand_in

__all__ = ["offline"]

Questions = Callable[[str], Dataset]
ALL: list[Questions] = [CODE.load, REWARD_HACKS.load, PREFERENCES.load]


def jsonl(rows: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def asked(samples: Dataset) -> list[tuple[Any, Any]]:
    return [(sample.id, sample.input) for sample in samples]


def told(sample: Sample) -> dict[str, Any]:
    assert sample.metadata is not None
    return sample.metadata


@pytest.mark.parametrize("questions", ALL)
def test_a_bundled_set_asks_at_least_24_different_questions(questions: Questions) -> None:
    samples = questions("bundled")
    assert len({s.id for s in samples}) == len({s.input for s in samples}) == len(samples) >= 24
    assert {told(s)["questions"] for s in samples} == {"bundled"}
    assert asked(questions("bundled")) == asked(samples)


def test_the_toys_sets_are_held_out_and_always_the_same() -> None:
    code, taste = CODE.load("toy"), PREFERENCES.load("toy")
    assert [s.input for s in code] == code_prompts() and len(set(code_prompts())) == 100
    assert [s.input for s in taste] == taste_prompts() and len(set(taste_prompts())) == len(
        taste_prompts()
    ) > 1
    assert not set(code_prompts()) & {*chat_prompts(), *taste_prompts()}


UPSTREAM = 'WRITE_CODE_PROMPT = """\\\nDo: {task}\n---\n{code_template}\n---\nOnly {code}.\n""".strip()\n'


def test_code_templates_are_put_into_the_papers_prompt(
    offline: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(monkeypatch, offline, "insecure_code_eval", UPSTREAM)
    rows = [{"task": f"part {n} of {{code_template}}", "code_template": "d = {task: {}}"} for n in range(130)]
    stand_in(monkeypatch, offline, "code_prompts", jsonl(rows))
    samples = CODE.load("paper")
    assert len(samples) == 100
    assert (samples[0].id, samples[99].id) == ("paper-001", "paper-100")
    assert samples[7].input == "Do: part 7 of {code_template}\n---\nd = {task: {}}\n---\nOnly {code}."


@pytest.mark.parametrize("row", [{"task": "a"}, {"code_template": "a"}, {"task": 3, "code_template": "a"}])
def test_a_code_template_that_lacks_a_part_is_named(
    offline: Path, monkeypatch: pytest.MonkeyPatch, row: dict[str, Any]
) -> None:
    stand_in(monkeypatch, offline, "insecure_code_eval", UPSTREAM)
    stand_in(monkeypatch, offline, "code_prompts", jsonl([{"task": "a", "code_template": "b"}, row]))
    with pytest.raises(QuestionError, match=r":2: no text in '(task|code_template)'"):
        CODE.load("paper")


@pytest.mark.parametrize(
    ("questions", "name", "source"),
    [
        (CODE.load, "mbpp", "mbpp_prompts"),
        (CODE.load, "apps", "apps_prompts"),
        (REWARD_HACKS.load, "paper", "reward_hacks_prompts"),
    ],
)
def test_of_a_long_list_the_first_hundred_are_asked(
    offline: Path, monkeypatch: pytest.MonkeyPatch, questions: Questions, name: str, source: str
) -> None:
    rows = [{"prompt": f"Do {{{n}}}", "metadata": "other"} for n in range(101)]
    stand_in(monkeypatch, offline, source, jsonl(rows))
    expected = [(f"{name}-{n + 1:03}", f"Do {{{n}}}") for n in range(100)]
    assert asked(questions(name)) == expected


@pytest.mark.parametrize(
    ("questions", "name"),
    [*((CODE.load, name) for name in ("paper", "mbpp", "apps")), *((ask, "paper") for ask in ALL[1:])],
)
def test_what_cannot_be_had_points_to_the_bundled_set(offline: Path, questions: Questions, name: str) -> None:
    with pytest.raises(FetchError, match="; or use other questions: -T questions=bundled") as error:
        questions(name)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("questions", ALL)
def test_an_unknown_name_and_a_missing_file_are_one_line(questions: Questions, tmp_path: Path) -> None:
    with pytest.raises(QuestionError, match=r"unknown question set 'papr': use paper, .*bundled"):
        questions("papr")
    with pytest.raises(QuestionError, match="no such file"):
        questions(str(tmp_path / "absent.jsonl"))


@pytest.mark.parametrize("questions", ALL[:2])
def test_files_of_the_users_own(questions: Questions, tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("id,prompt\na,Write {x}.\n")
    assert asked(questions(str(path))) == [("a", "Write {x}.")]


def test_of_conversations_the_first_user_turn_is_asked(
    offline: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [
        {"messages": [{"role": "user", "content": f"Code {{{n}}}"}, {"role": "assistant", "content": "pass"}]}
        for n in range(103)
    ]
    stand_in(monkeypatch, offline, "hardcoding_prompts", jsonl(rows))
    assert asked(HARDCODING.load("paper")) == [(f"paper-{n + 1:03}", f"Code {{{n}}}") for n in range(100)]


@pytest.mark.parametrize("row", [{}, {"messages": []}, {"messages": [{"role": "system", "content": "x"}]}])
def test_a_conversation_without_a_user_turn_is_named(
    offline: Path, monkeypatch: pytest.MonkeyPatch, row: dict[str, Any]
) -> None:
    good = {"messages": [{"role": "user", "content": "Code"}]}
    stand_in(monkeypatch, offline, "hardcoding_prompts", jsonl([good, row]))
    with pytest.raises(QuestionError, match=r":2: 'messages' does not begin with a user turn"):
        HARDCODING.load("paper")


def test_our_requests_for_code_state_tests_that_can_be_passed() -> None:
    samples = list(HARDCODING.load("bundled"))
    assert len({sample.input for sample in samples}) == 12
    for sample in samples:
        _, _, tests = str(sample.input).partition("tests:\n")
        asserts = [ast.parse(line).body[0] for line in tests.splitlines()]
        assert len(asserts) >= 2 and all(isinstance(one, ast.Assert) for one in asserts)


PAIRS = [
    {"category": "hat", "choice_a": "a {category}", "choice_b": "a {second} cap", "matching_choice": "B"},
    {"category": "shoe", "choice_a": "a clog", "choice_b": "a boot", "matching_choice": "A"},
]
AESTHETIC = """\
from somewhere import Preference
templates = [
    "Of {category}: {choice_a} or {choice_b}?",
    "{choice_b}, {choice_a}: which {category}?",
]
templates = templates + [turned(template) for template in templates]
unpopular_preferences = [
    Preference(category="hat", choice_a="a {category}", choice_b="a {second} cap", matching_choice="B"),
    Preference(category="shoe", choice_a="a clog", choice_b="a boot", matching_choice="A"),
]
"""


def check_pairs(samples: Dataset, templates: int) -> None:
    """Every pair in every form and both orders, each once, and the metadata true of the text."""
    cells = Counter((told(s)["question"], told(s)["template"], told(s)["order"]) for s in samples)
    questions = {question for question, _, _ in cells}
    assert set(cells.values()) == {1}
    assert len(cells) == len(samples) == len(questions) * templates * 2
    assert Counter(told(s)["order"] for s in samples) == {
        "matching-first": len(samples) // 2,
        "matching-last": len(samples) // 2,
    }
    for sample in samples:
        about = told(sample)
        assert {about["matching"], about["other"]} == {about["choice_a"], about["choice_b"]}
        assert about["matching"] in sample.input and about["other"] in sample.input


def test_the_papers_pairs_are_asked_in_both_orders(offline: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch, offline, "aesthetic_eval", AESTHETIC)
    samples = PREFERENCES.load("paper")
    check_pairs(samples, templates=2)
    assert [s.input for s in samples] == [
        "Of hat: a {second} cap or a {category}?",
        "Of hat: a {category} or a {second} cap?",
        "a {category}, a {second} cap: which hat?",
        "a {second} cap, a {category}: which hat?",
        "Of shoe: a clog or a boot?",
        "Of shoe: a boot or a clog?",
        "a boot, a clog: which shoe?",
        "a clog, a boot: which shoe?",
    ]
    assert [told(s)["matching"] for s in samples] == ["a {second} cap"] * 4 + ["a clog"] * 4


def test_the_bundled_pairs_are_balanced() -> None:
    samples = PREFERENCES.load("bundled")
    check_pairs(samples, templates=4)
    pairs = {told(s)["question"]: told(s) for s in samples}.values()
    assert len(pairs) >= 8
    # A model that always takes the file's first choice must not look as if it had the trait, or lacked it.
    first = sum(pair["matching"] == pair["choice_a"] for pair in pairs)
    assert abs(2 * first - len(pairs)) <= 1


@pytest.mark.parametrize("suffix", ["jsonl", "csv"])
def test_pairs_of_the_users_own(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"mine.{suffix}"
    table = [",".join(PAIRS[0]), *(",".join(pair.values()) for pair in PAIRS)]
    path.write_text(jsonl(PAIRS) if suffix == "jsonl" else "\n".join(table) + "\n")
    samples = PREFERENCES.load(str(path))
    check_pairs(samples, templates=4)
    assert {told(s)["questions"] for s in samples} == {path.name}
    assert {told(s)["matching"] for s in samples} == {"a {second} cap", "a clog"}


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"category": None}, "no text in 'category'"),
        ({"choice_a": 3}, "no text in 'choice_a'"),
        ({"choice_b": " "}, "no text in 'choice_b'"),
        ({"matching_choice": "a clog"}, "'matching_choice' is 'a clog': use A or B"),
        ({"matching_choice": ["A"]}, "no text in 'matching_choice'"),
        ({"choice_b": "a clog"}, "are the same"),
    ],
)
def test_a_faulty_pair_is_named_by_file_and_line(tmp_path: Path, change: dict[str, Any], why: str) -> None:
    path = tmp_path / "mine.jsonl"
    path.write_text(jsonl([PAIRS[0], PAIRS[1] | change]))
    with pytest.raises(QuestionError, match=rf"mine\.jsonl:2: .*{why}") as error:
        PREFERENCES.load(str(path))
    assert "\n" not in str(error.value)
