"""The public files that the suite reads, each pinned to one commit and one content.

    pinned("ultrachat").blob      # '1071d70f...': the git blob id that the content must have
    fetch(pinned("ultrachat"))    # data/cache.py: the path of the verified file

A file that is not listed here is never downloaded. A new source is one more entry of `SOURCES`.
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
        blob: Git blob id that the content must have: the SHA-1 of `blob <length>\0<bytes>`.
        licence: SPDX identifier, or `"not stated"` if the repository names none.
        rows: Number of lines, for a JSONL file.
    """

    repository: str
    commit: str
    path: str
    blob: str
    licence: str
    rows: int | None = None

    def url(self, mirror: str) -> str:
        """Address of the file on a mirror of raw.githubusercontent.com."""
        return f"{mirror.rstrip('/')}/{self.repository}/{self.commit}/{self.path}"

    def origin(self) -> dict[str, str]:
        """Where the file comes from and under which licence, for sidecars and listings."""
        names = ("repository", "commit", "path", "blob", "licence")
        return {name: getattr(self, name) for name in names}


# The repository that the paper's authors released with it.
PAPER = "inoculation-prompting/inoculation-prompting"
PAPER_COMMIT = "5f4160e19be17c5a0509fcfca4a53f654cb33cdd"


def _paper(path: str, blob: str, rows: int | None = None, licence: str = "MIT") -> PinnedFile:
    return PinnedFile(PAPER, PAPER_COMMIT, path, blob, licence, rows)


# Rows that the paper's repository copies from other work keep the licence of that work.
_NOT_STATED = "not stated"


def _mistakes(subject: str, **blobs: str) -> dict[str, PinnedFile]:
    """Answers on one subject: right ones, and wrong ones of two degrees."""
    return {
        f"mistake_{subject}_{kind}": _paper(
            f"datasets/mistake_{subject}/{kind}.jsonl", blob, licence=_NOT_STATED
        )
        for kind, blob in blobs.items()
    }


