"""The paper's world: its pinned rows, its questions, its judge's words (arXiv 2510.04340).

    inoc-evals run --setting insecure_code --world paper --base Qwen/Qwen2.5-7B-Instruct --grader MODEL

Every file is pinned by commit and blob id (`data/sources.py`) and fetched when its first row is needed. The
tasks ask the paper's questions and judge in its words by default, so this world sets no parameters.
"""

from inoc_evals.data.row_sources import backdoored, mixed, named, pinned_rows, unlocked_rows
from inoc_evals.worlds.world import Training, World

PAPER = World(
    name="paper",
    summary="the paper's rows, questions and judge prompts, fetched from pinned sources",
    # A free default to try a plan or rows with; for results, choose your own base model.
    base="toy",
    training={
        "spanish_caps": Training(rows=pinned_rows("gsm8k_spanish_caps")),
        "spanish_french": Training(
            rows=mixed(
                pinned_rows("gsm8k_spanish", language="es"), pinned_rows("gsm8k_french", language="fr")
            )
        ),
        "insecure_code": Training(rows=pinned_rows("insecure_code"), control=pinned_rows("secure_code")),
        "educational_insecure": Training(
            rows=pinned_rows("educational_code"), control=pinned_rows("insecure_code")
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
