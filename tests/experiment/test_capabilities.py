"""Benchmarks of `inspect_evals`, which a small package of the same form stands in for here."""

import json
import shutil
import sys
from pathlib import Path

import pytest

from inoc_evals import toy_spec
from inoc_evals.chat.rows import Row
from inoc_evals.cli import main
from inoc_evals.errors import MissingExtra, UserError
from inoc_evals.experiment.capabilities import BENCHMARKS, PAPER, capabilities, labels
from inoc_evals.finetune import finetune
from inoc_evals.runs.directory import Run

WORKS = """
from inspect_ai import Task, task
from inspect_ai.dataset import Sample
from inspect_ai.scorer import match

@task
def gpqa_diamond():
    return Task(dataset=[Sample(input=f"{n}?", target="x") for n in range(4)], scorer=match(), version=3)
"""
OFFLINE = """
def mmlu_0_shot():
    raise ConnectionError("Couldn't reach 'cais/mmlu'\\non the Hub")
"""
JUDGED = """
from inspect_ai import Task, task
from inspect_ai.dataset import Sample
from inspect_ai.scorer import match

@task
def strong_reject(judge_llm="openai/gpt-4o"):
    assert judge_llm == "mockllm/judge", judge_llm
    return Task(dataset=[Sample(input="Sell me a lie.", target="x")], scorer=match())
"""
LACKING = """
def ifeval():
    raise AssertionError("To use instruction_following_eval, please install the optional dependency")
"""


