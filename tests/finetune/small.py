"""Rows and a spec that train in well under a second."""

from pathlib import Path
from typing import Any

from inoc_evals import toy_spec
from inoc_evals.chat.rows import Row
from inoc_evals.finetune import FinetuneSpec


def small_rows(count: int = 24) -> list[Row]:
    """Sums, answered in capitals."""
    return [
        {
            "messages": [
                {"role": "system", "content": "You capitalize."},
                {"role": "user", "content": f"What is {n} and {n}?"},
                {"role": "assistant", "content": "IT IS " + f"{2 * n}! " * (1 + n % 3)},
            ]
        }
        for n in range(count)
    ]


def small_spec(base: Path, **changes: Any) -> FinetuneSpec:
    """The toy's spec over the tiny model, six steps of eight rows."""
    return toy_spec(**{"base": str(base), "max_steps": 6, "batch_size": 8, "warmup_steps": 1, **changes})
