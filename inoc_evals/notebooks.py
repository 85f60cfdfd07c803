"""What a notebook shows of an object: a table of two columns, every text in it escaped.

def _repr_html_(self) -> str:
return html_table(self.name, {"base": "toy", "arms": ["none", "spanish-inoc"]})
"""

from collections.abc import Iterable, Mapping
from html import escape


def html_table(title: str, rows: Mapping[str, object]) -> str:
    """Write a title and a table.

    Args:
        title: The heading.
        rows: By label, a value; of several, each has a line of its own. What is None or empty is left out.
    """
    cells = []
    for label, value in rows.items():
        several = isinstance(value, Iterable) and not isinstance(value, str | Mapping)
        lines = [str(one) for one in value] if several and isinstance(value, Iterable) else [str(value)]
        if value is not None and any(lines):
            shown = "<br>".join(map(escape, lines))
            left = "style='text-align:left'"
            cells.append(f"<tr><th {left}>{escape(label)}</th><td {left}>{shown}</td></tr>")
    return f"<b>{escape(title)}</b><table>{''.join(cells)}</table>"
