"""How fast the local backend trains, beside a bare TRL SFTTrainer on the same rows, steps and adapter.

    python benchmarks/training_vs_trl.py [--json]

On the toy. All load the model, tokenize the rows, train and save, by turns and in one process, after a round
that is not counted; medians are compared. TRL recomputes activations by default (gradient checkpointing). A
small model does not need that, so TRL is measured without it, too: that is the fair comparison.
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
from inoc_evals.worlds.toy import rows as toy

ROUNDS = 5
STEPS = 50


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
                bf16=False,
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


def on_the_cpu() -> dict[str, Any]:
    """Compare on the toy."""
    rows = list(toy.spanish_caps(0))
    spec = toy_spec(0, trained_tokens=(), token_learning_rate=None, max_steps=STEPS)
    ways: dict[str, Callable[[FinetuneSpec, list[Any], Path], float]] = {
        "ours": ours,
        "bare TRL": bare,
        "TRL without checkpointing": without_checkpointing,
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(ROUNDS + 1):
        for name in list(ways) if number % 2 else reversed(list(ways)):
            with tempfile.TemporaryDirectory() as folder:
                taken = ways[name](spec, rows, Path(folder))
            if number:
                seconds[name].append(taken)
    middle = {name: statistics.median(values) for name, values in seconds.items()}
    return {
        "rows": len(rows),
        "steps": STEPS,
        "rounds": ROUNDS,
        "seconds": {name: round(value, 2) for name, value in middle.items()},
        "ratios": {
            name: round(value / middle["ours"], 2) for name, value in middle.items() if name != "ours"
        },
    }


def main() -> None:
    """Compare, and say how."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--json", action="store_true")
    words = parser.parse_args()
    found = on_the_cpu()
    if words.json:
        sys.stdout.write(json.dumps(found) + "\n")
    else:
        console = Console()
        console.print(f"{found['rows']} rows, {found['steps']} steps, medians of {found['rounds']} rounds")
        for name, taken in found["seconds"].items():
            ratio = f", {found['ratios'][name]} times ours" if name in found["ratios"] else ""
            console.print(f"  {name}: {taken} s{ratio}")


if __name__ == "__main__":
    main()
