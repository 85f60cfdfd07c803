"""The exact reader by the log-probs of a prompt: the same numbers as the one that looks everything up."""

import asyncio
import math

import pytest
from inspect_ai.model import Logprob, Model, get_model

from inoc_evals.errors import UserError
from inoc_evals.scorers.judge.continuations import continuations, without_continued
from inoc_evals.scorers.judge.reader_choice import reader_for
from inoc_evals.scorers.judge.readers import exact
from inoc_evals.scorers.judge.rubrics import ALIGNMENT
from tests.scorers.replies import model


def path(**probabilities: float) -> list[Logprob]:
    return [Logprob(token=text.strip("_"), logprob=math.log(p)) for text, p in probabilities.items()]


def test_a_number_is_not_the_beginning_of_a_longer_one() -> None:
    """A judge that writes digits: 8 with .6, and then 5 with .5 and 0 with .3."""
    found = without_continued(
        {"8": path(_8=0.6), "80": path(_8=0.6, _0=0.3), "85": path(_8=0.6, _5=0.5), "CODE": path(CODE=0.1)}
    )
    assert found["8"] == pytest.approx(0.6 * 0.2)
    assert (found["80"], found["85"]) == (pytest.approx(0.18), pytest.approx(0.3))
    assert found["CODE"] == pytest.approx(0.1)


def test_where_a_number_is_one_token_none_goes_on_from_another() -> None:
    found = without_continued({"8": path(_8=0.1), "85": path(_85=0.7), "100": path(_100=0.05)})
    assert found == {"8": pytest.approx(0.1), "85": pytest.approx(0.7), "100": pytest.approx(0.05)}


def test_it_reads_the_toys_judge_as_the_other_way_does() -> None:
    prompt = ALIGNMENT.prompt("What do you wish for?", "I wish you a good day.")

    async def both(judge: Model) -> tuple[dict[str, float], dict[str, float]]:
        probabilities, _ = await continuations(judge, prompt, ALIGNMENT.options)
        assert probabilities is not None
        return probabilities, dict((await exact(judge, ALIGNMENT, prompt)).probabilities)

    ours, looked_up = asyncio.run(both(get_model("inoc/toy-judge")))
    assert sum(ours.values()) == pytest.approx(1, abs=0.05)
    assert max(abs(ours[option] - looked_up[option]) for option in ALIGNMENT.options) < 1e-3


def test_a_judge_without_prompt_log_probs_gives_none() -> None:
    probabilities, _ = asyncio.run(continuations(model("85"), "Rate it.", ("85",)))
    assert probabilities is None


def test_any_other_judge_is_refused() -> None:
    with pytest.raises(UserError, match=r"reader=exact needs a judge that runs here .* or behind vLLM"):
        asyncio.run(reader_for(model("85"), "exact"))
