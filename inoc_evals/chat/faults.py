"""Why transformers cannot read a model folder, in one line that names the reason.

    raise UserError(f"cannot load the tokenizer of {folder}: {why_no_tokenizer(folder, error)}")

Its own errors are pages of advice, some of it dangerous (`trust_remote_code=True`), or end before the reason.
"""

import json
from pathlib import Path

from inoc_evals.errors import first_line

VOCABULARIES = (
    "tokenizer.json",
    "tokenizer.model",
    "vocab.json",
    "vocab.txt",
    "spiece.model",
    "sentencepiece.bpe.model",
    "tekken.json",
    "*.tiktoken",
)
"""Files in which tokenizers keep their vocabulary, by any library; a tokenizer needs one of them."""

JSON_FILES = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "config.json")

OWN_CODE = (
    "it needs code of its own (auto_map), which is never run: use a model that transformers knows by itself"
)


def why_no_tokenizer(source: str | Path, error: Exception) -> str:
    """The reason why a tokenizer cannot be loaded, in one line.

    Args:
        source: A folder, or a name on the Hugging Face Hub.
        error: What transformers raised.
    """
    folder = Path(source)
    if folder.is_dir() and not any(any(folder.glob(name)) for name in VOCABULARIES):
        return "it holds none: save the tokenizer (tokenizer.json) with the model"
    return why_unreadable(folder, error)


def why_unreadable(folder: Path, error: Exception) -> str:
    """The reason why a configuration or a tokenizer cannot be read, in one line.

    Args:
        folder: The model's folder.
        error: What transformers raised.
    """
    if "trust_remote_code" in str(error):
        return OWN_CODE
    for name in JSON_FILES:
        if (why := damaged(folder, name)) is not None:
            return why
    words = first_line(error)
    return f"no {words}" if isinstance(error, KeyError) else words


def damaged(folder: Path, name: str) -> str | None:
    """Why a JSON file of a model folder is no JSON object; None where it is one or does not exist."""
    try:
        value = json.loads((folder / name).read_bytes())
    except OSError:
        return None
    except (ValueError, RecursionError) as fault:
        return f"{name} is damaged: not JSON: {first_line(fault)}"
    return None if isinstance(value, dict) else f"{name} is damaged: not a JSON object"
