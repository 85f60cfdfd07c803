"""A Hugging Face Hub on this machine: repositories to read and write, and what it refuses.

with Hub({"acme/tiny": folder}) as hub:
    hub.url                                 # for HF_ENDPOINT
    hub.refuse["acme/tiny"] = "gated"       # gated, private, missing, half (of a download), down, no writes,
                                            # no weights
    hub.repositories["acme/new"].files      # what a push left, by name
    hub.silent = "POST /api/repos/create"   # requests that begin so are taken and never answered

It answers what `huggingface_hub` asks to fetch a snapshot (which commit a revision is, the files of a
commit, each file with its digest), and to write one: make a repository, say which files are large, take the
large ones, take a commit. Like the real one it takes a commit as a whole or not at all, and only onto the
head that it names.
"""

import base64
import hashlib
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from inoc_evals.digests import blob_id
from tests.fake_openai.http import Served

REFUSALS = {
    "gated": (403, "GatedRepo", "Access to model is restricted."),
    "unknown to you": (401, "GatedRepo", "Access to model is restricted. You must have access to it."),
    "private": (401, "RepoNotFound", "Invalid username or password."),
    "missing": (404, "RepoNotFound", "Repository not found"),
    "down": (503, "", "Service Unavailable"),
}
"""Status, error code and message, as the real one sends them."""


