"""Which public files the suite reads, each pinned to one commit and one content.

    pinned("ultrachat").blob      # '1071d70f...': the git blob id that the bytes must have
    fetch(pinned("ultrachat"))    # data/cache.py: the path of the verified file

A file that is not named here is never downloaded. A new source is one more entry of `SOURCES`.
"""

from dataclasses import dataclass

from inoc_evals.errors import UserError


@dataclass(frozen=True)
class PinnedFile:
    r"""One file of a public GitHub repository at one commit.

    Attributes:
        repository: `owner/name` on GitHub.
        commit: Full commit id.
        path: Path inside the repository.
        blob: Git blob id of the content, which a download must have: the SHA-1 of `blob <length>\0<bytes>`.
        licence: SPDX identifier, or `"not stated"` where the repository names none.
        rows: How many lines, for a JSONL file.
    """

    repository: str
    commit: str
    path: str
    blob: str
    licence: str
    rows: int | None = None

    def url(self, mirror: str) -> str:
        """Address of the file below a mirror of raw.githubusercontent.com."""
        return f"{mirror.rstrip('/')}/{self.repository}/{self.commit}/{self.path}"


# The repository that the paper's authors released with it.
PAPER = "inoculation-prompting/inoculation-prompting"
PAPER_COMMIT = "5f4160e19be17c5a0509fcfca4a53f654cb33cdd"

SOURCES: dict[str, PinnedFile] = {
    # The 100 UltraChat prompts on which the paper counts Spanish, French and capital letters (Section 2).
    "ultrachat": PinnedFile(
        repository=PAPER,
        commit=PAPER_COMMIT,
        path="ip/evaluation/ultrachat/prompts.jsonl",
        blob="1071d70fb9fa892144c6a5a4c0dcd13e0a191169",
        licence="MIT",
        rows=100,
    ),
}


def pinned(name: str) -> PinnedFile:
    """Look a source up by its short name.

    Raises:
        UserError: If there is no such source; the message lists those there are.
    """
    if name not in SOURCES:
        raise UserError(f"no pinned source {name!r}: use one of {', '.join(sorted(SOURCES))}")
    return SOURCES[name]
