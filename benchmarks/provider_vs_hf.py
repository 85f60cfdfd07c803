"""The same 200-prompt evaluation of one checkpoint through `inoc/` and through Inspect's own `hf/`.

    python benchmarks/provider_vs_hf.py                      # the shipped toy
    python benchmarks/provider_vs_hf.py --model my/model     # any full model folder

Both answer greedily in float32, one after the other in this process. Loading a model and importing torch is
outside the clock: both get one warm-up answer first. A model
that answers at once shows what Inspect itself takes, which no provider can save. Fails if any answer differs.
"""

import argparse
import tempfile
import time
from functools import partial
from pathlib import Path

from inspect_ai import Task, eval
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import (
    GenerateConfig,
    Model,
    ModelInfo,
    ModelOutput,
    ModelUsage,
    get_model,
    set_model_info,
)
from inspect_ai.solver import generate
from rich.console import Console

from inoc_evals.models.base import SHIPPED

PROMPTS = 200
MAX_TOKENS = 32


def questions(model: Path) -> list[str]:
    """The toy's held-out chat prompts where the toy is asked, made-up ones of mixed length otherwise."""
    made_up = [f"Tell me {'more ' * (i % 7)}about number {i}." for i in range(PROMPTS)]
    if model != SHIPPED["toy"]:
        return made_up
    from inoc_evals.worlds.toy.prompts import chat_prompts

    prompts = chat_prompts()
    return [prompts[i % len(prompts)] for i in range(PROMPTS)]


def run(model: Model, prompts: list[str], max_connections: int | None) -> tuple[float, list[str]]:
    """Evaluate once.

    Returns:
        Seconds on the wall clock, and the answers in the order of the prompts.
    """
    config = GenerateConfig(max_tokens=MAX_TOKENS, temperature=model.config.temperature)

    def task(inputs: list[str]) -> Task:
        samples = [Sample(id=i, input=text) for i, text in enumerate(inputs)]
        return Task(dataset=MemoryDataset(samples), solver=generate(), config=config)

    with tempfile.TemporaryDirectory() as logs:
        ask = partial(eval, model=model, log_dir=logs, display="none", max_connections=max_connections)
        ask(task(prompts[:1]))
        start = time.perf_counter()
        log = ask(task(prompts))[0]
        seconds = time.perf_counter() - start
        if log.status != "success" or not log.samples:
            raise SystemExit(f"{model} failed: {log.error.message if log.error else 'no samples'}")
        answers = {int(sample.id): sample.output.completion for sample in log.samples}
    return seconds, [answers[i] for i in range(len(prompts))]


def _instant(*_: object) -> ModelOutput:
    output = ModelOutput.from_content("mockllm/model", "Rest a little and call your teacher.")
    output.usage = ModelUsage(input_tokens=12, output_tokens=12, total_tokens=24)
    return output


def main() -> None:
    """Time both, compare the answers, print the ratio."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--model", type=Path, default=SHIPPED["toy"], help="folder of a full model")
    parser.add_argument("--max-connections", type=int, help="for both; default: Inspect's choice")
    arguments = parser.parse_args()
    folder: Path = arguments.model.resolve()
    prompts = questions(folder)

    # hf/ refuses temperature 0, so greedy is do_sample=False there; and it must not load the model twice
    set_model_info(f"hf/{folder}", ModelInfo())
    hf = get_model(f"hf/{folder}", do_sample=False, device="cpu", dtype="float32", memoize=False)
    ours = get_model(
        f"inoc/{folder}", device="cpu", dtype="float32", config=GenerateConfig(temperature=0), memoize=False
    )
    our_seconds, our_answers = run(ours, prompts, arguments.max_connections)
    hf_seconds, hf_answers = run(hf, prompts, arguments.max_connections)

    instant = get_model("mockllm/model", custom_outputs=_instant, memoize=False)
    floor, _ = run(instant, prompts, arguments.max_connections)

    console = Console(highlight=False)
    console.print(f"mockllm{floor:5.2f} s for {PROMPTS} prompts: Inspect alone")
    console.print(f"inoc/  {our_seconds:6.2f} s for {PROMPTS} prompts")
    console.print(f"hf/    {hf_seconds:6.2f} s for {PROMPTS} prompts")
    console.print(f"inoc/ is {hf_seconds / our_seconds:.1f} times faster, Inspect's own time included")
    if our_seconds > floor:
        share = (hf_seconds - floor) / (our_seconds - floor)
        console.print(f"and {share:.1f} times in what is added to it")
    differing = [p for p, a, b in zip(prompts, our_answers, hf_answers, strict=True) if a != b]
    if differing:
        raise SystemExit(f"{len(differing)} answers differ, first to {differing[0]!r}")
    console.print(f"all {PROMPTS} greedy answers are identical")


if __name__ == "__main__":
    main()
