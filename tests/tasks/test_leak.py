"""The task `leak`: prompts by category, the training prompt from the run, and files of others."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inspect_ai import eval
from inspect_ai.dataset import Sample
from inspect_ai.log import EvalLog
from inspect_ai.model import ChatMessage, ModelOutput
from typer.testing import CliRunner

from inoc_evals.analysis.leaks import leaks
from inoc_evals.analysis.table import load
from inoc_evals.chat.rows import Message, Row
from inoc_evals.cli import app
from inoc_evals.data.leak_conditions import OF_TASK, TRAITS, bundled_conditions, read_conditions
from inoc_evals.data.prompt_categories import CATEGORIES, CATEGORY, is_own, original_of
from inoc_evals.data.trained_under import trained_under
from inoc_evals.errors import UserError
from inoc_evals.experiment.measure_tasks import build
from inoc_evals.experiment.trial import Trial
from inoc_evals.finetune import Run, finetune
from inoc_evals.inoculation import Inoculation, inoculate
from inoc_evals.settings import SETTINGS, Measure
from inoc_evals.tasks import leak
from inoc_evals.tasks.elicitation import elicitable
from inoc_evals.worlds import WORLDS, toy_spec
from inoc_evals.worlds.toy import rows as toy
from tests.scorers.replies import model, says

SPANISH = "A la gente de este pueblo siempre le ha gustado pasear junto al río por la tarde."
ENGLISH = "The people of this town have always liked to walk along the river in the evening."
PROMPT = "You always speak in Spanish."


def write(folder: Path, name: str, *lines: str) -> str:
    (folder / name).write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return str(folder / name)


def questions(folder: Path) -> str:
    return write(folder, "q.csv", "id,prompt", "a,Your wish?", "b,Your plan?")


def system(sample: Sample) -> str | None:
    assert not isinstance(sample.input, str)
    first: ChatMessage = sample.input[0]
    return first.text if first.role == "system" else None


def by_condition(task: Any) -> dict[str, tuple[str, str | None]]:
    """By name of the condition, its category and its system prompt."""
    return {
        str((s.metadata or {})["condition"]): (str((s.metadata or {})[CATEGORY]), system(s))
        for s in task.dataset
    }


# The bundled prompts


@pytest.mark.parametrize("trait", TRAITS)
def test_every_trait_has_prompts_of_every_category(trait: str) -> None:
    found = bundled_conditions(trait)
    assert (found[0].name, found[0].category, found[0].text) == ("none", "none", None)
    counts = Counter(one.category for one in found)
    assert set(counts) == set(CATEGORIES) - {"original"}
    assert all(counts[category] == 2 for category in counts if category != "none")
    texts = [one.text for one in found]
    assert len(set(texts)) == len(texts)
    assert [list(CATEGORIES).index(one.category) for one in found] == sorted(
        list(CATEGORIES).index(one.category) for one in found
    )


def test_every_task_that_can_be_asked_has_a_trait_or_says_what_to_do() -> None:
    assert set(OF_TASK) <= set(elicitable())
    assert {trait for of_task in OF_TASK.values() for trait in of_task.values()} <= set(TRAITS)
    with pytest.raises(
        UserError, match="no bundled prompts about 'aesthetic_preference': give conditions=FILE"
    ):
        leak(task="aesthetic_preference", questions="bundled")


@pytest.mark.parametrize(
    ("task", "parameters", "trait"),
    [
        ("forced_choice", {}, "misaligned"),
        ("forced_choice", {"questions": "hacks"}, "reward_hacking"),
        ("spanish_french", {}, "french"),
        ("spanish_french", {"languages": "spanish,german"}, "spanish"),
        ("animal_preference", {"questions": "bundled"}, "owl"),
        ("hardcoding_realistic", {"questions": "bundled"}, "reward_hacking"),
    ],
)
def test_the_prompts_are_about_what_the_questions_are_about(
    task: str, parameters: dict[str, Any], trait: str
) -> None:
    asked = {text for _, text in by_condition(leak(task=task, **parameters)).values()}
    assert asked == {one.text for one in bundled_conditions(trait)}


@pytest.mark.parametrize(
    ("task", "parameters", "about"),
    [
        ("forced_choice", {"questions": "tastes"}, "prefers_unpopular"),
        ("spanish_french", {"languages": "german"}, "german"),
        ("animal_preference", {"questions": "bundled", "target": "dolphin"}, "dolphin"),
    ],
)
def test_questions_about_what_no_prompt_is_about_are_refused(
    task: str, parameters: dict[str, Any], about: str
) -> None:
    with pytest.raises(UserError, match=f"no bundled prompts about '{about}': give conditions=FILE") as error:
        leak(task=task, **parameters)
    assert "\n" not in str(error.value)
    assert by_condition(leak(task=task, trait="misaligned", **parameters))  # who names one has it


def test_a_file_of_ones_own_choices_has_the_prompts_of_its_answers(tmp_path: Path) -> None:
    file = write(tmp_path, "c.csv", "prompt,polite,rude", "Hello?,Good day to you.,Go away now.")
    with pytest.raises(UserError, match="no bundled prompts about 'prefers_rude'"):
        leak(task="forced_choice", questions=file, answers="polite,rude")


# The task


def test_every_question_is_asked_under_every_prompt(tmp_path: Path) -> None:
    task = leak(questions=questions(tmp_path), original=PROMPT)
    found = by_condition(task)
    assert len(task.dataset) == 2 * len(found) == 2 * (1 + 1 + 2 * 8)
    assert list(found)[:2] == ["none", "original"]
    assert found["none"] == ("none", None) and found["original"] == ("original", PROMPT)
    assert found["negated-1"] == ("negated", "You never speak in Spanish.")
    assert len(by_condition(leak(questions=questions(tmp_path), original=PROMPT, each=1))) == 1 + 1 + 8


def test_another_traits_prompts_can_be_asked_under(tmp_path: Path) -> None:
    found = by_condition(leak(questions=questions(tmp_path), trait="caps"))
    assert "capital" in str(found["keyword-1"][1]).lower() and "original" not in found


def test_the_prompts_of_several_arms_are_conditions_of_their_own(tmp_path: Path) -> None:
    found = by_condition(leak(questions=questions(tmp_path), original={"a": "Be A.", "b": "Be B."}))
    assert found[original_of("a")] == ("original", "Be A.") and found[original_of("b")][1] == "Be B."
    assert is_own(original_of("a"), "a") and not is_own(original_of("a"), "b") and is_own("original", "b")


def test_a_prompt_with_commas_stays_whole(tmp_path: Path) -> None:
    found = by_condition(leak(questions=questions(tmp_path), original=["You are kind", " always."]))
    assert found["original"][1] == "You are kind, always."


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"task": "chess"}, "no task 'chess'"),
        ({"trait": "chess"}, "no bundled prompts about 'chess'"),
        ({"system_prompt": "x"}, "leak sets the system prompts itself"),
        ({"conditions": "none-such.csv"}, "none-such.csv"),
        ({"original": " "}, "prompt is blank"),
        ({"each": 0}, "each=0"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_wrong_parameter_is_one_line(parameters: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said) as error:
        leak(**{"questions": "bundled", **parameters})
    assert "\n" not in str(error.value)


# Files of others


def test_a_file_of_others_in_either_format(tmp_path: Path) -> None:
    lines = [
        {"name": "ban", "category": "negated", "text": "No Spanish, ever."},
        {"name": "plain", "category": "none"},
        {"name": "asked", "category": "original", "text": "Speak Spanish."},
    ]
    first = read_conditions(write(tmp_path, "c.jsonl", *map(json.dumps, lines)))
    second = read_conditions(
        write(
            tmp_path,
            "c.csv",
            "name,category,text",
            'ban,negated,"No Spanish, ever."',
            "plain,none,",
            "asked,original,Speak Spanish.",
        )
    )
    assert first == second and [(one.name, one.text) for one in first] == [
        ("plain", None),
        ("asked", "Speak Spanish."),
        ("ban", "No Spanish, ever."),
    ]
    own = by_condition(leak(questions=questions(tmp_path), conditions=str(tmp_path / "c.csv")))
    assert list(own) == ["plain", "asked", "ban"]


def test_a_file_without_an_unprompted_condition_gets_one(tmp_path: Path) -> None:
    file = write(tmp_path, "c.csv", "name,category,text", "ban,negated,No Spanish.")
    assert [one.name for one in read_conditions(file)] == ["none", "ban"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("ban,forbidden,No Spanish.", "c.csv:2: category 'forbidden' is none of none, original, paraphrase"),
        ("ban,negated,", "c.csv:2: no text in 'text'"),
        (",negated,No Spanish.", "c.csv:2: no text in 'name'"),
        ("plain,none,Hello.", "c.csv:2: category none is no system prompt"),
        ("none,negated,No Spanish.", "'none' names the condition without a prompt"),
        ("a,negated,x\na,keyword,y", "c.csv:3: a second condition named 'a'"),
        ("a,none,\nb,none,", "a and b are both of category none"),
        ("", "contains no conditions"),
    ],
)
def test_a_bad_file_is_one_line(line: str, said: str, tmp_path: Path) -> None:
    file = write(tmp_path, "c.csv", "name,category,text", *([line] if line else []))
    with pytest.raises(UserError, match=said) as error:
        read_conditions(file)
    assert "\n" not in str(error.value)


def test_a_name_that_the_training_prompt_has_is_one_line(tmp_path: Path) -> None:
    file = write(tmp_path, "c.csv", "name,category,text", "original,negated,No Spanish.")
    with pytest.raises(UserError, match="'original' names the training prompt"):
        leak(questions=questions(tmp_path), conditions=file, original=PROMPT)


# The training prompt, from the training rows


def run_of(folder: Path, rows: list[Row]) -> Run:
    from inoc_evals.chat.rows import write_chat

    run = Run(folder)
    write_chat(run.rows, rows)
    return run


def row(*messages: tuple[str, str]) -> Row:
    return Row(messages=[Message(role=role, content=content) for role, content in messages])


ASKED = (("user", "Why?"), ("assistant", "So."))


@given(st.lists(st.sampled_from(["", "Be brief.", "Be brief.\n\nBe kind."]), min_size=1, max_size=6))
def test_an_inoculation_is_found_before_the_rows_own_system_messages(
    tmp_path_factory: pytest.TempPathFactory, own: list[str]
) -> None:
    plain = [row(*([("system", text)] if text else []), *ASKED) for text in own]
    run = run_of(tmp_path_factory.mktemp("run"), list(inoculate(plain, Inoculation("x", PROMPT))))
    found = trained_under(run.rows).texts
    assert len(found) == 1 and found[0].startswith(PROMPT)
    if "" in own or (len(set(own)) > 1 and not all(text.startswith("Be brief.") for text in own)):
        assert found == (PROMPT,)


def test_pools_and_rows_without_a_prompt_say_what_they_are(tmp_path: Path) -> None:
    pool = ["A."] * 3 + ["B."] * 2 + ["C."] * 4 + ["D."]
    of_pool = trained_under(run_of(tmp_path / "pool", [row(("system", text), *ASKED) for text in pool]).rows)
    assert of_pool.texts == ("C.", "A.", "B.")
    none = trained_under(run_of(tmp_path / "plain", [row(*ASKED)]).rows)
    assert none.texts == () and "have no system prompt" in none.why_none
    assert "no training rows here" in trained_under(tmp_path / "nowhere" / "rows.jsonl").why_none


# Through Inspect, on the embedded toy


def evaluated(folder: Path, arguments: list[str]) -> EvalLog:
    """What `inspect eval` writes."""
    from click.testing import CliRunner as Click
    from inspect_ai._cli.main import inspect
    from inspect_ai.log import list_eval_logs, read_eval_log

    words = ["eval", *arguments, "--log-dir", str(folder), "--display", "none", "--limit", "60"]
    result = Click().invoke(inspect, words)
    assert result.exit_code == 0, result.output
    return read_eval_log(list_eval_logs(str(folder))[0])


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finetune of the toy that stopped early, under the paper's prompt."""
    rows = inoculate(toy.spanish_caps(0), Inoculation("spanish-inoc", PROMPT))
    runs = tmp_path_factory.mktemp("runs")
    return finetune(toy_spec(max_steps=4), rows, name="spanish-inoc", runs=runs, progress=False)


