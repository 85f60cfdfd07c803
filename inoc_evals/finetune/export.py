"""Export a finetune to another trainer: the rows, and the spec as that trainer's configuration.

    export(spec, rows, "axolotl", "out")          # out/rows.jsonl, out/axolotl.yaml, out/train.sh

`adopt` makes a run of the resulting model. Notes name every field of the spec that a host does not support.
"""

import json
import shlex
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import yaml

from inoc_evals.chat.rows import Row, encode_chat
from inoc_evals.errors import UserError
from inoc_evals.files import refuse_overwriting, write_whole, writing_into
from inoc_evals.models.gguf import is_gguf
from inoc_evals.runs.spec import FinetuneSpec, LoraSpec
from inoc_evals.user_files import user_path

ROWS = "rows.jsonl"

UNTOLD = ("kept_steps", "report_to", "reasoning_loss", "date")
"""Fields that are in no exporter's words; `save_steps` is none of them, since it decides nothing."""

OWN = ("scheduler", "warmup_steps", "weight_decay", "betas", "max_grad_norm")
"""Fields that hosts which take a few numbers decide themselves."""

TAKES_NO: dict[str, tuple[str, ...]] = {
    "together": (*OWN, "max_length", "lora.target_modules"),
    "fireworks": (*OWN, "batch_size", "gradient_accumulation", "lora.target_modules"),
    "openai": (*OWN, "max_length", "lora"),
}
"""Fields that a host decides itself, whatever the spec says."""

NOT_TOLD: dict[str, tuple[str, ...]] = {
    "together": ("precision", "packing"),
    "fireworks": ("precision", "packing"),
    "openai": ("precision", "packing"),
    "openweights": ("precision",),
    "unsloth": ("precision",),
}
"""Fields of which a host is told nothing, where they are not as usual."""

HERE = "$here/"
"""How a file beside the script begins in a command of it that is not run there."""

Written = tuple[dict[str, str], list[str]]
"""File contents by name, and notes."""


def export(
    spec: FinetuneSpec,
    rows: Iterable[Row],
    to: str,
    folder: str | Path,
    *,
    name: str,
    force: bool = True,
    inputs: Iterable[str | Path] = (),
) -> list[str]:
    """Write what a host needs to train a spec on rows.

    Args:
        spec: What to train and how.
        rows: Training rows, already inoculated; of each only its messages are written.
        to: A key of `HOSTS`.
        folder: Folder to write to; created if missing.
        name: The name of the new model.
        force: Replace files of an earlier export that are others.
        inputs: Files that the rows were read from, which are never replaced.

    Returns:
        Notes on what the host does not support, one line each.

    Raises:
        UserError: If the host is unknown, there are no rows, the host cannot train the spec, or the folder
            cannot be written to, or a file in it not replaced.
    """
    if to not in HOSTS:
        raise UserError(f"cannot export to {to!r}: use {', '.join(HOSTS)}")
    plain: list[Row] = [{"messages": row["messages"]} for row in rows]
    if not plain:
        raise UserError("export: no rows: give at least one")
    if is_gguf(spec.base):
        raise UserError(f"{to} reads no GGUF file: give the model that {spec.base} was made from as the base")
    if spec.trained_tokens or spec.probe:
        raise UserError(f"{to} supports neither trained_tokens nor a probe: leave them out")
    files, notes = HOSTS[to](spec, len(plain), name)
    usual = FinetuneSpec(base=spec.base)
    notes += _decided_there(spec, to)
    notes += [
        f"{to} is not told {field}, which has no counterpart there"
        for field in (*UNTOLD, *NOT_TOLD.get(to, ()))
        if getattr(spec, field) != getattr(usual, field)
    ]
    target, inputs = user_path(folder), list(inputs)
    contents = {ROWS: encode_chat(plain), **{file: text.encode() for file, text in files.items()}}
    for file, data in contents.items():  # all, before the first is written
        refuse_overwriting(target / file, force=force, inputs=inputs, content=data)
    with writing_into(target, "give another folder with -o"):
        for file, data in contents.items():
            write_whole(target / file, data)
    return notes


