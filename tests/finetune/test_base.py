import json
import shutil
from pathlib import Path

import pytest

from inoc_evals.errors import UserError
from inoc_evals.models.base import HubModel, base_digest, hub_model, load_path


def test_a_folder_is_found_and_named_by_its_content(tiny: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(tiny, tmp_path / "elsewhere"))
    assert load_path(str(copy)) == str(copy)
    assert base_digest(str(copy)) == base_digest(str(tiny))
    (copy / "chat_template.jinja").write_text("{{ messages }}")
    assert base_digest(str(copy)) != base_digest(str(tiny))


def test_hub_names_and_paths_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert hub_model(qwen := "Qwen/Qwen2.5-7B-Instruct") == HubModel(qwen, qwen, "main")
    assert hub_model(at := "org/model@a09a354") == HubModel(at, "org/model", "a09a354")
    for path in ("toy", "inoc/toy", "./org/model", "/org/model", "a/b/c", "model", "../org"):
        assert hub_model(path) is None
    monkeypatch.chdir(tmp_path)
    Path("org/model").mkdir(parents=True)
    assert hub_model("org/model") is None


def test_what_is_no_base_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^no base model '\./nowhere': give 'toy', a model folder"):
        load_path("./nowhere")
    with pytest.raises(UserError, match="holds no model"):
        load_path(str(tmp_path))
    (tmp_path / "adapter_config.json").write_text("{}")
    with pytest.raises(UserError, match="is a PEFT adapter, not a base model"):
        load_path(str(tmp_path))
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "llama"}))
    (tmp_path / "pytorch_model.bin").write_bytes(b"pickle")
    with pytest.raises(UserError, match=r"holds no \*\.safetensors"):
        load_path(str(tmp_path))


def test_a_hub_model_that_cannot_be_reached_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(UserError, match=r"org/no-such-model at revision 'v1' .*cannot be reached"):
        load_path("org/no-such-model@v1")
