"""Every finding of the audit: a small case that has it, and one that does not."""

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from inspect_ai import eval
from typer.testing import CliRunner

from inoc_evals.analysis import audit_answers, audit_readings, audit_runs, log_facts
from inoc_evals.analysis.audit import Audit, audit
from inoc_evals.analysis.audit_answers import thresholds
from inoc_evals.analysis.findings import BLOCKS, CAUTION, NOTE, Finding, merged, worst_first
from inoc_evals.analysis.log_facts import AnswerFacts, LogFacts
from inoc_evals.analysis.log_rows import COLUMNS
from inoc_evals.analysis.verdicts import verdicts
from inoc_evals.chat.shown import Shown
from inoc_evals.cli import app
from inoc_evals.digests import sha256
from inoc_evals.errors import UserError
from inoc_evals.runs.directory import Manifest, Result, Run
from inoc_evals.runs.spec import FinetuneSpec
from inoc_evals.settings import Arm, Measure, Setting, falls, keeps, rises
from inoc_evals.tasks import spanish_caps
from tests.report.logs import ENGLISH, SPANISH, evaluated
from tests.scorers.replies import model

MINE = Setting(
    name="mine",
    summary="A setting of this test.",
    arms=(Arm("none"), Arm("x")),
    broad=(Measure("t", traits=("caps",)),),
    claims=(
        falls("x", "caps", "x keeps capitals out"),
        keeps("x", "caps", "x leaves what the base shows", to="base"),
        rises("none", "caps", "none learns capitals"),
    ),
)
FALLS, KEEPS, RISES = (claim.name for claim in MINE.claims)


def table(
    rates: dict[str, float], seeds: int = 3, questions: int = 40, epochs: int = 1, **columns: Any
) -> pd.DataFrame:
    """Answers with these rates: the first questions show the trait, by each seed alike."""
    rows = []
    for arm, rate in rates.items():
        for seed in [None] if arm == "base" else range(seeds):
            for question in range(questions):
                rows += [
                    {
                        **{"arm": arm, "seed": seed, "question": f"q{question}", "sample": f"q{question}"},
                        **{"epoch": epoch, "value": float(question < round(rate * questions))},
                        **{"log": f"{arm}-{seed}", "model": f"inoc/{arm}-{seed}", "run": f"{arm}-{seed}-run"},
                    }
                    for epoch in range(1, epochs + 1)
                ]
    common = {
        "setting": "mine",
        "base": "toy",
        "task": "t",
        "questions": "chat",
        "trait": "caps",
        "scorer": "s",
    }
    frame = pd.DataFrame(rows).assign(**{**common, **columns})
    frame["seed"] = frame["seed"].astype(float)
    return frame.reindex(columns=[*COLUMNS, "log"]).astype({"unscored": object})


SOUND = {"base": 0.0, "none": 0.9, "x": 0.1}


def without_value(answers: pd.DataFrame, arm: str, share: float, why: str = "incoherent") -> pd.DataFrame:
    """The same answers, of which a share of an arm's, spread over questions, has no value."""
    changed = answers.copy()
    mine = np.flatnonzero((changed["arm"] == arm).to_numpy())
    hit = mine[:0] if share == 0 else mine[np.arange(len(mine)) % round(1 / share) == 0]
    changed.loc[hit, "value"] = float("nan")
    changed.loc[hit, "unscored"] = why
    return changed


def facts_of(
    answers: pd.DataFrame, shown: dict[str, Shown] | None = None, about: dict[str, Any] | None = None
) -> dict[str, LogFacts]:
    """Facts of the logs of a table, in which each answer is another text."""
    facts = {}
    for log, rows in answers.groupby("log"):
        arm = str(rows["arm"].iloc[0])
        metadata = {"shown": (shown or {}).get(arm, Shown(test="x")).as_dict()}
        answered = {
            (str(s), int(e)): AnswerFacts(f"{log}-{s}-{e}", empty=False, cut=False)
            for s, e in zip(rows["sample"], rows["epoch"], strict=True)
        }
        asked = {str(s): f"What do you think of {s}, my dear friend?" for s in rows["sample"].unique()}
        facts[str(log)] = LogFacts(
            str(log), {"metadata": metadata, **(about or {}).get(arm, {})}, answered, asked
        )
    return facts


def found(findings: Iterable[Finding], kind: str) -> list[Finding]:
    return [finding for finding in findings if finding.kind == kind]


def checked(answers: pd.DataFrame, facts: dict[str, LogFacts] | None = None) -> list[Finding]:
    return list(audit_answers.checks(answers, facts or {}, {"mine": MINE}))


def word(answers: pd.DataFrame, findings: list[Finding], claim: str) -> str:
    [verdict] = [v for v in verdicts(answers, MINE.claims, findings=findings) if v.claim.name == claim]
    return verdict.word


def test_sound_answers_have_no_finding_and_keep_their_verdicts() -> None:
    answers = table(SOUND)
    findings = checked(answers, facts_of(answers))
    assert not findings
    assert word(answers, findings, FALLS) == word(answers, [], FALLS) == "supported"


# --- what is excluded ---


def test_exclusions_are_named_by_arm_and_reason() -> None:
    answers = without_value(table(SOUND), "x", 0.1)
    [finding] = found(checked(answers), "answers excluded")
    assert finding.severity == NOTE and finding.where["arm"] == "x"
    assert finding.numbers["excluded"] == 12 and "incoherent 12" in finding.what


@pytest.mark.parametrize("why", ["the sample failed: no", "no answer: stopped by the time limit"])
def test_failed_samples_are_a_caution(why: str) -> None:
    [finding] = found(checked(without_value(table(SOUND), "x", 0.1, why)), "answers excluded")
    assert finding.severity == CAUTION and finding.numbers["failed"] == 12


@pytest.mark.parametrize(("share", "severity"), [(0.5, BLOCKS), (0.25, CAUTION), (0.025, None)])
def test_exclusion_that_differs_between_arms(share: float, severity: str | None) -> None:
    findings = found(checked(without_value(table(SOUND), "x", share)), "exclusion differs between arms")
    assert {f.severity for f in findings} == ({severity} if severity else set())
    for finding in findings:
        numbers = finding.numbers
        assert finding.where["arm"] == "x" and finding.to in ("none", "base")
        assert numbers["low"] <= numbers["difference"] <= numbers["high"] and numbers["difference"] > 0


def test_exclusion_alike_in_all_arms_is_no_difference() -> None:
    answers = table(SOUND)
    for arm in SOUND:
        answers = without_value(answers, arm, 0.5)
    assert not found(checked(answers), "exclusion differs between arms")


def test_a_verdict_on_arms_that_lose_answers_unlike_is_not_valid_and_says_why() -> None:
    answers = without_value(table(SOUND), "x", 0.5)
    findings = checked(answers)
    [verdict] = [v for v in verdicts(answers, MINE.claims, findings=findings) if v.claim.name == FALLS]
    assert verdict.word == "not valid" and "50 % of the answers of x are excluded" in verdict.why
    assert "without the audit: supported" in verdict.why and verdict.difference < -0.5
    assert verdict.as_dict()["verdict"] == "not valid"
    assert word(answers, findings, RISES) == "supported"  # its sides, none and base, are sound


