"""What an `inoc/` name is answered by: this machine, vLLM, or a server elsewhere.

inspect eval inoc_evals/spanish_caps --model inoc/spanish-inoc-0                  # wherever it was trained
inspect eval inoc_evals/spanish_caps --model inoc/spanish-inoc-0 -M engine=vllm   # on a GPU box
"""

from typing import Any

from inspect_ai.model import ModelAPI

from inoc_evals.errors import UserError

ENGINES = ("transformers", "vllm")


def connect(model_name: str, engine: str = "transformers", **arguments: Any) -> ModelAPI:
    """Make the model API of a name, as Inspect makes one of a class.

    Args:
        model_name: See `inoc_evals.models.checkpoint.resolve`.
        engine: What runs a checkpoint that is on this machine.
        **arguments: Inspect's, and those of whatever answers.

    Raises:
        UserError: If nothing has that name, or the engine cannot run it.
    """
    from inoc_evals.models.served import ServedAPI, served, with_vllm

    if engine not in ENGINES:
        raise UserError(f"engine={engine!r}: there are {', '.join(ENGINES)}")
    if (found := served(model_name)) is not None:
        if found.model.startswith("tinker/"):
            from inoc_evals.models.tinker import TinkerAPI

            return TinkerAPI(model_name, found=found, **arguments)
        return ServedAPI(model_name, found=found, **arguments)
    if engine == "vllm":
        return ServedAPI(model_name, found=with_vllm(model_name), **arguments)
    from inoc_evals.models.provider import InocAPI

    return InocAPI(model_name, **arguments)
