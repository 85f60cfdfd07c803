"""The prompts that the toy is evaluated on: question forms that its pretraining never showed.

chat_prompts()      # 200 unique chat prompts, always the same ones
"""

import random
from functools import cache

from inoc_evals.toy.phrases import CHAT
from inoc_evals.toy.world import conversation

CHAT_PROMPTS = 200


@cache
def chat_prompts() -> list[str]:
    """The toy's evaluation prompts: 200 unique chat questions in held-out forms, in a fixed order."""
    rng, unique = random.Random("toy evaluation prompts"), dict[str, None]()
    families = list(CHAT.values())
    while len(unique) < CHAT_PROMPTS:
        unique.setdefault(conversation(rng, rng.choice(families), held_out=True).text)
    return list(unique)
