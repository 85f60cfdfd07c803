"""Training backends with one interface, each a thin layer over the library that does the training.

    trainer = backend("openai")
    trainer.check(spec)                    # all checks that cost nothing
    trainer.train(run, manifest, rows, progress=True)

A backend is a name in `FinetuneSpec.backend` and a class here. Heavy libraries are imported to train only.
"""

import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, ClassVar, Protocol

from inoc_evals.chat.renderer import DATE, Renderer, load_renderer
from inoc_evals.chat.rows import Row
from inoc_evals.digests import sha256
from inoc_evals.errors import UserError, packages_together, require
from inoc_evals.finetune.fitting import fitting_config
from inoc_evals.models import base as bases
from inoc_evals.models.checkpoint import load_context_length
from inoc_evals.models.loading import one_at_a_time
from inoc_evals.runs.directory import Manifest, Result, Run
from inoc_evals.runs.spec import FinetuneSpec


class Trainer(Protocol):
    """The interface of a backend.

    Attributes:
        packages: The packages whose versions the manifest records.
    """

    packages: ClassVar[tuple[str, ...]]

    def check(self, spec: FinetuneSpec) -> None:
        """Check that a spec can be trained, without training, paying or downloading.

        Raises:
            UserError: If the extra, the key or the base is missing.
        """

    def notes(self, spec: FinetuneSpec) -> list[str]:
        """What a user should know before training starts, one line each."""

    def renderer(self, base: str, date: str) -> Renderer | None:
        """The base's tokenizer and chat template; None where they are not on this machine.

        Raises:
            UserError: If the tokenizer cannot be loaded.
        """

    def context(self, base: str) -> int | None:
        """Longest sequence of the base, in tokens; None where nobody here knows it."""

    def base_digest(self, spec: FinetuneSpec) -> str:
        """Digest that identifies the base model."""

    def address(self, spec: FinetuneSpec) -> str:
        """The base's name as an Inspect model, so that it can be evaluated next to the finetuned model."""

    def arguments(self) -> dict[str, Any]:
        """Model arguments for that name, so that base and finetuned model are queried in the same way."""

    def train(self, run: Run, manifest: Manifest, rows: list[Row], progress: bool) -> Result:
        """Train into a run directory.

        Args:
            run: The run directory; the caller holds its lock, and its status is `running`.
            manifest: The manifest, with the spec.
            rows: Training rows.
            progress: Show progress, on a terminal.

        Returns:
            The result.

        Raises:
            UserError: If the training fails.
        """


class Local:
    """This machine, with TRL and PEFT (`local.py`)."""

    packages: ClassVar[tuple[str, ...]] = ("torch", "transformers", "trl", "peft")

    def check(self, spec: FinetuneSpec) -> None:
        """Require the extra, and a base that the spec fits; of the Hub, one that is not here yet will do."""
        require("local", *self.packages, "filelock")
        base = bases.find_base(spec.base)
        folder = base.here() if isinstance(base, bases.HubModel) else base.folder()
        if folder is not None and (folder / "config.json").is_file():
            fitting_config(folder, spec)

    def notes(self, spec: FinetuneSpec) -> list[str]:
        """No notes: `estimate` describes local training."""
        return []

    def renderer(self, base: str, date: str) -> Renderer | None:
        """Those in the base's folder; of a Hub model, those in the cache. Nothing is downloaded."""
        folder = bases.find_base(base).here()
        return None if folder is None else load_renderer(folder, date=date)

    def context(self, base: str) -> int | None:
        """What the base's configuration says, if it is on this machine."""
        folder = bases.find_base(base).here()
        return None if folder is None else load_context_length(folder)

    def base_digest(self, spec: FinetuneSpec) -> str:
        """The digest of the base's files."""
        return bases.base_digest(spec.base)

    def address(self, spec: FinetuneSpec) -> str:
        """A model of this suite's provider."""
        name = spec.base if bases.hub_model(spec.base) is None else f"{bases.HUB}{spec.base}"
        return f"inoc/{name}"

    def arguments(self) -> dict[str, Any]:
        """No arguments."""
        return {}

    def train(self, run: Run, manifest: Manifest, rows: list[Row], progress: bool) -> Result:
        """Train with TRL, with nothing else in memory, and leave nothing there.

        A worker trains and evaluates in turns, and a GPU may hold a base once, but not twice.
        """
        from inoc_evals.models.engine import release
        from inoc_evals.models.freed import give_back

        with packages_together("training by TRL and PEFT"):
            from inoc_evals.finetune import local
        release()
        try:
            return local.train(run, manifest, rows, progress)
        finally:
            give_back()


