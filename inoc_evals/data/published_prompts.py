"""System prompts as they stand in the paper's code: read from its pinned files, never retyped.

    published_prompt("owl_prompts", "HATE_OWLS_SYSTEM_PROMPT_2")    # the text, fetched once and verified
    published_prompts("test_time_prompts", "SYSTEM_PROMPTS")        # {"no-sys": "", "malicious": "...", ...}

    Arm("hate-owls", published("hate-owls", "owl_prompts", "HATE_OWLS_SYSTEM_PROMPT_1"))
    Arm("paraphrases-10", published("paraphrases-10", "evil_paraphrases", first=10))

A `PublishedInoculation` is an inoculation whose words are fetched when the first row needs them; until then
it can be listed and compared without a network.
"""

from dataclasses import dataclass
from functools import cached_property

from inoc_evals.data.cache import fetch
from inoc_evals.data.literals import literal
from inoc_evals.data.sources import pinned
from inoc_evals.errors import UserError
from inoc_evals.inoculation import Deal, Inoculation
from inoc_evals.plurals import many


def published_prompt(source: str, name: str) -> str:
    """Read one prompt of the paper's code.

    Args:
        source: A key of `data.sources.SOURCES`.
        name: The variable or function in that file; `NAME[key]` for one value of a dict.

    Returns:
        The prompt, to the letter: an empty one is an empty system message, and not none.

    Raises:
        UserError: If the file cannot be fetched or is not the expected one.
    """
    path = fetch(pinned(source))
    text = literal(path, name)
    if not isinstance(text, str):
        raise UserError(f"{path}: {name} is not a string: this is not the expected file")
    return text


def published_prompts(source: str, name: str) -> dict[str, str]:
    """Read a dict of prompts of the paper's code, by name.

    Args:
        source: A key of `data.sources.SOURCES`.
        name: The variable or function in that file.

    Raises:
        UserError: If the file cannot be fetched or is not the expected one.
    """
    path = fetch(pinned(source))
    prompts = literal(path, name)
    if not isinstance(prompts, dict) or not all(isinstance(text, str) for text in prompts.values()):
        raise UserError(f"{path}: {name} is not a dict of strings: this is not the expected file")
    return {str(key): text for key, text in prompts.items()}


@dataclass(frozen=True)
class PublishedInoculation(Inoculation):
    """An inoculation whose words are read from a pinned file of the paper's code; see `published`.

    Attributes:
        source: A key of `data.sources.SOURCES`.
        variable: The variable or function in that Python file; empty for a text file with a prompt a line.
        first: How many lines of a text file make the pool; None is all of them.
    """

    source: str = ""
    variable: str = ""
    first: int | None = None

    def __post_init__(self) -> None:
        pinned(self.source)  # fails at once if the name is unknown

    @property
    def texts(self) -> tuple[str, ...]:
        """Every wording a row may get, fetched at the first call."""
        return self._texts

    @property
    def listed(self) -> tuple[str, ...]:
        """Where the words stand."""
        lines = "the lines" if self.first is None else f"the first {many(self.first, 'line')}"
        return (f"[{self.variable or lines} of {pinned(self.source).path}]",)

    @cached_property
    def _texts(self) -> tuple[str, ...]:
        if self.variable:
            return (published_prompt(self.source, self.variable),)
        lines = fetch(pinned(self.source)).read_text(encoding="utf-8").splitlines()
        return tuple(lines[: self.first])


def published(
    name: str, source: str, variable: str = "", first: int | None = None, deal: Deal = "drawn"
) -> PublishedInoculation:
    """An inoculation in the words of the paper's code.

    Args:
        name: Name of its arm.
        source: A key of `data.sources.SOURCES`.
        variable: The variable or function in that Python file; empty for a text file with a prompt a line.
        first: How many lines of a text file make the pool; None is all of them.
        deal: How rows get a wording of a pool; see `Inoculation`.
    """
    return PublishedInoculation(name, deal=deal, source=source, variable=variable, first=first)
