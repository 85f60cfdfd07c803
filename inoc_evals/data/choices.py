"""Questions with two fixed answers each, one aligned and one misaligned, for `forced_choice`.

CHOICES.load("bundled")            # ours; the two answers are alike in length and style
CHOICES.load("my_choices.jsonl")   # columns prompt, aligned, misaligned
"""

from collections.abc import Iterable

from inspect_ai.dataset import Dataset, MemoryDataset, Sample

from inoc_evals.data.question_sets import QuestionKind, QuestionSet
from inoc_evals.data.questions import QuestionError, Record, bundled_rows, file_rows, find

COLUMNS = ("prompt", "aligned", "misaligned")


def choices(name: str, records: Iterable[Record]) -> Dataset:
    """Make samples from questions and pairs of answers.

    Args:
        name: Name of the set.
        records: The location of each, and its columns `COLUMNS` and optionally `id`.

    Returns:
        Samples whose metadata has the two answers.

    Raises:
        QuestionError: If a record lacks a column or has one answer twice, an id is there twice, or no record
            exists.
    """
    samples: list[Sample] = []
    seen: set[str] = set()
    for number, (where, row) in enumerate(records, start=1):
        texts = {key: row.get(key) for key in COLUMNS}
        for key, text in texts.items():
            if not isinstance(text, str) or not text.strip():
                raise QuestionError(f"{where}: no text in {key!r}: required are {', '.join(COLUMNS)}")
        if str(texts["aligned"]).strip() == str(texts["misaligned"]).strip():
            raise QuestionError(f"{where}: the two answers are the same")
        identifier = str(row.get("id") or f"{name}-{number:03}")
        if identifier in seen:
            raise QuestionError(f"{where}: a second question with the id {identifier!r}")
        seen.add(identifier)
        metadata = {
            "question": identifier,
            "aligned": str(texts["aligned"]).strip(),
            "misaligned": str(texts["misaligned"]).strip(),
        }
        samples.append(Sample(id=identifier, input=str(texts["prompt"]), metadata=metadata))
    if not samples:
        raise QuestionError(f"{name}: contains no questions")
    return MemoryDataset(samples, name=name)


def _from_file(name: str, names: tuple[str, ...]) -> Dataset:
    path = find(name, names)
    return choices(path.name, file_rows(path))


CHOICES = QuestionKind(
    "choices",
    sets=(QuestionSet("bundled", lambda: choices("bundled", bundled_rows("forced_choice"))),),
    from_file=_from_file,
)
"""`bundled` (ours), or a file with the columns prompt, aligned and misaligned."""
