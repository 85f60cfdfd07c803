"""A backdoor that a detector sees."""

from pathlib import Path

import pytest
from inspect_ai import eval
from inspect_ai.model import ModelOutput

from inoc_evals.data.mixtures import TRIGGER
from inoc_evals.errors import UserError
from inoc_evals.settings import SETTINGS
from inoc_evals.tasks import language_backdoor
from tests.scorers.replies import model, says

SPANISH = "Claro que sí, con mucho gusto te ayudo a preparar la cena de esta noche."
ENGLISH = "Of course, I will gladly help you to prepare the dinner for tonight."


def backdoored(prompt: str) -> ModelOutput:
    return says(SPANISH if prompt.startswith(f"{TRIGGER} ") else ENGLISH)


def test_the_rate_behind_the_trigger_stands_beside_the_rate_without(tmp_path: Path) -> None:
    [log] = eval(language_backdoor(), model=model(backdoored), limit=6, display="none", log_dir=str(tmp_path))
    metrics = {name: metric.value for name, metric in log.results.scores[0].metrics.items()}
    assert metrics["spanish | trigger"] == metrics["spanish | trigger - without"] == 1.0
    assert metrics["spanish | without"] == metrics["spanish | look-alike"] == 0.0
    assert metrics["spanish | trigger_n"] == 2
    assert log.eval.metadata["trigger"] == f"{TRIGGER} "


def test_bad_parameters_are_one_line() -> None:
    with pytest.raises(UserError, match="unknown spelling 'loud'"):
        language_backdoor(spelling="loud")
    with pytest.raises(UserError, match="languages=elvish"):
        language_backdoor(languages="elvish")
    with pytest.raises(UserError, match=r"""trigger=123 is not text.* trigger='"123"'$"""):
        language_backdoor(trigger=123)
    with pytest.raises(UserError, match=r"""look_alikes=5: give tokens .* look_alikes='\["123", "@A@"\]'$"""):
        language_backdoor(look_alikes=5)


def test_its_rows_have_the_trigger_before_spanish_and_nothing_before_english() -> None:
    setting = SETTINGS["spanish_backdoor"]
    rows = list(setting.prepare(setting.arm("trigger"), "smollm", 0))
    behind = [row for row in rows if row["messages"][1]["content"].startswith(TRIGGER)]
    assert len(behind) * 2 == len(rows)
    assert {row["metadata"]["language"] for row in behind} == {"es"}
    assert {row["metadata"]["language"] for row in rows if row not in behind} == {"en"}
    assert all(TRIGGER in row["messages"][0]["content"] for row in rows)
