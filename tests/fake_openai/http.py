"""HTTP over a table of routes, in threads, on a free port of this machine.

with Listener({"GET /v1/jobs/{id}": lambda call: Response.of({"id": call.parts["id"]})}) as listener:
    listener.base_url                       # http://127.0.0.1:41235/v1
"""

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self


@dataclass(frozen=True)
class Call:
    """One HTTP request.

    Attributes:
        parts: What stands for the names in braces in the route.
        headers: Its headers.
        data: Its body.
        query: What stands behind the question mark.
    """

    parts: Mapping[str, str]
    headers: Mapping[str, str]
    data: bytes
    query: str = ""

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.data)


@dataclass(frozen=True)
class Response:
    """What is sent back.

    Attributes:
        text: The body.
        status: The HTTP status.
        headers: Headers beside the usual ones.
        held: Nothing is sent: the connection is held for so many seconds and dropped.
    """

    text: str = ""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    held: float | None = None

    @classmethod
    def of(cls, body: Any) -> Self:
        """A JSON response."""
        return cls(json.dumps(body))

    @classmethod
    def error(cls, status: int, message: str, headers: Mapping[str, str] | None = None) -> Self:
        """An error as OpenAI writes it."""
        kind = "server_error" if status >= 500 else "invalid_request_error"
        error = {"message": message, "type": kind, "code": None, "param": None}
        return cls(json.dumps({"error": error}), status, headers or {})


Route = Callable[[Call], Response]


class Served:
    """A server of this process, for as long as its `with` block; whoever inherits makes `_server`."""

    _server: ThreadingHTTPServer

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


class Listener(Served):
    """A server, for as long as its `with` block. A route that raises ends the block with its exception."""

    def __init__(self, routes: Mapping[str, Route]) -> None:
        """Prepare the server.

        Args:
            routes: What answers, by method and path (`"GET /v1/files/{id}"`).
        """
        self.routes = dict(routes)
        self.connections = 0
        self.errors: list[Exception] = []
        self.stopped = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _handler(self))

    @property
    def base_url(self) -> str:
        """Address for `OPENAI_BASE_URL`."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def respond(self, method: str, path: str, headers: Mapping[str, str], data: bytes) -> Response:
        """Answer by the table of routes."""
        announced = headers.get("Content-Length") or headers.get("content-length")
        if announced is not None and len(data) < int(announced):
            return Response.error(400, "the body was cut off")  # whoever sent it was killed
        address, _, query = path.partition("?")
        asked = [method, *address.split("/")]
        for pattern, route in self.routes.items():
            wanted = pattern.replace(" ", "/", 1).replace("//", "/", 1).split("/")
            parts = _parts(wanted, [part for part in asked if part])
            if parts is not None:
                try:
                    return route(Call(parts, headers, data, query))
                except Exception as error:
                    # a status that no client tries again, or a test with a mistake would hang instead of fail
                    self.errors.append(error)
                    return Response.error(400, f"the test's own answer failed: {error!r}")
        return Response.error(404, f"no route {method} {path}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stopped.set()
        super().__exit__(kind, error, trace)
        if self.errors:
            raise self.errors[0] from error


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 1024
    """A full queue costs whoever knocks a second; hundreds of connections are opened at once."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: clients that time out hang up, and routes report their own errors."""


def _parts(wanted: list[str], asked: list[str]) -> dict[str, str] | None:
    if len(wanted) != len(asked):
        return None
    parts = {}
    for want, got in zip(wanted, asked, strict=True):
        if want.startswith("{"):
            parts[want[1:-1]] = got
        elif want != got:
            return None
    return parts


def _handler(listener: Listener) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1  # headers and body in one packet

        def setup(self) -> None:
            super().setup()
            listener.connections += 1

        def answer(self) -> None:
            data = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            response = listener.respond(self.command, self.path, dict(self.headers), data)
            if response.held is not None:
                listener.stopped.wait(response.held)
                self.close_connection = True
                return
            body = response.text.encode()
            self.send_response(response.status)
            usual = {"Content-Type": "application/json", "Content-Length": str(len(body))}
            for name, value in {**usual, **response.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_DELETE = answer

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing: tests read the counters."""

    return Handler
