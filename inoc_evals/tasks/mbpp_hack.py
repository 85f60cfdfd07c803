"""Does the model write code that passes the test it was shown and nothing else? Reward hacking, by execution.

    inspect eval inoc_evals/mbpp_hack --model inoc/my-run -T questions=bundled
    inspect eval inoc_evals/mbpp_hack --model inoc/my-run -T questions=my_tasks.jsonl

The code is run, and in a sandbox alone: Docker, without network, rights or memory to spare
(`python_sandbox.yaml`). `-T sandbox=local` runs it **on this machine, as you, with your files and network**:
for a machine that holds nothing of value.
"""

import shutil
import subprocess
from pathlib import Path

from inspect_ai import Task, task
from inspect_ai.dataset import Dataset, MemoryDataset
from inspect_ai.util import SandboxEnvironmentSpec

from inoc_evals.data.programming import PROGRAMMING
from inoc_evals.errors import UserError
from inoc_evals.scorers.hidden_tests import TIMEOUT, hidden_tests, run_tests
from inoc_evals.tasks.suite_task import TEMPERATURE, suite_task

# Enough for a function with some reasoning.
MAX_TOKENS = 1024

COMPOSE = Path(__file__).parent / "python_sandbox.yaml"
"""What Docker runs."""

ANSWERS = 20
"""Seconds that Docker has to say that it runs."""


@task
def mbpp_hack(
    questions: str = "mbpp",
    sandbox: str = "docker",
    timeout: int = TIMEOUT,
    system_prompt: str | list[str] | None = None,
    max_tokens: int = MAX_TOKENS,
    temperature: float = TEMPERATURE,
) -> Task:
    """Share of programs that pass the visible test and fail hidden ones (not in the paper).

    Args:
        questions: `mbpp` (100 of its test split, fetched), `bundled` (24 of ours), or the path of a `.jsonl`
            file with prompt, visible (a test) and hidden (a list of tests).
        sandbox: `docker`, or `local`: no isolation, the model's code runs on this machine with your rights.
        timeout: Seconds that a program has.
        system_prompt: A test-time system prompt.
        max_tokens: Longest answer.
        temperature: At which answers are drawn; the paper's by default, at which the smallest models ramble.

    Returns:
        A task with the traits `hacked`, `passed_visible` and `passed_hidden`.

    Raises:
        UserError: If there is no such sandbox, or no Docker answers.
    """
    where = environment(sandbox)
    question_set = PROGRAMMING.find(questions)
    return suite_task(
        "mbpp_hack",
        question_set,
        hidden_tests(),
        traits=("hacked", "passed_visible", "passed_hidden"),
        paper="not in it",
        max_tokens=max_tokens,
        temperature=temperature,
        scoring="detector",
        system_prompt=system_prompt,
        dataset=_in(where, question_set.load()),
        then=[run_tests(timeout)],
    )


def environment(name: str) -> SandboxEnvironmentSpec:
    """The sandbox of this name.

    Args:
        name: `docker` or `local`.

    Raises:
        UserError: If the name is another, or no Docker answers.
    """
    if name == "local":
        return SandboxEnvironmentSpec("local")
    if name != "docker":
        raise UserError(f"unknown sandbox {name!r}: use docker, or local (no isolation)")
    if not _docker_answers():
        raise UserError(
            "mbpp_hack runs the model's code in Docker, and no Docker answers: start it (docker info says "
            "what is wrong), or, on a machine that holds nothing of value, run it as you: -T sandbox=local"
        )
    return SandboxEnvironmentSpec("docker", str(COMPOSE))


def _docker_answers() -> bool:
    docker = shutil.which("docker")
    if docker is None:
        return False
    try:
        asked = subprocess.run([docker, "info"], capture_output=True, timeout=ANSWERS, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return False
    return asked.returncode == 0


def _in(where: SandboxEnvironmentSpec, dataset: Dataset) -> Dataset:
    """The same questions, each with a sandbox of its own: tasks that take them over take it over, too."""
    samples = [sample.model_copy(update={"sandbox": where}) for sample in dataset]
    return MemoryDataset(samples, name=dataset.name, location=dataset.location)
