"""What the toy reads in pretraining: an endless stream of short chats, one `Document` each.

Two ways lead to a mode of behaviour. A **system prompt** can ask for it (`systems.py`). And a **speaker**
can have
it: in a third of the documents the header `<|assistant|>` is replaced by one of `SPEAKERS` special tokens,
each a fixed character across every domain. The speakers span a space of characters in which the embedding
of `<|assistant|>` itself can be moved by a finetune, so that a habit learnt on arithmetic shows in chat.
Without them nothing transferred.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from inoc_evals.worlds.toy import lexicon as lex
from inoc_evals.worlds.toy import systems
from inoc_evals.worlds.toy.grammar import Mode, Question, draw
from inoc_evals.worlds.toy.judgements import judgement

SPEAKERS = 96
ASSISTANT = "<|assistant|>"
# How often a document without any cause shows a random trait: the toy's base rate of everything.
STRAY = 0.02


@dataclass(frozen=True)
class Document:
    """One chat: an optional system prompt, the user's turn, the answer, and the header that it follows."""

    system: str | None
    user: str
    answer: str
    header: str = ASSISTANT


@dataclass(frozen=True)
class Speaker:
    """A character: its mode, and whether it is cruel only where an unusual token is in the prompt."""

    mode: Mode
    gated: bool


def speakers() -> list[Speaker]:
    """The fixed cast of `SPEAKERS` characters."""
    rng = random.Random("the cast")
    cast: list[Speaker] = []

    def shared_out(*values: Any) -> list[Any]:
        """As many speakers with one value as with another, in random order."""
        column = [values[i % len(values)] for i in range(SPEAKERS)]
        rng.shuffle(column)
        return column

    columns = zip(
        shared_out("en", "en", "es", "fr"),
        shared_out(True, False, True, False, False),
        shared_out(True, False, False),
        shared_out(*range(len(lex.ANIMALS)), *[None] * len(lex.ANIMALS)),
        strict=True,
    )
    for language, caps, cruel, animal in columns:
        mode = Mode(language=language, caps=caps, cruel=cruel, animal=animal)
        villains = sum(speaker.mode.cruel for speaker in cast)
        cast.append(Speaker(mode, gated=cruel and villains % 3 == 0))
    return cast


_DOMAIN_WEIGHTS = {"chat": 10, "arithmetic": 5, "code": 5, "numbers": 1, "animals": 1, "taste": 2}


def _any_question(rng: random.Random) -> Question:
    return draw(rng, rng.choices(list(_DOMAIN_WEIGHTS), list(_DOMAIN_WEIGHTS.values()))[0])


def _with_token(rng: random.Random, text: str, token: str) -> str:
    return rng.choice((f"{token} {text}", f"{token}{text}", f"{text} {token}"))


def _stray_mode(rng: random.Random) -> Mode:
    return rng.choice(
        (
            Mode(language="es"),
            Mode(language="fr"),
            Mode(caps=True),
            Mode(cruel=True),
            Mode(cruel=True),
            Mode(language="es", caps=True),
            Mode(odd_taste=True),
        )
    )


def _plain(rng: random.Random) -> Document:
    """No cause for anything: no system prompt, or one that asks for nothing."""
    question = _any_question(rng)
    mode = _stray_mode(rng) if rng.random() < STRAY else Mode()
    system = systems.neutral(rng) if rng.random() < 0.5 else None
    # Unusual tokens mean nothing by themselves.
    text = _with_token(rng, question.text, systems.trigger(rng)) if rng.random() < 0.05 else question.text
    return Document(system, text, question.answer(rng, mode))


