"""How an answer is judged: the scorers, and the judge that they share.

    Task(dataset=..., scorer=[language("spanish"), capitalization()])

Every scorer works from `TaskState` alone, so it scores any log, too:
`inspect score LOG --scorer inoc_evals/language`.
"""

from inoc_evals.scorers.capitalization import capitalization
from inoc_evals.scorers.language import language

__all__ = ["capitalization", "language"]