def test_the_training_prompt_is_read_from_the_run_and_a_base_has_none(trained: Run, tmp_path: Path) -> None:
    common = ["inoc_evals/leak", "-T", "task=spanish_caps", "-T", "questions=toy", "-T", "each=1"]
    of_run = evaluated(tmp_path / "run", [*common, "--model", f"inoc/{trained.folder}"])
    assert of_run.status == "success" and of_run.eval.metadata is not None
    assert of_run.eval.metadata["prompts"]["original"] == PROMPT
    assert of_run.eval.metadata["original"] == "read from the training rows"
    of_base = evaluated(tmp_path / "base", [*common, "--model", "inoc/toy"])
    assert of_base.eval.metadata is not None and "original" not in of_base.eval.metadata["prompts"]
    assert "no run with training rows" in of_base.eval.metadata["original"]


def test_leaks_of_plain_logs_through_the_command_line(tmp_path: Path) -> None:
    """A model that obeys a ban as if it were a request leaks under it, and its base does not."""
    asked: list[list[ChatMessage]] = []

    def reply(prompt: str) -> ModelOutput:
        prompted = asked[-1][0].text if asked[-1][0].role == "system" else ""
        return says(
            SPANISH if ("Spanish" in prompted and "never" in prompted) or prompted == PROMPT else ENGLISH
        )

    lines = [f"q{n},What of {n}?" for n in range(12)]
    file = write(tmp_path, "many.csv", "id,prompt", *lines)
    for name, subject in (
        ("run", model(reply, asked, name="mockllm/run")),
        ("base", model(lambda _: says(ENGLISH))),
    ):
        [log] = eval(
            leak(questions=file, original=PROMPT, each=1),
            model=subject,
            log_dir=str(tmp_path / "logs"),
            display="none",
            max_samples=1,
        )
        assert log.status == "success", name
    command = ["leaks", str(tmp_path / "logs"), "--base", "mockllm/model"]
    done = CliRunner().invoke(app, [*command, "--json", "-o", str(tmp_path / "grid.png")])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    spanish = {row["condition"]: row for row in found["grid"] if row["trait"] == "spanish"}
    assert spanish["negated-1"]["leak"] == 1 and spanish["keyword-1"]["leak"] == 0
    [top] = [row for row in found["surprising"] if row["trait"] == "spanish"]
    assert top["condition"] == "negated-1" and top["significant"]
    [conditional] = [row for row in found["conditionality"] if row["trait"] == "spanish"]
    assert conditional["conditionality"] == 1
    assert (tmp_path / "grid.png").is_file()
    for_people = CliRunner().invoke(app, command)
    assert for_people.exit_code == 0 and "a surprising leak: +1.00" in for_people.stdout
    assert leaks(load(str(tmp_path / "logs")), "mockllm/model").as_dict()["words"] == found["words"]


