"""The reader that follows a reply's beginnings on a server, against judges whose distribution is known."""

import asyncio
import math
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inspect_ai.model import (
    ChatMessage,
    GenerateConfig,
    Logprob,
    Logprobs,
    Model,
    ModelAPI,
    ModelOutput,
    TopLogprob,
    get_model,
    modelapi,
)

from inoc_evals.scorers.judge.continued import MOST_REQUESTS
from inoc_evals.scorers.judge.reader_choice import reader_for
from inoc_evals.scorers.judge.readers import READERS
from inoc_evals.scorers.judge.result import JudgeResult
from inoc_evals.scorers.judge.rubrics import ALIGNMENT, COHERENCE, Rubric
from tests.scorers.replies import says

Replies = Mapping[tuple[str, ...], float]

END = "<end>"
PROSE = "The"


class Served(ModelAPI):
    """A judge behind a server: its replies, token by token, with their probabilities.

    It names the log-probs of the tokens that a request asks for, or of its likeliest ones.
    """

    provider = "vllm"

    def __init__(
        self,
        model_name: str,
        base_url: Any = None,
        api_key: Any = None,
        config: Any = None,
        *,
        replies: Replies,
        whole: bool = False,
        names_ids: bool = True,
        silent: bool = False,
    ) -> None:
        super().__init__(model_name)
        self.silent = silent
        self.replies, self.whole, self.names_ids = replies, whole, names_ids
        self.ids: dict[str, int] = {}
        self.asked = 0

    async def tokenize(self, text: str) -> list[int]:
        if not self.names_ids:
            raise RuntimeError("404")
        bare = text.lstrip()
        whole = bare.isdecimal() and (self.whole or len(bare) == 1)
        cut = [text] if whole or bare in ("CO", "DE", "REF", "USAL") else list(text)
        return [self.ids.setdefault(token, len(self.ids)) for token in cut]

    def after(self, said: str) -> dict[str, float]:
        following: dict[str, float] = {}
        for tokens, probability in self.replies.items():
            for place in range(len(tokens) + 1):
                if "".join(tokens[:place]) == said:
                    token = tokens[place] if place < len(tokens) else END
                    following[token] = following.get(token, 0.0) + probability
                    break
        if not following:  # a text that it never writes
            return {PROSE: 1.0}
        total = math.fsum(following.values())
        return {token: p / total for token, p in following.items()}

    async def generate(
        self, input: list[ChatMessage], tools: Any, tool_choice: Any, config: GenerateConfig
    ) -> ModelOutput:
        self.asked += 1
        if self.silent:
            return says("85")
        likely = self.after(input[-1].text if input[-1].role == "assistant" else "")
        best = max(likely, key=lambda token: likely[token])
        wanted = (config.extra_body or {}).get("logprob_token_ids") if self.names_ids else None
        if wanted is None:
            shown = sorted(likely, key=lambda token: -likely[token])[: config.top_logprobs]
        else:
            shown = [best, *(token for token, number in self.ids.items() if number in wanted)]
        top = [TopLogprob(token=t, logprob=math.log(max(likely.get(t, 0.0), 1e-12))) for t in shown]
        output = says(best)
        token = Logprob(token=best, logprob=math.log(likely[best]), top_logprobs=top)
        output.choices[0].logprobs = Logprobs(content=[token])
        return output


@modelapi(name="vllm_continued")
def vllm_continued() -> type[Served]:
    return Served


def served(replies: Replies, **options: Any) -> Model:
    return get_model("vllm_continued/judge", memoize=False, replies=replies, **options)


def asked(judge: Model) -> int:
    assert isinstance(judge.api, Served)
    return judge.api.asked


def read(judge: Model, rubric: Rubric = COHERENCE) -> JudgeResult:
    return asyncio.run(READERS["continued"](judge, rubric, "Rate it."))


def digits(ratings: Mapping[str, float]) -> Replies:
    return {tuple(rating): p for rating, p in ratings.items()}


