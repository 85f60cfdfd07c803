"""A finetune in a process of its own, to be killed at a chosen moment.

The processes are forked from one server that has imported torch and TRL once: `start(...)` takes no time.
"""

import multiprocessing
import os
import signal
import sys
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from typing import Any

from inoc_evals.finetune import FinetuneSpec, finetune
from tests.finetune.small import small_rows

TRAINED = 10
"""Exit status of a process that trained; one that found the run finished ends with 0."""

Moment = tuple[str, str] | tuple[str, str, int]
"""An audit event of Python's, and part of one of its arguments: the process dies just before it, or before
the third where a 2 stands behind them."""


def context() -> ForkServerContext:
    """Where the processes come from."""
    server = multiprocessing.get_context("forkserver")
    server.set_forkserver_preload(["inoc_evals.finetune.local", "tests.finetune.processes"])
    return server


def start(spec: FinetuneSpec, runs: Path, kill_at: Moment | None = None) -> ForkServerProcess:
    """Start a finetune named `run` of the small rows."""
    process = context().Process(target=_train, args=(spec.model_dump_json(), runs, kill_at))
    process.start()
    return process


def end(process: ForkServerProcess, seconds: float = 60) -> int:
    """Wait for a process and give its exit status; minus the signal's number if it was killed."""
    process.join(seconds)
    assert process.exitcode is not None, "still at work"
    return process.exitcode


def _train(spec: str, runs: Path, kill_at: Moment | None) -> None:
    trained = False
    passed = 0

    def hook(event: str, args: tuple[Any, ...]) -> None:
        nonlocal trained, passed
        if event not in ("open", "os.rename", "os.remove"):
            return
        names = [str(arg) for arg in args[:2]]
        trained = trained or (event == "open" and any(name.endswith("loss.jsonl") for name in names))
        if kill_at is not None and event == kill_at[0] and any(kill_at[1] in name for name in names):
            if passed == (kill_at[2] if len(kill_at) > 2 else 0):
                os.kill(os.getpid(), signal.SIGKILL)
            passed += 1

    sys.addaudithook(hook)
    finetune(FinetuneSpec.model_validate_json(spec), small_rows(), name="run", runs=runs, progress=False)
    os._exit(TRAINED if trained else 0)
