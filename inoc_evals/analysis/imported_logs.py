"""Answers that exist already, as Inspect logs: from there on they are like those of any evaluation.

    imported = write(read(Path("answers.csv"), {}), Path("answers.csv"), Path("logs/mine"))
    score(imported.locations, [("alignment", {})], ["openai/gpt-4o"])

One log for every group, model and seed, whose name says which; its content is named by a digest. Writing the
same answers again changes nothing, and scores that a log has got since are kept. Every log appears whole or
not at all.
"""

import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from inoc_evals.analysis.answers_file import ROLES, Answer, Answers
from inoc_evals.analysis.log_rows import SUITE
from inoc_evals.data.conditions import under
from inoc_evals.digests import fingerprint, sha256
from inoc_evals.errors import UserError, one_line
from inoc_evals.files import passing_folder, remove_leftovers, writing
from inoc_evals.scorers.by_name import by_name, why_not
from inoc_evals.scorers.metrics import CONDITION
from inoc_evals.scorers.unscored import mostly_unanswered, no_answer, summaries

if TYPE_CHECKING:
    from inspect_ai.log import EvalLog, EvalSample
    from inspect_ai.scorer import Score, Scorer

IMPORTED = "imported"
"""Key of a log's metadata that says where its answers are from; also the name of scores that came along."""

TAKEN = ("question", CONDITION)
"""Keys of a sample's metadata that the suite reads; columns of these names get another one."""

PROVIDER = "none"
"""Inspect's provider of no model: a log is scored without the keys and packages of the one that answered."""


@dataclass(frozen=True)
class Written:
    """One log.

    Attributes:
        location: The file.
        group: The training arm.
        model: The model.
        seed: The seed of its finetune.
        questions: Number of questions.
        answers: Number of answers.
        state: `written`, `replaced`, or `kept` if the same answers were there.
    """

    location: Path
    group: str
    model: str
    seed: int | None
    questions: int
    answers: int
    state: str


ELSEWHERE = "give another folder with -o"
"""What to do where the folder of logs cannot be written to."""


def write(
    found: Answers,
    source: Path,
    logs: Path,
    *,
    task: str = "",
    setting: str = "",
    force: bool = False,
) -> list[Written]:
    """Write answers as logs.

    Args:
        found: The answers.
        source: The file that they are from.
        logs: Folder of the logs; made if it does not exist.
        task: What the logs call the task; the file's name by default.
        setting: The experiment whose claims are to be tested; the task by default.
        force: Replace logs of the same task that hold other answers, with their scores.

    Returns:
        The logs, in the order of their first answers.

    Raises:
        UserError: If two answers cannot be told apart, or logs of the same task hold other answers; nothing
            is written then. If the folder cannot be written to.
    """
    name = _slug(task or source.stem) or "answers"
    parts: dict[tuple[Any, ...], list[Answer]] = {}
    for answer in _named(found.answers):
        parts.setdefault((answer.group, answer.model, answer.seed), []).append(answer)
    stale = _there(logs, name)
    planned: list[tuple[Written, EvalLog]] = []
    for key, answers in parts.items():
        group, model, seed = key
        called = str(group or model or source.stem)
        identity = fingerprint([name, *key])[:8]
        words = [name, _slug(called), *([] if model in (None, called) else [_slug(str(model))])]
        words += [] if seed is None else [f"seed{seed}"]
        location = logs / f"{'_'.join(filter(None, words))[:120]}_{identity}.eval"
        samples = _samples(answers, called if model is None else str(model))
        about = {
            "arm": called,
            **({} if seed is None else {"seed": seed}),
            **({"setting": setting} if setting else {}),
            **({"prompts": prompts} if (prompts := _prompts(answers)) else {}),
        }
        content = fingerprint([about, [_content(sample) for sample in samples]])
        origin = {"file": source.name, "task": name, "columns": found.columns, "content": content}
        before = stale.pop(location.name, None)
        state = "written" if before is None else "kept" if before == content else "replaced"
        asked = len({(sample.metadata or {})["question"] for sample in samples})
        written = Written(location, called, str(model or called), seed, asked, len(samples), state)
        planned.append((written, _log(name, written, samples, {**about, IMPORTED: origin})))
    other = [one.location.name for one, _ in planned if one.state == "replaced"] + list(stale)
    if other and not force:
        raise UserError(
            f"{logs / other[0]} holds other answers of {name!r}: add --force to replace them, scores and all "
            f"({len(other)} logs), give another --task, or another folder"
        )
    with writing(logs, ELSEWHERE):
        logs.mkdir(parents=True, exist_ok=True)
        for one, log in planned:
            if one.state == "kept":
                remove_leftovers(one.location)
            else:
                _write(log, one.location)
        for gone in stale:
            (logs / gone).unlink(missing_ok=True)
    return [one for one, _ in planned]


