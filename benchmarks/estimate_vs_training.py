"""How far the estimated training time of `finetune --dry-run` is from the time that training takes.

    python benchmarks/estimate_vs_training.py [--trials 3] [--json]

On the embedded model. Estimate and training are timed in turn, in one process, so that both have the same
machine. Other work slows both, but not alike, which is why no test checks this.
"""

import argparse
import json
import statistics
import sys
import tempfile

from inoc_evals import toy_spec
from inoc_evals.finetune import finetune
from inoc_evals.finetune.estimate import estimate
from inoc_evals.worlds.toy import rows as toy


def measure(trials: int) -> dict[str, list[float]]:
    """Estimate and train `trials` times.

    Returns:
        Seconds estimated and seconds taken, one of each per trial.
    """
    rows = list(toy.spanish_caps(0))[:64]
    spec = toy_spec(0, max_steps=None, epochs=2.0, batch_size=8)
    estimated, taken = [], []
    for trial in range(trials):
        estimated.append(estimate(spec, rows).seconds)
        with tempfile.TemporaryDirectory() as runs:
            result = finetune(spec, rows, name=f"trial-{trial}", runs=runs, progress=False).manifest.result
        assert result is not None and result.seconds is not None
        taken.append(result.seconds)
    return {"estimated_s": estimated, "taken_s": taken}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trials", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    times = measure(arguments.trials)
    ratios = [
        estimated / taken for estimated, taken in zip(times["estimated_s"], times["taken_s"], strict=True)
    ]
    if arguments.json:
        sys.stdout.write(json.dumps({**times, "ratio": ratios}) + "\n")
        return
    for estimated, taken, ratio in zip(times["estimated_s"], times["taken_s"], ratios, strict=True):
        sys.stdout.write(f"estimated {estimated:6.2f} s, taken {taken:6.2f} s, ratio {ratio:.2f}" + "\n")
    sys.stdout.write(f"median ratio {statistics.median(ratios):.2f}" + "\n")


if __name__ == "__main__":
    main()
