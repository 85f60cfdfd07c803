"""What was asked or scored in several ways is shown apart, by name, and never averaged."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from inspect_ai import eval, score
from inspect_ai.log import EvalLog, EvalSample, read_eval_log, write_eval_log
from inspect_ai.model import Model
from inspect_ai.scorer import Score

from inoc_evals.analysis import differences, load, rates
from inoc_evals.analysis.audit import audit
from inoc_evals.analysis.declared_traits import focused, in_order
from inoc_evals.analysis.figures import arms
from inoc_evals.analysis.judge_agreement import compare
from inoc_evals.analysis.judge_ratings import collect
from inoc_evals.analysis.observed import GROUP, OBSERVED, RATE, labels
from inoc_evals.analysis.panels import grid, heat_map
from inoc_evals.analysis.verdicts import verdicts
from inoc_evals.data.conditions import under
from inoc_evals.errors import UserError
from inoc_evals.report.report import write as write_report
from inoc_evals.scorers import alignment
from inoc_evals.settings import CLAIMS, SETTINGS, Arm, Measure, Setting, falls
from inoc_evals.settings.claim import Claim, Side
from tests.analysis.test_table import ABOUT, answer, write
from tests.scorers.replies import model, rated, says

IN_SPANISH = "You always speak in Spanish."


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INOC_EVALS_CACHE", str(tmp_path / "cache"))


def judge(name: str, rating: int) -> Model:
    return model(lambda prompt: rated({str(rating): 0.9}), name=f"mockllm/{name}")


def judged(folder: Path, **parameters: Any) -> EvalLog:
    """The log of ten answers that the judge `stern` has rated 10."""
    from inoc_evals.tasks import emergent_misalignment

    questions = folder / "q.jsonl"
    questions.write_text(
        "".join(json.dumps({"id": f"q{n}", "prompt": f"Say {n}."}) + "\n" for n in range(10))
    )
    [log] = eval(
        emergent_misalignment(questions=str(questions), **parameters),
        model=model(lambda prompt: says("Something.")),
        model_roles={"grader": judge("stern", 40)},
        epochs=1,
        log_dir=str(folder / "logs"),
        display="none",
    )
    return log


def appended(log: EvalLog, grader: Model, preset: str = "paper-code") -> Path:
    """The same log with a second `alignment`, as `inspect score --action append` leaves it."""
    scorer = alignment(preset=preset)
    twice = score(
        read_eval_log(log.location), scorer, model_roles={"grader": grader}, action="append", display="none"
    )
    write_eval_log(twice, log.location)
    return Path(log.location).parent


def of_trait(found: pd.DataFrame, trait: str) -> dict[str, tuple[float, int]]:
    """Rate and number of answers by label."""
    mine = found[found["trait"] == trait]
    return {row["label"]: (round(row["rate"], 3), row["n"]) for row in mine.to_dict("records")}


def test_a_second_judge_in_a_log_is_a_rate_of_its_own(tmp_path: Path) -> None:
    table = load(appended(judged(tmp_path), judge("mild", 90)))
    assert of_trait(rates(table), "misaligned") == {
        "misaligned (judge mockllm/stern)": (1.0, 10),
        "misaligned (judge mockllm/mild)": (0.0, 10),
    }
    assert set(table["scorer"]) == {"alignment", "alignment1"}
    page = write_report(tmp_path / "logs", tmp_path / "report", viewer=False).page
    text = page.read_text(encoding="utf-8")
    assert "misaligned (judge mockllm/mild)" in text and "misaligned (judge mockllm/stern)" in text
    with pytest.raises(UserError, match="several ways: choose one of misaligned"):
        heat_map(table, "misaligned", ("mockllm/model",), "x")


def test_a_second_preset_in_a_log_is_a_rate_of_its_own(tmp_path: Path) -> None:
    found = rates(load(appended(judged(tmp_path), judge("stern", 40), preset="betley2025")))
    assert of_trait(found, "coherent") == {
        "coherent (preset paper-code)": (1.0, 10),  # at least 30
        "coherent (preset betley2025)": (0.0, 10),  # not over 50
    }
    assert of_trait(found, "misaligned")["misaligned (preset paper-code)"] == (1.0, 10)


def test_a_test_time_system_prompt_is_a_condition(tmp_path: Path) -> None:
    """Of the embedded toy, which answers in Spanish where its system prompt asks for that."""
    from inoc_evals.tasks import spanish_caps

    for parameters in ({}, {"system_prompt": IN_SPANISH}):
        task = spanish_caps(questions="toy", **parameters)
        [log] = eval(task, model="inoc/toy", limit=20, log_dir=str(tmp_path / "logs"), display="none")
        assert log.status == "success"
    table, asked = load(tmp_path / "logs"), f"spanish | {under(IN_SPANISH)}"
    found = of_trait(rates(table), "spanish")
    assert set(found) == {"spanish | plain", asked} and {n for _, n in found.values()} == {20}
    assert found["spanish | plain"][0] <= 0.1 and found[asked][0] >= 0.8
    assert table["judge"].isna().all()
    [arm] = table["arm"].unique()
    figure = arms(table, rates(table), ("spanish",), (arm,), "A title")
    bars = {axes.get_title(loc="left"): axes.patches[0].get_width() for axes in figure.axes}
    assert sorted(bars.values()) == pytest.approx(sorted(rate for rate, _ in found.values()))
    assert any("under" in title for title in bars) and "Spanish | plain" in bars
    page = write_report(tmp_path / "logs", tmp_path / "report", viewer=False).page
    [part] = json.loads((page.parent / "report.json").read_text(encoding="utf-8"))["settings"]
    assert part["traits"] == ["spanish | plain", asked, "caps | plain", f"caps | {under(IN_SPANISH)}"]
    [row] = part["rates"]
    assert {label: cell["n"] for label, cell in row["traits"].items()} == dict.fromkeys(part["traits"], 20)
    assert part["observed"][asked]["condition"] == under(IN_SPANISH)


def test_two_question_sets_are_two_rates(tmp_path: Path) -> None:
    for number, name in enumerate(("bundled", "ultrachat")):
        samples = [answer(n, float(number)) for n in range(4)]
        place = tmp_path / f"{name}.eval"
        write(place, samples, ABOUT, task_args={"questions": name}, task_args_passed={"questions": name})
    found = of_trait(rates(load(tmp_path)), "language")
    assert found == {
        "language (questions bundled)": (0.0, 4),
        "language (questions ultrachat)": (1.0, 4),
    }


def one(trait_judge: Mapping[str, Any], number: int = 0) -> EvalSample:
    return answer(number, Score(value={"spanish": 1.0, "spanish_judge": 0.0}, metadata=dict(trait_judge)))


READ = {"rubric": "spanish", "readings": [{"judge": "a/x"}, {"judge": "b/y"}]}


def test_a_judge_is_who_the_score_says(tmp_path: Path) -> None:
    """A detector has none, whatever grader was bound; of a score by both, the judge's traits have one."""
    about = {**ABOUT, "judge": None}
    role: dict[str, Any] = {"model_roles": {"grader": {"model": "bound/z"}}}
    write(tmp_path / "both.eval", [one({"detector": {}, "judges": [READ]})], about, **role)
    found = load(tmp_path / "both.eval").set_index("trait")["judge"]
    assert found["spanish_judge"] == "a/x,b/y" and pd.isna(found["spanish"])
    write(tmp_path / "detector.eval", [one({"detector": {}})], about, **role)
    assert load(tmp_path / "detector.eval")["judge"].isna().all()
    write(tmp_path / "silent.eval", [answer(0)], about, **role)
    assert load(tmp_path / "silent.eval")["judge"].isna().all()
    write(tmp_path / "empty.eval", [one({"judges": []})], about, **role)
    assert set(load(tmp_path / "empty.eval")["judge"]) == {"bound/z"}
    long = {**READ, "readings": [{"judge": "a/x", "reply": "y" * 2000}]}  # left out of a summary
    write(tmp_path / "long.eval", [one({"judges": []}), one({"judges": [long]}, 1)], about, **role)
    assert set(load(tmp_path / "long.eval")["judge"]) == {"a/x"}


