"""The probability of short answers, against brute force, on tokenizers of digits and of whole numbers."""

import asyncio
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from inspect_ai.model import GenerateConfig, get_model
from tokenizers import Tokenizer, decoders, models
from transformers import (
    AutoModelForCausalLM,
    Gemma2Config,
    GraniteConfig,
    LlamaConfig,
    MistralConfig,
    PreTrainedTokenizerFast,
)

from inoc_evals.chat import Renderer, load_tokenizer
from inoc_evals.errors import UserError
from inoc_evals.models import option_probabilities
from inoc_evals.models.base import SHIPPED
from inoc_evals.models.checkpoint import resolve
from inoc_evals.models.engine import load_engine
from inoc_evals.models.inspect_request import read_options
from inoc_evals.models.option_probabilities import MARKS, Vocabulary, score_options
from inoc_evals.models.request import Request
from inoc_evals.scorers.judge.readers import compact
from tests.models.parts import generate

NUMBERS = tuple(map(str, range(101)))
WORDS = ("CODE", "REFUSAL", "YES", "NO", "OTHER")

DIGITS = [*"0123456789"]
LETTERS = [*"ACDEFHLNORSTUY", *"xz.,% "]
KINDS: dict[str, tuple[list[str], str]] = {
    "one digit a token": ([*DIGITS, *LETTERS, "YES", "REF", "US", "AL", "NOT", "NO."], " "),
    "numbers up to 999": ([*DIGITS, *map(str, range(10, 1000)), *LETTERS, *WORDS, "NOT"], " "),
    "Ġ before numbers": (
        [
            *DIGITS,
            *map(str, range(10, 100)),
            *(f" {n}" for n in range(101)),
            *LETTERS,
            " YES",
            " N",
            "CO",
            "DE",
        ],
        "Ġ",
    ),
    "▁ before digits, and overruns": (
        [
            *DIGITS,
            *(f" {n}" for n in range(10)),
            *LETTERS,
            "5%",
            " 8,",
            "0.",
            "NO.",
            " YES ",
            "ES,",
            "85%z",
            "8x",
        ],
        "▁",
    ),
    "marks before words": (
        [
            *DIGITS,
            *LETTERS,
            *MARKS,
            " **",
            ' "',
            '"YES',
            " `NO",
            "'NO.",
            "*8",
            '"5',
            "**CO",
            "DE",
            "**,",
            "8**",
        ],
        "Ġ",
    ),
}
"""By name, the texts of a tokenizer's tokens after its end token, and how it writes a blank."""

PROMPTS = [[5, 9, 3], [7], [2, 4, 6, 8, 1, 3, 5, 5, 9], [11, 12], [30, 2]]


def build_tokenizer(texts: Sequence[str], blank: str) -> PreTrainedTokenizerFast:
    """A tokenizer whose tokens are these texts, after an end token."""
    pieces = ["<|end|>", *(text.replace(" ", blank) for text in texts)]
    core = Tokenizer(models.WordLevel({piece: number for number, piece in enumerate(pieces)}, unk_token="x"))
    core.decoder = {" ": decoders.Fuse, "Ġ": decoders.ByteLevel, "▁": decoders.Metaspace}[blank]()
    return PreTrainedTokenizerFast(tokenizer_object=core, eos_token="<|end|>")


Kind = tuple[Vocabulary, list[str]]


@pytest.fixture(scope="module", params=KINDS)
def kind(request: pytest.FixtureRequest) -> Kind:
    """A tokenizer's vocabulary, and the text of every token."""
    texts, blank = KINDS[request.param]
    tokenizer = build_tokenizer(texts, blank)
    return Vocabulary(tokenizer, len(tokenizer)), ["", *texts]


def random_model(
    texts: Sequence[str], seed: int = 0, sharpness: float = 1.0, config: Any = LlamaConfig, **more: Any
) -> Any:
    """A tiny model; the sharper, the more its distributions are peaked."""
    torch.manual_seed(seed)
    shape = config(
        vocab_size=len(texts),
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=16,
        max_position_embeddings=128,
        initializer_range=0.4,
        tie_word_embeddings=False,
        eos_token_id=0,
        **more,
    )
    model: Any = AutoModelForCausalLM.from_config(shape).eval()
    with torch.no_grad():
        model.lm_head.weight *= sharpness
        # hundreds of numbers that are no option would leave the options nothing
        bias = [-6.0 if text.isdigit() and int(text) > 100 else 0.0 for text in texts]
        model.lm_head.bias = torch.nn.Parameter(torch.tensor(bias))
    return model