# --- too few ---


def test_one_question_is_too_few_and_a_handful_a_caution() -> None:
    limits = thresholds()
    assert 1 < limits.questions <= limits.power
    for questions, severity in [(1, BLOCKS), (limits.questions, CAUTION), (limits.power, None)]:
        answers = table({"none": 1.0, "x": 0.0}, questions=questions, epochs=20)
        findings = found(checked(answers), "too few answers")
        assert {f.severity for f in findings} == ({severity} if severity else set())
        assert (word(answers, findings, FALLS) == "not valid") is (severity == BLOCKS)


def test_questions_whose_answers_are_all_excluded_do_not_count() -> None:
    answers = table({"none": 1.0, "x": 0.0}, questions=8, epochs=5)
    answers.loc[(answers["arm"] == "x") & (answers["question"] != "q0"), "value"] = float("nan")
    [finding] = found(checked(answers), "too few answers")
    assert finding.severity == BLOCKS and finding.where["arm"] == "x"


@pytest.mark.parametrize("reason", ["incoherent", "the sample failed: RuntimeError"])
def test_an_arm_without_a_valid_answer_is_said_once_and_blocks(reason: str) -> None:
    answers = without_value(table(SOUND), "x", 1.0, reason)
    findings = checked(answers)
    assert not found(findings, "too few answers")
    [finding] = found(findings, "answers excluded")
    assert finding.severity == BLOCKS and finding.where["arm"] == "x" and reason in finding.what
    assert word(answers, findings, FALLS) in ("not measured", "not valid")
    one = answers.assign(value=answers["value"].where(answers["question"] != "q0", 1.0))
    assert found(checked(one), "answers excluded")[0].severity != BLOCKS
    assert found(checked(one), "too few answers")[0].severity == BLOCKS


def test_few_finetunes_are_a_caution() -> None:
    assert {f.where["arm"] for f in found(checked(table(SOUND, seeds=2)), "few finetunes")} == {"none", "x"}
    assert not found(checked(table(SOUND, seeds=3)), "few finetunes")


def test_thresholds_are_those_that_the_page_shows() -> None:
    page = (Path(__file__).parents[2] / "docs" / "audit.md").read_text(encoding="utf-8")
    kept = json.loads(Path(audit_answers.__file__).with_name("audit_thresholds.json").read_text())
    assert kept["command"] in page
    for name in ("questions", "answers", "power", "excluded"):
        assert f"| {kept[name]} |\n" in page
    assert kept["simulated"]["questions"][str(kept["questions"])] <= 0.1
    assert kept["simulated"]["questions"]["1"] > 0.1 and kept["simulated"]["excluded"]["0.5"] > 0.1


def test_seeds_have_all_of_their_digits() -> None:
    """Such as those that a date makes; six of eight digits name another seed."""
    answers = table(SOUND)
    answers["seed"] += 20251000
    lacking = answers[(answers["arm"] != "x") | (answers["seed"] != 20251001)]
    [finding] = found(checked(lacking), "seeds missing")
    assert "have seed 20251001, this arm" in finding.what
    same = Finding("seeds answer the same", CAUTION, "", "", {"arm": "x", "seed": (20251000.0, 20251001.0)})
    assert "seed 20251000, 20251001" in same.place


# --- apart ---


@pytest.mark.parametrize(("column", "severity"), [("judge", BLOCKS), ("preset", BLOCKS), ("dtype", CAUTION)])
def test_arms_that_were_never_scored_alike(column: str, severity: str) -> None:
    answers = table(SOUND)
    assert not found(checked(answers.assign(**{column: "a"})), "arms asked or scored apart")
    answers[column] = np.where(answers["arm"] == "x", "a", "b")
    findings = found(checked(answers), "arms asked or scored apart")
    assert {(f.where["arm"], f.to) for f in findings} == {("x", "none"), ("x", "base")}
    assert {f.severity for f in findings} == {severity} and f"{column} a of x" in findings[0].what


def test_an_arm_that_also_has_another_judge_is_not_apart() -> None:
    both = pd.concat([table(SOUND, judge="a"), table({"x": 0.1}, judge="b")])
    assert not found(checked(both), "arms asked or scored apart")


def test_scorers_of_other_options_and_other_versions() -> None:
    answers = table(SOUND)
    options = lambda t: {"scorers": [{"name": "caps", "options": {"threshold": t}}]}  # noqa: E731
    facts = facts_of(answers, about={arm: options(0.9 if arm != "x" else 0.5) for arm in SOUND})
    findings = checked(answers, facts)
    assert {f.severity for f in found(findings, "scorers differ between arms")} == {BLOCKS}
    assert word(answers, findings, FALLS) == "not valid" and word(answers, findings, RISES) == "supported"
    version = lambda of: {"packages": {"inoc-evals": of}}  # noqa: E731
    facts = facts_of(answers, about={arm: version("0.1" if arm == "x" else "0.2") for arm in SOUND})
    assert {f.severity for f in found(checked(answers, facts), "versions differ between arms")} == {CAUTION}


def test_a_scorer_that_one_arm_alone_has_says_nothing_of_the_others() -> None:
    """As a loop of `inspect score --action append` leaves it that was interrupted half way."""
    answers = table(SOUND)
    caps = {"name": "inoc_evals/caps", "options": {"threshold": 0.9}}
    more = [{"name": "inoc_evals/language", "options": {}}, {**caps, "options": {"threshold": 0.5}}]
    facts = facts_of(
        answers, about={arm: {"scorers": [caps, *(more if arm == "x" else [])]} for arm in SOUND}
    )
    findings = checked(answers, facts)
    assert not found(findings, "scorers differ between arms")
    assert word(answers, findings, FALLS) == "supported"
    other = answers.assign(scorer="language")
    both = pd.concat([answers.assign(scorer="caps"), other], ignore_index=True)
    facts = facts_of(
        both, about={arm: {"scorers": [{**caps, "options": {"t": arm == "x"}}]} for arm in SOUND}
    )
    of_caps = found(checked(both, facts), "scorers differ between arms")
    assert {finding.where["scorer"] for finding in of_caps} == {("caps",)}
    assert "caps scored x with t True, none with t False" in [finding.what for finding in of_caps]


def test_arms_that_were_asked_different_questions() -> None:
    answers = table(SOUND)
    fewer = answers[(answers["arm"] != "x") | answers["question"].isin([f"q{n}" for n in range(30)])]
    [one, two] = found(checked(fewer), "arms asked different questions")
    assert one.numbers["one_only"] == 10 and {one.to, two.to} == {"none", "base"}
    assert not found(checked(answers), "arms asked different questions")


def test_a_seed_that_an_arm_lacks() -> None:
    answers = table(SOUND)
    [finding] = found(checked(answers[(answers["arm"] != "x") | (answers["seed"] < 2)]), "seeds missing")
    assert finding.where["arm"] == "x" and finding.numbers["missing"] == [2.0]


