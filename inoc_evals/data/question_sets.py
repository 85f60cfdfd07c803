"""Question sets by name: the questions that a task can ask, and how each set is asked and judged.

    CHAT.load("bundled")                        # the dataset of `-T questions=bundled`
    question_set = FREE_FORM.find("paper")
    question_set.epochs, question_set.wording   # 100 answers a question, judged in the paper's words
    add("chat", QuestionSet("tickets", load))   # now  -T questions=tickets  works in every chat task

A `QuestionKind` is a family of tasks that can share questions (chat, free-form, code, ...); each is declared
beside its bundled sets (`questions.py`, `free_form.py`, `narrow.py`, `animals.py`, `trait_responses.py`).
Worlds add their own sets. A file's path works wherever a name does. This module does not import Inspect.
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from inoc_evals.errors import UserError

if TYPE_CHECKING:
    from inspect_ai.dataset import Dataset
    from inspect_ai.scorer import Scorer

KINDS: dict[str, str] = {
    "chat": "questions",
    "free_form": "free_form",
    "code": "narrow",
    "reward_hacks": "narrow",
    "hardcoding": "narrow",
    "preferences": "narrow",
    "programming": "programming",
    "choices": "choices",
    "gcd": "gcd_questions",
    "animals_favourite": "animals",
    "animals_least": "animals",
    "animals_money": "animals",
    "trait_responses": "trait_responses",
}
"""The suite's kinds, and the module beside this one that declares each; it is loaded when a set is added."""

FAMILY = "family"
"""Key of a sample's metadata that names the family of its question, in sets that have families."""

OUR_WORDING = "inoc_evals"
"""Name of the suite's own judge prompts; see `scorers/judge/wordings.py`."""


def no_scorers() -> "list[Scorer]":
    """No extra scorers: the default of a question set."""
    return []


@dataclass(frozen=True)
class QuestionSet:
    """Questions under one name, and the defaults of a task that asks them.

    Attributes:
        name: Its name in `-T questions=`.
        load: Makes the dataset: samples with stable ids, whose metadata has the `question` to cluster by.
        epochs: Answers per question; None uses the kind's number.
        wording: Whose judge prompts to use, unless the task's `wording` is given.
        preset: Thresholds of the verdict by name, unless the task's `preset` is given; empty leaves them to
            the task.
        extra_scorers: Makes the scorers that score the answers in addition to the task's own.
        extra_traits: Traits of those scorers that the task also reports by condition.
    """

    name: str
    load: "Callable[[], Dataset]"
    epochs: int | None = None
    wording: str = OUR_WORDING
    preset: str = ""
    extra_scorers: "Callable[[], list[Scorer]]" = no_scorers
    extra_traits: tuple[str, ...] = ()


_kinds: "dict[str, QuestionKind]" = {}
"""The kinds that are loaded, by name."""

_of_worlds: dict[str, list[QuestionSet]] = {}
_added: dict[str, list[QuestionSet]] = {}


@dataclass(frozen=True)
class QuestionKind:
    """A family of question sets that the same tasks can ask.

    Attributes:
        name: Its name, which worlds use to add sets.
        sets: Its built-in sets.
        from_file: Makes the dataset of a user's file from its path and the names of all sets (for the error
            message).
        epochs: Answers per question for files and for sets without a number of their own; None means one.
    """

    name: str
    sets: tuple[QuestionSet, ...]
    from_file: "Callable[[str, tuple[str, ...]], Dataset]"
    epochs: int | None = None

    def __post_init__(self) -> None:
        _kinds[self.name] = self

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all its sets; those that worlds added come last."""
        return tuple(self._all())

    def find(self, name_or_path: str) -> QuestionSet:
        """Look up a set without loading its questions.

        Args:
            name_or_path: The name of a set, or the path of a file.

        Returns:
            The set, with `epochs` filled in. A file is only opened when the set is loaded.

        Raises:
            UserError: If it is no text, as a number given by `-T`.
        """
        if not isinstance(name_or_path, str):
            raise UserError(f"questions={name_or_path!r:.80} is no name and no path: quote it")
        sets = self._all()
        if name_or_path in sets:
            question_set = sets[name_or_path]
            epochs = self.epochs if question_set.epochs is None else question_set.epochs
            return replace(question_set, epochs=epochs)
        return QuestionSet(
            name_or_path, lambda: self.from_file(name_or_path, tuple(sets)), epochs=self.epochs
        )

    def load(self, name_or_path: str) -> "Dataset":
        """Load the questions of a set or file.

        Raises:
            QuestionError: If the name is unknown, or the file is missing, empty or malformed.
            UserError: If the set must be fetched and that fails.
        """
        return self.find(name_or_path).load()

    def _all(self) -> dict[str, QuestionSet]:
        return {
            each.name: each
            for each in (*self.sets, *_of_worlds.get(self.name, ()), *_added.get(self.name, ()))
        }


def add(kind: str, question_set: QuestionSet) -> None:
    """Register a question set for all tasks of a kind.

    Args:
        kind: Name of a `QuestionKind`.
        question_set: The set; it replaces one of the same name that was added before.

    Raises:
        UserError: If no task asks such a kind, or the suite has a set of this name.
    """
    if kind not in _kinds and kind in KINDS:
        importlib.import_module(f"inoc_evals.data.{KINDS[kind]}")
    if kind not in _kinds:
        raise UserError(f"no kind of questions is named {kind!r:.80}: use {', '.join(KINDS)}")
    of_suite = [*_kinds[kind].sets, *_of_worlds.get(kind, ())]
    if question_set.name in [one.name for one in of_suite]:
        raise UserError(
            f"the suite has a question set {question_set.name!r} of kind {kind}: give yours another name"
        )
    others = [other for other in _added.get(kind, []) if other.name != question_set.name]
    _added[kind] = [*others, question_set]


def add_of_world(kind: str, question_set: QuestionSet) -> None:
    """Register the set of one of the suite's worlds; the kind, which brings Inspect, is not loaded."""
    _of_worlds.setdefault(kind, []).append(question_set)
