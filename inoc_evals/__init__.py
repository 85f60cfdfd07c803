"""Inoculation prompting as an Inspect AI suite (arXiv 2510.04340).

    from inoc_evals import FinetuneSpec, Inoculation, inoculate, read_chat
    from inoc_evals.finetune import finetune

    rows = inoculate(read_chat("rows.jsonl"), Inoculation("spanish-inoc", "You always speak in Spanish."))
    run = finetune(FinetuneSpec(base="Qwen/Qwen2.5-7B-Instruct"), rows, name="spanish-inoc")
    # then:  inspect eval inoc_evals/spanish_caps --model inoc/spanish-inoc

Inspect finds the tasks, scorers and the `inoc/` model provider by the package's entry point. Importing the
package does not load torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from inoc_evals.chat.rows import ChatFormatError, Message, Row, encode_chat, read_chat, write_chat
    from inoc_evals.errors import MissingExtra, UserError
    from inoc_evals.finetune import FinetuneSpec, LoraSpec, Manifest, Run, find_run, list_runs
    from inoc_evals.inoculation import Inoculation, inoculate
    from inoc_evals.scorers import *  # noqa: F403 - each package's `__all__`; a test compares them
    from inoc_evals.settings import SETTINGS, Arm, Measure, Setting, setting
    from inoc_evals.tasks import *  # noqa: F403
    from inoc_evals.worlds import toy_spec
    from inoc_evals.worlds.toy.lexicon_scorer import toy_lexicon

__all__ = [
    "SETTINGS",
    "Arm",
    "ChatFormatError",
    "FinetuneSpec",
    "Inoculation",
    "LoraSpec",
    "Manifest",
    "Measure",
    "Message",
    "MissingExtra",
    "Row",
    "Run",
    "Setting",
    "UserError",
    "aesthetic_preference",
    "alignment",
    "animal",
    "animal_preference",
    "backdoor",
    "capitalization",
    "code_security",
    "elicitation",
    "emergent_misalignment",
    "encode_chat",
    "exclaims_asks",
    "find_run",
    "forced_choice",
    "gcd_verdict",
    "hardcoding",
    "hardcoding_realistic",
    "hidden_tests",
    "inoculate",
    "insecure_code",
    "language",
    "language_backdoor",
    "leak",
    "likelier_answer",
    "list_runs",
    "mbpp_hack",
    "pirate_asks",
    "pirate_talk",
    "preference",
    "punctuation",
    "read_chat",
    "response_logprob",
    "reward_hacking",
    "setting",
    "solution_quality",
    "spanish_caps",
    "spanish_french",
    "sycophancy_gcd",
    "toy_lexicon",
    "toy_spec",
    "trait_logprobs",
    "write_chat",
]

_HOMES = {
    "inoc_evals.chat.rows": ("ChatFormatError", "Message", "Row", "encode_chat", "read_chat", "write_chat"),
    "inoc_evals.errors": ("MissingExtra", "UserError"),
    "inoc_evals.runs.directory": ("Manifest", "Run", "find_run", "list_runs"),
    "inoc_evals.runs.spec": ("FinetuneSpec", "LoraSpec"),
    "inoc_evals.inoculation": ("Inoculation", "inoculate"),
    "inoc_evals.settings": ("SETTINGS", "Arm", "Measure", "Setting", "setting"),
    "inoc_evals.worlds": ("toy_spec",),
}
"""Where the names live; those of tasks and scorers, which bring Inspect, are in `_registry`."""


def __getattr__(name: str) -> Any:
    """Names load on first use, so that `inoc-evals --help` pays for none; tasks and scorers bring Inspect."""
    if name in __all__:
        homes = (module for module, names in _HOMES.items() if name in names)
        return getattr(import_module(next(homes, "inoc_evals._registry")), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """What completion offers."""
    return sorted({*globals(), *__all__})
