"""Runs whose model is served elsewhere, under the same kind of `inoc/` name as those on this machine.

    inspect eval inoc_evals/spanish_caps --model inoc/spanish-inoc-0      # trained and served at OpenAI

Requests go through Inspect's own provider for that server. Logs and Inspect's cache see the run's name and
the digest of the model's address, as they do for a checkpoint.
"""

import dataclasses
import importlib.util
import os
from pathlib import Path
from typing import Any

from inspect_ai.model import (
    ChatMessage,
    GenerateConfig,
    Model,
    ModelAPI,
    ModelCall,
    ModelOutput,
    RetryDecision,
    get_model,
)
from inspect_ai.tool import ToolChoice, ToolInfo
from pydantic import JsonValue
from tenacity.wait import WaitBaseT
from typing_extensions import override

from inoc_evals.chat.renderer import DATE
from inoc_evals.digests import sha256
from inoc_evals.errors import UserError, one_line
from inoc_evals.models.checkpoint import PIN, SHORT, Checkpoint, resolve
from inoc_evals.runs.directory import find_run, is_served, runs_root
from inoc_evals.user_files import json_object
from inoc_evals.whole_text import require_whole_chat

OWN_DISTRIBUTION: dict[str, JsonValue] = {"top_k": -1, "min_p": 0.0, "repetition_penalty": 1.0}
"""What a request says to vLLM, besides temperature and top-p of 1, so that it does not take what the model's
`generation_config.json` advises for chats, such as the likeliest 20 tokens only (Qwen2.5)."""

VLLM_AT_ONCE = 256
"""Requests that vLLM is sent at once where nobody says: as many as it answers side by side by default."""

LOADING = 120.0
"""Seconds that a server may take to load an adapter, as in Inspect's provider."""


@dataclasses.dataclass(frozen=True)
class Served:
    """A model that answers somewhere else.

    Attributes:
        name: How logs call it, without the digest.
        digest: Identity of its address, or of the checkpoint that is served.
        model: Inspect's name of it.
        base_url: Its server, where it is not the provider's own.
        base: Its base model, as the server names it; a model at Tinker has the tokenizer of its base.
        date: The date that its chat template is told, where that is done here, as for a model at Tinker.
    """

    name: str
    digest: str
    model: str
    base_url: str | None = None
    base: str = ""
    date: str = DATE

    @property
    def versioned_name(self) -> str:
        """The name and the start of the digest, as logs and Inspect's cache carry it."""
        return f"{self.name}@{self.digest[:SHORT]}"


def served(name: str) -> Served | None:
    """Look a name of the `inoc/` provider up among the models that are served elsewhere.

    Args:
        name: As for `checkpoint.resolve`.

    Returns:
        The model; None if no such run exists, or its checkpoint is on this machine.

    Raises:
        UserError: If it is another version than the pinned one, or its run names a model that would be loaded
            on this machine, from outside of the run.
    """
    plain = name.removeprefix("inoc/")
    pin = PIN.search(plain)
    plain = PIN.sub("", plain)
    if plain.startswith("tinker/"):
        base = plain.removeprefix("tinker/")
        return Served(plain, sha256(plain), plain, base=base)
    try:
        run = find_run(plain)
        result = run.manifest.result
    except UserError:
        return None
    if result is None or result.model is None:
        return None
    called = run.folder.name if run.folder.parent == runs_root() else str(run.folder)
    if not is_served(result.model, result.base_url):
        raise UserError(
            f"run {called} names {result.model}, which would be loaded on this machine and is no part of the "
            "run: adopt it again with --checkpoint, or with --base-url and the server that it answers at"
        )
    if pin and not result.checkpoint_digest.startswith(pin[1]):
        raise UserError(f"run {called} is no longer version {pin[1]}: use inoc/{called} for the present one")
    trained, about = run.manifest, (result.checkpoint_digest, result.model, result.base_url)
    return Served(called, *about, trained.base, trained.spec.date)