# --- doses and other ways ---

FEW, MUCH = "steps=2", "steps=64"


def with_recipes(facts: dict[str, LogFacts], **recipes: dict[str, str]) -> dict[str, LogFacts]:
    """Facts of logs that say how their models were trained; those that are not named say nothing."""
    said = {log.replace("-", "_"): log for log in facts}
    changed = {
        said[name]: replace(facts[said[name]], about={"metadata": {"recipe": recipe}})
        for name, recipe in recipes.items()
    }
    return {**facts, **changed}


def test_seeds_that_differ_in_more_than_the_seed_block_the_verdicts_of_their_arm() -> None:
    answers = table(SOUND)
    facts, old, new = facts_of(answers), {"prompt": "a", "finetune": "f"}, {"prompt": "b", "finetune": "f"}
    mixed = with_recipes(facts, x_0=new, x_1=old, x_2=old, none_0={"finetune": "f"})
    findings = checked(answers, mixed)
    [one] = found(findings, "seeds trained apart")
    assert one.severity == BLOCKS and one.where["arm"] == "x" and one.numbers["differ"] == ["prompt"]
    assert "seeds 0 and 1, 2 share" in one.what
    assert word(answers, findings, FALLS) == "not valid" and word(answers, findings, RISES) == "supported"
    # a log of an earlier version does not say how its model was made
    for recipes in ({"x_0": new}, {"x_0": old, "x_1": old, "x_2": old}):
        assert not found(checked(answers, with_recipes(facts, **recipes)), "seeds trained apart")


def at_rates(folder: Path, **rates: float) -> None:
    """Run directories of models that were trained at these learning rates, by the run's name."""
    for name, rate in rates.items():
        run(folder, name.replace("_", "-"))
        again(folder, name.replace("_", "-"), spec=FinetuneSpec(base="toy", learning_rate=rate))


def test_what_differs_between_trainings_of_one_seed_is_said_with_its_values(tmp_path: Path) -> None:
    answers = table(SOUND)
    first = answers[(answers["arm"] == "x") & (answers["seed"] == 0)]
    twice = pd.concat([answers, first.assign(log="x-0b", run="x-0b-run")], ignore_index=True)
    slow, fast = {"finetune": "slow"}, {"finetune": "fast"}
    facts = with_recipes(facts_of(twice), x_0=slow, x_0b=fast, x_1=slow, x_2=slow)
    at_rates(tmp_path, x_0_run=1e-4, x_0b_run=3e-4, x_1_run=1e-4, x_2_run=1e-4)

    [one] = found(audit_answers.checks(twice, facts, {"mine": MINE}, tmp_path), "seeds trained apart")
    assert one.what.startswith("several trainings of seed 0, and seed 1, 2, share the arm's name only")
    assert one.what.endswith("(finetune: learning_rate 0.0001 and 0.0003)")
    assert one.numbers["fields"] == {"learning_rate": ["0.0001", "0.0003"]}

    [one] = found(checked(twice, facts), "seeds trained apart")  # whose runs are not here
    assert one.what.endswith("they were not trained alike (finetune)") and "0 and 0" not in one.what


def test_values_stand_in_the_order_of_the_seeds_and_arms_that_they_are_of(tmp_path: Path) -> None:
    answers = table(SOUND)
    slow, fast = {"finetune": "slow"}, {"finetune": "fast"}
    at_rates(tmp_path, x_0_run=3e-4, x_1_run=1e-4, x_2_run=1e-4, none_0_run=1e-5)
    again(tmp_path, "x-0-run", spec=FinetuneSpec(base="toy", learning_rate=3e-4, seed=7, lora={"r": 8}))
    facts = with_recipes(facts_of(answers), x_0=fast, x_1=slow, x_2=slow, none_0={"finetune": "other"})
    findings = list(audit_answers.checks(answers, facts, {"mine": MINE}, tmp_path))
    [one] = found(findings, "seeds trained apart")
    assert "seeds 0 and 1, 2 share" in one.what
    assert one.what.endswith("(finetune: learning_rate 0.0003 and 0.0001, lora.r 8 and 32)")
    [other] = found(findings, "arms trained apart")
    assert "none" in (other.where["arm"], other.to) and "learning_rate" in other.what
    shown = dict(zip((other.where["arm"], other.to), other.numbers["fields"]["learning_rate"], strict=True))
    assert shown == {"none": "1e-05", "x": "0.0003 or 0.0001"}


def test_arms_of_other_finetunes_are_not_compared() -> None:
    answers = table(SOUND)
    long, short = {"finetune": "long"}, {"finetune": "short"}
    findings = checked(answers, with_recipes(facts_of(answers), x_0=long, x_1=long, none_0=short))
    [one] = found(findings, "arms trained apart")
    assert (one.where["arm"], one.to) == ("x", "none")
    assert word(answers, findings, FALLS) == "not valid" and word(answers, findings, RISES) == "supported"


def swept(**at: dict[str, float]) -> pd.DataFrame:
    """Answers at `few` and `much` steps with these rates, each dose by models of its own."""
    parts = [(table(rates), {"few": FEW, "much": MUCH}.get(name, name)) for name, rates in at.items()]
    return pd.concat(
        [
            rows.assign(
                dose=dose, **{column: rows[column] + f"-{dose}" for column in ("log", "model", "run")}
            )
            for rows, dose in parts
        ],
        ignore_index=True,
    )


def words_of(answers: pd.DataFrame, findings: list[Finding], claim: str) -> dict[str, str]:
    """The verdicts on a claim by what tells them apart."""
    said = verdicts(answers, MINE.claims, findings=findings)
    return {verdict.apart: verdict.word for verdict in said if verdict.claim.name == claim}


UNLEARNT = {"base": 0.05, "none": 0.05, "x": 0.05}


def test_what_was_not_learnt_at_one_dose_leaves_verdicts_at_others() -> None:
    answers = swept(few=UNLEARNT, much=SOUND)
    findings = checked(answers)
    [finding] = found(findings, "nothing to inoculate")
    assert finding.where["dose"] == FEW and finding.place.endswith(f"dose {FEW}")
    assert words_of(answers, findings, FALLS) == {f"dose {FEW}": "not valid", f"dose {MUCH}": "supported"}


@pytest.mark.parametrize("column", ["judge", "preset", "scorer", "variant", "sampling"])
def test_what_one_judge_does_not_see_leaves_verdicts_by_another(column: str) -> None:
    answers = pd.concat([table(UNLEARNT, **{column: "a"}), table(SOUND, **{column: "b"})], ignore_index=True)
    findings = checked(answers)
    [finding] = found(findings, "nothing to inoculate")
    assert finding.where[column] == "a"
    assert words_of(answers, findings, FALLS) == {f"{column} a": "not valid", f"{column} b": "supported"}


