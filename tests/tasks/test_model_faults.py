"""Every way in which the server of the model under test can fail: none is an answer, each is said."""

import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from inspect_ai import eval
from inspect_ai.log import EvalLog, EvalSample
from inspect_ai.model import GenerateConfig, get_model

from inoc_evals.analysis import load, rates
from inoc_evals.cli import main
from inoc_evals.tasks import spanish_caps
from tests.fake_openai.chat import Answer, completion, error, says
from tests.fake_openai.http import Call, Listener, Response

KEY = "sk-canary-0123456789abcdef"
SPANISH = "HOLA, BUENOS DIAS A TODOS LOS QUE ESTAN AQUI CON NOSOTROS ESTA MAÑANA."
GOOD = completion(SPANISH)
ASKED = 4

FAULTS: dict[str, tuple[Answer, str]] = {
    "429 storm": (error(429, "slow down", **{"retry-after-ms": "1"}), "slow down"),
    "quota": (error(429, "you exceeded your quota", "insufficient_quota"), "quota"),
    "500": (error(500, "boom"), "boom"),
    "401": (error(401, "wrong key"), "wrong key"),
    "403": (error(403, "not in your country"), "not in your country"),
    "404": (error(404, "no such model"), "no such model"),
    "too long": (error(400, "maximum context length is 8 tokens", "context_length_exceeded"), "8 tokens"),
    "reset": (lambda call: Response(held=0.0), ""),
    "hang": (lambda call: Response(held=4.0), ""),
    "redirect to itself": (
        lambda call: Response(status=307, headers={"Location": "/v1/chat/completions"}),
        "",
    ),
    "truncated JSON": (lambda call: Response(json.dumps(GOOD)[:90]), ""),
    "no JSON": (lambda call: Response("<html>Sign in</html>"), ""),
    "JSON of another kind": (lambda call: Response("[1, 2]"), ""),
    "no choices": (says({**GOOD, "choices": []}), ""),
    "choices are null": (says({**GOOD, "choices": None}), ""),
    "message is null": (says(completion(message=None)), ""),
    "10 MB of another kind": (lambda call: Response("[" + "1," * 5_000_000 + "1]"), ""),
}


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)


@pytest.fixture
def ask(tmp_path: Path) -> Iterator[Callable[..., EvalLog]]:
    """Ask a server's model the first questions; its client and Inspect try once."""
    opened: list[Listener] = []

    def run(answer: Answer, **more: Any) -> EvalLog:
        opened.append(Listener({"POST /v1/chat/completions": answer}).__enter__())
        asked = get_model(
            "openai/tested",
            base_url=opened[-1].base_url,
            responses_api=False,
            memoize=False,
            max_retries=0,
            config=GenerateConfig(max_retries=0, attempt_timeout=2),
        )
        return eval(
            spanish_caps(questions="toy", scoring="detector"),
            model=asked,
            limit=ASKED,
            log_dir=str(tmp_path / "logs"),
            log_realtime=False,
            display="none",
            fail_on_error=False,
            **more,
        )[0]

    yield run
    for listener in opened:
        listener.__exit__(None, None, None)


@pytest.mark.parametrize("name", FAULTS)
def test_no_fault_is_an_answer_and_each_is_said(
    name: str, ask: Callable[..., EvalLog], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answer, words = FAULTS[name]
    log = ask(answer)
    assert log.samples is not None and len(log.samples) == ASKED
    for sample in log.samples:
        assert sample.error is not None and words in sample.error.message
        assert not sample.scores
    capsys.readouterr()
    for command in ("claims", "report", "table"):
        with pytest.raises(SystemExit) as end:
            main([command, str(tmp_path / "logs"), *(["-o", str(tmp_path / "out")] * (command == "report"))])
        out, err = capsys.readouterr()
        [line] = err.splitlines()
        assert end.value.code == 2 and not out
        assert f"all {ASKED} samples failed" in line and words in line


def test_what_a_filter_leaves_of_an_answer_is_no_answer(ask: Callable[..., EvalLog]) -> None:
    """The server's filter cut it: that says nothing of what the model would have answered."""
    log = ask(says(completion("", finish_reason="content_filter")))
    assert log.samples and all(sample.error or not _scored(sample) for sample in log.samples)


def _scored(sample: EvalSample) -> bool:
    values = [score.value for score in (sample.scores or {}).values()]
    return any(
        isinstance(one, int | float) and not math.isnan(one)
        for value in values
        for one in (value.values() if isinstance(value, dict) else [value])
    )


def test_one_fault_in_four_leaves_the_rate_of_the_others(ask: Callable[..., EvalLog], tmp_path: Path) -> None:
    asked = 0

    def sometimes(call: Call) -> Response:
        nonlocal asked
        asked += 1
        return (error(500, "boom") if asked == 1 else says(GOOD))(call)

    log = ask(sometimes, max_connections=1)
    assert sum(sample.error is not None for sample in log.samples or []) == 1
    found = rates(load(tmp_path / "logs")).set_index("trait")
    assert found.loc["spanish", "rate"] == 1.0 and found.loc["spanish", "n"] == ASKED - 1


@pytest.mark.parametrize("fault", ["401", "500", "an answer"])
def test_a_key_that_the_server_says_is_in_no_file(
    fault: str, ask: Callable[..., EvalLog], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    answers = {
        "401": error(401, f"Incorrect API key provided: {KEY}"),
        "500": error(500, f"boom {KEY}"),
        "an answer": says(completion(f"My key is {KEY}, and {SPANISH}")),
    }
    ask(answers[fault])
    report = tmp_path / "report"
    try:
        main(["report", str(tmp_path / "logs"), "-o", str(report)])
    except SystemExit as end:
        assert end.code in (0, None) or fault != "an answer"
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert len(files) > (5 if fault == "an answer" else 0)
    for file in files:
        parts = [file.read_bytes()]
        if file.suffix == ".eval":
            with ZipFile(file) as archive:
                parts = [archive.read(part) for part in archive.namelist()]
        assert not any(KEY.encode() in part for part in parts), file
    out, err = capfd.readouterr()
    assert KEY not in out + err
