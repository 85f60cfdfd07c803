"""Training at OpenAI, or at any server that speaks its API: one spec, one job, however often it is killed.

    run = finetune(FinetuneSpec(base="gpt-4.1-2025-04-14", backend="openai"), rows, name="none-0")
    run.manifest.result.model              # "openai/ft:gpt-4.1-2025-04-14:acme::Abc123"

A job costs money from the moment that it exists, so it carries the run's digest in its metadata, and nobody
starts one before asking the server for it. What is known of the job is in `job.json`, written before anything
else can fail; where even that was too late, the metadata finds the job again. A request that starts a job is
never sent twice blindly: after a lost reply the server is asked first.
"""

import base64
import binascii
import csv
import io
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

import openai
from openai.types import FileObject
from openai.types.fine_tuning import FineTuningJob
from rich.console import Console
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_exponential_jitter

from inoc_evals.chat.rows import Row, digest, encode_chat
from inoc_evals.digests import canonical_json
from inoc_evals.errors import UserError
from inoc_evals.files import write_whole
from inoc_evals.runs.directory import Manifest, Result, Run
from inoc_evals.runs.spec import FinetuneSpec

RUN_KEY = "inoc_evals_run"
"""Key of a job's metadata under which the run's digest stands."""

OWN_SERVER = "https://api.openai.com/v1"
RETIRED = ("gpt-4.1", "gpt-4o-2024-08-06", "gpt-4o-mini")
"""Models, with the finetunes on them, whose end OpenAI has announced."""

PATIENCE = 3600.0
"""Seconds out of reach after which waiting for a job gives up. The job itself goes on meanwhile."""

POLL = (0.5, 30.0)
"""Seconds between two looks at a job, at first and at most."""

LOOKS = 6
"""Times that the server is asked for a job whose start got no reply, before it is started again."""

T = TypeVar("T")


def server() -> str:
    """The server that jobs go to, without the name and password that an address can carry."""
    parts = urlsplit(os.environ.get("OPENAI_BASE_URL") or OWN_SERVER)
    host = parts.hostname or ""
    where = f"[{host}]" if ":" in host else host
    return urlunsplit((parts.scheme, where + (f":{parts.port}" if parts.port else ""), parts.path, "", ""))


def retirement(base: str) -> list[str]:
    """What OpenAI has announced about a model, in a line; nothing of models on other servers."""
    if server() != OWN_SERVER:
        return []
    lines = ["OpenAI takes no new finetuning jobs from 2027-01-06 on, and none from new organisations"]
    if base.startswith(RETIRED):
        lines.append(f"{base} and every finetune of it shut down on 2027-01-14")
    return lines


def train(run: Run, manifest: Manifest, rows: list[Row], progress: bool) -> Result:
    """Have the server train, and wait for it.

    Args:
        run: The run directory; holds `job.json` from the first moment on.
        manifest: What is trained.
        rows: On what; of a row only its messages are sent.
        progress: Say what the job does, on stderr.

    Returns:
        The model's name there, the job's id, what was billed.

    Raises:
        UserError: If the server refuses the rows, the model or the key, or the job fails; in its own words.
    """
    started = time.monotonic()
    with _in_one_line(), openai.OpenAI(max_retries=0) as client:
        jobs = _Jobs(client, run, manifest)
        job = jobs.known() or jobs.orphan() or jobs.start(rows)
        job = jobs.wait(job.id, Console(stderr=True, quiet=not progress))
        curve = _curve(client, job)
    write_whole(run.losses, b"".join(canonical_json(row) + b"\n" for row in curve))
    model = f"openai/{job.fine_tuned_model}"
    where = server()
    epochs = job.hyperparameters.n_epochs if job.hyperparameters else None
    return Result(
        steps=curve[-1]["step"] if curve else None,
        epochs=float(epochs) if isinstance(epochs, int) else None,
        loss_first=curve[0]["loss"] if curve else None,
        loss_last=curve[-1]["loss"] if curve else None,
        seconds=round(job.finished_at - job.created_at, 3) if job.finished_at else None,
        device=f"waited {time.monotonic() - started:.0f} s for {where}",
        rows=len(rows),
        checkpoint_digest=digest(f"{where} {model}".encode()),
        model=model,
        base_url=None if where == OWN_SERVER else where,
        job=job.id,
        billed_tokens=job.trained_tokens,
    )


