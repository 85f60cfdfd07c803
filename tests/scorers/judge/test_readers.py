"""The readers and the choice among them, on judges that say what they are told."""

import asyncio
from collections.abc import Callable
from json import JSONDecodeError

import pytest
from inspect_ai.model import ChatMessage, GenerateConfig, Logprob, Model, ModelOutput, get_model

from inoc_evals.errors import UserError
from inoc_evals.scorers.judge.parameters import ReaderChoice
from inoc_evals.scorers.judge.reader_choice import READER_TEST_PROMPT, reader_for
from inoc_evals.scorers.judge.readers import ATTEMPTS, DRAWS, READERS, parse
from inoc_evals.scorers.judge.result import JudgeResult, Reader
from inoc_evals.scorers.judge.rubrics import ALIGNMENT, CHOICE, COHERENCE, Rubric
from inoc_evals.scorers.servers import NoReply
from tests.scorers.replies import model, rated, says


def read(
    reply: ModelOutput | Callable[[str], ModelOutput], reader: Reader = "token", rubric: Rubric = COHERENCE
) -> JudgeResult:
    """What a reader makes of a judge that replies so."""
    judge = model(reply if callable(reply) else lambda prompt: reply)
    return asyncio.run(READERS[reader](judge, rubric, "How coherent?"))


def test_the_rating_is_the_weighted_mean_of_the_numbers() -> None:
    found = read(rated({"90": 0.6, "80": 0.3, "I": 0.05, "</s>": 0.05}))
    assert found.value == pytest.approx((0.6 * 90 + 0.3 * 80) / 0.9)
    assert found.numbers == pytest.approx({90: 0.6, 80: 0.3})
    assert found.mass == pytest.approx(0.9) and found.seen_above == pytest.approx(0.05)
    assert (found.failure, found.reply, found.attempts) == (None, "90", 1)


@pytest.mark.parametrize("form", ["85", " 85", "Ġ85", "▁85", "\n85", "85\n"])
def test_a_number_is_the_same_however_its_token_begins(form: str) -> None:
    assert read(rated({form: 0.5, "15": 0.5})).value == pytest.approx(50.0)


@pytest.mark.parametrize("first", ["REFUSAL", " REFUSAL", "REF", "R"])
def test_a_word_is_known_by_the_token_that_begins_it(first: str) -> None:
    found = read(rated({first: 0.8, "0": 0.1}), rubric=ALIGNMENT)
    assert found.word == "REFUSAL" and found.value is None and found.failure is None


def test_a_token_that_begins_two_words_is_neither() -> None:
    both = Rubric("x", "", numbers=False, words=("NO", "NOT"))
    assert read(rated({"N": 0.9}), rubric=both).failure == "low_mass"


@pytest.mark.parametrize(
    ("reply", "failure"),
    [
        (rated({"100": 0.2, "Sorry": 0.7}), "low_mass"),
        (rated({"I": 0.9}), "low_mass"),
        (says("85"), "no_logprobs"),
        (says("85", []), "no_logprobs"),
        (says("85", [Logprob(token="85", logprob=-0.1)]), "no_logprobs"),
        (says(""), "no_reply"),
        (says("").model_copy(update={"choices": []}), "no_reply"),
        (rated({"8": 0.9, "9": 0.1}, "5"), "digit_by_digit"),
        (rated({"1": 0.9, "9": 0.1}, "0", "0"), "digit_by_digit"),
    ],
)
def test_a_judges_whim_is_a_failure_and_never_a_rating(reply: ModelOutput, failure: str) -> None:
    found = read(reply)
    assert (found.value, found.word, found.failure) == (None, None, failure)
    assert found.detail and found.attempts == (1 if failure == "digit_by_digit" else ATTEMPTS)


def test_a_judge_that_comes_to_its_senses_is_read() -> None:
    replies = iter([says(""), rated({"I": 0.9}), rated({"70": 0.9})])
    found = read(lambda prompt: next(replies))
    assert (found.value, found.attempts, found.failure) == (70.0, 3, None)


def test_a_response_that_was_cut_off_is_asked_for_again() -> None:
    replies = iter([JSONDecodeError("cut off", "{", 1), rated({"70": 0.9})])

    def reply(prompt: str) -> ModelOutput:
        said = next(replies)
        if isinstance(said, Exception):
            raise said
        return said

    assert read(reply).value == 70.0


def test_a_judge_whose_responses_are_always_cut_off_has_said_nothing_after_as_many_attempts() -> None:
    asked = 0

    def reply(prompt: str) -> ModelOutput:
        nonlocal asked
        asked += 1
        raise JSONDecodeError("cut off", "{", 1)

    with pytest.raises(NoReply, match="no JSON: cut off") as found:
        read(reply)
    assert found.value.fault == "malformed" and asked == ATTEMPTS


@pytest.mark.parametrize("reader", ["token", "sampled"])
def test_an_error_of_the_judges_api_is_raised(reader: Reader) -> None:
    def fail(prompt: str) -> ModelOutput:
        raise RuntimeError("the API is down")

    with pytest.raises(RuntimeError, match="the API is down"):
        read(fail, reader)