@torch.inference_mode()
def brute_force(
    model: Any, texts: Sequence[str], prompt: Sequence[int], options: Sequence[str]
) -> dict[str, float]:
    """Every way to spell every option, each as a full sequence of its own, without a cache."""
    by_start: dict[str, list[int]] = {}
    for token, text in enumerate(texts):
        by_start.setdefault(text[:1], []).append(token)

    def goes_on(option: str, text: str) -> bool:
        return text[:1].isdigit() if option.isdigit() else text[:1].isalpha()

    def spelt(option: str, rest: str) -> Iterator[tuple[list[int], bool]]:
        """Token paths, and whether the last token goes beyond the option."""
        for token in by_start.get(rest[0], ()):
            text = texts[token]
            if text == rest:
                yield [token], False
            elif text.startswith(rest) and not goes_on(option, text.removeprefix(rest)):
                yield [token], True
            elif rest.startswith(text):
                for more, over in spelt(option, rest.removeprefix(text)):
                    yield [token, *more], over

    found = dict.fromkeys(options, 0.0)
    leads = ["", " "], ["", " ", *MARKS, *(f" {mark}" for mark in MARKS)]
    paths = [(o, *way) for o in options for lead in leads[o.isalpha()] for way in spelt(o, lead + o)]
    stops = {o: torch.tensor([not goes_on(o, text) for text in texts]) for o in options}
    for length in {len(path) for _, path, _ in paths}:
        alike = [way for way in paths if len(way[1]) == length]
        for start in range(0, len(alike), 500):
            part = alike[start : start + 500]
            sequences = torch.tensor([[*prompt, *path] for _, path, _ in part])
            logprobs = model(sequences, use_cache=False).logits[:, len(prompt) - 1 :].double().log_softmax(-1)
            for (option, path, over), row in zip(part, logprobs, strict=True):
                probability = math.exp(sum(row[i, token].item() for i, token in enumerate(path)))
                found[option] += probability * (1.0 if over else row[-1].exp()[stops[option]].sum().item())
    return found


def agree(
    model: Any, texts: Sequence[str], prompts: Sequence[Sequence[int]], options: Any, vocabulary: Vocabulary
) -> float:
    """Assert that all prompts' options are as by brute force; how much probability they have, on average."""
    found, logits = score_options(model, prompts, options, vocabulary)
    mass = 0.0
    for prompt, own, scored, last in zip(prompts, options, found, logits, strict=True):
        expected = brute_force(model, texts, prompt, own)
        assert scored.probabilities == pytest.approx(expected, abs=1e-5)
        assert 0 <= scored.unresolved < 1e-5
        with torch.inference_mode():
            assert torch.allclose(model(torch.tensor([list(prompt)])).logits[0, -1], last, atol=1e-3)
        mass += sum(expected.values()) / len(prompts)
    return mass


@pytest.mark.parametrize("sharpness", [0.3, 1.0, 2.0])
def test_it_is_brute_force_to_five_digits(kind: Kind, sharpness: float) -> None:
    vocabulary, texts = kind
    model = random_model(texts, seed=1, sharpness=sharpness)
    mass = agree(model, texts, PROMPTS, [(*NUMBERS, *WORDS)] * len(PROMPTS), vocabulary)
    assert mass > 0.05  # there is something to find


def test_rows_may_have_different_options(kind: Kind) -> None:
    vocabulary, texts = kind
    own = [NUMBERS, ("YES", "NO"), ("8", "85", "CODE"), ("NO",), ("REFUSAL", *NUMBERS)]
    agree(random_model(texts, seed=2), texts, PROMPTS, own, vocabulary)


def test_what_prompts_begin_with_is_read_once_and_changes_nothing(kind: Kind) -> None:
    vocabulary, texts = kind
    model = random_model(texts, seed=3)
    start = [token % 29 for token in range(1, 40)]
    prompts = [[*start, 3, 4], start, [*start, 7, 8, 9, 10, 11], start, [*start, 3]]
    agree(model, texts, prompts, [(*NUMBERS, "YES")] * len(prompts), vocabulary)


