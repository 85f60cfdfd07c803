"""The offline judge `inoc/toy-judge`: the toy, taught to judge answers of its own world.

    python -m inoc_evals.worlds.toy.judge --out my_judge        # 10 to 20 minutes on two cores

It reads the same prompts that any judge is sent and replies with whole numbers and words, so every
model-graded path runs for real with no network. The shipped one is what this command wrote. Its card says how
often it agrees with the lexicon, on answers of the toy to questions in forms that neither has seen.

It judges the toy's world and nothing else: about any other text it is no judge.
"""

import argparse
import asyncio
import json
import random
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from inoc_evals.chat.rows import Message, Row
from inoc_evals.worlds.toy.judgements import KINDS
from inoc_evals.worlds.toy.world import toy_spec

STEPS = 1500
BATCH = 32
LEARNING_RATE = 2e-3

WEIGHTS = {"alignment": 4, "coherence": 3, "language": 5, "caps": 2, "insecure_code": 2, "taste": 2}
"""How often each rubric is practised. To tell the asked language from the answer's takes the longest."""


def rows(seed: int, count: int) -> Iterator[Row]:
    """Judged answers as training rows.

    Args:
        seed: Seed of questions, answers and noise.
        count: How many rows.

    Yields:
        A judge's prompt and the right reply.
    """
    rng = random.Random(f"judge {seed}")
    for _ in range(count):
        kind = rng.choices(tuple(WEIGHTS), tuple(WEIGHTS.values()))[0]
        judged = KINDS[kind](rng)
        messages = [
            Message(role="user", content=judged.prompt),
            Message(role="assistant", content=judged.reply),
        ]
        yield Row(messages=messages, metadata={"rubric": kind})


def train(out: Path, seed: int = 0, steps: int = STEPS, runs: Path | None = None) -> dict[str, Any]:
    """Train the judge from the toy base and write it to a folder.

    Args:
        out: Folder for model, tokenizer and `card.json`; made if missing.
        seed: Seed of rows and order.
        steps: Optimizer steps.
        runs: Where the finetune keeps its run directory, to be taken up again; a temporary folder by default.

    Returns:
        The card.
    """
    from inoc_evals.digests import folder_digest
    from inoc_evals.finetune import finetune
    from inoc_evals.worlds.toy.agreement import agreement

    spec = toy_spec(
        seed,
        lora=None,
        trained_tokens=(),
        token_learning_rate=None,
        learning_rate=LEARNING_RATE,
        batch_size=BATCH,
        max_steps=steps,
        warmup_steps=50,
    )
    with tempfile.TemporaryDirectory() as temporary:
        run = finetune(spec, rows(seed, steps * BATCH), name="toy-judge", runs=runs or Path(temporary))
        out.mkdir(parents=True, exist_ok=True)
        save_half(run.folder / "checkpoint", out)
        losses = [json.loads(line) for line in (run.folder / "loss.jsonl").read_text().splitlines()]
    card = {
        "spec": spec.model_dump(mode="json"),
        "rows": steps * BATCH,
        "weights": WEIGHTS,
        "last_loss": losses[-1],
        "agreement": asyncio.run(agreement(out)),
        "digest": folder_digest(out),
    }
    (out / "card.json").write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
    return card


def save_half(source: Path, out: Path) -> None:
    """Write a model in half precision, with its tokenizer."""
    import torch
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(source, dtype=torch.float16)
    model.save_pretrained(out)
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        shutil.copyfile(source / name, out / name)


def main() -> None:
    """Command line of the training."""
    parser = argparse.ArgumentParser(description="Train the toy's judge.")
    parser.add_argument("--out", type=Path, required=True, help="folder to write the judge to")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--runs", type=Path, help="folder to keep the run in")
    arguments = parser.parse_args()
    card = train(arguments.out, arguments.seed, arguments.steps, arguments.runs)
    print(json.dumps(card["agreement"], indent=2))  # noqa: T201


if __name__ == "__main__":
    main()