class OpenAI:
    """OpenAI's finetuning API, or a server that speaks it at `$OPENAI_BASE_URL` (`openai_api.py`)."""

    packages: ClassVar[tuple[str, ...]] = ("openai",)

    def check(self, spec: FinetuneSpec) -> None:
        """Require the extra and an API key."""
        require("openai", "openai", "filelock", "tenacity")
        if not os.environ.get("OPENAI_API_KEY"):
            raise UserError("backend openai needs a key: set OPENAI_API_KEY")

    def notes(self, spec: FinetuneSpec) -> list[str]:
        """The dates on which OpenAI retires a model."""
        from inoc_evals.finetune import openai_api

        return openai_api.retirement(spec.base)

    def renderer(self, base: str, date: str) -> Renderer | None:
        """None: OpenAI keeps its templates."""
        return None

    def context(self, base: str) -> int | None:
        """None: OpenAI refuses what is too long."""
        return None

    def base_digest(self, spec: FinetuneSpec) -> str:
        """A digest of server and name, since the weights are not accessible."""
        from inoc_evals.finetune import openai_api

        return openai_api.base_digest(spec.base)

    def address(self, spec: FinetuneSpec) -> str:
        """Inspect's own provider."""
        return f"openai/{spec.base}"

    def arguments(self) -> dict[str, Any]:
        """Chat completions, as for the finetunes (`models/served.py`)."""
        return {"responses_api": False}

    def train(self, run: Run, manifest: Manifest, rows: list[Row], progress: bool) -> Result:
        """Upload the rows, start one job and wait for it."""
        from inoc_evals.finetune import openai_api

        return openai_api.train(run, manifest, rows, progress)


class Tinker:
    """Thinking Machines' Tinker, through its SDK (`tinker_api.py`)."""

    packages: ClassVar[tuple[str, ...]] = ("tinker",)

    def check(self, spec: FinetuneSpec) -> None:
        """Require the extra, an API key, and a spec with LoRA only."""
        require("tinker", "tinker", "transformers", "filelock")
        if not os.environ.get("TINKER_API_KEY"):
            raise UserError("backend tinker needs a key: set TINKER_API_KEY")
        if spec.lora is None or spec.lora.layers or spec.trained_tokens or spec.probe or spec.packing:
            raise UserError("backend tinker trains a LoRA of all layers: no trained_tokens, probe or packing")
        if spec.lora.dropout or spec.lora.target_modules != "all-linear":
            raise UserError(
                "backend tinker trains a LoRA of all layers without dropout: leave lora.dropout and "
                "lora.target_modules out"
            )
        if spec.precision != "auto":
            raise UserError("backend tinker chooses the number format itself: leave precision out")
        if spec.date != DATE:
            raise UserError(f"backend tinker asks the base under {DATE}, whatever a run has: leave date out")
        if spec.report_to:
            raise UserError("backend tinker tells no trackers: leave report_to out")

    def notes(self, spec: FinetuneSpec) -> list[str]:
        """Settings that Tinker does not support."""
        return ["tinker takes the rank of the LoRA and sets its scale itself: alpha and rslora are not used"]

    def renderer(self, base: str, date: str) -> Renderer | None:
        """The base's own, from the Hub."""
        return load_renderer(base, date=date)

    def context(self, base: str) -> int | None:
        """None: the weights are elsewhere."""
        return None

    def base_digest(self, spec: FinetuneSpec) -> str:
        """A digest of the name, since the weights are not accessible."""
        return sha256(f"tinker {spec.base}")

    def address(self, spec: FinetuneSpec) -> str:
        """A model of this suite's provider, which samples through the SDK."""
        return f"inoc/{bases.TINKER}{spec.base}"

    def arguments(self) -> dict[str, Any]:
        """No arguments."""
        return {}

    def train(self, run: Run, manifest: Manifest, rows: list[Row], progress: bool) -> Result:
        """Train through the SDK."""
        from inoc_evals.finetune import tinker_api

        return tinker_api.train(run, manifest, rows, progress)


BACKENDS: dict[str, Callable[[], Trainer]] = {"local": Local, "openai": OpenAI, "tinker": Tinker}


def turn(name: str) -> AbstractContextManager[None]:
    """What a training waits for in its process: the end of any other one on this machine.

    Threads share torch's random numbers and accelerate's state: trainings beside one another would draw each
    other's order of rows and first weights, without an error. Trainings elsewhere wait for nothing.

    Args:
        name: The backend's name.
    """
    return one_at_a_time() if name == "local" else nullcontext()


def backend(name: str) -> Trainer:
    """Create the backend of this name.

    Args:
        name: A key of `BACKENDS`.

    Raises:
        UserError: If the name is unknown, or is `adopted`, which cannot train.
    """
    if name not in BACKENDS:
        raise UserError(f"backend {name!r} cannot train: use {', '.join(BACKENDS)}")
    return BACKENDS[name]()
