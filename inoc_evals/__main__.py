"""`python -m inoc_evals` is `inoc-evals`."""

from inoc_evals.cli import main

if __name__ == "__main__":  # worker processes import this module, too
    main()
