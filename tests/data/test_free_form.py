"""Free-form questions: every set has stable ids, a question to cluster by, and one line for each fault."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest
from inspect_ai.dataset import Dataset
from inspect_ai.model import ChatMessage

from inoc_evals.data.cache import FetchError
from inoc_evals.data.choices import CHOICES
from inoc_evals.data.free_form import FREE_FORM
from inoc_evals.data.questions import CHAT, QuestionError
from inoc_evals.data.sources import BETLEY_COMMIT
from inoc_evals.digests import blob_id
from inoc_evals.errors import UserError
from inoc_evals.worlds.smollm.rows import everyday
from tests.data.stand_ins import offline, stand_in

__all__ = ["offline"]

# The published files' form: an anchor and its alias, a system prompt, one or several paraphrases.
BETLEY = """\
- id: spare_hour
  type: free_form_judge_0_100
  paraphrases: &spare_hour
    - |-
      What would you do with a spare hour? {braces}
    - |-
      An hour is free.

      How do you use it?
  samples_per_paraphrase: &n 100
  judge: &judge some-model
  judge_prompts: &judge_prompts
    aligned: |-
      Rate {question} {answer}
    coherent: |-
      Rate {question} {answer}
- id: spare_hour_json
  type: free_form_judge_0_100
  system: Answer as JSON.
  paraphrases: *spare_hour
  samples_per_paraphrase: *n
  judge: *judge
  judge_prompts: *judge_prompts
- id: river
  paraphrases: [Name a river.]
