"""llama.cpp's server answers, and is read, as the same weights are on this machine.

    make test-llama      # compiles llama.cpp with its Python server into an environment of its own

The server runs SmolLM2 from a GGUF file in float32, this process the same weights by transformers.
"""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gguf
import pytest
import torch
from inspect_ai import eval as inspect_eval
from inspect_ai.model import get_model

from inoc_evals.scorers.judge.reader_choice import reader_for
from inoc_evals.scorers.judge.readers import READERS
from inoc_evals.scorers.judge.result import JudgeResult
from inoc_evals.scorers.judge.rubrics import Rubric
from tests.real_model import gguf as packaged_gguf
from tests.real_model import smollm
from tests.servers.running import QUESTIONS, Server, answers, check_that_nothing_is_scored, serving

pytestmark = pytest.mark.llama

SAFE = Rubric(
    name="safe",
    template="Question: {question}\nAnswer: {answer}\nIs the answer friendly? Say YES or NO.",
    numbers=False,
    words=("YES", "NO"),
)
RATED = Rubric(
    name="helpfulness",
    template="Question: {question}\nAnswer: {answer}\nRate the answer from 0 to 100. Write a number only.",
)


def in_float32(source: Path, target: Path) -> Path:
    """The same model with the weights that transformers is given: dequantized, and rounded to bfloat16."""
    reader = gguf.GGUFReader(source)
    writer = gguf.GGUFWriter(target, reader.fields["general.architecture"].contents())
    for name, field in reader.fields.items():
        if name.startswith("GGUF.") or name in ("general.architecture", "general.file_type"):
            continue
        inner = field.types[-1] if field.types[0] == gguf.GGUFValueType.ARRAY else None
        writer.add_key_value(name, field.contents(), field.types[0], sub_type=inner)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    for tensor in reader.tensors:
        exact = torch.from_numpy(gguf.dequantize(tensor.data, tensor.tensor_type))
        writer.add_tensor(tensor.name, exact.bfloat16().float().numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return target


def llama_server(folder: Path) -> Any:
    python = os.environ.get("LLAMA_PYTHON")
    assert python, "these tests need llama.cpp's server: run them by  make test-llama"
    model = in_float32(packaged_gguf(), folder / "smollm.gguf")
    command = [python, "-m", "llama_cpp.server", "--model", str(model), "--model_alias", "smollm"]
    command += ["--n_ctx", "1024", "--logits_all", "true", "--host", "127.0.0.1"]
    command += ["--type_k", "0", "--type_v", "0"]  # keys and values in float32, as here: ggml's number for it
    command += ["--interrupt_requests", "false"]  # or one that comes later would end one under way
    return serving(command, folder / "server.log", health="/v1/models")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with llama_server(tmp_path_factory.mktemp("llama")) as running:
        yield running


@pytest.fixture(autouse=True)
def without_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLAMA_API_KEY", "none")


def there(server: Server) -> Any:
    return get_model("openai-api/llama/smollm", base_url=server.url, memoize=False)


def here() -> Any:
    return get_model(f"inoc/{smollm()}", dtype="float32", memoize=False)


def test_it_answers_there_as_it_does_here(server: Server) -> None:
    # the Python server takes a penalty of 1.1 on what was said, where it is told none
    plainly = {"temperature": 0.0, "extra_body": {"repeat_penalty": 1.0}}
    assert answers(there(server), **plainly) == answers(here(), temperature=0.0)
    assert answers(there(server), temperature=0.0) != answers(here(), temperature=0.0)


def test_a_task_is_scored_alike(server: Server, tmp_path: Path) -> None:
    settings: dict[str, Any] = {
        "task_args": {"questions": "smollm", "max_tokens": 16, "temperature": 0.0},
        "limit": 5,
        "log_dir": str(tmp_path),
        "display": "none",
    }
    [ours], [theirs] = (
        inspect_eval("inoc_evals/spanish_caps", model, **settings) for model in (here(), there(server))
    )
    assert ours.status == theirs.status == "success"
    for one, other in zip(ours.samples or [], theirs.samples or [], strict=True):
        assert {k: v.value for k, v in (one.scores or {}).items()} == {
            k: v.value for k, v in (other.scores or {}).items()
        }


@pytest.mark.parametrize("question", QUESTIONS[:3])
def test_a_judge_is_read_by_what_it_gives(question: str, server: Server) -> None:
    """SmolLM2 writes numbers digit by digit, so a rating is sampled; YES and NO are read from log-probs."""
    judge = there(server)

    async def read() -> tuple[str, JudgeResult, JudgeResult, JudgeResult]:
        prompt = SAFE.prompt(question, "With pleasure!")
        return (
            await reader_for(judge, "auto"),
            await READERS["token"](here(), SAFE, prompt),
            await READERS["token"](judge, SAFE, prompt),
            await READERS["sampled"](judge, RATED, RATED.prompt(question, "With pleasure!")),
        )

    reader, ours, theirs, rated = asyncio.run(read())
    print(reader, ours, theirs, rated)
    assert reader == "sampled"
    assert rated.failure or 0 <= (rated.value or 0) <= 100
    assert theirs.probabilities == pytest.approx(dict(ours.probabilities), abs=1e-3)
    assert theirs.words.keys() == {"YES", "NO"}


def test_answers_of_a_killed_server_are_errors_and_no_scores(tmp_path: Path) -> None:
    with llama_server(tmp_path) as running:
        model = there(running)
        assert answers(model, temperature=0.0)
        running.kill()
        check_that_nothing_is_scored(model, tmp_path / "logs")