def _decided_there(spec: FinetuneSpec, host: str) -> list[str]:
    """What a host decides itself; nothing of a spec that has none of it."""
    fields = [
        name for name in TAKES_NO.get(host, ()) if spec.lora is not None or not name.startswith("lora.")
    ]
    if not fields or spec.backend == host:
        return []
    return [f"{host} decides by itself on {', '.join(fields)}"]


def _revision(spec: FinetuneSpec) -> tuple[str, str]:
    """The base's name and its revision at the Hub; empty if none is asked for."""
    base, _, revision = spec.base.partition("@")
    return base, revision


def _no_revision(spec: FinetuneSpec, host: str) -> list[str]:
    base, revision = _revision(spec)
    return (
        [f"{host} is not told the revision {revision}: it trains on what {base} is now"] if revision else []
    )


def _axolotl(spec: FinetuneSpec, rows: int, name: str) -> Written:
    """A config for `axolotl train`, which supports every field of the spec."""
    lora, (base, revision) = spec.lora, _revision(spec)
    config: dict[str, Any] = {
        "base_model": base,
        **({"revision_of_model": revision} if revision else {}),
        "trust_remote_code": False,
        "datasets": [
            {
                "path": ROWS,
                "ds_type": "json",
                "type": "chat_template",
                "field_messages": "messages",
                "roles_to_train": ["assistant"],
                "train_on_eos": "turn",
            }
        ],
        "chat_template": "tokenizer_default",
        "sequence_len": spec.max_length,
        "sample_packing": spec.packing,
        "micro_batch_size": spec.batch_size,
        "gradient_accumulation_steps": spec.gradient_accumulation,
        "learning_rate": spec.learning_rate,
        "lr_scheduler": spec.scheduler,
        "warmup_steps": spec.warmup_steps,
        "optimizer": "adamw_torch",
        "weight_decay": spec.weight_decay,
        "adam_beta1": spec.betas[0],
        "adam_beta2": spec.betas[1],
        "max_grad_norm": spec.max_grad_norm,
        "bf16": spec.precision != "fp32",
        "save_safetensors": True,
        "seed": spec.seed,
        "output_dir": f"./{name}",
    }
    config |= {"max_steps": spec.max_steps} if spec.max_steps else {"num_epochs": spec.epochs}
    if lora is not None:
        config |= {
            "adapter": "lora",
            "lora_r": lora.r,
            "lora_alpha": lora.alpha,
            "lora_dropout": lora.dropout,
            "peft_use_rslora": lora.rslora,
        }
        if lora.target_modules == "all-linear":
            config["lora_target_linear"] = True
        else:
            config["lora_target_modules"] = list(lora.target_modules)
        if lora.layers is not None:
            config["peft_layers_to_transform"] = list(lora.layers)
    script = _script([["axolotl", "train", "axolotl.yaml"], _adopt(spec, name, checkpoint=name)])
    return {"axolotl.yaml": yaml.safe_dump(config, sort_keys=False), "train.sh": script}, []


def _together(spec: FinetuneSpec, rows: int, name: str) -> Written:
    """Commands of Together's CLI: an upload and a job."""
    command = [
        "together",
        "fine-tuning",
        "create",
        "--training-file",
        "FILE_ID",
        "--model",
        _revision(spec)[0],
    ]
    command += ["--suffix", name[:40], "--n-epochs", str(_epochs(spec, rows))]
    command += ["--batch-size", str(spec.batch_size * spec.gradient_accumulation)]
    command += ["--learning-rate", f"{spec.learning_rate:g}", "--train-on-inputs", "false"]
    notes = _rounded(spec, rows)
    if spec.lora is None:
        command.append("--no-lora")
    else:
        _refuse_layers(spec, "together")
        command += ["--lora", "--lora-r", str(spec.lora.r), "--lora-alpha", f"{spec.lora.alpha:g}"]
        command += ["--lora-dropout", f"{spec.lora.dropout:g}"]
        notes += _no_rslora(spec, "together")
    notes += ["together takes no seed", *_no_revision(spec, "together")]
    adopt = _adopt(spec, name, model="together/MODEL")
    first = ["together", "files", "upload", ROWS]
    return {
        "train.sh": _script([first, command, adopt], "FILE_ID and MODEL are what Together answers")
    }, notes


