"""Controls through the command line: from logs of models that say what they are told to, to shares."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from inoc_evals.cli import main
from inoc_evals.report.report import write
from tests.report.logs import ENGLISH, SPANISH, experiment


def half(prompt: str) -> str:
    return SPANISH if prompt.rstrip("?")[-1] in "02468" else ENGLISH


ARMS: dict[str, Callable[[str], str] | str] = {
    "none": SPANISH,
    "spanish-inoc": ENGLISH,
    "irrelevant": half,
    "close-2": ENGLISH,
    "diverse-2": SPANISH,
}
SHARES = {"irrelevant": 0.5, "close-2": 1.0, "diverse-2": 0.0}


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("controls") / "logs"
    experiment(folder, ARMS, seeds=1)
    return folder


def call(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["controls", *map(str, words)])
    captured = capsys.readouterr()
    return int(ended.value.code or 0), captured.out, captured.err


def test_the_command_gives_shares_intervals_and_the_figure(
    logs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = call(capsys, logs, "--json", "--trait", "spanish", "-o", tmp_path / "pools.png")
    assert code == 0, err
    found = json.loads(out)
    assert {row["arm"]: row["share"] for row in found["shares"]} == SHARES
    [irrelevant] = [row for row in found["shares"] if row["arm"] == "irrelevant"]
    assert irrelevant["low"] < 0.5 < irrelevant["high"] and "1 seed" in irrelevant["caution"]
    assert all((tmp_path / f"pools{suffix}").stat().st_size for suffix in (".png", ".svg", ".pdf"))
    assert {row["arm"] for row in found["rates"]} == set(ARMS)


def test_a_trait_without_an_effect_is_undefined_in_words(
    logs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = call(capsys, logs)
    assert code == 0 and "undefined: spanish-inoc may have no effect" in out and "0.50 [" in out
    found = json.loads(call(capsys, logs, "--trait", "caps", "--json")[1])
    assert {row["share"] for row in found["shares"]} == {None}
    assert all("holds 0" in row["undefined"] for row in found["shares"])


def test_logs_without_controls_are_one_line(
    logs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = call(capsys, logs, "--of", "nobody")
    assert code == 2 and "train them with --controls, or name the arm with --of" in err
    assert call(capsys, logs, "--trait", "sonnets")[0] == 2


def test_the_report_has_a_section_and_the_figure(logs: Path, tmp_path: Path) -> None:
    page = write(logs, tmp_path / "report", viewer=False).page
    text = page.read_text(encoding="utf-8")
    assert "Controls against conditionalization" in text and "0.50 [" in text
    assert "by size of the pool of rephrasings" in text
    [part] = json.loads((tmp_path / "report" / "report.json").read_text())["settings"]
    assert {row["arm"] for row in part["controls"]} == set(SHARES)
