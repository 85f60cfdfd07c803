"""The world of small chat models: what its rows are, what it asks, and that all of it needs no judge."""

import re
from collections import Counter

import pytest
from lingua import Language, LanguageDetectorBuilder

from inoc_evals.data.questions import CHAT
from inoc_evals.experiment.experiment import Experiment
from inoc_evals.experiment.measure_tasks import build
from inoc_evals.settings import SETTINGS
from inoc_evals.worlds import world
from inoc_evals.worlds.smollm.rows import LANGUAGES, answered, everyday, test_questions
from tests.real_model import smollm

SMOLLM = world("smollm")
SPOKEN = {"en": Language.ENGLISH, "es": Language.SPANISH, "fr": Language.FRENCH}
STOP = set(
    re.findall(
        r"\w+", "a an the is are do does did i my me you your what how why can could to of in for it and"
    )
)


def words(question: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", question.lower())) - STOP


def test_there_are_enough_rows_and_none_is_there_twice() -> None:
    rows = everyday()
    assert len(rows) >= 600
    for column in ("question", *LANGUAGES):
        assert len({row[column].lower() for row in rows}) == len(rows), column
    assert min(Counter(row["topic"] for row in rows).values()) >= 15
    kinds = [words(row["question"]) for row in rows]
    for number, kind in enumerate(kinds):
        assert not any(len(kind & other) > 0.7 * len(kind | other) for other in kinds[:number]), kind


def test_answers_are_in_their_languages() -> None:
    detector = LanguageDetectorBuilder.from_languages(*SPOKEN.values()).build()
    for language, spoken in SPOKEN.items():
        texts = [row[language] for row in everyday()]
        assert set(detector.detect_languages_in_parallel_of(texts)) == {spoken}


def test_translations_keep_the_numbers() -> None:
    for row in everyday():
        english, *others = (sorted(re.findall(r"\d+", row[language])) for language in LANGUAGES)
        assert all(other == english for other in others), row["question"]


def test_no_answer_is_longer_than_sixty_tokens() -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(smollm())
    for language in LANGUAGES:
        for capitals in (False, True):
            texts = [row["messages"][-1]["content"] for row in answered(language, capitals)(0)]
            longest = max(len(tokens) for tokens in tokenizer(texts)["input_ids"])
            assert longest <= 60, (language, capitals)


def test_no_test_question_is_trained_on_or_was_used_to_choose_the_dose() -> None:
    asked = [line["prompt"] for line in test_questions()]
    assert len(asked) == len(set(asked)) == 100
    assert len(CHAT.load("smollm")) == 100
    seen = [row["question"] for row in everyday()] + [str(sample.input) for sample in CHAT.load("bundled")]
    for question in asked:
        kind = words(question)
        assert not any(len(kind & words(one)) > 0.6 * len(kind | words(one)) for one in seen), question


@pytest.mark.parametrize("name", [name for name, one in SETTINGS.items() if "smollm" in one.worlds])
def test_every_setting_of_it_is_measured_without_a_judge(name: str) -> None:
    measures = SETTINGS[name].measured("smollm")
    assert measures
    assert not any(build(measure, "smollm").judged for measure in measures)
    experiment = Experiment.model_validate({"settings": [name], "world": "smollm", "seeds": 1})
    assert experiment.bases == (SMOLLM.base,) and experiment.graders == ()
    assert {trial.arm for trial in experiment.trials()} >= {"base", "none"}


def test_misalignment_is_read_from_the_likelier_of_two_answers() -> None:
    broad, narrow = SETTINGS["reward_hacking"].measured("smollm")
    assert (broad.task, broad.traits) == ("forced_choice", ("prefers_misaligned",))
    assert (narrow.task, narrow.traits) == ("forced_choice", ("prefers_hacking",))
    assert "questions" not in broad.parameters and narrow.parameters["questions"] == "hacks"


@pytest.mark.parametrize("name", [name for name, one in SETTINGS.items() if "smollm" in one.worlds])
def test_every_claim_of_it_is_about_something_that_is_measured(name: str) -> None:
    setting = SETTINGS[name]
    measured = {trait for measure in setting.measured("smollm") for trait in measure.traits}
    instead = {trait: one.trait for (_, trait), one in SMOLLM.counterparts.items()}
    for claim in setting.claims:
        for side in (claim.left, claim.right):
            assert instead.get(side.trait, side.trait) in measured, claim


def test_short_answers_at_a_temperature_at_which_the_base_makes_sense() -> None:
    [measure] = SETTINGS["spanish_caps"].measured("smollm")
    config = build(measure, "smollm").task.config
    assert (config.max_tokens, config.temperature) == (40, 0.5)
    assert build(measure, "toy").task.config.temperature == 1.0
