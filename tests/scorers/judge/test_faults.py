"""Every way in which a judge's server can fail, over real HTTP: none is a rating, each is said in words."""

import asyncio
import json
import logging
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from inspect_ai import Task, eval
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.log import EvalLog, list_eval_logs
from inspect_ai.model import GenerateConfig, Model, get_model
from inspect_ai.model._model import init_model_roles
from inspect_ai.solver import generate

from inoc_evals.errors import UserError
from inoc_evals.scorers import alignment, servers
from inoc_evals.scorers.judge import Panel, ask, probe_graders
from inoc_evals.scorers.judge.parameters import ReaderChoice
from inoc_evals.scorers.judge.rubrics import COHERENCE
from inoc_evals.tasks.solvers import grader_bound
from tests.fake_openai.chat import Answer, completion, error, says, top
from tests.fake_openai.http import Call, Listener, Response
from tests.scorers.replies import model

KEY = "sk-canary-0123456789abcdef"

GOOD = completion("85", top(n85=-0.3, n90=-2.0))


@dataclass(frozen=True)
class Case:
    """What the server does, how the judge is read, and how that is called."""

    answer: Answer
    failure: str
    words: str | tuple[str, ...] = ""
    reader: ReaderChoice = "token"


CASES = {
    "429 storm": Case(error(429, "slow down", **{"retry-after-ms": "1"}), "error", "RateLimitError"),
    "quota": Case(error(429, "you exceeded your quota", "insufficient_quota"), "error", "quota"),
    "500": Case(error(500, "boom"), "error", ("500 - ", "boom")),
    "401": Case(error(401, "wrong key"), "error", "AuthenticationError"),
    "403 content filter": Case(error(403, "filtered", "content_filter"), "error", "PermissionDenied"),
    "400 content filter": Case(error(400, "filtered", "content_filter"), "refusal", "content filter"),
    "400": Case(error(400, "no such parameter"), "error", "no such parameter"),
    "404": Case(error(404, "no such model"), "error", "no such model"),
    "too long": Case(
        error(400, "the maximum context length is 8", "context_length_exceeded"), "out_of_context", "is 8"
    ),
    "too long, drawn": Case(
        error(400, "the maximum context length is 8", "context_length_exceeded"),
        "out_of_context",
        "is 8",
        "sampled",
    ),
    "reset": Case(lambda call: Response(held=0.0), "error", "APIConnectionError"),
    "hang": Case(lambda call: Response(held=5.0), "error", "AttemptTimeoutError"),
    "redirect to itself": Case(
        lambda call: Response(status=307, headers={"Location": "/v1/chat/completions"}), "error", ""
    ),
    "redirect to nowhere": Case(
        lambda call: Response(status=301, headers={"Location": "http://127.0.0.1:1/"}), "error", ""
    ),
    "truncated JSON": Case(lambda call: Response(json.dumps(GOOD)[:90]), "malformed", "no JSON"),
    "no JSON": Case(lambda call: Response("<html>Sign in</html>"), "malformed", "no JSON"),
    "JSON of another kind": Case(lambda call: Response("[1, 2]"), "malformed", ""),
    "no choices": Case(says({**GOOD, "choices": []}), "no_reply", ""),
    "choices are null": Case(says({**GOOD, "choices": None}), "malformed", ""),
    "message is null": Case(says(completion(message=None)), "malformed", ""),
    "log-probs absent": Case(says(completion()), "no_logprobs", "no top log-probs"),
    "log-probs are empty": Case(says(completion("85", [])), "no_logprobs", "no top log-probs"),
    "log-prob null": Case(says(completion("85", top(n85=None))), "malformed", ""),
    "log-prob text": Case(says(completion("85", top(n85="high"))), "malformed", ""),
    "log-prob NaN": Case(says(completion("0", top(n0=math.nan))), "malformed", "a log-prob is nan"),
    "log-prob infinite": Case(says(completion("0", top(n0=math.inf))), "malformed", "a log-prob is inf"),
    "log-prob positive": Case(says(completion("85", top(n85=5.0))), "malformed", "a log-prob is 5.0"),
    "log-prob 710": Case(says(completion("85", top(n85=710.0))), "malformed", "a log-prob is 710.0"),
    "own log-prob 710": Case(says(completion("85", top(n85=-0.1), first=710.0)), "malformed", "710.0"),
    "mass over 1": Case(says(completion("85", top(n85=-0.1, n86=-0.1))), "malformed", "add up to 1.81"),
    "token twice": Case(
        says(completion("85", [{**one, "bytes": [56, 53]} for one in [*top(n85=-1.0), *top(n85=-1.5)]])),
        "malformed",
        "two probabilities",
    ),
    "bytes only": Case(
        says(completion("85", [{"token": "", "logprob": -0.1, "bytes": [56, 53]}])), "low_mass", ""
    ),
    "content filter with log-probs": Case(
        says({**GOOD, "choices": [{**GOOD["choices"][0], "finish_reason": "content_filter"}]}),
        "refusal",
        "content filter",
    ),
    "content filter with a part, drawn": Case(
        says(completion("8", finish_reason="content_filter")), "refusal", "", "sampled"
    ),
    "cut number, drawn": Case(says(completion("8", finish_reason="length")), "unparseable", "", "sampled"),
    "1 MB of blanks, drawn": Case(says(completion(" " * 1_000_000 + "x")), "unparseable", "", "sampled"),
}


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)


