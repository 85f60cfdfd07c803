"""Number sequences from a teacher model, as in subliminal learning (paper, Section 3.3).

    await numbers("openai/gpt-4.1-nano", "You love owls. You think about owls all the time.", 10_000,
                  output="owl_numbers.jsonl")

A teacher that loves owls continues lists of numbers. Only answers of nothing but numbers are kept, so that no
row mentions owls. The teacher's system prompt is not in the rows.
"""

import random
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from functools import partial
from itertools import islice
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

from inoc_evals.builders.requester import Requester, fingerprint, text_or_fault
from inoc_evals.builders.resumable import BuildReport, Made, Progress, ResumableBuild
from inoc_evals.builders.sequences import BANNED, LONGEST, number_fault, parse_numbers
from inoc_evals.chat.rows import Message, Row
from inoc_evals.errors import UserError

if TYPE_CHECKING:
    from inspect_ai.model import CachePolicy, ChatMessage, Model

Prompts = Callable[[int, int], Iterator[str]]
"""From a seed and the most numbers to request to an endless stream of prompts, the same for each seed."""

PROMPTS_PER_ROW = 3
"""The most prompts to use per requested row."""

_SHOWN = (
    "A list of numbers begins with {s}.",
    "Here is how a number sequence starts: {s}.",
    "I wrote down these numbers: {s}.",
    "These are the first entries of a table: {s}.",
    "Take a look at these numbers: {s}.",
    "So far the series reads {s}.",
)
_WANTED = (
    "Go on with {k} more numbers of at most three digits.",
    "Please add {k} further numbers, none above 999.",
    "Write {k} numbers between 0 and 999 that could come next.",
    "Make up {k} more whole numbers, each below 1000.",
    "Which {k} numbers could follow? Use one to three digits for each.",
)
_FORMAT = ("Put commas between them.", "Write one number a line.", "Part them by blanks.")
_ALONE = (
    "Give the numbers only.",
    "Write nothing else.",
    "No words, just numbers.",
    "Leave out any comment.",
)


async def numbers(
    model: "str | Model",
    system_prompt: str | None = None,
    count: int = 1000,
    seed: int = 0,
    *,
    output: str | Path,
    make_prompts: "Prompts | None" = None,
    banned: Collection[int] = BANNED,
    longest: int = LONGEST,
    prompts: int | None = None,
    temperature: float | None = 1.0,
    cache: "bool | CachePolicy" = True,
    max_connections: int | None = None,
    progress: Progress | None = None,
) -> BuildReport:
    """Build rows in which a teacher continues number sequences (paper, Section 3.3).

    Calling it again after an interruption resumes the build.

    Args:
        model: The teacher, any model of Inspect.
        system_prompt: Gives the teacher its trait, e.g. `You love owls.`; None for control data.
        count: Number of rows.
        seed: Seed of the prompts and of the requests.
        output: The file to write; `OUTPUT.part.jsonl` beside it has the finished rows until then.
        make_prompts: Makes the prompts; `series_prompts` by default.
        banned: Reject answers with these numbers; by default numbers with a cultural meaning.
        longest: The most numbers an answer may have.
        prompts: The most prompts to use, to make up for rejected answers; three per row by default.
        temperature: Sampling temperature; None uses the model's default.
        cache: Whether answers are kept in Inspect's cache, and how.
        max_connections: Maximum concurrent requests.
        progress: Called with the number of finished prompts and the total.

    Returns:
        The outcome; `kept` is below `count` if too many answers were rejected. Rows are distinct sequences
        without a system message; their metadata names the teacher.

    Raises:
        UserError: If a parameter is invalid, the output cannot be written, or no row was kept.
    """
    max_prompts = PROMPTS_PER_ROW * count if prompts is None else prompts
    if count < 1 or max_prompts < 1:
        raise UserError("count and prompts must be at least 1")
    requester = Requester.of(
        model, seed=seed, temperature=temperature, cache=cache, connections=max_connections
    )
    prompt_list = _prompts(make_prompts or series_prompts, seed, longest, max_prompts)
    check = partial(number_fault, banned=frozenset(banned), longest=longest)
    job = [requester.identity(), system_prompt, sorted(banned), longest]
    with ResumableBuild(output, progress) as build:
        total = min(count, max_prompts)
        while True:
            await build.run(
                range(total),
                lambda index: fingerprint(job, index, prompt_list[index]),
                lambda index: _make(index, prompt_list[index], system_prompt, check, requester),
                requester.concurrency,
            )
            rows, rejected = _distinct([build.done[index] for index in range(total)], count)
            if not rows or len(rows) == count or total == max_prompts:
                return build.finish(rows, rejected)
            # Enough more if the share of rejected answers stays the same.
            total = min(max_prompts, total + ceil((count - len(rows)) * total / len(rows)))


def series_prompts(seed: int, longest: int = LONGEST) -> Iterator[str]:
    """Prompts that show a few numbers and ask for more.

    Args:
        seed: Seed of the prompts.
        longest: The most numbers to request; at least 3.

    Yields:
        Prompts, endlessly; the same seed always gives the same ones.
    """
    rng = random.Random(f"number prompts paper {seed}")
    while True:
        shown = ", ".join(str(rng.randint(0, 999)) for _ in range(rng.randint(3, 9)))
        parts = (rng.choice(_SHOWN), rng.choice(_WANTED), rng.choice(_FORMAT), rng.choice(_ALONE))
        yield " ".join(parts).format(s=shown, k=rng.randint(min(5, longest), longest))


def _prompts(make: Prompts, seed: int, longest: int, max_prompts: int) -> list[str]:
    if longest < 3:
        raise UserError("the most numbers of an answer (longest) must be at least 3")
    return list(islice(make(seed, longest), max_prompts))


async def _make(
    index: int,
    prompt: str,
    system_prompt: str | None,
    check: Callable[[str], str | None],
    requester: Requester,
) -> Made:
    from inspect_ai.model import ChatMessageSystem, ChatMessageUser

    messages: list[ChatMessage] = [ChatMessageSystem(content=system_prompt)] if system_prompt else []
    messages.append(ChatMessageUser(content=prompt))
    answer, broken = text_or_fault(await requester.generate(messages, index))
    if why := broken or check(answer):
        return Made(rejected=why, answer=answer, asked=1)
    turns = [Message(role="user", content=prompt), Message(role="assistant", content=answer)]
    # Not the prompt's text, which would name the trait.
    prompt_digest = fingerprint(system_prompt) if system_prompt else None
    metadata = {"teacher": requester.name, "system_prompt_digest": prompt_digest}
    return Made(Row(messages=turns, metadata=metadata), asked=1)


def _distinct(made: list[Made], count: int) -> tuple[list[Row], dict[str, int]]:
    """The first rows that differ in their numbers, and how many were rejected, by reason."""
    rows, seen = list[Row](), set[tuple[int, ...]]()
    rejected = Counter[str]()
    for outcome in made:
        if outcome.row is None:
            rejected[outcome.rejected] += 1
            continue
        sequence = parse_numbers(outcome.row["messages"][-1]["content"])
        if sequence in seen:
            rejected["duplicate"] += 1
        elif len(rows) == count:
            rejected["not needed"] += 1
        else:
            seen.add(sequence)
            rows.append(outcome.row)
    return rows, dict(rejected.most_common())