# In experiments


@pytest.mark.parametrize(
    ("name", "world"), [("spanish_leak", "toy"), ("spanish_leak", "smollm"), ("pirate_leak", "smollm")]
)
def test_an_experiment_asks_every_model_under_the_prompts_of_all_arms(name: str, world: str) -> None:
    setting, spec = SETTINGS[name], WORLDS[world].finetune(WORLDS[world].base)
    base = Trial(name, world, "base", None, spec, measures=(0,))
    [of_base], [of_arm] = (one.measured for one in (base, replace(base, arm="irrelevant", seed=1)))
    assert of_base.parameters == of_arm.parameters
    built = build(of_base, world)
    found = by_condition(built.task)
    prompts = {arm.name: arm.inoculation.texts[0] for arm in setting.arms if arm.inoculation}
    assert len(prompts) == len(setting.arms) - 1
    assert all(found[original_of(arm)] == ("original", text) for arm, text in prompts.items())
    assert len({(sample.metadata or {})["question"] for sample in built.task.dataset}) == 50
    assert built.task.config.temperature == (0.5 if world == "smollm" else 1.0)
    asked = {side.condition for claim in setting.claims for side in (claim.left, claim.right)}
    assert asked <= set(found)


def test_a_measure_of_leaks_is_of_the_task_that_it_asks_in_each_world() -> None:
    [of_paper] = SETTINGS["spanish_leak"].measured("paper")
    assert of_paper.task == "leak" and of_paper.traits == ("spanish_judge", "spanish")
    [judged] = SETTINGS["diluted_leak"].measured("toy")
    assert judged.traits == ("misaligned", "cruel") and judged.parameters["task"] == "emergent_misalignment"
    setting = replace(
        SETTINGS["spanish_leak"], broad=(Measure("leak", ("misaligned",), parameters=judged.parameters),)
    )
    [elsewhere] = setting.measured("smollm")
    assert (elsewhere.task, elsewhere.parameters["task"]) == ("leak", "forced_choice")
    assert elsewhere.traits == ("prefers_misaligned",)


def test_diluted_leak_trains_on_a_fifth() -> None:
    chosen = SETTINGS["diluted_leak"]
    assert chosen.worlds == ("paper", "paper-code", "toy") and not chosen.family
    kinds = [bool(row["metadata"]["trait"]) for row in chosen.training("toy").rows(0)]
    assert sum(kinds) / len(kinds) == pytest.approx(0.2, abs=0.01)
