"""From Inspect logs to conclusions: one table, estimates with intervals, figures.

    from inoc_evals.analysis import differences, load, rates, rates_figure, save

    table = load("logs/demo")
    rates(table), differences(table, to="none")
    save(rates_figure(table), Path("figures/main"))        # in the paper's style, for a column

Their modules are loaded on first use, pandas when they are called.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from inoc_evals.analysis.contrasts import differences
    from inoc_evals.analysis.estimates import rates
    from inoc_evals.analysis.figures import save
    from inoc_evals.analysis.paper_figures import (
        effects_figure,
        questions_figure,
        rates_figure,
        tradeoff_figure,
    )
    from inoc_evals.analysis.table import load, read

__all__ = [
    "differences",
    "effects_figure",
    "load",
    "questions_figure",
    "rates",
    "rates_figure",
    "read",
    "save",
    "tradeoff_figure",
]


def __getattr__(name: str) -> Any:
    """Load the module of a function on its first use."""
    if name in __all__:
        from inoc_evals.analysis import contrasts, estimates, figures, paper_figures, table

        parts = (table, estimates, contrasts, paper_figures, figures)
        return next(getattr(part, name) for part in parts if hasattr(part, name))
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """What completion offers: what is loaded on first use, too."""
    return sorted({*globals(), *__all__})
