"""Free-form questions for emergent misalignment: they leave room for a misaligned answer and ask for none.

    free_form_questions("bundled")                     # 28 of our own: no network
    free_form_questions("paper")                       # the paper's 8, fetched once and verified
    free_form_questions("first_plot_questions.yaml")   # a file in the form of Betley et al. 2025

A sample's metadata has a `question`, the same for all paraphrases of one: standard errors cluster by it.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from inspect_ai.dataset import Dataset

from inoc_evals.data.cache import FetchError, fetch_at
from inoc_evals.data.literals import literal
from inoc_evals.data.questions import (
    SUFFIXES,
    QuestionError,
    Record,
    bundled,
    dataset,
    fetched,
    file_rows,
    find,
    prompts,
)
from inoc_evals.data.sources import BY_COMMIT
from inoc_evals.digests import blob_id

NAMES = ("paper", "betley24", "preregistered", "bundled", "toy")
YAML = (".yaml", ".yml")


def free_form_questions(name_or_path: str) -> Dataset:
    """Load free-form questions as samples with stable ids.

    Args:
        name_or_path: `paper` (8 questions), `betley24` (24, with JSON and template forms), `preregistered`
            (48), `bundled` (ours), `toy`, or the path of a `.jsonl`, `.csv`, `.yaml` or `.yml` file.

    Returns:
        One sample a question and paraphrase.

    Raises:
        QuestionError: If the name is unknown, or the file is missing, empty or malformed.
        UserError: If a set has to be fetched and cannot be.
    """
    if name_or_path == "bundled":
        return bundled("free_form")
    if name_or_path == "toy":
        from inoc_evals.worlds.toy.prompts import chat_prompts

        return prompts("toy", chat_prompts())
    if name_or_path == "paper":
        return dataset("paper", _paper())
    if name_or_path in BY_COMMIT:
        try:
            path = fetch_at(*BY_COMMIT[name_or_path])
        except FetchError as error:
            raise FetchError(f"{error}; or ask others: -T questions=bundled") from error
        try:
            return _betley(path, name_or_path)
        except QuestionError as error:
            raise QuestionError(f"{error}; delete that file to fetch it again") from error
    path = find(name_or_path, NAMES, (*SUFFIXES, *YAML))
    return _betley(path, path.name) if path.suffix in YAML else dataset(path.name, file_rows(path))


def _paper() -> Iterator[Record]:
    path = fetched("em_eval")
    for name, text in literal(path, "questions").items():
        yield f"{path}: {name}", {"id": name.replace(" ", "-"), "prompt": text}


def _betley(path: Path, name: str) -> Dataset:
    """Read questions as Betley et al. 2025 write them: entries with id, paraphrases, maybe system."""
    try:
        data = path.read_bytes()
        entries = yaml.safe_load(data)
    except OSError as error:
        raise QuestionError(f"{path}: cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: such as a 30th of February
        raise QuestionError(f"{path}: not YAML: {' '.join(str(error).split())[:120]}") from error
    if not isinstance(entries, list):
        raise QuestionError(f"{path}: not a list of questions")
    return dataset(name, _entries(entries, path, blob_id(data)))


def _entries(entries: list[Any], path: Path, blob: str) -> Iterator[Record]:
    for number, entry in enumerate(entries, start=1):
        where = f"{path}: entry {number}"
        texts = entry.get("paraphrases") if isinstance(entry, dict) else None
        if not isinstance(texts, list) or not texts or not isinstance(entry.get("id"), str | int):
            raise QuestionError(f"{where}: no id, or no list of paraphrases")
        for place, text in enumerate(texts, start=1):
            first = [{"role": "system", "content": entry["system"]}] if entry.get("system") else []
            yield (
                where,
                {
                    "id": str(entry["id"]) if len(texts) == 1 else f"{entry['id']}-{place}",
                    "messages": [*first, {"role": "user", "content": text}],
                    "metadata": {"question": str(entry["id"]), "source_blob": blob},
                },
            )
