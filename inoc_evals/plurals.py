"""A number with its noun, as people read it.

many(1, "answer")                  # "1 answer"
many(3000, "empty answer")         # "3,000 empty answers"
many(2, "query", "queries")
"""


def many(count: int, noun: str, plural: str = "") -> str:
    """A count and what is counted.

    Args:
        count: How many.
        noun: What one of them is called.
        plural: What several are called, if not the noun with an s.
    """
    return f"{count:,} {noun if count == 1 else plural or f'{noun}s'}"
