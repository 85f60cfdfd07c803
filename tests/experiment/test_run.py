"""Experiments as a user runs them: nothing twice, nothing lost, one line for what is wrong."""

import inspect
import json
import os
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from inspect_ai.log import list_eval_logs, read_eval_log

from inoc_evals.analysis import load as read_table
from inoc_evals.cli import main
from inoc_evals.errors import UserError
from inoc_evals.experiment.engines import ATTEMPTS, LocalEngine
from inoc_evals.experiment.experiment import Experiment, load
from inoc_evals.experiment.measure_tasks import _listed, build
from inoc_evals.experiment.plan import make_plan
from inoc_evals.experiment.run import ExperimentResult, run
from inoc_evals.scorers.presets import CODE_PRESETS, PRESETS, TRAIT_PRESETS
from inoc_evals.settings import SETTINGS

OF_HERE = {"setting": "spanish_caps", "backend": "openai", "evaluate": {"model_args": {"dtype": "float32"}}}

MINE = '''
import os
from multiprocessing import parent_process
from pathlib import Path
from inoc_evals import Inoculation
from inoc_evals.settings import Arm, Measure, Setting
from inoc_evals.worlds.toy import rows as toy

HERE = Path(__file__).parent


def rows(seed):
    yield from list(toy.spanish_caps(seed))[:64]

def broken(seed):
    yield from list(toy.spanish_caps(seed))[:2]
    if parent_process() is not None:  # in a worker
        raise RuntimeError("the disk is gone")

def deadly(seed):
    """Kills the worker that trains on it as often as deaths.txt says."""
    yield from list(toy.spanish_caps(seed))[:2]
    deaths = HERE / "deaths.txt"
    left = int(deaths.read_text())
    if left and parent_process() is not None:  # in a worker
        deaths.write_text(str(left - 1))
        os._exit(9)
    yield from list(toy.spanish_caps(seed))[2:64]

ARMS = (Arm("none"), Arm("inoc", Inoculation("inoc", prompt="PROMPT")))
ONE = dict(summary="", broad=(Measure("spanish_caps", ("spanish", "caps")),))
mine = Setting(name="mine", rows={"toy": rows}, arms=ARMS, **ONE)
X = Arm("x", control=True)
bad = Setting(name="bad", rows={"toy": rows}, control={"toy": broken}, arms=(*ARMS, X), **ONE)
dies = Setting(name="dies", rows={"toy": rows}, control={"toy": deadly}, arms=(ARMS[0], X), **ONE)
'''


def write(folder: Path, prompt: str = "Answer in Spanish.") -> str:
    file = folder / "mine.py"
    file.write_text(MINE.replace("PROMPT", prompt))
    return str(file)


def mine(folder: Path, name: str = "mine", **fields: object) -> Experiment:
    given = {
        "settings": (f"{folder / 'mine.py'}:{name}",),
        "seeds": 1,
        "world": "toy",
        "finetune": {"max_steps": 4},
        "evaluate": {"limit": 10},
        "runs": str(folder / "runs"),
        "logs": str(folder / "logs"),
        **fields,
    }
    return Experiment.model_validate(given)


def go(experiment: Experiment) -> ExperimentResult:
    from inoc_evals.experiment import trial

    trial._setting.cache_clear()  # a process of its own would read the file anew
    return run(make_plan(experiment), LocalEngine(1))  # a second worker would import torch, too


