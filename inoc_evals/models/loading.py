"""Load configuration, weights and adapters for training and for evaluation: the one guard of both.

    model = load_model(folder, dtype=torch.float32)
    model = load_adapter(model, adapter, base="Qwen/Qwen2.5-7B-Instruct")

Only safetensors are read, and code that a model brings along is never run. Whatever is wrong with the files
is one line that names the reason. That includes what transformers and PEFT pass over with a warning: weights
that are missing, which they would fill with random numbers, and weights of an adapter that fit no layer,
which they would drop. And nothing is read but the files that the folder's digest covers:

    check_model(folder)        # UserError where transformers would read other weights than these
    check_adapter(folder)      # the same of an adapter and PEFT
"""

import json
import threading
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from inoc_evals.chat.faults import damaged, why_unreadable
from inoc_evals.errors import UserError, first_line, packages_together, require

BITSANDBYTES = "bitsandbytes"

INDEX = ".safetensors.index.json"
"""End of the name of the file that says which weights are in which file."""

ADAPTER_WEIGHTS = "adapter_model.safetensors"
"""The only file whose weights an adapter has; without it PEFT would load a pickle."""

OF_OTHERS = "XLORA"
"""Type of an adapter that PEFT puts together from other folders."""

KEEPS_BASE = ("gaussian",)
"""Named ways to begin a LoRA that leave the base as it is; others, such as PiSSA, take a part out of it."""


_one_at_a_time = threading.RLock()


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Let no other thread load or train meanwhile: both change torch for the whole process."""
    with _one_at_a_time:
        yield


@contextmanager
def loading() -> Iterator[None]:
    """Let no other thread load meanwhile, and hide transformers' progress bars.

    While they load, transformers and PEFT change torch for the whole process: its default type, and how
    modules register weights. A load in another thread then fails, or is left without weights.
    """
    import transformers

    bar: Any = transformers.utils.logging  # not typed
    with one_at_a_time():
        shown = bar.is_progress_bar_enabled()
        bar.disable_progress_bar()
        try:
            yield
        finally:
            if shown:
                bar.enable_progress_bar()


def load_config(folder: str | Path) -> Any:
    """Read a model folder's configuration.

    Raises:
        UserError: If it is damaged, needs code of its own, or is of a kind that transformers does not know.
        MissingExtra: If it is quantized, and the library for that is not installed.
    """
    from transformers import AutoConfig

    try:
        config = AutoConfig.from_pretrained(folder, trust_remote_code=False)
    except Exception as error:  # transformers', pydantic's or the Hub's own, over a file that is not theirs
        raise UserError(f"cannot read {folder}/config.json: {why_unreadable(Path(folder), error)}") from error
    if (why := damaged(Path(folder), "generation_config.json")) is not None:
        raise UserError(f"cannot read {folder}: {why}")  # transformers would take its defaults instead
    if quantization(config) == BITSANDBYTES:
        require("quantized", BITSANDBYTES)
    return config


def empty_model(config: Any) -> Any:
    """A model of a configuration without weights, on torch's meta device, e.g. to count them.

    Raises:
        UserError: If a model of this configuration does not write text.
    """
    import torch
    from transformers import AutoModelForCausalLM

    auto: Any = AutoModelForCausalLM
    try:
        with torch.device("meta"):
            return auto.from_config(config, trust_remote_code=False)
    except ValueError as error:
        raise UserError(f"cannot train this base: {_why_no_weights('', config, error)}") from error


def quantization(config: Any) -> str | None:
    """How a model's weights are quantized, e.g. `bitsandbytes` or `gptq`; None if they are not."""
    fields = getattr(config, "quantization_config", None)
    if not fields:
        return None
    method = fields.get("quant_method") if isinstance(fields, dict) else getattr(fields, "quant_method", None)
    return str(getattr(method, "value", method) or "unknown")


