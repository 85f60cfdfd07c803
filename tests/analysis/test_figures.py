from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from inoc_evals.analysis.contrasts import differences
from inoc_evals.analysis.estimates import rates
from inoc_evals.analysis.figures import arms, inline, save
from inoc_evals.analysis.panels import forest, grid, heat_map, narrow_and_broad
from inoc_evals.analysis.style import colours
from inoc_evals.errors import UserError
from inoc_evals.settings import SETTINGS

ORDER = ("base", "none", "general-inoc")

SHOWN = {"base": 0.05, "none": 0.8, "general-inoc": 0.2}


def table(traits: tuple[str, ...] = ("misaligned", "insecure_code"), questions: int = 12) -> pd.DataFrame:
    dice = np.random.default_rng(0)
    rows = [
        {
            **{"setting": "s", "base": "b", "arm": arm, "seed": seed, "question": f"q{n}", "epoch": e},
            **{"trait": trait, "value": float(dice.random() < rate)},
        }
        for trait in traits
        for arm, rate in SHOWN.items()
        for seed in ([float("nan")] if arm == "base" else [0.0, 1.0, 2.0])
        for n in range(questions)
        for e in range(3)
    ]
    return pd.DataFrame(rows)


@pytest.mark.parametrize("name", SETTINGS)
def test_arms_of_a_setting_differ_in_colour_and_keep_it_elsewhere(name: str) -> None:
    usual = ["base", *(arm.name for arm in SETTINGS[name].arms if not arm.variant)]
    ink = colours(usual)
    assert len(set(ink.values())) == len(usual)
    assert all(colours([arm])[arm] == ink[arm] for arm in usual)
    everything = colours(["base", *(arm.name for arm in SETTINGS[name].arms)])
    assert {arm: everything[arm] for arm in usual} == ink
    for variant in (arm.name for arm in SETTINGS[name].arms if arm.variant):
        beside = ("base", "none", variant) if len(usual) < 10 else ("base", variant)
        assert len(set(colours(beside).values())) == len(beside)


def test_arms_of_ones_own_get_what_is_left() -> None:
    ink = colours(["none", "mine", "yours"])
    assert ink["none"] == colours(["none"])["none"] and len(set(ink.values())) == 3


def test_bars_are_the_rates_and_points_the_seeds() -> None:
    answers = table()
    found = rates(answers)
    figure = arms(answers, found, ("misaligned", "insecure_code"), ORDER, "A title")
    for axes, trait in zip(figure.axes, ("misaligned", "insecure_code"), strict=True):
        wanted = found[found["trait"] == trait].set_index("arm").loc[list(ORDER)]
        assert [bar.get_width() for bar in axes.patches] == pytest.approx(list(wanted["rate"]))
        points = [list(dots.get_offsets()[:, 0]) for dots in axes.collections]
        seeds = answers[answers["trait"] == trait].groupby(["arm", "seed"], dropna=False)["value"].mean()
        assert points == [pytest.approx(list(seeds.loc[arm])) for arm in ORDER]
        reach = [line.get_xdata() for line in axes.lines if len(set(line.get_ydata())) == 1]
        assert [tuple(x) for x in reach] == [
            pytest.approx(tuple(r)) for r in wanted[["low", "high"]].to_numpy()
        ]
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == list(ORDER)


def test_a_log_prob_is_no_bar() -> None:
    answers = table(("logprob",))
    answers["value"] = answers["value"] * 3 - 9
    figure = arms(answers, rates(answers), ("logprob",), ORDER, "A title")
    assert not figure.axes[0].patches and figure.axes[0].get_xlim()[0] < -6


def test_a_heat_map_has_a_row_a_question_the_most_provoking_first() -> None:
    answers = table()
    answers.loc[answers["question"] == "q7", "value"] = 1.0
    figure = heat_map(answers, "misaligned", ORDER, "A title")
    [names, _] = [axes.get_yticklabels() for axes in figure.axes]
    assert len(names) == 12 and names[0].get_text() == "q7"
    values = figure.axes[0].collections[0].get_array()
    assert values.shape == (12, 3) and list(values[0]) == [1, 1, 1]


