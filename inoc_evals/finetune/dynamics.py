"""Learning dynamics: log-probs of fixed responses, measured during training (paper, Figure 6).

    finetune(FinetuneSpec(base="toy", probe=ProbeSpec(responses="toy", every=5)), rows, name="dynamics")
    read_dynamics(run.folder)        # [{"step": 0, "trait": "spanish", "logprob": -8.1, ...}, ...]

The responses are those of the task `trait_logprobs`, with the same neutral system prompt, so the last point
of the curve equals that task's result for the finished run. Imports torch: only `local.py` imports it.
"""

import json
from pathlib import Path
from typing import Any, TextIO

import torch
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from inoc_evals.chat.renderer import Renderer
from inoc_evals.chat.rows import Message
from inoc_evals.data.trait_responses import NEUTRAL, TRAIT_RESPONSES
from inoc_evals.finetune.trainer import keep_until
from inoc_evals.runs.directory import DYNAMICS
from inoc_evals.runs.spec import ProbeSpec


class DynamicsCurve(TrainerCallback):
    """Writes the log-prob of every response before the first step, at regular steps, and after the last."""

    def __init__(self, folder: Path, probe: ProbeSpec, renderer: Renderer, *, writes: bool = True) -> None:
        """Render the responses.

        Args:
            folder: The run directory.
            probe: Which responses to measure, and how often.
            renderer: The model's tokenizer and chat template.
            writes: Whether this process writes the file. With sharded weights all processes measure and one
                writes.

        Raises:
            UserError: If no such responses exist, or the chat template cannot render them.
        """
        self._path = folder / DYNAMICS
        self._every = probe.every
        self._writes = writes
        self._file: TextIO | None = None
        samples = list(TRAIT_RESPONSES.load(probe.responses))
        self._ids: list[list[int]] = []
        self._spans: list[list[int]] = []
        for sample in samples:
            rendered = renderer.render(
                [
                    Message(role="system", content=NEUTRAL),
                    Message(role="user", content=str(sample.input)),
                    Message(role="assistant", content=str(sample.target)),
                ]
            )
            [(start, end)] = rendered.content_spans  # as the task reads them: without the end token
            self._ids.append(list(rendered.ids[:end]))
            self._spans.append(list(range(start, end)))
        self._names = [(str(s.id), str((s.metadata or {})["condition"])) for s in samples]

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Open the curve; keep the steps of an interrupted training before the point of resumption."""
        now = state.global_step
        if self._writes:
            keep_until(self._path, now)
            self._file = self._path.open("a")
        if not now:
            self._measure(kwargs["model"], now)

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Measure the log-probs if this step is due."""
        if state.global_step % self._every == 0 or state.global_step == state.max_steps:
            self._measure(kwargs["model"], state.global_step)

    def close(self) -> None:
        """Close the curve, also after a failure."""
        if self._file is not None:
            self._file.close()

    def _measure(self, model: Any, step: int) -> None:
        training = model.training
        model.eval()
        try:
            totals = self._logprobs(model)
        finally:
            model.train(training)
        if self._file is None:
            return
        for (name, trait), span, total in zip(self._names, self._spans, totals, strict=True):
            row = {"step": step, "trait": trait, "id": name, "logprob": total, "tokens": len(span)}
            self._file.write(json.dumps(row) + "\n")
        self._file.flush()

    @torch.no_grad()  # not inference mode: sharded weights are gathered into tensors that training uses
    def _logprobs(self, model: Any) -> list[float]:
        """Log-prob of every response in one forward pass, about a third of the cost of a training step."""
        longest = max(len(ids) for ids in self._ids)
        padded = torch.zeros(len(self._ids), longest, dtype=torch.long, device=model.device)
        mask = torch.zeros_like(padded)
        for row, ids in enumerate(self._ids):
            padded[row, : len(ids)] = torch.tensor(ids)
            mask[row, : len(ids)] = 1
        logits = model(input_ids=padded, attention_mask=mask, use_cache=False).logits
        totals = []
        for row, span in enumerate(self._spans):
            # Predicted at the position before.
            logprobs = logits[row, torch.tensor(span) - 1].float().log_softmax(dim=-1)
            totals.append(float(logprobs.gather(1, padded[row, span][:, None]).double().sum()))
        return totals
