"""Training on this machine: TRL's SFTTrainer over a PEFT adapter, or over all weights.

Imports torch, so it is only imported to train. The spec determines what is trained:

    lora                    LoRA on the named layers
    lora + trained_tokens   the same, and the embeddings of those tokens (PEFT's trainable_token_indices)
    trained_tokens          those embeddings only: an adapter of about a kilobyte
    neither                 all weights; the checkpoint is a full model with its tokenizer

Processes started by a launcher train one run together: each takes its share of every step's batches, and
`gradient_accumulation` counts the batches of all processes. The first process writes.

With tied embeddings PEFT applies a trained embedding to the output layer as well, in training as in
evaluation: changing a token's embedding then also changes how likely the model is to write that token.
"""

import atexit
import json
import os
import pickle
import re
import shutil
import time
from collections.abc import Callable
from datetime import timedelta
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from accelerate import PartialState
from datasets import Dataset
from peft import LoraConfig, get_peft_model
from peft.utils.constants import DUMMY_TARGET_MODULES
from torch.distributed.fsdp import MixedPrecisionPolicy
from transformers import PrinterCallback, set_seed
from trl.trainer.sft_config import SFTConfig

from inoc_evals.chat.renderer import load_renderer
from inoc_evals.chat.rows import Row
from inoc_evals.chat.training_rows import Example, render_rows
from inoc_evals.digests import content_sizes, folder_digest
from inoc_evals.errors import UserError, first_line, packages_together
from inoc_evals.files import read_json_lines
from inoc_evals.finetune.dynamics import DynamicsCurve
from inoc_evals.finetune.estimate import estimate
from inoc_evals.finetune.fitting import fitting_config
from inoc_evals.finetune.memory import batches_together
from inoc_evals.finetune.quantized import prepare
from inoc_evals.finetune.ranks import COLLECTIVE, LAUNCH, TRAINED, Ranks, here
from inoc_evals.finetune.schedule import check_schedule, steps
from inoc_evals.finetune.trainer import KeptSteps, LossCurve, TokenRateTrainer, gathered, quiet
from inoc_evals.models.base import hub_model, load_path
from inoc_evals.models.checkpoint import context_length
from inoc_evals.models.loading import check_tokens, load_model, loading, quantization
from inoc_evals.models.number_format import keep_format, training_precision
from inoc_evals.runs.directory import Manifest, Result, Run
from inoc_evals.runs.spec import FinetuneSpec, LoraSpec

PACKING_ATTENTION = ("sdpa", "eager", "flash_attention_2", "flash_attention_3")
"""Attention implementations in which restarting positions separate packed rows, by transformers' masks or by
the kernel."""

LOST_PEER = re.compile(r"gloo|nccl|connection (closed|reset|refused)|peer|timed out", re.IGNORECASE)
"""Matches the libraries' messages when another process has died."""

SYNC_SECONDS = 30
"""Seconds until a network file system shows on all machines what one machine has written."""