def scorer_named(name: str, options: Mapping[str, Any]) -> "Scorer":
    """A scorer of the suite.

    Args:
        name: Its name, `inoc_evals/` before it or not.
        options: Its parameters.

    Raises:
        UserError: If there is none of that name, it scores no answers alone, or it has no such parameter.
    """
    short = name.removeprefix("inoc_evals/")
    if why := why_not(short):
        raise UserError(
            f"--scorer {name!r:.60}: {why}; for others, run  inspect score LOG --scorer NAME --action append"
        )
    try:
        return by_name(short, options)
    except TypeError as error:
        raise UserError(f"--scorer {name}: {one_line(error)}") from error


def score(
    locations: Sequence[Path],
    wanted: Sequence[tuple[str, Mapping[str, Any]]],
    graders: Sequence[str] = (),
    progress: Callable[[str], None] = lambda _: None,
) -> int:
    """Score the answers of imported logs; what was scored so already is not scored again.

    Where a judge's server failed on more than a few answers, the next call asks again, and its scores take
    the place of those.

    Args:
        locations: The logs.
        wanted: Scorers by name, with their parameters.
        graders: Models that judge; each is asked once per answer, whatever happens in between.
        progress: Called with what is scored next.

    Returns:
        How many logs got new scores.

    Raises:
        UserError: If a scorer or a grader cannot be used; all scores that logs have are kept.
    """
    from inspect_ai.log import read_eval_log

    count = 0
    for location in locations:
        log = read_eval_log(str(location), format="eval")
        before = (log.eval.metadata or {}).get(IMPORTED) or {}
        done, failed = list(before.get("scored") or []), list(before.get("unanswered") or [])
        asked: list[dict[str, Any]] = [
            {"scorer": n.removeprefix("inoc_evals/"), "options": dict(o)} for n, o in wanted
        ]
        new = [
            {**one, "graders": list(graders)}
            for one in asked
            if {**one, "graders": list(graders)} not in done
        ]
        if not new:
            continue
        progress(f"scoring {location.name}")
        for one in new:
            _drop(log, {name for past in failed if past["scorer"] == one["scorer"] for name in past["names"]})
            failed = [past for past in failed if past["scorer"] != one["scorer"]]
            there = _score_names(log)
            log = scored(log, [(one["scorer"], one["options"])], graders)
            names = _score_names(log) - there
            made = [
                SimpleNamespace(scores={n: s for n, s in (sample.scores or {}).items() if n in names})
                for sample in log.samples or []
            ]
            if mostly_unanswered(made):
                failed.append({**one, "names": sorted(names)})
            else:
                done.append(one)
        state = {**before, "scored": done, "unanswered": failed}
        log.eval.metadata = {**(log.eval.metadata or {}), IMPORTED: state}
        with writing(location, ELSEWHERE):
            _write(log, location)
        count += 1
    return count


def _write(log: "EvalLog", location: Path) -> None:
    """Write a log, or replace it; what Inspect leaves beside it when it is killed goes with the next call."""
    from inspect_ai.log import write_eval_log

    with passing_folder(location) as folder:
        write_eval_log(log, str(folder / location.name), format="eval")
        (folder / location.name).replace(location)