def test_small_portions_give_the_same(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    vocabulary, texts = kind
    monkeypatch.setattr(option_probabilities, "ROWS_AT_ONCE", 2)
    monkeypatch.setattr(option_probabilities, "LOGITS_AT_ONCE", 1)
    monkeypatch.setattr(option_probabilities, "BRANCHES_AT_ONCE", 3)
    agree(random_model(texts), texts, PROMPTS, [(*NUMBERS, *WORDS)] * len(PROMPTS), vocabulary)


@pytest.mark.parametrize(
    ("config", "more", "side_by_side"),
    [
        (GraniteConfig, {"logits_scaling": 4.0}, True),
        (MistralConfig, {"sliding_window": None}, True),
        (MistralConfig, {"sliding_window": 4}, False),
        (Gemma2Config, {"sliding_window": 4, "final_logit_softcapping": 5.0}, False),
    ],
)
def test_models_that_do_not_see_the_whole_text_or_bend_their_logits(
    config: Any, more: dict[str, Any], side_by_side: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts, blank = KINDS["one digit a token"]
    vocabulary = Vocabulary(build_tokenizer(texts, blank), len(texts) + 1)
    model = random_model(["", *texts], config=config, **more)
    apart: list[int] = []
    after: Callable[..., Any] = option_probabilities.Apart.after
    monkeypatch.setattr(option_probabilities.Apart, "after", lambda *given: apart.append(1) or after(*given))
    agree(model, ["", *texts], PROMPTS, [(*NUMBERS, "CODE")] * len(PROMPTS), vocabulary)
    assert bool(apart) is not side_by_side


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.lists(st.integers(1, 20), min_size=1, max_size=30), min_size=1, max_size=5),
    st.integers(0, 5),
    st.sampled_from([0.5, 3.0]),
    st.sampled_from([("YES", "NO", "OTHER"), NUMBERS, (*NUMBERS, "CODE")]),
)
def test_it_is_part_of_a_distribution_and_does_not_depend_on_the_neighbours(
    kind: Kind, prompts: list[list[int]], seed: int, sharpness: float, options: tuple[str, ...]
) -> None:
    vocabulary, texts = kind
    model = random_model(texts, seed, sharpness)
    own = [options, *([("YES", "NO"), options] * 2)][: len(prompts)]
    together, _ = score_options(model, prompts, own, vocabulary)
    alone, _ = score_options(model, prompts[:1], own[:1], vocabulary)
    assert together[0].probabilities == pytest.approx(alone[0].probabilities, abs=1e-5)
    for scored, asked in zip(together, own, strict=True):
        assert tuple(scored.probabilities) == asked
        assert all(0.0 <= p <= 1.0 + 1e-6 for p in scored.probabilities.values())
        assert sum(scored.probabilities.values()) <= 1.0 + 1e-6
        assert 0.0 <= scored.unresolved < 1e-5


# --- through the engine ---


def rating_prompt(number: int = 0) -> tuple[int, ...]:
    question = f"On a scale from 0 to 100, how much is {number}?"
    return Renderer(load_tokenizer(SHIPPED["toy"])).render_prompt([{"role": "user", "content": question}]).ids


def test_the_toy_is_read_right() -> None:
    checkpoint, tokenizer = resolve("toy"), load_tokenizer(SHIPPED["toy"])
    options = ("8", "85", "100", "NO", "CODE", "REFUSAL")
    request = Request(rating_prompt(), max_tokens=1, temperature=0, options=options)
    answer = generate(load_engine(checkpoint, "cpu", "auto"), checkpoint, [request])[0]
    model = AutoModelForCausalLM.from_pretrained(SHIPPED["toy"], dtype=torch.float32)
    special = set(tokenizer.all_special_ids)
    texts = ["" if i in special else tokenizer.decode([i]) for i in range(model.config.vocab_size)]
    expected = brute_force(model, texts, request.prompt, options)
    assert answer.options == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("name", ["plain", "token_b"])
