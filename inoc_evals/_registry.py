"""What Inspect loads by entry point: tasks, scorers, metrics and model providers, nothing else."""

from typing import cast

from inspect_ai.model import ModelAPI, modelapi

from inoc_evals import scorers, tasks
from inoc_evals.scorers import *  # noqa: F403 - the package's `__all__` is the list
from inoc_evals.tasks import *  # noqa: F403
from inoc_evals.worlds.toy.lexicon_scorer import toy_lexicon

__all__ = ["inoc", "toy_lexicon"]
__all__ += scorers.__all__
__all__ += tasks.__all__


@modelapi(name="inoc")
def inoc() -> type[ModelAPI]:
    """Any run or checkpoint by one name, see docs/models.md; loads torch only when a model is created."""
    from inoc_evals.models.factory import make_model_api

    # Inspect calls the returned object like a class; which class that creates depends on the model's name.
    return cast(type[ModelAPI], make_model_api)