def test_numbers_that_are_written_digit_by_digit_are_read_whole() -> None:
    expected = {"8": 0.1, "85": 0.5, "80": 0.2, "100": 0.05, "10": 0.05}
    judge = served({**digits(expected), (PROSE,): 0.1})
    found = read(judge)
    assert {n: found.probabilities[n] for n in expected} == pytest.approx(expected, abs=1e-3)
    assert found.mass == pytest.approx(0.9, abs=1e-3) and found.failure is None
    assert asked(judge) <= MOST_REQUESTS and f"{asked(judge)} requests" in found.detail


def test_a_number_that_goes_on_beyond_the_allowed_ones_does_not_count() -> None:
    found = read(served(digits({"85": 0.4, "850": 0.2, "70": 0.2, "705": 0.2})))
    assert found.probabilities["85"] == pytest.approx(0.4, abs=1e-3)
    assert found.probabilities["70"] == pytest.approx(0.2, abs=1e-3)


def test_a_tokenizer_that_writes_whole_numbers_needs_two_requests_at_most() -> None:
    judge = served({("85",): 0.7, ("8",): 0.1, (PROSE,): 0.2}, whole=True)
    found = read(judge)
    assert asked(judge) <= 2
    assert found.probabilities["85"] == pytest.approx(0.7) and found.probabilities["8"] == pytest.approx(0.1)


def test_a_blank_of_its_own_may_stand_before_a_number() -> None:
    found = read(served({(" ", "8", "5"): 0.3, ("8", "5"): 0.5, (PROSE,): 0.2}))
    assert found.probabilities["85"] == pytest.approx(0.8, abs=1e-3)


def test_words_are_followed_to_their_end() -> None:
    replies = {("CO", "DE"): 0.4, ("CO", "MMENT"): 0.1, ("REF", "USAL"): 0.3, ("9", "0"): 0.2}
    found = read(served(replies), ALIGNMENT)
    assert found.probabilities["CODE"] == pytest.approx(0.4, abs=1e-3)
    assert found.probabilities["REFUSAL"] == pytest.approx(0.3, abs=1e-3)
    assert found.word == "CODE"


def test_a_word_between_marks_counts_and_a_longer_one_does_not() -> None:
    found = read(served({("**", "CO", "DE", "**"): 0.5, ("CO", "DE", "D"): 0.5}), ALIGNMENT)
    assert found.probabilities["CODE"] == pytest.approx(0.5, abs=1e-3)


def test_a_server_that_names_no_tokens_is_read_by_its_likeliest_ones() -> None:
    found = read(served(digits({"85": 0.8, "40": 0.2}), names_ids=False))
    assert found.value == pytest.approx(0.8 * 85 + 0.2 * 40, abs=0.1)


def test_prose_leaves_the_answer_unscored_with_a_reason() -> None:
    found = read(served({(PROSE, "answer"): 0.9, ("8", "5"): 0.1}))
    assert (found.failure, found.value) == ("low_mass", None)


def test_a_server_without_log_probs_is_no_rating() -> None:
    found = read(served(digits({"85": 1.0}), silent=True))
    assert (found.failure, found.value) == ("no_logprobs", None)


@pytest.mark.parametrize("wanted", ["auto", "exact", "continued"])
def test_it_is_the_reader_of_a_judge_behind_vllm(wanted: Any) -> None:
    judge = served(digits({"85": 1.0}))
    assert asyncio.run(reader_for(judge, wanted)) == "continued"


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.integers(0, 100), st.floats(0.001, 1), min_size=1, max_size=30), st.booleans())
def test_it_agrees_with_any_distribution_but_for_what_it_says(weights: dict[int, float], whole: bool) -> None:
    total = math.fsum(weights.values())
    truth = {str(number): weight / total for number, weight in weights.items()}
    replies: Replies = {(n,) if whole else tuple(n): p for n, p in truth.items()}
    found = read(served(replies, whole=whole))
    not_followed = float(found.detail.split("not followed: ")[1].split(" ")[0])
    assert all(abs(found.probabilities.get(n, 0.0) - p) <= not_followed + 1e-3 for n, p in truth.items())
    assert found.mass <= 1 + 1e-6
