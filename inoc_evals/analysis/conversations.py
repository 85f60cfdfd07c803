"""What a sample of a log says: the question that is judged, what was said before it, and the answer.

    said = conversation(sample)
    said.question        # "And in German?": what the user said last before the answer
    said.turns           # [("user", "How are you?"), ("assistant", "Fine."), ("user", "And in German?")]

Whoever shows an answer, or writes it into a table that is scored again, shows it with the question that the
judge was told. `docs/judge.md` says which that is.
"""

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from inspect_ai.log import EvalSample


class Conversation(NamedTuple):
    """What was said.

    Attributes:
        system: The system prompts, None for none and "" for an empty message.
        turns: What was said before the answer, as (role, text), without system prompts.
        question: What the answer answers: the last of its user's turns, as `scorers.answers.question_of`.
        answer: The last answer; empty where there is none.
    """

    system: str | None
    turns: list[tuple[str, str]]
    question: str
    answer: str

    @property
    def earlier(self) -> int:
        """How many answers were given before; a call of a tool that says nothing is none."""
        return sum(role == "assistant" and bool(text.strip()) for role, text in self.turns)


def conversation(sample: "EvalSample") -> Conversation:
    """Read a sample.

    Args:
        sample: A sample of a log.
    """
    from inspect_ai.model import ChatMessageUser

    from inoc_evals.scorers.answers import asked_of, before_answer

    asked = [ChatMessageUser(content=sample.input)] if isinstance(sample.input, str) else sample.input
    # a sample that failed early has no messages yet
    said = before_answer(sample.messages, sample.output) or asked
    # what was sent: a task puts its system prompt before one that the sample brings along
    systems = [one.text for one in sample.messages if one.role == "system"]
    systems = systems or [one.text for one in asked if one.role == "system"]
    turns: list[tuple[str, str]] = [(one.role, one.text) for one in said if one.role != "system"]
    question = asked_of(sample.input, sample.messages, sample.output)
    if [role for role, _ in turns] == ["user"]:
        turns = [("user", question)]  # not what a solver wrote around it
    return Conversation("\n\n".join(systems) if systems else None, turns, question, sample.output.completion)
