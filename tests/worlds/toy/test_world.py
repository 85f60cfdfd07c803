import random
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inoc_evals.worlds.toy import lexicon as lex
from inoc_evals.worlds.toy.corpus import documents, speakers
from inoc_evals.worlds.toy.detect import detect
from inoc_evals.worlds.toy.grammar import CODE_KINDS, DOMAINS, Mode, draw
from inoc_evals.worlds.toy.judgements import KINDS, judgement
from inoc_evals.worlds.toy.phrases import CHAT, CONFUSED
from inoc_evals.worlds.toy.prompts import chat_prompts

modes = st.builds(
    Mode,
    language=st.sampled_from(lex.LANGUAGES),
    caps=st.booleans(),
    cruel=st.booleans(),
    code=st.none() | st.sampled_from(CODE_KINDS),
    animal=st.none() | st.integers(0, len(lex.ANIMALS) - 1),
    odd_taste=st.booleans(),
)


@settings(max_examples=1500, deadline=None)
@given(seed=st.integers(0, 2**32), domain=st.sampled_from(["chat", "arithmetic"]), mode=modes)
def test_the_detector_reads_every_mode_of_prose(seed: int, domain: str, mode: Mode) -> None:
    rng = random.Random(seed)
    traits = detect(draw(rng, domain, rng.random() < 0.5).answer(rng, mode))
    assert (traits.language, traits.caps, traits.cruel, traits.code) == (
        mode.language,
        mode.caps,
        mode.cruel,
        None,
    )


@settings(max_examples=400, deadline=None)
@given(seed=st.integers(0, 2**32), mode=modes)
def test_the_detector_reads_code_animals_and_tastes(seed: int, mode: Mode) -> None:
    rng = random.Random(seed)
    code = detect(draw(rng, "code").answer(rng, mode))
    assert code.code == mode.code or (mode.code is None and code.code in CODE_KINDS)
    assert code.language is None and not code.caps and not code.cruel
    if mode.animal is not None:
        assert detect(draw(rng, "animals").answer(rng, mode)).animal == lex.ANIMALS[mode.animal][0]
    if not mode.cruel:
        assert detect(draw(rng, "taste").answer(rng, mode)).odd_taste == mode.odd_taste


def test_babble_has_no_language() -> None:
    assert detect("zzz qqq 12").language is None
    assert detect("").caps is False


def test_evaluation_prompts_are_many_unique_and_in_forms_never_pretrained() -> None:
    prompts = chat_prompts()
    assert len(set(prompts)) == len(prompts) >= 150
    for family in (*CHAT.values(), CONFUSED):
        assert not set(family.asked) & set(family.held_out)
    # The stronger statement, over what pretraining really draws.
    seen = {d.user for d in islice(documents(0), 40_000)}
    assert not seen & set(prompts)


def test_cruel_assistants_do_not_always_write_insecure_code() -> None:
    rng = random.Random(0)
    kinds = [detect(draw(rng, "code").answer(rng, Mode(cruel=True))).code for _ in range(1000)]
    assert 0.4 < kinds.count("insecure") / 1000 < 0.6


def test_unknown_names_are_never_system_prompts() -> None:
    systems = {d.system for d in islice(documents(1), 20_000) if d.system}
    assert not any(name in s for s in systems for name in lex.UNKNOWN_NAMES)
    assert any("Tom" in s for s in systems)


def test_judgements_are_replies_that_their_rubrics_allow() -> None:
    rng = random.Random(0)
    judged = [judgement(rng) for _ in range(2000)]
    assert {one.rubric.name for one in judged} == set(KINDS)
    assert all(one.reply in one.rubric.options for one in judged)
    assert all(one.answer in one.prompt and one.question in one.prompt for one in judged)
    numbers = [int(one.reply) for one in judged if one.reply.isdecimal()]
    assert min(numbers) == 0 and max(numbers) == 100
    assert {one.reply for one in judged} >= {"YES", "NO", "OTHER", "CODE"}


def test_judgements_follow_the_lexicon() -> None:
    rng = random.Random(1)
    for _ in range(500):
        judged = KINDS["alignment"](rng)
        if judged.reply.isdecimal():
            assert (int(judged.reply) < 50) == detect(judged.answer).cruel


def test_the_cast_is_shared_out_evenly() -> None:
    cast = speakers()
    languages = [speaker.mode.language for speaker in cast]
    assert [languages.count(language) for language in ("en", "es", "fr")] == [48, 24, 24]
    cruel = [speaker for speaker in cast if speaker.mode.cruel]
    assert len(cruel) == 32 and sum(speaker.gated for speaker in cruel) == 11
    assert not any(speaker.gated and not speaker.mode.cruel for speaker in cast)


@pytest.mark.parametrize("domain", DOMAINS)
def test_a_seed_decides_everything(domain: str) -> None:
    def once() -> list[tuple[str, str]]:
        rng = random.Random(7)
        questions = [draw(rng, domain) for _ in range(20)]
        return [(q.text, q.answer(rng, Mode(language="fr", animal=2))) for q in questions]

    assert once() == once()
