"""Options of scorers and tasks that are empty, or of another kind, as `-S NAME=` and YAML make them."""

import inspect
from typing import Any

import inspect_ai
import pytest

from inoc_evals import scorers, tasks
from inoc_evals.errors import UserError

NO_VALUE: tuple[Any, ...] = (None, True, 3, 1.5, [None], {"a": 1}, [])


def options(makers: Any) -> list[tuple[str, str]]:
    kinds = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    return [
        (name, parameter.name)
        for name in makers.__all__
        for parameter in inspect.signature(getattr(makers, name)).parameters.values()
        if parameter.kind not in kinds
    ]


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """What would be fetched is as if it could not be."""

    def refuse(*_: Any, **__: Any) -> Any:
        raise UserError("not fetched")

    for module in ("judge_prompts", "questions", "published_prompts"):
        monkeypatch.setattr(f"inoc_evals.data.{module}.fetch", refuse)


@pytest.mark.parametrize(("name", "option"), options(scorers))
def test_an_option_of_a_scorer_of_another_kind_is_one_line_or_works(name: str, option: str) -> None:
    made(scorers, name, option)


@pytest.mark.parametrize(("name", "option"), options(tasks))
def test_an_option_of_a_task_of_another_kind_is_one_line_or_works(name: str, option: str) -> None:
    made(tasks, name, option)


def made(makers: Any, name: str, option: str) -> None:
    maker = getattr(makers, name)
    needed = {
        one.name: "toy"
        for one in inspect.signature(maker).parameters.values()
        if one.default is one.empty and one.kind is one.POSITIONAL_OR_KEYWORD
    }
    if "questions" in inspect.signature(maker).parameters and name not in ("leak", "elicitation"):
        needed["questions"] = "toy"
    for value in NO_VALUE:
        try:
            maker(**{**needed, option: value})
        except UserError as error:
            assert "\n" not in error.message


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: scorers.language(languages=None), "languages=None: use one or several of english"),
        (lambda: scorers.alignment(code_judge=None), "code_judge=None: say true or false"),
        (lambda: tasks.leak(each="many"), "each='many'"),
        (lambda: tasks.language_backdoor(look_alikes=3, questions="toy"), "look_alikes=3"),
        (lambda: tasks.insecure_code(variant=[]), r"unknown variant \[\]"),
        (lambda: tasks.elicitation(task=[]), r"no task \[\]"),
    ],
)
def test_a_value_that_is_needed_is_asked_for(make: Any, said: str) -> None:
    with pytest.raises(UserError, match=said):
        make()


def test_a_log_of_answers_has_no_response_that_was_shown(tmp_path: Any) -> None:
    """The model is one that gives the log-probs of its prompt: it is not to blame."""
    from inspect_ai.dataset import Sample

    task = inspect_ai.Task(dataset=[Sample(input="Hello?", target="Hello.")])
    [log] = inspect_ai.eval(task, model="inoc/toy", log_dir=str(tmp_path), display="none")
    with pytest.raises(UserError, match="score_response") as error:
        inspect_ai.score(log, scorers.response_logprob(), display="none")
    assert "inoc/" not in error.value.message
