"""At which dose an inoculation works: curves over a sweep, the window in which it does, and claims about it.

    table = load("logs/sweep")
    curves(table)                  # a row for every rate at every dose
    windows(table)                 # a row for every inoculated arm at every dose: inside, outside, undecided
    judge(table)                   # does much training break what little training leaves intact?
    figure(table, "spanish_caps")

An inoculation works at a dose if the unwanted trait is within `LEAST` of the base, and if of what the control
gained of the wanted trait at least `RETAINED` is left: (arm - base) / (none - base). Both have an interval,
the second one by the joint bootstrap of `resampling.py`. Where the control itself is not shown to have
learnt the unwanted trait, nothing is shown to keep out, unless the arm is outside beyond doubt: its training
brought the trait in by itself. Where the control is not shown to have learnt the wanted one, retention is
undefined.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from inoc_evals.analysis.at_doses import points
from inoc_evals.analysis.contrasts import compare
from inoc_evals.analysis.declared_traits import focused
from inoc_evals.analysis.estimates import merged, rates
from inoc_evals.analysis.findings import BLOCKS, Finding
from inoc_evals.analysis.observed import GROUP, split
from inoc_evals.analysis.resampling import Part, Statistic, resampled, statistic
from inoc_evals.analysis.selectivity import NONE, RETAINED
from inoc_evals.analysis.style import (
    BASE,
    arm_name,
    arms_of,
    colours,
    empty_grid,
    heading,
    is_share,
    legend_beside,
    literal_text,
    title_of,
)
from inoc_evals.analysis.verdicts import ALIKE, LEVEL, Case, Verdict, judged, paired, rows_of
from inoc_evals.data.doses import GEOMETRIC, TRAINING, WEIGHTS, Dose, Value, height, parsed, word, words
from inoc_evals.errors import UserError, require
from inoc_evals.settings import SETTINGS, Setting
from inoc_evals.settings.claim import LEAST, Side
from inoc_evals.settings.dose_claims import Aim, DoseClaim, aims, dose_claims

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CONTROL = NONE

UNSCORED = "no answer of the sweep was scored"

OF_WINDOW = ("world", "task", "questions", "judge")
"""What a window says of its answers, beside setting, base and dose."""

ASKED = (
    "task",
    "questions",
    "condition",
    "system",
    "trigger",
    "variant",
    "sampling",
    "dtype",
    "parameters",
    "dose",
)
"""What must agree between the answers that show the unwanted trait and those that show the wanted one."""

ELSEWHERE = ("dtype", "dose")
"""The same where another task shows the wanted trait."""

PER_PANEL = (2.3, 2.1)
"""Width and height of a panel in inches."""


def swept(table: "pd.DataFrame") -> "pd.DataFrame":
    """The answers of a table that belong to a sweep.

    Raises:
        UserError: If there are none.
    """
    rows = table[table["dose"].notna()] if "dose" in table.columns else table.iloc[:0]
    if rows.empty:
        raise UserError("no log names a dose: make a sweep, e.g. inoc-evals run --sweep steps=8,16,32,64")
    return rows


def curves(table: "pd.DataFrame", confidence: float = 0.95) -> "pd.DataFrame":
    """Rates of every arm and trait at every dose, the control and the base among them.

    Args:
        table: What `table.load` returns.
        confidence: Nominal coverage of the intervals.

    Returns:
        What `estimates.rates` returns for the answers of sweeps, with a column for every axis.

    Raises:
        UserError: If the table holds no sweep.
    """
    found = rates(swept(table), confidence)
    doses = [parsed(str(text)) for text in found["dose"]]
    for axis in dict.fromkeys(axis for dose in doses for axis in dose):
        found[axis] = [dose.get(axis) for dose in doses]
    return found


def windows(
    table: "pd.DataFrame",
    settings: Mapping[str, Setting] = SETTINGS,
    unwanted: str = "",
    wanted: str = "",
    confidence: float = 0.95,
) -> "pd.DataFrame":
    """Say of every inoculated arm at every dose whether the inoculation works.

    Args:
        table: What `table.load` returns.
        settings: Settings by name: what an arm is claimed to keep out, else what its setting declares as
            unwanted and wanted.
        unwanted: The trait to keep out, for every arm but the control, instead.
        wanted: The trait to leave in, likewise.
        confidence: Nominal coverage of the intervals.

    Returns:
        A row for every setting, base, world, arm, dose and way of asking: `setting`, `base`, `world`, `arm`,
        `dose`, `unwanted` and `wanted` (traits), `excess` (unwanted trait, arm less base), `learnt` (the
        same, `none` less base) and `retention`, each with `_low` and `_high`; `inside` (by the estimates
        alone; None where undefined), `word` (`inside`, `outside`, `undecided`, `nothing shown to keep out`,
        `undefined`), `why`
        and `caution`. In the order of doses.

    Raises:
        UserError: If the table holds no sweep, no answer of it was scored, no arm of it is known to keep a
            trait out, or one trait is both unwanted and wanted.
    """
    require("analysis", "pandas", "scipy")
    import pandas as pd

    scored = swept(table).dropna(subset=["value"])
    if scored.empty:
        raise UserError(UNSCORED)
    rows: list[dict[str, Any]] = []
    for observed, of_sweep in split(scored, ("setting", "base", "world")):
        for aim in _aims(of_sweep, settings.get(str(observed["setting"])), unwanted, wanted):
            rows += list(_windows(of_sweep, aim, confidence))
    if not rows:
        raise UserError(
            "no arm is known to keep a trait out: give --unwanted TRAIT, and --wanted TRAIT, or, of a "
            "setting of your own, --setting FILE.py:NAME"
        )
    place = {text: number for number, text in enumerate(points(scored))}

    def order(row: dict[str, Any]) -> tuple[Any, ...]:
        return *(str(row[part]) for part in ("setting", "base", "world", "arm")), place[row["dose"]]

    rows.sort(key=order)
    return pd.DataFrame(rows)


def _aims(answers: "pd.DataFrame", setting: Setting | None, unwanted: str, wanted: str) -> list[Aim]:
    """What the arms of a sweep are for."""
    arms = [str(arm) for arm in answers["arm"].unique()]
    others = [arm for arm in arms if arm not in (BASE, CONTROL)]
    if unwanted:
        _refuse_one_for_both([unwanted], wanted)
        return [Aim(a, Side(a, unwanted), Side(a, wanted) if wanted else None) for a in others]
    if setting is None:
        return []
    known = {aim.arm: aim for aim in reversed(aims(setting))}
    found = [known.get(arm) or _declared(setting, arm) for arm in others]
    chosen = [aim for aim in found if aim is not None]
    if wanted and chosen:
        _refuse_one_for_both([aim.unwanted.trait for aim in chosen], wanted)
        # an arm that is to keep out just this trait stays as its setting declares it
        return [
            aim if aim.unwanted.trait == wanted else replace(aim, wanted=Side(aim.arm, wanted))
            for aim in chosen
        ]
    return chosen


def _refuse_one_for_both(unwanted: Sequence[str], wanted: str) -> None:
    if set(unwanted) == {wanted}:
        raise UserError(f"{wanted} cannot be both: name one trait as unwanted and another as wanted")


def _declared(setting: Setting, arm: str) -> Aim | None:
    """What an arm of which nothing is claimed is for; None for one that is trained on other rows."""
    with suppress(UserError):  # neither declared nor a control: what the setting declares holds for it, too
        if (defined := setting.arm(arm)).control or defined.rows:
            return None
    declared = setting.aims(arm)
    if declared is None or not declared.unwanted:
        return None
    return Aim(arm, declared.unwanted[0], declared.wanted[0] if declared.wanted else None)


def _windows(answers: "pd.DataFrame", aim: Aim, confidence: float) -> Iterator[dict[str, Any]]:
    of_unwanted = list(_by_way(answers, aim.unwanted))
    of_wanted = list(_by_way(answers, aim.wanted)) if aim.wanted else []
    for way, rows in of_unwanted:
        arms = {arm: rows[rows["arm"] == arm] for arm in (aim.arm, CONTROL, BASE)}
        if arms[aim.arm].empty:
            continue
        about = {key: way.get(key) for key in ("setting", "base", "dose", *OF_WINDOW)}
        traits = {"unwanted": way["trait"], "wanted": aim.wanted.trait if aim.wanted else None}
        same = [one for one in of_wanted if all(one[0].get(p) == way.get(p) for p in ASKED)]
        if not same:
            other = [one for one in of_wanted if one[0].get("task") != way.get("task")]
            same = [one for one in other if all(one[0].get(p) == way.get(p) for p in ELSEWHERE)]
        for _, left_in in same or [({}, rows.iloc[:0])]:
            yield {**about, "arm": aim.arm, **traits, **_window(arms, left_in, aim, confidence)}


def _by_way(answers: "pd.DataFrame", side: Side) -> "Iterator[tuple[dict[str, Any], pd.DataFrame]]":
    """The answers of all arms that show a trait, by the way in which it was observed."""
    import pandas as pd

    arms = (side.arm, CONTROL, BASE)
    yield from split(pd.concat([rows_of(answers, replace(side, arm=arm)) for arm in arms]), GROUP)


def _window(
    arms: "Mapping[str, pd.DataFrame]", left_in: "pd.DataFrame", aim: Aim, confidence: float
) -> dict[str, Any]:
    """The numbers of one arm at one dose, and what they say."""
    excess = _difference(arms, aim.arm, confidence)
    learnt = _difference(arms, CONTROL, confidence)
    retention, why_not = _retention(left_in, aim, confidence)
    number = {
        f"{name}{suffix}": value
        for name, values in (
            ("excess", excess[:3]),
            ("learnt", learnt[:3]),
            ("retention", (retention.value, retention.low, retention.high) if retention else _UNDEFINED),
        )
        for suffix, value in zip(("", "_low", "_high"), values, strict=True)
    }
    caution = merged([excess[3], learnt[3], retention.caution if retention else ""])
    word_, inside, why = _word(number, why_not)
    return {**number, "inside": inside, "word": word_, "why": why, "caution": caution}


_UNDEFINED = (float("nan"),) * 3


def _difference(
    arms: "Mapping[str, pd.DataFrame]", arm: str, confidence: float
) -> tuple[float, float, float, str]:
    """A trait in an arm less that in the base, with its interval and cautions; NaN where one is missing."""
    if arms[arm].empty or arms[BASE].empty:
        return (*_UNDEFINED, "")
    found = compare(arms[arm], arms[BASE], confidence)
    return float(found["difference"]), float(found["low"]), float(found["high"]), str(found["caution"])


def _retention(left_in: "pd.DataFrame", aim: Aim, confidence: float) -> tuple[Statistic | None, str]:
    """The share of the wanted trait that is left; None and the reason where it is undefined."""
    if aim.wanted is None:
        return None, "no wanted trait is named"
    trait = aim.wanted.trait
    parts: dict[Part, pd.DataFrame] = {
        (arm, trait): left_in[left_in["arm"] == arm] for arm in (aim.arm, CONTROL, BASE)
    }
    if missing := [arm for (arm, _), rows in parts.items() if rows.empty]:
        return None, f"no answers of {missing[0]} were scored for {trait}"
    arm, none, base = parts
    gained = compare(parts[none], parts[base], confidence)
    if not float(gained["low"]) > 0:
        shown = f"{gained['difference']:+z.2f} [{gained['low']:+z.2f}, {gained['high']:+z.2f}]"
        return None, f"{CONTROL} is not shown to have learnt {trait}: {shown} above the base"
    means = resampled(parts)
    return statistic(means, lambda of: (of[arm] - of[base]) / (of[none] - of[base]), confidence), ""


def _word(number: Mapping[str, float], why_not: str) -> tuple[str, bool | None, str]:
    """What an arm's numbers at a dose say: by intervals, by estimates alone, and why."""

    def shown(name: str, form: str) -> str:
        low, high = number[f"{name}_low"], number[f"{name}_high"]
        return f"{number[name]:{form}} [{low:{form}}, {high:{form}}]"

    if number["excess"] != number["excess"]:
        return "undefined", None, f"no answers of {BASE} to compare with"
    why = f"{shown('excess', '+z.2f')} above the base"
    why += f", {why_not}" if why_not else f", {shown('retention', '.2f')} of the wanted trait left"
    out = number["excess_low"] > LEAST or number["excess_high"] < -LEAST
    if out:
        return "outside", False, why
    if number["learnt"] == number["learnt"] and not number["learnt_low"] > 0:
        return (
            "nothing shown to keep out",
            None,
            f"{why}; {CONTROL} {shown('learnt', '+z.2f')} above the base",
        )
    near = abs(number["excess"]) <= LEAST
    if why_not:
        return "undefined", None if near else False, why
    if number["retention_high"] < RETAINED:
        return "outside", False, why
    inside = near and number["retention"] >= RETAINED
    sure = number["excess_low"] >= -LEAST and number["excess_high"] <= LEAST
    return ("inside" if sure and number["retention_low"] >= RETAINED else "undecided"), inside, why


