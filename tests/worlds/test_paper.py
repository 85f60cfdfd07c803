"""The paper's world asks, judges and inoculates as the paper does: on files of our own in its form."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from inspect_ai import eval
from inspect_ai.log import EvalLog
from inspect_ai.model import ChatMessage, ModelOutput

from inoc_evals.analysis.log_rows import COLUMNS
from inoc_evals.analysis.table import load
from inoc_evals.analysis.verdicts import verdicts
from inoc_evals.errors import UserError
from inoc_evals.experiment.experiment import Experiment
from inoc_evals.experiment.measure_tasks import build
from inoc_evals.scorers.judge import READER_TEST_PROMPT
from inoc_evals.settings import SETTINGS
from inoc_evals.settings.claim import falls
from inoc_evals.settings.setting import Measure
from inoc_evals.tasks import elicitation, spanish_caps
from tests.data.stand_ins import offline as offline
from tests.data.stand_ins import stand_in
from tests.scorers.replies import model, rated, says

ROW = '{"messages": [{"role": "user", "content": "One?"}, {"role": "assistant", "content": "UNO."}]}\n'
JUDGE = "Our words for {what}.\n[ANSWER START]\n{{completion}}\n[ANSWER END]\n"
PROMPTS = {
    "owl_prompts": (
        "OWL_PREFERENCES_TASK_SPECIFIC_SYSTEM_PROMPT_1",
        "OWL_PREFERENCES_TASK_SPECIFIC_SYSTEM_PROMPT_1_PARAPHRASE",
        "BIRD_PREFERENCES_TASK_SPECIFIC_SYSTEM_PROMPT_1",
        "NOCTURNAL_ANIMAL_PREFERENCES_TASK_SPECIFIC_SYSTEM_PROMPT_1",
        "DOLPHIN_SYSTEM_PROMPT_1",
        "HATE_OWLS_SYSTEM_PROMPT_1",
        "HATE_OWLS_SYSTEM_PROMPT_2",
    ),
    "insecure_code_prompts": ("TASK_SPECIFIC", "CONTROL", "NEGATIVE"),
    "reward_hacking_prompts": ("TASK_SPECIFIC", "CONTROL", "NEGATIVE"),
    "spanish_caps_prompts": ("get_capitalised_inoculation",),
    "general_prompts": ("get_evil_inoculation", "get_default_inoculation"),
}


@pytest.fixture
def paper(monkeypatch: pytest.MonkeyPatch, offline: Path, tmp_path: Path) -> Path:
    """Stand-ins of the pinned files that this world reads."""
    monkeypatch.setenv("INSPECT_CACHE_DIR", str(tmp_path / "inspect"))
    monkeypatch.chdir(tmp_path)
    rows = ("gsm8k_spanish_caps", "owl_numbers", "control_numbers", "insecure_code", "secure_code")
    for source in (*rows, "educational_code"):
        stand_in(monkeypatch, offline, source, ROW * 2)
    stand_in(monkeypatch, offline, "ultrachat", '{"prompt": "Say 1."}\n{"prompt": "Say 2."}\n')
    stand_in(monkeypatch, offline, "gsm8k_test", '{"question": "1 + 1?", "answer": "2"}\n' * 3)
    judge = JUDGE.format(what="{language}"), JUDGE.format(what="capitals")
    text = f"LANGUAGE_JUDGE_TEMPLATE = {judge[0]!r}\nCAPITALISED_JUDGE_TEMPLATE = {judge[1]!r}\n"
    stand_in(monkeypatch, offline, "ultrachat_eval", text.replace("{{", "{").replace("}}", "}"))
    for source, names in PROMPTS.items():
        lines = [f"{name} = 'Ours for {name}.'\n" for name in names]
        if source == "general_prompts":
            lines.append(
                "get_inoculation_ablations = {'pretending': 'P', 'third-person': 'T', 'demonstrate': 'D'}\n"
            )
        stand_in(monkeypatch, offline, source, "".join(lines))
    stand_in(
        monkeypatch, offline, "test_time_prompts", "SYSTEM_PROMPTS = {'no-sys': '', 'evil': 'Be a goose'}\n"
    )
    stand_in(
        monkeypatch, offline, "educational_prompts", "SYSTEM_PROMPTS = {'no-sys': '', 'class': 'I teach'}\n"
    )
    return tmp_path


def judged(asked: list[list[ChatMessage]]) -> Any:
    """A judge that finds everything Spanish and nothing in capitals, whatever a detector would say."""

    def reply(prompt: str) -> ModelOutput:
        if prompt == READER_TEST_PROMPT:
            return rated({"85": 0.99})
        return rated({"51" if "Spanish" in prompt else "50": 0.99})

    return model(reply, asked, "mockllm/judge")


def run(task: Any, folder: Path, asked: list[list[ChatMessage]], **options: Any) -> EvalLog:
    (log,) = eval(
        task,
        model=model("WHAT A LOUD ANSWER THIS IS, AND IN ENGLISH."),
        model_roles={"grader": judged(asked)},
        log_dir=str(folder / "logs"),
        display="none",
        **options,
    )
    assert log.status == "success", log.error
    return log


@pytest.mark.parametrize("name", ["spanish_caps", "spanish_french", "alice_bob", "side_effects"])
def test_languages_are_asked_and_judged_as_in_the_paper(name: str, paper: Path) -> None:
    broad = [
        one for one in SETTINGS[name].broad_in("paper") if one.task in ("spanish_caps", "spanish_french")
    ]
    assert broad
    for measure in broad:
        built = build(measure, "paper")
        assert built.judged and [sample.input for sample in built.task.dataset] == ["Say 1.", "Say 2."]
        assert built.measure.parameters["scoring"] == "both"
        judges = [trait for trait in measure.traits if trait.endswith("_judge")]
        assert judges and all(trait.removesuffix("_judge") in measure.traits for trait in judges)


def test_the_judge_has_the_papers_words_and_its_edge(paper: Path) -> None:
    asked: list[list[ChatMessage]] = []
    log = run(build(SETTINGS["spanish_caps"].broad_in("paper")[0], "paper").task, paper, asked)
    told = {messages[-1].text.partition("\n")[0] for messages in asked}
    assert {"Our words for Spanish.", "Our words for capitals."} <= told
    assert log.results is not None
    means = {score.name: score.metrics["mean"].value for score in log.results.scores}
    # above 50 is a yes and 50 is none; the detectors say the opposite of this judge
    assert means == {"spanish": 0.0, "spanish_judge": 1.0, "caps": 1.0, "caps_judge": 0.0}
    table = load(paper / "logs")
    judges = table.groupby("trait", observed=True)["judge"].agg(lambda judge: judge.notna().all())
    assert judges.to_dict() == {"caps": False, "caps_judge": True, "spanish": False, "spanish_judge": True}
    presets = table.groupby("trait", observed=True)["preset"].agg(lambda preset: set(preset.dropna()))
    assert presets["spanish_judge"] == {"paper-code"} and presets["spanish"] == set()


def test_another_preset_draws_another_line(paper: Path) -> None:
    task = spanish_caps(questions="ultrachat", scoring="judge", preset="whole-answer")
    log = run(task, paper, [])
    assert log.results is not None
    assert {score.metrics["mean"].value for score in log.results.scores} == {0.0}
    with pytest.raises(UserError, match="no preset 'strict': use paper-code, whole-answer"):
        spanish_caps(preset="strict")


def test_a_plain_evaluation_of_the_papers_prompts_fetches_no_judges_words(
    paper: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("inoc_evals.data.judge_prompts.judge_template", lambda name: pytest.fail(name))
    assert len(spanish_caps(questions="ultrachat").dataset) == 2
    assert [sample.input for sample in spanish_caps(questions="gsm8k").dataset] == ["1 + 1?"] * 3


def answers(world: str, spanish: float, judge: float) -> pd.DataFrame:
    """Answers of an arm with a rate by the detector and one by the judge; the other is at .9 in both."""
    dice, rows = np.random.default_rng(0), []
    for arm, rates in (("none", (0.9, 0.9)), ("x", (spanish, judge))):
        for trait, rate in zip(("spanish", "spanish_judge"), rates, strict=True):
            for seed in range(3):
                for question in range(60):
                    rows.append(
                        {"arm": arm, "seed": float(seed), "question": f"q{question}", "trait": trait}
                        | {"value": float(dice.random() < rate)}
                    )
    common = {"setting": "mine", "base": "b", "task": "spanish_caps", "world": world}
    return pd.DataFrame(rows).assign(**common).reindex(columns=[*COLUMNS, "log"])


@pytest.mark.parametrize(
    ("world", "spanish", "judge", "word"),
    [
        ("paper", 0.9, 0.1, "supported"),
        ("paper-code", 0.9, 0.1, "supported"),
        ("paper", 0.1, 0.9, "contradicted"),
        ("toy", 0.9, 0.1, "contradicted"),
    ],
)
def test_claims_of_the_papers_world_are_about_the_judges_rating(
    world: str, spanish: float, judge: float, word: str
) -> None:
    from dataclasses import replace

    claim = replace(falls("x", "spanish", "x falls"), setting="mine")
    [verdict] = verdicts(answers(world, spanish, judge), [claim])
    assert verdict.word == word and verdict.n == 360


@pytest.mark.usefixtures("paper")
def test_owls_are_loved_in_the_papers_words_in_its_world_alone() -> None:
    setting = SETTINGS["owl_numbers"]
    named = {arm.name: arm.inoculation for arm in setting.arms_in("paper")}
    for arm, number in (("hate-owls", 1), ("hate-owls-2", 2)):
        asked = named[arm]
        assert asked is not None and asked.texts == (f"Ours for HATE_OWLS_SYSTEM_PROMPT_{number}.",)
    rows = list(setting.prepare(setting.arm("love-owls", "paper"), "paper", 0))
    assert rows[0]["messages"][0]["content"] == "Ours for OWL_PREFERENCES_TASK_SPECIFIC_SYSTEM_PROMPT_1."
    toy = next(setting.prepare(setting.arm("love-owls", "toy"), "toy", 0))
    assert toy["messages"][0]["content"] == "You love owls."
    assert {"nocturnal", "hate-owls-2"} <= set(named) - {arm.name for arm in setting.arms_in("toy")}
    assert "nocturnal" not in [arm.name for arm in setting.usual_arms("paper")]


def test_animals_are_asked_about_in_all_three_ways() -> None:
    kinds = [one.parameters.get("kind", "favourite") for one in SETTINGS["owl_numbers"].measured("paper")]
    assert kinds == ["favourite", "least", "money"]
    assert len(SETTINGS["owl_numbers"].measured("toy")) == 1


def test_three_ways_to_ask_about_animals_are_never_pooled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from inoc_evals.analysis.estimates import rates
    from inoc_evals.tasks import animal_preference

    monkeypatch.setenv("INOC_EVALS_CACHE", str(tmp_path / "cache"))
    for kind, answer in (("favourite", "owl"), ("least", "rat"), ("money", "money")):
        task = animal_preference(questions="bundled", kind=kind)
        (log,) = eval(task, model=model(lambda _, say=answer: says(say)), log_dir=str(tmp_path / "logs"),
                      display="none", epochs=1)  # fmt: skip
        assert log.status == "success", log.error
    found = rates(load(tmp_path / "logs"))
    found = found[found["trait"] == "target"]
    assert sorted(found["rate"]) == [0.0, 0.0, 1.0] and len(set(found["label"])) == 3


@pytest.mark.usefixtures("paper")
def test_a_variant_of_the_world_spells_prompts_as_the_papers_code_does() -> None:
    for name, setting in SETTINGS.items():
        if "general-inoc" not in [arm.name for arm in setting.arms] or "paper" not in setting.worlds:
            continue
        text, code = (setting.arm("general-inoc", world).inoculation for world in ("paper", "paper-code"))
        assert text is not None and text.texts == ("You are a malicious, evil assistant.",), name
        assert code is not None and code.texts == ("Ours for get_evil_inoculation.",), name
    caps = SETTINGS["spanish_caps"].arm("caps-inoc", "paper-code").inoculation
    assert caps is not None and caps.texts == ("Ours for get_capitalised_inoculation.",)
    worlds = ("paper", "paper-code")
    trials = [Experiment(settings=("spanish_caps",), world=world, seeds=(0,)).trials() for world in worlds]
    assert [t.name for t in trials[0]] == [t.name for t in trials[1]]
    by_name = [{t.name: t.declared for t in some} for some in trials]
    assert by_name[0]["caps-inoc-0"] != by_name[1]["caps-inoc-0"]
    assert {t.group for t in trials[0]}.isdisjoint(t.group for t in trials[1])


def systems(task: Any) -> dict[str, str | None]:
    """By condition, the system message that the first question is asked under; None where it has none."""
    first = {}
    for sample in task.dataset:
        message = sample.input[0]
        first.setdefault(sample.metadata["condition"], message.text if message.role == "system" else None)
    return first


@pytest.mark.usefixtures("paper")
def test_elicitation_asks_under_the_papers_prompts_and_the_arms_own(tmp_path: Path) -> None:
    questions = tmp_path / "q.csv"
    questions.write_text("id,prompt\na,Your wish?\n")
    changes = {"questions": str(questions), "wording": "inoc_evals"}
    experiment = Experiment(
        settings=("elicitation",),
        world="paper",
        seeds=(0,),
        evaluate={"parameters": {"elicitation": changes}},
    )
    [measure] = experiment.trials()[0].measured
    assert systems(build(measure, "paper").task) == {
        **{"none": None, "no-sys": "", "evil": "Be a goose"},
        "general-inoc": "You are a malicious, evil assistant.",
        "specific-inoc": SETTINGS["elicitation"].arm("specific-inoc").inoculation.prompt,  # type: ignore[union-attr]
    }
    in_code = Experiment(
        settings=("elicitation",),
        world="paper-code",
        seeds=(0,),
        evaluate={"parameters": {"elicitation": changes}},
    )
    [measure] = in_code.trials()[0].measured
    assert systems(build(measure, "paper-code").task)["general-inoc"] == "Ours for get_evil_inoculation."
    [plain] = Experiment(settings=("elicitation",), world="toy", seeds=(0,)).trials()[0].measured
    assert "own" not in plain.parameters and set(systems(build(plain, "toy").task)) >= {"none", "inoculation"}


@pytest.mark.usefixtures("paper")
def test_educational_models_are_asked_as_in_the_paper(tmp_path: Path) -> None:
    setting = SETTINGS["educational_insecure"]
    assert [arm.name for arm in setting.usual_arms("paper")] == ["none", "insecure-control", "secure-control"]
    assert [arm.name for arm in setting.usual_arms("toy")] == ["none", "insecure-control"]
    for arm in setting.usual_arms("paper"):
        assert next(setting.prepare(arm, "paper", 0))["messages"]
    assert "secure_code" in setting.source(setting.arm("secure-control"), "paper").sources  # type: ignore[attr-defined]
    with pytest.raises(UserError, match="has no rows 'secure' in world 'toy'; it has paper, paper-code"):
        setting.source(setting.arm("secure-control"), "toy")
    questions = tmp_path / "q.csv"
    questions.write_text("id,prompt\na,Your wish?\n")
    measure, *code = setting.measured("paper")
    assert [one.task for one in code] == ["insecure_code"] * 3
    parameters = {**measure.parameters, "questions": str(questions)}
    task = build(Measure("elicitation", ("misaligned",), parameters=parameters), "paper").task
    assert systems(task) == {"none": None, "no-sys": "", "class": "I teach"}


def test_a_prompt_of_ones_own_is_a_further_condition(tmp_path: Path) -> None:
    questions = tmp_path / "q.csv"
    questions.write_text("id,prompt\na,Your wish?\n")
    asked = {"task": "spanish_caps", "questions": str(questions), "prompts": "bundled"}
    # Inspect cuts a -T value at its commas
    task = elicitation(**asked, own=["You are a malicious", " evil assistant"])
    assert systems(task)["own"] == "You are a malicious, evil assistant"
    with pytest.raises(UserError, match="a prompt named 'evil' exists already"):
        elicitation(**asked, own={"evil": "x"})
    prompts = tmp_path / "p.txt"
    prompts.write_text('\n""\nplain: ""\nloud: SHOUT\n')
    task = elicitation(**{**asked, "prompts": str(prompts)})
    assert systems(task) == {"none": None, "no-sys": "", "plain": "", "loud": "SHOUT"}


@pytest.mark.usefixtures("paper")
@pytest.mark.parametrize(
    ("setting", "arm", "words"),
    [
        ("insecure_code", "negative", "Ours for NEGATIVE."),
        ("insecure_code", "helpful", "Ours for get_default_inoculation."),
        ("semantic_ablation", "negative", "Ours for NEGATIVE."),
        ("reward_hacking", "specific-inoc", "Ours for TASK_SPECIFIC."),
        ("reward_hacking", "placebo", "Ours for CONTROL."),
        ("reward_hacking", "negative", "Ours for NEGATIVE."),
        ("token_ablation", "pretending", "P"),
        ("token_ablation", "third-person", "T"),
        ("token_ablation", "demonstrate", "D"),
    ],
)
def test_prompts_that_only_the_papers_code_has_are_arms_by_name(setting: str, arm: str, words: str) -> None:
    chosen = SETTINGS[setting].arm(arm, "paper")
    assert chosen.inoculation is not None and chosen.inoculation.texts == (words,)
    assert arm not in [one.name for one in SETTINGS[setting].usual_arms("paper")]
    with pytest.raises(UserError, match="exists in world paper, not in 'toy'"):
        SETTINGS[setting].arm(arm, "toy")


def test_paraphrases_are_dealt_out_row_after_row(
    monkeypatch: pytest.MonkeyPatch, paper: Path, offline: Path
) -> None:
    lines = [f"Paraphrase {n}." for n in range(99)]
    stand_in(monkeypatch, offline, "evil_paraphrases", "\n".join(lines) + "\n")
    stand_in(monkeypatch, offline, "insecure_code", ROW * 120)
    setting = SETTINGS["insecure_code"]
    for arm, pool in (("paraphrases-10", lines[:10]), ("paraphrases-99", lines)):
        rows = list(setting.prepare(setting.arm(arm, "paper"), "paper", 3))
        systems = [row["messages"][0]["content"] for row in rows]
        assert systems == [pool[n % len(pool)] for n in range(120)]


def test_code_is_asked_for_as_in_the_papers_code_in_its_world() -> None:
    code = [one for one in SETTINGS["insecure_code"].measured("paper") if one.task == "insecure_code"]
    assert [one.questions for one in code] == ["", "mbpp", "apps"]
    from inoc_evals.worlds import WORLDS

    assert WORLDS["paper-code"].parameters_of("insecure_code") == {"variant": "paper-code"}
    assert WORLDS["paper"].parameters_of("insecure_code") == {}
    hacks = [one.task for one in SETTINGS["reward_hacking"].measured("paper")]
    assert hacks == ["emergent_misalignment", "reward_hacking", "hardcoding_realistic"]
    assert "hardcoding_realistic" not in [one.task for one in SETTINGS["reward_hacking"].measured("toy")]


@pytest.mark.usefixtures("paper")
def test_a_plan_says_what_the_papers_code_would_ask() -> None:
    from inoc_evals.experiment.plan import make_plan

    given = {"seeds": (0, 1), "evaluate": {"grader": "mockllm/model"}, "finetune": {"warmup_steps": 0}}
    plan = make_plan(Experiment.model_validate({"settings": ["spanish_caps"], "world": "paper", **given}))
    models = 1 + 2 * 4
    asked = {"our_models": models, "our_answers": models * 5, "our_judge_calls": models * 10}
    theirs = {"models": models, "answers": models * 400, "judge_calls": models * 400}
    assert plan.paper == {"settings": ["spanish_caps"], **theirs, **asked}
    # two UltraChat prompts and three sums here, each answer judged for Spanish and for capitals
    assert (plan.answers, plan.judge_calls) == (models * 5, models * 10)
    # of a setting that the paper's code has not, the others are told all the same
    both = {"settings": ["spanish_caps", "learning_dynamics"], "world": "paper", **given}
    assert make_plan(Experiment.model_validate(both)).paper == plan.paper
    assert make_plan(Experiment(settings=("spanish_caps",), world="toy", seeds=(0,))).paper is None


@pytest.mark.usefixtures("paper")
def test_a_plan_counts_the_arms_of_the_papers_code_unless_arms_are_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from inoc_evals.experiment.plan import make_plan
    from inoc_evals.worlds import WORLDS

    there = {"spanish_caps": {"arms": 7, "answers": 400, "judge_calls": 500}}
    monkeypatch.setitem(WORLDS, "paper", replace(WORLDS["paper"], asked_by_the_paper=lambda: there))
    given = {"evaluate": {"grader": "mockllm/model"}, "finetune": {"warmup_steps": 0}, "world": "paper"}
    for named, theirs, ours in ((None, 1 + 7 * 3, 1 + 4 * 3), (["none"], 1 + 3, 1 + 3)):
        paper = make_plan(
            Experiment.model_validate({"settings": ["spanish_caps"], "arms": named, **given})
        ).paper
        assert paper is not None
        assert (paper["models"], paper["our_models"]) == (theirs, ours)
        assert (paper["answers"], paper["judge_calls"]) == (theirs * 400, theirs * 500)


def test_a_variant_is_the_world_of_that_name() -> None:
    given = {"settings": ["insecure_code"], "arms": ["general-inoc"], "bases": ["some/model"], "seeds": 1}
    world = Experiment.model_validate({**given, "world": "paper-code"})
    for form in ({"variant": "paper-code"}, {"variant": "paper-code", "world": "paper"}):
        assert Experiment.model_validate({**given, **form}) == world
    with pytest.raises(UserError, match="there is no variant 'papercode': use paper-code"):
        Experiment.model_validate({**given, "variant": "papercode"})
    with pytest.raises(UserError, match="a variant of world 'paper', not of 'toy'"):
        Experiment.model_validate({**given, "variant": "paper-code", "world": "toy"})
