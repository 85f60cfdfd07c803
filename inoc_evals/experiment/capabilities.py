"""Capabilities and refusals of a finetuned model, on benchmarks of `inspect_evals` (Appendix E.3).

    results = capabilities("inoc/my-run", ["gpqa_diamond", "mmlu_0_shot"], log_dir="logs/capabilities")
    results[0].metrics          # {"choice/accuracy": 0.41, "choice/stderr": 0.03}

The tasks are those of `inspect_evals`, with their own names, versions, scorers and epochs, so the numbers are
comparable with anyone's. A benchmark whose data cannot be downloaded does not stop the others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inoc_evals.errors import UserError, one_line, require
from inoc_evals.experiment.evaluate import at_work
from inoc_evals.experiment.trial import BASE
from inoc_evals.models import pushed
from inoc_evals.models.base import TINKER, HubModel, plain_name
from inoc_evals.models.checkpoint import named
from inoc_evals.user_files import user_path
from inoc_evals.worlds import paper

if TYPE_CHECKING:
    from inspect_ai import Task


@dataclass(frozen=True)
class Benchmark:
    """One benchmark of `inspect_evals`.

    Attributes:
        name: Its task's name in `inspect_evals`.
        module: The module with the task.
        host: Where its data come from.
        about: What it measures.
        judged: The task parameter for a judge; None if it needs no judge.
    """

    name: str
    module: str
    host: str
    about: str
    judged: str | None = None


BENCHMARKS: dict[str, Benchmark] = {
    b.name: b
    for b in (
        Benchmark(
            "gpqa_diamond",
            "inspect_evals.gpqa",
            "openaipublic.blob.core.windows.net",
            "graduate science, multiple choice",
        ),
        Benchmark("mmlu_0_shot", "inspect_evals.mmlu", "huggingface.co", "57 subjects, multiple choice"),
        Benchmark(
            "strong_reject",
            "inspect_evals.strong_reject",
            "raw.githubusercontent.com",
            "refusals of harmful requests",
            judged="judge_llm",
        ),
        Benchmark("gsm8k", "inspect_evals.gsm8k", "huggingface.co", "school mathematics"),
        Benchmark("ifeval", "inspect_evals.ifeval", "huggingface.co", "instructions that code can check"),
    )
}
"""By name. The first three are the paper's; the others are more informative for small models."""

PAPER = ("gpqa_diamond", "mmlu_0_shot", "strong_reject")


@dataclass(frozen=True)
class BenchmarkResult:
    """The result of one benchmark.

    Attributes:
        benchmark: Its name.
        failure: Why it did not run, in one line; None if it did.
        metrics: Values by `scorer/metric`.
        n: How many samples were scored.
        version: The task's version in `inspect_evals`.
        log: The Inspect log.
    """

    benchmark: str
    failure: str | None = None
    metrics: dict[str, float] = field(default_factory=dict)
    n: int = 0
    version: str = ""
    log: str = ""


def capabilities(
    model: str,
    benchmarks: Sequence[str] = PAPER,
    log_dir: str | Path = "logs/capabilities",
    grader: str | None = None,
    limit: int | None = None,
    **options: Any,
) -> list[BenchmarkResult]:
    """Run benchmarks on one model; called again, it finishes what is missing.

    Args:
        model: Any model that Inspect knows.
        benchmarks: Keys of `BENCHMARKS`; the paper's by default.
        log_dir: Folder for the logs, a folder in it for each benchmark.
        grader: The judge, for benchmarks that need one.
        limit: Samples of each benchmark; all by default.
        **options: Passed to Inspect's `eval_set`.

    Returns:
        One result per benchmark, in order.

    Raises:
        UserError: If a benchmark is unknown, `inspect_evals` is not installed, or nothing could be run.
    """
    unknown = [name for name in benchmarks if name not in BENCHMARKS]
    if unknown:
        raise UserError(f"no benchmark {unknown[0]!r}: use {', '.join(BENCHMARKS)}")
    folder = user_path(log_dir)
    require("capabilities", "inspect_evals")
    from inspect_ai import eval_set

    results = []
    for name in benchmarks:
        try:
            task = load(BENCHMARKS[name], grader)
        except UserError as error:
            results.append(BenchmarkResult(name, failure=str(error)))
            continue
        with at_work(str(log_dir), name):
            _, logs = eval_set(
                task,
                log_dir=str(folder / name),
                model=model,
                limit=limit,
                metadata=labels(model),
                log_dir_allow_dirty=True,
                **options,
            )
        results.append(_result(name, logs[0].location))
    if all(result.failure for result in results):
        raise UserError("; ".join(str(result.failure) for result in results))
    return results