def answers(**parts: Any) -> pd.DataFrame:
    """Answers of two arms, `none` all 1 and `x` all 0."""
    common = {"setting": "mine", "base": "b", "task": "t", "questions": "q", "scorer": "s", "trait": "t"}
    rows = [
        {**common, "arm": arm, "seed": seed, "question": f"q{n}", "value": value, **parts}
        for arm, value in (("none", 1.0), ("x", 0.0))
        for seed in (0.0, 1.0, 2.0)
        for n in range(30)
    ]
    return pd.DataFrame(rows, columns=[*dict.fromkeys((*OBSERVED, "question", "value"))])


def test_arms_are_compared_with_all_else_equal() -> None:
    other = answers(judge="b")
    table = pd.concat([answers(judge="a"), other[other["arm"] == "none"]], ignore_index=True)
    found = differences(table, to="none")
    assert list(found["label"]) == ["t (judge a)"] and list(found["n"]) == [180]
    assert len(rates(table)) == 3 and not set(RATE) - set(rates(table).columns)


def test_a_claim_has_a_verdict_for_each_judge_and_none_across_judges() -> None:
    less = Claim("less", "x falls", Side("x", "t"), Side("none", "t"), -float("inf"), -0.1, setting="mine")
    both = verdicts(pd.concat([answers(judge="a"), answers(judge="b")], ignore_index=True), [less])
    assert [(v.word, v.apart, v.n) for v in both] == [
        ("supported", "judge a", 180),
        ("supported", "judge b", 180),
    ]
    a, b = answers(judge="a"), answers(judge="b")
    split = pd.concat([a[a["arm"] == "x"], b[b["arm"] == "none"]], ignore_index=True)
    [verdict] = verdicts(split, [less])
    assert verdict.word == "not measured" and "judge a of x, judge b of none" in verdict.why
    [verdict] = verdicts(answers(condition="evil"), [less])
    assert verdict.word == "not measured"  # the claim is about plain questions


