"""Models load in one thread while others load, answer or train: libraries change torch for all of them."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model

from inoc_evals.models import engine as engines
from inoc_evals.models.checkpoint import resolve
from inoc_evals.models.engine import Engine
from inoc_evals.models.loading import load_adapter, load_model, loading, one_at_a_time
from inoc_evals.models.request import Request
from tests.models.parts import generate
from tests.tiny import build_tiny

TIMES = 25

SECONDS = 30.0
"""How long a thread may take that nothing holds up."""


def test_loads_do_not_disturb_each_other(tiny: Path, adapters: dict[str, Path]) -> None:
    def base() -> Any:
        return load_model(tiny, dtype=torch.bfloat16)

    def adapter() -> Any:
        return load_adapter(load_model(tiny, dtype=torch.float32), adapters["plain"], base="tiny")

    def new() -> Any:
        model = load_model(tiny, dtype=torch.float32)
        with loading():
            return get_peft_model(model, LoraConfig(target_modules=["q_proj"]))

    def often(load: Callable[[], Any]) -> list[set[torch.dtype]]:
        found = []
        for _ in range(TIMES):
            model = load()
            assert not any(weight.is_meta for weight in model.parameters())
            found.append({weight.dtype for weight in model.parameters()})
        return found

    with ThreadPoolExecutor(3) as threads:
        of_base, *others = threads.map(often, (base, adapter, new))
    assert of_base == TIMES * [{torch.bfloat16}]
    assert others == 2 * [TIMES * [{torch.float32}]]


def test_answers_are_drawn_alike_while_another_model_loads(tiny: Path) -> None:
    """Whose load makes bfloat16 the default type meanwhile, in which .7 is .699."""
    checkpoint = resolve(str(tiny))
    engine = Engine(checkpoint, torch.device("cpu"), "fp32")
    requests = [
        Request(prompt=(5, 6, 7), max_tokens=30, temperature=0.7, top_p=0.9, seed=seed) for seed in range(40)
    ]
    alone = generate(engine, checkpoint, requests)
    torch.set_default_dtype(torch.bfloat16)
    try:
        meanwhile = generate(engine, checkpoint, requests)
    finally:
        torch.set_default_dtype(torch.float32)
    assert meanwhile == alone


def test_a_large_model_has_its_threads_beside_a_small_one(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thread begins with torch's number of threads that another one set last."""
    large = build_tiny(tmp_path / "large", width=64)
    of_small, of_large = (resolve(str(folder)) for folder in (tiny, large))
    small_one, large_one = (Engine(one, torch.device("cpu"), "fp32") for one in (of_small, of_large))
    loaded = (small_one.model(of_small), large_one.model(of_large))
    monkeypatch.setattr(engines, "SMALL", sum(model.num_parameters() for model in loaded) // 2)
    request = Request(prompt=(5, 6, 7), max_tokens=1, temperature=0)
    seen: list[int] = []

    def beside(*_: object) -> None:
        answer = partial(
            large_one.generate, of_large, [request], lambda *_: seen.append(torch.get_num_threads())
        )
        threads.submit(answer).result()

    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        with ThreadPoolExecutor(1) as threads:
            small_one.generate(of_small, [request], beside)
        assert seen == [3] and torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


def test_a_training_and_a_load_do_not_wait_for_each_other_forever(monkeypatch: pytest.MonkeyPatch) -> None:
    """A training releases models while it has the turn to load; a load that was under way needed the turn."""
    under_way, real = threading.Event(), engines.load_model

    def slowly(*args: Any, **kwargs: Any) -> Any:
        under_way.set()
        time.sleep(0.5)  # in which the training could begin
        return real(*args, **kwargs)

    def train() -> None:
        assert under_way.wait(SECONDS)
        with one_at_a_time():
            engines.release()

    monkeypatch.setattr(engines, "load_model", slowly)
    monkeypatch.setattr(engines, "_engines", engines.Recent(engines.BASES))
    loads = (partial(engines.load_engine, resolve("toy"), "cpu", "float32"), train)
    threads = [threading.Thread(target=work, daemon=True) for work in loads]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)
    assert not any(thread.is_alive() for thread in threads)
