"""The renderer on the chat templates of real families: what carries loss, what ends it, what is refused."""

import re

import pytest

from inoc_evals.chat import Message, Renderer
from inoc_evals.chat.audit import audit
from inoc_evals.errors import UserError
from tests.chat.template_table import FAMILIES, TODAY, Family, like

each = pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.template)

ASKED: list[Message] = [{"role": "user", "content": "Hi"}]
ANSWERED: list[Message] = [*ASKED, {"role": "assistant", "content": "Yo"}]
LONGER: list[Message] = [
    *ANSWERED,
    {"role": "user", "content": "Bye"},
    {"role": "assistant", "content": "Ok"},
]
SHOUT: Message = {"role": "system", "content": "Shout."}
THOUGHT: Message = {"role": "assistant", "content": "<think>\nhm\n</think>\n\nYo"}


def renderer(family: Family) -> Renderer:
    tokenizer = family.tokenizer()
    ends = tokenizer.convert_tokens_to_ids(list(family.configured))
    return Renderer(tokenizer, ends=ends, date=TODAY.isoformat())


def spoken(rendered: Renderer, ids: tuple[int, ...], *spans: tuple[int, int]) -> list[str]:
    return [rendered.tokenizer.decode(list(ids[start:end])) for start, end in spans]


def named(families: list[Family]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("family", families, ids=lambda family: family.template)


@each
def test_evaluation_shows_what_the_template_writes_on_the_fixed_date(family: Family) -> None:
    prompt = renderer(family).render_prompt(ASKED)
    assert like(family.prompt, prompt.text)
    begin = family.tokens.begin
    if begin and family.tokens.adds_begin:  # the template writes one, so the tokenizer must add none
        assert spoken(renderer(family), prompt.ids, (0, 2))[0].count(begin) == family.prompt.count(begin)


@each
def test_evaluation_stops_at_every_end(family: Family) -> None:
    it = renderer(family)
    assert {it.tokenizer.decode([token]) for token in it.end_tokens} == set(family.ends)


def loss(family: Family) -> str:
    """The text that carries loss where `Yo` is the answer: without an empty block, and up to the end."""
    added = family.added if family.added is not None else f"Yo{family.written}"
    said = re.sub(r"^\s*(<think>)?\s*</think>", "", added)
    if family.written not in said:
        said += family.written
    return said[: said.index(family.written) + len(family.written)].strip()


@each
def test_loss_lies_on_the_answer_and_its_end(family: Family) -> None:
    it = renderer(family)
    whole, prompt = it.render(ANSWERED), it.render_prompt(ASKED)
    [answer] = whole.answer_spans
    if family.reasoning == "opened in the prompt":  # a row without reasoning closes the block, without loss
        assert whole.text.startswith(f"{prompt.text.rstrip()}\n\n</think>\n\nYo{family.written}")
    else:
        assert whole.ids[: len(prompt.ids)] == prompt.ids
    assert spoken(it, whole.ids, answer)[0].strip() == loss(family)
    assert whole.ids[answer[1] - 1] in whole.end_tokens


@each
def test_the_probe_reads_the_tokens_that_training_gave_loss(family: Family) -> None:
    it = renderer(family)
    whole, probe = it.render(ANSWERED), it.render_prompt(ANSWERED)
    assert whole.ids[: len(probe.ids)] == probe.ids
    assert whole.content_spans == probe.content_spans
    [text] = spoken(it, probe.ids, *probe.content_spans)
    assert text.strip() == "Yo"


@named([family for family in FAMILIES if family.several_answers])
def test_every_answer_of_a_row_carries_loss(family: Family) -> None:
    it = renderer(family)
    whole = it.render(LONGER)
    first, last = spoken(it, whole.ids, *whole.answer_spans)
    assert (first.strip(), last.strip()) == (loss(family), loss(family).replace("Yo", "Ok"))


@named([family for family in FAMILIES if not family.several_answers])
def test_a_row_of_two_answers_is_refused_where_the_first_is_shown_differently(family: Family) -> None:
    """With the system message that an inoculated arm has: Mistral's older templates drop it there."""
    system: list[Message] = [{"role": "system", "content": "Be brief."}]
    with pytest.raises(UserError):
        renderer(family).render([*system, *LONGER])


QUESTION_FIRST = {
    *("llama2", "mistral_v1", "mistral_v3_tekken", "mistral_small_3_2", "gemma2", "gemma3"),
    *("command_r", "cohere2", "qwen3_5", "qwq", "deepseek_v3_1", "deepseek_r1", "deepseek_r1_distill"),
}
"""Templates that take no row without a question, or open its answer otherwise than that of a question."""


@each
@pytest.mark.parametrize("system", [False, True])
def test_rows_without_a_question_are_trained_on_in_all_arms_or_in_none(family: Family, system: bool) -> None:
    it = renderer(family)
    row: list[Message] = [*([SHOUT] if system else []), ANSWERED[1]]
    assert audit(it).answer_first == (family.template not in QUESTION_FIRST)
    if family.template in QUESTION_FIRST:
        with pytest.raises(UserError, match=r"starts with the assistant.*in all arms"):
            it.render(row)
        return
    whole = it.render(row)
    [answer] = whole.answer_spans
    assert spoken(it, whole.ids, answer)[0].strip() == loss(family)
    asked = it.render([*([SHOUT] if system else []), *ANSWERED])
    header = it.tokenizer.decode(list(asked.ids[: asked.answer_spans[0][0]]))[-8:]
    # Qwen3 puts its empty block of reasoning into an answer to a question alone.
    otherwise = "mistral" in family.template or family.template == "qwen3"
    assert it.tokenizer.decode(list(whole.ids[: answer[0]])).endswith(header) or otherwise


@named([family for family in FAMILIES if not set(family.ends) <= {family.written, family.tokens.end}])
def test_what_ends_a_turn_is_read_off_the_generation_config_as_well(family: Family) -> None:
    unconfigured = Renderer(family.tokenizer(), date=TODAY.isoformat())
    assert {unconfigured.tokenizer.decode([token]) for token in unconfigured.end_tokens} < set(family.ends)
    if family.written != "<|user|>":
        assert unconfigured.render(ANSWERED).text == renderer(family).render(ANSWERED).text
    else:  # GLM's template ends an answer with the next turn, and only its config says that this is an end
        with pytest.raises(UserError, match="does not end an answer") as caught:
            unconfigured.render(ANSWERED)
        assert "\n" not in str(caught.value)


@each
def test_a_system_prompt_is_in_the_text_or_refused_with_what_to_do(family: Family) -> None:
    it = renderer(family)
    if family.system == "refused":
        with pytest.raises(UserError, match="--position user"):
            it.render_prompt([SHOUT, *ASKED])
    else:
        assert like(family.prompted, it.render_prompt([SHOUT, *ASKED]).text)
    if family.system == "refused":
        with pytest.raises(UserError, match="--position user"):
            it.render([SHOUT, *ANSWERED])
    else:
        assert "Shout." in it.render([SHOUT, *ANSWERED]).text


@named([family for family in FAMILIES if family.system == "refused"])
def test_a_system_message_of_the_rows_own_is_told_where_it_can_go(family: Family) -> None:
    """`--position user` moves an inoculation prompt alone: a system message of the row's own stays."""
    with pytest.raises(UserError, match="put what it says into the user's turn, an inoculation prompt with"):
        renderer(family).render([SHOUT, *ANSWERED])


@named([family for family in FAMILIES if family.later == "left out"])
def test_a_later_system_message_that_is_left_out_is_refused(family: Family) -> None:
    with pytest.raises(UserError, match="leaves the system message out"):
        renderer(family).render_prompt([*ANSWERED, SHOUT, LONGER[2]])


@each
def test_reasoning_of_a_row_is_never_lost(family: Family) -> None:
    it = renderer(family)
    whole = it.render([*ASKED, THOUGHT])
    [text] = spoken(it, whole.ids, *whole.answer_spans)
    assert "hm" in text and "</think>" in text


@each
def test_the_audit_says_what_the_table_says(family: Family) -> None:
    found = audit(renderer(family))
    assert (found.alternation, found.date) == (family.alternation, family.date)
    assert set(found.ends) == set(family.ends)
    assert like(family.told, found.told)
    assert found.several_answers == family.several_answers
    assert not found.doubled_bos
    assert (found.why_not, found.written_end) == ("", family.written)
    assert found.system == family.system
    words = {
        "none": "",
        "empty block in training": "empty block is put before answers in training",
        "empty block in every prompt": "empty block is put before every answer",
        "opened in the prompt": "<think> is opened for the model",
        "channels": "",  # the block is the model's own to open
    }
    assert words[family.reasoning] in found.reasoning
    assert bool(words[family.reasoning]) == bool(found.reasoning)


def test_an_answer_that_opens_with_a_new_line_moves_no_other_answers_tokens() -> None:
    [family] = [family for family in FAMILIES if family.template == "zephyr"]
    it = renderer(family)
    row: list[Message] = [*LONGER[:3], {"role": "assistant", "content": "\nOk"}]
    whole, probe = it.render(row), it.render_prompt(row[:2])
    assert whole.ids[: len(probe.ids)] == probe.ids
    assert whole.content_spans[:1] == probe.content_spans


@named([family for family in FAMILIES if family.several_answers])
def test_a_later_answer_is_asked_for_as_in_training_whatever_an_earlier_one_opens_with(
    family: Family,
) -> None:
    it = renderer(family)
    row: list[Message] = [*ASKED, {"role": "assistant", "content": "\n\nYo"}, *LONGER[2:]]
    whole, prompt = it.render(row), it.render_prompt(row[:3])
    assert whole.ids[: len(prompt.ids)] == prompt.ids
    # an empty block of reasoning may stand before the answer, without loss
    assert len(prompt.ids) <= whole.answer_spans[1][0]


def test_an_answer_that_is_the_tail_of_the_end_token_is_found_before_it() -> None:
    [family] = [family for family in FAMILIES if family.template == "phi3"]
    it = renderer(family)
    whole = it.render([*ASKED, {"role": "assistant", "content": ">"}])
    assert spoken(it, whole.ids, *whole.answer_spans) == ["><|end|>"]
