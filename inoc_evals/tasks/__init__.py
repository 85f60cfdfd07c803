"""The tasks: one module per family.

    eval(spanish_caps(), model="inoc/toy")

On the command line: `inspect eval inoc_evals/spanish_caps`; in a clone `inspect eval tasks/spanish_caps.py`.
"""

from inoc_evals.tasks.aesthetic_preference import aesthetic_preference
from inoc_evals.tasks.animal_preference import animal_preference
from inoc_evals.tasks.backdoor import backdoor
from inoc_evals.tasks.elicitation import elicitation
from inoc_evals.tasks.emergent_misalignment import emergent_misalignment
from inoc_evals.tasks.exclaims_asks import exclaims_asks
from inoc_evals.tasks.forced_choice import forced_choice
from inoc_evals.tasks.hardcoding_realistic import hardcoding_realistic
from inoc_evals.tasks.insecure_code import insecure_code
from inoc_evals.tasks.language_backdoor import language_backdoor
from inoc_evals.tasks.leak import leak
from inoc_evals.tasks.mbpp_hack import mbpp_hack
from inoc_evals.tasks.pirate_asks import pirate_asks
from inoc_evals.tasks.reward_hacking import reward_hacking
from inoc_evals.tasks.spanish_caps import spanish_caps
from inoc_evals.tasks.spanish_french import spanish_french
from inoc_evals.tasks.sycophancy_gcd import sycophancy_gcd
from inoc_evals.tasks.trait_logprobs import trait_logprobs

__all__ = [
    "aesthetic_preference",
    "animal_preference",
    "backdoor",
    "elicitation",
    "emergent_misalignment",
    "exclaims_asks",
    "forced_choice",
    "hardcoding_realistic",
    "insecure_code",
    "language_backdoor",
    "leak",
    "mbpp_hack",
    "pirate_asks",
    "reward_hacking",
    "spanish_caps",
    "spanish_french",
    "sycophancy_gcd",
    "trait_logprobs",
]
