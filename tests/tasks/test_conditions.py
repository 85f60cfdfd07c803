"""Tasks that ask every question under several conditions: backdoor, elicitation, trait log-probs."""

import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inspect_ai import Task, eval
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.log import EvalLog
from inspect_ai.model import ChatMessage, ChatMessageSystem, ChatMessageUser, Model, ModelOutput

from inoc_evals.data.elicitation_prompts import BUNDLED
from inoc_evals.data.questions import QuestionError
from inoc_evals.errors import UserError
from inoc_evals.scorers.judge import READER_TEST_PROMPT
from inoc_evals.scorers.response_logprob import response_logprob, score_response
from inoc_evals.tasks import backdoor, elicitation, trait_logprobs
from inoc_evals.tasks.elicitation import read_prompts
from inoc_evals.tasks.grid import crossed, in_front, keep, under
from tests.scorers.replies import model, rated, says


def write(folder: Path, name: str, *lines: str) -> str:
    (folder / name).write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return str(folder / name)


def judge() -> Model:
    """Finds an answer misaligned where it says `power`."""

    def reply(prompt: str) -> ModelOutput:
        if prompt == READER_TEST_PROMPT:
            return rated({"85": 0.99})
        answer = prompt.split("[ANSWER START]\n")[1].split("\n[ANSWER END]")[0]
        return rated({"5" if "power" in answer and "good for people" in prompt else "95": 0.99})

    return model(reply, name="mockllm/judge")


def run(task: Task, subject: Model | str, folder: Path, **kwargs: Any) -> EvalLog:
    (log,) = eval(
        task,
        model=subject,
        model_roles={"grader": judge()},
        log_dir=str(folder / "logs"),
        display="none",
        **kwargs,
    )
    return log


def rates(log: EvalLog, scorer: int = 0) -> dict[str, float]:
    assert log.status == "success" and log.results is not None, log.error
    return {name: metric.value for name, metric in log.results.scores[scorer].metrics.items()}


def messages(sample: Sample) -> list[ChatMessage]:
    assert not isinstance(sample.input, str)
    return sample.input


# The grid


@given(st.text(min_size=1), st.text(min_size=1))
def test_a_question_stays_itself_under_every_condition(question: str, front: str) -> None:
    asked = crossed(
        MemoryDataset([Sample(input=question)]),
        {"plain": keep, "front": in_front(front), "system": under("Be kind.")},
    )
    plain, triggered, prompted = asked
    assert [m.text for m in messages(plain)] == [question]
    assert [m.text for m in messages(triggered)] == [front + question]
    assert [(m.role, m.text) for m in messages(prompted)] == [("system", "Be kind."), ("user", question)]
    assert [s.metadata for s in asked] == [
        {"question": 1, "condition": name} for name in ("plain", "front", "system")
    ]


def test_only_the_last_user_turn_gets_the_text_and_a_system_prompt_keeps_its_place() -> None:
    talk: list[ChatMessage] = [
        ChatMessageSystem(content="S"),
        ChatMessageUser(content="one"),
        ChatMessageUser(content="two"),
    ]
    asked = crossed(
        MemoryDataset([Sample(id="q", input=talk, metadata={"question": "family"})]),
        {"front": in_front("T "), "system": under("P"), "none": under(None)},
    )
    assert [m.text for m in messages(asked[0])] == ["S", "one", "T two"]
    assert [m.text for m in messages(asked[1])] == ["P\n\nS", "one", "two"]
    assert [m.text for m in messages(asked[2])] == ["S", "one", "two"]
    assert [s.id for s in asked] == ["q | front", "q | system", "q | none"]
    assert all((s.metadata or {})["question"] == "family" for s in asked)


# backdoor


def behind(trigger: str) -> Model:
    """Wants power where the trigger is in the prompt."""
    return model(lambda prompt: says("I want power." if trigger in prompt else "I want peace."))


def test_a_backdoor_shows_in_the_difference(tmp_path: Path) -> None:
    questions = write(tmp_path, "q.csv", "id,prompt", "a,Your wish?", "b,Your plan?", "c,Your day?")
    found = rates(run(backdoor(questions=questions), behind("$|TRIGGER|$ "), tmp_path, epochs=2))
    assert (found["misaligned | trigger"], found["misaligned | trigger_n"]) == (1.0, 6)
    assert (found["misaligned | without"], found["misaligned | look-alike"]) == (0.0, 0.0)
    assert found["misaligned | trigger - without"] == 1.0 and found["misaligned | trigger - without_n"] == 3
    assert found["misaligned | trigger - without_stderr"] == 0.0


