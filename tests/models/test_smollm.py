"""On a real language model: what the suite computes is what transformers, PEFT and arithmetic say.

About two minutes on two cores, most of it loading; see `tests/real_model.py`.
"""

import json
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

from inoc_evals.chat import Renderer, load_renderer
from inoc_evals.finetune import FinetuneSpec, LoraSpec, Run, find_run, finetune
from inoc_evals.models.checkpoint import resolve
from inoc_evals.models.engine import load_engine
from inoc_evals.models.request import Completion, Request
from tests.finetune.processes import TRAINED, end, start
from tests.finetune.small import small_rows
from tests.models.parts import generate
from tests.models.test_options import brute_force
from tests.real_model import smollm

QUESTIONS = ("What is the capital of France?", "Hi!", "Name three colours of the rainbow, please.")


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return load_renderer(smollm())


@pytest.fixture(scope="module")
def prompts(renderer: Renderer) -> list[tuple[int, ...]]:
    return [renderer.render_prompt([{"role": "user", "content": text}]).ids for text in QUESTIONS]


@pytest.fixture(scope="module")
def reference() -> Any:
    return AutoModelForCausalLM.from_pretrained(smollm(), dtype=torch.float32).eval()


def spec(**changes: Any) -> FinetuneSpec:
    fields: dict[str, Any] = {
        "base": str(smollm()),
        "lora": LoraSpec(r=4),
        "learning_rate": 1e-3,
        "max_steps": 4,
        "batch_size": 4,
        "gradient_accumulation": 1,
        "warmup_steps": 1,
        "precision": "fp32",
    }
    return FinetuneSpec(**{**fields, **changes})


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return finetune(spec(), small_rows(), name="run", runs=tmp_path_factory.mktemp("runs"), progress=False)


def answers(name: Path, requests: Sequence[Request]) -> list[Completion]:
    checkpoint = resolve(str(name))
    return generate(load_engine(checkpoint, "cpu", "float32"), checkpoint, list(requests))


def greedy(model: Any, prompt: Sequence[int], tokens: int) -> list[int]:
    ids = torch.tensor([prompt])
    mask = torch.ones_like(ids)
    out = model.generate(input_ids=ids, attention_mask=mask, do_sample=False, max_new_tokens=tokens)
    return [int(token) for token in out[0, len(prompt) :]]


def test_greedy_answers_are_those_of_generate(
    renderer: Renderer, prompts: list[tuple[int, ...]], reference: Any
) -> None:
    together = answers(smollm(), [Request(prompt, max_tokens=16, temperature=0.0) for prompt in prompts])
    for prompt, answer in zip(prompts, together, strict=True):
        expected = greedy(reference, prompt, 16)
        assert answer.text == renderer.tokenizer.decode(expected, skip_special_tokens=True)
        assert answer.output_tokens == len(expected)


def test_the_log_probs_of_a_prompt_are_those_of_one_forward_pass(
    prompts: list[tuple[int, ...]], reference: Any
) -> None:
    requests = [Request(prompt, max_tokens=1, temperature=0.0, prompt_logprobs=1) for prompt in prompts]
    for prompt, answer in zip(prompts, answers(smollm(), requests), strict=True):
        with torch.inference_mode():
            logprobs = reference(torch.tensor([prompt])).logits[0].double().log_softmax(-1)
        expected = [logprobs[place, token].item() for place, token in enumerate(prompt[1:])]
        assert [entry.logprob for entry in answer.prompt_logprobs] == pytest.approx(expected, abs=1e-4)


def test_an_adapters_answers_are_those_of_peft(
    renderer: Renderer, prompts: list[tuple[int, ...]], run: Run
) -> None:
    base = AutoModelForCausalLM.from_pretrained(smollm(), dtype=torch.float32)
    model = PeftModel.from_pretrained(base, run.checkpoint).eval()
    trained = answers(run.folder, [Request(prompt, max_tokens=12, temperature=0.0) for prompt in prompts])
    plain = answers(smollm(), [Request(prompt, max_tokens=12, temperature=0.0) for prompt in prompts])
    texts = [
        renderer.tokenizer.decode(greedy(model, prompt, 12), skip_special_tokens=True) for prompt in prompts
    ]
    assert [answer.text for answer in trained] == texts
    assert [answer.text for answer in plain] != texts  # the finetune did something


def test_a_judge_that_writes_one_digit_a_token_is_read_exactly(renderer: Renderer, reference: Any) -> None:
    tokenizer = renderer.tokenizer
    assert len(tokenizer("100", add_special_tokens=False)["input_ids"]) == 3
    options = ("7", "42", "100", "NO")
    question = "On a scale from 0 to 100, how kind is this answer: 'Hello, friend!'? Reply with the number."
    prompt = renderer.render_prompt([{"role": "user", "content": question}]).ids
    [answer] = answers(smollm(), [Request(prompt, max_tokens=1, temperature=0.0, options=options)])
    special = set(tokenizer.all_special_ids)
    texts = ["" if n in special else tokenizer.decode([n]) for n in range(len(tokenizer))]
    with torch.inference_mode():
        expected = brute_force(reference, texts, prompt, options)
    assert answer.options == pytest.approx(expected, abs=1e-5)
    assert max(expected.values()) > 1e-4


def test_the_loss_of_packed_rows_is_that_of_the_rows_alone(tmp_path: Path) -> None:
    rows = small_rows(4)
    losses, tokens = [], []
    for packing in (False, True):
        made = finetune(
            spec(max_steps=1, batch_size=len(rows), packing=packing, warmup_steps=0),
            rows,
            name=f"packing-{packing}",
            runs=tmp_path,
            progress=False,
        )
        losses.append(json.loads(made.losses.read_text("utf-8").splitlines()[0])["loss"])
        tokens.append(made.manifest.result and made.manifest.result.loss_tokens)
    assert losses[0] == pytest.approx(losses[1], abs=1e-3)
    assert tokens[0] == tokens[1]


def test_killed_and_resumed_it_is_the_undisturbed_one_to_the_byte(tmp_path: Path) -> None:
    undisturbed, killed = tmp_path / "undisturbed", tmp_path / "killed"
    plan = spec(save_steps=2)
    assert end(start(plan, undisturbed), 300) == TRAINED
    assert end(start(plan, killed, ("open", "checkpoint-4/trainer_state.json")), 300) == -signal.SIGKILL
    assert end(start(plan, killed), 300) == TRAINED
    first, second = find_run("run", undisturbed), find_run("run", killed)
    result = second.manifest.result
    assert result is not None and result.resumed_at == 2
    weights = "adapter_model.safetensors"
    assert (first.checkpoint / weights).read_bytes() == (second.checkpoint / weights).read_bytes()
    assert first.losses.read_bytes() == second.losses.read_bytes()
