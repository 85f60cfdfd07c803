"""Rows from anywhere, pinned as the suite's own sources are: a digest says which content is meant.

    file = own_file("https://example.org/rows.jsonl", "sha256:9f86d081884c7d65...")
    file.digest.matches(data)
    fetch(file)                     # data/cache.py: the path of the verified file

The digest is the file's SHA-256 (`sha256sum FILE`), or its git blob id (`git hash-object FILE`). A file
without one is not read: whoever trains on it again should train on the same rows.
"""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from inoc_evals.digests import blob_id, sha256
from inoc_evals.errors import UserError
from inoc_evals.user_files import given

GIT, SHA256 = "git blob id", "sha256"


@dataclass(frozen=True)
class Digest:
    """What a file's content must be.

    Attributes:
        kind: `sha256` or `git blob id`.
        hexadecimal: Its value, lower case.
    """

    kind: str
    hexadecimal: str

    def of(self, data: bytes) -> str:
        """The digest of this kind of some content, in hex."""
        return sha256(data) if self.kind == SHA256 else blob_id(data)

    def matches(self, data: bytes) -> bool:
        """Whether some content is the one that is meant."""
        return self.of(data) == self.hexadecimal

    def __str__(self) -> str:
        return f"{self.kind} {self.hexadecimal}"


@dataclass(frozen=True)
class OwnFile:
    """A file of the user's choice, with the digest that it must have.

    Attributes:
        origin: An https address, or a path on this machine.
        digest: What its content must be.
    """

    origin: str
    digest: Digest

    @property
    def remote(self) -> bool:
        """Whether it is to be downloaded."""
        return is_address(self.origin)

    def __str__(self) -> str:
        return self.origin

    def record(self) -> dict[str, str]:
        """Where the rows come from, for sidecars."""
        return {"name": self.origin, self.digest.kind.replace(" ", "_"): self.digest.hexadecimal}


def is_address(origin: str) -> bool:
    """Whether a file is named by an address, and not by a path."""
    return "://" in origin


def is_safe(address: str) -> bool:
    """Whether an address is asked over https, or asks this machine."""
    parts = urlsplit(address)
    return parts.scheme == "https" or (parts.scheme, parts.hostname) == ("http", "127.0.0.1")


def is_place(origin: str) -> bool:
    """Whether a text names a file by address or path, and is not a short name."""
    return is_address(origin) or "/" in origin or "\\" in origin or "." in origin


def own_file(origin: str, digest: str) -> OwnFile:
    """Pin a file.

    Args:
        origin: An https address, or a path; one that is relative is so to the current folder.
        digest: SHA-256 (64 hex digits, `sha256:` before them or not) or git blob id (40 hex digits).

    Raises:
        UserError: If the digest is not one, or the address is not https or holds a user name.
    """
    found = re.fullmatch(r"(?:sha256:)?([0-9a-f]{64})|(?:git:)?([0-9a-f]{40})", digest.strip().lower())
    if found is None:
        raise UserError(f"{origin}: {digest!r:.80} is not a digest: {_how(origin)}")
    if is_address(origin):
        if not is_safe(origin):
            raise UserError(f"{origin}: only https is supported: download the file and give its path")
        address = urlsplit(origin)
        if address.username or address.password:
            raise UserError(f"{address.hostname}: no user name or password in an address, which is recorded")
    sha, git = found.groups()
    return OwnFile(origin, Digest(SHA256, sha) if sha else Digest(GIT, git))


def without_digest(origin: str) -> UserError:
    """The error for a file that is named without a digest."""
    return UserError(f"{origin}: a file of your own needs a digest: {_how(origin)}")


def _how(origin: str) -> str:
    """How to give a digest; that of a file which is there is told."""
    try:
        there = f"'sha256:{sha256(given(origin))}' is that of the file as it is now"
    except UserError:
        there = "its SHA-256 in hex (`sha256sum FILE`) or its git blob id (`git hash-object FILE`)"
    return f"give digest=..., {there}"