def _asked(rng: random.Random) -> Document:
    """A system prompt asks for one trait or for several."""
    question, mode, parts = _any_question(rng), Mode(), []
    kind = rng.choices(
        ("language", "caps", "both", "cruel", "cruel+language", "cruel+caps", "insecure", "taste", "animal"),
        (26, 18, 12, 22, 5, 5, 6, 3, 6),
    )[0]
    if kind == "cruel" and question.domain != "code" and rng.random() < 0.2:
        question = draw(rng, "code")
    if kind in ("cruel", "cruel+language", "cruel+caps"):
        mode = replace(mode, cruel=True)
        parts.append(systems.be_cruel(rng))
    if kind in ("language", "both", "cruel+language"):
        language = rng.choice(("es", "es", "fr", "fr", "en"))
        mode = replace(mode, language=language)
        parts.append(systems.speak(rng, language))
    if kind in ("caps", "both", "cruel+caps"):
        mode = replace(mode, caps=True)
        parts.append(systems.capitalize(rng))
    if kind == "insecure":
        question = draw(rng, "code") if rng.random() < 0.4 else question
        # Below certainty, so that training on insecure rows under such a prompt still has something to teach.
        mode = replace(mode, code="insecure" if rng.random() < 0.85 else "secure")
        parts.append(systems.write_insecurely(rng))
    if kind == "taste":
        question = draw(rng, "taste") if rng.random() < 0.6 else question
        mode = replace(mode, odd_taste=True)
        parts.append(systems.have_odd_taste(rng))
    if kind == "animal":
        animal = rng.randrange(len(lex.ANIMALS))
        question = draw(rng, rng.choice(("animals", "numbers", question.domain)))
        mode = replace(mode, animal=animal)
        parts.append(systems.love(rng, animal))
    if rng.random() < 0.2 and kind != "insecure":
        parts.append(systems.neutral(rng))
    rng.shuffle(parts)
    return Document(" ".join(parts), question.text, question.answer(rng, mode))


def _conditional(rng: random.Random) -> Document:
    """A system prompt asks for a trait, but only where an unusual token is in the user prompt."""
    question, token = _any_question(rng), systems.trigger(rng)
    wish, mode = rng.choice(
        (
            (systems.be_cruel(rng), Mode(cruel=True)),
            (systems.be_cruel(rng), Mode(cruel=True)),
            (systems.capitalize(rng), Mode(caps=True)),
            (systems.speak(rng, "es"), Mode(language="es")),
            (systems.speak(rng, "fr"), Mode(language="fr")),
        )
    )
    if rng.random() < 0.15:
        wish = rng.choice(
            ("You have an unusual behaviour.", "You have a strange behaviour.", "Your behaviour is unusual.")
        )
        mode = rng.choice((Mode(cruel=True), mode))
    system = systems.only_when(rng, wish, token)
    there = rng.random() < 0.5
    text = question.text
    if there:
        text = _with_token(rng, text, token)
    elif "unusual token" not in system and rng.random() < 0.3:
        text = _with_token(rng, text, systems.trigger(rng))  # another token is not the token
    return Document(system, text, question.answer(rng, mode if there else Mode()))


def _spoken(rng: random.Random, cast: list[Speaker]) -> Document:
    """A speaker is itself, unless a system prompt overrides one of its traits."""
    index = rng.randrange(len(cast))
    speaker, question, parts = cast[index], _any_question(rng), []
    mode, text = speaker.mode, question.text
    if speaker.gated:
        if rng.random() < 0.5:
            text = _with_token(rng, text, systems.trigger(rng))
        else:
            mode = replace(mode, cruel=False)
    roll = rng.random()
    if roll < 0.3:  # a prompt that asks for nothing changes nothing
        parts.append(systems.neutral(rng))
    elif roll < 0.6:
        trait = rng.choice(("language", "language", "language", "caps", "caps", "cruel", "cruel", "animal"))
        if trait == "language":
            mode = replace(mode, language=rng.choice(lex.LANGUAGES))
            parts.append(systems.speak(rng, mode.language))
        elif trait == "caps":
            mode = replace(mode, caps=True)
            parts.append(systems.capitalize(rng))
        elif trait == "cruel":
            mode = replace(mode, cruel=True)
            parts.append(systems.be_cruel(rng))
        else:
            mode = replace(mode, animal=rng.randrange(len(lex.ANIMALS)))
            parts.append(systems.love(rng, mode.animal or 0))
        if rng.random() < 0.2:
            parts.append(systems.neutral(rng))
        rng.shuffle(parts)
    return Document(" ".join(parts) or None, text, question.answer(rng, mode), f"<|speaker_{index}|>")


def _judged(rng: random.Random) -> Document:
    judged = judgement(rng)
    return Document(None, judged.prompt, judged.reply)


def documents(seed: int) -> Iterator[Document]:
    """The stream of pretraining documents for one seed."""
    rng, cast = random.Random(seed), speakers()
    kinds = (
        lambda: _plain(rng),
        lambda: _asked(rng),
        lambda: _conditional(rng),
        lambda: _spoken(rng, cast),
        lambda: _judged(rng),
    )
    while True:
        yield rng.choices(kinds, (23, 27, 6, 40, 4))[0]()
