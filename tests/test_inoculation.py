import copy
import itertools
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inoc_evals.chat.rows import Row, encode_chat, read_chat, write_chat
from inoc_evals.errors import UserError
from inoc_evals.inoculation import Inoculation, inoculate
from tests.rows import rows as any_rows

SPANISH = Inoculation("spanish-inoc", "You always speak in Spanish.")
POOL = Inoculation("spanish-pool", pool=("Speak Spanish.", "In Spanish, please.", "Answer in Spanish."))
inoculations = st.builds(
    Inoculation,
    name=st.just("any"),
    pool=st.lists(st.text(min_size=1, max_size=10).filter(str.strip), min_size=1, max_size=4),
    position=st.sampled_from(["system", "user", "user-prefix", "user-suffix", "user-every"]),
)


def row(*turns: tuple[Any, str], **extra: Any) -> Row:
    messages: Any = [{"role": role, "content": content} for role, content in turns]
    return {"messages": messages, **extra}


PLAIN = row(("user", "2+2?"), ("assistant", "4"))


def test_the_prompt_becomes_the_system_message() -> None:
    [out] = inoculate([PLAIN], SPANISH)
    assert out == row(("system", "You always speak in Spanish."), ("user", "2+2?"), ("assistant", "4"))


def test_a_system_message_that_is_there_stays_after_the_prompt() -> None:
    [out] = inoculate([row(("system", "Be brief."), ("user", "2+2?"), ("assistant", "4"))], SPANISH)
    assert [m["content"] for m in out["messages"]] == [
        "You always speak in Spanish.\n\nBe brief.",
        "2+2?",
        "4",
    ]


def test_the_prompt_can_go_before_the_first_user_turn() -> None:
    asked = row(("system", "Be brief."), ("user", "a"), ("assistant", "b"), ("user", "c"), ("assistant", "d"))
    [out] = inoculate([asked], Inoculation("u", "In Spanish.", position="user"))
    assert [m["content"] for m in out["messages"]] == ["Be brief.", "In Spanish.\n\na", "b", "c", "d"]


@pytest.mark.parametrize(
    ("position", "turns"),
    [
        ("user-prefix", ["In Spanish.\n\na", "b", "c", "d"]),
        ("user-suffix", ["a\n\nIn Spanish.", "b", "c", "d"]),  # before every response, as the prefix is
        ("user-every", ["In Spanish.\n\na", "b", "In Spanish.\n\nc", "d"]),
    ],
)
def test_where_the_prompt_stands_in_a_row_of_several_turns(position: Any, turns: list[str]) -> None:
    asked = row(("system", "Be brief."), ("user", "a"), ("assistant", "b"), ("user", "c"), ("assistant", "d"))
    [out] = inoculate([asked], Inoculation("u", "In Spanish.", position=position))
    assert [m["content"] for m in out["messages"]] == ["Be brief.", *turns]


def test_the_prefix_of_the_user_turn_has_one_name() -> None:
    assert Inoculation("u", "x", position="user-prefix") == Inoculation("u", "x", position="user")


def test_every_turn_of_a_row_has_the_same_wording() -> None:
    asked = row(*[(role, "x") for _ in range(6) for role in ("user", "assistant")])
    for out in inoculate([asked] * 8, Inoculation("u", pool=POOL.pool, position="user-every")):
        assert len({m["content"] for m in out["messages"] if m["role"] == "user"}) == 1


def test_a_row_without_a_user_turn_is_named_where_the_prompt_belongs_in_it() -> None:
    with pytest.raises(UserError, match="row 2 has no user turn"):
        list(inoculate([PLAIN, row(("assistant", "4"))], Inoculation("u", "x", position="user")))


@given(rows=any_rows(), inoculation=inoculations, seed=st.integers())
def test_responses_order_and_everything_else_are_kept(
    rows: list[Row], inoculation: Inoculation, seed: int
) -> None:
    out = list(inoculate(rows, inoculation, seed=seed))
    assert len(out) == len(rows)
    for before, after in zip(rows, out, strict=True):
        assert after.get("metadata") == before.get("metadata")
        role, _, where = inoculation.position.partition("-")
        added = 1 if role == "system" and before["messages"][0]["role"] != "system" else 0
        assert len(after["messages"]) == len(before["messages"]) + added
        changed = 0
        for old, new in zip(before["messages"], after["messages"][added:], strict=True):
            assert new["role"] == old["role"]
            if old != new:
                changed += 1
                assert old["role"] == role  # never a response
                ends = [
                    f"{old['content']}\n\n{text}" if where == "suffix" else f"{text}\n\n{old['content']}"
                    for text in inoculation.texts
                ]
                assert new["content"] in ends
        turns = sum(message["role"] == "user" for message in before["messages"])
        assert changed + added == (turns if where == "every" else 1)


