"""The key of an estimate: which answers are pooled and compared, and how the groups are named.

    for observed, answers in split(load("logs/mine"), RATE):      # of one arm, asked and scored alike
        observed["arm"], observed["judge"], answers["value"].mean()
    labels(table)      # "caps", "spanish | plain", 'spanish | under "You always speak in Spanish."'

Two answers count toward one rate only where all of `RATE` agrees, and two arms are compared only where all of
`GROUP` agrees. Groups that differ are shown separately, with labels as short as possible.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from inoc_evals.errors import UserError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


class Observed(NamedTuple):
    """The key of an estimate. None: the log names none, or it does not apply.

    Attributes:
        setting: The experiment; the task where a log names no experiment.
        world: The world of its rows and prompts: an arm of one name is another training in another world;
            None outside of experiments.
        base: The model that was finetuned.
        arm: The training condition.
        seed: The finetune's seed; answers of several seeds are pooled.
        task: The task.
        questions: The question set.
        scorer: The score's name in the log, as `inspect score --action append` leaves it, e.g. `alignment1`.
        judge: The judges that the score names, joined by commas; None for a detector's score.
        trait: The scored trait.
        condition: The condition of the test: a task's condition, a test-time system prompt; None for neither.
        preset: Thresholds of a judge's verdict.
        system: The test-time system prompt, in case two conditions share a name; empty for an empty system
            message.
        trigger: The trigger, likewise.
        dtype: The number format that the model computed in; None for float32, or where a log does not say.
        variant: The task's way to ask; None for the usual one.
        sampling: How answers were drawn: temperature, longest answer, and so on.
        parameters: Parameters of task and scorer in which the logs of a task differ, in words; None where
            they agree.
        dose: The model's point in a sweep (`data/doses.py`); None outside of one.
    """

    setting: str | None = None
    world: str | None = None
    base: str | None = None
    arm: str | None = None
    seed: float | None = None
    task: str | None = None
    questions: str | None = None
    scorer: str | None = None
    judge: str | None = None
    trait: str | None = None
    condition: str | None = None
    preset: str | None = None
    system: str | None = None
    trigger: str | None = None
    dtype: str | None = None
    variant: str | None = None
    sampling: str | None = None
    parameters: str | None = None
    dose: str | None = None


OBSERVED = Observed._fields

RATE = tuple(part for part in OBSERVED if part != "seed")
"""What must agree for answers to be pooled into one rate."""

GROUP = tuple(part for part in RATE if part != "arm")
"""What must agree for two arms to be compared."""

FAMILY = ("setting", "base")
"""What must agree for p-values to be corrected together."""

APART = (
    "condition",
    "judge",
    "preset",
    "questions",
    "task",
    "scorer",
    "system",
    "trigger",
    "dtype",
    "variant",
    "sampling",
    "parameters",
    "dose",
    "world",
)
"""Columns by which labels distinguish groups with one trait, in order of preference."""

PLAIN = "plain"
"""Label of a group without a condition, if others have one."""

LONGEST = 60
"""Maximal length of a condition or system prompt in a label, in characters."""


def group_codes(table: "pd.DataFrame", by: Sequence[str]) -> "np.ndarray":
    """The number of every row's group; groups are numbered from 0 in the order of their first rows.

    Args:
        table: Any table; columns of `by` that it lacks are the same for all of its rows.
        by: Columns whose values must agree within a group; missing values agree with each other.
    """
    import numpy as np
    import pandas as pd

    codes = np.zeros(len(table), dtype=np.int64)
    for column in by:
        if column in table.columns:
            column_codes, values = pd.factorize(table[column])
            if len(values) < 2 and (column_codes == column_codes[:1]).all():
                continue  # one value in all rows
            codes = pd.factorize(codes * (len(values) + 1) + column_codes + 1)[0]
    return codes


def split(
    table: "pd.DataFrame", by: Sequence[str] = GROUP
) -> "Iterator[tuple[dict[str, Any], pd.DataFrame]]":
    """Split a table into groups.

    Args:
        table: Any table.
        by: Columns whose values must agree within a group.

    Yields:
        For each group, in order of first appearance, its values by column (those that the table has; None for
        a missing value), and its rows.
    """
    if not len(table):
        return
    columns = [column for column in by if column in table.columns]
    codes = group_codes(table, columns)
    if not codes.any():
        yield _values(table, columns), table
        return
    for _, rows in table.groupby(codes):
        yield _values(rows, columns), rows


def framed(
    rows: "Sequence[Mapping[str, Any]]", table: "pd.DataFrame", by: Sequence[str], columns: Sequence[str]
) -> "pd.DataFrame":
    """A table of results, which has its columns even where it has no row.

    Args:
        rows: The results of groups that `split` made.
        table: What was split.
        by: The columns by which it was.
        columns: The columns of the results beside them.
    """
    import pandas as pd

    return pd.DataFrame(list(rows), columns=[*(name for name in by if name in table.columns), *columns])


def records(table: "pd.DataFrame") -> list[dict[str, Any]]:
    """The rows of a table, each by the names of its columns."""
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


def groups(table: "pd.DataFrame", by: Sequence[str] = GROUP) -> list[dict[str, Any]]:
    """The groups of a table without their rows, numbered as `group_codes` numbers them.

    Args:
        table: Any table.
        by: Columns whose values must agree within a group.

    Returns:
        Values by column, as in `split`.
    """
    import numpy as np

    columns = [column for column in by if column in table.columns]
    _, first = np.unique(group_codes(table, columns), return_index=True)
    return [_values(table.iloc[place : place + 1], columns) for place in first]


def labels(table: "pd.DataFrame", among: "pd.DataFrame | None" = None) -> "pd.Series":
    """A label for the group of every row, e.g. `misaligned | trigger (judge gpt-4o)`.

    Args:
        table: Answers, rates or differences.
        among: The table whose groups the labels distinguish, if it is another one. If it has a column
            `label`, its labels are used.

    Returns:
        One label per row: the trait, and as few further columns as distinguish the groups of one setting,
        base and trait. Groups of one setting and base never share a label.
    """
    import pandas as pd

    if among is None and "label" in table.columns:
        return table["label"]
    reference = table if among is None else among
    columns = [part for part in GROUP if part in table.columns and part in reference.columns]
    if "label" in reference.columns:
        firsts = groups(reference, [*columns, "label"])
        names = {tuple(g[c] for c in columns): str(g["label"]) for g in firsts}
    else:
        names = _names(groups(reference, columns))
    codes = group_codes(table, columns)
    group_labels = [
        names.get(tuple(values.values()), str(values.get("trait"))) for values in groups(table, columns)
    ]
    return pd.Series([group_labels[code] for code in codes], index=table.index, dtype=object, name="label")


def chosen(
    table: "pd.DataFrame", name: str, among: "pd.DataFrame | None" = None
) -> dict[str, "pd.DataFrame"]:
    """The groups that a name stands for: the one with this label, or all with this trait.

    Args:
        table: Answers, rates or differences of one setting and base.
        name: A label, or a trait's name.
        among: As in `labels`.

    Returns:
        Rows by label.
    """
    if not len(table):
        return {}
    row_labels = labels(table, among)
    matching = row_labels[row_labels == name]
    if matching.empty:
        matching = row_labels[(table["trait"] == name).to_numpy()]
    return {str(label): table[(row_labels == label).to_numpy()] for label in dict.fromkeys(matching)}


def titled(table: "pd.DataFrame", by: Sequence[str] = GROUP) -> "Iterator[tuple[str, pd.DataFrame]]":
    """Split a table into the panels of a figure, each with a title.

    Args:
        table: Answers, rates or differences.
        by: Columns whose values must agree within a panel, `trait` among them.

    Yields:
        For each panel its label (`labels`, among these columns), after setting and base where the table has
        several; and its rows.
    """
    columns = [column for column in by if column in table.columns]
    ways = groups(table, columns)
    names = _names(ways)
    several = [part for part in FAMILY if len({way.get(part) for way in ways}) > 1]
    for way, rows in split(table, columns):
        family = [str(way[part]) for part in several if way[part] is not None]
        yield ", ".join([*family, names[tuple(way[column] for column in columns)]]), rows


def the_one(table: "pd.DataFrame", name: str) -> "pd.DataFrame":
    """The rows of the one group that a name stands for; none if no group has the name.

    Raises:
        UserError: If it stands for several groups, which must not be averaged.
    """
    groups = chosen(table, name)
    if len(groups) > 1:
        raise UserError(f"{name!r} was observed in several ways: choose one of {'; '.join(groups)}")
    return next(iter(groups.values()), table.iloc[:0])


def distinctions(groups: Sequence[Mapping[str, Any]]) -> list[str]:
    """What distinguishes each of several groups from the others, in words; empty if there is only one.

    Args:
        groups: Values by column.
    """
    return [
        ", ".join(_part(part, group[part], LONGEST) for part in parts)
        for group, parts in zip(groups, _needed(groups), strict=True)
    ]


def _names(groups: Sequence[Mapping[str, Any]]) -> dict[tuple[Any, ...], str]:
    """Labels by the groups' values."""
    needed = _needed(groups)
    names: dict[tuple[Any, ...], str] = {}
    for longest in (LONGEST, None):
        texts = [_label(g, parts, longest) for g, parts in zip(groups, needed, strict=True)]
        keys = [(g.get("setting"), g.get("base"), label) for g, label in zip(groups, texts, strict=True)]
        if len(set(keys)) == len(keys):
            break
    for number, (group, label) in enumerate(zip(groups, texts, strict=True)):
        repeats = keys[:number].count(keys[number])  # e.g. if a trait itself is called `x | y`
        names[tuple(group.values())] = f"{label} ({repeats + 1})" if repeats else label
    return names


