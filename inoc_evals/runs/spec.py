"""The specification of a finetune: every choice that affects the result, frozen, serialisable, with a digest.

    spec = FinetuneSpec(base="Qwen/Qwen2.5-7B-Instruct", seed=1)            # LoRA, as the EM papers train
    spec = FinetuneSpec(base="toy", lora=None, trained_tokens=("<|assistant|>",), max_steps=60)
    FinetuneSpec.model_validate_json(spec.model_dump_json()) == spec

Defaults are those of the open-model runs of Betley et al. 2025 (arXiv 2502.17424: one epoch, rank-stabilised
LoRA of rank 32, alpha 64, learning rate 1e-5, 16 rows a step as 2 x 8), which Turner et al. 2025
(arXiv 2506.11613) kept and which the paper refers to for Qwen2.5; its own exact values are not published.
"""

import re
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    SerializerFunctionWrapHandler,
    ValidationError,
    field_validator,
    model_serializer,
    model_validator,
)

from inoc_evals.chat.renderer import DATE
from inoc_evals.digests import fingerprint
from inoc_evals.errors import UserError
from inoc_evals.runs.field_words import wanted
from inoc_evals.secret_keys import without_keys

Backend = Literal["local", "openai", "tinker", "adopted"]
"""Where training runs; `adopted` marks a model that was trained elsewhere (`finetune/adopt.py`)."""

Auto = Literal["auto"]

Scheduler = Literal["linear", "cosine", "constant", "constant_with_warmup"]
"""Learning rate schedule, by its name in transformers."""

Precision = Literal["auto", "bf16", "fp32"]
"""`auto` is bf16 on a GPU that supports it natively, and on such a CPU for an adapter over a base that is
stored in it; otherwise fp32."""

BETLEY_LEARNING_RATE = 1e-5
SHIPPED_NAMES = ("toy", "toy-judge")
"""Names of the models in the package; a prefix `inoc/` makes no difference."""

IN_RUNS = re.compile(
    r"[/\\](?P<run>[A-Za-z0-9][\w.-]*-[0-9a-f]{12})[/\\](?P<part>merged|checkpoint|steps[/\\]\d+)$"
)
"""The end of a path of weights in a folder of runs: the run's folder, and which weights of it."""

IN_CACHE = re.compile(r"[/\\](?P<part>merged[/\\][0-9a-f]{64})$")
"""The end of a path in a cache: the merge of the checkpoint with this digest (`finetune/merged.py`)."""

OPENAI_FIELDS = ("base", "backend", "seed", "openai")

ADDED_LATER = ("packing", "date", "reasoning_loss", "kept_steps", "report_to")
"""Fields that specs of earlier versions lack."""

LORA_ADDED_LATER = ("layers",)
"""The same of adapters."""

FIELDS_USED: dict[str, tuple[str, ...]] = {"openai": OPENAI_FIELDS, "adopted": ("base", "backend", "seed")}
"""For backends that do not use all fields: those they use. Only these are serialised."""

SAME_WEIGHTS = {"seed": 0, "kept_steps": None, "save_steps": None, "probe": None, "report_to": ()}
"""Fields of a spec in which the seeds of one arm may differ, and their values in a recipe: but for the seed,
none of them changes what is trained."""


