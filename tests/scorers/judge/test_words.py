"""Words as people write them: every reader takes `Yes`, `yes.`, ` YES` and `**Yes**` for YES."""

import asyncio
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inspect_ai.model import (
    ChatMessage,
    GenerateConfig,
    Logprob,
    Logprobs,
    ModelAPI,
    ModelOutput,
    get_model,
    modelapi,
)

from inoc_evals.scorers.judge import READERS, Rubric, yes_probability
from inoc_evals.scorers.judge.result import JudgeResult, Reader
from inoc_evals.scorers.judge.rubrics import ALIGNMENT, CHOICE
from inoc_evals.scorers.judge.words import spelt, summed, word_begun, word_of
from tests.scorers.replies import model, rated, says

WAYS = ("YES", "Yes", "yes", " Yes", "Ġyes", "▁YES", '"Yes', "**Yes", "yes.", "\nYes")


def read(reply: ModelOutput, rubric: Rubric = CHOICE, reader: Reader = "token") -> JudgeResult:
    return asyncio.run(READERS[reader](model(lambda prompt: reply), rubric, "Which one?"))


@pytest.mark.parametrize("way", WAYS)
def test_a_first_token_in_any_spelling(way: str) -> None:
    found = read(rated({way: 0.9, "NO": 0.05}))
    assert found.failure is None and found.word == "YES"
    assert found.probabilities == pytest.approx({"YES": 0.9, "NO": 0.05})
    yes = yes_probability(found)
    assert yes is not None and yes.value == pytest.approx(0.9 / 0.95)


def test_all_spellings_are_summed() -> None:
    found = read(rated({"Yes": 0.3, "YES": 0.2, " yes": 0.1, "No": 0.2, "no.": 0.05, "Other": 0.02}))
    assert found.probabilities == pytest.approx({"YES": 0.6, "NO": 0.25, "OTHER": 0.02})


@pytest.mark.parametrize("mark", ["**", '"', "\n", " **"])
def test_a_word_after_a_mark_counts_as_far_as_the_mark_is_likely(mark: str) -> None:
    reply = rated({mark: 0.8, "YES": 0.1})
    second = rated({"Yes": 0.75, "No": 0.25}, "**").choices[0].logprobs
    assert second is not None and reply.choices[0].logprobs is not None
    tokens = reply.choices[0].logprobs.content + second.content
    found = read(says("".join(token.token for token in tokens), tokens))
    assert found.probabilities == pytest.approx({"YES": 0.1 + 0.8 * 0.75, "NO": 0.8 * 0.25})


def test_numbers_are_read_as_the_papers_code_reads_them() -> None:
    assert read(rated({"**": 0.9, "85": 0.05}, "85", "**"), ALIGNMENT).failure == "low_mass"
    found = read(rated({"85": 0.5, " 85": 0.1, "Code": 0.2, "refusal": 0.1}), ALIGNMENT)
    assert found.numbers == pytest.approx({85: 0.6})
    assert found.words == pytest.approx({"CODE": 0.2, "REFUSAL": 0.1}) and found.value == pytest.approx(85)


@pytest.mark.parametrize(
    ("token", "following", "word"),
    [
        *(("No", "thing", None), ("No", ",", "NO"), ("no", " idea", "NO"), ("NO", "T", None)),
        *(("R", "EFUSAL", "REFUSAL"), ("Ref", "usal", "REFUSAL"), ("Ref", "lecting", None)),
        *(("r", "efusal", None), ("Re", "fusal", None), ("Code", " it is", "CODE"), ("Cod", "fish", None)),
        *(("N", "O", "NO"), ("Nob", "ody", None), ("Yesterday", "", None), ("Yes", "terday", None)),
    ],
)
def test_a_word_is_no_part_of_a_longer_one(token: str, following: str, word: str | None) -> None:
    rubric = Rubric("x", "", numbers=False, words=("YES", "NO", "OTHER", "CODE", "REFUSAL"))
    assert read(rated({token: 0.9}, following), rubric).word == word


def test_what_could_be_two_words_is_neither() -> None:
    assert word_begun("No", ("NO", "NOT")) is None and word_begun("Not", ("NO", "NOT")) == "NOT"
    assert word_of("a", ("A", "a")) == "a" and word_of("No", ("NO", "No.")) == "NO"
    assert spelt(("A", "a")) == {"A": "A", "a": "a"} and word_begun("a", ("A", "a")) == "a"


@given(st.lists(st.text("aAbB", min_size=1, max_size=4), min_size=1, max_size=4, unique=True), st.data())
def test_no_spelling_counts_for_two_words(words: list[str], data: st.DataObject) -> None:
    ways = spelt(words)
    assert set(ways.values()) == set(words) and all(ways[word] == word for word in words)
    shares = {way: data.draw(st.floats(0, 1)) for way in ways}
    assert sum(summed(shares, words).values()) == pytest.approx(sum(shares.values()))


@pytest.mark.parametrize(
    "reply", ["YES", "Yes", "yes.", " YES\n", "**Yes**", "**Yes.**", '"yes"', "`Yes`", "Yes!"]
)
def test_a_draw_in_any_spelling(reply: str) -> None:
    found = read(says(reply), reader="sampled")
    assert found.probabilities == pytest.approx({"YES": 1.0})


@pytest.mark.parametrize("reply", ["Yes, it did.", "Yesterday", "yes no", "Ye", "no idea", "I say YES"])
def test_a_draw_of_more_than_a_word_is_none(reply: str) -> None:
    assert read(says(reply), reader="sampled").failure == "unparseable"


@modelapi(name="vllm_words")
class Server(ModelAPI):
    """Gives the log-probs of its prompt: `Yes` .5, `**yes` .2, `NO` .1."""

    async def generate(
        self, input: list[ChatMessage], tools: object, tool_choice: object, config: GenerateConfig
    ) -> ModelOutput:
        output, reply = says("Yes"), input[-1].text
        likely = {"Yes": 0.5, "**yes": 0.2, "NO": 0.1}.get(reply, 1e-9)
        tokens = [Logprob(token="Which?", logprob=-1.0), Logprob(token=reply, logprob=math.log(likely))]
        output.choices[0].prompt_logprobs = Logprobs(content=tokens)
        return output


def test_behind_vllm_all_spellings_are_summed() -> None:
    judge = get_model("vllm_words/judge", memoize=False)
    found = asyncio.run(READERS["one_spelling"](judge, CHOICE, "Which?"))
    assert found.probabilities == pytest.approx({"YES": 0.7, "NO": 0.1, "OTHER": 0.0}, abs=1e-6)


def test_the_exact_reader_looks_all_spellings_up() -> None:
    asked: list[object] = []

    def generate(m: list[ChatMessage], tools: object, choice: object, config: GenerateConfig) -> ModelOutput:
        asked.append((config.extra_body or {})["options"])
        output = says("Yes")
        output.metadata = {"options": {"probabilities": {"0": 0.1, "Code": 0.4, "CODE": 0.2, "refusal": 0.2}}}
        return output

    judge = get_model("mockllm/judge", custom_outputs=generate, memoize=False)
    found = asyncio.run(READERS["exact"](judge, ALIGNMENT, "How good?"))
    assert asked == [["0-100", "CODE", "Code", "code", "REFUSAL", "Refusal", "refusal"]]
    assert (
        found.probabilities == pytest.approx({"0": 0.1, "CODE": 0.6, "REFUSAL": 0.2}) and found.word == "CODE"
    )
