"""What a chat template does with a conversation, found by trying: `inoc-evals doctor --base MODEL`.

    audit(load_renderer("checkpoints/mine"))
    # Audit(system="kept", told="You are a helpful AI assistant named SmolLM, ...", ends=("<|im_end|>",), ...)

Nothing is read off the template's source. Short conversations are rendered, and the text is looked at, so the
findings are those of the renderer that training and evaluation use.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import takewhile
from typing import Literal

from inoc_evals.chat.reasoning import EMPTY_BLOCK, opened_block
from inoc_evals.chat.renderer import DATE, MessageLeftOutError, Renderer
from inoc_evals.chat.rows import Message, Role
from inoc_evals.errors import UserError

System = Literal["kept", "merged into the user's turn", "left out", "refused"]

SYSTEM, USER, ANSWER = "Zq system", "Zq question", "Zq answer"
"""Texts that no template writes by itself."""

CONTROL = "\0"
"""Stands for a control token."""

TOLD = "without a system prompt {} is told: "
"""Beginning of the note on a hidden default system prompt, with the model's name in it."""

OTHER_DATE = "2031-03-05"


@dataclass(frozen=True)
class Audit:
    """What a chat template does.

    Attributes:
        system: What becomes of a system message. Only the first two can be inoculated by a system prompt.
        told: What the model is told without a system prompt; empty if nothing.
        date: Whether the template asks for the date; it is told a fixed one.
        reasoning: What the template does about reasoning by itself, in words; empty if nothing.
        doubled_bos: Whether a prompt starts with the same special token twice.
        alternation: Whether user and assistant must take turns.
        ends: The tokens that end an answer, as text, sorted; evaluation stops at any of them.
        written_end: The one of them that the template writes, and training ends answers with.
        several_answers: Whether a row with more than one answer can be trained on.
        answer_first: Whether a row can be trained on in which no question precedes the answer.
        why_not: Why no row can be trained on; empty where the model can be.
    """

    system: System
    told: str
    date: bool
    reasoning: str
    doubled_bos: bool
    alternation: bool
    ends: tuple[str, ...]
    written_end: str
    several_answers: bool
    answer_first: bool
    why_not: str

    @property
    def trainable(self) -> bool:
        """Whether rows of one answer can be trained on."""
        return not self.why_not

    def lines(self) -> list[tuple[str, str]]:
        """The findings in words, as (what, finding)."""
        system: str = self.system
        if system in ("left out", "refused"):
            system += ": use --position user for inoculation prompts"
        return [
            (
                "training",
                self.why_not or "works" + ("" if self.several_answers else ", rows of one answer only"),
            ),
            ("system prompt", system),
            ("without a system prompt this model is told", self.told or "nothing"),
            ("date", f"asked for; told {self._date_told}" if self.date else "not asked for"),
            ("reasoning", self.reasoning or "nothing is added"),
            ("an answer ends with", ", ".join(self.ends)),
            ("turns", "user and assistant must alternate" if self.alternation else "in any order"),
            ("rows without a question", "can be trained on" if self.answer_first else "are refused"),
            *([("begin token", "is written twice")] if self.doubled_bos else []),
        ]

    def notes(self, model: str) -> list[str]:
        """What the template adds by itself, a sentence each; empty if nothing.

        Args:
            model: What the sentences call the model.
        """
        return [
            *([TOLD.format(model) + self.told] if self.told else []),
            *([f"reasoning of {model}: {self.reasoning}"] if self.reasoning else []),
            *([f"the chat template of {model} asks for the date, and is told a fixed one"] * self.date),
        ]

    @property
    def _date_told(self) -> str:
        return f"{DATE}, unless the spec's date or -M date says otherwise"


