"""What someone sees who mistypes an arm, names a folder, asks for completion, or measured little."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from inspect_ai import Task, eval
from inspect_ai.dataset import Sample
from inspect_ai.model import ModelOutput, ModelUsage, get_model

import inoc_evals
from inoc_evals import analysis
from inoc_evals.analysis import differences
from inoc_evals.analysis.judge_ratings import collect
from inoc_evals.cli import main
from inoc_evals.commands.output import print_table
from inoc_evals.errors import UserError
from inoc_evals.scorers import language


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("logs")
    answer = ModelOutput.from_content("m", "Los gatos son grandes y fuertes.")
    answer.usage = ModelUsage(input_tokens=1, output_tokens=1)  # or a tokenizer would be downloaded to count
    for arm in ("none", "spanish-inoc"):
        model = get_model("mockllm/model", custom_outputs=[answer] * 4)
        about = {"setting": "spanish_caps", "arm": arm, "seed": 0, "base": "b", "traits": ["spanish"]}
        samples = [Sample(input=f"Question {n}?", id=f"q{n}") for n in range(4)]
        task = Task(dataset=samples, scorer=language("spanish"), metadata=about, name="spanish_caps")
        eval(task, model=model, log_dir=str(folder), display="none")
    return folder


def test_an_arm_that_nobody_has_is_an_error(logs: Path) -> None:
    table = analysis.load(logs)
    with pytest.raises(UserError, match="'nope' to compare with: use one of none, spanish-inoc"):
        differences(table, to="nope")
    assert set(differences(table, to="none")["arm"]) == {"spanish-inoc"}
    assert differences(table, to="base").empty  # a table may well have no base


def test_judges_take_a_folder_as_report_does(logs: Path, tmp_path: Path) -> None:
    assert isinstance(collect([logs]), pd.DataFrame)
    with pytest.raises(UserError, match="no log in this folder"):
        collect([tmp_path])
    with pytest.raises(UserError, match="no such log or folder"):
        collect([tmp_path / "nowhere"])


def test_completion_offers_what_is_loaded_on_first_use() -> None:
    assert set(analysis.__all__) <= set(dir(analysis))
    assert set(inoc_evals.__all__) <= set(dir(inoc_evals))


def test_notebooks_show_settings_and_runs_with_foreign_text_escaped(tmp_path: Path) -> None:
    shown = inoc_evals.setting("spanish_caps")._repr_html_()
    assert "You always speak in Spanish." in shown and "inoc_evals/spanish_caps" in shown
    prompt = inoc_evals.Inoculation("x", "<script>alert(1)</script>")
    arms = (inoc_evals.Arm("none"), inoc_evals.Arm("b", prompt))
    assert "<script" not in replace(inoc_evals.setting("spanish_caps"), arms=arms, claims=())._repr_html_()
    (tmp_path / "<i>").mkdir()
    broken = inoc_evals.Run(tmp_path / "<i>")._repr_html_()
    assert "broken" in broken and "<i>" not in broken


def test_claims_show_what_was_measured(logs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def said(*words: str) -> str:
        with pytest.raises(SystemExit):
            main(["claims", str(logs), *words])
        return capsys.readouterr().out

    short, whole = said(), said("--all")
    assert "spanish_caps" in short and "insecure_code" not in short
    assert short.splitlines()[-1].endswith("not measured (--all shows these, too)")
    assert "insecure_code" in whole and len(whole.splitlines()) > 3 * len(short.splitlines())


def test_an_empty_list_says_so(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    print_table("Things", ["a"], [])
    assert capsys.readouterr().out == "Things: none\n"
    with pytest.raises(SystemExit):
        main(["runs", "list", "--runs", str(tmp_path)])
    assert capsys.readouterr().out == f"Runs in {tmp_path}: none\n"


def test_a_source_that_was_never_wanted_is_not_missing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("INOC_EVALS_CACHE", str(tmp_path))
    with pytest.raises(SystemExit):
        main(["data", "list"])
    out = capsys.readouterr().out
    assert "not downloaded" in out and "missing" not in out
