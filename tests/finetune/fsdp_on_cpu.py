"""`python -m inoc_evals` where accelerate's FSDP 2 runs on CPUs: accelerate itself asks for a GPU there.

Two answers of accelerate's are replaced, both about the device: what the processes talk through (gloo) and
where tensors live. Sharding, loading, gathering and the optimizer are accelerate's and torch's own.
"""

import torch
from accelerate.state import DistributedType, PartialState

from inoc_evals.cli import main


def _prepare_backend(self: PartialState, *args: object, **kwargs: object) -> tuple[str, DistributedType]:
    if not torch.distributed.is_initialized():
        torch.distributed.init_process_group("gloo")
    return "gloo", DistributedType.MULTI_GPU


def _set_device(self: PartialState) -> None:
    self.device = torch.device("cpu")


PartialState._prepare_backend = _prepare_backend
PartialState.set_device = _set_device

if __name__ == "__main__":
    main()