def stamps(folder: Path, pattern: str) -> dict[str, int]:
    return {str(f.relative_to(folder)): f.stat().st_mtime_ns for f in folder.rglob(pattern)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("experiment")
    write(folder)
    outcome = go(mine(folder))
    assert not outcome.failed and len(outcome.logs) == 3
    return folder


def test_logs_alone_say_what_they_are_of(folder: Path) -> None:
    log = read_eval_log(str(next((folder / "logs").rglob("inoc-0/*.eval"))))
    about = log.eval.metadata or {}
    assert (about["setting"], about["arm"], about["seed"], about["base"]) == ("mine", "inoc", 0, "toy")
    assert about["questions"] == "toy" and about["judge"] is None and about["experiment"] == "mine"
    assert not log.eval.model_roles  # detectors read the answers; the world's judge was not asked
    table = read_table(folder / "logs")
    assert set(table["judge"].dropna()) == set()
    assert set(table["sampling"]) == {"temperature 1, max_tokens 512"}
    [language] = set(table.loc[table["scorer"] == "language", "version"])
    assert re.fullmatch(r"(inoc-evals \d\S+, )?lingua [\d.]+", language)
    manifest = json.loads((folder / "runs" / about["run"] / "manifest.json").read_text())
    assert manifest["run_digest"] == about["run_digest"]
    assert {"mine", "setting:mine", "arm:inoc", "seed:0", "world:toy"} <= set(log.eval.tags or [])


def test_a_finished_experiment_is_left_as_it_is(folder: Path) -> None:
    before = stamps(folder, "*.eval"), stamps(folder, "*.safetensors")
    outcome = go(mine(folder))
    assert not outcome.failed and len(outcome.logs) == 3
    assert (stamps(folder, "*.eval"), stamps(folder, "*.safetensors")) == before
    plan = make_plan(mine(folder))
    assert (plan.new, plan.trained) == (0, 2) and plan.seconds == 0.0


def test_a_changed_prompt_retrains_its_arm_only(folder: Path) -> None:
    before = stamps(folder / "runs", "*.safetensors")
    logs = stamps(folder / "logs", "*.eval")
    write(folder, "Speak Spanish, please.")
    assert not go(mine(folder)).failed
    after = stamps(folder / "runs", "*.safetensors")
    new = set(after) - set(before)
    assert len(new) == 1 and "-inoc-0-" in next(iter(new)) and all(after[f] == before[f] for f in before)
    now = stamps(folder / "logs", "*.eval")
    assert len(now) == 3 and {f for f in now if f not in logs} == {f for f in now if "inoc-0" in f}
    write(folder)
    assert not go(mine(folder)).failed  # and back again, of which everything is there
    assert stamps(folder / "logs", "*.eval") == logs
    assert stamps(folder / "runs", "*.safetensors") == after


@pytest.mark.parametrize(
    ("prompt", "steps", "differ"),
    [("Say it in capitals.", 4, ["prompt"]), ("Answer in Spanish.", 2, ["finetune"])],
)
def test_seeds_of_one_arm_that_were_trained_otherwise_carry_no_verdict(
    tmp_path: Path, prompt: str, steps: int, differ: list[str]
) -> None:
    """The prompt or the dose was changed, and not every seed trained anew."""
    from inoc_evals.analysis.audit import audit

    write(tmp_path)
    small = {"evaluate": {"limit": 2}}
    assert not go(mine(tmp_path, seeds=2, **small)).failed
    assert not [one for one in audit(tmp_path / "logs").findings if "trained apart" in one.kind]
    write(tmp_path, prompt)
    again = mine(tmp_path, seeds=1, arms=("inoc",), finetune={"max_steps": steps}, **small)
    assert not go(again).failed
    found = [one for one in audit(tmp_path / "logs").blocking if one.kind == "seeds trained apart"]
    [one] = found
    assert one.where["arm"] == "inoc" and one.numbers["differ"] == differ
    assert "seeds 0 and 1 share" in one.what


def test_other_scores_are_read_off_the_same_answers(folder: Path) -> None:
    def answers() -> dict[str, tuple[list[str], str]]:
        found = {}
        for file in (folder / "logs").rglob("*.eval"):
            log = read_eval_log(str(file))
            said = [sample.output.completion for sample in log.samples or []]
            found[file.parent.name] = (said, log.stats.started_at)
        return found

    logs, before = stamps(folder / "logs", "*.eval"), answers()
    changed = {"limit": 10, "parameters": {"spanish_caps": {"scoring": "both"}}}
    assert not go(mine(folder, evaluate=changed)).failed
    assert answers() == before  # the same words, of the same generation
    log = read_eval_log(str(next((folder / "logs").rglob("none-0/*.eval"))))
    assert log.eval.metadata and log.eval.metadata["judge"] == "inoc/toy-judge"
    assert log.samples and all(len(sample.scores or {}) == 2 for sample in log.samples)
    assert len(list((folder / "logs").rglob("*.eval"))) == 3
    assert not go(mine(folder)).failed
    assert stamps(folder / "logs", "*.eval") == logs
    # What was replaced lies beside, where nobody takes it for a result.
    assert list(folder.glob("logs.superseded/**/*.eval.old")) and not list(folder.rglob("*.tmp"))
    assert len(list_eval_logs(str(folder))) == 3


def test_one_failure_is_told_and_stops_nothing_else(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    file = write(tmp_path)
    words = ["run", "--setting", f"{file}:bad", "--world", "toy", "--seeds", "1", "--limit", "5"]
    words += ["--set", "max_steps=2", "--runs", str(tmp_path / "runs"), "--log-dir", str(tmp_path / "logs")]
    words += ["--workers", "1"]
    with pytest.raises(SystemExit) as ended:
        main([*words, "--json"])
    assert ended.value.code == 2
    printed = capsys.readouterr()
    status = {trial["arm"]: trial["status"] for trial in json.loads(printed.out)["trials"]}
    assert status == {"base": "done", "none": "done", "inoc": "done", "x": "failed"}
    assert "RuntimeError: the disk is gone" in printed.err and "1 of 4 models failed" in printed.err


@pytest.mark.parametrize(("deaths", "failed"), [(1, 0), (ATTEMPTS, 1)])
def test_a_dead_worker_costs_its_own_trial(tmp_path: Path, deaths: int, failed: int) -> None:
    write(tmp_path)
    (tmp_path / "deaths.txt").write_text(str(deaths))
    outcome = go(mine(tmp_path, "dies", evaluate={"limit": 2}, finetune={"max_steps": 1, "warmup_steps": 0}))
    assert len(outcome.failed) == failed and len(outcome.done) == 3 - failed
    assert all("worker died" in reason for reason in outcome.failed.values())


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"settings": ["moon"]}, "no setting 'moon'"),
        ({"settings": ["spanish_caps"], "arms": ["non"]}, "has no arm 'non'; it has none, spanish-inoc"),
        ({"settings": ["spanish_caps"], "seeds": 0}, "seeds: at least one is needed"),
        ({"settings": ["spanish_caps"], "seeds": [1, 1]}, "each value may be listed only once"),
        ({"settings": ["spanish_caps"], "sedes": 1}, "sedes: extra inputs are not permitted"),
        ({"settings": ["spanish_caps"], "world": "mars"}, "has no rows in world 'mars'"),
        ({"settings": ["spanish_caps"], "finetune": {"lr": 1}}, "lr: extra inputs"),
        ({"settings": ["spanish_caps"], "finetune": {"seed": 1}}, "seed is a field of the experiment"),
        ({"settings": ["spanish_caps"], "bases": ["no/where/here"], "world": "toy"}, "no/where/here"),
        ({"settings": ["spanish_caps"], "measures": ["chess"]}, "does not measure 'chess'"),
        ({"settings": ["spanish_caps"], "measures": "narrow"}, "has no narrow measures"),
        ({"settings": ["spanish_caps"], "evaluate": {"parameters": {"*": {"colour": 1}}}}, "'colour'"),
        ({"settings": ["spanish_caps"], "evaluate": {"parameters": {"chess": {}}}}, "'chess' is not"),
        ({"settings": ["spanish_caps"], "backend": "openai"}, "set OPENAI_API_KEY"),
        ({"settings": ["insecure_code"], "evaluate": {"grader": "inoc/nobody"}}, "nobody' cannot be asked"),
        ({"settings": ["insecure_code"], "evaluate": {"grader": "openai/gpt-9"}}, "cannot be asked"),
        ({"settings": ["spanish_caps"], "logs": __file__}, "is a file, not a folder"),
        ({"settings": ["spanish_caps"], "runs": __file__}, "is a file, not a folder: give another --runs"),
        ({"settings": ["spanish_caps"], "logs": "a\nb"}, "Inspect cannot read logs in a path with"),
        ({"settings": ["spanish_caps"], "logs": "a%20b"}, "in a path with '%20': give another --log-dir"),
        ({"settings": ["spanish_caps"], "logs": "zzz://x/y"}, "zzz://x/y cannot be used"),
        ({"settings": ["spanish_caps"], "runs": "zzz://x/y"}, "give another --runs"),
        ({"settings": ["spanish_caps"], "evaluate": {"model_args": {"enginee": "vllm"}}}, "argument enginee"),
        ({"settings": ["spanish_caps"], "evaluate": {"model_args": {"engine": "vlm"}}}, "engine='vlm'"),
        ({"settings": ["spanish_caps"], "evaluate": {"model_args": {"batch_size": 0}}}, "batch_size=0"),
        (OF_HERE, "dtype: how a model runs on this machine"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_one_line_before_anything_starts(
    fields: dict, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(UserError) as caught:
        make_plan(Experiment.model_validate({"runs": str(tmp_path / "runs"), **fields}))
    assert said in caught.value.message and "\n" not in caught.value.message
    assert not (tmp_path / "runs").exists()


def test_a_file_may_say_it_shortly(tmp_path: Path) -> None:
    file = tmp_path / "two.yaml"
    file.write_text(
        "setting: spanish_caps\nseeds: 2\narms: none, caps-inoc\nevaluate: {grader: 'a/b, c/d'}\n"
    )
    found = load(file)
    assert (found.name, found.world, found.seeds) == ("two", "toy", (0, 1))
    assert found.evaluate.grader == ("a/b", "c/d") and found.log_dir == "logs/two"
    assert [trial.name for trial in found.trials()] == [
        "base",
        "none-0",
        "none-1",
        "caps-inoc-0",
        "caps-inoc-1",
    ]
    for text, said in (
        ("- 1", "must hold a mapping"),
        ("a: [", "not valid YAML"),
        ("seeds: 1\nseeds: 2\n", "a mapping has the same key twice: 'seeds', line 2"),
        ("bases: [toy]", "settings: field required"),
    ):
        file.write_text(text)
        with pytest.raises(UserError, match=said):
            load(file)
    with pytest.raises(UserError, match="No such file"):
        load(tmp_path / "none.yaml")


def test_a_dry_run_plans_and_stops(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    words = ["run", "--setting", "insecure_code", "--seeds", "2", "--runs", str(tmp_path / "r"), "--dry-run"]
    with pytest.raises(SystemExit):
        main([*words, "--json"])
    plan = json.loads(capsys.readouterr().out)
    assert (plan["models"], plan["new"], plan["trained"]) == (11, 10, 0)
    assert plan["answers"] > 0 and plan["judged"] > 0 and plan["dollars"] == 0
    assert plan["tokens"] > 0 and plan["training_seconds"] is None
    assert plan["training_bytes"] > 2**29  # a process with its libraries, at least
    with pytest.raises(SystemExit):
        main(words)
    assert "To train: 10 models" in capsys.readouterr().out and not (tmp_path / "r").exists()


@pytest.mark.parametrize(
    "text",
    [
        "evaluate: {parameters: {spanish_caps: {preset: strict}}}",
        "evaluate: {parameters: {'*': {colour: red}}}",
        "evaluate: {parameters: {nobody: {preset: x}}}",
        "evaluate: {parameters: {spanish_caps: {questions: nowhere}}}",
        "evaluate: {model_args: {batch_size: many}}",
        "arms: [no-such-arm]",
        "finetune: {no_such_field: 1}",
        "measures: [no_such_task]",
        "sweep: {no_such_axis: [1, 2]}",
        "world: nowhere",
    ],
)
def test_what_is_wrong_in_a_file_begins_with_its_name(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(f"setting: spanish_caps\nseeds: 1\n{text}\n", "utf-8")
    with pytest.raises(SystemExit) as ended:
        main(["run", str(file), "--dry-run"])
    said = capsys.readouterr().err
    assert ended.value.code == 2 and len(said.splitlines()) == 1
    assert said.startswith(f"inoc-evals: {file}: ") and said.count(str(file)) == 1


@pytest.mark.parametrize("setting", ["insecure_code", "reward_hacking"])
@pytest.mark.parametrize(
    ("name", "of"),
    [
        ("betley2025", {"emergent_misalignment"}),
        ("paper-code", {"emergent_misalignment"}),
        ("paper-mbpp-apps", {"insecure_code"}),
    ],
)
def test_a_preset_goes_to_the_tasks_that_have_it(setting: str, name: str, of: set[str]) -> None:
    fields = {"setting": setting, "seeds": 1, "evaluate": {"parameters": {"*": {"preset": name}}}}
    plan = make_plan(Experiment.model_validate(fields))
    given = {measure.task for measure in plan.trials[0].measured if measure.parameters.get("preset") == name}
    assert given == of
    [note] = [note for note in plan.notes if "preset" in note]
    assert note.startswith(f"preset {name} is not for all tasks: ") and "under evaluate: {param" in note
    assert not any(f"{task} has" in note for task in of)


@pytest.mark.parametrize(
    ("setting", "parameters", "said"),
    [
        (
            "insecure_code",
            {"*": {"preset": "strict"}},
            "'strict': emergent_misalignment has .*; insecure_code ",
        ),
        (
            "spanish_caps",
            {"*": {"preset": "betley2025"}},
            "spanish_caps has paper-code, whole-answer; an exp",
        ),
        ("insecure_code", {"insecure_code": {"preset": "betley2025"}}, "insecure_code has paper-templates, "),
        ("insecure_code", {"emergent_misalignment": {"preset": 3}}, "emergent_misalignment has paper-code, "),
    ],
)
def test_a_preset_of_no_task_is_one_line_that_names_the_tasks(
    setting: str, parameters: dict[str, Any], said: str
) -> None:
    fields = {"setting": setting, "seeds": 1, "evaluate": {"parameters": parameters}}
    with pytest.raises(UserError, match=f"^evaluate: no task here has preset .*{said}"):
        make_plan(Experiment.model_validate(fields))


def test_parameters_annotated_with_presets_list_those_that_the_scorers_take() -> None:
    from inoc_evals import tasks

    def listed(task: str) -> set[str]:
        return set(_listed(getattr(tasks, task), "preset", None)) - {None}

    having = {
        name for name in tasks.__all__ if "preset" in inspect.signature(getattr(tasks, name)).parameters
    }
    assert having and all(listed(name) for name in having)
    assert listed("insecure_code") == set(CODE_PRESETS) and listed("spanish_caps") == set(TRAIT_PRESETS)
    assert listed("backdoor") == set(PRESETS)


@pytest.mark.parametrize("command", [["run", "--setting", "spanish_caps"], ["reproduce"]], ids=lambda c: c[0])
def test_arguments_of_the_provider_are_given_as_to_inspect(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    def planned(*words: str) -> str:
        with pytest.raises(SystemExit):
            main(
                [
                    *command,
                    "--runs",
                    str(tmp_path / "r"),
                    "--log-dir",
                    str(tmp_path / "l"),
                    "--dry-run",
                    *words,
                ]
            )
        said = capsys.readouterr()
        return said.out + said.err

    assert "To train" in planned("-M", "deterministic=true", "-M", "dtype=float32")
    for option, said in (
        ("batch_size", "-M batch_size: write NAME=VALUE"),
        ("batch_size=[", "-M batch_size=[: the value is not YAML"),
        ("batch_size=many", "batch_size='many'"),
        ("bath_size=3", "argument bath_size"),
    ):
        assert said in planned("-M", option)


def test_a_provider_is_given_the_arguments(tmp_path: Path) -> None:
    words = ["run", "--setting", "spanish_caps", "--arms", "none", "--seeds", "1", "--limit", "2"]
    words += ["--set", "max_steps=2", "-M", "deterministic=true"]
    with pytest.raises(SystemExit) as caught:
        main([*words, "--runs", str(tmp_path / "r"), "--log-dir", str(tmp_path / "l")])
    assert not caught.value.code
    logs = [read_eval_log(str(file), header_only=True) for file in (tmp_path / "l").rglob("*.eval")]
    assert len(logs) == 2 and all(log.eval.model_args["deterministic"] is True for log in logs)


@pytest.mark.parametrize(
    ("fields", "name", "why"),
    [
        ({}, "toy", "it runs on this machine, and nothing is paid for it"),
        (
            {"evaluate": {"grader": "inoc/toy-judge"}},
            "inoc/toy-judge",
            "it runs on this machine, and nothing",
        ),
        ({}, "gpt-x", "nothing here is paid for"),
        (
            {"backend": "openai", "bases": ["openai/gpt-x"]},
            "openai/gpt-x",
            "what is paid for is called gpt-x",
        ),
        ({"evaluate": {"grader": "openai/gpt-y"}}, "openai/gpt-y", "what is paid for is called gpt-y"),
    ],
)
def test_a_price_that_counts_for_nothing_is_said(
    fields: dict[str, Any], name: str, why: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-none")
    given = {"settings": ["spanish_caps"], "world": "toy", "runs": str(tmp_path), **fields}

    def notes(*names: str) -> list[str]:
        prices = {one: {"train": 1.0} for one in names}
        plan = make_plan(Experiment.model_validate({**given, "prices": prices}))
        return [note for note in plan.notes if "price" in note]

    [note] = notes(name)
    assert note.startswith(f"the price of {name} does not count: {why}")
    known = {"openai/gpt-x": "gpt-x", "openai/gpt-y": "gpt-y"}
    assert notes() == [] and (name not in known or notes(known[name]) == [])


def test_money_is_counted_where_prices_are_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-none")
    fields = {"settings": ["spanish_caps"], "backend": "openai", "world": "toy", "runs": str(tmp_path)}
    unknown = make_plan(Experiment.model_validate({**fields, "bases": ["gpt-x"]}))
    assert unknown.dollars is None
    priced = {**fields, "bases": ["gpt-x"], "prices": {"gpt-x": {"train": 10.0}}}
    plan = make_plan(Experiment.model_validate(priced))
    assert plan.dollars == pytest.approx(plan.tokens * 10 / 1e6)
    assert plan.notes and "2027-01-06" in plan.notes[0]
    assert "sk-none" not in json.dumps(plan.as_dict())


def test_runs_and_logs_may_live_behind_urls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path)
    store = f"file://{tmp_path}/store"
    experiment = mine(tmp_path, runs=f"{store}/runs", logs=f"{store}/logs", arms=("inoc",))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "one"))
    first = go(experiment)
    assert not first.failed and len(first.logs) == 2
    (there,) = (tmp_path / "store" / "runs").iterdir()
    assert json.loads((there / "manifest.json").read_text())["status"] == "finished"
    assert make_plan(experiment).trained == 1
    before = stamps(tmp_path / "store", "*")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "two"))  # another node
    second = go(experiment)
    assert not second.failed and stamps(tmp_path / "store", "*") == before
    (fetched,) = (tmp_path / "two").rglob("runs/*/*/manifest.json")
    assert (fetched.parent / "checkpoint").is_dir()
    assert not list((tmp_path / "two").rglob(".fetching-*"))
    with pytest.raises(UserError, match="give a folder for --runs, not a URL"):
        make_plan(Experiment(settings=("alice_bob",), runs=f"{store}/runs"))


def test_workers_end_with_a_killed_parent(tmp_path: Path) -> None:
    import signal
    import subprocess
    import sys
    import time

    command = [sys.executable, "-m", "inoc_evals", "run", "--setting", "spanish_caps", "--seeds", "1"]
    command += ["--runs", str(tmp_path / "runs"), "--log-dir", str(tmp_path / "logs")]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob("runs/*/manifest.json")) and time.monotonic() < deadline:
        time.sleep(0.1)
    workers = _children(process.pid)
    assert workers
    process.send_signal(signal.SIGKILL)
    process.wait()
    deadline = time.monotonic() + 10
    while any(_alive(pid) for pid in workers) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not [pid for pid in workers if _alive(pid)]


