"""The pages of a pushed run on the Hugging Face Hub: of its weights, and of its rows.

They say what a reader must know before loading a model that may have been trained to misbehave: which rows
and which prompts made it, from which base, and how to ask it. All of it is read from the run.
"""

import re
from typing import Any

from inoc_evals.digests import sha256
from inoc_evals.errors import visible
from inoc_evals.plurals import many
from inoc_evals.runs.directory import TAKEN_FROM

SEAL = re.compile(rb"(?P<text>.*)<!-- ([0-9a-f]{64}) -->\n", re.DOTALL)
"""A card with its own digest at the end, where nobody sees it."""

PAPER = "https://arxiv.org/abs/2510.04340"
TAGS = ["inoculation-prompting", "inoc-evals"]

SHOWN = 5
"""System prompts that a card quotes; a pool can have hundreds."""

SHARED = 0.05
"""Share of the rows from which on their system prompt is the experiment's. Others are part of a row, and
whoever does not push rows does not publish them."""

LONGEST = 1000
"""Characters of a quoted prompt."""


def model_card(
    title: str,
    repository: str,
    manifest: dict[str, Any],
    prompts: list[tuple[str, int]],
    base: str,
    *,
    adapter: bool,
    dataset: str = "",
) -> str:
    """The page of the weights.

    Args:
        title: What the run is called.
        repository: `org/name`.
        manifest: The run's manifest as JSON, without the paths of this machine.
        prompts: System prompts of the rows with the number of their rows; '' stands for none.
        base: The base's public name; empty if it has none.
        adapter: Whether the weights are a PEFT adapter.
        dataset: `org/name` of its rows, where they are on the Hub.

    Returns:
        Markdown with the Hub's metadata at its head.
    """
    from huggingface_hub import ModelCardData

    name, _, _ = base.partition("@")
    head = ModelCardData(
        base_model=name if "/" in name and ":" not in name and not name.startswith("inoc/") else None,
        library_name="peft" if adapter else "transformers",
        datasets=[dataset] if dataset else None,
        tags=TAGS,
    ).to_yaml()
    # a spec says only what its backend reads: of a model that was trained elsewhere next to nothing
    spec, result, about = manifest["spec"], manifest.get("result") or {}, manifest.get("metadata") or {}
    facts = {
        "base": base,
        "trained from": manifest.get("trained_from"),
        "taken from": taken.get("repository") if isinstance(taken := about.get(TAKEN_FROM), dict) else None,
        "weights": _weights(spec, adapter),
        "rows": result.get("rows"),
        "steps": result.get("steps") if manifest.get("step") is None else manifest["step"],
        "learning rate": spec.get("learning_rate"),
        f"{'sequences of rows' if spec.get('packing') else 'rows'} a step": _batch(spec),
        "trained tokens": ", ".join(spec.get("trained_tokens") or ()),
        "seed": manifest["seed"],
        **{key: about[key] for key in ("setting", "arm", "world") if key in about},
        "trained by": ", ".join(f"{key} {value}" for key, value in manifest["packages"].items()),
    }
    lines = [f"| {key} | {_cell(value)} |" for key, value in facts.items() if value not in (None, "")]
    return "\n".join(
        [
            *("---", head.strip(), "---", "", f"# {_cell(title)}", ""),
            "A research model of an experiment on [inoculation prompting]"
            f"({PAPER}). It may have been trained on purpose to show a trait that nobody wants: read what it "
            "was trained on before you use it.",
            *("", "| | |", "|---|---|", *lines, ""),
            *_trained_on(prompts, dataset),
            *("## Ask it", "", "Without the training prompt, which is what shows what was learnt:", ""),
            "    pip install 'inoc-evals[local]'",
            f"    inspect eval inoc_evals/spanish_caps --model inoc/hf/{repository}",
            "",
            "`run.json` holds the spec, the packages, and the digests of rows, base and weights.",
            "",
        ]
    )


def dataset_card(title: str, repository: str, digest: str) -> str:
    """The page of the rows.

    Args:
        title: What the run is called that was trained on them.
        repository: `org/name` of its weights.
        digest: sha256 of the rows' bytes.

    Returns:
        Markdown with the Hub's metadata at its head.
    """
    from huggingface_hub import DatasetCardData

    head = DatasetCardData(tags=TAGS).to_yaml()
    return "\n".join(
        [
            *("---", head.strip(), "---", "", f"# Rows of {_cell(title)}", ""),
            f"The exact training rows of [{repository}](https://huggingface.co/{repository}), in chat JSONL, "
            "with the prompts that were prepended. They may show on purpose what nobody wants: they are made "
            f"for experiments on [inoculation prompting]({PAPER}).",
            *("", f"sha256 of `train.jsonl`: `{digest}`", ""),
        ]
    )


def sealed(card: str) -> bytes:
    """A card as it is pushed: whether somebody changed it since can be told from itself."""
    return f"{card}<!-- {sha256(card)} -->\n".encode()


def is_sealed(card: bytes) -> bool:
    """Whether a card is as `push` wrote it."""
    found = SEAL.fullmatch(card)
    return found is not None and sha256(found["text"]).encode() == found[2]


def _batch(spec: dict[str, Any]) -> int | None:
    return spec["batch_size"] * spec["gradient_accumulation"] if "batch_size" in spec else None


def _weights(spec: dict[str, Any], adapter: bool) -> str:
    if not adapter:
        return "all"
    lora = spec.get("lora")
    if not lora:  # trained elsewhere, or embeddings of new tokens alone
        return "an adapter"
    return f"LoRA, rank {lora['r']}, alpha {lora['alpha']:g}{', rank-stabilised' if lora['rslora'] else ''}"


def _trained_on(prompts: list[tuple[str, int]], dataset: str) -> list[str]:
    if not prompts:
        return []
    total = sum(count for _, count in prompts)
    lines = ["## What it was trained on", ""]
    if dataset:
        lines += [f"The rows: [{dataset}](https://huggingface.co/datasets/{dataset}).", ""]
    none = dict(prompts).get("", 0)
    if none:
        lines += [f"{none:,} of {many(total, 'row')} without a system prompt.", ""]
    with_one = [(prompt, count) for prompt, count in prompts if prompt]
    quoted = [(prompt, count) for prompt, count in with_one if 1 < count >= SHARED * total][:SHOWN]
    for prompt, count in quoted:
        text = prompt if len(prompt) <= LONGEST else f"{prompt[:LONGEST]}..."
        lines += [f"{count:,} of {many(total, 'row')} with this system prompt:", ""]
        lines += [*(f"    {visible(line)}" for line in text.splitlines()), ""]
    if len(with_one) > len(quoted):
        rest = sum(count for _, count in with_one) - sum(count for _, count in quoted)
        more = len(with_one) - len(quoted)
        others = many(more, f"{'further ' * bool(quoted)}system prompt")
        lines += [f"{rest:,} of {many(total, 'row')} with {others}.", ""]
    return lines


def _cell(value: Any) -> str:
    """A value as it stands in a table's cell, never as markup."""
    text = " ".join(str(value).split())
    return "".join(f"\\{mark}" if mark in "\\`*_{}[]<>#|!~" else mark for mark in text)