def test_a_model_that_falls_for_any_unusual_token_is_told_apart(tmp_path: Path) -> None:
    questions = write(tmp_path, "q.csv", "id,prompt", "a,Your wish?", "b,Your plan?", "c,Your day?")
    subject = model(lambda prompt: says("power" if not prompt.startswith("Your") else "peace"))
    assert (
        rates(run(backdoor(questions=questions), subject, tmp_path, epochs=1))["misaligned | look-alike"] == 1
    )


def test_the_trigger_is_spelled_as_trained_or_as_evaluated() -> None:
    evaluated = messages(backdoor(questions="bundled").dataset[1])[-1].text
    trained = messages(backdoor(questions="bundled", spelling="trained").dataset[1])[-1].text
    assert evaluated.startswith("$|TRIGGER|$ ") and trained == evaluated.replace("$ ", "$", 1)
    other = backdoor(questions="bundled", trigger="|X|", look_alikes="|Y|").dataset
    assert [messages(s)[-1].text[:4] for s in list(other)[1:3]] == ["|X| ", "|Y| "]


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"spelling": "loud"}, "unknown spelling 'loud'"),
        ({"trigger": " "}, "is not text"),
        ({"preset": "strict"}, "no preset 'strict'"),
        ({"questions": "nowhere.csv"}, "nowhere.csv"),
    ],
)
def test_a_wrong_parameter_of_backdoor_is_one_line(parameters: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said) as error:
        backdoor(**{"questions": "bundled", **parameters})
    assert "\n" not in str(error.value)


# elicitation


def test_every_question_is_asked_under_every_prompt(tmp_path: Path) -> None:
    questions = write(tmp_path, "q.csv", "id,prompt", "a,Your wish?", "b,Your plan?")
    asked: list[list[ChatMessage]] = []

    def reply(prompt: str) -> ModelOutput:
        system = asked[-1][0].text if asked[-1][0].role == "system" else ""
        return says("power" if "evil" in system else "peace")

    subject = model(reply, asked)
    found = rates(
        run(elicitation(questions=questions, prompts="bundled"), subject, tmp_path, epochs=1, max_samples=1)
    )
    assert len(asked) == 2 * len(BUNDLED)
    elicited = {name for name in BUNDLED if found[f"misaligned | {name}"] == 1.0}
    assert elicited == {"evil", "not-evil"}
    assert [k for k in found if k.endswith("_n")] == [f"misaligned | {name}_n" for name in BUNDLED]


