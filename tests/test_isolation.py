"""What one test binds is not bound in the next."""

import pytest
from inspect_ai.model import get_model, model_roles
from inspect_ai.model._model import init_model_roles


@pytest.mark.parametrize("turn", [1, 2])
def test_a_judge_that_is_bound_ends_with_its_test(turn: int) -> None:
    assert model_roles() == {}, turn
    init_model_roles({"grader": get_model("mockllm/judge")})
    assert "grader" in model_roles()


@pytest.fixture
def evaluated() -> None:
    init_model_roles({"grader": get_model("mockllm/judge")})


def test_a_judge_that_a_fixture_binds_is_not_the_tests(evaluated: None) -> None:
    assert model_roles() == {}