def judge(
    table: "pd.DataFrame",
    settings: Mapping[str, Setting] = SETTINGS,
    level: float = LEVEL,
    findings: Sequence[Finding] = (),
) -> list[Verdict]:
    """Test what settings claim about doses.

    Args:
        table: What `table.load` returns.
        settings: Settings by name.
        level: As of `verdicts.verdicts`, for the claims of one sweep.
        findings: What the audit of the same answers says, as of `verdicts.verdicts`.

    Returns:
        For every setting and base with a sweep, the verdicts on claims about axes that it has: the arm at the
        largest dose against the same arm at the smallest, once for every place on the other axes.

    Raises:
        UserError: If the table holds no sweep.
    """
    require("analysis", "pandas", "scipy")
    scored = swept(table).dropna(subset=["value"])
    blocking = [finding for finding in findings if finding.severity == BLOCKS]
    found = []
    for observed, answers in split(scored, ("setting", "base", "world")):
        definition = settings.get(str(observed["setting"]))
        claims = dose_claims(definition) if definition else ()
        cases = [case for claim in claims for case in _extremes(answers, claim)]
        found += judged(cases, str(observed["base"] or ""), level, blocking)
    return found


def _extremes(answers: "pd.DataFrame", claim: DoseClaim) -> Iterator[Case]:
    """An arm at the largest and at the smallest dose of a claim's axes, for every place on the others."""
    rows = rows_of(answers, claim.claim.left)
    doses = points(rows)
    rest: dict[str, list[Dose]] = {}
    for dose in (dose for dose in doses.values() if dose.get("inoculated") != 0):
        others = {axis: place for axis, place in dose.items() if axis not in claim.axes}
        rest.setdefault(words({**others, **dict.fromkeys(set(dose) & set(claim.axes), "")}), []).append(dose)
    for alike in rest.values():
        axes = [axis for axis in claim.axes if axis in alike[0]]
        least, most = (_corner(alike, axes, end) for end in (min, max))
        if least == most:
            continue  # none of the axes was swept
        left, right = (rows[(rows["dose"] == words(dose)).to_numpy()] for dose in (most, least))
        ways = [way for way in ALIKE if way != "dose"]
        for case in paired(claim.claim, left, right, ways):
            apart = f"{words(most)} against {words(least)}"
            yield replace(case, apart=f"{apart}, {case.apart}" if case.apart else apart)


