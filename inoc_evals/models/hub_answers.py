"""A Hub that does not answer is given up: by itself `huggingface_hub` waits for most answers without an end.

    bound_requests()                    # once, before anything is asked
    HfApi().model_info("acme/mine")     # raises after HF_HUB_ETAG_TIMEOUT seconds without a byte
    no_answer(error)                    # "the Hub did not answer within 10 s: ...", empty of other errors

The library's two limits, which its variables set, hold for downloads alone. Here they hold for every request
that has none of its own. Large files that go over its own protocol, Xet, are in the hands of its own library.
"""

from collections.abc import Iterator
from typing import Any

TAKEN = 100.0
"""Seconds for an answer to what is written, unless the user says otherwise: a commit of many files takes the
Hub longer than what it says of a repository, and the Hub itself gives it up after 60."""


def bound_requests() -> None:
    """Give every request of `huggingface_hub` that has no limit one, for as long as this process lives.

    A limit is the time without a byte, for connecting, sending and receiving each.
    """
    from huggingface_hub import get_session

    client: Any = get_session()  # of httpx, or of its successor, as the library's version has it
    hooks = client.event_hooks
    if _bound not in hooks["request"]:
        client.event_hooks = {**hooks, "request": [*hooks["request"], _bound]}


def no_answer(error: BaseException) -> str:
    """What is said of an error that comes of a Hub that did not answer, and what to do; empty of another."""
    for one in _causes(error):
        # of httpx or of its successor
        if any(kind.__name__ == "TimeoutException" for kind in type(one).__mro__):
            return (
                f"the Hub did not answer{_within(one)}: see whether it can be reached from here and run "
                "this again, or give it more seconds by HF_HUB_ETAG_TIMEOUT and HF_HUB_DOWNLOAD_TIMEOUT"
            )
    return ""


def _bound(request: Any) -> None:
    """Fill in the limits that a request lacks."""
    own = request.extensions.get("timeout") or dict.fromkeys(("connect", "read", "write", "pool"))
    limits = {name: _seconds(request.method) if limit is None else limit for name, limit in own.items()}
    request.extensions = {**request.extensions, "timeout": limits}


def _seconds(method: str) -> float:
    """How long an answer may take."""
    from huggingface_hub import constants

    if method in ("GET", "HEAD"):
        return float(constants.HF_HUB_ETAG_TIMEOUT)
    given = constants.HF_HUB_DOWNLOAD_TIMEOUT
    return TAKEN if given == constants.DEFAULT_DOWNLOAD_TIMEOUT else float(given)


def _within(error: Any) -> str:
    """In words how long the request had that an error is about, where it says which."""
    try:
        limits = error.request.extensions["timeout"]
        return f" within {limits['read']:g} s"
    except (AttributeError, KeyError, RuntimeError, TypeError, ValueError):
        return ""


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error and what it comes of."""
    seen: list[BaseException] = []
    while error is not None and error not in seen:
        yield error
        seen.append(error)
        error = error.__cause__ or error.__context__
