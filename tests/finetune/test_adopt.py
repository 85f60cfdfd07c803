"""Models of elsewhere as runs, and runs that can go."""

import json
import shutil
from pathlib import Path

import pytest
from inspect_ai import eval

from inoc_evals import toy_spec
from inoc_evals.chat.rows import write_chat
from inoc_evals.cli import main
from inoc_evals.errors import UserError
from inoc_evals.finetune import Run, find_run, finetune
from inoc_evals.finetune.adopt import adopt
from inoc_evals.finetune.prune import unreferenced
from inoc_evals.models.factory import make_model_api
from inoc_evals.tasks import spanish_caps
from inoc_evals.worlds.toy import rows as toy
from tests.fake_openai import FakeOpenAI, reply
from tests.models.parts import build_adapter
from tests.tiny import build_tiny


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Run:
    runs = tmp_path_factory.mktemp("runs")
    rows = list(toy.spanish_caps(0))[:64]
    return finetune(toy_spec(0, max_steps=4), rows, name="none", runs=runs, progress=False)


def answers(model: str, folder: Path) -> list[str]:
    (log,) = eval(
        spanish_caps(questions="toy"), model=model, limit=8, log_dir=str(folder), display="none", seed=0
    )
    assert log.status == "success" and log.samples, log.error
    return [sample.output.completion for sample in log.samples]


def test_a_checkpoint_becomes_a_run_that_answers_as_before(trained: Run, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(trained.checkpoint, elsewhere)
    (elsewhere / "training_args.bin").write_bytes(b"no")
    (elsewhere / "notes.py").write_text("print(1)")
    rows = tmp_path / "rows.jsonl"
    write_chat(rows, list(toy.spanish_caps(0))[:64])
    run = adopt("mine", base="toy", checkpoint=elsewhere, rows=rows, runs=tmp_path / "runs", seed=3)
    assert run.is_finished() and run.manifest.result is not None and run.manifest.result.rows == 64
    assert json.loads((run.folder / "manifest.json").read_text())["spec"] == {
        "base": "toy",
        "backend": "adopted",
        "seed": 3,
    }
    names = {file.name for file in run.checkpoint.iterdir()}
    assert "adapter_model.safetensors" in names and not names & {"training_args.bin", "notes.py"}
    assert adopt("mine", base="toy", checkpoint=elsewhere, rows=rows, runs=tmp_path / "runs", seed=3) == run
    shutil.rmtree(elsewhere)
    assert answers(f"inoc/{run.folder}", tmp_path / "l1") == answers(
        f"inoc/{trained.folder}", tmp_path / "l2"
    )


def test_a_model_that_answers_elsewhere_becomes_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    with FakeOpenAI(lambda request: reply("HOLA")) as server:
        words = ["adopt", "api", "--base", "gpt-4.1", "--model", "openai/ft:x", "--base-url", server.base_url]
        with pytest.raises(SystemExit) as ended:
            main([*words, "--metadata", "arm=none", "--runs", str(tmp_path / "runs"), "--json"])
        assert not ended.value.code
        found = json.loads(capsys.readouterr().out)
        assert found["metadata"] == {"arm": "none"} and found["status"] == "finished"
        with pytest.raises(UserError, match=f"answers at {server.base_url}: .* set OPENAI_BASE_URL="):
            answers(found["model"], tmp_path / "logs")
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        assert answers(found["model"], tmp_path / "logs") == ["HOLA"] * 8


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"adapter_config.json": "{}", "adapter_model.bin": "x"}, "adapter_model.bin, which is never loaded"),
        ({"config.json": "{}"}, "no weights"),
        ({"model.safetensors": "x"}, "neither adapter_config.json nor config.json"),
    ],
)
def test_what_is_no_checkpoint_is_refused(files: dict[str, str], said: str, tmp_path: Path) -> None:
    folder = tmp_path / "there"
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text)
    with pytest.raises(UserError, match=said):
        adopt("x", base="toy", checkpoint=folder, runs=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_neither_or_both_or_no_provider_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="give either"):
        adopt("x", base="toy", runs=tmp_path)
    with pytest.raises(UserError, match="has no provider"):
        adopt("x", base="toy", model="gpt-4", runs=tmp_path)
    with pytest.raises(UserError, match="is not a folder"):
        adopt("x", base="toy", checkpoint=tmp_path / "none", runs=tmp_path)