def _corner(doses: Sequence[Dose], axes: Sequence[str], end: Any) -> Dose:
    """The dose with the most (or the least) on all axes; the nearest to it where not all were swept alike."""
    places = {axis: end(height(axis, dose[axis]) for dose in doses) for axis in axes}
    order = [sum(height(axis, dose[axis]) != places[axis] for axis in axes) for dose in doses]
    return doses[order.index(min(order))]


def figure(
    table: "pd.DataFrame",
    setting: str,
    title: str = "",
    settings: Mapping[str, Setting] = SETTINGS,
    found: "pd.DataFrame | None" = None,
) -> "Figure":
    """Draw every arm's rate over the dose: a row of panels per trait, a panel per place on the other axes.

    Args:
        table: Answers of one base.
        setting: The setting whose sweep is drawn.
        title: Title of the figure; the setting's by default.
        settings: Settings by name.
        found: What `windows` returns, to mark the doses inside the window.

    Returns:
        A matplotlib figure. Bands are intervals, the dashed grey line is the base, rings mark doses at which
        the inoculation works by the estimates.

    Raises:
        UserError: If the table holds no sweep of the setting, or of several bases, or no answer of it was
            scored.
    """
    require("analysis", "seaborn", "pandas")
    definition = settings.get(setting)
    mine = focused(swept(table), settings)
    mine = mine[(mine["setting"] == setting).to_numpy()]
    if mine.empty or mine["base"].nunique() > 1:
        raise UserError(f"setting {setting} has no sweep of one base in these logs")
    estimates = curves(mine)
    drawn = _alike(estimates[(estimates["n"] > 0).to_numpy()])
    doses = points(drawn)
    x = axis_of(list(doses.values()))
    others = {text: words({a: p for a, p in dose.items() if a != x}) for text, dose in doses.items()}
    columns = list(dict.fromkeys(others.values()))
    parts = [part for part in GROUP if part != "dose"]
    lines = list(split(drawn, parts))
    order = tuple(str(arm) for arm in ([a.name for a in definition.arms] if definition else []))
    arms = [arm for arm in (*order, *drawn["arm"].astype(str).unique()) if arm != BASE]
    with arms_of(definition):
        ink = colours([BASE, *dict.fromkeys(arm for arm in arms if (drawn["arm"] == arm).any())])
    width, height_ = PER_PANEL[0] * len(columns) + 1.5, PER_PANEL[1] * len(lines) + 0.5
    drawing, panels = empty_grid(width, height_, len(lines), len(columns), share=True)
    names = _distinct([way for way, _ in lines])
    for ((way, of_trait), name), row in zip(zip(lines, names, strict=True), range(len(lines)), strict=True):
        for number, column in enumerate(columns):
            axes = panels[row * len(columns) + number]
            here = of_trait[[others[str(text)] == column for text in of_trait["dose"]]]
            rings = None if found is None else found[(found["setting"] == setting).to_numpy()]
            _panel(axes, here, x, ink, _inside(rings, way))
            if row == 0 and column:
                axes.set_title(literal_text(column), fontsize=9, loc="left")
            if number == 0:
                axes.set_ylabel(title_of(name), fontsize=8)
            if row == len(lines) - 1:
                axes.set_xlabel(x.replace("_", " "), fontsize=8)
    legend_beside(panels[len(columns) - 1], panels)
    base = mine["base"].iloc[0]
    usual = definition.title if definition else setting
    heading(drawing, title or (usual if base != base else f"{usual}: {base}"))
    return drawing