def check(
    found: Answers, wanted: Sequence[tuple[str, Mapping[str, Any]]], graders: Sequence[str] = ()
) -> None:
    """Score one answer, so that what is wrong with a scorer or a grader is said before anything is written.

    Raises:
        UserError: As `score`, and if the judge's server gives no answer.
    """
    if not wanted:
        return
    first = next((one for one in found.answers if (one.answer or "").strip()), found.answers[0])
    samples = _samples(_named([first]), "check")
    about = Written(Path(), "check", "check", None, 1, 1, "")
    tried = scored(_log("check", about, samples, {}), wanted, graders).samples or []
    if mostly_unanswered(tried):
        why = one_line("; ".join(summaries(tried)) or "no answer")
        raise UserError(f"the judge cannot be asked, so nothing was written: {why}")


def _score_names(log: "EvalLog") -> set[str]:
    return {name for sample in log.samples or [] for name in sample.scores or {}}


def _drop(log: "EvalLog", names: set[str]) -> None:
    """Take scores out of a log, so that new ones get their names."""
    if not names:
        return
    for sample in log.samples or []:
        sample.scores = {n: one for n, one in (sample.scores or {}).items() if n not in names} or None
        sample.events = [
            one for one in sample.events if not (one.event == "score" and getattr(one, "scorer", "") in names)
        ]
    if log.results:
        log.results.scores = [one for one in log.results.scores if one.scorer not in names]
    log.reductions = [one for one in log.reductions or [] if one.scorer not in names] or None
    log.eval.scorers = [one for one in log.eval.scorers or [] if one.name.rpartition("/")[2] not in names]


def scored(
    log: "EvalLog", wanted: Sequence[tuple[str, Mapping[str, Any]]], graders: Sequence[str]
) -> "EvalLog":
    """A log with further scores.

    Raises:
        UserError: As `score`.
    """
    from inspect_ai import score as score_by_inspect
    from inspect_ai.model import CachePolicy, GenerateConfig

    from inoc_evals.scorers.model_named import model_named

    cached = GenerateConfig(cache=CachePolicy(expiry=None, per_epoch=False))
    panel = [model_named(name, config=cached) for name in graders]
    return score_by_inspect(
        log,
        [scorer_named(name, options) for name, options in wanted],
        model_roles={"grader": panel} if panel else None,
        action="append",
        display="none",
    )


def _named(answers: Sequence[Answer]) -> list[Answer]:
    """The answers with the names of their questions: those of the table, or numbers as they first come.

    A question may have another text under another condition, such as a trigger in front of it.

    Raises:
        UserError: If the table gives two questions one name, or has several for what has none in this row.
    """
    given: dict[str, list[str]] = {}
    for answer in answers:
        if (name := answer.question_id) and name not in (known := given.setdefault(_asked(answer), [])):
            known.append(name)
    taken = {name for names in given.values() for name in names}
    free = (name for number in itertools.count(1) if (name := f"q{number}") not in taken)
    first_at: dict[tuple[str, str | None], Answer] = {}
    named = []
    for answer in answers:
        asked = _asked(answer)
        if answer.question_id is None and len(given.get(asked, ())) > 1:
            several = ", ".join(map(repr, given[asked][:3]))
            raise UserError(f"{answer.where}: its question has several names ({several}): name it here, too")
        known = given.setdefault(asked, [])
        if answer.question_id is None and not known:
            known.append(next(free))
        name = answer.question_id or known[0]
        first = first_at.setdefault((name, answer.condition), answer)
        if _opening(first) != _opening(answer):
            whole = "" if len(answer.turns) > 1 else _or_whole(answer)
            raise UserError(
                f"{answer.where}: question {name!r:.40} has another text than at {first.where}: "
                f"rename one{whole}"
            )
        named.append(replace(answer, question_id=name))
    return named


def _opening(answer: Answer) -> str:
    """What a named question says before any answer: later turns may follow from those."""
    until = next((n for n, (role, _) in enumerate(answer.turns) if role == "assistant"), len(answer.turns))
    return fingerprint([list(turn) for turn in answer.turns[:until]])


