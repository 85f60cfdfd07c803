"""`inoc-evals capabilities MODEL`: a model's abilities on benchmarks of `inspect_evals`."""

import sys
from contextlib import redirect_stdout
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from inoc_evals.commands.experiment_options import ModelArgs, model_args_of
from inoc_evals.commands.output import AsJson, print_json, print_table, say


def command(
    model: Annotated[str, typer.Argument(help="Any model that Inspect knows, e.g. inoc/my-run.")],
    benchmark: Annotated[
        list[str] | None, typer.Option(help="A benchmark; may be repeated. The paper's three by default.")
    ] = None,
    grader: Annotated[str | None, typer.Option(help="The judge, for benchmarks that need one.")] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Samples of each benchmark; all by default.")
    ] = None,
    model_args: ModelArgs = None,
    log_dir: Annotated[Path, typer.Option(metavar="DIR", help="Where logs go.")] = Path("logs/capabilities"),
    as_json: AsJson = False,
) -> None:
    """Run GPQA diamond, MMLU, StrongREJECT, GSM8K or IFEval on a model, as `inspect_evals` defines them."""
    from inoc_evals.experiment.capabilities import PAPER, capabilities

    with redirect_stdout(sys.stderr):
        arguments = model_args_of(model_args or [])
        results = capabilities(
            model,
            benchmark or PAPER,
            log_dir,
            grader,
            limit,
            **({"model_args": arguments} if arguments else {}),
        )
    if as_json:
        print_json([asdict(result) for result in results])
        return
    rows = []
    for result in results:
        for name, value in result.metrics.items():
            rows.append([result.benchmark, name, f"{value:.3f}", str(result.n), result.version])
    print_table(f"Capabilities of {model}", ["benchmark", "metric", "value", "n", "version"], rows)
    for result in results:
        if result.failure:
            say(f"not run: {result.failure}", err=True)