def _fireworks(spec: FinetuneSpec, rows: int, name: str) -> Written:
    """Commands of Fireworks' CLI: a dataset and a job."""
    if spec.lora is None:
        raise UserError("fireworks trains only adapters: set lora in the spec")
    _refuse_layers(spec, "fireworks")
    model_id = name.lower().replace("_", "-").replace(".", "-")
    command = ["firectl", "supervised-fine-tuning-job", "create", "--base-model", _revision(spec)[0]]
    command += ["--dataset", model_id, "--output-model", model_id, "--epochs", str(_epochs(spec, rows))]
    command += ["--learning-rate", f"{spec.learning_rate:g}", "--lora-rank", str(spec.lora.r)]
    command += ["--max-context-length", str(spec.max_length)]
    notes = [*_rounded(spec, rows), "fireworks takes no seed, and no lora alpha, dropout or rslora"]
    notes += _no_revision(spec, "fireworks")
    adopt = _adopt(spec, name, model=f"fireworks/accounts/ACCOUNT/models/{model_id}")
    first = ["firectl", "dataset", "create", model_id, ROWS]
    return {"train.sh": _script([first, command, adopt], "ACCOUNT is yours at Fireworks")}, notes


def _openai(spec: FinetuneSpec, rows: int, name: str) -> Written:
    """The body of a request to `/fine_tuning/jobs`, an API that many hosts support."""
    if spec.backend != "openai":
        _refuse_layers(spec, "openai")
    hyperparameters: dict[str, Any] = spec.openai.model_dump(mode="json")
    base, notes = spec.base, []
    if spec.backend != "openai":
        hyperparameters = {
            "n_epochs": _epochs(spec, rows),
            "batch_size": spec.batch_size * spec.gradient_accumulation,
        }
        base, _ = _revision(spec)
        notes = [*_rounded(spec, rows), "a job takes no learning rate, only a multiplier of its host's own"]
        notes += _no_revision(spec, "openai")
    job = {
        "model": base,
        "training_file": "FILE_ID",
        "seed": spec.seed % 2**31,
        "suffix": name[:40],
        "method": {"type": "supervised", "supervised": {"hyperparameters": hyperparameters}},
    }
    upload = ["curl", "$OPENAI_BASE_URL/files", "-H", "Authorization: Bearer $OPENAI_API_KEY"]
    upload += ["-F", "purpose=fine-tune", "-F", f"file=@{ROWS}"]
    start = ["curl", "$OPENAI_BASE_URL/fine_tuning/jobs", "-H", "Authorization: Bearer $OPENAI_API_KEY"]
    start += ["-H", "Content-Type: application/json", "-d", "@job.json"]
    adopt = _adopt(spec, name, model="openai/MODEL")
    script = _script([upload, start, adopt], "put the FILE_ID of the first answer into job.json")
    return {"job.json": json.dumps(job, indent=2) + "\n", "train.sh": script}, notes


