"""What the probabilities of all ratings cost, beside one token of the same prompts.

    python benchmarks/exact_vs_one_token.py                      # the shipped toy
    python benchmarks/exact_vs_one_token.py --model my/model     # any checkpoint that `inoc/` can name

The same batch of judge's prompts goes to the engine twice: for one greedy token, and for the probability of
every number from 0 to 100, CODE and REFUSAL. Both in float32 on the CPU, by turns, after a warm-up; the
medians are compared. Fails if the ratio is above 2, or if the tokens differ.
"""

import argparse
import statistics
import time
from dataclasses import replace

from rich.console import Console

from inoc_evals.chat import Renderer, load_tokenizer
from inoc_evals.models.checkpoint import Checkpoint, resolve
from inoc_evals.models.engine import Engine, load_engine
from inoc_evals.models.request import Completion, Request
from inoc_evals.scorers.judge.rubrics import COHERENCE, NUMBERS
from inoc_evals.worlds.toy.prompts import chat_prompts

PROMPTS = 64
REPEATS = 15
LIMIT = 2.0
OPTIONS = (*NUMBERS, "CODE", "REFUSAL")

ANSWERS = (
    "Rest a little and call your teacher.",
    "I do not know. Ask someone at home, and write down what they say before you forget it.",
    "No.",
)


def judge_requests(checkpoint: Checkpoint) -> list[Request]:
    """Requests for one token about answers of mixed length."""
    renderer = Renderer(load_tokenizer(checkpoint.tokenizer))
    requests = []
    for i, question in enumerate(chat_prompts()[:PROMPTS]):
        prompt = COHERENCE.prompt(question=question, answer=ANSWERS[i % len(ANSWERS)])
        rendered = renderer.render_prompt([{"role": "user", "content": prompt}])
        requests.append(Request(rendered.ids, max_tokens=1, temperature=0.0))
    return requests


def run(engine: Engine, checkpoint: Checkpoint, requests: list[Request]) -> tuple[float, list[Completion]]:
    """Generate one batch.

    Returns:
        Seconds on the wall clock, and the completions in the order of the requests.
    """
    done: dict[int, Completion] = {}
    start = time.perf_counter()
    engine.generate(checkpoint, requests, done.__setitem__)
    seconds = time.perf_counter() - start
    return seconds, [done[row] for row in range(len(requests))]


def main() -> None:
    """Time both by turns, compare their tokens, print the ratio."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--model", default="toy", help="a checkpoint, as after inoc/")
    parser.add_argument("--repeats", type=int, default=REPEATS, help="timed batches of each kind")
    arguments = parser.parse_args()

    checkpoint = resolve(arguments.model)
    engine = load_engine(checkpoint, "cpu", "float32")
    plain = judge_requests(checkpoint)
    exact = [replace(request, options=OPTIONS) for request in plain]
    _, one_token = run(engine, checkpoint, plain)
    _, scored = run(engine, checkpoint, exact)
    times = [
        (run(engine, checkpoint, plain)[0], run(engine, checkpoint, exact)[0])
        for _ in range(arguments.repeats)
    ]
    one, all_options = (statistics.median(seconds) for seconds in zip(*times, strict=True))

    lengths = [len(request.prompt) for request in plain]
    mass = statistics.fmean(sum((completion.options or {}).values()) for completion in scored)
    console = Console(highlight=False)
    console.print(f"{len(plain)} prompts of {min(lengths)} to {max(lengths)} tokens, {len(OPTIONS)} options")
    console.print(f"one token    {1000 * one:7.1f} ms a batch")
    console.print(
        f"all options  {1000 * all_options:7.1f} ms a batch; they hold {mass:.3g} of the probability"
    )
    console.print(f"ratio        {all_options / one:7.2f}")
    if [completion.text for completion in one_token] != [completion.text for completion in scored]:
        raise SystemExit("the greedy tokens differ")
    if all_options / one > LIMIT:
        raise SystemExit(f"the ratio is above {LIMIT}")


if __name__ == "__main__":
    main()