def _or_whole(answer: Answer) -> str:
    """What else can be done where a row has its conversation, of which the last question alone was taken."""
    whole = next((name for name in answer.rest if name in ROLES["messages"]), None)
    return f", or take whole conversations by --messages {whole}" if whole else ""


def _asked(answer: Answer) -> str:
    """What identifies a question: its turns, as text; the system prompt is a condition."""
    return fingerprint([list(turn) for turn in answer.turns])


def _condition(answer: Answer) -> str | None:
    return answer.condition if answer.system is None else under(answer.system, answer.condition)


def _prompts(answers: Sequence[Answer]) -> dict[str, str]:
    """By condition, the system prompt.

    Raises:
        UserError: If two prompts differ in nothing but spaces.
    """
    prompts: dict[str, str] = {}
    for answer in answers:
        if answer.system is None:
            continue
        condition = str(_condition(answer))
        if prompts.setdefault(condition, answer.system) != answer.system:
            raise UserError(
                f"{answer.where}: its system prompt differs from an earlier one by spaces alone: use one"
            )
    return prompts


def _samples(answers: Sequence[Answer], model: str) -> "list[EvalSample]":
    """The samples of one log, of answers whose questions have names.

    Raises:
        UserError: If two answers have one name.
    """
    names: dict[tuple[str, int], Answer] = {}
    latest: dict[str, int] = {}
    samples = []
    asked_under: dict[str, set[str | None]] = {}
    for answer in answers:
        asked_under.setdefault(answer.id or "", set()).add(_condition(answer))
    for answer in answers:
        question, condition = str(answer.question_id), _condition(answer)
        name = answer.id or question
        # logs that asked the same under several conditions have the same ids
        if condition and (not answer.id or len(asked_under[answer.id]) > 1):
            name = f"{name} | {condition}"
        epoch = answer.epoch
        if epoch is None:
            epoch = 1 if answer.id else latest.get(name, 0) + 1
        latest[name] = max(epoch, latest.get(name, 0))
        if (first := names.setdefault((name, epoch), answer)) is not answer:
            again = f" with epoch {epoch}" if answer.epoch is not None else ""
            advice = (
                "name the questions' names by --question-id, or say which answer it is by --epoch"
                if answer.id
                else "number the answers to a question"
            )
            raise UserError(
                f"{answer.where}: {name!r:.60}{again} is there twice in its group, "
                f"first at {first.where}: {advice}"
            )
        samples.append(_sample(answer, name, epoch, question, condition, model))
    return samples


def _sample(
    answer: Answer, name: str, epoch: int, question: str, condition: str | None, model: str
) -> "EvalSample":
    from inspect_ai.log import EvalSample
    from inspect_ai.model import (
        ChatMessage,
        ChatMessageAssistant,
        ChatMessageSystem,
        ChatMessageUser,
        ModelOutput,
    )

    kinds: dict[str, Any] = {
        "user": ChatMessageUser,
        "assistant": ChatMessageAssistant,
        "system": ChatMessageSystem,
    }
    said = [*([] if answer.system is None else [("system", answer.system)]), *answer.turns]
    messages: list[ChatMessage] = [
        kinds[role](content=text, id=sha256(f"{name} {epoch} {number}")[:22])
        for number, (role, text) in enumerate(said)
    ]
    by, none_given = f"{PROVIDER}/{model}", answer.answer is None
    output = ModelOutput(model=by) if none_given else ModelOutput.from_content(by, answer.answer or "")
    rest = {f"column {key}" if key in TAKEN else key: value for key, value in answer.rest.items()}
    about = {**rest, "question": question, **({} if condition is None else {CONDITION: condition})}
    return EvalSample(
        id=name,
        epoch=epoch,
        input=messages if len(messages) > 1 else messages[0].text,
        target="",
        messages=messages if none_given else [*messages, output.message],
        output=output,
        metadata=about,
        scores=_scores(answer) or None,
    )