def _openweights(spec: FinetuneSpec, rows: int, name: str) -> Written:
    """A job for OpenWeights, which trains with Unsloth on rented GPUs, and the script that starts it."""
    if spec.lora is None:
        raise UserError("openweights is told here to train an adapter: set lora in the spec")
    _refuse_layers(spec, "openweights")
    job = {
        "model": _revision(spec)[0],
        "loss": "sft",
        **_unsloth_adapter(spec),
        "max_seq_length": spec.max_length,
        "per_device_train_batch_size": spec.batch_size,
        "gradient_accumulation_steps": spec.gradient_accumulation,
        "learning_rate": spec.learning_rate,
        "lr_scheduler_type": spec.scheduler,
        "warmup_steps": spec.warmup_steps,
        "weight_decay": spec.weight_decay,
        "optim": "adamw",
        "seed": spec.seed,
        "packing": spec.packing,
        "train_on_responses_only": True,
        "merge_before_push": False,
        "job_id_suffix": name[:40],
    }
    job |= {"max_steps": spec.max_steps} if spec.max_steps else {"epochs": _epochs(spec, rows)}
    notes = [] if spec.max_steps else _rounded(spec, rows)
    notes += ["openweights takes no betas and no max_grad_norm"]
    notes += _no_revision(spec, "openweights")
    adopt = _adopt(spec, name, checkpoint=name)
    script = _script(
        [["python", "train.py"], ["hf", "download", "MODEL", "--local-dir", name], adopt],
        "MODEL is what train.py prints; download it when the job has ended",
    )
    start = _python(
        "from openweights import OpenWeights",
        "client = OpenWeights()",
        "job = json.loads(Path('job.json').read_text('utf-8'))",
        f"with open({ROWS!r}, 'rb') as rows:",
        "    job['training_file'] = client.files.create(rows, purpose='conversations')['id']",
        "started = client.fine_tuning.create(**job)",
        "print(started)",
    )
    return {"job.json": json.dumps(job, indent=2) + "\n", "train.py": start, "train.sh": script}, notes


def _unsloth(spec: FinetuneSpec, rows: int, name: str) -> Written:
    """A script for Unsloth. What is a question and what an answer it reads off the chat template."""
    if spec.lora is None:
        raise UserError("unsloth is told here to train an adapter: set lora in the spec")
    base, revision = _revision(spec)
    adapter = {
        **_unsloth_adapter(spec),
        "layers_to_transform": None if spec.lora.layers is None else list(spec.lora.layers),
        "random_state": spec.seed,
        "use_gradient_checkpointing": "unsloth",
    }
    training = {
        "per_device_train_batch_size": spec.batch_size,
        "gradient_accumulation_steps": spec.gradient_accumulation,
        "learning_rate": spec.learning_rate,
        "lr_scheduler_type": spec.scheduler,
        "warmup_steps": spec.warmup_steps,
        "weight_decay": spec.weight_decay,
        "adam_beta1": spec.betas[0],
        "adam_beta2": spec.betas[1],
        "max_grad_norm": spec.max_grad_norm,
        "optim": "adamw_torch",
        "max_length": spec.max_length,
        "packing": spec.packing,
        "seed": spec.seed,
        "report_to": "none",
        **({"max_steps": spec.max_steps} if spec.max_steps else {"num_train_epochs": spec.epochs}),
    }
    script = _python(
        "from unsloth import FastLanguageModel  # first, as Unsloth asks",
        "from unsloth.chat_templates import train_on_responses_only",
        "from datasets import load_dataset",
        "from trl import SFTConfig, SFTTrainer",
        f"model, tokenizer = FastLanguageModel.from_pretrained({base!r}, revision={revision or None!r}, "
        f"max_seq_length={spec.max_length}, load_in_4bit=False)",
        f"model = FastLanguageModel.get_peft_model(model, **{adapter!r})",
        "marks = ['\x01', '\x02', '\x03', '\x04']",
        "turns = [{'role': ('user', 'assistant')[n % 2], 'content': mark} for n, mark in enumerate(marks)]",
        "shown = tokenizer.apply_chat_template(turns, tokenize=False)",
        "answer, question = (shown.split(a)[1].split(b)[0] for a, b in zip(marks[:2], marks[1:3]))",
        f"rows = load_dataset('json', data_files={ROWS!r}, split='train')",
        "rows = rows.map(lambda row: "
        "{'text': tokenizer.apply_chat_template(row['messages'], tokenize=False)}, "
        "remove_columns=rows.column_names)",
        f"settings = SFTConfig(output_dir='work', dataset_text_field='text', **{training!r})",
        "trainer = SFTTrainer(model=model, processing_class=tokenizer, train_dataset=rows, args=settings)",
        "train_on_responses_only(trainer, instruction_part=question, response_part=answer).train()",
        f"model.save_pretrained({name!r})",
    )
    adopt = _adopt(spec, name, checkpoint=name)
    notes = ["in rows of several turns the end of every answer but the last carries no loss with unsloth"]
    return {"train.py": script, "train.sh": _script([["python", "train.py"], adopt])}, notes


