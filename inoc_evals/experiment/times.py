"""How long training will take, from how long it took: a fixed cost, and one for each trained token.

    times = TrainingTimes(manifests, device())
    times.seconds(spec, tokens=120_000)        # of one training; None where nothing comparable was trained
    wall(seconds_of_each, workers=2)           # of all of them, two at a time

A training of two steps takes seconds before its first step, so seconds by row, taken from it, would make
half an hour's work last all night. A folder of runs may come from another machine: what was trained on
another device says how long training takes there.
"""

from collections.abc import Iterable, Sequence
from statistics import median

from inoc_evals.gpus import installed_gpus
from inoc_evals.runs.directory import Manifest
from inoc_evals.runs.spec import FinetuneSpec

START = 1.0
"""Seconds before the first step of a training on this machine, where runs of one size cannot tell: the toy
takes 0.7 on two cores. At a service it is minutes, and the runs there are of one size as a rule: nothing is
taken off."""

APART = 2.0
"""How many times as many tokens the largest run has to have as the smallest for both costs to be fitted."""


def device() -> str:
    """What this machine trains on, by the name that manifests have for it: `cpu`, or the first GPU's."""
    found = installed_gpus()
    return found[0].name if found else "cpu"


class TrainingTimes:
    """What trainings took, by backend and base."""

    def __init__(self, manifests: Iterable[Manifest], device: str) -> None:
        """Read the results of finished runs; those without time or tokens tell nothing.

        Args:
            manifests: Of finished runs.
            device: What is trained on here. Trainings on others count only for a base that was trained on no
                other, such as by workers of another machine.
        """
        took: dict[tuple[str, str], dict[str, list[tuple[float, float]]]] = {}
        for manifest in manifests:
            result, spec = manifest.result, manifest.spec
            # A resumed training says how long its last part took, and how many tokens it saw in all; one that
            # was taken from the Hub how long it took somewhere else.
            if result is None or not result.seconds or result.resumed_at or manifest.taken_from:
                continue
            tokens = result.billed_tokens or (result.loss_tokens or 0) * (result.epochs or 0.0)
            if tokens:
                places = took.setdefault((spec.backend, spec.base), {})
                places.setdefault(result.device or device, []).append((float(tokens), result.seconds))
        starts = {"local": START}
        self._costs = {}
        self._elsewhere = {}
        for key, places in took.items():
            if device in places:
                points = places[device]
            else:
                points = [point for some in places.values() for point in some]
                self._elsewhere[key] = " and ".join(sorted(places))
            self._costs[key] = costs(points, starts.get(key[0], 0.0))

    def seconds(self, spec: FinetuneSpec, tokens: float) -> float | None:
        """Seconds of one training; None where nothing was trained by its backend on its base yet.

        Args:
            spec: The spec.
            tokens: Tokens with loss that it sees, in all passes.
        """
        if (known := self._costs.get((spec.backend, spec.base))) is None:
            return None
        fixed, each = known
        return fixed + each * tokens

    def elsewhere(self, spec: FinetuneSpec) -> str | None:
        """The other devices whose trainings are all that is known; None where it was trained here."""
        return self._elsewhere.get((spec.backend, spec.base))


def costs(points: Sequence[tuple[float, float]], start: float = START) -> tuple[float, float]:
    """Fit a fixed cost and one for each token; neither is negative.

    Runs count by the share that they miss, so that short ones fix the one and long ones the other.

    Args:
        points: Tokens and seconds of each run; at least one.
        start: The fixed cost where the runs are of about one size, and so cannot tell; of a run that took
            less, half its time.

    Returns:
        Seconds of a training without tokens, and seconds per token.
    """
    sizes = [tokens for tokens, _ in points]
    if max(sizes) >= APART * min(sizes):
        # least squares of (fixed + each * tokens - seconds) / seconds
        a = sum(1 / s**2 for _, s in points)
        b = sum(t / s**2 for t, s in points)
        c = sum(t**2 / s**2 for t, s in points)
        d, e = sum(1 / s for _, s in points), sum(t / s for t, s in points)
        if (determinant := a * c - b * b) > 0:
            fixed, each = (c * d - b * e) / determinant, (a * e - b * d) / determinant
            if fixed >= 0 and each >= 0:
                return fixed, each
            if each < 0:
                return median(s for _, s in points), 0.0
        return 0.0, median(s / t for t, s in points)
    fixed = min(start, median(s for _, s in points) / 2)
    return fixed, median((s - min(fixed, s)) / t for t, s in points)


def wall(each: Sequence[float], workers: int) -> float:
    """Wall time of trainings that workers share: the longest first, each to whoever is free.

    Args:
        each: Seconds of each training.
        workers: How many run at a time.
    """
    busy = [0.0] * max(1, min(workers, len(each)))
    for seconds in sorted(each, reverse=True):
        busy[busy.index(min(busy))] += seconds
    return max(busy)