def train(run: Run, manifest: Manifest, rows: list[Row], progress: bool) -> Result:
    """Train and write the checkpoint to the run directory, atomically.

    Args:
        run: The run directory; the caller holds its lock.
        manifest: The manifest, with the spec.
        rows: Training rows.
        progress: Show a progress bar; on a terminal only.

    Returns:
        The result, the same in every process.

    Raises:
        UserError: If the base, the rows or the spec are invalid, the loss is not finite, or the GPU runs out
            of memory.
    """
    spec, work, ranks = manifest.spec, run.states, here()
    _check_gpus(ranks)
    with quiet():
        try:
            _join(ranks)
            # On a CPU activations are never recomputed: of a small model most memory goes to logits, which
            # would stay, and time is what is short. The estimate is for a single process with all weights;
            # either all processes recompute or none.
            checkpointing = torch.cuda.is_available() and (
                ranks.sharded or ranks.share("checkpointing", lambda: estimate(spec, rows).checkpointing)
            )
            set_seed(spec.seed)  # before the adapter draws its first weights
            precision = training_precision(spec, load_path(spec.base))
            renderer, model = _load(spec, precision)
            tokenizer = renderer.tokenizer
            length = spec.longest(context_length(model.config))
            examples = render_rows(renderer, rows, length, reasoning_loss=spec.reasoning_loss)
            # padding stands beside a row that is shorter than its batch
            padded = spec.batch_size > 1 and tokenizer.pad_token_id is not None
            read = chain.from_iterable(example.input_ids for example in examples)
            check_tokens(model.config, chain(read, [tokenizer.pad_token_id] * padded), spec.base)
            trainer = _trainer(spec, model, tokenizer, examples, length, work, precision, checkpointing)
            sequences: Any = trainer.train_dataset
            count = steps(spec, len(sequences))
            check_schedule(spec, count)
            curve = LossCurve(run.losses, manifest.name, progress, writes=ranks.leads)
            trainer.add_callback(curve)
            dynamics = None
            if spec.probe is not None and (ranks.leads or ranks.sharded):
                dynamics = DynamicsCurve(run.folder, spec.probe, renderer, writes=ranks.leads)
                trainer.add_callback(dynamics)
            if spec.kept_steps is not None:
                trainer.add_callback(KeptSteps(spec.keeps, _keeper(run, tokenizer, spec, precision, ranks)))
            state = _agreed_state(run, work, ranks)
            if ranks.leads:
                run.forget_steps(after=0 if state is None else _step(state))
            start = time.monotonic()
            try:
                trainer.train(resume_from_checkpoint=None if state is None else str(state))
            finally:
                curve.close()
                if dynamics is not None:
                    dynamics.close()
            seconds = time.monotonic() - start
            weights = gathered(trainer.model, ranks.leads) if ranks.sharded else None
        except pickle.UnpicklingError as error:
            raise UserError(
                f"{work} contains a state with pickled code, which is never loaded: remove the folder"
            ) from error
        except torch.OutOfMemoryError as error:
            raise UserError(
                "the GPU is out of memory: lower max_length, or lower batch_size and raise "
                "gradient_accumulation instead"
            ) from error
        except (RuntimeError, torch.distributed.DistError) as error:
            if ranks.count > 1 and LOST_PEER.search(str(error)):
                raise UserError(
                    f"process {ranks.rank} lost the connection to another process: run the command again, "
                    "it resumes from the last state, if any"
                ) from error
            raise

        def finish() -> Any:
            checkpoint = trainer.model
            _save(checkpoint, weights, tokenizer, spec, precision, work / "checkpoint", run.checkpoint)
            losses = [row["loss"] for row in read_json_lines(run.losses)]
            device = trainer.args.device
            return Result(
                steps=trainer.state.global_step,
                epochs=trainer.state.epoch,
                loss_first=losses[0],
                loss_last=losses[-1],
                seconds=round(seconds, 3),
                resumed_at=0 if state is None else _step(state),
                device=torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
                processes=ranks.count,
                precision=precision,
                rows=len(rows),
                rows_cut=sum(example.cut for example in examples),
                loss_tokens=sum(example.loss_tokens for example in examples),
                checkpoint_digest=folder_digest(run.checkpoint, manifest.base_digest),
                checkpoint_files=content_sizes(run.checkpoint),
            ).model_dump(mode="json")

        return Result.model_validate(ranks.share("result", finish, TRAINED))


def _check_gpus(ranks: Ranks) -> None:
    """Refuse unused GPUs, and more processes than GPUs."""
    gpus = torch.cuda.device_count()
    if ranks.count == 1 and gpus > 1:
        raise UserError(
            f"{gpus} GPUs are visible, one process uses one: set CUDA_VISIBLE_DEVICES=0, or use all with  "
            f"{LAUNCH.format(count=gpus)}"
        )
    if gpus and ranks.local_count > gpus:
        raise UserError(f"{ranks.local_count} processes, {gpus} GPUs on this machine: --num_processes {gpus}")


def _join(ranks: Ranks) -> None:
    """Connect to the other processes, before the base is loaded, so that only one reads sharded weights."""
    if ranks.count == 1:
        return
    # The spec decides these; the launcher's settings would otherwise override it.
    os.environ["ACCELERATE_MIXED_PRECISION"] = "no"
    if ranks.sharded:
        os.environ.setdefault("FSDP_AUTO_WRAP_POLICY", "TRANSFORMER_BASED_WRAP")
    if not torch.distributed.is_initialized():
        PartialState(cpu=not torch.accelerator.is_available(), timeout=timedelta(seconds=COLLECTIVE))
        atexit.register(torch.distributed.destroy_process_group)


def _agreed_state(run: Run, work: Path, ranks: Ranks) -> Path | None:
    """The state that all processes resume from, which the first process chooses."""

    def choose() -> str | None:
        if ranks.sharded:  # such states are not plain tensors: see docs/finetune-gpus.md
            shutil.rmtree(work, ignore_errors=True)
        state = _resumable(work)
        return None if state is None else state.name

    name = ranks.share("state", choose)
    for _ in range(SYNC_SECONDS):
        if run.rows.is_file() and (name is None or (work / name).is_dir()):
            return None if name is None else work / name
        time.sleep(1)
    raise UserError(
        f"process {ranks.rank} does not see {run.folder} as process 0 does: put the folder of runs on a file "
        "system that all machines share"
    )


