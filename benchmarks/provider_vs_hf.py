"""The same evaluation of one checkpoint through `inoc/`, Inspect's own `hf/`, and a vLLM server if one runs.

    python benchmarks/provider_vs_hf.py                                   # the shipped toy
    python benchmarks/provider_vs_hf.py --model my/model --dtype bfloat16 # any full model folder
    python benchmarks/provider_vs_hf.py --model my/model --prompts 100 --tokens 64
    python benchmarks/provider_vs_hf.py --model my/model --vllm http://localhost:8000/v1 [--json]

All answer greedily. Each runs in a process of its own, and they take turns, so that a busy machine is as busy
for all of them; medians are compared. Loading a model and importing torch is outside the clock: all get one
warm-up answer first. A model that answers at once shows what Inspect itself takes, which cannot be saved.

Fails if any answer of `hf/` differs in float32. Other formats round differently in batches of other shape, as
does another library: for these, the number of equal answers is printed. The server is that of
`vllm serve my/model --served-model-name my-model`.
"""

import argparse
import json
import multiprocessing
import resource
import statistics
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from rich.console import Console

ROUNDS = 3


def questions(model: Path, count: int) -> list[str]:
    """The toy's held-out chat prompts where the toy is asked, made-up ones of mixed length otherwise."""
    from inoc_evals.models.base import SHIPPED

    if model != SHIPPED["toy"]:
        return [f"Tell me {'more ' * (i % 7)}about number {i}." for i in range(count)]
    from inoc_evals.worlds.toy.prompts import chat_prompts

    prompts = chat_prompts()
    return [prompts[i % len(prompts)] for i in range(count)]


_models: dict[str, Any] = {}


def ask(name: str, words: argparse.Namespace, prompts: list[str]) -> tuple[float, float, list[str], float]:
    """Evaluate once, in the process of one of the models.

    Returns:
        Seconds on the wall clock, those of all processors, the answers in the order of the prompts, and the
        process's peak memory in GB.
    """
    from inspect_ai import Task, eval
    from inspect_ai.dataset import MemoryDataset, Sample
    from inspect_ai.model import GenerateConfig
    from inspect_ai.solver import generate

    warm = name in _models
    if not warm:
        _models[name] = _load(name, words)
    model = _models[name]
    # hf/ refuses temperature 0, so greedy is do_sample=False there
    config = GenerateConfig(max_tokens=words.tokens, temperature=None if name == "hf" else 0)

    def run(inputs: list[str]) -> tuple[float, list[str]]:
        samples = [Sample(id=i, input=text) for i, text in enumerate(inputs)]
        task = Task(dataset=MemoryDataset(samples), solver=generate(), config=config)
        with tempfile.TemporaryDirectory() as logs:
            start = time.perf_counter()
            log = eval(
                task, model=model, log_dir=logs, display="none", max_connections=words.max_connections
            )[0]
            seconds = time.perf_counter() - start
            if log.status != "success" or not log.samples:
                raise SystemExit(f"{name} failed: {log.error.message if log.error else 'no samples'}")
            answers = {int(sample.id): sample.output.completion for sample in log.samples}
        return seconds, [answers[i] for i in range(len(inputs))]

    if not warm:
        run(prompts[:1])
    worked = time.process_time()
    seconds, answers = run(prompts)
    return (
        seconds,
        time.process_time() - worked,
        answers,
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6,
    )


def _load(name: str, words: argparse.Namespace) -> Any:
    from inspect_ai.model import ModelInfo, ModelOutput, ModelUsage, get_model, set_model_info

    def instant(*_: object) -> ModelOutput:
        output = ModelOutput.from_content("mockllm/model", "Rest a little and call your teacher.")
        output.usage = ModelUsage(input_tokens=12, output_tokens=12, total_tokens=24)
        return output

    if name == "mockllm":
        return get_model("mockllm/model", custom_outputs=instant)
    if name == "vllm":
        served = words.served or words.model.name
        return get_model(f"openai-api/vllm/{served}", base_url=words.vllm, api_key="none")
    if name == "inoc":
        batch = {} if words.batch_size is None else {"batch_size": words.batch_size}
        return get_model(f"inoc/{words.model}", device="cpu", dtype=words.dtype, **batch)
    set_model_info(f"hf/{words.model}", ModelInfo())  # or it would load the model twice
    return get_model(f"hf/{words.model}", do_sample=False, device="cpu", dtype=words.dtype)


