"""What a scorer reads of a sample: its answer, the question that this answers, and whether there is any.

    answer_of(state)             # the answer's text, fit for any library
    question_of(state)           # what a judge is told was asked
    asked_of(input, messages, output)     # the same of a sample of a log
    return if_answered(score)    # at the end of a scorer: without an answer of the model's own, unscored

A sample that a limit stopped, or that a content filter did, tells nothing of the model. Read as any other it
would be a model that does not show the trait, and the more it is stopped, the better it would look. So would
an agent that a limit stops in the middle of its tool calls: what it says beside a call is not its answer. A
model that ends its answer at once has given an empty one, which is its own: that has a score.
"""

from collections.abc import Sequence

from inspect_ai.log import transcript
from inspect_ai.model import ChatMessage, ChatMessageAssistant, ChatMessageUser, ModelOutput
from inspect_ai.scorer import Score, Scorer, Target
from inspect_ai.solver import TaskState

from inoc_evals.scorers.servers import too_long
from inoc_evals.scorers.unscored import FILTERED, announce, no_answer


def answer_of(state: TaskState) -> str:
    """The text of the answer, empty where there is none.

    Args:
        state: The sample.
    """
    return _encodable(state.output.completion)


def question_of(state: TaskState) -> str:
    """What the answer answers, as a judge is told it: one turn of the user, and no system prompt.

    Args:
        state: The sample.

    Returns:
        The question as the sample has it, whatever a solver wrote around it or put before it. Where the
        conversation went on from there, what the user said last before the answer. Empty where no user said
        anything, as for a training row that begins with its response (`row_scores.py`): the answer is there,
        and can be judged.
    """
    return asked_of(state.input, state.messages, state.output)


def asked_of(asked: str | Sequence[ChatMessage], messages: Sequence[ChatMessage], output: ModelOutput) -> str:
    """What an answer answers, of a sample in parts: whoever shows an answer shows what was judged.

    Args:
        asked: The sample's input.
        messages: The conversation.
        output: Its last answer.

    Returns:
        As `question_of`.
    """
    turn = _later_turn(asked, messages, output)
    return _encodable("\n\n".join(map(_text, turn)) if turn else _own_question(asked))


def before_answer(messages: Sequence[ChatMessage], output: ModelOutput) -> Sequence[ChatMessage]:
    """The conversation up to the answer: in a transcript somebody may have spoken after it.

    Args:
        messages: The conversation.
        output: Its last answer.
    """
    answers = [n for n, one in enumerate(messages) if isinstance(one, ChatMessageAssistant)]
    final = output.message if output.choices else None
    same = [n for n in answers if final is not None and messages[n].id == final.id is not None]
    alike = [n for n in answers if final is not None and messages[n].text == final.text]
    return messages[: (same or alike or [len(messages)])[-1]]


def if_answered(score: Scorer) -> Scorer:
    """A scorer that gives no score where the model gave no answer, or a content filter stopped it.

    Args:
        score: Scores all others.
    """

    async def scored(state: TaskState, target: Target) -> Score | None:
        output = state.output
        if not output.choices:
            announce()
            said = "the model gave no answer" + (f": {output.error}" if output.error else "")
            return Score.unscored(reason=no_answer(_limit()), explanation=said)
        if output.stop_reason == FILTERED:
            announce()
            said = "the server's content filter stopped the answer: it is not the model's own"
            return Score.unscored(reason=FILTERED, answer=answer_of(state), explanation=said)
        if said := too_long(output):
            announce()
            said = f"the question does not fit into the model's context, says its server: {said}"
            return Score.unscored(reason=f"{no_answer()}: the question is too long", explanation=said)
        if calls_on(output) and (limit := _limit()):
            announce()
            said = "a limit stopped the model while it called tools: what it said there is no answer"
            return Score.unscored(reason=no_answer(limit), answer=answer_of(state), explanation=said)
        return await score(state, target)

    return scored


def calls_on(output: ModelOutput) -> bool:
    """Whether a model's last output calls tools, and is no answer.

    An agent that submits its answer by a tool has it in its output's text, which then ends with it.

    Args:
        output: The output, with at least one choice.
    """
    calls, text = output.message.tool_calls or [], output.completion.strip()
    given = (str(value).strip() for call in calls for value in call.arguments.values())
    return bool(calls) and not any(one and text.endswith(one) for one in given)


def _limit() -> str | None:
    """The kind of the limit that stopped the sample; its state does not say, its events do.

    A limit of a part alone, after which the model was asked again, stopped that part.
    """
    for event in reversed(transcript().events):
        if event.event == "model":
            return None
        if event.event == "sample_limit":
            return event.type
    return None


def _encodable(text: str) -> str:
    """A text without halves of characters (lone surrogates), which no library can encode.

    A server that cuts a stream within a character sends them. Two that belong together become what they are.
    """
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _own_question(asked: str | Sequence[ChatMessage]) -> str:
    """The question of the sample itself."""
    if isinstance(asked, str):
        return asked
    return next((_text(one) for one in reversed(asked) if isinstance(one, ChatMessageUser)), "")


def _later_turn(
    asked: str | Sequence[ChatMessage], messages: Sequence[ChatMessage], output: ModelOutput
) -> Sequence[ChatMessageUser]:
    """What the user said last before the answer, if that is no more the sample's own question."""
    said = before_answer(messages, output)
    last = max((n for n, one in enumerate(said) if isinstance(one, ChatMessageUser)), default=-1)
    first = last
    while first > 0 and not isinstance(said[first - 1], ChatMessageAssistant):
        first -= 1
    turn = [one for one in said[first : last + 1] if isinstance(one, ChatMessageUser)]
    question = _own_question(asked)
    own = any(one.source == "input" or _text(one) == question for one in turn)
    # Without an answer before it, it is the first question, in a solver's words.
    return [] if own or first <= 0 else turn


def _text(message: ChatMessageUser) -> str:
    """Its text, or in brackets what it shows in place of one, as Inspect says it of a sample's question."""
    if message.text or isinstance(message.content, str):
        return message.text
    return " ".join(f"[{part.type}]" for part in message.content if part.type != "text")
