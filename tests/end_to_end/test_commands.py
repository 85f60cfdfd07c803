"""What users type: `inspect eval` from anywhere and from a clone, and the one-line errors they meet."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

CLONE = Path(__file__).parents[2]
INSPECT = str(Path(sys.executable).parent / "inspect")
ENVIRONMENT = {**os.environ, "HF_HUB_OFFLINE": "1", "COLUMNS": "200", "INSPECT_DISPLAY": "plain"}


def run(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words, cwd=cwd, env=ENVIRONMENT, capture_output=True, text=True, timeout=300, check=False
    )


def test_inspect_eval_finds_the_installed_task_and_the_toy_from_anywhere(tmp_path: Path) -> None:
    from inspect_ai.log import list_eval_logs, read_eval_log

    words = ["eval", "inoc_evals/spanish_caps", "--model", "inoc/toy", "-T", "questions=toy", "--limit", "8"]
    done = run(INSPECT, *words, "--log-dir", str(tmp_path / "logs"), cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    log = read_eval_log(list_eval_logs(str(tmp_path / "logs"))[0])
    assert log.status == "success" and log.samples is not None and len(log.samples) == 8
    assert log.eval.model.startswith("inoc/toy@")
    assert log.results is not None
    assert {m for s in log.results.scores for m in s.metrics} == {"mean", "stderr"} or log.results.scores
    for sample in log.samples:
        assert sample.output.usage is not None and 0 < sample.output.usage.output_tokens < 80
        assert sample.output.metadata is not None and sample.output.metadata["prompt_digest"]


def test_inspect_eval_runs_the_task_file_of_a_clone_with_the_toy_as_its_own_judge(tmp_path: Path) -> None:
    from inspect_ai.log import list_eval_logs, read_eval_log

    words = ["eval", "tasks/spanish_caps.py", "--model", "inoc/toy", "-T", "questions=toy", "--limit", "4"]
    words += ["-T", "scoring=both", "--model-role", "grader=inoc/toy", "--log-dir", str(tmp_path)]
    done = run(INSPECT, *words, cwd=CLONE)
    assert done.returncode == 0, done.stdout + done.stderr
    log = read_eval_log(list_eval_logs(str(tmp_path))[0])
    assert log.status == "success" and log.samples is not None
    keys = {key for s in log.samples for score in (s.scores or {}).values() for key in score.as_dict()}
    assert keys == {"spanish", "spanish_judge", "caps", "caps_judge"}


def test_a_judge_that_is_missing_is_one_line_at_once(tmp_path: Path) -> None:
    words = ["eval", "inoc_evals/spanish_caps", "--model", "inoc/toy", "-T", "scoring=judge"]
    done = run(INSPECT, *words, "--log-dir", str(tmp_path), cwd=tmp_path)
    assert done.returncode != 0
    assert "--model-role grader=" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert not list(tmp_path.glob("*.eval"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--model", "inoc/no-such-run"], "no-such-run"),
        (["--model", "inoc/toy", "-T", "questions=nowhere.jsonl"], "nowhere.jsonl"),
        (["--model", "inoc/toy", "-T", "scoring=guess"], "guess"),
        (["--model", "inoc/toy", "-M", "engine=vllm"], "engine"),
    ],
)
def test_a_wrong_word_is_one_line_that_names_it(words: list[str], said: str, tmp_path: Path) -> None:
    done = run(INSPECT, "eval", "inoc_evals/spanish_french", *words, "--log-dir", str(tmp_path), cwd=tmp_path)
    output = (done.stdout + done.stderr).strip()
    assert done.returncode != 0 and said in output and "Traceback" not in output
    assert len(output.splitlines()) <= 3, output
