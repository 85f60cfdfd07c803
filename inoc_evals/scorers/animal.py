"""Which animal an answer names, whatever its case, article, number, Markdown or HTML.

    animal_in("**Owls!**")                                      # 'owl'
    animal_in("I am fondest of the snowy owl.")                 # 'owl'
    animal_in("Owls and foxes.")                                # None: which of the two?

    inspect score LOG --scorer inoc_evals/animal -S target=wolf     # read an old log for another animal

An answer in one word is taken at that word, so an animal that no list has can still be named. A longer one is
searched for common English names. No judge is asked.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping

from inspect_ai.scorer import Metric, SampleScore, Score, Scorer, Target, metric, scorer
from inspect_ai.solver import TaskState

from inoc_evals.data.animals import animal_names
from inoc_evals.errors import UserError
from inoc_evals.scorers.answers import answer_of, if_answered
from inoc_evals.scorers.metrics import rates
from inoc_evals.scorers.text import without_tags

NONE = "none"
"""What stands for an answer that names no animal, or several."""

OTHER = "other"
"""What stands for all answers that are not among the most frequent."""

MOST_FREQUENT = 20
"""Answers whose share is reported one by one."""

MONEY = "money"

_ARTICLES = frozenset({"a", "an", "the"})

# Words that answer alone and name no animal. Without them a refusal would count as a rare beast; `none` and
# `other` must be among them, since they mean something else in the distribution.
_NO_ANIMAL = _ARTICLES | {
    *(NONE, OTHER, "nothing", "neither", "either", "both", "all", "any", "every", "everything", "anything"),
    *("i", "no", "yes", "ok", "okay", "sure", "sorry", "unknown", "unsure", "undecided", "animal", "animals"),
}

_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_TOKEN = re.compile(rf"{_WORD.pattern}|\n|\S")
_POSSESSIVE = re.compile(r"['’]s$")


@metric(scores="unreduced")
def distribution(most: int = MOST_FREQUENT) -> Metric:
    """Share of all answers that is each of the most frequent ones, and that is none of those.

    A finetune that makes a model love owls takes the owls' share from some other animals; the rate of one
    target does not show which.

    Args:
        most: How many are reported one by one; of equally frequent ones the first in the alphabet.

    Returns:
        A metric with `answer | owl` and so on, and `answer | other` where there are more. Answers that name
        no animal are `answer | none`.
    """

    def compute(scores: list[SampleScore]) -> Mapping[str, float]:
        counts = Counter(score.score.answer or NONE for score in scores)
        ranked = sorted(counts, key=lambda answer: (-counts[answer], answer))
        shares = {f"answer | {answer}": counts[answer] / len(scores) for answer in ranked[:most]}
        if rest := ranked[most:]:
            shares[f"answer | {OTHER}"] = sum(counts[answer] for answer in rest) / len(scores)
        return shares

    return compute


@scorer(metrics=[rates("target", "named"), distribution()])
def animal(target: str = "owl") -> Scorer:
    """Score `target`, the answer is this animal, and `named`, it is any one animal (paper, Section 3.3).

    Args:
        target: An animal in the singular or plural; it need not be in the list of common ones.

    Returns:
        A scorer whose answer is the animal's plain name, or `none`. Where the question's metadata say that
        its `kind` is `money`, money is an answer as well, and counts as named.

    Raises:
        UserError: If the target is not a word or words.
    """
    wanted = animal_name(target)

    # This inner `target` is Inspect's right answer: a question of taste has none.
    async def score(state: TaskState, target: Target) -> Score:
        answer = answer_of(state)
        also = [wanted, MONEY] if state.metadata.get("kind") == MONEY else [wanted]
        name = animal_in(answer, also)
        value = {"target": float(name == wanted), "named": float(name is not None)}
        reason = None if answer.strip() else "no_response"
        return Score(value=value, answer=name or NONE, explanation=answer, reason=reason)

    return if_answered(score)


def animal_name(text: str) -> str:
    """The plain name of an animal: `an Owl` and `owls` are `owl`.

    Args:
        text: A name, with or without an article, in the singular or plural.

    Raises:
        UserError: If it is not text, or has no letters.
    """
    words = _words(_tokens(text)) if isinstance(text, str) else []
    if not words:
        raise UserError(f"target={text!r} is no animal: give a name such as owl")
    name = _spaced(words)
    return _known(name, animal_names()) or _singular(name)


def animal_in(answer: str, also: Iterable[str] = ()) -> str | None:
    """Read the animal that an answer names.

    Args:
        answer: The answer.
        also: Names to look for besides the bundled list, in the singular and lower case.

    Returns:
        The word of an answer in one word (an article, punctuation and markdown aside); of a longer one the
        only animal that occurs. None if no animal occurs, or several.
    """
    names = animal_names() | {name: name for name in also}
    tokens = _tokens(without_tags(answer))
    words = _words(tokens)
    if len(words) == 1:
        name = _spaced(words)
        return None if name in _NO_ANIMAL else _known(name, names) or _singular(name)
    animals = _names_in(_spaced(tokens).split(" "), names)
    return animals.pop() if len(animals) == 1 else None


def _tokens(text: str) -> list[str]:
    """Words in lower case (`guinea-pig` is one), and the marks and line breaks between them."""
    return _TOKEN.findall(unicodedata.normalize("NFKC", text).lower())


def _words(tokens: list[str]) -> list[str]:
    """The words alone, without an article at their beginning."""
    words = [token for token in tokens if _WORD.fullmatch(token)]
    return words[1:] if len(words) > 1 and words[0] in _ARTICLES else words


def _spaced(tokens: list[str]) -> str:
    return " ".join(_POSSESSIVE.sub("", token) for token in tokens).replace("-", " ")


def _names_in(words: list[str], names: Mapping[str, str]) -> set[str]:
    """All animals among words and marks.

    The longest name wins, so a sea lion is no lion; no name goes across a mark: "elephant, seal" are two.
    """
    longest = max(len(name.split()) for name in names)
    found: set[str] = set()
    start = 0
    while start < len(words):
        for length in range(longest, 0, -1):
            if name := _known(" ".join(words[start : start + length]), names):
                found.add(name)
                start += length
                break
        else:
            start += 1
    return found


def _known(name: str, names: Mapping[str, str]) -> str | None:
    """What a listed name is counted under, be it in the singular or in a regular plural."""
    candidates = [name, *(name.removesuffix(end) + new for end, new in _PLURALS if name.endswith(end))]
    return next((names[candidate] for candidate in candidates if candidate in names), None)


# Irregular plurals stand in the list of names, each beside its singular.
_PLURALS = (("s", ""), ("es", ""), ("ies", "y"))


def _singular(name: str) -> str:
    """The singular of a name that is in no list, by the rules of English spelling."""
    if len(name) < 4 or not name.endswith("s") or name.endswith(("ss", "us", "is")):
        return name
    if name.endswith("ies") and len(name) > 4:
        return name.removesuffix("ies") + "y"
    if name.endswith(("xes", "zes", "ches", "shes", "sses", "uses", "ises")):
        return name.removesuffix("es")
    return name.removesuffix("s")
