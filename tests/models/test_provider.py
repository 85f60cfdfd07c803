"""`inoc/` through Inspect itself: real evaluations of real checkpoints."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from inspect_ai import Task, eval
from inspect_ai.dataset import Sample
from inspect_ai.model import (
    CachePolicy,
    ChatMessageAssistant,
    ChatMessageSystem,
    ChatMessageUser,
    ContentImage,
    ContentText,
    GenerateConfig,
    get_model,
    get_model_info,
)
from inspect_ai.scorer import includes, perplexity, target_perplexity
from inspect_ai.solver import generate
from inspect_ai.tool import tool
from transformers import AutoModelForCausalLM, AutoTokenizer

from inoc_evals.errors import UserError
from tests.models.parts import build_run
from tests.tiny import build_tiny


@pytest.fixture(autouse=True)
def _private(tmp_path, monkeypatch):
    monkeypatch.setenv("INSPECT_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("INSPECT_LOG_DIR", str(tmp_path / "logs"))
    monkeypatch.setenv("INSPECT_DISPLAY", "none")
    monkeypatch.chdir(tmp_path)


def ask(model, prompt, **config):
    return asyncio.run(
        get_model(model, memoize=False).generate(
            prompt, config=GenerateConfig(**{"max_tokens": 12, **config})
        )
    )


def task(n=6, epochs=1, scorer=None, **config):
    return Task(
        dataset=[Sample(input=f"question {i}" + "?" * i, target="x") for i in range(n)],
        solver=generate(),
        scorer=scorer or includes(),
        epochs=epochs,
        config=GenerateConfig(**{"max_tokens": 12, **config}),
    )


def answers(log):
    assert log.status == "success", log.error
    return {(sample.id, sample.epoch): sample.output.completion for sample in log.samples}


def test_a_greedy_answer_says_what_it_is(tiny):
    output = ask(f"inoc/{tiny}", "hello", temperature=0, logprobs=True, top_logprobs=3)
    tokenizer = AutoTokenizer.from_pretrained(tiny)
    ids = tokenizer("<|user|>hello<|end|><|assistant|>", return_tensors="pt")["input_ids"]
    model = AutoModelForCausalLM.from_pretrained(tiny).eval()
    expected = model.generate(ids, do_sample=False, max_new_tokens=12)[0, ids.shape[1] :]
    assert output.completion == tokenizer.decode(expected, skip_special_tokens=True)
    assert output.stop_reason == ("stop" if expected[-1] == tokenizer.eos_token_id else "max_tokens")
    assert (output.usage.input_tokens, output.usage.output_tokens) == (ids.shape[1], len(expected))
    assert output.usage.total_tokens == ids.shape[1] + len(expected)
    content = output.choices[0].logprobs.content
    assert len(content) == len(expected)
    assert all(len(entry.top_logprobs) == 3 for entry in content)
    assert [entry.logprob for entry in content] == [entry.top_logprobs[0].logprob for entry in content]
    assert output.metadata["checkpoint_digest"].startswith(output.model.rsplit("@", 1)[1])


def test_usage_counts_no_padding(tiny):
    log = eval(task(temperature=0), model=f"inoc/{tiny}")[0]
    for sample in log.samples:
        user = f"question {sample.id - 1}" + "?" * (sample.id - 1)
        assert sample.output.usage.input_tokens == len(user) + 3


def test_equal_rendered_prompts_have_equal_digests(tiny):
    def digest(*messages):
        return ask(f"inoc/{tiny}", list(messages), max_tokens=1).metadata["prompt_digest"]

    user = ChatMessageUser(content="hi")
    assert digest(user) == digest(ChatMessageUser(content=[ContentText(text="hi")]))
    assert digest(user) != digest(ChatMessageSystem(content="Be brief."), user)


def test_an_empty_system_message_reaches_the_model(tiny):
    messages = [ChatMessageSystem(content=""), ChatMessageUser(content="hi")]
    output = ask(f"inoc/{tiny}", messages, temperature=0, prompt_logprobs=1)
    assert output.usage.input_tokens == len("hi") + 5
    tokens = [entry.token for entry in output.choices[0].prompt_logprobs.content]
    assert tokens[-6:] == ["<|end|>", "<|user|>", "h", "i", "<|end|>", "<|assistant|>"]


def test_a_last_message_of_the_assistant_is_continued(tiny):
    messages = [ChatMessageUser(content="hi"), ChatMessageAssistant(content="Well")]
    output = ask(f"inoc/{tiny}", messages, temperature=0, prompt_logprobs=1)
    tokens = [entry.token for entry in output.choices[0].prompt_logprobs.content]
    assert tokens[-5:] == ["<|assistant|>", "W", "e", "l", "l"]
    assert output.usage.input_tokens == len("hi") + len("Well") + 3


def test_a_seed_reproduces_an_evaluation_and_varies_over_its_samples_and_epochs(tiny):
    first, again, other = (
        answers(eval(task(epochs=3, seed=seed), model=f"inoc/{tiny}")[0]) for seed in (1, 1, 2)
    )
    assert first == again
    assert all(first[key] != other[key] for key in first)
    assert len(set(first.values())) == len(first)


def test_without_a_seed_answers_vary(tiny):
    assert len({ask(f"inoc/{tiny}", "hello").completion for _ in range(3)}) == 3


def test_several_choices_are_drawn_apart_and_all_counted(tiny):
    output = ask(f"inoc/{tiny}", "hello", num_choices=4, seed=1)
    texts = [choice.message.text for choice in output.choices]
    assert len(set(texts)) == 4
    assert output.usage.output_tokens > 12
    assert texts == [c.message.text for c in ask(f"inoc/{tiny}", "hello", num_choices=4, seed=1).choices]


@pytest.mark.parametrize(
    "other", [{"dtype": "bfloat16"}, {"date": "2020-02-02"}], ids=lambda arguments: next(iter(arguments))
)
def test_the_cache_never_answers_for_another_format_or_date(tmp_path, other):
    name = f"inoc/{build_tiny(tmp_path / 'model')}"
    config = GenerateConfig(max_tokens=4, temperature=0, cache=CachePolicy(expiry=None))

    def answered(**arguments):
        output = asyncio.run(get_model(name, memoize=False, **arguments).generate("hello", config=config))
        return output.choices[0].message.id  # new for every answer that is generated

    first = answered()
    assert answered() == first
    assert answered(**other) != first
    assert answered(**other) == answered(**other)


def test_the_cache_never_answers_for_another_checkpoint_at_the_same_path(tmp_path, monkeypatch):
    folder = tmp_path / "checkpoint"
    config = {"temperature": 0, "cache": CachePolicy(expiry=None)}
    build_tiny(folder, seed=0)
    first = ask(f"inoc/{folder}", "hello", **config)
    assert (ask(f"inoc/{folder}", "hello", **config).time, first.completion) == (first.time, first.completion)
    build_tiny(folder, seed=1)
    second = ask(f"inoc/{folder}", "hello", **config)
    assert second.completion != first.completion
    assert second.completion == ask(f"inoc/{folder}", "hello", temperature=0).completion
    build_tiny(folder, seed=0)
    third = ask(f"inoc/{folder}", "hello", **config)
    assert (third.completion, third.metadata) == (first.completion, first.metadata)


def test_a_checkpoint_replaced_under_a_live_model_is_noticed(tmp_path):
    folder = build_tiny(tmp_path / "checkpoint", seed=0)
    model = get_model(f"inoc/{folder}", memoize=False)
    asyncio.run(model.generate("hello", config=GenerateConfig(max_tokens=1)))
    build_tiny(folder, seed=1)
    with pytest.raises(UserError, match="changed on disk"):
        asyncio.run(model.generate("hello", config=GenerateConfig(max_tokens=1)))


def test_an_evaluation_of_several_checkpoints_loads_their_base_once(tmp_path, adapters, monkeypatch):
    loads = []
    load = AutoModelForCausalLM.from_pretrained
    monkeypatch.setattr(
        AutoModelForCausalLM, "from_pretrained", lambda *a, **k: loads.append(a) or load(*a, **k)
    )
    monkeypatch.setenv("INOC_EVALS_RUNS", str(tmp_path / "runs"))
    base = build_tiny(tmp_path / "base", seed=11)
    names = ["token_a", "plain", "token_b"]
    runs = [build_run(tmp_path / "runs", name, base, adapters[name]) for name in names]
    logs = eval(task(temperature=0), model=[f"inoc/{base}", *(f"inoc/{name}" for name in names)])
    assert len(loads) == 1
    assert [log.eval.model.split("@")[0] for log in logs[1:]] == [f"inoc/{run.folder.name}" for run in runs]
    assert len({tuple(answers(log).values()) for log in logs}) == 4
    for run, log in zip(runs, logs[1:], strict=True):
        digest = run.manifest.result.checkpoint_digest
        assert {sample.output.metadata["checkpoint_digest"] for sample in log.samples} == {digest}


def test_the_name_in_a_log_evaluates_the_same_checkpoint_again(tiny):
    log = eval(task(temperature=0), model=f"inoc/{tiny}")[0]
    again = eval(task(temperature=0), model=log.eval.model)[0]
    assert again.eval.model == log.eval.model
    assert answers(again) == answers(log)


def test_perplexity_scorers_read_the_prompts_logprobs(tiny):
    log = eval(task(n=3, prompt_logprobs=1, max_tokens=1, scorer=perplexity()), model=f"inoc/{tiny}")[0]
    tokenizer = AutoTokenizer.from_pretrained(tiny)
    model = AutoModelForCausalLM.from_pretrained(tiny).eval()
    assert log.status == "success"
    for sample in log.samples:
        ids = tokenizer(f"<|user|>{sample.input}<|end|><|assistant|>", return_tensors="pt")["input_ids"]
        with torch.no_grad():
            loss = model(ids, labels=ids).loss.item()
        assert sample.scores["perplexity"].value == pytest.approx(loss, abs=1e-4)


def test_target_perplexity_of_a_fixed_answer(tiny):
    answer = "Hola"
    chat = [ChatMessageUser(content="hi"), ChatMessageAssistant(content=answer)]
    log = eval(
        Task(
            dataset=[Sample(input=chat, metadata={"target_text": answer})],
            solver=generate(),
            scorer=target_perplexity(),
            config=GenerateConfig(max_tokens=1, prompt_logprobs=1),
        ),
        model=f"inoc/{tiny}",
    )[0]
    tokenizer = AutoTokenizer.from_pretrained(tiny)
    ids = tokenizer(f"<|user|>hi<|end|><|assistant|>{answer}", return_tensors="pt")["input_ids"]
    with torch.no_grad():
        logits = AutoModelForCausalLM.from_pretrained(tiny)(ids).logits[0].log_softmax(-1)
    own = logits[:-1].gather(-1, ids[0, 1:, None]).squeeze(-1)[-len(answer) :]
    assert log.samples[0].scores["target_perplexity"].value == pytest.approx(-own.mean().item(), abs=1e-4)


def test_a_prompt_that_fills_the_context_is_an_empty_answer(tiny):
    output = ask(f"inoc/{tiny}", "x" * 600)
    assert (output.completion, output.stop_reason) == ("", "model_length")
    assert output.usage.output_tokens == 0
    assert "603 prompt tokens in a context of 512" in output.metadata["too_long"]


@tool
def adder():
    async def execute(x: int, y: int) -> int:
        """Add.

        Args:
            x: One.
            y: Other.
        """
        return x + y

    return execute


def test_what_it_cannot_do_it_refuses_in_one_line(tiny):
    image = ContentImage(image="data:image/png;base64,iVBORw0KGgo=")
    model = get_model(f"inoc/{tiny}")
    cases = [
        (lambda: model.generate("hi", tools=[adder()]), "calls no tools"),
        (lambda: model.generate([ChatMessageUser(content=[image])]), "text only, not image"),
        (lambda: model.generate("hi", config=GenerateConfig(frequency_penalty=1)), "no frequency_penalty"),
    ]
    for call, said in cases:
        with pytest.raises(UserError) as caught:
            asyncio.run(call())
        assert said in str(caught.value)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("inoc/no-such-run", {}, "no run 'no-such-run'"),
        ("inoc/{tiny}", {"engine": "vllm"}, "engine='vllm'"),
        ("inoc/{tiny}", {"temprature": 1}, "no model argument temprature"),
    ],
)
def test_a_bad_model_is_one_line_before_anything_runs(tiny, name, arguments, said):
    with pytest.raises(UserError) as caught:
        eval(task(), model=name.format(tiny=tiny), model_args=arguments)
    assert said in str(caught.value)


def test_a_setting_that_it_does_not_have_stops_an_evaluation_before_it_starts(tiny):
    with pytest.raises(UserError, match="no frequency_penalty"):
        eval(task(), model=f"inoc/{tiny}", frequency_penalty=1)


def test_a_tokenizer_without_a_chat_template_is_refused(tmp_path):
    folder = build_tiny(tmp_path / "model")
    (folder / "chat_template.jinja").unlink()
    with pytest.raises(UserError, match="no chat template"):
        ask(f"inoc/{folder}", "hi")


def test_inspect_knows_the_context_length(tiny):
    model = get_model(f"inoc/{tiny}")
    assert get_model_info(str(model)).context_length == 512


def test_the_registry_and_the_provider_load_without_torch():
    code = (
        "import sys, json, inoc_evals._registry, inoc_evals.models.provider, inoc_evals.models.checkpoint;"
        "print(json.dumps([m for m in ('torch', 'transformers', 'peft', 'trl') if m in sys.modules]))"
    )
    root = Path(__file__).parents[2]
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root
    )
    assert json.loads(result.stdout) == []
