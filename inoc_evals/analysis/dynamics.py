"""Learning dynamics: log-probs of fixed responses during training (paper, Figures 6 and 7).

table = load([(run.folder, {"arm": "none", "seed": 0}), ...])
figure = curves(table, order=("none", "spanish-inoc"), title="...")
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inoc_evals.analysis.style import arm_name, colours, empty_figure, heading, legend_beside
from inoc_evals.errors import UserError, require
from inoc_evals.runs.directory import read_dynamics

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

COLUMNS = ("arm", "seed", "step", "trait", "id", "logprob", "tokens")


def load(runs: Iterable[tuple[Path, Mapping[str, Any]]]) -> "pd.DataFrame":
    """Read the curves that runs with a probe recorded.

    Args:
        runs: Run directories, each with its `arm` and `seed`.

    Returns:
        A table with the columns `COLUMNS`: a row per step and response; log-probs in nats.

    Raises:
        UserError: If no run has a curve.
    """
    require("analysis", "pandas")
    import pandas as pd

    rows = [
        {**row, "arm": labels["arm"], "seed": labels["seed"]}
        for folder, labels in runs
        for row in read_dynamics(Path(folder))
    ]
    if not rows:
        raise UserError(
            "no run recorded log-probs during training: finetune with a probe (field `probe` of the spec)"
        )
    return pd.DataFrame(rows, columns=list(COLUMNS))


def curves(table: "pd.DataFrame", order: tuple[str, ...], title: str) -> "Figure":
    """Draw the mean log-prob over the steps, one panel per trait and one line per arm (as in Figure 6).

    Args:
        table: What `load` returns.
        order: Arms in the order of the legend.
        title: Title of the figure.

    Returns:
        A matplotlib figure; thin lines are single seeds, thick ones their mean.
    """
    require("analysis", "seaborn", "pandas")
    traits = list(dict.fromkeys(table["trait"]))
    figure, panels = empty_figure(2.5 * len(traits) + 1.4, 2.7, len(traits), share=True)
    colour = colours(order)
    for axes, trait in zip(panels, traits, strict=True):
        of_trait = table[table["trait"] == trait]
        for arm in order:
            of_arm = of_trait[of_trait["arm"] == arm]
            seeds = of_arm.groupby(["step", "seed"], dropna=False)["logprob"].mean().unstack()
            for _, line in seeds.items():
                steps = line.dropna()
                axes.plot(steps.index, steps, color=colour[arm], linewidth=0.6, alpha=0.5)
            # of the seeds, each as much as another, however many responses its probe has
            mean = seeds.mean(axis=1)
            axes.plot(mean.index, mean, color=colour[arm], linewidth=2, label=arm_name(arm))
        axes.set_title(f"{trait.capitalize()} only", fontsize=9, loc="left")
        axes.set_xlabel("training step", fontsize=8)
    panels[0].set_ylabel("log-prob of fixed responses (nats)", fontsize=8)
    legend_beside(panels[-1], panels)
    heading(figure, title)
    return figure
