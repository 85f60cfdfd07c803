"""From Inspect logs to conclusions: one table, estimates with intervals, figures.

    from inoc_evals.analysis import differences, load, rates

    table = load("logs/demo")
    rates(table), differences(table, to="none")

Their modules are loaded on first use, pandas when they are called.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from inoc_evals.analysis.contrasts import differences
    from inoc_evals.analysis.estimates import rates
    from inoc_evals.analysis.table import load, read

__all__ = ["differences", "load", "rates", "read"]


def __getattr__(name: str) -> Any:
    """Load the module of a function on its first use."""
    if name in __all__:
        from inoc_evals.analysis import contrasts, estimates, table

        return next(getattr(part, name) for part in (table, estimates, contrasts) if hasattr(part, name))
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """What completion offers: what is loaded on first use, too."""
    return sorted({*globals(), *__all__})
