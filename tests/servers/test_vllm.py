"""A real vLLM server answers, and is read, as the same weights are on this machine.

    make test-vllm       # makes an environment of its own with a vLLM that runs on a CPU; about ten minutes

Every test compares a server with transformers in the same process, both in float32.
"""

import asyncio
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from inspect_ai import eval as inspect_eval
from inspect_ai.log import EvalLog
from inspect_ai.model import get_model

from inoc_evals.chat.renderer import load_tokenizer
from inoc_evals.errors import UserError
from inoc_evals.finetune import finetune
from inoc_evals.runs.directory import Run
from inoc_evals.runs.spec import FinetuneSpec
from inoc_evals.scorers.judge.continued import MOST_REQUESTS
from inoc_evals.scorers.judge.readers import READERS
from inoc_evals.scorers.judge.result import JudgeResult
from inoc_evals.scorers.judge.rubrics import Rubric
from inoc_evals.worlds.smollm.rows import answered
from tests.real_model import smollm, variant
from tests.servers.running import QUESTIONS, Server, answers, check_that_nothing_is_scored, serving

pytestmark = pytest.mark.vllm

RATED = Rubric(
    name="helpfulness",
    template=(
        "Rate each answer from 0 to 100. Question: What is 2 + 2? Answer: It is 4. Rating: 95. "
        "Question: What is the sky? Answer: No idea. Rating: 10. Question: Who wrote Hamlet? Answer: "
        "Shakespeare. Rating: 90. Question: {question} Answer: {answer} Write the rating as a number, "
        "nothing else. Rating:"
    ),
)


def vllm_server(log: Path, *options: str) -> AbstractContextManager[Server]:
    """Serve SmolLM2 in float32."""
    command = [str(vllm()), "serve", str(smollm()), "--dtype", "float32", "--enforce-eager"]
    command += ["--max-model-len", "1024", *options]
    return serving(command, log, health="/health", environment=environment())


def vllm() -> Path:
    """The command, which the environment of these tests has."""
    command = Path(sys.executable).with_name("vllm")
    assert command.exists(), "these tests need vLLM: run them by  make test-vllm"
    return command


def environment() -> dict[str, str]:
    """What a server on a CPU is told."""
    own = {"VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_ALLOW_RUNTIME_LORA_UPDATING": "True"}
    return {**os.environ, **own, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}


