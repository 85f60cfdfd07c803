"""How much faster two Ray workers run the toy's experiment of 12 finetunes than one after the other.

    python benchmarks/ray_vs_sequential.py [--json]

Both are given the same trials in empty folders, with the cluster already up, as it is in a laboratory.
"""

import argparse
import json
import os
import sys
import tempfile

import ray
from ray.cluster_utils import Cluster
from rich.console import Console

from inoc_evals.experiment.engines import Engine, LocalEngine
from inoc_evals.experiment.experiment import Experiment
from inoc_evals.experiment.plan import make_plan
from inoc_evals.experiment.ray_engine import RayEngine
from inoc_evals.experiment.run import run

ARMS = ("none", "spanish-inoc", "caps-inoc", "irrelevant")


def seconds(engine: Engine) -> float:
    """Run the experiment in an empty folder."""
    with tempfile.TemporaryDirectory() as folder:
        experiment = Experiment(
            settings=("spanish_caps",),
            arms=ARMS,
            seeds=(0, 1, 2),
            runs=f"{folder}/runs",
            logs=f"{folder}/logs",
        )
        outcome = run(make_plan(experiment), engine, Console(stderr=True))
        assert not outcome.failed and len(outcome.done) == 13
        return outcome.seconds


def main() -> None:
    """Run both, and say how they compare."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--json", action="store_true")
    as_json = parser.parse_args().json
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    cluster.add_node(num_cpus=1)
    os.environ["RAY_ADDRESS"] = cluster.address
    try:
        spread = seconds(RayEngine())
    finally:
        ray.shutdown()
        cluster.shutdown()
    alone = seconds(LocalEngine(workers=1))
    found = {"sequential": round(alone, 1), "ray": round(spread, 1), "ratio": round(alone / spread, 2)}
    if as_json:
        sys.stdout.write(json.dumps(found) + "\n")
    else:
        Console().print(
            "12 finetunes and the base: {sequential} s one after the other, {ray} s with two Ray workers: "
            "{ratio} times faster".format(**found)
        )


if __name__ == "__main__":
    main()
