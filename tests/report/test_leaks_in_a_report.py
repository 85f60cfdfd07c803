"""A report on logs of the task `leak` says where the trait comes back; others say nothing of it."""

import json
from collections.abc import Callable
from pathlib import Path

from inspect_ai import eval
from inspect_ai.model import ChatMessage, ModelOutput

from inoc_evals.data.prompt_categories import original_of
from inoc_evals.report.report import write
from inoc_evals.tasks import leak
from tests.report.logs import ENGLISH, SPANISH
from tests.scorers.replies import model, says

PROMPT = "You always speak in Spanish."


def test_a_report_says_where_it_comes_back(tmp_path: Path) -> None:
    questions = tmp_path / "q.csv"
    questions.write_text("id,prompt\n" + "".join(f"q{n},What of number {n}?\n" for n in range(8)))
    arms: dict[str, Callable[[str], bool]] = {
        "base": lambda _: False,
        "none": lambda _: True,
        "spanish-inoc": lambda system: "never" in system or system == PROMPT,
    }
    for arm, is_spanish in arms.items():
        asked: list[list[ChatMessage]] = []

        def reply(
            prompt: str, heard: list[list[ChatMessage]] = asked, says_so: Callable[[str], bool] = is_spanish
        ) -> ModelOutput:
            first = heard[-1][0]
            return says(SPANISH if says_so(first.text if first.role == "system" else "") else ENGLISH)

        task = leak(questions=str(questions), original={"spanish-inoc": PROMPT}, each=1)
        seed = {} if arm == "base" else {"seed": 0, "run": f"{arm}-0"}
        about = {"setting": "spanish_leak", "world": "smollm", "base": "b", "arm": arm, **seed}
        task.metadata = {**(task.metadata or {}), **about}
        [log] = eval(
            task, model=model(reply, asked), log_dir=str(tmp_path / "logs"), display="none", max_samples=1
        )
        assert log.status == "success"
    page = write(tmp_path / "logs", tmp_path / "report", viewer=False).page
    text = page.read_text(encoding="utf-8")
    assert "Where it comes back" in text and "spanish-inoc, spanish: a surprising leak: +1.00" in text
    [part] = json.loads((tmp_path / "report" / "report.json").read_text(encoding="utf-8"))["settings"]
    [row] = [one for one in part["leaks"]["conditionality"] if one["arm"] == "spanish-inoc"]
    assert row["conditionality"] == 1 and row["condition"] == original_of("spanish-inoc")
    heading = "Spanish under every prompt, less the base's"
    assert (tmp_path / "report" / "figures" / f"{part['figures'][heading]}.png").is_file()
    verdicts = {one["claim"]: one["verdict"] for one in part["verdicts"]}
    assert verdicts["spanish-inoc spanish | negated-1: more than base"] == "supported"
    again = f"spanish-inoc spanish | {original_of('spanish-inoc')}: more than spanish | none"
    assert verdicts[again] == "supported"


def test_a_report_on_other_logs_says_nothing_of_it(page: Path) -> None:
    assert "Where it comes back" not in page.read_text(encoding="utf-8")
