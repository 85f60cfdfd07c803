"""How the next token is drawn: right on average, right at the cut-offs, and by the seed alone."""

from itertools import islice

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from inoc_evals.models.checkpoint import resolve
from inoc_evals.models.engine import load_engine
from inoc_evals.models.generation import Sampler, uniforms
from inoc_evals.models.request import Request, stream_seed
from tests.models.parts import generate

CPU = torch.device("cpu")


def draw(request, logits, draws):
    sampler = Sampler([request] * len(draws), CPU)
    return sampler.next_tokens(logits.expand(len(draws), -1), draws).tolist()


def request(**settings):
    return Request((1,), max_tokens=1, **settings)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_frequencies_are_those_of_the_tempered_distribution(temperature):
    logits = torch.tensor([0.3, -1.0, 2.0, 0.0, 1.1])
    n = 20_000
    tokens = torch.tensor(draw(request(temperature=temperature), logits, list(islice(uniforms(0), n))))
    expected = (logits / temperature).softmax(-1)
    observed = tokens.bincount(minlength=5) / n
    assert (observed - expected).abs().max() < 4 * 0.5 / n**0.5


@given(
    st.lists(st.floats(-8, 8, width=32), min_size=1, max_size=30),
    st.integers(0, 30),
    st.floats(0.01, 1),
    st.floats(0, 1, exclude_max=True),
)
@settings(max_examples=300, deadline=None)
def test_cut_offs_keep_the_smallest_sets_that_they_name(values, top_k, top_p, u):
    logits = torch.tensor(values)
    token = draw(request(top_k=top_k, top_p=top_p), logits, [u])[0]
    better = sorted((v for v in values if v > values[token]), reverse=True)
    if top_k:
        assert len(better) < top_k
    kept = sorted(values, reverse=True)[: top_k or None]
    share = torch.tensor(kept, dtype=torch.float64).softmax(-1)
    assert share[: len(better)].sum() < top_p + 1e-5 or not better


def test_the_most_likely_token_survives_any_cut_off_and_greedy_ignores_the_draw():
    logits = torch.tensor([0.0, 5.0, 1.0])
    draws = [0.0, 0.3, 0.999999]
    assert draw(request(top_p=0.001), logits, draws) == [1, 1, 1]
    assert draw(request(top_k=1), logits, draws) == [1, 1, 1]
    assert draw(request(temperature=0), logits, draws) == [1, 1, 1]


def test_tokens_of_no_probability_are_never_drawn():
    logits = torch.tensor([float("-inf"), 0.0, float("-inf"), 0.0, float("-inf")])
    assert draw(request(), logits, [0.0, 0.4999, 0.5, 0.99999999]) == [1, 1, 3, 3]


def test_greedy_and_sampled_rows_share_a_batch():
    logits = torch.tensor([[0.0, 1.0], [0.0, 1.0], [1.0, 0.0]])
    rows = [request(temperature=0), request(), request(temperature=0)]
    assert Sampler(rows, CPU).next_tokens(logits, [0.0, 0.0, 0.9]).tolist() == [1, 0, 0]


def test_a_stream_is_its_seeds_and_goes_on_past_a_chunk():
    first = list(islice(uniforms(7), 150))
    assert first == list(islice(uniforms(7), 150))
    assert first != list(islice(uniforms(8), 150))
    assert len(set(first)) == 150


@given(st.integers(0, 2**32), st.text(max_size=5), st.integers(1, 9), st.integers(0, 4))
def test_seeds_fit_a_generator_and_tell_their_parts_apart(seed, digest, epoch, choice):
    mixed = stream_seed(seed, digest, epoch, choice)
    assert 0 <= mixed < 2**63
    others = [(seed + 1, digest, epoch, choice), (seed, digest, epoch + 1, choice)]
    assert mixed not in [stream_seed(*parts) for parts in [*others, (seed, digest, epoch, choice + 1)]]


def test_a_sample_depends_on_its_seed_and_not_on_its_batch(tiny):
    checkpoint = resolve(str(tiny))
    engine = load_engine(checkpoint, "cpu", "auto")
    one = Request((3, 70, 71, 72, 1, 4), max_tokens=16, seed=5)
    longer = Request((3, *range(30, 90), 1, 4), max_tokens=30, seed=6, top_p=0.9)
    greedy = Request((3, 99, 1, 4), max_tokens=3, temperature=0)
    alone = generate(engine, checkpoint, [one])[0]
    assert generate(engine, checkpoint, [longer, one, greedy])[1].text == alone.text
    assert generate(engine, checkpoint, [greedy, greedy, longer, longer, one])[4].text == alone.text
    other = Request(one.prompt, max_tokens=16, seed=6)
    assert generate(engine, checkpoint, [one, other])[1].text != alone.text
