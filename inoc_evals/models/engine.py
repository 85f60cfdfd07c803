"""Weights in memory: the bases that were used last in this process, and the last adapters over each.

    engine = load_engine(checkpoint, device="auto", dtype="auto")
    engine.generate(checkpoint, requests, done=lambda row, completion: ...)

An adapter gets its own module tree over the base's parameters, which it shares. So a dozen adapters cost
one base, and each behaves as if it had been loaded alone. (PEFT's own way, several named adapters in one
tree, cannot mix adapters that train token embeddings with adapters that do not.)

What was not used for longest is released, and loaded again when it is asked for: a process that evaluates
hundreds of checkpoints needs no more memory than one that evaluates a few.
"""

import copy
import functools
import gc
import itertools
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Generic, TypeVar

import torch

from inoc_evals.chat.renderer import load_renderer
from inoc_evals.errors import UserError
from inoc_evals.models import one_token_attention
from inoc_evals.models.checkpoint import Checkpoint, context_length
from inoc_evals.models.freed import give_back
from inoc_evals.models.generation import generate, generate_one_token, no_more
from inoc_evals.models.loading import changes_base, check_tokens, load_adapter, load_model, one_at_a_time
from inoc_evals.models.number_format import settled
from inoc_evals.models.option_probabilities import Vocabulary, score_options
from inoc_evals.models.prepacked import Prepacked, fits
from inoc_evals.models.prompt_logprobs import score
from inoc_evals.models.request import Completion, Request, TokenLogprob
from inoc_evals.models.sequences import Beginnings
from inoc_evals.models.token_text import TokenText
from inoc_evals.models.within_memory import Done, More, WithinMemory

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}

SMALL = 20_000_000
"""Parameters below which one CPU thread is as fast as several, and far faster on a busy machine."""

SHORT_TEXTS = 2**31
"""Bytes of keys and values up to which more texts are answered at once."""

BASES = 4
"""Bases that a process holds at most: such as a model, its base and two judges."""

ADAPTERS = 16
"""Adapters that are held over each base at most. Those that answer in turn should fit: Inspect evaluates
several models at a time. A LoRA takes about a hundredth of its base."""

Value = TypeVar("Value")


class Recent(Generic[Value]):
    """The values that were used last, by key; all others are released."""

    def __init__(self, most: int) -> None:
        """Hold nothing yet, and `most` values at most."""
        self._most = most
        self._values: OrderedDict[Any, Value] = OrderedDict()

    def get(self, key: Any, make: Callable[[], Value]) -> Value:
        """The value of a key, made where it is not held; room for it is made first."""
        if key in self._values:
            self._values.move_to_end(key)
            return self._values[key]
        while len(self._values) >= self._most:
            self._values.popitem(last=False)
            give_back()
        value = self._values[key] = make()
        return value

    def release(self, which: Callable[[Value], bool]) -> None:
        """Hold some values no longer.

        Args:
            which: Tells of a value whether it is one of them.
        """
        for key in [key for key, value in self._values.items() if which(value)]:
            del self._values[key]
        give_back()

    def __contains__(self, key: object) -> bool:
        """Whether a key's value is held."""
        return key in self._values

    def __len__(self) -> int:
        """How many values are held."""
        return len(self._values)


@dataclass(frozen=True)
class _Answers:
    """What a checkpoint's tokenizer says of its answers.

    Attributes:
        tokenizer: The transformers tokenizer.
        text: Turns token ids into text.
        ends: Token ids that end an answer: the renderer's, and those of the base's generation config.
    """

    tokenizer: Any
    text: TokenText
    ends: frozenset[int]


