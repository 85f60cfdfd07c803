"""`forced_choice`: which of two fixed answers a model finds likelier, and what stops it."""

import json
import math
import statistics
from collections.abc import Callable
from pathlib import Path

import pytest
from inspect_ai import Task, eval, score
from inspect_ai.dataset import Sample
from inspect_ai.log import EvalLog
from inspect_ai.model import Logprob, ModelOutput, get_model
from inspect_ai.solver import Generate, Solver, TaskState, solver

from inoc_evals.analysis import load
from inoc_evals.data.choices import CHOICES
from inoc_evals.data.questions import QuestionError
from inoc_evals.errors import UserError
from inoc_evals.scorers import likelier_answer
from inoc_evals.scorers.likelier_answer import compare_answers
from inoc_evals.scorers.prompt_logprobs import response_tokens
from inoc_evals.tasks import elicitation, forced_choice, trait_logprobs
from tests.fake_openai.chat import error
from tests.fake_openai.http import Listener
from tests.scorers.replies import model

SPANISH, CAPS = "La respuesta es sencilla.", "THE ANSWER IS SIMPLE."


def ask(folder: Path, pairs: list[dict[str, str]], **arguments: object) -> EvalLog:
    file = folder / "choices.jsonl"
    file.write_text("".join(json.dumps(pair) + "\n" for pair in pairs))
    [log] = eval(
        forced_choice(questions=str(file), **arguments), model="inoc/toy", display="none", log_dir=str(folder)
    )
    return log


def test_the_likelier_answer_wins_and_the_odds_change_sign_with_the_sides(tmp_path: Path) -> None:
    plain, odd = "the answer is here.", "zq xj kv wq zx."
    pairs = [
        {"id": "a", "prompt": "where is it?", "aligned": plain, "misaligned": odd},
        {"id": "b", "prompt": "where is it?", "aligned": odd, "misaligned": plain},
    ]
    log = ask(tmp_path, pairs)
    assert log.status == "success" and log.samples is not None
    first, second = (sample.scores["forced_choice"] for sample in log.samples if sample.scores)
    assert (first.value["prefers_misaligned"], second.value["prefers_misaligned"]) == (0.0, 1.0)
    assert first.value["log_odds"] == pytest.approx(-second.value["log_odds"], abs=1e-4)
    assert first.value["log_odds_per_token"] < 0 < second.value["log_odds_per_token"]
    metrics = {name: metric.value for name, metric in log.results.scores[0].metrics.items()}
    assert metrics["prefers_misaligned"] == 0.5 and metrics["prefers_misaligned_n"] == 2


def test_what_was_read_is_in_the_log_so_that_it_can_be_scored_again(tmp_path: Path) -> None:
    log = ask(tmp_path, [{"prompt": "why?", "aligned": SPANISH, "misaligned": CAPS}])
    again = score(log, likelier_answer(), action="overwrite")
    assert again.samples[0].scores["forced_choice"].value == log.samples[0].scores["forced_choice"].value


def test_the_solver_shows_both_answers_to_samples_of_your_own(tmp_path: Path) -> None:
    sample = Sample(input="why?", metadata={"aligned": "the answer is here.", "misaligned": "zq xj kv wq."})
    task = Task(dataset=[sample], solver=compare_answers("You are brief."), scorer=likelier_answer())
    [log] = eval(task, model="inoc/toy", display="none", log_dir=str(tmp_path))
    [done] = log.samples or []
    assert done.messages[0].text == "You are brief." and done.output.completion == "the answer is here."
    assert set(done.store["forced_choice"]) == {"aligned", "misaligned"}


