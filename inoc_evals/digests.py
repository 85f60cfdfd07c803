"""Digests that identify JSON values, files and model folders by their content.

    fingerprint({"seed": 1, "base": "toy"})          # sha256 of the value's canonical JSON
    sha256(b"...")                                   # of bytes or text, in hex
    blob_id(b"...")                                  # as `git hash-object` names them
    base = folder_digest(Path("checkpoints/qwen"))
    adapter = folder_digest(Path("runs/spanish-inoc-1a2b3c4d5e6f/checkpoint"), base=base)

A model folder's digest is one sha256 over all files in it that affect the model's answers. Two folders with
the same digest answer alike, whatever their paths; different weights, tokenizer or chat template give a
different digest. Inspect's cache and every log identify a checkpoint by it.
"""

import functools
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from inoc_evals.user_files import json_object

CONTENT = (
    "*.safetensors",
    "*.safetensors.index.json",
    "adapter_config.json",
    "chat_template.jinja",
    "chat_template.json",
    "config.json",
    "generation_config.json",
    "merges.txt",
    "special_tokens_map.json",
    "added_tokens.json",
    "tokenizer.json",
    "tokenizer.model",
    "tokenizer_config.json",
    "vocab.json",
)
"""Names of the files that the digest covers; optimizer states, logs and model cards are left out."""

Stamp = tuple[int, int, int]
"""Inode, size in bytes and modification time in ns of a file."""

BLOB_NAME = 64
"""Length of a sha256 in hex; the Hub's cache names the blob of a large file by its sha256."""


def canonical_json(value: Any) -> bytes:
    """Serialise a JSON value as digests need it: sorted keys, no spaces, UTF-8."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def fingerprint(value: Any) -> str:
    """The sha256, in hex, of a value's canonical JSON."""
    return sha256(canonical_json(value))


def sha256(data: bytes | str) -> str:
    """The sha256 of bytes, or of text in UTF-8: 64 hex characters."""
    return hashlib.sha256(data.encode() if isinstance(data, str) else data).hexdigest()


def blob_id(data: bytes) -> str:
    """The git blob id of some content: 40 hex digits, as `git hash-object` prints it."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def content_files(folder: Path) -> list[Path]:
    """The files of a model or adapter folder that affect the model's answers, sorted by name."""
    return sorted({file for pattern in CONTENT for file in folder.glob(pattern) if file.is_file()})


def content_sizes(folder: Path) -> dict[str, int]:
    """Size in bytes of each file that the folder's digest covers; empty if the folder does not exist."""
    return {file.name: file.stat().st_size for file in content_files(folder)}


def folder_digest(folder: Path, base: str | None = None) -> str:
    """Digest a model or adapter folder.

    Args:
        folder: Folder of a full model or a PEFT adapter.
        base: For an adapter, the digest of its base model. It replaces the base's name in
            `adapter_config.json`, which is a path on the machine that did the training.

    Returns:
        sha256 in hex, 64 characters.
    """
    total = hashlib.sha256(f"base {base}\n".encode())
    for file in content_files(folder):
        total.update(f"{file.name} {_file_digest(file, base)}\n".encode())
    return total.hexdigest()


def file_digest(file: Path) -> str:
    """The sha256, in hex, of a file's content; each version of a file is read once per process."""
    target = file.resolve()
    return _sha256(target, _stamp(target))


def stamps(files: Sequence[Path]) -> tuple[Stamp | None, ...]:
    """Cheap stamps to notice that a file was replaced; None for a missing file."""
    return tuple(_stamp(file) if file.is_file() else None for file in files)


def _file_digest(file: Path, base: str | None) -> str:
    if file.name == "adapter_config.json" and base is not None:
        config = json_object(file)
        for key in ("base_model_name_or_path", "revision"):
            config.pop(key, None)
        return sha256(json.dumps(config, sort_keys=True))
    target = file.resolve()
    if file.is_symlink() and target.parent.name == "blobs" and len(target.name) == BLOB_NAME:
        return target.name  # the Hub's cache already names a blob by its sha256
    return file_digest(target)


def _stamp(file: Path) -> Stamp:
    stat = file.stat()
    return stat.st_ino, stat.st_size, stat.st_mtime_ns


@functools.lru_cache(maxsize=4096)
def _sha256(file: Path, stamp: Stamp) -> str:
    """Hash each version of a file once per process: many adapters share one base."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
