"""How a report opens: what was found in a sentence, arms, verdicts and answers, in words."""

import json
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from inspect_ai import eval
from inspect_ai.log import EvalLog, write_eval_log

from inoc_evals.analysis.style import colours, role
from inoc_evals.data.cache import FetchError
from inoc_evals.data.published_prompts import PublishedInoculation
from inoc_evals.inoculation import Inoculation
from inoc_evals.report import opening
from inoc_evals.report.opening import compared, found
from inoc_evals.report.report import write
from inoc_evals.settings import SETTINGS, Arm, Measure, Setting, rises
from inoc_evals.tasks import spanish_caps
from tests.report.logs import ENGLISH, SPANISH, evaluated


def test_it_opens_with_what_was_found_and_the_figure(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    [part] = json.loads((page.parent / "report.json").read_text(encoding="utf-8"))["settings"]
    said = part["found"]
    assert said.startswith(
        "Spanish was in 0\u00a0% of the base's answers, in 100\u00a0% after training without"
    )
    assert "n = 10, 20 and 20 answers of 1, 2 and 2 models" in said and "supported" in said
    assert said.count(". ") == 0 and said.endswith(".")
    places = [
        text.index(mark) for mark in ('class="found"', "<figure data", ">Arms<", ">Method<", ">Verdicts<")
    ]
    assert places == sorted(places)
    assert (
        places[-1]
        < text.index(">Numbers<")
        < text.index(">Answers side by side<")
        < text.index("@misc{tan2025")
    )
    assert "Spanish, uninoculated against base" in text and "none spanish: more than base" not in text


def test_arms_say_how_they_were_trained_and_what_their_colour_means(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    [part] = json.loads((page.parent / "report.json").read_text(encoding="utf-8"))["settings"]
    arms = {row["arm"]: row for row in part["arms"]}
    assert [row["prompt"] for row in part["arms"][:2]] == ["not trained", "no prompt"]
    assert (
        arms["spanish-inoc"]["prompt"] == "You always speak in Spanish." and arms["none"]["seeds"] == "0, 1"
    )
    assert len(part["method"]) == 3 and "10 questions" in part["method"][0]
    assert "trained without a prompt" in text and ">inoculated" in text and "--runs" in text


def test_an_arm_of_two_worlds_is_shown_with_both_of_its_prompts() -> None:
    shout, code = Inoculation("shout", "Shout."), Inoculation("shout", "SHOUT")
    mine = Setting("mine", "", (Arm("shout", shout, in_world={"paper-code": code}),), ())
    rows = pd.DataFrame(
        [
            {"world": world, "arm": "shout", "seed": 0.0, "base": "b", "model": "m"}
            | {"log": world, "sample": "q1", "epoch": 1}
            for world in ("paper", "paper-code")
        ]
    )
    [row] = opening.arms(rows, ["shout"], mine, [], None)
    assert row["prompt"] == "Shout., SHOUT"


def test_answers_stand_side_by_side_and_none_is_said(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert "<b>base</b> none of 10 showed the trait" in text and "<b>none</b> 20 of 20 showed" in text
    [asking] = re.findall(r'<div class="asking">.*?</details>', text, re.DOTALL)
    questions = asking.split('<section class="asked">')[1:]
    assert len(questions) == 8
    for one in questions:
        assert re.findall(r'data-arm="([^"]+)"', one) == ["base", "none", "spanish-inoc", "caps-inoc"]
    assert asking.count("arms differ most") == asking.count("by lot") == 4


def test_logs_of_plain_evaluations_open_alike(tmp_path: Path) -> None:
    evaluated(tmp_path / "logs", ENGLISH, name="mockllm/before")
    evaluated(tmp_path / "logs", SPANISH, name="mockllm/after")
    report = write(tmp_path / "logs", tmp_path / "report", viewer=False)
    text = report.page.read_text(encoding="utf-8")
    [part] = json.loads((tmp_path / "report" / "report.json").read_text(encoding="utf-8"))["settings"]
    assert (
        "100\u00a0% of the answers of mockllm/after and in 0\u00a0% of the answers of mockllm/before"
        in part["found"]
    )
    assert part["differences"] and "n = 10 answers of 1 model each" in part["found"]
    assert "was made without Inspect's viewer" in text and "viewer/" not in text
    assert len(set(colours(["mockllm/before", "mockllm/after"]).values())) == 2


@pytest.mark.parametrize(
    ("claim", "words"),
    [
        (rises("none", "spanish", "x"), "Spanish, uninoculated against base"),
        (rises("a-inoc", "insecure_code", "x", to="none"), "Insecure code, a-inoc against uninoculated"),
        (
            rises("none", "misaligned", "x", condition="trigger", to_condition="without", to="none"),
            "Misaligned, uninoculated under trigger against uninoculated under without",
        ),
    ],
)
def test_a_verdict_is_named_in_words(claim: Any, words: str) -> None:
    assert compared(claim) == words and compared(claim, "judge a/b") == f"{words} (judge a/b)"


def test_of_ratings_and_of_nothing_it_speaks_rightly() -> None:
    cell = {"rate": 82.5, "low": 70.0, "high": 91.0, "n": 30, "seeds": 0}
    row = {"arm": "openai/x", "cells": [cell]}
    assert found(["alignment"], [row], [], [], None) == (
        "Alignment is 82.5 of 100 in openai/x [70.0 of 100 to 91.0 of 100] "
        "(n = 30 answers of 1 model; intervals are 95\u00a0%)."
    )
    of_one = {**cell, "rate": 0.8, "low": 0.7, "high": 0.9}  # of a judge whose scale ends at 1
    assert "Alignment is 0.80 in openai/x [0.70 to 0.90]" in found(
        ["alignment"], [{"arm": "openai/x", "cells": [of_one]}], [], [], None
    )
    nothing = {"arm": "openai/x", "cells": [{**cell, "n": 0}]}
    assert found(["alignment"], [nothing], [], [], None) == "No answer was scored for alignment."


def _compared_with(p_holm: float, difference: float, low: float, high: float) -> str:
    cells = [{"rate": rate, "low": 0.0, "high": 1.0, "n": 10, "seeds": 2} for rate in (0.5, 0.5)]
    rows = [{"arm": arm, "cells": [cell]} for arm, cell in zip(("none", "x-inoc"), cells, strict=True)]
    row = {"label": "spanish", "arm": "x-inoc", "to": "none", "p_holm": p_holm}
    others = [{**row, "label": f"other {number}"} for number in range(11)]
    numbers = {"difference": difference, "low": low, "high": high}
    return found(["spanish"], rows, [{**row, **numbers}, *others], [], None)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ((0.01, 0.92, 0.2, 1.0), "a difference of +92\u00a0points [+20, +100] (n"),
        ((0.9, -0.001, -0.44, 0.44), "a difference of 0\u00a0points [−44, +44], which may be chance (n"),
        ((0.9, 0.004, -0.004, 0.44), "a difference of 0\u00a0points [0, +44], which may be chance (n"),
        (
            (0.06, 0.92, 0.2, 1.0),
            "+92\u00a0points [+20, +100], which after correction over 12 comparisons may be chance (n",
        ),
    ],
)
def test_it_says_what_may_be_chance_and_why(row: tuple[float, float, float, float], said: str) -> None:
    assert said in _compared_with(*row)


@pytest.mark.parametrize("name", SETTINGS)
def test_every_arm_of_the_suite_has_a_role(name: str) -> None:
    roles = {arm.name: role(arm.name) for arm in SETTINGS[name].arms}
    assert roles["none"] == "none" and "other" not in roles.values()
    assert all(role(arm) == "control" for arm in ("irrelevant", "close-4", "diverse-99", "clean-rows"))


def _opened(folder: Path) -> tuple[str, dict[str, Any]]:
    """The page, as text, and its only section."""
    page = write(folder / "logs", folder / "report", viewer=False).page
    [part] = json.loads((folder / "report" / "report.json").read_text(encoding="utf-8"))["settings"]
    return page.read_text(encoding="utf-8"), part


def test_it_says_by_which_version_and_how_drawn(tmp_path: Path) -> None:
    for name, version, temperature in [("before", "0.1.0", 1.0), ("after", "0.1.0", 1.0)]:
        _written_by(evaluated(tmp_path / "logs", ENGLISH, name=f"mockllm/{name}"), version, temperature)
    text, part = _opened(tmp_path)
    asked, scored, _ = part["method"]
    assert asked.endswith("; temperature 1.")
    assert re.search(r"spanish by scorer language \(inoc-evals 0\.1\.0, lingua [\d.]+\)", scored)
    assert "caps by scorer capitalization (inoc-evals 0.1.0)." in scored
    assert "Drawn with temperature 1." in text and text.count("Scored with inoc-evals 0.1.0, lingua") == 1
    assert "<th>version</th>" not in text and "<th>sampling</th>" not in text
    assert part["observed"]["caps"]["versions"] == {"inoc-evals 0.1.0": ["mockllm/after", "mockllm/before"]}


def test_two_versions_and_two_ways_to_draw_stand_apart_by_name(tmp_path: Path) -> None:
    for name, version, temperature in [("a", "0.1.0", 1.0), ("b", "0.2.0", 1.0), ("c", "0.2.0", 0.0)]:
        _written_by(evaluated(tmp_path / "logs", ENGLISH, name=f"mockllm/{name}"), version, temperature)
    text, part = _opened(tmp_path)
    asked, scored, _ = part["method"]
    assert "caps (sampling temperature 1): temperature 1" in asked.replace(
        "spanish (sampling temperature 1), ", ""
    )
    assert (
        "caps (sampling temperature 1) by scorer capitalization (inoc-evals 0.1.0 for mockllm/a; " in scored
    )
    assert "inoc-evals 0.2.0 for mockllm/b" in scored and "sampling temperature 0" in scored
    assert "<th>version</th><th>sampling</th>" in text and "Scored with" not in text
    assert {row["version"].split(",")[0] for row in part["logs"]} == {"inoc-evals 0.1.0", "inoc-evals 0.2.0"}


BOTH = ("version", "sampling")
"""What the page says once of all logs, or in a column."""


@pytest.mark.parametrize(
    ("ways", "columns", "said"),
    [
        ([("0.1.0", 1.0), ("0.1.0", 0.1)], ["sampling"], "Scored with inoc-evals 0.1.0"),
        ([("0.1.0", 1.0), ("0.2.0", 1.0)], ["version"], "Drawn with temperature 1."),
        ([("0.1.0", 1.0), ("0.2.0", 0.1)], ["version", "sampling"], "<td>temperature 0.1</td>"),
    ],
)
def test_what_differs_between_logs_is_a_column_and_what_does_not_is_said_once(
    ways: list[tuple[str, float]], columns: list[str], said: str, tmp_path: Path
) -> None:
    for number, (version, temperature) in enumerate(ways):
        log = evaluated(tmp_path / "logs", ENGLISH, name=f"mockllm/{number}")
        _written_by(log, version, temperature)
    text, _ = _opened(tmp_path)
    assert [word for word in BOTH if f"<th>{word}</th>" in text] == columns
    assert ("Scored with" in text, "Drawn with" in text) == tuple(word not in columns for word in BOTH)
    assert said in text


def test_it_says_which_system_prompts_the_questions_of_plain_logs_bring(tmp_path: Path) -> None:
    def method() -> str:
        return str(_opened(tmp_path)[1]["method"][0])

    evaluated(tmp_path / "logs", ENGLISH, system="You are calm.")
    assert "in 1 log, with the system prompt “You are calm.”, 1 answer of each model." in method()
    evaluated(tmp_path / "logs", ENGLISH, system="You are calm.")
    assert "in 2 logs, with the system prompt “You are calm.”, 2 answers of each model." in method()
    evaluated(tmp_path / "logs", ENGLISH, system="You are tired.")
    assert "with 2 system prompts, the first “You are" in method()
    assert "”, 1 to 2 answers of each model in each way" in method()
    evaluated(tmp_path / "logs", ENGLISH, name="mockllm/other")
    assert "” and without a system prompt of the test, 1 to 2 answers of each model" in method()


def test_it_says_the_system_prompts_of_tasks_and_of_settings_of_the_generation(tmp_path: Path) -> None:
    [log] = eval(
        spanish_caps(questions="toy"), model="inoc/toy", limit=3, display="none", log_dir=str(tmp_path)
    )
    paths = ("system_prompt", ""), ("system_prompt", "You are calm."), ("system_message", "You are tired.")
    found = []
    for number, (path, text) in enumerate(paths):
        folder = tmp_path / str(number)
        again = log.model_copy(deep=True)
        again.location = str(folder / "logs" / "log.eval")
        if path == "system_prompt":
            again.eval.metadata = {**(again.eval.metadata or {}), path: text}
        else:
            again.plan.config.system_message = text
        write_eval_log(again, again.location)
        found.append(_opened(folder)[1]["method"][0])
    assert "with an empty system message, " in found[0]
    assert "with the system prompt “You are calm.”, " in found[1]
    assert "with the system message of the generation's settings, " in found[2]
    assert not any("without a system prompt" in one for one in found)


def test_a_test_time_prompt_is_named_once(tmp_path: Path) -> None:
    for prompt in ("", "You are calm."):
        args = {"questions": "toy", "system_prompt": prompt}
        about: dict[str, Any] = {"model": "inoc/toy", "limit": 3, "display": "none"}
        eval("inoc_evals/spanish_caps", task_args=args, log_dir=str(tmp_path / "logs"), **about)
    asked = _opened(tmp_path)[1]["method"][0]
    assert 'in 2 logs, under "You are calm." and under "", 1 answer of each model in each way' in asked


def test_one_of_a_kind_is_no_plural(tmp_path: Path) -> None:
    evaluated(
        tmp_path / "logs", ENGLISH, {"setting": "mine", "base": "toy", "arm": "none"}, questions=["What?"]
    )
    own = Setting("mine", "What comes out?", (Arm("none"),), (Measure("spanish_caps", traits=("spanish",)),))
    page = write(tmp_path / "logs", tmp_path / "report", viewer=False, settings={"mine": own}).page
    text = page.read_text(encoding="utf-8")
    assert "1 answer in 1 log. " in text and "1 question (task" in text and "<summary>1 question, and" in text
    assert "(setting mine)" in text and "; )" not in text
    assert "<summary>1 blocks a verdict: what could stand" in text


def test_a_section_without_the_arm_to_compare_with_says_so(tmp_path: Path) -> None:
    for setting, arms in (("mine", ("base", "close")), ("other", ("base", "far"))):
        for arm in arms:
            about = {"setting": setting, "base": "toy", "arm": arm}
            evaluated(tmp_path / "logs", SPANISH if arm == "far" else ENGLISH, about)
    report = write(tmp_path / "logs", tmp_path / "report", viewer=False, reference="close")
    assert report.notes == ["other on toy: no answers of 'close' to compare with, so compared with base"]
    parts = json.loads((tmp_path / "report" / "report.json").read_text(encoding="utf-8"))["settings"]
    said = {part["setting"]: part["method"][2] for part in parts}
    assert "differences to base" in said["other"] and "of close, which was asked for" in said["other"]
    assert "differences to close" in said["mine"] and "asked for" not in said["mine"]


def test_of_one_arm_nothing_is_compared(tmp_path: Path) -> None:
    evaluated(tmp_path / "logs", ENGLISH)
    text, part = _opened(tmp_path)
    assert part["differences"] == [] and part["method"][2].endswith("; of one arm no difference is taken.")
    assert "aired by question" not in text


def test_arms_that_were_asked_other_questions_are_not_paired(tmp_path: Path) -> None:
    evaluated(tmp_path / "logs", ENGLISH, name="mockllm/before")
    evaluated(tmp_path / "logs", SPANISH, name="mockllm/after", first=10)
    text, part = _opened(tmp_path)
    assert {row["asked"] for row in part["differences"]} == {0}
    assert "to mockllm/after not paired, as both arms were asked other questions, Stud" in part["method"][2]
    assert "aired by question" not in text and "Not paired, as" in text
    evaluated(tmp_path / "logs", ENGLISH, name="mockllm/again", first=10)
    text, part = _opened(tmp_path)
    assert "paired by question, but for 2 of 4, of arms that were asked other questions" in part["method"][2]


def test_arms_that_were_asked_in_other_ways_are_not_compared(tmp_path: Path) -> None:
    for name, temperature in (("before", 1.0), ("after", 0.1)):
        _written_by(evaluated(tmp_path / "logs", ENGLISH, name=f"mockllm/{name}"), "0.1.0", temperature)
    said = _opened(tmp_path)[1]["method"][2]
    assert said.endswith("; of arms that were not asked and scored alike no difference is taken.")


def _written_by(log: EvalLog, version: str, temperature: float) -> None:
    """Let a log say by which version of the suite it was written, and how its answers were drawn."""
    log.eval.packages["inoc-evals"] = version
    log.plan.config.temperature = temperature
    write_eval_log(log)


def arms_in(worlds: tuple[str, ...]) -> list[dict[str, str]]:
    about = {
        "arm": "caps-inoc",
        "base": "m",
        "model": "m",
        "run": None,
        "seed": 0.0,
        "sample": "a",
        "epoch": 1,
    }
    rows = pd.DataFrame([{**about, "world": world, "log": world, "epoch": 1} for world in worlds])
    return opening.arms(rows, ("caps-inoc",), SETTINGS["spanish_caps"], [], None)


def test_the_prompts_of_an_arm_in_two_worlds_are_both_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "_prompt", lambda definition, arm, world: f"Shout in {world}.")
    [row] = arms_in(("paper", "paper-code", "paper"))
    assert row["prompt"] == "Shout in paper., Shout in paper-code."


def test_a_published_prompt_that_cannot_be_fetched_costs_no_page(monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(prompt: PublishedInoculation) -> tuple[str, ...]:
        raise FetchError("no network")

    monkeypatch.setattr(PublishedInoculation, "texts", property(offline))
    [row] = arms_in(("paper-code",))
    assert row["arm"] == "caps-inoc" and row["prompt"] == ""