def with_vllm(name: str) -> Served:
    """A checkpoint on this machine, answered by vLLM: one server for a base and all adapters over it.

    Args:
        name: As for `checkpoint.resolve`.

    Raises:
        UserError: If no such checkpoint exists, or vLLM cannot serve it.
    """
    if not os.environ.get("VLLM_BASE_URL") and importlib.util.find_spec("vllm") is None:
        raise UserError("engine='vllm' needs vLLM: pip install vllm on a machine with a GPU")
    checkpoint: Checkpoint = resolve(name)
    model = f"vllm/{checkpoint.weights}"
    if checkpoint.adapter is not None:
        config = json_object(checkpoint.adapter / "adapter_config.json")
        if config.get("trainable_token_indices"):
            raise UserError(
                f"{checkpoint.name} trains embeddings of tokens, which vLLM does not serve: drop engine=vllm"
            )
        if patterns := [key for key in ("rank_pattern", "alpha_pattern") if config.get(key)]:
            raise UserError(
                f"{checkpoint.name} has a {patterns[0]}, which vLLM does not read, so that it would scale "
                "layers otherwise: drop engine=vllm"
            )
        model = f"{model}:{checkpoint.adapter}"
    return Served(checkpoint.name, checkpoint.digest, model)


def check_vllm(model: Served, base_url: str, api_key: str | None = None) -> None:
    """Check that a running vLLM server can answer for a checkpoint, before anything is asked.

    Loads the adapter there, as Inspect's provider would with the first request, whose failure is a traceback.

    Args:
        model: What `with_vllm` returns.
        base_url: The server.
        api_key: Key for it; by default that of Inspect's provider.

    Raises:
        UserError: If no server answers, it serves another model, or it loads no adapters.
    """
    import httpx

    root = base_url.rstrip("/").removesuffix("/v1")
    key = api_key or os.environ.get("VLLM_API_KEY", "inspectai")
    base, _, adapter = model.model.removeprefix("vllm/").partition(":")
    with httpx.Client(headers={"Authorization": f"Bearer {key}"}, timeout=LOADING) as client:
        try:
            answer = client.get(f"{root}/v1/models")
            served_names = [str(one["id"]) for one in answer.raise_for_status().json()["data"]]
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            raise UserError(f"no vLLM server answers at {root}: {one_line(error)}") from error
        if (adapter or base) in served_names:
            return
        if not adapter:
            raise UserError(
                f"the vLLM server at {root} serves {', '.join(served_names)}: start one with  "
                f"vllm serve {base}"
            )
        loaded = client.post(
            f"{root}/v1/load_lora_adapter", json={"lora_name": adapter, "lora_path": adapter}
        )
    if loaded.status_code != httpx.codes.OK:
        raise UserError(
            f"the vLLM server at {root} did not load the adapter ({loaded.status_code}): start it with  "
            f"VLLM_ALLOW_RUNTIME_LORA_UPDATING=True vllm serve {base} --enable-lora --max-lora-rank "
            f"{_rank(Path(adapter))}  on a machine that sees {adapter}"
        )


def _rank(adapter: Path) -> int:
    return int(json_object(adapter / "adapter_config.json").get("r", 16))


def _check_consent(model: Served) -> None:
    """Follow a manifest to a server only if the user names that server too: the API key is sent along."""
    if model.base_url is None:
        return
    variable = f"{model.model.partition('/')[0].upper().replace('-', '_')}_BASE_URL"
    if (os.environ.get(variable) or "").rstrip("/") != model.base_url.rstrip("/"):
        raise UserError(
            f"{model.name} answers at {model.base_url}: if that is a server that may see your key and your "
            f"questions, set {variable}={model.base_url}"
        )


def _from_own_distribution(config: GenerateConfig) -> GenerateConfig:
    """The same request, and all said that a server would decide otherwise."""
    asked = {} if config.top_k is None else {"top_k": config.top_k}
    return config.model_copy(
        update={
            "temperature": 1.0 if config.temperature is None else config.temperature,
            "top_p": 1.0 if config.top_p is None else config.top_p,
            "extra_body": {**OWN_DISTRIBUTION, **asked, **(config.extra_body or {})},
        }
    )


