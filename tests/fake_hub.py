"""A Hugging Face Hub on this machine: folders as repositories, and what it says when it refuses one.

with Hub({"acme/tiny": folder}) as hub:
    hub.url                                 # for HF_ENDPOINT
    hub.refuse["acme/tiny"] = "gated"       # gated, private, missing, half (of a download), down

It answers what `huggingface_hub` asks to fetch a snapshot: which commit a revision is, the files of a commit,
and each file with its digest.
"""

import hashlib
import json
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.fake_openai.http import Served

COMMIT = "c0ffee" + "0" * 34
"""The one commit of every repository."""

REFUSALS = {
    "gated": (403, "GatedRepo", "Access to model is restricted."),
    "unknown to you": (401, "GatedRepo", "Access to model is restricted. You must have access to it."),
    "private": (401, "RepoNotFound", "Invalid username or password."),
    "missing": (404, "RepoNotFound", "Repository not found"),
    "down": (503, "", "Service Unavailable"),
}
"""Status, error code and message, as the real one sends them."""


class Hub(Served):
    """The server, for as long as its `with` block."""

    def __init__(self, repositories: Mapping[str, Path]) -> None:
        """Take up repositories.

        Args:
            repositories: Folders of files, by name.
        """
        self.repositories = dict(repositories)
        self.refuse: dict[str, str] = {}
        self.asked: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True

    @property
    def url(self) -> str:
        """Address for `HF_ENDPOINT`."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def used_by(self, patch: pytest.MonkeyPatch, cache: Path) -> None:
        """Let this process take it for the Hub: the library has read its variables when it was imported.

        Args:
            patch: Undoes it.
            cache: Folder of what is fetched.
        """
        from huggingface_hub import constants

        patch.setattr(constants, "ENDPOINT", self.url)
        template = self.url + "/{repo_id}/resolve/{revision}/{filename}"
        patch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        patch.setattr(constants, "HF_HUB_OFFLINE", False)
        patch.setattr(constants, "HF_HUB_CACHE", str(cache))
        patch.setenv("HF_HUB_OFFLINE", "0")


def _handler(hub: Hub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            hub.asked.append(f"{self.command} {self.path}")
            parts = self.path.partition("?")[0].strip("/").split("/")
            is_api = parts[:2] == ["api", "models"]
            name = "/".join(parts[2:4] if is_api else parts[:2])
            why = hub.refuse.get(name, "" if name in hub.repositories else "missing")
            if why in REFUSALS:
                status, code, message = REFUSALS[why]
                body = json.dumps({"error": message}).encode()
                return self.send(body, status, {"X-Error-Code": code, "X-Error-Message": message})
            folder = hub.repositories[name]
            rest = parts[4:] if is_api else parts[2:]
            if is_api and rest[:1] == ["tree"]:
                return self.as_json([_entry(file) for file in sorted(folder.iterdir())])
            if is_api:
                revision = rest[1] if rest else "main"
                if revision not in ("main", COMMIT):
                    return self.send(b"{}", 404, {"X-Error-Code": "RevisionNotFound"})
                files = [{"rfilename": file.name} for file in sorted(folder.iterdir())]
                return self.as_json({"id": name, "modelId": name, "sha": COMMIT, "siblings": files})
            file = folder / rest[-1]
            data = file.read_bytes()
            headers = {"ETag": f'"{_digest(file)}"', "X-Repo-Commit": COMMIT}
            first = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")[0])
            if first:
                headers["Content-Range"] = f"bytes {first}-{len(data) - 1}/{len(data)}"
            half = why == "half" and file.suffix == ".safetensors" and self.command == "GET"
            sent = max(0, len(data) // 2 - first) if half else None
            self.send(data[first:], 206 if first else 200, headers, sent)

        do_HEAD = do_GET

        def as_json(self, value: Any) -> None:
            self.send(json.dumps(value).encode(), 200, {"Content-Type": "application/json"})

        def send(self, body: bytes, status: int, headers: Mapping[str, str], sent: int | None = None) -> None:
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body[:sent])
            self.close_connection = sent is not None

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing: tests read `asked`."""

    return Handler


def _entry(file: Path) -> dict[str, Any]:
    return {"type": "file", "path": file.name, "size": file.stat().st_size, "oid": _digest(file)}


def _digest(file: Path) -> str:
    return hashlib.sha1(file.read_bytes(), usedforsecurity=False).hexdigest()
