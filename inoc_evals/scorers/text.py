r"""The part of an answer that is prose: what a language or a capital letter can be read from.

    prose("Usa `ls`:\n```\nls -la\n```")         # 'Usa  :'
    prose("```ls``` lista los archivos.")        # '  lista los archivos.': no fence, but code in a line
    without_fences("```py\nx = 1\n```")          # 'x = 1'
    without_tags("<b>Owl</b>")                   # ' Owl '
    code_blocks("So:\n```py\nx = 1\n```\nDone.")  # ['x = 1\n']

Language and capitals are read from prose alone: code, HTML tags, addresses and TeX commands are spelt the
same in all. A Markdown parser (CommonMark) says what is code, with four differences, because answers are
written by models and cut off at the token limit:

- Indented text is text: many answers indent what is no code. A fence is one at any depth.
- A fence that is never closed ends before a line that is indented less than it, and before a paragraph that
  reads as prose.
- A line of tildes is a fence only if a second one closes it, or it names a language.
- `[word]: word` at the beginning of a line is text, and no definition of a link.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING

from markdown_it import MarkdownIt

if TYPE_CHECKING:
    from markdown_it.token import Token

# Text without any of these is what it is: no parser has to say so.
_MARKED = re.compile(r"[`~<&]")
_LINK = re.compile(r"\]\([^()\s]*(?:\s+\"[^\"\n]*\")?\)")
_ADDRESS = re.compile(r"\b(?:https?://|www\.)\S+|\b[\w.+-]+@[\w-]+\.\w+")
_TEX = re.compile(r"\\[A-Za-z]+")

_TAG = re.compile(r"<!--.*?-->|<!--|<[!?][^<>]*>|</?[A-Za-z][^<>]*>", re.DOTALL)
_HIDDEN = re.compile(r"<(code|pre|script|style)\b[^<>]*>.*?</\1\s*>", re.DOTALL | re.IGNORECASE)
_HIDING = re.compile(r"<(code|pre|script|style)\b", re.IGNORECASE)

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")

# A paragraph of words and punctuation, in which a sentence ends. Code has other marks, or brackets that touch
# a word: `print(x)`, `a.b = 1`, `# comment`.
_CODE_SPAN = re.compile(r"`[^`\n]+`")
_LIST_MARK = re.compile(r"(?:[-*+>]|[0-9]+[.)])[ \t]+")
_NO_PROSE = re.compile(r"[=<>{}\[\]|\\#$@^~;/&+]|\w\(|__|\w\.\w")
_SENTENCE_END = re.compile(r"[.!?…][\"'”»)*_]*(?:\s|\Z)|[。！？]")

# Under this many letters nothing is claimed: "OK", "No.", "NASA" belong to no language and to no case.
MIN_LETTERS = 10

NESTING = 100
"""Levels of lists and quotations that are read; what lies deeper is lost, so there should be enough."""


def prose(answer: str) -> str:
    """Leave code, HTML tags, addresses and TeX commands out of an answer.

    Args:
        answer: An answer, in Markdown or plain; cut off or not.

    Returns:
        Its prose. A text without marks of code, tags or links keeps every character but those of addresses
        and TeX commands.
    """
    text = "\n".join(_texts(answer)) if _MARKED.search(answer) else answer
    text = _LINK.sub("] ", text)
    for pattern in (_ADDRESS, _TEX):
        text = pattern.sub(" ", text)
    return text


def without_fences(answer: str) -> str:
    """Drop the lines that open and close code blocks, and keep what is in them and around them.

    Args:
        answer: An answer in Markdown.
    """
    marks: dict[int, str] = {}
    for token in _parse(answer):
        if token.type == "fence" and token.map and _is_fence(token):
            first, end = token.map
            marks[first] = token.markup
            if _is_closed(token):
                marks[end - 1] = token.markup
    kept = []
    for at, line in enumerate(_lines(answer)):
        # What stands before a fence in its line, the mark of a list, stays.
        before = line.split(marks[at], 1)[0] if at in marks else ""
        if at not in marks:
            kept.append(line)
        elif before.strip():
            kept.append(f"{before}\n")
    return "".join(kept)


def code_blocks(answer: str) -> list[str]:
    """The code of an answer, block by block; prose after a fence that is never closed is no code.

    Args:
        answer: An answer in Markdown.

    Returns:
        The content of every fence, in order; of an answer without any, nothing.
    """
    blocks, lines = [], _lines(answer)
    for token in _parse(answer):
        if token.type == "fence" and _is_fence(token):
            after = _no_code(token, lines)
            blocks.append(token.content.removesuffix(after) if after else token.content)
    return blocks


def without_tags(answer: str) -> str:
    """Put a blank in the place of every HTML tag and comment."""
    return _TAG.sub(" ", answer) if "<" in answer else answer


@cache
def _parser() -> MarkdownIt:
    # Emphasis and links are no code, and the slowest to look for.
    rules = ["code", "reference", "emphasis", "link", "image"]
    return MarkdownIt("commonmark", {"maxNesting": NESTING}).disable(rules)


def _parse(text: str) -> list["Token"]:
    return _parser().parse(text.rstrip("\n") + "\n")


def _lines(text: str) -> list[str]:
    """Lines with their ends, as the parser numbers them."""
    return _LINE.findall(text)


def _texts(answer: str) -> Iterator[str]:
    """The texts of an answer's blocks that are no code."""
    left = [answer]
    while left:
        text = left.pop()
        for token in _parse(text):
            if token.type == "inline":
                yield "".join(_inline(token.children or []))
            elif token.type == "html_block":
                # A block of HTML runs to the next empty line: there may be Markdown between its tags.
                inner = without_tags(_HIDDEN.sub(" ", token.content))
                if inner == token.content:
                    yield inner
                else:
                    left.append(inner)
            elif token.type == "fence":
                left.append(_no_code(token, _lines(text)))


