"""What is rendered before anything is spent, and what is refused then: in every arm alike."""

from pathlib import Path

import pytest

from inoc_evals.chat.rows import Row
from inoc_evals.errors import UserError
from inoc_evals.experiment.experiment import Experiment
from inoc_evals.experiment.plan import make_plan
from inoc_evals.finetune.preflight import FORMS, ROWS, Examples
from tests.chat.template_table import FAMILIES
from tests.tiny import build_tiny

MINE = """
from inoc_evals import Arm, Inoculation, Measure, Setting

def rows(seed):
    return [{"messages": [{"role": "assistant", "content": "The sea rises."}]}] * 40

book = Setting(
    name="book",
    summary="",
    rows={"paper": rows},
    arms=(Arm("none"), Arm("inoc", Inoculation("inoc", "You are evil."))),
    broad=(Measure("spanish_caps", ("caps",), parameters={"questions": "bundled", "scoring": "detector"}),),
)
"""


def conversation(*roles: str) -> Row:
    return {"messages": [{"role": role, "content": "x"} for role in roles]}  # type: ignore[typeddict-item]


def test_of_many_rows_the_first_and_one_of_every_form_are_examples() -> None:
    examples = Examples()
    plain, prompted = conversation("user", "assistant"), conversation("system", "user", "assistant")
    for row in [plain] * 500 + [prompted] * 500 + [plain] * 500:
        examples.see(row)
    assert examples.rows == [plain] * ROWS + [prompted]
    for length in range(2, 200):
        examples.see(conversation(*["user", "assistant"] * length))
    assert len(examples.rows) == ROWS + FORMS


@pytest.fixture(params=["qwen2_5", "llama3", "gemma3", "llama2"])
def template(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The name of a chat template that a base of our own has."""
    (tmp_path / "mine.py").write_text(MINE)
    base = build_tiny(tmp_path / "base")
    [family] = [family for family in FAMILIES if family.template == request.param]
    family.tokenizer().save_pretrained(base)
    return str(request.param)


def plan(folder: Path, arm: str) -> list[str]:
    """The first rows of an arm as a plan shows them."""
    experiment = Experiment.model_validate(
        {
            "settings": (f"{folder / 'mine.py'}:book",),
            "bases": (str(folder / "base"),),
            "arms": (arm,),
            "seeds": 1,
            "world": "paper",
            "finetune": {"max_steps": 2, "warmup_steps": 0},
            "runs": str(folder / "runs"),
            "logs": str(folder / "logs"),
        }
    )
    shown = make_plan(experiment).as_dict()["shown"]
    assert [one["prompt"] for one in shown] == [""]
    return [one["training"] for one in shown]


@pytest.mark.parametrize("arm", ["none", "inoc"])
def test_rows_without_a_question_are_planned_in_every_arm_or_refused_in_every_arm(
    template: str, arm: str, tmp_path: Path
) -> None:
    if template in ("gemma3", "llama2"):
        with pytest.raises(UserError, match=f"arm {arm}: row 1: the conversation starts with the assistant"):
            plan(tmp_path, arm)
        assert not (tmp_path / "runs").exists()
        return
    [shown] = plan(tmp_path, arm)
    assert ("You are evil." in shown) == (arm == "inoc")
    assert shown.rstrip().endswith(("The sea rises.<|im_end|>", "The sea rises.<|eot_id|>"))
