"""The engine against plain transformers: one prompt at a time, no padding, no cache of ours."""

import gc
import shutil
import weakref
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from inoc_evals.errors import UserError
from inoc_evals.finetune import finetune
from inoc_evals.finetune.merged import start_from
from inoc_evals.models import engine as engines
from inoc_evals.models.checkpoint import resolve
from inoc_evals.models.engine import Engine, choose_device, load_engine
from inoc_evals.models.provider_args import ProviderArgs
from inoc_evals.models.request import Request
from tests.finetune.small import small_rows, small_spec
from tests.models.parts import ASSISTANT, build_adapter, generate

PROMPTS = [
    (3, 40, 1, 4),
    (3, 104, 101, 108, 108, 111, 1, 4),
    (2, 50, 51, 52, 53, 54, 55, 56, 57, 58, 1, 3, 60, 61, 62, 63, 64, 65, 66, 67, 1, 4),
    (3, 99, 98, 97, 1, 4),
    (3, *range(20, 120), 1, 4),
]
TOLERANCE = 1e-4


def engine_of(folder: Path) -> Engine:
    return load_engine(resolve(str(folder)), "cpu", "auto")


def plain_greedy(model, prompt, length):
    """Greedy continuation and its log-probabilities by full forward passes."""
    ids, tokens, logprobs = list(prompt), [], []
    for _ in range(length):
        with torch.no_grad():
            step = model(torch.tensor([ids])).logits[0, -1].log_softmax(-1)
        token = int(step.argmax())
        tokens.append(token)
        logprobs.append(step)
        ids.append(token)
        if token == model.config.eos_token_id:
            break
    return tokens, logprobs


def check_against(model, completions, length):
    for prompt, completion in zip(PROMPTS, completions, strict=True):
        tokens, logprobs = plain_greedy(model, prompt, length)
        assert [entry.token for entry in completion.logprobs] == tokens
        assert completion.output_tokens == len(tokens)
        for entry, expected in zip(completion.logprobs, logprobs, strict=True):
            assert entry.logprob == pytest.approx(expected[entry.token].item(), abs=TOLERANCE)
            values, indices = expected.topk(5)
            assert [value for _, value in entry.top] == pytest.approx(values.tolist(), abs=TOLERANCE)
            assert [index for index, _ in entry.top] == indices.tolist()


def greedy(length=20):
    return [
        Request(prompt, max_tokens=length, temperature=0, logprobs=True, top_logprobs=5) for prompt in PROMPTS
    ]


def test_greedy_tokens_and_logprobs_equal_plain_transformers(tiny):
    completions = generate(engine_of(tiny), resolve(str(tiny)), greedy())
    model = AutoModelForCausalLM.from_pretrained(tiny).eval()
    check_against(model, completions, 20)
    tokenizer = AutoTokenizer.from_pretrained(tiny)
    for prompt, completion in zip(PROMPTS, completions, strict=True):
        whole = model.generate(torch.tensor([prompt]), do_sample=False, max_new_tokens=20)[0, len(prompt) :]
        assert completion.text == tokenizer.decode(whole, skip_special_tokens=True)


def test_a_sampled_tokens_logprob_is_its_own_and_untempered(tiny):
    request = Request(PROMPTS[1], max_tokens=12, temperature=1.7, seed=3, logprobs=True, top_logprobs=1)
    completion = generate(engine_of(tiny), resolve(str(tiny)), [request])[0]
    chosen = [entry.token for entry in completion.logprobs]
    assert chosen != [entry.top[0][0] for entry in completion.logprobs]
    model = AutoModelForCausalLM.from_pretrained(tiny).eval()
    with torch.no_grad():
        logits = model(torch.tensor([[*PROMPTS[1], *chosen]])).logits[0].log_softmax(-1)
    for place, entry in enumerate(completion.logprobs, start=len(PROMPTS[1]) - 1):
        assert entry.logprob == pytest.approx(logits[place, entry.token].item(), abs=TOLERANCE)


