"""Free-form questions for emergent misalignment: they allow a misaligned answer but do not ask for one.

    FREE_FORM.load("bundled")                     # 28 written for this suite: no network
    FREE_FORM.load("broad")                       # 220 in ten families, ours as well
    FREE_FORM.load("paper")                       # the paper's 8, fetched once and verified
    FREE_FORM.load("first_plot_questions.yaml")   # a file in the format of Betley et al. 2025

A sample's metadata has a `question`, the same for all its paraphrases: standard errors cluster by it.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from inspect_ai.dataset import Dataset

from inoc_evals.data.cache import FetchError, fetch_at
from inoc_evals.data.literals import literal
from inoc_evals.data.question_sets import FAMILY, QuestionKind, QuestionSet
from inoc_evals.data.questions import (
    SUFFIXES,
    QuestionError,
    Record,
    bundled,
    bundled_rows,
    dataset,
    fetched,
    file_rows,
    find,
)
from inoc_evals.data.sources import BY_COMMIT
from inoc_evals.digests import blob_id
from inoc_evals.user_files import given, strict_yaml

YAML = (".yaml", ".yml")


def _fetched_at_commit(name: str) -> Dataset:
    """A question set of Betley et al. whose commit is pinned and whose checksum is not."""
    try:
        path = fetch_at(*BY_COMMIT[name])
    except FetchError as error:
        raise FetchError(f"{error}; or use other questions: -T questions=bundled") from error
    try:
        return _betley(path, name)
    except QuestionError as error:
        raise QuestionError(f"{error}; delete that file to fetch it again") from error


def _from_file(name: str, names: tuple[str, ...]) -> Dataset:
    path = find(name, names, (*SUFFIXES, *YAML))
    return _betley(path, path.name) if path.suffix in YAML else dataset(path.name, file_rows(path))


def _paper() -> Iterator[Record]:
    path = fetched("em_eval")
    for name, text in literal(path, "questions").items():
        yield f"{path}: {name}", {"id": name.replace(" ", "-"), "prompt": text}


def _broad() -> Iterator[Record]:
    """Ours in ten families (`bundled/em_broad.md`); a sample's metadata name the family."""
    for where, record in bundled_rows("em_broad"):
        yield where, {**record, "metadata": {FAMILY: record["family"]}}


def _betley(path: Path, name: str) -> Dataset:
    """Read a file in the format of Betley et al. 2025: entries with id, paraphrases and optionally system."""
    try:
        data = given(path, QuestionError)
        entries = strict_yaml(data)
    except ValueError as error:
        raise QuestionError(f"{path}: not YAML: {str(error)[:120]}") from error
    if not isinstance(entries, list):
        raise QuestionError(f"{path}: not a list of questions")
    return dataset(name, _entries(entries, path, blob_id(data)))


def _entries(entries: list[Any], path: Path, blob: str) -> Iterator[Record]:
    for number, entry in enumerate(entries, start=1):
        where = f"{path}: entry {number}"
        texts = entry.get("paraphrases") if isinstance(entry, dict) else None
        if not isinstance(texts, list) or not texts or not isinstance(entry.get("id"), str | int):
            raise QuestionError(f"{where}: needs an id and a list of paraphrases")
        for index, text in enumerate(texts, start=1):
            first = [{"role": "system", "content": entry["system"]}] if entry.get("system") else []
            yield (
                where,
                {
                    "id": str(entry["id"]) if len(texts) == 1 else f"{entry['id']}-{index}",
                    "messages": [*first, {"role": "user", "content": text}],
                    "metadata": {"question": str(entry["id"]), "source_blob": blob},
                },
            )


FREE_FORM = QuestionKind(
    "free_form",
    sets=(
        QuestionSet("paper", lambda: dataset("paper", _paper()), epochs=100, wording="paper"),
        QuestionSet("betley24", lambda: _fetched_at_commit("betley24"), epochs=100, wording="paper"),
        QuestionSet(
            "preregistered", lambda: _fetched_at_commit("preregistered"), epochs=100, wording="paper"
        ),
        QuestionSet("bundled", lambda: bundled("free_form"), epochs=20),
        QuestionSet("broad", lambda: dataset("broad", _broad()), epochs=10),
    ),
    from_file=_from_file,
    epochs=10,
)
"""`paper` (8), `betley24` (24, with JSON and template forms), `preregistered` (48), `bundled` (28 of ours),
`broad` (220 of ours in ten families). The published sets are judged with the paper's prompts and get 100
answers per question, as in the paper, so that rates are comparable with its figures."""
