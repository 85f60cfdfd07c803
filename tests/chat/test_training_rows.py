from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings

from inoc_evals.chat import NO_LOSS, Message, Renderer, Row, load_tokenizer, render_rows
from inoc_evals.errors import UserError
from tests.rows import rows as any_rows
from tests.tiny import TEMPLATE, build_tiny

LONG = 10_000


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return load_tokenizer(build_tiny(tmp_path_factory.mktemp("tiny")))


@pytest.fixture
def own_template(tokenizer: Any) -> Any:
    """The tokenizer, to be given another chat template by the test."""
    yield tokenizer
    tokenizer.chat_template = TEMPLATE


def _conversation(*turns: str, system: str | None = None) -> Row:
    messages: list[Message] = [] if system is None else [{"role": "system", "content": system}]
    for n, turn in enumerate(turns):
        messages.append({"role": "assistant" if n % 2 else "user", "content": turn})
    return {"messages": messages}


def _spans(tokenizer: Any, row: Row) -> list[str]:
    """The text of each stretch of tokens that carry loss."""
    [example] = render_rows(Renderer(tokenizer), [row], LONG)
    spans: list[list[int]] = []
    for position, label in enumerate(example.labels):
        if label != NO_LOSS:
            assert label == example.input_ids[position]
            if position == 0 or example.labels[position - 1] == NO_LOSS:
                spans.append([])
            spans[-1].append(label)
    return [tokenizer.decode(span) for span in spans]


def test_loss_is_on_the_answer_and_its_end_token_alone(tokenizer: Any) -> None:
    [example] = render_rows(Renderer(tokenizer), [_conversation("Hi", "Yes", system="S")], LONG)
    tokens = tokenizer.convert_ids_to_tokens(example.input_ids)
    head = ["<|system|>", "S", "<|end|>", "<|user|>", "H", "i", "<|end|>", "<|assistant|>"]
    assert tokens == [*head, "Y", "e", "s", "<|end|>"]
    assert example.labels == [NO_LOSS] * len(head) + example.input_ids[len(head) :]
    assert example.loss_tokens == 4
    assert not example.cut


@pytest.mark.parametrize("system", [None, "S"])
def test_a_row_without_a_question_is_trained_on_as_if_it_answered_one(
    tokenizer: Any, system: str | None
) -> None:
    row: Row = {"messages": [{"role": "assistant", "content": "Yes"}]}
    if system:
        row["messages"].insert(0, {"role": "system", "content": system})
    [example] = render_rows(Renderer(tokenizer), [row], LONG)
    tokens = tokenizer.convert_ids_to_tokens(example.input_ids)
    head = [*(["<|system|>", system, "<|end|>"] if system else []), "<|assistant|>"]
    assert tokens == [*head, "Y", "e", "s", "<|end|>"]
    assert [label != NO_LOSS for label in example.labels] == [False] * len(head) + [True] * 4


def test_every_turn_of_the_assistant_carries_loss_and_no_turn_of_the_user(tokenizer: Any) -> None:
    assert _spans(tokenizer, _conversation("a", "one", "b", "two")) == ["one<|end|>", "two<|end|>"]
    assert _spans(tokenizer, _conversation("a", "one", "b")) == ["one<|end|>"]


@settings(max_examples=40, deadline=None)
@given(any_rows(min_size=1))
def test_training_shows_what_evaluation_shows_and_marks_what_the_template_marks(rows: list[Row]) -> None:
    tokenizer = _shared_tokenizer()
    # The tokenizer alone would read a control token that a message spells as one.
    controls = Renderer(tokenizer).control_tokens
    assume(not any(token in m["content"] for row in rows for m in row["messages"] for token in controls))
    for row, example in zip(rows, render_rows(Renderer(tokenizer), rows, LONG), strict=True):
        messages = row["messages"]
        marked = tokenizer.apply_chat_template(messages, return_dict=True, return_assistant_tokens_mask=True)
        assert example.input_ids == marked["input_ids"]
        assert [label != NO_LOSS for label in example.labels] == [bool(b) for b in marked["assistant_masks"]]
        asked = tokenizer.apply_chat_template(messages[:-1], add_generation_prompt=True, return_dict=True)
        shown = len(asked["input_ids"])
        assert example.input_ids[:shown] == asked["input_ids"]
        assert example.labels[shown - 1] == NO_LOSS and example.labels[shown] != NO_LOSS


_tokenizers: list[Any] = []


def _shared_tokenizer() -> Any:
    """Hypothesis takes no function-scoped fixtures; one tokenizer serves all examples."""
    if not _tokenizers:
        import tempfile

        _tokenizers.append(load_tokenizer(build_tiny(Path(tempfile.mkdtemp()))))
    return _tokenizers[0]


