"""How an answer is scored: one module a scorer, and the judge that they share (`judge/`).

    Task(dataset=..., scorer=[language("spanish"), capitalization()])

Every scorer works from `TaskState` alone, so it scores any log, too:
`inspect score LOG --scorer inoc_evals/language`.
"""

from inoc_evals.scorers.alignment import alignment
from inoc_evals.scorers.animal import animal
from inoc_evals.scorers.capitalization import capitalization
from inoc_evals.scorers.code_security import code_security
from inoc_evals.scorers.gcd_verdict import gcd_verdict
from inoc_evals.scorers.hardcoding import hardcoding
from inoc_evals.scorers.hidden_tests import hidden_tests
from inoc_evals.scorers.language import language
from inoc_evals.scorers.likelier_answer import likelier_answer
from inoc_evals.scorers.pirate_talk import pirate_talk
from inoc_evals.scorers.preference import preference
from inoc_evals.scorers.punctuation import punctuation
from inoc_evals.scorers.response_logprob import response_logprob
from inoc_evals.scorers.solution_quality import solution_quality

__all__ = [
    "alignment",
    "animal",
    "capitalization",
    "code_security",
    "gcd_verdict",
    "hardcoding",
    "hidden_tests",
    "language",
    "likelier_answer",
    "pirate_talk",
    "preference",
    "punctuation",
    "response_logprob",
    "solution_quality",
]
