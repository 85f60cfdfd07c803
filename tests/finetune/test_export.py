"""What other trainers are handed."""

import ast
import json
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from inoc_evals.chat.rows import read_chat, write_chat
from inoc_evals.cli import main
from inoc_evals.errors import UserError
from inoc_evals.finetune import FinetuneSpec, LoraSpec
from inoc_evals.finetune.export import HOSTS, export
from inoc_evals.worlds.toy import rows as toy

SPEC = FinetuneSpec(base="Qwen/Qwen2.5-7B-Instruct", seed=5, learning_rate=1e-4)
ROWS = list(toy.spanish_caps(0))[:20]


@pytest.mark.parametrize("to", HOSTS)
def test_the_rows_are_those_that_were_given(to: str, tmp_path: Path) -> None:
    export(SPEC, ROWS, to, tmp_path / "out", name="mine")
    rows = [json.loads(line) for line in (tmp_path / "out" / "rows.jsonl").read_text("utf-8").splitlines()]
    assert rows == [{"messages": row["messages"]} for row in ROWS]
    lines = (tmp_path / "out" / "train.sh").read_text("utf-8").splitlines()
    adopt = shlex.split(lines[-1])
    assert adopt[:3] == ["inoc-evals", "adopt", "mine"] and SPEC.base in adopt
    assert not list((tmp_path / "out").glob(".*"))


@pytest.mark.parametrize("to", HOSTS)
def test_every_seed_is_adopted_as_that_seed(
    to: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_chat(tmp_path / "rows.jsonl", ROWS[:2])
    for seed in (0, 3):
        options = ["--to", to, "--base", SPEC.base, "--name", f"s{seed}", "--set", f"seed={seed}"]
        with pytest.raises(SystemExit, match=r"^0$"):
            main(["export", "rows.jsonl", *options, "-o", f"out{seed}"])
        adopt = shlex.split((tmp_path / f"out{seed}" / "train.sh").read_text("utf-8").splitlines()[-1])[1:]
        # where it becomes a folder there is none yet: a served model says as much about the seed
        adopt = [{"--checkpoint": "--model", f"$here/s{seed}": f"openai/s{seed}"}.get(w, w) for w in adopt]
        adopt = [word.replace("$here", f"out{seed}") for word in adopt]
        capsys.readouterr()
        with pytest.raises(SystemExit, match=r"^0$"):
            main(["adopt", f"s{seed}", *adopt[2:], "--json"])
        assert json.loads(capsys.readouterr().out)["spec"]["seed"] == seed


def test_axolotl_is_told_all_of_it(tmp_path: Path) -> None:
    spec = FinetuneSpec(
        base=SPEC.base, max_steps=7, lora=LoraSpec(r=4, alpha=2, target_modules=("q_proj",)), betas=(0.8, 0.9)
    )
    assert export(spec, ROWS, "axolotl", tmp_path, name="mine") == []
    config = yaml.safe_load((tmp_path / "axolotl.yaml").read_text("utf-8"))
    assert (config["max_steps"], config["lora_r"], config["lora_alpha"]) == (7, 4, 2)
    assert config["lora_target_modules"] == ["q_proj"] and config["peft_use_rslora"] is True
    assert (config["adam_beta1"], config["adam_beta2"]) == (0.8, 0.9) and "num_epochs" not in config
    assert config["datasets"][0]["roles_to_train"] == ["assistant"]
    export(FinetuneSpec(base="m", lora=None), ROWS, "axolotl", tmp_path, name="mine")
    config = yaml.safe_load((tmp_path / "axolotl.yaml").read_text("utf-8"))
    assert "adapter" not in config and config["num_epochs"] == 1.0


def test_unsloth_and_openweights_are_told_all_that_they_know(tmp_path: Path) -> None:
    lora = LoraSpec(r=4, alpha=2, layers=(3,))
    spec = FinetuneSpec(base=f"{SPEC.base}@abc", max_steps=7, lora=lora, betas=(0.8, 0.9))
    [note] = export(spec, ROWS, "unsloth", tmp_path, name="mine")
    assert "several turns" in note
    script = (tmp_path / "train.py").read_text("utf-8")
    called = {
        node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id: node
        for node in ast.walk(ast.parse(script))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Name)
    }
    adapter, training = (
        ast.literal_eval(next(k.value for k in called[name].keywords if k.arg is None))
        for name in ("get_peft_model", "SFTConfig")
    )
    assert (adapter["r"], adapter["layers_to_transform"], adapter["use_rslora"]) == (4, [3], True)
    assert (training["max_steps"], training["adam_beta1"]) == (7, 0.8) and "num_train_epochs" not in training
    assert "revision='abc'" in script and "trust_remote_code" not in script

    whole = FinetuneSpec(base=SPEC.base, epochs=2, lora=LoraSpec(r=4, alpha=2))
    assert export(whole, ROWS, "openweights", tmp_path, name="mine") == [
        "openweights takes no betas and no max_grad_norm"
    ]
    job = json.loads((tmp_path / "job.json").read_text("utf-8"))
    assert (job["epochs"], job["r"], job["loss"], job["merge_before_push"]) == (2, 4, "sft", False)
    ast.parse((tmp_path / "train.py").read_text("utf-8"))
    for host in ("openweights", "together", "fireworks", "openai"):
        with pytest.raises(UserError, match=f"{host} adapts every layer"):
            export(spec, ROWS, host, tmp_path, name="mine")


