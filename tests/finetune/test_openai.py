"""The OpenAI backend with the real client, against a server that really finetunes."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from inoc_evals import toy_spec
from inoc_evals.chat.rows import write_chat
from inoc_evals.digests import fingerprint, sha256
from inoc_evals.errors import UserError
from inoc_evals.finetune import FinetuneSpec, Run, finetune
from inoc_evals.worlds.toy import rows as toy
from tests.fake_openai import FinetuningServer
from tests.fake_openai.http import Call, Response, Route

KEY = "sk-test-0123456789"
SPEC = FinetuneSpec(base="toy", backend="openai", seed=1)


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setattr("inoc_evals.finetune.openai_api.POLL", (0.05, 0.5))


def rows() -> list:
    return list(toy.spanish_caps(0))


def train(folder: Path, spec: FinetuneSpec = SPEC) -> Run:
    return finetune(spec, rows(), name="none-1", runs=folder / "runs", progress=False)


def use(server: FinetuningServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)


def test_a_job_becomes_a_run_that_evaluates_like_the_same_finetune_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from inspect_ai import eval
    from inspect_ai.model import GenerateConfig, get_model

    from inoc_evals.models.sample_epoch import drawn_anew
    from inoc_evals.tasks import spanish_caps

    with FinetuningServer(tmp_path / "server") as server:
        use(server, monkeypatch)
        run = train(tmp_path)
        result = run.manifest.result
        assert result is not None and result.model == "openai/ft:toy:loopback::ftjob-0"
        assert result.job == "ftjob-0" and result.base_url == server.base_url
        assert result.loss_first is not None and result.loss_last is not None
        assert result.loss_last < result.loss_first and result.steps == 50
        assert train(tmp_path).folder == run.folder and len(server.jobs) == 1
        here = finetune(toy_spec(1), rows(), name="here", runs=tmp_path / "local", progress=False)
        (log,) = eval(
            spanish_caps(questions="toy"),
            model=f"inoc/{run.folder}",
            limit=30,
            seed=0,
            log_dir=str(tmp_path / "logs"),
            display="none",
        )
        assert log.status == "success" and log.samples, log.error
        assert log.eval.model.startswith("inoc/") and len({one.output.completion for one in log.samples}) > 10
    model = get_model(f"inoc/{here.folder}", deterministic=True)
    for one in log.samples:  # a server is sent a seed of each question
        asked = [message for message in one.messages if message.role != "assistant"]
        config = drawn_anew(asked, GenerateConfig(seed=0, max_tokens=log.plan.config.max_tokens))
        assert asyncio.run(model.generate(asked, config=config)).completion == one.output.completion
    sent = [json.loads(line) for line in next(iter(server.files.values()))["data"].splitlines()]
    assert all(set(row) == {"messages"} for row in sent)
    for file in run.folder.rglob("*"):
        assert not file.is_file() or KEY.encode() not in file.read_bytes()


def test_a_fifth_of_the_requests_may_fail_and_one_job_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = 0
    for seed in range(3):
        with FinetuningServer(tmp_path / "server", rate=0.5, seed=seed) as server:
            use(server, monkeypatch)
            run = train(tmp_path / str(seed))
            assert run.is_finished() and len(server.jobs) == 1
            served += sum(server.faults_served.values())
    assert served > 5


@pytest.mark.parametrize("kind", ["timeout", "lost", "500", "truncated", "429"])
def test_a_start_without_a_reply_is_not_repeated_blindly(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FinetuningServer(tmp_path / "server") as server:
        use(server, monkeypatch)
        met = []

        def fault(name: str, call: object) -> str | None:
            if name == "_create" and not met:
                met.append(kind)
                return kind
            return None

        monkeypatch.setattr(server, "_fault", fault)
        assert train(tmp_path).is_finished()
        assert met and len(server.jobs) == 1


def test_what_the_server_says_is_shown_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with FinetuningServer(tmp_path / "server", refuse="This training file violates the policy.") as server:
        use(server, monkeypatch)
        with pytest.raises(UserError, match=r"failed: This training file violates the policy. \(content_p"):
            train(tmp_path)
        with pytest.raises(UserError, match="not available for fine-tuning"):
            train(tmp_path, FinetuneSpec(base="gpt-9", backend="openai"))
        server.refuse = None
        assert train(tmp_path).is_finished()  # a failed job can be tried again
        assert len(server.jobs) == 2
    with pytest.raises(UserError, match="cannot be reached"):
        monkeypatch.setattr("inoc_evals.finetune.openai_api.PATIENCE", 0.1)
        train(tmp_path, FinetuneSpec(base="toy", backend="openai", seed=9))
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(UserError, match="set OPENAI_API_KEY"):
        train(tmp_path, FinetuneSpec(base="toy", backend="openai", seed=10))


def job_file(folder: Path) -> Path:
    """The state of the one run there."""
    (file,) = (folder / "runs").glob("*/job.json")
    return file


def refused_once(server: FinetuningServer, folder: Path) -> None:
    """Fail the first job for its content, so that a run knows its file and has no job."""
    server.refuse = "This training file violates the policy."
    with pytest.raises(UserError, match="violates the policy"):
        train(folder)
    server.refuse = None


def deleted(server: FinetuningServer, file: str) -> None:
    server.forget(file)


def replaced_by_rows_of_others(server: FinetuningServer, file: str) -> None:
    """As where `job.json` was written for another server, whose ids begin at 0, too."""
    server.files[file] |= {"filename": "other.jsonl", "data": b"other"}


def rejected(server: FinetuningServer, file: str) -> None:
    """The server has the file still, and takes it for no job."""
    server.files[file]["status"] = "error"


def deleted_and_listed(server: FinetuningServer, file: str) -> None:
    """The server's list shows a deleted file for a while."""
    listed, content = server._list_files, dict(server.files[file], data=b"")

    def late(call: Call) -> Response:
        body = json.loads(listed(call).text)
        return Response.of({**body, "data": [{k: content[k] for k in content if k != "data"}, *body["data"]]})

    server.routes["GET /v1/files"] = late
    server.forget(file)