class Engine:
    """One base on one device, and its adapters."""

    def __init__(self, checkpoint: Checkpoint, device: torch.device, dtype: str) -> None:
        """Load the base of a checkpoint; its adapter loads at its first use.

        Args:
            checkpoint: Any checkpoint over the base.
            device: Where to compute.
            dtype: A key of `DTYPES`, or any other name for the stored format.

        Raises:
            UserError: If transformers cannot load the base.
        """
        kind: Any = DTYPES.get(dtype, "auto")
        model = load_model(checkpoint.weights, dtype=kind, device=device)
        self._base = model.to(device).eval().requires_grad_(False)
        # a small model's products take no time, and its answers are compared to the last digit
        self.is_large = self._base.num_parameters() >= SMALL
        self._prepacked = Prepacked(self._base) if self.is_large and fits(self._base) else None
        self._held: Recent[_Held] = Recent(ADAPTERS)
        self._within_memory = WithinMemory()

    @property
    def context(self) -> int | None:
        """Longest sequence of the model, in tokens."""
        return context_length(self._base.config)

    def generate(
        self,
        checkpoint: Checkpoint,
        requests: Sequence[Request],
        done: Done,
        *,
        places: int = 0,
        long_places: int | None = None,
        more: More = no_more,
    ) -> None:
        """Generate a batch, and whatever joins it.

        Args:
            checkpoint: The base, or an adapter over it.
            requests: Their prompts must leave room in the context.
            done: Called with a request's index and completion as soon as it ends.
            places: Requests that are answered at once at most, if that is more than there are now.
            long_places: Alike, where the texts of so many could take more memory than `SHORT_TEXTS`; by
                default the same.
            more: Gives requests that join where places are free, at most as many as it is asked for.

        Raises:
            UserError: If the adapter does not fit the base, the base does not embed all tokens of a prompt,
                or memory does not suffice for one request.
        """
        held = self._holding(checkpoint)
        self._check_tokens(checkpoint, requests)

        def checked(count: int) -> list[Request]:
            joining = list(more(count))
            self._check_tokens(checkpoint, joining)
            return joining

        def batch(first: Sequence[Request], told: Done, at_once: int, joining: More) -> None:
            with _threads.of(self._base.num_parameters()):
                _answer(held, first, told, context=self.context, places=at_once, more=joining)

        places = max(places, len(requests))
        if long_places is not None and not self._are_short(requests, places):
            places = min(places, long_places)
        self._within_memory.answer(batch, requests, done, places=places, more=checked)

    def _check_tokens(self, checkpoint: Checkpoint, requests: Sequence[Request]) -> None:
        ids = (token for request in requests for token in request.prompt)
        check_tokens(self._base.config, ids, checkpoint.name)

    def _are_short(self, requests: Sequence[Request], places: int) -> bool:
        """Whether what is kept of so many texts like these surely takes little memory."""
        longest = max((len(request.prompt) + request.max_tokens for request in requests), default=0)
        config = self._base.config.get_text_config()
        heads, layers = (
            getattr(config, "num_attention_heads", None),
            getattr(config, "num_hidden_layers", None),
        )
        if not heads or not layers:  # of another kind than is known
            return False
        size = getattr(config, "head_dim", None) or config.hidden_size // heads
        groups = getattr(config, "num_key_value_heads", None) or heads
        a_token = 2 * layers * groups * size * self._base.dtype.itemsize
        return bool(longest * places * a_token <= SHORT_TEXTS)

    def model(self, checkpoint: Checkpoint) -> Any:
        """What answers for a checkpoint: the base, or the adapter's own tree of modules over it.

        Raises:
            UserError: If the adapter does not fit the base.
        """
        return self._holding(checkpoint).model

    def _holding(self, checkpoint: Checkpoint) -> "_Held":
        return self._held.get(checkpoint.digest, lambda: _Held(self._base, self._prepacked, checkpoint))


class _Held:
    """A checkpoint over a base in memory; each part of it is loaded at its first use."""

    def __init__(self, base: Any, prepacked: Prepacked | None, checkpoint: Checkpoint) -> None:
        self._base = base
        self._prepacked = prepacked
        self._checkpoint = checkpoint

    @cached_property
    def model(self) -> Any:
        """The base, or the adapter's own tree of modules over it."""
        tree = self._tree()
        if self._prepacked is not None:
            self._prepacked.into(tree)
            one_token_attention.use(tree)
        return tree

    def _tree(self) -> Any:
        adapter = self._checkpoint.adapter
        if adapter is None and self._prepacked is None:
            return self._base
        shared = itertools.chain(self._base.parameters(), self._base.buffers())
        memo = {} if adapter and changes_base(adapter) else {id(tensor): tensor for tensor in shared}
        copied = copy.deepcopy(self._base, memo)
        if adapter is None:
            return copied
        adapted = load_adapter(copied, adapter, base=self._checkpoint.base)
        adapted.eval().requires_grad_(False)
        return adapted.get_base_model()

    @cached_property
    def answers(self) -> _Answers:
        """What its tokenizer says of its answers."""
        renderer = load_renderer(self._checkpoint.tokenizer, model=self._checkpoint.weights)
        return _Answers(renderer.tokenizer, TokenText(renderer.tokenizer), renderer.end_tokens)

    @cached_property
    def beginnings(self) -> Beginnings:
        """What it has read of the beginnings of prompts."""
        return Beginnings(self.model)

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """Its tokens, to score options."""
        size = int(self._base.config.get_text_config().vocab_size)
        return Vocabulary(self.answers.tokenizer, size, self.answers.ends)


def _answer(
    held: _Held, requests: Sequence[Request], done: Done, *, context: int | None, places: int, more: More
) -> None:
    """Answer a batch and what joins it: see `Engine.generate`."""
    read: dict[int, tuple[TokenLogprob, ...]] = {}  # log-probabilities of prompts, by request
    free: dict[int, int] = {}  # the requests' indices, by their indices among those generated freely
    seen = begun = 0

    def finish(row: int, completion: Completion) -> None:
        done(row, replace(completion, prompt_logprobs=read.pop(row, ())))

    def begin(new: Sequence[Request]) -> list[Request]:
        """Do what is no generation for new requests; those that are left to generate."""
        nonlocal seen, begun
        by_row = dict(enumerate(new, start=seen))
        read.update(_prompt_logprobs(held.model, by_row))
        choosing = [row for row, request in by_row.items() if request.options]
        if choosing:
            _choose(held, by_row, choosing, finish)
        generated = [row for row, request in by_row.items() if not request.options]
        free.update(enumerate(generated, start=begun))
        begun, seen = begun + len(generated), seen + len(new)
        return [by_row[row] for row in generated]

    def join(count: int) -> list[Request]:
        while waiting := more(count):
            if joining := begin(waiting):
                return joining
        return []

    if first := begin(requests) or join(places):
        generate(
            held.model,
            first,
            tokens=held.answers.text,
            ends=held.answers.ends,
            context=context,
            done=lambda place, completion: finish(free.pop(place), completion),
            # alone, an answer must not depend on who was there before it either
            beginnings=held.beginnings if places != 1 else None,
            places=places,
            more=join,
        )


