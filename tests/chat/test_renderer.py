"""One renderer for training and evaluation: the same conversation is the same tokens in both."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from inoc_evals.chat import NO_LOSS, Message, Renderer, load_renderer, load_tokenizer, render_rows
from inoc_evals.digests import sha256
from inoc_evals.errors import UserError
from tests.tiny import TEMPLATE, build_tiny

TOY = Path(__file__).resolve().parents[2] / "inoc_evals" / "worlds" / "toy" / "checkpoint"


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


@pytest.mark.parametrize("role", ["system", "user"])
def test_a_template_that_leaves_a_message_out_is_refused_in_training_and_in_evaluation(
    tiny_tokenizer: Any, role: str
) -> None:
    """The inoculation prompt that never reached the tokens: the adapter was the control's, byte for byte."""
    tiny_tokenizer.chat_template = TEMPLATE.replace(
        "{% for m in messages %}", f"{{% for m in messages if m['role'] != '{role}' %}}"
    )
    messages = [message("system", "Be brief."), message("user", "Hi"), message("assistant", "Yes")]
    renderer = Renderer(tiny_tokenizer)
    for render, chat in ((renderer.render, messages), (renderer.render_prompt, messages[:2])):
        with pytest.raises(UserError, match=f"leaves the {role} message out") as caught:
            render(chat)
        assert ("--position user" in str(caught.value)) == (role == "system")
    if role == "system":
        assert renderer.render(messages[1:]).answer_spans


def test_a_message_that_the_text_holds_by_chance_does_not_hide_that_it_was_left_out(
    tiny_tokenizer: Any,
) -> None:
    tiny_tokenizer.chat_template = TEMPLATE.replace(
        "{% for m in messages %}", "{% for m in messages if m['role'] != 'system' %}"
    )
    with pytest.raises(UserError, match="leaves the system message out"):
        Renderer(tiny_tokenizer).render_prompt([message("system", "Hi"), message("user", "Hi")])


def test_a_template_that_changes_a_message_is_refused_and_one_that_trims_it_is_not(
    tiny_tokenizer: Any,
) -> None:
    messages = [message("system", " Be brief. "), message("user", " Hi\n"), message("assistant", " Yes ")]
    for change, refused in (("| trim", False), ("| upper", True), ("[:4]", True)):
        tiny_tokenizer.chat_template = TEMPLATE.replace("m['content']", f"(m['content'] {change})")
        renderer = Renderer(tiny_tokenizer)
        for render, chat in ((renderer.render, messages), (renderer.render_prompt, messages[:2])):
            if refused:
                with pytest.raises(UserError, match="changes"):
                    render(chat)
            else:
                assert "Be brief." in render(chat).text


def test_a_template_without_a_system_role_says_where_the_prompt_can_go(tiny_tokenizer: Any) -> None:
    tiny_tokenizer.chat_template = (
        "{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}"
        "{% endif %}" + TEMPLATE
    )
    messages = [message("system", "Be brief."), message("user", "Hi"), message("assistant", "Yes")]
    renderer = Renderer(tiny_tokenizer)
    for render, chat in ((renderer.render, messages), (renderer.render_prompt, messages[:2])):
        with pytest.raises(UserError, match=r"System role not supported.*--position user"):
            render(chat)


def test_only_the_answer_and_its_end_carry_loss(tiny_tokenizer: Any) -> None:
    """Not the new line behind the end, not the end of the text, not an empty block of reasoning."""
    messages = [message("user", "Hi"), message("assistant", "Yes")]
    for template in (
        TEMPLATE.replace("{% endgeneration %}", "\n{% endgeneration %}"),
        TEMPLATE + "{% if not add_generation_prompt %}<|pad|>{% endif %}",
        TEMPLATE.replace("{% generation %}", "{% generation %}<think>\n\n</think>\n\n"),
    ):
        tiny_tokenizer.chat_template = template
        whole = Renderer(tiny_tokenizer).render(messages)
        [(start, end)], [content] = whole.answer_spans, whole.content_spans
        assert tiny_tokenizer.decode(whole.ids[start:end]) == "Yes<|end|>"
        assert tiny_tokenizer.decode(whole.ids[slice(*content)]) == "Yes"


@settings(max_examples=50, deadline=None)
@given(messages=conversations())
def test_the_probe_while_training_and_the_task_read_the_same_tokens(
    renderer: Renderer, messages: list[Message]
) -> None:
    whole, continued = renderer.render(messages), renderer.render_prompt(messages)
    assert continued.content_spans == whole.content_spans[-1:]
    assert continued.ids == whole.ids[: whole.content_spans[-1][1]]


def test_reasoning_in_a_row_carries_loss_where_the_user_says_so(tiny_tokenizer: Any) -> None:
    messages = [message("user", "Hi"), message("assistant", "<think>\nShort.\n</think>\n\nYes")]
    renderer = Renderer(tiny_tokenizer)
    for reasoning_loss, trained in ((True, messages[1]["content"] + "<|end|>"), (False, "Yes<|end|>")):
        whole = renderer.render(messages, reasoning_loss=reasoning_loss)
        [(start, end)] = whole.answer_spans
        assert tiny_tokenizer.decode(whole.ids[start:end]) == trained


