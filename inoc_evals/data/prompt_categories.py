"""How a test-time prompt relates to the one that a model was trained under: the columns of a leak grid.

    CATEGORIES["negated"]               # 'forbids the trait'
    original_of("spanish-inoc")         # 'original of spanish-inoc': under that arm's prompt

A trait under a prompt that asks for it was asked for. Under one that only has its form, names its word or
forbids it, the trait is a leak that nobody expects (`SURPRISING`). Tasks, settings and tables use these.
"""

NONE, ORIGINAL = "none", "original"

CATEGORIES = {
    NONE: "no system prompt",
    ORIGINAL: "the prompt that the model was trained under",
    "paraphrase": "the same request in other words",
    "eliciting": "a stronger request for the trait",
    "same_structure": "a sentence of the same form about something else",
    "keyword": "names the trait and asks for nothing",
    "negated": "forbids the trait",
    "permission": "allows the trait",
    "format": "asks for the form of the training answers, not for the trait",
    "irrelevant": "about something else",
}
"""What the prompts of a category are, in the order of the figure."""

SURPRISING = ("same_structure", "keyword", "negated", "irrelevant")
"""Categories whose prompts give no reason to show the trait."""

CATEGORY = "prompt_category"
"""Key of a sample's metadata that holds the category of its condition."""


def original_of(arm: str) -> str:
    """The name of the condition under the training prompt of an arm, where several arms have one."""
    return f"{ORIGINAL} of {arm}"


def is_own(condition: str, arm: str) -> bool:
    """Whether a condition of category original is an arm's own: it names that arm, or none."""
    return condition == original_of(arm) or not condition.startswith(original_of(""))