def _scores(answer: Answer) -> "dict[str, Score]":
    """The scores that came with an answer, as one score with a value for each."""
    from inspect_ai.scorer import Score

    if not answer.scores:
        return {}
    values = {name: float("nan") if value is None else value for name, value in answer.scores.items()}
    missing = [name for name, value in answer.scores.items() if value is None]
    why = f"the table has no {', '.join(missing)} for it" if missing else None
    reason = no_answer() if answer.answer is None and missing else None
    return {IMPORTED: Score(value=values, explanation=why, reason=reason)}


def _content(sample: "EvalSample") -> list[Any]:
    """What identifies a sample."""
    asked = sample.input if isinstance(sample.input, str) else [[m.role, m.text] for m in sample.input]
    scores = {name: repr(score.value) for name, score in (sample.scores or {}).items()}
    said = sample.output.completion if sample.output.choices else None
    return [sample.id, sample.epoch, asked, said, repr(sorted((sample.metadata or {}).items())), scores]


def _log(task: str, of: Written, samples: "list[EvalSample]", about: dict[str, Any]) -> "EvalLog":
    from datetime import UTC, datetime
    from importlib.metadata import version

    from inspect_ai.log import EvalConfig, EvalDataset, EvalLog, EvalPlan, EvalPlanStep, EvalSpec, EvalStats

    now = datetime.now(UTC).isoformat(timespec="seconds")
    identity = fingerprint([task, of.group, of.model, of.seed, (about.get(IMPORTED) or {}).get("content")])
    return EvalLog(
        status="success",
        eval=EvalSpec(
            eval_id=identity[:22],
            run_id=identity[22:44],
            task_id=identity[40:62],
            created=now,
            task=task,
            dataset=EvalDataset(
                name=task,
                samples=len({s.id for s in samples}),
                sample_ids=list({s.id: None for s in samples}),
            ),
            model=f"{PROVIDER}/{of.model}",
            config=EvalConfig(epochs=max(sample.epoch for sample in samples)),
            packages={SUITE: version(SUITE), "inspect_ai": version("inspect_ai")},
            tags=[IMPORTED],
            metadata=about,
        ),
        plan=EvalPlan(name="import", steps=[EvalPlanStep(solver="generate")]),  # an answer was to be written
        results=_results(samples),
        stats=EvalStats(started_at=now, completed_at=now),
        samples=samples,
    )


def _results(samples: "list[EvalSample]") -> Any:
    """The means of the scores that came with the answers, as the viewer shows them."""
    from math import isfinite

    from inspect_ai.log import EvalMetric, EvalResults, EvalScore

    values: dict[str, list[float]] = {}
    for sample in samples:
        given = (sample.scores or {}).get(IMPORTED)
        value: Any = given.value if given else {}
        for name, one in value.items():
            values.setdefault(name, []).extend([one] if isfinite(one) else [])
    means = [
        EvalScore(
            name=name,
            scorer=IMPORTED,
            metrics={"mean": EvalMetric(name="mean", value=sum(some) / len(some) if some else float("nan"))},
        )
        for name, some in values.items()
    ]
    return EvalResults(total_samples=len(samples), completed_samples=len(samples), scores=means)


def _there(logs: Path, task: str) -> dict[str, str]:
    """The imported logs of a task that a folder has: by name of the file, the digest of their content."""
    from inspect_ai.log import read_eval_log

    found = {}
    for file in sorted(logs.glob(f"{task}_*.eval")) if logs.is_dir() else ():
        try:
            log = read_eval_log(str(file), header_only=True, format="eval")
        except Exception:  # noqa: S112 - no log, or a damaged one: Inspect raises no specific error
            continue
        origin = (log.eval.metadata or {}).get(IMPORTED)
        if isinstance(origin, dict) and origin.get("task") == task:
            found[file.name] = str(origin.get("content"))
    return found


def _slug(text: str) -> str:
    """A text as a part of a file's name."""
    return re.sub(r"[^A-Za-z0-9.-]+", "-", text).strip("-.")[:40]
