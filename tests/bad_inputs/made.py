"""Files that are bad on purpose, as bytes or as something that is put in the file's place."""

import io
import json
import os
import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

Content = str | bytes | Callable[[Path], None]
"""What stands in a file; a function puts a link, a pipe or a folder there itself."""


def put(file: Path, content: Content) -> None:
    """Make a bad file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    if callable(content):
        content(file)
    else:
        file.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))


def pipe(file: Path) -> None:
    os.mkfifo(file)


def link_to_itself(file: Path) -> None:
    file.symlink_to(file)


def link_to_nothing(file: Path) -> None:
    file.symlink_to(file.with_name("nothing-there"))


def link_to_device(file: Path) -> None:
    file.symlink_to("/dev/zero")


def folder(file: Path) -> None:
    file.mkdir()


PICKLE = pickle.dumps({"weights": [1.0, 2.0]})

NO_REGULAR_FILE: dict[str, Content] = {
    "a folder": folder,
    "a pipe": pipe,
    "an endless device": link_to_device,
    "a link to itself": link_to_itself,
    "a link to nothing": link_to_nothing,
}

NO_TEXT: dict[str, Content] = {
    "nothing": "",
    "UTF-16": '{"base": "toy"}'.encode("utf-16"),
    "Latin-1": b'{"base": "\xe4\xf6\xfc"}\n',
    "NUL characters": "\0" * 40,
    "a pickle": PICKLE,
}
"""Faults of a file that must hold text."""


def archive(**parts: Any) -> bytes:
    """A zip file of JSON parts; `header` is `header.json`."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, part in parts.items():
            data = part if isinstance(part, str | bytes) else json.dumps(part)
            zipped.writestr(name if "." in name else f"{name}.json", data)
    return made.getvalue()


def claiming(data: bytes, size: int) -> bytes:
    """A zip file whose directory says that its first part has so many bytes when it is unpacked."""
    at = data.rindex(b"PK\x01\x02", 0, data.index(b"PK\x01\x02") + 4)
    return data[: at + 24] + struct.pack("<I", size) + data[at + 28 :]


def tensors(header: Any, body: bytes = b"", length: int | None = None) -> bytes:
    """A safetensors file with this header."""
    written = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(written) if length is None else length) + written + body


def gguf(*, version: int = 3, tensors: int = 0, fields: int = 0, body: bytes = b"") -> bytes:
    """The beginning of a GGUF file."""
    return struct.pack("<4sIQQ", b"GGUF", version, tensors, fields) + body


def beside(name: str) -> Content:
    """Weights under another name, which are never loaded."""
    return lambda file: put(file.with_name(name), PICKLE)


def changed(number: bytes = b"", *, shape: bool = False, model: bool = False) -> Content:
    """The weights of the tests' tiny adapter or model, the first of them changed.

    Args:
        number: A float32 that takes the place of the first number.
        shape: Whether a tensor has another shape.
        model: Whether they are the model's.
    """

    def make(file: Path) -> None:
        data = bytearray((ORIGINALS["model" if model else "adapter"]).read_bytes())
        length = struct.unpack_from("<Q", data)[0]
        header = json.loads(data[8 : 8 + length])
        body = data[8 + length :]
        if number:
            body[:4] = number
        if shape:
            name = next(name for name, about in header.items() if len(about.get("shape", ())) == 2)
            header[name]["shape"].reverse()
            header[name]["shape"][:] = [header[name]["shape"][0] * header[name]["shape"][1], 1]
        put(file, tensors(header, bytes(body)))

    return make


ORIGINALS: dict[str, Path] = {}
"""Files of whole weights, which the test names before it makes anything."""
