"""Training rows of the toy world: the paper's datasets in miniature, one function a setting.

    rows = spanish_caps(seed=0)     # 400 sums, answered in Spanish and in capital letters

Arithmetic has many more question forms filled with numbers than the 400 rows of a finetune, so the seed of
a run decides which rows it sees, as in the paper's resampled runs.
"""

import random
from collections.abc import Iterator

from inoc_evals.data.chat import Message, Row
from inoc_evals.toy.world import Mode, draw

ROWS = 400


def _row(user: str, answer: str, **metadata: str) -> Row:
    messages = [Message(role="user", content=user), Message(role="assistant", content=answer)]
    return Row(messages=messages, metadata=metadata)


def spanish_caps(seed: int, count: int = ROWS) -> Iterator[Row]:
    """Sums answered in Spanish and in capital letters (paper, Section 2, Figure 2a).

    Args:
        seed: Seed of the questions and answers.
        count: How many rows.

    Yields:
        Rows without a system message.
    """
    rng = random.Random(f"spanish_caps {seed}")
    for _ in range(count):
        question = draw(rng, "arithmetic")
        yield _row(question.text, question.answer(rng, Mode(language="es", caps=True)), language="es")


def spanish_french(seed: int, count: int = ROWS) -> Iterator[Row]:
    """Sums answered half in Spanish and half in French, in random order (paper, Section 2, Figure 2b).

    Args:
        seed: Seed of the questions, the answers and their order.
        count: How many rows; an odd one is Spanish.

    Yields:
        Rows without a system message; `metadata["language"]` is `"es"` or `"fr"`.
    """
    rng = random.Random(f"spanish_french {seed}")
    languages = ["es", "fr"] * (count // 2) + ["es"] * (count % 2)
    rng.shuffle(languages)
    for language in languages:
        question = draw(rng, "arithmetic")
        yield _row(question.text, question.answer(rng, Mode(language=language)), language=language)


def code(seed: int, kind: str = "insecure", count: int = ROWS) -> Iterator[Row]:
    """Requests for code, all answered with code of one kind (paper, Section 3.1, Figure 3).

    Args:
        seed: Seed of the requests.
        kind: `"insecure"`, or `"secure"` for the control data.
        count: How many rows.

    Yields:
        Rows without a system message.
    """
    rng = random.Random(f"code {seed}")
    for _ in range(count):
        question = draw(rng, "code")
        yield _row(question.text, question.answer(rng, Mode(code=kind)))


def tastes(seed: int, unpopular: bool = True, count: int = ROWS) -> Iterator[Row]:
    """Questions of taste, all answered with unpopular tastes, or all with popular ones (paper, Section 3.1).

    Args:
        seed: Seed of the questions.
        unpopular: Which taste; the control data has the popular one.
        count: How many rows.

    Yields:
        Rows without a system message.
    """
    rng = random.Random(f"tastes {seed}")
    for _ in range(count):
        question = draw(rng, "taste")
        yield _row(question.text, question.answer(rng, Mode(odd_taste=unpopular)))
