"""What is asked: one module a family of tasks.

    eval(spanish_caps(questions="toy"), model="inoc/toy")

On the command line: `inspect eval inoc_evals/spanish_caps`; in a clone `inspect eval tasks/spanish_caps.py`.
"""

from inoc_evals.tasks.spanish_caps import spanish_caps
from inoc_evals.tasks.spanish_french import spanish_french

__all__ = ["spanish_caps", "spanish_french"]
