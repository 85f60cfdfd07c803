"""Whether a spec fits its base: what configuration and tokenizer alone can tell, before anything is made.

    config = fitting_config(path, spec)      # UserError where the base has no such layer, token or module

An estimate and a training ask here first: both refuse the same specs, and no run's folder is left of one that
could never have been trained.
"""

from pathlib import Path
from typing import Any

from inoc_evals.chat.renderer import load_tokenizer
from inoc_evals.errors import UserError
from inoc_evals.finetune.quantized import trainable_config
from inoc_evals.models.loading import empty_model
from inoc_evals.runs.spec import FinetuneSpec, LoraSpec


def fitting_config(folder: str | Path, spec: FinetuneSpec) -> Any:
    """Read the configuration of a base, and refuse a spec that it cannot be trained by.

    Args:
        folder: The base's folder.
        spec: The spec.

    Returns:
        The configuration.

    Raises:
        UserError: If the base cannot be trained (see `trainable_config`), has no such layers, modules or
            tokens, a tracker is not installed, or there are no such responses to measure.
        MissingExtra: If it is quantized by bitsandbytes, which is not installed.
    """
    config = trainable_config(folder, spec)
    if spec.lora is not None:
        _check_adapter(config, spec.lora, spec.base)
    if spec.trained_tokens:
        vocabulary = load_tokenizer(folder).get_vocab()
        if unknown := [token for token in spec.trained_tokens if token not in vocabulary]:
            raise UserError(f"trained_tokens: {unknown[0]!r:.60} is not one token of {spec.base}")
    if spec.report_to:
        _check_trackers(spec.report_to)
    if spec.probe is not None:
        from inoc_evals.data.trait_responses import TRAIT_RESPONSES  # brings Inspect

        list(TRAIT_RESPONSES.load(spec.probe.responses))
    return config


def _check_adapter(config: Any, lora: LoraSpec, base: str) -> None:
    deep = config.get_text_config().num_hidden_layers
    if lora.layers is not None and max(lora.layers) >= deep:
        raise UserError(f"LoRA: layers: {base} has layers 0 to {deep - 1}, not {max(lora.layers)}")
    if lora.target_modules == "all-linear":
        return
    names = [name for name, _ in empty_model(config).named_modules()]
    for target in lora.target_modules:  # PEFT passes over one that is nowhere, if it finds any other
        if not any(name == target or name.endswith(f".{target}") for name in names):
            leaves = dict.fromkeys(name.rpartition(".")[2] for name in names if name.endswith("_proj"))
            has = f", only e.g. {', '.join(leaves)}" if leaves else ""
            raise UserError(f"LoRA: target_modules: {base} has no {target!r:.60}{has}")


def _check_trackers(named: tuple[str, ...]) -> None:
    import transformers

    integrations: Any = transformers.integrations  # not typed
    known: list[str] = integrations.get_available_reporting_integrations()
    if missing := [name for name in named if name not in (*known, "none")]:
        raise UserError(f"report_to: {missing[0]!r} is not installed here: use {', '.join(known) or 'none'}")
