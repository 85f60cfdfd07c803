"""Training at Tinker, through its SDK: this module makes the batches, Tinker computes the updates.

    run = finetune(FinetuneSpec(base="Qwen/Qwen3-8B", backend="tinker"), rows, name="none-0")
    run.manifest.result.model              # "tinker/tinker://..."

Rows, loss mask, order, schedule and optimizer are those of the spec. With `save_steps`, the state is kept at
Tinker at regular steps and its address in `tinker.json`; a killed run resumes from it, or else restarts. One
that was killed after its last step has its weights' address there, and is not trained again.
"""

import json
import math
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.progress import track

from inoc_evals.chat.renderer import load_renderer
from inoc_evals.chat.rows import Row
from inoc_evals.chat.training_rows import NO_LOSS, Example, render_rows
from inoc_evals.digests import canonical_json, sha256
from inoc_evals.errors import UserError, one_line
from inoc_evals.files import write_whole
from inoc_evals.finetune.schedule import learning_rate, steps
from inoc_evals.models.base import TINKER
from inoc_evals.runs.directory import Manifest, Result, Run
from inoc_evals.runs.spec import FinetuneSpec

NAME = "inoc-evals"


def train(run: Run, manifest: Manifest, rows: list[Row], progress: bool) -> Result:
    """Train at Tinker and save weights that can be sampled from.

    Args:
        run: The run directory; contains `tinker.json` if a state to resume from, or the weights, exist.
        manifest: The manifest, with the spec.
        rows: Training rows.
        progress: Show a progress bar.

    Returns:
        The result, with the address of the weights.

    Raises:
        UserError: If Tinker reports an error, or a row cannot be rendered.
    """
    spec, started = manifest.spec, time.monotonic()
    with _in_one_line():
        # Before anything is asked of Tinker: a row that the template cannot show ends it here.
        examples = render_rows(
            load_renderer(spec.base, date=spec.date),
            rows,
            spec.max_length,
            reasoning_loss=spec.reasoning_loss,
        )
        batches, state = list(order(spec, len(examples))), _read(run.state_elsewhere)
        done = int(state.get("step", 0))
        losses: list[dict[str, float]] = state.get("losses", [])
        if state.get("finished"):
            path = state["path"]
        else:
            path = _train(run, manifest, examples, batches, state, losses, progress)
    write_whole(run.losses, b"".join(canonical_json(row) + b"\n" for row in losses))
    return Result(
        steps=len(batches),
        epochs=sum(map(len, batches)) / len(rows),
        loss_first=losses[0]["loss"],
        loss_last=losses[-1]["loss"],
        seconds=round(time.monotonic() - started, 3),
        resumed_at=done,
        rows=len(rows),
        rows_cut=sum(example.cut for example in examples),
        loss_tokens=sum(example.loss_tokens for example in examples),
        checkpoint_digest=sha256(f"tinker {path}"),
        model=f"{TINKER}{path}",
    )


def _train(
    run: Run,
    manifest: Manifest,
    examples: Sequence[Example],
    batches: Sequence[Sequence[int]],
    state: dict[str, Any],
    losses: list[dict[str, float]],
    progress: bool,
) -> str:
    """Do the steps that are left, and add their losses.

    Returns:
        Where the weights are. `tinker.json` says it as well, until the manifest does: they are paid for.
    """
    import tinker

    spec, file = manifest.spec, run.state_elsewhere
    assert spec.lora is not None  # the backend's check ensures it
    service: Any = tinker.ServiceClient(user_metadata={NAME: manifest.run_digest})
    if state:
        client: Any = _from_state(service, state["path"], file)
    else:
        client = service.create_lora_training_client(
            base_model=spec.base, rank=spec.lora.r, seed=spec.seed % 2**31, user_metadata={}
        ).result()
    for step in track(range(len(losses), len(batches)), manifest.name, disable=not progress):
        rate = learning_rate(spec, step, len(batches))
        loss = _step(client, spec, [examples[n] for n in batches[step]], rate)
        if not math.isfinite(loss):
            raise UserError(f"the loss is {loss} at step {step + 1}: lower the learning rate")
        losses.append({"step": step + 1, "loss": loss, "lr": rate})
        if spec.save_steps and (step + 1) % spec.save_steps == 0 and step + 1 < len(batches):
            path = client.save_state(f"{NAME}-{step + 1}", overwrite=True).result().path
            write_whole(file, canonical_json({"step": step + 1, "path": path, "losses": losses}))
    path = client.save_weights_for_sampler(f"{NAME}-final").result().path
    whole = {"step": len(batches), "path": path, "losses": losses, "finished": True}
    write_whole(file, canonical_json(whole))
    return str(path)


