"""What Inspect loads by entry point: tasks, scorers, metrics and model providers, nothing else."""

from typing import cast

from inspect_ai.model import ModelAPI, modelapi

from inoc_evals.scorers.alignment import alignment
from inoc_evals.scorers.animal import animal
from inoc_evals.scorers.capitalization import capitalization
from inoc_evals.scorers.code_security import code_security
from inoc_evals.scorers.language import language
from inoc_evals.scorers.preference import preference
from inoc_evals.scorers.response_logprob import response_logprob
from inoc_evals.scorers.solution_quality import solution_quality
from inoc_evals.tasks.aesthetic_preference import aesthetic_preference
from inoc_evals.tasks.animal_preference import animal_preference
from inoc_evals.tasks.backdoor import backdoor
from inoc_evals.tasks.elicitation import elicitation
from inoc_evals.tasks.emergent_misalignment import emergent_misalignment
from inoc_evals.tasks.insecure_code import insecure_code
from inoc_evals.tasks.reward_hacking import reward_hacking
from inoc_evals.tasks.spanish_caps import spanish_caps
from inoc_evals.tasks.spanish_french import spanish_french
from inoc_evals.tasks.trait_logprobs import trait_logprobs
from inoc_evals.worlds.toy.lexicon_scorer import toy_lexicon

__all__ = [
    "aesthetic_preference",
    "alignment",
    "animal",
    "animal_preference",
    "backdoor",
    "capitalization",
    "code_security",
    "elicitation",
    "emergent_misalignment",
    "inoc",
    "insecure_code",
    "language",
    "preference",
    "response_logprob",
    "reward_hacking",
    "solution_quality",
    "spanish_caps",
    "spanish_french",
    "toy_lexicon",
    "trait_logprobs",
]


@modelapi(name="inoc")
def inoc() -> type[ModelAPI]:
    """Any run or checkpoint by one name, see docs/models.md; loads torch only when a model is asked for."""
    from inoc_evals.models.factory import make_model_api

    # Inspect calls what it gets as it would a class; which class it takes depends on the name.
    return cast(type[ModelAPI], make_model_api)
