"""The commands on the pages about experiments do what the pages say."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from tests import test_cli

DOCS = Path(__file__).parents[2] / "docs"

call = test_cli.call  # the fixture


def test_the_plan_on_the_page_is_the_plan(call: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    [(command, shown)] = re.findall(
        r"```console\n\$ inoc-evals (run .*)\n((?:.*\n)*?)```", (DOCS / "experiments.md").read_text("utf-8")
    )
    printed = call(*shlex.split(command)).out

    def told(text: str) -> list[str]:
        """Its lines, but for how many are trained at a time, which is the machine's."""
        return [re.sub(r"\d+ at a time", "N at a time", line).rstrip() for line in text.strip().splitlines()]

    assert told(printed) == told(shown)


def fractions(total: str = "") -> str:
    """The file on the page, perhaps with another total."""
    text = (DOCS / "settings.md").read_text("utf-8")
    [found] = re.findall(r"```python\n# fractions.py\n(.*?)```", text, re.DOTALL)
    return re.sub(r"total=\d+", f"total={total}", found) if total else str(found)


def test_settings_in_fractions_are_planned_as_the_page_has_them(
    call: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "fractions.py").write_text(fractions(), "utf-8")
    [command] = re.findall(r"inoc-evals (run .*fractions.*)", (DOCS / "settings.md").read_text("utf-8"))
    plan = call(*shlex.split(command), "--json").json
    assert {line["rows"] for line in plan["arms"]} == {0, 400}


def test_rows_that_cannot_be_mixed_are_told_with_setting_and_world(
    call: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "fractions.py").write_text(fractions("6000"), "utf-8")
    said = call("run", "--setting", "fractions.py:tenth", "--dry-run").fault
    assert said.startswith(
        "setting insecure_code_0.1, rows of world 'toy': a mixture of 6,000 rows takes 600 "
    )
    assert "lower the total" in said
