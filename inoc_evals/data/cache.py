"""Pinned files on disk: downloaded once, and verified by their digest every time they are read.

    fetch(pinned("ultrachat"))                                # PosixPath('~/.cache/inoc_evals/1071d70f...')
    fetch(own_file("https://example.org/rows.jsonl", "sha256:9f86d0..."))       # a file of the user's own

The cache is one flat folder of files named by their digests: git blob ids, or SHA-256. A machine without a
network needs only a copy of that folder and `INOC_EVALS_CACHE` pointing at it. `INOC_EVALS_MIRROR` replaces
https://raw.githubusercontent.com where only a mirror can be reached. Why not `pooch`:
docs/adr/0002-own-download-cache.md.
"""

import os
from collections.abc import Callable
from pathlib import Path

from platformdirs import user_cache_path

from inoc_evals.data.own_files import GIT, Digest, OwnFile, is_safe
from inoc_evals.data.sources import PinnedFile
from inoc_evals.errors import UserError, one_line
from inoc_evals.files import replacing, write_whole
from inoc_evals.user_files import given, user_path

GITHUB = "https://raw.githubusercontent.com"
ATTEMPTS = 3
TIMEOUT = 30.0  # seconds without a byte from the server
LARGEST_ROWS = 2**33  # bytes of a user's file of rows
PAUSE = 0.5  # seconds before the second attempt; doubles before each further one


class FetchError(UserError):
    """A pinned file is not cached and cannot be downloaded; the message says where to put it manually."""


def cache_dir() -> Path:
    """Folder of the cached files: `INOC_EVALS_CACHE`, else the user's cache folder of this platform."""
    folder = os.environ.get("INOC_EVALS_CACHE")
    return user_path(folder) if folder else user_cache_path("inoc_evals")


Progress = Callable[[int, int | None], None]
"""Called with the bytes received so far and the total, or None if the server does not send it."""


def fetch(file: PinnedFile | OwnFile, *, mirror: str | None = None, progress: Progress | None = None) -> Path:
    """Return the path of a pinned file after verifying its content.

    A cached file whose content does not match its digest is downloaded again.

    Args:
        file: One of the suite's sources, or a file of the user's own; one on this machine stays where it is.
        mirror: Replaces https://raw.githubusercontent.com; by default `INOC_EVALS_MIRROR`, if set. An address
            of the user's own stays as it is.
        progress: Called as the download proceeds.

    Returns:
        Path of the file, in the cache if it was downloaded.

    Raises:
        FetchError: If it cannot be downloaded or read, does not match its digest, or cannot be written to the
            cache.
    """
    if isinstance(file, PinnedFile):
        url = file.url(mirror or os.environ.get("INOC_EVALS_MIRROR") or GITHUB)
        told = f"{file.path} of {file.repository}@{file.commit[:12]}"
        return _cached(url, Digest(GIT, file.blob), file.path, told, progress)
    if file.remote:
        return _cached(file.origin, file.digest, file.origin, file.origin, progress)
    return _on_disk(file)


def _on_disk(file: OwnFile) -> Path:
    """The path of a user's file, verified."""
    path = user_path(file.origin)
    data = given(path, FetchError, LARGEST_ROWS)
    if not file.digest.matches(data):
        raise FetchError(
            f"{path} is not the pinned file: {file.digest.kind} {file.digest.of(data)}, expected "
            f"{file.digest.hexadecimal}: restore the file, or pin what it holds now by that digest"
        )
    return path


