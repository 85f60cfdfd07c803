"""Training at OpenAI, or at a server with its API: one job per spec, even after interruptions.

    run = finetune(FinetuneSpec(base="gpt-4.1-2025-04-14", backend="openai"), rows, name="none-0")
    run.manifest.result.model              # "openai/ft:gpt-4.1-2025-04-14:acme::Abc123"

A job costs money from its start, so no job may be started twice. The job's id is written to `job.json` at
once, and the job has the run's digest in its metadata: before a job is started, and after a lost reply, the
server's jobs are searched for that digest.
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

import httpx
import openai
from openai.types import FileObject
from openai.types.fine_tuning import FineTuningJob
from rich.console import Console
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_exponential, wait_random

from inoc_evals.chat.rows import Row, digest, encode_chat
from inoc_evals.digests import canonical_json, fingerprint, sha256
from inoc_evals.errors import UserError, one_line
from inoc_evals.files import write_whole
from inoc_evals.runs.directory import Manifest, Result, Run
from inoc_evals.runs.spec import FinetuneSpec

RUN_KEY = "inoc_evals_run"
"""Key of the run's digest in a job's metadata."""

OWN_SERVER = "https://api.openai.com/v1"
RETIRED = ("gpt-4.1", "gpt-4o-2024-08-06", "gpt-4o-mini")
"""Models that OpenAI will retire, together with their finetunes."""

PATIENCE = 3600.0
"""Seconds without a connection after which waiting for a job ends with an error. The job itself continues."""

POLL = (0.5, 30.0)
"""Seconds between two polls of a job: initial and maximum."""

NAMELESS = 600.0
"""Seconds that a job which succeeded may lack its model's name, after which waiting ends with an error."""

START_ATTEMPTS = 6
"""Attempts to start a job; after each one without a reply the server is searched for the job."""

NOT_SHOWN = (403, 405, 501)
"""Answers of a server that shows no files, or not to this key: what a run noted is taken to be there."""

REFUSED = (openai.BadRequestError, openai.NotFoundError, openai.UnprocessableEntityError)
"""Errors by which a server says that it will not start such a job."""

ADVICE = (
    "is OPENAI_BASE_URL the address of an API (most end in /v1)? Run it again later: a job that was started "
    "is found, and none is started twice"
)
"""What to do about a server whose replies make no sense."""

T = TypeVar("T")


def server() -> str:
    """The address of the server, without a user name and password, and without a slash at its end.

    The same server is one server: a run that is looked for under another address would be paid for twice.
    """
    parts = urlsplit(os.environ.get("OPENAI_BASE_URL") or OWN_SERVER)
    host = parts.hostname or ""
    address = f"[{host}]" if ":" in host else host
    port = f":{parts.port}" if parts.port else ""
    return urlunsplit((parts.scheme, address + port, parts.path.rstrip("/"), "", ""))


def base_digest(base: str, address: str | None = None) -> str:
    """The identity of a base whose weights nobody sees: its server and its name there.

    Args:
        base: The model's name.
        address: The server; that of this process by default.
    """
    return sha256(f"openai {server() if address is None else address} {base}")


def retirement(base: str) -> list[str]:
    """OpenAI's announced retirement dates for a model, one per line; none on other servers."""
    if server() != OWN_SERVER:
        return []
    lines = ["OpenAI takes no new finetuning jobs from 2027-01-06 on, and none from new organisations"]
    if base.startswith(RETIRED):
        lines.append(f"{base} and every finetune of it shut down on 2027-01-14")
    return lines


def train(run: Run, manifest: Manifest, rows: list[Row], progress: bool) -> Result:
    """Start a training job, unless it exists, and wait for it.

    Args:
        run: The run directory, which gets a `job.json`.
        manifest: The manifest, with the spec.
        rows: Training rows; only the messages of a row are sent.
        progress: Print the job's status to stderr.

    Returns:
        The result: the model's name, the job's id, the billed tokens.

    Raises:
        UserError: If the server rejects the rows, the model or the key, or the job fails.
    """
    started = time.monotonic()
    hooks: Any = {"response": [_require_json]}
    with (
        _in_one_line(),
        openai.OpenAI(max_retries=0, http_client=openai.DefaultHttpxClient(event_hooks=hooks)) as client,
    ):
        jobs = _Jobs(client, run, manifest)
        job = jobs.from_file() or jobs.from_server() or jobs.start(rows)
        job = jobs.wait(job.id, Console(stderr=True, quiet=not progress))
        curve = _curve(client, job)
    write_whole(run.losses, b"".join(canonical_json(row) + b"\n" for row in curve))
    model = f"openai/{job.fine_tuned_model}"
    address = server()
    epochs = job.hyperparameters.n_epochs if job.hyperparameters else None
    return Result(
        steps=curve[-1]["step"] if curve else None,
        epochs=float(epochs) if isinstance(epochs, int) else None,
        loss_first=curve[0]["loss"] if curve else None,
        loss_last=curve[-1]["loss"] if curve else None,
        seconds=round(job.finished_at - job.created_at, 3) if job.finished_at else None,
        device=f"waited {time.monotonic() - started:.0f} s for {address}",
        rows=len(rows),
        checkpoint_digest=digest(f"{address} {model}".encode()),
        model=model,
        base_url=None if address == OWN_SERVER else address,
        job=job.id,
        billed_tokens=job.trained_tokens,
    )