@pytest.mark.parametrize("to", HOSTS)
def test_fields_without_a_counterpart_are_named(to: str, tmp_path: Path) -> None:
    plain = export(SPEC, ROWS, to, tmp_path, name="mine")
    spec = SPEC.model_copy(update={"kept_steps": "powers", "report_to": ("wandb",)})
    more = [note for note in export(spec, ROWS, to, tmp_path, name="mine") if note not in plain]
    assert [note.split(", ")[0] for note in more] == [
        f"{to} is not told kept_steps",
        f"{to} is not told report_to",
    ]


VARIED: dict[str, Any] = {
    "base": f"{SPEC.base}@abc",
    "epochs": 1.5,
    "max_steps": 7,
    "scheduler": "cosine",
    "warmup_steps": 3,
    "weight_decay": 0.2,
    "betas": (0.8, 0.9),
    "max_grad_norm": 0.5,
    "max_length": 77,
    "precision": "fp32",
    "packing": True,
    "kept_steps": 2,
    "date": "2020-01-01",
    "reasoning_loss": False,
    "report_to": ("wandb",),
    "seed": 7,
    "batch_size": 5,
    "gradient_accumulation": 5,
    "learning_rate": 0.007,
    "lora.r": LoraSpec(r=7),
    "lora.alpha": LoraSpec(alpha=7),
    "lora.dropout": LoraSpec(dropout=0.3),
    "lora.target_modules": LoraSpec(target_modules=("q_proj",)),
    "lora.rslora": LoraSpec(rslora=False),
    "lora.layers": LoraSpec(layers=(3,)),
    "lora": None,
}
"""A spec's fields, each in another way than usual."""

APART = {"backend", "openai", "trained_tokens", "token_learning_rate", "probe", "save_steps"}
"""Fields that decide nothing at these hosts, or are refused by all of them."""


@pytest.mark.parametrize("field", VARIED)
@pytest.mark.parametrize("to", HOSTS)
def test_a_field_is_told_named_or_refused(to: str, field: str, tmp_path: Path) -> None:
    """None is left out without a word."""
    spec = FinetuneSpec(**{"base": SPEC.base, field.partition(".")[0]: VARIED[field]})

    def told(spec: FinetuneSpec) -> tuple[list[str], list[str]]:
        folder = tmp_path / spec.digest[:8]
        notes = export(spec, ROWS, to, folder, name="mine")
        lines = [line for file in sorted(folder.iterdir()) for line in file.read_text("utf-8").splitlines()]
        return [line for line in lines if not line.startswith("inoc-evals adopt")], notes

    try:
        lines, notes = told(spec)
    except UserError as error:
        assert "lora" in field and "lora" in str(error).lower()
        return
    words = {field, field.partition(".")[0], field.rpartition(".")[2], field.replace("_", " ")}
    named = any(re.search(rf"\b{re.escape(word)}\b", note) for note in notes for word in words)
    assert named or (lines, notes) != told(FinetuneSpec(base=SPEC.base))


def test_every_field_is_varied() -> None:
    fields = {*FinetuneSpec.model_fields, *(f"lora.{name}" for name in LoraSpec.model_fields)}
    assert set(VARIED) | APART == fields