@pytest.mark.parametrize("column", ["judge", "dose", "variant", "dtype"])
def test_exclusion_and_few_questions_block_where_they_are(column: str) -> None:
    one, other = ("rank=4", "rank=8") if column == "dose" else ("a", "b")
    sound = table(SOUND, **{column: other})
    lost = without_value(table(SOUND, **{column: one}), "x", 0.5)
    single = table(SOUND, questions=1, epochs=20, **{column: one})
    for bad, kind in [(lost, "exclusion differs between arms"), (single, "too few answers")]:
        findings = checked(pd.concat([bad, sound], ignore_index=True))
        blocking = [finding for finding in findings if finding.severity == BLOCKS]
        assert {finding.kind for finding in blocking} == {kind}
        for rows, concerned in [(bad, True), (sound, False)]:
            left, right = (rows[rows["arm"] == arm] for arm in ("x", "none"))
            assert any(finding.concerns(left, right) for finding in blocking) is concerned
    # where there is no other way, none is named
    assert all(column not in finding.where for finding in checked(single))


def test_a_way_without_a_judge_is_told_from_one_with_a_judge() -> None:
    detected, judged = table(UNLEARNT), table(SOUND, judge="a")
    answers = pd.concat([detected, judged], ignore_index=True)
    findings = checked(answers)
    [finding] = found(findings, "nothing to inoculate")
    assert finding.where["judge"] is None and "no judge" in finding.place
    assert words_of(answers, findings, FALLS) == {"no judge": "not valid", "judge a": "supported"}


def test_findings_that_are_alike_at_several_doses_are_one() -> None:
    answers = swept(few=SOUND, much=SOUND)
    few = answers[answers["question"].isin(["q0", "q39"])]
    findings = found(checked(few), "too few answers")
    assert {finding.where["dose"] for finding in findings} == {(FEW, MUCH)} and len(findings) == 3


def test_findings_on_several_traits_and_conditions_name_no_sound_answers() -> None:
    small = {"a": "trigger", "b": "without"}
    parts = [
        table(SOUND, questions=1 if small[trait] == condition else 40, trait=trait, condition=condition)
        for trait in ("a", "b")
        for condition in ("trigger", "without")
    ]
    blocking = [f for f in checked(pd.concat(parts, ignore_index=True)) if f.severity == BLOCKS]
    for rows in parts:
        name, condition = rows["trait"].iloc[0], rows["condition"].iloc[0]
        assert any(f.concerns(rows, rows) for f in blocking) is (small[name] == condition)


def test_a_finding_on_answers_with_and_without_a_condition_leaves_a_third_one_alone() -> None:
    conditions = (None, "trigger", "without")
    parts = [
        table(SOUND, questions=40 if condition == "without" else 1, condition=condition)
        for condition in conditions
    ]
    findings = found(checked(pd.concat(parts, ignore_index=True)), "too few answers")
    assert {f.where["condition"] for f in findings} == {(None, "trigger")}
    assert "condition trigger or no condition" in findings[0].place
    for rows, condition in zip(parts, conditions, strict=True):
        assert any(f.concerns(rows, rows) for f in findings) is (condition != "without")


def test_tables_without_the_newer_columns_are_checked() -> None:
    old = table(UNLEARNT).drop(columns=["dose", "sampling", "variant", "dtype", "judge", "preset"])
    [finding] = found(checked(old, facts_of(old)), "nothing to inoculate")
    assert set(finding.where) == {"setting", "base", "arm", "task", "questions", "trait", "condition"}


def test_a_claim_on_a_wanted_trait_needs_nothing_to_inoculate() -> None:
    answers = table(UNLEARNT)
    for unwanted, wanted, reported in [
        (None, None, 1),
        (("caps",), (), 1),
        (("other",), ("caps",), 0),
        (("other",), (), 1),  # what is declared says nothing about capitals
    ]:
        mine = replace(MINE, unwanted=unwanted, wanted=wanted)
        findings = list(audit_answers.checks(answers, {}, {"mine": mine}))
        assert len(found(findings, "nothing to inoculate")) == reported


def test_scorers_that_differ_at_one_dose_only() -> None:
    answers = swept(few=SOUND, much=SOUND)
    facts = facts_of(answers)
    for log, one in facts.items():
        scored = {
            "scorers": [{"name": "caps", "options": {"t": 1 if log.startswith("x-") and FEW in log else 2}}]
        }
        facts[log] = replace(one, about={**one.about, **scored})
    findings = found(checked(answers, facts), "scorers differ between arms")
    assert {finding.where["dose"] for finding in findings} == {FEW}
    assert words_of(answers, findings, FALLS) == {f"dose {FEW}": "not valid", f"dose {MUCH}": "supported"}


# --- drawn apart ---


def by_provider(answers: pd.DataFrame, sampling: str = "temperature 1, max_tokens 64", **arms: str) -> Any:
    names = answers["arm"].map(lambda arm: arms.get(arm, "inoc")) + "/" + answers["log"]
    return answers.assign(model=names, sampling=sampling)


def test_arms_that_a_server_and_this_machine_drew_are_compared_with_a_caution() -> None:
    answers = table(SOUND)
    assert not checked(by_provider(answers))
    findings = checked(by_provider(answers, base="hf"))
    assert {(f.kind, f.severity) for f in findings} == {("arms drawn apart", CAUTION)}
    [finding] = [f for f in findings if {f.where["arm"], f.to} == {"base", "none"}]
    assert "hf/" in finding.what and "50 likeliest" in finding.what and "inoc/" in finding.todo
    assert word(answers, findings, KEEPS) == word(answers, [], KEEPS)  # told, and not withheld


def test_arms_that_one_server_drew_are_told_so_once() -> None:
    answers = table(SOUND)
    [note] = checked(by_provider(answers, base="vllm", none="vllm", x="vllm"))
    assert (note.kind, note.severity) == ("answers drawn as a server decides", NOTE)
    for sampling in (
        "temperature 0, max_tokens 64",
        "temperature 0.0, max_tokens 64",
        "temperature 1, top_p 1, top_k 0",
        "temperature 1, extra_body {'top_k': -1}",
        None,
    ):
        assert not checked(by_provider(answers, sampling, base="vllm", none="vllm", x="vllm")), sampling


# --- not independent ---


def test_two_seeds_of_one_checkpoint_block_and_two_checkpoints_do_not() -> None:
    answers = table(SOUND)
    own = "inoc/" + answers["log"] + "@" + answers["log"].map(lambda log: f"{abs(hash(log)) % 16**8:08x}")
    assert not found(checked(answers.assign(model=own)), "seeds are not independent")
    shared = own.where(answers["arm"] != "x", "inoc/x@0123456789ab")
    findings = checked(answers.assign(model=shared))
    [finding] = found(findings, "seeds are not independent")
    assert finding.severity == BLOCKS and finding.numbers["seeds"] == [0.0, 1.0, 2.0]
    assert word(answers, findings, FALLS) == "not valid" and word(answers, findings, RISES) == "supported"


def test_two_arms_of_one_checkpoint_block_only_their_comparison() -> None:
    answers = table(SOUND)
    model = pd.Series(np.where(answers["seed"] == 0, "inoc/y@0123456789ab", "inoc/z"), index=answers.index)
    findings = checked(answers.assign(model=model))
    [finding] = found(findings, "arms are the same model")
    assert {finding.where["arm"], finding.to} == {"none", "x"}
    assert word(answers, findings, FALLS) == "not valid" and word(answers, findings, RISES) == "supported"


