"""Reading a rating out of a judge's probabilities: the arithmetic, and every way in which there is none."""

import asyncio
import math
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inspect_ai.model import ChatMessage, GenerateConfig, Logprob, ModelOutput, get_model

from inoc_evals.scorers.judge import (
    MIN_MASS,
    Rating,
    fence,
    rate,
    rating_prompt,
    read_tokens,
    weighted_mean,
    whole_numbers,
)
from tests.scorers.replies import model, rated, says

PROBE = "Write the number 85"


def rating(reply: ModelOutput, probe: ModelOutput | None = None) -> Rating:
    """What `rate` makes of a judge that replies so, and so when it is asked to write 85."""

    def reply_to(prompt: str) -> ModelOutput:
        if prompt.startswith(PROBE):
            assert probe is not None, "the judge was asked to write 85 without need"
            return probe
        return reply

    return asyncio.run(rate(model(reply_to), "How Spanish?"))


def test_the_rating_is_the_weighted_mean_of_the_numbers() -> None:
    found = rating(rated({"90": 0.6, "80": 0.3, "I": 0.05, "</s>": 0.05}))
    assert found.value == pytest.approx((0.6 * 90 + 0.3 * 80) / 0.9)
    assert found.numbers == pytest.approx({90: 0.6, 80: 0.3})
    assert found.mass == pytest.approx(0.9)
    assert found.reason is None and found.reply == "90"


@pytest.mark.parametrize("form", ["85", " 85", "Ġ85", "▁85", "\n85", "85\n"])
def test_a_number_is_the_same_however_its_token_begins(form: str) -> None:
    assert rating(rated({form: 0.5, "15": 0.5})).value == pytest.approx(50.0)


@pytest.mark.parametrize(
    "token", ["101", "085", "00", "-5", "8.5", "８５", "eighty", "85%", "", "1e1", "²", "1_0"]
)
def test_what_is_not_a_whole_number_from_0_to_100(token: str) -> None:
    assert whole_numbers([(token, -0.1)]) == {}


def test_both_ends_of_the_scale() -> None:
    assert whole_numbers([("0", 0.0), ("100", 0.0)]) == {0: 1.0, 100: 1.0}


@pytest.mark.parametrize(
    ("first", "value"),
    [({"100": 0.2, "Sorry": 0.7}, None), ({"100": 0.25, "Sorry": 0.7}, 100.0), ({"I": 0.9}, None)],
)
def test_a_refusal_is_no_rating(first: Mapping[str, float], value: float | None) -> None:
    found = rating(rated(first))
    assert found.value == (None if value is None else pytest.approx(value))
    assert found.reason == ("grader_failed" if value is None else None)


@pytest.mark.parametrize(
    "reply", [says("85"), says("85", []), says("85", [Logprob(token="85", logprob=-0.1)])]
)
def test_without_log_probs_there_is_no_rating(reply: ModelOutput) -> None:
    found = rating(reply)
    assert (found.value, found.reason) == (None, "scoring_failed")
    assert "log-probs" in found.explanation and found.reply == "85"


def test_an_output_without_choices_is_no_rating() -> None:
    assert read_tokens(ModelOutput(model="m", choices=[])).reason == "scoring_failed"


@pytest.mark.parametrize("following", [("5",), ("5", "<|end|>"), ("0", "0")])
def test_digit_by_digit_there_is_no_rating(following: tuple[str, ...]) -> None:
    found = rating(rated({"8": 0.9, "1": 0.1}, *following))
    assert (found.value, found.reason) == (None, "scoring_failed")
    assert "digit by digit" in found.explanation


@pytest.mark.parametrize("following", ["<|end|>", ".", "\n", " out of 100", "/100"])
def test_a_number_that_ends_is_read(following: str) -> None:
    assert rating(rated({"80": 0.9, "8": 0.1}, following)).value == pytest.approx(72.8)