def _from_state(service: Any, path: str, file: Path) -> Any:
    """A client that goes on from a state, which Tinker may have deleted meanwhile.

    Raises:
        UserError: If it cannot; to begin again costs money, so that is left to the user.
    """
    import tinker

    try:
        return service.create_training_client_from_state_with_optimizer(path).result()
    except tinker.APIConnectionError:
        raise
    except tinker.TinkerError as error:
        raise UserError(
            f"Tinker does not go on from {path} ({one_line(error)}): try again, or remove {file} to begin "
            "again"
        ) from error


def order(spec: FinetuneSpec, rows: int) -> Iterator[list[int]]:
    """The rows of every step: each pass has its own order, drawn from the seed.

    Args:
        spec: The spec.
        rows: Number of rows.

    Yields:
        The indices of a step's rows.
    """
    each = spec.batch_size * spec.gradient_accumulation
    indices: list[int] = []
    passes = 0
    for _ in range(steps(spec, rows)):
        if not indices:
            indices = list(range(rows))
            random.Random(f"{spec.seed} {passes}").shuffle(indices)
            passes += 1
        yield indices[:each]
        indices = indices[each:]


def _step(client: Any, spec: FinetuneSpec, examples: Sequence[Example], rate: float) -> float:
    """One step of the optimizer.

    Returns:
        Mean loss of its trained tokens, in nats.
    """
    from tinker import types

    count = sum(example.loss_tokens for example in examples)
    data = [_datum(example, count) for example in examples]
    forward_backward = client.forward_backward(data, "cross_entropy")
    update = client.optim_step(
        types.AdamParams(
            learning_rate=rate,
            beta1=spec.betas[0],
            beta2=spec.betas[1],
            eps=1e-8,
            weight_decay=spec.weight_decay,
            grad_clip_norm=spec.max_grad_norm,
        )
    )
    result = forward_backward.result()
    update.result()
    return -sum(
        math.fsum(
            weight * logprob
            for weight, logprob in zip(
                datum.loss_fn_inputs["weights"].tolist(), output["logprobs"].tolist(), strict=True
            )
        )
        for datum, output in zip(data, result.loss_fn_outputs, strict=True)
    )


def _datum(example: Example, count: int) -> Any:
    """A row in Tinker's format: input tokens, target tokens and the targets' loss weights.

    Tinker sums the loss over tokens. Weights of one over the step's trained tokens make it a mean, as in
    the local backend, so that learning rate and clipping norm mean the same in both.
    """
    from tinker import types

    weights = [0.0 if label == NO_LOSS else 1.0 / count for label in example.labels[1:]]
    return types.Datum(
        model_input=types.ModelInput.from_ints(example.input_ids[:-1]),
        loss_fn_inputs={
            "target_tokens": types.TensorData(data=example.input_ids[1:], dtype="int64"),
            "weights": types.TensorData(data=weights, dtype="float32"),
        },
    )


def _read(file: Path) -> dict[str, Any]:
    try:
        state = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return {}
    return state if isinstance(state, dict) and {"step", "path", "losses"} <= set(state) else {}


@contextmanager
def _in_one_line() -> Iterator[None]:
    """Turn Tinker's errors into one line, without the API key."""
    import tinker

    try:
        yield
    except tinker.TinkerError as error:
        raise UserError(f"Tinker: {one_line(error)}") from error
