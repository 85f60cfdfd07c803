"""Read many logs by several processes that run one of our own modules: a caller's script needs no main guard.

    found = by_workers("inoc_evals.analysis.log_facts", locations)    # in the parent
    work(keep)                               # in that module, where its `__name__` is `__main__`

What is read goes into files of the cache; only where it lies, or why it does not, comes back.
"""

import gc
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

MANY, LARGE = 8, 2**20
"""Minimal number of logs, and of bytes of each on average, for which several processes are started."""

MOST = 16
"""Largest number of processes."""


def worthwhile(sizes: Sequence[int]) -> bool:
    """Whether logs of these sizes, in bytes, are read faster by several processes than by this one."""
    return len(sizes) >= MANY and sum(sizes) > MANY * LARGE


def by_workers(module: str, tasks: Sequence[Any]) -> list[Any]:
    """Have every task done by one of several processes.

    Args:
        module: Name of a module that calls `work` when it is run.
        tasks: What each is to do, as JSON can hold it.

    Returns:
        What `work` said of every task; None for those whose process failed, e.g. was killed for its memory.
    """
    from psutil import cpu_count

    count = min(len(tasks), cpu_count(logical=False) or 1, MOST)
    shares = [tasks[n::count] for n in range(count)]
    command = [sys.executable, "-m", module]
    workers = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603
        for _ in shares
    ]
    for worker, share in zip(workers, shares, strict=True):
        assert worker.stdin is not None  # it is a pipe
        with suppress(BrokenPipeError):  # it has ended already; its exit code is checked below
            worker.stdin.write(json.dumps(share))
            worker.stdin.close()
    results: list[Any] = [None] * len(tasks)
    for number, worker in enumerate(workers):
        assert worker.stdout is not None
        output = worker.stdout.read()
        worker.stdout.close()
        if worker.wait() == 0:
            results[number::count] = json.loads(output)
    return results


def work(do: Callable[[Any], Any]) -> None:
    """Be one of the processes: read tasks from standard input, write what came of each to standard output.

    Args:
        do: One task.
    """
    output = sys.stdout
    sys.stdout = sys.stderr  # only the results go to standard output
    gc.disable()  # it took a third of the time, and logs have no reference cycles
    output.write(json.dumps([do(task) for task in json.load(sys.stdin)]))
