"""Pinned files: what is fetched, verified, kept and refused. The server is a real one on the loopback."""

import hashlib
import os
import re
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from inoc_evals.data import cache
from inoc_evals.data.cache import FetchError, cache_dir, fetch, fetch_at
from inoc_evals.data.own_files import own_file
from inoc_evals.data.sources import BY_COMMIT, SOURCES, PinnedFile, pinned
from inoc_evals.digests import blob_id
from inoc_evals.errors import UserError

CONTENT = b'{"prompt": "Why is the sky blue?"}\n'
FILE = PinnedFile("someone/something", "c" * 40, "questions/sky.jsonl", blob_id(CONTENT), "MIT", rows=1)


class Server(ThreadingHTTPServer):
    """Answers each request with the next of `replies`, and the last one from then on."""

    def __init__(self, *replies: tuple[int, bytes]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.replies = list(replies)
        self.asked: list[str] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        server = self.server
        assert isinstance(server, Server)
        server.asked.append(self.path)
        status, body = server.replies.pop(0) if len(server.replies) > 1 else server.replies[0]
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None: ...


@contextmanager
def serving(*replies: tuple[int, bytes]) -> Iterator[Server]:
    server = Server(*replies)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def read_only_folder(files: dict[str, bytes]) -> Iterator[Path]:
    """A folder that this process can read and not write, also when the tests run as root."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, data in files.items():
            (folder / file).write_bytes(data)
        folder.chmod(0o555)
        root = os.geteuid() == 0
        try:
            if root:
                os.seteuid(65534)
            yield folder
        finally:
            if root:
                os.seteuid(0)
            folder.chmod(0o755)


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("INOC_EVALS_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("INOC_EVALS_MIRROR", raising=False)
    monkeypatch.setattr(cache, "PAUSE", 0.0)
    return tmp_path / "cache"


def test_every_source_is_pinned_completely() -> None:
    assert pinned("ultrachat").rows == 100
    for source in SOURCES.values():
        assert re.fullmatch(r"[\w.-]+/[\w.-]+", source.repository)
        assert re.fullmatch(r"[0-9a-f]{40}", source.commit)
        assert re.fullmatch(r"[0-9a-f]{40}", source.blob)
        assert source.path and source.licence


def test_an_unknown_source_names_those_there_are() -> None:
    with pytest.raises(UserError, match=r"'ultrachatt'.*ultrachat"):
        pinned("ultrachatt")


def test_the_blob_id_is_gits() -> None:
    # `printf 'hello\n' | git hash-object --stdin`
    assert blob_id(b"hello\n") == "ce013625030ba8dba906f756967f9e9ca394464a"
    assert blob_id(b"hello\n") != hashlib.sha1(b"hello\n").hexdigest()


def test_a_users_own_address_is_fetched_verified_and_kept(own_cache: Path) -> None:
    digest = hashlib.sha256(CONTENT).hexdigest()
    with serving((200, CONTENT[:-1]), (200, CONTENT)) as server:
        file = own_file(f"{server.address}/mine.jsonl?version=2", f"sha256:{digest}")
        with pytest.raises(FetchError, match=r"not the pinned file.*not kept: if its new content is meant"):
            fetch(file)
        assert not list(own_cache.iterdir())
        assert fetch(file) == own_cache / digest
    assert fetch(file).read_bytes() == CONTENT  # the server is gone
    assert server.asked == ["/mine.jsonl?version=2"] * 2


def test_a_download_that_breaks_off_leaves_nothing(own_cache: Path) -> None:
    class Half(Handler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(CONTENT)))
            self.end_headers()
            self.wfile.write(CONTENT[:7])

    server = ThreadingHTTPServer(("127.0.0.1", 0), Half)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        file = own_file(f"http://127.0.0.1:{server.server_port}/rows.jsonl", blob_id(CONTENT))
        with pytest.raises(FetchError, match=r"could not be downloaded .*put http"):
            fetch(file)
    finally:
        server.shutdown()
        server.server_close()
    assert not list(own_cache.iterdir())


def test_a_cached_file_needs_no_network(own_cache: Path) -> None:
    own_cache.mkdir()
    (own_cache / FILE.blob).write_bytes(CONTENT)
    with serving((500, b"")) as server:
        assert fetch(FILE, mirror=server.address) == own_cache / FILE.blob
    assert server.asked == []


def test_a_download_is_kept_under_its_blob_id(own_cache: Path) -> None:
    with serving((200, CONTENT)) as server:
        path = fetch(FILE, mirror=server.address)
        assert fetch(FILE, mirror=server.address) == path
    assert server.asked == [f"/someone/something/{'c' * 40}/questions/sky.jsonl"]
    assert path == own_cache / FILE.blob
    assert path.read_bytes() == CONTENT
    assert [file.name for file in own_cache.iterdir()] == [FILE.blob]


def test_the_mirror_can_be_set_for_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving((200, CONTENT)) as server:
        monkeypatch.setenv("INOC_EVALS_MIRROR", server.address + "/")
        assert fetch(FILE).read_bytes() == CONTENT


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_passing_trouble_of_the_server_is_waited_out(status: int) -> None:
    with serving((status, b"later"), (200, CONTENT)) as server:
        assert fetch(FILE, mirror=server.address).read_bytes() == CONTENT
    assert len(server.asked) == 2


def test_a_server_in_lasting_trouble_is_asked_three_times(own_cache: Path) -> None:
    with serving((502, b"")) as server, pytest.raises(FetchError, match="HTTP 502"):
        fetch(FILE, mirror=server.address)
    assert len(server.asked) == 3
    assert not list(own_cache.iterdir())


def test_a_file_that_is_not_there_is_asked_for_once() -> None:
    with serving((404, b"")) as server, pytest.raises(FetchError, match="HTTP 404"):
        fetch(FILE, mirror=server.address)
    assert len(server.asked) == 1


@pytest.mark.parametrize("body", [b"", CONTENT[:-1], b"<html>Please log in</html>"])
def test_another_content_is_refused_and_not_kept(own_cache: Path, body: bytes) -> None:
    with serving((200, body)) as server, pytest.raises(FetchError, match="not the pinned file") as error:
        fetch(FILE, mirror=server.address)
    assert FILE.blob in str(error.value) and "\n" not in str(error.value)
    assert not list(own_cache.iterdir())


def test_a_damaged_copy_is_fetched_again(own_cache: Path) -> None:
    own_cache.mkdir()
    (own_cache / FILE.blob).write_bytes(CONTENT[:-5])
    with serving((200, CONTENT)) as server:
        assert fetch(FILE, mirror=server.address).read_bytes() == CONTENT


def test_a_damaged_copy_that_cannot_be_replaced_is_never_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with read_only_folder({FILE.blob: CONTENT[:-5]}) as folder, serving((200, CONTENT)) as server:
        monkeypatch.setenv("INOC_EVALS_CACHE", str(folder))
        with pytest.raises(FetchError, match="damaged") as error:
            fetch(FILE, mirror=server.address)
    assert str(folder) in str(error.value) and "\n" not in str(error.value)


def test_a_read_only_cache_is_enough_where_the_file_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    with read_only_folder({FILE.blob: CONTENT}) as folder:
        monkeypatch.setenv("INOC_EVALS_CACHE", str(folder))
        assert fetch(FILE).read_bytes() == CONTENT


def test_without_a_network_the_line_says_what_to_put_where(own_cache: Path) -> None:
    with serving((200, CONTENT)) as server:
        closed = server.address
    with pytest.raises(FetchError) as error:
        fetch(FILE, mirror=closed)
    line = str(error.value)
    assert FILE.path in line and str(own_cache / FILE.blob) in line and "\n" not in line


def test_of_an_unpinned_file_the_first_fetch_decides(
    own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving((200, CONTENT), (200, b"another")) as server:
        monkeypatch.setenv("INOC_EVALS_MIRROR", server.address)
        path = fetch_at("someone/something", "c0ffee", "questions/sky.jsonl")
        assert fetch_at("someone/something", "c0ffee", "questions/sky.jsonl") == path
    assert server.asked == ["/someone/something/c0ffee/questions/sky.jsonl"]
    assert path.read_bytes() == CONTENT and own_cache in path.parents
    assert path.stat().st_mode & 0o777 == 0o644
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_an_unpinned_file_put_there_by_hand_needs_no_network(
    own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving((404, b"")) as server:
        monkeypatch.setenv("INOC_EVALS_MIRROR", server.address)
        with pytest.raises(FetchError, match="HTTP 404") as error:
            fetch_at("someone/something", "c0ffee", "questions/sky.jsonl")
        there = Path(str(error.value).rpartition(" at ")[2])
        there.parent.mkdir(parents=True)
        there.write_bytes(CONTENT)
        assert fetch_at("someone/something", "c0ffee", "questions/sky.jsonl") == there
    assert own_cache in there.parents and len(server.asked) == 1


def test_unpinned_files_of_two_repositories_do_not_meet(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving((200, CONTENT), (200, b"another")) as server:
        monkeypatch.setenv("INOC_EVALS_MIRROR", server.address)
        assert fetch_at("a/b", "c0ffee", "sky.jsonl").read_bytes() == CONTENT
        assert fetch_at("a/c", "c0ffee", "sky.jsonl").read_bytes() == b"another"
    assert all(len(commit) == 40 for _, commit, _ in BY_COMMIT.values())


def test_an_unpinned_file_that_cannot_be_kept_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    with read_only_folder({}) as folder, serving((200, CONTENT)) as server:
        monkeypatch.setenv("INOC_EVALS_CACHE", str(folder))
        monkeypatch.setenv("INOC_EVALS_MIRROR", server.address)
        with pytest.raises(FetchError, match=r"cannot be written .*set INOC_EVALS_CACHE") as error:
            fetch_at("someone/something", "c0ffee", "questions/sky.jsonl")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("mirror", ["http://example.org", "file:///etc", "ftp://127.0.0.1"])
def test_only_https_is_fetched(mirror: str) -> None:
    with pytest.raises(FetchError, match="only https"):
        fetch(FILE, mirror=mirror)


def test_the_default_cache_is_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("INOC_EVALS_CACHE")
    assert cache_dir().name == "inoc_evals"
    assert Path.home() in cache_dir().parents or "XDG_CACHE_HOME" in os.environ
