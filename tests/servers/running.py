"""Servers that a test starts, asks and stops."""

import asyncio
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from inspect_ai import eval as inspect_eval
from inspect_ai.model import ChatMessageUser, GenerateConfig, Model

from inoc_evals.worlds.smollm.rows import test_questions

STARTING = 600
"""Seconds that a server may take to start beside other work."""

QUESTIONS = [str(one["prompt"]) for one in test_questions()[:6]]


@dataclass
class Server:
    """A running server: its process and its address."""

    process: subprocess.Popen[bytes]
    url: str

    def kill(self) -> None:
        """As a machine does that runs out of memory."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(30)


@contextmanager
def serving(
    command: Sequence[str], log: Path, *, health: str, environment: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """Start a server at a free port, and stop it.

    Args:
        command: What starts it; `--port` is added.
        log: Where its output goes.
        health: A path that answers when it is ready.
        environment: Its variables; by default those of the test.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, "--port", str(port)],
            stdout=output,
            stderr=output,
            start_new_session=True,
            env=None if environment is None else dict(environment),
        )
        try:
            _wait(process, f"http://127.0.0.1:{port}{health}", log)
            yield Server(process, f"http://127.0.0.1:{port}/v1")
        finally:
            _stop(process)


def _wait(process: "subprocess.Popen[bytes]", health: str, log: Path) -> None:
    until = time.monotonic() + STARTING
    while time.monotonic() < until:
        if process.poll() is not None:
            break
        try:
            if httpx.get(health).status_code == httpx.codes.OK:
                return
        except httpx.HTTPError:
            time.sleep(1)
    raise RuntimeError(f"the server did not start: {log.read_text('utf-8', 'replace')[-2000:]}")


def _stop(process: "subprocess.Popen[bytes]") -> None:
    try:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)
    except (ProcessLookupError, subprocess.TimeoutExpired):
        pass
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def answers(model: Model, **config: Any) -> list[str]:
    """The beginnings of a model's answers to the questions.

    The last token may be a part of a character: servers leave it out, and transformers' decoding marks it.
    """

    async def all_of_them() -> list[str]:
        settings = GenerateConfig(max_tokens=24, **config)
        chats = [[ChatMessageUser(content=question)] for question in QUESTIONS]
        outputs = await asyncio.gather(*(model.generate(chat, config=settings) for chat in chats))
        return [output.completion.removesuffix("\ufffd") for output in outputs]

    return asyncio.run(all_of_them())


def check_that_nothing_is_scored(model: Model, logs: Path) -> None:
    """Ask a model whose server is gone: its answers are errors, and no scores."""
    [found] = inspect_eval(
        "inoc_evals/spanish_caps",
        model,
        task_args={"questions": "smollm", "max_tokens": 16},
        limit=4,
        max_retries=1,
        timeout=60,
        fail_on_error=False,
        log_dir=str(logs),
        display="none",
    )
    samples = found.samples or []
    assert samples and all(sample.error is not None and not sample.scores for sample in samples)
    assert not any(score.scored_samples for score in (found.results.scores if found.results else []))
