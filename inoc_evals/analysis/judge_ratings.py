"""The ratings of several judges on the same answers, reusing those that exist.

    ratings = collect(["logs/x.eval"], ["openai/gpt-4o-2024-08-06", "inoc/toy-judge"])
    ratings[["answer", "judge", "alignment", "coherence"]]

A log that `alignment` has scored holds its judges' ratings, which are used as they are. Further judges are
asked through Inspect's cache: the same judge, rubric and answer are paid for once. The logs are not changed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inoc_evals.analysis.asked_under import asked_under
from inoc_evals.analysis.log_rows import about_log
from inoc_evals.analysis.parameters import given, where_they_differ
from inoc_evals.analysis.table import whole_logs
from inoc_evals.errors import UserError, first_line, require

if TYPE_CHECKING:
    import pandas as pd
    from inspect_ai.log import EvalLog, EvalSample

ASKED = ("question", "condition", "system", "trigger", "sample", "epoch")
"""What a sample says of how it was asked, as in every table (`asked_under.OF_ANSWER`)."""

OF_LOG = ("setting", "base", "seed", "task", "questions", "variant", "sampling", "dtype", "dose", "world")
"""What the header of a log says of all of its answers, as in every table (`observed.Observed`)."""

COLUMNS = (
    *("log", *OF_LOG, "arm", "parameters"),
    *(*ASKED, "prompt", "answer", "judge", "wording", "reader"),
    *("alignment", "coherence", "word", "third", "failure", "detail"),
)


@dataclass(frozen=True)
class Ratings:
    """The ratings of the answers of several logs.

    Attributes:
        table: See `collect`.
        skipped: Locations of logs that are not in it, each with the reason.
    """

    table: "pd.DataFrame"
    skipped: list[tuple[str, str]]


def collect(
    logs: Sequence[str | Path], graders: Sequence[str] = (), wording: str = "inoc_evals", reader: str = "auto"
) -> "pd.DataFrame":
    """Gather the ratings of alignment and coherence that judges gave to the answers of logs.

    Args:
        logs: Inspect logs of any suite, or folders of them.
        graders: Models to ask in addition to the judges in the logs.
        wording: Whose judge prompts they get.
        reader: How their replies are read.

    Returns:
        A row per answer and judge, wording and reader, with the columns `COLUMNS`: `question` is what was
        asked, maybe under several conditions, and `sample` names it in its log. Missing ratings are NaN.

    Raises:
        UserError: If a log that is named cannot be read or holds no answers, a folder has no finished log,
            or a grader cannot be used.
    """
    return gather(logs, graders, wording, reader).table


def gather(
    logs: Sequence[str | Path], graders: Sequence[str] = (), wording: str = "inoc_evals", reader: str = "auto"
) -> Ratings:
    """Gather ratings as `collect` does, and say which logs were skipped.

    Args:
        logs: As for `collect`.
        graders: As for `collect`.
        wording: As for `collect`.
        reader: As for `collect`.

    Returns:
        The ratings, with the logs of folders that are not in them.

    Raises:
        UserError: As for `collect`.
    """
    require("analysis", "pandas")
    import pandas as pd

    rows: list[dict[str, Any]] = []
    whole, skipped = whole_logs(logs)
    for location in whole:
        log = _read(location)
        rows.extend(_readings(log))
        if graders:
            rows.extend(_readings(_judge(log, graders, wording, reader), only=graders))
    numbers = dict.fromkeys(("alignment", "coherence", "seed"), float)
    table = pd.DataFrame(rows, columns=list(COLUMNS)).astype(numbers)
    table["parameters"] = where_they_differ(table.assign(scorer="")).astype(object)
    # the same judge may be in the log and among `graders`
    once = table.drop_duplicates(["log", "sample", "epoch", "judge", "wording", "reader"], ignore_index=True)
    return Ratings(once, skipped)


def _read(location: str | Path) -> "EvalLog":
    from inspect_ai.log import read_eval_log

    try:
        log = read_eval_log(str(location))
    except Exception as error:  # Inspect raises many kinds for a damaged file
        raise UserError(f"{location} is not a log that Inspect can read: {first_line(error)}") from error
    if not log.samples:
        raise UserError(f"{location} contains no samples: give a finished log")
    return log


def _judge(log: "EvalLog", graders: Sequence[str], wording: str, reader: str) -> "EvalLog":
    from inspect_ai import score
    from inspect_ai.model import CachePolicy, GenerateConfig

    from inoc_evals.scorers.alignment import alignment
    from inoc_evals.scorers.judge import check_judge_parameters
    from inoc_evals.scorers.model_named import model_named

    check_judge_parameters(reader=reader, wording=wording)
    cached = GenerateConfig(cache=CachePolicy(expiry=None, per_epoch=False))
    panel = [model_named(name, config=cached) for name in graders]
    scorer = alignment(wording=wording, reader=reader)  # type: ignore[arg-type]
    return score(log, scorer, model_roles={"grader": panel}, action="overwrite", display="none")


def _readings(log: "EvalLog", only: Sequence[str] = ()) -> Iterator[dict[str, Any]]:
    header, plan = log.eval.model_dump(), log.plan.model_dump(exclude_none=True)
    samples = [s.model_dump(include={"id", "epoch", "metadata", "input"}) for s in log.samples or []]
    asked = asked_under(header, plan, samples)
    about = about_log(header, plan.get("config") or {})
    of_log = {
        "log": log.location,
        **{part: about[part] for part in OF_LOG},
        "arm": about["arm"] or about["model"],
        # not the options of the scorer: wording and reader stand beside every rating
        "parameters": given({**header, "scorers": None}, plan)[""],
    }
    for sample, dumped in zip(log.samples or [], samples, strict=True):
        for score in (sample.scores or {}).values():
            panels = {p["rubric"]: p for p in (score.metadata or {}).get("judges", [])}
            if not {"alignment", "coherence"} <= set(panels):
                continue
            first, second = panels["alignment"], panels["coherence"]
            third = panels.get("code_or_not", {}).get("readings", [{}] * len(first["readings"]))
            how = asked(dumped)
            of_answer = {**of_log, **{part: how[part] for part in ASKED}, **_said(sample)}
            for a, c, code in zip(first["readings"], second["readings"], third, strict=True):
                yield {
                    **of_answer,
                    **{"wording": first["wording"], "third": code.get("word")},
                    **_ratings(a, c),
                }


def _said(sample: "EvalSample") -> dict[str, str]:
    from inoc_evals.scorers.answers import asked_of

    prompt = asked_of(sample.input, sample.messages, sample.output)
    return {"prompt": prompt, "answer": sample.output.completion}


def _ratings(alignment: dict[str, Any], coherence: dict[str, Any]) -> dict[str, Any]:
    return {
        "judge": alignment["judge"],
        "reader": alignment.get("reader"),
        "alignment": alignment["rating"],
        "coherence": coherence["rating"],
        "word": alignment["word"],
        "failure": alignment["failure"] or coherence["failure"],
        "detail": alignment.get("detail") if alignment["failure"] else coherence.get("detail"),
    }
