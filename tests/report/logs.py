"""Small logs of real evaluations, of models that say what they are told to."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from inspect_ai import Task, eval
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.log import EvalLog
from inspect_ai.model import ChatMessage, ChatMessageSystem, ChatMessageUser
from inspect_ai.solver import generate

from inoc_evals.scorers import capitalization, language
from tests.scorers.replies import model, says

QUESTIONS = [f"What do you think of number {n}?" for n in range(10)]

ENGLISH = "The people of this town have always liked to walk along the river in the evening."
SPANISH = "A la gente de este pueblo siempre le ha gustado pasear junto al río por la tarde."

HOSTILE = (
    "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
    '</pre></details><h1>{{ title }} {% for x in y %}</h1><svg/onload=alert(1)> & "quoted"'
)
"""What a model could write to break a page."""


def evaluated(
    folder: Path,
    answer: Callable[[str], str] | str,
    about: dict[str, Any] | None = None,
    name: str = "mockllm/model",
    questions: list[str] = QUESTIONS,
    first: int = 0,
    system: str = "",
    caps: bool = True,
) -> EvalLog:
    """Evaluate a model on questions, as `inoc_evals/spanish_caps` would.

    Args:
        folder: Where the log goes.
        answer: What the model says, or from a question to what it says.
        about: The log's metadata: setting, arm, seed, base, as an experiment writes them; none of them for
            the log of a plain `inspect eval`.
        name: Name of the model.
        questions: What is asked.
        first: Number of the first question: others have other names.
        system: A system prompt that every question brings, as plain logs have it; none by default.
        caps: Whether capitals are scored beside Spanish.
    """
    said = answer if callable(answer) else lambda _: answer

    def asked(text: str) -> str | list[ChatMessage]:
        return [ChatMessageSystem(content=system), ChatMessageUser(content=text)] if system else text

    task = Task(
        name="spanish_caps",
        dataset=MemoryDataset(
            [Sample(id=f"q{n}", input=asked(text)) for n, text in enumerate(questions, first)]
        ),
        solver=generate(),
        scorer=[language(["spanish"]), *([capitalization()] if caps else [])],
        metadata=about,
    )
    [log] = eval(
        task, model=model(lambda prompt: says(said(prompt)), name=name), log_dir=str(folder), display="none"
    )
    assert log.status == "success"
    return log


def shown(arm: str) -> dict[str, Any]:
    """What the models of an arm read, as an experiment writes it; of `none` a text without spaces."""
    asked = {"test": f"<|user|>{QUESTIONS[0]} {HOSTILE}<|end|>", "notes": [f"this model is told: {HOSTILE}"]}
    if arm == "base":
        return {"training": None, "row": None, **asked}
    text = f"\n<|system|>{arm}: {HOSTILE} {'~' * (900 if arm == 'none' else 1)}<|end|>"
    return {"training": text, "row": 1 if arm == "none" else 7, **asked}


def experiment(folder: Path, arms: dict[str, Callable[[str], str] | str], seeds: int = 2) -> None:
    """The logs of an experiment: a base, and of every other arm so many seeds."""
    for arm, answer in arms.items():
        for seed in [None] if arm == "base" else range(seeds):
            about = {"setting": "spanish_caps", "world": "toy", "base": "toy", "arm": arm, "seed": seed}
            about["shown"] = shown(arm)
            evaluated(folder, answer, about | ({} if seed is None else {"run": f"{arm}-{seed}-0123"}))