def _needed(groups: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """Per group, the columns that distinguish it from those with the same setting, base and trait."""
    needed: list[list[str]] = [[] for _ in groups]
    first: dict[Any, list[int]] = {}
    for place, group in enumerate(groups):
        first.setdefault(tuple(group.get(part) for part in (*FAMILY, "trait")), []).append(place)
    alike = list(first.values())
    for part in APART:
        finer: list[list[int]] = []
        for places in alike:
            by: dict[Any, list[int]] = {}
            for place in places:
                by.setdefault(groups[place].get(part), []).append(place)
            if len(by) > 1:
                for place in places:
                    needed[place].append(part)
            finer += by.values()
        alike = finer
    return needed


def _label(group: Mapping[str, Any], parts: Sequence[str], longest: int | None) -> str:
    name = str(group.get("trait"))
    if "condition" in parts:
        name += f" | {_short(str(group['condition'] or PLAIN), longest)}"
    details = ", ".join(_part(part, group[part], longest) for part in parts if part != "condition")
    return f"{name} ({details})" if details else name


def _part(part: str, value: Any, longest: int | None) -> str:
    if value is None:
        return "no condition" if part == "condition" else f"no {part}"
    if part == "parameters":  # whose words begin with a parameter's name
        return _short(str(value), longest)
    return f"{part} {_short(str(value), longest)}" if value != "" else f'{part} ""'


def _short(text: str, longest: int | None) -> str:
    if longest is None or len(text) <= longest:
        return text
    return f'{text[: longest - 2]}…"' if text.endswith('"') else f"{text[: longest - 1]}…"


def _values(rows: "pd.DataFrame", columns: Sequence[str]) -> dict[str, Any]:
    first = {column: rows[column].iloc[0] for column in columns}
    return {column: None if value is None or value != value else value for column, value in first.items()}
