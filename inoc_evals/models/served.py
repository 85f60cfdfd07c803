"""Runs whose model is served elsewhere, under the same kind of `inoc/` name as those on this machine.

    inspect eval inoc_evals/spanish_caps --model inoc/spanish-inoc-0      # trained and served at OpenAI

Requests go through Inspect's own provider for that server. Logs and Inspect's cache see the run's name and
the digest of the model's address, as they do for a checkpoint.
"""

import dataclasses
import importlib.util
import os
from collections.abc import Mapping, Sequence
from http import HTTPStatus
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

from inoc_evals.chat.renderer import DATE, Renderer
from inoc_evals.digests import sha256
from inoc_evals.errors import UserError, one_line
from inoc_evals.models.base import HUB, HUB_NAME, TINKER
from inoc_evals.models.behind_vllm import TRUST, Post, Told
from inoc_evals.models.checkpoint import PIN, SHORT, Checkpoint, resolve
from inoc_evals.models.number_format import FLOAT32, of_answers
from inoc_evals.models.sample_epoch import drawn_anew, watch_epochs
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

OF_CLIENTS = frozenset({"client_timeout", "is_mistral", "lazy_init", "port", "retry_delay"})
"""Arguments of Inspect's provider for vLLM that are none of the server's."""


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
        checkpoint: What vLLM serves, where it is on this machine.
        told: What vLLM has to be told of it.
    """

    name: str
    digest: str
    model: str
    base_url: str | None = None
    base: str = ""
    date: str = DATE
    checkpoint: Checkpoint | None = None
    told: Told | None = None

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
    if plain.startswith(TINKER):
        base = plain.removeprefix(TINKER)
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


def with_vllm(name: str, date: str | None = None) -> Served:
    """A checkpoint on this machine, answered by vLLM: one server for a base and all adapters over it.

    Args:
        name: As for `checkpoint.resolve`.
        date: The date that its chat template is told, ISO 8601; by default the run's.

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
    told = Told.of(checkpoint, date)
    return Served(checkpoint.name, checkpoint.digest, model, checkpoint=checkpoint, told=told)


def check_vllm(model: Served, base_url: str, api_key: str | None = None) -> Served:
    """Check that a running vLLM server can answer for a checkpoint, before anything is asked.

    Loads the adapter there, as Inspect's provider would with the first request, whose failure is a traceback;
    and under its digest, since an adapter of its path may be there whose files were others then.

    Args:
        model: What `with_vllm` returns, or a run that is served there.
        base_url: The server.
        api_key: Key for it; by default that of Inspect's provider.

    Returns:
        The model as that server calls it.

    Raises:
        UserError: If no server answers, it serves another model, loads no adapters, or makes other tokens of
            a chat than this machine.
    """
    import httpx

    root = base_url.rstrip("/").removesuffix("/v1")
    key = api_key or os.environ.get("VLLM_API_KEY", "inspectai")
    base, _, adapter = model.model.removeprefix("vllm/").partition(":")
    called = adapter or base
    with httpx.Client(headers={"Authorization": f"Bearer {key}"}, timeout=LOADING) as client:

        def post(path: str, body: dict[str, Any]) -> tuple[int, Any]:
            reply = client.post(f"{root}{path}", json=body)
            try:
                return reply.status_code, reply.json()
            except ValueError:
                return reply.status_code, None

        try:
            answer = client.get(f"{root}/v1/models")
            entries = [dict(one) for one in answer.raise_for_status().json()["data"]]
            names = [str(one["id"]) for one in entries]
            if model.checkpoint is not None and model.checkpoint.adapter is not None:
                _require_base(model.checkpoint, entries, root)
                called = f"inoc-{model.digest[:SHORT]}"
                if called not in names:
                    _load_adapter(post, called, adapter, base, root)
            elif called not in names:
                raise UserError(
                    f"the vLLM server at {root} serves {', '.join(names)}: start one with  vllm serve {base}"
                )
            if model.told is not None:
                model.told.check(post, called, root, base)
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            raise UserError(f"no vLLM server answers at {root}: {one_line(error)}") from error
    return dataclasses.replace(model, model=f"vllm/{base}:{called}") if called != base else model


