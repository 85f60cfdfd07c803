"""What TRL's trainer does not do: a rate for some tokens, a quiet loss curve, one process's steps with many.

    trainer = TokenRateTrainer(model, args=SFTConfig(...), ..., token_learning_rate=1e-2)
    trainer.add_callback(LossCurve(run.losses, "spanish-inoc", progress=True))

Imports torch, transformers and TRL: only `local.py` imports it.
"""

import json
import logging
import math
import sys
import warnings
from collections.abc import Iterator
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
from trl.trainer.sft_trainer import SFTTrainer

from inoc_evals.errors import UserError
from inoc_evals.files import read_json_lines

TOKEN_PARAMETER = "trainable_tokens_delta"  # noqa: S105 (PEFT's name for the embeddings that it trains)


class TokenRateTrainer(SFTTrainer):
    """TRL's trainer, with the trained token embeddings in a parameter group of their own."""

    def __init__(self, *args: Any, token_learning_rate: float | None = None, **kwargs: Any) -> None:
        """Set up TRL's trainer.

        Args:
            *args: TRL's.
            token_learning_rate: Of the trained tokens; None is the learning rate of everything else.
            **kwargs: TRL's.
        """
        self._token_learning_rate = token_learning_rate
        super().__init__(*args, **kwargs)

    def create_optimizer(self, model: Any = None) -> torch.optim.Optimizer:
        """Make the optimizer that the arguments name, then move the tokens to their own group."""
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
        """Compute the mean loss of the step's trained tokens: the same number, the faster way.

        TRL's own way never holds all logits at once, which saves a GPU's memory but on a CPU takes longer
        than all the rest of a small model's step.
        """
        fused: Any = super().compute_loss  # neither is typed
        plain: Any = Trainer.compute_loss
        if self.args.device.type != "cpu":
            return fused(model, inputs, return_outputs, num_items_in_batch)
        return plain(self, model, {**inputs, "use_cache": False}, return_outputs, num_items_in_batch)

    def get_train_dataloader(self) -> Any:
        """Give the batches; with several processes after the last row come some without loss.

        Accelerate deals batches out in turn, and where they do not come out even shows some rows twice.
        """
        if self.args.world_size == 1:
            return super().get_train_dataloader()
        rows: Any = self.train_dataset
        together = self._train_batch_size * self.args.world_size
        blanks = -len(rows) % together
        self.train_dataset = datasets.concatenate_datasets([rows, _blanks(rows, blanks)]) if blanks else rows
        self._rows = len(rows)
        try:
            return super().get_train_dataloader()
        finally:
            self.train_dataset = rows

    def _get_train_sampler(self, train_dataset: Any = None) -> Any:
        """Shuffle as one process does, blank rows last."""
        if self.args.world_size == 1:
            return super()._get_train_sampler(train_dataset)
        return BlanksLast(self._rows, len(train_dataset))

    def _save_rng_state(self, output_dir: str) -> None:
        """Save it, and wait for the others: the file that says that a state is whole is written next."""
        super()._save_rng_state(output_dir)
        self.accelerator.wait_for_everyone()

    def _send_telemetry(self) -> None:
        """Tell nobody: what is trained here is the user's own affair."""


class BlanksLast(torch.utils.data.Sampler[int]):
    """The order in which one process takes the rows (accelerate's, by seed and pass), then the blank ones."""

    def __init__(self, rows: int, total: int) -> None:
        """Set up for `rows` rows, of `total` with those that are blank."""
        self._order = SeedableRandomSampler(range(rows))
        self._rows, self._total = rows, total

    def __iter__(self) -> Iterator[int]:
        """Give places of rows."""
        yield from self._order
        yield from range(self._rows, self._total)

    def __len__(self) -> int:
        """Count them."""
        return self._total

    def set_epoch(self, epoch: int) -> None:
        """Shuffle for this pass."""
        self._order.set_epoch(epoch)


def _blanks(rows: Any, count: int) -> Any:
    """Rows of one token that carries no loss, of the same columns."""
    first = rows[0]
    blank = {
        name: [-100] if name == "labels" else [1] if name == "seq_lengths" else value[:1]
        for name, value in first.items()
    }
    return datasets.Dataset.from_list([blank] * count, features=rows.features)


def gathered(model: Any, keep: bool) -> dict[str, torch.Tensor]:
    """Put together, on the CPU, the trained weights that are spread over processes, one after the other.

    Args:
        model: The sharded model; all processes call this.
        keep: Keep them here.

    Returns:
        The weights by name; none where they are not kept.
    """
    weights = {}
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        whole = parameter.full_tensor() if isinstance(parameter, DTensor) else parameter
        if keep:
            weights[name.replace("_checkpoint_wrapped_module.", "")] = whole.detach().cpu()
    return weights


class LossCurve(TrainerCallback):
    """Writes a line to the loss curve at every step, moves the bar, and stops where the loss is no number."""

    def __init__(self, path: Path, name: str, progress: bool, *, writes: bool = True) -> None:
        """Prepare.

        Args:
            path: The JSON lines file; a resumed training continues it.
            name: What the bar is called.
            progress: Show a bar, on a terminal only.
            writes: Write and show; of several processes one does, and all stop where the loss is no number.
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
        """Open the curve, keeping of an earlier attempt what this one does not do again."""
        if not self._writes:
            return
        kept = [row for row in read_json_lines(self._path) if row["step"] <= state.global_step]
        self._path.write_text("".join(json.dumps(row) + "\n" for row in kept))
        self._file = self._path.open("a")
        self._bar.start()
        self._task = self._bar.add_task(
            self._name, total=state.max_steps, completed=state.global_step, loss=""
        )

    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Take down one step."""
        logs = kwargs["logs"]
        if "loss" not in logs:  # the summary at the end
            return
        if not math.isfinite(logs["loss"]) or not math.isfinite(logs.get("grad_norm", 0.0)):
            raise UserError(
                f"the loss is no longer a number at step {state.global_step}: "
                "lower learning_rate or token_learning_rate, or set max_grad_norm"
            )
        if self._file is None or self._task is None:
            return
        row = {"step": state.global_step, "loss": logs["loss"], "lr": logs["learning_rate"]}
        self._file.write(json.dumps(row) + "\n")
        self._file.flush()
        self._bar.update(self._task, completed=state.global_step, loss=f"{logs['loss']:.3f}")

    def close(self) -> None:
        """Close curve and bar, however the training ended."""
        self._bar.stop()
        if self._file is not None:
            self._file.close()


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the libraries' progress bars and remarks from the user, and give their settings back after."""
    bar: Any = transformers.utils.logging  # which is not typed
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
