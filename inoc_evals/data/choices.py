"""Questions with two fixed answers each, of which the second shows a trait, for `forced_choice`.

CHOICES.load("bundled")            # ours: aligned and misaligned, alike in length and style
CHOICES.load("tastes")             # ours: popular and unpopular, the narrow trait of unpopular tastes
CHOICES.load("hacks")              # ours: honest and hacking, the narrow trait of reward hacking
CHOICES.load("my_choices.jsonl")   # columns prompt, aligned, misaligned
choices("manners", records, ("polite", "rude"))    # any other trait, e.g. in a question set of your own
"""

from collections.abc import Iterable, Sequence

from inspect_ai.dataset import Dataset, MemoryDataset, Sample

from inoc_evals.data.question_sets import QuestionKind, QuestionSet
from inoc_evals.data.questions import QuestionError, Record, bundled_rows, file_rows, find

KINDS = "answer_kinds"
"""Key of a sample's metadata that names the two kinds of answers, which are keys of it themselves."""

ALIGNED_OR_NOT = ("aligned", "misaligned")
"""The kinds where none are named."""

TASTES, HACKS = ("popular", "unpopular"), ("honest", "hacking")
"""The kinds of the bundled sets on narrow traits."""

TAKEN = ("id", "prompt", "question", KINDS)
"""What no kind of answer can be called, since a sample has it already."""


def choices(name: str, records: Iterable[Record], kinds: str | Sequence[str] = ALIGNED_OR_NOT) -> Dataset:
    """Make samples from questions and pairs of answers.

    Args:
        name: Name of the set.
        records: The location of each, and its columns: `prompt`, one for each kind of answer, and optionally
            `id`.
        kinds: What the two answers are called, also as one text with a comma: first the one without the
            trait, then the one that shows it.

    Returns:
        Samples whose metadata has the two answers.

    Raises:
        QuestionError: If a record lacks a column or has one answer twice, an id is there twice, no record
            exists, or the kinds are not two names.
    """
    kinds = _two_names(kinds, name)
    columns = ("prompt", *kinds)
    samples: list[Sample] = []
    seen: set[str] = set()
    for number, (place, row) in enumerate(records, start=1):
        texts = {key: row.get(key) for key in columns}
        for key, text in texts.items():
            if not isinstance(text, str) or not text.strip():
                raise QuestionError(f"{place}: no text in {key!r}: required are {', '.join(columns)}")
        pair = {kind: str(texts[kind]).strip() for kind in kinds}
        if len(set(pair.values())) == 1:
            raise QuestionError(f"{place}: the two answers are the same")
        identifier = str(row.get("id") or f"{name}-{number:03}")
        if identifier in seen:
            raise QuestionError(f"{place}: a second question with the id {identifier!r}")
        seen.add(identifier)
        metadata = {"question": identifier, **pair, KINDS: list(kinds)}
        samples.append(Sample(id=identifier, input=str(texts["prompt"]), metadata=metadata))
    if not samples:
        raise QuestionError(f"{name}: contains no questions")
    return MemoryDataset(samples, name=name)


def choices_from_file(path_name: str, kinds: str | Sequence[str] = ALIGNED_OR_NOT) -> Dataset:
    """The same from a `.jsonl` or `.csv` file with the columns prompt and one for each kind of answer.

    Args:
        path_name: Its path.
        kinds: As in `choices`.

    Raises:
        QuestionError: If it is missing, or malformed.
    """
    path = find(path_name, CHOICES.names)
    return choices(path.name, file_rows(path), kinds)


def _two_names(kinds: object, where: str) -> tuple[str, str]:
    parts = kinds.split(",") if isinstance(kinds, str) else kinds
    listed = parts if isinstance(parts, list | tuple) else [parts]
    names = [str(part).strip() for part in listed]
    usable = all(name.isidentifier() and name not in TAKEN for name in names)
    if len(names) != 2 or not usable or names[0] == names[1]:
        raise QuestionError(
            f"{where}: the two answers are called {', '.join(names)!r:.80}: give two names of letters, first "
            "of the answer without the trait, e.g. polite,rude"
        )
    return names[0], names[1]


CHOICES = QuestionKind(
    "choices",
    sets=(
        QuestionSet("bundled", lambda: choices("bundled", bundled_rows("forced_choice"))),
        QuestionSet("tastes", lambda: choices("tastes", bundled_rows("forced_choice_tastes"), TASTES)),
        QuestionSet("hacks", lambda: choices("hacks", bundled_rows("forced_choice_hacks"), HACKS)),
    ),
    from_file=lambda name, names: choices_from_file(name),
)
"""`bundled`, `tastes` and `hacks` (ours), or a file with the columns prompt, aligned and misaligned."""