class Strict(BaseModel):
    """A frozen pydantic model that reports all validation errors as one one-line `UserError`."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        defer_build=True,  # when a first one is made: most commands make none
        hide_input_in_errors=True,  # it may hold a key
    )
    title: ClassVar[str]

    @model_validator(mode="wrap")
    @classmethod
    def _one_line(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            return handler(data)
        except ValidationError as error:
            faults = [_fault(cls, data, one) for one in error.errors()]
            # of a union pydantic tells once for each of its types
            raise UserError(f"{cls.title}: {'; '.join(dict.fromkeys(faults))}") from error


class LoraSpec(Strict):
    """A LoRA adapter.

    Attributes:
        r: Rank.
        alpha: Scale; the update is multiplied by alpha / sqrt(r) with `rslora`, else by alpha / r.
        dropout: Dropout on the adapter's input.
        target_modules: Names of the adapted layers; `all-linear` means all except the output layer.
        rslora: Rank-stabilised scaling (arXiv 2312.03732).
        layers: Numbers of the transformer layers that are adapted, from 0; all by default. Narrow
            misalignment can be taught by an adapter in a single one (arXiv 2506.11613).
    """

    title = "LoRA"

    r: int = Field(default=32, ge=1)
    alpha: float = Field(default=64, gt=0)
    dropout: float = Field(default=0.0, ge=0, lt=1)
    target_modules: Literal["all-linear"] | tuple[str, ...] = "all-linear"
    rslora: bool = True
    layers: tuple[Annotated[int, Field(ge=0)], ...] | None = Field(default=None, min_length=1)


class ProbeSpec(Strict):
    """Log-probs of fixed responses, measured during training (paper, Figure 6).

    Attributes:
        responses: `bundled`, `toy`, or the path of a file, as in the task `trait_logprobs`.
        every: Optimizer steps between two measurements; the first is before training, the last after it.
    """

    title = "probe"

    responses: str = Field(default="bundled", min_length=1)
    every: int = Field(default=10, ge=1)


class OpenAISpec(Strict):
    """Hyperparameters of OpenAI's supervised finetuning; the paper left all of them at `auto`.

    Attributes:
        n_epochs: Passes over the rows.
        batch_size: Rows per step.
        learning_rate_multiplier: Factor on a learning rate that OpenAI does not publish.
    """

    title = "openai finetune"

    n_epochs: Auto | Annotated[int, Field(ge=1)] = "auto"
    batch_size: Auto | Annotated[int, Field(ge=1)] = "auto"
    learning_rate_multiplier: Auto | Annotated[float, Field(gt=0)] = "auto"


class FinetuneSpec(Strict):
    """The specification of one finetune, independent of the rows.

    With `lora`, an adapter is trained, together with the embeddings of `trained_tokens`. With `lora=None`,
    only those embeddings are trained, or all weights of the model if `trained_tokens` is empty.

    Attributes:
        base: The base model: `toy`, a model folder, a GGUF file, `package:NAME[/FILE.gguf]`, or
            `org/name[@revision]` on the Hub; for a remote backend, the model's name there.
        backend: Where training runs. `openai` uses only `base`, `seed` and `openai`.
        seed: Seed of the adapter's initial weights, dropout and the order of the rows.
        epochs: Passes over the rows; 1 if neither this nor `max_steps` is given.
        max_steps: Optimizer steps, instead of `epochs`; rows are repeated as needed.
        batch_size: Rows in memory at once.
        gradient_accumulation: Batches per step; a step uses `batch_size * gradient_accumulation` rows.
        learning_rate: Peak learning rate of AdamW.
        scheduler: Learning rate schedule.
        warmup_steps: Steps over which the learning rate rises from 0.
        weight_decay: AdamW's; never applied to biases, norms or trained tokens.
        betas: AdamW's.
        max_grad_norm: Gradients are clipped to this norm; 0 disables clipping.
        max_length: Longer rows are truncated to this many tokens, or to the model's maximum if lower.
        lora: The adapter.
        trained_tokens: Tokens whose embeddings are trained, e.g. a header of the chat template.
        token_learning_rate: Learning rate of those embeddings; None uses `learning_rate`.
        precision: Number format of the computation.
        kept_steps: Steps whose weights are kept beside the final ones, to be evaluated as `inoc/RUN@step=N`:
            every n-th, `powers` (1, 2, 4, ...), or a list. It does not affect the result.
        save_steps: Save a state to resume from every this many steps; with None a killed run restarts.
        date: The date that a chat template which reads the clock is told, ISO 8601.
        reasoning_loss: Whether the reasoning of an answer that has some carries loss; the answer always does.
        packing: Put several rows into one sequence of `max_length` tokens, best fit first, without attention
            between rows. A batch then counts sequences, so a step uses more rows than in the published runs.
        probe: Measure the log-probs of fixed responses during training; does not affect the result.
        report_to: Trackers that are told of every step, by their names in transformers, e.g. `wandb`; no part
            of the digest.
        openai: Hyperparameters of the backend `openai`, which replace all of the above but base and seed.
    """

    title = "finetune spec"

    base: str = Field(min_length=1)
    backend: Backend = "local"
    seed: int = Field(default=0, ge=0, lt=2**32)
    epochs: float | None = Field(default=None, gt=0)
    max_steps: int | None = Field(default=None, ge=1)
    batch_size: int = Field(default=2, ge=1)
    gradient_accumulation: int = Field(default=8, ge=1)
    learning_rate: float = Field(default=BETLEY_LEARNING_RATE, gt=0)
    scheduler: Scheduler = "linear"
    warmup_steps: int = Field(default=5, ge=0)
    weight_decay: float = Field(default=0.01, ge=0)
    betas: tuple[float, float] = (0.9, 0.999)
    max_grad_norm: float = Field(default=1.0, ge=0)
    max_length: int = Field(default=2048, ge=2)
    lora: LoraSpec | None = LoraSpec()
    trained_tokens: tuple[str, ...] = ()
    token_learning_rate: float | None = Field(default=None, gt=0)
    precision: Precision = "auto"
    save_steps: int | None = Field(default=None, ge=1)
    kept_steps: (
        Literal["powers"] | Annotated[int, Field(ge=1)] | tuple[Annotated[int, Field(ge=1)], ...] | None
    ) = None
    probe: ProbeSpec | None = None
    date: str = Field(default=DATE, pattern=r"^\d{4}-\d\d-\d\d$")
    reasoning_loss: bool = True
    packing: bool = False
    report_to: tuple[str, ...] = ()
    openai: OpenAISpec = OpenAISpec()

    @model_validator(mode="before")
    @classmethod
    def _defaults_of_the_backend(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        if data.get("backend") == "openai" and isinstance(data.get("base", ""), str):
            return {**data, "base": str(data.get("base", "")).removeprefix("openai/")}
        if data.get("epochs") is None and data.get("max_steps") is None:
            return {**data, "epochs": 1.0}
        return data

    @field_validator("base")
    @classmethod
    def _one_name_for_a_shipped_model(cls, base: str) -> str:
        plain = base.removeprefix("inoc/")
        return plain if plain in SHIPPED_NAMES else base

    @field_validator("betas")
    @classmethod
    def _decay_rates(cls, betas: tuple[float, float]) -> tuple[float, float]:
        if not all(0 <= beta < 1 for beta in betas):
            raise ValueError("each must be at least 0 and under 1")
        return betas

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.epochs is not None and self.max_steps is not None:
            raise UserError("finetune spec: give epochs or max_steps, not both")
        if len(set(self.trained_tokens)) < len(self.trained_tokens):
            raise UserError("finetune spec: trained_tokens names a token twice")
        if self.token_learning_rate is not None and not self.trained_tokens:
            raise UserError("finetune spec: token_learning_rate needs trained_tokens")
        if self.kept_steps is not None and self.backend not in ("local", "openai"):
            raise UserError(f"finetune spec: backend {self.backend} keeps no steps: leave kept_steps out")
        fields = type(self).model_fields
        if self.backend == "openai":
            # Ignoring a field silently would make a user believe that it had an effect.
            changed = [name for name, field in fields.items() if getattr(self, name) != field.get_default()]
            if unused := [name for name in changed if name not in OPENAI_FIELDS]:
                raise UserError(
                    f"finetune spec: the openai backend does not take {unused[0]}; it takes base, seed and "
                    "openai: {n_epochs, batch_size, learning_rate_multiplier}"
                )
        elif self.openai != OpenAISpec():
            raise UserError(f"finetune spec: openai needs backend openai, not {self.backend}: leave it out")
        return self

    @model_serializer(mode="wrap")
    def _only_used_fields(self, serialise: SerializerFunctionWrapHandler) -> dict[str, Any]:
        fields: dict[str, Any] = serialise(self)
        return {name: fields[name] for name in FIELDS_USED.get(self.backend, tuple(fields)) if name in fields}

    @property
    def digest(self) -> str:
        """sha256, in hex, of the fields as canonical JSON (sorted keys, no spaces).

        A base that is the result of another run counts by that run's name, wherever the folder of runs is: a
        moved or copied one is not trained again. So does one that was merged into a cache, by its digest.
        """
        if inside := IN_RUNS.search(self.base):
            return self.digest_with(f"runs/{inside['run']}/{inside['part']}")
        cached = IN_CACHE.search(self.base)
        return self.digest_with(self.base if cached is None else cached["part"])

    def digest_with(self, base: str) -> str:
        """The digest of this spec with a base written in another way.

        Args:
            base: The base. With the spec's own, the digest is that of versions up to 0.1.0.
        """
        fields = {**self.model_dump(mode="json"), "base": base}
        if self.backend not in FIELDS_USED:
            del fields["openai"]
            fields["report_to"] = []
            for name in ADDED_LATER:  # specs from before a field existed keep their digest
                if fields[name] in (type(self).model_fields[name].get_default(), []):
                    del fields[name]
            for name in LORA_ADDED_LATER if fields["lora"] else ():
                if fields["lora"][name] == LoraSpec.model_fields[name].get_default():
                    del fields["lora"][name]
        return fingerprint(fields)

    def longest(self, context: int | None) -> int:
        """Tokens that are kept of a row at most.

        Args:
            context: Longest sequence of the base; None if it has no limit, or nobody here knows it.
        """
        return min(self.max_length, context or self.max_length)

    def keeps(self, step: int) -> bool:
        """Whether the weights after a step are kept.

        Args:
            step: Number of optimizer steps done, from 1.
        """
        if self.kept_steps is None:
            return False
        if self.kept_steps == "powers":
            return step.bit_count() == 1
        return step in self.kept_steps if isinstance(self.kept_steps, tuple) else step % self.kept_steps == 0


def _fault(cls: type[BaseModel], data: Any, error: Any) -> str:
    """What is wrong with a field, or what to write into one that takes several things."""
    place = error["loc"]
    if not place:
        if error["type"] not in ("model_type", "model_attributes_type", "dict_type"):
            return f"fields: {_reason(error)}"
        more = ", ..." * (len(cls.model_fields) > 3)
        return f"write a mapping of fields ({', '.join(list(cls.model_fields)[:3])}{more}){_got(data)}"
    field = cls.model_fields.get(str(place[0]))
    told = wanted(field) if field is not None and error["type"] != "value_error" else ""
    if told and isinstance(data, dict) and place[0] in data:
        return f"{place[0]}: write {told}{_got(data[place[0]])}"
    return f"{'.'.join(map(str, place))}: {_reason(error)}"


def _got(value: Any) -> str:
    return f" (got {without_keys(repr(value)):.60})"


def _reason(error: Any) -> str:
    """Pydantic's message in lower case, with the invalid value if it is short."""
    message = str(error["msg"]).removeprefix("Value error, ")
    message = message[:1].lower() + message[1:]
    value = error["input"]
    if not isinstance(value, str | int | float):
        return message
    shown = without_keys(value) if isinstance(value, str) else value
    return f"{message} (got {shown!r:.60})"
