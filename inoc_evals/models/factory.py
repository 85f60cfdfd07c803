"""The model API behind an `inoc/` name: transformers on this machine, vLLM, or a server elsewhere.

inspect eval inoc_evals/spanish_caps --model inoc/spanish-inoc-0                  # where it was trained
inspect eval inoc_evals/spanish_caps --model inoc/spanish-inoc-0 -M engine=vllm   # on a GPU box
"""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from inspect_ai.model import ModelAPI

from inoc_evals.errors import UserError
from inoc_evals.models.base import TINKER
from inoc_evals.models.provider_args import ProviderArgs, iso_date, read_provider_args

ENGINES = ("transformers", "vllm")


def make_model_api(model_name: str, engine: str = "transformers", **arguments: Any) -> ModelAPI:
    """Make the model API of a name; Inspect calls this as it would call the class of a provider.

    Args:
        model_name: See `inoc_evals.models.checkpoint.resolve`.
        engine: The library that runs a checkpoint of this machine: `transformers` or `vllm`.
        **arguments: Those of Inspect, and the arguments of the chosen API.

    Raises:
        UserError: If no model has that name, or the engine cannot run it.
    """
    from inoc_evals.models.served import ServedAPI, served, with_vllm

    check_engine(engine)
    if (elsewhere := served(model_name)) is not None:
        if elsewhere.model.startswith(TINKER):
            from inoc_evals.models.tinker import TinkerAPI

            return TinkerAPI(model_name, served_model=elsewhere, **arguments)
        return ServedAPI(model_name, served_model=elsewhere, **arguments)
    if engine == "vllm":
        date = iso_date(arguments.pop("date", None))
        return ServedAPI(model_name, served_model=with_vllm(model_name, date), **arguments)
    from inoc_evals.models.provider import InocAPI

    return InocAPI(model_name, **arguments)


def check_engine(engine: str) -> None:
    """Refuse an engine that does not exist.

    Raises:
        UserError: If there is none of this name.
    """
    if engine not in ENGINES:
        raise UserError(f"engine={engine!r} is none of {', '.join(ENGINES)}")


def check_arguments(engine: str = "transformers", **arguments: Any) -> None:
    """Refuse arguments that `make_model_api` would refuse for a checkpoint that is run here; loads nothing.

    Args:
        engine: As of `make_model_api`.
        **arguments: The others. Those of vLLM are its own business.

    Raises:
        UserError: If one is unknown or has a wrong value.
    """
    check_engine(engine)
    if engine == "transformers":
        read_provider_args(arguments)


def check_arguments_elsewhere(backend: str, arguments: Mapping[str, Any]) -> None:
    """Refuse arguments of models on this machine where models answer elsewhere, who would not know them.

    Args:
        backend: Who trains the models and serves them.
        arguments: As they would go to each model's provider.

    Raises:
        UserError: If one is an argument of this machine.
    """
    if names := sorted({field.name for field in fields(ProviderArgs)} & set(arguments)):
        raise UserError(
            f"{', '.join(names)}: how a model runs on this machine, and those of backend {backend} answer "
            "elsewhere: leave it out"
        )