def test_an_adapter_is_read_as_if_loaded_alone(tiny: Path, adapters: dict[str, Path], name: str) -> None:
    from peft import PeftModel

    checkpoint, options = resolve(str(adapters[name])), ("1", "17", "NO")
    request = Request((3, 70, 71, 72, 1, 4), max_tokens=1, options=options)
    answer = generate(load_engine(checkpoint, "cpu", "auto"), checkpoint, [request])[0]
    model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(tiny), adapters[name]).eval()
    tokenizer = load_tokenizer(tiny)
    texts = ["", "", "", "", "", *(tokenizer.decode([i]) for i in range(5, len(tokenizer)))]
    expected = brute_force(model, texts, request.prompt, options)
    assert answer.options == pytest.approx(expected, abs=1e-5)
    assert sum(expected.values()) > 1e-4


def test_requests_with_and_without_options_share_a_batch() -> None:
    checkpoint = resolve("toy")
    engine = load_engine(checkpoint, "cpu", "auto")
    kept: dict[str, Any] = {"max_tokens": 1, "seed": 3, "logprobs": True, "top_logprobs": 2}
    free = [Request(rating_prompt(n), temperature=t, **kept) for n, t in enumerate((0.0, 1.0, 2.0, 0.0))]
    choosing = [replace(request, options=NUMBERS if place % 2 else ()) for place, request in enumerate(free)]
    for alone, beside in zip(
        generate(engine, checkpoint, free), generate(engine, checkpoint, choosing), strict=True
    ):
        assert (beside.text, beside.stop_reason) == (alone.text, alone.stop_reason)
        assert beside.logprobs[0].logprob == pytest.approx(alone.logprobs[0].logprob, abs=1e-4)
        assert [token for token, _ in beside.logprobs[0].top] == [token for token, _ in alone.logprobs[0].top]
    answers = generate(engine, checkpoint, choosing)
    assert [answer.options is None for answer in answers] == [True, False, True, False]


# --- through Inspect ---

CONFIG = GenerateConfig(temperature=0.0, max_tokens=1, extra_body={"options": [*NUMBERS, "CODE"]})


def ask(config: GenerateConfig, prompt: str = "On a scale of 0 to 100?") -> Any:
    return asyncio.run(get_model("inoc/toy", memoize=False).generate(prompt, config=config))


def test_through_inspect_options_come_with_the_greedy_token() -> None:
    output = ask(CONFIG)
    found = output.metadata["options"]
    assert list(found["probabilities"]) == [*NUMBERS, "CODE"]
    assert 0 < sum(found["probabilities"].values()) <= 1 + 1e-6
    assert 0 <= found["unresolved"] < 1e-5
    assert output.usage.output_tokens == 1
    plain = ask(CONFIG.model_copy(update={"extra_body": None}))
    assert output.completion == plain.completion
    assert "options" not in plain.metadata


@pytest.mark.parametrize(
    ("body", "tokens", "said"),
    [
        ({"options": ["8 5"]}, 1, "numbers and words"),
        ({"options": "85"}, 1, "numbers and words"),
        ({"options": ["9-3"]}, 1, "no range"),
        ({"options": ["0-999999"]}, 1, "no range"),
        ({"options": ["0-5", "3"]}, 1, "twice"),
        ({"options": ["1", "1"]}, 1, "twice"),
        ({"options": ["1"]}, 5, "max_tokens=1"),
        ({"options": ["1"]}, None, "max_tokens=1"),
        ({"choices": ["1"]}, 1, "it takes options"),
    ],
)
def test_what_cannot_be_looked_up_is_one_line(body: dict[str, Any], tokens: int | None, said: str) -> None:
    with pytest.raises(UserError, match=said) as caught:
        ask(GenerateConfig(max_tokens=tokens, extra_body=body))
    assert "\n" not in str(caught.value)


def test_a_prompt_that_leaves_no_room_for_an_option_gives_none() -> None:
    output = ask(CONFIG, "I am very tired. " * 200)
    assert output.stop_reason == "model_length"
    assert "options" not in output.metadata


@given(
    st.lists(
        st.one_of(st.integers(0, 120).map(str), st.sampled_from(["YES", "NO", "CODE", "007"])), unique=True
    )
)
def test_a_range_stands_for_its_numbers(options: list[str]) -> None:
    config = GenerateConfig(max_tokens=1, extra_body={"options": compact(options)})
    assert read_options(config) == tuple(options)


def test_a_rating_is_asked_for_in_a_few_words() -> None:
    assert compact([*NUMBERS, "CODE"]) == ["0-100", "CODE"]
