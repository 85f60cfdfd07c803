"""A scorer's scores have the same columns, whoever failed: a trait has one denominator for all graders."""

import math
from pathlib import Path
from typing import Any

import pytest
from inspect_ai import score
from inspect_ai.scorer import Scorer

from inoc_evals.scorers.alignment import alignment
from inoc_evals.scorers.code_security import code_security
from inoc_evals.scorers.hardcoding import hardcoding
from inoc_evals.scorers.language import language
from inoc_evals.scorers.preference import preference
from inoc_evals.scorers.solution_quality import solution_quality
from inoc_evals.scorers.unscored import summaries
from tests.scorers.replies import model, says
from tests.scorers.test_narrow import log_of

SCORERS = [alignment, code_security, solution_quality, preference, hardcoding, language]


def _graders() -> list[Any]:
    """Two judges; the second replies nonsense about answers that say so."""
    words = ("YES", "90")

    def reply(prompt: str, good: bool) -> Any:
        if not good and "nonsense" in prompt:
            return says("Well, who knows?")
        return says(words[0] if "YES" in prompt else words[1])

    return [
        model(lambda prompt: reply(prompt, good=True), name="mockllm/ok"),
        model(lambda prompt: reply(prompt, good=False), name="mockllm/half"),
    ]


@pytest.mark.parametrize("made", SCORERS)
def test_empty_answers_and_failed_graders_keep_all_columns(made: Any, tmp_path: Path) -> None:
    scorer: Scorer = made(scoring="judge") if made is language else made(reader="sampled")
    if made is language:
        scorer = language(scoring="judge", reader="sampled")
    log = log_of(tmp_path, {"a": "", "b": "def f(): pass", "c": "nonsense = 1"})
    done = score(log, scorer, action="overwrite", model_roles={"grader": _graders()}, display="none")  # type: ignore[dict-item]
    values = [(one.scores or {})[made.__name__].as_dict() for one in done.samples or []]
    assert set(values[0]) == set(values[1]) == set(values[2])
    assert any(name.endswith("@half") for name in values[0])
    healthy = [name for name in values[2] if name.endswith("@ok")]
    assert any(not math.isnan(values[2][name]) for name in healthy), "the other grader's words are kept"
    failing = [name for name in values[2] if name.endswith("@half")]
    assert all(math.isnan(values[2][name]) for name in failing)
    lines = "\n".join(summaries(done.samples or []))
    assert "2 of 3 answers scored, 1 unscored: grader_failed (unparseable) 1" in lines
