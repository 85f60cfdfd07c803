"""Places behind a URL: what cannot be reached is one line, and a name is no pattern."""

from pathlib import Path
from typing import Any

import fsspec
import platformdirs
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from upath import UPath

from inoc_evals.analysis import read
from inoc_evals.cli import main
from inoc_evals.experiment.remote import fetch
from tests.analysis.test_table import answer, write


class NoCredentials(Exception):
    """As the libraries of stores have them: derived from nothing that we could name."""


class Refusing(MemoryFileSystem):
    """A store without our credentials."""

    protocol = "refusing"

    def ls(self, *_: Any, **__: Any) -> Any:
        raise NoCredentials("Unable to locate credentials\nand pages of advice")

    info = exists = isdir = find = ls


@pytest.fixture(autouse=True)
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    fsspec.register_implementation("refusing", Refusing, clobber=True)
    monkeypatch.setenv("INOC_EVALS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda _: tmp_path / "cache")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def fault(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    """What a call that fails says on stderr."""
    with pytest.raises(SystemExit) as exit_:
        main([str(word) for word in words])
    assert exit_.value.code == 2
    [line] = capsys.readouterr().err.splitlines()
    return line


@pytest.mark.parametrize(
    "command",
    [
        *("at-k", "audit", "claims", "controls", "dose", "judges", "leaks", "precision", "presets"),
        *("report", "selectivity", "table", "table --of rates"),
    ],
)
def test_logs_in_a_store_that_refuses_are_one_line(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    name, *options = command.split()
    said = fault(capsys, name, "refusing://nope/x", *options)
    assert "refusing://nope/x cannot be read: Unable to locate credentials" in said and "advice" not in said


@pytest.mark.parametrize("option", ["--log-dir", "--runs"])
@pytest.mark.parametrize("command", ["run --setting spanish_caps", "reproduce"])
def test_an_experiment_in_such_a_store_is_refused_before_it_begins(
    command: str, option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    said = fault(capsys, *command.split(), option, "refusing://nope/x", "--dry-run")
    assert "refusing://nope/x" in said and "Unable to locate credentials" in said and option in said


@pytest.mark.parametrize(
    "command",
    [
        *("import a.csv -o URL", "report logs -o URL", "table logs -o URL", "demo --log-dir URL"),
        *("runs prune --logs URL", "runs list --runs URL", "finetune rows.jsonl --base toy --runs URL"),
        *("inoculate URL --prompt x -o rows.jsonl", "presets logs --figure URL"),
    ],
)
@pytest.mark.parametrize("url", ["s3://ours/x", "file:///nope/x"])
def test_an_option_that_is_a_path_makes_no_folder_of_a_url(
    command: str, url: str, work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = fault(capsys, *command.replace("URL", url).split())
    assert f"{url} is a URL: only a path on this machine can be given here" in said
    assert not list(work.iterdir())


@pytest.mark.parametrize("name", ["q[a]", "q*", "q{a,b}", "q?", "q[!a]", "50%25", "a b"])
@pytest.mark.parametrize("store", ["file://{work}", "memory://urls"])
def test_the_name_of_a_folder_is_no_pattern(name: str, store: str, work: Path) -> None:
    folder = f"{store.format(work=work)}/{name}"
    file = UPath(folder) / "below" / "2026-01-01T00-00-00_x_y.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(Path(write(work / "2026-01-01T00-00-00_a_b.json", [answer(0)])).read_bytes())
    found = read(folder)
    assert len(found.table) == 1 and not found.skipped


def test_a_file_url_may_be_percent_encoded(work: Path) -> None:
    (work / "q[a] b").mkdir()
    log = write(work / "q[a] b" / "2026-01-01T00-00-00_x_y.json", [answer(0)])
    for place in (Path(log).parent.as_uri(), Path(log).as_uri()):
        assert "%5B" in place
        assert read(place).logs == [log]


def test_runs_are_fetched_from_a_folder_with_brackets(work: Path) -> None:
    url = f"file://{work}/q[a]"
    run = work / "q[a]" / "mine-[0]"
    for name in ("manifest.json", "checkpoint/[deep]/one.json"):
        (run / name).parent.mkdir(parents=True, exist_ok=True)
        (run / name).write_text(name)
    (work / "q[a]" / "other-1").mkdir()
    fetched = fetch(url, "mine")
    assert (fetched / "mine-[0]" / "checkpoint" / "[deep]" / "one.json").is_file()
    assert [folder.name for folder in fetched.iterdir()] == ["mine-[0]"]
