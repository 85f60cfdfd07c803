"""Models behind a server: how long they are waited for, what is said meanwhile, what no log must hold.

    guard(judge)                    # from now on, whoever asks it; a second time does nothing
    await request(judge, "...")     # NoReply: Down: openai/gpt-4o has not answered for 3 min: ...

Inspect asks a server that fails again, without an end and without a word. Here a request is given up after
`PATIENCE` seconds of failures, or `ATTEMPT` seconds without any reply. A server that has answered nobody for
that long is down: what is still to be asked fails at once, but for one request every `AGAIN` seconds, which
finds out whether it is back. So a server that dies costs a run some ten minutes at the most, whatever the
number of answers.

A key that a server says in an error or in an answer is replaced by `[key]` before Inspect sees it.
"""

import asyncio
import json
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

from inspect_ai.model import CachePolicy, ChatMessage, GenerateConfig, Model, ModelCall, ModelOutput
from inspect_ai.tool import ToolChoice, ToolInfo
from inspect_ai.util import LimitExceededError
from tenacity import RetryError

from inoc_evals.errors import UserError, first_line
from inoc_evals.secret_keys import hidden_in, keys
from inoc_evals.whole_text import require_whole_chat

logger = logging.getLogger(__name__)

PATIENCE = 180
"""Seconds of failures after which a request is given up, unless the model or the evaluation says `timeout`.
The pause before the last attempt may still be added, so it takes five minutes at the most."""

ATTEMPT = 300
"""Seconds without a reply after which one attempt is given up."""

QUIET = 15.0
"""Seconds without a reply from which on the terminal says what is waited for."""

AGAIN = 30.0
"""Seconds between two requests to a server that is down."""

Generated = ModelOutput | tuple[ModelOutput | Exception, ModelCall]


Fault = Literal["error", "malformed", "refusal"]
"""Why there is nothing to read: the server failed, its reply is no reply, its content filter stopped it."""

FILTERED = "a content filter stopped the judge's reply"
"""Said of a `refusal`."""

MALFORMED = (ValueError, TypeError, LookupError, AttributeError, AssertionError)
"""What a client raises on a reply that is not what an API sends: no JSON, a field that lacks or is wrong."""


class NoReply(RuntimeError):
    """A server gave nothing that can be read.

    Attributes:
        fault: Why.
    """

    def __init__(self, fault: Fault, message: str) -> None:
        super().__init__(message)
        self.fault = fault


class Down(RuntimeError):
    """A server has not answered anybody for so long that it is not waited for any more."""


def server_of(model: Model) -> str:
    """Inspect's provider that answers for an `inoc/` model, e.g. `vllm`; empty where it answers here."""
    return str(getattr(model.api, "provider", ""))


def is_vllm(model: Model) -> bool:
    """Whether a model runs behind a vLLM server, which gives the log-probs of its prompt."""
    return str(model).startswith("vllm") or server_of(model) == "vllm"


def runs_here(model: Model) -> bool:
    """Whether a model is one of `inoc/` that answers here, and so gives the probability of any reply."""
    return str(model).startswith("inoc/") and server_of(model) == ""


def too_long(output: ModelOutput) -> str:
    """What a server says of a prompt that fills its model's context; empty where the output is an answer.

    Inspect makes an answer of that error, with the server's words as its text. It counts no tokens of it, as
    of any answer: one that ran to the end of the context is an answer.

    Args:
        output: What Inspect's provider gave.
    """
    if not output.choices or output.stop_reason != "model_length" or output.usage is not None:
        return ""
    return first_line(output.completion or "it does not say so", limit=160)


async def request(
    model: Model,
    input: str | list[ChatMessage],
    config: GenerateConfig | None = None,
    cache: CachePolicy | None = None,
) -> ModelOutput:
    """Ask a model, and tell what its server did wrong from what is wrong here.

    Args:
        model: The model.
        input: What it is asked.
        config: How.
        cache: Where earlier replies are looked for; as the model has it by default.

    Raises:
        NoReply: If its server failed for good, or sent what is no reply.
        UserError: If something is the user's to mend, such as half a character in a message.
        Exception: What a model that runs here raises.
    """
    plain = config or GenerateConfig()
    said = [("user", input)] if isinstance(input, str) else [(one.role, one.text) for one in input]
    require_whole_chat(said)
    with in_words_of_its_server(model):
        if cache is None:
            return await model.generate(input, config=plain)
        return await model.generate(input, config=plain, cache=cache)


@contextmanager
def in_words_of_its_server(model: Model) -> Iterator[None]:
    """Say what a model's server did wrong in its own words; Inspect's say that it tried, not why it gave up.

    Args:
        model: Who is asked in the block.

    Raises:
        NoReply: If its server failed for good, or sent what is no reply.
        UserError: If something is the user's to mend.
        Exception: What a model that runs here raises.
    """
    try:
        yield
    except (UserError, LimitExceededError):
        raise
    except Exception as error:
        if runs_here(model):
            raise
        raise _no_reply(error) from error


