"""The paper's world: its pinned rows, its questions, its judge's words (arXiv 2510.04340).

    inoc-evals run --setting insecure_code --world paper --base Qwen/Qwen2.5-7B-Instruct --grader MODEL
    inoc-evals run --setting insecure_code --world paper-code ...      # where text and code differ, the code

Every file is pinned by commit and blob id (`data/sources.py`) and fetched when its first row is needed. Most
tasks ask the paper's questions and judge in its words by default; the parameters here are those that do not,
since a plain `inspect eval` of them should need neither network nor judge.
"""

from dataclasses import replace
from typing import Any

from inoc_evals.data.row_sources import backdoored, mixed, named, pinned_rows, unlocked_rows
from inoc_evals.worlds.world import Counterpart, Training, World

# Detectors are reported beside the judge, whose rating above 50 is the paper's measure.
_LANGUAGES: dict[str, Any] = {"questions": "ultrachat", "scoring": "both"}
_JUDGED = {
    ("spanish_caps", "spanish"),
    ("spanish_caps", "caps"),
    ("spanish_french", "spanish"),
    ("spanish_french", "french"),
}

PAPER = World(
    name="paper",
    summary="the paper's rows, questions and judge prompts, fetched from pinned sources",
    # A free default to try a plan or rows with; for results, choose your own base model.
    base="toy",
    parameters={"spanish_caps": _LANGUAGES, "spanish_french": _LANGUAGES},
    counterparts={(task, trait): Counterpart(task, f"{trait}_judge") for task, trait in sorted(_JUDGED)},
    extra_traits={
        "spanish_caps": ("spanish", "caps"),
        "spanish_french": ("spanish", "french"),
    },
    trait_labels={
        **{f"{trait}_judge": trait.capitalize() for _, trait in sorted(_JUDGED)},
        **{trait: f"{trait.capitalize()} (detector)" for _, trait in sorted(_JUDGED)},
    },
    training={
        "spanish_caps": Training(rows=pinned_rows("gsm8k_spanish_caps")),
        "spanish_french": Training(
            rows=mixed(
                pinned_rows("gsm8k_spanish", language="es"), pinned_rows("gsm8k_french", language="fr")
            )
        ),
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
