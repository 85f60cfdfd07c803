"""How many steps a finetune takes and how fast each learns; a schedule that would train nothing is refused.

    count = steps(spec, rows=400)             # 25 steps of 16 rows
    learning_rate(spec, 0, count)             # 0.0: the first step of a warm-up
    notes = check_schedule(spec, count)       # UserError where every step has learning rate 0

Backends that take no schedule of ours (`openai`) are not checked.
"""

from math import ceil, cos, pi

from inoc_evals.errors import UserError
from inoc_evals.runs.spec import FinetuneSpec

OURS = ("local", "tinker")
"""Backends that follow the spec's schedule."""


def steps(spec: FinetuneSpec, rows: int) -> int:
    """Optimizer steps, as transformers counts them.

    Args:
        spec: The spec.
        rows: Number of rows; with packing, of packed sequences.
    """
    if spec.max_steps is not None:
        return spec.max_steps
    a_pass = ceil(rows / (spec.batch_size * spec.gradient_accumulation))
    return ceil((spec.epochs or 1.0) * a_pass)


def learning_rate(spec: FinetuneSpec, step: int, count: int) -> float:
    """The learning rate of a step, with the same schedules as in transformers.

    Args:
        spec: The spec.
        step: The step, from 0.
        count: Number of steps.
    """
    peak, warm = spec.learning_rate, spec.warmup_steps
    if spec.scheduler == "constant":
        return peak
    if step < warm:
        return peak * step / warm
    if spec.scheduler == "constant_with_warmup":
        return peak
    share = (step - warm) / max(1, count - warm)
    if spec.scheduler == "linear":
        return peak * (1.0 - share)
    return peak * 0.5 * (1.0 + cos(pi * share))


def check_schedule(spec: FinetuneSpec, count: int) -> list[str]:
    """Refuse a schedule whose steps all have learning rate 0.

    Args:
        spec: The spec.
        count: Number of steps.

    Returns:
        A note where the learning rate never reaches its peak; otherwise none.

    Raises:
        UserError: If nothing would be trained.
    """
    if spec.backend not in OURS:
        return []
    highest = max(learning_rate(spec, step, count) for step in range(min(count, spec.warmup_steps + 1)))
    where = f"{count} step{'s' * (count != 1)} under {spec.warmup_steps} warm-up steps"
    if highest == 0:
        raise UserError(
            f"{where} would train nothing, since a warm-up starts at learning rate 0: set "
            "warmup_steps to 0, or train on more rows or for more epochs"
        )
    if highest < spec.learning_rate:
        return [
            f"{where}: the learning rate gets to {highest:.1e}, not to {spec.learning_rate:.1e}; "
            "set warmup_steps lower, or train on more rows or for more epochs"
        ]
    return []
