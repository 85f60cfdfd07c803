"""Where a server answers for a checkpoint, it draws from the distribution that this machine draws from."""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from inspect_ai.model import GenerateConfig, ModelOutput

from inoc_evals.errors import UserError
from inoc_evals.models.served import Served, ServedAPI, with_vllm
from tests.models.parts import build_adapter


class Server:
    """Writes down what it is asked."""

    async def generate(self, input: Any, tools: Any, tool_choice: Any, config: GenerateConfig) -> ModelOutput:
        self.asked = config
        return ModelOutput.from_content("model", "Yes.")


def asked(provider: str, **config: Any) -> GenerateConfig:
    """What reaches a server of Inspect's provider."""
    api, server = ServedAPI.__new__(ServedAPI), Server()
    api.provider, api._api = provider, server  # type: ignore[assignment]
    asyncio.run(api.generate([], [], "none", GenerateConfig(**config)))
    return server.asked


def test_vllm_is_told_to_take_no_advice() -> None:
    """Of Qwen2.5 it would draw at .7 among the likeliest 20 tokens, with a penalty on what was said."""
    said = asked("vllm", max_tokens=3)
    assert (said.temperature, said.top_p, said.max_tokens) == (1.0, 1.0, 3)
    assert said.extra_body == {"top_k": -1, "min_p": 0.0, "repetition_penalty": 1.0}


@pytest.mark.parametrize(
    ("config", "field", "value"),
    [
        ({"temperature": 0.0}, "temperature", 0.0),
        ({"top_p": 0.5}, "top_p", 0.5),
        (
            {"extra_body": {"min_p": 0.1}},
            "extra_body",
            {"top_k": -1, "min_p": 0.1, "repetition_penalty": 1.0},
        ),
        ({"top_k": 5}, "extra_body", {"top_k": 5, "min_p": 0.0, "repetition_penalty": 1.0}),
    ],
)
def test_what_a_user_says_holds(config: dict[str, Any], field: str, value: Any) -> None:
    assert getattr(asked("vllm", **config), field) == value


def test_others_are_sent_what_they_know() -> None:
    """OpenAI refuses fields that it does not know, and decides nothing by itself."""
    assert asked("openai", max_tokens=3) == GenerateConfig(max_tokens=3)


def connected(
    monkeypatch: pytest.MonkeyPatch, model: str, config: GenerateConfig
) -> tuple[GenerateConfig, int]:
    """The settings that Inspect reads of a model, and how many requests the provider takes."""
    provider = SimpleNamespace(api=SimpleNamespace(max_connections=lambda: 10))
    monkeypatch.setattr("inoc_evals.models.served.get_model", lambda *_, **__: provider)
    monkeypatch.delenv("VLLM_BASE_URL", raising=False)
    api = ServedAPI("x", served_model=Served("x", "0" * 64, model), config=config)
    return config, api.max_connections()


def test_vllm_is_sent_all_that_it_answers_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    """Inspect would begin with 20 requests and send more as answers come."""
    config, most = connected(monkeypatch, "vllm/m", GenerateConfig())
    assert (config.adaptive_connections, most) == (False, 256)
    config, _ = connected(monkeypatch, "vllm/m", GenerateConfig(adaptive_connections=True))
    assert config.adaptive_connections is True
    config, most = connected(monkeypatch, "openai/ft:m", GenerateConfig())
    assert (config.adaptive_connections, most) == (None, 10)  # which limits rates


@pytest.mark.parametrize("pattern", [{"rank_pattern": {"q_proj": 8}}, {"alpha_pattern": {"q_proj": 64}}])
def test_an_adapter_whose_layers_vllm_would_scale_otherwise_is_refused(
    pattern: dict[str, Any], tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It reads one rank and one alpha for all layers."""
    monkeypatch.setenv("VLLM_BASE_URL", "http://127.0.0.1:1")
    adapter = build_adapter(tmp_path / "adapter", tiny, 1)
    assert with_vllm(str(adapter)).model.endswith(str(adapter))
    adapter = build_adapter(tmp_path / "patterned", tiny, 1, **pattern)
    with pytest.raises(UserError, match="_pattern, which vLLM does not read"):
        with_vllm(str(adapter))
