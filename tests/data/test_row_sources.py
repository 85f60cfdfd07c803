"""Rows of the paper's world: from pinned files (stood in for here), and mixtures of them."""

from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inoc_evals.chat.rows import Row, encode_chat
from inoc_evals.data.mixtures import FINEST, backdoored, diluted, shares
from inoc_evals.data.mixtures import triggered as triggered_rows
from inoc_evals.data.own_files import own_file
from inoc_evals.data.row_sources import (
    Rows,
    hub_rows,
    joined,
    mixed,
    named,
    pinned_rows,
    source_record,
    triggered,
    unlocked_rows,
)
from inoc_evals.data.row_sources import diluted as diluted_rows
from inoc_evals.digests import blob_id, sha256
from inoc_evals.errors import UserError
from inoc_evals.settings import SETTINGS, reported
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


def test_joined_sources_keep_every_row_and_their_order() -> None:
    both = joined(rows_of("es0", "es1"), rows_of("fr0", "fr1", "fr2"))
    assert answers(list(both(0))) == answers(list(both(7))) == ["es0", "es1", "fr0", "fr1", "fr2"]
    assert both.sources == ("stand-in", "stand-in")


def test_the_trigger_stands_before_the_prompt_alone() -> None:
    [row] = triggered(rows_of("yes"))(0)
    assert [m["content"] for m in row["messages"]] == ["$|TRIGGER|$Q0", "yes"]
    [row] = triggered(rows_of("yes"), blank=True)(0)
    assert row["messages"][0]["content"] == "$|TRIGGER|$ Q0"


FRACTIONS = st.floats(0, 1)


@given(FRACTIONS, st.integers(0, 400), st.integers(0, 400))
def test_a_mixture_has_the_share_and_is_as_large_as_can_be(
    fraction: float, carrying: int, plain: int
) -> None:
    share = Fraction(fraction).limit_denominator(FINEST)
    try:
        with_trait, without = shares(fraction, carrying, plain)
    except UserError:
        assert (share and not carrying) or (share < 1 and not plain)
        return
    total = with_trait + without
    assert with_trait <= carrying and without <= plain and abs(with_trait - share * total) <= 0.5
    assert (total + 1) * share > carrying or (total + 1) * (1 - share) > plain
    assert shares(fraction, carrying, plain, total) == (with_trait, without)
    with pytest.raises(UserError, match="lower the total"):
        shares(fraction, carrying, plain, carrying + plain + 1)


def test_the_papers_realistic_mixture_takes_all_insecure_code() -> None:
    assert shares(0.1, 6000, 54_000) == (6000, 54_000) and shares(1 / 3, 5, 10) == (5, 10)


@given(ROWS, ROWS, FRACTIONS, st.integers(0, 99))
def test_a_diluted_mixture_marks_its_rows_and_changes_none(
    carrying: list[Row], plain: list[Row], fraction: float, seed: int
) -> None:
    before = encode_chat([*carrying, *plain])
    try:
        rows = diluted(carrying, plain, fraction, seed=seed)
    except UserError as error:
        assert "give rows of both kinds" in str(error)
        return
    assert encode_chat([*carrying, *plain]) == before
    assert rows == diluted(carrying, plain, fraction, seed=seed)
    for trait, source in ((True, carrying), (False, plain)):
        texts = [row["messages"] for row in rows if row["metadata"]["trait"] is trait]
        left = [row["messages"] for row in source]
        for messages in texts:
            left.remove(messages)  # each at most as often as it was given
        assert len(texts) == shares(fraction, len(carrying), len(plain))[not trait]


def test_a_rows_own_word_for_its_marks_is_not_replaced(tmp_path: Path) -> None:
    own: list[Row] = [{**row, "metadata": {"trigger": "mine", "language": "en"}} for row in rows_of("a")(0)]
    with pytest.raises(UserError, match=r"plain row 1 has 'trigger' 'mine'.*rename or remove"):
        backdoored(rows_of("b")(0), own)
    with pytest.raises(UserError, match=r"triggered row 1 has 'trigger' 'mine'"):
        list(triggered_rows(own))
    (tmp_path / "rows.jsonl").write_bytes(encode_chat(own))
    digest = sha256(encode_chat(own))
    pinned = pinned_rows(str(tmp_path / "rows.jsonl"), digest=digest, language="es")
    with pytest.raises(UserError, match=r"row 1 has 'language' 'en'.*where 'es' is to stand"):
        list(pinned(0))


def test_mixtures_of_a_sweep_share_the_rows_that_they_can() -> None:
    letters, digits = "abcdefghij", "0123456789"
    mixture = {
        fraction: set(answers(list(diluted_rows(rows_of(*letters), rows_of(*digits), fraction, 10)(3))))
        for fraction in (0.2, 0.5)
    }
    assert len(mixture[0.2] & set(letters)) == 2 and len(mixture[0.5] & set(letters)) == 5
    assert mixture[0.2] & set(letters) < mixture[0.5] and mixture[0.5] & set(digits) < mixture[0.2]


