"""How many seeded answers of a model change when other requests share its batch, by number format.

    python benchmarks/batch_invariance.py                               # the shipped toy
    python benchmarks/batch_invariance.py --model my/model --dtypes float32 bfloat16 [--json]

A seed fixes the draws of an answer, but a batch of other shape rounds otherwise, and a token whose share ends
just there becomes its neighbour. Every prompt is answered with `deterministic=true`, and then in batches.
"""

import argparse
import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from rich.console import Console

BATCHES = (4, 16, 64)


def measure(model: Path, dtypes: list[str], prompts: int, tokens: int) -> dict[str, Any]:
    """Answer alone, alone again, and in batches."""
    from inoc_evals.chat.renderer import Renderer, load_tokenizer
    from inoc_evals.models.batcher import submit
    from inoc_evals.models.checkpoint import resolve
    from inoc_evals.models.provider_args import ProviderArgs, read_provider_args
    from inoc_evals.models.request import Completion, Request

    checkpoint = resolve(str(model))
    renderer = Renderer(load_tokenizer(checkpoint.tokenizer))
    requests = []
    for i in range(prompts):
        question = f"Tell me {'more ' * (i % 7)}about number {i}."
        ids = renderer.render_prompt([{"role": "user", "content": question}]).ids
        requests.append(Request(ids, max_tokens=tokens, seed=i, logprobs=True))

    def answered(args: ProviderArgs) -> list[Completion]:
        async def all_at_once() -> list[list[Completion]]:
            return await asyncio.gather(*[submit(checkpoint, args, [request]) for request in requests])

        return [completions[0] for completions in asyncio.run(all_at_once())]

    found: dict[str, Any] = {"prompts": prompts, "tokens": tokens, "changed": {}, "moved": {}}
    for dtype in dtypes:
        strict = read_provider_args({"deterministic": True, "dtype": dtype, "device": "cpu"})
        alone = answered(strict)
        requests.reverse()
        again = answered(strict)[::-1]
        requests.reverse()
        others = {str(size): answered(ProviderArgs(size, "cpu", dtype)) for size in BATCHES}
        for name, answers in {"deterministic": again, **others}.items():
            pairs = list(zip(alone, answers, strict=True))
            found["changed"].setdefault(dtype, {})[name] = sum(a.text != b.text for a, b in pairs)
            # of the first tokens: later ones follow different texts where an answer has changed
            first = [abs(a.logprobs[0].logprob - b.logprobs[0].logprob) for a, b in pairs]
            same = [a.logprobs[0].token == b.logprobs[0].token for a, b in pairs]
            found["moved"].setdefault(dtype, {})[name] = max(
                (difference for difference, equal in zip(first, same, strict=True) if equal), default=0.0
            )
    return found


def main() -> None:
    """Measure, and say it."""
    from inoc_evals.models.base import SHIPPED

    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--model", type=Path, default=SHIPPED["toy"], help="folder of a full model")
    parser.add_argument("--dtypes", nargs="+", default=["float32", "bfloat16"])
    parser.add_argument("--prompts", type=int, default=64)
    parser.add_argument("--tokens", type=int, default=32)
    parser.add_argument("--json", action="store_true")
    words = parser.parse_args()
    found = measure(words.model.resolve(), words.dtypes, words.prompts, words.tokens)
    if words.json:
        sys.stdout.write(json.dumps(found) + "\n")
        return
    console = Console(highlight=False)
    console.print(f"{words.prompts} seeded answers of {words.tokens} tokens at most, against each alone")
    for dtype, changed in found["changed"].items():
        for name, count in changed.items():
            batch = name if name == "deterministic" else f"batch_size={name}"
            moved = found["moved"][dtype][name]
            console.print(f"{dtype:9} {batch:14} {count:3} changed; a log-probability moves by {moved:.1e}")


if __name__ == "__main__":
    main()