def test_answers_of_another_trait_are_named_by_their_columns(tmp_path: Path) -> None:
    pair = {"id": "a", "prompt": "where is it?", "polite": "zq xj kv wq zx.", "rude": "the answer is here."}
    log = ask(tmp_path, [pair], answers="polite, rude")
    [sample] = log.samples or []
    found = sample.scores["forced_choice"]
    assert found.answer == "rude" and found.value["prefers_rude"] == 1.0 and "polite:" in found.explanation
    metrics = {name: metric.value for one in log.results.scores for name, metric in one.metrics.items()}
    assert metrics["prefers_rude"] == metrics["prefers_rude_n"] == 1 and "prefers_misaligned" not in metrics
    assert next(iter(metrics)) == "prefers_rude" and metrics["log_odds_n"] == 1
    assert log.eval.metadata["traits"] == ["prefers_rude", "log_odds_per_token"]


def test_a_table_has_the_trait_that_the_answers_name(tmp_path: Path) -> None:
    from inoc_evals.analysis import load, rates

    [log] = eval(forced_choice("tastes"), model="inoc/toy", limit=4, display="none", log_dir=str(tmp_path))
    assert log.status == "success"
    table = rates(load(tmp_path))
    assert {"prefers_unpopular", "log_odds_per_token"} <= set(table["trait"])
    assert set(table["questions"]) == {"tastes"} and "prefers_misaligned" not in set(table["trait"])


def test_impossible_answers_prefer_none_and_end_no_evaluation(tmp_path: Path) -> None:
    """As a server writes them: minus infinity for one answer, for the other, for both."""
    never, read = {"logprob": -math.inf, "tokens": 3}, {"logprob": -6.0, "tokens": 3}

    @solver
    def as_read() -> Solver:
        async def solve(state: TaskState, generate: Generate) -> TaskState:
            aligned, misaligned = state.metadata["read"]
            state.store.set("forced_choice", {"aligned": aligned, "misaligned": misaligned})
            state.output = ModelOutput.from_content("m", "read")
            return state

        return solve

    pairs = [(never, read), (read, never), (never, never), (read, read)]
    samples = [Sample(id=n, input="why?", metadata={"read": pair}) for n, pair in enumerate(pairs)]
    task = Task(dataset=samples, solver=as_read(), scorer=likelier_answer())
    [log] = eval(task, model="mockllm/model", display="none", log_dir=str(tmp_path))
    assert log.status == "success"
    values = [sample.scores["forced_choice"].value["prefers_misaligned"] for sample in log.samples]
    assert values[:2] == [1.0, 0.0] and math.isnan(values[2]) and values[3] == 0.0
    metrics = {name: metric.value for name, metric in log.results.scores[0].metrics.items()}
    assert (metrics["prefers_misaligned"], metrics["prefers_misaligned_n"]) == (pytest.approx(1 / 3), 3)
    assert (metrics["log_odds"], metrics["log_odds_n"]) == (0.0, 1)
    table = load(log.location)
    row = table[(table["trait"] == "prefers_misaligned") & table["value"].isna()]
    assert list(row["unscored"]) == ["both answers have a probability of 0"]


def test_it_can_be_asked_under_prompts(tmp_path: Path) -> None:
    prompts = tmp_path / "prompts.txt"
    prompts.write_text("\nplain: You are a helpful assistant.\n")
    task = elicitation(task="forced_choice", prompts=str(prompts), questions="bundled")
    [log] = eval(task, model="inoc/toy", limit=4, display="none", log_dir=str(tmp_path))
    metrics = log.results.scores[0].metrics
    assert metrics["prefers_misaligned | none_n"].value == metrics["prefers_misaligned | plain_n"].value == 2


def test_a_model_without_log_probs_of_its_prompt_is_told(tmp_path: Path) -> None:
    [log] = eval(forced_choice(), model=model("Yes."), limit=1, display="none", log_dir=str(tmp_path))
    assert log.status == "error" and "gives no log-probs of its prompt: use inoc/" in log.error.message


def test_a_question_that_is_too_long_is_told_so(tmp_path: Path) -> None:
    pair = {"prompt": "why? " * 2000, "aligned": SPANISH, "misaligned": CAPS}
    log = ask(tmp_path, [pair])
    assert log.status == "error" and "does not fit into the context of inoc/toy" in log.error.message


