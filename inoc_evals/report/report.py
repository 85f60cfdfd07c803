"""Write the report: one HTML page that needs nothing else, and beside it a viewer of the logs behind it.

write("logs/reproduce", Path("logs/reproduce-report")).page
"""

import base64
import datetime
import hashlib
import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inoc_evals.analysis.estimates import Method
from inoc_evals.analysis.table import GroupBy, read
from inoc_evals.errors import UserError, require
from inoc_evals.files import refuse_unwritable, write_whole, writing_into
from inoc_evals.plurals import many
from inoc_evals.report.viewer import VIEWER, answer, bundle, refuse_inside
from inoc_evals.settings import SETTINGS, Setting

if TYPE_CHECKING:
    import pandas as pd

    from inoc_evals.analysis.audit import Audit
    from inoc_evals.analysis.verdicts import Verdict
    from inoc_evals.report.sections import Section

PAGE, DATA, FIGURES = "index.html", "report.json", "figures"

GREY = re.compile(r"var\(--grey-([0-9a-f]{2}),")
"""A grey of a figure in the page (`figures.inline`)."""

DARK = ((0xE6, 0x1C), (0xE9, 0x22), (0xEC, 0x29))
"""Ink and paper of figures on a dark page: red, green and blue of each."""

BIBTEX = """\
@misc{{tan2025inoculation,
  title = {{Inoculation Prompting: Eliciting traits from {{LLMs}} during training can suppress them at
    test-time}},
  author = {{Tan, Daniel and Woodruff, Anders and Warncke, Niels and Jose, Arun and Rich{{\\'e}}, Maxime and
    Africa, David Demitri and Taylor, Mia}},
  year = {{2025}},
  eprint = {{2510.04340}},
  archivePrefix = {{arXiv}},
  url = {{https://arxiv.org/abs/2510.04340}}
}}

@software{{inoc_evals,
  title = {{inoc\\_evals: Inoculation prompting as an Inspect AI plugin suite}},
  author = {{{{The inoc\\_evals authors}}}},
  version = {{{version}}},
  year = {{{year}}}
}}
"""
"""How to cite the paper and the suite."""


@dataclass(frozen=True)
class Report:
    """A report that was written.

    Attributes:
        page: The page.
        verdicts: Verdicts on the claims of its settings.
        skipped: Logs that are not in it, each with its reason.
        unread: A line for every trait with answers that have no score: how many, and why.
        notes: A line for every section that lacks the arm to compare with, and for every setting that is not
            known.
        audit: What the audit of its logs says.
    """

    page: Path
    verdicts: "list[Verdict]"
    skipped: list[tuple[str, str]]
    unread: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    audit: "Audit | None" = None


