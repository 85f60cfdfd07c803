"""One renderer for training and evaluation: the same conversation is the same tokens in both."""

import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inoc_evals.chat import NO_LOSS, Message, Renderer, load_tokenizer, render_rows
from inoc_evals.digests import sha256
from inoc_evals.errors import UserError
from tests.tiny import TEMPLATE, build_tiny

TOY = Path(__file__).resolve().parents[2] / "inoc_evals" / "worlds" / "toy" / "checkpoint"

THINKING = TEMPLATE.replace(
    "{% generation %}{{ m['content'] }}", "{% generation %}<think>\n\n</think>\n\n{{ m['content'] }}"
)
"""A template that writes empty reasoning into an answer, as those of hybrid models do."""


@pytest.fixture(scope="module", params=["toy", "tiny"])
def renderer(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Renderer:
    folder = TOY if request.param == "toy" else build_tiny(tmp_path_factory.mktemp("tiny"))
    return Renderer(load_tokenizer(folder))


@pytest.fixture
def tiny_tokenizer(tiny: Path) -> Any:
    """The tiny model's tokenizer, to be given another template by the test."""
    return load_tokenizer(tiny)


def message(role: str, content: str) -> Message:
    return cast(Message, {"role": role, "content": content})


text = st.text(min_size=1, max_size=30).filter(str.strip)


@st.composite
def conversations(draw: st.DrawFn) -> list[Message]:
    """A chat of one to three exchanges, with or without a system message; the last message is an answer."""
    messages = [message("system", draw(text))] if draw(st.booleans()) else []
    for _ in range(draw(st.integers(1, 3))):
        messages += [message("user", draw(text)), message("assistant", draw(text))]
    return messages


@settings(max_examples=100, deadline=None)
@given(messages=conversations())
def test_training_shows_before_every_answer_the_prompt_of_evaluation(
    renderer: Renderer, messages: list[Message]
) -> None:
    whole = renderer.render(messages)
    answers = [turn for turn, message in enumerate(messages) if message["role"] == "assistant"]
    assert len(whole.answer_spans) == len(answers)
    for turn, (start, end) in zip(answers, whole.answer_spans, strict=True):
        prompt = renderer.render_prompt(messages[:turn])
        assert whole.ids[:start] == prompt.ids
        assert whole.text.startswith(prompt.text)
        assert prompt.answer_spans == ()
        assert whole.ids[end - 1] in whole.end_tokens
        assert renderer.tokenizer.decode(whole.ids[start : end - 1]) == messages[turn]["content"]


@settings(max_examples=50, deadline=None)
@given(messages=conversations())
def test_labels_lie_on_the_spans_of_the_renderer_alone(renderer: Renderer, messages: list[Message]) -> None:
    whole = renderer.render(messages)
    [example] = render_rows(renderer, [{"messages": messages}], max_length=100_000)
    inside = {place for start, end in whole.answer_spans for place in range(start, end)}
    assert tuple(example.input_ids) == whole.ids
    assert example.labels == [token if place in inside else NO_LOSS for place, token in enumerate(whole.ids)]


def test_a_conversation_that_ends_with_the_assistant_is_continued(renderer: Renderer) -> None:
    messages = [message("user", "Hi"), message("assistant", "I am")]
    opened, continued = renderer.render_prompt(messages[:1]), renderer.render_prompt(messages)
    assert continued.text == opened.text + "I am"
    assert continued.ids == opened.ids + renderer.encode("I am")
    assert renderer.render(messages).ids[: len(continued.ids)] == continued.ids


def test_ids_and_text_are_those_of_the_template(renderer: Renderer) -> None:
    messages: list[Any] = [message("system", "Be brief."), message("user", "Hi"), message("assistant", "Yes")]
    tokenizer = renderer.tokenizer
    asked = tokenizer.apply_chat_template(messages[:2], add_generation_prompt=True, tokenize=False)
    prompt = renderer.render_prompt(messages[:2])
    assert prompt.text == asked
    assert list(prompt.ids) == tokenizer(asked, add_special_tokens=False)["input_ids"]
    assert prompt.digest == sha256(asked)[:16]
    assert renderer.render(messages).text == tokenizer.apply_chat_template(messages, tokenize=False)
    assert prompt.end_tokens == {tokenizer.eos_token_id}


def test_it_says_whether_the_system_message_is_in_the_text(renderer: Renderer) -> None:
    user = message("user", "Hi")
    assert renderer.render_prompt([user]).system_in_text is None
    assert renderer.render_prompt([message("system", " Be brief. "), user]).system_in_text is True


def test_a_template_that_drops_the_system_message_is_seen(tiny_tokenizer: Any) -> None:
    tiny_tokenizer.chat_template = TEMPLATE.replace(
        "{% for m in messages %}", "{% for m in messages if m['role'] != 'system' %}"
    )
    messages = [message("system", "Be brief."), message("user", "Hi"), message("assistant", "Yes")]
    assert Renderer(tiny_tokenizer).render(messages).system_in_text is False
    assert Renderer(tiny_tokenizer).render_prompt(messages[:2]).system_in_text is False


def test_it_says_where_reasoning_lies(renderer: Renderer, tiny_tokenizer: Any) -> None:
    messages = [message("user", "Hi"), message("assistant", "Yes")]
    assert renderer.render(messages).reasoning_span is None
    tiny_tokenizer.chat_template = THINKING
    whole = Renderer(tiny_tokenizer).render(messages)
    assert whole.reasoning_span is not None
    start, end = whole.reasoning_span
    assert whole.text[start:end] == "<think>\n\n</think>"
    assert Renderer(tiny_tokenizer).render_prompt(messages[:1]).reasoning_span is None


def test_the_token_that_the_template_ends_a_turn_with_ends_it_whatever_the_tokenizers_own(
    tiny_tokenizer: Any,
) -> None:
    end = tiny_tokenizer.convert_tokens_to_ids("<|end|>")
    tiny_tokenizer.eos_token = "<|pad|>"
    assert Renderer(tiny_tokenizer).end_tokens == {end, tiny_tokenizer.pad_token_id}
    for template in (None, "{{ raise_exception('no') }}", "{{ messages[0]['content'] }}"):
        tiny_tokenizer.chat_template = template
        assert Renderer(tiny_tokenizer).end_tokens == {tiny_tokenizer.pad_token_id}


def test_without_a_template_text_is_encoded_and_chats_are_refused(tiny_tokenizer: Any) -> None:
    tiny_tokenizer.chat_template = None
    renderer = Renderer(tiny_tokenizer)
    assert len(renderer.encode("Hi")) == 2
    for render in (renderer.render, renderer.render_prompt):
        with pytest.raises(UserError, match="no chat template"):
            render([message("user", "Hi"), message("assistant", "Yes")])


@pytest.mark.parametrize("method", ["render", "render_prompt"])
def test_what_a_template_refuses_is_refused_in_one_line(tiny_tokenizer: Any, method: str) -> None:
    tiny_tokenizer.chat_template = "{{ raise_exception('no\n system role') }}"
    with pytest.raises(UserError, match=r"refuses these messages: no system role$"):
        getattr(Renderer(tiny_tokenizer), method)([message("user", "Hi")])


def test_a_folder_without_a_tokenizer_is_named_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot load the tokenizer of") as caught:
        load_tokenizer(tmp_path)
    assert "\n" not in str(caught.value)


def test_importing_the_room_loads_neither_torch_nor_transformers() -> None:
    code = "import sys, inoc_evals.chat; print([m for m in ('torch', 'transformers') if m in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"