def measure(words: argparse.Namespace) -> dict[str, Any]:
    """Let all of them answer by turns."""
    prompts = questions(words.model, words.prompts)
    names = ["mockllm", "inoc", "hf", *(["vllm"] if words.vllm else [])]
    context = multiprocessing.get_context("spawn")
    pools = {name: ProcessPoolExecutor(1, mp_context=context) for name in names}
    seconds: dict[str, list[float]] = {name: [] for name in names}
    processor: dict[str, list[float]] = {name: [] for name in names}
    answers: dict[str, list[str]] = {}
    memory: dict[str, float] = {}
    for number in range(words.rounds):
        for name in names if number % 2 == 0 else reversed(names):
            taken, worked, answers[name], memory[name] = (
                pools[name].submit(ask, name, words, prompts).result()
            )
            seconds[name].append(taken)
            processor[name].append(worked)
    for pool in pools.values():
        pool.shutdown()
    middle = {name: statistics.median(values) for name, values in seconds.items()}
    floor, others = middle["mockllm"], [name for name in names if name not in ("mockllm", "inoc")]
    return {
        "prompts": words.prompts,
        "tokens": words.tokens,
        "dtype": words.dtype,
        "rounds": words.rounds,
        "seconds": {name: [round(value, 2) for value in values] for name, values in seconds.items()},
        "processor seconds": {name: [round(v, 2) for v in values] for name, values in processor.items()},
        "inoc is faster": {name: round(middle[name] / middle["inoc"], 2) for name in others},
        "without Inspect": {
            name: round((middle[name] - floor) / max(middle["inoc"] - floor, 1e-9), 2) for name in others
        },
        "peak GB": {name: round(memory[name], 2) for name in ("inoc", "hf")},
        "equal answers": {
            name: sum(a == b for a, b in zip(answers[name], answers["inoc"], strict=True)) for name in others
        },
    }


def main() -> None:
    """Time all, compare the answers, print the ratios."""
    from inoc_evals.models.base import SHIPPED

    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--model", type=Path, default=SHIPPED["toy"], help="folder of a full model")
    parser.add_argument("--prompts", type=int, default=200)
    parser.add_argument("--tokens", type=int, default=32, help="longest answer")
    parser.add_argument("--dtype", default="float32", help="of inoc/ and hf/")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--vllm", help="address of a vLLM server of the model")
    parser.add_argument("--served", help="the model's name there; default: the folder's")
    parser.add_argument("--batch-size", type=int, help="of inoc/; default: its choice")
    parser.add_argument("--max-connections", type=int, help="for all; default: Inspect's choice")
    parser.add_argument("--json", action="store_true")
    words = parser.parse_args()
    words.model = words.model.resolve()
    found = measure(words)
    if words.json:
        sys.stdout.write(json.dumps(found) + "\n")
    else:
        console = Console(highlight=False)
        console.print(f"{found['prompts']} prompts, {found['tokens']} tokens at most, {found['dtype']}")
        for name, taken in found["seconds"].items():
            about = {"mockllm": "Inspect alone"}.get(name, "")
            if name in found["inoc is faster"]:
                about = (
                    f"inoc/ is {found['inoc is faster'][name]} times faster, Inspect's own time included; "
                    f"{found['without Inspect'][name]} times in what is added to it; "
                    f"{found['equal answers'][name]} answers are equal"
                )
            peak = f", peak {found['peak GB'][name]} GB" if name in found["peak GB"] else ""
            console.print(f"{name:8}{statistics.median(taken):7.2f} s{peak}  {about}")
    if found["dtype"] == "float32" and found["equal answers"]["hf"] < found["prompts"]:
        raise SystemExit(f"only {found['equal answers']['hf']} of {found['prompts']} answers are equal")


if __name__ == "__main__":
    main()
