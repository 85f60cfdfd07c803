"""A finding of the audit: what is wrong with some of the answers, how bad it is, and what to do about it.

    finding = Finding("answers excluded", BLOCKS, where={"arm": "none", "trait": "misaligned"}, ...)
    finding.concerns(left, right)       # whether a comparison of these two tables of answers uses them

A finding names the answers that it is about by the columns of the table, so that it stops exactly the
verdicts that are made of them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from inoc_evals.plurals import many

if TYPE_CHECKING:
    import pandas as pd

Severity = Literal["blocks a verdict", "caution", "note"]

BLOCKS: Severity = "blocks a verdict"
CAUTION: Severity = "caution"
NOTE: Severity = "note"

SEVERITIES: tuple[Severity, ...] = (BLOCKS, CAUTION, NOTE)
"""The worst first."""

COMMON = ("setting", "base")
"""Columns that a reader of one setting and base need not be told."""

WAY = (
    *("scorer", "judge", "preset", "variant", "sampling", "parameters", "system", "trigger", "dtype", "dose"),
    "world",
)
"""Columns by which a finding names its answers where they tell answers apart."""


PLURALS = {BLOCKS: "block a verdict"}
"""What several of a severity are called, if not by its name with an s."""


@dataclass(frozen=True)
class Finding:
    """One thing that the audit says.

    Attributes:
        kind: What kind of finding it is, e.g. `answers excluded`; docs/audit.md lists them.
        severity: `blocks a verdict`: a verdict made of these answers would say nothing. `caution`: it may say
            something else than it seems to. `note`: worth knowing.
        what: What was observed, with its numbers, in one sentence.
        todo: What to do, in one sentence.
        where: The answers that it is about: values of the table's columns, several of a column as a tuple;
            None, also in a tuple, for answers without a value. Empty for something that concerns no
            particular answers.
        to: The other arm, for a finding about the comparison of two arms.
        claim: The claim that it is about, for a finding about a single one.
        numbers: The numbers of `what`, for programs.
    """

    kind: str
    severity: Severity
    what: str
    todo: str
    where: Mapping[str, Any] = field(default_factory=dict)
    to: str | None = None
    claim: str | None = None
    numbers: Mapping[str, Any] = field(default_factory=dict)

    def concerns(self, left: "pd.DataFrame", right: "pd.DataFrame", claim: str = "") -> bool:
        """Whether a comparison uses the answers that it is about.

        Args:
            left: Answers of one side.
            right: Answers of the other side.
            claim: Name of the claim that compares them.
        """
        if self.claim is not None and self.claim != claim:
            return False
        if self.to is None:
            return self._holds(left, self.where) or self._holds(right, self.where)
        other = {**self.where, "arm": self.to}
        return any(
            self._holds(one, self.where) and self._holds(two, other)
            for one, two in ((left, right), (right, left))
        )

    def of(self, setting: str, base: str) -> bool:
        """Whether it is about a setting and base.

        Args:
            setting: Name of the setting.
            base: Name of the base; empty where no log names one.
        """
        return self.where.get("setting") == setting and (self.where.get("base") or "") == base

    @property
    def place(self) -> str:
        """Where it was observed, in words, without setting and base: `none, seed 0, misaligned | trigger`."""
        said = {
            key: value
            for key, value in self.where.items()
            if key not in COMMON and (value is not None or key in WAY)
        }
        arm = " and ".join(_words(one) for one in (said.pop("arm", None), self.to) if one is not None)
        named = [_named(key, value) for key, value in said.items()]
        return ", ".join(filter(None, [arm, *named]))

    def as_dict(self) -> dict[str, Any]:
        """The finding as JSON-ready data; NaN becomes None."""
        where = {key: list(value) if isinstance(value, tuple) else value for key, value in self.where.items()}
        about = {"kind": self.kind, "severity": self.severity, "where": where, "to": self.to}
        numbers = {key: _number(value) for key, value in self.numbers.items()}
        return {**about, "claim": self.claim, "what": self.what, "todo": self.todo, "numbers": numbers}

    @staticmethod
    def _holds(rows: "pd.DataFrame", where: Mapping[str, Any]) -> bool:
        """Whether a table has rows with all of these values; a column that it lacks says nothing."""
        for column, value in where.items():
            if column not in rows.columns:
                continue
            values = value if isinstance(value, tuple) else (value,)
            named = rows[column].isin([one for one in values if one is not None]).to_numpy()
            rows = rows[named | rows[column].isna().to_numpy() if None in values else named]
        return len(rows) > 0


def worst_first(findings: Iterable[Finding]) -> list[Finding]:
    """Findings by severity, those of one severity in the order in which they were made."""
    return sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity))


def merged(findings: Iterable[Finding], column: str = "arm") -> list[Finding]:
    """Findings that say the same of several arms, as one that names them all.

    Args:
        findings: The findings.
        column: What they may differ in instead, e.g. `dose`.
    """
    alike: dict[str, list[Finding]] = {}
    for finding in findings:
        rest = sorted((key, repr(value)) for key, value in finding.where.items() if key != column)
        said = (finding.kind, finding.severity, finding.what, finding.todo, finding.to, finding.claim, rest)
        alike.setdefault(repr((*said, column in finding.where)), []).append(finding)
    return [_of_all(several, column) for several in alike.values()]


def _of_all(several: list[Finding], column: str) -> Finding:
    named = [finding.where.get(column) for finding in several]
    each = [value if isinstance(value, tuple) else (value,) for value in named]
    values = tuple(dict.fromkeys(one for of_finding in each for one in of_finding))
    if len(values) < 2:
        return several[0]
    return replace(several[0], where={**several[0].where, column: values})


def _named(key: str, value: Any) -> str:
    """The values of a column with its name, e.g. `judge a, b or no judge`."""
    values = value if isinstance(value, tuple) else (value,)
    some = [one for one in values if one is not None]
    said = [f"{key} {_words(tuple(some))}"] if some else []
    return " or ".join([*said, f"no {key}"] if None in values else said)


def _words(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(_words, value))
    if not isinstance(value, float):
        return str(value)
    return f"{value:.0f}" if value.is_integer() else f"{value:g}"  # all digits of a seed


def _number(value: Any) -> Any:
    """A value of `numbers` for JSON, inner ones included: plain numbers, and None for NaN."""
    if isinstance(value, Mapping):
        return {str(key): _number(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_number(inner) for inner in value]
    if hasattr(value, "item"):  # numpy's numbers
        value = value.item()
    return None if value != value else value


def summary(findings: Iterable[Finding]) -> str:
    """How many findings there are of each severity, in words.

    Args:
        findings: The findings.
    """
    found = [finding.severity for finding in findings]
    said = [many(found.count(one), one, PLURALS.get(one, "")) for one in SEVERITIES if one in found]
    return ", ".join(said) or "nothing to report"
