"""Write the report: one HTML page that needs nothing else, and beside it a viewer of the logs behind it.

write("logs/reproduce", Path("report"))
"""

import datetime
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from inoc_evals.analysis.estimates import Method
from inoc_evals.analysis.table import GroupBy, Loaded, read
from inoc_evals.errors import UserError, require

if TYPE_CHECKING:
    import pandas as pd

    from inoc_evals.analysis.verdicts import Verdict
    from inoc_evals.report.sections import Section

PAGE, VIEWER, FIGURES = "index.html", "viewer", "figures"


def write(
    logs: str | Path | Sequence[str],
    to: Path,
    *,
    group_by: GroupBy = "arm",
    method: Method = "clustered",
    viewer: bool = True,
    title: str = "What the finetunes learned",
    command: str = "",
    progress: Callable[[str], None] = lambda _: None,
) -> "tuple[Path, list[Verdict]]":
    """Write the report on a folder of logs.

    Args:
        logs: A folder of Inspect logs, one log, or several.
        to: Folder of the report; made if need be. What it held of an earlier report is replaced.
        group_by: What an arm is, see `table.load`.
        method: Of the intervals, see `estimates.rates`.
        viewer: Whether to put Inspect's viewer with the logs beside the page.
        title: Title of the page.
        command: What was typed to get here, for the page's last part.
        progress: Told what is going on.

    Returns:
        The page, and the verdicts on the paper's claims.

    Raises:
        UserError: If there is nothing to report, or the folder cannot be written to.
    """
    require("analysis", "pandas", "scipy", "seaborn", "statsmodels", "jinja2")
    from inoc_evals.analysis.focus import focused
    from inoc_evals.analysis.verdicts import verdicts
    from inoc_evals.report.sections import section

    try:
        to.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{to} cannot be written ({error.strerror}): give another folder with -o") from error
    progress("reading logs")
    loaded = read(logs, group_by)
    focus = focused(loaded.table)
    if focus.empty:
        raise UserError(f"{logs}: no answer was scored for a trait")
    found = [v for v in verdicts(loaded.table) if v.word != "not measured" or v.base]
    links = _viewer(logs, loaded, to / VIEWER) if viewer else {}
    parts = []
    for (setting, base), mine in focus.groupby(["setting", "base"], observed=True, sort=False, dropna=False):
        progress(str(setting))
        whole = loaded.table[_same(loaded.table, setting, base)]
        own = [
            v for v in found if v.claim.setting == setting and v.base == ("" if base != base else str(base))
        ]
        parts.append(_linked(section(whole, mine, own, to / FIGURES, method), links))
    page = to / PAGE
    page.write_text(_page(parts, found, loaded, title, command, method), encoding="utf-8")
    return page, found


def _same(table: "pd.DataFrame", setting: Any, base: Any) -> "pd.Series":
    same: pd.Series = (table["base"].isna() if base != base else table["base"] == base) & (
        table["setting"] == setting
    )
    return same


def _viewer(logs: str | Path | Sequence[str], loaded: Loaded, to: Path) -> dict[str, str]:
    """Inspect's own viewer with these logs, and where in it each log lies."""
    from inspect_ai.log import bundle_log_dir

    if not isinstance(logs, str | Path) or not Path(logs).is_dir():
        return {}
    root = Path(logs).resolve()
    bundle_log_dir(log_dir=str(root), output_dir=str(to), overwrite=True)
    return {
        log: f"{VIEWER}/index.html#/logs/{quote(str(Path(log).resolve().relative_to(root)))}"
        for log in loaded.logs
        if Path(log).resolve().is_relative_to(root)
    }


def _linked(part: "Section", links: dict[str, str]) -> "Section":
    for row in part.logs:
        row["link"] = links.get(row["log"], "")
    return replace(part)


def _page(
    parts: "list[Section]", found: "list[Verdict]", loaded: Loaded, title: str, command: str, method: Method
) -> str:
    from jinja2 import Environment, StrictUndefined

    template = files("inoc_evals.report").joinpath("page.html.j2").read_text(encoding="utf-8")
    # Whatever a model, a judge or a log's author wrote is text here, never markup.
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    answers = loaded.table.drop_duplicates(["log", "sample", "epoch"])
    words = ("supported", "contradicted", "undecided", "not measured")
    return environment.from_string(template).render(
        title=title,
        command=command,
        method=method,
        parts=parts,
        counts={word: sum(v.word == word for v in found) for word in words},
        logs=len(loaded.logs),
        answers=len(answers),
        skipped=loaded.skipped,
        version=version("inoc-evals"),
        when=datetime.datetime.now(tz=datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
    )
