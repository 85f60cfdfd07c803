"""What a base and a spec that do not go together are told, before anything is made."""

import json
from pathlib import Path

import pytest

from inoc_evals.chat.rows import write_chat
from inoc_evals.cli import main
from tests.finetune.small import small_rows

UNFIT = {
    "lora.layers=[24]": "LoRA: layers: toy has layers 0 to 3, not 24",
    "lora.target_modules=[zzz]": "LoRA: target_modules: toy has no 'zzz', only e.g. q_proj",
    "lora.target_modules=[q_proj, zzz]": "LoRA: target_modules: toy has no 'zzz'",
    "trained_tokens=[zzz]": "trained_tokens: 'zzz' is not one token of toy",
    "report_to=[zzz]": "report_to: 'zzz' is not installed here",
    "probe.responses=nowhere.jsonl": "nowhere.jsonl",
    "kept_steps=[3, 99]": "kept_steps: step 99 does not come, the training ends with step 8",
    "kept_steps=9": "kept_steps: 9 keeps none of 8 steps",
}


@pytest.fixture
def words(tmp_path: Path) -> list[str]:
    write_chat(tmp_path / "rows.jsonl", small_rows(8))
    fixed = ["--base", "toy", "--max-steps", "8", "--runs", str(tmp_path / "runs")]
    return ["finetune", str(tmp_path / "rows.jsonl"), *fixed]


def call(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


@pytest.mark.parametrize(
    "more", [(), ("--dry-run",), ("--set", "packing=true")], ids=["run", "dry", "packed"]
)
@pytest.mark.parametrize(("field", "said"), UNFIT.items())
def test_what_the_base_has_not_is_said_before_anything_is_made(
    field: str,
    said: str,
    more: tuple[str, ...],
    words: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    status, out, err = call(capsys, *words, "--set", field, *more)
    assert status == 2 and said in err and len(err.strip().splitlines()) == 1 and not out, err
    assert not (tmp_path / "runs").exists()


def test_the_steps_of_so_many_epochs_are_known_too(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    words = [word for word in words if word not in ("--max-steps", "8")]
    epochs = ("--epochs", "2", "--batch-size", "2", "--gradient-accumulation", "1", "--warmup-steps", "0")
    for more in ((), ("--dry-run",)):
        status, _, err = call(capsys, *words, *epochs, "--set", "kept_steps=[8, 9]", *more)
        assert status == 2 and "step 9 does not come, the training ends with step 8" in err


@pytest.mark.parametrize("value", ["8", "[1]", "x", "true"])
@pytest.mark.parametrize("option", [(), ("--lora-r", "4")])
def test_an_adapter_that_is_none_is_one_line(
    value: str, option: tuple[str, ...], words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in (words, ["export", *words[1:4], "--to", "axolotl", "-o", str(tmp_path / "out")]):
        more = option if command is words else ()
        said = "leave --lora-r and --lora-alpha out" if more else "LoRA: write a mapping of fields (r, alpha,"
        status, _, err = call(capsys, *command, "--set", f"lora={value}", *more)
        assert status == 2 and said in err and len(err.strip().splitlines()) == 1, err
    assert not (tmp_path / "runs").exists() and not (tmp_path / "out").exists()


def test_no_adapter_can_be_asked_for(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trained = json.loads(call(capsys, *words, "--set", "lora=null", "--dry-run", "--json")[1])["trained"]
    adapter = json.loads(call(capsys, *words, "--lora-r", "4", "--dry-run", "--json")[1])["trained"]
    assert trained != adapter
    status, _, err = call(capsys, *words, "--set", "lora=null", "--lora-r", "4", "--dry-run")
    assert status == 2 and "leave --lora-r and --lora-alpha out" in err


def test_the_manifest_of_a_run_is_a_spec(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ("--warmup-steps", "0", "--set", "learning_rate=0.002", "--json")
    status, out, err = call(capsys, *words, *given)
    assert status == 0, err
    first = json.loads(out)
    manifest = ("--spec", str(Path(first["folder"]) / "manifest.json"))
    status, out, err = call(capsys, *words[:2], *words[-2:], *manifest, "--json")
    assert status == 0, err
    assert json.loads(out)["folder"] == first["folder"]  # the very same, so not trained again
    options = ("--to", "axolotl", "--base", "toy", "-o", str(tmp_path / "out"), *manifest)
    tokens = ("--set", "trained_tokens=[]", "--set", "token_learning_rate=null")  # which axolotl cannot train
    assert call(capsys, "export", words[1], *options, *tokens)[0] == 0
    assert "learning_rate: 0.002" in (tmp_path / "out" / "axolotl.yaml").read_text("utf-8")


def test_one_field_of_an_adapter_leaves_the_files_others(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "spec.json").write_text('{"base": "B", "lora": {"r": 4, "alpha": 3}}', "utf-8")
    out = tmp_path / "out"
    options = ["--to", "axolotl", "--base", "B", "--spec", str(tmp_path / "spec.json"), "-o", str(out)]
    assert call(capsys, "export", words[1], *options, "--set", "lora.r=8")[0] == 0
    config = (out / "axolotl.yaml").read_text("utf-8")
    assert "lora_r: 8" in config and "lora_alpha: 3" in config