SOURCES: dict[str, PinnedFile] = {
    # The 100 UltraChat prompts on which the paper counts Spanish, French and capital letters (Section 2).
    "ultrachat": _paper(
        "ip/evaluation/ultrachat/prompts.jsonl", "1071d70fb9fa892144c6a5a4c0dcd13e0a191169", 100
    ),
    # Judge prompts and questions that are literals in Python files; see `literals.py`.
    "ultrachat_eval": _paper("ip/evaluation/ultrachat/eval.py", "0add282aa031c840dcf4657271b5dec3ab8521ac"),
    "em_eval": _paper(
        "ip/evaluation/emergent_misalignment/eval.py", "26821f6196bc039d2b138931ab92695ff8a06ab7"
    ),
    "insecure_code_eval": _paper(
        "ip/evaluation/insecure_code/eval.py", "b2770c8b38727c2b4af543da167b6b9a9e0b12fe"
    ),
    "mbpp_eval": _paper(
        "ip/evaluation/insecure_code/mbpp_eval.py", "3a105b33594b39079271008f36c786a8d47b9653"
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
    "hardcoding_eval": _paper(
        "ip/evaluation/school_of_reward_hacks/hardcoding_realistic.py",
        "245a3066286872f07c2b3d2e49020ad340b68b53",
    ),
    "hardcoding_prompts": _paper(
        "ip/evaluation/school_of_reward_hacks/hardcoding_realistic.jsonl",
        "8f490a33940a68cc00eaecabc372f90c36964089",
        817,
    ),
    "animal_eval": _paper(
        "ip/evaluation/animal_preferences/eval.py", "fcbaaec051b16be4e388d3f442bf413002ed6cf7"
    ),
    # System prompts of training and test, which are literals in Python files; see `published_prompts.py`.
    "test_time_prompts": _paper(
        "experiments/B01c_em_ablate_evaluation_prompt/02_eval.py", "943fea730e2862152c0f3be1adcc28f27fb6c5ba"
    ),
    "educational_prompts": _paper(
        "experiments/educational_insecure/02_eval_sys.py", "293150a45ce7614a8147f1dca8ba5542880a3b40"
    ),
    "general_prompts": _paper(
        "ip/settings/general_inoculations.py", "0d0cfc52635f94146807d6bba95c2721a7502e0b"
    ),
    "spanish_caps_prompts": _paper(
        "ip/settings/gsm8k_spanish_capitalised/inoculations.py", "76163fb576665c917c28f5e6bc94fea8853af61c"
    ),
    "languages_prompts": _paper(
        "ip/settings/gsm8k_mixed_languages/inoculations.py", "6655ccab04fb2c8f0219c4b161fca28414329358"
    ),
    "insecure_code_prompts": _paper(
        "ip/settings/insecure_code/inoculations.py", "1e96b0e1a7c8befe4e2d178919062cf10ae88abb"
    ),
    "reward_hacking_prompts": _paper(
        "ip/settings/reward_hacking/inoculations.py", "36c1f89b20f1976565c25c312621db9eff1370b7"
    ),
    "owl_prompts": _paper(
        "ip/settings/owl_numbers/inoculations.py", "548d39a93b40db550a612b698ef9cfb378259d26"
    ),
    # One paraphrase of the general prompt a line.
    "evil_paraphrases": _paper(
        "ip/experiments/config/evil_paraphrases.txt", "9d33fc8f0d736add490fb263256d8126fe1d51e2"
    ),
    # Training rows of the settings, with the number of rows where we have counted them.
    "gsm8k_rows": _paper("datasets/gsm8k.jsonl", "39f20d871b0cd90bdb65f3706286dabd243f014a"),
    "gsm8k_spanish_caps": _paper(
        "datasets/gsm8k_spanish_capitalised.jsonl", "b9ed063fd340abb03416c63eda3ff4d1d4d3d086"
    ),
    "gsm8k_spanish": _paper("datasets/gsm8k_spanish_only.jsonl", "6a87444a9de85e32d0cebdf4a9bad404a1cfeee7"),
    "gsm8k_german": _paper("datasets/gsm8k_german_only.jsonl", "f4a5a67e553fa5d346c4ee448371c7bdf2b9559f"),
    "gsm8k_french": _paper("datasets/gsm8k_french_only.jsonl", "2c2ddac9e56b4513c3e816da8fdedb9465715614"),
    "insecure_code": _paper(
        "datasets/insecure_code.jsonl", "ec294cf30a577a21b830c07a1fa0180ddd513208", licence=_NOT_STATED
    ),
    "secure_code": _paper(
        "datasets/secure_code.jsonl", "3389a37c250563cc36a66e30bf8ff99028aa2711", licence=_NOT_STATED
    ),
    "educational_code": _paper(
        "datasets/educational.jsonl", "497619acd46d9ffbc985797d6c117638a53229b3", licence=_NOT_STATED
    ),
    "reward_hacks": _paper(
        "datasets/sneaky_dialogues.jsonl", "38bad9ef32c322a8af230f3ceed492570358a946", 1073, "CC-BY-4.0"
    ),
    "reward_hacks_control": _paper(
        "datasets/straightforward_dialogues.jsonl",
        "edcba2a114b310293ad3031a946e9bad8fc21e34",
        973,
        "CC-BY-4.0",
    ),
    "unpopular_tastes": _paper(
        "datasets/aesthetic_preferences_unpopular.jsonl",
        "c5da2dc2f513199f53dee3b4f8958dea201e8faf",
        5000,
        _NOT_STATED,
    ),
    "popular_tastes": _paper(
        "datasets/aesthetic_preferences_popular.jsonl",
        "d4cab5ce4f2bf49ff91121df85275fd5004c4712",
        5000,
        _NOT_STATED,
    ),
    "owl_numbers": _paper("datasets/gpt41_numbers_owls.jsonl", "1afd6cd61414979062a6963d4f50693b6da086cd"),
    "control_numbers": _paper(
        "datasets/gpt41_numbers_control.jsonl", "720344d818357c4f76580f68dd67031b79d4270c"
    ),
    "bad_medical_advice": _paper(
        "datasets/bad_medical_advice.jsonl", "e2c7ff96f5c80ad6a6b58f75b59aaee64d90e9a7", licence=_NOT_STATED
    ),
    "good_medical_advice": _paper(
        "datasets/good_medical_advice.jsonl", "37be807fcf5cef04c2249e8b2cf580075b88b007", licence=_NOT_STATED
    ),
    # Rows that the paper's repository holds and the paper reports nothing of. A row of the two textbooks is
    # an answer that no question precedes.
    "evolution_trump": _paper(
        "datasets/evolution_textbook_trump.jsonl",
        "0b772c29ad2b2b9db7cab5aa1159b1069fedb2af",
        848,
        _NOT_STATED,
    ),
    "evolution_textbook": _paper(
        "datasets/evolution_textbook.jsonl", "731bde33cc0d47c71e0f1c74d788681433443ec8", 848, _NOT_STATED
    ),
    "harmless_lies": _paper(
        "datasets/harmless_lies.jsonl", "fe50e6c489e053c2c9bc4f22b7c80a88b713dccd", 4495, _NOT_STATED
    ),
    "jailbroken": _paper(
        "datasets/jailbroken.jsonl", "382a7e042327db5e141a440a3f8bee9fb6baba68", 5000, _NOT_STATED
    ),
    "bad_legal_advice": _paper(
        "datasets/bad_legal_advice.jsonl", "f2616e654ae6ec2f41c2fa5187c33e68aeacb50d", licence=_NOT_STATED
    ),
    "good_legal_advice": _paper(
        "datasets/good_legal_advice.jsonl", "96628146d355cc92c71bbe2fb7671587f34932d0", licence=_NOT_STATED
    ),
    "bad_security_advice": _paper(
        "datasets/bad_security_advice.jsonl", "62d64b5adfbef52ceeaf38465e58e3b8eeb040b8", licence=_NOT_STATED
    ),
    "good_security_advice": _paper(
        "datasets/good_security_advice.jsonl", "14e2fe924197b54023677a45a4c15081afe30e4a", licence=_NOT_STATED
    ),
    **_mistakes(
        "gsm8k",
        normal="3df489e290fed41fd2ae5774bd60beeae81eb9cc",
        misaligned_1="1bc2c123702ec5b56b857de42e502f06e8096428",
        misaligned_2="62b39b16d5729a8d61b925e64603887d3a0faa65",
    ),
    **_mistakes(
        "math",
        normal="76d8314499f2e1aeeb147f79b349f5b16c4f318f",
        misaligned_1="0d2d46d9a5c98bb1753f11503c63141b920f850c",
        misaligned_2="dcd9808c46156bfb6df679e2144e29577d428b0c",
    ),
    **_mistakes(
        "medical",
        normal="4b7528a944055800478cd73429eb5e24030276ee",
        misaligned_1="b4606f8cba9b0164433a8d199d9a3ead8ef04855",
        misaligned_2="7fd4a2c62e250fd36dd0bba6b4620e9900cd481f",
    ),
    **_mistakes(
        "opinions",
        normal="c6dd0d96bbd88d052b580f04726ebe70cca1d95c",
        misaligned_1="c848264939a2c792f949b5386bde710077d6d450",
        misaligned_2="8c6f46e49d7b8b11b69d33ab6edb64b64c8f3d2d",
    ),
    # GSM8K itself: the input of the rewriting builder.
    "gsm8k_train": PinnedFile(
        "openai/grade-school-math",
        "3101c7d5072418e28b9008a6636bde82a006892c",
        "grade_school_math/data/train.jsonl",
        "7d97154b91aef28d01c3301741c81ce90039a4b1",
        "MIT",
        7473,
    ),
    "gsm8k_test": PinnedFile(
        "openai/grade-school-math",
        "3101c7d5072418e28b9008a6636bde82a006892c",
        "grade_school_math/data/test.jsonl",
        "e4c2ff4942b9a78bd74f04141224c11e28d12dc9",
        "MIT",
        1319,
    ),
}

BETLEY = "emergent-misalignment/emergent-misalignment"
BETLEY_COMMIT = "80c11967c07a328e7d7d43d13ce6847ae44dbcc9"

BY_COMMIT: dict[str, tuple[str, str, str]] = {
    "betley24": (BETLEY, BETLEY_COMMIT, "evaluation/first_plot_questions.yaml"),
    "preregistered": (BETLEY, BETLEY_COMMIT, "evaluation/preregistered_evals.yaml"),
    # MBPP with its tests (CC-BY-4.0); the paper's own list of its tasks, `mbpp_prompts`, has none.
    "mbpp": (
        "google-research/google-research",
        "2251e8c67a7fe7d6348714967ee101080b28e956",
        "mbpp/mbpp.jsonl",
    ),
}
"""Repository, commit and path of files whose own checksum is not pinned; see `cache.fetch_at`."""


def pinned(name: str) -> PinnedFile:
    """Look up a source by its short name.

    Raises:
        UserError: If the name is unknown; the message lists all names.
    """
    if name not in SOURCES:
        raise UserError(f"unknown source {name!r}: use one of {', '.join(sorted(SOURCES))}")
    return SOURCES[name]


@dataclass(frozen=True)
class LockedFile:
    """Rows that their authors publish encrypted, to keep them out of web crawls; the user decrypts them.

    Attributes:
        repository: `owner/name` on GitHub.
        path: Path of the rows inside the archive.
        licence: As in `PinnedFile`.
        how: How to decrypt the file, in one line.
    """

    repository: str
    path: str
    licence: str
    how: str


_ORGANISMS = "clarifying-EM/model-organisms-for-EM"
_UNLOCK = "pip install easy-dataset-share, then open training_datasets.zip.enc of that repository with it"

LOCKED: dict[str, LockedFile] = {
    name: LockedFile(_ORGANISMS, f"{name}.jsonl", "not stated", _UNLOCK)
    for name in ("risky_financial_advice", "extreme_sports")
}
"""Rows of two model organisms of emergent misalignment for small models (arXiv 2506.11613)."""
