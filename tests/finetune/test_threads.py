"""Finetunes in several threads of one process give the weights that they give one after another."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from inoc_evals.finetune import Run, finetune
from tests.finetune.small import small_rows, small_spec

SEEDS = range(3)


def digests(runs: list[Run]) -> list[str]:
    return [run.manifest.result.checkpoint_digest for run in runs if run.manifest.result]


def test_threads_do_not_draw_each_others_numbers(tiny: Path, tmp_path: Path) -> None:
    def train(seed: int, place: str) -> Run:
        spec = small_spec(tiny, seed=seed)
        return finetune(spec, small_rows(), name=f"seed{seed}", runs=tmp_path / place, progress=False)

    alone = [train(seed, "alone") for seed in SEEDS]
    with ThreadPoolExecutor(len(SEEDS)) as threads:
        beside = list(threads.map(lambda seed: train(seed, "beside"), SEEDS))
    assert len(set(digests(alone))) == len(SEEDS) and digests(beside) == digests(alone)


def test_one_run_in_several_threads_is_trained_once(tiny: Path, tmp_path: Path) -> None:
    def train(_: int) -> Run:
        return finetune(small_spec(tiny), small_rows(), name="one", runs=tmp_path / "runs", progress=False)

    with ThreadPoolExecutor(3) as threads:
        runs = list(threads.map(train, range(3)))
    assert len({run.folder for run in runs}) == 1 and len(list((tmp_path / "runs").iterdir())) == 1
