"""From an adapter on the Hugging Face Hub to a report with two commands, and what stands in the way."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from inoc_evals.analysis.table import load
from inoc_evals.finetune.merged import start_from
from inoc_evals.models.checkpoint import resolve
from tests import test_cli
from tests.fake_hub import Hub
from tests.models.test_checkpoint import refused

call = test_cli.call  # the fixture


@pytest.fixture(scope="module")
def repositories(tiny: Path, adapters: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Any:
    adapter = tmp_path_factory.mktemp("hub") / "spanish"
    shutil.copytree(adapters["plain"], adapter)
    config = json.loads((adapter / "adapter_config.json").read_text(encoding="utf-8"))
    config["base_model_name_or_path"] = "acme/tiny"
    (adapter / "adapter_config.json").write_text(json.dumps(config), encoding="utf-8")
    (adapter / "training_args.bin").write_bytes(b"a pickle")
    return {"acme/tiny": tiny, "acme/spanish": adapter}


@pytest.fixture
def hub(repositories: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    monkeypatch.setenv("INOC_EVALS_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("INOC_EVALS_CACHE", str(tmp_path / "cache"))
    with Hub(repositories) as hub:
        hub.used_by(monkeypatch, tmp_path / "fetched")
        yield hub


def test_two_commands_from_an_adapter_of_the_hub_to_a_report(hub: Hub, call: Any, tmp_path: Path) -> None:
    from inspect_ai._cli.eval import eval_command

    words = ["inoc_evals/spanish_caps", "--model", "inoc/hf/acme/tiny,inoc/hf/acme/spanish"]
    words += ["--log-dir", "logs/mine", "--limit", "2", "--max-tokens", "4", "-T", "questions=toy"]
    done = CliRunner().invoke(eval_command, [*words, "--display", "none"])
    assert done.exit_code == 0, done.output
    told = call("report", "logs/mine", "--no-viewer")
    assert told.code == 0 and "Report: " in told.out, told.err
    data = json.loads(Path("logs/mine-report/report.json").read_text(encoding="utf-8"))
    [part] = data["settings"]
    arms = {row["arm"].partition("@")[0] for row in part["rates"]}
    assert arms == {"inoc/hf/acme/spanish", "inoc/hf/acme/tiny"}
    assert part["differences"] and len(load("logs/mine")["log"].unique()) == 2
    fetched = {path.name for path in (tmp_path / "fetched").rglob("*")}
    assert "adapter_model.safetensors" in fetched and "training_args.bin" not in fetched
    hub.asked.clear()
    resolve("inoc/hf/acme/spanish")
    assert not hub.asked  # what was fetched is used as it is


def test_an_adapter_of_the_hub_becomes_a_run(hub: Hub, call: Any) -> None:
    done = call("adopt", "spanish", "--checkpoint", "hf/acme/spanish", "--base", "acme/tiny")
    assert done.code == 0, done.err
    run = resolve("spanish")
    assert run.base == "acme/tiny" and run.digest == resolve("hf/acme/spanish").digest


def test_a_finetune_starts_from_what_the_hub_has(hub: Hub, tmp_path: Path) -> None:
    adapter = start_from("hf/acme/spanish")
    assert resolve(adapter.base).adapter is None and Path(adapter.base).is_relative_to(tmp_path / "cache")
    assert adapter.metadata["started_from"] == {
        "name": "hf/acme/spanish",
        "digest": resolve("hf/acme/spanish").digest,
    }
    assert start_from("hf/acme/tiny") == start_from("acme/tiny")  # one base, under one name
    assert not start_from("acme/tiny").metadata


@pytest.mark.parametrize(
    ("name", "refusal", "why"),
    [
        ("acme/spanish", "gated", "is gated: accept its terms on the Hub, then run  hf auth login"),
        ("acme/spanish", "unknown to you", "is gated: accept its terms on the Hub, then run  hf auth login"),
        ("acme/spanish", "missing", "no base model 'acme/spanish': neither a folder here nor a model on"),
        ("acme/spanish", "private", "no base model 'acme/spanish': neither a folder here nor a model on"),
        ("acme/spanish", "down", "is not in the local cache, and the Hub cannot be reached"),
        ("acme/tiny", "missing", "needs its base: no base model 'acme/tiny'"),
        ("acme/tiny", "gated", "needs its base: acme/tiny at revision 'main' is gated"),
    ],
)
def test_what_the_hub_refuses_is_one_line(name: str, refusal: str, why: str, hub: Hub) -> None:
    hub.refuse[name] = refusal
    assert why in refused("inoc/hf/acme/spanish")
    hub.refuse.clear()
    assert resolve("inoc/hf/acme/spanish").base == "acme/tiny"  # and the next try takes it


def test_an_unknown_revision_and_an_offline_machine_are_one_line(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "acme/spanish at revision 'v9' cannot be fetched from the Hub" in refused("hf/acme/spanish@v9")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert "is not in the local cache, and the Hub cannot be reached" in refused("hf/acme/spanish")
    assert not any("resolve" in asked for asked in hub.asked)


def test_a_hub_that_says_nothing_of_a_base_is_one_line(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_ETAG_TIMEOUT", 1)
    hub.silent = "GET /api/models/acme/tiny"
    assert "is not in the local cache, and the Hub did not answer within 1 s: see" in refused("hf/acme/tiny")


def test_half_a_download_is_never_taken_for_the_whole(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.file_download.time.sleep", lambda _: None)  # between its tries
    hub.refuse["acme/spanish"] = "half"
    assert "acme/spanish at revision 'main' cannot be fetched from the Hub" in refused("hf/acme/spanish")
    with monkeypatch.context() as patch:
        patch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
        refused("hf/acme/spanish")
    hub.refuse.clear()
    assert resolve("hf/acme/spanish").adapter is not None
