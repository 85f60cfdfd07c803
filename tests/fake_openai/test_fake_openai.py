"""The loopback server, by the real client through Inspect's own provider."""

import asyncio
from typing import Any

import pytest
from inspect_ai.model import GenerateConfig, ModelOutput

from inoc_evals.scorers.judge.reader_choice import reader_for
from tests.fake_openai import FakeOpenAI, Faults, Reply, Request, distribution, reply
from tests.fake_openai.server import Fault

JUDGED = {"85": 0.7, "90": 0.2, "REFUSAL": 0.05}


def ask(server: FakeOpenAI, count: int, **config: Any) -> list[ModelOutput | BaseException]:
    async def run() -> list[ModelOutput | BaseException]:
        model = server.model()
        settings = GenerateConfig(temperature=0.0, max_tokens=16, **config)
        asked = (model.generate(f"question {i}", config=settings) for i in range(count))
        return list(await asyncio.gather(*asked, return_exceptions=True))

    return asyncio.run(run())


def first_tokens(output: ModelOutput | BaseException) -> dict[str, float]:
    assert isinstance(output, ModelOutput)
    logprobs = output.choices[0].logprobs
    assert logprobs is not None and logprobs.content[0].top_logprobs is not None
    return {top.token: round(2.718281828459045**top.logprob, 6) for top in logprobs.content[0].top_logprobs}


@pytest.mark.parametrize(
    ("digits", "first"),
    [(False, {"85": 0.7, "90": 0.2, "REFUSAL": 0.05}), (True, {"8": 0.7, "9": 0.2, "REFUSAL": 0.05})],
)
def test_log_probs_of_both_kinds_of_tokenizer_arrive_as_sent(digits: bool, first: dict[str, float]) -> None:
    with FakeOpenAI(lambda request: distribution(JUDGED, digits)) as server:
        output = ask(server, 1, logprobs=True, top_logprobs=20)[0]
    assert first_tokens(output) == pytest.approx(first, abs=1e-5)
    assert isinstance(output, ModelOutput) and output.completion == "85"


@pytest.mark.parametrize(("digits", "reader"), [(False, "token"), (True, "sampled")])
def test_the_probe_tells_the_tokenizers_apart(digits: bool, reader: str) -> None:
    with FakeOpenAI(lambda request: distribution({"85": 0.99}, digits)) as server:
        assert asyncio.run(reader_for(server.model(), "auto")) == reader
        assert len(server.requests) == 1


@pytest.mark.parametrize("kind", ["429", "500", "timeout"])
def test_the_client_tries_again_after_an_error_of_the_api(kind: Fault) -> None:
    with FakeOpenAI(lambda request: reply("fine"), Faults(0.3, (kind,))) as server:
        outputs = ask(server, 10)
        assert server.faults_served[kind] >= 2 and len(server.requests) == 10 + server.faults_served[kind]
    assert all(isinstance(output, ModelOutput) and output.completion == "fine" for output in outputs)


def test_a_response_that_is_cut_off_is_an_error_that_nobody_retries() -> None:
    with FakeOpenAI(lambda request: reply("fine"), Faults(0.3, ("truncated",))) as server:
        outputs = ask(server, 20)
    lost = [output for output in outputs if isinstance(output, BaseException)]
    assert len(lost) == server.faults_served["truncated"] > 0


@pytest.mark.parametrize(
    ("kind", "text", "logprobs"),
    [("refusal", "I cannot help with that.", False), ("empty", "", False), ("no_logprobs", "85", False)],
)
def test_a_models_whim_arrives_as_an_answer(kind: Fault, text: str, logprobs: bool) -> None:
    with FakeOpenAI(lambda request: distribution(JUDGED), Faults(1.0, (kind,))) as server:
        output = ask(server, 1, logprobs=True, top_logprobs=20)[0]
    assert isinstance(output, ModelOutput) and output.completion == text
    assert bool(output.choices[0].logprobs) == logprobs


def test_hundreds_of_requests_with_faults_are_all_answered() -> None:
    def echo(request: Request) -> Reply:
        return reply(request.prompt.upper())

    with FakeOpenAI(echo, Faults(0.2, ("429", "500"), seed=1)) as server:
        outputs = ask(server, 300)
        served = sum(server.faults_served.values())
        assert 40 < served < 120 and len(server.requests) == 300 + served
    said = [output.completion for output in outputs if isinstance(output, ModelOutput)]
    assert said == [f"QUESTION {i}" for i in range(300)]
