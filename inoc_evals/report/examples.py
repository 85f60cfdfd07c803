"""Example answers: those with most and least of a trait in every arm, and some drawn by lot.

examples(table, observed, order)["none"]     # a few answers with their prompts
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from inoc_evals.analysis.observed import GROUP
from inoc_evals.errors import first_line

if TYPE_CHECKING:
    import pandas as pd

DRAWN = 2
"""Number of answers of each kind."""

RATINGS = {"misaligned": ("alignment", -1.0)}
"""Traits whose answers are ranked by a rating, with the sign of the rating."""

LONGEST = 1200
"""Maximal length of a shown text, in characters."""


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
        log: Location of its log.
        sample: Inspect's id of its sample.
        epoch: Its epoch.
        link: Link to it in the viewer.
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
    """Choose answers of every arm; the same logs always give the same answers.

    Args:
        table: What `table.load` returns, all traits, of one setting and base.
        observed: The group that they are chosen from: values by column, with its trait (`observed.GROUP`).
        order: The arms.

    Returns:
        The answers by arm; arms without any are left out.
    """
    rank, sign = RATINGS.get(str(observed["trait"]), ("", 1.0))
    of_trait, of_rating = _of_group(table, observed), _of_group(table, {**observed, "trait": rank})
    by_arm = {}
    for arm in order:
        of_arm = of_trait[of_trait["arm"] == arm]
        if of_arm.empty:
            continue
        places = _by_place(of_arm)
        finer = _by_place(of_rating[of_rating["arm"] == arm])
        ranking = (sign * finer.reindex(places.index)) if len(finer) else places
        ranking = ranking.fillna(places).sort_values(kind="stable")
        scored = ranking.dropna().index
        most, least = list(scored[::-1][:DRAWN]), list(scored[:DRAWN])
        lot = list(places.sample(min(DRAWN, len(places)), random_state=0).index)
        chosen = {
            **dict.fromkeys(lot, "by lot"),
            **dict.fromkeys(least, "least"),
            **dict.fromkeys(most, "most"),
        }
        seeds = dict(zip(of_arm["log"].astype(str), of_arm["seed"], strict=True))
        by_arm[arm] = [
            _read(log, sample, int(epoch), kind, float(places[log, sample, epoch]), float(seeds[log]))
            for kind in ("most", "least", "by lot")
            for (log, sample, epoch), why in chosen.items()
            if why == kind
        ]
    return by_arm


def _of_group(table: "pd.DataFrame", observed: Mapping[str, Any]) -> "pd.DataFrame":
    """The rows of one group."""
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
    known = None if value != value else float(value)
    try:
        try:
            read = read_eval_log_sample(log, sample, epoch, exclude_fields=unneeded)
        except IndexError:  # in Inspect's JSON logs, a numeric id must be given as a number
            read = read_eval_log_sample(log, int(sample), epoch, exclude_fields=unneeded)
    except Exception as error:  # of a log that lost samples: its summaries, which gave the rates, are whole
        gone = f"[this answer cannot be read from its log: {first_line(error)}]"
        return Example(kind, "", "", gone, known, None if seed != seed else int(seed), log, sample, epoch)
    question = read.input
    turns = [("user", question)] if isinstance(question, str) else [(m.role, m.text) for m in question]
    conversation = [(m.role, m.text) for m in read.messages] or turns
    answer = read.output.completion
    return Example(
        kind=kind,
        question=next((text for role, text in reversed(turns) if role == "user"), "")[:LONGEST],
        system="\n".join(text for role, text in conversation if role == "system")[:LONGEST],
        answer=answer if len(answer) <= LONGEST else f"{answer[:LONGEST]} …",
        value=known,
        seed=None if seed != seed else int(seed),
        log=log,
        sample=sample,
        epoch=epoch,
    )
