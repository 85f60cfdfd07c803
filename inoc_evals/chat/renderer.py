"""From messages to tokens: the one place that knows what a chat template makes of a conversation.

    renderer = load_renderer("checkpoints/mine")

    prompt = renderer.render_prompt([{"role": "user", "content": "Hi"}])   # evaluation: what is answered
    prompt.ids, prompt.digest, prompt.end_tokens

    whole = renderer.render([{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hola"}])
    [(start, end)] = whole.answer_spans                                    # training: what carries loss
    assert whole.ids[:start] == prompt.ids

The chat template itself says where an answer lies. The text that it renders to request a turn, as evaluation
does, is the prompt; what it adds once the turn exists, up to the token that ends the turn, is the answer, and
that alone carries loss. This holds for any template, marked with `{% generation %}` or not, and by
construction a model is trained on the very tokens that it is later shown.

Three things are refused here, so that they can happen nowhere: a message that the template leaves out or
changes, a conversation that is rendered differently in training than evaluation requests it, and an answer
without an end. What a template adds by itself, such as a default system prompt, stays in: the model was
trained with it; `audit.py` reports it. A template that reads the clock is told one fixed date. A message that
spells one of the model's control tokens is text: it opens no turn and ends none.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date as Date
from functools import cached_property
from itertools import takewhile
from pathlib import Path
from typing import Any

from inoc_evals.chat.faults import why_no_tokenizer
from inoc_evals.chat.reasoning import EMPTY_BLOCK, MARKS, opened_block, split_reasoning
from inoc_evals.chat.rows import Message
from inoc_evals.chat.shielded import Shielded, any_of
from inoc_evals.chat.template_limits import check_template
from inoc_evals.digests import sha256
from inoc_evals.errors import UserError, one_line
from inoc_evals.whole_text import require_whole, require_whole_chat

Span = tuple[int, int]
"""Start and end, the end excluded."""

DATE = "2024-07-26"
"""What a template that reads the clock is told (Llama 3.1's template has this day as its own default).
Today's date would give the same checkpoint other tokens tomorrow."""

EXCHANGE: list[Message] = [
    {"role": "user", "content": "Question"},
    {"role": "assistant", "content": "Response"},
]
"""Rendered once per tokenizer, to see which token the template puts behind an answer."""

PROBES = ("Q0Z probe", "Q1Z probe")
"""Texts that no template writes by itself."""

CLOCK = "strftime_now"
"""The function by which a template asks for the date; transformers gives it the present one."""

NOT_CONTROL = frozenset(mark for pair in MARKS[:1] for mark in pair)
"""Tokens that may stand in a message: reasoning is written with them."""


class MessageLeftOutError(UserError):
    """A chat template leaves a message out: the model would never read it."""


@dataclass(frozen=True)
class Rendered:
    """A conversation, or the start of one, as the model reads it.

    Attributes:
        text: The rendered text, special tokens included.
        ids: Its token ids.
        answer_spans: Of each assistant message, the tokens that carry loss: the answer and the token that
            ends it. Empty for a prompt.
        content_spans: Of each assistant message, the tokens of its text alone. A prompt has one where it
            continues an answer.
        end_tokens: Token ids that end an assistant's turn.
        opened: The mark of a reasoning block that the prompt opens for the model; empty without one.
    """

    text: str
    ids: tuple[int, ...]
    answer_spans: tuple[Span, ...]
    content_spans: tuple[Span, ...]
    end_tokens: frozenset[int]
    opened: str = ""

    @property
    def digest(self) -> str:
        """Digest of the text, 16 hex characters: equal exactly where the model reads the same text."""
        return sha256(self.text)[:16]


@dataclass(frozen=True)
class _Answer:
    """Where one answer lies in a rendered text, in characters.

    Attributes:
        start: Where the loss starts.
        content: Where the message's text starts.
        content_end: Where it ends.
        end: Behind the token that ends the turn.
    """

    start: int
    content: int
    content_end: int
    end: int


class Renderer:
    """A tokenizer with its chat template.

    Attributes:
        tokenizer: The transformers tokenizer.
        special_tokens: Its special token ids, as transformers lists them.
        date: The date that the template is told, ISO 8601.
    """

    def __init__(self, tokenizer: Any, *, ends: Collection[int] = (), date: str = DATE) -> None:
        """Wrap a transformers tokenizer; one without a chat template can still `encode`.

        Args:
            tokenizer: The tokenizer.
            ends: More token ids that end a turn: those of the model's generation config.
            date: The date that the template is told, ISO 8601.

        Raises:
            UserError: If the date is none.
        """
        self.tokenizer = tokenizer
        self.special_tokens: frozenset[int] = frozenset(tokenizer.all_special_ids)
        self.date = date
        self._today = _read_date(date)
        self._ends = frozenset(ends)
        # Tokens that no text is split into, as those that end a turn must be. Some tokenizers (Gemma's) have
        # white space among them.
        added = {str(token): int(number) for token, number in tokenizer.get_added_vocab().items()}
        added |= dict(zip(tokenizer.all_special_tokens, tokenizer.all_special_ids, strict=True))
        self._reserved = {
            token: number
            for token, number in added.items()
            if token.strip(" \n\t\u2581") and token not in NOT_CONTROL
        }
        self._faults: dict[tuple[str, ...], UserError | None] = {}

    @cached_property
    def end_tokens(self) -> frozenset[int]:
        """Token ids that end an assistant's turn.

        The tokenizer's, those of the generation config, and the one that the template writes: training ends
        an answer on the last, and a model may end one on any.
        """
        ends = {self.tokenizer.eos_token_id, *self._ends} - {None}
        return frozenset(ends | {self._reserved[token] for token in self._footer[-1:]})

    @cached_property
    def _footer(self) -> list[str]:
        """The tokens that the template writes behind an answer, wherever it stands; the last ends the turn.

        Usually one, two for Command A (`<|END_RESPONSE|><|END_OF_TURN_TOKEN|>`). What closes the whole text,
        as Phi's does, is not among them.
        """
        try:
            last = self._behind_answer(EXCHANGE)
        except UserError:  # no template, or one that refuses this exchange
            return []
        try:
            within = self._behind_answer([*EXCHANGE, EXCHANGE[0]])
        except UserError:
            within = last
        pairs = zip(last, within, strict=False)
        shared = [token for token, _ in takewhile(lambda pair: pair[0] == pair[1], pairs)]
        return shared or last[:1] or self._opening(within)

    def _opening(self, within: Sequence[str]) -> list[str]:
        """The token of a next turn, where that is what ends an answer: GLM's generation config says so."""
        return [token for token in within[:1] if self._reserved[token] in self._ends]

    def _apply_whole(self, messages: Sequence[Message]) -> str:
        """The text of a conversation that ends with an answer, with the token that ends it."""
        text = self._apply(messages)
        if messages[-1]["role"] != "assistant" or not self._footer or self._ends_the_last:
            return text
        return text + "".join(self._footer)

    @cached_property
    def _ends_the_last(self) -> bool:
        """Whether the template writes the end of an answer that nothing follows."""
        return bool(self._behind_answer(EXCHANGE))

    def _behind_answer(self, messages: Sequence[Message]) -> list[str]:
        """The run of reserved tokens behind an exchange's answer."""
        _, answer, rest = self._apply(messages).rpartition(EXCHANGE[-1]["content"])
        run = re.match(rf"\s*((?:{any_of(self._reserved)})+)", rest) if answer else None
        return re.findall(any_of(self._reserved), run[1]) if run else []

    @cached_property
    def _turn_end(self) -> re.Pattern[str]:
        """What ends an answer in a rendered text: the footer; without one, any token that no text holds."""
        return re.compile(rf"\s*(?:{re.escape(''.join(self._footer)) or any_of(self._reserved)})")

    @cached_property
    def control_tokens(self) -> frozenset[str]:
        """Tokens that structure a conversation, as text: a message that spells one is shown as plain text."""
        special = {str(t) for t in self.tokenizer.added_tokens_decoder.values() if t.special}
        special.update(self.tokenizer.all_special_tokens)
        try:  # some models have theirs as ordinary added tokens
            written = self._apply([*EXCHANGE, EXCHANGE[0]], add_generation_prompt=True)
        except UserError:
            written = ""
        special.update(token for token in self._reserved if token in written)
        return frozenset(special & self._reserved.keys())

    def require_template(self) -> None:
        """Refuse a tokenizer without a chat template.

        Raises:
            UserError: If it has none.
        """
        if not self.tokenizer.chat_template:
            raise UserError(
                "the model's tokenizer has no chat template: use a chat model, or save a template with it"
            )

    def encode(self, text: str) -> tuple[int, ...]:
        """Token ids of a text; none are added, since a template writes the special tokens itself.

        Raises:
            UserError: If it holds half a character.
        """
        require_whole(text, "the text")
        return tuple(self.tokenizer(text, add_special_tokens=False)["input_ids"])

    def render_prompt(self, messages: Sequence[Message]) -> Rendered:
        """Render the text that the model is to continue, as evaluation shows it.

        A conversation that ends with an assistant message is continued in that message, of which the tokens
        are those that training would give loss; any other opens a new answer.

        Args:
            messages: At least one.

        Returns:
            The prompt, without answer spans.

        Raises:
            UserError: If the template refuses the messages or leaves one out, a message holds half a
                character, or the tokenizer has no template.
        """
        shielded = self._shielded(messages)
        if messages[-1]["role"] == "assistant":
            whole, answers = self._whole(shielded)
            content = whole.content_spans[-1]
            return Rendered(
                text=shielded.restored(shielded.text[: answers[-1].content_end]),
                ids=whole.ids[: content[1]],
                answer_spans=(),
                content_spans=(content,),
                end_tokens=self.end_tokens,
            )
        text = self._apply(shielded.messages, add_generation_prompt=True)
        self._require_messages(shielded, shielded.messages, text)
        return Rendered(
            text=shielded.restored(text),
            ids=self._cut(shielded, text, self._earlier_bounds(shielded, text))[0],
            answer_spans=(),
            content_spans=(),
            end_tokens=self.end_tokens,
            opened=opened_block(text),
        )

    def render(self, messages: Sequence[Message], *, reasoning_loss: bool = True) -> Rendered:
        """Render a whole conversation, as training shows it.

        Args:
            messages: A conversation. It may start with an answer where the template can show such rows, with
                and without a system message before it.
            reasoning_loss: Whether the reasoning of an answer that has some carries loss.

        Returns:
            The conversation, with the span of every answer.

        Raises:
            UserError: If the template refuses the conversation, leaves a message out, renders an answer
                otherwise than `render_prompt` requests it, or does not end it with a special token; if no
                question precedes the first answer and the template cannot show that; if a message holds half
                a character; or if the tokenizer has no template.
        """
        return self._whole(self._shielded(messages), reasoning_loss)[0]

    def _whole(self, shielded: Shielded, reasoning_loss: bool = True) -> tuple[Rendered, list[_Answer]]:
        """Render a whole conversation; also where its answers lie in `shielded.text`."""
        first = next((m["role"] for m in shielded.messages if m["role"] != "system"), "")
        if first == "assistant" and self._why_no_answer_first:
            raise UserError(self._why_no_answer_first)
        return self._laid_out(shielded, reasoning_loss)

    @cached_property
    def _why_no_answer_first(self) -> str:
        """Why a row that no question opens cannot be trained on; empty where it can be.

        One arm of an experiment has a system message before such an answer, another has none. If the template
        shows only one of the two, both are refused, so that no arm is trained where another cannot be.
        """
        system = Message(role="system", content=PROBES[0])
        answer = Message(role="assistant", content=PROBES[1])
        for messages, where in (([answer], "alone"), ([system, answer], "behind a system message")):
            try:
                self._laid_out(self._shielded(messages), reasoning_loss=True)
            except UserError as error:
                return (
                    "the conversation starts with the assistant, and the model's chat template cannot show "
                    f"an answer {where} ({error}): put the message that it answers first, in all arms, or "
                    "use another base model"
                )
        return ""

    @cached_property
    def _header(self) -> str:
        """The text by which the template requests an answer, or the end of it; it may be empty."""
        question = [Message(role="user", content=PROBES[0])]
        asked, requested = self._apply(question), self._apply(question, add_generation_prompt=True)
        same = takewhile(lambda pair: pair[0] == pair[1], zip(asked, requested, strict=False))
        return requested[sum(1 for _ in same) :]

    def _before_answer(self, before: Sequence[Message]) -> str:
        """The text before an answer that no question precedes.

        Templates are not made to request such an answer, so this is read off one, up to the usual header.
        """
        answer = Message(role="assistant", content=PROBES[1])
        text, found, _ = self._apply([*before, answer]).rpartition(PROBES[1])
        at = text.rfind(self._header)
        if not found or at < 0:
            raise UserError("the model's chat template opens it otherwise than evaluation opens answers")
        return text[: at + len(self._header)]

    def _laid_out(self, shielded: Shielded, reasoning_loss: bool) -> tuple[Rendered, list[_Answer]]:
        """Render a conversation whose first message the template is known to take."""
        messages = shielded.messages
        try:
            text = self._apply_whole(messages)
            answers = self._answers(shielded, text, reasoning_loss)
            self._require_messages(shielded, messages, text)
        except UserError:
            # A single answer can always stand behind the prompt that requests it.
            answered = [turn for turn, message in enumerate(messages) if message["role"] == "assistant"]
            if answered != [len(messages) - 1] or len(messages) == 1 or not self._footer:
                raise
            text, answers = self._appended(shielded, reasoning_loss)
        shielded.text = text
        bounds = [bound for answer in answers for bound in (answer.start, answer.end)]
        ids, cuts = self._cut(shielded, text, bounds)
        spans = tuple(zip(cuts[::2], cuts[1::2], strict=True))
        contents = tuple(
            self._content_span(shielded, answer, span, ids)
            for answer, span in zip(answers, spans, strict=True)
        )
        return Rendered(shielded.restored(text), ids, spans, contents, self.end_tokens), answers

    def _cut(self, shielded: Shielded, text: str, bounds: Sequence[int]) -> tuple[tuple[int, ...], list[int]]:
        """Token ids of a rendered text, and the place of each bound among them.

        Where a token would straddle a bound, e.g. where an answer opens with a new line after the header's
        own, the text is tokenized apart there: evaluation shows the header alone.
        """
        ids: tuple[int, ...] = ()
        cuts = []
        begin, rest = 0, self._encode(shielded, text)
        for bound in bounds:
            head = self._encode(shielded, text[begin:bound])
            cuts.append(len(ids) + len(head))
            if rest[: len(head)] != head:
                ids += head
                begin, rest = bound, self._encode(shielded, text[bound:])
        return ids + rest, cuts

    def _earlier_bounds(self, shielded: Shielded, text: str) -> list[int]:
        """Where the earlier answers of a prompt lie, if they are rendered as they were asked for."""
        try:
            answers = self._answers(shielded, text, reasoning_loss=True)
        except UserError:
            return []
        return [bound for answer in answers for bound in (answer.start, answer.end)]

    def _appended(self, shielded: Shielded, reasoning_loss: bool) -> tuple[str, list[_Answer]]:
        """Put an answer behind the prompt that requests it, where the template itself renders it otherwise.

        So do Mistral's templates, which drop the system message of an answered question, and those of
        reasoning models, which open a block for the model and cut it out of the answers.
        """
        *asked, last = shielded.messages
        prompt = self._apply(asked, add_generation_prompt=True)
        self._require_messages(shielded, asked, prompt)
        said, content, mark = split_reasoning(last["content"]), last["content"], opened_block(prompt)
        if mark and said.reasoning is not None:
            content = content.lstrip()[len(mark) :].lstrip("\n")
        elif mark:
            prompt = f"{prompt.rstrip()}\n\n{dict(MARKS)[mark]}\n\n"
        text = prompt + content
        start = len(prompt)
        at = _after_reasoning(text, start, start, said.reasoning, content)
        whole = text + "".join(self._footer)
        return whole, [_Answer(start if reasoning_loss else at, at, len(text), len(whole))]

    def _content_span(self, shielded: Shielded, answer: _Answer, span: Span, ids: tuple[int, ...]) -> Span:
        """The tokens of an answer's text: those of its span without what the template writes around it."""
        text = shielded.text
        start, end = span[0], span[1] - 1
        if text[answer.start : answer.content].strip():  # e.g. the header of a channel
            start += len(self._encode(shielded, text[answer.start : answer.content]))
        inside = self._encode(shielded, text[answer.start : answer.content_end])
        if ids[span[0] : span[0] + len(inside)] == inside:
            end = span[0] + len(inside)
        return start, end

    def _answers(self, shielded: Shielded, text: str, reasoning_loss: bool) -> list[_Answer]:
        """Where each answer lies in the rendered text."""
        messages, answers = shielded.messages, []
        for turn, message in enumerate(messages):
            if message["role"] != "assistant":
                continue
            before = messages[:turn]
            if all(earlier["role"] == "system" for earlier in before):
                prompt = self._before_answer(before)
            else:
                prompt = self._apply(before, add_generation_prompt=True)
            answered = text if turn == len(messages) - 1 else self._apply_whole(messages[: turn + 1])
            if not answered.startswith(prompt):
                raise UserError(self._why_different(turn))
            answer = self._answer(shielded, message["content"], prompt, answered, reasoning_loss)
            # What follows the end, such as a new line or the end of the text, may differ.
            if text[: answer.end] != answered[: answer.end]:
                raise UserError(self._why_different(turn))
            answers.append(answer)
        return answers

    def _answer(
        self, shielded: Shielded, content: str, prompt: str, answered: str, reasoning_loss: bool
    ) -> _Answer:
        """Where the answer that `answered` adds to `prompt` lies."""
        begin = len(prompt)
        mark = opened_block(prompt)
        closing = re.compile(rf"\s*{re.escape(dict(MARKS)[mark])}\s*") if mark else EMPTY_BLOCK
        empty = closing.match(answered, begin)
        start = empty.end() if empty else begin
        said = split_reasoning(content)
        unended = False
        forms = (content, content.strip(), content.rstrip(), said.answer, said.answer.strip())
        thought = said.reasoning is None or said.reasoning in answered[begin:]
        for form in filter(None, dict.fromkeys(forms) if thought else ()):
            place = answered.find(form, start)
            while place >= 0:
                if end := self._turn_end.match(answered, place + len(form)):
                    at = _after_reasoning(answered, start, place, said.reasoning, form)
                    loss = start if reasoning_loss else at
                    return _Answer(loss, max(place, loss), place + len(form), end.end())
                unended = True
                place = answered.find(form, place + 1)
        if not unended:
            raise UserError(
                f"the model's chat template changes the answer {shielded.restored(content)!r:.60}: leave "
                "that row out, or use another base model"
            )
        raise UserError(
            "the model's chat template does not end an answer with a special token, so the model could "
            "not learn to stop: use another base model"
        )

    def _why_different(self, turn: int) -> str:
        """Why an answer cannot be trained on as evaluation requests it."""
        return (
            f"the model's chat template renders message {turn + 1} differently in training than "
            "evaluation requests it: use rows with one answer, at the end, or another base model"
        )

    def _require_messages(self, shielded: Shielded, messages: Sequence[Message], text: str) -> None:
        """Refuse a template that leaves a message out, moves it, or changes its words."""
        if fault := self._fault(tuple(message["role"] for message in messages)):
            raise type(fault)(str(fault))
        for turn, message in enumerate(messages):
            content = message["content"].strip()
            if content in text:
                continue
            said = split_reasoning(content)
            # Earlier reasoning is left out by design, and a last one may be laid out anew.
            if said.reasoning is not None and said.answer.strip() in text:
                continue
            raise UserError(
                f"the model's chat template changes message {turn + 1} ({message['role']}), "
                f"{shielded.restored(content)!r:.60}: use another base model"
            )

    def _fault(self, roles: tuple[str, ...]) -> UserError | None:
        """What the template does to the messages of such a conversation; None if all are shown in order."""
        if roles not in self._faults:
            probes = [f"Q{turn}Z" for turn in range(len(roles))]
            messages = [
                Message(role=role, content=f"{probe} probe")  # type: ignore[typeddict-item]
                for role, probe in zip(roles, probes, strict=True)
            ]
            try:
                text = self._apply(messages, add_generation_prompt=roles[-1] != "assistant")
            except UserError:  # the template reads the contents: the real messages are checked all the same
                text = "".join(probes)
            self._faults[roles] = _why_not_shown(roles, [text.find(probe) for probe in probes])
        return self._faults[roles]

    def _apply(self, messages: Sequence[Message], *, add_generation_prompt: bool = False) -> str:
        """The chat template's text."""
        self.require_template()
        try:
            return self._text(messages, add_generation_prompt)
        except UserError:
            raise
        except Exception as error:  # jinja's own, e.g. for a system role, or whatever a template raises
            line = one_line(error)
            raise UserError(
                f"the model's chat template refuses these messages: {line}{self._remedy(messages)}"
            ) from error

    def _text(self, messages: Sequence[Message], add_generation_prompt: bool) -> str:
        return str(
            self.tokenizer.apply_chat_template(
                list(messages),
                tokenize=False,
                add_generation_prompt=add_generation_prompt,
                chat_template=self.template,
            )
        )

    @property
    def reads_clock(self) -> bool:
        """Whether the template asks for the date, which it is then told (`date`)."""
        self.require_template()
        return CLOCK in str(self.tokenizer.get_chat_template())

    @cached_property
    def template(self) -> str:
        """The chat template, with a clock that stands still.

        transformers lets no caller replace the function by which templates read the clock, but a macro of its
        name comes first.
        """
        template = str(self.tokenizer.get_chat_template())
        check_template(template)
        if CLOCK not in template:
            return template
        codes = "".join(f" | replace('%{c}', '{self._today.strftime(f'%{c}')}')" for c in "aAbBdjmyYUwWHIMSp")
        return f"{{%- macro {CLOCK}(format) -%}}{{{{ format{codes} }}}}{{%- endmacro -%}}{template}"

    def _remedy(self, messages: Sequence[Message]) -> str:
        """What to do where the template takes the conversation without its system message."""
        if messages[0]["role"] != "system" or len(messages) == 1:
            return ""
        try:
            self._text(messages[1:], messages[-1]["role"] != "assistant")
        except Exception:  # as above: it refuses something else
            return ""
        return ": put what it says into the user's turn, an inoculation prompt with --position user"

    def _shielded(self, messages: Sequence[Message]) -> Shielded:
        require_whole_chat((message["role"], message["content"]) for message in messages)
        return Shielded(messages, self.control_tokens)

    def _encode(self, shielded: Shielded, text: str) -> tuple[int, ...]:
        """Token ids of a rendered text; control tokens that a message spells are split into plain ones."""
        ids: list[int] = []
        for piece, plain in shielded.pieces(text):
            ids += self._spell(piece) if plain else self.encode(piece)
        return tuple(ids)

    def _spell(self, token: str) -> Sequence[int]:
        """A control token's text as ordinary tokens."""
        kept = {self._reserved[control] for control in self.control_tokens} - {self.tokenizer.unk_token_id}
        for ids in (
            self.tokenizer(token, add_special_tokens=False, split_special_tokens=True)["input_ids"],
            [*self.encode(token[:1]), *self.encode(token[1:])],
        ):
            if not kept.intersection(ids):
                return list(ids)
        raise UserError(
            f"a message holds {token!r}, and this model's tokenizer cannot write that control token as text: "
            "leave the message out"
        )


USERS_TURN = " put what it says into the user's turn, an inoculation prompt with --position user, or"


def _why_not_shown(roles: Sequence[str], places: Sequence[int]) -> UserError | None:
    """What is wrong with a rendering in which the messages of these roles stand at these places."""
    for turn, (role, place) in enumerate(zip(roles, places, strict=True)):
        way = USERS_TURN if role == "system" else ""
        if place < 0:
            return MessageLeftOutError(
                f"the model's chat template leaves the {role} message out, so the model would never read "
                f"it:{way} use another base model"
            )
        if turn and place < places[turn - 1]:
            return UserError(
                f"the model's chat template moves message {turn + 1} ({role}) to another place:{way} use "
                "another base model"
            )
    return None


def _after_reasoning(answered: str, start: int, place: int, reasoning: str | None, form: str) -> int:
    """Where what is said starts, behind the reasoning that the message holds."""
    if reasoning is None:
        return start
    closed = [
        answered.rfind(end, start, place + len(form)) + len(end)
        for _, end in MARKS
        if end in answered[start:]
    ]
    at = max(closed, default=place)
    return at + len(answered[at:]) - len(answered[at:].lstrip())


def _read_date(date: str) -> Date:
    try:
        return Date.fromisoformat(date)
    except (TypeError, ValueError) as error:
        raise UserError(f"date {date!r} is no date: write it as 2024-07-26") from error


def load_renderer(source: str | Path, *, model: str | Path | None = None, date: str = DATE) -> Renderer:
    """Load a model's tokenizer and template, and what its generation config says of the end of a turn.

    Args:
        source: Where the tokenizer is: a folder, or a name on the Hugging Face Hub.
        model: Where the generation config is; `source` by default.
        date: The date that the template is told, ISO 8601.

    Raises:
        UserError: If transformers can load no tokenizer from there.
    """
    return Renderer(load_tokenizer(source), ends=_configured_ends(model or source), date=date)


def load_tokenizer(source: str | Path) -> Any:
    """Load a transformers tokenizer; code that a repository brings along is never run.

    Args:
        source: A folder, or a name on the Hugging Face Hub.

    Raises:
        UserError: If transformers can load none from there.
    """
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(source, trust_remote_code=False)
    except Exception as error:  # transformers', the Hub's, or a bare Exception of tokenizers
        why = why_no_tokenizer(source, error)
        raise UserError(f"cannot load the tokenizer of {source}: {why}") from error


def _configured_ends(source: str | Path) -> frozenset[int]:
    """Token ids that end an answer according to a model's generation config; empty without one."""
    from transformers import GenerationConfig

    try:
        listed = GenerationConfig.from_pretrained(source).eos_token_id
    except (OSError, ValueError):  # a model needs none
        return frozenset()
    ids = listed if isinstance(listed, list) else [listed]
    return frozenset(int(token) for token in ids if token is not None)
