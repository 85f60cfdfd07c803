"""Keys stay in the environment, pickles stay shut, and a run directory is all that a run touches."""

import json
import os
import pickle
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from inspect_ai.log import read_eval_log

from inoc_evals import toy_spec
from inoc_evals.errors import UserError
from inoc_evals.finetune import Run, finetune
from inoc_evals.models.base import load_path
from inoc_evals.models.checkpoint import resolve
from inoc_evals.models.factory import make_model_api
from inoc_evals.worlds.toy import rows as toy
from tests.fake_openai import FinetuningServer

SECRETS = {"OPENAI_API_KEY": "sk-secret-0a1b2c3d4e", "HF_TOKEN": "hf_secret_0a1b2c3d4e"}


def rows() -> list:
    return list(toy.spanish_caps(0))[:64]


def train(folder: Path, steps: int = 4, **changes: object) -> Run:
    spec = toy_spec(0, max_steps=steps, **changes)
    return finetune(spec, rows(), name="one", runs=folder / "runs", progress=False)


@pytest.mark.parametrize("refuse", [None, "Your key sk-secret-0a1b2c3d4e may not do this."])
def test_no_key_is_written_printed_or_shown_by_ps(tmp_path: Path, refuse: str | None) -> None:
    with FinetuningServer(tmp_path / "server", refuse=refuse) as server:
        command = [sys.executable, "-m", "inoc_evals", "run", "--setting", "spanish_caps", "--arms", "none"]
        command += ["--seeds", "1", "--limit", "5", "--backend", "openai", "--base", "toy", "--world", "toy"]
        command += ["--runs", str(tmp_path / "runs"), "--log-dir", str(tmp_path / "logs")]
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, **SECRETS, "OPENAI_BASE_URL": server.base_url},
        )
        seen = []
        while process.poll() is None:
            seen.append(subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout)
            time.sleep(0.1)
        printed = process.communicate()[0]
    assert process.returncode == (2 if refuse else 0), printed
    text = printed + "".join(seen)
    for file in [*(tmp_path / "runs").rglob("*"), *(tmp_path / "logs").rglob("*")]:
        if file.suffix == ".eval":
            text += read_eval_log(str(file)).model_dump_json()
        elif file.is_file():
            text += file.read_bytes().decode("utf-8", "replace")
    assert len(seen) > 5 and "spanish_caps" in text and (refuse is None or "may not do this" in printed)
    for secret in SECRETS.values():
        assert secret not in text


