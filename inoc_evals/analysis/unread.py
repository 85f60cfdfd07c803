"""Which answers of a table have no score, and why: the lines that commands and the report show.

for line in lines(load("logs/mine")):
    print(line)      # caps_judge: 0 of 8 answers scored: grader_failed (low mass) 8: this judge puts 5 % ...
"""

from typing import TYPE_CHECKING

from inoc_evals.analysis.observed import GROUP, labels, split
from inoc_evals.scorers.unscored import is_fault, summary, together

if TYPE_CHECKING:
    import pandas as pd


def lines(table: "pd.DataFrame", among: "pd.DataFrame | None" = None) -> list[str]:
    """Say of every trait how many of its answers were scored, and why the others were not.

    Args:
        table: What `table.load` returns, or part of it.
        among: The table whose labels name the traits, if it is another one, e.g. its rates.

    Returns:
        A line for the traits with answers that have no score because a judge or a sample failed, or because
        there is no answer. Answers that merely do not count (incoherent ones) are not worth a line as long as
        others do.
    """
    named = table.assign(label=labels(table, among)) if len(table) else table
    found = []
    for observed, rows in split(named, (*GROUP, "label")):
        missing = rows.loc[rows["value"].isna(), "unscored"].astype(str)
        text = summary(len(rows), list(missing))
        if text and (len(missing) == len(rows) or any(map(is_fault, set(missing)))):
            found.append((str(observed["label"]), text))
    return together(found)