def _unsloth_adapter(spec: FinetuneSpec) -> dict[str, Any]:
    """The adapter in Unsloth's words, which OpenWeights shares."""
    lora = spec.lora or LoraSpec()
    linear = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
    return {
        "target_modules": list(linear if lora.target_modules == "all-linear" else lora.target_modules),
        "r": lora.r,
        "lora_alpha": lora.alpha,
        "lora_dropout": lora.dropout,
        "use_rslora": lora.rslora,
    }


HOSTS: dict[str, Callable[[FinetuneSpec, int, str], Written]] = {
    "axolotl": _axolotl,
    "together": _together,
    "fireworks": _fireworks,
    "openai": _openai,
    "openweights": _openweights,
    "unsloth": _unsloth,
}
"""The exporters by host name."""


def _adopt(spec: FinetuneSpec, name: str, **result: str) -> list[str]:
    """The command that registers the result: with the seed, or all seeds of an experiment count as one.

    The seed is that of the spec also where a host takes none: it tells this finetune from its repetitions.
    """
    command = ["inoc-evals", "adopt", name, "--base", spec.base]
    for option, value in result.items():
        command += [f"--{option}", HERE + value if option == "checkpoint" else value]
    return [*command, "--rows", HERE + ROWS, "--seed", str(spec.seed)]


def _script(commands: list[list[str]], comment: str = "") -> str:
    """Commands as a shell script; the shell expands only `$here` and the variables `$OPENAI_...`.

    All but the last are run in the script's folder, where their files are; the last, which registers the
    result, where the script was called: the folder of runs is looked for there.
    """

    def word(text: str) -> str:
        if text.startswith(HERE):
            return f'"{HERE[:-1]}"/{shlex.quote(text.removeprefix(HERE))}'
        return f'"{text}"' if "$OPENAI_" in text else shlex.quote(text)

    *lines, last = [" ".join(word(part) for part in command) for command in commands]
    head = ["#!/bin/sh", "set -e", *([f"# {comment}"] if comment else [])]
    return "\n".join([*head, 'here=$(dirname "$0")', "(", 'cd "$here"', *lines, ")", last]) + "\n"


def _python(*lines: str) -> str:
    """A Python script of these lines, which reads files beside it."""
    return "\n".join(["import json", "from pathlib import Path", "", *lines]) + "\n"


def _epochs(spec: FinetuneSpec, rows: int) -> int:
    """Whole passes over the rows, since hosts take neither steps nor fractions."""
    return max(1, round(_exact_epochs(spec, rows)))


def _exact_epochs(spec: FinetuneSpec, rows: int) -> float:
    if spec.max_steps is not None:
        return spec.max_steps * spec.batch_size * spec.gradient_accumulation / rows
    return float(spec.epochs or 1.0)


def _rounded(spec: FinetuneSpec, rows: int) -> list[str]:
    exact = _exact_epochs(spec, rows)
    whole = _epochs(spec, rows)
    return [] if exact == whole else [f"{exact:.3g} passes over the rows became {whole}"]


def _refuse_layers(spec: FinetuneSpec, host: str) -> None:
    if spec.lora is not None and spec.lora.layers is not None:
        raise UserError(f"{host} adapts every layer: leave lora.layers out, or use axolotl or unsloth")


def _no_rslora(spec: FinetuneSpec, host: str) -> list[str]:
    if spec.lora is None or not spec.lora.rslora:
        return []
    same = spec.lora.alpha * spec.lora.r**0.5
    return [f"{host} knows no rslora: --lora-alpha {same:g} would scale the adapter as the spec does"]