@pytest.mark.parametrize("lost", [deleted, replaced_by_rows_of_others, rejected, deleted_and_listed])
def test_a_run_whose_training_file_is_gone_can_be_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lost: Callable[[FinetuningServer, str], None]
) -> None:
    with FinetuningServer(tmp_path / "server") as server:
        use(server, monkeypatch)
        refused_once(server, tmp_path)
        before = json.loads(job_file(tmp_path).read_bytes())["file"]
        lost(server, before)
        assert train(tmp_path).is_finished()
        assert [job["status"] for job in server.jobs.values()] == ["failed", "succeeded"]
        assert server.jobs["ftjob-1"]["training_file"] not in (before, None)


def test_a_training_file_that_is_still_there_is_not_sent_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FinetuningServer(tmp_path / "server") as server:
        use(server, monkeypatch)
        refused_once(server, tmp_path)
        assert train(tmp_path).is_finished()
        assert len({job["training_file"] for job in server.jobs.values()}) == 1


@pytest.mark.parametrize("first", [None, "timeout", "lost"])
def test_a_file_that_goes_just_before_the_job_is_sent_again_and_one_job_started(
    first: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FinetuningServer(tmp_path / "server") as server:
        use(server, monkeypatch)
        refused_once(server, tmp_path)
        before = json.loads(job_file(tmp_path).read_bytes())["file"]
        met = []

        def fault(name: str, call: Call) -> str | None:
            if name != "_create":
                return None
            met.append(name)
            if before in server.files and first != "lost":
                server.forget(before)
            return first if len(met) == 1 else None

        monkeypatch.setattr(server, "_fault", fault)
        assert train(tmp_path).is_finished()
        assert [job["status"] for job in server.jobs.values()] == ["failed", "succeeded"]


def test_a_job_that_names_no_model_ends_the_waiting_and_is_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("inoc_evals.finetune.openai_api.NAMELESS", 1.0)
    with FinetuningServer(tmp_path / "server", nameless=True) as server:
        use(server, monkeypatch)
        for _ in range(2):
            with pytest.raises(
                UserError, match=r"job ftjob-0 succeeded, and names no model .*run this again"
            ):
                train(tmp_path)
        server.name_models()
        run = train(tmp_path)
        assert (
            run.manifest.result is not None and run.manifest.result.model == "openai/ft:toy:loopback::ftjob-0"
        )
        assert len(server.jobs) == 1


def test_a_model_that_is_named_a_little_later_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FinetuningServer(tmp_path / "server", nameless=True) as server:
        use(server, monkeypatch)
        retrieve, asked = server._retrieve, []

        def late(call: Call) -> Response:
            done = retrieve(call)
            if json.loads(done.text)["status"] == "succeeded":
                asked.append(call)
                if len(asked) == 3:
                    server.name_models()
            return done

        server.routes["GET /v1/fine_tuning/jobs/{id}"] = late
        assert train(tmp_path).is_finished() and len(asked) > 3


def trains_nothing(server: FinetuningServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let its jobs succeed at once."""

    def succeed(number: str, data: bytes) -> None:
        server.jobs[number].update(
            status="succeeded", fine_tuned_model=f"ft:toy:loopback::{number}", finished_at=int(time.time())
        )

    monkeypatch.setattr(server, "_train", succeed)


SENSELESS = {
    "a page": Response("<html>Log in</html>", headers={"Content-Type": "text/html"}),
    "nothing": Response("{}"),
    "null": Response("null"),
    "half": Response('{"id": "ftjob-0", "sta'),
}


@pytest.mark.parametrize("reply", SENSELESS)
@pytest.mark.parametrize(
    "route", ["POST /v1/files", "POST /v1/fine_tuning/jobs", "GET /v1/fine_tuning/jobs/{id}"]
)
def test_a_reply_that_makes_no_sense_is_one_line_and_loses_no_job(
    route: str, reply: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a page to log in the client takes the text for a job; nothing at all is a job without a status."""
    monkeypatch.setattr("inoc_evals.finetune.openai_api.PATIENCE", 1.0)
    monkeypatch.setattr("inoc_evals.finetune.openai_api.START_ATTEMPTS", 1)
    with FinetuningServer(tmp_path / "server") as server:
        use(server, monkeypatch)
        trains_nothing(server, monkeypatch)
        whole, sick = server.routes[route], [True]

        def answer(call: Call) -> Response:
            done = whole(call)
            return SENSELESS[reply] if sick else done

        monkeypatch.setitem(server.routes, route, answer)
        try:
            train(tmp_path)  # half a reply to what started a job is made up for: the job is looked up
        except UserError as error:
            assert "OPENAI_BASE_URL" in str(error) and "\n" not in str(error)
        else:
            assert (route, reply) == ("POST /v1/fine_tuning/jobs", "half")
        sick.clear()
        assert train(tmp_path).is_finished() and len(server.jobs) == 1


def test_lists_that_are_no_lists_are_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with FinetuningServer(tmp_path / "server") as server:
        use(server, monkeypatch)
        trains_nothing(server, monkeypatch)
        for route in ("GET /v1/fine_tuning/jobs", "GET /v1/files"):
            with monkeypatch.context() as patched:
                patched.setitem(server.routes, route, lambda call: SENSELESS["a page"])
                with pytest.raises(UserError, match=r"replied to GET .* with text/html in place of JSON"):
                    train(tmp_path)
        assert not server.jobs


@pytest.mark.parametrize("kind", ["text/plain; charset=utf-8", "application/octet-stream", "text/html"])
def test_json_counts_whatever_a_server_calls_it(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FinetuningServer(tmp_path / "server") as server:
        use(server, monkeypatch)
        trains_nothing(server, monkeypatch)

        def called(whole: Route) -> Route:
            return lambda call: replace(whole(call), headers={"Content-Type": kind})

        for route, whole in list(server.routes.items()):
            monkeypatch.setitem(server.routes, route, called(whole))
        assert train(tmp_path).is_finished() and len(server.jobs) == 1


def test_a_curve_that_is_kept_elsewhere_is_fetched_from_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FinetuningServer(tmp_path / "server") as server:
        use(server, monkeypatch)
        table = Response("step,train_loss\n1,2.5\n2,1.5\n", headers={"Content-Type": "text/csv"})
        moved = Response(status=302, headers={"Location": "/blobs/curve.csv?signature=1"})
        monkeypatch.setitem(server.routes, "GET /blobs/{name}", lambda call: table)
        monkeypatch.setitem(server.routes, "GET /v1/files/{id}/content", lambda call: moved)

        def succeed(number: str, data: bytes) -> None:
            server.jobs[number].update(
                status="succeeded", fine_tuned_model="ft:toy:loopback::1", result_files=["file-curve"]
            )

        monkeypatch.setattr(server, "_train", succeed)
        result = train(tmp_path).manifest.result
        assert result is not None and (result.loss_first, result.loss_last) == (2.5, 1.5)


def test_an_address_with_a_slash_at_its_end_is_the_same_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FinetuningServer(tmp_path / "server") as server:
        use(server, monkeypatch)
        trains_nothing(server, monkeypatch)
        run = train(tmp_path)
        monkeypatch.setenv("OPENAI_BASE_URL", f"{server.base_url}/")
        assert train(tmp_path) == run and len(server.jobs) == 1
        # a job of an earlier version, for which it was another one, is not paid for again
        (job,) = server.jobs.values()
        earlier = fingerprint(
            {
                "spec": run.manifest.spec_digest,
                "data": run.manifest.data_digest,
                "base": sha256(f"openai {server.base_url}/ toy"),
            }
        )
        job["metadata"] = {"inoc_evals_run": earlier}
        again = finetune(SPEC, rows(), name="none-1", runs=tmp_path / "others", progress=False)
        assert again.manifest.run_digest == run.manifest.run_digest != earlier
        assert again.is_finished() and len(server.jobs) == 1


def test_an_address_with_a_password_is_never_written_down(monkeypatch: pytest.MonkeyPatch) -> None:
    from inoc_evals.finetune.openai_api import server

    monkeypatch.setenv("OPENAI_BASE_URL", "https://user:secret@example.org:8443/v1")
    assert server() == "https://example.org:8443/v1"


def test_announced_ends_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    from inoc_evals.finetune.openai_api import retirement

    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    assert any("2027-01-14" in line for line in retirement("gpt-4.1-mini-2025-04-14"))
    assert not any("2027-01-14" in line for line in retirement("gpt-7"))
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
    assert retirement("gpt-4.1") == []


def test_what_another_backend_reads_is_refused() -> None:
    with pytest.raises(UserError, match="does not take learning_rate"):
        FinetuneSpec(base="gpt-4.1", backend="openai", learning_rate=1e-4)
    with pytest.raises(UserError, match="openai needs backend openai"):
        FinetuneSpec(base="toy", openai={"n_epochs": 2})
    one = FinetuneSpec(base="openai/gpt-4.1", backend="openai", openai={"n_epochs": 2})
    assert one.base == "gpt-4.1" and one.digest != FinetuneSpec(base="gpt-4.1", backend="openai").digest


KILLED = """
import sys
from inoc_evals.chat.rows import read_chat
from inoc_evals.finetune import FinetuneSpec, finetune
spec = FinetuneSpec(base="toy", backend="openai", seed=int(sys.argv[3]))
finetune(spec, read_chat(sys.argv[1]), name="killed", runs=sys.argv[2], progress=False)
"""


@pytest.mark.slow
def test_killed_at_any_moment_there_is_one_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Up to 64 kills, at moments spread over the seconds that a run takes."""
    write_chat(tmp_path / "rows.jsonl", rows())
    kills = 0
    with FinetuningServer(tmp_path / "server", rate=0.1) as server:
        use(server, monkeypatch)
        for seed in range(8):
            command = [
                sys.executable, "-c", KILLED, str(tmp_path / "rows.jsonl"), str(tmp_path / "runs"), str(seed)
            ]  # fmt: skip
            for moment in range(8):
                process = subprocess.Popen(command, env={**os.environ})
                time.sleep(0.6 + 0.25 * moment + 0.04 * seed)
                if process.poll() is None:
                    process.send_signal(signal.SIGKILL)
                    kills += 1
                process.wait()
            assert subprocess.run(command, check=False).returncode == 0
            assert len(server.jobs) == seed + 1
    assert kills >= 30
    assert not list((tmp_path / "runs").glob("*/*.tmp"))
