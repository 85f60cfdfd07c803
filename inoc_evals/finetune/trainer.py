"""Two things that TRL's trainer does not do: a learning rate for some tokens, and a quiet loss curve.

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
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from transformers import Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from trl.trainer.sft_trainer import SFTTrainer

from inoc_evals.errors import UserError

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

    def _send_telemetry(self) -> None:
        """Tell nobody: what is trained here is the user's own affair."""


class LossCurve(TrainerCallback):
    """Writes a line to the loss curve at every step, moves the bar, and stops where the loss is no number."""

    def __init__(self, path: Path, name: str, progress: bool) -> None:
        """Prepare.

        Args:
            path: The JSON lines file; a resumed training continues it.
            name: What the bar is called.
            progress: Show a bar, on a terminal only.
        """
        self._path = path
        self._name = name
        self._bar = Progress(
            TextColumn("[bold]{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("loss {task.fields[loss]}"),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            disable=not (progress and sys.stderr.isatty()),
        )
        self._task: TaskID | None = None
        self._file: TextIO | None = None

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Open the curve, keeping of an earlier attempt what this one does not do again."""
        kept = [row for row in read_losses(self._path) if row["step"] <= state.global_step]
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
        if "loss" not in logs or self._file is None or self._task is None:  # the summary at the end
            return
        if not math.isfinite(logs["loss"]) or not math.isfinite(logs.get("grad_norm", 0.0)):
            raise UserError(
                f"the loss is no longer a number at step {state.global_step}: "
                "lower learning_rate or token_learning_rate, or set max_grad_norm"
            )
        row = {"step": state.global_step, "loss": logs["loss"], "lr": logs["learning_rate"]}
        self._file.write(json.dumps(row) + "\n")
        self._file.flush()
        self._bar.update(self._task, completed=state.global_step, loss=f"{logs['loss']:.3f}")

    def close(self) -> None:
        """Close curve and bar, however the training ended."""
        self._bar.stop()
        if self._file is not None:
            self._file.close()


def read_losses(path: Path) -> list[dict[str, Any]]:
    """Read a loss curve up to the first line that a killed process left by half.

    Args:
        path: The JSON lines file; need not exist.

    Returns:
        Rows of `step`, `loss` (nats a token) and `lr`.
    """
    rows: list[dict[str, Any]] = []
    for line in path.read_text("utf-8").splitlines() if path.is_file() else ():
        try:
            rows.append(json.loads(line))
        except json.JSONDecodeError:
            break
    return rows


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