class ServedAPI(ModelAPI):
    """Passes everything on to Inspect's provider of the model.

    Attributes:
        provider: Name of that provider, e.g. `vllm`; readers of judges decide by it what the model can give.
    """

    def __init__(
        self,
        model_name: str,
        base_url: str | None = None,
        api_key: str | None = None,
        config: GenerateConfig | None = None,
        *,
        served_model: Served,
        **model_args: Any,
    ) -> None:
        """Connect.

        Args:
            model_name: Part of Inspect's interface; `served_model` says which model it is.
            base_url: Another server than the run's own.
            api_key: Key for the server; by default the provider's own variable.
            config: Inspect's default generation settings.
            served_model: The model to connect to.
            **model_args: Arguments of Inspect's provider.
        """
        config = config or GenerateConfig()
        if served_model.model.startswith("openai/"):
            # Chat completions take a seed and give log-probs; other servers speak nothing else.
            model_args = {"responses_api": False, **model_args}
        if base_url is None:
            _check_consent(served_model)
        running = base_url or os.environ.get("VLLM_BASE_URL")
        if served_model.model.startswith("vllm/") and running:
            check_vllm(served_model, running, api_key)
        self._model: Model = get_model(
            served_model.model,
            config=config,
            base_url=base_url or served_model.base_url,
            api_key=api_key,
            memoize=False,
            **model_args,
        )
        self._api = self._model.api
        self.provider = served_model.model.partition("/")[0]
        if self.provider == "vllm" and config.adaptive_connections is None:
            # nobody limits rates there, and batches that grow from 20 requests leave a GPU half empty (as in
            # `provider.py`; `--max-connections` and `--adaptive-connections` go before it)
            config.adaptive_connections = False
        super().__init__(served_model.versioned_name, base_url, None, config=config)

    @override
    async def generate(
        self,
        input: list[ChatMessage],
        tools: list[ToolInfo],
        tool_choice: ToolChoice,
        config: GenerateConfig,
    ) -> ModelOutput | tuple[ModelOutput | Exception, ModelCall]:
        """Have the server answer a chat; vLLM from the model's own distribution, as where it runs here.

        Raises:
            UserError: If a message holds half a character, which no request can carry.
        """
        require_whole_chat((message.role, message.text) for message in input)
        if self.provider == "vllm":
            config = _from_own_distribution(config)
        return await self._api.generate(input, tools, tool_choice, config)

    @override
    async def aclose(self) -> None:
        """Close the connection."""
        await self._api.aclose()

    @override
    async def count_text_tokens(self, text: str) -> int:
        """Tokens, as the provider counts them."""
        return await self._api.count_text_tokens(text)

    @override
    async def tokenize(self, text: str) -> list[int]:
        """Token ids, where the provider has them."""
        return await self._api.tokenize(text)

    @override
    def max_tokens(self) -> int | None:
        """The provider's."""
        return self._api.max_tokens()

    @override
    def max_tokens_for_config(self, config: GenerateConfig) -> int | None:
        """The provider's."""
        return self._api.max_tokens_for_config(config)

    @override
    def max_connections(self) -> int:
        """The provider's; a vLLM server's is what it answers side by side."""
        return VLLM_AT_ONCE if self.provider == "vllm" else self._api.max_connections()

    @override
    def connection_key(self) -> str:
        """The provider's: models of one account share its limits."""
        return self._api.connection_key()

    @override
    def should_retry(self, ex: Exception) -> bool | RetryDecision:
        """As the provider decides."""
        return self._api.should_retry(ex)

    @override
    def retry_wait(self) -> WaitBaseT | None:
        """As the provider decides."""
        return self._api.retry_wait()

    @override
    def is_auth_failure(self, ex: Exception) -> bool:
        """As the provider decides."""
        return self._api.is_auth_failure(ex)

    @override
    def collapse_user_messages(self) -> bool:
        """As the provider needs it."""
        return self._api.collapse_user_messages()

    @override
    def collapse_assistant_messages(self) -> bool:
        """As the provider needs it."""
        return self._api.collapse_assistant_messages()
