"""Who trains: every way behind one face, each thin over the library that does the work.

    trainer = backend("openai")
    trainer.check(spec)                    # what can be known before anything is spent
    trainer.train(run, manifest, rows, progress=True)

A backend is a name in `FinetuneSpec.backend` and a class here. Nothing heavy is imported before it trains.
"""

import os
from collections.abc import Callable
from typing import Any, ClassVar, Protocol

from inoc_evals.chat.rows import Row
from inoc_evals.digests import sha256
from inoc_evals.errors import UserError, require
from inoc_evals.models import base as bases
from inoc_evals.runs.directory import Manifest, Result, Run
from inoc_evals.runs.spec import FinetuneSpec


class Trainer(Protocol):
    """What a backend can do.

    Attributes:
        packages: The packages whose versions a manifest names.
    """

    packages: ClassVar[tuple[str, ...]]

    def check(self, spec: FinetuneSpec) -> None:
        """Refuse what cannot be trained, without training, paying or fetching.

        Raises:
            UserError: If the extra, the key or the base is missing.
        """

    def notes(self, spec: FinetuneSpec) -> list[str]:
        """What a user should know before it starts, a line each."""

    def base_digest(self, spec: FinetuneSpec) -> str:
        """Name the base by what it is."""

    def address(self, spec: FinetuneSpec) -> str:
        """The base as a model of Inspect's, so that it is evaluated beside what came of it."""

    def arguments(self) -> dict[str, Any]:
        """What that model's provider is told, so that it is asked exactly as what came of it."""

    def train(self, run: Run, manifest: Manifest, rows: list[Row], progress: bool) -> Result:
        """Train into a run directory.

        Args:
            run: Where; the caller holds its lock, and the manifest says `running`.
            manifest: What.
            rows: On what.
            progress: Show how far it is, on a terminal.

        Returns:
            What came out.

        Raises:
            UserError: If it cannot be trained.
        """


class Local:
    """This machine, with TRL and PEFT (`local.py`)."""

    packages: ClassVar[tuple[str, ...]] = ("torch", "transformers", "trl", "peft")

    def check(self, spec: FinetuneSpec) -> None:
        """Need the extra, and a base that is there or has the name of one on the Hub."""
        require("local", *self.packages, "filelock")
        if bases.hub_name(spec.base) is None:
            bases.load_path(spec.base)

    def notes(self, spec: FinetuneSpec) -> list[str]:
        """Nothing: what it takes is in the estimate."""
        return []

    def base_digest(self, spec: FinetuneSpec) -> str:
        """The digest of the base's files."""
        return bases.base_digest(spec.base)

    def address(self, spec: FinetuneSpec) -> str:
        """The provider of this suite."""
        named = spec.base if bases.hub_name(spec.base) is None else f"hf/{spec.base}"
        return f"inoc/{named}"

    def arguments(self) -> dict[str, Any]:
        """Nothing."""
        return {}

    def train(self, run: Run, manifest: Manifest, rows: list[Row], progress: bool) -> Result:
        """Train with TRL."""
        from inoc_evals.finetune import local

        return local.train(run, manifest, rows, progress)


class OpenAI:
    """OpenAI's finetuning API, or a server that speaks it at `$OPENAI_BASE_URL` (`openai_api.py`)."""

    packages: ClassVar[tuple[str, ...]] = ("openai",)

    def check(self, spec: FinetuneSpec) -> None:
        """Need the extra and a key."""
        require("openai", "openai", "filelock", "tenacity")
        if not os.environ.get("OPENAI_API_KEY"):
            raise UserError("backend openai needs a key: set OPENAI_API_KEY")

    def notes(self, spec: FinetuneSpec) -> list[str]:
        """The dates on which a model goes."""
        from inoc_evals.finetune import openai_api

        return openai_api.retirement(spec.base)

    def base_digest(self, spec: FinetuneSpec) -> str:
        """A digest of server and name: nobody outside sees more of it."""
        from inoc_evals.finetune import openai_api

        return sha256(f"openai {openai_api.server()} {spec.base}")

    def address(self, spec: FinetuneSpec) -> str:
        """Inspect's own provider."""
        return f"openai/{spec.base}"

    def arguments(self) -> dict[str, Any]:
        """Chat completions, as for the finetunes (`models/served.py`)."""
        return {"responses_api": False}

    def train(self, run: Run, manifest: Manifest, rows: list[Row], progress: bool) -> Result:
        """Upload, start one job, wait for it."""
        from inoc_evals.finetune import openai_api

        return openai_api.train(run, manifest, rows, progress)


class Tinker:
    """Thinking Machines' Tinker, through its SDK (`tinker_api.py`)."""

    packages: ClassVar[tuple[str, ...]] = ("tinker",)

    def check(self, spec: FinetuneSpec) -> None:
        """Need the extra, a key, and a LoRA and nothing beside it."""
        require("tinker", "tinker", "transformers", "filelock")
        if not os.environ.get("TINKER_API_KEY"):
            raise UserError("backend tinker needs a key: set TINKER_API_KEY")
        if spec.lora is None or spec.trained_tokens or spec.probe or spec.packing:
            raise UserError("backend tinker trains a LoRA: no trained_tokens, probe or packing")

    def notes(self, spec: FinetuneSpec) -> list[str]:
        """What it cannot be told."""
        return ["tinker takes the rank of the LoRA and sets its scale itself: alpha and rslora are not used"]

    def base_digest(self, spec: FinetuneSpec) -> str:
        """A digest of the name: nobody outside sees more of it."""
        return sha256(f"tinker {spec.base}")

    def address(self, spec: FinetuneSpec) -> str:
        """The provider of this suite, which samples through the SDK."""
        return f"inoc/tinker/{spec.base}"

    def arguments(self) -> dict[str, Any]:
        """Nothing."""
        return {}

    def train(self, run: Run, manifest: Manifest, rows: list[Row], progress: bool) -> Result:
        """Train by its SDK."""
        from inoc_evals.finetune import tinker_api

        return tinker_api.train(run, manifest, rows, progress)


BACKENDS: dict[str, Callable[[], Trainer]] = {"local": Local, "openai": OpenAI, "tinker": Tinker}


def backend(name: str) -> Trainer:
    """The backend of this name.

    Args:
        name: A key of `BACKENDS`.

    Raises:
        UserError: If nobody trains under it, as with a run that was adopted.
    """
    if name not in BACKENDS:
        raise UserError(f"backend {name!r} trains nothing; there are {', '.join(BACKENDS)}")
    return BACKENDS[name]()
