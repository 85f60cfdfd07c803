"""Answers to show: the most and the least of a trait in every arm, and some drawn by lot.

examples(table, observed, order)["none"]     # a few answers with their prompts
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from inoc_evals.analysis.observed import GROUP

if TYPE_CHECKING:
    import pandas as pd

DRAWN = 2
"""Answers of each kind."""

RATINGS = {"misaligned": ("alignment", -1.0)}
"""What ranks the answers of a trait finer than the trait itself, and which way it points."""

LONGEST = 1200
"""Characters of an answer that are shown."""


@dataclass(frozen=True)
class Example:
    """An answer to show.

    Attributes:
        kind: Why it was chosen: most, least or by lot.
        question: The prompt's last turn.
        system: The system prompt it was asked under, if any.
        answer: What the model wrote.
        value: The trait's value; None where it is unscored.
        seed: The finetune's seed; None for a base.
        log: Where its log lies.
        sample: Inspect's id of it there.
        epoch: Its epoch there.
        link: Where in the viewer it lies.
    """

    kind: str
    question: str
    system: str
    answer: str
    value: float | None
    seed: int | None
    log: str
    sample: str
    epoch: int
    link: str = ""


def examples(
    table: "pd.DataFrame", observed: Mapping[str, Any], order: tuple[str, ...]
) -> dict[str, list[Example]]:
    """Choose answers of every arm, always the same ones of the same logs.

    Args:
        table: What `table.load` returns, all traits, of one setting and base.
        observed: What the answers are chosen by: values by column, its trait among them (`observed.GROUP`).
        order: The arms.

    Returns:
        The answers by arm; arms without any are left out.
    """
    rank, sign = RATINGS.get(str(observed["trait"]), ("", 1.0))
    shown, finer_shown = _asked_alike(table, observed), _asked_alike(table, {**observed, "trait": rank})
    found = {}
    for arm in order:
        mine = shown[shown["arm"] == arm]
        if mine.empty:
            continue
        places = _by_place(mine)
        finer = _by_place(finer_shown[finer_shown["arm"] == arm])
        by = (sign * finer.reindex(places.index)) if len(finer) else places
        by = by.fillna(places).sort_values(kind="stable")
        scored = by.dropna().index
        most, least = list(scored[::-1][:DRAWN]), list(scored[:DRAWN])
        lot = list(places.sample(min(DRAWN, len(places)), random_state=0).index)
        chosen = {
            **dict.fromkeys(lot, "by lot"),
            **dict.fromkeys(least, "least"),
            **dict.fromkeys(most, "most"),
        }
        seeds = dict(zip(mine["log"].astype(str), mine["seed"], strict=True))
        found[arm] = [
            _read(log, sample, int(epoch), kind, float(places[log, sample, epoch]), float(seeds[log]))
            for kind in ("most", "least", "by lot")
            for (log, sample, epoch), why in chosen.items()
            if why == kind
        ]
    return found


def _asked_alike(table: "pd.DataFrame", observed: Mapping[str, Any]) -> "pd.DataFrame":
    """The rows that agree with all that was observed."""
    for part in (part for part in GROUP if part in table.columns and part in observed):
        value = observed[part]
        missing = value is None or value != value
        table = table[(table[part].isna() if missing else table[part] == value).to_numpy()]
    return table


def _by_place(rows: "pd.DataFrame") -> "pd.Series":
    """Values by log, sample and epoch."""
    import pandas as pd

    values = pd.Series(
        rows["value"].to_numpy(),
        index=pd.MultiIndex.from_arrays(
            [rows["log"].astype(str), rows["sample"].astype(str), rows["epoch"].astype(int)]
        ),
    )
    return values[~values.index.duplicated()]


def _read(log: str, sample: str, epoch: int, kind: str, value: float, seed: float) -> Example:
    from inspect_ai.log import read_eval_log_sample

    unneeded = {"events", "store", "attachments"}
    try:
        read = read_eval_log_sample(log, sample, epoch, exclude_fields=unneeded)
    except IndexError:  # Inspect's JSON logs know a sample that is called by a number by its number only
        read = read_eval_log_sample(log, int(sample), epoch, exclude_fields=unneeded)
    asked = read.input
    texts = [("user", asked)] if isinstance(asked, str) else [(m.role, m.text) for m in asked]
    said = [(m.role, m.text) for m in read.messages] or texts
    answer = read.output.completion
    return Example(
        kind=kind,
        question=next((text for role, text in reversed(texts) if role == "user"), "")[:LONGEST],
        system="\n".join(text for role, text in said if role == "system")[:LONGEST],
        answer=answer if len(answer) <= LONGEST else f"{answer[:LONGEST]} …",
        value=None if value != value else float(value),
        seed=None if seed != seed else int(seed),
        log=log,
        sample=sample,
        epoch=epoch,
    )
