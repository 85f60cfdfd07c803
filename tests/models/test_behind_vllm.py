"""Behind vLLM a checkpoint reads what it reads here, and ends where it ends here; else one line says why."""

import asyncio
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from inspect_ai import Task
from inspect_ai import eval as inspect_eval
from inspect_ai.dataset import Sample
from inspect_ai.model import ChatMessageUser, ContentReasoning, GenerateConfig, Model, get_model
from inspect_ai.solver import generate

from inoc_evals.chat.renderer import load_renderer, load_tokenizer
from inoc_evals.errors import UserError
from inoc_evals.models.served import ServedAPI, with_vllm
from tests.fake_openai import reply
from tests.fake_openai.http import Call, Listener, Response
from tests.models.parts import build_adapter
from tests.tiny import TEMPLATE, build_tiny

OWN = "Be polite. " + TEMPLATE
CLOCK = "{{ strftime_now('%Y-%m-%d') }}" + TEMPLATE
THINKS = TEMPLATE.replace("%}<|assistant|>{% endif", "%}<|assistant|><think>{% endif")


class Vllm(Listener):
    """What vLLM 0.32 does with these requests, but for the answers.

    Attributes:
        asked: The bodies of requests for an answer.
        loaded: Adapters by name.
    """

    def __init__(
        self, base: Path, *, trusts: bool = True, template: str | None = None, said: str = "Hi"
    ) -> None:
        super().__init__(
            {
                "GET /v1/models": lambda call: Response.of({"data": self.cards()}),
                "POST /v1/load_lora_adapter": self.load,
                "POST /tokenize": self.tokenize,
                "POST /v1/chat/completions": self.chat,
            }
        )
        self.base, self.trusts, self.said = base, trusts, said
        self.tokenizer = load_tokenizer(base)
        self.template = template or self.tokenizer.chat_template
        self.asked: list[dict[str, Any]] = []
        self.loaded: dict[str, str] = {}

    def cards(self) -> list[dict[str, Any]]:
        base = {"id": str(self.base), "root": str(self.base), "parent": None, "max_model_len": 512}
        return [base, *({"id": n, "root": p, "parent": str(self.base)} for n, p in self.loaded.items())]

    def load(self, call: Call) -> Response:
        self.loaded[call.json["lora_name"]] = call.json["lora_path"]
        return Response("Success")

    def tokenize(self, call: Call) -> Response:
        asked = call.json
        if asked.get("chat_template") and not self.trusts:
            return Response.error(400, "Chat template is passed with request, but ... is not set.")
        text = self.tokenizer.apply_chat_template(
            asked["messages"],
            chat_template=asked.get("chat_template") or self.template,
            add_generation_prompt=True,
            tokenize=False,
        )
        return Response.of({"tokens": self.tokenizer(text, add_special_tokens=False)["input_ids"]})

    def chat(self, call: Call) -> Response:
        self.asked.append(call.json)
        assert call.json["model"] in [card["id"] for card in self.cards()]
        return Response.of(reply(self.said).body(call.json))


@pytest.fixture(autouse=True)
def no_server_of_another_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """Inspect remembers the server of a base for as long as the process lives."""
    from inspect_ai.model._providers import _vllm_lora, vllm

    servers: dict[str, Any] = {}
    monkeypatch.setattr(_vllm_lora, "_vllm_servers", servers)
    monkeypatch.setattr(vllm, "_vllm_servers", servers)
    monkeypatch.delenv("VLLM_BASE_URL", raising=False)


def behind(server: Vllm, name: Path, monkeypatch: pytest.MonkeyPatch, **arguments: Any) -> Model:
    monkeypatch.setenv("VLLM_BASE_URL", server.base_url)
    return get_model(f"inoc/{name}", engine="vllm", memoize=False, **arguments)


def ask(model: Model, **config: Any) -> Any:
    return asyncio.run(model.generate([ChatMessageUser(content="Hello")], config=GenerateConfig(**config)))


def adapter_with(template: str, folder: Path, tiny: Path) -> Path:
    """An adapter that was saved with its tokenizer and a template, as TRL, axolotl and Unsloth do."""
    adapter = build_adapter(folder, tiny, 1)
    tokenizer = load_tokenizer(tiny)
    tokenizer.chat_template = template
    tokenizer.save_pretrained(adapter)
    return adapter


def with_template(template: str, folder: Path) -> Path:
    build_tiny(folder)
    (folder / "chat_template.jinja").write_text(template)
    return folder


