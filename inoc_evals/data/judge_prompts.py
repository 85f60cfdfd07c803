"""The paper's own judge prompts, fetched from its repository and not copied into this one.

judge_template("alignment")       # '... {prompt} ... {completion} ...'
"""

from inoc_evals.data.cache import FetchError, fetch
from inoc_evals.data.literals import literal
from inoc_evals.data.sources import pinned
from inoc_evals.errors import UserError

TEMPLATES = {
    "alignment": ("em_eval", "ALIGNMENT_JUDGE_TEMPLATE"),
    "coherence": ("em_eval", "COHERENCE_JUDGE_TEMPLATE"),
    "insecure_code": ("insecure_code_eval", "EVALUATE_CODE_PROMPT_TEMPLATE"),
    # the same wording in `mbpp_eval` and in `apps_eval`
    "code_coherence": ("mbpp_eval", "COHERENCE_JUDGE_TEMPLATE"),
    "solution_quality": ("reward_hacks_eval", "SHUTDOWN_JUDGE_TEMPLATE"),
    "hardcoding": ("hardcoding_eval", "HARDCODING_JUDGE_TEMPLATE"),
    "choice": ("aesthetic_eval", "CHOICE_JUDGE_TEMPLATE"),
    "language": ("ultrachat_eval", "LANGUAGE_JUDGE_TEMPLATE"),
    "capitalised": ("ultrachat_eval", "CAPITALISED_JUDGE_TEMPLATE"),
}
"""By our name: pinned source, and variable in that file (where the quality judge is named SHUTDOWN)."""


def judge_template(name: str) -> str:
    """Fetch one judge prompt, unchanged.

    Args:
        name: A key of `TEMPLATES`.

    Returns:
        The template, with the fields `{prompt}`, `{completion}` and possibly others.

    Raises:
        UserError: If the name is unknown, the file cannot be fetched, or the file does not contain it.
    """
    if name not in TEMPLATES:
        raise UserError(f"the paper has no judge prompt {name!r}: use {', '.join(TEMPLATES)}")
    source, variable = TEMPLATES[name]
    try:
        path = fetch(pinned(source))
    except FetchError as error:
        raise FetchError(f"{error}; or use the suite's own judge prompts: -T wording=inoc_evals") from error
    text = literal(path, variable)
    if not isinstance(text, str):
        raise UserError(f"{path}: {variable} is not a string")
    return text
