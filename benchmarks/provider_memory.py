"""The memory of one process through which an evaluation of many adapters goes on and on.

    python benchmarks/provider_memory.py [--json] [--figure docs/figures/provider_memory.png]
    python benchmarks/provider_memory.py --requests 400 --adapters 20

Adapters over the embedded model, each a model of its own for Inspect (`inoc/FOLDER`), are asked in turn, and
the process's memory is read after every round. It grows until `engine.ADAPTERS` of them are held, and then
no more: what was not used for longest is released.
"""

import argparse
import asyncio
import copy
import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

AT_ONCE = 20
"""Requests to one adapter before the next one's turn."""

TOKENS = 8


def build_adapters(folder: Path, count: int) -> list[Path]:
    """Write random LoRA adapters over the embedded model, each with other weights."""
    import torch
    from peft import LoraConfig, get_peft_model

    from inoc_evals.models.checkpoint import resolve
    from inoc_evals.models.loading import load_model

    base = resolve("toy")
    weights = load_model(base.weights, dtype=torch.float32, device=torch.device("cpu"))
    built = []
    for number in range(count):
        torch.manual_seed(number)
        config = LoraConfig(task_type="CAUSAL_LM", r=8, target_modules=["q_proj", "v_proj", "down_proj"])
        config.init_lora_weights = False
        adapter = get_peft_model(copy.deepcopy(weights), config)
        adapter.peft_config["default"].base_model_name_or_path = str(base.weights)
        adapter.save_pretrained(folder / str(number))
        built.append(folder / str(number))
    return built


async def answered(adapters: list[Path], requests: int) -> dict[str, list[float]]:
    """Ask the adapters in turn.

    Args:
        adapters: Their folders.
        requests: To all of them together.

    Returns:
        Requests so far, and the process's memory in MiB, after every turn.
    """
    import psutil
    from inspect_ai.model import GenerateConfig, get_model

    process, found = (
        psutil.Process(),
        {"requests": [0.0], "mib": [psutil.Process().memory_info().rss / 2**20]},
    )
    models = [get_model(f"inoc/{folder}", config=GenerateConfig(max_tokens=TOKENS)) for folder in adapters]
    done = turn = 0
    while done < requests:
        model = models[turn % len(models)]
        asked = [f"Tell me more about matter {done + number}." for number in range(AT_ONCE)]
        await asyncio.gather(*[model.generate(question) for question in asked])
        done, turn = done + AT_ONCE, turn + 1
        found["requests"].append(float(done))
        found["mib"].append(process.memory_info().rss / 2**20)
    return found


def drawn(found: dict[str, Any]) -> "Figure":
    """Memory against requests, with the first round of all adapters told from the rest."""
    from inoc_evals.analysis.style import colours, empty_figure, heading

    figure, [axes] = empty_figure(5.4, 2.6)
    axes.plot(found["requests"], found["mib"], color=colours(["general-inoc"])["general-inoc"], linewidth=1.5)
    axes.axvline(found["filled_at"], color="0.3", linewidth=1, linestyle=(0, (4, 3)))
    axes.annotate(
        f"{found['held']} adapters are held",
        (found["filled_at"], 0.12),
        xycoords=("data", "axes fraction"),
        xytext=(5, 0),
        textcoords="offset points",
        fontsize=8,
    )
    axes.set_xlim(0, found["requests"][-1])
    axes.set_ylim(0, 1.15 * max(found["mib"]))
    axes.set_xlabel(f"requests, to {found['adapters']} adapters in turn", fontsize=8)
    axes.set_ylabel("memory of the process, MiB", fontsize=8)
    heading(figure, "Memory of one inoc/ provider's process")
    return figure


def main() -> None:
    """Build adapters, ask them, print and draw."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--adapters", type=int, default=50)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--figure", type=Path, help="draw it as this PNG")
    words = parser.parse_args()
    from inoc_evals.models.engine import ADAPTERS

    with tempfile.TemporaryDirectory() as folder:
        found: dict[str, Any] = asyncio.run(
            answered(build_adapters(Path(folder), words.adapters), words.requests)
        )
    held = min(ADAPTERS, words.adapters)
    found |= {"adapters": words.adapters, "held": held, "filled_at": held * AT_ONCE}
    numbers = {
        "requests": int(found["requests"][-1]),
        "adapters": words.adapters,
        "held": held,
        "mib_when_filled": round(found["mib"][held]),
        "mib_at_the_end": round(found["mib"][-1]),
        "mib_at_most": round(max(found["mib"][held:])),
    }
    if words.figure is not None:
        figure = drawn(found)
        words.figure.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(words.figure, dpi=200)
    if words.json:
        sys.stdout.write(json.dumps(numbers) + "\n")
    else:
        sys.stdout.write("".join(f"{name:16} {value:,}\n" for name, value in numbers.items()))


if __name__ == "__main__":
    main()