class _Jobs:
    """The job of one run."""

    def __init__(self, client: openai.OpenAI, run: Run, manifest: Manifest) -> None:
        self._client, self._manifest = client, manifest
        self._file = run.folder / "job.json"
        self._state = _read(self._file)

    def from_file(self) -> FineTuningJob | None:
        """The job in `job.json`, if it still exists."""
        if "job" not in self._state:
            return None
        try:
            return _job(_retry(lambda: self._client.fine_tuning.jobs.retrieve(self._state["job"])))
        except openai.NotFoundError:
            return None

    def from_server(self) -> FineTuningJob | None:
        """The oldest job on the server with this run's digest that has not failed."""
        for run_digest in self._digests():
            if alive := [
                job for job in self._jobs_of(run_digest) if job.status not in ("failed", "cancelled")
            ]:
                job = min(alive, key=lambda job: (job.created_at, job.id))
                self._write_state(job=job.id)
                return job
        return None

    def _digests(self) -> tuple[str, str]:
        """The run's digest, and what it was where an address counted with the slash at its end."""
        one = self._manifest
        earlier = base_digest(one.base, f"{server()}/")
        parts = {"spec": one.spec_digest, "data": one.data_digest, "base": earlier}
        return one.run_digest, fingerprint(parts)

    def _jobs_of(self, run_digest: str) -> list[FineTuningJob]:
        def ask() -> list[FineTuningJob]:
            # Not every server filters by metadata, so every job is checked.
            page = self._client.fine_tuning.jobs.list(metadata={RUN_KEY: run_digest}, limit=100)
            return [job for job in page if (job.metadata or {}).get(RUN_KEY) == run_digest]

        return _retry(ask)

    def start(self, rows: list[Row]) -> FineTuningJob:
        """Upload the rows, unless the server already has them, and start the job."""
        data = encode_chat({"messages": row["messages"]} for row in rows)
        if (known := self._known_file(data)) is not None:
            try:
                return self._start_with(known)
            except REFUSED as error:
                # A job that is refused does not exist; an earlier one, whose reply was lost, may.
                if not _names_file(error, known):
                    raise
                if (existing := self.from_server()) is not None:
                    return existing
        return self._start_with(self._upload(data))

    def _start_with(self, file: str) -> FineTuningJob:
        for attempt in range(START_ATTEMPTS):
            try:
                job = self._create(file)
            except Exception as error:
                if not _is_transient(error):
                    raise
                time.sleep(min(8.0, 0.25 * 2**attempt))
                if (existing := self.from_server()) is not None:
                    return existing
                last = error
            else:
                self._write_state(job=_job(job).id)
                return job
        raise last

    def wait(self, job_id: str, console: Console) -> FineTuningJob:
        """Poll the job until it ends, and print its status.

        Raises:
            UserError: If it failed, was cancelled, or ended long ago without a model.
        """
        pause, status = POLL[0], ""
        nameless_since: float | None = None
        while True:
            job = _job(_retry(lambda: self._client.fine_tuning.jobs.retrieve(job_id)))
            if job.status != status:
                status = job.status
                console.print(f"{self._manifest.name}: job {job.id} {status}", highlight=False, markup=False)
            if job.status == "succeeded" and job.fine_tuned_model:
                return job
            if job.status in ("failed", "cancelled"):
                self._write_state()  # so that the next call can start another job
                why = job.error.message if job.error and job.error.message else job.status
                code = f" ({job.error.code})" if job.error and job.error.code else ""
                raise UserError(f"OpenAI's job {job.id} {job.status}: {one_line(why)}{code}")
            if job.status == "succeeded":
                if nameless_since is None:
                    nameless_since = time.monotonic()
                    console.print(f"{self._manifest.name}: waiting for its model's name", markup=False)
                if (waited := time.monotonic() - nameless_since) >= NAMELESS:
                    raise UserError(
                        f"OpenAI's job {job.id} succeeded, and names no model after {waited:.0f} s: look it "
                        "up in the server's dashboard, and run this again, which waits for this job"
                    )
            time.sleep(pause)
            pause = min(POLL[1], pause * 1.5)

    def _known_file(self, data: bytes) -> str | None:
        """A file with these rows that the server has now: whoever owns the account can delete files."""
        name, before = _file_name(data), self._state.get("file")

        def fits(file: FileObject) -> bool:
            rejected = getattr(file, "status", None) == "error"
            return file.filename == name and file.bytes == len(data) and not rejected

        if before is not None:
            try:
                if fits(_retry(lambda: self._client.files.retrieve(before))):
                    return before
            except openai.NotFoundError:
                pass
            except openai.APIStatusError as error:
                if error.status_code not in NOT_SHOWN:
                    raise
                return before

        def find_file() -> FileObject | None:
            files = self._client.files.list(purpose="fine-tune", limit=10_000)
            # a list may show for a while what was deleted
            return next((file for file in files if fits(file) and file.id != before), None)

        if (found := _retry(find_file)) is None:
            return None
        self._write_state(file=found.id)
        return found.id

    def _upload(self, data: bytes) -> str:
        file = _retry(lambda: self._client.files.create(file=(_file_name(data), data), purpose="fine-tune"))
        if not getattr(file, "id", None):
            raise UserError(f"{server()} names no file after an upload: {ADVICE}")
        self._write_state(file=file.id)
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

    def _write_state(self, **changes: str) -> None:
        kept = {"file": self._state["file"]} if "file" in self._state else {}
        self._state = {**kept, **changes}
        write_whole(self._file, canonical_json(self._state) + b"\n")