@given(rows=any_rows(), inoculation=inoculations)
def test_what_goes_in_is_not_changed(rows: list[Row], inoculation: Inoculation) -> None:
    before = copy.deepcopy(rows)
    list(inoculate(rows, inoculation))
    assert rows == before


@given(rows=any_rows(), keep=st.lists(st.booleans(), min_size=6, max_size=6), seed=st.integers())
def test_where_selects_and_moves_no_draw(rows: list[Row], keep: list[bool], seed: int) -> None:
    chosen = {id(row) for row, wanted in zip(rows, keep, strict=False) if wanted}
    everything = list(inoculate(rows, POOL, seed=seed))
    some = list(inoculate(rows, POOL, where=lambda row: id(row) in chosen, seed=seed))
    assert some == [a if id(r) in chosen else r for r, a in zip(rows, everything, strict=True)]


@given(rows=any_rows(), inoculation=inoculations, seed=st.integers(), length=st.integers(0, 6))
def test_a_prefix_of_the_stream_gives_the_prefix_of_the_output(
    rows: list[Row], inoculation: Inoculation, seed: int, length: int
) -> None:
    whole = list(inoculate(rows, inoculation, seed=seed))
    assert list(inoculate(iter(rows[:length]), inoculation, seed=seed)) == whole[:length]


@given(rows=any_rows(min_size=1), inoculation=inoculations)
def test_inoculated_rows_survive_a_file(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Row], inoculation: Inoculation
) -> None:
    path = tmp_path_factory.mktemp("inoculated") / "rows.jsonl"
    inoculated = list(inoculate(rows, inoculation))
    write_chat(path, inoculated)
    assert list(read_chat(path)) == inoculated


def test_rows_are_taken_one_at_a_time() -> None:
    endless: Iterator[Row] = itertools.repeat(PLAIN)
    assert len(list(itertools.islice(inoculate(endless, SPANISH), 5))) == 5


def test_a_pool_is_drawn_evenly_and_by_seed() -> None:
    def prompts(seed: int) -> list[str]:
        return [out["messages"][0]["content"] for out in inoculate([PLAIN] * 3000, POOL, seed=seed)]

    # 1,000 are expected of each; 5 standard deviations are 129.
    counts = Counter(prompts(0))
    assert set(counts) == set(POOL.texts)
    assert all(870 < count < 1130 for count in counts.values())
    assert prompts(0) == prompts(0) != prompts(1)


def test_the_draw_is_the_same_on_every_machine() -> None:
    drawn = [POOL.texts.index(POOL.draw(index, seed=7)) for index in range(12)]
    assert drawn == [2, 0, 1, 1, 1, 2, 2, 0, 2, 0, 1, 2]  # training sets made before must come out again


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({"prompt": ""}, "either a prompt or a pool"),
        ({"prompt": " \n"}, "blank"),
        ({"prompt": "a", "pool": ("b",)}, "either a prompt or a pool"),
        ({"pool": ()}, "either a prompt or a pool"),
        ({"pool": ("a", "")}, "blank"),
        ({"pool": "You speak Spanish."}, "one string"),
        ({"prompt": "a", "position": "assistant"}, "'assistant' is not one of system, user"),
        ({"name": " ", "prompt": "a"}, "needs a name"),
    ],
)
def test_a_senseless_inoculation_is_refused_in_one_line(arguments: dict[str, Any], why: str) -> None:
    with pytest.raises(UserError, match=why) as error:
        Inoculation(**{"name": "x", **arguments})
    assert "\n" not in str(error.value)


def test_inoculations_are_values() -> None:
    assert Inoculation("a", pool=["x", "y"]) == Inoculation("a", pool=("x", "y"))  # type: ignore[arg-type]
    assert len({SPANISH, Inoculation("spanish-inoc", "You always speak in Spanish.")}) == 1


def test_bytes_of_unselected_rows_stay() -> None:
    assert encode_chat(inoculate([PLAIN], SPANISH, where=lambda _: False)) == encode_chat([PLAIN])
