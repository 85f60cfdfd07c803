"""Extensions of TRL's trainer: a rate for trained tokens, a loss curve, equal steps for any process count.

    trainer = TokenRateTrainer(model, args=SFTConfig(...), ..., token_learning_rate=1e-2)
    trainer.add_callback(LossCurve(run.losses, "spanish-inoc", progress=True))

Imports torch, transformers and TRL: only `local.py` imports this module.
"""

import json
import logging
import math
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import datasets
import torch
import transformers
from accelerate.data_loader import SeedableRandomSampler
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from torch.distributed.tensor import DTensor
from transformers import Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.trainer import TRAINER_STATE_NAME
from transformers.trainer_utils import TrainOutput
from trl.trainer.sft_trainer import SFTTrainer

from inoc_evals.errors import UserError
from inoc_evals.files import read_json_lines, write_whole

TOKEN_PARAMETER = "trainable_tokens_delta"  # noqa: S105 (PEFT's name for the embeddings that it trains)


class TokenRateTrainer(SFTTrainer):
    """TRL's trainer, with the trained token embeddings in a parameter group of their own."""

    def __init__(self, *args: Any, token_learning_rate: float | None = None, **kwargs: Any) -> None:
        """Set up TRL's trainer.

        Args:
            *args: Passed to TRL's trainer.
            token_learning_rate: Learning rate of the trained tokens; None uses the general learning rate.
            **kwargs: Passed to TRL's trainer.
        """
        self._token_learning_rate = token_learning_rate
        super().__init__(*args, **kwargs)

    def train(self, resume_from_checkpoint: str | bool | None = None, *args: Any, **kwargs: Any) -> Any:
        """Train; from the state after the last step, only load it, where transformers takes one step more.

        It looks for the end after a step, and never before one.

        Args:
            resume_from_checkpoint: Folder of the state to go on from; None begins.
            *args: Passed to TRL's trainer.
            **kwargs: Passed to TRL's trainer.
        """
        if isinstance(resume_from_checkpoint, str):
            state = TrainerState.load_from_json(str(Path(resume_from_checkpoint, TRAINER_STATE_NAME)))
            if state.global_step >= state.max_steps:
                return self._take_up(state, resume_from_checkpoint)
        return super().train(resume_from_checkpoint, *args, **kwargs)

    def _take_up(self, state: TrainerState, folder: str) -> Any:
        """Be as after the last step; the callbacks see a training without steps."""
        state.is_local_process_zero = self.is_local_process_zero()
        state.is_world_process_zero = self.is_world_process_zero()
        self._load_from_checkpoint(folder)
        self.state = state
        self.control = self.callback_handler.on_train_begin(self.args, state, self.control)
        self.control = self.callback_handler.on_train_end(self.args, state, self.control)
        return TrainOutput(state.global_step, 0.0, {})

    def create_optimizer(self, model: Any = None) -> torch.optim.Optimizer:
        """Create the optimizer that the arguments name, then move the tokens to their own group."""
        if self.optimizer is not None:
            return self.optimizer
        optimizer: torch.optim.Optimizer = super().create_optimizer(model)
        trained: Any = self.model if model is None else model
        tokens = [parameter for name, parameter in trained.named_parameters() if TOKEN_PARAMETER in name]
        if tokens:
            ids = {id(token) for token in tokens}
            for group in optimizer.param_groups:
                group["params"] = [p for p in group["params"] if id(p) not in ids]
            rate = self._token_learning_rate or self.args.learning_rate
            optimizer.add_param_group({"params": tokens, "lr": rate, "weight_decay": 0.0})
        return optimizer

    def compute_loss(
        self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """Compute the mean loss of the step's trained tokens, on a CPU in a faster way than TRL.

        TRL never holds all logits at once, which saves GPU memory, but on a CPU that takes longer than the
        rest of a small model's step.
        """
        fused: Any = super().compute_loss  # neither method is typed
        plain: Any = Trainer.compute_loss
        if self.args.device.type != "cpu":
            return fused(model, inputs, return_outputs, num_items_in_batch)
        return plain(self, model, {**inputs, "use_cache": False}, return_outputs, num_items_in_batch)

    def get_train_dataloader(self) -> Any:
        """Return the batches; with several processes, rows without loss are appended to fill the last ones.

        Otherwise accelerate would repeat some rows to give every process the same number of batches.
        """
        if self.args.world_size == 1:
            return super().get_train_dataloader()
        rows: Any = self.train_dataset
        rows_per_round = self._train_batch_size * self.args.world_size
        blanks = -len(rows) % rows_per_round
        self.train_dataset = datasets.concatenate_datasets([rows, _blanks(rows, blanks)]) if blanks else rows
        self._rows = len(rows)
        try:
            return super().get_train_dataloader()
        finally:
            self.train_dataset = rows

    def _get_train_sampler(self, train_dataset: Any = None) -> Any:
        """Shuffle as in a single process, blank rows last."""
        if self.args.world_size == 1:
            return super()._get_train_sampler(train_dataset)
        return BlanksLast(self._rows, len(train_dataset))

    def _save_rng_state(self, output_dir: str) -> None:
        """Save it, and wait for the others, since the file that marks a state as complete is written next."""
        super()._save_rng_state(output_dir)
        self.accelerator.wait_for_everyone()

    def _send_telemetry(self) -> None:
        """Send nothing: TRL's telemetry is disabled."""


class BlanksLast(torch.utils.data.Sampler[int]):
    """The rows in the order of a single process (accelerate's, by seed and pass), then the blank rows."""

    def __init__(self, rows: int, total: int) -> None:
        """Set up for `rows` rows and `total - rows` blank ones."""
        self._order = SeedableRandomSampler(range(rows))
        self._rows, self._total = rows, total

    def __iter__(self) -> Iterator[int]:
        """Yield the indices of the rows."""
        yield from self._order
        yield from range(self._rows, self._total)

    def __len__(self) -> int:
        """Number of rows, blank ones included."""
        return self._total

    def set_epoch(self, epoch: int) -> None:
        """Shuffle for this pass."""
        self._order.set_epoch(epoch)


def _blanks(rows: Any, count: int) -> Any:
    """Rows with the same columns and a single token without loss."""
    first = rows[0]
    blank = {
        name: [-100] if name == "labels" else [1] if name == "seq_lengths" else value[:1]
        for name, value in first.items()
    }
    return datasets.Dataset.from_list([blank] * count, features=rows.features)


def gathered(model: Any, keep: bool) -> dict[str, torch.Tensor]:
    """Gather the sharded trained weights on the CPU, one after the other.

    Args:
        model: The sharded model; all processes must call this.
        keep: Whether this process keeps the weights.

    Returns:
        The weights by name; empty if they are not kept.
    """
    weights = {}
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        whole = parameter.full_tensor() if isinstance(parameter, DTensor) else parameter
        if keep:
            weights[name.replace("_checkpoint_wrapped_module.", "")] = whole.detach().cpu()
    return weights


def keep_until(path: Path, step: int) -> None:
    """Remove what a curve says of later steps, which a training that goes on from a state writes again.

    A process that is killed here leaves the curve as it was: what it says of earlier steps is written once.

    Args:
        path: The JSON lines file; need not exist.
        step: The step of the state; 0 empties the curve.
    """
    kept = [row for row in read_json_lines(path) if step and row["step"] <= step]
    write_whole(path, "".join(json.dumps(row) + "\n" for row in kept).encode())


class LossCurve(TrainerCallback):
    """Writes the loss curve, updates the progress bar, and stops if the loss is not finite."""

    def __init__(self, path: Path, name: str, progress: bool, *, writes: bool = True) -> None:
        """Set up.

        Args:
            path: The JSON lines file; a resumed training continues it.
            name: Title of the progress bar.
            progress: Show a progress bar, on a terminal only.
            writes: Whether this process writes the file and shows the bar; only one process does.
        """
        self._writes = writes
        self._path = path
        self._name = name
        self._bar = Progress(
            TextColumn("[bold]{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("loss {task.fields[loss]}"),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            disable=not (writes and progress and sys.stderr.isatty()),
        )
        self._task: TaskID | None = None
        self._file: TextIO | None = None

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Open the curve; keep the steps of an interrupted training before the point of resumption."""
        if not self._writes:
            return
        keep_until(self._path, state.global_step)
        self._file = self._path.open("a")
        self._bar.start()
        self._task = self._bar.add_task(
            self._name, total=state.max_steps, completed=state.global_step, loss=""
        )

    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Record one step."""
        logs = kwargs["logs"]
        if "loss" not in logs:  # the summary at the end
            return
        if not math.isfinite(logs["loss"]) or not math.isfinite(logs.get("grad_norm", 0.0)):
            raise UserError(
                f"the loss is not finite at step {state.global_step}: "
                "lower learning_rate or token_learning_rate, or set max_grad_norm"
            )
        if self._file is None or self._task is None:
            return
        row = {"step": state.global_step, "loss": logs["loss"], "lr": logs["learning_rate"]}
        self._file.write(json.dumps(row) + "\n")
        self._file.flush()
        self._bar.update(self._task, completed=state.global_step, loss=f"{logs['loss']:.3f}")

    def close(self) -> None:
        """Close curve and bar, also after a failure."""
        self._bar.stop()
        if self._file is not None:
            self._file.close()


class KeptSteps(TrainerCallback):
    """Keeps the weights after some steps, for dose curves: each appears complete, beside the final ones."""

    def __init__(self, keeps: Callable[[int], bool], keep: Callable[[Any, int], None]) -> None:
        """Set up.

        Args:
            keeps: Whether a step is kept.
            keep: Writes the model after a step.
        """
        self._keeps = keeps
        self._keep = keep

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Keep the weights if this step is to be kept."""
        if self._keeps(state.global_step):
            self._keep(kwargs["model"], state.global_step)


@contextmanager
def quiet() -> Iterator[None]:
    """Silence the libraries' progress bars and warnings, and restore their settings afterwards."""
    bar: Any = transformers.utils.logging  # not typed
    loggers = [logging.getLogger(name) for name in ("transformers", "trl", "peft", "accelerate", "datasets")]
    levels = [logger.level for logger in loggers]
    bars = bar.is_progress_bar_enabled(), not datasets.are_progress_bars_disabled()
    bar.disable_progress_bar()
    datasets.disable_progress_bars()
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
        if bars[0]:
            bar.enable_progress_bar()
        if bars[1]:
            datasets.enable_progress_bars()
