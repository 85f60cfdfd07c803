"""What a name means, and the one line that a name which means nothing gets."""

import json
import os
import shutil
from pathlib import Path

import pytest

from inoc_evals.digests import folder_digest
from inoc_evals.errors import UserError
from inoc_evals.models.checkpoint import resolve
from tests.models.parts import build_run
from tests.tiny import build_tiny


@pytest.fixture
def runs(tmp_path, monkeypatch):
    folder = tmp_path / "runs"
    monkeypatch.setenv("INOC_EVALS_RUNS", str(folder))
    return folder


def refused(name):
    with pytest.raises(UserError) as caught:
        resolve(name)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_model_folder(tiny):
    checkpoint = resolve(f"inoc/{tiny}")
    assert (checkpoint.weights, checkpoint.adapter, checkpoint.run) == (tiny, None, None)
    assert checkpoint.digest == checkpoint.weights_digest == folder_digest(tiny)
    assert checkpoint.versioned_name == f"{tiny}@{checkpoint.digest[:12]}"


def test_an_adapter_folder(tiny, adapters):
    checkpoint = resolve(str(adapters["plain"]))
    assert (checkpoint.base, checkpoint.adapter) == (str(tiny), adapters["plain"])
    assert checkpoint.weights_digest == resolve(str(tiny)).digest != checkpoint.digest
    assert checkpoint.tokenizer == tiny


def test_a_run_by_path_by_directory_name_and_by_name(runs, tiny, adapters):
    run = build_run(runs, "spanish", tiny, adapters["plain"])
    found = [resolve(name) for name in (str(run.folder), run.folder.name, "spanish", "inoc/spanish")]
    assert {checkpoint.name for checkpoint in found} == {run.folder.name}
    assert {checkpoint.digest for checkpoint in found} == {run.manifest.result.checkpoint_digest}
    assert found[0].run == run


def test_a_run_outside_the_runs_root_keeps_its_path(runs, tmp_path, tiny, adapters):
    run = build_run(tmp_path / "elsewhere", "spanish", tiny, adapters["plain"])
    assert resolve(str(run.folder)).name == str(run.folder)


def test_a_full_model_that_a_run_left(runs, tiny):
    run = build_run(runs, "full", tiny, tiny)
    checkpoint = resolve("full")
    assert (checkpoint.weights, checkpoint.adapter) == (run.checkpoint, None)


@pytest.mark.parametrize("status", ["pending", "running", "failed"])
def test_a_run_that_is_not_finished(runs, tiny, adapters, status):
    build_run(runs, "spanish", tiny, adapters["plain"], status=status)
    assert f"is {status}, not finished" in refused("spanish")
    assert "start its finetune again" in refused("spanish")


def test_a_run_whose_checkpoint_was_changed(runs, tiny, adapters):
    run = build_run(runs, "spanish", tiny, adapters["plain"])
    shutil.copy(adapters["token_a"] / "adapter_model.safetensors", run.checkpoint)
    assert "is not the one it wrote" in refused("spanish")


def test_a_run_whose_base_was_changed(runs, tmp_path, tiny, adapters):
    base = tmp_path / "base"
    shutil.copytree(tiny, base)
    build_run(runs, "spanish", base, adapters["plain"])
    build_tiny(base, seed=1)
    assert "another version of" in refused("spanish")


def test_a_name_that_means_nothing_lists_what_is_close(runs, tiny, adapters):
    run = build_run(runs, "spanish-inoc", tiny, adapters["plain"])
    assert run.folder.name in refused("spanish-inok")
    assert str(runs) in refused("spanish-inok")
    assert "close" not in refused("xyzzy-qwerty")


def test_an_empty_folder_hides_no_run_of_the_same_path(runs, tiny, adapters, tmp_path, monkeypatch):
    run = build_run(runs / "mine", "spanish", tiny, adapters["plain"])
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine" / run.folder.name).mkdir(parents=True)
    assert resolve(f"mine/{run.folder.name}").run == run


def test_two_runs_of_one_name(runs, tiny, adapters):
    both = [build_run(runs, "spanish", tiny, adapters["plain"], seed=seed) for seed in (0, 1)]
    assert all(run.folder.name in refused("spanish") for run in both)


def test_a_folder_without_a_model(tmp_path):
    assert "holds no model" in refused(str(tmp_path))
    assert "no run" in refused(str(tmp_path / "missing"))


