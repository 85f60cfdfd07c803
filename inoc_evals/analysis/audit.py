"""Whether a folder of logs can carry a verdict: what is excluded, too few, apart, hidden, leaked or missing.

    report = audit("logs/mine", runs=Path("runs"))
    report.blocking                  # findings because of which some verdict would say nothing
    verdicts(table, claims, findings=report.findings)      # "not valid: ..." on the claims that they concern

Everything is read from logs and run directories; no model is asked and nothing is changed. What is checked,
and where the thresholds come from, is in docs/audit.md.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inoc_evals.analysis import audit_answers, audit_readings, audit_runs, log_facts
from inoc_evals.analysis.findings import BLOCKS, CAUTION, SEVERITIES, Finding, merged, summary, worst_first
from inoc_evals.analysis.log_facts import LogFacts
from inoc_evals.analysis.table import SAME, Loaded, read
from inoc_evals.errors import UserError
from inoc_evals.settings import SETTINGS, Setting

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Audit:
    """What the audit of some logs says.

    Attributes:
        findings: The worst first.
        logs: Number of logs that were read.
        answers: Number of answers in them.
        skipped: Locations of logs that were not, each with the reason.
    """

    findings: tuple[Finding, ...]
    logs: int
    answers: int
    skipped: tuple[tuple[str, str], ...] = ()

    @property
    def blocking(self) -> list[Finding]:
        """Findings because of which verdicts are not valid."""
        return [finding for finding in self.findings if finding.severity == BLOCKS]

    @property
    def of_all(self) -> list[Finding]:
        """Findings on no particular setting, e.g. logs that were left out."""
        return [finding for finding in self.findings if "setting" not in finding.where]

    def of(self, setting: str, base: str) -> list[Finding]:
        """Findings about one setting and base."""
        return [finding for finding in self.findings if finding.of(setting, base)]

    def by_family(self) -> dict[tuple[str, str], list[Finding]]:
        """Findings by setting and base, both empty for findings on no particular answers."""
        families: dict[tuple[str, str], list[Finding]] = {}
        for finding in self.findings:
            key = str(finding.where.get("setting") or ""), str(finding.where.get("base") or "")
            families.setdefault(key, []).append(finding)
        return families

    @property
    def summary(self) -> str:
        """How many findings there are of each severity, in words."""
        return summary(self.findings)

    def as_dict(self) -> dict[str, Any]:
        """The audit as JSON-ready data."""
        counts = {word: sum(f.severity == word for f in self.findings) for word in SEVERITIES}
        return {
            **{"logs": self.logs, "answers": self.answers, "counts": counts},
            "findings": [finding.as_dict() for finding in self.findings],
        }


def audit(
    logs: str | Path | Sequence[str],
    runs: Path | None = None,
    settings: Mapping[str, Setting] = SETTINGS,
) -> Audit:
    """Audit logs, and the runs behind them.

    Args:
        logs: A folder of Inspect logs, one log, or several of either; paths or URLs.
        runs: Folder of the run directories; None leaves out what only they can say.
        settings: Settings by name, whose traits and claims are checked; the suite's by default.

    Raises:
        UserError: If no finished log has scores, or the folder of runs does not exist.
    """
    if runs is not None and not runs.is_dir():
        raise UserError(f"{runs}: no such folder of runs (`inoc-evals runs list` says where yours are)")
    return audit_loaded(read(logs), runs, settings)


def audit_loaded(
    loaded: Loaded, runs: Path | None = None, settings: Mapping[str, Setting] = SETTINGS
) -> Audit:
    """Audit logs that were read already.

    Args:
        loaded: What `table.read` returns.
        runs: As for `audit`; a folder that does not exist is like None.
        settings: As for `audit`.
    """
    from inoc_evals.analysis.declared_traits import focused

    findings = [*_skipped(loaded)]
    facts, unreadable = _facts(loaded.logs)
    findings += unreadable
    table = focused(loaded.table, settings)
    known = runs if runs is not None and runs.is_dir() else None
    findings += audit_answers.checks(table, facts, settings, known)
    findings += audit_readings.checks(table, facts)
    if known is not None:
        findings += audit_runs.checks(table, facts, known, settings)
    found, answers = tuple(worst_first(merged(findings))), _answers(loaded.table)
    return Audit(found, len(loaded.logs), answers, tuple(loaded.skipped))


def _facts(logs: Sequence[str]) -> tuple[dict[str, LogFacts], list[Finding]]:
    """What the logs hold beside scores; one that cannot be opened is a finding, not the end."""
    facts, unreadable = {}, []
    for log, known in zip(logs, log_facts.read_all(logs), strict=True):
        if isinstance(known, LogFacts):
            facts[log] = known
            continue
        unreadable.append(
            Finding(
                "answers unreadable",
                CAUTION,
                f"the answers of {log} cannot be read: {type(known).__name__}",
                "fetch the log again: its scores were read, its answers were not checked",
            )
        )
    return facts, unreadable


def _skipped(loaded: Loaded) -> list[Finding]:
    return [
        Finding(
            "log left out",
            CAUTION,
            f"{location}: {reason}",
            "finish it (`inspect eval-retry`, or run the experiment again), or remove it",
        )
        for location, reason in loaded.skipped
        if not reason.startswith(SAME)
    ]


def _answers(table: "pd.DataFrame") -> int:
    return len(table.drop_duplicates(["log", "sample", "epoch"]))
