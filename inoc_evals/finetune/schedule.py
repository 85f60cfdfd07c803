"""How many steps a finetune takes and how fast each learns; a schedule that would train nothing is refused.

    count = steps(spec, rows=400)             # 25 steps of 16 rows
    learning_rate(spec, 0, count)             # 0.0: the first step of a warm-up
    check_schedule(spec, count)               # UserError where every step has learning rate 0
    notes(spec, count)                        # what else to know

Backends that take no schedule of ours (`openai`) are not checked.
"""

from math import ceil, cos, pi

from inoc_evals.errors import UserError
from inoc_evals.plurals import many
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
    """Refuse a schedule whose steps all have learning rate 0, and steps to be kept that do not come.

    Args:
        spec: The spec.
        count: Number of steps.

    Returns:
        A note where the learning rate never reaches its peak; otherwise none.

    Raises:
        UserError: If nothing would be trained, or a step that is to be kept does not come.
    """
    if spec.backend not in OURS:
        return []
    if _highest(spec, count) == 0:
        raise UserError(
            f"{_where(spec, count)} would train nothing, since a warm-up starts at learning rate 0: set "
            "warmup_steps to 0, or train on more rows or for more epochs"
        )
    check_kept(spec, count)
    return notes(spec, count)


def check_kept(spec: FinetuneSpec, count: int) -> None:
    """Refuse steps to be kept that do not come.

    Args:
        spec: The spec.
        count: Number of steps.

    Raises:
        UserError: If one of those that are listed does not come, or none of the others.
    """
    asked = spec.kept_steps
    late = [step for step in asked if step > count] if isinstance(asked, tuple) else []
    if asked is not None and not any(map(spec.keeps, range(1, count + 1))):
        raise UserError(f"kept_steps: {asked} keeps none of {many(count, 'step')}")
    if late:
        raise UserError(
            f"kept_steps: step {late[0]} does not come, the training ends with step {count}: leave it out, "
            "or train on more rows or for more epochs"
        )


def notes(spec: FinetuneSpec, count: int) -> list[str]:
    """What to know of a schedule, also of one that was trained already.

    Args:
        spec: The spec.
        count: Number of steps.

    Returns:
        A note where the learning rate never reaches its peak; otherwise none.
    """
    if spec.backend not in OURS or (highest := _highest(spec, count)) >= spec.learning_rate:
        return []
    return [
        f"{_where(spec, count)}: the learning rate gets to {highest:.1e}, not to {spec.learning_rate:.1e}; "
        "set warmup_steps lower, or train on more rows or for more epochs"
    ]


def _highest(spec: FinetuneSpec, count: int) -> float:
    return max(learning_rate(spec, step, count) for step in range(min(count, spec.warmup_steps + 1)))


def _where(spec: FinetuneSpec, count: int) -> str:
    return f"{many(count, 'step')} under {many(spec.warmup_steps, 'warm-up step')}"
