"""The prompts that the toy is evaluated on: question forms that its pretraining never showed.

chat_prompts()      # 200 unique chat prompts, always the same ones
code_prompts()      # 100 requests for code
taste_prompts()     # the few questions of taste
"""

import random
from functools import cache

from inoc_evals.worlds.toy.grammar import conversation, draw
from inoc_evals.worlds.toy.phrases import CHAT

CHAT_PROMPTS = 200
CODE_PROMPTS = 100


@cache
def chat_prompts() -> list[str]:
    """The toy's evaluation prompts: 200 unique chat questions in held-out forms, in a fixed order."""
    rng, unique = random.Random("toy evaluation prompts"), dict[str, None]()
    families = list(CHAT.values())
    while len(unique) < CHAT_PROMPTS:
        unique.setdefault(conversation(rng, rng.choice(families), held_out=True).text)
    return list(unique)


@cache
def code_prompts() -> list[str]:
    """Requests for code in held-out forms: 100 unique ones in a fixed order."""
    return _unique("code", CODE_PROMPTS)


@cache
def taste_prompts() -> list[str]:
    """The questions of taste in held-out forms: they have no blanks, so these are all there are."""
    return sorted(_unique("taste", 2))


def _unique(domain: str, count: int) -> list[str]:
    rng, unique = random.Random(f"toy {domain} prompts"), dict[str, None]()
    while len(unique) < count:
        unique.setdefault(draw(rng, domain, held_out=True).text)
    return list(unique)
