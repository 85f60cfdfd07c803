"""A process that ends while its model still answers ends as it was told to, and soon."""

import subprocess
import sys
import time

from tests.real_model import smollm

PROGRAM = """
import asyncio, sys
from inoc_evals.models.batcher import submit
from inoc_evals.models.checkpoint import resolve
from inoc_evals.models.provider_args import ProviderArgs
from inoc_evals.models.request import Request

async def asked():
    requests = [Request(prompt=tuple(range(n + 1, n + 30)), max_tokens=100_000, seed=n) for n in range(32)]
    await submit(resolve(sys.argv[1]), ProviderArgs(device="cpu"), requests)

async def main():
    work = asyncio.create_task(asked())
    await asyncio.sleep({seconds})
    sys.stderr.write("one line\\n")
    sys.exit(3)

asyncio.run(main())
"""


def test_a_process_that_ends_while_its_model_answers_has_its_own_exit_status() -> None:
    for seconds in (1.0, 6.0):  # while the model is loaded, and while it answers
        began = time.monotonic()
        ended = subprocess.run(
            [sys.executable, "-c", PROGRAM.replace("{seconds}", str(seconds)), str(smollm())],
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert ended.returncode == 3, ended.stderr[-2000:]
        assert "terminate called" not in ended.stderr
        assert time.monotonic() - began < 60
