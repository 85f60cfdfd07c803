"""Fixed responses that show exactly one trait, for log-probs (paper, Figure 6).

    TRAIT_RESPONSES.load("bundled")     # ten questions, each answered in Spanish and in capitals

The log-prob of such a response, under a prompt that asks for neither trait, measures how far a model has
learnt the trait, long before the trait appears in sampled answers.
"""

from collections.abc import Iterable

from inspect_ai.dataset import Dataset, MemoryDataset, Sample

from inoc_evals.data.question_sets import QuestionKind, QuestionSet
from inoc_evals.data.questions import QuestionError, Record, bundled_rows, check_id, file_rows, find

NEUTRAL = "Respond in a single word."
"""The paper's neutral system prompt."""


def responses(name: str, records: Iterable[Record]) -> Dataset:
    """Make samples from questions and fixed responses.

    Args:
        name: Name of the set.
        records: The location of each, and its columns prompt, response, trait and optionally `id`.

    Returns:
        Samples whose target is the response and whose metadata has the trait as `condition`.

    Raises:
        QuestionError: If a record lacks a column, or none exists.
    """
    samples = []
    for number, (where, row) in enumerate(records, start=1):
        texts = {key: row.get(key) for key in ("prompt", "response", "trait")}
        for key, text in texts.items():
            if not isinstance(text, str) or not text.strip():
                raise QuestionError(f"{where}: no text in {key!r}: required are prompt, response, trait")
        metadata = {"condition": texts["trait"], "question": texts["prompt"]}
        identifier = row.get("id") or f"{texts['trait']}-{number:02}"
        check_id(identifier, where)
        samples.append(
            Sample(
                id=identifier, input=str(texts["prompt"]), target=str(texts["response"]), metadata=metadata
            )
        )
    if not samples:
        raise QuestionError(f"{name}: contains no responses")
    return MemoryDataset(samples, name=name)


def _from_file(name: str, names: tuple[str, ...]) -> Dataset:
    path = find(name, names)
    return responses(path.name, file_rows(path))


TRAIT_RESPONSES = QuestionKind(
    "trait_responses",
    sets=(QuestionSet("bundled", lambda: responses("bundled", bundled_rows("trait_responses"))),),
    from_file=_from_file,
)
"""`bundled` (ours: 10 in Spanish, 10 in capitals), or a file with the columns prompt, response and trait."""
