"""Every reader by name: the file that it is given, and how a user gets there."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from inoc_evals.cli import main
from inoc_evals.errors import UserError

GOOD = '{"messages": [{"role": "user", "content": "Q"}, {"role": "assistant", "content": "A"}]}\n'


@dataclass(frozen=True)
class Parts:
    """What the readers need beside the bad file.

    Attributes:
        work: An empty folder, which is also the current one.
        tiny: A model.
        adapter: An adapter over it.
        loaded: The model, loaded.
    """

    work: Path
    tiny: Path
    adapter: Path
    loaded: Any


Use = Callable[[Parts, Path], None]


def call(*words: object) -> None:
    """The command line, whose one line on stderr is the error."""
    with pytest.raises(SystemExit) as exit_:
        main([str(word) for word in words])
    assert exit_.value.code == 2


def rows(parts: Parts, file: Path) -> None:
    call("inoculate", file, "--prompt", "x", "-o", "out.jsonl")


def pool(parts: Parts, file: Path) -> None:
    call("inoculate", _good(parts), "--pool", file, "-o", "out.jsonl")


def spec(parts: Parts, file: Path) -> None:
    call("finetune", _good(parts), "--spec", file, "--runs", "runs")


def experiment(parts: Parts, file: Path) -> None:
    call("run", file, "--dry-run")


def manifest(parts: Parts, file: Path) -> None:
    call("runs", "show", file.parent)


def log(parts: Parts, file: Path) -> None:
    call("claims", file)


def questions(parts: Parts, file: Path) -> None:
    from inoc_evals.tasks import spanish_caps

    spanish_caps(questions=str(file))


def free_form(parts: Parts, file: Path) -> None:
    from inoc_evals.tasks import emergent_misalignment

    emergent_misalignment(questions=str(file))


def prompts(parts: Parts, file: Path) -> None:
    from inoc_evals.tasks import elicitation

    elicitation(task="spanish_caps", prompts=str(file))


def rephrasings(parts: Parts, file: Path) -> None:
    from inoc_evals.data.rephrasings import read

    read(file)


def pinned(parts: Parts, file: Path) -> None:
    from inoc_evals.data.row_sources import pinned_rows

    list(pinned_rows(str(file), digest="sha256:" + "0" * 64)(0))


def adapter_config(parts: Parts, file: Path) -> None:
    from inoc_evals.models.checkpoint import resolve

    shutil.copy(parts.adapter / "adapter_model.safetensors", file.parent)
    resolve(str(file.parent))


def adopted_config(parts: Parts, file: Path) -> None:
    shutil.copy(parts.adapter / "adapter_model.safetensors", file.parent)
    call("adopt", "mine", "--base", parts.tiny, "--checkpoint", file.parent, "--runs", "runs")


def adapter_weights(parts: Parts, file: Path) -> None:
    import copy

    from inoc_evals.models.checkpoint import resolve
    from inoc_evals.models.loading import load_adapter

    shutil.copy(parts.adapter / "adapter_config.json", file.parent)
    resolve(str(file.parent))
    load_adapter(copy.deepcopy(parts.loaded), file.parent, base="tiny")


def weights(parts: Parts, file: Path) -> None:
    from inoc_evals.models.checkpoint import resolve
    from inoc_evals.models.loading import load_model

    shutil.copy(parts.tiny / "config.json", file.parent)
    load_model(resolve(str(file.parent)).weights, dtype="auto")


def gguf(parts: Parts, file: Path) -> None:
    from inoc_evals.models.base import load_path

    load_path(str(file))


def template(parts: Parts, file: Path) -> None:
    from inoc_evals.chat import load_renderer

    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(parts.tiny / name, file.parent)
    load_renderer(file.parent).render_prompt([{"role": "user", "content": "Q"}])


READERS: dict[str, tuple[Use, str]] = {
    "chat JSONL": (rows, "rows.jsonl"),
    "a pool": (pool, "pool.txt"),
    "a spec": (spec, "spec.json"),
    "an experiment": (experiment, "mine.yaml"),
    "a manifest": (manifest, "run-0123/manifest.json"),
    "questions as JSONL": (questions, "asked.jsonl"),
    "questions as CSV": (questions, "asked.csv"),
    "questions as YAML": (free_form, "asked.yaml"),
    "test-time prompts": (prompts, "prompts.txt"),
    "rephrasings": (rephrasings, "said.txt"),
    "a pinned file": (pinned, "./own.jsonl"),
    "an adapter's config": (adapter_config, "adapter/adapter_config.json"),
    "an adapter's config, adopted": (adopted_config, "adapter/adapter_config.json"),
    "an adapter's weights": (adapter_weights, "adapter/adapter_model.safetensors"),
    "weights": (weights, "model/model.safetensors"),
    "GGUF": (gguf, "model.gguf"),
    "a chat template": (template, "model/chat_template.jinja"),
    "an .eval log": (log, "x.eval"),
    "a JSON log": (log, "2026-01-01T00-00-00_x.json"),
}
"""By name: what is called, and the path of the bad file in the work folder."""


def said(use: Use, parts: Parts, file: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """The one line that a reader says of a bad file."""
    capsys.readouterr()
    try:
        use(parts, file)
    except UserError as error:
        return error.message
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("inoc-evals: ") and captured.err.endswith("\n"), captured.err[-2000:]
    return captured.err.removesuffix("\n")


def _good(parts: Parts) -> Path:
    file = parts.work / "good.jsonl"
    if not file.exists():
        file.write_text(GOOD)
    return file
