"""GPUs, by a stand-in for the driver's library: this machine need not have any."""

import sys
from types import ModuleType, SimpleNamespace

import pytest

from inoc_evals.gpus import Gpu, installed_gpus, visible_gpus

H100 = SimpleNamespace(name="NVIDIA H100 80GB HBM3", total=81559 * 2**20 + 5)


class NVMLError(Exception):
    pass


def fake_pynvml(
    monkeypatch: pytest.MonkeyPatch, gpus: list[SimpleNamespace], fails_at: str = ""
) -> list[str]:
    """Put a driver with some GPUs in place, one of whose calls may fail; gives the calls as they come."""
    calls: list[str] = []

    def call(name: str, answer: object) -> object:
        def answered(*args: object) -> object:
            calls.append(name)
            if name == fails_at:
                raise NVMLError("Driver Not Loaded")
            return answer(*args)  # type: ignore[operator]

        return answered

    module = ModuleType("pynvml")
    answers = {
        "nvmlInit": lambda: None,
        "nvmlShutdown": lambda: None,
        "nvmlDeviceGetCount": lambda: len(gpus),
        "nvmlDeviceGetHandleByIndex": lambda index: gpus[index],
        "nvmlDeviceGetName": lambda gpu: gpu.name,
        "nvmlDeviceGetMemoryInfo": lambda gpu: gpu,
    }
    for name, answer in answers.items():
        setattr(module, name, call(name, answer))
    module.NVMLError = NVMLError  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pynvml", module)
    return calls


@pytest.fixture(autouse=True)
def nothing_is_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


def test_the_driver_names_its_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = fake_pynvml(monkeypatch, [H100, H100])
    assert installed_gpus() == [Gpu("NVIDIA H100 80GB HBM3", 81559)] * 2
    assert str(installed_gpus()[0]) == "NVIDIA H100 80GB HBM3, 81559 MiB"
    assert visible_gpus() == ["0", "1"]
    assert calls.count("nvmlInit") == calls.count("nvmlShutdown")


@pytest.mark.parametrize("fails_at", ["nvmlInit", "nvmlDeviceGetCount", "nvmlDeviceGetName"])
def test_a_driver_that_does_not_answer_means_no_gpus(monkeypatch: pytest.MonkeyPatch, fails_at: str) -> None:
    calls = fake_pynvml(monkeypatch, [H100], fails_at)
    assert installed_gpus() == [] and visible_gpus() == []
    assert ("nvmlShutdown" in calls) == (fails_at != "nvmlInit")


def test_a_gpu_that_shares_memory_counts_too(monkeypatch: pytest.MonkeyPatch) -> None:
    fake_pynvml(monkeypatch, [SimpleNamespace(name="NVIDIA GB10")], "nvmlDeviceGetMemoryInfo")
    assert [str(gpu) for gpu in installed_gpus()] == ["NVIDIA GB10"] and visible_gpus() == ["0"]


def test_without_the_library_there_are_no_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert installed_gpus() == [] and visible_gpus() == []


@pytest.mark.parametrize(
    ("listed", "visible"),
    [("", []), ("-1", []), ("1", ["1"]), ("0, 3", ["0", "3"]), ("GPU-8f2,MIG-1c", ["GPU-8f2", "MIG-1c"])],
)
def test_cuda_visible_devices_decides_unasked(
    monkeypatch: pytest.MonkeyPatch, listed: str, visible: list[str]
) -> None:
    calls = fake_pynvml(monkeypatch, [H100])
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", listed)
    assert visible_gpus() == visible and not calls