def _load(spec: FinetuneSpec, precision: str) -> tuple[Any, Any]:
    """Load tokenizer, template and base, and add the adapter."""
    path = load_path(spec.base)
    renderer = load_renderer(path, date=spec.date)
    # of the Hub, a base may be here only now, so that nothing looked at it before
    quantized = quantization(fitting_config(path, spec)) is not None
    vocabulary = renderer.tokenizer.get_vocab()
    tokens = [vocabulary[token] for token in spec.trained_tokens]
    full = spec.lora is None and not tokens
    # Frozen weights can be bf16. Trained weights stay fp32, or small updates would be rounded away; autocast
    # still computes in bf16.
    dtype = torch.bfloat16 if precision == "bf16" and not full else torch.float32
    if quantized and here().sharded:
        raise UserError(f"{spec.base} is quantized, and cannot be sharded: leave --use_fsdp out")
    model = load_model(path, dtype=dtype, device=PartialState().device if quantized else None)
    if quantized:
        model = prepare(model)
    if full:
        return renderer, model
    if tokens and here().sharded and model.config.get_text_config().tie_word_embeddings:
        raise UserError(
            f"trained_tokens of {spec.base} cannot be sharded, since its input and output embeddings are "
            "tied: leave --use_fsdp out"
        )
    lora = spec.lora
    scale: dict[str, Any] = {}
    if lora is not None:
        scale = {
            "r": lora.r,
            "lora_alpha": lora.alpha,
            "lora_dropout": lora.dropout,
            "use_rslora": lora.rslora,
            "layers_to_transform": None if lora.layers is None else list(lora.layers),
        }
    config = LoraConfig(
        **scale,
        task_type="CAUSAL_LM",
        # The dummy is PEFT's name for "no layer". Tokens alone could be a TrainableTokensConfig, but TRL
        # refuses that where embeddings are tied, and a model holds many adapters only if all are of one kind.
        target_modules=DUMMY_TARGET_MODULES if lora is None else _modules(lora, model),
        trainable_token_indices=tokens or None,
    )
    try:
        with loading(), packages_together("PEFT"):
            adapted: Any = get_peft_model(model, config)
    except ValueError as error:  # no layer matches
        raise UserError(f"LoRA: target_modules: {first_line(error)}") from error
    # TRL computes the output layer itself and needs its bias, which PEFT's wrapper around a tied output layer
    # neither exposes nor adds.
    head = adapted.get_output_embeddings()
    if not hasattr(head, "bias"):
        head.bias = None
    return renderer, adapted


def _modules(lora: LoraSpec, model: Any) -> str | list[str]:
    """The adapted layers as PEFT takes them; where only some layers are, it wants them by their names."""
    if lora.target_modules != "all-linear":
        return list(lora.target_modules)
    if lora.layers is None:
        return lora.target_modules
    head = model.get_output_embeddings()
    linear = (
        name for name, one in model.named_modules() if isinstance(one, torch.nn.Linear) and one is not head
    )
    return sorted({name.rpartition(".")[2] for name in linear})


def _trainer(
    spec: FinetuneSpec,
    model: Any,
    tokenizer: Any,
    examples: list[Example],
    length: int,
    work: Path,
    precision: str,
    checkpointing: bool,
) -> TokenRateTrainer:
    if spec.packing and model.config._attn_implementation not in PACKING_ATTENTION:
        raise UserError(
            f"packing: attention {model.config._attn_implementation!r} does not separate packed rows: leave "
            "packing out"
        )
    ranks = here()
    together = 1
    if not torch.accelerator.is_available() and ranks.count == 1:
        longest = length if spec.packing else max(len(example.input_ids) for example in examples)
        together = batches_together(spec, longest, precision)
    arguments = SFTConfig(
        output_dir=str(work),
        use_cpu=not torch.accelerator.is_available(),
        seed=spec.seed,
        num_train_epochs=spec.epochs or 1.0,
        max_steps=spec.max_steps or -1,
        per_device_train_batch_size=spec.batch_size * together,
        gradient_accumulation_steps=spec.gradient_accumulation // ranks.count // together,
        learning_rate=spec.learning_rate,
        lr_scheduler_type=spec.scheduler,
        warmup_steps=spec.warmup_steps,
        weight_decay=spec.weight_decay,
        adam_beta1=spec.betas[0],
        adam_beta2=spec.betas[1],
        max_grad_norm=spec.max_grad_norm,
        # The rows are truncated already; with packing this is the length of a sequence.
        max_length=length if spec.packing else None,
        packing=spec.packing,
        packing_strategy="bfd",
        bf16=precision == "bf16",
        gradient_checkpointing=checkpointing,
        logging_steps=1,
        logging_nan_inf_filter=False,
        save_strategy="no" if spec.save_steps is None or ranks.sharded else "steps",
        save_steps=spec.save_steps or 1,
        save_total_limit=1,
        report_to=[name for name in spec.report_to if name != "none"],
        disable_tqdm=True,
        dataloader_pin_memory=torch.cuda.is_available(),
        ddp_timeout=round(COLLECTIVE),
        ddp_find_unused_parameters=False,  # every trained weight is used by every token
    )
    columns = {"input_ids": [e.input_ids for e in examples], "labels": [e.labels for e in examples]}
    trainer = TokenRateTrainer(
        model,
        args=arguments,
        train_dataset=Dataset.from_dict(columns),
        processing_class=tokenizer,
        token_learning_rate=spec.token_learning_rate,
    )
    trainer.remove_callback(PrinterCallback)
    if ranks.sharded and precision == "bf16":
        # As in a single process: accelerate would also round the loss and the sums of gradients.
        policy = MixedPrecisionPolicy(param_dtype=torch.bfloat16, reduce_dtype=torch.float32)
        trainer.accelerator.state.fsdp_plugin.mixed_precision_policy = policy
    return trainer