def check_model(folder: Path) -> None:
    """Refuse a model folder of which transformers would load weights that the folder's digest does not cover.

    Raises:
        UserError: If its configuration or an index names such files, or an adapter lies in it, which would be
            put over the model.
    """
    if (folder / "adapter_config.json").is_file():
        raise UserError(
            f"{folder} holds a model and an adapter for it: move adapter_config.json and the weights that go "
            "with it to a folder of their own"
        )
    named = [_read(folder, "config.json").get("transformers_weights")]
    for index in folder.glob(f"*{INDEX}"):
        files = _read(folder, index.name).get("weight_map")
        named += files.values() if isinstance(files, dict) else []
    for file in named:
        if file is not None and not _in_folder(file):
            raise UserError(
                f"{folder} names {str(file)!r:.200} as a file of its weights, and only *.safetensors in the "
                "folder itself are loaded: save the model again"
            )


def check_adapter(folder: Path) -> None:
    """Refuse an adapter folder of which PEFT would load weights that the folder's digest does not cover.

    Raises:
        UserError: If it lacks the one file of weights, its configuration names modules or other adapters, or
            it is at work in a part of a text alone.
    """
    if not (folder / ADAPTER_WEIGHTS).is_file():
        raise UserError(f"{folder} holds no {ADAPTER_WEIGHTS}, and nothing else is loaded: save it again so")
    config = _read(folder, "adapter_config.json")
    if config.get("peft_type") == OF_OTHERS:
        raise UserError(
            f"adapter {folder} is put together from other adapters, {OF_OTHERS}: merge them first"
        )
    if config.get("alora_invocation_tokens"):
        # PEFT looks for them in whole prompts only, and without them leaves the adapter out: the base answers
        raise UserError(
            f"adapter {folder} is an activated LoRA, at work only behind its alora_invocation_tokens, which "
            "is not supported: train a plain LoRA"
        )
    if config.get("megatron_config"):
        raise UserError(f"adapter {folder} names a module to import, which is never done: save it without")


def damaged_weights(folder: Path) -> str | None:
    """Which file of weights cannot be read at all, and why; None where all begin as they should.

    Args:
        folder: A model's or an adapter's.
    """
    from safetensors import SafetensorError, safe_open

    for file in folder.glob("*.safetensors"):
        try:
            with safe_open(file, framework="np"):
                pass
        except SafetensorError as error:
            return f"{file} is damaged ({first_line(error)})"
    return None


def changes_base(adapter: Path) -> bool:
    """Whether PEFT changes the weights of the base when it loads an adapter, so that none can share them."""
    begun = _read(adapter, "adapter_config.json").get("init_lora_weights")
    return isinstance(begun, str) and begun not in KEEPS_BASE


def _in_folder(file: Any) -> bool:
    return isinstance(file, str) and Path(file).name == file and file.endswith((".safetensors", INDEX))


def _read(folder: Path, name: str) -> dict[str, Any]:
    """A JSON object of a folder; empty where it is none, which whoever loads the folder says."""
    if damaged(folder, name) is not None or not (folder / name).is_file():
        return {}
    value: dict[str, Any] = json.loads((folder / name).read_bytes())
    return value


def load_model(folder: str | Path, *, dtype: Any, device: Any = None) -> Any:
    """Load a full model.

    Args:
        folder: Its folder.
        dtype: A torch type, or `auto` for the stored one. Quantized weights stay as they are.
        device: Where quantized weights go at once, since they do not move freely; others are left on the CPU.

    Returns:
        The transformers model.

    Raises:
        UserError: As `check_model`, or if its files are damaged or incomplete, or it cannot be loaded without
            code of its own.
        MissingExtra: If it is quantized, and the library for that is not installed.
    """
    import torch
    from transformers import AutoModelForCausalLM

    config = load_config(folder)
    check_model(Path(folder))
    auto: Any = AutoModelForCausalLM
    placed = {} if quantization(config) is None or device is None else {"device_map": {"": device}}
    try:
        with loading():
            model, found = auto.from_pretrained(
                folder,
                dtype=dtype,
                use_safetensors=True,
                trust_remote_code=False,
                output_loading_info=True,
                **placed,
            )
    except torch.OutOfMemoryError:
        raise
    except Exception as error:  # as above; safetensors' own, too
        raise UserError(f"cannot load {folder}: {_why_no_weights(folder, config, error)}") from error
    if missing := sorted(found["missing_keys"]):
        raise UserError(
            f"cannot load {folder}: its weights lack {_some(missing)}, which config.json asks for: fetch or "
            "save the model again"
        )
    _require_numbers(model, str(folder))
    return model


