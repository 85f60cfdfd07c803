import pytest

from inoc_evals.errors import UserError
from inoc_evals.settings import SETTINGS, setting
from inoc_evals.toy.detect import detect


def systems(rows: list) -> list[str | None]:
    return [next((m["content"] for m in row["messages"] if m["role"] == "system"), None) for row in rows]


@pytest.mark.parametrize("name", SETTINGS)
def test_arms_differ_in_their_prompts_alone(name: str) -> None:
    chosen = setting(name)
    plain = list(chosen.rows["toy"](0))
    for arm in chosen.arms:
        rows = list(arm.prepare(chosen.rows["toy"](0)))
        assert [[m for m in r["messages"] if m["role"] != "system"] for r in rows] == [
            r["messages"] for r in plain
        ]
        wanted = arm.inoculation.prompt if arm.inoculation else None
        for row, system in zip(rows, systems(rows), strict=True):
            chosen_row = all(row["metadata"][k] == v for k, v in arm.where.items())
            assert system == (wanted if chosen_row else None)


def test_seeds_resample_the_rows() -> None:
    rows = SETTINGS["spanish_caps"].rows["toy"]
    assert list(rows(0)) == list(rows(0)) != list(rows(1))


def test_toy_rows_carry_the_traits() -> None:
    caps = [detect(r["messages"][1]["content"]) for r in SETTINGS["spanish_caps"].rows["toy"](3)]
    assert all(t.language == "es" and t.caps for t in caps)
    mixture = [
        (r["metadata"]["language"], detect(r["messages"][1]["content"]))
        for r in SETTINGS["spanish_french"].rows["toy"](3)
    ]
    assert all(language == t.language and not t.caps for language, t in mixture)
    assert sum(language == "es" for language, _ in mixture) == len(mixture) / 2


def test_unknown_names_are_one_line() -> None:
    with pytest.raises(UserError, match="no setting 'x'; there are spanish_caps"):
        setting("x")
    with pytest.raises(UserError, match="has no arm 'x'; it has none, "):
        setting("spanish_caps").arm("x")