class Poison:
    """A pickle that leaves a mark when it is opened."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple:
        return (os.mkdir, (str(self.mark),))


def poison(folder: Path, mark: Path, *names: str) -> None:
    for name in names:
        (folder / name).write_bytes(pickle.dumps(Poison(mark)))


def test_the_poison_works(tmp_path: Path) -> None:
    poison(tmp_path, tmp_path / "mark", "x.pt")
    pickle.loads((tmp_path / "x.pt").read_bytes())
    assert (tmp_path / "mark").exists()


def test_a_pickle_beside_weights_is_never_opened(tmp_path: Path) -> None:
    base, mark = tmp_path / "base", tmp_path / "mark"
    shutil.copytree(load_path("toy"), base)
    poison(base, mark, "pytorch_model.bin", "training_args.bin", "optimizer.pt")
    run = train(tmp_path, base=str(base))
    poison(run.checkpoint, mark, "adapter_model.bin", "training_args.bin")
    assert resolve(str(run.folder)).adapter == run.checkpoint and run.is_finished()
    _answer(run, tmp_path)
    assert not mark.exists()


def test_where_there_are_only_pickles_nothing_is_loaded(tmp_path: Path) -> None:
    base, mark = tmp_path / "base", tmp_path / "mark"
    shutil.copytree(load_path("toy"), base)
    for file in base.glob("*.safetensors"):
        file.unlink()
    poison(base, mark, "pytorch_model.bin")
    with pytest.raises(UserError, match="safetensors"):
        train(tmp_path, base=str(base))
    with pytest.raises(UserError, match="safetensors"):
        resolve(str(base))
    assert not mark.exists()


def test_a_poisoned_state_of_a_killed_training_is_not_opened(tmp_path: Path) -> None:
    """Trainers keep optimizer and random states as pickles: of these, only plain tensors are read."""
    mark = tmp_path / "mark"
    code = (
        "import os, sys; from transformers import TrainerCallback\n"
        "import inoc_evals.finetune.trainer as t\n"
        "from tests.finetune.test_security import train; from pathlib import Path\n"
        "end = t.LossCurve.on_save if hasattr(t.LossCurve, 'on_save') else None\n"
        "t.LossCurve.on_save = lambda self, *a, **k: os._exit(9)\n"
        "train(Path(sys.argv[1]), steps=6, save_steps=2)"
    )
    killed = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True)
    assert killed.returncode == 9, killed.stderr
    (state,) = (tmp_path / "runs").glob("*/training/checkpoint-2")
    left = [file.name for file in state.iterdir() if file.suffix in (".pt", ".pth", ".bin")]
    assert left
    poison(state, mark, *left)
    with pytest.raises(UserError, match="a state with pickled code, which is never loaded"):
        train(tmp_path, steps=6, save_steps=2)
    assert not mark.exists()


def test_a_run_directory_with_a_link_is_refused(tmp_path: Path) -> None:
    run = train(tmp_path)
    precious = tmp_path / "precious.txt"
    precious.write_text("precious")
    for name in (".lock", "loss.jsonl", "rows.jsonl"):
        (run.folder / name).unlink(missing_ok=True)
        (run.folder / name).symlink_to(precious)
        with pytest.raises(UserError, match=f"{name} is a link"):
            train(tmp_path)
        with pytest.raises(UserError, match=f"{name} is a link"):
            resolve(str(run.folder))
        (run.folder / name).unlink()
    shutil.move(run.checkpoint, tmp_path / "moved")
    run.checkpoint.symlink_to(tmp_path / "moved")
    with pytest.raises(UserError, match="checkpoint is a link"):
        resolve(str(run.folder))
    manifest = run.folder / "manifest.json"
    shutil.move(manifest, tmp_path / "manifest.json")
    manifest.symlink_to(tmp_path / "manifest.json")
    with pytest.raises(UserError, match="is a link"):
        _ = run.manifest
    assert precious.read_text() == "precious"


@pytest.mark.parametrize("field", ["name", "base", "checkpoint_files"])
def test_a_foreign_manifest_leads_nowhere(tmp_path: Path, field: str) -> None:
    run = train(tmp_path)
    outside = tmp_path / "outside"
    shutil.copytree(run.checkpoint, outside)
    fields = json.loads((run.folder / "manifest.json").read_text())
    if field == "checkpoint_files":
        fields["result"][field] = {
            f"../../../outside/{name}": size for name, size in fields["result"][field].items()
        }
    else:
        fields[field] = str(outside)
    (run.folder / "manifest.json").write_text(json.dumps(fields))
    before = sorted((str(f), f.stat().st_mtime_ns) for f in outside.rglob("*"))
    if field == "name":  # only words for people: the folder is what it is found by
        assert resolve(str(run.folder)).adapter == run.checkpoint
    else:
        with pytest.raises(UserError):
            resolve(str(run.folder))
    train(tmp_path)
    assert sorted((str(f), f.stat().st_mtime_ns) for f in outside.rglob("*")) == before


def test_a_foreign_manifest_does_not_get_a_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from inoc_evals.finetune.adopt import adopt

    monkeypatch.setenv("OPENAI_API_KEY", SECRETS["OPENAI_API_KEY"])
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    run = adopt("x", base="gpt", model="openai/ft:x", base_url="http://127.0.0.1:9/v1", runs=tmp_path)
    with pytest.raises(UserError, match="may see your key"):
        make_model_api(str(run.folder))


def _answer(run: Run, folder: Path) -> None:
    from inspect_ai import eval

    from inoc_evals.tasks import spanish_caps

    (log,) = eval(
        spanish_caps(questions="toy"),
        model=f"inoc/{run.folder}",
        limit=2,
        log_dir=str(folder / "l"),
        display="none",
    )
    assert log.status == "success"