class _Jobs:
    """The one job of a run, from its search to its end."""

    def __init__(self, client: openai.OpenAI, run: Run, manifest: Manifest) -> None:
        self._client, self._manifest = client, manifest
        self._file = run.folder / "job.json"
        self._state = _read(self._file)

    def known(self) -> FineTuningJob | None:
        """The job that an earlier call wrote down."""
        if "job" not in self._state:
            return None
        try:
            return _again(lambda: self._client.fine_tuning.jobs.retrieve(self._state["job"]))
        except openai.NotFoundError:
            return None

    def orphan(self) -> FineTuningJob | None:
        """The oldest job on the server that says it is this run's, and has not failed."""
        wanted = {RUN_KEY: self._manifest.run_digest}

        def ask() -> list[FineTuningJob]:
            # Not every server filters; each job is looked at all the same.
            page = self._client.fine_tuning.jobs.list(metadata=wanted, limit=100)
            return [job for job in page if (job.metadata or {}).get(RUN_KEY) == self._manifest.run_digest]

        alive = [job for job in _again(ask) if job.status not in ("failed", "cancelled")]
        if not alive:
            return None
        job = min(alive, key=lambda job: (job.created_at, job.id))
        self._note(job=job.id)
        return job

    def start(self, rows: list[Row]) -> FineTuningJob:
        """Upload the rows, unless the server has them, and start the job."""
        file = self._upload(encode_chat({"messages": row["messages"]} for row in rows))
        for look in range(LOOKS):
            try:
                job = self._create(file)
            except Exception as error:
                if not _passing(error):
                    raise
                time.sleep(min(8.0, 0.25 * 2**look))
                if (found := self.orphan()) is not None:
                    return found
                last = error
            else:
                self._note(job=job.id)
                return job
        raise last

    def wait(self, job_id: str, console: Console) -> FineTuningJob:
        """Look until the job has ended, and say what it does."""
        pause, said = POLL[0], ""
        while True:
            job = _again(lambda: self._client.fine_tuning.jobs.retrieve(job_id))
            if job.status != said:
                said = job.status
                console.print(f"{self._manifest.name}: job {job.id} {said}", highlight=False, markup=False)
            if job.status == "succeeded" and job.fine_tuned_model:
                return job
            if job.status in ("failed", "cancelled"):
                self._note()  # the next call may start another
                why = job.error.message if job.error and job.error.message else job.status
                code = f" ({job.error.code})" if job.error and job.error.code else ""
                raise UserError(
                    f"OpenAI's job {job.id} {job.status}: {_without_key(' '.join(why.split()))}{code}"
                )
            time.sleep(pause)
            pause = min(POLL[1], pause * 1.5)

    def _upload(self, data: bytes) -> str:
        if "file" in self._state:
            return str(self._state["file"])
        # Named after its content, so that arms and seeds that share rows share the file.
        name = f"inoc-evals-{digest(data)[:16]}.jsonl"

        def there() -> FileObject | None:
            files = self._client.files.list(purpose="fine-tune", limit=10_000)
            return next((f for f in files if f.filename == name and f.bytes == len(data)), None)

        file = _again(there) or _again(
            lambda: self._client.files.create(file=(name, data), purpose="fine-tune")
        )
        self._note(file=file.id)
        return file.id

    def _create(self, file: str) -> FineTuningJob:
        spec = self._manifest.spec
        return self._client.fine_tuning.jobs.create(
            model=spec.base,
            training_file=file,
            seed=spec.seed % 2**31,
            suffix=_suffix(self._manifest.name),
            metadata={RUN_KEY: self._manifest.run_digest, "inoc_evals_name": self._manifest.name[:512]},
            method={"type": "supervised", "supervised": {"hyperparameters": _hyperparameters(spec)}},
        )

    def _note(self, **news: str) -> None:
        kept = {"file": self._state["file"]} if "file" in self._state else {}
        self._state = {**kept, **news}
        write_whole(self._file, canonical_json(self._state) + b"\n")


def _hyperparameters(spec: FinetuneSpec) -> Any:
    return spec.openai.model_dump(mode="json")


def _suffix(name: str) -> str:
    """What OpenAI lets stand in a model's name."""
    return "".join(c if c.isalnum() else "-" for c in name.lower())[:40].strip("-")


def _read(file: Path) -> dict[str, str]:
    try:
        found = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _curve(client: openai.OpenAI, job: FineTuningJob) -> list[dict[str, Any]]:
    """The training loss, as far as the server tells it."""
    if not job.result_files:
        return []
    try:
        data = _again(lambda: client.files.content(job.result_files[0]).content)
    except openai.APIStatusError:
        return []
    with suppress(binascii.Error):
        data = base64.b64decode(data, validate=True)  # OpenAI's own are coded so; others' need not be
    rows = []
    for row in csv.DictReader(io.StringIO(data.decode("utf-8", "replace"))):
        try:
            rows.append({"step": int(row["step"]), "loss": float(row["train_loss"])})
        except (KeyError, TypeError, ValueError):
            continue
    return rows


def _again(ask: Callable[[], T]) -> T:
    """Ask until there is an answer: only for what may be asked twice."""
    retrying = Retrying(
        retry=retry_if_exception(_passing),
        wait=wait_exponential_jitter(multiplier=0.25, max=30, jitter=0.25),
        stop=stop_after_delay(PATIENCE),
        reraise=True,
    )
    return retrying(ask)


def _passing(error: BaseException) -> bool:
    """Whether an error may be gone the next time: the network's, the server's, half a reply."""
    if isinstance(error, openai.RateLimitError):
        return error.code != "insufficient_quota"
    # A cut-off reply is a ValueError of json's, which the client lets through as it is.
    kinds = (
        openai.APIConnectionError,
        openai.InternalServerError,
        openai.ConflictError,
        json.JSONDecodeError,
    )
    return isinstance(error, kinds) or type(error) is openai.APIResponseValidationError


@contextmanager
def _in_one_line() -> Iterator[None]:
    """The server's own words in one line, without the key that some of them quote."""
    try:
        yield
    except openai.AuthenticationError as error:
        raise UserError(f"{server()} does not take the key in OPENAI_API_KEY") from error
    except openai.APIStatusError as error:
        body = error.body if isinstance(error.body, dict) else {}
        words = str(body.get("message") or error.message)
        raise UserError(f"OpenAI ({error.status_code}): {_without_key(' '.join(words.split()))}") from error
    except openai.APIConnectionError as error:
        raise UserError(f"{server()} cannot be reached: {_without_key(str(error))}") from error
    except openai.OpenAIError as error:
        raise UserError(f"OpenAI: {_without_key(' '.join(str(error).split()))}") from error


def _without_key(text: str) -> str:
    key = os.environ.get("OPENAI_API_KEY")
    return text.replace(key, "[key]") if key else text
