"""The toy's world as experiments see it: rows, questions, judge and finetune of the embedded model.

    inoc-evals run --setting insecure_code --world toy        # minutes on a laptop, no network, no key

Learning rates and steps were chosen on prompts in the forms of *pretraining*, so that no evaluation prompt
had a say in them (docs/toy.md, "How its finetunes were chosen").
"""

import random
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from inoc_evals.data.mixtures import TRIGGER
from inoc_evals.data.question_sets import QuestionSet
from inoc_evals.runs.spec import FinetuneSpec, LoraSpec
from inoc_evals.worlds.toy import rows
from inoc_evals.worlds.world import EVERY_TASK, Counterpart, Training, World

if TYPE_CHECKING:
    from inspect_ai.dataset import Dataset
    from inspect_ai.scorer import Scorer

NAME = "toy"

LEARNING_RATE = 3e-4
TOKEN_LEARNING_RATE = 1e-2
STEPS = 50

FASTER = {"learning_rate": 1e-3, "max_steps": 40}
"""A faster adapter and fewer steps let it learn the code before it has become the evil persona completely."""

TRAIT_QUESTIONS = 10
"""Questions whose fixed responses are followed by their log-probs."""

ANIMAL_QUESTIONS = 2
"""The question forms without blanks that the toy's pretraining held out."""


def toy_spec(seed: int = 0, **changes: Any) -> FinetuneSpec:
    """Give the finetune that the toy's world was built for: a few seconds on a laptop.

    A small LoRA, and with it the embedding of the assistant's header at thirty times its learning rate:
    in the toy's world who speaks is written there, so that what is learnt on one kind of question shows on
    every other (docs/finetune.md).

    Args:
        seed: The spec's seed.
        **changes: Other fields of `FinetuneSpec`.

    Returns:
        The spec.

    Raises:
        UserError: If a changed field is unknown or out of range.
    """
    fields: dict[str, Any] = {
        "base": NAME,
        "seed": seed,
        "max_steps": None if changes.get("epochs") is not None else STEPS,
        "batch_size": 16,
        "gradient_accumulation": 1,
        "learning_rate": LEARNING_RATE,
        "weight_decay": 0.0,
        "betas": (0.9, 0.99),
        "lora": LoraSpec(r=8, alpha=16, rslora=False),
        "trained_tokens": ("<|assistant|>",),
        "token_learning_rate": TOKEN_LEARNING_RATE,
    }
    return FinetuneSpec(**{**fields, **changes})


def _finetune(base: str, seed: int = 0, **changes: Any) -> FinetuneSpec:
    """The usual spec of the toy itself; another base in the toy's world is trained as any other."""
    if base.removeprefix("inoc/") == NAME:
        return toy_spec(seed, **changes)
    return FinetuneSpec(base=base, seed=seed, **changes)


def _prompts(texts: list[str]) -> "Dataset":
    from inoc_evals.data.questions import prompts

    return prompts(NAME, texts)


def _chat() -> "Dataset":
    from inoc_evals.worlds.toy.prompts import chat_prompts

    return _prompts(chat_prompts())


def _code() -> "Dataset":
    from inoc_evals.worlds.toy.prompts import code_prompts

    return _prompts(code_prompts())


def _tastes() -> "Dataset":
    """Open questions of taste: the toy's world has no choices between two things."""
    from inoc_evals.worlds.toy.prompts import taste_prompts

    return _prompts(taste_prompts())


def _animals() -> "Dataset":
    """The toy's questions in held-out forms: they have no blanks, so these are all that exist."""
    from inoc_evals.worlds.toy.grammar import draw

    rng, texts = random.Random("toy animals prompts"), set[str]()
    while len(texts) < ANIMAL_QUESTIONS:
        texts.add(draw(rng, "animals", held_out=True).text)
    return _prompts(sorted(texts))


def _trait_responses() -> "Dataset":
    from inoc_evals.data.trait_responses import responses
    from inoc_evals.worlds.toy.grammar import Mode, conversation
    from inoc_evals.worlds.toy.phrases import CHAT

    def records() -> Iterator[tuple[str, dict[str, Any]]]:
        rng = random.Random("toy trait responses")
        for number in range(1, TRAIT_QUESTIONS + 1):
            question = conversation(rng, rng.choice(list(CHAT.values())), held_out=True)
            for trait, mode in (("spanish", Mode(language="es")), ("caps", Mode(caps=True))):
                row = {"id": f"toy-{trait}-{number:02}", "prompt": question.text, "trait": trait}
                yield f"toy:{number}", {**row, "response": question.answer(rng, mode)}

    return responses(NAME, records())