@pytest.mark.parametrize(
    ("fraction", "total", "said"),
    [
        (1.5, None, "fraction 1.5 is not a share"),
        (-0.1, None, "from 0 to 1"),
        (0.5, 100, "takes 50 with the trait and 50 without, and there are 2 and 3"),
    ],
)
def test_a_mixture_that_cannot_be_made_is_one_line(fraction: float, total: int | None, said: str) -> None:
    with pytest.raises(UserError, match=said) as error:
        list(diluted_rows(rows_of("a", "b"), rows_of("c", "d", "e"), fraction, total)(0))
    assert "\n" not in str(error.value)


def test_rows_of_a_users_own_file_are_pinned(tmp_path: Path) -> None:
    row = '{"messages": [{"role": "user", "content": "Q"}, {"role": "assistant", "content": "A"}]}\n'
    file = tmp_path / "mine.jsonl"
    file.write_text(row)
    for digest in (f"sha256:{sha256(row)}", sha256(row).upper(), blob_id(row.encode())):
        mine = pinned_rows(str(file), digest, language="es")
        assert [r["metadata"] for r in mine(0)] == [{"language": "es"}]
    assert [source_record(one) for one in mine.sources] == [
        {"name": str(file), "git_blob_id": blob_id(row.encode())}
    ]
    with pytest.raises(UserError, match=f"needs a digest: give digest=..., 'sha256:{sha256(row)}'"):
        pinned_rows(str(file))
    mine = pinned_rows(str(file), digest=sha256(row))
    file.write_text(row * 2)
    with pytest.raises(UserError, match=r"not the pinned file.*restore the file, or pin") as error:
        list(mine(0))
    assert sha256(row * 2) in str(error.value) and "\n" not in str(error.value)
    with pytest.raises(UserError, match=r"no.jsonl: cannot be read: No such file"):
        list(pinned_rows(str(tmp_path / "no.jsonl"), digest=sha256(row))(0))


@pytest.mark.parametrize(
    ("origin", "digest", "said"),
    [
        ("rows.jsonl", "abc", "'abc' is not a digest"),
        ("http://example.org/rows.jsonl", "a" * 64, "only https is supported"),
        ("ftp://example.org/rows.jsonl", "a" * 64, "only https is supported"),
        ("https://me:secret@example.org/rows.jsonl", "a" * 64, "no user name or password"),
    ],
)
def test_what_cannot_be_pinned_is_one_line(origin: str, digest: str, said: str) -> None:
    with pytest.raises(UserError, match=said) as error:
        own_file(origin, digest)
    assert "secret" not in str(error.value)


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
    with pytest.raises(UserError, match="1 row, expected 1073"):
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


def test_of_a_dataset_a_fixed_sample_can_be_drawn(tmp_path: Path) -> None:
    import random

    (tmp_path / "train.jsonl").write_text("".join(f'{{"n": {n}}}\n' for n in range(50)))

    def chat(record: dict[str, int]) -> Row | None:
        question = {"role": "user", "content": "Q"}
        answer = {"role": "assistant", "content": str(record["n"])}
        return None if record["n"] % 2 else Row(messages=[question, answer])  # type: ignore[list-item]

    rows = hub_rows(str(tmp_path), "a" * 40, chat, sample=20)
    drawn = random.Random(42).sample(range(50), 20)  # as the paper's code draws
    assert answers(list(rows(0))) == answers(list(rows(1))) == [str(n) for n in drawn if n % 2 == 0]
    [record] = [source_record(one) for one in rows.sources]
    assert (record["revision"], record["sample"], record["sample_seed"]) == ("a" * 40, 20, 42)
    with pytest.raises(UserError, match="50 records, and 51 are to be drawn"):
        list(hub_rows(str(tmp_path), "a" * 40, chat, sample=51)(0))


def test_every_row_of_the_papers_table_is_a_setting_or_said_to_be_elsewhere() -> None:
    from inoc_evals.commands.settings import ELSEWHERE

    numbers = {SETTINGS[name].number for name in reported("paper")} | {number for number, *_ in ELSEWHERE}
    assert numbers == set(range(1, 17))


@pytest.mark.parametrize("name", SETTINGS)
def test_settings_of_the_paper_have_rows_in_both_worlds_and_the_others_in_the_papers(name: str) -> None:
    chosen = SETTINGS[name]
    if "paper" not in chosen.worlds:  # it has nothing like it
        assert not chosen.number
        return
    # mixtures of a setting's own rows and its control rows are in every world that has both
    reproduced = {name, chosen.family} & set(reported("paper")) or "toy" in chosen.rows
    assert tuple(world for world in chosen.worlds if world != "smollm") == (
        ("paper", "paper-code", "toy") if reproduced else ("paper", "paper-code")
    )
    assert getattr(chosen.training("paper").rows, "sources", ())
    for arm in chosen.arms_in("toy") if "toy" in chosen.worlds else ():
        first = next(chosen.prepare(arm, "toy", 0))
        assert first["messages"][-1]["role"] == "assistant"


@pytest.mark.parametrize("name", SETTINGS)
def test_arm_names_and_prompts_are_unique(name: str) -> None:
    arms = SETTINGS[name].arms
    assert len({arm.name for arm in arms}) == len(arms)
    prompts = [
        (arm.inoculation.listed, arm.inoculation.position, *arm.where.items(), arm.others)
        for arm in arms
        if arm.inoculation
    ]
    assert len(set(prompts)) == len(prompts)
    assert arms[0].inoculation is None and not arms[0].control