def _choose(
    held: _Held, requests: Mapping[int, Request], rows: Sequence[int], done: Callable[[int, Completion], None]
) -> None:
    """Score the options of some of the requests; their one token comes with it."""
    chosen = [requests[row] for row in rows]
    scored, logits = score_options(
        held.model,
        [request.prompt for request in chosen],
        [request.options for request in chosen],
        held.vocabulary,
    )

    def finish(place: int, completion: Completion) -> None:
        options, unresolved = scored[place].probabilities, scored[place].unresolved
        done(rows[place], replace(completion, options=options, unresolved=unresolved))

    generate_one_token(chosen, logits, tokens=held.answers.text, ends=held.answers.ends, done=finish)


def _prompt_logprobs(model: Any, requests: Mapping[int, Request]) -> dict[int, tuple[TokenLogprob, ...]]:
    wanted = [row for row, request in requests.items() if request.prompt_logprobs]
    if not wanted:
        return {}
    top = max(requests[row].prompt_logprobs for row in wanted)
    scored = score(model, [requests[row].prompt for row in wanted], top if top > 1 else 0)
    result = {}
    for row, entries in zip(wanted, scored, strict=True):
        keep = requests[row].prompt_logprobs if requests[row].prompt_logprobs > 1 else 0
        result[row] = tuple(replace(entry, top=entry.top[:keep]) for entry in entries)
    return result


class _Threads:
    """How many threads torch computes with, while models of several sizes compute at once.

    A small model computes in one, the caller's; more of them would only wait for each other. torch keeps the
    number per calling thread, and a new one begins with the number that was set last, anywhere: a large model
    would compute in one thread, too, if the first one of its own began beside a small one.
    """

    def __init__(self) -> None:
        self._changes = threading.Lock()
        self._inside, self._usual = 0, 0

    @contextmanager
    def of(self, parameters: int) -> Iterator[None]:
        """While a model of this size computes."""
        with self._changes:
            if not self._inside:
                self._usual = torch.get_num_threads()
            self._inside += 1
            torch.set_num_threads(1 if parameters < SMALL else self._usual)
        try:
            yield
        finally:
            with self._changes:
                self._inside -= 1
                torch.set_num_threads(self._usual)


_threads = _Threads()
_engines: Recent[Engine] = Recent(BASES)
_loading = threading.Lock()


@functools.cache
def _leave_libraries_alone() -> None:
    """Take what is loaded so far, most of all torch and transformers, out of Python's searches for garbage.

    While 200 samples of Inspect come and go such searches took 0.5 s of 7.4, and take 0.15 s so. It happens
    once, before the first model is there, whose parts refer to each other and must be found when it goes.
    """
    gc.collect()
    gc.freeze()


def load_engine(checkpoint: Checkpoint, device: str, dtype: str) -> Engine:
    """The process's engine for a checkpoint's base; loaded once, unless `BASES` others were used since.

    Args:
        checkpoint: The base, or an adapter over it.
        device: `auto`, or a torch device such as `cpu` or `cuda:0`.
        dtype: `auto` (see `number_format.settled`), or a key of `DTYPES`.

    Raises:
        UserError: If the base or the device cannot be used.
    """
    where = choose_device(device)
    with _loading:
        _leave_libraries_alone()
        found = settled(checkpoint.weights, str(where), dtype)
        key = (checkpoint.weights_digest, str(where), found)
        if key in _engines:
            return _engines.get(key, lambda: Engine(checkpoint, where, found))
    # Loading waits for a training in another thread, which releases models: it holds this lock first, too.
    with one_at_a_time(), _loading:
        return _engines.get(key, lambda: Engine(checkpoint, where, found))


def release() -> None:
    """Forget the large models that answered in this process, before another task needs the memory.

    Who asks for one again loads it again. A batch that is under way is finished.
    """
    with _loading:
        _engines.release(lambda engine: engine.is_large)


def choose_device(device: str) -> torch.device:
    """Read a device's name; `auto` is the first GPU, or the CPU without one.

    Raises:
        UserError: If torch knows no such device, or this machine has none.
    """
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        where = torch.device(device)
        torch.empty(1, device=where)
    except (RuntimeError, AssertionError) as error:
        raise UserError(
            f"no device {device!r} on this machine: pass -M device=cpu or -M device=cuda"
        ) from error
    return where