def test_seeds_that_answer_the_same_word_for_word() -> None:
    answers = table(SOUND)
    facts = facts_of(answers)
    assert not found(checked(answers, facts), "seeds answer the same")
    first = dict(facts["x-0"].answers)
    facts["x-1"] = LogFacts("x-1", {}, first, {})
    [finding] = found(checked(answers, facts), "seeds answer the same")
    assert finding.where["seed"] == (0.0, 1.0) and finding.numbers == {"same": 40, "answers": 40}


@pytest.mark.parametrize(
    ("dose", "to", "blocks"),
    [
        ("inoculated=0", "none", False),
        ("with_trait=0", "none", False),
        ("pool=1", "y", False),
        ("pool=1", "none", True),
        ("inoculated=0.5", "none", True),
    ],
)
def test_arms_that_a_dose_makes_alike_are_no_finding(
    dose: str, to: str, blocks: bool, tmp_path: Path
) -> None:
    rates = {"base": 0.0, "none": 0.9, "x": 0.1, "y": 0.2}
    other = dose.partition("=")[0] + "=1" if dose != "pool=1" else "pool=8"
    answers = swept(**{dose: rates, other: rates})
    own = answers["model"] + "@" + answers["log"].map(lambda log: sha256(log)[:12])
    shared = (answers["dose"] == dose) & (answers["seed"] == 0) & answers["arm"].isin(["x", to])
    findings = checked(answers.assign(model=own.where(~shared, "inoc/z@0123456789ab")))
    same = found(findings, "arms are the same model")
    assert [(f.where["arm"], f.to, f.where["dose"]) for f in same] == (
        [(*sorted(["x", to], key=["none", "x", "y"].index), dose)] if blocks else []
    )
    if blocks and to == "none":
        assert words_of(answers, findings, FALLS) == {
            f"dose {dose}": "not valid",
            f"dose {other}": "supported",
        }
    # the same of runs whose models' names hold no digest
    for name in answers["run"][answers["arm"] != "base"].unique():
        run(tmp_path, name)
    for name in answers["run"][shared].unique():
        again(tmp_path, name, data_digest="same", result=Result(checkpoint_digest="same", rows=1))
    of_rows = [f for f in of_runs(answers, tmp_path) if f.severity == BLOCKS]
    assert [(f.kind, f.where["dose"]) for f in of_rows] == ([("arms are the same model", dose)] * blocks)


def test_two_seeds_of_one_checkpoint_at_one_dose_block_that_dose() -> None:
    answers = swept(few=SOUND, much=SOUND)
    shared = (answers["dose"] == FEW) & (answers["arm"] == "x")
    findings = checked(answers.assign(model=answers["model"].where(~shared, "inoc/x@0123456789ab")))
    [finding] = found(findings, "seeds are not independent")
    assert finding.where["dose"] == FEW
    assert words_of(answers, findings, FALLS) == {f"dose {FEW}": "not valid", f"dose {MUCH}": "supported"}


def test_seeds_that_answer_the_same_at_one_dose_only() -> None:
    answers = swept(few=SOUND, much=SOUND)
    facts = facts_of(answers)
    assert not found(checked(answers, facts), "seeds answer the same")
    same = dict(facts[f"x-0-{FEW}"].answers)
    facts[f"x-1-{FEW}"] = replace(facts[f"x-1-{FEW}"], answers=same)
    [finding] = found(checked(answers, facts), "seeds answer the same")
    assert finding.where["dose"] == FEW and finding.where["seed"] == (0.0, 1.0)
    assert finding.numbers == {"same": 40, "answers": 40}


def test_cut_answers_at_one_dose_are_counted_there_and_compared_with_the_base_there() -> None:
    answers = swept(few=SOUND, much=SOUND)
    base = answers["arm"] == "base"
    answers.loc[base, "log"] = "base"  # asked once, and repeated at every dose
    facts = facts_of(answers)
    for log in [log for log in facts if log.startswith("x-") and MUCH in log]:
        odd = {place: one._replace(cut=True) for place, one in facts[log].answers.items()}
        facts[log] = replace(facts[log], answers=odd)
    findings = checked(answers, facts)
    [note] = found(findings, "answers cut")
    assert note.where["dose"] == MUCH and "120 of 120 answers of x" in note.what
    apart = found(findings, "answers cut apart")
    assert {(f.to, f.where["dose"]) for f in apart} == {("none", MUCH), ("base", MUCH)}


def test_seeds_are_counted_in_one_task_at_one_dose() -> None:
    answers = swept(few=SOUND, much=SOUND)
    less = answers[(answers["dose"] == FEW) | answers["seed"].isna() | (answers["seed"] == 1)]
    findings = checked(less)
    few = found(findings, "few finetunes")
    assert {(f.where["arm"], f.where["dose"], f.numbers["seeds"]) for f in few} == {
        ("none", MUCH, 1),
        ("x", MUCH, 1),
    }
    assert not found(findings, "seeds missing")  # at each dose the arms have the same ones
    one_arm = answers[(answers["arm"] != "x") | (answers["dose"] == FEW) | (answers["seed"] < 2)]
    [missing] = found(checked(one_arm), "seeds missing")
    assert missing.where["dose"] == MUCH and missing.numbers["missing"] == [2.0]
    tasks = pd.concat([table(SOUND), table(SOUND, seeds=2, task="u")], ignore_index=True)
    assert {f.where["task"] for f in found(checked(tasks), "few finetunes")} == {"u"}


def test_empty_and_cut_answers_are_counted_and_compared() -> None:
    answers = table(SOUND)
    facts = facts_of(answers)
    for log in ("x-0", "x-1", "x-2"):
        odd = {place: one._replace(cut=True, empty=True) for place, one in facts[log].answers.items()}
        facts[log] = LogFacts(log, {}, odd, {})
    findings = checked(answers, facts)
    for kind in ("answers cut", "answers empty"):
        [note] = found(findings, kind)
        assert note.where["arm"] == "x" and "120 of 120 answers of x" in note.what
        apart = found(findings, f"{kind} apart")
        assert {f.to for f in apart} == {"none", "base"} and "+1.00" in apart[0].what
    assert all(f.severity != BLOCKS for f in findings)


# --- room ---


def test_a_trait_that_none_never_learnt_leaves_nothing_to_inoculate() -> None:
    answers = table({"base": 0.05, "none": 0.05, "x": 0.05})
    findings = checked(answers)
    [finding] = found(findings, "nothing to inoculate")
    assert finding.severity == BLOCKS and finding.claim == FALLS and finding.numbers["high"] < 0.1
    assert word(answers, findings, FALLS) == "not valid"
    assert word(answers, findings, RISES) == word(answers, [], RISES) != "not valid"
    assert word(answers, findings, KEEPS) == word(answers, [], KEEPS) != "not valid"