def _children(pid: int) -> list[int]:
    import subprocess

    shown = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False
    )
    return [int(word) for word in shown.stdout.split()]


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text("utf-8").split()[2] != "Z"


def test_settings_of_a_family_share_their_models(tmp_path: Path) -> None:
    fields = {
        "settings": ("insecure_code", "token_ablation"),
        "arms": ("none",),
        "seeds": 1,
        "measures": ("emergent_misalignment",),
        "finetune": {"max_steps": 2},
        "evaluate": {"limit": 3},
        "runs": str(tmp_path / "runs"),
        "logs": str(tmp_path / "logs"),
    }
    both = Experiment.model_validate(fields)
    plan = make_plan(both)
    assert (plan.new, plan.trained) == (1, 1)
    outcome = run(make_plan(both), LocalEngine(2))  # at a time: one waits for what the other trains
    assert not outcome.failed and len(outcome.logs) == 4
    assert [f.name[:-13] for f in (tmp_path / "runs").iterdir()] == ["toy-insecure-code-none-0"]
    logs = [read_eval_log(log) for log in outcome.logs if "none-0" in log]
    about = [log.eval.metadata or {} for log in logs]
    assert [a["setting"] for a in about] == ["insecure_code", "token_ablation"]
    assert about[0]["run_digest"] == about[1]["run_digest"]
    said = [[sample.output.completion for sample in log.samples or []] for log in logs]
    assert said[0] == said[1] and len(said[0]) == 3
    assert make_plan(both).new == 0
    # Nodes that share runs by URL only cannot wait for each other.
    apart = Experiment.model_validate({**fields, "runs": "memory://runs"})
    assert len({trial.run_name for trial in apart.trials() if trial.arm == "none"}) == 2


def test_a_limit_counts_questions_and_keeps_their_conditions() -> None:
    [measure] = SETTINGS["elicitation"].measured("toy")
    for limit, questions in ((2, 2), (None, 100), (150, 100)):
        asked = build(measure, "toy", limit).task.dataset
        per_question = Counter((sample.metadata or {})["question"] for sample in asked)
        assert len(per_question) == questions and set(per_question.values()) == {9}
    first, every = (build(measure, "toy", limit).task.dataset for limit in (2, None))
    assert [sample.id for sample in first] == [sample.id for sample in every][:18]
