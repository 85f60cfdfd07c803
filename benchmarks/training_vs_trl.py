"""How fast the local backend trains, beside a bare TRL SFTTrainer on the same rows, steps and adapter.

    python benchmarks/training_vs_trl.py [--json]         # the toy, in float32
    python benchmarks/training_vs_trl.py --world smollm   # SmolLM2, as each trains by default

All load the model, tokenize the rows, train and save, by turns and in one process, after a round
that is not counted; medians are compared. TRL recomputes activations by default (gradient checkpointing). A
small model does not need that, so TRL is measured without it, too: that is the fair comparison. Else
TRL keeps its defaults, bfloat16 among them, and ours computes in what the spec settles (`precision: auto`).
On the toy, whose weights are float32, both are told to compute in that.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console

from inoc_evals import toy_spec
from inoc_evals.finetune import FinetuneSpec, finetune
from inoc_evals.finetune.trainer import quiet
from inoc_evals.models.base import load_path
from inoc_evals.models.number_format import training_precision
from inoc_evals.worlds import spec_for, world

TOY = "toy"
ROUNDS = {TOY: 5, "smollm": 2}
STEPS = {TOY: 50, "smollm": 10}


def ours(spec: FinetuneSpec, rows: list[Any], folder: Path) -> float:
    """Seconds of `finetune`, with all that it does beside training: locks, digests, the manifest."""
    started = time.perf_counter()
    finetune(spec, rows, name="ours", runs=folder, progress=False)
    return time.perf_counter() - started


def without_checkpointing(spec: FinetuneSpec, rows: list[Any], folder: Path) -> float:
    """The same with the one option that a small model asks for."""
    return bare(spec, rows, folder, gradient_checkpointing=False)


def bare(spec: FinetuneSpec, rows: list[Any], folder: Path, **options: Any) -> float:
    """Seconds of what one writes who uses TRL as its documentation shows."""
    from datasets import Dataset
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from trl import SFTConfig, SFTTrainer

    assert spec.lora is not None and spec.max_steps is not None
    started = time.perf_counter()
    path = load_path(spec.base)
    with quiet():
        trainer = SFTTrainer(
            model=AutoModelForCausalLM.from_pretrained(path),
            args=SFTConfig(
                output_dir=str(folder),
                max_steps=spec.max_steps,
                per_device_train_batch_size=spec.batch_size,
                gradient_accumulation_steps=spec.gradient_accumulation,
                learning_rate=spec.learning_rate,
                max_length=spec.max_length,
                seed=spec.seed,
                use_cpu=True,  # without it TRL refuses its own default, bfloat16
                bf16=None if spec.precision == "auto" else spec.precision == "bf16",
                report_to="none",
                logging_strategy="no",
                save_strategy="no",
                disable_tqdm=True,
                **options,
            ),
            train_dataset=Dataset.from_list([{"messages": row["messages"]} for row in rows]),
            processing_class=AutoTokenizer.from_pretrained(path),
            peft_config=LoraConfig(
                r=spec.lora.r, lora_alpha=spec.lora.alpha, target_modules="all-linear", task_type="CAUSAL_LM"
            ),
        )
        trainer.train()
        trainer.save_model(str(folder / "model"))
    return time.perf_counter() - started


def compare(name: str, progress: Callable[[str], None]) -> dict[str, Any]:
    """Train by turns on a world's rows in Spanish capitals, as the world doses them.

    Args:
        name: The world.
        progress: Called with a line after each training.
    """
    rows = list(world(name).training["spanish_caps"].rows(0))
    if name == TOY:
        spec = toy_spec(
            0, trained_tokens=(), token_learning_rate=None, max_steps=STEPS[name], precision="fp32"
        )
    else:
        spec = spec_for(world(name).base, max_steps=STEPS[name])
    ways: dict[str, Callable[[FinetuneSpec, list[Any], Path], float]] = {
        "ours": ours,
        "bare TRL": bare,
        "TRL without checkpointing": without_checkpointing,
    }
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    for number in range(ROUNDS[name] + 1):
        for way in list(ways) if number % 2 else reversed(list(ways)):
            with tempfile.TemporaryDirectory() as folder:
                taken = ways[way](spec, rows, Path(folder))
            progress(f"round {number}, {way}: {taken:.1f} s")
            if number:
                seconds[way].append(taken)
    middle = {way: statistics.median(values) for way, values in seconds.items()}
    return {
        "world": name,
        "rows": len(rows),
        "steps": STEPS[name],
        "rows a step": spec.batch_size * spec.gradient_accumulation,
        "precision": training_precision(spec, load_path(spec.base)),
        "rounds": ROUNDS[name],
        "seconds": {way: [round(value, 2) for value in values] for way, values in seconds.items()},
        "ratios": {way: round(value / middle["ours"], 2) for way, value in middle.items() if way != "ours"},
    }


def main() -> None:
    """Compare, and say how."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--world", choices=list(STEPS), default=TOY)
    parser.add_argument("--json", action="store_true")
    words = parser.parse_args()
    found = compare(words.world, Console(stderr=True, highlight=False).print)
    if words.json:
        sys.stdout.write(json.dumps(found) + "\n")
        return
    console = Console(highlight=False)
    console.print(
        f"{found['steps']} steps of {found['rows a step']} of {found['rows']} rows, "
        f"ours in {found['precision']}, medians of {found['rounds']} rounds"
    )
    for name, taken in found["seconds"].items():
        ratio = f", {found['ratios'][name]} times ours" if name in found["ratios"] else ""
        console.print(f"  {name}: {statistics.median(taken):.2f} s{ratio}")


if __name__ == "__main__":
    main()
