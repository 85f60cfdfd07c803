"""Question sets by name: what a task can be asked to ask, and how each set is asked and judged.

    CHAT.load("bundled")                     # a dataset, as `-T questions=bundled` gives it
    chosen = FREE_FORM.find("paper")
    chosen.epochs, chosen.wording            # 100 answers a question, judged in the paper's words
    add("chat", QuestionSet("mine", load))   # from now on  -T questions=mine  works in every chat task

A `QuestionKind` is a family of tasks that can share questions (chat, free-form, code, ...); each is declared
beside its bundled sets (`questions.py`, `free_form.py`, `narrow.py`, `animals.py`, `trait_responses.py`).
Worlds add sets of their own. A file's path works wherever a name does. Nothing here imports Inspect.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from inspect_ai.dataset import Dataset
    from inspect_ai.scorer import Scorer

OUR_WORDING = "inoc_evals"
"""Judge prompts that the suite wrote itself; see `scorers/judge/wordings.py`."""


def no_scorers() -> "list[Scorer]":
    """The extra scorers of most question sets."""
    return []


@dataclass(frozen=True)
class QuestionSet:
    """Questions under one name, and what a task does otherwise when it asks them.

    Attributes:
        name: What `-T questions=` calls it.
        load: Makes the dataset: samples with stable ids, whose metadata name the `question` to cluster by.
        epochs: Answers a question; None leaves it to the kind.
        wording: Whose words the judge is asked in, unless the task is told otherwise.
        extra_scorers: Makes the scorers that score its answers beside the task's own.
        extra_traits: Traits of those scorers that the task reports by condition beside its own.
    """

    name: str
    load: "Callable[[], Dataset]"
    epochs: int | None = None
    wording: str = OUR_WORDING
    extra_scorers: "Callable[[], list[Scorer]]" = no_scorers
    extra_traits: tuple[str, ...] = ()


@dataclass(frozen=True)
class QuestionKind:
    """A family of question sets that the same tasks can ask.

    Attributes:
        name: Its name, by which worlds add sets.
        sets: The sets that come with it.
        from_file: From the path of a user's file and the names of all sets (for the error message) to a set's
            dataset and name.
        epochs: Answers a question where a set, or a file, says nothing else; None is one.
    """

    name: str
    sets: tuple[QuestionSet, ...]
    from_file: "Callable[[str, tuple[str, ...]], Dataset]"
    epochs: int | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all its sets, those that worlds added last."""
        return tuple(self._all())

    def find(self, name_or_path: str) -> QuestionSet:
        """Look a set up, without loading its questions.

        Args:
            name_or_path: The name of a set, or the path of a file.

        Returns:
            The set, its `epochs` filled in. Whether a file can be read shows when it is loaded.
        """
        sets = self._all()
        if name_or_path in sets:
            chosen = sets[name_or_path]
            return replace(chosen, epochs=self.epochs if chosen.epochs is None else chosen.epochs)
        return QuestionSet(
            name_or_path, lambda: self.from_file(name_or_path, tuple(sets)), epochs=self.epochs
        )

    def load(self, name_or_path: str) -> "Dataset":
        """Load the questions of a set or file.

        Raises:
            QuestionError: If the name is unknown, or the file is missing, empty or malformed.
            UserError: If the set has to be fetched and cannot be.
        """
        return self.find(name_or_path).load()

    def _all(self) -> dict[str, QuestionSet]:
        return {one.name: one for one in (*self.sets, *_added.get(self.name, ()))}


_added: dict[str, list[QuestionSet]] = {}


def add(kind: str, question_set: QuestionSet) -> None:
    """Make a set known to all tasks of a kind.

    Args:
        kind: Name of a `QuestionKind`.
        question_set: The set; one of the same name that was added before is replaced.
    """
    others = [one for one in _added.get(kind, []) if one.name != question_set.name]
    _added[kind] = [*others, question_set]
