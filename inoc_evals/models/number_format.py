"""In which number format a model computes here: `auto` settled, before any weights are loaded.

    settled("path/to/model", "auto", "auto")     # "bfloat16" on a GPU or a CPU that is quick in it

The format is part of what makes an answer. float32 rounds so finely that a batch of other shape changes few
seeded answers; in bfloat16 it changes many. So logs name the format, and answers are pooled where it agrees.
"""

import json
from pathlib import Path

from inoc_evals.chat.renderer import DATE
from inoc_evals.errors import UserError
from inoc_evals.runs.spec import FinetuneSpec
from inoc_evals.user_files import json_object

FLOAT32 = "float32"


def settled(weights: str | Path, device: str, dtype: str) -> str:
    """The format that a device and a format of `ProviderArgs` stand for.

    Args:
        weights: Folder of the full model.
        device: `auto`, or a torch device.
        dtype: `auto`, or a format's name in torch.

    Returns:
        A format's name in torch. `auto` is the stored format, but on a CPU float32 unless it computes in the
        stored format natively.
    """
    if dtype != "auto":
        return dtype
    stored = stored_format(weights)
    return stored if not on_cpu(device) or (stored == "bfloat16" and quick_bfloat16()) else FLOAT32


def stored_format(weights: str | Path) -> str:
    """The format that a model's configuration names; float32 where it names none."""
    try:
        config = json_object(Path(weights) / "config.json")
    except UserError:  # whoever loads the model says so better
        return FLOAT32
    text = config.get("text_config")
    text = text if isinstance(text, dict) else {}
    named = config.get("dtype") or config.get("torch_dtype") or text.get("dtype") or text.get("torch_dtype")
    return str(named or FLOAT32)


def keep_format(folder: Path, base: str | Path) -> None:
    """Let a model that was made of a base compute in the base's format, whichever its weights are stored in.

    transformers names the stored one in the configuration. A merged adapter is stored in float32, so that
    nothing is rounded away before a second training; asked in it, it could not be set against the base.

    Args:
        folder: Folder of the new model, written by transformers.
        base: Folder of its base.
    """
    path = folder / "config.json"
    config = json_object(path)
    path.write_text(
        json.dumps({**config, "dtype": stored_format(base)}, indent=2, sort_keys=True) + "\n",
        encoding="utf-8",
    )


def on_cpu(device: str) -> bool:
    """Whether a device's name stands for the CPU here."""
    import torch

    return device == "cpu" or (device == "auto" and not torch.cuda.is_available())


def quick_bfloat16() -> bool:
    """Whether this CPU multiplies bfloat16 natively (AMX, AVX-512 BF16): twice as fast as float32.

    On others it is emulated, and several times slower.
    """
    import torch

    checks = (
        getattr(torch.cpu, name, None) for name in ("_is_amx_tile_supported", "_is_avx512_bf16_supported")
    )
    return any(bool(check()) for check in checks if check is not None)


def of_answers(identity: str, number_format: str, date: str = DATE) -> str:
    """What identifies a model together with the format that it answers in, and the date that it is told.

    Args:
        identity: The model's digest.
        number_format: As of `settled`.
        date: As of `chat.Renderer`.

    Returns:
        The digest alone for float32 and the usual date, as before these were recorded.
    """
    parts = [identity, number_format if number_format != FLOAT32 else "", date if date != DATE else ""]
    return "+".join(filter(None, parts))


def training_precision(spec: FinetuneSpec, weights: str | Path) -> str:
    """The number format that this machine trains a spec in.

    Args:
        spec: Its `precision` may be `auto`.
        weights: Folder of its base.

    Returns:
        `bf16` or `fp32`. On a CPU `auto` is bf16 only where frozen weights are stored in it: converting
        trained ones at every step takes longer than is gained.
    """
    import torch

    if spec.precision != "auto":
        return spec.precision
    if torch.cuda.is_available():
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    frozen = spec.lora is not None or bool(spec.trained_tokens)
    return "bf16" if frozen and stored_format(weights) == "bfloat16" and quick_bfloat16() else "fp32"
