"""A report on logs behind links, on logs that move while it reads, after one that was killed, in any path."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from inoc_evals.analysis import log_rows, read
from inoc_evals.errors import UserError
from inoc_evals.experiment.pipeline import ReportRequest, pipeline
from inoc_evals.report.viewer import bundle, refuse_inside
from tests.report.logs import SPANISH, evaluated

ODD = "a b \u00fc\n%20#?"
"""A folder's name as nobody should choose it, and somebody will."""


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log behind a linked folder, one behind a link of its own, and one that is where it should be."""
    top = tmp_path_factory.mktemp("report") / ODD
    (top / "logs" / "own").mkdir(parents=True)
    (top / "away").mkdir()
    (top / "logs" / "linked").symlink_to(top / "away")
    about = {"setting": "spanish_caps", "world": "toy", "base": "toy", "arm": "base"}
    evaluated(top / "away", SPANISH, about)
    evaluated(top / "logs" / "own", SPANISH, {**about, "arm": "none"})
    (behind,) = (top / "away").glob("*.eval")
    (top / "third").mkdir()
    moved = (top / "third" / behind.name.replace("_", "-x_", 1)).resolve()
    moved.write_bytes(behind.read_bytes())
    (top / "logs" / "own" / moved.name).symlink_to(moved)
    return top / "logs"


def test_logs_behind_links_are_read_and_shown(logs: Path, tmp_path: Path) -> None:
    loaded = read(logs)
    assert sorted(loaded.table["arm"].unique()) == ["base", "none"]
    assert len(loaded.logs) == 2 and len(loaded.skipped) == 1  # the copy holds the same
    found = sorted(logs.rglob("*.eval")) + sorted((logs / "linked").glob("*.eval"))
    assert len(found) == 3
    to = tmp_path / ODD / "viewer"
    links = bundle(logs, [str(file) for file in found], to)
    assert set(links) == set(map(str, found))
    kept = sorted(file.name for file in (to / "logs").rglob("*.eval"))
    assert kept == sorted(file.name for file in found) and not list(to.rglob("*.eval.tmp"))
    assert not any(file.is_symlink() for file in to.rglob("*"))


def test_a_log_that_was_moved_away_meanwhile_has_no_link(logs: Path, tmp_path: Path) -> None:
    there, gone = next(logs.glob("own/*.eval")), logs / "own" / "2026_gone.eval"
    links = bundle(logs, [str(there), str(gone)], tmp_path / "viewer")
    assert list(links) == [str(there)]


def test_what_a_killed_report_left_goes_with_the_next(logs: Path, tmp_path: Path) -> None:
    (tmp_path / "viewer").mkdir()
    (tmp_path / "viewer" / "half").touch()
    dies = (
        "import os, inspect_ai.log as log, sys; from inoc_evals.report.viewer import bundle;"
        "from pathlib import Path; log.bundle_log_dir = lambda **_: os._exit(9);"
        "bundle(sys.argv[1], [sys.argv[2]], Path(sys.argv[3]))"
    )
    there = str(next(logs.glob("own/*.eval")))
    words = [sys.executable, "-c", dies, str(logs), there, str(tmp_path / "viewer")]
    assert subprocess.run(words, check=False, timeout=120).returncode == 9
    assert len(list(tmp_path.glob(".*.tmp"))) == 2 and (tmp_path / "viewer" / "half").exists()
    bundle(logs, [there], tmp_path / "viewer")
    assert [file.name for file in tmp_path.iterdir()] == ["viewer"]
    assert (tmp_path / "viewer" / "index.html").is_file() and not (tmp_path / "viewer" / "half").exists()


def test_a_report_that_cannot_be_written_is_refused_before_anything_is_trained(
    logs: Path, tmp_path: Path
) -> None:
    class Plan:
        class experiment:
            log_dir = str(logs)

    (tmp_path / "file").touch()
    for folder, said in ((logs / "report", "lies inside the folder of logs"), (tmp_path / "file", "a file")):
        with pytest.raises(UserError, match=said):
            pipeline(Plan, None, report=ReportRequest(folder))  # type: ignore[arg-type]
    with pytest.raises(UserError, match="a file, not a folder"):
        pipeline(Plan, None, figures=tmp_path / "file")  # type: ignore[arg-type]
    refuse_inside(logs, logs.with_name("report"))


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="there, a user's temporary folder is their own")
def test_the_table_cache_trusts_no_folder_that_others_can_write(
    logs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cache").touch()  # so that the cache cannot be written to
    monkeypatch.setenv("INOC_EVALS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(log_rows.tempfile, "gettempdir", lambda: str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    fallback = tmp_path / "tmp" / f"inoc_evals-tables-{os.getuid()}"

    def fresh() -> int:
        log_rows._writable.cache_clear()
        return len(read(logs).table)

    rows = fresh()
    assert rows and fallback.stat().st_mode & 0o777 == 0o700 and len(list(fallback.glob("*.parquet"))) == 2
    assert fresh() == rows
    planted = tmp_path / "planted"
    fallback.rename(planted)
    fallback.symlink_to(planted)
    with pytest.raises(UserError, match="not a folder of yours alone"):
        fresh()
    fallback.unlink()
    fallback.mkdir()
    fallback.chmod(0o777)
    with pytest.raises(UserError, match="set INOC_EVALS_CACHE"):
        fresh()
    if os.getuid() == 0:
        fallback.chmod(0o700)
        os.chown(fallback, 1, 1)
        with pytest.raises(UserError, match="set INOC_EVALS_CACHE"):
            fresh()
    log_rows._writable.cache_clear()