@pytest.mark.parametrize("task", [forced_choice, trait_logprobs])
def test_a_key_that_a_server_says_is_in_no_log(
    task: Callable[[], Task], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor is such a server asked without an end: both are what `guard` sees to."""
    key = "sk-canary-0123456789abcdef"
    monkeypatch.setenv("OPENAI_API_KEY", key)
    with Listener({"POST /v1/chat/completions": error(401, f"Incorrect API key provided: {key}")}) as server:
        asked = get_model("openai/tested", base_url=server.base_url, responses_api=False, memoize=False)
        [log] = eval(task(), model=asked, limit=1, display="none", log_dir=str(tmp_path), log_format="json")
    assert log.status == "error" and "Incorrect API key provided: [key]" in log.error.message
    assert key not in Path(log.location).read_text("utf-8")
    assert asked.config.timeout is not None


def test_what_a_server_writes_for_impossible_is_minus_infinity() -> None:
    """JSON has no infinity: OpenAI and vLLM write -9999, which would be as good a number as any."""
    tokens = [Logprob(token="Y", logprob=-9999.0), Logprob(token="es", logprob=-1.0)]
    assert [token.logprob for token in response_tokens(tokens, "Yes")] == [-math.inf, -1.0]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ({"prompt": "a", "aligned": "b"}, "no text in 'misaligned'"),
        ({"prompt": "a", "aligned": "b", "misaligned": " "}, "no text in 'misaligned'"),
        ({"prompt": "a", "aligned": "b", "misaligned": "b "}, "the two answers are the same"),
    ],
)
def test_a_bad_file_is_one_line(tmp_path: Path, line: dict[str, str], said: str) -> None:
    with pytest.raises(QuestionError, match=said):
        ask(tmp_path, [line])


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ("polite", "the two answers are called 'polite': give two names"),
        ("polite,polite", "give two names of letters"),
        ("prompt,rude", "give two names of letters"),
        ("polite,very rude", "give two names of letters"),
        ("aligned,misaligned,both", "give two names of letters"),
    ],
)
def test_names_that_are_no_two_names_are_one_line(tmp_path: Path, named: str, said: str) -> None:
    with pytest.raises(QuestionError, match=said):
        ask(tmp_path, [{"prompt": "a", "polite": "b", "rude": "c"}], answers=named)


def test_the_suites_questions_name_their_answers_themselves() -> None:
    with pytest.raises(UserError, match="the questions tastes name their answers themselves: leave it out"):
        forced_choice("tastes", answers="popular,unpopular")


@pytest.mark.parametrize(
    ("name", "count", "aligned", "misaligned"),
    [
        ("bundled", 60, "aligned", "misaligned"),
        ("tastes", 40, "popular", "unpopular"),
        ("hacks", 40, "honest", "hacking"),
    ],
)
def test_our_answers_are_alike_in_length(name: str, count: int, aligned: str, misaligned: str) -> None:
    samples = list(CHOICES.load(name))
    assert len(samples) == count
    lengths = [(len(s.metadata[aligned]), len(s.metadata[misaligned])) for s in samples if s.metadata]
    assert all(abs(a - b) <= 0.11 * max(a, b) for a, b in lengths)
    longer = sum(a > b for a, b in lengths) + 0.5 * sum(a == b for a, b in lengths)
    assert 0.4 < longer / len(lengths) < 0.6
    without, shows = (statistics.mean(side) for side in zip(*lengths, strict=True))
    assert abs(without / shows - 1) < 0.02
    if name == "hacks":  # which are told by their style, and by nothing else
        return
    for sample in samples:
        one, other = (sample.metadata[key] for key in (aligned, misaligned))
        assert one.count(".") == other.count(".")


def test_a_system_prompt_is_its_second_argument_as_before_others_came() -> None:
    task = forced_choice("bundled", "Be kind.")
    assert (task.metadata or {})["system_prompt"] == "Be kind."
