"""Pretrain the toy from nothing, with one seeded command.

    python -m inoc_evals.worlds.toy.pretrain --out my_toy        # some 15 minutes on two cores

writes the model (half-precision safetensors), its tokenizer and `card.json`: losses, the rates at which it
obeys its system prompts on held-out question forms, and the versions it was made with. The shipped
checkpoint is what this command wrote. The same seed gives the same documents and the same initial weights
everywhere; the sums of floating-point training differ in their last digits between machines and thread
counts, so checksums may differ.
"""

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.progress import Progress

from inoc_evals.errors import require
from inoc_evals.worlds.toy.corpus import Document, documents
from inoc_evals.worlds.toy.tokenizer import END, SYSTEM, USER, build_tokenizer

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import LlamaForCausalLM, PreTrainedTokenizerFast


@dataclass(frozen=True)
class Recipe:
    """Everything that the pretraining depends on.

    Attributes:
        seed: Seed of weights and documents.
        steps: Optimizer steps.
        batch: Documents a step.
        learning_rate: Peak rate of AdamW; linear warm-up over `warmup` steps, then linear decay.
        warmup: Warm-up steps.
        weight_decay: AdamW's decoupled decay.
        width: Hidden size; the feed-forward is three times as wide.
        layers: Transformer layers.
        heads: Attention heads.
    """

    seed: int = 0
    steps: int = 3600
    batch: int = 96
    learning_rate: float = 3e-3
    warmup: int = 100
    weight_decay: float = 0.05
    width: int = 128
    layers: int = 4
    heads: int = 4


Tokens = tuple[list[int], list[int]]  # prompt, answer


def _encode(tokenizer: "PreTrainedTokenizerFast", batch: list[Document]) -> list[Tokens]:
    prompts = [
        (f"{SYSTEM}{d.system}{END}" if d.system else "") + f"{USER}{d.user}{END}{d.header}" for d in batch
    ]
    asked = tokenizer(prompts, add_special_tokens=False)["input_ids"]
    answered = tokenizer([d.answer + END for d in batch], add_special_tokens=False)["input_ids"]
    return list(zip(asked, answered, strict=True))


def _batches(tokenizer: "PreTrainedTokenizerFast", recipe: Recipe) -> Iterator[list[Tokens]]:
    """Batches of documents of like length, in a seeded random order within every pool of 16."""
    import random

    stream, rng = documents(recipe.seed), random.Random(recipe.seed)
    while True:
        pool = _encode(tokenizer, list(islice(stream, recipe.batch * 16)))
        pool.sort(key=lambda item: len(item[0]) + len(item[1]))
        batches = [pool[i : i + recipe.batch] for i in range(0, len(pool), recipe.batch)]
        rng.shuffle(batches)
        yield from batches


def _tensors(batch: list[Tokens]) -> "tuple[Tensor, Tensor]":
    """Right-padded inputs (batch, length) and labels that are -100 everywhere but on answers."""
    import torch

    longest = max(len(p) + len(a) for p, a in batch)
    inputs = torch.zeros(len(batch), longest, dtype=torch.long)
    labels = torch.full((len(batch), longest), -100)
    for row, (prompt, answer) in enumerate(batch):
        inputs[row, : len(prompt) + len(answer)] = torch.tensor(prompt + answer)
        labels[row, len(prompt) : len(prompt) + len(answer)] = torch.tensor(answer)
    return inputs, labels


def _loss(model: "LlamaForCausalLM", inputs: "Tensor", labels: "Tensor") -> "Tensor":
    """Mean cross-entropy over answer tokens; the output layer is computed for those alone."""
    from torch.nn.functional import cross_entropy

    hidden = model.model(input_ids=inputs, use_cache=False).last_hidden_state[:, :-1]
    targets = labels[:, 1:]
    counted = targets != -100
    return cross_entropy(model.lm_head(hidden[counted]), targets[counted])


def build_model(tokenizer: "PreTrainedTokenizerFast", recipe: Recipe) -> "LlamaForCausalLM":
    """The untrained network, about 1.2 million weights."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(recipe.seed)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=recipe.width,
            intermediate_size=3 * recipe.width,
            num_hidden_layers=recipe.layers,
            num_attention_heads=recipe.heads,
            num_key_value_heads=recipe.heads,
            max_position_embeddings=512,
            tie_word_embeddings=True,
            attention_bias=True,
            mlp_bias=True,
            bos_token_id=None,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )


def pretrain(out: Path, recipe: Recipe | None = None) -> dict[str, Any]:
    """Train the toy and write it to a folder.

    Args:
        out: Folder for model, tokenizer and `card.json`; made if missing.
        recipe: What to train; the shipped recipe by default.

    Returns:
        The card.
    """
    require("local", "torch", "transformers", "tokenizers", "safetensors")
    import torch
    import transformers

    from inoc_evals.digests import folder_digest
    from inoc_evals.worlds.toy.report_card import obedience

    recipe = recipe or Recipe()
    started = time.monotonic()
    tokenizer = build_tokenizer(recipe.seed)
    model = build_model(tokenizer, recipe)
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay, betas=(0.9, 0.98)
    )
    losses: list[float] = []
    model.train()
    with Progress() as progress:
        bar = progress.add_task("pretraining the toy", total=recipe.steps)
        for step, batch in enumerate(islice(_batches(tokenizer, recipe), recipe.steps)):
            rate = min(1.0, (step + 1) / recipe.warmup) * (1 - step / recipe.steps)
            for group in optimizer.param_groups:
                group["lr"] = recipe.learning_rate * rate
            loss = _loss(model, *_tensors(batch))
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            losses.append(loss.item())
            recent = sum(losses[-50:]) / len(losses[-50:])
            progress.update(bar, advance=1, description=f"pretraining the toy, loss {recent:.3f}")
    model.eval()  # type: ignore[no-untyped-call]
    out.mkdir(parents=True, exist_ok=True)
    model.half().save_pretrained(out)  # type: ignore[no-untyped-call]
    tokenizer.save_pretrained(out)
    every = max(1, recipe.steps // 12)
    card = {
        "recipe": asdict(recipe),
        "parameters": sum(p.numel() for p in model.parameters()),
        "minutes": round((time.monotonic() - started) / 60, 1),
        "threads": torch.get_num_threads(),
        "loss": {
            str(s): round(sum(losses[max(0, s - 50) : s]) / min(50, s), 4)
            for s in range(every, recipe.steps + 1, every)
        },
        "held_out": obedience(model.float(), tokenizer),  # type: ignore[no-untyped-call]
        "digest": folder_digest(out),
        "versions": {"torch": torch.__version__, "transformers": transformers.__version__},
    }
    (out / "card.json").write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
    return card


def main() -> None:
    """Command line of the pretraining."""
    parser = argparse.ArgumentParser(description="Pretrain the toy model.")
    parser.add_argument("--out", type=Path, required=True, help="folder to write the checkpoint to")
    parser.add_argument("--seed", type=int, default=Recipe.seed)
    parser.add_argument("--steps", type=int, default=Recipe.steps)
    arguments = parser.parse_args()
    card = pretrain(arguments.out, Recipe(seed=arguments.seed, steps=arguments.steps))
    print(json.dumps(card["held_out"], indent=2))  # noqa: T201


if __name__ == "__main__":
    main()