def _job(reply: FineTuningJob) -> FineTuningJob:
    """A reply that is a job: clients take any JSON for one."""
    if not (getattr(reply, "id", None) and getattr(reply, "status", None)):
        raise UserError(f"{server()} replied what is no job: {ADVICE}")
    return reply


def _require_json(response: httpx.Response) -> None:
    """Refuse a reply that is no API's, such as a page to log in: the client would take its text for a job.

    Files are no JSON, wherever a server sends for them. What is JSON counts, whatever a server calls it.
    """
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    files = "json" not in response.request.headers.get("accept", "")
    if not response.is_success or files or kind.endswith("json"):
        return
    try:
        json.loads(response.read())
    except ValueError as error:
        asked = f"{response.request.method} {response.url.path}"
        raise UserError(
            f"{server()} replied to {asked} with {kind or 'no type'} in place of JSON: {ADVICE}"
        ) from error


def _file_name(data: bytes) -> str:
    """Named after its content, so that arms and seeds with the same rows share the file."""
    return f"inoc-evals-{digest(data)[:16]}.jsonl"


def _names_file(error: openai.APIStatusError, file: str) -> bool:
    """Whether a request was refused for its training file."""
    return error.param == "training_file" or "training_file" in error.message or file in error.message


def _hyperparameters(spec: FinetuneSpec) -> Any:
    return spec.openai.model_dump(mode="json")


def _suffix(name: str) -> str:
    """A suffix with only the characters that OpenAI accepts."""
    return "".join(c if c.isalnum() else "-" for c in name.lower())[:40].strip("-")


def _read(file: Path) -> dict[str, str]:
    try:
        state = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return {}
    return state if isinstance(state, dict) else {}


def _curve(client: openai.OpenAI, job: FineTuningJob) -> list[dict[str, Any]]:
    """The training loss, as far as the server provides it."""
    if not job.result_files:
        return []
    try:
        data = _retry(lambda: client.files.content(job.result_files[0]).content)
    except openai.APIStatusError:
        return []
    with suppress(binascii.Error):
        # OpenAI encodes its files in base64; other servers may not.
        data = base64.b64decode(data, validate=True)
    rows = []
    for row in csv.DictReader(io.StringIO(data.decode("utf-8", "replace"))):
        try:
            rows.append({"step": int(row["step"]), "loss": float(row["train_loss"])})
        except (KeyError, TypeError, ValueError):
            continue
    return rows


def _retry(ask: Callable[[], T]) -> T:
    """Retry a request until it succeeds: only for requests that are safe to repeat."""
    retrying = Retrying(
        retry=retry_if_exception(_is_transient),
        wait=wait_exponential(multiplier=0.25, max=30) + wait_random(0, 0.25),
        stop=stop_after_delay(PATIENCE),
        reraise=True,
    )
    return retrying(ask)


def _is_transient(error: BaseException) -> bool:
    """Whether a retry may succeed: after an error of the network or the server, or an incomplete reply."""
    if isinstance(error, openai.RateLimitError):
        return error.code != "insufficient_quota"
    if isinstance(error.__cause__, UserError):  # of `_require_json`, which the client takes for the network's
        return False
    # An incomplete reply is a JSONDecodeError, which the client does not catch.
    kinds = (
        openai.APIConnectionError,
        openai.InternalServerError,
        openai.ConflictError,
        json.JSONDecodeError,
    )
    return isinstance(error, kinds) or type(error) is openai.APIResponseValidationError


@contextmanager
def _in_one_line() -> Iterator[None]:
    """Turn the client's errors into one line, without the API key that some messages contain."""
    try:
        yield
    except openai.AuthenticationError as error:
        raise UserError(f"{server()} rejects the key in OPENAI_API_KEY: set a valid one") from error
    except openai.APIStatusError as error:
        body = error.body if isinstance(error.body, dict) else {}
        message = one_line(body.get("message") or error.message)
        raise UserError(f"OpenAI ({error.status_code}): {message}") from error
    except json.JSONDecodeError as error:
        raise UserError(
            f"{server()} replied with broken JSON, and again when asked again: {ADVICE}"
        ) from error
    except openai.APIConnectionError as error:
        if isinstance(error.__cause__, UserError):
            raise error.__cause__ from error
        raise UserError(f"{server()} cannot be reached: {one_line(error)}") from error
    except openai.OpenAIError as error:
        raise UserError(f"OpenAI: {one_line(error)}") from error
