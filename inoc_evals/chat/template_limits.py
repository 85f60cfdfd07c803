"""Chat templates that would take the machine's memory are refused before they run.

    check_template("{{ 'x' * 10**9 }}")      # UserError: the chat template holds the number 1000000000 ...

A template is a program of whoever made the model. transformers runs it in a sandbox, which keeps it from
files and code, but not from memory: the text above is made while the template is still being compiled. So
its words are looked at, not its results. No template of a model needs large numbers, powers, or a product by
more than a few hundred (a column of blanks). A template that doubles a text in a loop is not seen here.
"""

from itertools import pairwise

from inoc_evals.errors import UserError, one_line

LONGEST = 1_000_000
"""Most characters of a template; those of today's models have up to 20,000."""

LARGEST_NUMBER = 100_000
"""Largest number that may stand in one."""

MOST_TIMES = 1_000
"""Largest number that something may be multiplied by."""


def check_template(template: str) -> None:
    """Refuse a chat template that could fill the memory.

    Args:
        template: The template, as the tokenizer holds it.

    Raises:
        UserError: If it is no template, too long, or holds a large number, a power or a large product.
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
        if kind == "integer" and _number(text) > LARGEST_NUMBER:
            raise UserError(
                f"the model's chat template holds the number {text:.20}: it would fill the memory"
            )
        if (kind, text) == ("operator", "**"):
            raise UserError("the model's chat template holds a power (**): it could fill the memory")
        if kind in ("block_begin", "variable_begin"):
            times = 0
        if (kind, text) == ("operator", "*"):
            times += 1
            if times > 1 or (next_kind == "integer" and _number(following) > MOST_TIMES):
                raise UserError("the model's chat template multiplies too often: it could fill the memory")
        if kind == "integer" and (next_kind, following) == ("operator", "*") and _number(text) > MOST_TIMES:
            raise UserError("the model's chat template multiplies too often: it could fill the memory")


def _number(text: str) -> int:
    """An integer of a template: 1_000, 0x1F; one with too many digits to be read is larger than any."""
    try:
        return int(text, 0)
    except ValueError:
        return int(text) if len(text) < 100 else LARGEST_NUMBER + 1