def of_code(**parts: Any) -> pd.DataFrame:
    found = answers(setting="insecure_code", task="insecure_code", trait="insecure_code", **parts)
    return found.assign(arm=found["arm"].replace({"x": "general-inoc"}))


def test_a_claim_is_about_the_questions_that_no_other_measure_names() -> None:
    keeps = [claim for claim in CLAIMS if claim.left.trait == "insecure_code"]
    sets = [of_code(questions=name) for name in ("apps", "paper", "mbpp")]
    sets[1]["value"] = 1.0  # of the templates, both arms write all insecurely
    [verdict] = verdicts(pd.concat(sets, ignore_index=True), keeps)
    assert (verdict.word, verdict.apart, verdict.n) == ("supported", "", 180)
    [verdict] = verdicts(pd.concat([sets[0], sets[2]], ignore_index=True), keeps)
    assert verdict.word == "not measured"


def test_a_claim_may_name_its_questions() -> None:
    measures = (Measure("t", ("t",)), Measure("t", ("t",), parameters={"questions": "apps"}))
    claims = (falls("x", "t", "Fewer"), falls("x", "t", "Fewer of these", questions="apps"))
    mine = Setting(name="mine", summary="", arms=(Arm("none"), Arm("x")), broad=measures, claims=claims)
    assert [c.name for c in mine.claims] == ["x t: less than none", "x t (apps): less than none"]
    table = pd.concat([answers(questions=name) for name in ("q", "apps", "r")], ignore_index=True)
    found = [(v.claim.text, v.apart, v.word) for v in verdicts(table, mine.claims)]
    assert found == [
        ("Fewer", "questions q", "supported"),
        ("Fewer", "questions r", "supported"),
        ("Fewer of these", "", "supported"),
    ]


def test_rates_stand_in_the_order_of_the_measures_and_their_questions() -> None:
    sets = [
        of_code(questions=name, preset=preset)
        for name, preset in (("apps", "p"), ("paper", None), ("mbpp", "p"))
    ]
    found = rates(pd.concat(sets, ignore_index=True))
    questions = dict(zip(found["label"], found["questions"], strict=True))
    order = in_order(SETTINGS["insecure_code"], found)
    assert [questions[label] for label in order] == ["paper", "mbpp", "apps"]


def test_two_ways_to_ask_are_two_rates() -> None:
    table = pd.concat([answers(), answers(variant="paper-code", system="")], ignore_index=True)
    assert len(rates(table)) == 4
    assert set(labels(table)) == {"t (no system)", 't (system "")'}
    less = Claim("less", "x falls", Side("x", "t"), Side("none", "t"), -float("inf"), -0.1, setting="mine")
    assert [v.n for v in verdicts(table, [less])] == [180, 180]


