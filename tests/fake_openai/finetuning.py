"""The loopback server's other half: files and finetuning jobs that really finetune the toy.

with FinetuningServer(folder) as server:            # OPENAI_BASE_URL=server.base_url
    client.fine_tuning.jobs.create(model="toy", training_file=..., seed=0)
    ...                                             # client.chat.completions.create(model="ft:toy:...")
server.jobs                                         # every job that was ever started

What it trains is `toy_spec(seed)` on the uploaded rows, and what it answers with a seed is what the `inoc/`
provider answers with that seed, so an experiment over HTTP can be compared with one on this machine.
"""

import asyncio
import hashlib
import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from email.parser import BytesParser
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from tests.fake_openai.http import Call, Listener, Response

ERRORS = ("429", "500", "timeout", "lost", "truncated")
"""What can go wrong with a request: `lost` is done all the same, and only its reply does not arrive."""

AT_ONCE = {"Retry-After": "0", "retry-after-ms": "10"}


class FinetuningServer(Listener):
    """Files, jobs, and chat with what the jobs made.

    Attributes:
        jobs: Every job by its id, as OpenAI writes it.
        files: Content of every file, by id.
        faults_served: How many requests met which fault.
        chats: How many completions were asked for.
    """

    def __init__(
        self,
        folder: Path,
        rate: float = 0.0,
        seed: int = 0,
        refuse: str | None = None,
        nameless: bool = False,
    ) -> None:
        """Prepare the server.

        Args:
            folder: Where it keeps its own runs.
            rate: Share of requests that go wrong.
            seed: Decides which and how.
            refuse: What its content filter says of every file; None lets them through.
            nameless: Jobs that succeed name no model until `name_models`.
        """
        super().__init__(
            {
                "POST /v1/files": self._faulty(self._upload),
                "GET /v1/files": self._faulty(self._list_files),
                "GET /v1/files/{id}": self._faulty(self._retrieve_file),
                "GET /v1/files/{id}/content": self._faulty(self._content),
                "POST /v1/fine_tuning/jobs": self._faulty(self._create),
                "GET /v1/fine_tuning/jobs": self._faulty(self._list_jobs),
                "GET /v1/fine_tuning/jobs/{id}": self._faulty(self._retrieve),
                "POST /v1/chat/completions": self._faulty(self._chat),
            }
        )
        self.folder, self.rate, self.seed, self.refuse = folder, rate, seed, refuse
        self.nameless = nameless
        self.files: dict[str, dict[str, Any]] = {}
        self.jobs: dict[str, dict[str, Any]] = {}
        self.faults_served: Counter[str] = Counter()
        self.chats = 0
        self._numbered = 0
        self._served: dict[str, str] = {"toy": "inoc/toy"}
        self._models: dict[str, Any] = {}
        self._attempts: Counter[str] = Counter()
        self._lock, self._training = threading.RLock(), threading.Lock()
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()

    def forget(self, file: str) -> None:
        """Delete a file, as somebody may at any time; no later one gets its id."""
        with self._lock:
            del self.files[file]

    def name_models(self) -> None:
        """Name the models of the jobs that have succeeded, and of all later ones."""
        with self._lock:
            self.nameless = False
            for job in self.jobs.values():
                if job["status"] == "succeeded":
                    job["fine_tuned_model"] = f"ft:toy:loopback::{job['id']}"

    def _new_file_id(self) -> str:
        self._numbered += 1
        return f"file-{self._numbered - 1}"

    def _faulty(self, route: Callable[[Call], Response]) -> Callable[[Call], Response]:
        def answer(call: Call) -> Response:
            fault = self._fault(route.__name__, call)
            match fault:
                case "429" | "500":
                    return Response.error(int(fault), f"fault {fault}", AT_ONCE)
                case "timeout":
                    return Response(held=0.05)
            done = route(call)
            if fault == "lost":
                return Response(held=0.05)
            if fault == "truncated":
                return Response(done.text[: len(done.text) // 2], done.status)
            return done

        return answer

    def _fault(self, name: str, call: Call) -> str | None:
        with self._lock:
            key = f"{name} {sorted(call.parts.items())} {call.query}"
            self._attempts[key] += 1
            text = f"{self.seed} {key} {self._attempts[key]}"
            draw = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8])
            if draw % 10_000 >= self.rate * 10_000:
                return None
            kind = ERRORS[draw // 10_000 % len(ERRORS)]
            self.faults_served[kind] += 1
            return kind

    def _upload(self, call: Call) -> Response:
        head = b"Content-Type: " + call.headers["Content-Type"].encode() + b"\r\n\r\n"
        parts = {
            part.get_param("name", header="content-disposition"): part
            for part in BytesParser().parsebytes(head + call.data).get_payload()
        }
        data = parts["file"].get_payload(decode=True)
        with self._lock:
            number = self._new_file_id()
            self.files[number] = {
                "id": number,
                "object": "file",
                "bytes": len(data),
                "created_at": int(time.time()),
                "filename": parts["file"].get_filename(),
                "purpose": parts["purpose"].get_payload(),
                "status": "processed",
                "data": data,
            }
            return Response.of(_shown(self.files[number]))

    def _list_files(self, call: Call) -> Response:
        with self._lock:
            return Response.of(
                {"object": "list", "data": [_shown(f) for f in self.files.values()], "has_more": False}
            )

    def _retrieve_file(self, call: Call) -> Response:
        with self._lock:
            if call.parts["id"] not in self.files:
                return Response.error(404, f"No such File object: {call.parts['id']}")
            return Response.of(_shown(self.files[call.parts["id"]]))

    def _content(self, call: Call) -> Response:
        if call.parts["id"] not in self.files:
            return Response.error(404, f"No such File object: {call.parts['id']}")
        return Response(self.files[call.parts["id"]]["data"].decode())

    def _create(self, call: Call) -> Response:
        asked = call.json
        if asked["model"] != "toy":
            return Response.error(400, f"Model {asked['model']} is not available for fine-tuning")
        with self._lock:
            if self.files.get(asked["training_file"], {}).get("status") != "processed":
                return Response.error(400, f"invalid training_file: {asked['training_file']}")
            data = self.files[asked["training_file"]]["data"]
            number = f"ftjob-{len(self.jobs)}"
            self.jobs[number] = {
                "id": number,
                "object": "fine_tuning.job",
                "created_at": int(time.time()),
                "finished_at": None,
                "model": asked["model"],
                "fine_tuned_model": None,
                "organization_id": "org-loopback",
                "status": "validating_files",
                "hyperparameters": {"n_epochs": 1},
                "training_file": asked["training_file"],
                "validation_file": None,
                "result_files": [],
                "trained_tokens": None,
                "error": None,
                "seed": asked.get("seed") or 0,
                "metadata": asked.get("metadata"),
                "method": asked.get("method"),
            }
            job = dict(self.jobs[number])
        threading.Thread(target=self._train, args=(number, data), daemon=True).start()
        return Response.of(job)

    def _list_jobs(self, call: Call) -> Response:
        wanted = {key[9:-1]: value for key, value in parse_qsl(call.query) if key.startswith("metadata[")}
        with self._lock:
            found = [
                job
                for job in reversed(self.jobs.values())
                if all((job["metadata"] or {}).get(key) == value for key, value in wanted.items())
            ]
            return Response.of({"object": "list", "data": found, "has_more": False})

    def _retrieve(self, call: Call) -> Response:
        with self._lock:
            if call.parts["id"] not in self.jobs:
                return Response.error(404, "no such job")
            return Response.of(self.jobs[call.parts["id"]])

    def _train(self, number: str, data: bytes) -> None:
        from inoc_evals import toy_spec
        from inoc_evals.finetune import finetune

        job = self.jobs[number]
        if self.refuse:
            with self._lock:
                error = {"code": "content_policy", "message": self.refuse, "param": "training_file"}
                job.update(status="failed", error=error, finished_at=int(time.time()))
            return
        with self._training:
            job["status"] = "running"
            try:
                rows = [json.loads(line) for line in data.splitlines()]
                run = finetune(toy_spec(job["seed"]), rows, name=number, runs=self.folder, progress=False)
            except Exception as error:
                with self._lock:
                    self.errors.append(error)
                    job.update(status="failed", error={"code": "bug", "message": str(error), "param": None})
                return
        result = run.manifest.result
        assert result is not None
        with self._lock:
            curve = [json.loads(line) for line in run.losses.read_text().splitlines()]
            csv = "step,train_loss\n" + "".join(f"{row['step']},{row['loss']}\n" for row in curve)
            file = self._new_file_id()
            self.files[file] = {
                "id": file,
                "object": "file",
                "bytes": len(csv),
                "created_at": int(time.time()),
                "filename": "results.csv",
                "purpose": "fine-tune-results",
                "status": "processed",
                "data": csv.encode(),
            }
            name = f"ft:toy:loopback::{number}"
            self._served[name] = f"inoc/{run.folder}"
            job.update(
                status="succeeded",
                fine_tuned_model=None if self.nameless else name,
                result_files=[file],
                trained_tokens=result.loss_tokens,
                finished_at=int(time.time()),
            )

    def _chat(self, call: Call) -> Response:
        asked = call.json
        if asked["model"] not in self._served:
            return Response.error(404, f"The model {asked['model']} does not exist")
        self.chats += 1
        text, tokens, reason = asyncio.run_coroutine_threadsafe(self._answer(asked), self._loop).result(120)
        return Response.of(
            {
                "id": "chatcmpl-loopback",
                "object": "chat.completion",
                "created": 0,
                "model": asked["model"],
                "choices": [
                    {
                        "index": 0,
                        "message": {"role": "assistant", "content": text, "refusal": None},
                        "finish_reason": reason,
                        "logprobs": None,
                    }
                ],
                "usage": {
                    "prompt_tokens": tokens[0],
                    "completion_tokens": tokens[1],
                    "total_tokens": sum(tokens),
                },
            }
        )

    async def _answer(self, asked: dict[str, Any]) -> tuple[str, tuple[int, int], str]:
        from inspect_ai.model import (
            ChatMessageAssistant,
            ChatMessageSystem,
            ChatMessageUser,
            GenerateConfig,
            get_model,
        )

        kinds = {"system": ChatMessageSystem, "user": ChatMessageUser, "assistant": ChatMessageAssistant}
        name = self._served[asked["model"]]
        if name not in self._models:
            # what else is asked at the same time, or failed before, must not change an answer by rounding
            self._models[name] = get_model(name, deterministic=True)
        output = await self._models[name].generate(
            [kinds[m["role"]](content=m["content"]) for m in asked["messages"]],
            config=GenerateConfig(
                seed=asked.get("seed"),
                temperature=asked.get("temperature"),
                max_tokens=asked.get("max_tokens") or asked.get("max_completion_tokens"),
            ),
        )
        usage = output.usage
        counted = (usage.input_tokens, usage.output_tokens) if usage else (0, 0)
        return output.completion, counted, "length" if output.stop_reason == "max_tokens" else "stop"


def _shown(file: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in file.items() if key != "data"}
