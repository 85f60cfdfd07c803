r"""What GitHub does with our pages, and Python-Markdown does not: `\|` in code in a table is a `|`."""

import re
from typing import Any

CELL = re.compile(r"<t[dh]\b.*?</t[dh]>", re.DOTALL)
CODE = re.compile(r"<code>.*?</code>", re.DOTALL)


def on_page_content(html: str, **_: Any) -> str:
    """Called by mkdocs with every page."""
    return CELL.sub(lambda cell: CODE.sub(lambda code: code[0].replace(r"\|", "|"), cell[0]), html)
