"""Whatever stands in a file, a reader gives what it holds or one line that says why not."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inoc_evals.analysis.log_rows import Source, prepare
from inoc_evals.chat.rows import read_chat
from inoc_evals.chat.template_limits import check_template
from inoc_evals.commands.experiment_options import changes_of
from inoc_evals.commands.inoculate import make_inoculation
from inoc_evals.data.choices import CHOICES
from inoc_evals.data.free_form import FREE_FORM
from inoc_evals.data.questions import CHAT
from inoc_evals.data.rephrasings import read as read_rephrasings
from inoc_evals.data.trait_responses import TRAIT_RESPONSES
from inoc_evals.errors import LONGEST, UNSEEN, UserError
from inoc_evals.experiment.experiment import Experiment, load
from inoc_evals.runs.directory import Run
from inoc_evals.runs.spec import FinetuneSpec
from inoc_evals.tasks.elicitation import read_prompts
from inoc_evals.user_files import json_object
from tests.bad_inputs import made
from tests.bad_inputs.table import GOOD

READERS: dict[str, tuple[str, str, Callable[[Path], Any]]] = {
    "rows": ("a.jsonl", GOOD, lambda file: list(read_chat(file))),
    "pool": ("a.txt", "Speak Spanish.\n", lambda file: make_inoculation("x", "", file, "system")),
    "chat questions": ("a.jsonl", '{"prompt": "Q", "id": 1}\n', lambda file: CHAT.load(str(file))),
    "questions as CSV": ("a.csv", 'prompt,id\n"Q, q",1\n', lambda file: CHAT.load(str(file))),
    "questions as YAML": ("a.yaml", "- id: a\n  paraphrases: [Q]\n", lambda file: FREE_FORM.load(str(file))),
    "choices": (
        "a.jsonl",
        '{"prompt": "Q", "aligned": "A", "misaligned": "B"}\n',
        lambda file: CHOICES.load(str(file)),
    ),
    "responses": (
        "a.jsonl",
        '{"prompt": "Q", "response": "A", "trait": "t"}\n',
        lambda file: TRAIT_RESPONSES.load(str(file)),
    ),
    "prompts": ("a.txt", 'evil: Be evil.\n""\n\n', lambda file: read_prompts(str(file))),
    "rephrasings": ("a.txt", "[close]\nSpeak Spanish.\n[diverse]\nEn español.\n", read_rephrasings),
    "an experiment": (
        "a.yaml",
        "setting: spanish_caps\nseeds: 2\nsweep: {rank: [8, 16]}\nfinetune: {max_steps: 3}\n",
        load,
    ),
    "a manifest": (
        "manifest.json",
        '{"name": "x", "status": "finished", "spec": {"base": "toy"}}',
        lambda file: Run(file.parent).manifest,
    ),
    "an adapter's config": ("adapter_config.json", '{"base_model_name_or_path": "toy", "r": 8}', json_object),
    "a template": (
        "a.jinja",
        "{% for m in messages %}{{ m.content * 2 }}{% endfor %}",
        lambda file: check_template(file.read_text("utf-8", "replace")),
    ),
    "an .eval log": (
        "a.eval",
        made.archive(header={"version": 2, "status": "success", "eval": {"task": "t"}}, summaries=[]).decode(
            "latin-1"
        ),
        lambda file: prepare(Source(str(file), 1, 1.0)),
    ),
}
"""By reader: a file's name, what may stand in it, and how it is read."""

ODD = st.sampled_from(
    [
        "\ufeff",
        "\u2028",
        "\x85",
        "\x0b",
        "\x1b[2J",
        "\0",
        "\\ud800",
        "NaN",
        "1e999",
        "&a [*a]",
        "{" * 99,
        '"',
        "-",
    ]
)


@st.composite
def damaged(draw: st.DrawFn, good: bytes) -> bytes:
    """Any bytes, or a good file in which something was replaced."""
    if draw(st.booleans()):
        start = draw(st.integers(0, len(good)))
        end = draw(st.integers(start, len(good)))
        new = draw(st.binary(max_size=8) | ODD.map(str.encode) | st.text(max_size=8).map(str.encode))
        return good[:start] + new + good[end:]
    return draw(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))


def check(use: Callable[[], Any]) -> None:
    try:
        use()
    except UserError as error:
        said = error.message
        assert said and "\n" not in said and not UNSEEN.search(said) and len(said) <= LONGEST


@pytest.mark.parametrize("reader", READERS)
def test_a_file_is_read_or_refused_in_one_line(reader: str, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("INOC_EVALS_CACHE", str(tmp_path / "cache"))
    name, good, read = READERS[reader]
    file = tmp_path / name
    encoded = good.encode("latin-1" if name.endswith(".eval") else "utf-8")

    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    @given(damaged(encoded))
    def try_it(data: bytes) -> None:
        file.write_bytes(data)
        check(lambda: read(file))

    try_it()


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | ODD,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(sorted(FinetuneSpec.model_fields)), ANYTHING, st.sampled_from(["local", "openai"]))
def test_a_field_of_a_spec_may_hold_anything(field: str, value: Any, backend: str) -> None:
    check(lambda: FinetuneSpec(**{"base": "toy", "backend": backend, field: value}).digest)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(sorted({*Experiment.model_fields, "setting", "base", "variant"})), ANYTHING)
def test_a_field_of_an_experiment_may_hold_anything(field: str, value: Any) -> None:
    check(lambda: Experiment.model_validate({"settings": ["spanish_caps"], field: value}))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=12) | ODD.map(lambda odd: f"a.b={odd}"), max_size=3))
def test_fields_on_the_command_line_may_hold_anything(pairs: list[str]) -> None:
    check(lambda: changes_of(pairs))