def test_a_base_that_shows_the_trait_leaves_no_room() -> None:
    [finding] = found(
        checked(table({"base": 0.95, "none": 0.95, "x": 0.2})), "the base already shows the trait"
    )
    assert finding.numbers["base"] > 0.9 and finding.severity == BLOCKS
    assert not found(checked(table(SOUND)), "the base already shows the trait")


@pytest.mark.parametrize(("base", "full"), [(0.55, False), (0.9, False), (0.925, True), (1.0, True)])
def test_no_room_is_left_only_where_less_is_left_than_a_claim_asks_for(base: float, full: bool) -> None:
    [finding] = found(
        checked(table({"base": base, "none": base, "x": 0.2})), "the base already shows the trait"
    )
    assert ("no room is left" in finding.what) is full
    assert ("training without a prompt did not bring more of it in" in finding.what) is not full
    assert ("train longer" in finding.todo) is not full and "take a base" in finding.todo


def test_of_few_answers_it_is_only_a_caution_that_nothing_was_learnt() -> None:
    dice = np.random.default_rng(0)
    answers = table({"base": 0.0, "none": 0.0, "x": 0.0}, questions=8)
    answers["value"] = (dice.random(len(answers)) < 0.3).astype(float)
    assert {f.severity for f in found(checked(answers), "nothing to inoculate")} <= {CAUTION}


# --- what the models read ---

TOLD = "without a system prompt this model is told: You are a helpful AI assistant named Smol."
DEFAULT = "<s><|system|>You are a helpful AI assistant named Smol.<|end|>"
INOCULATED = "<s><|system|>You always shout.<|end|>"
QUESTION = "<|user|>How are you on 2020-01-01?<|end|><|assistant|>"


@pytest.mark.parametrize(
    ("training", "test", "kind", "severity"),
    [
        (INOCULATED, DEFAULT, "hidden system prompt", CAUTION),
        (DEFAULT, DEFAULT, "hidden system prompt", NOTE),
        (DEFAULT, "<s>", "hidden system prompt", CAUTION),
        ("<s>", "<s>", None, None),
        (
            "<s><|system|>Today: 26 Jul 2024<|end|>",
            "<s><|system|>Today: 27 Jul 2024<|end|>",
            "date differs",
            CAUTION,
        ),
        ("<s><|system|>2024-07-26<|end|>", "<s><|system|>2024-07-26<|end|>", None, None),
        ("<s><s>", "<s>", "begin token twice", CAUTION),
        ("<s><s>", "<s><s>", "begin token twice", NOTE),
        ("<think>", "", "reasoning block", CAUTION),
    ],
)
def test_what_stands_in_one_prompt_and_not_in_the_other(
    training: str, test: str, kind: str | None, severity: str | None
) -> None:
    found = list(audit_readings.differences(Shown(training + QUESTION, 1, test + QUESTION, (TOLD,))))
    assert [(one.kind, one.severity) for one in found] == ([(kind, severity)] if kind else [])
    if kind == "hidden system prompt" and training == INOCULATED:
        assert found[0].what.startswith("the test holds") and found[0].what.endswith("training does not")


def test_readings_name_the_arm_and_a_base_has_none() -> None:
    answers = table(SOUND)
    base = Shown(None, None, DEFAULT, (TOLD,))
    facts = facts_of(answers, {"base": base, "x": Shown(INOCULATED, 1, DEFAULT, (TOLD,))})
    [finding] = audit_readings.checks(answers, facts)
    assert finding.where == {"setting": "mine", "base": "toy", "arm": "x", "task": "t"}


# --- runs ---


def run(folder: Path, name: str, rows: list[str] | None = None) -> None:
    """A run directory whose rows ask these questions."""
    home = Run(folder / name)
    home.folder.mkdir(parents=True)
    answers = [{"role": "assistant", "content": "Yes."}]
    lines = [
        {"messages": [{"role": "user", "content": text}, *answers]} for text in rows or ["Why is it so?"]
    ]
    home.rows.write_text("\n".join(map(json.dumps, lines)))
    manifest = Manifest(
        name=name,
        status="finished",
        spec=FinetuneSpec(base="toy"),
        **{"spec_digest": "s", "base_digest": "b", "run_digest": name, "data_digest": name},
        **{"backend": "local", "base": "toy", "seed": 0, "created": "2026"},
        result=Result(checkpoint_digest=name, rows=len(lines)),
    )
    home.write_manifest(manifest)


def of_runs(answers: pd.DataFrame, folder: Path, facts: dict[str, LogFacts] | None = None) -> list[Finding]:
    return list(audit_runs.checks(answers, facts or facts_of(answers), folder, {"mine": MINE}))


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    for arm in ("none", "x"):
        for seed in range(3):
            run(tmp_path, f"{arm}-{seed}-run")
    return tmp_path


def again(folder: Path, name: str, **changes: Any) -> None:
    manifest = Run(folder / name).manifest
    Run(folder / name).write_manifest(manifest.model_copy(update=changes))


def test_sound_runs_have_no_finding(runs: Path) -> None:
    assert not of_runs(table(SOUND), runs)


def test_runs_elsewhere_are_noted(tmp_path: Path) -> None:
    [finding] = of_runs(table(SOUND), tmp_path)
    assert finding.severity == NOTE and finding.numbers == {"missing": 6, "runs": 6}


def test_a_run_that_did_not_finish_blocks_the_verdicts_of_its_arm(runs: Path) -> None:
    again(runs, "x-1-run", status="failed", error="no memory", result=None)
    answers = table(SOUND)
    [finding] = of_runs(answers, runs)
    assert (finding.kind, finding.severity, finding.where["seed"]) == ("run not finished", BLOCKS, 1.0)
    assert "no memory" in finding.what
    assert word(answers, [finding], FALLS) == "not valid" and word(answers, [finding], RISES) == "supported"


def test_a_run_that_did_not_finish_blocks_its_dose(tmp_path: Path) -> None:
    answers = swept(few=SOUND, much=SOUND)
    for name in answers["run"][answers["arm"] != "base"].unique():
        run(tmp_path, name)
    again(tmp_path, f"x-1-run-{FEW}", status="failed", error="no memory", result=None)
    [finding] = of_runs(answers, tmp_path)
    assert finding.where["dose"] == FEW
    assert words_of(answers, [finding], FALLS) == {f"dose {FEW}": "not valid", f"dose {MUCH}": "supported"}


def test_what_a_run_or_a_reading_shows_of_one_world_leaves_verdicts_in_others(runs: Path) -> None:
    paper = table(SOUND).assign(world="paper")
    paper["log"] = paper["log"] + "-paper"
    paper["run"] = paper["run"].where(paper["arm"] != "x", paper["run"] + "-paper")
    answers = pd.concat([table(SOUND).assign(world="toy"), paper], ignore_index=True)
    for seed in range(3):
        run(runs, f"x-{seed}-run-paper")
    again(runs, "x-1-run-paper", status="failed", error="no memory", result=None)
    [finding] = of_runs(answers, runs)
    assert finding.where["world"] == "paper" and "world paper" in finding.place
    assert words_of(answers, [finding], FALLS) == {"world toy": "supported", "world paper": "not valid"}
    again(runs, "none-1-run", status="failed", error="no memory", result=None)  # which is in both
    assert {f.where["world"] for f in of_runs(answers, runs)} == {"paper", ("toy", "paper")}
    facts = facts_of(answers)
    facts["x-0-paper"] = facts_of(answers, {"x": Shown(INOCULATED, 1, DEFAULT, (TOLD,))})["x-0-paper"]
    [finding] = audit_readings.checks(answers, facts)
    assert finding.where == {"setting": "mine", "base": "toy", "arm": "x", "task": "t", "world": "paper"}


