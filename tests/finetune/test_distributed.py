"""Several processes train one run, for real: `accelerate launch` starts them, gloo joins them, on CPUs."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch
from safetensors.torch import load_file

from inoc_evals import toy_spec
from inoc_evals.errors import UserError
from inoc_evals.finetune import FinetuneSpec, LoraSpec, Run, find_run, finetune
from inoc_evals.models.base import load_path
from inoc_evals.runs.directory import read_dynamics
from inoc_evals.runs.spec import ProbeSpec
from tests.finetune.small import small_rows, small_spec

ROWS = 17
"""No multiple of anything: the last batch of a pass is short, and one process has none."""

DDP, FSDP = ("--multi_gpu",), ("--use_fsdp", "--fsdp_version", "2")


class Launch:
    """`accelerate launch` of two processes, with files of its own."""

    def __init__(self, folder: Path, spec: FinetuneSpec, how: tuple[str, ...] = DDP) -> None:
        self.runs = folder / "runs"
        (folder / "spec.json").write_text(spec.model_dump_json())
        (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in small_rows(ROWS)))
        module = "tests.finetune.fsdp_on_cpu" if how == FSDP else "inoc_evals"
        launcher = "--num_processes 2 --num_machines 1 --mixed_precision no --dynamo_backend no"
        command = [sys.executable, "-m", "accelerate.commands.launch", *launcher.split()]
        command += ["--main_process_port", "0", *how, "-m", module, "finetune", str(folder / "rows.jsonl")]
        command += ["--spec", str(folder / "spec.json"), "--name", "run", "--runs", str(self.runs)]
        self.process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1"},
        )

    @property
    def run(self) -> Run:
        return find_run("run", self.runs)

    def end(self, seconds: float = 120) -> tuple[int, str, str]:
        """Exit status, standard output and standard error."""
        out, err = self.process.communicate(timeout=seconds)
        return self.process.returncode, out, err

    def ranks(self) -> list[psutil.Process]:
        """The processes that train, the first of them first."""
        return sorted(
            psutil.Process(self.process.pid).children(), key=lambda child: child.environ().get("RANK", "")
        )

    def trained(self, steps: int) -> None:
        """Wait until so many steps are trained."""
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline:
            for losses in self.runs.glob("*/loss.jsonl"):
                if losses.read_text().count("\n") >= steps:
                    return
            assert self.process.poll() is None, self.end()
            time.sleep(0.05)
        raise AssertionError("nothing was trained")


def alone(folder: Path, spec: FinetuneSpec) -> Run:
    return finetune(spec, small_rows(ROWS), name="run", runs=folder / "alone", progress=False)


def losses(run: Run) -> list[float]:
    return [json.loads(line)["loss"] for line in run.losses.read_text().splitlines()]


def assert_alike(one: Run, two: Run, coarse: bool = False) -> None:
    """The same losses and weights but for rounding; coarse is bfloat16's, of three digits."""
    assert losses(two) == pytest.approx(losses(one), rel=1e-2 if coarse else 1e-4)
    files = [file.name for file in one.checkpoint.glob("*.safetensors")]
    assert files == [file.name for file in two.checkpoint.glob("*.safetensors")]
    mine, theirs = (load_file(run.checkpoint / files[0]) for run in (one, two))
    assert mine.keys() == theirs.keys()
    for name, weight in mine.items():
        # Adam's first steps have the size of the learning rate whatever the gradient's: rounding shows.
        close = torch.isclose(weight, theirs[name], atol=2e-4, rtol=1e-2)
        assert close.float().mean() >= (0.9 if coarse else 1.0), name
    mine_config, theirs_config = (
        {file.name: file.read_bytes() for file in run.checkpoint.iterdir() if file.suffix == ".json"}
        for run in (one, two)
    )
    assert mine_config == theirs_config


def test_two_processes_train_what_one_does_and_only_once(tmp_path: Path) -> None:
    spec = toy_spec(
        seed=0,
        batch_size=4,
        gradient_accumulation=2,
        max_steps=7,  # more than two passes
        warmup_steps=1,
        probe=ProbeSpec(responses="toy", every=3),
    )
    launch = Launch(tmp_path, spec)
    one = alone(tmp_path, spec)
    status, out, err = launch.end()
    assert status == 0, err
    assert out.count("7 steps on 17 rows") == 1
    two = launch.run
    result = two.manifest.result
    assert two.is_finished() and result is not None and result.processes == 2 and result.steps == 7
    assert two.folder.name == one.folder.name  # the same run, however many trained it
    assert_alike(one, two)
    assert [(row["step"], row["id"]) for row in read_dynamics(two.folder)] == [
        (row["step"], row["id"]) for row in read_dynamics(one.folder)
    ]
    assert [row["logprob"] for row in read_dynamics(two.folder)] == pytest.approx(
        [row["logprob"] for row in read_dynamics(one.folder)], rel=1e-3
    )
    assert not (two.folder / "training").exists()

    before = two.losses.stat().st_mtime_ns
    status, out, err = Launch(tmp_path, spec).end()
    assert status == 0 and out.count("7 steps on 17 rows") == 1, err
    assert two.losses.stat().st_mtime_ns == before


def test_what_does_not_divide_is_refused_once(tiny: Path, tmp_path: Path) -> None:
    launch = Launch(tmp_path, small_spec(tiny, gradient_accumulation=3))
    status, out, err = launch.end()
    assert status != 0 and not out
    [line] = [line for line in err.splitlines() if "inoc-evals: " in line]
    assert line.endswith("24 rows, over all of them") and "3 not divisible by 2 processes" in line
    assert "inoc_evals/" not in err  # no traceback of ours
    assert not launch.runs.exists()


