"""Answers, rates and differences as files for other programs: CSV, Parquet, JSONL, Markdown, LaTeX.

    write(answers("logs/mine"), Path("answers.csv"))        # what `inoc-evals import` reads
    write(rates(load("logs/mine")), Path("rates.tex"))      # to paste into a paper

Answers are foreign texts: in CSV a cell that a spreadsheet would take for a formula gets an apostrophe in
front, and in Markdown and LaTeX nothing of it is markup. Parquet and JSONL have everything as it is.
"""

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inoc_evals.analysis.conversations import conversation
from inoc_evals.analysis.imported_logs import PROVIDER
from inoc_evals.analysis.observed import records
from inoc_evals.analysis.table import read
from inoc_evals.data.conditions import of_task
from inoc_evals.errors import UserError, require
from inoc_evals.files import replacing, write_whole, writing

if TYPE_CHECKING:
    import pandas as pd
    from inspect_ai.log import EvalSample

SUFFIXES = (".csv", ".parquet", ".jsonl", ".md", ".tex")

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What the first character of a cell is that a spreadsheet would calculate."""

FOR_READERS = (
    *("setting", "base", "label", "arm", "to", "rate", "difference", "low", "high", "p_holm", "effect"),
    *("n", "asked", "seeds", "unscored", "caution"),
)
"""Columns of rates and differences in Markdown and LaTeX; files for programs have all."""

ALONE = ("setting", "base")
"""Columns that readers need only where they differ."""

MARKUP = str.maketrans(
    {mark: f"\\{mark}" for mark in "\\`*_[]#|~$"} | {"<": "&lt;", ">": "&gt;", "&": "&amp;"}
)


def answers(logs: str | Path, group_by: str = "arm") -> "pd.DataFrame":
    """The answers of logs, one a row, with their texts and scores.

    Args:
        logs: As for `table.load`.
        group_by: As for `table.load`.

    Returns:
        A table with the columns `group`, `seed`, `model`, `setting`, `task`, `question_id`, `id`, `epoch`,
        `condition`, `system`, `question`, `answer` (None where the model gave none), one for each trait, and
        `log`; with `messages`, as JSON, where something was said before the question, which is the one that
        was judged (`conversations.py`), and `unscored` where a score is missing, which says why.
        `inoc-evals import` reads it.

    Raises:
        UserError: If no finished log has scores.
    """
    require("analysis", "pandas")
    import pandas as pd
    from inspect_ai.log import read_eval_log

    table = read(logs, "model" if group_by == "model" else "arm").table
    scorers = table.groupby("trait", observed=True)["scorer"].nunique()
    names = {trait for trait, count in scorers.items() if count > 1}
    rows: dict[tuple[str, str, int], dict[str, Any]] = {}
    for one in records(table):
        key = str(one["log"]), str(one["sample"]), int(one["epoch"])
        row = rows.setdefault(key, _about(one))
        trait = str(one["trait"])
        name = f"{one['scorer']}: {trait}" if trait in names else trait
        row["scores"][name] = one["value"]
        if one["value"] != one["value"]:
            row["unscored"].setdefault(str(one["unscored"]), []).append(name)
    several, some_unscored = False, any(row["unscored"] for row in rows.values())
    for log in dict.fromkeys(log for log, _, _ in rows):
        for sample in read_eval_log(log).samples or []:
            if (found := rows.get((log, str(sample.id), sample.epoch))) is not None:
                found.update(_texts(sample))
                several = several or found["turns"] > 1
    out = []
    for (log, _, _), row in sorted(rows.items(), key=lambda one: one[0][0]):
        scores, messages = row.pop("scores"), row.pop("messages", None)
        reasons = row.pop("unscored")
        unscored = _why(reasons, len(scores)) if some_unscored else {}
        row.pop("turns", None)
        out.append({**row, **({"messages": messages} if several else {}), **scores, **unscored, "log": log})
    return pd.DataFrame(out)


def _about(one: dict[str, Any]) -> dict[str, Any]:
    def text(name: str) -> str | None:
        value = one.get(name)
        return None if value is None or value != value else str(value)

    seed = one["seed"]
    model = (text("model") or "").removeprefix(f"{PROVIDER}/")  # of imported answers
    return {
        **{"group": text("arm"), "seed": None if seed != seed else int(seed), "model": model},
        **{"setting": text("setting"), "task": text("task"), "question_id": text("question")},
        **{"id": text("sample"), "epoch": int(one["epoch"]), "condition": of_task(text("condition"))},
        **{"system": None, "question": None, "answer": None, "scores": {}, "unscored": {}},
    }


def _why(reasons: dict[str, list[str]], scores: int) -> dict[str, str | None]:
    """The column `unscored`: the reason for an answer without scores, with names where others have one."""
    texts = [
        reason if len(names) == scores else f"{', '.join(names)}: {reason}"
        for reason, names in reasons.items()
    ]
    return {"unscored": "; ".join(texts) or None}


def _texts(sample: "EvalSample") -> dict[str, Any]:
    said, answered = conversation(sample), bool(sample.output.choices)
    whole = [*([] if said.system is None else [("system", said.system)]), *said.turns]
    whole += [("assistant", said.answer)] if answered else []
    return {
        **{"system": said.system, "answer": said.answer if answered else None, "turns": len(said.turns)},
        "question": said.question,
        "messages": json.dumps([{"role": role, "content": text} for role, text in whole], ensure_ascii=False),
    }


def write(table: "pd.DataFrame", file: Path) -> int:
    """Write a table; its file appears whole or not at all.

    Args:
        table: Any table of the analysis.
        file: Its suffix says the format; a file that exists is replaced.

    Returns:
        How many cells of a CSV got an apostrophe in front.

    Raises:
        UserError: If the suffix is another, or the file cannot be written.
    """
    suffix, escaped = file.suffix.lower(), 0
    plain = table.astype({n: object for n, kind in table.dtypes.items() if str(kind) == "category"})
    with writing(file, "give another place for it"):
        file.parent.mkdir(parents=True, exist_ok=True)
        if suffix == ".csv":
            text, escaped = as_csv(plain)
            write_whole(file, text.encode())
        elif suffix == ".parquet":
            with replacing(file) as passing:
                plain.to_parquet(passing, index=False)
        elif suffix == ".jsonl":
            write_whole(file, plain.to_json(orient="records", lines=True, force_ascii=False).encode())
        elif suffix in (".md", ".tex"):
            write_whole(file, (as_markdown(table) if suffix == ".md" else as_latex(table)).encode())
        else:
            raise UserError(f"{file}: no format for {suffix!r}: use one of {', '.join(SUFFIXES)}")
    return escaped


def as_csv(table: "pd.DataFrame") -> tuple[str, int]:
    """A table as CSV that no spreadsheet calculates, and how many of its cells have an apostrophe."""
    count = 0

    def safe(cell: Any) -> Any:
        nonlocal count
        if not isinstance(cell, str) or not cell.startswith(FORMULA):
            return cell
        count += 1
        return f"'{cell}"

    cells = table.rename(columns=lambda name: safe(str(name))).map(safe)
    return str(cells.to_csv(index=False, lineterminator="\n")), count


def as_markdown(table: "pd.DataFrame") -> str:
    """A table for readers as Markdown."""
    heads, rows = _for_readers(table)
    lines = [heads, ["---"] * len(heads), *rows]
    escaped = [[cell.translate(MARKUP) if n != 1 else cell for cell in line] for n, line in enumerate(lines)]
    return "".join(f"| {' | '.join(line)} |\n" for line in escaped)


def as_latex(table: "pd.DataFrame") -> str:
    """A table for readers as LaTeX, for the package booktabs."""
    import pandas as pd

    heads, rows = _for_readers(table)
    return str(pd.DataFrame(rows, columns=heads).to_latex(index=False, escape=True))


def _for_readers(table: "pd.DataFrame") -> tuple[list[str], list[list[str]]]:
    columns = [str(name) for name in table.columns]
    if "label" in columns:  # rates or differences
        needed = [
            n for n in FOR_READERS if n in columns and (n not in ALONE or table[n].nunique(dropna=False) > 1)
        ]
        columns = [name for name in needed if name != "caution" or table[name].astype(bool).any()]
    return columns, [[_cell(name, row[name]) for name in columns] for row in records(table)]


def _cell(column: str, value: Any) -> str:
    if value is None or value != value:
        return ""
    if isinstance(value, float):
        return (
            f"{value:.2g}"
            if column in ("p", "p_holm")
            else f"{value:g}"
            if math.isinf(value) or value == int(value)
            else f"{value:.3f}"
        )
    text = " ".join(str(value).split())
    return "".join(one for one in text if one.isprintable())
