"""Several processes that train one run: who leads, what all of them hold for true, and who speaks.

    accelerate launch --num_processes 4 -m inoc_evals finetune rows.jsonl --base X     # starts four of us

    ranks = here()                                     # Ranks(rank=2, count=4, ...)
    ranks.agree("run", digest, "was asked for another run")
    state = ranks.share("state", find_state)           # the first process looks, the others hear of it
    ranks.speaks()                                     # one of them says what went wrong

They talk through the store that torch's launcher keeps for them while they live: a few words, each waited for
a bounded time. No collective is among them, so who has died is missed and hangs nobody. A process that was
not started by a launcher is the only one: it agrees with itself, and torch is not imported.
"""

import json
import os
import time
from collections.abc import Callable
from datetime import timedelta
from functools import cache, cached_property
from typing import Any

from inoc_evals.errors import UserError
from inoc_evals.runs.spec import FinetuneSpec

WORD = 600.0
"""Seconds that a process waits for a word of another one: loading, and a file system that is slow to show."""

TRAINED = 3600.0
"""Seconds that the others wait for the first to write what was trained, all weights of a large model."""

COLLECTIVE = 600.0
"""Seconds until an exchange of gradients is given up: across machines only this tells that one has died."""

LAUNCH = "accelerate launch --num_processes {count} -m inoc_evals finetune ..."


class Ranks:
    """This process among those that train one run.

    Attributes:
        rank: Which one it is; 0 leads.
        count: How many there are, on all machines.
        nearby: How many of them are on this machine.
        sharded: Whether the weights are spread over them (FSDP), else each holds all (DDP).
    """

    def __init__(self, rank: int = 0, count: int = 1, nearby: int = 1, sharded: bool = False) -> None:
        """Take a place among the processes; `here` reads it from what the launcher says."""
        self.rank, self.count, self.nearby, self.sharded = rank, count, nearby, sharded
        self._said = 0

    @property
    def leads(self) -> bool:
        """Whether this is the process that takes the lock, writes and prints."""
        return self.rank == 0

    def share(self, name: str, make: Callable[[], Any], within: float = WORD) -> Any:
        """Let the first process find something out, and tell the others.

        All processes call it, in the same order.

        Args:
            name: What it is, for messages.
            make: Finds it out; called in the first process only.
            within: Seconds that the others wait.

        Returns:
            What it found, as JSON gives it back.

        Raises:
            UserError: In the others as well, if the first could not; or if it says nothing in time.
        """
        if self.count == 1:
            return make()
        key = self._key(name)
        if not self.leads:
            told = json.loads(self._heard(key, f"process 0 ({name})", within))
            if "error" in told:
                raise UserError(told["error"])
            return told["value"]
        try:
            value = make()
        except BaseException as error:
            line = str(error) if isinstance(error, UserError) else f"{type(error).__name__} in process 0"
            self._store.set(key, json.dumps({"error": line}))
            raise
        self._store.set(key, json.dumps({"value": value}))
        return value

    def agree(self, name: str, value: str, otherwise: str) -> None:
        """Make sure that all processes hold the same for true.

        Raises:
            UserError: In all of them, if one does not: "process 3 {otherwise} than process 0".
        """
        if self.count == 1:
            return
        key = self._key(name)
        self._store.set(f"{key}/{self.rank}", value)

        def compare() -> None:
            for rank in range(1, self.count):
                if self._heard(f"{key}/{rank}", f"process {rank}", WORD).decode() != value:
                    raise UserError(f"process {rank} {otherwise} than process 0: start all alike")

        self.share(name, compare)

    def speaks(self) -> bool:
        """Whether this process is the one to tell the user what went wrong: the first that asks."""
        if self.count == 1:
            return True
        try:
            first = int(self._store.add("spoke", 1)) == 1
        except Exception:  # the launcher is gone: better said twice than never
            return True
        if not first:
            time.sleep(1)  # the launcher ends all at the first that goes: not before it has spoken
        return first

    def _key(self, name: str) -> str:
        self._said += 1
        return f"{self._said}/{name}"

    def _heard(self, key: str, who: str, within: float) -> bytes:
        try:
            self._store.wait([key], timedelta(seconds=within))
            return bytes(self._store.get(key))
        except Exception as error:  # torch's, of several kinds
            raise UserError(f"{who} said nothing for {within:.0f} s, or its machine is gone") from error

    @cached_property
    def _store(self) -> Any:
        if os.environ.get("TORCHELASTIC_USE_AGENT_STORE") != "True":
            raise UserError(
                "several processes are started by accelerate launch or torchrun, see docs/finetune.md"
            )
        import torch.distributed

        stores: Any = torch.distributed  # whose names are not all declared

        address, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
        store = stores.TCPStore(address, port, is_master=False, timeout=timedelta(seconds=WORD))
        names = (os.environ.get(f"TORCHELASTIC_{name}", "") for name in ("RUN_ID", "RESTART_COUNT"))
        return stores.PrefixStore("/".join(("inoc_evals", *names)), store)


@cache
def here() -> Ranks:
    """This process, by the words of the launcher in its environment."""
    said = os.environ.get
    if "RANK" not in os.environ or int(said("WORLD_SIZE", "1")) == 1:
        return Ranks()
    return Ranks(
        rank=int(said("RANK", "0")),
        count=int(said("WORLD_SIZE", "1")),
        nearby=int(said("LOCAL_WORLD_SIZE", "1")),
        sharded=said("ACCELERATE_USE_FSDP", "false").lower() == "true",
    )


def check_together(spec: FinetuneSpec) -> None:
    """Refuse what several processes would not train as the spec says; known before anything is loaded.

    Raises:
        UserError: One line, the same in all processes.
    """
    ranks, said = here(), os.environ.get
    if ranks.count == 1:
        return
    if spec.backend != "local":
        refuse_launcher(f"backend {spec.backend}")
    if spec.gradient_accumulation % ranks.count:
        whole = spec.batch_size * spec.gradient_accumulation
        raise UserError(
            f"gradient_accumulation {spec.gradient_accumulation} not divisible by {ranks.count} processes: "
            f"a step sees batch_size x gradient_accumulation = {whole} rows, over all of them"
        )
    if "true" in (said("ACCELERATE_USE_DEEPSPEED"), said("ACCELERATE_USE_MEGATRON_LM")):
        raise UserError("several processes train by DDP, or by FSDP 2 with --use_fsdp --fsdp_version 2")
    if ranks.sharded and said("FSDP_VERSION") != "2":
        raise UserError("of FSDP only version 2 is supported: add --fsdp_version 2")


def refuse_launcher(what: str) -> None:
    """Refuse to do several times at once what one process does.

    Args:
        what: What is asked for.

    Raises:
        UserError: If a launcher started this process beside others.
    """
    if (count := here().count) > 1:
        raise UserError(f"{what}: one process does it, and {count} were started: leave the launcher out")