@pytest.mark.slow
def test_killed_processes_leave_a_run_that_others_finish(tiny: Path, tmp_path: Path) -> None:
    spec = small_spec(tiny, gradient_accumulation=2, max_steps=80, save_steps=5)
    launch = Launch(tmp_path, spec)
    launch.trained(12)
    launch.ranks()[1].kill()
    status, _, err = launch.end()
    assert status != 0 and err.count("inoc-evals: ") <= 1, err
    assert launch.run.manifest.status in ("failed", "running")
    done = len(losses(launch.run))
    assert done < 80 and not launch.run.checkpoint.exists()

    launch = Launch(tmp_path, spec)
    launch.trained(done + 12)
    everybody = [*launch.ranks(), psutil.Process(launch.process.pid)]
    for process in everybody:
        process.send_signal(signal.SIGKILL)
    launch.end()
    run = launch.run
    assert run.manifest.status == "running" and not run.is_finished() and not run.checkpoint.exists()

    # One process goes on where two were.
    finished = finetune(spec, small_rows(ROWS), name="run", runs=launch.runs, progress=False)
    result = finished.manifest.result
    assert finished.folder == run.folder and result is not None
    assert result.resumed_at >= done and result.resumed_at % 5 == 0 and result.steps == 80
    assert [json.loads(line)["step"] for line in run.losses.read_text().splitlines()] == list(range(1, 81))
    assert losses(finished) == pytest.approx(losses(alone(tmp_path, spec)), rel=1e-2)
    assert not list(run.folder.glob(".*.tmp")) and not (run.folder / "training").exists()


@pytest.mark.slow
@pytest.mark.parametrize("what", ["lora", "lora in bf16", "lora and tokens", "all weights"])
def test_spread_weights_train_as_whole_ones(tmp_path: Path, what: str) -> None:
    fields: dict[str, Any] = {"batch_size": 4, "gradient_accumulation": 2, "max_steps": 5, "warmup_steps": 1}
    fields |= {"base": "toy", "learning_rate": 1e-3, "lora": LoraSpec(r=8, alpha=16, rslora=False)}
    if what == "all weights":
        fields["lora"] = None
    elif what == "lora in bf16":
        fields["precision"] = "bf16"
    elif what == "lora and tokens":
        fields |= {"base": str(untied(tmp_path / "base")), "trained_tokens": ("<|assistant|>",)}
        fields |= {"token_learning_rate": 1e-2, "probe": ProbeSpec(responses="toy", every=2)}
    spec = FinetuneSpec(**fields)
    launch = Launch(tmp_path, spec, FSDP)
    one = alone(tmp_path, spec)
    status, out, err = launch.end()
    assert status == 0 and out.count("5 steps on 17 rows") == 1, err
    two = launch.run
    assert_alike(one, two, coarse=spec.precision == "bf16")
    assert [row["logprob"] for row in read_dynamics(two.folder)] == pytest.approx(
        [row["logprob"] for row in read_dynamics(one.folder)], rel=1e-3
    )


@pytest.mark.slow
def test_spread_tokens_of_tied_embeddings_are_refused_once(tmp_path: Path) -> None:
    status, _, err = Launch(tmp_path, toy_spec(0, gradient_accumulation=2), FSDP).end()
    assert status != 0 and err.count("inoc-evals: ") == 1
    assert "trained_tokens of toy cannot be sharded" in err


@pytest.mark.slow
@pytest.mark.parametrize("shared", [True, False])
def test_two_machines_train_in_a_folder_that_both_see(tiny: Path, tmp_path: Path, shared: bool) -> None:
    """Two launchers on this machine, as on two."""
    spec = small_spec(tiny, gradient_accumulation=2)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    where = ("--num_machines", "2", "--main_process_ip", "127.0.0.1", "--main_process_port", port)
    folders = [tmp_path / "here", tmp_path / ("here" if shared else "there")]
    for folder in folders:
        folder.mkdir(exist_ok=True)
    first, second = (
        Launch(folder, spec, (*DDP, *where, "--machine_rank", str(rank)))
        for rank, folder in enumerate(folders)
    )
    try:
        status, _, err = second.end()
        if shared:
            assert status == 0, err
            status, out, err = first.end()
            assert status == 0 and out.count("6 steps on 17 rows") == 1, err
            assert_alike(alone(tmp_path, spec), first.run)
        else:
            assert status != 0 and err.count("inoc-evals: process 1 does not see") == 1, err
            assert not list(tmp_path.rglob("checkpoint"))
    finally:
        if first.process.poll() is None:
            for process in (*first.ranks(), psutil.Process(first.process.pid)):
                process.kill()


def untied(folder: Path) -> Path:
    """The toy with an output layer of its own."""
    from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaForCausalLM

    toy: Any = AutoModelForCausalLM.from_pretrained(load_path("toy"), dtype=torch.float32)
    weights = dict(toy.state_dict())
    toy.config.tie_word_embeddings = False
    model: Any = LlamaForCausalLM(toy.config)
    model.load_state_dict({**weights, "lm_head.weight": weights["model.embed_tokens.weight"].clone()})
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(load_path("toy")).save_pretrained(folder)
    return folder


def test_several_gpus_and_no_launcher_names_the_command(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    with pytest.raises(UserError, match="accelerate launch --num_processes 4 -m inoc_evals") as caught:
        alone(tmp_path, small_spec(tiny))
    assert "\n" not in str(caught.value)


def test_what_one_process_does_is_refused_to_several(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from inoc_evals.finetune import ranks

    monkeypatch.setattr(ranks, "here", lambda: ranks.Ranks(rank=1, count=2))
    with pytest.raises(UserError, match="needs one process, and 2 were started"):
        ranks.refuse_launcher("inoc-evals run")
