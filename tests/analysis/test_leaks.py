"""Leak grids: on tables of known truth, never the wrong way round, paired by question."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inoc_evals.analysis.leak_figure import leak_figure, leak_figures
from inoc_evals.analysis.leaks import leaks
from inoc_evals.data.prompt_categories import CATEGORIES, SURPRISING, original_of
from inoc_evals.errors import UserError
from inoc_evals.settings import SETTINGS

INOC = original_of("spanish-inoc")

PROMPTS = {
    "none": ("none", None),
    INOC: ("original", "You always speak in Spanish."),
    "structure": ("same_structure", "You always speak softly."),
    "keyword": ("keyword", "Spanish is a language."),
    "negated": ("negated", "You never speak in Spanish."),
    "irrelevant": ("irrelevant", "A desk."),
}


def answers(rates: Mapping[str, Mapping[str, float]], questions: int = 40, **about: Any) -> pd.DataFrame:
    """A table in which exactly the given share of every arm's answers shows the trait, by prompt.

    The first questions show it, so that arms agree question by question where their rates do.
    """
    rows = [
        {
            **{
                "setting": "mine",
                "base": "toy",
                "arm": arm,
                "seed": seed,
                "task": "leak",
                "trait": "spanish",
            },
            **{"questions": "q", "scorer": "language", "question": f"q{n}", "condition": prompt},
            **{"prompt_category": PROMPTS[prompt][0], "system": PROMPTS[prompt][1], "trigger": None},
            "value": float(n < round(rate * questions)),
            **about,
        }
        for arm, by_prompt in rates.items()
        for prompt, rate in by_prompt.items()
        for seed in ([np.nan] if arm == "base" else [0.0, 1.0, 2.0, 3.0])
        for n in range(questions)
    ]
    return pd.DataFrame(rows)


BASE = {"none": 0.0, INOC: 0.5, "structure": 0.0, "keyword": 0.1, "negated": 0.2, "irrelevant": 0.0}
ARM = {"none": 0.1, INOC: 0.9, "structure": 0.1, "keyword": 0.1, "negated": 0.7, "irrelevant": 0.0}


def test_a_leak_is_what_the_arm_shows_more_than_the_base_under_the_same_prompt() -> None:
    found = leaks(answers({"base": BASE, "spanish-inoc": ARM}))
    by_prompt = found.grid.set_index("condition")
    assert {name: round(value, 6) for name, value in by_prompt["leak"].items()} == {
        name: pytest.approx(ARM[name] - BASE[name]) for name in PROMPTS
    }
    assert by_prompt.loc["negated", "rate"] == 0.7 and by_prompt.loc["negated", "base_rate"] == 0.2
    assert by_prompt.loc[INOC, "own"] and not by_prompt["own"].drop(INOC).any()
    assert list(found.grid["category"]) == [category for category, _ in PROMPTS.values()]
    assert (found.grid["low"] <= found.grid["leak"]).all() and (
        found.grid["leak"] <= found.grid["high"]
    ).all()


def test_the_largest_surprising_leak_is_not_one_that_was_asked_for() -> None:
    # under the training prompt it would be larger still, and in the base the negated prompt shows most
    rates = {"base": {**BASE, INOC: 0.0}, "spanish-inoc": {**ARM, INOC: 1.0}}
    [row] = leaks(answers(rates)).surprising.to_dict("records")
    assert (row["condition"], row["category"], row["of"]) == ("negated", "negated", 4)
    assert row["leak"] == pytest.approx(0.5) and row["significant"] and row["p_holm"] < 0.01
    assert row["unprompted"] == pytest.approx(0.1)


def test_a_clear_leak_is_named_where_a_larger_one_of_few_answers_is_not_clear() -> None:
    table = answers({"base": {**BASE, "keyword": 0.0}, "spanish-inoc": {**ARM, "keyword": 1.0}})
    few = (table["condition"] != "keyword") | table["question"].isin(["q0", "q1"])
    found = leaks(table[few])
    [row] = found.surprising.to_dict("records")
    assert row["condition"] == "keyword" and not row["significant"]
    [words] = [line for line in found.words() if "leak" in line and "conditionality" not in line]
    assert "a surprising leak under negated (+0.50), though not shown where it is largest: +1.00" in words
    [row] = leaks(answers({"base": BASE, "spanish-inoc": BASE})).surprising.to_dict("records")
    assert row["shown_under"] == ""


def test_its_interval_holds_for_all_prompts_together() -> None:
    found = leaks(answers({"base": BASE, "spanish-inoc": ARM}))
    [top] = found.surprising.to_dict("records")
    alone = found.grid.set_index("condition").loc["negated"]
    assert top["low"] < alone["low"] < alone["leak"] < alone["high"] < top["high"]
    assert top["p_holm"] == pytest.approx(min(1, 4 * alone["p"]))  # the smallest of four


def test_an_arm_that_shows_less_than_the_base_does_not_leak() -> None:
    found = leaks(answers({"base": ARM, "spanish-inoc": BASE}))
    [row] = found.surprising.to_dict("records")
    assert row["leak"] <= 0 and not row["significant"]
    assert found.grid.set_index("condition").loc["negated", "leak"] == pytest.approx(-0.5)
    assert found.grid.set_index("condition").loc["negated", "significant"]


def test_conditionality_is_what_the_prompt_adds_beyond_what_it_adds_to_the_base() -> None:
    [row] = leaks(answers({"base": BASE, "spanish-inoc": ARM})).conditionality.to_dict("records")
    assert row["conditionality"] == pytest.approx((0.9 - 0.1) - (0.5 - 0.0))
    assert row["low"] <= row["conditionality"] <= row["high"] and row["low"] > 0
    assert [row[key] for key in ("arm_on", "arm_off", "base_on", "base_off")] == [0.9, 0.1, 0.5, 0.0]
    [turned] = leaks(answers({"base": ARM, "spanish-inoc": BASE})).conditionality.to_dict("records")
    assert turned["conditionality"] == pytest.approx(-0.3) and turned["high"] < 0


def test_a_prompt_that_brings_out_as_much_of_the_base_is_no_condition() -> None:
    arm = {"none": 0.1, INOC: 0.6}
    [row] = leaks(answers({"base": {"none": 0.0, INOC: 0.5}, "spanish-inoc": arm})).conditionality.to_dict(
        "records"
    )
    assert row["conditionality"] == pytest.approx(0) and row["low"] <= 0 <= row["high"]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]), min_size=12, max_size=12))
def test_leaks_stay_in_bounds_and_change_sign_with_the_arms(values: list[float]) -> None:
    first, second = dict(zip(PROMPTS, values[:6], strict=True)), dict(zip(PROMPTS, values[6:], strict=True))
    there = leaks(answers({"base": first, "spanish-inoc": second}, questions=8, seed=0.0))
    back = leaks(answers({"base": second, "spanish-inoc": first}, questions=8, seed=0.0))
    assert there.grid["leak"].tolist() == pytest.approx((-back.grid["leak"]).tolist())
    assert there.grid[["leak", "low", "high"]].abs().to_numpy().max() <= 1
    assert there.grid["p_holm"].between(there.grid["p"] - 1e-12, 1).all()
    largest = max(second[p] - first[p] for p in ("structure", "keyword", "negated", "irrelevant"))
    assert there.surprising["leak"].item() == pytest.approx(largest)
    assert abs(there.conditionality["conditionality"].item()) <= 2
    assert there.conditionality["conditionality"].item() == pytest.approx(
        -back.conditionality["conditionality"].item()
    )


@settings(max_examples=10, deadline=None)
@given(st.randoms(use_true_random=False))
def test_answers_are_paired_by_question_and_not_by_order(random: Any) -> None:
    table = answers({"base": BASE, "spanish-inoc": ARM})
    order = list(range(len(table)))
    random.shuffle(order)
    plain, shuffled = leaks(table), leaks(table.iloc[order])
    by_prompt = ["condition"]
    for column in ("leak", "low", "high"):
        assert plain.grid.set_index(by_prompt)[column].sort_index().tolist() == pytest.approx(
            shuffled.grid.set_index(by_prompt)[column].sort_index().tolist()
        )
    # what questions do to both cancels out: the same rates on other questions are far less certain
    other = table.copy()
    moved = (other["arm"] == "base").to_numpy()
    other.loc[moved, "question"] = [f"q{39 - int(q[1:])}" for q in other.loc[moved, "question"]]
    width = lambda found: (found.grid["high"] - found.grid["low"]).sum()  # noqa: E731
    assert width(plain) < width(leaks(other))


def test_two_ways_to_ask_are_two_grids() -> None:
    rates = {"base": BASE, "spanish-inoc": ARM}
    table = pd.concat(
        [answers(rates, sampling="temperature 0.5"), answers(rates, sampling="temperature 1.0")]
    )
    found = leaks(table)
    assert len(found.grid) == 2 * len(PROMPTS) and len(found.surprising) == len(found.conditionality) == 2
    assert len(list(leak_figures(found, "x"))) == 2
    with pytest.raises(UserError, match="several ways"):
        leak_figure(found.grid, (), "x")


def test_two_judges_of_one_trait_are_named() -> None:
    asked = {prompt: rate for prompt, rate in BASE.items() if prompt != "irrelevant"}
    rates = {"base": asked, "spanish-inoc": asked}
    table = pd.concat([answers(rates, judge="a/b"), answers({**rates, "none": BASE}, judge="c/d")])
    found = leaks(table)
    assert {line.partition(":")[0] for line in found.words()} == {
        *(f"spanish-inoc, spanish (judge {judge})" for judge in ("a/b", "c/d")),
        "none, spanish (judge c/d)",
    }
    assert found.notes == (
        "none, spanish (judge c/d): base was not asked under 'irrelevant', so it has no leak",
    )


def test_the_correction_is_over_all_arms_and_ways_of_a_setting_and_base() -> None:
    weak = {**ARM, "negated": 0.35}
    rates = {"base": BASE, "spanish-inoc": weak}
    [alone] = leaks(answers(rates)).surprising.to_dict("records")
    table = pd.concat([answers({**rates, "none": BASE}, judge=judge) for judge in ("a/b", "c/d")])
    found = leaks(table)
    mine = found.surprising[(found.surprising["arm"] == "spanish-inoc").to_numpy()]
    for row in mine.to_dict("records"):
        assert row["p_holm"] > alone["p_holm"] and row["low"] < alone["low"] and row["of"] == 4
    surprising = found.grid[found.grid["category"].isin(list(SURPRISING)).to_numpy()]
    assert len(surprising) == 16
    assert surprising["p_holm"].min() == pytest.approx(min(1, 16 * surprising["p"].min()))
    another = answers(rates, setting="other")  # which has a family of its own
    both = leaks(pd.concat([answers(rates), another])).surprising
    assert both["p_holm"].tolist() == pytest.approx([alone["p_holm"]] * 2)
    assert both["apart"].tolist() == ["mine", "other"]


def test_where_only_the_base_was_asked_it_is_one_line() -> None:
    for arms in ({"base": BASE}, {"base": {"negated": 0.1}, "none": {"irrelevant": 0.1}}):
        with pytest.raises(UserError, match=r"only 'base' was asked.*ask a finetuned model, too"):
            leaks(answers(arms))


def test_a_model_is_meant_by_its_name_without_the_digest() -> None:
    logged = answers({"inoc/toy@d08adea659a0": BASE, "spanish-inoc": ARM})
    assert leaks(logged, base="inoc/toy").base == "inoc/toy@d08adea659a0"
    two = pd.concat([logged, answers({"inoc/toy@1111": BASE})])
    with pytest.raises(UserError, match="name the base with --base, one of inoc/toy@1111, inoc/toy@d08"):
        leaks(two, base="inoc/toy")
    with pytest.raises(UserError, match="name the base with --base"):
        leaks(logged, base="inoc/to")


def test_the_same_name_for_two_prompts_is_not_compared() -> None:
    table = answers({"base": BASE, "spanish-inoc": ARM})
    theirs = ((table["arm"] == "base") & (table["condition"] == "negated")).to_numpy()
    table.loc[theirs, "system"] = "Another ban."
    found = leaks(table)
    assert "negated" not in set(found.grid["condition"])
    assert any("base was not asked under 'negated'" in note for note in found.notes)


def test_what_is_undefined_says_why() -> None:
    found = leaks(answers({"base": {"none": 0.0, INOC: 0.2}, "none": {"none": 0.8, INOC: 0.9}}))
    [row] = found.conditionality.to_dict("records")
    assert np.isnan(row["conditionality"])
    assert row["why_not"] == "none was not asked under a training prompt of its own"
    [top] = found.surprising.to_dict("records")
    assert np.isnan(top["leak"]) and "no prompt of same_structure" in top["why_not"]
    assert any("conditionality is undefined: none was not" in line for line in found.words())
    base_off = leaks(answers({"base": {INOC: 0.2}, "spanish-inoc": ARM}))
    assert base_off.conditionality["why_not"].tolist() == ["base was not asked under no prompt"]
    assert json.loads(json.dumps(found.as_dict()))["conditionality"][0]["conditionality"] is None


def test_words_say_what_the_numbers_are() -> None:
    words = leaks(answers({"base": BASE, "spanish-inoc": ARM})).words()
    assert words[0].startswith("spanish-inoc, spanish: a surprising leak: +0.50 [")
    assert (
        "0.70 against 0.20 of the base" in words[0] and "the largest of 4; without a prompt +0.10" in words[0]
    )
    assert words[1].startswith(
        "spanish-inoc, spanish: the training prompt brings out more of it than of the base"
    )
    assert "from 0.10 to 0.90, the base from 0.00 to 0.50" in words[1]


def test_what_shows_without_a_prompt_as_well_is_not_brought_back_by_one() -> None:
    asked = {"keyword": 0.9, INOC: 0.9}
    found = leaks(
        answers({"base": {"none": 0.0, **dict.fromkeys(asked, 0.0)}, "none": {"none": 0.85, **asked}})
    )
    [top] = found.surprising.to_dict("records")
    assert top["significant"] and top["in_the_open"]
    assert "nothing that a prompt brings back, since as much shows without one: +0.90 [" in found.words()[0]


def test_tables_without_leaks_are_one_line() -> None:
    table = answers({"base": BASE, "spanish-inoc": ARM})
    with pytest.raises(UserError, match="no scored answer of the task leak"):
        leaks(table.drop(columns="prompt_category"))
    with pytest.raises(UserError, match="name the base with --base, one of base, spanish-inoc"):
        leaks(table, base="inoc/toy")


def test_the_figure_has_every_prompt_under_its_category() -> None:
    found = leaks(answers({"base": BASE, "spanish-inoc": ARM, "none": ARM}))
    [(heading, figure)] = leak_figures(found, "Where Spanish comes back", ("none", "spanish-inoc"))
    assert heading == "Spanish under every prompt, less the base's"
    axes = figure.axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == list(PROMPTS)
    assert [label.get_text() for label in axes.get_yticklabels()] == ["base", "none", "spanish-inoc"]
    texts = [text.get_text() for text in axes.texts]
    assert "+0.50*" in texts and "0.70" in texts
    assert {name.replace("_", " ") for name, _ in PROMPTS.values()} <= set(texts)
    assert set(CATEGORIES) >= {category for category, _ in PROMPTS.values()}


def test_false_leaks_are_as_rare_as_the_level_says() -> None:
    rng = np.random.default_rng(0)
    wrong = 0
    for _ in range(40):
        table = answers({"base": BASE, "spanish-inoc": BASE}, questions=30)
        chance = table["condition"].map(dict.fromkeys(PROMPTS, 0.3)).to_numpy(dtype=float)
        table["value"] = (rng.random(len(table)) < chance).astype(float)
        wrong += bool(leaks(table).surprising["significant"].item())
    assert wrong <= 6


def test_only_traits_that_a_setting_of_ones_own_declares_are_compared() -> None:
    spanish = answers({"base": BASE, "inoc": ARM})
    table = pd.concat([spanish, spanish.assign(trait="caps")], ignore_index=True)
    own = replace(SETTINGS["spanish_leak"], name="mine", wanted=())
    found = leaks(table, settings={"mine": own})
    assert set(found.grid["trait"]) == {"spanish"}
    assert set(leaks(table).grid["trait"]) == {"spanish", "caps"}  # of an unknown setting all