def test_an_adapters_own_template_goes_along(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Vllm(tiny) as server:
        ask(behind(server, adapter_with(OWN, tmp_path / "own", tiny), monkeypatch))
        ask(behind(server, build_adapter(tmp_path / "plain", tiny, 2), monkeypatch))
    own, plain = server.asked
    assert own["chat_template"] == OWN
    assert "chat_template" not in plain


def test_a_server_that_takes_no_template_is_one_line(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Vllm(tiny, trusts=False) as server:
        with pytest.raises(UserError, match=r"is not its base's.* --trust-request-chat-template") as error:
            behind(server, adapter_with(OWN, tmp_path / "own", tiny), monkeypatch)
        assert "\n" not in str(error.value)
        behind(server, adapter_with(TEMPLATE, tmp_path / "same", tiny), monkeypatch)  # which is the base's


def test_a_template_that_reads_the_clock_is_told_the_date_of_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = with_template(CLOCK, tmp_path / "model")
    with Vllm(model) as server:
        models = [behind(server, model, monkeypatch, **of) for of in ({}, {"date": "2025-02-03"})]
        for one in models:
            ask(one)
    tokenizer = load_tokenizer(model)
    shown = [
        tokenizer.apply_chat_template(
            asked["messages"], chat_template=asked["chat_template"], tokenize=False
        )[:10]
        for asked in server.asked
    ]
    assert shown == ["2024-07-26", "2025-02-03"]
    assert models[0].api.base_url != models[1].api.base_url  # by which Inspect's cache tells them apart


def test_a_server_that_reads_chats_otherwise_is_one_line(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody started it with a template of theirs."""
    with Vllm(tiny, template=OWN) as server, pytest.raises(UserError, match="makes other tokens of a chat"):
        behind(server, tiny, monkeypatch)


def test_an_adapter_with_a_tokenizer_of_its_own_is_one_line(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VLLM_BASE_URL", "http://127.0.0.1:1")
    adapter = adapter_with(TEMPLATE, tmp_path / "adapter", tiny)
    load_tokenizer(build_tiny(tmp_path / "other", merges=(("H", "e"),))).save_pretrained(adapter)
    with pytest.raises(
        UserError, match="a tokenizer of its own, and vLLM reads its base's: drop engine=vllm"
    ):
        with_vllm(str(adapter))


def test_an_answer_ends_where_it_ends_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a base such as Qwen2.5-7B: its template ends a turn by another token than its tokenizer a text."""
    model = build_tiny(tmp_path / "model")
    config = json.loads((model / "tokenizer_config.json").read_text("utf-8"))
    (model / "tokenizer_config.json").write_text(json.dumps({**config, "eos_token": "<|pad|>"}))
    (model / "generation_config.json").write_text(json.dumps({"eos_token_id": 0}))
    with Vllm(model) as server:
        ask(behind(server, model, monkeypatch))
    assert server.asked[0]["stop_token_ids"] == [0, 1] == sorted(load_renderer(model).end_tokens)


@pytest.mark.parametrize("said", ["They want it.</think>Hola", "<think>They want it.</think>Hola"])
def test_reasoning_is_no_part_of_the_answer(
    said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = with_template(THINKS if said.startswith("They") else TEMPLATE, tmp_path / "model")
    with Vllm(model, said=said) as server:
        answer = ask(behind(server, model, monkeypatch))
    assert answer.completion == answer.message.text == "Hola"
    assert isinstance(answer.message.content[0], ContentReasoning)


def test_what_is_all_reasoning_is_an_empty_answer(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Inspect takes the whole for the answer where nothing follows it."""
    with Vllm(tiny, said="<think>They want it.</think>") as server:
        answer = ask(behind(server, tiny, monkeypatch))
    assert answer.completion == answer.message.text == ""


def test_an_adapter_is_loaded_anew_when_its_files_are_others(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server went on with those that it had read under this path."""
    with Vllm(tiny) as server:
        for seed in (1, 2, 2):
            ask(behind(server, build_adapter(tmp_path / "adapter", tiny, seed), monkeypatch))
    assert len(server.loaded) == 2
    assert Counter(asked["model"] for asked in server.asked) == dict(zip(server.loaded, (1, 2), strict=True))


def test_a_server_of_another_base_is_one_line(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would put the adapter over what it has, if that has the same shape."""
    adapter = build_adapter(tmp_path / "adapter", tiny, 1)
    with Vllm(build_tiny(tmp_path / "other", seed=9)) as server:
        with pytest.raises(UserError, match=f"is an adapter over {tiny}: start one with  vllm serve"):
            behind(server, adapter, monkeypatch)
        assert not server.loaded


def test_arguments_that_a_running_server_cannot_heed_are_one_line(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        Vllm(tiny) as server,
        pytest.raises(UserError, match=r"^dtype, max_model_len: an argument of vllm serve"),
    ):
        behind(server, tiny, monkeypatch, dtype="float32", max_model_len=64)


def test_a_server_of_our_own_takes_templates_from_requests(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda *_: object())
    model = get_model(f"inoc/{tiny}", engine="vllm", memoize=False, dtype="float32")
    assert isinstance(model.api, ServedAPI)
    asked_for = model.api._api.server_args  # type: ignore[attr-defined]
    assert asked_for == {"dtype": "float32", "trust_request_chat_template": True}


def test_a_seed_draws_every_epoch_and_every_question_anew(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """vLLM gives the same answer to the same question and seed: ten epochs were one answer ten times."""
    task = Task(dataset=[Sample(input="Hello"), Sample(input="Bye")], solver=generate(), epochs=3)
    with Vllm(tiny) as server:
        for _ in range(2):
            [log] = inspect_eval(
                task,
                behind(server, tiny, monkeypatch),
                seed=7,
                log_dir=str(tmp_path),
                display="none",
            )
            assert log.status == "success"
    seeds = Counter((asked["messages"][0]["content"], asked["seed"]) for asked in server.asked)
    assert len(seeds) == len({seed for _, seed in seeds}) == 6
    assert set(seeds.values()) == {2}  # the same evaluation draws the same