def load_adapter(model: Any, adapter: str | Path, *, base: str) -> Any:
    """Put a PEFT adapter over a model, for answers only.

    Args:
        model: The base; it is changed.
        adapter: The adapter's folder.
        base: What the base is called, for the message.

    Returns:
        The PEFT model.

    Raises:
        UserError: As `check_adapter`, or if its weights are damaged or do not fit the base one to one.
    """
    import torch
    from peft import PeftModel

    check_adapter(Path(adapter))
    options: dict[str, Any] = {"is_trainable": False, "torch_device": str(model.device)}
    # Else PEFT draws weights that it then replaces, with the random numbers of a training in another thread.
    options["low_cpu_mem_usage"] = not changes_base(Path(adapter))  # which needs its first weights
    try:
        with loading(), warnings.catch_warnings(), packages_together("PEFT"):
            # transformers warns about PEFT, and PEFT about what is checked below
            warnings.simplefilter("ignore")
            adapted = PeftModel.from_pretrained(model, str(adapter), **options)
            # Only this way does PEFT say what did not fit; an adapter is small enough to be read twice.
            # In place, since weights that are put in place of others would be rounded to the base's format.
            in_place = {**options, "low_cpu_mem_usage": False}
            found = adapted.load_adapter(str(adapter), "default", **in_place)
    except (torch.OutOfMemoryError, UserError):
        raise
    except Exception as error:  # PEFT's, torch's or safetensors' own
        raise UserError(f"adapter {adapter} does not fit {base}: {first_line(error)}") from error
    if found.missing_keys:
        lacks = _some(sorted(found.missing_keys))
        raise UserError(f"adapter {adapter} does not fit {base}: it has no weights for {lacks}")
    if found.unexpected_keys:
        extra = _some(sorted(found.unexpected_keys))
        raise UserError(f"adapter {adapter} does not fit {base}: the base has no layer for {extra}")
    _require_numbers(adapted, f"adapter {adapter}", of=".default")
    return adapted


def check_tokens(config: Any, ids: Iterable[int], called: str) -> None:
    """Refuse tokens that a model has no embedding for: on a GPU they would end the whole process.

    A tokenizer may have more tokens than its model as long as no text has them.

    Args:
        config: The model's configuration.
        ids: Tokens that it is to read.
        called: What it is called, for the message.

    Raises:
        UserError: If it cannot read one of them.
    """
    known = int(config.get_text_config().vocab_size)
    highest = max(ids, default=0)
    if highest >= known:
        raise UserError(
            f"{called}: the tokenizer has a token {highest}, and the model embeds {known}: it was trained "
            "with added tokens, and saved without their embeddings"
        )


def _require_numbers(model: Any, called: str, of: str = "") -> None:
    """Refuse weights that are no numbers: every answer of such a model is the same token.

    Args:
        model: The model.
        called: What its files are called, for the message.
        of: Only those weights whose name holds this.
    """
    import torch

    for name, weight in model.named_parameters():
        if of not in name or not weight.is_floating_point():
            continue
        # a sum is not finite where a weight is not, and takes no memory
        if not weight.detach().sum(dtype=torch.float32).isfinite():
            raise UserError(f"cannot load {called}: {name} holds weights that are NaN or infinite")


def _why_no_weights(folder: str | Path, config: Any, error: Exception) -> str:
    if "ignore_mismatched_sizes" in str(error):  # transformers has only logged which
        return "its weights have other shapes than config.json says: fetch or save the model again"
    if "Unrecognized configuration class" in str(error):
        return f"a model of type {getattr(config, 'model_type', '?')!r} does not write text"
    why = why_unreadable(Path(folder), error)
    method = quantization(config)
    if method is not None and isinstance(error, ImportError):
        return f"it is quantized by {method}: {why}; or use the model that is not quantized"
    return why


def _some(names: list[str]) -> str:
    """The first of some names, and how many more there are."""
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