def test_only_what_nothing_refers_to_is_pruned(
    trained: Run, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    runs, logs = tmp_path / "runs", tmp_path / "logs"
    kept = adopt("kept", base="toy", checkpoint=trained.checkpoint, runs=runs)
    gone = adopt("gone", base="toy", checkpoint=trained.checkpoint, runs=runs, seed=1)
    logs.mkdir()
    adopt("api", base="gpt", model="openai/ft:a", runs=runs)
    parent = adopt("parent", base="toy", checkpoint=_whole(tmp_path), runs=runs)
    rows = list(toy.spanish_caps(0))[:32]
    child = toy_spec(0, max_steps=1, warmup_steps=0, base=str(parent.checkpoint))
    finetune(child, rows, name="child", runs=runs, progress=False)
    (log,) = eval(
        spanish_caps(questions="toy"),
        model="mockllm/model",
        limit=1,
        log_dir=str(logs),
        display="none",
        metadata={"run": kept.folder.name},
    )
    eval(spanish_caps(questions="toy"), model=f"inoc/{find_run('child', runs).folder}", limit=1,
         log_dir=str(logs), display="none")  # fmt: skip
    names = {run.manifest.name for run in unreferenced(runs, [logs])}
    # `kept` and `gone` are the same weights: a log that names them by their digest names both.
    assert names == {"gone", "api"}
    assert gone.folder.is_dir()
    words = ["runs", "prune", "--runs", str(runs), "--logs", str(logs)]
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2 and "add --yes" in capsys.readouterr().err and gone.folder.is_dir()
    with pytest.raises(SystemExit):
        main([*words, "--yes", "--json"])
    assert json.loads(capsys.readouterr().out)["removed"] and not gone.folder.exists()
    assert kept.folder.is_dir() and parent.folder.is_dir()
    with pytest.raises(UserError, match="no such folder of logs"):
        unreferenced(runs, [tmp_path / "nowhere"])
    Path(log.location).write_bytes(b"half")
    with pytest.raises(UserError, match="cannot be read"):
        unreferenced(runs, [logs])


def test_a_run_that_is_being_trained_is_not_pruned(tmp_path: Path) -> None:
    from filelock import FileLock

    run = adopt("api", base="gpt", model="openai/ft:a", runs=tmp_path / "runs")
    (tmp_path / "logs").mkdir()
    with FileLock(run.lock):
        assert unreferenced(tmp_path / "runs", [tmp_path / "logs"]) == []
    assert unreferenced(tmp_path / "runs", [tmp_path / "logs"]) == [run]


def _whole(folder: Path) -> Path:
    from inoc_evals.models.base import load_path

    whole = folder / "whole"
    shutil.copytree(load_path("toy"), whole)
    return whole


HERE = [
    "hf//any/path",
    "hf/org/model",
    "inoc/toy",
    "nnterp/gpt2",
    "vllm//any/path",
    "vllm/org/model",
    "x/../y",
]


@pytest.mark.parametrize("model", HERE)
def test_no_manifest_leads_to_weights_outside_of_its_run(
    tmp_path: Path, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VLLM_BASE_URL", raising=False)
    with pytest.raises(UserError, match="would be loaded on this machine"):
        adopt("x", base="b", model=model, runs=tmp_path)
    assert not list(tmp_path.iterdir())
    run = adopt("x", base="b", model="openai/ft:a", runs=tmp_path)  # as if it came from elsewhere
    manifest = run.folder / "manifest.json"
    manifest.write_text(manifest.read_text("utf-8").replace("openai/ft:a", model), "utf-8")
    with pytest.raises(UserError, match=r"would be loaded on this machine|no run is served by another"):
        make_model_api(str(run.folder))


def test_a_model_behind_a_server_is_adopted_by_any_name(tmp_path: Path) -> None:
    for name, model in (("a", "vllm//models/qwen"), ("b", "vllm/org/model")):
        assert adopt(name, base="b", model=model, base_url="http://box:8000/v1", runs=tmp_path).is_finished()


def test_an_adapter_is_put_over_no_other_base_than_its_own(
    tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two bases of one shape: its weights would fit, and the answers be another model's."""
    other = build_tiny(tmp_path / "other", seed=9)
    adapter = build_adapter(tmp_path / "adapter", tiny, 1)
    with pytest.raises(UserError, match=rf"trained from {tiny}, which is another model than {other}"):
        adopt("x", checkpoint=adapter, base=str(other), runs=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()
    copied = shutil.copytree(tiny, tmp_path / "copied")  # the same weights are the same base
    assert adopt("x", checkpoint=adapter, base=str(copied), runs=tmp_path / "runs").is_finished()
    config = json.loads((adapter / "adapter_config.json").read_text("utf-8"))
    config["base_model_name_or_path"] = "/of/another/machine"  # nobody can tell
    (adapter / "adapter_config.json").write_text(json.dumps(config))
    words = [
        "adopt",
        "y",
        "--checkpoint",
        str(adapter),
        "--base",
        str(tiny),
        "--runs",
        str(tmp_path / "runs"),
    ]
    with pytest.raises(SystemExit, match=r"^0$"):
        main(words)
    assert "Note: the adapter calls its base /of/another/machine, and is put over" in capsys.readouterr().err


def test_an_address_with_a_slash_at_its_end_is_the_same_server(tmp_path: Path) -> None:
    first, second = (
        adopt("x", model="openai/m", base="m", base_url=url, runs=tmp_path / "runs")
        for url in ("http://127.0.0.1:1/v1", "http://127.0.0.1:1/v1/")
    )
    assert first == second and len(list((tmp_path / "runs").iterdir())) == 1
