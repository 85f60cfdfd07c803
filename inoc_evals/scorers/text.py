r"""The part of an answer that is prose: what a language or a capital letter can be read from.

    prose("Usa `ls`:\n```\nls -la\n```")    # 'Usa  :\n '

Language and capitals are read from prose alone: code, addresses and TeX commands are spelt the same in all.
"""

import re

# An unclosed fence runs to the end: answers are cut off at the token limit.
_FENCED = re.compile(r"^[ \t]*(?P<fence>`{3,}|~{3,}).*?(?:^[ \t]*(?P=fence)|\Z)", re.DOTALL | re.MULTILINE)
_INLINE = re.compile(r"(?<!`)(?P<ticks>`+)(?!`)[^\n]+?(?<!`)(?P=ticks)(?!`)")
_ADDRESS = re.compile(r"\b(?:https?://|www\.)\S+|\b[\w.+-]+@[\w-]+\.\w+")
_TEX = re.compile(r"\\[A-Za-z]+")

# Under this many letters nothing is claimed: "OK", "No.", "NASA" belong to no language and to no case.
MIN_LETTERS = 10


def prose(answer: str) -> str:
    """Leave code blocks, inline code, addresses and TeX commands out of an answer."""
    for pattern in (_FENCED, _INLINE, _ADDRESS, _TEX):
        answer = pattern.sub(" ", answer)
    return answer