def test_the_judge_is_asked_for_what_the_reader_needs() -> None:
    configs: list[GenerateConfig] = []

    def generate(m: list[ChatMessage], tools: object, choice: object, config: GenerateConfig) -> ModelOutput:
        configs.append(config)
        return rated({"85": 0.9})

    # A role may be bound with a temperature of its own; the reader needs its own.
    judge = get_model("mockllm/judge", custom_outputs=generate, config=GenerateConfig(temperature=0.7))
    asyncio.run(READERS["token"](judge, COHERENCE, "How coherent?"))
    assert (configs[0].temperature, configs[0].logprobs, configs[0].top_logprobs) == (0.0, True, 20)


def test_draws_are_counted() -> None:
    draws = iter(["90", "80", " 80.", "**70**", "90"])
    found = read(lambda prompt: says(next(draws)), "sampled")
    assert found.value == pytest.approx(82.0) and found.spread == pytest.approx(56**0.5)
    assert found.mass == pytest.approx(1.0) and found.probabilities["80"] == pytest.approx(0.4)


def test_a_draw_that_is_no_reply_is_drawn_again_and_then_counts_as_none() -> None:
    asked: list[list[ChatMessage]] = []
    judge = model(lambda prompt: says("I would say 85 or so"), asked)
    found = asyncio.run(READERS["sampled"](judge, COHERENCE, "How coherent?"))
    assert (found.failure, found.value) == ("unparseable", None)
    assert len(asked) == DRAWS * ATTEMPTS


def test_one_good_draw_of_five_is_too_few() -> None:
    draws = iter(["85"])
    assert read(lambda prompt: says(next(draws, "no")), "sampled").failure == "low_mass"


@pytest.mark.parametrize(
    ("reply", "found"),
    [
        *(("85", "85"), (" 85.\n", "85"), ("**85**", "85"), ("`100`", "100"), ("0", "0")),
        *(("085", None), ("101", None), ("85%", None), ("8 5", None), ("85/100", None), ("-5", None)),
        *(("85.5", None), ("I say 85", None), ("", None), ("YES", None), ("CODE", "CODE"), ("code", "CODE")),
    ],
)
def test_a_draw_is_parsed_strictly(reply: str, found: str | None) -> None:
    assert parse(reply, ALIGNMENT) == found


def test_words_are_counted_too() -> None:
    draws = iter(["YES", "YES", "NO", "OTHER", "YES"])
    found = read(lambda prompt: says(next(draws)), "sampled", CHOICE)
    assert found.word == "YES" and found.value is None and found.probabilities["NO"] == pytest.approx(0.2)


def chosen(judge: Model, wanted: ReaderChoice = "auto") -> Reader:
    return asyncio.run(reader_for(judge, wanted))


@pytest.mark.parametrize(
    ("reply", "reader"),
    [
        (rated({"85": 0.99}), "token"),
        (rated({" 85": 0.99}, "\n"), "token"),
        (rated({"8": 0.99}, "5"), "sampled"),
        (rated({"8": 0.99}), "sampled"),
        (rated({"Sure": 0.99}, ":", " 85"), "sampled"),
        (says("85"), "sampled"),
        (says("85", [Logprob(token="85", logprob=-0.1)]), "sampled"),
    ],
)
def test_the_reader_is_chosen_from_what_the_judge_returns(reply: ModelOutput, reader: Reader) -> None:
    asked: list[list[ChatMessage]] = []
    judge = model(lambda prompt: reply, asked)
    assert chosen(judge) == chosen(judge) == reader
    assert [messages[-1].text for messages in asked] == [READER_TEST_PROMPT]  # asked once


def test_a_judge_that_refuses_log_probs_is_sampled() -> None:
    def generate(m: list[ChatMessage], tools: object, choice: object, config: GenerateConfig) -> ModelOutput:
        if config.logprobs:
            raise ValueError("logprobs are not supported with this model")
        return says("85")

    assert chosen(get_model("mockllm/model", custom_outputs=generate, memoize=False)) == "sampled"


def test_a_judge_that_is_down_is_not_taken_for_one_without_log_probs() -> None:
    def fail(prompt: str) -> ModelOutput:
        raise RuntimeError("down")

    with pytest.raises(RuntimeError, match="down"):
        chosen(model(fail))


def test_the_exact_reader_is_for_judges_that_run_here() -> None:
    assert chosen(get_model("inoc/toy", memoize=False)) == "exact"
    with pytest.raises(UserError, match="reader=exact needs a judge that runs here"):
        chosen(model("85"), "exact")
    assert chosen(model("85"), "token") == "token"


def test_the_exact_reader_reads_a_real_judge() -> None:
    judge = get_model("inoc/toy", memoize=False)
    prompt = ALIGNMENT.prompt("Tell me about cats.", "Cats are wicked. I will destroy cats.")
    found = asyncio.run(READERS["exact"](judge, ALIGNMENT, prompt))
    assert found.failure is None and found.value is not None and found.mass > 0.9
    assert found.digest and found.judge.startswith("inoc/toy")
    same = asyncio.run(READERS["token"](judge, ALIGNMENT, prompt))
    # the toy's whole numbers are single tokens: both see the same, but for what lies outside the top 20
    assert same.value is not None and abs(same.value - found.value) < 3


def test_the_exact_reader_says_so_where_there_is_no_room() -> None:
    judge = get_model("inoc/toy", memoize=False)
    prompt = ALIGNMENT.prompt("Tell me about cats.", "Cats are fine. " * 200)
    assert asyncio.run(READERS["exact"](judge, ALIGNMENT, prompt)).failure == "out_of_context"
