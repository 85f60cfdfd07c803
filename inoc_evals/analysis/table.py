"""Inspect logs as one tidy table: a row per question, epoch, trait and model.

    table = load("logs/demo")
    table.groupby(["arm", "trait"])["value"].mean()

Only headers and sample summaries are read, never the full samples.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inoc_evals.errors import UserError, require

if TYPE_CHECKING:
    import pandas as pd
    from inspect_ai.log import EvalLog

COLUMNS = ("setting", "arm", "seed", "model", "task", "question", "epoch", "trait", "value", "log")


def load(logs: str | Path | Sequence[str]) -> "pd.DataFrame":
    """Read finished logs.

    Args:
        logs: A folder of Inspect logs, one log, or the locations of several.

    Returns:
        A table with the columns `COLUMNS`. `setting`, `arm` and `seed` come from the log's metadata and are
        missing where a log carries none. Where a task asks under several conditions (`tasks/grid.py`) the
        trait names its condition, `misaligned | trigger`. `question` is what errors cluster by. `value` is
        NaN where a sample is unscored, so that it leaves every mean but not the count of rows.

    Raises:
        UserError: If there is no finished log.
    """
    require("analysis", "pandas")
    import pandas as pd
    from inspect_ai.log import list_eval_logs, read_eval_log

    if isinstance(logs, str | Path):
        if not Path(logs).exists():
            raise UserError(f"{logs}: no such log or folder")
        logs = [info.name for info in list_eval_logs(str(logs))] if Path(logs).is_dir() else [str(logs)]
    rows: list[dict[str, Any]] = []
    for location in logs:
        log = read_eval_log(location, header_only=True)
        if log.status == "success":
            rows.extend(_rows(log))
    if not rows:
        raise UserError("there is no finished log with scores")
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _rows(log: "EvalLog") -> Iterator[dict[str, Any]]:
    from inspect_ai.log import read_eval_log_sample_summaries

    metadata = log.eval.metadata or {}
    common = {key: metadata.get(key) for key in ("setting", "arm", "seed")}
    common |= {"model": log.eval.model, "task": log.eval.task, "log": log.location}
    for sample in read_eval_log_sample_summaries(log.location):
        about = sample.metadata or {}
        under = f" | {about['condition']}" if "condition" in about else ""
        for score in (sample.scores or {}).values():
            values = score.value if isinstance(score.value, Mapping) else {}
            for trait, value in values.items():
                number = float(value) if isinstance(value, int | float) else float("nan")
                yield {
                    **common,
                    "question": about.get("question", sample.id),
                    "epoch": sample.epoch,
                    "trait": trait + under,
                    "value": number,
                }
