"""GGUF files as bases, from the file to the answer."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from inspect_ai import eval as inspect_eval
from transformers import AutoModelForCausalLM, AutoTokenizer

from inoc_evals.cli import main
from inoc_evals.digests import file_digest
from inoc_evals.errors import UserError
from inoc_evals.finetune import finetune
from inoc_evals.finetune.adopt import adopt
from inoc_evals.finetune.export import export
from inoc_evals.models.base import base_digest, hub_model, load_path
from inoc_evals.models.checkpoint import resolve
from inoc_evals.tasks import spanish_caps
from tests.finetune.small import small_rows, small_spec
from tests.tiny import build_tiny
from tests.tiny_gguf import MERGES, build_gguf

PROMPT = [{"role": "user", "content": "Hola, ¿qué tal? 😀"}]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("INOC_EVALS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "gguf"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_tiny(tmp_path_factory.mktemp("tiny"), merges=MERGES)


@pytest.fixture
def gguf(tiny: Path, tmp_path: Path) -> Path:
    return build_gguf(tiny, tmp_path / "tiny.gguf")


def said(base: str) -> str:
    with pytest.raises(UserError) as caught:
        load_path(base)
    assert "\n" not in caught.value.message
    return caught.value.message


@pytest.mark.parametrize(("kind", "dtype", "near"), [("F32", "float32", 1e-5), ("Q8_0", "bfloat16", 0.5)])
def test_the_folder_is_the_model_that_the_file_holds(
    tiny: Path, tmp_path: Path, kind: str, dtype: str, near: float
) -> None:
    folder = load_path(str(build_gguf(tiny, tmp_path / "m.gguf", kind)))
    tokenizers = [AutoTokenizer.from_pretrained(f) for f in (tiny, folder)]
    ids = [t.apply_chat_template(PROMPT, add_generation_prompt=True, return_dict=False) for t in tokenizers]
    assert ids[0] == ids[1] and tokenizers[0].eos_token == tokenizers[1].eos_token
    models = [AutoModelForCausalLM.from_pretrained(f, dtype=torch.float32) for f in (tiny, folder)]
    logits = [model(torch.tensor([ids[0]])).logits for model in models]
    assert torch.allclose(*logits, atol=near)
    assert json.loads((Path(folder) / "config.json").read_text())["dtype"] == dtype


def test_a_finetune_of_a_file_is_evaluated_as_any_other(gguf: Path, tmp_path: Path) -> None:
    spec = small_spec(gguf, lora={"r": 4}, trained_tokens=(), token_learning_rate=None, precision="fp32")
    run = finetune(spec, small_rows(), name="g", runs=tmp_path / "runs", progress=False)
    assert run.manifest.base_digest == base_digest(str(gguf)) == file_digest(gguf)
    found = resolve(str(run.folder))
    assert (found.base, found.weights_digest) == (str(gguf), file_digest(gguf))
    # PEFT, and all that reads its adapters, finds the base, too: it is the same model to us.
    at = json.loads((run.checkpoint / "adapter_config.json").read_text())["base_model_name_or_path"]
    assert AutoModelForCausalLM.from_pretrained(at) is not None
    assert resolve(str(run.checkpoint)).digest == run.manifest.result.checkpoint_digest
    for model in (run.folder, gguf):
        [log] = inspect_eval(
            spanish_caps(questions="toy"), model=f"inoc/{model}", limit=1, max_tokens=4,
            log_dir=str(tmp_path / "logs"), display="none",
        )  # fmt: skip
        assert log.status == "success", log.error
    adopted = adopt("again", base=str(gguf), checkpoint=run.checkpoint, runs=tmp_path / "runs")
    assert resolve(str(adopted.folder)).digest == run.manifest.result.checkpoint_digest
    assert base_digest(str(gguf.rename(tmp_path / "moved.gguf"))) == run.manifest.base_digest


def test_the_command_line_takes_a_file(
    gguf: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text("".join(json.dumps(row) + "\n" for row in small_rows()))
    with pytest.raises(SystemExit) as ended:
        main(["finetune", str(rows), "--base", str(gguf), "--dry-run", "--json"])
    assert ended.value.code in (0, None) and json.loads(capsys.readouterr().out)["parameters"] > 20_000


def test_a_file_in_an_installed_package(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "site" / "some_model"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('a package is not imported for its file')")
    file = build_gguf(tiny, package / "model.gguf")
    assert "no package 'some_model' is installed" in said("package:some_model")
    monkeypatch.syspath_prepend(tmp_path / "site")
    for base in ("package:some_model", "package:some_model/model.gguf"):
        assert base_digest(base) == file_digest(file)
        assert resolve(f"inoc/{base}").weights == Path(load_path(base))
    assert resolve("package:some_model").versioned_name == f"package:some_model@{file_digest(file)[:12]}"
    assert "holds no GGUF file other.gguf" in said("package:some_model/other.gguf")
    (package / "second.gguf").write_bytes(file.read_bytes())
    assert "holds 2 GGUF files: add /FILE, one of model.gguf, second.gguf" in said("package:some_model")


def test_what_is_no_model_is_one_line(gguf: Path, tmp_path: Path, cache: Path) -> None:
    assert "there is no such GGUF file" in said("org/model.gguf")
    assert hub_model("org/model.gguf") is None and hub_model("org/model-GGUF") is not None
    whole = gguf.read_bytes()
    for name, data in {
        "half": whole[: len(whole) // 2],
        "head": whole[:100],
        "none": b"",
        "text": b"GGUF?" * 99,
    }.items():
        file = tmp_path / f"{name}.gguf"
        file.write_bytes(data)
        assert f"{name}.gguf cannot be read as a model: " in said(str(file))
    assert not [file for file in cache.iterdir() if file.suffix != ".lock"]
    folder = tmp_path / "repository"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "m.gguf").write_bytes(whole)
    assert f"give the GGUF file in it, such as {folder / 'm.gguf'}" in said(str(folder))
    with pytest.raises(UserError, match="axolotl reads no GGUF file"):
        export(small_spec(gguf), small_rows(), "axolotl", tmp_path / "out", name="x")


def test_an_architecture_that_transformers_does_not_read(gguf: Path, tmp_path: Path) -> None:
    file = tmp_path / "other.gguf"
    file.write_bytes(gguf.read_bytes().replace(b"llama", b"xlama"))
    assert "cannot be read as a model: " in said(str(file)) and "xlama" in said(str(file))


def test_a_full_disk_is_one_line_and_leaves_nothing(
    gguf: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import LlamaForCausalLM

    def full(model: object, folder: Path) -> None:
        (Path(folder) / "model.safetensors").write_bytes(b"half")
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(LlamaForCausalLM, "save_pretrained", full)
        assert "cannot be written (No space left on device): set INOC_EVALS_CACHE" in said(str(gguf))
    assert not [entry for entry in cache.iterdir() if entry.is_dir()]
    assert Path(load_path(str(gguf)), "model.safetensors").is_file()


SLOW = """
import sys, time
from pathlib import Path
from transformers import LlamaForCausalLM
from inoc_evals.models.base import load_path
save = LlamaForCausalLM.save_pretrained
def slow(self, folder):
    save(self, folder)
    print("writing", flush=True)
    time.sleep(float(sys.argv[2]))
LlamaForCausalLM.save_pretrained = slow
print(load_path(sys.argv[1]), flush=True)
"""


def start(gguf: Path, seconds: float) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", SLOW, str(gguf), str(seconds)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=dict(os.environ))


def test_a_process_killed_half_way_leaves_nothing_that_counts(gguf: Path, cache: Path) -> None:
    killed = start(gguf, 600)
    assert killed.stdout.readline() == "writing\n"
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert len([entry for entry in cache.iterdir() if entry.is_dir()]) == 1
    folder = Path(load_path(str(gguf)))
    assert [entry for entry in cache.iterdir() if entry.is_dir()] == [folder]
    assert AutoModelForCausalLM.from_pretrained(folder) is not None


def test_of_two_processes_one_unpacks_and_the_other_waits(gguf: Path) -> None:
    first = start(gguf, 3)
    assert first.stdout.readline() == "writing\n"
    began = time.monotonic()
    second = start(gguf, 0)
    words = second.communicate()[0]
    assert words.splitlines() == [first.communicate()[0].strip()]  # it never wrote
    assert (first.returncode, second.returncode) == (0, 0) and time.monotonic() - began > 1