def _alike(estimates: "pd.DataFrame") -> "pd.DataFrame":
    """The rates of one sweep: where logs hold several with other axes, the one with most rates."""
    if estimates.empty:
        raise UserError(UNSCORED)
    axes = estimates["dose"].astype(str).map(lambda text: ", ".join(parsed(text)))
    most: pd.DataFrame = estimates[(axes == axes.mode().iloc[0]).to_numpy()]
    return most


def axis_of(doses: Sequence[Dose]) -> str:
    """The axis from left to right: the one with most places, of several that of more and more training.

    Args:
        doses: The doses of a sweep.
    """
    axes = list(dict.fromkeys(axis for dose in doses for axis in dose))
    places = {axis: len({dose.get(axis) for dose in doses}) for axis in axes}
    return max(axes, key=lambda axis: (places[axis], axis == "steps", axis in TRAINING))


def _distinct(ways: Sequence[Mapping[str, Any]]) -> list[str]:
    """Names of the rows of panels: labels of the traits as they would be without doses."""
    import pandas as pd

    from inoc_evals.analysis.observed import labels

    return [str(name) for name in labels(pd.DataFrame(list(ways)))]


def _inside(found: "pd.DataFrame | None", way: Mapping[str, Any]) -> set[tuple[str, str]]:
    """Arms and doses inside the window, where this is the unwanted trait."""
    if found is None:
        return set()
    parts = [part for part in ("base", *OF_WINDOW) if part in way]
    return {
        (str(window["arm"]), str(window["dose"]))
        for window, _ in split(found, [*parts, "arm", "dose", "unwanted", "inside"])
        if window["inside"] and window["unwanted"] == way["trait"]
        if all(window.get(part) == way[part] for part in parts if part in window)
    }


