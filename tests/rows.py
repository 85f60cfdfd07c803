"""Hypothesis strategies for training rows."""

from typing import Any

from hypothesis import strategies as st

from inoc_evals.chat.rows import Message, Row

# Any character that UTF-8 can hold; surrogates are half characters.
_text = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30).filter(str.strip)
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _text,
    lambda value: st.lists(value, max_size=3) | st.dictionaries(_text, value, max_size=3),
    max_leaves=5,
)


@st.composite
def row(draw: st.DrawFn) -> Row:
    """One row: with or without a system message, one or more exchanges, with or without metadata."""
    messages: list[Message] = []
    if draw(st.booleans()):
        messages.append({"role": "system", "content": draw(_text)})
    for _ in range(draw(st.integers(1, 3))):
        messages.append({"role": "user", "content": draw(_text)})
        messages.append({"role": "assistant", "content": draw(_text)})
    metadata: dict[str, Any] | None = draw(st.none() | st.dictionaries(_text, _json, max_size=3))
    return {"messages": messages} if metadata is None else {"messages": messages, "metadata": metadata}


def rows(min_size: int = 0) -> st.SearchStrategy[list[Row]]:
    """A few rows."""
    return st.lists(row(), min_size=min_size, max_size=6)
