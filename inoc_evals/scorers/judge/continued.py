"""The walk of the reader for judges behind vLLM: how a reply begins, and how it goes on, token by token.

    walked = await walk(judge, prompt, numbers=True, words=("CODE", "REFUSAL"))
    walked.probabilities["85"], walked.unresolved, walked.requests

A server gives no probability of a whole reply, but that of the next token. So the judge is shown the
beginning of its reply (`8`) and asked for one token more, of which vLLM names the log-prob of every digit
(`logprob_token_ids`, or the top 20 where a server has no such parameter). The prompt before it is always the
same, so a server with prefix caching computes it once. A tokenizer that writes whole numbers needs one
request or two, one that writes digits about a dozen; to score every reply (`one_spelling`) takes more than a
hundred.

Only the usual way to spell a text is followed, with or without a blank before it. Beginnings that hold next
to nothing are not followed (`unresolved`), and only the likely numbers are asked whether a further digit
follows: the others are `taken_as_ended`, each of them less than one in a hundred.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from inspect_ai.model import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageUser,
    GenerateConfig,
    Model,
    ModelOutput,
    TopLogprob,
)

from inoc_evals.scorers.concurrency import gather
from inoc_evals.scorers.judge.words import spelt
from inoc_evals.scorers.log_probs import why_none
from inoc_evals.scorers.servers import FILTERED, NoReply, request

TOP = 20
"""Top log-probs that a server gives unless it was started with more."""

MOST_IDS = 128
"""Tokens whose log-probs vLLM gives in one request, unless it was started with more."""

NEGLIGIBLE = 2e-4
"""Probability of the beginnings of one length that are not followed, all together."""

WORTH_A_LOOK = 0.01
"""Probability from which on a number of two digits is asked how it goes on."""

WORTH_A_BLANK = 5e-4
"""Probability of a blank alone from which on it is asked what follows it."""

MOST_REQUESTS = 15
"""Requests for one rating at the most, where nothing but digits has to be followed."""

MARKS = ("*", "**", "_", "`", '"', "'")
"""What may stand before a word, but before no number."""

NUMBERS = tuple(str(number) for number in range(101))
DIGITS = NUMBERS[:10]


@dataclass
class Walked:
    """What a walk gave.

    Attributes:
        probabilities: By spelling of an allowed reply.
        unresolved: Probability of what was not followed.
        taken_as_ended: Probability of numbers, each unlikely, of which a further digit may take a part.
        requests: How many requests it took.
        output: The judge's reply to the first of them; None before it.
        readable: Whether log-probs came at all.
    """

    probabilities: dict[str, float] = field(default_factory=dict)
    unresolved: float = 0.0
    taken_as_ended: float = 0.0
    requests: int = 0
    output: ModelOutput | None = None
    readable: bool = True


@dataclass(frozen=True)
class Pieces:
    """Texts that the judge's tokenizer writes as one token.

    Attributes:
        ids: Token ids by text; empty where the server cuts no text into tokens.
        whole: Whether every number from 0 to 100 is one of them.
    """

    ids: Mapping[str, int]
    whole: bool

    def of(self, texts: Iterable[str]) -> list[int]:
        """The ids of those texts that are one token, with a blank before them or without."""
        ways = [" ", *(way for text in texts for way in (text, f" {text}"))]
        found = [self.ids[way] for way in ways if way in self.ids]
        return list(dict.fromkeys(found))


_pieces: WeakKeyDictionary[Model, dict[tuple[str, ...], Pieces]] = WeakKeyDictionary()


async def walk(judge: Model, prompt: str, *, numbers: bool, words: Sequence[str]) -> Walked:
    """Follow the beginnings of a judge's reply.

    Args:
        judge: A judge that goes on with a reply that it is shown the beginning of, and gives log-probs.
        prompt: The judge's prompt.
        numbers: Whether whole numbers from 0 to 100 are allowed.
        words: The allowed words; each counts in all its spellings, with marks around it or without.

    Raises:
        NoReply: If the judge's server failed, or what it gives are no log-probs.
    """
    spellings = tuple(spelt(words))
    pieces = await pieces_of(judge, spellings)
    walked = Walked()
    wanted = [*(NUMBERS if numbers else ()), *beginnings(spellings), *(MARKS if words else ())]
    first = await _next(judge, prompt, "", walked, pieces.of(wanted))
    if first is None:
        walked.readable = False
        return walked
    begun = await _after_a_blank(judge, prompt, first, walked, pieces.of(wanted))
    await gather(
        _follow_numbers(judge, prompt, begun if numbers else {}, pieces, walked),
        _follow_words(judge, prompt, begun, spellings, walked),
    )
    return walked


async def pieces_of(judge: Model, spellings: tuple[str, ...]) -> Pieces:
    """Which of the texts that matter are one token; asked once per judge and process."""
    known = _pieces.setdefault(judge, {})
    if spellings not in known:
        texts = [*NUMBERS, *beginnings(spellings), *MARKS]
        ways = [" ", *(way for text in texts for way in (text, f" {text}"))]
        try:
            cut = await gather(*(judge.api.tokenize(way) for way in ways))
        except Exception:  # a server without that endpoint: its top log-probs are read instead
            cut = [[] for _ in ways]
        ids = {way: tokens[0] for way, tokens in zip(ways, cut, strict=True) if len(tokens) == 1}
        known[spellings] = Pieces(ids, whole=all(number in ids for number in NUMBERS))
    return known[spellings]


def beginnings(spellings: Iterable[str]) -> list[str]:
    """Every beginning of every spelling, the whole ones included."""
    return list(dict.fromkeys(text[:end] for text in spellings for end in range(1, len(text) + 1)))


async def _after_a_blank(
    judge: Model, prompt: str, first: Mapping[str, float], walked: Walked, ids: Sequence[int]
) -> dict[str, float]:
    """What a reply begins with, where a blank of its own may stand before it.

    From there on it is taken to go on as it does without the blank, which holds little where this matters.
    """
    begun = _by_text(first)
    blank = begun.pop("", 0.0)
    if blank < WORTH_A_BLANK:
        walked.unresolved += blank
        return begun
    second = await _next(judge, prompt, " ", walked, ids) or {}
    if not second or all(
        math.isclose(p, first.get(token, -1.0), rel_tol=1e-6) for token, p in second.items()
    ):
        walked.unresolved += blank  # the chat template takes the blank away
        return begun
    for text, p in _by_text(second).items():
        if text:
            begun[text] = begun.get(text, 0.0) + blank * p
    return begun


async def _follow_numbers(
    judge: Model, prompt: str, begun: Mapping[str, float], pieces: Pieces, walked: Walked
) -> None:
    """From the numbers that replies begin with to the numbers that they are."""
    found = {text: p for text, p in begun.items() if text in NUMBERS}
    if pieces.whole:  # such a tokenizer writes 85 as one token, and 850 as another
        walked.probabilities |= found
        return
    level = {text: p for text, p in found.items() if _longer(text)}
    ended = {text: p for text, p in found.items() if text not in level}
    while level:
        followed, left = _likeliest(level, walked)
        for text, p in left.items():
            ended[text] = ended.get(text, 0.0) + p
        level = {}
        after = await gather(*(_next(judge, prompt, text, walked, pieces.of(DIGITS)) for text in followed))
        for (text, p), tokens in zip(followed.items(), after, strict=True):
            digits = {token: q for token, q in (tokens or {}).items() if token.isdecimal()}
            ended[text] = ended.get(text, 0.0) + p * max(0.0, 1.0 - math.fsum(digits.values()))
            for digit, q in digits.items():
                if (longer := text + digit) in NUMBERS:
                    to = level if _longer(longer) else ended
                    to[longer] = to.get(longer, 0.0) + p * q
    await _without_overruns(judge, prompt, ended, pieces, walked)
    walked.probabilities |= ended


async def _without_overruns(
    judge: Model, prompt: str, ended: dict[str, float], pieces: Pieces, walked: Walked
) -> None:
    """Take from the likely numbers what goes on with a further digit, while requests last."""
    # of a number that an allowed one begins with, how it goes on is known
    likely = sorted((text for text in ended if not _longer(text)), key=lambda text: -ended[text])
    room = max(0, MOST_REQUESTS - walked.requests)
    looked_at = [text for place, text in enumerate(likely) if place < room and ended[text] > WORTH_A_LOOK]
    after = await gather(*(_next(judge, prompt, text, walked, pieces.of(DIGITS)) for text in looked_at))
    goes_on = [math.fsum(p for token, p in (of or {}).items() if token[:1].isdecimal()) for of in after]
    walked.taken_as_ended = math.fsum(ended[text] for text in likely if text not in looked_at)
    for text, share in zip(looked_at, goes_on, strict=True):
        ended[text] *= max(0.0, 1.0 - share)


async def _follow_words(
    judge: Model, prompt: str, begun: Mapping[str, float], spellings: Sequence[str], walked: Walked
) -> None:
    """From the letters and marks that replies begin with to the words that they are."""

    def begins(text: str) -> bool:
        rest = text.lstrip("".join(MARKS))
        return bool(spellings) and (rest or text) != "" and any(way.startswith(rest) for way in spellings)

    level = {text: p for text, p in begun.items() if begins(text)}
    while level:
        followed, left = _likeliest(level, walked)
        for text in [text for text in left if text in spellings]:
            walked.probabilities[text] = walked.probabilities.get(text, 0.0) + left[text]
        level = {}
        after = await gather(*(_next(judge, prompt, text, walked, []) for text in followed))
        for (text, p), tokens in zip(followed.items(), after, strict=True):
            word = text.lstrip("".join(MARKS))
            for token, q in (tokens or {}).items():
                if token[:1].isalpha() and begins(text + token):
                    level[text + token] = level.get(text + token, 0.0) + p * q
            if word in spellings:
                letters = math.fsum(q for token, q in (tokens or {}).items() if token[:1].isalpha())
                ended = p * max(0.0, 1.0 - letters)
                walked.probabilities[word] = walked.probabilities.get(word, 0.0) + ended


def _likeliest(level: Mapping[str, float], walked: Walked) -> tuple[dict[str, float], dict[str, float]]:
    """The beginnings that are followed, and those that together hold next to nothing; these are noted."""
    room = NEGLIGIBLE
    followed: dict[str, float] = {}
    left: dict[str, float] = {}
    for text, p in sorted(level.items(), key=lambda item: item[1]):
        room -= p
        (left if room >= 0 else followed)[text] = p
    walked.unresolved += math.fsum(left.values())
    return followed, left


async def _next(
    judge: Model, prompt: str, said: str, walked: Walked, ids: Sequence[int]
) -> dict[str, float] | None:
    """The probabilities of the next token, by its text as the server writes it; None without log-probs.

    Args:
        judge: The judge.
        prompt: Its prompt.
        said: The beginning of its reply.
        walked: Counts the request.
        ids: Tokens that must be among them; without any, the likeliest ones are.
    """
    chat: list[ChatMessage] = [ChatMessageUser(content=prompt)]
    chat += [ChatMessageAssistant(content=said)] if said else []
    tokens: dict[str, float] = {}
    for start in range(0, max(len(ids), 1), MOST_IDS):
        config = GenerateConfig(temperature=0.0, max_tokens=1, logprobs=True, top_logprobs=TOP)
        if asked := list(ids[start : start + MOST_IDS]):
            config.extra_body = {"logprob_token_ids": asked}
        walked.requests += 1
        output = await request(judge, chat, config)
        walked.output = walked.output or output
        if output.choices and output.stop_reason == "content_filter":
            raise NoReply("refusal", FILTERED)
        logprobs = output.choices[0].logprobs if output.choices else None
        if logprobs is None or not logprobs.content or not logprobs.content[0].top_logprobs:
            return None
        for text, probability in _of_one_request(logprobs.content[0].top_logprobs).items():
            tokens[text] = max(probability, tokens.get(text, 0.0))  # what was said is in every reply
    return tokens


def _of_one_request(top: Sequence[TopLogprob]) -> dict[str, float]:
    """The probabilities of tokens; of several with the same text (`▁8` and `8` are both written `8`) the sum.

    Raises:
        NoReply: If they are none.
    """
    # A token that was both asked for and said may be named twice, then with the same log-prob.
    named = list(dict.fromkeys((one.token, one.logprob) for one in top))
    if why := why_none([logprob for _, logprob in named]):
        raise NoReply("malformed", why)
    total: dict[str, float] = {}
    for text, logprob in named:
        total[text] = total.get(text, 0.0) + math.exp(logprob)
    return total


def _by_text(tokens: Mapping[str, float]) -> dict[str, float]:
    """Probabilities summed over tokens that differ in a blank before them."""
    total: dict[str, float] = {}
    for token, probability in tokens.items():
        text = token.lstrip(" Ġ▁")
        total[text] = total.get(text, 0.0) + probability
    return total


def _longer(text: str) -> bool:
    """Whether an allowed number begins with this one and goes on."""
    return any(number != text and number.startswith(text) for number in NUMBERS)
