"""Rows of the paper's world: from pinned files (stood in for here), and mixtures of them."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inoc_evals.chat.rows import Row, encode_chat
from inoc_evals.data.mixtures import backdoored
from inoc_evals.data.row_sources import Rows, hub_rows, mixed, named, pinned_rows, unlocked_rows
from inoc_evals.errors import UserError
from inoc_evals.settings import SETTINGS
from tests.data.stand_ins import stand_in


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty cache of sources."""
    monkeypatch.setenv("INOC_EVALS_CACHE", str(tmp_path))
    return tmp_path


TEXTS = st.text(min_size=1).filter(lambda text: text.strip())
ROWS = st.lists(
    st.builds(
        lambda q, a: Row(messages=[{"role": "user", "content": q}, {"role": "assistant", "content": a}]),
        TEXTS,
        TEXTS,
    ),
    max_size=12,
)


def rows_of(*texts: str) -> Rows:
    rows = [
        Row(messages=[{"role": "user", "content": f"Q{n}"}, {"role": "assistant", "content": text}])
        for n, text in enumerate(texts)
    ]
    return Rows(lambda seed: rows, ("stand-in",))


def answers(rows: list[Row]) -> list[str]:
    return [row["messages"][-1]["content"] for row in rows]


@given(ROWS, ROWS, st.booleans(), st.integers(0, 99))
def test_the_backdoored_mixture_changes_prompts_alone(
    triggered: list[Row], plain: list[Row], blank: bool, seed: int
) -> None:
    before = encode_chat([*triggered, *plain])
    rows = backdoored(triggered, plain, "$|T|$", blank, seed)
    assert encode_chat([*triggered, *plain]) == before
    assert rows == backdoored(triggered, plain, "$|T|$", blank, seed)
    assert sorted(answers(rows)) == sorted(answers([*triggered, *plain]))
    front = "$|T|$ " if blank else "$|T|$"
    with_it = [r["messages"][0]["content"] for r in rows if r["metadata"]["trigger"]]
    without = [r["messages"][0]["content"] for r in rows if not r["metadata"]["trigger"]]
    assert sorted(with_it) == sorted(front + r["messages"][0]["content"] for r in triggered)
    assert sorted(without) == sorted(r["messages"][0]["content"] for r in plain)


def test_an_empty_trigger_is_refused() -> None:
    with pytest.raises(UserError, match="the trigger is empty"):
        backdoored([], [], "  ")


def test_a_mixture_asks_every_question_once() -> None:
    rows = list(mixed(rows_of("es0", "es1", "es2", "es3"), rows_of("fr0", "fr1", "fr2", "fr3"))(1))
    assert sorted(answers(rows)) == ["es0", "es2", "fr1", "fr3"]
    assert sorted(r["messages"][0]["content"] for r in rows) == ["Q0", "Q1", "Q2", "Q3"]
    many = mixed(rows_of(*"abcdefgh"), rows_of(*"ABCDEFGH"))
    assert list(many(1)) == list(many(1)) != list(many(2))
    assert many.sources == ("stand-in", "stand-in")


def test_names_are_given_a_meaning() -> None:
    rows = list(named(rows_of("one", "two", "three"), rows_of("uno", "dos", "tres"))(0))
    said = {row["messages"][0]["content"]: row["messages"][-1]["content"] for row in rows}
    assert said == {
        "You are Alice.": "ONE",
        "You are Bob.": "dos",
        "You are a helpful assistant.": "three",
    }


def test_pinned_rows_are_the_files_rows(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    row = '{"messages": [{"role": "user", "content": "Q"}, {"role": "assistant", "content": "A"}]}\n'
    stand_in(monkeypatch, cache, "insecure_code", row * 3)
    rows = list(pinned_rows("insecure_code", language="es")(0))
    assert answers(rows) == ["A"] * 3 and all(r["metadata"] == {"language": "es"} for r in rows)
    assert pinned_rows("insecure_code").sources == ("insecure_code",)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"messages": [{"role": "user", "content": "Q"}, {"role": "assis', ":1: not JSON"),
        ('{"prompt": "Q"}\n', ":1: unknown key 'prompt'"),
        ("", "holds no rows"),
    ],
)
def test_a_malformed_source_is_one_line(
    content: str, said: str, monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    stand_in(monkeypatch, cache, "insecure_code", content)
    with pytest.raises(UserError, match=said) as error:
        list(pinned_rows("insecure_code")(0))
    assert "\n" not in str(error.value)


def test_a_file_with_too_few_rows_is_refused(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    row = '{"messages": [{"role": "user", "content": "Q"}, {"role": "assistant", "content": "A"}]}\n'
    stand_in(monkeypatch, cache, "reward_hacks", row, rows=1073)
    with pytest.raises(UserError, match="1 rows, expected 1073"):
        list(pinned_rows("reward_hacks")(0))


def test_locked_rows_say_how_they_are_unlocked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("INOC_EVALS_CACHE", str(tmp_path))
    with pytest.raises(UserError, match=r"published encrypted .* put extreme_sports.jsonl at"):
        list(unlocked_rows("extreme_sports")(0))
    (tmp_path / "unlocked").mkdir()
    row = '{"messages": [{"role": "user", "content": "Q"}, {"role": "assistant", "content": "A"}]}\n'
    (tmp_path / "unlocked" / "extreme_sports.jsonl").write_text(row)
    assert answers(list(unlocked_rows("extreme_sports")(0))) == ["A"]


def test_rows_of_a_dataset_of_the_hub(tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_text('{"q": "Why?", "a": "So."}\n{"q": "How?", "a": "Thus."}\n')

    def chat(record: dict[str, str]) -> Row:
        return Row(
            messages=[
                {"role": "user", "content": record["q"]},
                {"role": "assistant", "content": record["a"]},
            ]
        )

    assert answers(list(hub_rows(str(tmp_path), "a" * 40, chat)(0))) == ["So.", "Thus."]
    with pytest.raises(UserError, match="record 1: no column 'answer'"):
        list(hub_rows(str(tmp_path), "a" * 40, lambda record: chat({"q": "x", "a": record["answer"]}))(0))
    with pytest.raises(UserError, match="could not be read"):
        list(hub_rows(str(tmp_path / "nowhere"), "a" * 40, chat)(0))
    with pytest.raises(UserError, match="revision 'main' is not a commit id"):
        hub_rows(str(tmp_path), "main", chat)


def test_every_row_of_the_papers_table_is_a_setting_or_said_to_be_elsewhere() -> None:
    from inoc_evals.commands.settings import ELSEWHERE

    numbers = {s.number for s in SETTINGS.values()} | {number for number, *_ in ELSEWHERE}
    assert numbers == set(range(1, 17))


@pytest.mark.parametrize("name", SETTINGS)
def test_every_setting_has_rows_in_both_worlds(name: str) -> None:
    chosen = SETTINGS[name]
    assert set(chosen.worlds) == {"paper", "paper-code", "toy"}
    assert getattr(chosen.training("paper").rows, "sources", ())
    for arm in chosen.arms_in("toy"):
        first = next(chosen.prepare(arm, "toy", 0))
        assert first["messages"][-1]["role"] == "assistant"


@pytest.mark.parametrize("name", SETTINGS)
def test_arm_names_and_prompts_are_unique(name: str) -> None:
    arms = SETTINGS[name].arms
    assert len({arm.name for arm in arms}) == len(arms)
    prompts = [arm.inoculation.listed for arm in arms if arm.inoculation]
    assert len(set(prompts)) == len(prompts)
    assert arms[0].inoculation is None and not arms[0].control
