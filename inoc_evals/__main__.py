"""`python -m inoc_evals` is `inoc-evals`."""

from inoc_evals.cli import main

main()
