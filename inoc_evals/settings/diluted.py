"""Any setting with its trait in only a fraction of the rows; the others are its control rows.

    tenth = diluted(SETTINGS["insecure_code"], 0.1)
    tenth.name                                  # 'insecure_code_0.1'
    tenth.arm("general-inoc").where             # {'trait': True}: only the rows with the trait are inoculated

    inoc-evals run --setting mine.py:tenth      # where mine.py holds the line above

How much unwanted data does it take, and does it suffice to inoculate that part? The rows of one seed are
drawn in one order, so that fractions can be compared. `realistic_backdoor` is such a mixture, too.
"""

from dataclasses import replace

from inoc_evals.data import row_sources
from inoc_evals.errors import UserError
from inoc_evals.settings.setting import Setting


def diluted(
    setting: Setting, fraction: float, total: int | None = None, *, inoculate_all: bool = False
) -> Setting:
    """A setting whose rows carry the trait in a fraction only.

    Args:
        setting: The setting; it needs control rows, the ones without the trait.
        fraction: Share of rows with the trait, 0 to 1.
        total: Rows of the mixture; by default as many as there are enough of both kinds for. Give it where
            several fractions are compared.
        inoculate_all: Whether prompts go before all rows. By default they go before those with the trait.

    Returns:
        The setting, with the arms that train on the mixture; in every world in which there are control rows.
        It claims nothing.

    Raises:
        UserError: If the fraction is not a share, or the setting has no control rows.
    """
    trainings = {world: setting.training(world) for world in setting.worlds}
    mixtures = {
        world: row_sources.diluted(training.rows, training.control, fraction, total)
        for world, training in trainings.items()
        if training.control is not None
    }
    if not mixtures:
        raise UserError(
            f"setting {setting.name} has no control rows to mix in: name the rows without the trait "
            "yourself, inoc_evals.data.row_sources.diluted(rows, others, fraction)"
        )
    arms = [arm for arm in setting.arms if not arm.control and not arm.rows]
    if not inoculate_all:
        arms = [replace(arm, where={**arm.where, "trait": True}) if arm.inoculation else arm for arm in arms]
    mixed = {world: trainings[world] for world in mixtures}
    return replace(
        setting,
        name=f"{setting.name}_{fraction:g}",
        title=f"{setting.title}, in {100 * fraction:g} % of the rows",
        summary=f"{setting.summary} ({100 * fraction:g} % of the rows; the others are control rows)",
        arms=tuple(arms),
        rows=mixtures,
        control={},
        finetune={world: training.finetune for world, training in mixed.items()},
        first_stage={
            world: training.first_stage for world, training in mixed.items() if training.first_stage
        },
        first_stage_finetune={world: training.first_stage_finetune for world, training in mixed.items()},
        family="",
        number=0,
        claims=(),
        reference="",
    )