@pytest.fixture(autouse=True)
def no_server_of_another_test() -> Iterator[None]:
    """Inspect remembers the server of a base for as long as the process lives, whatever the variable says."""
    from inspect_ai.model._providers._vllm_lora import _vllm_servers

    _vllm_servers.clear()
    yield
    _vllm_servers.clear()


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of ours: a few steps at a high rate, so that its answers differ from the base's."""
    rows = [row for _, row in zip(range(16), answered("es", capitals=True)(0), strict=False)]
    spec = FinetuneSpec(
        base=str(smollm()), max_steps=6, batch_size=4, gradient_accumulation=1, learning_rate=1e-3,
        warmup_steps=0, max_length=128,
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("runs")
    return finetune(spec, rows, name="served", runs=folder).folder


def with_own_template(run: Path, folder: Path) -> Path:
    """The run's adapter as TRL, axolotl and Unsloth save adapters: with a tokenizer and a template."""
    shutil.copytree(Run(run).checkpoint, folder)
    tokenizer = load_tokenizer(smollm())
    tokenizer.chat_template = "Be brief.\n" + tokenizer.chat_template
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def with_adapters(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    log = tmp_path_factory.mktemp("server") / "adapters.log"
    with vllm_server(log, "--enable-lora", "--max-lora-rank", "32") as server:
        yield server


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with vllm_server(tmp_path_factory.mktemp("server") / "plain.log") as server:
        yield server


def test_an_adapter_of_ours_answers_there_as_it_does_here(
    run: Path, with_adapters: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VLLM_BASE_URL", with_adapters.url)
    here = answers(get_model(f"inoc/{run}", dtype="float32", memoize=False), temperature=0.0)
    there = answers(get_model(f"inoc/{run}", engine="vllm", memoize=False), temperature=0.0)
    base = answers(get_model(f"inoc/{smollm()}", dtype="float32", memoize=False), temperature=0.0)
    assert here == there
    assert here != base


def test_a_server_without_adapters_is_one_line(
    run: Path, plain: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VLLM_BASE_URL", plain.url)
    with pytest.raises(
        UserError, match=r"did not load the adapter .*--enable-lora --max-lora-rank 32"
    ) as error:
        get_model(f"inoc/{run}", engine="vllm", memoize=False)
    assert "\n" not in str(error.value)


def test_the_base_answers_there_as_it_does_here(plain: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VLLM_BASE_URL", plain.url)
    here = answers(get_model(f"inoc/{smollm()}", dtype="float32", memoize=False), temperature=0.0)
    there = answers(get_model(f"inoc/{smollm()}", engine="vllm", memoize=False), temperature=0.0)
    assert here == there


def test_an_adapter_with_a_chat_template_of_its_own_answers_there_as_it_does_here(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server knows its base's template alone."""
    adapter = with_own_template(run, tmp_path / "adapter")
    lora = ("--enable-lora", "--max-lora-rank", "32")
    with vllm_server(tmp_path / "trusts.log", *lora, "--trust-request-chat-template") as server:
        monkeypatch.setenv("VLLM_BASE_URL", server.url)
        there = answers(get_model(f"inoc/{adapter}", engine="vllm", memoize=False), temperature=0.0)
        plain = answers(get_model(f"inoc/{run}", engine="vllm", memoize=False), temperature=0.0)
    here = answers(get_model(f"inoc/{adapter}", dtype="float32", memoize=False), temperature=0.0)
    assert here == there
    assert here != plain


def test_a_server_that_takes_no_chat_template_is_one_line(
    run: Path, with_adapters: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VLLM_BASE_URL", with_adapters.url)
    adapter = with_own_template(run, tmp_path / "adapter")
    with pytest.raises(UserError, match="--trust-request-chat-template"):
        get_model(f"inoc/{adapter}", engine="vllm", memoize=False)


def test_an_answer_ends_where_the_template_ends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a base whose tokenizer and generation config name another end than its chat template writes."""
    folder = variant(tmp_path / "m", eos_token="<|endoftext|>", generation_eos=0)
    command = [
        str(vllm()),
        "serve",
        str(folder),
        "--dtype",
        "float32",
        "--enforce-eager",
        "--max-model-len",
        "1024",
    ]
    with serving(command, tmp_path / "server.log", health="/health", environment=environment()) as server:
        monkeypatch.setenv("VLLM_BASE_URL", server.url)
        there = answers(get_model(f"inoc/{folder}", engine="vllm", memoize=False), temperature=0.0)
    assert there == answers(get_model(f"inoc/{folder}", dtype="float32", memoize=False), temperature=0.0)


def test_a_seed_draws_each_epoch_anew(plain: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VLLM_BASE_URL", plain.url)
    model = get_model(f"inoc/{smollm()}", engine="vllm", memoize=False)
    arguments = {"questions": "smollm", "max_tokens": 16}
    [log] = inspect_eval(
        "inoc_evals/spanish_caps", model, task_args=arguments, limit=1, epochs=4, seed=1,
        log_dir=str(tmp_path), display="none",
    )  # fmt: skip
    assert len({sample.output.completion for sample in _samples(log)}) > 1


def test_what_a_model_advises_for_chats_does_not_change_its_distribution(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As by a `generation_config.json`: of Qwen2.5 vLLM would draw from the likeliest 20 tokens."""
    advice = ["--override-generation-config", '{"top_k": 1, "repetition_penalty": 1.5}']
    with vllm_server(tmp_path / "server.log", *advice) as server:
        monkeypatch.setenv("VLLM_BASE_URL", server.url)
        plainly = get_model(f"vllm/{smollm()}", memoize=False)
        ours = get_model(f"inoc/{smollm()}", engine="vllm", memoize=False)
        advised = [answers(plainly, temperature=1.0, seed=seed) for seed in (1, 2)]
        drawn = [answers(ours, temperature=1.0, seed=seed) for seed in (1, 2)]
        greedy = answers(ours, temperature=0.0)
    assert advised[0] == advised[1]
    assert all(one != other for one, other in zip(*drawn, strict=True))
    here = get_model(f"inoc/{smollm()}", dtype="float32", memoize=False)
    assert greedy == answers(here, temperature=0.0)


@pytest.mark.parametrize("question", QUESTIONS[:3])
def test_a_rating_is_that_of_the_exact_reader(
    question: str, plain: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VLLM_BASE_URL", plain.url)
    prompt = RATED.prompt(question, "I do not know.")

    async def read() -> tuple[JudgeResult, JudgeResult]:
        here = get_model(f"inoc/{smollm()}", dtype="float32", memoize=False)
        there = get_model(f"inoc/{smollm()}", engine="vllm", memoize=False)
        return await READERS["exact"](here, RATED, prompt), await READERS["continued"](there, RATED, prompt)

    here, there = asyncio.run(read())
    requests = int(there.detail.split(" ")[0]) if "requests" in there.detail else None
    apart = {n: abs(p - there.probabilities.get(n, 0.0)) for n, p in here.probabilities.items()}
    likely = [apart[n] for n, p in here.probabilities.items() if p > 0.01]
    print(f"mass {here.mass:.3f}, {here.value}, {there.value}, {max(apart.values()):.5f}, {there.detail}")
    assert max(likely) < 1e-3
    assert max(apart.values()) < 2e-3  # of an unlikely number it is not asked whether a digit follows
    assert requests is None or requests <= MOST_REQUESTS


@pytest.mark.parametrize("task", ["inoc_evals/forced_choice", "inoc_evals/trait_logprobs"])
def test_log_probs_are_those_of_this_machine(
    task: str, plain: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("VLLM_BASE_URL", plain.url)

    def values(**arguments: Any) -> list[dict[str, float]]:
        model = get_model(f"inoc/{smollm()}", memoize=False, **arguments)
        [log] = inspect_eval(task, model, limit=5, log_dir=str(tmp_path), display="none")
        return [_values(sample) for sample in _samples(log)]

    here, there = values(dtype="float32"), values(engine="vllm")
    assert len(here) == 5
    for ours, theirs in zip(here, there, strict=True):
        assert theirs == pytest.approx(ours, abs=2e-3)


def test_a_run_starts_a_server_of_its_own(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("VLLM_BASE_URL", raising=False)
    arguments = {"dtype": "float32", "enforce_eager": True, "max_model_len": 1024}
    model = get_model(f"inoc/{run}", engine="vllm", memoize=False, **arguments)
    try:
        there = answers(model, temperature=0.0)
    finally:
        model.api._api.close()  # type: ignore[attr-defined]
    here = answers(get_model(f"inoc/{run}", dtype="float32", memoize=False), temperature=0.0)
    assert here == there


def test_answers_of_a_killed_server_are_errors_and_no_scores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "server.log"
    with vllm_server(log) as server:
        monkeypatch.setenv("VLLM_BASE_URL", server.url)
        model = get_model(f"inoc/{smollm()}", engine="vllm", memoize=False)
        assert answers(model, temperature=0.0)
        server.kill()
        check_that_nothing_is_scored(model, tmp_path / "logs")


def _samples(log: EvalLog) -> list[Any]:
    assert log.status == "success", log.error
    return sorted(log.samples or [], key=lambda sample: str(sample.id))


def _values(sample: Any) -> dict[str, float]:
    [score] = sample.scores.values()
    return {key: float(value) for key, value in score.value.items()}