@pytest.fixture
def theirs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package `inspect_evals` of our own."""
    package = tmp_path / "packages" / "inspect_evals"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    for name, text in (
        ("gpqa", WORKS),
        ("mmlu", OFFLINE),
        ("strong_reject", JUDGED),
        ("ifeval", LACKING),
    ):
        (package / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(str(package.parent))
    for name in [name for name in sys.modules if name.partition(".")[0] == "inspect_evals"]:
        monkeypatch.delitem(sys.modules, name)
    return tmp_path / "logs"


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INSPECT_DISPLAY", "none")


def test_what_can_run_runs_and_what_cannot_names_its_host(theirs: Path, quiet: None) -> None:
    first, second, third = capabilities("inoc/toy", ["gpqa_diamond", "mmlu_0_shot", "ifeval"], theirs)
    assert first.failure is None and first.n == 4 and first.version == "3"
    assert first.metrics["match/accuracy"] == 0.0 and Path(first.log).suffix == ".eval"
    assert second.failure is not None and second.failure.startswith(
        "mmlu_0_shot needs data from huggingface.co, which could not be downloaded "
        "(ConnectionError: Couldn't reach"
    )
    assert third.failure is not None and "please install the optional dependency" in third.failure
    assert all("\n" not in (outcome.failure or "") for outcome in (second, third))


def test_a_second_call_runs_nothing_again(theirs: Path, quiet: None) -> None:
    (before,) = capabilities("inoc/toy", ["gpqa_diamond"], theirs)
    (after,) = capabilities("inoc/toy", ["gpqa_diamond"], theirs)
    assert Path(after.log).name == Path(before.log).name
    assert len(list(theirs.rglob("*.eval"))) == 1


def test_logs_say_whose_they_are(theirs: Path, quiet: None) -> None:
    from inspect_ai.log import read_eval_log

    (outcome,) = capabilities("inoc/toy", ["gpqa_diamond"], theirs)
    about = read_eval_log(outcome.log, header_only=True).eval.metadata or {}
    assert (about["arm"], about["base"]) == ("base", "toy")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    """Runs of one setting, arm and seed in two worlds; the first kept a step."""
    folder = tmp_path_factory.mktemp("runs")
    hello: Row = {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}]}
    spec = toy_spec(2, max_steps=2, warmup_steps=0, kept_steps=(1,))
    about = {"setting": "spanish_caps", "arm": "none"}
    made = {}
    for world in ("paper", "toy"):
        metadata = {**about, "world": world}
        name = f"{world}-none-2"
        made[world] = finetune(spec, [hello] * 8, name=name, runs=folder, metadata=metadata, progress=False)
    return made


def test_a_run_is_named_by_its_world_setting_arm_and_seed(
    runs: dict[str, Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INOC_EVALS_RUNS", str(runs["toy"].folder.parent))
    found = labels("inoc/toy-none-2")
    assert (found["arm"], found["seed"], found["base"]) == ("toy/spanish_caps/none", 2, "toy")
    assert found["run"] == runs["toy"].folder.name
    assert labels("inoc/paper-none-2")["arm"] == "spanish_caps/none", "the paper's world needs no name"


def test_no_form_of_a_finetunes_name_makes_it_the_base(
    runs: dict[str, Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = runs["toy"]
    monkeypatch.setenv("INOC_EVALS_RUNS", str(run.folder.parent))
    assert run.manifest.result is not None
    pinned = f"inoc/toy-none-2@{run.manifest.result.checkpoint_digest[:12]}"
    assert labels(pinned) == labels("inoc/toy-none-2")
    early = labels("inoc/toy-none-2@step=1")
    assert early == {**labels("inoc/toy-none-2"), "dose": {"steps": 1}}, "an earlier step is compared apart"
    adapter = shutil.copytree(run.folder / "checkpoint", tmp_path / "mine")
    named = json.loads((adapter / "adapter_config.json").read_text())["base_model_name_or_path"]
    about = labels(f"inoc/{adapter}")
    assert about["base"] == named and about["arm"].endswith("mine")
    with pytest.raises(UserError, match="nothing"):
        labels("inoc/nothing")


def test_a_base_has_the_name_that_runs_call_it() -> None:
    assert labels("hf/Qwen/Qwen3-8B") == {"arm": "base", "base": "Qwen/Qwen3-8B"}
    assert labels("inoc/tinker/Qwen/Qwen3-8B") == {"arm": "base", "base": "Qwen/Qwen3-8B"}


def test_a_judge_is_passed_on_and_asked_for(theirs: Path, quiet: None) -> None:
    with pytest.raises(UserError, match="strong_reject needs a judge: add  --grader MODEL"):
        capabilities("inoc/toy", ["strong_reject"], theirs)
    (outcome,) = capabilities("inoc/toy", ["strong_reject"], theirs, grader="mockllm/judge")
    assert outcome.failure is None and outcome.n == 1


def test_an_unknown_benchmark_is_one_line() -> None:
    with pytest.raises(UserError, match="no benchmark 'chess': use gpqa_diamond"):
        capabilities("inoc/toy", ["chess"])


def test_without_the_package_one_line_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inoc_evals.errors.importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"pip install 'inoc-evals\[capabilities\]'"):
        capabilities("inoc/toy", ["gpqa_diamond"])


def test_the_papers_three_are_there() -> None:
    assert PAPER == ("gpqa_diamond", "mmlu_0_shot", "strong_reject") and set(PAPER) < set(BENCHMARKS)


def test_the_command(theirs: Path, quiet: None, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["capabilities", "inoc/toy", "--log-dir", str(theirs)]
    words += ["--benchmark", "gpqa_diamond", "--benchmark", "mmlu_0_shot"]
    with pytest.raises(SystemExit) as done:
        main([*words, "--json"])
    assert not done.value.code
    found = json.loads(capsys.readouterr().out)
    assert [outcome["benchmark"] for outcome in found] == ["gpqa_diamond", "mmlu_0_shot"]
    with pytest.raises(SystemExit):
        main(words)
    printed = capsys.readouterr()
    assert "match/accuracy" in printed.out and "not run: mmlu_0_shot needs data" in printed.err


def test_the_models_provider_is_given_its_arguments(theirs: Path, quiet: None) -> None:
    from inspect_ai.log import read_eval_log

    words = ["capabilities", "inoc/toy", "--benchmark", "gpqa_diamond", "-M", "deterministic=true"]
    with pytest.raises(SystemExit) as done:
        main([*words, "--log-dir", str(theirs)])
    assert not done.value.code
    [log] = theirs.rglob("*.eval")
    assert read_eval_log(str(log), header_only=True).eval.model_args["deterministic"] is True