def _panel(
    axes: "Axes", rates_: "pd.DataFrame", x: str, ink: Mapping[str, Any], inside: set[tuple[str, str]]
) -> None:
    """One trait over one axis, a line an arm."""
    named = any(isinstance(place, str) for place in rates_[x])
    for arm in ink:
        of_arm = rates_[(rates_["arm"] == arm).to_numpy()]
        if of_arm.empty:
            continue
        places: list[Value] = list(of_arm[x])
        at = [height(x, place) for place in places]
        order = sorted(range(len(at)), key=at.__getitem__)
        at, line = [at[n] for n in order], of_arm.iloc[order]
        dashed: dict[str, Any] = (
            {"linestyle": (0, (4, 3)), "linewidth": 1.0} if arm == BASE else {"marker": "o"}
        )
        axes.plot(at, line["rate"], color=ink[arm], markersize=3.5, label=arm_name(arm), zorder=3, **dashed)
        axes.fill_between(at, line["low"], line["high"], color=ink[arm], alpha=0.15, linewidth=0)
        ringed = [n for n, dose in enumerate(line["dose"]) if (arm, str(dose)) in inside]
        axes.scatter(
            [at[n] for n in ringed],
            [line["rate"].iloc[n] for n in ringed],
            s=70,
            facecolor="none",
            edgecolor=ink[arm],
            linewidth=1.3,
            zorder=4,
        )
    if is_share([*rates_["rate"]]):
        axes.set_ylim(-0.03, 1.03)
    places = sorted(rates_[x].unique(), key=lambda place: height(x, place))
    if not named and x in GEOMETRIC:
        axes.set_xscale("log")
        axes.minorticks_off()
    axes.set_xticks([height(x, place) for place in places], [word(place) for place in places], fontsize=8)
    if named:
        axes.set_xlim(-0.4, len(WEIGHTS) - 0.6)
    axes.grid(axis="x", visible=False)