@dataclass
class Repository:
    """What one name holds.

    Attributes:
        files: Its files, by name, as they are now.
        private: Whether it is.
        commits: How many commits made it.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    private: bool = False
    commits: int = 1

    @property
    def head(self) -> str:
        """Its commit, 40 hex digits."""
        return "c0ffee" + f"{self.commits - 1:034x}"


class Hub(Served):
    """The server, for as long as its `with` block."""

    def __init__(self, repositories: Mapping[str, Path] | None = None) -> None:
        """Take up repositories.

        Args:
            repositories: Folders of files, by name; that of a dataset begins with `datasets/`.
        """
        self.repositories = {
            name: Repository({file.name: file.read_bytes() for file in folder.iterdir()})
            for name, folder in (repositories or {}).items()
        }
        self.large: dict[str, bytes] = {}
        self.refuse: dict[str, str] = {}
        self.asked: list[str] = []
        self.silent = ""
        self.token = "hf_" + "a1" * 17
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True

    @property
    def url(self) -> str:
        """Address for `HF_ENDPOINT`."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def used_by(self, patch: pytest.MonkeyPatch, cache: Path) -> None:
        """Let this process and those that it starts take it for the Hub.

        Here the library has read its variables already, when it was imported.

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
        patch.setattr(constants, "HF_TOKEN_PATH", str(cache / "no-token"))
        patch.setattr(constants, "HF_HUB_DISABLE_XET", True)  # its protocol is its own library's
        patch.setattr("huggingface_hub.hf_api.api.endpoint", self.url)  # the one behind snapshot_download
        variables = {"HF_ENDPOINT": self.url, "HF_HUB_CACHE": str(cache), "HF_HUB_DISABLE_XET": "1"}
        for name, value in {**variables, "HF_HUB_OFFLINE": "0"}.items():
            patch.setenv(name, value)

    # writing

    def create(self, asked: dict[str, Any]) -> tuple[int, Any]:
        """Make a repository."""
        kind = asked.get("type", "model")
        name = f"{asked['organization']}/{asked['name']}"
        key = name if kind == "model" else f"{kind}s/{name}"
        url = f"{self.url}/{key}"
        if key in self.repositories:
            return 409, {"error": "You already created this model repo", "url": url}
        self.repositories[key] = Repository(private=asked.get("visibility") == "private")
        return 200, {"url": url}

    def sizes(self, key: str, asked: dict[str, Any]) -> dict[str, Any]:
        """Say which files are large: weights, as the real one's `.gitattributes` has it."""
        files = []
        for file in asked["files"]:
            large = file["path"].endswith(".safetensors")
            held = self.repositories[key].files.get(file["path"])
            mine = {"path": file["path"], "uploadMode": "lfs" if large else "regular", "shouldIgnore": False}
            if held is not None:
                mine["oid"] = hashlib.sha256(held).hexdigest() if large else blob_id(held)
            files.append(mine)
        return {"files": files}

    def batch(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Say where large files go; nowhere, if they are there."""
        objects = []
        for one in asked["objects"]:
            address = {"upload": {"href": f"{self.url}/large/{one['oid']}"}}
            objects.append(one if one["oid"] in self.large else {**one, "actions": address})
        return {"transfer": "basic", "objects": objects}

    def commit(self, key: str, lines: list[dict[str, Any]]) -> tuple[int, Any]:
        """Take a commit as a whole."""
        repository = self.repositories[key]
        files = dict(repository.files)
        for line in lines:
            kind, value = line["key"], line["value"]
            if kind == "header" and value.get("parentCommit", repository.head) != repository.head:
                return 412, {"error": "A commit has happened since. Please refresh and try again."}
            if kind == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif kind == "lfsFile":
                files[value["path"]] = self.large[value["oid"]]
            elif kind == "deletedFile":
                del files[value["path"]]
        repository.files = files
        repository.commits += 1
        return 200, {"commitUrl": f"{self.url}/{key}/commit/{repository.head}", "commitOid": repository.head}


def _handler(hub: Hub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            key, rest = self.asked()
            why = hub.refuse.get(key, "")
            if key not in hub.repositories and why not in REFUSALS:
                why = "missing"
            if why in REFUSALS:
                return self.refused(why)
            repository = hub.repositories[key]
            if self.path.startswith("/api/"):
                if rest[:1] == ["tree"]:
                    return self.as_json([_entry(*item) for item in sorted(repository.files.items())])
                if rest and rest[1] not in ("main", repository.head):
                    return self.send(b"{}", 404, {"X-Error-Code": "RevisionNotFound"})
                files = [{"rfilename": name} for name in sorted(repository.files)]
                about = {"id": key.removeprefix("datasets/"), "sha": repository.head, "siblings": files}
                return self.as_json({**about, "modelId": about["id"], "private": repository.private})
            data = repository.files.get(rest[-1])
            if data is None:
                return self.send(b"", 404, {"X-Error-Code": "EntryNotFound"})
            headers = {"ETag": f'"{_digest(data)}"', "X-Repo-Commit": repository.head}
            first = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")[0])
            if first:
                headers["Content-Range"] = f"bytes {first}-{len(data) - 1}/{len(data)}"
            half = why == "half" and rest[-1].endswith(".safetensors") and self.command == "GET"
            sent = max(0, len(data) // 2 - first) if half else None
            self.send(data[first:], 206 if first else 200, headers, sent)

        do_HEAD = do_GET

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            key, rest = self.asked()
            if self.path == "/api/validate-yaml":
                return self.as_json({"errors": [], "warnings": []})
            if self.headers.get("Authorization") != f"Bearer {hub.token}":
                return self.send(b'{"error": "Invalid username or password."}', 401, {})
            if self.path == "/api/repos/create":
                asked = json.loads(body)
                key = f"{asked['organization']}/{asked['name']}"
            why = hub.refuse.get(key, "")
            if why == "no writes":
                return self.send(b'{"error": "You have no right to write here"}', 403, {})
            if why in REFUSALS:
                return self.refused(why)
            if self.path == "/api/repos/create":
                status, answer = hub.create(asked)
                return self.as_json(answer, status)
            if rest[:1] == ["preupload"]:
                return self.as_json(hub.sizes(key, json.loads(body)))
            if rest[:1] == ["commit"]:
                status, answer = hub.commit(key, [json.loads(line) for line in body.splitlines()])
                return self.as_json(answer, status)
            if rest[-2:] == ["objects", "batch"]:
                return self.as_json(hub.batch(json.loads(body)))
            self.send(b"", 404, {})

        def do_PUT(self) -> None:
            """Take a large file, if it is whole."""
            self.asked()
            data = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            oid = self.path.rpartition("/")[2]
            if "no weights" in hub.refuse.values() or hashlib.sha256(data).hexdigest() != oid:
                return self.send(b"", 400, {})
            hub.large[oid] = data
            self.send(b"", 200, {})

        def asked(self) -> tuple[str, list[str]]:
            """The repository that is asked for, and what is asked of it."""
            hub.asked.append(f"{self.command} {self.path}")
            if hub.silent and hub.asked[-1].startswith(hub.silent):
                threading.Event().wait()  # until the process ends
            parts = self.path.partition("?")[0].strip("/").split("/")
            if parts[0] == "api":
                parts = parts[1:]
                parts = parts[1:] if parts[0] == "models" else parts
            parts = [part.removesuffix(".git") for part in parts]
            at = 3 if parts[0] == "datasets" else 2
            return "/".join(parts[:at]), parts[at:]

        def refused(self, why: str) -> None:
            status, code, message = REFUSALS[why]
            body = json.dumps({"error": message}).encode()
            self.send(body, status, {"X-Error-Code": code, "X-Error-Message": message})

        def as_json(self, value: Any, status: int = 200) -> None:
            self.send(json.dumps(value).encode(), status, {"Content-Type": "application/json"})

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


def _entry(name: str, data: bytes) -> dict[str, Any]:
    return {"type": "file", "path": name, "size": len(data), "oid": _digest(data)}


def _digest(data: bytes) -> str:
    return hashlib.sha1(data, usedforsecurity=False).hexdigest()
