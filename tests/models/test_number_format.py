"""In which number format a model answers and trains, and that answers in different ones are told apart."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from inspect_ai import Task, eval
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import get_model
from inspect_ai.solver import generate
from safetensors.torch import load_file

from inoc_evals.errors import UserError
from inoc_evals.finetune import finetune
from inoc_evals.finetune.merged import merged
from inoc_evals.models import number_format
from inoc_evals.models.provider_args import read_provider_args
from tests.finetune.small import small_rows, small_spec


@pytest.fixture(params=[True, False], ids=["quick", "slow"])
def quick(request, monkeypatch):
    """A CPU that multiplies bfloat16 natively, or does not."""
    monkeypatch.setattr(number_format, "quick_bfloat16", lambda: request.param)
    return request.param


@pytest.fixture
def halved(tmp_path, tiny) -> Path:
    """The tiny model, stored in bfloat16."""
    import torch
    from transformers import AutoModelForCausalLM

    folder = Path(shutil.copytree(tiny, tmp_path / "halved"))
    AutoModelForCausalLM.from_pretrained(tiny, dtype=torch.bfloat16).save_pretrained(folder)
    return folder


def log_of(folder, tmp_path, **arguments):
    task = Task(MemoryDataset([Sample("hello"), Sample("word")]), solver=generate())
    model = get_model(f"inoc/{folder}", device="cpu", memoize=False, **arguments)
    config = {"max_tokens": 5, "temperature": 0.0}
    log = eval(task, model=model, log_dir=str(tmp_path / "logs"), display="none", **config)[0]
    assert log.status == "success"
    return log


def test_auto_is_the_stored_format_where_the_cpu_is_quick_in_it(quick, halved, tiny, tmp_path):
    for folder, expected in [(halved, "bfloat16" if quick else "float32"), (tiny, "float32")]:
        for sample in log_of(folder, tmp_path).samples:
            assert sample.output.metadata["dtype"] == expected
    assert log_of(halved, tmp_path, dtype="float32").samples[0].output.metadata["dtype"] == "float32"


def test_what_is_made_of_a_base_computes_as_the_base_does(halved, tmp_path):
    """Else a run that started from another one, or trained all weights, is shown apart from its base."""

    def trained(name, **changes):
        spec = small_spec(halved, max_steps=1, warmup_steps=0, precision="fp32", **changes)
        return finetune(spec, small_rows(8), name=name, runs=tmp_path / "runs", progress=False)

    full = trained("full", lora=None, trained_tokens=(), token_learning_rate=None)
    for folder in (merged(trained("adapter")), full.checkpoint):
        assert number_format.stored_format(folder) == number_format.stored_format(halved) == "bfloat16"
        weights = load_file(folder / "model.safetensors")
        assert {weight.dtype for weight in weights.values()} == {torch.float32}  # nothing is rounded away
        assert number_format.settled(folder, "cuda", "auto") == "bfloat16"


def test_an_adapter_trains_in_bf16_where_the_base_is_stored_in_it(quick, halved, tiny, tmp_path):
    def precision(base, **changes):
        spec = small_spec(base, max_steps=1, warmup_steps=0, **changes)
        result = finetune(
            spec, small_rows(8), name="small", runs=tmp_path / "runs", progress=False
        ).manifest.result
        return result.precision

    assert precision(halved) == ("bf16" if quick else "fp32")
    assert precision(halved, precision="fp32") == "fp32"
    assert precision(tiny) == "fp32"


def test_answers_in_different_formats_are_not_pooled(tiny, tmp_path):
    from inoc_evals import spanish_caps
    from inoc_evals.analysis.observed import RATE, groups
    from inoc_evals.analysis.table import load

    for dtype in ("float32", "bfloat16"):
        eval(
            spanish_caps(questions="toy"),
            model=f"inoc/{tiny}",
            model_args={"device": "cpu", "dtype": dtype},
            limit=2,
            epochs=1,
            max_tokens=4,
            log_dir=str(tmp_path / "logs"),
            display="none",
        )
    found = groups(load(tmp_path / "logs"), RATE)
    assert {group["dtype"] for group in found} == {None, "bfloat16"}


def test_deterministic_answers_one_at_a_time_in_float32():
    args = read_provider_args({"deterministic": True})
    assert (args.batch_size, args.dtype) == (1, "float32")
    assert read_provider_args({"deterministic": True, "dtype": "bfloat16"}).dtype == "bfloat16"
    with pytest.raises(UserError, match="one request at a time: leave batch_size out"):
        read_provider_args({"deterministic": True, "batch_size": 8})
    with pytest.raises(UserError, match="deterministic='yes' is none of true, false"):
        read_provider_args({"deterministic": "yes"})


def test_a_format_is_part_of_what_identifies_answers(tmp_path):
    assert number_format.of_answers("abc", "float32") == "abc"  # as in logs from before formats were named
    assert number_format.of_answers("abc", "bfloat16") == "abc+bfloat16"
    assert number_format.of_answers("abc", "float32", "2026-01-31") == "abc+2026-01-31"
    (tmp_path / "config.json").write_text(json.dumps({"text_config": {"dtype": "bfloat16"}}))
    assert number_format.stored_format(tmp_path) == "bfloat16"
