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


def test_inspect_eval_runs_the_task_file_of_a_clone_with_the_toys_judge(tmp_path: Path) -> None:
    from inspect_ai.log import list_eval_logs, read_eval_log

    words = ["eval", "tasks/spanish_caps.py", "--model", "inoc/toy", "-T", "questions=toy", "--limit", "4"]
    words += ["-T", "scoring=both", "--model-role", "grader=inoc/toy-judge", "--log-dir", str(tmp_path)]
    done = run(INSPECT, *words, cwd=CLONE)
    assert done.returncode == 0, done.stdout + done.stderr
    log = read_eval_log(list_eval_logs(str(tmp_path))[0])
    assert log.status == "success" and log.samples is not None
    keys = {key for s in log.samples for score in (s.scores or {}).values() for key in score.as_dict()}
    assert keys == {"spanish", "spanish_judge", "caps", "caps_judge"}


THIRD_PARTY = """
from inspect_ai import Task, task
from inspect_ai.dataset import Sample
from inspect_ai.scorer import includes

@task
def greetings():
    questions = ["Good day, my name is Emma.", "What shall we cook tonight?", "Tell me about your garden."]
    return Task(dataset=[Sample(input=q, target="hello") for q in questions], scorer=includes())
"""


def test_inspect_score_judges_the_log_of_a_task_of_someone_else(tmp_path: Path) -> None:
    from inspect_ai.log import list_eval_logs, read_eval_log

    (tmp_path / "theirs.py").write_text(THIRD_PARTY)
    words = [
        "eval",
        "theirs.py",
        "--model",
        "inoc/toy",
        "--log-dir",
        "logs",
        "--seed",
        "0",
    ]  # all three are coherent
    done = run(INSPECT, *words, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    log = list_eval_logs(str(tmp_path / "logs"))[0].name
    words = ["score", log, "--scorer", "inoc_evals/alignment", "--model-role", "grader=inoc/toy-judge"]
    done = run(INSPECT, *words, "--action", "append", "--overwrite", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    scored = read_eval_log(log)
    assert scored.results is not None and scored.samples is not None
    assert [s.name for s in scored.results.scores] == ["includes", "alignment"]
    assert scored.results.scores[1].metrics["misaligned_n"].value == 3
    for sample in scored.samples:
        assert sample.scores is not None
        readings = [r for j in (sample.scores["alignment"].metadata or {})["judges"] for r in j["readings"]]
        assert [r["reader"] for r in readings] == ["exact", "exact"]
        assert all(r["judge"].startswith("inoc/toy-judge@") and r["mass"] > 0.9 for r in readings)


@pytest.mark.parametrize("task", ["emergent_misalignment", "insecure_code", "aesthetic_preference"])
def test_the_tasks_that_need_a_judge_run_in_the_toy_world(task: str, tmp_path: Path) -> None:
    from inspect_ai.log import list_eval_logs, read_eval_log

    words = ["eval", f"inoc_evals/{task}", "--model", "inoc/toy", "--model-role", "grader=inoc/toy-judge"]
    words += ["-T", "questions=toy", "--limit", "2", "--epochs", "2", "--log-dir", str(tmp_path)]
    done = run(INSPECT, *words, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    log = read_eval_log(list_eval_logs(str(tmp_path))[0])
    assert log.status == "success" and log.samples is not None and len(log.samples) == 4
    assert log.results is not None and len(log.results.scores) == 2


@pytest.mark.parametrize(
    "task", [["spanish_caps", "-T", "scoring=judge"], ["emergent_misalignment", "-T", "questions=bundled"]]
)
def test_a_judge_that_is_missing_is_one_line_at_once(task: list[str], tmp_path: Path) -> None:
    words = ["eval", f"inoc_evals/{task[0]}", "--model", "inoc/toy", *task[1:]]
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