def _cached(url: str, digest: Digest, name: str, told: str, progress: Progress | None) -> Path:
    """The path of a file in the cache, verified; downloaded if it is not there as it should be.

    Args:
        url: Where it is downloaded from.
        digest: What its content must be; in the cache it is named by it.
        name: What errors call it.
        told: The same, in full.
        progress: Called as the download proceeds.
    """
    path = cache_dir() / digest.hexadecimal
    damaged = False
    try:
        if digest.matches(path.read_bytes()):
            return path
        damaged = True
    except FileNotFoundError:
        pass
    except OSError as error:
        raise FetchError(f"{path} cannot be read: {error.strerror}") from error
    why = "the cached copy is damaged" if damaged else "not cached yet"
    with replacing(path) as temporary:
        try:  # fail before the download starts
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary.touch()
        except OSError as error:
            raise FetchError(
                f"{path} cannot be written ({error.strerror}) and {why}: "
                f"put {told} at it or set INOC_EVALS_CACHE"
            ) from error
        temporary.write_bytes(_verified(_get(url, f"{name} ({why})", path, progress), digest, url))
    return path


def fetch_at(repository: str, commit: str, path: str) -> Path:
    """Return a file of a repository at a commit, for files whose own checksum is not pinned.

    The commit determines the content, but only the server guarantees it. The first download is kept and
    reused; callers should record its blob id in their logs.

    Args:
        repository: `owner/name` on GitHub.
        commit: Full commit id.
        path: Path inside the repository.

    Returns:
        Path of the file in the cache.

    Raises:
        FetchError: If it cannot be downloaded or written.
    """
    folder = f"{repository.replace('/', '--')}--{commit[:12]}"
    cached = cache_dir() / "by-commit" / folder / path.rpartition("/")[2]
    if cached.is_file():
        return cached
    mirror = os.environ.get("INOC_EVALS_MIRROR") or GITHUB
    url = f"{mirror.rstrip('/')}/{repository}/{commit}/{path}"
    data = _get(url, f"{path} (not cached yet)", cached)
    try:
        cached.parent.mkdir(parents=True, exist_ok=True)
        write_whole(cached, data)
    except OSError as error:
        raise FetchError(f"{cached} cannot be written ({error.strerror}): set INOC_EVALS_CACHE") from error
    return cached


def _get(url: str, description: str, path: Path, progress: Progress | None = None) -> bytes:
    if not is_safe(url):
        raise FetchError(f"{url}: only https is supported: set INOC_EVALS_MIRROR to an https address")
    # Here, since a tenth of a second is much for the many who name a source and download none.
    import httpx
    from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_exponential

    retrying = Retrying(
        retry=retry_if_exception(_is_transient),
        stop=stop_after_attempt(ATTEMPTS),
        wait=wait_exponential(PAUSE),
        reraise=True,
    )
    try:
        return retrying(_stream, url, progress)
    except httpx.HTTPStatusError as error:
        problem = f"HTTP {error.response.status_code}"
    except httpx.HTTPError as error:
        problem = one_line(f"{type(error).__name__} {error}")
    raise FetchError(f"{description} could not be downloaded ({problem}): put {url} at {path}")


def _is_transient(error: BaseException) -> bool:
    """Whether another attempt can succeed; it cannot if the server rejects the request itself."""
    import httpx

    if isinstance(error, httpx.HTTPStatusError):
        status = error.response
        return not status.is_client_error or status.status_code == httpx.codes.TOO_MANY_REQUESTS
    return isinstance(error, httpx.HTTPError)


def _stream(url: str, progress: Progress | None) -> bytes:
    import httpx

    with httpx.stream("GET", url, timeout=TIMEOUT, follow_redirects=True) as response:
        if response.status_code != httpx.codes.OK:
            raise httpx.HTTPStatusError("not 200", request=response.request, response=response)
        size = response.headers.get("Content-Length")
        parts = []
        for part in response.iter_bytes():
            parts.append(part)
            if progress is not None:
                progress(response.num_bytes_downloaded, int(size) if size else None)
        return b"".join(parts)


def _verified(data: bytes, digest: Digest, url: str) -> bytes:
    if not digest.matches(data):
        raise FetchError(
            f"{url} is not the pinned file: {digest.kind} {digest.of(data)}, expected {digest.hexadecimal}; "
            "it was not kept: if its new content is meant, pin that digest"
        )
    return data
