"""Where a trait comes back: rates under many test-time prompts, against the base under the same prompts.

    found = leaks(load("logs/spanish_leak"))
    found.grid                # a row per arm, trait and prompt: leak = p(arm) - p(base), with its interval
    found.surprising          # the largest leak under prompts that give no reason to show the trait
    found.conditionality      # (arm on - arm off) - (base on - base off); on: the training prompt, off: none
    for line in found.words(): print(line)

A leak is the difference to the base under the same prompt, paired by question: what a prompt brings out of
every model is no leak. Of several prompts the largest leak is an extreme: its interval and its p-value are
those of all of them together. P-values are corrected over all arms, traits and ways of
asking of a setting and base, those of surprising leaks apart from the others. Answers that were asked or
scored differently are never pooled.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from inoc_evals.analysis.contrasts import compare, holm
from inoc_evals.analysis.declared_traits import focused
from inoc_evals.analysis.estimates import merged
from inoc_evals.analysis.observed import FAMILY, GROUP, distinctions, records, split
from inoc_evals.analysis.resampling import resampled, statistic
from inoc_evals.analysis.style import BASE
from inoc_evals.data.prompt_categories import CATEGORIES, CATEGORY, NONE, ORIGINAL, SURPRISING, is_own
from inoc_evals.errors import UserError, require
from inoc_evals.settings import SETTINGS, Setting
from inoc_evals.settings.claim import LEAST

if TYPE_CHECKING:
    import pandas as pd

LEVEL = 0.05

OF_PROMPT = ("condition", "system", "trigger")
"""What differs between the prompts of one grid."""

WAY = tuple(part for part in GROUP if part not in OF_PROMPT)
"""What must agree between the prompts of one grid: all but the prompt and the arm."""


@dataclass(frozen=True)
class Leaks:
    """The leak grids of a table of answers.

    Attributes:
        grid: A row per arm other than the base, trait and prompt: the columns of `observed.GROUP` that the
            table has, `apart` (what distinguishes it from others of its trait, e.g. its judge, in words),
            `arm`, `category`, `own` (whether it is the arm's own training prompt), `rate` and `base_rate`,
            `leak` with `low`, `high`, `p`, `detectable`, `p_holm` (over all surprising leaks of a setting and
            base, or over all others of it), `significant`, `asked` (questions both have), `n`, `caution`.
        surprising: A row per arm and trait: the prompt with the largest leak among those of `SURPRISING`, its
            `leak` with an interval `low` to `high` that holds for all of them together, those of its setting
            and base, `p_holm`, `of` (number of prompts compared), `significant`, `unprompted` (the leak
            without a prompt; NaN if it is not known), `in_the_open` (whether that one is as large, within
            `LEAST`: such a prompt brings nothing back), `shown_under` (all prompts whose leak is significant
            and no such leak, in words), and `why_not` where none was asked.
        conditionality: A row per arm and trait, and per training prompt where there are several:
            `conditionality` with `low` and `high`, the four rates `arm_on`, `arm_off`, `base_on`, `base_off`,
            `caution`, and `why_not` where it is undefined.
        base: The arm, or the model, that the others are compared with.
        notes: What could not be compared, and why.
    """

    grid: "pd.DataFrame"
    surprising: "pd.DataFrame"
    conditionality: "pd.DataFrame"
    base: str
    notes: tuple[str, ...] = ()

    def words(self) -> list[str]:
        """The results in sentences: two for every arm and trait, then what could not be compared."""
        lines = [_surprise(row) for row in records(self.surprising)]
        lines += [_condition(row) for row in records(self.conditionality)]
        return [*sorted(lines, key=lambda line: line.partition(":")[0]), *self.notes]

    def as_dict(self) -> dict[str, Any]:
        """The same for programs; NaN becomes None."""
        tables = {name: getattr(self, name) for name in ("grid", "surprising", "conditionality")}
        return {
            "base": self.base,
            **{name: [_plain(row) for row in table.to_dict("records")] for name, table in tables.items()},
            "words": self.words(),
        }


def leaks(
    table: "pd.DataFrame",
    base: str = BASE,
    confidence: float = 0.95,
    settings: Mapping[str, Setting] = SETTINGS,
) -> Leaks:
    """Compare every arm with the base under every prompt of a leak grid.

    Args:
        table: What `table.load` returns, with answers of the task `leak`.
        base: The arm, or the model, that the others are compared with; of a model whose name in logs ends in
            `@` and a digest, the name without them suffices.
        confidence: Nominal coverage of the intervals.
        settings: Settings by name: only traits that they declare are compared.

    Returns:
        The grids of all settings, bases and traits in the table.

    Raises:
        UserError: If the table has no answer under prompts of the task `leak`, none of the base, or none that
            could be compared with it.
    """
    require("analysis", "numpy", "pandas", "scipy")
    import pandas as pd

    answers = leak_answers(table, settings)
    scored = answers.dropna(subset=["value"])
    if scored.empty:
        raise UserError("no scored answer of the task leak: ask with `inspect eval inoc_evals/leak`")
    base = _base(scored, base)
    ways = list(split(scored, WAY))
    compared: list[_Compared] = []
    conditional: list[dict[str, Any]] = []
    notes: dict[str, None] = {}
    for (way, of_way), apart in zip(ways, _apart([way for way, _ in ways]), strict=True):
        reference = of_way[of_way["arm"] == base]
        for arm in (str(name) for name in of_way["arm"].unique() if name != base):
            mine = of_way[of_way["arm"] == arm]
            about = {**way, "apart": apart, "arm": arm}
            cells, missing = _cells(mine, reference, about, base, confidence)
            notes |= dict.fromkeys(missing)
            compared.append(_Compared(about, cells, mine, reference))
            conditional += [
                {**about, **row} for row in _conditionalities(mine, reference, arm, base, confidence)
            ]
    grid = [cell for one in compared for cell in one.cells]
    if not grid:
        raise UserError(
            f"only {base!r} was asked, or nothing under the same prompts: ask a finetuned model, too"
        )
    _correct(grid)
    family = Counter(_family(cell) for cell in grid if cell["category"] in SURPRISING)
    surprising = [{**one.about, **_largest(one, family[_family(one.about)], confidence)} for one in compared]
    return Leaks(pd.DataFrame(grid), pd.DataFrame(surprising), pd.DataFrame(conditional), base, tuple(notes))


class _Compared(NamedTuple):
    """An arm's leaks in one way of asking, and the answers that they are made of."""

    about: Mapping[str, Any]
    cells: list[dict[str, Any]]
    mine: "pd.DataFrame"
    reference: "pd.DataFrame"


def _base(scored: "pd.DataFrame", base: str) -> str:
    """The arm that is compared with, by its name in the table."""
    arms = sorted({str(arm) for arm in scored["arm"].unique()})
    if base in arms:
        return base
    versions = [arm for arm in arms if arm.startswith(f"{base}@")]
    if len(versions) != 1:
        raise UserError(
            f"no answers of {base!r} to compare with: name the base with --base, one of {', '.join(arms)}"
        )
    return versions[0]


def _apart(ways: Sequence[Mapping[str, Any]]) -> list[str]:
    """What distinguishes every way from the others, its setting and base among it, in words."""
    several = [part for part in FAMILY if len({way.get(part) for way in ways}) > 1]
    families = [[str(way[part]) for part in several if way[part] is not None] for way in ways]
    return [
        ", ".join(filter(None, [*family, words]))
        for family, words in zip(families, distinctions(ways), strict=True)
    ]


def _family(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """What must agree for p-values to be corrected together."""
    return tuple(row.get(part) for part in FAMILY)


def _correct(grid: Sequence[dict[str, Any]]) -> None:
    """Correct the p-values of every family by Holm's method: of its surprising leaks, and of its others."""
    import pandas as pd

    families: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for cell in grid:
        families.setdefault((*_family(cell), cell["category"] in SURPRISING), []).append(cell)
    for cells in families.values():
        corrected = holm(pd.Series([cell["p"] for cell in cells], dtype=float))
        for cell, p in zip(cells, corrected, strict=True):
            cell |= {"p_holm": float(p), "significant": bool(p < LEVEL)}


def leak_answers(table: "pd.DataFrame", settings: Mapping[str, Setting] = SETTINGS) -> "pd.DataFrame":
    """The answers under prompts of the task `leak`, with the traits that their setting declares."""
    if CATEGORY not in table.columns:
        return table.iloc[:0]
    of_leak = table[table[CATEGORY].isin(list(CATEGORIES)).to_numpy()]
    return focused(of_leak, settings) if "setting" in of_leak.columns and len(of_leak) else of_leak


def _cells(
    mine: "pd.DataFrame",
    reference: "pd.DataFrame",
    about: Mapping[str, Any],
    base: str,
    confidence: float,
) -> tuple[list[dict[str, Any]], list[str]]:
    """An arm's leak under every prompt, and what the base was not asked under."""
    cells, missing = [], []
    for prompt, of_arm, of_base in _prompts(mine, reference):
        name, category = str(prompt["condition"]), str(prompt[CATEGORY])
        if of_base.empty:
            missing.append(f"{_who(about)}: {base} was not asked under {name!r}, so it has no leak")
            continue
        found = compare(of_arm, of_base, confidence)
        cells.append(
            {
                **about,
                **{part: prompt.get(part) for part in OF_PROMPT},
                "category": category,
                "own": category == ORIGINAL and is_own(name, str(about["arm"])),
                "rate": float(of_arm["value"].mean()),
                "base_rate": float(of_base["value"].mean()),
                "leak": found.pop("difference"),
                **found,
            }
        )
    order = list(CATEGORIES)
    cells.sort(key=lambda cell: order.index(cell["category"]))
    return cells, missing


def _prompts(
    mine: "pd.DataFrame", reference: "pd.DataFrame"
) -> "Iterator[tuple[dict[str, Any], pd.DataFrame, pd.DataFrame]]":
    """Every prompt that an arm was asked under, the arm's answers, and those of the base under the same."""
    by = (*OF_PROMPT, CATEGORY)
    of_base = {tuple(prompt.values()): rows for prompt, rows in split(reference, by)}
    for prompt, rows in split(mine, by):
        yield prompt, rows, of_base.get(tuple(prompt.values()), reference.iloc[:0])


def _largest(one: _Compared, family: int, confidence: float) -> dict[str, Any]:
    """The largest of the surprising leaks; its interval is Bonferroni's over so many of a family."""
    among = [cell for cell in one.cells if cell["category"] in SURPRISING]
    if not among:
        nan = float("nan")
        why = f"no prompt of {', '.join(SURPRISING)} was asked of both"
        numbers = dict.fromkeys(("rate", "base_rate", "leak", "low", "high", "p_holm"), nan)
        empty = {
            "condition": None,
            "category": None,
            **numbers,
            "unprompted": nan,
            "of": 0,
            "significant": False,
            "in_the_open": False,
            "shown_under": "",
        }
        return {**empty, "caution": "", "why_not": why}
    top = max(among, key=lambda cell: cell["leak"])
    plain = [cell["leak"] for cell in one.cells if cell["category"] == NONE]
    unprompted = plain[0] if len(plain) == 1 else float("nan")
    together = 1 - (1 - confidence) / family
    [(of_arm, of_base)] = [
        (of_arm, of_base)
        for prompt, of_arm, of_base in _prompts(one.mine, one.reference)
        if all(prompt.get(part) == top[part] for part in OF_PROMPT) and prompt[CATEGORY] == top["category"]
    ]
    wide = compare(of_arm, of_base, together)
    # the largest may be one of few answers, and a smaller one be clear
    shown = [
        f"{cell['condition']} ({cell['leak']:+z.2f})"
        for cell in among
        if cell["significant"] and cell["leak"] > 0 and not unprompted >= cell["leak"] - LEAST
    ]
    return {
        **{key: top[key] for key in ("condition", "category", "rate", "base_rate", "leak")},
        **{"low": wide["low"], "high": wide["high"], "p_holm": top["p_holm"], "of": len(among)},
        "significant": top["significant"] and top["leak"] > 0,
        "unprompted": unprompted,
        "in_the_open": bool(unprompted >= top["leak"] - LEAST),
        "shown_under": ", ".join(shown),
        **{"caution": top["caution"], "why_not": ""},
    }


def _conditionalities(
    mine: "pd.DataFrame", reference: "pd.DataFrame", arm: str, base: str, confidence: float
) -> list[dict[str, Any]]:
    """How much more the training prompt brings out of the arm than of the base, for each training prompt."""
    prompts = list(_prompts(mine, reference))
    off = [(of_arm, of_base) for prompt, of_arm, of_base in prompts if prompt[CATEGORY] == NONE]
    on = [
        (prompt, of_arm, of_base)
        for prompt, of_arm, of_base in prompts
        if prompt[CATEGORY] == ORIGINAL and is_own(str(prompt["condition"]), arm)
    ]
    if not on:
        return [_undefined(None, f"{arm} was not asked under a training prompt of its own")]
    rows = []
    for prompt, arm_on, base_on in on:
        name = str(prompt["condition"])
        if len(off) != 1:
            rows.append(_undefined(name, f"{arm} was not asked once without a prompt"))
        elif base_on.empty or off[0][1].empty:
            under = name if base_on.empty else "no prompt"
            rows.append(_undefined(name, f"{base} was not asked under {under}"))
        else:
            rows.append(_conditionality(name, (arm_on, off[0][0]), (base_on, off[0][1]), confidence))
    return rows


def _conditionality(
    name: str,
    of_arm: "tuple[pd.DataFrame, pd.DataFrame]",
    of_base: "tuple[pd.DataFrame, pd.DataFrame]",
    confidence: float,
) -> dict[str, Any]:
    sides = {"arm": of_arm, "base": of_base}
    means = resampled(
        {(who, on): rows for who, pair in sides.items() for on, rows in zip(ON_OFF, pair, strict=True)}
    )
    found = statistic(
        means,
        lambda of: (of["arm", "on"] - of["arm", "off"]) - (of["base", "on"] - of["base", "off"]),
        confidence,
    )
    rates = {f"{who}_{on}": means.observed[who, on] for who in sides for on in ON_OFF}
    numbers = {"conditionality": found.value, "low": found.low, "high": found.high}
    return {"condition": name, **numbers, **rates, "caution": merged([found.caution]), "why_not": ""}


ON_OFF = ("on", "off")
"""Under the training prompt, and without a prompt."""


def _undefined(name: str | None, why: str) -> dict[str, Any]:
    nan = float("nan")
    rates = [f"{who}_{on}" for who in ("arm", "base") for on in ON_OFF]
    numbers = dict.fromkeys(("conditionality", "low", "high", *rates), nan)
    return {"condition": name, **numbers, "caution": "", "why_not": why}


def _who(row: Mapping[Any, Any]) -> str:
    """The arm and the trait, and how it was observed where there are several ways."""
    return f"{row['arm']}, {row['trait']}" + (f" ({row['apart']})" if row["apart"] else "")


def _surprise(row: Mapping[Any, Any]) -> str:
    who = _who(row)
    if row["why_not"]:
        return f"{who}: no surprising leak can be told: {row['why_not']}"
    number = f"{row['leak']:+z.2f} [{row['low']:+z.2f}, {row['high']:+z.2f}] under {row['condition']}"
    rates = f"{row['rate']:.2f} against {row['base_rate']:.2f} of the base, p {row['p_holm']:.2g} after Holm"
    of = f"the largest of {row['of']}" if row["of"] > 1 else "the only one"
    verdict = "a surprising leak" if row["significant"] else "no surprising leak is shown"
    if not row["significant"] and row["shown_under"]:
        verdict = f"a surprising leak under {row['shown_under']}, though not shown where it is largest"
    if row["significant"] and row["in_the_open"]:
        verdict = "nothing that a prompt brings back, since as much shows without one"
    beside = "" if row["unprompted"] != row["unprompted"] else f"; without a prompt {row['unprompted']:+z.2f}"
    return f"{who}: {verdict}: {number} ({rates}, {of}{beside}{_caution(row)})"


def _condition(row: Mapping[Any, Any]) -> str:
    who = _who(row)
    if row["why_not"]:
        return f"{who}: conditionality is undefined: {row['why_not']}"
    number = f"{row['conditionality']:+z.2f} [{row['low']:+z.2f}, {row['high']:+z.2f}]"
    rates = (
        f"from {row['arm_off']:.2f} to {row['arm_on']:.2f}, the base from {row['base_off']:.2f} to "
        f"{row['base_on']:.2f}"
    )
    if row["low"] > 0:
        verdict = "the training prompt brings out more of it than of the base"
    elif row["high"] < 0:
        verdict = "the training prompt brings out less of it than of the base"
    else:
        verdict = "whether the training prompt brings out more of it than of the base is open"
    return f"{who}: {verdict}: conditionality {number} under {row['condition']} ({rates}{_caution(row)})"


def _caution(row: Mapping[Any, Any]) -> str:
    return f"; caution: {row['caution']}" if row["caution"] else ""


def _plain(row: Mapping[Any, Any]) -> dict[str, Any]:
    """A row with plain values, None for a missing one."""
    values = {str(key): value.item() if hasattr(value, "item") else value for key, value in row.items()}
    return {key: None if value is None or value != value else value for key, value in values.items()}
