"""PEFT refuses old versions of packages that it finds, as Colab's torchao once was: one line says which."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.models.parts import build_adapters

ROW = '{"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]}\n'


@pytest.fixture
def old_torchao(tmp_path: Path) -> dict[str, str]:
    """The environment of a process that finds a torchao which is older than PEFT allows."""
    folder = tmp_path / "packages"
    (folder / "torchao").mkdir(parents=True)
    (folder / "torchao" / "__init__.py").write_text("", encoding="utf-8")
    about = folder / "torchao-0.10.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: torchao\nVersion: 0.10.0\n", "utf-8")
    return {**os.environ, "PYTHONPATH": str(folder)}


def inoc_evals(words: list[str], folder: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "inoc_evals", *words],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_finetune_says_which_package_is_too_old(tmp_path: Path, old_torchao: dict[str, str]) -> None:
    (tmp_path / "rows.jsonl").write_text(8 * ROW, encoding="utf-8")
    words = ["finetune", "rows.jsonl", "--base", "toy", "--set", "warmup_steps=0", "--runs", "runs"]
    done = inoc_evals(words, tmp_path, old_torchao)
    assert done.returncode == 2
    assert "torchao" in done.stderr and "0.10.0" in done.stderr and "uninstall it" in done.stderr
    assert "Traceback" not in done.stderr


def test_doctor_finds_it_beforehand(tmp_path: Path, old_torchao: dict[str, str]) -> None:
    done = inoc_evals(["doctor", "--json"], tmp_path, old_torchao)
    (lora,) = (check for check in json.loads(done.stdout) if check["name"] == "LoRA")
    assert done.returncode == 1 and lora["status"] == "broken"
    assert "torchao" in lora["detail"] and "uninstall" in lora["remedy"]


def test_an_adapter_is_not_said_to_fit_badly(tmp_path: Path, old_torchao: dict[str, str], tiny: Path) -> None:
    adapter = next(iter(build_adapters(tmp_path, tiny).values()))
    script = (
        "import sys; import torch; from inoc_evals.models.loading import load_adapter, load_model; "
        "load_adapter(load_model(sys.argv[1], dtype=torch.float32), sys.argv[2], base='mine')"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tiny), str(adapter)],
        env=old_torchao,
        capture_output=True,
        text=True,
        check=False,
    )
    last = done.stderr.strip().splitlines()[-1]
    assert "PEFT cannot work with what is installed here" in last and "torchao" in last
    assert "fit" not in last