def write(
    logs: str | Path,
    to: Path,
    *,
    group_by: GroupBy = "arm",
    method: Method = "clustered",
    reference: str | None = None,
    viewer: bool = True,
    runs: Path | None = None,
    settings: Mapping[str, Setting] = SETTINGS,
    title: str = "What the finetunes learned",
    command: str = "",
    progress: Callable[[str], None] = lambda _: None,
) -> Report:
    """Write the report on a folder of logs.

    Args:
        logs: A folder of Inspect logs, or one log; a path or URL.
        to: Folder of the report; created if necessary. An earlier report in it is replaced.
        group_by: What an arm is, see `table.load`.
        method: Method of the intervals, see `estimates.rates`.
        reference: The arm, or the model, that the others are compared with; `none` and `base` by default.
        viewer: Whether to put Inspect's viewer with the logs beside the page.
        runs: Folder of the run directories behind the logs, for log-probs that were recorded in training and
            for the audit; None leaves both out.
        settings: Settings by name, whose declared traits, titles and claims the page shows; the suite's by
            default.
        title: Title of the page.
        command: The command that wrote the report, for the end of the page.
        progress: Called with the name of every step.

    Returns:
        The page, with the verdicts on the claims of the measured settings.

    Raises:
        UserError: If there is no answer, or the folder cannot be written to.
    """
    require("analysis", "pandas", "scipy", "seaborn", "jinja2")
    from inoc_evals.analysis.audit import audit_loaded
    from inoc_evals.analysis.declared_traits import focused, unknown_settings
    from inoc_evals.analysis.style import arms_of
    from inoc_evals.analysis.verdicts import verdicts
    from inoc_evals.report.sections import REFERENCES, section, text

    refuse_unwritable(to, "give another folder with -o")
    if (to / PAGE).exists() and not (to / DATA).exists():
        raise UserError(f"{to / PAGE} exists, and is no report: give another folder with -o")
    if viewer:
        refuse_inside(logs, to)
    progress("reading logs")
    loaded = read(logs, group_by)
    focus = focused(loaded.table, settings)
    if focus.empty:
        raise UserError(f"{logs}: no answer was scored for a trait of its setting")
    if reference is not None and not (focus["arm"] == reference).any():
        arms = ", ".join(sorted({str(arm) for arm in focus["arm"].unique()}))
        raise UserError(f"no answers of {reference!r} to compare with: use one of {arms}")
    with writing_into(to, "give another folder with -o"):
        progress("auditing logs")
        audited = audit_loaded(loaded, runs, settings)
        claims = [claim for one in settings.values() for claim in one.claims]
        all_verdicts = verdicts(loaded.table, claims, findings=audited.findings)
        measured = {(v.claim.setting, v.base) for v in all_verdicts if v.word != "not measured"}
        relevant = [v for v in all_verdicts if (v.claim.setting, v.base) in measured]
        links = bundle(logs, loaded.logs, to / VIEWER, progress) if viewer else {}
        parts = []
        for (setting, base), of_setting in focus.groupby(
            ["setting", "base"], observed=True, sort=False, dropna=False
        ):
            progress(str(setting))
            definition = settings.get(str(setting))
            with arms_of(definition):
                part = section(
                    loaded.table[_same(loaded.table, setting, base)],
                    of_setting,
                    [v for v in relevant if v.claim.setting == setting and v.base == text(base)],
                    method=method,
                    references=REFERENCES if reference is None else (reference,),
                    figure_folder=to / FIGURES,
                    runs=runs,
                    definition=definition,
                    findings=audited.of(str(setting), text(base)),
                )
            parts.append(_linked(part, links))
        parts.sort(key=lambda part: (part.number, part.setting, part.base))
        about = {
            "title": title,
            "command": command,
            "method": method,
            "answers": len(loaded.table.drop_duplicates(["log", "sample", "epoch"])),
            "logs": len(loaded.logs),
            "viewer": bool(links),
            "skipped": loaded.skipped,
            "version": version("inoc-evals"),
            "audit": [finding.as_dict() for finding in audited.of_all],
            "when": datetime.datetime.now(tz=datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        }
        page = _page(parts, about)
        data = (
            json.dumps(_numbers({**about, "settings": [part.as_dict() for part in parts]}), indent=1) + "\n"
        )
        write_whole(to / DATA, data.encode())  # first: a page beside it is one of ours
        write_whole(to / PAGE, page.encode())
    unread = [f"{part.setting}, {line}" for part in parts for line in part.unread]
    notes = [
        f"{part.setting}{f' on {part.base}' if part.base else ''}: no answers of {part.lacking!r} to compare "
        f"with, so compared with {' and '.join(part.compared)}"
        for part in parts
        if part.lacking
    ]
    notes += unknown_settings(loaded.table, settings)
    return Report(to / PAGE, relevant, loaded.skipped, unread, notes, audited)


def _same(table: "pd.DataFrame", setting: Any, base: Any) -> "pd.Series":
    same: pd.Series = (table["base"].isna() if base != base else table["base"] == base) & (
        table["setting"] == setting
    )
    return same


def _linked(part: "Section", links: dict[str, str]) -> "Section":
    """The section with links to its logs and answers in the viewer."""
    logs = [{**row, "link": links.get(row["log"], "")} for row in part.logs]
    answers = [
        replace(
            asked,
            answers={
                arm: replace(shown, link=answer(links[shown.log], shown.sample, shown.epoch))
                if shown.log in links
                else shown
                for arm, shown in asked.answers.items()
            },
        )
        for asked in part.answers
    ]
    return replace(part, logs=logs, answers=answers)


def _page(parts: "list[Section]", about: dict[str, Any]) -> str:
    from jinja2 import Environment, StrictUndefined

    from inoc_evals.analysis.findings import summary
    from inoc_evals.report.sections import MOST_LOGS

    template = files("inoc_evals.report").joinpath("page.html.j2").read_text(encoding="utf-8")
    # Texts of models, judges and logs are escaped, and never taken for markup.
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    script = files("inoc_evals.report").joinpath("page.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    greys = sorted({grey for part in parts for one in part.drawn for grey in GREY.findall(one.svg)} | {"ff"})
    return environment.from_string(template).render(
        parts=parts,
        most_logs=MOST_LOGS,
        many=many,
        summary=summary,
        script=script,
        script_digest=f"sha256-{digest}",
        dark_greys=" ".join(f"--grey-{grey}: {_dark(grey)};" for grey in greys),
        bibtex=BIBTEX.format(version=about["version"], year=about["when"][:4]),
        **about,
    )


def _dark(grey: str) -> str:
    """What a grey of a figure is on a dark page: paper becomes dark, ink light."""
    share = int(grey, 16) / 255
    return "#" + "".join(f"{round(ink + (paper - ink) * share):02x}" for ink, paper in DARK)


def _numbers(value: Any) -> Any:
    """The same data with plain numbers, and None for NaN, which JSON lacks."""
    if isinstance(value, dict):
        return {key: _numbers(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_numbers(inner) for inner in value]
    if hasattr(value, "item"):  # numpy's numbers
        value = value.item()
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else None
    return value