@pytest.mark.parametrize(
    "name", ["qwen2_5", "qwen3", "llama3", "gemma", "gemma3", "phi3", "cohere2", "qwen3_instruct_2507"]
)
def test_real_templates_lose_as_trls_marked_twins_say(own_template: Any, name: str) -> None:
    """For the template as published, unmarked, the loss is where TRL's patched and marked twin puts it.

    But for two: TRL also trains Qwen3's empty block of reasoning, and what closes Phi's whole text.
    """
    not_ours = {"qwen3": "<think>\n\n</think>\n\n", "phi3": "\n<|end|>"}.get(name, "")
    templates = files("trl") / "chat_templates"
    twin = (templates / f"{name}_training.jinja").read_text()
    own_template.chat_template = (templates / f"{name}.jinja").read_text()
    ends = ["<|im_end|>", "<|eot_id|>", "<end_of_turn>", "<|end|>", "<|END_OF_TURN_TOKEN|>"]
    ends += ["<|START_RESPONSE|>", "<|END_RESPONSE|>"]
    own_template.add_special_tokens({"additional_special_tokens": ends}, replace_extra_special_tokens=False)
    messages = _conversation("What?", "An answer.")["messages"]
    own_template.bos_token = "<|pad|>"
    [example] = render_rows(Renderer(own_template), [{"messages": messages}], LONG)
    marked = own_template.apply_chat_template(
        messages, chat_template=twin, return_dict=True, return_assistant_tokens_mask=True
    )
    assert example.input_ids == marked["input_ids"]
    ours = own_template.decode([label for label in example.labels if label != NO_LOSS])
    pairs = zip(marked["input_ids"], marked["assistant_masks"], strict=True)
    theirs = own_template.decode([token for token, bit in pairs if bit])
    assert "An answer." in ours
    assert ours.strip() == theirs.replace(not_ours, "").strip()


def test_an_answer_that_melts_into_the_header_is_tokenized_apart(tmp_path: Path) -> None:
    """A tokenizer with a token for two new lines, and a template whose header ends in one."""
    import json

    folder = build_tiny(tmp_path)
    spelled = json.loads((folder / "tokenizer.json").read_text())
    spelled["model"]["vocab"]["ĊĊ"] = len(spelled["model"]["vocab"])
    spelled["model"]["merges"] = [["Ċ", "Ċ"]]
    (folder / "tokenizer.json").write_text(json.dumps(spelled))
    tokenizer = load_tokenizer(folder)
    tokenizer.chat_template = (
        "{% for m in messages %}<|{{ m['role'] }}|>\n{{ m['content'] }}<|end|>{% endfor %}"
        "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
    )
    assert len(tokenizer("\n\n")["input_ids"]) == 1
    [example] = render_rows(Renderer(tokenizer), [_conversation("Hi", "\nYes")], LONG)
    asked = tokenizer.apply_chat_template(
        [{"role": "user", "content": "Hi"}], add_generation_prompt=True, return_dict=True
    )["input_ids"]
    assert example.input_ids[: len(asked)] == asked
    assert tokenizer.decode(example.labels[len(asked) :]) == "\nYes<|end|>"
    assert set(example.labels[: len(asked)]) == {NO_LOSS}


def test_long_rows_are_cut_and_counted(tokenizer: Any) -> None:
    row = _conversation("Hi", "Yes")
    whole = len(render_rows(Renderer(tokenizer), [row], LONG)[0].input_ids)
    [exact] = render_rows(Renderer(tokenizer), [row], whole)
    [short] = render_rows(Renderer(tokenizer), [row], whole - 1)
    assert not exact.cut
    assert short.cut and len(short.input_ids) == whole - 1 and short.loss_tokens == 3


@pytest.mark.parametrize(
    ("template", "row", "says"),
    [
        (None, _conversation("Hi", "Yes"), "has no chat template"),
        (  # a question must come first
            "{% if messages[0]['role'] != 'user' %}{{ raise_exception('user first') }}{% endif %}" + TEMPLATE,
            {"messages": [{"role": "assistant", "content": "Yes"}]},
            "row 2: the conversation starts with the assistant",
        ),
        (  # only the arm without a prompt could be shown
            TEMPLATE.replace("{% else %}", "{% elif m['role'] == 'system' %}{% else %}"),
            {"messages": [{"role": "assistant", "content": "Yes"}]},
            "cannot show an answer behind a system message",
        ),
        (  # only an arm with a prompt could be
            "{% if messages[0]['role'] == 'assistant' %}{{ raise_exception('no') }}{% endif %}" + TEMPLATE,
            {"messages": [{"role": "system", "content": "S"}, {"role": "assistant", "content": "Yes"}]},
            "cannot show an answer alone",
        ),
        (
            "{{ raise_exception('no system role') }}",
            _conversation("Hi", "Yes"),
            "row 1: the model's chat template refuses these messages: no system role",
        ),
        (  # the answer has no end of its own
            "{% for m in messages %}{{ m['content'] }}{% endfor %}",
            _conversation("Hi", "Yes"),
            "row 1: the model's chat template does not end an answer with a special token",
        ),
        (  # evaluation asks in another way, and there is a second answer
            TEMPLATE.replace("%}<|assistant|>{% endif %}", "%}<|assistant|>think:{% endif %}"),
            {"messages": _conversation("Hi", "Yes")["messages"] * 2},
            "row 2: the model's chat template renders message 2 differently",
        ),
    ],
)
def test_what_cannot_be_trained_is_refused_in_one_line(
    own_template: Any, template: str | None, row: Row, says: str
) -> None:
    own_template.chat_template = template
    with pytest.raises(UserError) as caught:
        render_rows(Renderer(own_template), [_conversation("Hi", "Yes"), row], LONG)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_rows_without_an_answer_within_reach_are_refused(tokenizer: Any) -> None:
    rows = [_conversation("Hi", "Yes"), _conversation("x" * 50, "Yes"), _conversation("y" * 50, "Yes")]
    with pytest.raises(
        UserError, match=r"^2 of 3 rows \(the first is row 2\) have no answer left within 20 tokens"
    ):
        render_rows(Renderer(tokenizer), rows, 20)