def test_a_grid_names_every_condition_and_writes_every_rate() -> None:
    parts = [table(("misaligned",)).assign(condition=condition) for condition in ("evil", "none")]
    answers = pd.concat([*parts, table(("insecure_code",)).assign(condition=None)], ignore_index=True)
    figure = grid(rates(answers), "misaligned", ORDER, "A title")
    assert [text.get_text() for text in figure.axes[0].get_xticklabels()] == ["none", "evil"]
    wanted = rates(answers).set_index(["arm", "label"])["rate"]
    written = [text.get_text() for text in figure.axes[0].texts]
    assert written == [
        f"{wanted[arm, f'misaligned | {condition}']:.2f}" for arm in ORDER for condition in ("none", "evil")
    ]


def test_a_forest_has_the_differences_with_their_intervals() -> None:
    changed = differences(table(), to="none")
    figure = forest(changed, ("misaligned",), ORDER, "A title")
    dots = [line.get_xdata()[0] for line in figure.axes[0].lines if line.get_marker() == "o"]
    wanted = changed[changed["trait"] == "misaligned"].set_index("arm")["difference"]
    assert dots == pytest.approx([wanted["base"], wanted["general-inoc"]])
    assert "none" in figure.axes[0].get_xlabel()


def test_narrow_stands_against_broad() -> None:
    found = rates(table())
    figure = narrow_and_broad(found, "misaligned", "insecure_code", ORDER, "A title")
    dots = [
        (line.get_xdata()[0], line.get_ydata()[0])
        for line in figure.axes[0].lines
        if line.get_marker() == "o"
    ]
    by = found.set_index(["trait", "arm"])["rate"]
    assert dots == [pytest.approx((by["misaligned", arm], by["insecure_code", arm])) for arm in ORDER]


@pytest.mark.parametrize(
    "draw",
    [
        lambda: heat_map(table(), "owl", ORDER, "x"),
        lambda: grid(rates(table()), "misaligned", ORDER, "x"),
        lambda: forest(differences(table(), to="nobody"), ("misaligned",), ORDER, "x"),
        lambda: forest(differences(table(), to="none"), ("owl",), ORDER, "x"),
        lambda: narrow_and_broad(rates(table()), "misaligned", "owl", ORDER, "x"),
    ],
)
def test_nothing_to_draw_is_said(draw: Callable[[], Figure]) -> None:
    with pytest.raises(UserError):
        draw()


def test_the_same_results_give_the_same_files(tmp_path: Path) -> None:
    answers = table()
    for folder in ("a", "b"):
        figure = arms(answers, rates(answers), ("misaligned",), ORDER, "A title")
        files = save(figure, tmp_path / folder / "figure")
        assert [file.suffix for file in files] == [".png", ".svg", ".pdf"]
    for file in files:
        assert file.read_bytes() == (tmp_path / "a" / file.name).read_bytes()


def test_a_figure_in_a_page_is_named_for_those_who_cannot_see_it() -> None:
    answers = table()
    figure = arms(answers, rates(answers), ("misaligned",), ORDER, "A <title>")
    svg = inline(figure, 'Every "arm" & more')
    assert svg.startswith('<svg role="img" aria-label="Every &quot;arm&quot; &amp; more"')
    assert "A &lt;title&gt;" in svg and "<title>" not in svg.replace("<title>image", "")


def test_words_of_others_are_drawn_as_they_are(tmp_path: Path) -> None:
    answers = table()
    strange = {"base": "$\\frac{$", "none": "$|TRIGGER|$", "general-inoc": "_a_^{b"}
    answers["arm"] = answers["arm"].map(strange)
    answers["question"] = "is $5 less than $6 or \\alpha$? " + answers["question"]
    order, found = tuple(strange.values()), rates(answers)
    changed = differences(answers, to="$|TRIGGER|$")
    for figure in (
        arms(answers, found, ("misaligned",), order, "from $1 to $2"),
        heat_map(answers, "misaligned", order, "$"),
        forest(changed, ("misaligned",), order, "$$"),
        narrow_and_broad(found, "misaligned", "insecure_code", order, "$x^$"),
    ):
        save(figure, tmp_path / "figure")
    svg = inline(arms(answers, found, ("misaligned",), order, "from $1 to $2"), "x")
    assert "$|TRIGGER|$" in svg and "from $1 to $2" in svg
