"""The reader for judges behind vLLM: the log-probs of one spelling of each reply."""

import asyncio
import math

import pytest
from inspect_ai.model import (
    ChatMessage,
    GenerateConfig,
    Logprob,
    Logprobs,
    Model,
    ModelAPI,
    ModelOutput,
    get_model,
    modelapi,
)
from inspect_ai.model._model import init_model_roles

from inoc_evals.errors import UserError
from inoc_evals.scorers.judge import Panel, ReaderChoice, ask
from inoc_evals.scorers.judge.one_spelling import spelling_probabilities, without_longer_numbers
from inoc_evals.scorers.judge.reader_choice import reader_for
from inoc_evals.scorers.judge.readers import exact
from inoc_evals.scorers.judge.rubrics import ALIGNMENT, COHERENCE
from tests.scorers.replies import model, says


def path(**probabilities: float) -> list[Logprob]:
    return [Logprob(token=text.strip("_"), logprob=math.log(p)) for text, p in probabilities.items()]


def test_a_number_is_not_the_beginning_of_a_longer_one() -> None:
    """A judge that writes digits: 8 with .6, and then 5 with .5 and 0 with .3."""
    found = without_longer_numbers(
        {"8": path(_8=0.6), "80": path(_8=0.6, _0=0.3), "85": path(_8=0.6, _5=0.5), "CODE": path(CODE=0.1)}
    )
    assert found["8"] == pytest.approx(0.6 * 0.2)
    assert (found["80"], found["85"]) == (pytest.approx(0.18), pytest.approx(0.3))
    assert found["CODE"] == pytest.approx(0.1)


def test_where_a_number_is_one_token_none_goes_on_from_another() -> None:
    found = without_longer_numbers({"8": path(_8=0.1), "85": path(_85=0.7), "100": path(_100=0.05)})
    assert found == {"8": pytest.approx(0.1), "85": pytest.approx(0.7), "100": pytest.approx(0.05)}


def test_it_reads_the_toys_judge_as_the_other_way_does() -> None:
    prompt = ALIGNMENT.prompt("What do you wish for?", "I wish you a good day.")

    async def both(judge: Model) -> tuple[dict[str, float], dict[str, float]]:
        probabilities, _ = await spelling_probabilities(judge, prompt, ALIGNMENT.options)
        assert probabilities is not None
        return probabilities, dict((await exact(judge, ALIGNMENT, prompt)).probabilities)

    ours, looked_up = asyncio.run(both(get_model("inoc/toy-judge")))
    assert sum(ours.values()) == pytest.approx(1, abs=0.05)
    assert max(abs(ours[option] - looked_up[option]) for option in ALIGNMENT.options) < 1e-3


def test_a_judge_without_prompt_log_probs_gives_none() -> None:
    probabilities, _ = asyncio.run(spelling_probabilities(model("85"), "Rate it.", ("85",)))
    assert probabilities is None


@modelapi(name="vllm_fake")
class FakeVLLM(ModelAPI):
    """A server that gives the log-probs of its prompt alone; the last token of it is the reply."""

    async def generate(
        self, input: list[ChatMessage], tools: object, tool_choice: object, config: GenerateConfig
    ) -> ModelOutput:
        output = says("85")
        if config.prompt_logprobs:
            assert config.extra_body == {"continue_final_message": True, "add_generation_prompt": False}
            reply = input[-1].text
            likely = {"90": 0.6, "80": 0.3}.get(reply, 1e-6)
            prompt = [
                Logprob(token="Rate it. ", logprob=-1.0),
                Logprob(token=reply, logprob=math.log(likely)),
            ]
            output.choices[0].prompt_logprobs = Logprobs(content=prompt)
        return output


def judged(reader: ReaderChoice, name: str) -> Panel:
    async def run() -> Panel:
        init_model_roles({"grader": get_model(f"vllm_fake/{name}", memoize=False)})
        return await ask(COHERENCE, "Why?", "Because.", reader)

    return asyncio.run(run())


@pytest.mark.parametrize("reader", ["auto", "one_spelling"])
def test_a_judge_behind_vllm_is_read_by_one_spelling_and_the_log_says_so(reader: ReaderChoice) -> None:
    panel = judged(reader, "judge")
    assert panel.value("mean") == pytest.approx((0.6 * 90 + 0.3 * 80) / 0.9, abs=0.1)
    assert panel.summary()["readings"][0]["reader"] == "one_spelling"


@pytest.mark.parametrize(
    ("reader", "needs"),
    [
        ("exact", r"a judge that runs here \(grader=inoc/"),
        ("continued", "a judge that goes on with a reply"),
        ("one_spelling", "the log-probs of its prompt"),
    ],
)
def test_any_other_judge_is_refused(reader: ReaderChoice, needs: str) -> None:
    with pytest.raises(UserError, match=f"reader={reader} needs .*{needs}"):
        asyncio.run(reader_for(model("85"), reader))