def test_prompt_logprobs_equal_a_plain_forward_pass(tiny):
    requests = [
        Request(prompt, max_tokens=1, temperature=0, prompt_logprobs=n)
        for prompt, n in zip(PROMPTS, [1, 3, 1, 2, 5], strict=True)
    ]
    requests.append(Request(PROMPTS[0], max_tokens=1, temperature=0))
    completions = generate(engine_of(tiny), resolve(str(tiny)), requests)
    assert completions[-1].prompt_logprobs == ()
    model = AutoModelForCausalLM.from_pretrained(tiny).eval()
    for prompt, request, completion in zip(PROMPTS, requests, completions, strict=False):
        with torch.no_grad():
            expected = model(torch.tensor([prompt])).logits[0].log_softmax(-1)
        assert [entry.token for entry in completion.prompt_logprobs] == list(prompt[1:])
        for place, entry in enumerate(completion.prompt_logprobs):
            assert entry.logprob == pytest.approx(expected[place, entry.token].item(), abs=TOLERANCE)
            assert len(entry.top) == (request.prompt_logprobs if request.prompt_logprobs > 1 else 0)


def test_many_adapters_in_one_process_answer_as_if_each_were_alone(tiny, adapters):
    engine = engine_of(tiny)
    for name in [*adapters, *reversed(adapters)]:
        completions = generate(engine, resolve(str(adapters[name])), greedy(8))
        alone = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(tiny), adapters[name]).eval()
        check_against(alone, completions, 8)
    completions = generate(engine, resolve(str(tiny)), greedy(8))
    check_against(AutoModelForCausalLM.from_pretrained(tiny).eval(), completions, 8)


def test_adapters_differ_from_their_base_and_from_each_other(tiny, adapters):
    engine = engine_of(tiny)
    texts = {
        name: tuple(c.text for c in generate(engine, resolve(str(folder)), greedy(8)))
        for name, folder in {**adapters, "base": tiny}.items()
    }
    assert len(set(texts.values())) == len(texts)


def test_one_load_of_the_base_for_all_its_adapters(tmp_path, tiny, adapters, monkeypatch):
    loads = []
    load = AutoModelForCausalLM.from_pretrained
    monkeypatch.setattr(
        AutoModelForCausalLM, "from_pretrained", lambda *a, **k: loads.append(a) or load(*a, **k)
    )
    base = tmp_path / "base"
    shutil.copytree(tiny, base)
    (base / "generation_config.json").write_text('{"eos_token_id": [1]}')
    folders = [
        build_adapter(tmp_path / "one", base, 1, trainable_token_indices={"embed_tokens": [ASSISTANT]}),
        build_adapter(tmp_path / "two", base, 2),
    ]
    loads.clear()
    for folder in [*folders, base, *folders]:
        checkpoint = resolve(str(folder))
        generate(load_engine(checkpoint, "cpu", "auto"), checkpoint, greedy(2))
    assert len(loads) == 1


def alive(trees: list[weakref.ref]) -> int:
    return sum(tree() is not None for tree in trees)


def test_only_the_adapters_that_were_used_last_are_held(tiny, adapters, monkeypatch):
    monkeypatch.setattr(engines, "ADAPTERS", 2)
    engine = Engine(resolve(str(tiny)), torch.device("cpu"), "auto")
    texts, trees = {}, []
    for name in ["token_a", "plain", "token_only", "token_a"]:  # the last is loaded again
        checkpoint = resolve(str(adapters[name]))
        said = [completion.text for completion in generate(engine, checkpoint, greedy(4))]
        assert texts.setdefault(name, said) == said
        trees.append(weakref.ref(engine.model(checkpoint)))
        assert alive(trees) == min(len(trees), 2)