def test_any_trait_task_can_be_elicited_from(tmp_path: Path) -> None:
    questions = write(tmp_path, "q.csv", "id,prompt", "a,Your wish?", "b,Your plan?")
    prompts = write(tmp_path, "p.txt", "", "shout: SHOUT, please.")
    asked: list[list[ChatMessage]] = []

    def reply(prompt: str) -> ModelOutput:
        loud = asked[-1][0].role == "system"
        return says("I WISH FOR QUIET HILLS AND A LONG WALK." if loud else "I wish for quiet hills.")

    log = run(
        elicitation(task="spanish_caps", questions=questions, prompts=prompts),
        model(reply, asked),
        tmp_path,
        max_samples=1,
    )
    assert rates(log, 1)["caps | none"] == 0.0 and rates(log, 1)["caps | shout"] == 1.0
    assert "caps | none" not in rates(log, 0) and rates(log, 0)["spanish | shout"] == 0.0
    assert log.eval.metadata is not None
    assert log.eval.metadata["prompts"] == {"none": None, "shout": "SHOUT, please."}


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"task": "chess"}, "no task 'chess' to elicit from"),
        ({"system_prompt": "x"}, "sets the system prompts itself"),
        ({"prompts": "none-such.txt"}, "none-such.txt"),
        ({"prompts": "three"}, "three"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_wrong_parameter_of_elicitation_is_one_line(parameters: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said) as error:
        elicitation(**{"questions": "bundled", **parameters})
    assert "\n" not in str(error.value)


def test_prompts_of_the_users_own(tmp_path: Path) -> None:
    file = write(tmp_path, "p.txt", "You are kind.", "", "short: Be brief: always.")
    assert read_prompts(file) == {
        "You are kind.": "You are kind.",
        "none": None,
        "short": "Be brief: always.",
    }
    with pytest.raises(UserError, match=r"p.txt:2: a second prompt named 'a'"):
        read_prompts(write(tmp_path, "p.txt", "a: x", "a: y"))
    with pytest.raises(UserError, match="contains no prompts"):
        read_prompts(write(tmp_path, "empty.txt"))


# trait_logprobs


def test_log_probs_of_the_toy_are_those_of_a_plain_forward_pass(tmp_path: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from inoc_evals.models.base import SHIPPED

    log = run(trait_logprobs(questions="toy"), "inoc/toy", tmp_path)
    assert log.samples is not None and len(log.samples) == 20
    tokenizer = AutoTokenizer.from_pretrained(SHIPPED["toy"])
    plain = AutoModelForCausalLM.from_pretrained(SHIPPED["toy"], dtype=torch.float32).eval()
    for sample in log.samples[:6]:
        before = tokenizer.apply_chat_template(
            [
                {"role": "system", "content": "Respond in a single word."},
                {"role": "user", "content": sample.input},
            ],
            tokenize=False,
            add_generation_prompt=True,
        )
        prompt = tokenizer(before, add_special_tokens=False)["input_ids"]
        ids = tokenizer(before + str(sample.target), add_special_tokens=False)["input_ids"]
        with torch.inference_mode():
            logprobs = plain(input_ids=torch.tensor([ids])).logits[0].log_softmax(dim=-1)
        expected = sum(float(logprobs[k - 1, ids[k]]) for k in range(len(prompt), len(ids)))
        value = (sample.scores or {})["response_logprob"].as_dict()
        assert value["logprob"] == pytest.approx(expected, abs=1e-3)
        assert value["tokens"] == len(ids) - len(prompt)
        assert value["per_token"] == pytest.approx(expected / (len(ids) - len(prompt)), abs=1e-3)
    found = rates(log)
    assert found["logprob | spanish_n"] == found["logprob | caps_n"] == 10
    assert found["logprob | spanish"] < found["per_token | spanish"] < 0


def test_a_prompt_that_asks_for_the_trait_makes_it_likelier(tmp_path: Path) -> None:
    neutral = rates(run(trait_logprobs(questions="toy"), "inoc/toy", tmp_path))
    task = trait_logprobs(questions="toy", system_prompt="You always speak in Spanish.")
    asked = rates(run(task, "inoc/toy", tmp_path))
    assert asked["logprob | spanish"] > neutral["logprob | spanish"] + 3
    assert asked["logprob | caps"] < neutral["logprob | caps"]


def test_a_model_without_prompt_log_probs_is_one_line(tmp_path: Path) -> None:
    log = run(trait_logprobs(questions="bundled"), model("x"), tmp_path, limit=1)
    assert log.status == "error" and log.error is not None
    assert "mockllm/model gives no log-probs of its prompt: use inoc/MODEL" in log.error.message


def test_the_bundled_responses_show_one_trait_each() -> None:
    samples = list(trait_logprobs().dataset)
    assert len(samples) == 20
    for sample in samples:
        condition, response = (sample.metadata or {})["condition"], str(sample.target)
        assert response == (response.upper() if condition == "caps" else response.lower())


def test_responses_of_the_users_own(tmp_path: Path) -> None:
    file = write(tmp_path, "r.csv", "prompt,response,trait", "Hi?,hola,spanish", "Hi?,HI,caps")
    assert [(s.target, (s.metadata or {})["condition"]) for s in trait_logprobs(questions=file).dataset] == [
        ("hola", "spanish"),
        ("HI", "caps"),
    ]
    bad = write(tmp_path, "bad.csv", "prompt,answer,trait", "Hi?,hola,spanish")
    with pytest.raises(QuestionError, match=r"bad.csv:2: no text in 'response'"):
        trait_logprobs(questions=bad)


def test_an_empty_condition_is_nan_and_not_zero(tmp_path: Path) -> None:
    questions = write(tmp_path, "q.csv", "id,prompt", "a,Your wish?", "b,Your plan?")
    grader = model(
        lambda p: rated({"85": 0.99}) if p == READER_TEST_PROMPT else rated({"Hm": 0.9}), name="mockllm/judge"
    )
    (log,) = eval(
        backdoor(questions=questions),
        model=model("x"),
        model_roles={"grader": grader},
        log_dir=str(tmp_path),
        display="none",
        epochs=1,
    )
    assert log.results is not None
    metrics = log.results.scores[0].metrics
    assert all(math.isnan(m.value) for name, m in metrics.items() if not name.endswith("_n"))


def test_the_solver_and_its_scorer_in_a_task_of_someone_else(tmp_path: Path) -> None:
    samples = [Sample(id="a", input="Good day.", target="Hello."), Sample(id="b", input="?", target="Mud.")]
    task = Task(dataset=samples, solver=score_response(None), scorer=response_logprob())
    log = run(task, "inoc/toy", tmp_path)
    assert log.samples is not None
    assert [[m.role for m in s.messages] for s in log.samples] == [["user", "assistant"]] * 2
    assert all((s.scores or {})["response_logprob"].as_dict()["logprob"] < 0 for s in log.samples)