def _no_reply(error: BaseException) -> NoReply:
    cause = error
    if isinstance(error, RetryError):
        cause = error.last_attempt.exception() or error
    elif type(error).__name__ == "ModelGenerateError" and error.__cause__ is not None:
        cause = error.__cause__  # whose message is the request's whole text
    fault: Fault = "malformed" if isinstance(cause, MALFORMED) else "error"
    kind = "no JSON" if isinstance(cause, json.JSONDecodeError) else type(cause).__name__
    said = first_line(cause, limit=160)
    return NoReply(fault, said if said == kind else f"{kind}: {said}")


def guard(model: Model) -> None:
    """Bound what a model's server may cost, say when it fails, and keep keys to itself.

    Args:
        model: The model, changed in place; one that runs here is left as it is.
    """
    if runs_here(model):
        return
    own = model.config
    if own.timeout is None and own.max_retries is None:
        own = own.merge(GenerateConfig(timeout=PATIENCE))
    if own.attempt_timeout is None:
        own = own.merge(GenerateConfig(attempt_timeout=ATTEMPT))
    model.config = own
    if isinstance(getattr(model.api, "guarded_by", None), _Guard):
        return
    guarded = _Guard(model)
    # Of this one instance: its class is Inspect's, and has no place for this.
    setattr(model.api, "guarded_by", guarded)  # noqa: B010
    setattr(model.api, "generate", guarded.generate)  # noqa: B010


class _Guard:
    """What stands between Inspect and one model's provider."""

    def __init__(self, model: Model) -> None:
        self._name, self._api, self._plain = str(model), model.api, model.api.generate
        self._failing_since: float | None = None
        self._asked_again = 0.0
        self._last = "no reply"
        self._said: set[str] = set()

    async def generate(
        self,
        input: list[ChatMessage],
        tools: list[ToolInfo],
        tool_choice: ToolChoice,
        config: GenerateConfig,
    ) -> Generated:
        """Ask the provider, as Inspect does for every attempt.

        Raises:
            Down: If the server is down.
            Exception: What the provider raises, without keys.
        """
        self._require_up()
        started = time.monotonic()
        secrets = keys([getattr(self._api, "api_key", None)])
        try:
            with self._saying(f"has not answered for {QUIET:.0f} s"):
                result = await self._plain(input, tools, tool_choice, config)
        except Exception as error:
            _hide(error, secrets)
            self._failed(error, started)
            raise
        except BaseException:
            # Cancelled: by the whole evaluation, or because this attempt took too long.
            if time.monotonic() - started >= (config.attempt_timeout or ATTEMPT) * 0.99:
                self._failed(TimeoutError(f"no reply for {time.monotonic() - started:.0f} s"), started)
            raise
        output = result[0] if isinstance(result, tuple) else result
        if isinstance(output, Exception):
            _hide(output, secrets)
        else:
            self._failing_since = None
        return _without(result, secrets) if secrets else result

    def _require_up(self) -> None:
        now = time.monotonic()
        if self._failing_since is None or now - self._failing_since <= PATIENCE:
            return
        if now - self._asked_again >= AGAIN:
            self._asked_again = now
            return
        minutes = (now - self._failing_since) / 60
        raise Down(f"{self._name} has not answered for {minutes:.0f} min: {self._last}")

    def _failed(self, error: Exception, started: float) -> None:
        self._last = f"{type(error).__name__}: {first_line(error, limit=120)}"
        retried = bool(self._api.should_retry(error)) or isinstance(error, TimeoutError)
        if not retried and getattr(error, "status_code", None) in range(400, 500):
            self._failing_since = None  # it refused this request, so it is there
        elif self._failing_since is None:
            self._failing_since = started
        again = f", and is asked again for up to {PATIENCE} s" if retried else ""
        self._say(f"fails{again}", self._last)

    @contextmanager
    def _saying(self, what: str) -> Iterator[None]:
        """Say something if the block takes long."""
        try:
            waiting = asyncio.get_running_loop().call_later(QUIET, self._say, what, "")
        except RuntimeError:  # another kind of event loop
            yield
            return
        try:
            yield
        finally:
            waiting.cancel()

    def _say(self, what: str, why: str) -> None:
        kind = f"{what} {why.partition(':')[0]}"
        if kind not in self._said:  # once each, not once a request
            self._said.add(kind)
            logger.warning("%s %s%s", self._name, what, f": {why}" if why else "")


def _hide(error: BaseException, secrets: list[str]) -> None:
    """Take keys out of an error and of those that led to it: their messages are what gets into logs."""
    seen: set[int] = set()
    one: BaseException | None = error
    while one is not None and id(one) not in seen and secrets:
        seen.add(id(one))
        one.args = hidden_in(one.args, secrets)
        for name, value in vars(one).items():
            if isinstance(value, str | dict | list | tuple):
                setattr(one, name, hidden_in(value, secrets))
        one = one.__cause__ or one.__context__


def _without(result: Generated, secrets: list[str]) -> Generated:
    if isinstance(result, tuple):
        output, call = result
        call.request = hidden_in(call.request, secrets)
        call.response = hidden_in(call.response, secrets)
        return (output if isinstance(output, Exception) else _clean(output, secrets)), call
    return _clean(result, secrets)


def _clean(output: ModelOutput, secrets: list[str]) -> ModelOutput:
    plain: dict[str, Any] = output.model_dump()
    clean = hidden_in(plain, secrets)
    return output if clean is plain else ModelOutput.model_validate(clean)
