"""Coordination of several processes that train one run.

    accelerate launch --num_processes 4 -m inoc_evals finetune rows.jsonl --base X     # four processes

    ranks = here()                                     # Ranks(rank=2, count=4, ...)
    ranks.agree("run", digest, "has another run")      # an error if the processes disagree
    state = ranks.share("state", find_state)           # computed in the first process, sent to the others
    ranks.speaks()                                     # whether this process prints the error

The processes exchange short messages through the key-value store of torch's launcher and wait for each with
a timeout. No collective operations are used, so the death of a process is noticed and blocks no other.
Without a launcher the only process agrees with itself, and torch is not imported.
"""

import json
import os
import time
from collections.abc import Callable
from datetime import timedelta
from functools import cache, cached_property
from typing import Any

from inoc_evals.errors import UserError
from inoc_evals.plurals import many
from inoc_evals.runs.spec import FinetuneSpec

MESSAGE_TIMEOUT = 600.0
"""Seconds that a process waits for a message, including loading and slow network file systems."""

TRAINED = 3600.0
"""Seconds that the others wait for the first process to write the checkpoint of a large model."""

COLLECTIVE = 600.0
"""Timeout in seconds of a gradient exchange; across machines the only sign that a process has died."""

LAUNCH = "accelerate launch --num_processes {count} -m inoc_evals finetune ..."


class Ranks:
    """This process and its position among the processes that train one run.

    Attributes:
        rank: Its number; 0 leads.
        count: Number of processes, on all machines.
        local_count: Number of processes on this machine.
        sharded: Whether the weights are sharded (FSDP); else each process has all of them (DDP).
    """

    def __init__(self, rank: int = 0, count: int = 1, local_count: int = 1, sharded: bool = False) -> None:
        """Set up; `here` reads the arguments from the launcher's environment variables."""
        self.rank, self.count, self.local_count, self.sharded = rank, count, local_count, sharded
        self._exchanges = 0

    @property
    def leads(self) -> bool:
        """Whether this is the process that takes the lock, writes and prints."""
        return self.rank == 0

    def share(self, name: str, make: Callable[[], Any], within: float = MESSAGE_TIMEOUT) -> Any:
        """Compute a value in the first process and send it to the others.

        All processes must call it, in the same order.

        Args:
            name: Name of the value, for error messages.
            make: Computes the value; called in the first process only.
            within: Seconds that the others wait.

        Returns:
            The value, in the other processes after a round trip through JSON.

        Raises:
            UserError: In every process, if the computation failed; in the others also after a timeout.
        """
        if self.count == 1:
            return make()
        key = self._key(name)
        if not self.leads:
            message = json.loads(self._wait_for(key, f"process 0 ({name})", within))
            if "error" in message:
                raise UserError(message["error"])
            return message["value"]
        try:
            value = make()
        except BaseException as error:
            line = str(error) if isinstance(error, UserError) else f"{type(error).__name__} in process 0"
            self._store.set(key, json.dumps({"error": line}))
            raise
        self._store.set(key, json.dumps({"value": value}))
        return value

    def agree(self, name: str, value: str, otherwise: str) -> None:
        """Check that all processes have the same value.

        Raises:
            UserError: In all processes, if one differs: "process 3 {otherwise} than process 0".
        """
        if self.count == 1:
            return
        key = self._key(name)
        self._store.set(f"{key}/{self.rank}", value)

        def compare() -> None:
            for rank in range(1, self.count):
                if self._wait_for(f"{key}/{rank}", f"process {rank}", MESSAGE_TIMEOUT).decode() != value:
                    raise UserError(f"process {rank} {otherwise} than process 0: start all with one command")

        self.share(name, compare)

    def speaks(self) -> bool:
        """Whether this process prints the error message: true only for the first process that calls it."""
        if self.count == 1:
            return True
        try:
            first = int(self._store.add("spoke", 1)) == 1
        except Exception:  # the launcher is gone: printing twice is better than never
            return True
        if not first:
            time.sleep(1)  # the launcher kills all when one exits: leave the other time to print
        return first

    def _key(self, name: str) -> str:
        self._exchanges += 1
        return f"{self._exchanges}/{name}"

    def _wait_for(self, key: str, who: str, within: float) -> bytes:
        try:
            self._store.wait([key], timedelta(seconds=within))
            return bytes(self._store.get(key))
        except Exception as error:  # torch raises several types
            raise UserError(f"{who} sent no message for {within:.0f} s, or its machine is gone") from error

    @cached_property
    def _store(self) -> Any:
        if os.environ.get("TORCHELASTIC_USE_AGENT_STORE") != "True":
            raise UserError("start several processes with torchrun or `accelerate launch -m inoc_evals`")
        import torch.distributed

        stores: Any = torch.distributed  # not fully typed

        address, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
        store = stores.TCPStore(address, port, is_master=False, timeout=timedelta(seconds=MESSAGE_TIMEOUT))
        names = (os.environ.get(f"TORCHELASTIC_{name}", "") for name in ("RUN_ID", "RESTART_COUNT"))
        return stores.PrefixStore("/".join(("inoc_evals", *names)), store)


@cache
def here() -> Ranks:
    """This process, from the environment variables that the launcher sets."""
    env = os.environ.get
    if "RANK" not in os.environ or int(env("WORLD_SIZE", "1")) == 1:
        return Ranks()
    return Ranks(
        rank=int(env("RANK", "0")),
        count=int(env("WORLD_SIZE", "1")),
        local_count=int(env("LOCAL_WORLD_SIZE", "1")),
        sharded=env("ACCELERATE_USE_FSDP", "false").lower() == "true",
    )


def check_together(spec: FinetuneSpec) -> None:
    """Refuse settings with which several processes would not train as the spec says.

    Raises:
        UserError: One line, the same in all processes.
    """
    ranks, env = here(), os.environ.get
    if ranks.count == 1:
        return
    if spec.backend != "local":
        refuse_launcher(f"backend {spec.backend}")
    if spec.gradient_accumulation % ranks.count:
        whole = spec.batch_size * spec.gradient_accumulation
        raise UserError(
            f"gradient_accumulation {spec.gradient_accumulation} not divisible by {ranks.count} processes: "
            f"a step sees batch_size x gradient_accumulation = {many(whole, 'row')}, over all of them"
        )
    if "true" in (env("ACCELERATE_USE_DEEPSPEED"), env("ACCELERATE_USE_MEGATRON_LM")):
        raise UserError("several processes train by DDP, or by FSDP 2 with --use_fsdp --fsdp_version 2")
    if ranks.sharded and env("FSDP_VERSION") != "2":
        raise UserError("of FSDP only version 2 is supported: add --fsdp_version 2")


def refuse_launcher(what: str) -> None:
    """Refuse a command that needs a single process.

    Args:
        what: Name of the command, for the message.

    Raises:
        UserError: If a launcher started this process beside others.
    """
    if (count := here().count) > 1:
        raise UserError(f"{what} needs one process, and {count} were started: leave the launcher out")