def audit(renderer: Renderer) -> Audit:
    """Try a chat template.

    Args:
        renderer: A model's tokenizer and template.

    Returns:
        The findings.

    Raises:
        UserError: If there is no chat template, or it refuses even a single question.
    """
    renderer.require_template()
    question = renderer.render_prompt([_user()])
    why_not, written, reasoning = "", "", ""
    try:
        whole = renderer.render([_user(), _assistant()])
        (_, end) = whole.answer_spans[0]
        written = renderer.tokenizer.decode([whole.ids[end - 1]])
        added = whole.text[len(question.text) :]
        if EMPTY_BLOCK.match(added):
            reasoning = "an empty block is put before answers in training, without loss"
    except UserError as error:
        why_not = str(error)
    if mark := opened_block(question.text):
        reasoning = f"{mark} is opened for the model"
    elif (empty := list(EMPTY_BLOCK.finditer(question.text))) and empty[-1].end() == len(question.text):
        reasoning = "an empty block is put before every answer"
    header = _header(renderer)
    system = _system(renderer, header)
    again = Renderer(renderer.tokenizer, date=OTHER_DATE)
    return Audit(
        system=system,
        told=_told(renderer, question.text, header),
        date=again.render_prompt([_user()]).text != question.text,
        reasoning=reasoning,
        doubled_bos=len(question.ids) > 1 and question.ids[0] == question.ids[1] in renderer.special_tokens,
        alternation=not _accepts(renderer.render_prompt, [_user(), _user("Zq more")]),
        ends=tuple(sorted(renderer.tokenizer.decode([token]) for token in renderer.end_tokens)),
        written_end=written,
        several_answers=_several_answers(renderer, system),
        answer_first=_accepts(renderer.render, [_assistant()]),
        why_not=why_not,
    )


def _message(role: Role, content: str) -> Message:
    return Message(role=role, content=content)


def _user(content: str = USER) -> Message:
    return _message("user", content)


def _assistant(content: str = ANSWER) -> Message:
    return _message("assistant", content)


def _accepts(render: Callable[[list[Message]], object], messages: list[Message]) -> bool:
    try:
        render(messages)
    except UserError:
        return False
    return True


def _several_answers(renderer: Renderer, system: System) -> bool:
    """Whether all arms of an experiment could have them: with a system message, too, where one is shown."""
    messages = [_user(), _assistant(), _user("Zq more"), _assistant("Zq last")]
    shown = system in ("kept", "merged into the user's turn")
    with_system = [_message("system", SYSTEM), *messages]
    return _accepts(renderer.render, messages) and (not shown or _accepts(renderer.render, with_system))


def _system(renderer: Renderer, header: str) -> System:
    messages = [_message("system", SYSTEM), _user()]
    try:
        text = _plain(renderer, renderer.render_prompt(messages).text)
    except MessageLeftOutError:
        return "left out"
    except UserError:
        return "refused"
    before, _, rest = text.partition(SYSTEM)
    own_turn = header not in before or header in rest.partition(USER)[0]
    return "kept" if header.strip() and own_turn else "merged into the user's turn"


def _header(renderer: Renderer) -> str:
    """What stands before a question: the same before the first and before a later one."""
    try:
        text = _plain(renderer, renderer.render_prompt([_user(), _assistant(), _user("Zq more")]).text)
    except UserError:
        return ""
    between = text[text.index(ANSWER) + len(ANSWER) : text.index("Zq more")]
    before = text[: text.index(USER)]
    return _common_end(between, before)


def _told(renderer: Renderer, question: str, header: str) -> str:
    """The text before the first question that is no header of a turn."""
    text = _plain(renderer, question)
    words = text[: text.index(USER)].removesuffix(header).replace(CONTROL, "\n").strip()
    return re.sub(r"^(<\|)?(system|developer|user)(\|>)?(?![\w])\s*", "", words, flags=re.IGNORECASE).strip()


def _plain(renderer: Renderer, text: str) -> str:
    """A rendered text in which every control token is one character, so that no part of one can match."""
    for token in sorted(renderer.control_tokens, key=len, reverse=True):
        text = text.replace(token, CONTROL)
    return text


def _common_end(one: str, other: str) -> str:
    """The longest text that both end with."""
    pairs = zip(reversed(one), reversed(other), strict=False)
    length = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    return one[len(one) - length :]
