r"""The final number of a worked answer, in the number format of its language.

    final_number("Tom pays 2 * 617.25 = 1,234.50\n#### 1,234.50") & final_number("SON 1.234,5", "spanish")

A text gives a set of possible values, since `1.234` in a Spanish text is 1234, or 1.234 copied from English.
Two texts agree if their sets of values overlap.
"""

import re
from decimal import Decimal

# Languages that write 1,234.5; the others write 1.234,5 or 1 234,5.
POINT_LANGUAGES = ("english", "chinese", "japanese", "korean", "arabic", "hindi")

_MARKED = re.compile(r"####(.*)")
_SIGN = r"(?<![^\W_])(?P<sign>[-−](?=[$€£]?[\d.]))?[$€£]?"
_PLAIN = r"(?<![\w.,])\.\d+|\d+(?:[.,]\d+)*"
_SPACED = r"\d{1,3}(?:[ \u00a0\u2009\u202f]\d{3})+(?!\d)(?:[.,]\d+)?"
_POINT_NUMBER = re.compile(rf"{_SIGN}(?P<digits>{_PLAIN})")
_COMMA_NUMBER = re.compile(rf"{_SIGN}(?P<digits>{_SPACED}|{_PLAIN})")


def final_number(text: str, language: str = "english") -> frozenset[Decimal]:
    """Read the final number of an answer.

    Args:
        text: The answer. The number after the last `####` counts, as in GSM8K, otherwise the last number.
        language: The language of the text, in lower case.

    Returns:
        Every value that the number may have, equal for `42`, `42.0` and `$42`; empty without a number.
    """
    pattern = _POINT_NUMBER if language in POINT_LANGUAGES else _COMMA_NUMBER
    marked = _MARKED.findall(text)
    matches = list(pattern.finditer(marked[-1])) if marked else []
    matches = matches or list(pattern.finditer(text))
    if not matches:
        return frozenset()
    values = _readings(re.sub(r"\s", "", matches[-1]["digits"]), language in POINT_LANGUAGES)
    return frozenset(-value if matches[-1]["sign"] else value for value in values)


def _readings(digits: str, point: bool) -> set[Decimal]:
    """Every value that digits with separators may mean."""
    if "." in digits and "," in digits:
        decimal = max(".,", key=digits.rindex)
        thousands = "," if decimal == "." else "."
        whole, _, rest = digits.rpartition(decimal)
        if _grouped(whole, thousands):
            return {Decimal(f"{whole.replace(thousands, '')}.{rest}")}
        return {Decimal(re.split("[.,]", digits)[-1])}  # not one number: a list without spaces, or a date
    separator = "," if "," in digits else "."
    values = set()
    if _grouped(digits, separator) and not (point and separator == "."):
        values.add(Decimal(digits.replace(separator, "")))
    if digits.count(separator) <= 1 and not (point and separator == ","):
        values.add(Decimal(digits.replace(separator, ".")))
    return values or {Decimal(digits.rsplit(separator, 1)[-1])}


def _grouped(digits: str, separator: str) -> bool:
    """Whether digits are grouped in thousands, as in `1,234,567` but not in `0.500`."""
    first, *rest = digits.split(separator)
    return bool(rest) and 1 <= len(first) <= 3 and first[0] != "0" and all(len(part) == 3 for part in rest)
