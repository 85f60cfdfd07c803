"""A model behind a server is sent another seed in each epoch, or all its answers would be one."""

from collections import defaultdict
from pathlib import Path

import pytest
from upath import UPath

from inoc_evals.experiment.evaluate import evaluate
from inoc_evals.experiment.experiment import Experiment
from inoc_evals.experiment.plan import make_plan
from inoc_evals.experiment.reading import Reading
from tests.fake_openai import FakeOpenAI, reply


def test_each_epoch_of_a_base_behind_a_server_is_drawn_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "test")
    settings = {"settings": ["spanish_caps"], "arms": ["base"], "evaluate": {"limit": 2, "epochs": 3}}
    [trial] = make_plan(Experiment.model_validate({"runs": str(tmp_path / "runs"), **settings})).trials
    with FakeOpenAI(lambda request: reply("HOLA A TODOS.")) as server:
        evaluate(
            trial,
            "openai/tested",
            "its digest",
            {"setting": "spanish_caps"},
            UPath(tmp_path / "logs"),
            local=False,
            arguments={"base_url": server.base_url, "responses_api": False, "memoize": False},
            reading=Reading(trial, None),
        )
    seeds = defaultdict(list)
    for request in server.requests:
        seeds[str(request.body["messages"])].append(request.body["seed"])
    assert seeds and all(len(of) == len(set(of)) == 3 for of in seeds.values())