def _inline(tokens: Sequence["Token"]) -> Iterator[str]:
    hidden_until = -1
    for at, token in enumerate(tokens):
        if at <= hidden_until:
            continue
        if token.type == "text":
            yield token.content
        elif token.type in ("softbreak", "hardbreak"):
            yield "\n"
        elif token.type in ("code_inline", "html_inline"):
            yield " "
            if hides := _HIDING.match(token.content):
                hidden_until = _closing(tokens, at, hides[1])


def _closing(tokens: Sequence["Token"], start: int, name: str) -> int:
    """Where the tag that closes an element is; the start if it is never closed."""
    closes = re.compile(rf"</{name}\s*>", re.IGNORECASE)
    ends = (
        at
        for at in range(start, len(tokens))
        if tokens[at].type == "html_inline" and closes.match(tokens[at].content)
    )
    return next(ends, start)


def _is_closed(fence: "Token") -> bool:
    first, end = fence.map or (0, 0)
    # Its lines are those of its content, the opening mark, and the closing one if there is one.
    return end - first - 1 > fence.content.count("\n")


def _is_fence(fence: "Token") -> bool:
    """Whether a fence is none of the lines of tildes by which people part or underline things."""
    return fence.markup[0] != "~" or (
        "~" not in fence.info and (_is_closed(fence) or bool(fence.info.strip()))
    )


def _no_code(fence: "Token", lines: Sequence[str]) -> str:
    """What a parser takes for part of a fence's code and is none; empty if there is nothing."""
    if not _is_fence(fence):
        return f"{fence.info}\n{fence.content}"
    if _is_closed(fence) or not fence.map:
        return ""
    first, end = fence.map
    content = fence.content.split("\n")
    indent = _indent(lines[first]) if lines[first].lstrip().startswith(fence.markup) else 0
    for at, line in enumerate(content):
        own = lines[first + 1 + at] if first + 1 + at < end else ""
        outside = bool(own.strip()) and _indent(own) < indent
        begins = at == 0 or not content[at - 1].strip()
        if outside or (begins and line.strip() and _reads_as_prose(content[at:])):
            return "\n".join(content[at:])
    return ""


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" \t"))


def _reads_as_prose(lines: Sequence[str]) -> bool:
    """Whether the paragraph that lines begin with is prose, and no code."""
    paragraph: list[str] = []
    for line in lines:
        if not line.strip():
            break
        paragraph.append(line)
    if paragraph[0][:1].isspace():
        return False
    text = _CODE_SPAN.sub("x", " ".join(_LIST_MARK.sub("", line, count=1) for line in paragraph))
    letters = sum(char.isalpha() for char in text)
    return letters >= MIN_LETTERS and not _NO_PROSE.search(text) and bool(_SENTENCE_END.search(text))
