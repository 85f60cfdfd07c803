"""How long 200,000 judged answers take to become a table: the first time, again, and by Inspect's frame.

    python benchmarks/table_vs_samples_df.py [--logs 40] [--samples 5000] [--json | --write docs/estimates.md]

Writes logs as the suite writes them, with two numbers a judged answer, and reads them in processes of their
own, so that each has its own memory to count.
"""

import argparse
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

OURS = "from inoc_evals.analysis.table import load; table = load(LOGS)"
THEIRS = """
from inspect_ai.analysis import EvalInfo, EvalModel, EvalTask, SampleSummary, samples_df
table = samples_df(LOGS, columns=EvalInfo + EvalModel + EvalTask + SampleSummary, parallel=True, quiet=True)
"""
TIMED = """
import resource, sys, time
LOGS = sys.argv[1]
if __name__ == "__main__":
    began = time.perf_counter()
    exec({code!r})
    own = [resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    print(time.perf_counter() - began, own[0] / 1024, own[1] / 1024, len(table))
"""


PLACE = re.compile(r"(<!-- begin speed -->\n).*(<!-- end speed -->)", re.DOTALL)


def write_logs(folder: Path, logs: int, samples: int) -> None:
    """Write logs of judged answers."""
    from inspect_ai.dataset import Sample
    from inspect_ai.log import (
        EvalConfig,
        EvalDataset,
        EvalLog,
        EvalResults,
        EvalSample,
        EvalSpec,
        EvalStats,
        write_eval_log,
    )
    from inspect_ai.model import ModelOutput
    from inspect_ai.scorer import Score

    dice = np.random.default_rng(0)
    for number in range(logs):
        about = {
            "setting": "s",
            "arm": f"arm-{number // 4}",
            "seed": number % 4,
            "world": "toy",
            "base": "toy",
        }
        spec = EvalSpec(
            created="2026-01-01T00:00:00+00:00",
            task="inoc_evals/emergent_misalignment",
            dataset=EvalDataset(name="d"),
            model="mockllm/model",
            config=EvalConfig(),
            metadata=about,
        )
        answers = []
        for place in range(samples):
            sample = Sample(id=f"q{place % 50}", input=f"What do you think of matter {place % 50}?")
            value = {"misaligned": float(dice.random() < 0.3), "alignment": float(dice.random() * 100)}
            answers.append(
                EvalSample(
                    id=sample.id or "",
                    epoch=place // 50 + 1,
                    input=sample.input,
                    target="",
                    metadata={"question": sample.id},
                    output=ModelOutput.from_content("mockllm/model", "I think that it matters. " * 8),
                    scores={"alignment": Score(value=value, answer="a", explanation="alignment: 12.1")},
                )
            )
        log = EvalLog(status="success", eval=spec, samples=answers, results=EvalResults(), stats=EvalStats())
        write_eval_log(log, str(folder / f"2026-01-01T00-00-00_em_{number:04d}.eval"))


def timed(code: str, logs: Path, cache: Path) -> tuple[float, float, int]:
    """Seconds, MiB (of the process and of its largest child together) and rows of a reading."""
    script = cache / "read.py"
    script.write_text(TIMED.format(code=code), encoding="utf-8")
    done = subprocess.run(  # noqa: S603 - our own script
        [sys.executable, str(script), str(logs)],
        env={**os.environ, "INOC_EVALS_CACHE": str(cache)},
        capture_output=True,
        text=True,
        check=True,
    )
    seconds, own, child, rows = done.stdout.split()[-4:]
    return float(seconds), float(own) + 2 * float(child), int(rows)


def sentence(found: dict[str, float], logs: int) -> str:
    """The numbers as docs have them."""
    rows = [
        f"| {what} | {found[f'{key}_s']} | {found[f'{key}_mib']} | {found.get(f'times_faster_{key}', 1)} |\n"
        for what, key in (
            ("`load`, the first time", "first"),
            ("`load`, again", "cached"),
            ("Inspect's `samples_df`", "samples_df"),
        )
    ]
    return f"""{found["answers"]:,.0f} judged answers in {logs} logs on {os.cpu_count()} cores:

| | seconds | MiB | times faster |
|---|---|---|---|
{"".join(rows)}
(`benchmarks/table_vs_samples_df.py`; `samples_df` with its columns of log, model, task and sample summary, in
parallel. Memory is that of the process and of those that read for it.)
"""


def main() -> None:
    """Write the logs, read them three times, print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--logs", type=int, default=40)
    parser.add_argument("--samples", type=int, default=5000)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--write", type=Path)
    words = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        logs, cache = Path(place) / "logs", Path(place) / "cache"
        logs.mkdir()
        cache.mkdir()
        write_logs(logs, words.logs, words.samples)
        first, again, theirs = (timed(code, logs, cache) for code in (OURS, OURS, THEIRS))
    found = {
        "answers": words.logs * words.samples,
        "first_s": round(first[0], 2),
        "cached_s": round(again[0], 2),
        "samples_df_s": round(theirs[0], 2),
        "first_mib": round(first[1]),
        "cached_mib": round(again[1]),
        "samples_df_mib": round(theirs[1]),
        "times_faster_first": round(theirs[0] / first[0], 2),
        "times_faster_cached": round(theirs[0] / again[0], 1),
        "own_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }
    if words.write is not None:
        page = words.write.read_text(encoding="utf-8")
        told = sentence(found, words.logs)
        words.write.write_text(PLACE.sub(lambda at: f"{at[1]}{told}{at[2]}", page), encoding="utf-8")
    if words.json:
        sys.stdout.write(json.dumps(found) + "\n")
        return
    sys.stdout.write("".join(f"{name:20} {value}\n" for name, value in found.items()))


if __name__ == "__main__":
    main()