@pytest.mark.parametrize("to", HOSTS)
def test_the_script_works_from_where_the_page_calls_it(to: str, tmp_path: Path) -> None:
    """It finds its files beside it, and the run comes into the folder of runs of who calls it."""
    export(SPEC, ROWS, to, tmp_path / "my out", name="mine")
    bin_, said = tmp_path / "bin", tmp_path / "said"
    bin_.mkdir()
    for command in ("axolotl", "together", "firectl", "curl", "hf", "python", "inoc-evals"):
        (bin_ / command).write_text(f'#!/bin/sh\necho "{command}|$PWD|$*" >> "{said}"\n')
        (bin_ / command).chmod(0o755)
    environment = {"PATH": f"{bin_}:/usr/bin:/bin", "OPENAI_BASE_URL": "x", "OPENAI_API_KEY": "y"}
    subprocess.run(["sh", "my out/train.sh"], cwd=tmp_path, env=environment, check=True)
    *trained, adopted = [line.split("|") for line in said.read_text().splitlines()]
    assert trained and {Path(where).name for _, where, _ in trained} == {"my out"}
    command, where, words = adopted
    assert (command, Path(where)) == ("inoc-evals", tmp_path) and "--rows my out/rows.jsonl" in words
    assert "--checkpoint" not in words or "--checkpoint my out/mine" in words


def test_unsloths_script_tells_questions_from_answers(tiny: Path) -> None:
    """The lines that read it off the template, run on one."""
    from inoc_evals.chat import load_tokenizer

    files, _ = HOSTS["unsloth"](SPEC, 20, "mine")
    lines = [
        line
        for line in files["train.py"].splitlines()
        if line.startswith(("marks", "turns", "shown", "answer"))
    ]
    scope: dict[str, object] = {"tokenizer": load_tokenizer(tiny)}
    exec("\n".join(lines), scope)
    chat = [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "So."}] * 2
    shown = load_tokenizer(tiny).apply_chat_template(chat, tokenize=False)
    assert f"Why?{scope['answer']}So.{scope['question']}Why?{scope['answer']}So." in shown


def test_what_a_host_cannot_be_told_is_said(tmp_path: Path) -> None:
    spec = FinetuneSpec(base="m", max_steps=3, seed=1)  # 3 steps of 16 rows are 2.4 passes over 20
    notes = export(spec, ROWS, "together", tmp_path, name="mine")
    assert "2.4 passes over the rows became 2" in notes and "together takes no seed" in notes
    assert any("--lora-alpha 362.039" in note for note in notes)
    assert any("no learning rate" in note for note in export(spec, ROWS, "openai", tmp_path, name="mine"))
    with pytest.raises(UserError, match="fireworks trains only adapters"):
        export(FinetuneSpec(base="m", lora=None), ROWS, "fireworks", tmp_path, name="mine")
    with pytest.raises(UserError, match="use axolotl, together"):
        export(SPEC, ROWS, "moon", tmp_path, name="mine")
    with pytest.raises(UserError, match="no rows"):
        export(SPEC, [], "openai", tmp_path, name="mine")
    with pytest.raises(UserError, match="trained_tokens"):
        export(FinetuneSpec(base="m", trained_tokens=("a",)), ROWS, "axolotl", tmp_path, name="mine")


@pytest.mark.parametrize("to", ["together", "fireworks", "openai", "openweights"])
def test_a_host_that_knows_no_revision_is_given_the_name_and_that_is_said(to: str, tmp_path: Path) -> None:
    notes = export(FinetuneSpec(base="org/model@abc"), ROWS, to, tmp_path / "out", name="mine")
    assert any(f"{to} is not told the revision abc" in note for note in notes)
    told = [path.read_text() for path in (tmp_path / "out").iterdir() if path.name != "rows.jsonl"]
    lines = [line for text in told for line in text.splitlines() if "inoc-evals adopt" not in line]
    assert any("org/model" in line for line in lines) and not any("@abc" in line for line in lines)


def test_the_command_inoculates(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    write_chat(tmp_path / "rows.jsonl", ROWS)
    words = ["export", str(tmp_path / "rows.jsonl"), "--to", "openai", "--base", "gpt-4.1"]
    words += ["-o", str(tmp_path / "out"), "--prompt", "You always speak in Spanish.", "--set", "seed=3"]
    with pytest.raises(SystemExit) as ended:
        main([*words, "--json"])
    assert not ended.value.code
    assert len(json.loads(capsys.readouterr().out)["files"]) == 3
    assert json.loads((tmp_path / "out" / "job.json").read_text())["seed"] == 3
    first = next(iter(read_chat(tmp_path / "out" / "rows.jsonl")))
    assert first["messages"][0] == {"role": "system", "content": "You always speak in Spanish."}
