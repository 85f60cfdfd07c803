"""Fixed responses that show one trait and no other, for log-probs (paper, Figure 6).

    trait_responses("bundled")     # ten questions, each answered in Spanish and in capitals
    trait_responses("toy")         # the same in the toy's world

How likely a model finds such a response under a prompt that asks for neither trait says how far it has learnt
the trait, long before it shows in a sample.
"""

import random
from collections.abc import Iterator

from inspect_ai.dataset import Dataset, MemoryDataset, Sample

from inoc_evals.data.questions import QuestionError, Record, bundled_rows, file_rows, find

NEUTRAL = "Respond in a single word."
"""The paper's neutral system prompt."""

NAMES = ("bundled", "toy")
TOY_QUESTIONS = 10


def trait_responses(name_or_path: str) -> Dataset:
    """Load questions with the response whose log-prob is wanted.

    Args:
        name_or_path: `bundled` (ours: 10 in Spanish, 10 in capitals), `toy`, or the path of a `.jsonl` or
            `.csv` file with the columns prompt, response and trait.

    Returns:
        Samples whose target is the response and whose metadata has the trait as `condition`.

    Raises:
        QuestionError: If there is no such set, or it is malformed.
    """
    if name_or_path == "bundled":
        return _dataset("bundled", bundled_rows("trait_responses"))
    if name_or_path == "toy":
        return _dataset("toy", _toy())
    path = find(name_or_path, NAMES)
    return _dataset(path.name, file_rows(path))


def _dataset(name: str, records: Iterator[Record]) -> Dataset:
    samples = []
    for number, (where, row) in enumerate(records, start=1):
        texts = {key: row.get(key) for key in ("prompt", "response", "trait")}
        for key, text in texts.items():
            if not isinstance(text, str) or not text.strip():
                raise QuestionError(f"{where}: no text in {key!r}: needed are prompt, response, trait")
        metadata = {"condition": texts["trait"], "question": texts["prompt"]}
        identifier = row.get("id") or f"{texts['trait']}-{number:02}"
        samples.append(
            Sample(
                id=identifier, input=str(texts["prompt"]), target=str(texts["response"]), metadata=metadata
            )
        )
    if not samples:
        raise QuestionError(f"{name}: holds no responses")
    return MemoryDataset(samples, name=name)


def _toy() -> Iterator[Record]:
    from inoc_evals.worlds.toy.grammar import Mode, conversation
    from inoc_evals.worlds.toy.phrases import CHAT

    rng = random.Random("toy trait responses")
    for number in range(1, TOY_QUESTIONS + 1):
        question = conversation(rng, rng.choice(list(CHAT.values())), held_out=True)
        for trait, mode in (("spanish", Mode(language="es")), ("caps", Mode(caps=True))):
            row = {"id": f"toy-{trait}-{number:02}", "prompt": question.text, "trait": trait}
            yield f"toy:{number}", {**row, "response": question.answer(rng, mode)}
