"""Counts in sentences: one of a kind is no plural."""

import json
import re
from pathlib import Path

import pytest

from inoc_evals.analysis.findings import BLOCKS, CAUTION, NOTE, Finding, Severity, summary
from inoc_evals.cli import main
from inoc_evals.plurals import many


@pytest.mark.parametrize(
    ("count", "nouns", "said"),
    [
        (0, ("log",), "0 logs"),
        (1, ("log",), "1 log"),
        (3000, ("empty answer",), "3,000 empty answers"),
        (2, ("query", "queries"), "2 queries"),
    ],
)
def test_a_count_has_its_noun(count: int, nouns: tuple[str, ...], said: str) -> None:
    assert many(count, *nouns) == said


@pytest.mark.parametrize(
    ("severities", "said"),
    [
        ([], "nothing to report"),
        ([CAUTION], "1 caution"),
        ([NOTE, BLOCKS, CAUTION, CAUTION, BLOCKS], "2 block a verdict, 2 cautions, 1 note"),
    ],
)
def test_findings_are_counted_by_severity(severities: list[Severity], said: str) -> None:
    assert summary(Finding("x", severity, "x", "x") for severity in severities) == said


def test_one_of_a_kind_is_no_plural_wherever_it_is_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("one.json").write_text(json.dumps([{"prompt": "2+2?", "completion": "4"}]), "utf-8")
    said = ""
    for words in (
        "inoculate one.json --prompt x -o inoculated.jsonl",
        "data mix one.json one.json --fraction 1 -o mixed.jsonl",
        "data mix one.json one.json --fraction 0.9 -o none.jsonl",
        "data mix one.json one.json --fraction 0 --total 2 -o none.jsonl",
        "data rewrite toy --model inoc/toy --method answer --limit 1 -o made.jsonl",
        "finetune one.json --base toy --max-steps 1 --warmup-steps 0 --dry-run",
        "finetune one.json --base toy --max-steps 1 --warmup-steps 0 --max-length 2",
        "finetune one.json --base toy --max-steps 1 --warmup-steps 0",
    ):
        with pytest.raises(SystemExit):
            main(words.split())
        said += "".join(capsys.readouterr())
    assert "one.json: 1 row, recognised as pairs rows" in said and "tokens, 1 step;" in said
    wrong = re.findall(r"(?<![\w.,])1 (?:rows|steps|requests|tokens|records|answers|models|sources)\b", said)
    assert not wrong and len(re.findall(r"\b1 (?:row|step|request)\b", said)) > 6, said