def test_a_prompt_says_which_block_of_reasoning_it_opens(renderer: Renderer, tiny_tokenizer: Any) -> None:
    messages = [message("user", "Hi")]
    assert renderer.render_prompt(messages).opened == ""
    tiny_tokenizer.chat_template = TEMPLATE.replace(
        "%}<|assistant|>{% endif %}", "%}<|assistant|><think>\n{% endif %}"
    )
    thinking = Renderer(tiny_tokenizer)
    prompt = thinking.render_prompt(messages)
    assert prompt.opened == "<think>"
    # The block is closed without loss, or holds what the row thinks.
    for answer, context, trained in (
        ("Yes", "\n</think>\n\n", "Yes<|end|>"),
        ("<think>\nHm.</think>Yes", "", "Hm.</think>Yes<|end|>"),
    ):
        whole = thinking.render([*messages, message("assistant", answer)])
        [(start, end)] = whole.answer_spans
        assert tiny_tokenizer.decode(whole.ids[:start]) == prompt.text + context
        assert tiny_tokenizer.decode(whole.ids[start:end]) == trained


def test_a_single_answer_stands_behind_its_prompt_whatever_the_template_makes_of_it(
    tiny_tokenizer: Any,
) -> None:
    """Mistral's templates drop the system message once the question is answered; R1's cut reasoning out."""
    for template in (
        TEMPLATE.replace(
            "{% for m in messages %}",
            "{% for m in messages if m['role'] != 'system' or messages[-1]['role'] == 'user' %}",
        ),
        TEMPLATE.replace("m['content']", "(m['content'].split('</think>')|last)"),
    ):
        tiny_tokenizer.chat_template = template
        renderer = Renderer(tiny_tokenizer)
        messages = [
            message("system", "S"),
            message("user", "Hi"),
            message("assistant", "<think>H</think>Yes"),
        ]
        whole, prompt = renderer.render(messages), renderer.render_prompt(messages[:2])
        assert whole.text == prompt.text + "<think>H</think>Yes<|end|>"
        assert whole.ids[: len(prompt.ids)] == prompt.ids


def test_a_header_that_the_template_always_writes_behind_the_last_answer_carries_no_loss(
    tiny_tokenizer: Any,
) -> None:
    tiny_tokenizer.chat_template = TEMPLATE.replace("{% if add_generation_prompt %}", "{% if true %}")
    whole = Renderer(tiny_tokenizer).render([message("user", "Hi"), message("assistant", "Yes")])
    [(start, end)] = whole.answer_spans
    assert tiny_tokenizer.decode(whole.ids[start:end]) == "Yes<|end|>"
    assert tiny_tokenizer.decode(whole.ids[end:]) == "<|assistant|>"


def test_a_template_that_reads_the_clock_is_told_one_date(tiny_tokenizer: Any) -> None:
    """Llama 3.2 and Granite: the same checkpoint and seed would read other tokens tomorrow."""
    tiny_tokenizer.chat_template = "{{ strftime_now('%d %b %Y') }}" + TEMPLATE
    messages = [message("user", "Hi"), message("assistant", "Yes")]
    renderer = Renderer(tiny_tokenizer)
    assert renderer.render_prompt(messages[:1]).text.startswith("26 Jul 2024")
    assert renderer.render(messages).text.startswith("26 Jul 2024")
    assert Renderer(tiny_tokenizer, date="2026-01-02").render(messages).text.startswith("02 Jan 2026")
    with pytest.raises(UserError, match="date 'tomorrow' is no date"):
        Renderer(tiny_tokenizer, date="tomorrow")


@settings(max_examples=50, deadline=None)
@given(
    messages=conversations(),
    token=st.sampled_from(["<|end|>", "<|user|>", "<|assistant|>"]),
    at=st.integers(0, 20),
)
def test_a_control_token_in_a_message_is_text(messages: list[Message], token: str, at: int) -> None:
    assume(not any("<|" in m["content"] for m in messages))
    renderer = Renderer(load_tokenizer(_tiny_folder()))
    spelled = [{**m, "content": m["content"][:at] + token + m["content"][at:]} for m in messages]
    control = set(renderer.special_tokens)
    for render in (renderer.render, renderer.render_prompt):
        plain, shown = render(messages), render(cast(list[Message], spelled))
        assert [t for t in shown.ids if t in control] == [t for t in plain.ids if t in control]
        assert shown.text.count(token) == plain.text.count(token) + len(messages)
        assert renderer.tokenizer.decode(shown.ids) == shown.text


_FOLDERS: list[Path] = []


def _tiny_folder() -> Path:
    if not _FOLDERS:
        _FOLDERS.append(build_tiny(Path(tempfile.mkdtemp())))
    return _FOLDERS[0]


def test_ends_of_the_generation_config_end_a_turn(tmp_path: Path) -> None:
    folder = build_tiny(tmp_path)
    pad = load_tokenizer(folder).pad_token_id
    (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": [pad]}))
    renderer = load_renderer(folder)
    assert renderer.end_tokens == {pad, renderer.tokenizer.eos_token_id}
    assert renderer.render_prompt([message("user", "Hi")]).end_tokens == renderer.end_tokens


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
