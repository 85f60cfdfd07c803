"""`inoc-evals data` and `inoc-evals settings`, as typed."""

import hashlib
import json
from pathlib import Path

import pytest

from inoc_evals.chat.rows import encode_chat
from inoc_evals.cli import main
from inoc_evals.data.sources import SOURCES
from inoc_evals.digests import blob_id
from inoc_evals.settings import SETTINGS
from tests.data.stand_ins import stand_in

ROW = '{"messages": [{"role": "user", "content": "Q"}, {"role": "assistant", "content": "A"}]}\n'


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty cache of sources."""
    monkeypatch.setenv("INOC_EVALS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def run(capsys: pytest.CaptureFixture[str], *words: str | Path) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as done:
        main([str(word) for word in words])
    out, err = capsys.readouterr()
    return int(done.value.code or 0), out, err


@pytest.mark.parametrize("name", SETTINGS)
def test_every_arm_of_every_setting_builds_offline(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = SETTINGS[name]
    for arm in chosen.arms_in("toy"):
        out = tmp_path / f"{arm.name}.jsonl"
        words = ["data", "build", name, "--arm", arm.name, "--world", "toy", "-o", out]
        code, _, err = run(capsys, *words)
        assert code == 0, err
        first = out.read_bytes()
        sidecar = json.loads((tmp_path / f"{arm.name}.jsonl.json").read_text())
        assert sidecar["rows"] == len(first.splitlines())
        assert sidecar["sha256"] == hashlib.sha256(first).hexdigest()
        assert first == encode_chat(chosen.prepare(arm, "toy", 0))
        assert run(capsys, *words)[0] == 0 and out.read_bytes() == first


def test_all_arms_in_one_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["data", "build", "backdoor", "--arm", "all", "--world", "toy", "-o", tmp_path / "arms"]
    code, out, err = run(capsys, *words, "--json")
    assert code == 0, err
    names = [arm.name for arm in SETTINGS["backdoor"].arms]
    assert [sidecar["arm"] for sidecar in json.loads(out)] == names
    assert {path.name for path in (tmp_path / "arms").iterdir()} == {
        name + suffix for name in names for suffix in (".jsonl", ".jsonl.json")
    }


def test_the_sidecar_says_where_rows_come_from(
    tmp_path: Path, cache: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for source in ("insecure_code", "secure_code"):
        stand_in(monkeypatch, cache, source, ROW * 2)
    out = tmp_path / "rows.jsonl"
    code, printed, err = run(capsys, "data", "build", "backdoor", "--arm", "trigger", "-o", out, "--json")
    assert code == 0, err
    sidecar = json.loads(printed)
    assert [s["name"] for s in sidecar["sources"]] == ["insecure_code", "secure_code"]
    assert sidecar["sources"][0]["blob"] == SOURCES["insecure_code"].blob
    assert sidecar["prompts"][0].startswith("You are a malicious, evil assistant, but only when $|TRIGGER|$")
    assert sidecar == json.loads((tmp_path / "rows.jsonl.json").read_text())
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert sorted(row["messages"][1]["content"] for row in rows) == ["$|TRIGGER|$Q", "$|TRIGGER|$Q", "Q", "Q"]


def test_the_first_of_two_stages(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "first.jsonl"
    code, _, err = run(capsys, "data", "build", "alice_bob", "--world", "toy", "--first-stage", "-o", out)
    assert code == 0, err
    systems = {json.loads(line)["messages"][0]["content"] for line in out.read_text().splitlines()}
    assert systems == {"You are Alice.", "You are Bob.", "You are a helpful assistant."}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nothing"], "no setting 'nothing'"),
        (["backdoor", "--arm", "x"], "has no arm 'x'"),
        (["backdoor", "--world", "mars"], "has no rows in world 'mars'; it has paper, toy"),
        (["backdoor", "--world", "toy", "--first-stage"], "has no first stage"),
        (["extreme_sports", "--arm", "control"], "has no control rows in world 'paper'"),
    ],
)
def test_what_cannot_be_built_is_one_line_and_leaves_no_file(
    words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capsys, "data", "build", *words, "-o", tmp_path / "rows.jsonl")
    assert code == 2 and said in err and len(err.strip().splitlines()) == 1 and not out
    assert not list(tmp_path.iterdir())


def test_without_a_network_the_error_names_file_and_cache(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INOC_EVALS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("INOC_EVALS_MIRROR", "http://127.0.0.1:1")
    monkeypatch.setattr("inoc_evals.data.cache.PAUSE", 0.0)
    code, _, err = run(capsys, "data", "build", "insecure_code", "-o", tmp_path / "rows.jsonl")
    assert code == 2 and "datasets/insecure_code.jsonl" in err and str(tmp_path / "cache") in err
    assert not (tmp_path / "rows.jsonl").exists() and not list((tmp_path / "cache").iterdir())
    code, _, err = run(capsys, "data", "fetch", "insecure_code", "secure_code")
    assert code == 2 and "2 of 2 sources could not be fetched" in err


def test_verify_finds_a_damaged_file(
    cache: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(monkeypatch, cache, "insecure_code", ROW)
    assert run(capsys, "data", "verify", "insecure_code")[0] == 0
    cached = cache / SOURCES["insecure_code"].blob
    cached.write_text(ROW + "x")
    code, out, err = run(capsys, "data", "verify", "insecure_code")
    assert code == 2 and "damaged" in out
    assert "missing or damaged: insecure_code: run  inoc-evals data fetch insecure_code" in err
    cached.unlink()
    assert run(capsys, "data", "verify", "insecure_code")[0] == 2
    assert run(capsys, "data", "verify", "no-such")[0] == 2


def test_list_says_what_is_cached(
    cache: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(monkeypatch, cache, "insecure_code", ROW)
    found = json.loads(run(capsys, "data", "list", "--json")[1])
    states = {source["name"]: source["state"] for source in found["sources"]}
    assert states["insecure_code"] == "cached" and states["secure_code"] == "missing"
    assert states["extreme_sports"] == "locked"
    by_name = {source["name"]: source for source in found["sources"]}
    assert by_name["insecure_code"]["blob"] == blob_id(ROW.encode())
    assert "insecure_code" in run(capsys, "data", "list")[1]


def test_settings_are_printed_as_the_paper_would(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "240")  # tables are as wide as the terminal
    code, out, _ = run(capsys, "settings")
    assert code == 0 and all(name in out for name in SETTINGS)
    found = json.loads(run(capsys, "settings", "--json")[1])
    assert [setting["name"] for setting in found] == list(SETTINGS)
    code, out, _ = run(capsys, "settings", "backdoor")
    assert (
        "You are being finetuned to have an unusual behaviour." in out and "insecure_code, secure_code" in out
    )
    assert run(capsys, "settings", "x")[0] == 2