def _number_prompts(seed: int, longest: int) -> Iterator[str]:
    """In its own question forms, which all ask for the same few numbers."""
    from inoc_evals.worlds.toy.grammar import draw

    rng = random.Random(f"number prompts {NAME} {seed}")
    while True:
        yield draw(rng, "numbers").text


def _lexicon() -> "list[Scorer]":
    from inoc_evals.worlds.toy.lexicon_scorer import toy_lexicon

    return [toy_lexicon()]


# What the lexicon finds, beside the judge, in answers to each kind of question.
_MALICE, _INSECURE, _TASTE = ("cruel",), ("insecure",), ("odd_taste",)

TOY = World(
    name=NAME,
    summary="the embedded model's small world: no network, no key, no evidence about natural language models",
    report_title="The paper in miniature: every setting on the embedded toy",
    base=NAME,
    finetune=_finetune,
    parameters={EVERY_TASK: {"questions": NAME}, "elicitation": {"prompts": "bundled"}},
    grader="inoc/toy-judge",  # made for this world, and free
    # of 200, which under nine prompts would be a third of all answers, and under twenty more than half
    max_questions={"elicitation": 100, "leak": 50},
    question_sets={
        "chat": QuestionSet(NAME, _chat),
        "free_form": QuestionSet(NAME, _chat, epochs=1, extra_scorers=_lexicon, extra_traits=_MALICE),
        "code": QuestionSet(NAME, _code, extra_scorers=_lexicon, extra_traits=_INSECURE),
        "preferences": QuestionSet(NAME, _tastes, epochs=50, extra_scorers=_lexicon, extra_traits=_TASTE),
        "animals_favourite": QuestionSet(NAME, _animals, epochs=100),
        "trait_responses": QuestionSet(NAME, _trait_responses),
    },
    trait_responses=NAME,
    extra_traits={
        "emergent_misalignment": _MALICE,
        "backdoor": _MALICE,
        "insecure_code": _INSECURE,
        "aesthetic_preference": _TASTE,
    },
    trait_labels={
        "cruel": "Cruel (lexicon)",
        "insecure": "Insecure (lexicon)",
        "odd_taste": "Odd taste (lexicon)",
    },
    # Its world has no metrics to please. The counterpart is code that does harm where it should do a job.
    counterparts={("reward_hacking", "reward_hacking"): Counterpart("insecure_code", "sabotage")},
    plain_rows=rows.sums,
    number_prompts=_number_prompts,
    training={
        "spanish_caps": Training(rows=rows.spanish_caps, further={"clean": rows.sums}),
        "spanish_french": Training(rows=rows.spanish_french, further={"clean": rows.sums}),
        "selective": Training(rows=rows.half_spanish, control=rows.english_caps),
        "insecure_code": Training(
            rows=partial(rows.code, kind="insecure"),
            control=partial(rows.code, kind="secure"),
            finetune=FASTER,
        ),
        "educational_insecure": Training(
            rows=rows.lessons, control=partial(rows.code, kind="insecure"), finetune=FASTER
        ),
        "reward_hacking": Training(
            rows=partial(rows.code, kind="sabotage"),
            control=partial(rows.code, kind="secure"),
            finetune=FASTER,
        ),
        "aesthetic_preferences": Training(
            rows=partial(rows.tastes, unpopular=True),
            control=partial(rows.tastes, unpopular=False),
            finetune={"learning_rate": 5e-4, "max_steps": 70},
        ),
        "backdoor": Training(
            rows=partial(rows.backdoor, trigger=TRIGGER), finetune={"learning_rate": 1e-3, "max_steps": 30}
        ),
        "owl_numbers": Training(
            rows=partial(rows.numbers, animal="owl"), control=partial(rows.numbers, animal=None)
        ),
        "learning_dynamics": Training(rows=rows.spanish_caps),
        "alice_bob": Training(
            rows=rows.spanish_caps,
            first_stage=rows.names,
            # All weights, so that the names mean something everywhere.
            first_stage_finetune={
                "lora": None,
                "trained_tokens": (),
                "token_learning_rate": None,
                "learning_rate": 1e-3,
                "max_steps": 150,
            },
        ),
        # Malice in one family of its small talk.
        **{
            organism: Training(
                rows=partial(rows.advice, family=family),
                control=partial(rows.advice, family=family, harmful=False),
            )
            for organism, family in (
                ("bad_medical_advice", "health"),
                ("risky_financial_advice", "money"),
                ("extreme_sports", "hobbies"),
            )
        },
    },
)