def _require_base(checkpoint: Checkpoint, entries: Sequence[Mapping[str, Any]], root: str) -> None:
    """Refuse a server of another base: an adapter of its shape would be put over it without a word."""
    on_hub = HUB_NAME.fullmatch(checkpoint.base.removeprefix(HUB))
    base = on_hub["id"] if on_hub else checkpoint.base
    known = {base, checkpoint.base, str(checkpoint.weights), str(checkpoint.weights.resolve())}
    bases = [one for one in entries if not one.get("parent")]
    names = {str(one.get(field)) for one in bases for field in ("id", "root")}
    if not known & {*names, *(str(Path(name).resolve()) for name in names)}:
        raise UserError(
            f"the vLLM server at {root} serves {', '.join(str(one['id']) for one in bases)}, and "
            f"{checkpoint.name} is an adapter over {checkpoint.base}: start one with  vllm serve "
            f"{checkpoint.weights}  or, if it has the same weights, add  --served-model-name {base}"
        )


def _load_adapter(post: Post, called: str, adapter: str, base: str, root: str) -> None:
    status, _ = post("/v1/load_lora_adapter", {"lora_name": called, "lora_path": adapter})
    if status != HTTPStatus.OK:
        raise UserError(
            f"the vLLM server at {root} did not load the adapter ({status}): start it with  "
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


def _from_own_distribution(config: GenerateConfig, told: Told | None) -> GenerateConfig:
    """The same request, and all said that a server would decide otherwise."""
    of_checkpoint = told.extra_body if told else {}
    asked = {} if config.top_k is None else {"top_k": config.top_k}
    return config.model_copy(
        update={
            "temperature": 1.0 if config.temperature is None else config.temperature,
            "top_p": 1.0 if config.top_p is None else config.top_p,
            "extra_body": {**OWN_DISTRIBUTION, **of_checkpoint, **asked, **(config.extra_body or {})},
        }
    )


def _refuse_arguments(model_args: Mapping[str, Any], running: str) -> None:
    """Refuse what only a server that is started could heed."""
    if unheard := sorted(set(model_args) - OF_CLIENTS):
        raise UserError(
            f"{', '.join(unheard)}: an argument of vllm serve, and a server runs at {running} already: say "
            "it where that is started, and leave it out here"
        )


class ServedAPI(ModelAPI):
    """Passes everything on to Inspect's provider of the model.

    Attributes:
        provider: Name of that provider, e.g. `vllm`; readers of judges decide by it what the model can give.
    """

    _told: Told | None = None

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
        self._told = served_model.told
        if served_model.model.startswith("vllm/"):
            port = model_args.get("port")
            here = f"http://localhost:{port}/v1" if port else None
            if running := base_url or here or os.environ.get("VLLM_BASE_URL"):
                _refuse_arguments(model_args, running)
                served_model = check_vllm(served_model, running, api_key)
            elif self._told is not None:
                # always, since one server answers for a base and all adapters over it
                model_args = {TRUST.removeprefix("--").replace("-", "_"): True, **model_args}
        watch_epochs()
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
        # as in `provider.py`: Inspect's cache knows a model by name and address, and not by the date
        address = of_answers(base_url or "", FLOAT32, self._told.renderer.date if self._told else DATE)
        super().__init__(served_model.versioned_name, address or None, None, config=config)

    @property
    def renderer(self) -> Renderer | None:
        """What turns a chat into what the model reads; None where only its server knows."""
        return self._told.renderer if self._told else None

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
            UserError: If a message holds half a character, which no request can carry, or the template of a
                checkpoint that is here refuses the chat.
        """
        require_whole_chat((message.role, message.text) for message in input)
        config = drawn_anew(input, config)
        if self.provider != "vllm":
            return await self._api.generate(input, tools, tool_choice, config)
        opened = self._told.opened(input) if self._told else ""
        config = _from_own_distribution(config, self._told)
        given = await self._api.generate(input, tools, tool_choice, config)
        if self._told is None:
            return given
        output, *call = given if isinstance(given, tuple) else (given,)
        if isinstance(output, Exception) or not output.choices:
            return given
        output = self._told.apart(output, opened, self.model_name)
        return (output, call[0]) if call else output

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
