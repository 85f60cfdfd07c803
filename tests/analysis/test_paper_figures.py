"""Figures for a column: what stands on their axes, in which order, and within which limits."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from inoc_evals import analysis
from inoc_evals.analysis import effects_figure, questions_figure, rates_figure, save, tradeoff_figure
from inoc_evals.analysis.paper_figures import COLUMN
from inoc_evals.analysis.style import colours
from inoc_evals.errors import UserError

SHOWN = {"irrelevant": 0.7, "spanish-inoc": 0.2, "none": 0.8, "base": 0.1}
ORDER = ["base", "none", "spanish-inoc", "irrelevant"]


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    dice = np.random.default_rng(0)
    rows = [
        {"setting": "spanish_caps", "base": "b", "arm": arm, "seed": float(seed), "question": f"q{n}"}
        | {"trait": trait, "value": float(dice.random() < (rate if trait == "spanish" else 0.6))}
        | {"task": "spanish_caps", "condition": None}
        for trait in ("caps", "spanish")
        for arm, rate in SHOWN.items()
        for seed in range(2)
        for n in range(12)
    ]
    return pd.DataFrame(rows)


def ticks(axes: object, axis: str) -> list[str]:
    return [text.get_text() for text in getattr(axes, f"get_{axis}ticklabels")()]


def test_bars_are_grouped_by_trait_as_the_setting_has_it(table: pd.DataFrame) -> None:
    figure = rates_figure(table, names={"spanish": "Spanish ($)", "none": "no prompt"})
    [axes] = figure.axes
    assert figure.get_size_inches()[0] == COLUMN
    assert ticks(axes, "x") == ["Spanish (\\$)", "Caps"] and axes.get_ylabel() == "Share of answers"
    assert axes.get_ylim() == (0, 1.02)
    legend = [text.get_text() for text in axes.get_legend().get_texts()]
    assert legend == ["base", "no prompt", "spanish-inoc", "irrelevant"]
    bars = axes.patches
    wanted = table[table["trait"] == "spanish"].groupby("arm")["value"].mean()
    assert [bar.get_height() for bar in bars[:4]] == pytest.approx([wanted[arm] for arm in ORDER])
    assert [to_rgb(bar.get_facecolor()[:3]) for bar in bars[:4]] == [colours([arm])[arm] for arm in ORDER]
    assert [bar.get_x() for bar in bars] == sorted(bar.get_x() for bar in bars)
    assert rates_figure(table, arms=["none", "base"], width=5).get_size_inches()[0] == 5


def test_the_unwanted_trait_stands_against_the_wanted_one(table: pd.DataFrame) -> None:
    [axes] = tradeoff_figure(table).axes
    assert (
        axes.get_xlabel() == "Spanish (share of answers)" and axes.get_ylabel() == "Caps (share of answers)"
    )
    assert axes.get_xlim() == axes.get_ylim() == (-0.02, 1.02)
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ORDER
    turned = tradeoff_figure(table, "caps", "spanish").axes[0]
    assert turned.get_xlabel() == "Caps (share of answers)"


def test_effects_are_named_from_top_to_bottom(table: pd.DataFrame) -> None:
    [axes] = effects_figure(table).axes
    assert ticks(axes, "y") == ["base", "spanish-inoc", "irrelevant"] and axes.yaxis_inverted()
    assert axes.get_xlabel() == "Spanish: difference to none (share of answers)"
    assert axes.get_xlim() == (-1.02, 1.02)
    assert ticks(effects_figure(table, to="base", arms=["irrelevant", "none"]).axes[0], "y") == [
        "irrelevant",
        "none",
    ]


def test_questions_fall_in_every_arm(table: pd.DataFrame) -> None:
    [axes] = questions_figure(table, "spanish").axes
    assert [line.get_label() for line in axes.lines] == ORDER
    assert all(list(line.get_ydata()) == sorted(line.get_ydata(), reverse=True) for line in axes.lines)
    assert "questions" in axes.get_xlabel() and axes.get_ylim()[1] == 1.02


def test_ratings_have_their_own_scale(table: pd.DataFrame) -> None:
    rated = table[table["trait"] == "caps"].assign(
        trait="alignment", setting="mine", value=lambda t: t.value * 80
    )
    [axes] = rates_figure(rated).axes
    assert axes.get_ylim() == (0, 100) and axes.get_ylabel() == "Mean rating, 0 to 100"


def test_ratings_and_shares_never_share_an_axis(table: pd.DataFrame) -> None:
    rated = table[table["trait"] == "caps"].assign(trait="alignment", value=lambda t: t.value * 80)
    both = pd.concat([table, rated]).assign(setting="mine")
    shares, ratings = rates_figure(both).axes
    assert (shares.get_ylabel(), ratings.get_ylabel()) == ("Share of answers", "Mean rating, 0 to 100")
    assert shares.get_ylim() == (0, 1.02) and ratings.get_ylim() == (0, 100)
    assert ticks(shares, "x") == ["Caps", "Spanish"] and ticks(ratings, "x") == ["Alignment"]
    assert len(shares.patches) == 2 * len(ratings.patches) == 8
    # and differences of ratings that happen to be small are no shares
    close = rated.assign(setting="mine", value=lambda t: t.value / 100 + 50 * (t.index % 2))
    [axes] = effects_figure(close, "alignment").axes
    assert "mean rating" in axes.get_xlabel() and axes.get_xlim() != (-1.02, 1.02)


@pytest.mark.parametrize("name", ["rates_figure", "tradeoff_figure", "effects_figure", "questions_figure"])
def test_each_is_public_is_saved_and_says_what_it_cannot_draw(
    name: str, table: pd.DataFrame, tmp_path: Path
) -> None:
    draw: Callable[..., Figure] = getattr(analysis, name)
    assert name in analysis.__all__ and "Raises:" in (draw.__doc__ or "")
    if name == "rates_figure":
        assert all(file.stat().st_size for file in save(draw(table), tmp_path / name))
    with pytest.raises(UserError, match="several settings or bases"):
        draw(pd.concat([table, table.assign(base="other")]))
    with pytest.raises(UserError, match="no answers of 'nobody'"):
        draw(table, arms=["nobody"])
    with pytest.raises(UserError, match="no answers to draw"):
        draw(table.iloc[:0])