@pytest.fixture
def serve() -> Iterator[Callable[[Answer], Model]]:
    """A judge that answers so; its client and Inspect ask only once, unless a case is about that."""
    opened: list[Listener] = []

    def start(answer: Answer, **config: Any) -> Model:
        opened.append(Listener({"POST /v1/chat/completions": answer}).__enter__())
        config = {"max_retries": 0, "attempt_timeout": 3, **config}
        return get_model(
            "openai/judge",
            base_url=opened[-1].base_url,
            responses_api=False,
            memoize=False,
            max_retries=0,
            config=GenerateConfig(**config),
        )

    yield start
    for listener in opened:
        listener.__exit__(None, None, None)


def panel(judge: Model, reader: ReaderChoice) -> Panel:
    async def run() -> Panel:
        init_model_roles({"grader": judge})
        return await ask(COHERENCE, "What do you wish for?", "Nothing.", reader=reader)

    return asyncio.run(run())


@pytest.mark.parametrize("name", CASES)
def test_no_fault_is_a_rating_and_each_is_said(
    name: str, serve: Callable[[Answer], Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    case = CASES[name]
    started = time.monotonic()
    found = panel(serve(case.answer), case.reader)
    assert time.monotonic() - started < 10
    [result] = found.results
    assert (result.value, result.word, found.value("mean")) == (None, None, None)
    said = (
        (case.words,) if isinstance(case.words, str) else case.words
    )  # parts, where versions write more between
    assert result.failure == case.failure and all(one in result.detail for one in said) and result.detail
    assert found.failed is result and found.reason is not None


def test_a_sound_reply_is_still_a_rating(serve: Callable[[Answer], Model]) -> None:
    zero = top(n85=-0.3, n90=-2.0, REFUSAL=-math.inf, nCODE=-9999.0)
    [result] = panel(serve(says(completion("85", zero))), "token").results
    assert result.failure is None and result.value is not None and 85 < result.value < 87


def test_a_server_that_stays_down_is_waited_for_once_and_said_to_be(
    serve: Callable[..., Model], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(servers, "PATIENCE", 0.2)
    asked = 0

    def fail(call: Call) -> Response:
        nonlocal asked
        asked += 1
        time.sleep(0.05)
        return error(500, "boom")(call)

    judge = serve(fail)

    async def run() -> list[Panel]:
        init_model_roles({"grader": judge})
        return [await ask(COHERENCE, "What?", f"Answer {n}.", reader="token") for n in range(40)]

    with caplog.at_level(logging.WARNING):
        panels = asyncio.run(run())
    assert asked < 15 and all(one.failed is not None for one in panels)
    assert "has not answered for" in panels[-1].results[0].detail and "boom" in panels[-1].results[0].detail
    said = [record.getMessage() for record in caplog.records if "openai/judge" in record.getMessage()]
    assert len(said) == 1 and "fails" in said[0] and "boom" in said[0]


def test_limits_are_set_only_where_nobody_else_set_them() -> None:
    plain, own = (
        get_model("mockllm/model", memoize=False, config=c)
        for c in (GenerateConfig(), GenerateConfig(max_retries=1))
    )
    for one in (plain, own):
        servers.guard(one)
        servers.guard(one)
    assert (plain.config.timeout, plain.config.attempt_timeout) == (servers.PATIENCE, servers.ATTEMPT)
    assert (own.config.timeout, own.config.max_retries) == (None, 1)


ECHOES = {
    "401": lambda key: error(401, f"Incorrect API key provided: {key}"),
    "400": lambda key: error(400, f"Bad request by {key}"),
    "500": lambda key: error(500, f"boom {key}"),
    "no JSON": lambda key: lambda call: Response(f"<html>{key}</html>"),
    "an answer": lambda key: says(completion(f"You are {key}")),
}


def judged(judge: Model, folder: Path, answering: Model | None = None, probed: bool = False) -> EvalLog:
    task = Task(
        MemoryDataset([Sample(id=n, input=f"What is {n}?") for n in range(3)]),
        setup=grader_bound("judge") if probed else None,
        solver=generate(),
        scorer=alignment(reader="token"),
        name="small",
    )
    return eval(
        task,
        model=answering or model("I like dogs."),
        model_roles={"grader": judge},
        log_dir=str(folder),
        fail_on_error=False,
        display="none",
    )[0]


@pytest.mark.parametrize("echo", ECHOES)
def test_a_key_that_a_server_says_is_in_no_file_and_on_no_terminal(
    echo: str, serve: Callable[..., Model], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    from zipfile import ZipFile

    judge = serve(ECHOES[echo](KEY))
    answering = serve(ECHOES[echo](KEY)) if echo == "an answer" else None
    log = judged(judge, tmp_path, answering=answering, probed=answering is not None)
    assert log.results is not None and len(list_eval_logs(str(tmp_path))) == 1
    [file] = tmp_path.glob("*.eval")
    with ZipFile(file) as archive:
        written = b"".join(archive.read(name) for name in archive.namelist())
    assert KEY.encode() not in written and (b"[key]" in written or echo == "no JSON")
    out, err = capfd.readouterr()
    assert KEY not in out + err


def test_a_log_whose_answers_are_all_unscored_has_no_rate_and_no_metric_of_nothing(
    serve: Callable[..., Model], tmp_path: Path
) -> None:
    log = judged(serve(error(500, "boom")), tmp_path)
    assert log.status == "success" and log.results is not None
    [found] = log.results.scores
    metrics = {name: metric.value for name, metric in found.metrics.items()}
    assert set(metrics.values()) == {0.0} and all(name.endswith("_n") for name in metrics)
    assert found.unscored_samples == 3
    from inoc_evals.scorers.unscored import mostly_unanswered, summaries

    [line] = summaries(log.samples or [])
    assert line.startswith("alignment: 0 of 3 answers scored: grader_failed (error) 3; its server: Internal")
    assert "boom" in line and mostly_unanswered(log.samples or [])


def test_a_judge_that_cannot_answer_stops_a_run_before_anything_is_generated(
    serve: Callable[..., Model], tmp_path: Path
) -> None:
    asked: list[Any] = []
    log = judged(serve(error(401, "wrong key")), tmp_path, model("I like dogs.", asked), probed=True)
    assert not asked and log.samples is not None
    errors = [sample.error.message for sample in log.samples if sample.error]
    assert len(errors) == 3 and "cannot be asked, so nothing was generated: Authentication" in errors[0]
    assert log.results is None or not any(
        m.value == 0.0 and not n.endswith("_n") for s in log.results.scores for n, m in s.metrics.items()
    )


def test_a_judge_is_probed_in_one_line(serve: Callable[..., Model]) -> None:
    async def run() -> None:
        init_model_roles({"grader": judge})
        await probe_graders()

    judge = serve(error(404, "no such model"))
    with pytest.raises(UserError, match=r"judge openai/judge cannot be asked.*no such model"):
        asyncio.run(run())