def test_pickled_weights_are_not_loaded(tmp_path, tiny, adapters):
    model = tmp_path / "model"
    shutil.copytree(tiny, model)
    (model / "model.safetensors").rename(model / "pytorch_model.bin")
    assert "no *.safetensors" in refused(str(model))
    adapter = tmp_path / "adapter"
    shutil.copytree(adapters["plain"], adapter)
    (adapter / "adapter_model.safetensors").rename(adapter / "adapter_model.bin")
    assert "no adapter_model.safetensors" in refused(str(adapter))


def test_an_adapter_whose_base_is_gone(tmp_path, adapters):
    folder = tmp_path / "adapter"
    shutil.copytree(adapters["plain"], folder)
    config = json.loads((folder / "adapter_config.json").read_text())
    for base, said in [("/no/such/base", "needs its base"), (None, "names no base")]:
        (folder / "adapter_config.json").write_text(json.dumps({**config, "base_model_name_or_path": base}))
        assert said in refused(str(folder))


def test_a_pinned_version_is_checked(tmp_path):
    folder = build_tiny(tmp_path / "model", seed=0)
    pinned = resolve(str(folder)).versioned_name
    assert resolve(pinned).versioned_name == pinned
    build_tiny(folder, seed=1)
    assert "no longer version" in refused(pinned)


def test_names_never_step_upwards(tiny, monkeypatch):
    monkeypatch.chdir(tiny)
    name = f"../{tiny.name}"
    assert resolve(name).name == str(tiny)
    monkeypatch.chdir(tiny.parent)
    assert resolve(f"./{tiny.name}").name == tiny.name


def test_the_digest_is_of_the_content_wherever_it_lies(tmp_path, tiny, adapters):
    moved = tmp_path / "moved"
    shutil.copytree(tiny, moved)
    (moved / "README.md").write_text("a card is not content")
    assert folder_digest(moved) == folder_digest(tiny)
    (moved / "chat_template.jinja").write_text("{{ messages[0].content }}")
    assert folder_digest(moved) != folder_digest(tiny)
    adapter = tmp_path / "adapter"
    shutil.copytree(adapters["plain"], adapter)
    config = adapter / "adapter_config.json"
    config.write_text(config.read_text().replace(str(tiny), "/on/another/machine"))
    assert folder_digest(adapter, "base") == folder_digest(adapters["plain"], "base")
    assert folder_digest(adapter, "base") != folder_digest(adapter, "other base")


def test_the_digest_sees_a_change_that_keeps_size_and_time(tmp_path):
    file = tmp_path / "model.safetensors"
    file.write_bytes(b"a" * 100)
    before, stat = folder_digest(tmp_path), file.stat()
    replacement = Path(tmp_path / "new")
    replacement.write_bytes(b"b" * 100)
    os.utime(replacement, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    replacement.replace(file)
    assert folder_digest(tmp_path) != before


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """The local cache of the Hugging Face Hub, laid out as the Hub's own library does; nothing is asked."""
    import huggingface_hub
    from huggingface_hub.file_download import repo_folder_name

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)

    def put(name, folder, **config):
        place = tmp_path / "hub" / repo_folder_name(repo_id=name, repo_type="model")
        (place / "refs").mkdir(parents=True)
        (place / "refs" / "main").write_text("c" * 40)
        shutil.copytree(folder, place / "snapshots" / ("c" * 40))
        for file, changes in config.items():
            path = place / "snapshots" / ("c" * 40) / f"{file}.json"
            path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))

    return put


def test_an_adapter_of_the_hub_over_a_base_of_the_hub(hub, runs, tiny, adapters, tmp_path, monkeypatch):
    hub("acme/tiny", tiny)
    hub("acme/spanish", adapters["plain"], adapter_config={"base_model_name_or_path": "acme/tiny"})
    checkpoint = resolve("inoc/hf/acme/spanish")
    assert (checkpoint.name, checkpoint.base) == ("hf/acme/spanish", "acme/tiny")
    assert checkpoint.weights_digest == resolve("hf/acme/tiny").weights_digest != checkpoint.digest
    assert resolve("hf/acme/spanish@main").digest == checkpoint.digest
    monkeypatch.chdir(tmp_path)
    assert resolve("inoc/acme/spanish") == checkpoint  # and is called so, too
    Path("acme").mkdir()  # a path, then
    assert "the one of the Hugging Face Hub is inoc/hf/acme/spanish" in refused("inoc/acme/spanish")


def test_an_adapter_of_the_hub_is_adopted_as_a_run(hub, runs, tiny, adapters):
    from inoc_evals.finetune.adopt import adopt

    hub("acme/spanish", adapters["plain"])
    run = adopt("spanish", checkpoint="hf/acme/spanish", base=str(tiny))
    assert resolve("spanish").run == run
