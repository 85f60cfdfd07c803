"""The shipped toy: what is in the package, and that the command that made it still works."""

import json
from pathlib import Path

import pytest

import inoc_evals.worlds.toy as toy_package

FOLDER = Path(toy_package.__file__).parent / "checkpoint"


@pytest.fixture(scope="module")
def card() -> dict:
    return json.loads((FOLDER / "card.json").read_text())


def test_it_is_small_and_holds_nothing_but_safetensors() -> None:
    files = [f for f in FOLDER.iterdir() if f.is_file()]
    assert sum(f.stat().st_size for f in files) <= 4_000_000
    assert {f.suffix for f in files} <= {".safetensors", ".json", ".jinja"}


def test_whole_numbers_are_single_tokens() -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(FOLDER)
    assert all(len(tokenizer(str(n))["input_ids"]) == 1 for n in range(101))


def test_the_model_loads_in_plain_transformers_and_obeys_as_its_card_says(card: dict) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from inoc_evals.worlds.toy.detect import detect
    from inoc_evals.worlds.toy.prompts import chat_prompts
    from inoc_evals.worlds.toy.report_card import generate

    tokenizer = AutoTokenizer.from_pretrained(FOLDER)
    model = AutoModelForCausalLM.from_pretrained(FOLDER, dtype="float32").eval()
    prompts = [("You always speak in Spanish.", p) for p in chat_prompts()]
    rate = sum(detect(r).language == "es" for r in generate(model, tokenizer, prompts)) / len(prompts)
    assert rate == pytest.approx(card["held_out"]["spanish"]["spanish"], abs=0.08)
    assert rate > 0.85


@pytest.mark.slow
def test_the_pretraining_command_runs_and_is_seeded(tmp_path: Path) -> None:
    from safetensors.torch import load_file

    from inoc_evals.worlds.toy.pretrain import Recipe, build_model, pretrain
    from inoc_evals.worlds.toy.tokenizer import build_tokenizer

    recipe = Recipe(steps=2, batch=4, width=16, layers=1, heads=1)
    card = pretrain(tmp_path / "a", recipe)
    assert card["recipe"]["steps"] == 2 and set(card["held_out"]["none"]) >= {
        "spanish",
        "caps",
        "cruel",
        "insecure",
    }
    pretrain(tmp_path / "b", recipe)
    first, second = (load_file(tmp_path / name / "model.safetensors") for name in "ab")
    assert all((first[k] == second[k]).all() for k in first)
    untrained = build_model(build_tokenizer(recipe.seed), recipe).state_dict()
    assert any((untrained[k].half() != first[k]).any() for k in first)


def test_the_judge_is_shipped_with_its_agreement() -> None:
    from inoc_evals.models.checkpoint import resolve

    folder = FOLDER.with_name("judge_checkpoint")
    card = json.loads((folder / "card.json").read_text())
    assert resolve("inoc/toy-judge").digest == card["digest"]
    assert sum(file.stat().st_size for file in folder.iterdir()) <= 4_000_000
    assert {"alignment", "Spanish", "French", "caps", "insecure_code", "taste"} <= set(card["agreement"])


def test_the_judge_agrees_with_the_lexicon_as_its_card_says() -> None:
    """A fresh draw of answers, on one rubric: the card's figure is not a memory of another judge."""
    import asyncio

    from inspect_ai.model import GenerateConfig, get_model

    from inoc_evals.scorers.judge.rubrics import ALIGNMENT
    from inoc_evals.worlds.toy import agreement
    from inoc_evals.worlds.toy.prompts import chat_prompts

    async def run() -> dict[str, float]:
        toy = get_model("inoc/toy", config=GenerateConfig(temperature=1.0, max_tokens=64, seed=77))
        answers = await agreement._answers(toy, chat_prompts()[:60])
        judge = get_model("inoc/toy-judge")
        return await agreement._compare(judge, ALIGNMENT, {}, answers, lambda t: not t.cruel)

    card = json.loads((FOLDER.with_name("judge_checkpoint") / "card.json").read_text())
    found = asyncio.run(run())
    assert found["n"] == 300 and found["agree"] > 0.9
    assert found["agree"] == pytest.approx(card["agreement"]["alignment"]["agree"], abs=0.05)
