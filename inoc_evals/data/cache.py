"""Pinned files on disk: downloaded once, checked every time, never trusted by name.

    fetch(pinned("ultrachat"))    # PosixPath('~/.cache/inoc_evals/1071d70f...')

Files lie in one flat folder under their git blob ids, so a machine without a network needs nothing but a
folder of such files and `INOC_EVALS_CACHE` pointing at it. `INOC_EVALS_MIRROR` replaces
https://raw.githubusercontent.com where only a mirror of it can be reached.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from platformdirs import user_cache_path

from inoc_evals.data.sources import PinnedFile
from inoc_evals.digests import blob_id
from inoc_evals.errors import UserError
from inoc_evals.files import replacing, write_whole

GITHUB = "https://raw.githubusercontent.com"
ATTEMPTS = 3
TIMEOUT = 30.0  # seconds without a byte from the server
PAUSE = 0.5  # seconds before the second attempt; doubles after each


class FetchError(UserError):
    """A pinned file is not there and could not be had; the message says where to put it by hand."""


def cache_dir() -> Path:
    """Folder of the cached files: `INOC_EVALS_CACHE`, else the user's cache folder of this system."""
    chosen = os.environ.get("INOC_EVALS_CACHE")
    return Path(chosen).expanduser() if chosen else user_cache_path("inoc_evals")


Progress = Callable[[int, int | None], None]
"""Told the bytes that have come, and how many there are if the server says so."""


def fetch(file: PinnedFile, *, mirror: str | None = None, progress: Progress | None = None) -> Path:
    """Give the path of a pinned file whose content has been verified.

    A cached file with another content than it should have is downloaded again.

    Args:
        file: What to fetch.
        mirror: Address in place of https://raw.githubusercontent.com; by default `INOC_EVALS_MIRROR`, if set.
        progress: Told how the download goes on.

    Returns:
        Path of the file in the cache.

    Raises:
        FetchError: If it cannot be downloaded, has another content, or cannot be written to the cache.
    """
    path = cache_dir() / file.blob
    damaged = False
    try:
        if blob_id(path.read_bytes()) == file.blob:
            return path
        damaged = True
    except FileNotFoundError:
        pass
    except OSError as error:
        raise FetchError(f"{path} cannot be read: {error.strerror}") from error
    mirror = mirror or os.environ.get("INOC_EVALS_MIRROR") or GITHUB
    why = "the copy there is damaged" if damaged else "not cached yet"
    with replacing(path) as passing:
        try:  # before anything is downloaded
            path.parent.mkdir(parents=True, exist_ok=True)
            passing.touch()
        except OSError as error:
            raise FetchError(
                f"{path} cannot be written ({error.strerror}) and {why}: "
                f"put {file.path} of {file.repository}@{file.commit[:12]} there, or set INOC_EVALS_CACHE"
            ) from error
        passing.write_bytes(_download(file, mirror, path, why, progress))
    return path


def fetch_at(repository: str, commit: str, path: str) -> Path:
    """Give a file of a repository at a commit, whose own checksum nobody has told us.

    The commit fixes the content, but only the server vouches for it. What is fetched first is kept and read
    from then on; its blob id belongs into the log, to say what was read.

    Args:
        repository: `owner/name` on GitHub.
        commit: Full commit id.
        path: Path inside it.

    Returns:
        Path of the file in the cache.

    Raises:
        FetchError: If it cannot be downloaded or written.
    """
    folder = f"{repository.replace('/', '--')}--{commit[:12]}"
    kept = cache_dir() / "by-commit" / folder / path.rpartition("/")[2]
    if kept.is_file():
        return kept
    mirror = os.environ.get("INOC_EVALS_MIRROR") or GITHUB
    url = f"{mirror.rstrip('/')}/{repository}/{commit}/{path}"
    data = _get(url, f"{path} (not cached yet)", kept)
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        write_whole(kept, data)
    except OSError as error:
        raise FetchError(f"{kept} cannot be written ({error.strerror}): set INOC_EVALS_CACHE") from error
    return kept


def _download(file: PinnedFile, mirror: str, path: Path, why: str, progress: Progress | None) -> bytes:
    url = file.url(mirror)
    return _verified(_get(url, f"{file.path} ({why})", path, progress), file, url)


def _get(url: str, what: str, path: Path, progress: Progress | None = None) -> bytes:
    parts = urlsplit(url)
    if parts.scheme != "https" and (parts.scheme, parts.hostname) != ("http", "127.0.0.1"):
        raise FetchError(f"{url}: only https is fetched: set INOC_EVALS_MIRROR to an https address")
    problem = ""
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(PAUSE * 2 ** (attempt - 1))
        try:
            response, content = _stream(url, progress)
        except httpx.HTTPError as error:
            problem = " ".join(f"{type(error).__name__} {error}".split())
            continue
        if response.status_code == httpx.codes.OK:
            return content
        problem = f"HTTP {response.status_code}"
        if response.is_client_error and response.status_code != httpx.codes.TOO_MANY_REQUESTS:
            break  # asking again would be told the same
    raise FetchError(f"{what} could not be downloaded ({problem}): put {url} at {path}")


def _stream(url: str, progress: Progress | None) -> tuple[httpx.Response, bytes]:
    with httpx.stream("GET", url, timeout=TIMEOUT, follow_redirects=True) as response:
        size = response.headers.get("Content-Length")
        parts = []
        for part in response.iter_bytes():
            parts.append(part)
            if progress is not None:
                progress(response.num_bytes_downloaded, int(size) if size else None)
        return response, b"".join(parts)


def _verified(data: bytes, file: PinnedFile, url: str) -> bytes:
    if (got := blob_id(data)) != file.blob:
        raise FetchError(
            f"{url} is not the pinned file: git blob id {got}, expected {file.blob}; nothing was kept"
        )
    return data
