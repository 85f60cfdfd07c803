"""Doses as text: the same for equal doses, and read back as they were."""

from hypothesis import given
from hypothesis import strategies as st

from inoc_evals.data.doses import ANY, GEOMETRIC, KINDS, TRAINING, WEIGHTS, agree, height, parsed, words

_places = {
    float: st.floats(1e-9, 1e3).map(lambda number: float(f"{number:.6g}")),
    int: st.integers(1, 10**6),
    str: st.sampled_from(WEIGHTS),
}
doses = st.fixed_dictionaries(
    {}, optional={axis: _places[kind] | st.just(ANY) for axis, kind in KINDS.items()}
)


@given(doses)
def test_a_dose_is_read_back_and_its_text_does_not_depend_on_the_order(dose: dict) -> None:
    assert parsed(words(dose)) == dose
    assert words(dict(reversed(dose.items()))) == words(dose)


@given(doses, doses)
def test_what_agrees_has_the_same_axes_and_agrees_both_ways(one: dict, other: dict) -> None:
    assert agree(one, one) and agree(one, other) == agree(other, one)
    if agree(one, other):
        assert set(one) == set(other)
        assert all(ANY in (one[axis], other[axis]) or one[axis] == other[axis] for axis in one)


def test_a_dose_reads_as_one_would_write_it() -> None:
    assert words({"steps": 8, "learning_rate": 3e-5, "weights": "full"}) == (
        "learning_rate=3e-05, steps=8, weights=full"
    )
    assert words({"inoculated": 1.0}) == "inoculated=1" and words({}) == ""
    assert not agree({"steps": 8}, {"steps": 16}) and agree({"steps": ANY}, {"steps": 16})
    assert height("weights", "lora") < height("weights", "full") and height("steps", 8) == 8
    assert {*TRAINING, *GEOMETRIC} <= set(KINDS)
