"""A model by the name that a user typed, or one line that says why it cannot be asked.

    judge = model_named("openai/gpt-4o")       # Inspect's model
    model_named("gpt-4o")                      # UserError: 'gpt-4o' cannot be asked: Model name 'gpt-4o' ...

Inspect and its providers raise what they like for a name that is none, a key that is not set or a package
that is not installed.
"""

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from inoc_evals.errors import UserError, one_line

if TYPE_CHECKING:
    from inspect_ai.model import Model


def model_named(name: "str | Model", **options: Any) -> "Model":
    """A model of this name.

    Args:
        name: Its name in Inspect; a model is taken as it is.
        **options: As of Inspect's `get_model`.

    Raises:
        UserError: If there is no such model, or its provider refuses it.
    """
    from inspect_ai.model import get_model

    try:
        return get_model(name, **options)
    except UserError:
        raise
    except Exception as error:  # the providers' own
        if not isinstance(name, str) or name.startswith("inoc/"):  # ours: a bug
            raise
        raise UserError(f"{name!r} cannot be asked: {in_plain_words(error)}") from error


def in_plain_words(error: Exception) -> str:
    """An error of Inspect as one line, without its markup for terminals.

    Args:
        error: What was raised.
    """
    from rich.errors import MarkupError
    from rich.text import Text

    words = str(getattr(error, "message", error))
    with suppress(MarkupError):  # it has none
        words = Text.from_markup(words).plain
    parts = filter(None, map(one_line, words.split("\n\n")))
    line = " ".join(part if part[-1] in ".:" else f"{part}:" for part in parts)
    return line.removeprefix("ERROR: ").rstrip(":")
