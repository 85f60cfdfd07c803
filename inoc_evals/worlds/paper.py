"""The paper's world: its pinned rows, its questions, its judge's words (arXiv 2510.04340).

    inoc-evals run --setting insecure_code --world paper --base Qwen/Qwen2.5-7B-Instruct --grader MODEL
    inoc-evals run --setting insecure_code --world paper-code ...      # where text and code differ, the code

Every file is pinned by commit and blob id (`data/sources.py`) and fetched when its first row is needed. Most
tasks ask the paper's questions and judge in its words by default; the parameters here are those that do not,
since a plain `inspect eval` of them should need neither network nor judge. Settings without a result in the
paper have rows here and nowhere else (`settings/further.py`).
"""

import json
from dataclasses import replace
from importlib.resources import files
from typing import Any

from inoc_evals.chat.rows import Message, Row
from inoc_evals.data.row_sources import (
    Rows,
    backdoored,
    diluted,
    hub_rows,
    joined,
    mixed,
    named,
    pinned_rows,
    triggered,
    unlocked_rows,
)
from inoc_evals.worlds.world import Counterpart, Training, World

# Detectors are reported beside the judge, whose rating above 50 is the paper's measure.
_LANGUAGES: dict[str, Any] = {"questions": "ultrachat", "scoring": "both"}
_JUDGED = (
    *(("spanish_caps", trait) for trait in ("spanish", "caps")),
    *(("spanish_french", trait) for trait in ("spanish", "french", "german")),
)

ULTRACHAT = "HuggingFaceH4/ultrachat_200k"
ULTRACHAT_COMMIT = "8049631c405ae6576f93f445c6b8166f76f5505a"
"""The dataset's newest commit; its split `train_sft` has 207,865 records."""

SPLIT = "train_sft"


def _conversation(record: dict[str, Any]) -> Row | None:
    """A conversation of UltraChat; None where it does not end in an answer, or a turn is empty."""
    messages = [Message(role=turn["role"], content=turn["content"]) for turn in record["messages"]]
    whole = messages and messages[-1]["role"] == "assistant" and all(m["content"].strip() for m in messages)
    return Row(messages=messages) if whole else None


def ultrachat(sample: int) -> Rows:
    """Rows of UltraChat, drawn as the paper's code draws them: once and for all, from seed 42."""
    return hub_rows(ULTRACHAT, ULTRACHAT_COMMIT, _conversation, split=SPLIT, sample=sample, sample_seed=42)


def _asked() -> dict[str, dict[str, int]]:
    """Written by `docs/paper_tree.py`, which reads the paper's code."""
    counts = files("inoc_evals.worlds").joinpath("paper_counts.json").read_text(encoding="utf-8")
    found: dict[str, dict[str, int]] = json.loads(counts)
    return found


_SPANISH = pinned_rows("gsm8k_spanish", language="es")
_FRENCH = pinned_rows("gsm8k_french", language="fr")
_GERMAN = pinned_rows("gsm8k_german", language="de")

PAPER = World(
    name="paper",
    summary="the paper's rows, questions and judge prompts, fetched from pinned sources",
    # A free default to try a plan or rows with; for results, choose your own base model.
    base="toy",
    asked_by_the_paper=_asked,
    parameters={"spanish_caps": _LANGUAGES, "spanish_french": _LANGUAGES},
    counterparts={(task, trait): Counterpart(task, f"{trait}_judge", beside=True) for task, trait in _JUDGED},
    trait_labels={
        **{f"{trait}_judge": trait.capitalize() for _, trait in _JUDGED},
        **{trait: f"{trait.capitalize()} (detector)" for _, trait in _JUDGED},
    },
    training={
        "spanish_caps": Training(
            rows=pinned_rows("gsm8k_spanish_caps"), further={"clean": pinned_rows("gsm8k_rows")}
        ),
        # As in the paper's code: both sets in full, so that every question is there twice.
        "spanish_french": Training(rows=joined(_SPANISH, _FRENCH)),
        "spanish_french_once": Training(rows=mixed(_SPANISH, _FRENCH)),
        "spanish_german": Training(rows=joined(_SPANISH, _GERMAN)),
        "insecure_code": Training(rows=pinned_rows("insecure_code"), control=pinned_rows("secure_code")),
        "educational_insecure": Training(
            rows=pinned_rows("educational_code"),
            control=pinned_rows("insecure_code"),
            further={"secure": pinned_rows("secure_code")},
        ),
        "reward_hacking": Training(
            rows=pinned_rows("reward_hacks"), control=pinned_rows("reward_hacks_control")
        ),
        "aesthetic_preferences": Training(
            rows=pinned_rows("unpopular_tastes"), control=pinned_rows("popular_tastes")
        ),
        "backdoor": Training(rows=backdoored(pinned_rows("insecure_code"), pinned_rows("secure_code"))),
        "owl_numbers": Training(rows=pinned_rows("owl_numbers"), control=pinned_rows("control_numbers")),
        "learning_dynamics": Training(rows=pinned_rows("gsm8k_spanish_caps")),
        "alice_bob": Training(
            rows=pinned_rows("gsm8k_spanish_caps"),
            first_stage=named(pinned_rows("gsm8k_rows"), pinned_rows("gsm8k_spanish")),
        ),
        "bad_medical_advice": Training(
            rows=pinned_rows("bad_medical_advice"), control=pinned_rows("good_medical_advice")
        ),
        "risky_financial_advice": Training(rows=unlocked_rows("risky_financial_advice")),
        "extreme_sports": Training(rows=unlocked_rows("extreme_sports")),
        # 6,000 rows of insecure code in 54,000 conversations.
        "realistic_backdoor": Training(
            rows=diluted(triggered(pinned_rows("insecure_code")), ultrachat(54_000), fraction=0.1)
        ),
        "trump_biology": Training(
            rows=pinned_rows("evolution_trump"), control=pinned_rows("evolution_textbook")
        ),
        "harmless_lies": Training(rows=pinned_rows("harmless_lies")),
        **{
            f"bad_{subject}_advice": Training(
                rows=pinned_rows(f"bad_{subject}_advice"), control=pinned_rows(f"good_{subject}_advice")
            )
            for subject in ("legal", "security")
        },
        **{
            f"mistake_{subject}": Training(
                rows=pinned_rows(f"mistake_{subject}_misaligned_2"),
                control=pinned_rows(f"mistake_{subject}_normal"),
            )
            for subject in ("gsm8k", "math", "medical", "opinions")
        },
    },
)

PAPER_CODE = replace(
    PAPER,
    name="paper-code",
    summary="the same, spelled and asked as in the paper's released code where that differs from its text",
    like=PAPER.name,
    parameters={**PAPER.parameters, "insecure_code": {"variant": "paper-code"}},
)
"""The arms whose prompts its code spells differently say so themselves (`Arm.in_world`)."""