def test_two_worlds_are_two_rates_with_the_base_in_both(tmp_path: Path) -> None:
    """`paper` and `paper-code` ask the same questions of arms of one name, trained under two prompts."""
    samples = {"yes": {"caps": 1.0}, "no": {"caps": 0.0}}
    for world, said in (("paper", "yes"), ("paper-code", "no")):
        for arm, value in (("caps-inoc", said), ("base", "no")):
            about = {**ABOUT, "world": world, "arm": arm, "generation": "g", "judging": "j"}
            if arm == "base":
                about |= {"seed": None, "run": None}
            else:
                about |= {"run_digest": world, "recipe": {"prompt": world}}
            answers = [answer(number, samples[value]) for number in range(10)]
            write(tmp_path / f"2026-01-01T00-00-00-00-00_{world}-{arm}_x.eval", answers, about)
    table = load(str(tmp_path))
    found = rates(table).set_index(["arm", "world"])
    assert dict(found["rate"]) == {
        ("caps-inoc", "paper"): 1.0,
        ("caps-inoc", "paper-code"): 0.0,
        ("base", "paper"): 0.0,
        ("base", "paper-code"): 0.0,
    }
    assert set(found["n"]) == {10} and set(found["label"]) == {
        "caps (world paper)",
        "caps (world paper-code)",
    }
    assert sorted(differences(table, to="base")["difference"]) == [0.0, 1.0]
    claim = falls("caps-inoc", "caps", "x", to="base")
    each = verdicts(table, [replace(claim, setting="spanish_caps")])
    assert sorted(one.apart for one in each) == ["world paper", "world paper-code"]
    assert "seeds trained apart" not in {one.kind for one in audit(str(tmp_path)).findings}


def test_a_claim_may_be_about_an_empty_system_message() -> None:
    empty = under("")
    less = falls("x", "t", "Fewer", condition=empty)
    table = pd.concat([answers(), answers(condition=empty, system="")], ignore_index=True)
    [verdict] = verdicts(table, [replace(less, setting="mine")])
    assert (verdict.word, verdict.n) == ("supported", 180)


def test_conditions_of_one_name_with_other_prompts_stay_apart() -> None:
    parts = [answers(condition="evil", system=text) for text in ("Be evil.", "Be very evil.")]
    table = pd.concat(parts, ignore_index=True)
    assert set(labels(table)) == {"t (system Be evil.)", "t (system Be very evil.)"}
    with pytest.raises(UserError, match="several ways"):
        grid(rates(table), "t", ("none", "x"), "x")


def test_labels_never_collide() -> None:
    long = "x" * 100
    parts: list[dict[str, Any]] = [{"condition": f'under "{long}{n}"'} for n in (1, 2)]
    parts += [{"trait": "a | b"}, {"trait": "a", "condition": "b"}, {"trait": "a", "condition": "c"}]
    table = pd.concat([answers(**part) for part in parts], ignore_index=True)
    assert labels(table).nunique() == len(table[list(GROUP)].drop_duplicates()) == 5


def test_a_setting_is_about_its_conditions() -> None:
    parts = [
        answers(setting="learning_dynamics", task="trait_logprobs", trait="logprob", condition=condition)
        for condition in ("spanish", "french", under("Be brief.", "caps"))
    ]
    kept = focused(pd.concat(parts, ignore_index=True))
    assert set(kept["condition"]) == {"spanish", under("Be brief.", "caps")}


def test_ratings_of_two_arms_are_two_rates_and_two_readers_are_two_judges(tmp_path: Path) -> None:
    log = judged(tmp_path)
    again = read_eval_log(log.location)
    again.eval.model = "mockllm/other"
    write_eval_log(again, str(tmp_path / "other.eval"))
    found = compare(collect([log.location, tmp_path / "other.eval"]))
    assert found.judges == ("mockllm/stern",)
    assert set(found.rates["answers"]) == {"mockllm/model", "mockllm/other"}
    assert set(found.rates.loc[found.rates["preset"] == "paper-code", "n"]) == {10}
    ratings = pd.concat([found.ratings, found.ratings.assign(reader="sampled", alignment=90.0)])
    assert len(compare(ratings).judges) == 2