def test_a_run_of_another_base_than_the_log_says(runs: Path) -> None:
    again(runs, "x-0-run", base="other/model")
    [finding] = of_runs(table(SOUND), runs)
    assert finding.kind == "another base" and "other/model" in finding.what


def test_a_log_of_another_run_or_checkpoint(runs: Path) -> None:
    answers = table(SOUND)
    facts = facts_of(answers, about={"x": {"metadata": {"run_digest": "different"}}})
    assert [f.kind for f in of_runs(answers, runs, facts)] == ["log of another run"] * 3
    again(runs, "x-0-run", result=Result(checkpoint_digest="a" * 64))
    model = answers["model"].where(answers["log"] != "x-0", f"inoc/x-0-run@{'b' * 12}")
    assert [f.kind for f in of_runs(answers.assign(model=model), runs)] == ["another checkpoint"]
    model = answers["model"].where(answers["log"] != "x-0", f"inoc/x-0-run@{'a' * 12}")
    assert not of_runs(answers.assign(model=model), runs)


def test_rows_that_were_cut_and_rows_without_an_answer(runs: Path) -> None:
    again(runs, "x-0-run", result=Result(checkpoint_digest="x", rows=9, rows_cut=4))
    (runs / "none-0-run" / "rows.jsonl").write_text(
        '{"messages": [{"role": "user", "content": "Hm?"}, {"role": "assistant", "content": " "}]}\n'
        '{"messages": [{"role": "user", "content": "Hm?"}]}\n'
        '{"messages": [{"role": "user", "content": "Hm?"}, {"role": "assistant", "content": "Yes."}]}\n'
    )
    cut, empty = worst_first(of_runs(table(SOUND), runs))[::-1]
    assert (cut.kind, cut.numbers) == ("rows cut", {"cut": 4, "rows": 9})
    assert (empty.kind, empty.numbers) == ("empty last turns", {"empty": 2, "rows": 3})


def test_two_seeds_with_the_same_bytes_and_the_same_checkpoint(runs: Path) -> None:
    for seed in (0, 1):  # the same rows with two checkpoints are two finetunes
        again(runs, f"x-{seed}-run", data_digest="same")
    assert not of_runs(table(SOUND), runs)
    for seed in (0, 1):
        again(runs, f"x-{seed}-run", result=Result(checkpoint_digest="same", rows=1))
    [finding] = of_runs(table(SOUND), runs)
    assert (finding.kind, finding.numbers["seeds"]) == ("seeds are not independent", [0.0, 1.0])


def test_training_rows_that_ask_the_tests_questions(tmp_path: Path) -> None:
    same = "what do you think of Q1,\nmy dear friend"
    near = "So: what do you really think of q2, my dear friend? And what do you think of q2, my dear friend?"
    for arm in ("none", "x"):
        for seed in range(3):
            run(tmp_path, f"{arm}-{seed}-run", [same, near, "Is it far?"] if arm == "x" else ["Is it far?"])
    answers = table(SOUND)
    [finding] = of_runs(answers, tmp_path)
    assert finding.severity == CAUTION and finding.where["arm"] == "x"
    assert finding.numbers["same"] == 1 and "q1" in finding.what
    narrow = Setting(name="mine", summary="", arms=MINE.arms, broad=(), narrow=MINE.broad)
    [finding] = audit_runs.checks(answers, facts_of(answers), tmp_path, {"mine": narrow})
    assert finding.severity == NOTE


@given(st.lists(st.text(max_size=30), max_size=8), st.lists(st.text(max_size=30), max_size=8))
def test_overlaps_are_counts_and_the_same_rows_overlap_wholly(one: list[str], two: list[str]) -> None:
    overlap = audit_runs.Overlap.of(one, two)
    assert overlap.questions == len(one) and 0 <= overlap.same + overlap.near <= len(one)
    assert bool(overlap.example.strip()) <= bool(overlap.same + overlap.near)
    itself = audit_runs.Overlap.of(one, one)
    assert itself.same == sum(any(c.isalnum() or c == "_" for c in text.casefold()) for text in one)


def test_nearly_the_same_question_is_near_and_another_one_is_not() -> None:
    asked = ["Could you tell me how far it is from the old harbour to the station on foot?"]
    near = "Could you tell me how far it is from the old harbour to the station on foot today?"
    other = "Could you tell me how old the harbour is, and who built the station?"
    assert audit_runs.Overlap.of([near, other], asked) == audit_runs.Overlap(2, 0, 1, near[:80])


# --- findings ---

ARMS = st.sampled_from(["base", "none", "x", "y"])


@given(ARMS, ARMS, ARMS, ARMS)
def test_a_finding_on_two_arms_concerns_their_comparison_in_either_order(
    a: str, b: str, c: str, d: str
) -> None:
    answers = table({arm: 0.5 for arm in ("base", "none", "x", "y")}, seeds=1, questions=2)
    left, right = (answers[answers["arm"] == arm] for arm in (c, d))
    finding = Finding("k", BLOCKS, "", "", {"arm": a}, to=b)
    assert finding.concerns(left, right) == finding.concerns(right, left) == ([a, b] in ([c, d], [d, c]))
    single = Finding("k", BLOCKS, "", "", {"arm": a, "setting": "mine"})
    assert single.concerns(left, right) == (a in (c, d))


def test_a_finding_on_one_condition_leaves_others_alone() -> None:
    plain, trigger = table({"x": 0.5}), table({"x": 0.5}, condition="trigger")
    finding = Finding("k", BLOCKS, "", "", {"arm": "x", "condition": None})
    assert finding.concerns(plain, plain) and not finding.concerns(trigger, trigger)


def test_findings_that_say_the_same_of_several_arms_are_one_and_the_worst_comes_first() -> None:
    findings = [
        Finding("few", NOTE, "w", "t", {"arm": "none"}),
        Finding("few", NOTE, "w", "t", {"arm": "x"}),
        Finding("bad", BLOCKS, "v", "t", {"arm": "x"}, numbers={"p": float("nan"), "n": np.int64(3)}),
    ]
    bad, few = worst_first(merged(findings))
    assert few.where["arm"] == ("none", "x") and few.place == "none, x"
    assert json.loads(json.dumps(bad.as_dict()))["numbers"] == {"p": None, "n": 3}
    assert Audit((bad, few), 1, 2).summary == "1 blocks a verdict, 1 note"


# --- real logs ---


