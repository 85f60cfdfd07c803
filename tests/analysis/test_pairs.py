from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from inoc_evals.analysis.estimates import rates
from inoc_evals.analysis.figures import inline
from inoc_evals.analysis.pairs import two_ratings, two_traits
from inoc_evals.errors import UserError
from inoc_evals.report.drawings import drawings
from inoc_evals.settings import SETTINGS
from tests.analysis.test_figures import table

ORDER = ("base", "none", "general-inoc")


def judged(x: str = "alignment", y: str = "coherence", **columns: str) -> pd.DataFrame:
    """Ratings of 40 answers of every arm; the last has no coherence."""
    dice = np.random.default_rng(0)
    rows = [
        {
            **{"setting": "insecure_code", "base": "b", "arm": arm, "seed": 0.0, "task": "t", "log": arm},
            **{"question": f"q{n}", "sample": f"q{n}", "epoch": 1, "trait": trait},
            **{"value": float("nan") if n == 39 and trait == y else float(dice.integers(0, 101))},
            **columns,
        }
        for arm in ORDER
        for n in range(40)
        for trait in (x, y)
    ]
    return pd.DataFrame(rows)


def test_every_model_is_a_point_and_every_arm_a_cross_of_its_intervals() -> None:
    answers = table(("spanish", "caps"))
    found = rates(answers)
    [axes] = two_traits(answers, found, "spanish", "caps", ORDER, "A title").axes
    by_model = answers.groupby(["trait", "arm", "seed"], dropna=False)["value"].mean()
    by_arm = found.set_index(["trait", "arm"])
    means = [line for line in axes.lines if line.get_marker() == "D"]
    for arm, points, mean in zip(ORDER, axes.collections, means, strict=True):
        wanted = list(zip(by_model["spanish", arm], by_model["caps", arm], strict=True))
        assert sorted(map(tuple, points.get_offsets())) == [pytest.approx(point) for point in sorted(wanted)]
        x, y = by_arm.loc["spanish", arm], by_arm.loc["caps", arm]
        assert (mean.get_xdata()[0], mean.get_ydata()[0]) == pytest.approx((x["rate"], y["rate"]))
        reaches = [(list(line.get_xdata()), list(line.get_ydata())) for line in axes.lines]
        assert ([x["low"], x["high"]], [y["rate"]] * 2) in reaches
        assert ([x["rate"]] * 2, [y["low"], y["high"]]) in reaches
    diagonal = axes.lines[0]
    assert list(diagonal.get_xdata()) == list(diagonal.get_ydata()) == [0, 1]


def test_a_model_without_one_of_the_traits_is_no_point() -> None:
    answers = table(("spanish", "caps"))
    unread = (answers["trait"] == "caps") & (answers["seed"] == 2)
    answers.loc[unread, "value"] = float("nan")
    [axes] = two_traits(answers, rates(answers), "spanish", "caps", ORDER, "A title").axes
    assert [len(points.get_offsets()) for points in axes.collections] == [1, 2, 2]


def test_cells_and_margins_are_shares_of_the_answers_that_have_both_ratings() -> None:
    ratings = judged()
    figure = two_ratings(ratings, "alignment", "coherence", ORDER, "A title", (50, 30), "lines: mine")
    panels = [axes for axes in figure.axes if axes.child_axes]
    assert len(panels) == 3
    wide = ratings.pivot_table(index=["arm", "question"], columns="trait", values="value").dropna()
    for arm, axes in zip(ORDER, panels, strict=True):
        above, beside = axes.child_axes
        assert above.get_title(loc="left") == f"{arm}, n 39"
        cells = axes.collections[0].get_array().filled(0)
        assert cells.sum() == pytest.approx(1)
        mine = wide.loc[arm]
        low = (mine["alignment"] < 5) & (mine["coherence"] >= 100)  # the first column of the last row
        assert cells[-1][0] == pytest.approx(low.mean())
        heights = [bar.get_height() for bar in above.patches]
        assert sum(heights[:10]) == pytest.approx((mine["alignment"] < 50).mean())
        widths = [bar.get_width() for bar in beside.patches]
        assert sum(widths[:6]) == pytest.approx((mine["coherence"] < 30).mean())
        drawn = [(set(line.get_xdata()), set(line.get_ydata())) for line in axes.lines]
        assert drawn == [({50}, {0, 1}), ({0, 1}, {30})]


@pytest.mark.parametrize(
    "draw",
    [
        lambda t: two_traits(t, rates(t), "spanish", "owl", ORDER, "x"),
        lambda t: two_traits(t.assign(value=7.0), rates(t.assign(value=7.0)), "spanish", "caps", ORDER, "x"),
        lambda t: two_ratings(judged(), "insecurity", "coherence", ORDER, "x"),
        lambda t: two_ratings(judged().assign(value=float("nan")), "alignment", "coherence", ORDER, "x"),
    ],
)
def test_nothing_to_draw_is_said(draw: Callable[[pd.DataFrame], Figure]) -> None:
    with pytest.raises(UserError):
        draw(table(("spanish", "caps")))


def test_words_of_others_are_drawn_as_they_are(tmp_path: Path) -> None:
    answers, ratings = table(("spanish", "caps")), judged()
    strange = dict(zip(ORDER, ("$\\frac{$", "$|TRIGGER|$", "_a_^{b"), strict=True))
    for frame in (answers, ratings):
        frame["arm"] = frame["arm"].map(strange)
    order = tuple(strange.values())
    figures = (
        two_traits(answers, rates(answers), "spanish", "caps", order, "$x^$"),
        two_ratings(ratings, "alignment", "coherence", order, "$", caption="from $1 to $2"),
    )
    for figure in figures:
        assert "$|TRIGGER|$" in inline(figure, "x")


def headings(
    answers: pd.DataFrame, whole: pd.DataFrame | None = None, setting: str = "insecure_code"
) -> list[str]:
    found = rates(answers)
    labels = list(dict.fromkeys(found["label"]))
    drawn = drawings(answers, found, [], labels, ORDER, None, SETTINGS[setting], whole)
    return [heading for heading, _ in drawn]


def test_a_report_shows_two_ratings_where_both_were_given() -> None:
    answers = table(("misaligned",)).assign(setting="insecure_code", task="emergent_misalignment")
    assert not any("coherence" in heading for heading in headings(answers))
    assert headings(answers, judged(preset="paper-code"))[-1] == "Alignment against coherence"
    assert headings(answers, judged("insecurity"))[-1] == "Insecurity against coherence"
    only = judged().query("trait == 'alignment'")
    assert not any("against" in heading for heading in headings(answers, only))
    several = pd.concat([judged(judge=f"judge {n}") for n in range(3)])
    assert [h for h in headings(answers, several) if "coherence" in h] == [
        f"Alignment against coherence, judge judge {n}" for n in range(2)
    ]


def test_a_report_shows_the_two_traits_of_one_measure() -> None:
    answers = table(("spanish", "caps")).assign(setting="spanish_caps", task="spanish_caps")
    assert "Spanish against caps" in headings(answers, setting="spanish_caps")
    assert not any("against" in h for h in headings(answers.query("trait == 'caps'"), setting="spanish_caps"))