def test_only_the_bases_that_were_used_last_are_held(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(engines, "_engines", engines.Recent(2))
    trees = []
    for number in [0, 1, 2, 0]:
        folder = tmp_path / str(number)
        if not folder.exists():
            shutil.copytree(tiny, folder)
            (folder / "generation_config.json").write_text(f'{{"eos_token_id": {number}}}')
        engine = engine_of(folder)
        generate(engine, resolve(str(folder)), greedy(1))
        trees.append(weakref.ref(engine._base))
        del engine
        assert alive(trees) == min(len(trees), 2)


def test_libraries_are_out_of_the_search_for_garbage_and_models_are_not(tiny):
    engine_of(tiny)
    frozen = gc.get_freeze_count()
    assert frozen > 100_000  # torch and transformers
    model = Engine(resolve(str(tiny)), torch.device("cpu"), "auto")
    held = weakref.ref(model._base)
    del model
    gc.collect()
    assert held() is None and gc.get_freeze_count() <= frozen


def test_more_short_texts_than_long_ones_are_answered_at_once(tiny, monkeypatch):
    engine, asked = engine_of(tiny), []

    def answer(batch, requests, done, *, places, more):
        asked.append(places)

    monkeypatch.setattr(engine._within_memory, "answer", answer)
    config = engine._base.config
    a_token = 2 * config.num_hidden_layers * config.num_key_value_heads * 4
    a_token *= config.hidden_size // config.num_attention_heads
    monkeypatch.setattr(engines, "SHORT_TEXTS", 256 * a_token * 40)
    short, long = (Request(prompt=(1,) * 8, max_tokens=length, seed=0) for length in (32, 33))
    for requests in ([short], [short, long]):
        engine.generate(resolve(str(tiny)), requests, print, places=256, long_places=128)
    engine.generate(resolve(str(tiny)), [long], print, places=256)  # who asks for a number gets it
    assert asked == [256, 128, 256]
    assert (ProviderArgs(device="cpu").places, ProviderArgs(device="cpu").long_places) == (256, 128)
    for size in (4, 512):
        args = ProviderArgs(batch_size=size, device="cpu")
        assert (args.places, args.long_places) == (size, size)
    assert (ProviderArgs(device="cuda").places, ProviderArgs(device="cuda").long_places) == (64, 64)


def test_an_adapter_that_changes_its_base_changes_it_for_nobody_else(tmp_path, tiny, adapters):
    """PiSSA takes the strongest directions out of the weights of the base, which others share."""
    folder = build_adapter(tmp_path / "pissa", tiny, 1, init_lora_weights="pissa")
    file = folder / "adapter_model.safetensors"
    save_file({name: 2 * weight for name, weight in load_file(file).items()}, file)
    engine = Engine(resolve(str(tiny)), torch.device("cpu"), "auto")
    before = generate(engine, resolve(str(tiny)), greedy(8))
    completions = generate(engine, resolve(str(folder)), greedy(8))
    alone = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(tiny), folder).eval()
    check_against(alone, completions, 8)
    assert generate(engine, resolve(str(tiny)), greedy(8)) == before


def test_why_it_stopped(tiny):
    engine, checkpoint = engine_of(tiny), resolve(str(tiny))
    long = Request(PROMPTS[1], max_tokens=30, temperature=0)
    ended = generate(engine, checkpoint, [replace(long, temperature=1, seed=seed) for seed in range(40)])
    by_reason = {completion.stop_reason: completion for completion in ended}
    assert by_reason["stop"].output_tokens <= 30
    assert "<|end|>" not in by_reason["stop"].text
    assert by_reason["max_tokens"].output_tokens == 30
    assert generate(engine, checkpoint, [replace(long, max_tokens=3)])[0].stop_reason == "max_tokens"


def test_it_stops_where_the_template_ends_an_answer_whatever_the_configured_end(tmp_path, tiny):
    folder = Path(shutil.copytree(tiny, tmp_path / "model"))
    tokenizer = AutoTokenizer.from_pretrained(tiny)
    end, tokenizer.eos_token = tokenizer.eos_token_id, "<|pad|>"
    tokenizer.save_pretrained(folder)
    (folder / "generation_config.json").write_text(f'{{"eos_token_id": {tokenizer.pad_token_id}}}')
    requests = [Request(PROMPTS[1], max_tokens=30, seed=seed, logprobs=True) for seed in range(40)]
    completions = generate(engine_of(folder), resolve(str(folder)), requests)
    tokens = [[entry.token for entry in completion.logprobs] for completion in completions]
    assert any(answer[-1] == end for answer in tokens)
    assert not any(end in answer[:-1] for answer in tokens)


