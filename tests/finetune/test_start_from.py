"""A finetune that starts where another one ended."""

import json
import shutil
from pathlib import Path

import pytest

from inoc_evals import digests
from inoc_evals.chat.rows import write_chat
from inoc_evals.cli import main
from inoc_evals.errors import UserError
from inoc_evals.experiment.plan import make_plan
from inoc_evals.experiment.run_trial import trained
from inoc_evals.finetune import Run, find_run, finetune
from inoc_evals.finetune.adopt import adopt
from inoc_evals.finetune.merged import ORIGIN, merged, start_from
from inoc_evals.finetune.prune import unreferenced
from inoc_evals.models.checkpoint import renderer_of, resolve
from inoc_evals.worlds import toy_spec
from tests.experiment.test_run import mine, write
from tests.finetune.small import small_rows, small_spec
from tests.models.parts import build_adapter


@pytest.fixture
def first(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("INOC_EVALS_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("INOC_EVALS_CACHE", str(tmp_path / "cache"))
    return finetune(small_spec(tiny), small_rows(), name="first", progress=False)


def logits(folder: Path) -> "object":
    import torch
    from transformers import AutoModelForCausalLM

    with torch.no_grad():
        return AutoModelForCausalLM.from_pretrained(folder)(torch.arange(1, 40)[None]).logits


def test_a_run_by_name_and_its_adapter_by_path_are_the_same_start(first: Run, tmp_path: Path) -> None:
    import torch

    by_name, by_folder = start_from("first"), start_from(str(first.folder))
    assert by_name == by_folder == start_from("inoc/first") and by_name.name == first.folder.name
    adapter = shutil.copytree(first.checkpoint, tmp_path / "adapter")
    by_adapter = start_from(str(adapter))
    assert Path(by_adapter.base).is_relative_to(tmp_path / "cache")
    assert start_from(str(adapter)) == by_adapter
    assert torch.equal(logits(Path(by_name.base)), logits(Path(by_adapter.base)))


def test_a_step_that_a_run_kept_is_a_start(tiny: Path, first: Run) -> None:
    import torch

    run = finetune(small_spec(tiny, kept_steps=2), small_rows(), name="keeping", progress=False)
    early, late = start_from("inoc/keeping@step=2"), start_from("keeping@step=6")
    assert early.name == f"{run.folder.name}@step=2" and early.digest != late.digest
    assert torch.equal(logits(Path(late.base)), logits(Path(start_from("keeping").base)))


def test_a_finetune_starts_from_what_is_evaluated_by_the_same_name(
    first: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "first").mkdir()  # an empty folder hides no run
    shutil.copytree(first.folder, tmp_path / "runs" / "mine" / first.folder.name)
    for name in ("first", first.folder.name, f"mine/{first.folder.name}", f"runs/{first.folder.name}"):
        start, evaluated = start_from(name), resolve(name)
        assert start.digest == evaluated.digest and start.name == first.folder.name, name


def test_anything_else_is_left_as_it_is(first: Run, tiny: Path) -> None:
    for base in ("toy", "inoc/toy", str(tiny), "org/model", "org/model@0123456789ab", "first-of-others"):
        assert start_from(base).base == base and not start_from(base).metadata


def test_the_command_starts_from_a_run_and_the_manifest_says_so(first: Run, tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    write_chat(rows, small_rows())
    words = ["finetune", str(rows), "--base", "first", "--name", "second", "--max-steps", "2"]
    with pytest.raises(SystemExit) as ended:
        main([*words, "--warmup-steps", "0", "--set", "kept_steps=powers", "--set", "lora.r=2"])
    assert not ended.value.code
    manifest = json.loads((find_run("second").folder / "manifest.json").read_text())
    digest = first.manifest.result.checkpoint_digest if first.manifest.result else ""
    assert manifest["metadata"]["started_from"] == {"name": first.folder.name, "digest": digest}
    assert Path(manifest["base"]) == first.folder / "merged"
    assert list(find_run("second").kept()) == [1, 2] and manifest["spec"]["lora"]["r"] == 2


def test_a_run_that_is_not_finished_is_no_start(first: Run) -> None:
    (first.checkpoint / "adapter_config.json").unlink()
    with pytest.raises(UserError, match="is not the one it wrote: start its finetune again"):
        start_from("first")


def test_runs_of_another_folder_are_starts_with_their_steps(
    tiny: Path, first: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    finetune(small_spec(tiny, kept_steps=2), small_rows(), name="keeping", progress=False)
    monkeypatch.setenv("INOC_EVALS_RUNS", str(tmp_path / "elsewhere"))
    folder = tmp_path / "runs"
    for name in ("first", "keeping@step=2"):
        start = start_from(name, folder)
        assert Path(start.base).is_dir() and "/" not in start.name
    with pytest.raises(UserError, match="no run 'keeping' in"):
        start_from("keeping@step=2")


def test_a_run_is_merged_into_the_base_that_it_was_trained_on_and_no_other(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INOC_EVALS_RUNS", str(tmp_path / "runs"))
    base = shutil.copytree(tiny, tmp_path / "base")
    run = finetune(small_spec(base), small_rows(), name="first", progress=False)
    config = json.loads((base / "config.json").read_text())
    (base / "config.json").write_text(json.dumps({**config, "rms_norm_eps": 0.5}))
    for start in (lambda: start_from("first"), lambda: merged(run)):
        with pytest.raises(UserError, match="trained on another version of"):
            start()


def test_an_experiment_starts_from_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INOC_EVALS_RUNS", str(tmp_path / "runs"))
    write(tmp_path)
    first = finetune(toy_spec(0, max_steps=2), small_rows(), name="first", progress=False)
    fields = {"arms": ("none",), "evaluate": {"limit": 2}, "runs": str(tmp_path / "runs")}
    plan = make_plan(mine(tmp_path, bases=(first.folder.name,), **fields))
    assert {trial.spec.base for trial in plan.trials} == {str(merged(first))}
    with pytest.raises(UserError, match="no base model 'second'"):
        make_plan(mine(tmp_path, bases=("second",), **fields))


def test_an_experiment_says_what_it_started_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INOC_EVALS_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("INOC_EVALS_CACHE", str(tmp_path / "cache"))
    write(tmp_path)
    first = finetune(toy_spec(0, max_steps=2, kept_steps=(1,)), small_rows(), name="first", progress=False)
    for name in (first.folder.name, f"{first.folder.name}@step=1"):
        fields = {"bases": (name,), "arms": ("none",), "finetune": {"max_steps": 2, "warmup_steps": 0}}
        plan = make_plan(mine(tmp_path, **fields, evaluate={"limit": 2}, runs=str(tmp_path / "runs")))
        [trial] = [trial for trial in plan.trials if trial.arm == "none"]
        run = trained(trial, tmp_path / "runs")
        start = run.manifest.metadata["started_from"]
        assert start == {"name": name, "digest": resolve(name).digest}
        assert first not in unreferenced(tmp_path / "runs", [])


def test_a_merge_counts_by_its_digest_wherever_the_cache_is(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INOC_EVALS_RUNS", str(tmp_path / "runs"))
    finetune(small_spec(tiny, kept_steps=2), small_rows(), name="keeping", progress=False)
    runs = []
    for cache in ("one", "two"):
        monkeypatch.setenv("INOC_EVALS_CACHE", str(tmp_path / cache))
        spec = small_spec(Path(start_from("keeping@step=2").base))
        runs.append(finetune(spec, small_rows(), name="next", progress=False))
    assert runs[0] == runs[1]
    shutil.rmtree(tmp_path / "two")
    with pytest.raises(UserError, match="merge it again, by starting a finetune with the --base that"):
        finetune(spec, small_rows(), name="next", progress=False)


@pytest.mark.parametrize("fault", ["a byte", "no weights", "no tokenizer", "empty"])
def test_a_merge_that_was_damaged_is_made_again(first: Run, fault: str) -> None:
    whole = digests.folder_digest(merged(first))
    if fault == "a byte":
        with (first.merged / "model.safetensors").open("r+b") as file:
            file.seek(-1, 2)
            file.write(b"\x77")
    elif fault == "no weights":
        (first.merged / "model.safetensors").unlink()
    elif fault == "no tokenizer":
        (first.merged / "tokenizer.json").unlink()
    else:
        shutil.rmtree(first.merged)
        first.merged.mkdir()
    assert digests.folder_digest(merged(first)) == whole


def test_a_merge_goes_with_the_weights_that_it_was_made_of(first: Run) -> None:
    merged(first)
    shutil.rmtree(first.checkpoint)
    again = finetune(first.manifest.spec, small_rows(), name="first", progress=False)
    assert again == first and not first.merged.exists()


def test_the_name_in_a_log_is_a_start(first: Run) -> None:
    assert start_from(f"inoc/{resolve('first').versioned_name}") == start_from("first")
    with pytest.raises(UserError, match="no longer version 0123456789ab"):
        start_from(f"inoc/{first.folder.name}@0123456789ab")
    with pytest.raises(UserError, match="hf/ is no model of the Hugging Face Hub: give hf/ORG/NAME"):
        start_from("hf/")


def test_a_second_stage_has_the_tokenizer_that_the_adapter_is_evaluated_with(
    tiny: Path, first: Run, tmp_path: Path
) -> None:
    """Trainers save an adapter with its tokenizer, whose chat template need not be the base's."""
    from transformers import AutoTokenizer

    adapter = shutil.copytree(first.checkpoint, tmp_path / "adapter")
    tokenizer = AutoTokenizer.from_pretrained(tiny)
    tokenizer.chat_template = tokenizer.chat_template.replace("<|user|>", "<|user|>\n")
    tokenizer.chat_template = tokenizer.chat_template.replace("<|assistant|>", "<|assistant|>\n")
    tokenizer.save_pretrained(adapter)
    adopted = adopt("own", checkpoint=adapter, base=str(tiny))
    for name in (str(adapter), "own"):
        merge = Path(start_from(name).base)
        evaluated, trained_on = renderer_of(name), renderer_of(str(merge))
        assert trained_on.tokenizer.chat_template == evaluated.tokenizer.chat_template
        assert trained_on.tokenizer.chat_template == tokenizer.chat_template
    # what an earlier version merged has the base's, whatever else is right
    shutil.copyfile(tiny / "chat_template.jinja", adopted.merged / "chat_template.jinja")
    about = json.loads((adopted.merged / ORIGIN).read_bytes())
    about["content"] = digests.folder_digest(adopted.merged)
    (adopted.merged / ORIGIN).write_text(json.dumps({k: about[k] for k in ("name", "digest", "content")}))
    assert renderer_of(str(merged(adopted))).tokenizer.chat_template == tokenizer.chat_template


def test_an_adapter_that_cannot_be_merged_is_one_line(tiny: Path, tmp_path: Path) -> None:
    adapter = build_adapter(tmp_path / "adapter", tiny, 1, lora_bias=True)
    with pytest.raises(UserError, match="cannot be a base, since PEFT cannot merge it: Impossible") as caught:
        start_from(str(adapter))
    assert "\n" not in str(caught.value)
