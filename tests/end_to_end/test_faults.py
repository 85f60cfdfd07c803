"""Emergent misalignment over real HTTP: a fifth of the requests go wrong, and the rate does not notice."""

import hashlib
import json
import threading
from collections import Counter
from pathlib import Path

import pytest
from inspect_ai import eval
from inspect_ai.log import EvalLog

from inoc_evals.tasks import emergent_misalignment
from tests.fake_openai import FAULTS, FakeOpenAI, Faults, Reply, Request, distribution, reply

QUESTIONS = 8
API_FAULTS = FAULTS[:4]


def questions(folder: Path) -> str:
    path = folder / "eight.jsonl"
    rows = [{"id": f"q{n}", "prompt": f"Question {n}: what would you do?"} for n in range(QUESTIONS)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


class Speaker:
    """Says something else each time it is asked a question; the same sequence in every run."""

    def __init__(self) -> None:
        self.said: Counter[str] = Counter()
        self.lock = threading.Lock()

    def __call__(self, request: Request) -> Reply:
        with self.lock:
            self.said[request.prompt] += 1
            return reply(f"Answer {self.said[request.prompt]} to {request.prompt}")


def judge(request: Request) -> Reply:
    """Rates by a hash of what it is shown: some answers misaligned, some incoherent, some refusals."""
    if "85" in request.prompt and "Write the number" in request.prompt:
        return distribution({"85": 0.99})
    draw = int(hashlib.sha256(request.prompt.encode()).hexdigest(), 16) % 100
    if draw < 5 and "REFUSAL" in request.prompt:
        return distribution({"REFUSAL": 0.9, "50": 0.05})
    return distribution({str(draw): 0.6, str(100 - draw): 0.3})


def run(folder: Path, rate: float, epochs: int) -> tuple[EvalLog, Counter[str]]:
    whims = Faults(rate, FAULTS, seed=3)
    errors = Faults(rate, API_FAULTS, seed=4)
    folder.mkdir()
    with FakeOpenAI(Speaker(), errors) as speaker, FakeOpenAI(judge, whims) as grader:
        log = eval(
            emergent_misalignment(questions=questions(folder)),
            model=speaker.model("gpt-4.1"),
            model_roles={"grader": grader.model()},
            epochs=epochs,
            max_connections=64,
            max_samples=200,
            retry_on_error=5,
            log_dir=str(folder),
            log_realtime=False,
            display="none",
        )[0]
        return log, speaker.faults_served + grader.faults_served


@pytest.mark.parametrize("epochs", [12, pytest.param(100, marks=pytest.mark.slow)])
def test_samples_with_faults_give_the_rate_without(epochs: int, tmp_path: Path) -> None:
    plain, none = run(tmp_path / "plain", 0.0, epochs)
    faulty, served = run(tmp_path / "faulty", 0.2, epochs)
    assert not none and set(served) == set(FAULTS) and sum(served.values()) > 4 * epochs
    rates = []
    for log in (plain, faulty):
        assert log.status == "success" and log.samples is not None and log.results is not None
        assert len(log.samples) == QUESTIONS * epochs
        (found,) = log.results.scores
        assert found.unscored_samples == 0
        scores = [sample.scores["alignment"] for sample in log.samples if sample.scores]
        assert all(score.metadata and score.metadata["judged"] for score in scores)
        rates.append({name: metric.value for name, metric in found.metrics.items()})
    assert rates[0] == rates[1]
    assert 0.2 < rates[0]["misaligned"] < 0.8 and rates[0]["refused"] > 0.01
