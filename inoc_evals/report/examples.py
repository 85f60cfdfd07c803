"""Answers side by side: some questions, and under each what every arm answered.

    for one in examples(table, observed, order):
        one.question, one.answers["none"].answer, one.answers["spanish-inoc"].answer
    showing(table, observed, order)["base"]          # "none of 100 showed the trait"

Half of the questions are those in which arms differ most, the others are drawn by lot. Of an arm it is always
the first answer of its first finetune: nothing is picked for what it says.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from inoc_evals.analysis.conversations import conversation
from inoc_evals.analysis.observed import GROUP
from inoc_evals.errors import first_line
from inoc_evals.plurals import many

if TYPE_CHECKING:
    import pandas as pd
    from inspect_ai.log import EvalSample

QUESTIONS = 4
"""Number of questions of each kind."""

MANY_ARMS, FEWER = 6, 3
"""Beside more arms, fewer questions of each kind."""

LONGEST = 1200
"""Maximal length of a shown text, in characters."""


@dataclass(frozen=True)
class Example:
    """An answer to show.

    Attributes:
        system: The system prompt it was asked under, if any.
        question: The prompt's last turn.
        answer: What the model wrote.
        value: The trait's value; None where it is unscored.
        seed: The finetune's seed; None for a base.
        log: Location of its log.
        sample: Inspect's id of its sample.
        epoch: Its epoch.
        link: Link to it in the viewer.
    """

    system: str
    question: str
    answer: str
    value: float | None
    seed: int | None
    log: str
    sample: str
    epoch: int
    link: str = ""

    @property
    def shows(self) -> str:
        """Whether it shows the trait, for the filter: `yes`, `no`, or `unscored`; empty of a rating."""
        if self.value is None:
            return "unscored"
        return {1.0: "yes", 0.0: "no"}.get(self.value, "")


@dataclass(frozen=True)
class Asked:
    """A question with the answers of all arms.

    Attributes:
        why: Why it was chosen.
        answers: By arm; arms that were not asked are missing.
    """

    why: str
    answers: dict[str, Example] = field(default_factory=dict)

    @property
    def question(self) -> str:
        """The question."""
        return next(iter(self.answers.values())).question

    @property
    def system(self) -> str:
        """The system prompt that all were asked under."""
        return next(iter(self.answers.values())).system


def examples(table: "pd.DataFrame", observed: Mapping[str, Any], order: Sequence[str]) -> list[Asked]:
    """Choose questions; the same logs always give the same.

    Args:
        table: What `table.load` returns, all traits, of one setting and base.
        observed: The group that they are chosen from: values by column, with its trait (`observed.GROUP`).
        order: The arms.
    """
    of_trait = _of_group(table, observed)
    of_trait = of_trait[of_trait["arm"].isin(list(order)).to_numpy()]
    if of_trait.empty:
        return []
    named = of_trait.assign(arm=of_trait["arm"].astype(str), question=of_trait["question"].astype(str))
    means = named.pivot_table(index="question", columns="arm", values="value", aggfunc="mean", dropna=False)
    number = QUESTIONS if len(order) <= MANY_ARMS else FEWER
    spread = (means.max(axis=1) - means.min(axis=1)).dropna().sort_values(ascending=False, kind="stable")
    differing = list(spread[spread > 0].index[:number])
    rest = means.drop(index=differing)
    lot = list(rest.sample(min(number, len(rest)), random_state=0).index)
    first = named.sort_values(["seed", "epoch", "log"], kind="stable", na_position="first")
    first = first.drop_duplicates(["question", "arm"]).set_index(["question", "arm"])
    why = {**dict.fromkeys(differing, "arms differ most"), **dict.fromkeys(lot, "by lot")}
    return [
        Asked(
            reason,
            {arm: _read(first.loc[question, arm]) for arm in order if (question, arm) in first.index},
        )
        for question, reason in why.items()
    ]


def showing(table: "pd.DataFrame", observed: Mapping[str, Any], order: Sequence[str]) -> dict[str, str]:
    """How many answers of every arm show a trait, in words; nothing of a rating.

    Args:
        table: As for `examples`.
        observed: As for `examples`.
        order: The arms.
    """
    of_trait = _of_group(table, observed).dropna(subset=["value"])
    if of_trait.empty or not of_trait["value"].isin([0.0, 1.0]).all():
        return {}
    said = {}
    for arm in order:
        values = of_trait["value"][(of_trait["arm"] == arm).to_numpy()]
        if len(values):
            count = int(values.sum())
            said[arm] = f"{count or 'none'} of {len(values)} showed the trait"
    return said


def _of_group(table: "pd.DataFrame", observed: Mapping[str, Any]) -> "pd.DataFrame":
    """The rows of one group."""
    for part in (part for part in GROUP if part in table.columns and part in observed):
        value = observed[part]
        missing = value is None or value != value
        table = table[(table[part].isna() if missing else table[part] == value).to_numpy()]
    return table


def opened(log: str, sample: str, epoch: int) -> "EvalSample":
    """A sample of a log, without what only the viewer needs.

    Args:
        log: Location of the log.
        sample: Its id, as text.
        epoch: Its epoch.

    Raises:
        Exception: Whatever Inspect raises where the log has lost it.
    """
    from inspect_ai.log import read_eval_log_sample

    unneeded = {"events", "store", "attachments"}
    try:
        return read_eval_log_sample(log, sample, epoch, exclude_fields=unneeded)
    except IndexError:  # in Inspect's JSON logs, a numeric id must be given as a number
        return read_eval_log_sample(log, int(sample), epoch, exclude_fields=unneeded)


def _read(row: "pd.Series") -> Example:
    log, sample, epoch = str(row["log"]), str(row["sample"]), int(row["epoch"])
    value, seed = float(row["value"]), float(row["seed"])
    known, of_seed = None if value != value else value, None if seed != seed else int(seed)
    try:
        read = opened(log, sample, epoch)
    except Exception as error:  # of a log that lost samples: its summaries, which gave the rates, are whole
        gone = f"[this answer cannot be read from its log: {first_line(error)}]"
        return Example("", str(row["question"]), gone, known, of_seed, log, sample, epoch)
    said = conversation(read)
    systems = [one.text for one in read.messages if one.role == "system"] or filter(None, [said.system])
    answer, earlier = said.answer, many(said.earlier, "earlier answer")
    return Example(
        # of a conversation the last question is shown, which is judged; the log has those before it
        question=f"{f'[after {earlier}] ' if said.earlier else ''}{said.question}"[:LONGEST],
        system="\n".join(systems)[:LONGEST],
        answer=answer if len(answer) <= LONGEST else f"{answer[:LONGEST]} …",
        value=known,
        seed=of_seed,
        log=log,
        sample=sample,
        epoch=epoch,
    )
