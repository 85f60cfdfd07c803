"""The audit's check of whether the answers of all arms were drawn from the models' own distributions.

At temperature 1 an answer of `inoc/` is drawn from everything that the model puts probability on. Other
providers leave to their server, or to the model's `generation_config.json`, what is cut off before: `hf/`
keeps the 50 likeliest tokens, llama.cpp 40. That changes rates, most of all those of rare traits, and no log
says it.
"""

import re
from collections.abc import Iterator
from itertools import combinations
from typing import TYPE_CHECKING

from inoc_evals.analysis.findings import CAUTION, NOTE, Finding
from inoc_evals.analysis.observed import groups
from inoc_evals.analysis.style import BASE

if TYPE_CHECKING:
    import pandas as pd

DECIDED = {
    "hf": "transformers keeps the 50 likeliest tokens, or what generation_config.json says",
    "vllm": "vLLM takes top-p, top-k, min-p and penalties of generation_config.json",
    "sglang": "SGLang takes top-p, top-k, min-p and penalties of generation_config.json",
    "ollama": "Ollama keeps the 40 likeliest tokens, and of those 90 % of the probability",
    "llama-cpp-python": "llama.cpp keeps the 40 likeliest tokens, and penalises repetition",
}
"""Inspect's providers that cut off what no log names, by the start of a model's name, and what they do."""

TODO = "evaluate by inoc/, or have the server cut nothing off: top_p 1, top_k 0, min_p 0 and no penalties"


def drawn_apart(rows: "pd.DataFrame") -> Iterator[Finding]:
    """Say which answers were drawn as a server decides, and which arms were drawn each in another way.

    Args:
        rows: Answers of one setting and base.

    Yields:
        A caution for two arms of which one was drawn so and the other not, or by another server; a note where
        all were drawn alike.
    """
    providers: dict[str, set[str]] = {}
    for observed in groups(rows, ("arm", "model", "sampling")):
        if not _left_open(str(observed.get("sampling"))):
            continue
        arm = str(observed["arm"]) if observed["arm"] is not None else BASE
        providers.setdefault(arm, set()).add(str(observed["model"]).partition("/")[0])
    decided = {arm: names & set(DECIDED) for arm, names in providers.items()}
    named = sorted({name for names in decided.values() for name in names})
    if not named:
        return
    where = groups(rows, ("setting", "base"))[0]
    what = "; ".join(f"{name}/: {DECIDED[name]}" for name in named)
    apart = False
    for arm, to in combinations(providers, 2):
        if providers[arm] & providers[to] or not (decided[arm] or decided[to]):
            continue
        apart = True
        yield Finding(
            "arms drawn apart",
            CAUTION,
            f"{arm} was asked by {_listed(providers[arm])}, {to} by {_listed(providers[to])}, and answers "
            f"were not drawn alike ({what})",
            TODO,
            {**where, "arm": arm},
            to,
            numbers={"providers": {arm: sorted(providers[arm]), to: sorted(providers[to])}},
        )
    if not apart:
        yield Finding(
            "answers drawn as a server decides",
            NOTE,
            f"answers were not drawn from the model's own distribution unless the server was told ({what})",
            TODO,
            where,
            numbers={"providers": named},
        )


def _left_open(sampling: str) -> bool:
    """Whether answers were drawn at some temperature, and nothing said what is cut off before."""
    drawn = re.match(r"temperature (\d+(?:\.\d+)?)", sampling)  # the first of what is said
    return drawn is not None and float(drawn[1]) > 0 and not re.search(r", (top_k|extra_body) ", sampling)


def _listed(names: set[str]) -> str:
    return ", ".join(f"{name}/" for name in sorted(names))
