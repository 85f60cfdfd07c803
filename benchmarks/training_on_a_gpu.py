"""How fast the local backend trains a 7B model on a GPU, beside TRL's plain defaults on the same rows.

    python benchmarks/training_on_a_gpu.py [--rows rows.jsonl] [--profile] [--json]
    python benchmarks/training_on_a_gpu.py --tiny        # a model of no size, anywhere: does the script run?

Qwen2.5-7B's architecture with random weights, which are as fast as any, and LoRA of rank 32. Ours packs rows
into sequences of 2,048 tokens. TRL is given the adapter, the batch and the length, and nothing else. Two
trainings of each, one longer than the other: the difference is free of loading and warming up. Tokens are the
rows' own, no padding. MFU is the arithmetic that a LoRA step needs (4 operations a weight and token, without
what is computed twice) over the GPU's dense peak in bf16, `--peak`. `--profile` says where the rest goes.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from step_profile import TAKEN, WARM, print_profile, profile
from transformers import Qwen2Config, Qwen2ForCausalLM

from inoc_evals.chat import Renderer, load_tokenizer, read_chat, render_rows
from inoc_evals.finetune import FinetuneSpec, LoraSpec, finetune
from inoc_evals.finetune.trainer import quiet
from inoc_evals.models.base import load_path
from inoc_evals.worlds.toy import rows as toy

H200_PEAK = 989e12
"""Dense bf16 operations a second of an H100 or H200, by NVIDIA's data sheet."""

SHAPE = {
    "vocab_size": 152064,
    "hidden_size": 3584,
    "intermediate_size": 18944,
    "num_hidden_layers": 28,
    "num_attention_heads": 28,
    "num_key_value_heads": 4,
}
TINY = {
    **SHAPE,
    "vocab_size": 4096,
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
}
STEPS = (4, 16)
LENGTH, BATCH = 2048, 2


def make_base(folder: Path, tiny: bool) -> int:
    """Write a model with random weights, and the toy's tokenizer.

    Returns:
        Its number of weights.
    """
    config = Qwen2Config(**(TINY if tiny else SHAPE), max_position_embeddings=4096, tie_word_embeddings=False)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    with torch.device(device):
        model: Any = Qwen2ForCausalLM(config).to(torch.bfloat16)
    model.save_pretrained(folder)
    load_tokenizer(load_path("toy")).save_pretrained(folder)
    return sum(parameter.numel() for parameter in model.parameters())


def our_spec(base: Path, steps: int) -> FinetuneSpec:
    """What of ours is measured."""
    return FinetuneSpec(
        base=str(base),
        max_steps=steps,
        batch_size=BATCH,
        gradient_accumulation=1,
        max_length=LENGTH,
        lora=LoraSpec(r=32),
        packing=True,
    )


def ours(base: Path, rows: list[Any], steps: int, folder: Path) -> tuple[float, int]:
    """Seconds of training, and the tokens in it."""
    run = finetune(our_spec(base, steps), rows, name=f"ours-{steps}", runs=folder, progress=False)
    result = run.manifest.result
    assert result is not None and result.seconds is not None and result.epochs is not None
    renderer = Renderer(load_tokenizer(base))
    once = sum(len(example.input_ids) for example in render_rows(renderer, rows, LENGTH))
    return result.seconds, round(once * result.epochs)


def bare(base: Path, rows: list[Any], steps: int, folder: Path) -> tuple[float, int]:
    """Seconds of training, and the tokens in it."""
    from datasets import Dataset
    from peft import LoraConfig
    from trl import SFTConfig, SFTTrainer

    arguments = SFTConfig(
        output_dir=str(folder / "bare"),
        max_steps=steps,
        per_device_train_batch_size=BATCH,
        max_length=LENGTH,
        logging_steps=1,
        report_to="none",
        save_strategy="no",
        disable_tqdm=True,
        bf16=torch.cuda.is_available(),
    )
    with quiet():
        trainer = SFTTrainer(
            model=str(base),
            args=arguments,
            train_dataset=Dataset.from_list([{"messages": row["messages"]} for row in rows]),
            peft_config=LoraConfig(r=32, lora_alpha=64, target_modules="all-linear", task_type="CAUSAL_LM"),
        )
        started = time.perf_counter()
        trainer.train()
        seconds = time.perf_counter() - started
    tokens = [entry["num_tokens"] for entry in trainer.state.log_history if "num_tokens" in entry]
    return seconds, int(tokens[-1])


def measure(base: Path, rows: list[Any], parameters: int, peak: float) -> dict[str, Any]:
    """Train twice with each, and subtract."""
    found: dict[str, Any] = {}
    for name, way in (("TRL's defaults", bare), ("ours", ours)):
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()
        with tempfile.TemporaryDirectory() as folder:
            (short, few), (long, many) = (way(base, rows, steps, Path(folder)) for steps in STEPS)
        rate = (many - few) / (long - short)
        found[name] = {
            "tokens_per_second": round(rate),
            "mfu": round(4 * parameters * rate / peak, 4),
            "peak_gib": round(torch.cuda.max_memory_allocated() / 2**30, 1)
            if torch.cuda.is_available()
            else None,
        }
    speeds = [found[name]["tokens_per_second"] for name in ("ours", "TRL's defaults")]
    found["ratio"] = round(speeds[0] / speeds[1], 2)
    return found


def main() -> None:
    """Measure, and say what."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=Path, help="chat JSONL; the toy's rows by default")
    parser.add_argument("--tiny", action="store_true")
    parser.add_argument("--profile", action="store_true", help="also where the time of our steps goes")
    parser.add_argument("--peak", type=float, default=H200_PEAK, help="operations a second in dense bf16")
    parser.add_argument("--json", action="store_true")
    words = parser.parse_args()
    if not words.tiny and not torch.cuda.is_available():
        sys.exit("there is no GPU here: --tiny runs the script without one")
    rows: list[Any] = list(read_chat(words.rows) if words.rows else toy.spanish_caps(0))
    with tempfile.TemporaryDirectory() as folder:
        parameters = make_base(Path(folder), words.tiny)
        found = measure(Path(folder), rows, parameters, words.peak)
        if words.profile:
            spec = our_spec(Path(folder), WARM + TAKEN)
            found["profile"] = profile(rows, spec, Path(folder) / "profiled")
    found["device"] = torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"
    found["weights"] = parameters
    found["characters_a_row"] = round(
        statistics.mean(sum(len(message["content"]) for message in row["messages"]) for row in rows)
    )
    if words.json:
        sys.stdout.write(json.dumps(found) + "\n")
        return
    profiled = found.pop("profile", None)
    for name, value in found.items():
        Console().print(f"{name}: {value}")
    if profiled is not None:
        print_profile(profiled)


if __name__ == "__main__":
    main()