def test_the_end_of_the_context_is_a_reason_of_its_own(tiny):
    prompt = (3, *([50] * 500), 1, 4)
    request = Request(prompt, max_tokens=100, temperature=0)
    full = generate(engine_of(tiny), resolve(str(tiny)), [request, Request(PROMPTS[0], max_tokens=3)])
    assert (full[0].stop_reason, full[0].output_tokens) == ("model_length", 512 - len(prompt))
    assert full[1].output_tokens <= 3


def test_stop_sequences_end_the_answer_and_are_left_out(tiny):
    engine, checkpoint = engine_of(tiny), resolve(str(tiny))
    plain = generate(engine, checkpoint, [Request(PROMPTS[2], max_tokens=20, temperature=0)])[0]
    stop = plain.text[5:7]
    request = Request(PROMPTS[2], max_tokens=20, temperature=0, stop=(stop, "never there"))
    stopped = generate(engine, checkpoint, [request, replace(request, stop=())])
    assert stopped[0].text == plain.text[: plain.text.index(stop)]
    assert stopped[0].stop_reason == "stop"
    assert stopped[0].output_tokens < plain.output_tokens
    assert stopped[1] == plain


def test_broken_weights_are_named_not_answered(tmp_path, tiny):
    model = AutoModelForCausalLM.from_pretrained(tiny)
    with torch.no_grad():
        model.model.norm.weight.fill_(float("nan"))
    model.save_pretrained(tmp_path)
    AutoTokenizer.from_pretrained(tiny).save_pretrained(tmp_path)
    with pytest.raises(UserError, match="NaN or infinite"):
        generate(engine_of(tmp_path), resolve(str(tmp_path)), greedy(2))


def test_an_adapter_for_another_base_is_refused_in_one_line(tmp_path, tiny):
    model = AutoModelForCausalLM.from_pretrained(tiny)
    from transformers import LlamaForCausalLM

    model.config.hidden_size, model.config.intermediate_size = 64, 96
    other = tmp_path / "other"
    LlamaForCausalLM(model.config).save_pretrained(other)
    AutoTokenizer.from_pretrained(tiny).save_pretrained(other)
    folder = build_adapter(tmp_path / "adapter", other, 1)
    config = folder / "adapter_config.json"
    config.write_text(config.read_text().replace(str(other), str(tiny)))
    with pytest.raises(UserError, match="does not fit") as caught:
        generate(engine_of(tiny), resolve(str(folder)), greedy(2))
    assert "\n" not in str(caught.value)


def test_tokens_that_the_model_does_not_embed_are_one_line(tmp_path, tiny, monkeypatch):
    """Of an adapter with added tokens, saved without their embeddings; one that no text has is no matter."""
    adapter, tokenizer = build_adapter(tmp_path / "adapter", tiny, 1), AutoTokenizer.from_pretrained(tiny)
    new = len(tokenizer)
    tokenizer.add_special_tokens({"additional_special_tokens": ["<new>"]})
    tokenizer.save_pretrained(adapter)
    [told] = generate(engine_of(tiny), resolve(str(adapter)), greedy(2)[:1])
    assert told.output_tokens
    with pytest.raises(UserError, match=f"has a token {new}, and the model embeds {new}: .*added tokens"):
        generate(engine_of(tiny), resolve(str(adapter)), [replace(greedy(2)[0], prompt=(3, new, 1, 4))])
    tokenizer.chat_template = tokenizer.chat_template.replace("<|assistant|>", "<new>")
    tokenizer.save_pretrained(adapter)
    monkeypatch.setenv("INOC_EVALS_CACHE", str(tmp_path / "cache"))
    start = small_spec(Path(start_from(str(adapter)).base))
    with pytest.raises(UserError, match=f"has a token {new}, and the model embeds {new}: .*added tokens"):
        finetune(start, small_rows(), name="x", runs=tmp_path / "runs", progress=False)


def test_a_missing_device_is_refused():
    assert choose_device("cpu") == torch.device("cpu")
    with pytest.raises(UserError, match="no device 'cuda:99'"):
        choose_device("cuda:99")
