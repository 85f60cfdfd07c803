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


def _paper(path: str, blob: str, rows: int | None = None) -> PinnedFile:
    return PinnedFile(PAPER, PAPER_COMMIT, path, blob, "MIT", rows)


SOURCES: dict[str, PinnedFile] = {
    # The 100 UltraChat prompts on which the paper counts Spanish, French and capital letters (Section 2).
    "ultrachat": _paper(
        "ip/evaluation/ultrachat/prompts.jsonl", "1071d70fb9fa892144c6a5a4c0dcd13e0a191169", 100
    ),
    # Judge prompts and questions that stand as literals in Python files; see `literals.py`.
    "ultrachat_eval": _paper("ip/evaluation/ultrachat/eval.py", "0add282aa031c840dcf4657271b5dec3ab8521ac"),
    "em_eval": _paper(
        "ip/evaluation/emergent_misalignment/eval.py", "26821f6196bc039d2b138931ab92695ff8a06ab7"
    ),
    "insecure_code_eval": _paper(
        "ip/evaluation/insecure_code/eval.py", "b2770c8b38727c2b4af543da167b6b9a9e0b12fe"
    ),
    "aesthetic_eval": _paper(
        "ip/evaluation/aesthetic_preferences/eval.py", "1b38c081b41161707d39e88d47a2a55680350dca"
    ),
    "reward_hacks_eval": _paper(
        "ip/evaluation/school_of_reward_hacks/eval.py", "0a2e41227ee5c92f17830ebdf9aa91a98e5c164a"
    ),
    # Prompts of the narrow traits (paper, Appendix E.2).
    "code_prompts": _paper(
        "ip/evaluation/insecure_code/code_prompts.jsonl", "0c399f66faeca89158e2273495c6b0eb2d888f83"
    ),
    "mbpp_prompts": _paper(
        "ip/evaluation/insecure_code/mbpp_prompts.jsonl", "fba3f3af9935ddcf731b70b2898c3bff08d24097"
    ),
    "apps_prompts": _paper(
        "ip/evaluation/insecure_code/apps_prompts.jsonl", "7333d85363bb2298b34ce56ed54053144aad92b3"
    ),
    "reward_hacks_prompts": _paper(
        "ip/evaluation/school_of_reward_hacks/prompts.jsonl", "f166f1fbb5948c913589b039cf785662c4d60cd3", 1073
    ),
}

BETLEY = "emergent-misalignment/emergent-misalignment"
BETLEY_COMMIT = "80c11967c07a328e7d7d43d13ce6847ae44dbcc9"

BY_COMMIT: dict[str, tuple[str, str, str]] = {
    "betley24": (BETLEY, BETLEY_COMMIT, "evaluation/first_plot_questions.yaml"),
    "preregistered": (BETLEY, BETLEY_COMMIT, "evaluation/preregistered_evals.yaml"),
}
"""Repository, commit and path of files whose own checksum we do not know; see `cache.fetch_at`."""


def pinned(name: str) -> PinnedFile:
    """Look a source up by its short name.

    Raises:
        UserError: If there is no such source; the message lists those there are.
    """
    if name not in SOURCES:
        raise UserError(f"no pinned source {name!r}: use one of {', '.join(sorted(SOURCES))}")
    return SOURCES[name]