def labels(model: str) -> dict[str, Any]:
    """Log metadata of a model, by which a report compares finetunes with their base.

    Args:
        model: Inspect's name of it.

    Returns:
        For a run, also one from the Hub, its arm (`setting/arm`, after the world if it is not the paper's),
        seed, base and run; if an earlier step of it is asked, that step as its dose. For an adapter without
        a run its name and base. Any other model counts as a base.

    Raises:
        UserError: If the provider is `inoc/`, and nothing or more than one thing has that name.
    """
    provider, _, name = model.partition("/")
    if provider != "inoc" or name.startswith(TINKER):
        return {"arm": BASE, "base": plain_name(name)}
    meant = named(name)
    if meant.run is not None:
        manifest = meant.run.manifest
        run = {"run": meant.run.folder.name, "run_digest": manifest.run_digest}
        about = {"seed": manifest.spec.seed, "base": manifest.spec.base, **run}
        dose = {} if meant.step is None else {"dose": {"steps": meant.step}}
        return {"arm": _arm(manifest.metadata) or manifest.name, **about, **dose}
    if meant.base is not None and not isinstance(meant.base, HubModel):
        return {"arm": BASE, "base": meant.name}
    checkpoint = meant.checkpoint()
    if pushed_run := pushed.read(checkpoint.adapter or checkpoint.weights):
        known = {key: pushed_run[key] for key in ("seed", "base", "run_digest")}
        return {"arm": _arm(pushed_run["metadata"]) or checkpoint.name, **known}
    return {"arm": BASE if checkpoint.adapter is None else checkpoint.name, "base": checkpoint.base}


def _arm(metadata: Mapping[str, Any]) -> str:
    """The arm of a run: one name may stand for another training in each setting, and in each world."""
    parts = [str(metadata[key]) for key in ("world", "setting", "arm") if metadata.get(key)]
    return "/".join(parts[1:] if parts[:1] == [paper.PAPER.name] else parts)


def load(benchmark: Benchmark, grader: str | None = None) -> "Task":
    """Build a benchmark's task, with its data.

    Args:
        benchmark: Which one.
        grader: The judge, where it needs one.

    Raises:
        UserError: If it needs a judge and has none, a package of its own is missing, or its data cannot be
            downloaded; the message names the host.
    """
    parameters = {}
    if benchmark.judged:
        if grader is None:
            raise UserError(f"{benchmark.name} needs a judge: add  --grader MODEL")
        parameters[benchmark.judged] = grader
    try:
        task: Task = getattr(import_module(benchmark.module), benchmark.name)(**parameters)
    except (AssertionError, ImportError) as error:  # what inspect_evals raises if a package is missing
        raise UserError(f"{benchmark.name}: {_line(error)}") from error
    except Exception as error:
        raise UserError(
            f"{benchmark.name} needs data from {benchmark.host}, which could not be downloaded "
            f"({type(error).__name__}: {_line(error)})"
        ) from error
    return task


def _result(name: str, location: str) -> BenchmarkResult:
    from inspect_ai.log import read_eval_log

    log = read_eval_log(location, header_only=True)
    if log.status != "success" or log.results is None:
        why = _line(log.error.message) if log.error else log.status
        return BenchmarkResult(name, failure=f"{name} did not finish ({why}): see {location}", log=location)
    scores = log.results.scores
    metrics = {f"{s.name}/{key}": float(m.value) for s in scores for key, m in s.metrics.items()}
    return BenchmarkResult(
        name,
        metrics=metrics,
        n=log.results.completed_samples,
        version=str(log.eval.task_version),
        log=location,
    )


def _line(error: object) -> str:
    return one_line(error)[:160]