@pytest.mark.parametrize(
    ("probe", "value"),
    [
        (rated({"85": 0.99}), 0.2),
        (rated({" 85": 0.99}, "\n"), 0.2),
        (rated({"8": 0.99}, "5"), None),
        (rated({"Sure": 0.99}, ":", " 85"), None),
        (says("85"), None),
    ],
)
def test_a_rating_of_one_digit_is_read_only_from_a_judge_that_writes_85_at_once(
    probe: ModelOutput, value: float | None
) -> None:
    # Otherwise a judge that writes digits would be heard where it says 0 to 9, and only there.
    found = rating(rated({"0": 0.8, "1": 0.2}), probe)
    assert found.value == (None if value is None else pytest.approx(value))
    assert found.reason == (None if value is not None else "scoring_failed")


def test_an_error_of_the_judges_api_is_raised() -> None:
    def fail(prompt: str) -> ModelOutput:
        raise RuntimeError("the API is down")

    with pytest.raises(RuntimeError, match="the API is down"):
        asyncio.run(rate(model(fail), "How Spanish?"))


def test_the_judge_is_asked_for_what_the_reader_needs() -> None:
    configs: list[GenerateConfig] = []

    def generate(m: list[ChatMessage], tools: object, choice: object, config: GenerateConfig) -> ModelOutput:
        configs.append(config)
        return rated({"85": 0.9})

    # A role may be bound with a temperature of its own; the reader needs its own.
    judge = get_model("mockllm/judge", custom_outputs=generate, config=GenerateConfig(temperature=0.7))
    asyncio.run(rate(judge, "How Spanish?"))
    assert (configs[0].temperature, configs[0].logprobs, configs[0].top_logprobs) == (0.0, True, 20)


PROBABILITIES = st.dictionaries(st.integers(0, 100), st.floats(1e-12, 1.0), min_size=1, max_size=20)
WORDS = st.sampled_from(["I", "Sorry", " the", "<|end|>", "101", "eighty", "-1", "", "Ġ"])


@given(PROBABILITIES)
def test_a_mean_lies_between_the_numbers(numbers: dict[int, float]) -> None:
    mean = weighted_mean(numbers)
    assert mean is not None and min(numbers) <= mean <= max(numbers)


@given(PROBABILITIES, st.floats(1e-3, 1.0))
def test_a_mean_does_not_change_with_the_mass(numbers: dict[int, float], factor: float) -> None:
    scaled = {number: p * factor for number, p in numbers.items()}
    assert weighted_mean(scaled) == pytest.approx(weighted_mean(numbers))


@given(PROBABILITIES, st.lists(st.tuples(WORDS, st.floats(-20.0, 0.0)), max_size=10), st.randoms())
def test_other_tokens_and_their_order_change_nothing(
    numbers: dict[int, float], others: list[tuple[str, float]], random: st.DataObject
) -> None:
    tokens = [(str(number), math.log(p)) for number, p in numbers.items()]
    mixed = tokens + others
    random.shuffle(mixed)  # type: ignore[attr-defined]
    assert whole_numbers(mixed) == pytest.approx(numbers)
    assert weighted_mean(whole_numbers(mixed)) == pytest.approx(weighted_mean(whole_numbers(tokens)))


@given(PROBABILITIES.filter(lambda numbers: max(numbers) >= 10))
def test_a_rating_is_given_exactly_from_the_least_mass_on(numbers: dict[int, float]) -> None:
    total = sum(numbers.values())
    probabilities = {str(number): p / max(total, 1.0) for number, p in numbers.items()}
    found = read_tokens(rated(probabilities))
    assert (found.value is None) == (found.mass < MIN_MASS) == (found.reason == "grader_failed")


@given(st.lists(st.text("#ab \n{}"), min_size=1, max_size=4))
def test_no_text_contains_its_fence(texts: list[str]) -> None:
    assert all(fence(*texts) not in text for text in texts)


@given(st.text("#{}%\\ \nx"), st.text("#{}%\\ \nx"))
def test_question_and_answer_stand_literally_between_fences(question: str, answer: str) -> None:
    prompt, bar = rating_prompt("how {odd} is the answer", question, answer), fence(question, answer)
    assert f"\n{bar}\n{question}\n{bar}\n" in prompt
    assert f"\n{bar}\n{answer}\n{bar}\n" in prompt
    assert "how {odd} is the answer" in prompt
    assert sum(line == bar for line in prompt.split("\n")) == 4