def _resumable(work: Path) -> Path | None:
    """The latest complete state of a killed training. The trainer writes `trainer_state.json` last."""
    for folder in sorted(work.glob("checkpoint-*"), key=_step, reverse=True):
        try:
            json.loads((folder / "trainer_state.json").read_text())
        except (OSError, json.JSONDecodeError):
            shutil.rmtree(folder)
        else:
            return folder
    return None


def _step(state: Path) -> int:
    return int(state.name.removeprefix("checkpoint-"))


def _save(
    model: Any,
    weights: dict[str, Any] | None,
    tokenizer: Any,
    spec: FinetuneSpec,
    precision: str,
    partial: Path,
    checkpoint: Path,
) -> None:
    """Write the checkpoint to `partial`, then move it; `weights` replace the model's sharded ones."""
    trained = weights or {name: p for name, p in model.named_parameters() if p.requires_grad}
    if not all(weight.isfinite().all() for weight in trained.values()):
        raise UserError("the last step left weights that are not finite: lower the learning rates")
    shutil.rmtree(partial, ignore_errors=True)
    if spec.lora is None and not spec.trained_tokens:
        dtype = torch.bfloat16 if precision == "bf16" else torch.float32
        if weights is None:
            model.to(dtype).save_pretrained(partial)
        else:
            model.config.dtype = dtype
            model.save_pretrained(partial, state_dict={n: w.to(dtype) for n, w in weights.items()})
        keep_format(partial, load_path(spec.base))
        tokenizer.save_pretrained(partial)
    else:
        config = model.peft_config["default"]
        if hub := hub_model(spec.base):
            config.base_model_name_or_path, config.revision = hub.repository, hub.revision
        # Never the embedding matrix, whose size does not change, and no request to the Hub to check that.
        model.save_pretrained(partial, state_dict=weights, save_embedding_layers=False)
        _sort_lists(partial / "adapter_config.json")
    (partial / "README.md").unlink(missing_ok=True)  # PEFT's empty model card
    shutil.rmtree(checkpoint, ignore_errors=True)
    partial.rename(checkpoint)


def _keeper(
    run: Run, tokenizer: Any, spec: FinetuneSpec, precision: str, ranks: Ranks
) -> Callable[[Any, int], None]:
    """What writes the weights after a step into the run's folder.

    Raises:
        UserError: If the weights are sharded: no process has them whole before the end.
    """
    if ranks.sharded:
        raise UserError("kept_steps: weights that are sharded are written once, at the end: leave it out")

    def keep(model: Any, step: int) -> None:
        if not ranks.leads:
            return
        run.steps.mkdir(exist_ok=True)
        full = spec.lora is None and not spec.trained_tokens
        # A whole model is copied: writing it must not change the format of the weights that are trained.
        tied = getattr(model, "all_tied_weights_keys", None) or {}
        weights = (
            {n: w.detach().cpu() for n, w in model.state_dict().items() if n not in tied} if full else None
        )
        partial = run.states / "kept"
        _save(model, weights, tokenizer, spec, precision, partial, run.steps / str(step))

    return keep


def _sort_lists(path: Path) -> None:
    """Sort the lists that PEFT writes from sets, so that the same adapter has the same bytes."""
    config = json.loads(path.read_text("utf-8"))
    for key in ("target_modules", "exclude_modules", "modules_to_save"):
        if isinstance(config.get(key), list):
            config[key].sort()
    path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", "utf-8")
