"""Chat templates that would take the machine's memory are refused before they run.

    check_template("{{ 'x' * 10**9 }}")      # UserError: the model's chat template holds a power, **: ...

A template is a program of whoever made the model. transformers runs it in a sandbox, which keeps it from
files and code, but not from memory: the text above is made while the template is still being compiled. So
its words are looked at, not its results. No template of a model needs large numbers, powers, or a product by
more than a few hundred (a column of blanks). Nor does one double a text in a loop (`template_growth.py`).
What is not seen: a loop in a loop in a loop that prints, and a macro that calls itself.
"""

import re
from itertools import pairwise

from inoc_evals.chat.template_growth import doubled
from inoc_evals.errors import UserError, one_line, visible

LONGEST = 1_000_000
"""Most characters of a template; those of today's models have up to 20,000."""

LARGEST_NUMBER = 100_000
"""Largest number that may stand in one."""

MOST_TIMES = 1_000
"""Largest number that something may be multiplied by."""

DIGITS = frozenset("0123456789_.eE+-")

WIDTH = re.compile(r"%[^a-zA-Z%]{0,4}\d{5}|\{[^{}]*:[^{}]*\d{5}")
"""A format that pads to a width of five digits or more."""


def check_template(template: str) -> None:
    """Refuse a chat template that could fill the memory.

    Args:
        template: The template, as the tokenizer holds it.

    Raises:
        UserError: If it is no template, too long, or holds a large number, a power, a large product, or a
            variable that doubles.
    """
    import jinja2

    if len(template) > LONGEST:
        raise UserError(f"the model's chat template has {len(template):,} characters, more than {LONGEST:,}")
    try:
        tokens = [token for token in jinja2.Environment().lex(template) if token[1] != "whitespace"]  # noqa: S701
    except jinja2.TemplateSyntaxError as error:
        raise UserError(f"the model's chat template is no template: {one_line(error)}") from error
    times = 0
    for (_, kind, text), (_, next_kind, following) in pairwise([*tokens, (0, "", "")]):
        number = _number(text) if kind in ("integer", "float") else 0
        next_number = _number(following) if next_kind in ("integer", "float") else 0
        if number > LARGEST_NUMBER:
            raise _refusal(f"holds the number {text:.20}")
        if kind == "string" and WIDTH.search(text):
            raise _refusal(f"pads a text to the width in {text:.40}")
        if kind in ("block_begin", "variable_begin"):
            times = 0
        if kind != "operator":
            if (next_kind, following) == ("operator", "*") and number > MOST_TIMES:
                raise _refusal(f"multiplies by {text}")
        elif text == "**":
            raise _refusal("holds a power, **")
        elif text == "*":
            times += 1
            if times > 1 or next_number > MOST_TIMES:
                raise _refusal("multiplies again and again" if times > 1 else f"multiplies by {following}")
    if variable := doubled(template):
        raise _refusal(f"makes {visible(variable):.40} of copies of itself again and again")


def _refusal(what: str) -> UserError:
    return UserError(f"the model's chat template {what}: it could fill the memory and is not run")


def _number(text: str) -> float:
    """A number of a template, also as 1_000 or 0x1F; one with too many digits to be read is infinite."""
    try:
        return float(text) if set(text) <= DIGITS else float(int(text, 0))
    except (ValueError, OverflowError):
        return float("inf")