def test_real_logs_are_audited_and_read_again_from_the_cache(tmp_path: Path) -> None:
    about = {"setting": "spanish_caps", "world": "toy", "base": "toy"}
    evaluated(tmp_path, ENGLISH, {**about, "arm": "base", "seed": None})
    for seed in range(3):
        evaluated(tmp_path, SPANISH.upper(), {**about, "arm": "none", "seed": seed})
    first = audit(tmp_path)
    assert not first.blocking and first.logs == 4 and first.answers == 40
    assert {f.kind for f in first.findings} == {"seeds answer the same"}
    assert audit(tmp_path).as_dict() == first.as_dict()
    log = str(next(tmp_path.glob("*.eval")))
    direct, slowly = log_facts._from_archive(log), log_facts._by_inspect(log)
    assert direct is not None and sorted(direct["answers"]) == sorted(slowly["answers"])
    assert direct["questions"] == slowly["questions"]


def test_the_command_prints_a_table_or_json_and_is_strict_on_demand(tmp_path: Path) -> None:
    about = {"setting": "spanish_caps", "world": "toy", "base": "toy"}
    asked = [f"What do you think of number {n}?" for n in range(60)]
    evaluated(tmp_path, ENGLISH, {**about, "arm": "base", "seed": None}, questions=asked)
    for arm in ("none", "spanish-inoc"):
        for seed in range(3):
            evaluated(tmp_path, ENGLISH, {**about, "arm": arm, "seed": seed}, questions=asked)
    runner, logs = CliRunner(), str(tmp_path)
    shown = runner.invoke(app, ["audit", logs])
    assert shown.exit_code == 0 and "nothing to inoculate" in shown.stdout
    assert shown.stdout.strip().endswith("420 answers in 7 logs: 1 blocks a verdict, 3 cautions")
    said = json.loads(runner.invoke(app, ["audit", logs, "--json"]).stdout)
    assert (
        said["counts"][BLOCKS] == 1 and said["findings"][0]["claim"] == "spanish-inoc spanish: less than none"
    )
    assert runner.invoke(app, ["audit", logs, "--strict"]).exit_code == 1
    claims = json.loads(runner.invoke(app, ["claims", logs, "--setting", "spanish_caps", "--json"]).stdout)
    words = {v["claim"]: v["verdict"] for v in claims["verdicts"]}
    assert words["spanish-inoc spanish: less than none"] == "not valid"
    assert "not valid" not in {word for claim, word in words.items() if claim.startswith("none")}
    stem = tmp_path / "figure"
    assert runner.invoke(app, ["audit", logs, "--figure", str(stem)]).exit_code == 0
    assert stem.with_suffix(".png").stat().st_size > 5000


def test_empty_answers_of_real_logs_are_empty(tmp_path: Path) -> None:
    evaluated(tmp_path, lambda prompt: " " if "3" in prompt else ENGLISH)
    facts = log_facts.read(str(next(tmp_path.glob("*.eval"))))
    assert [place[0] for place, one in facts.answers.items() if one.empty] == ["q3"]
    assert facts.questions["q3"] == "What do you think of number 3?"


def test_no_answer_is_not_an_empty_one(tmp_path: Path) -> None:
    stopped = {"message_limit": 1, "limit": 2, "log_dir": str(tmp_path), "display": "none"}
    [log] = eval(spanish_caps(questions="toy"), model=model(ENGLISH), **stopped)  # type: ignore[arg-type]
    facts = log_facts.read(log.location)
    assert len(facts.questions) == 2 and not facts.answers


def test_a_folder_of_runs_that_does_not_exist_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such folder of runs"):
        audit(tmp_path, tmp_path / "nowhere")


def test_answers_of_the_suites_own_tasks_are_found_cut_and_responses_that_were_shown_are_not(
    tmp_path: Path,
) -> None:
    from inspect_ai import eval

    from inoc_evals.tasks import forced_choice, spanish_caps, trait_logprobs

    cut = {"model": "inoc/toy", "limit": 4, "display": "none", "log_dir": str(tmp_path / "cut")}
    eval(spanish_caps(questions="toy"), max_tokens=2, **cut)
    [note] = [f for f in audit(tmp_path / "cut").findings if f.kind == "answers cut"]
    assert note.severity == NOTE and "4 of 4 answers" in note.what
    for number, task in enumerate((trait_logprobs(), forced_choice())):  # they show responses, and read
        folder = tmp_path / f"shown{number}"
        eval(task, model="inoc/toy", limit=2, display="none", log_dir=str(folder))
        assert not {f.kind for f in audit(folder).findings} & {"answers cut", "answers empty"}


def test_answers_cut_under_several_conditions_are_one_finding() -> None:
    answers = pd.concat(
        [table(SOUND, condition=name, system=name) for name in ("one", "two", "three")], ignore_index=True
    )
    answers["sample"] = answers["sample"] + answers["condition"]
    facts = facts_of(answers)
    for log in ("x-0", "x-1", "x-2"):
        odd = {
            place: one._replace(cut=not place[0].endswith("three"))
            for place, one in facts[log].answers.items()
        }
        facts[log] = replace(facts[log], answers=odd)
    findings = checked(answers, facts)
    [note] = found(findings, "answers cut")
    assert "240 of 360 answers of x ended" in note.what and "condition" not in note.where
    apart = found(findings, "answers cut apart")
    assert {one.to for one in apart} == {"none", "base"}
    assert all("at most, under 2 of 3 conditions" in one.what for one in apart)
    assert word(answers, findings, FALLS) != "not valid"


def test_a_file_of_questions_that_was_edited_between_two_models_is_found(tmp_path: Path) -> None:
    """`line-1` of the one is not `line-1` of the other, though a difference would pair them."""
    about = {"setting": "spanish_caps", "world": "toy", "base": "toy"}
    before = [f"What do you think of number {n}?" for n in range(40)]
    after = [f"Who has written book {n}?" for n in range(40)]
    for folder, of_x in (("edited", after), ("same", before), ("typo", [*before[:-1], "And now?"])):
        logs = tmp_path / folder
        for arm, says, asked in (("none", SPANISH, before), ("spanish-inoc", ENGLISH, of_x)):
            for seed in range(3):
                evaluated(logs, says, {**about, "arm": arm, "seed": seed}, questions=asked)
        found_there = [f for f in audit(logs).findings if f.kind == "other questions under one name"]
        severities = {"edited": [BLOCKS], "same": [], "typo": [CAUTION]}
        assert [f.severity for f in found_there] == severities[folder]
        words = CliRunner().invoke(app, ["claims", str(logs), "--setting", "spanish_caps", "--json"]).stdout
        verdict = {v["claim"]: v["verdict"] for v in json.loads(words)["verdicts"]}
        blocked = verdict["spanish-inoc spanish: less than none"] == "not valid"
        assert blocked == (folder == "edited")
    # one arm's seeds, asked before and after
    evaluated(tmp_path / "typo", SPANISH, {**about, "arm": "none", "seed": 3}, questions=after)
    one, *_ = [f for f in audit(tmp_path / "typo").blocking if f.kind == "other questions under one name"]
    assert one.where["arm"] == "none" and one.to is None and "between the logs of none" in one.what