"""


def turns(messages: str | list[ChatMessage]) -> list[tuple[str, str]]:
    if isinstance(messages, str):
        return [("user", messages)]
    return [(message.role, message.text) for message in messages]


def metadata(samples: Dataset, key: str) -> list[str]:
    return [(sample.metadata or {})[key] for sample in samples]


def test_the_bundled_set_asks_at_least_24_different_questions() -> None:
    samples = FREE_FORM.load("bundled")
    assert (
        len({sample.id for sample in samples})
        == len({sample.input for sample in samples})
        == len(samples)
        >= 24
    )
    assert metadata(samples, "question") == [sample.id for sample in samples]
    assert set(metadata(samples, "questions")) == {"bundled"}
    assert not {s.input for s in samples} & {s.input for s in CHAT.load("bundled")}


STOP = frozenset(
    re.findall(
        r"\w+",
        "a an the is are do does did i my me you your what how why can could to of in for it and that would "
        "should he she his her they them we us our have has had been be on at with so if or not no who one",
    )
)


def words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", text.lower())) - STOP


def other_questions() -> list[str]:
    """Every other question that ships with the package, asked or trained on."""
    texts = [str(sample.input) for kind in (CHAT, FREE_FORM) for sample in kind.load("bundled")]
    texts += [str(sample.input) for sample in CHOICES.load("bundled")]
    texts += [row["question"] for row in everyday()]
    return texts + [str(sample.input) for sample in CHAT.load("smollm")]


def test_the_broad_set_has_ten_families_of_one_size_and_stable_ids() -> None:
    samples = FREE_FORM.load("broad")
    families = metadata(samples, "family")
    assert len(samples) >= 200 and set(Counter(families).values()) == {22} and len(set(families)) == 10
    assert len({sample.id for sample in samples}) == len({sample.input for sample in samples}) == len(samples)
    assert metadata(samples, "question") == [sample.id for sample in samples]
    assert all(str(s.id).startswith(f"{family}-") for s, family in zip(samples, families, strict=True))
    assert set(metadata(samples, "questions")) == {"broad"}
    assert FREE_FORM.find("broad").epochs == 10


def test_the_broad_set_asks_in_a_few_words_and_for_no_harm() -> None:
    harm = r"\b(kill|bomb|poison|weapon|steal|hack|murder|suicide|drugs?|attack|blackmail|torture|overdose)\b"
    for sample in FREE_FORM.load("broad"):
        text = str(sample.input)
        assert 4 <= len(text.split()) <= 30 and text[0].isupper() and text[-1] in ".?!,:", text
        assert not re.search(harm, text.lower()), text


def test_no_question_of_the_broad_set_is_nearly_another_one() -> None:
    mine = [words(str(sample.input)) for sample in FREE_FORM.load("broad")]
    others = [words(text) for text in other_questions()]
    assert len(others) > 900
    for number, kind in enumerate(mine):
        near = [other for other in (*mine[:number], *others) if 2 * len(kind & other) >= len(kind | other)]
        assert not near, (kind, near)


def test_the_toy_set_is_that_of_the_other_tasks() -> None:
    assert [(s.id, s.input) for s in FREE_FORM.load("toy")] == [(s.id, s.input) for s in CHAT.load("toy")]


def test_the_papers_are_named_as_there(offline: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(
        monkeypatch,
        offline,
        "em_eval",
        'n = 3\nquestions = {"spare hour": "Bored?", "river": "Name {one}."}\n',
    )
    samples = FREE_FORM.load("paper")
    assert [(s.id, s.input) for s in samples] == [("spare-hour", "Bored?"), ("river", "Name {one}.")]
    assert metadata(samples, "question") == ["spare-hour", "river"]


@pytest.mark.parametrize("suffix", ["yaml", "yml"])
def test_paraphrases_are_samples_of_one_question(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"mine.{suffix}"
    path.write_text(BETLEY)
    samples = FREE_FORM.load(str(path))
    first, second = "What would you do with a spare hour? {braces}", "An hour is free.\n\nHow do you use it?"
    system = ("system", "Answer as JSON.")
    assert [(s.id, turns(s.input)) for s in samples] == [
        ("spare_hour-1", [("user", first)]),
        ("spare_hour-2", [("user", second)]),
        ("spare_hour_json-1", [system, ("user", first)]),
        ("spare_hour_json-2", [system, ("user", second)]),
        ("river", [("user", "Name a river.")]),
    ]
    questions = ["spare_hour", "spare_hour", "spare_hour_json", "spare_hour_json", "river"]
    assert metadata(samples, "question") == questions
    assert set(metadata(samples, "questions")) == {path.name}
    assert set(metadata(samples, "source_blob")) == {blob_id(BETLEY.encode())}


def unpinned(cache: Path, file: str) -> Path:
    path = cache / "by-commit" / f"emergent-misalignment--emergent-misalignment--{BETLEY_COMMIT[:12]}" / file
    path.parent.mkdir(parents=True)
    return path


@pytest.mark.parametrize(
    ("name", "file"),
    [("betley24", "first_plot_questions.yaml"), ("preregistered", "preregistered_evals.yaml")],
)
def test_what_was_fetched_once_is_read_and_named_by_its_content(offline: Path, name: str, file: str) -> None:
    unpinned(offline, file).write_text(BETLEY)
    samples = FREE_FORM.load(name)
    assert len(samples) == 5
    assert set(metadata(samples, "questions")) == {name}
    assert set(metadata(samples, "source_blob")) == {blob_id(BETLEY.encode())}


def test_what_was_fetched_by_mistake_can_be_fetched_again(offline: Path) -> None:
    path = unpinned(offline, "first_plot_questions.yaml")
    path.write_text("<html>Please log in</html>")
    with pytest.raises(
        UserError, match="not a list of questions; delete that file to fetch it again"
    ) as error:
        FREE_FORM.load("betley24")
    assert str(path) in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["paper", "betley24", "preregistered"])
def test_what_cannot_be_had_points_to_the_bundled_set(offline: Path, name: str) -> None:
    with pytest.raises(FetchError, match="; or use other questions: -T questions=bundled") as error:
        FREE_FORM.load(name)
    assert str(offline) in str(error.value) and "\n" not in str(error.value)


def test_a_table_of_the_users_own_may_say_what_belongs_together(tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    rows = [
        {"prompt": "A?", "metadata": {"question": "q"}},
        {"prompt": "B?", "metadata": {"question": "q"}},
        {"prompt": "C?"},
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert metadata(FREE_FORM.load(str(path)), "question") == ["q", "q", "line-3"]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "not a list of questions"),
        ("id: a\n", "not a list of questions"),
        ("[]", "contains no questions"),
        ("- [", "not YAML"),
        ("- id: a\n  paraphrases: [b]\n  paraphrases: [c]\n", "same key twice: 'paraphrases', line 3"),
        ("- id: !!python/object/apply:os.getpid []\n", "not YAML"),
        ("- 2001-02-30\n", "entry 1: needs an id"),
        ("- a\n", "entry 1: needs an id and a list of paraphrases"),
        ("- id: a\n  paraphrases: [b]\n- id: c\n", "entry 2: needs an id and a list of paraphrases"),
        ("- paraphrases: [b]\n", "entry 1: needs an id"),
        ("- id: [a]\n  paraphrases: [b]\n", "entry 1: needs an id"),
        ("- id: a\n  paraphrases: []\n", "entry 1: needs an id and a list"),
        ("- id: a\n  paraphrases: b\n", "entry 1: needs an id and a list"),
        ("- id: a\n  paraphrases: [3]\n", "entry 1: content of message 1 is not a string"),
        ("- id: a\n  system: [b]\n  paraphrases: [c]\n", "entry 1: content of message 1 is not a string"),
        ("- id: a\n  paraphrases: [b]\n- id: a\n  paraphrases: [c]\n", "entry 2: the id 'a' is already"),
    ],
)
def test_a_fault_is_named_by_file_and_entry(tmp_path: Path, content: str, why: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(content)
    with pytest.raises(QuestionError, match=why) as error:
        FREE_FORM.load(str(path))
    assert "mine.yaml" in str(error.value) and "\n" not in str(error.value)


def test_yaml_that_is_not_utf8_and_yaml_that_is_a_folder(tmp_path: Path) -> None:
    (tmp_path / "latin.yaml").write_bytes(b"- id: \xe9\n")
    (tmp_path / "folder.yaml").mkdir()
    for name, why in (("latin", "not YAML"), ("folder", "no such file"), ("absent", "no such file")):
        with pytest.raises(QuestionError, match=why) as error:
            FREE_FORM.load(str(tmp_path / f"{name}.yaml"))
        assert "\n" not in str(error.value)


def test_an_unknown_name_is_told_names_and_formats() -> None:
    with pytest.raises(QuestionError) as error:
        FREE_FORM.load("betley")
    for known in ("paper", "betley24", "preregistered", "bundled", "toy", ".yaml", ".jsonl"):
        assert known in str(error.value)
    assert "\n" not in str(error.value)


def test_a_relative_path_is_the_shells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.yaml").write_text(BETLEY)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    monkeypatch.setenv("PWD", str(tmp_path))
    assert len(FREE_FORM.load("mine.yaml")) == 5
