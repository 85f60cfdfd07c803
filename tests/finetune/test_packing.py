"""Rows in one sequence that do not see each other."""

import json
from pathlib import Path

import pytest

from inoc_evals import toy_spec
from inoc_evals.finetune import Run, finetune
from inoc_evals.worlds.toy import rows as toy

ROWS = list(toy.spanish_caps(0))[:24]


def train(folder: Path, name: str, **changes: object) -> Run:
    spec = toy_spec(0, max_steps=1, warmup_steps=0, batch_size=len(ROWS), **changes)
    return finetune(spec, ROWS, name=name, runs=folder, progress=False)


def first(run: Run) -> float:
    return json.loads(run.losses.read_text("utf-8").splitlines()[0])["loss"]


def test_the_loss_of_packed_rows_is_that_of_the_rows_alone(tmp_path: Path) -> None:
    alone, packed = train(tmp_path, "alone"), train(tmp_path, "packed", packing=True)
    assert first(packed) == pytest.approx(first(alone), abs=1e-4)
    results = alone.manifest.result, packed.manifest.result
    assert results[0] is not None and results[1] is not None
    assert results[0].loss_tokens == results[1].loss_tokens
    assert results[0].rows == results[1].rows == len(ROWS)


def test_a_step_sees_as_many_rows_as_fit(tmp_path: Path) -> None:
    spec = {"max_steps": None, "epochs": 1.0, "batch_size": 1, "packing": True}
    run = finetune(toy_spec(0, **spec), ROWS, name="few", runs=tmp_path, progress=False)
    assert run.manifest.result is not None and 1 <= (run.manifest.result.steps or 0) < len(ROWS) / 2
