"""How long it takes to plan ten thousand runs, and how much memory.

    python benchmarks/plan_ten_thousand.py [--json]

Two settings, half of their runs found finished: their manifests are written first, and not counted.
"""

import argparse
import json
import resource
import sys
import tempfile
import time

from rich.console import Console

from inoc_evals.experiment.experiment import Experiment
from inoc_evals.experiment.plan import make_plan
from inoc_evals.runs.directory import Result, plan_run


def main() -> None:
    """Plan, and say what it took."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--json", action="store_true")
    as_json = parser.parse_args().json
    with tempfile.TemporaryDirectory() as folder:
        # 4 and 5 arms, as they usually are, and 1,112 seeds of each.
        experiment = Experiment(
            settings=("spanish_caps", "insecure_code"), seeds=tuple(range(1112)), runs=folder
        )
        trials = [trial for trial in experiment.trials() if trial.seed is not None]
        for trial in trials[::2]:
            metadata = {"declared": trial.declared}
            run, manifest = plan_run(
                trial.spec, trial.declared, "0" * 64, name=trial.run_name, runs=folder, metadata=metadata
            )
            result = Result(seconds=1.0, rows=400, epochs=2.0, checkpoint_digest="0" * 64)
            run.folder.mkdir()
            run.write_manifest(manifest.model_copy(update={"status": "finished", "result": result}))
        started = time.perf_counter()
        plan = make_plan(experiment)
        seconds = time.perf_counter() - started
    # Linux counts in KiB, macOS in bytes.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (
        1024**2 if sys.platform == "darwin" else 1024
    )
    found = {
        "runs": plan.new + plan.trained,
        "trained": plan.trained,
        "seconds": round(seconds, 2),
        "peak_mib": round(peak),
    }
    if as_json:
        sys.stdout.write(json.dumps(found) + "\n")
    else:
        Console().print(
            "{runs:,} runs planned, {trained:,} of them found finished, in {seconds} s; peak memory "
            "{peak_mib} MiB".format(**found)
        )


if __name__ == "__main__":
    main()
