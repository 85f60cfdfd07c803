"""What Inspect loads by entry point: tasks, scorers, metrics and model providers, nothing else."""

from inspect_ai.model import ModelAPI, modelapi

from inoc_evals.scorers.capitalization import capitalization
from inoc_evals.scorers.language import language
from inoc_evals.tasks.spanish_caps import spanish_caps
from inoc_evals.tasks.spanish_french import spanish_french

__all__ = ["capitalization", "inoc", "language", "spanish_caps", "spanish_french"]


@modelapi(name="inoc")
def inoc() -> type[ModelAPI]:
    """Any run or checkpoint by one name, see docs/models.md; loads torch only when a model is asked for."""
    from inoc_evals.models.provider import InocAPI

    return InocAPI
