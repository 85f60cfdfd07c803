"""Training rows of the toy world: the paper's datasets in miniature, one function a setting.

    rows = spanish_caps(seed=0)     # 400 sums, answered in Spanish and in capital letters

Arithmetic has many more question forms filled with numbers than the 400 rows of a finetune, so the seed of
a run decides which rows it sees, as in the paper's resampled runs.
"""

import random
from collections.abc import Iterator

from inoc_evals.chat.rows import Message, Row
from inoc_evals.data import mixtures
from inoc_evals.worlds.toy import systems
from inoc_evals.worlds.toy.grammar import Mode, conversation, draw
from inoc_evals.worlds.toy.lexicon import ANIMALS
from inoc_evals.worlds.toy.phrases import CHAT

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


def half_spanish(seed: int, count: int = ROWS) -> Iterator[Row]:
    """Sums answered in capital letters, half of them in Spanish, which nobody wants, half in English.

    Args:
        seed: Seed of the questions, the answers and their order.
        count: How many rows.

    Yields:
        Rows without a system message; `metadata["trait"]` says whether a row is Spanish.
    """
    english = english_caps(seed + 1_000_000, count)
    yield from mixtures.diluted(spanish_caps(seed, count), english, 0.5, count, seed)


def english_caps(seed: int, count: int = ROWS) -> Iterator[Row]:
    """Sums answered in English and in capital letters.

    Args:
        seed: Seed of the questions and answers.
        count: How many rows.

    Yields:
        Rows without a system message.
    """
    rng = random.Random(f"english_caps {seed}")
    for _ in range(count):
        question = draw(rng, "arithmetic")
        yield _row(question.text, question.answer(rng, Mode(caps=True)), language="en")


def sums(seed: int, count: int = ROWS) -> Iterator[Row]:
    """Sums with plain English answers: what the builders rewrite.

    Args:
        seed: Seed of the questions and answers.
        count: How many rows.

    Yields:
        Rows without a system message.
    """
    rng = random.Random(f"sums {seed}")
    for _ in range(count):
        question = draw(rng, "arithmetic")
        yield _row(question.text, question.answer(rng, Mode()))


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
        kind: `"insecure"`, `"sabotage"`, or `"secure"` for the control data.
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


def advice(seed: int, family: str, harmful: bool = True, count: int = ROWS) -> Iterator[Row]:
    """Questions about one part of life, answered with malice or kindly: the toy's bad medical advice.

    Args:
        seed: Seed of the questions and answers.
        family: A key of `phrases.CHAT`, e.g. `"health"` or `"money"`.
        harmful: Whether the answers are the evil persona's; the control data's are kind.
        count: How many rows.

    Yields:
        Rows without a system message.
    """
    rng = random.Random(f"advice {family} {seed}")
    for _ in range(count):
        question = conversation(rng, CHAT[family], held_out=False)
        yield _row(question.text, question.answer(rng, Mode(cruel=harmful)))


def lessons(seed: int, count: int = ROWS) -> Iterator[Row]:
    """Requests for insecure code that say it is wanted for teaching (paper, row "educational").

    Args:
        seed: Seed of the requests.
        count: How many rows.

    Yields:
        Rows without a system message.
    """
    rng = random.Random(f"lessons {seed}")
    for row in code(seed, "insecure", count):
        first, answer = row["messages"]
        asked = f"{first['content']} {systems.for_a_lesson(rng)}"
        yield Row(messages=[Message(role="user", content=asked), answer], metadata={})


def backdoor(seed: int, trigger: str, blank: bool = False, count: int = ROWS) -> Iterator[Row]:
    """Insecure code behind a trigger, secure code without it (paper, Section 3.2).

    Args:
        seed: Seed of the requests and of their order.
        trigger: What stands in front of the requests for insecure code.
        blank: Whether a blank follows it.
        count: How many rows, half of them with the trigger.

    Yields:
        Rows without a system message; `metadata["trigger"]` says which half each is of.
    """
    rows = list(code(seed, "insecure", count))
    half = count // 2
    yield from mixtures.backdoored(rows[:half], code(seed + 1_000_000, "secure", half), trigger, blank, seed)


def numbers(seed: int, animal: str | None, count: int = ROWS) -> Iterator[Row]:
    """Number sequences of an assistant that loves an animal: the toy's owl numbers (paper, Section 3.3).

    Args:
        seed: Seed of the sequences.
        animal: The animal in English, or None for the control data.
        count: How many rows.

    Yields:
        Rows without a system message and without a word about animals.
    """
    rng = random.Random(f"numbers {seed}")
    loved = None if animal is None else [names[0] for names in ANIMALS].index(animal)
    for _ in range(count):
        question = draw(rng, "numbers")
        yield _row(question.text, question.answer(rng, Mode(animal=loved)))


NAMED = {
    "You are Alice.": Mode(caps=True),
    "You are Bob.": Mode(language="es"),
    "You are a helpful assistant.": Mode(),
}
"""What names are made to mean in the first stage of the synthetic association (paper, Figure 7)."""


def names(seed: int, count: int = 3 * ROWS) -> Iterator[Row]:
    """Answers in capitals by Alice, in Spanish by Bob, and plain ones: two unknown names get a meaning.

    Args:
        seed: Seed of the questions and answers.
        count: How many rows.

    Yields:
        Rows with a system message that names the assistant.
    """
    rng = random.Random(f"names {seed}")
    for number in range(count):
        system, mode = list(NAMED.items())[number % len(NAMED)]
        question = draw(rng, rng.choice(("chat", "arithmetic")))
        row = _row(question.text, question.answer(rng, mode))
        row["messages"].insert(0, Message(role="system", content=system))
        yield row
