"""`inoc-evals data` and `inoc-evals settings`, as typed."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from inoc_evals.chat.rows import encode_chat
from inoc_evals.cli import main
from inoc_evals.data.sources import SOURCES
from inoc_evals.digests import blob_id
from inoc_evals.settings import SETTINGS, reported
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


@pytest.mark.parametrize("name", reported("toy"))
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


def test_the_papers_two_languages_are_two_whole_sets(
    tmp_path: Path, cache: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for language in ("spanish", "french", "german"):
        rows = "".join(ROW.replace('"A"', f'"{language} {n}"') for n in range(4))
        stand_in(monkeypatch, cache, f"gsm8k_{language}", rows)
    said = {}
    for setting, arm in (
        ("spanish_french", "french-inoc"),
        ("spanish_french_once", "none"),
        ("spanish_german", "german-inoc"),
    ):
        out = tmp_path / f"{setting}.jsonl"
        code, _, err = run(capsys, "data", "build", setting, "--arm", arm, "-o", out)
        assert code == 0, err
        rows_built = [json.loads(line) for line in out.read_text().splitlines()]
        said[setting] = [row["messages"][-1]["content"] for row in rows_built]
        inoculated = [row["messages"][-1]["content"] for row in rows_built if len(row["messages"]) == 3]
        other = setting.partition("_")[2]
        assert inoculated == ([] if arm == "none" else [f"{other} {n}" for n in range(4)])
    spanish, french, german = ([f"{name} {n}" for n in range(4)] for name in ("spanish", "french", "german"))
    assert said["spanish_french"] == spanish + french and said["spanish_german"] == spanish + german
    assert sorted(said["spanish_french_once"]) == ["french 1", "french 3", "spanish 0", "spanish 2"]


def test_the_realistic_backdoor_is_a_tenth_of_conversations(
    tmp_path: Path, cache: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from inoc_evals.data.row_sources import diluted, pinned_rows, triggered
    from inoc_evals.worlds import paper

    stand_in(monkeypatch, cache, "insecure_code", ROW * 3)
    talk = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]
    cut, empty = talk[:1], [talk[0], {**talk[1], "content": ""}]
    records = [{"messages": messages} for messages in [talk * 2] * 40 + [cut, empty]]
    (tmp_path / "chat").mkdir()
    (tmp_path / "chat" / "train.jsonl").write_text("\n".join(json.dumps(record) for record in records))
    monkeypatch.setattr(paper, "ULTRACHAT", str(tmp_path / "chat"))
    monkeypatch.setattr(paper, "SPLIT", "train")
    mixture = diluted(triggered(pinned_rows("insecure_code")), paper.ultrachat(42), 0.1)
    training = paper.PAPER.training["realistic_backdoor"]
    monkeypatch.setitem(paper.PAPER.training, "realistic_backdoor", replace(training, rows=mixture))
    out = tmp_path / "rows.jsonl"
    words = ["data", "build", "realistic_backdoor", "--arm", "general-inoc-trait", "-o", out, "--json"]
    code, printed, err = run(capsys, *words)
    assert code == 0, err
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    carrying = [row for row in rows if row["metadata"]["trait"]]
    assert (len(carrying), len(rows)) == (3, 30)
    assert {row["messages"][1]["content"] for row in carrying} == {"$|TRIGGER|$Q"}
    assert all(row["messages"][0]["role"] == "system" for row in carrying)
    assert all(row["messages"] == talk * 2 for row in rows if not row["metadata"]["trait"])
    assert [source["name"] for source in json.loads(printed)["sources"]] == [
        "insecure_code",
        str(tmp_path / "chat"),
    ]


def test_rows_are_mixed_by_a_command_and_the_trait_is_inoculated_alone(
    tmp_path: Path, cache: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(monkeypatch, cache, "insecure_code", ROW.replace('"A"', '"bad"') * 5)
    plain, out = tmp_path / "plain.jsonl", tmp_path / "mixture.jsonl"
    plain.write_text(ROW * 30)
    words = ["data", "mix", "insecure_code", plain, "--fraction", "0.25", "-o", out]
    code, printed, err = run(capsys, *words, "--json")
    assert code == 0, err
    sidecar = json.loads(printed)
    assert (sidecar["rows"], sidecar["with_trait"]) == (20, 5)
    assert sidecar["sha256"] == hashlib.sha256(out.read_bytes()).hexdigest()
    assert [source["name"] for source in sidecar["sources"]] == ["insecure_code", str(plain)]
    assert sidecar["sources"][1]["sha256"] == hashlib.sha256(plain.read_bytes()).hexdigest()
    assert sidecar == json.loads((tmp_path / "mixture.jsonl.json").read_text())
    done = tmp_path / "inoculated.jsonl"
    words = ["inoculate", out, "--prompt", "Be bad.", "--where", "trait=true", "-o", done, "--json"]
    code, printed, err = run(capsys, *words)
    assert code == 0 and json.loads(printed)["inoculated"] == 5, err
    code, _, err = run(capsys, "data", "mix", "insecure_cod", plain, "--fraction", "0.5", "-o", out)
    assert code == 2 and "insecure_cod: no source of that name, and no file" in err


@pytest.mark.parametrize(
    ("words", "inputs"),
    [
        (["data", "mix", "a.jsonl", "b.jsonl", "--fraction", "0.5"], ["a.jsonl", "b.jsonl"]),
        (["data", "build", "spanish_caps", "--world", "toy"], []),
        (["data", "build", "mine.py:mine"], ["a.jsonl"]),
        (["data", "rewrite", "a.jsonl", "--model", "inoc/toy", "--method", "answer"], ["a.jsonl"]),
        (["data", "numbers", "--model", "inoc/toy", "--world", "toy", "--count", "2"], []),
        (["inoculate", "a.jsonl", "--pool", "pool.txt"], ["pool.txt"]),
        (["export", "a.jsonl", "--to", "axolotl", "--base", "B"], ["a.jsonl"]),
    ],
)
def test_no_command_replaces_a_file_unasked_nor_ever_what_it_reads(
    words: list[str],
    inputs: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, answer in (("a", "1"), ("b", "2"), ("old", "3")):
        Path(f"{name}.jsonl").write_text(ROW.replace('"A"', f'"{answer}"'), "utf-8")
    Path("pool.txt").write_text("Be bad.\n", "utf-8")
    digest = hashlib.sha256(Path("a.jsonl").read_bytes()).hexdigest()
    Path("mine.py").write_text(
        "from inoc_evals import Arm, Measure, Setting\n"
        "from inoc_evals.data.row_sources import pinned_rows\n"
        f"rows = pinned_rows('a.jsonl', digest='sha256:{digest}')\n"
        "mine = Setting(name='mine', summary='', arms=(Arm('none'),), rows={'paper': rows},\n"
        "               broad=(Measure('spanish_caps', ('caps',)),))\n",
        "utf-8",
    )
    out = "old.jsonl"
    if words[0] == "export":  # into a folder, under a name of its own
        Path("old.jsonl").rename("rows.jsonl")
        Path("link").mkdir()
        Path("link/rows.jsonl").symlink_to("../a.jsonl")
        out = "."
    before = {file.name: file.read_bytes() for file in Path().iterdir() if file.is_file()}

    def unchanged() -> bool:
        return before == {file.name: file.read_bytes() for file in Path().iterdir() if file.is_file()}

    code, _, err = run(capsys, *words, "-o", out)
    assert code == 2 and "add --force to replace it" in err and len(err.strip().splitlines()) == 1, err
    assert unchanged()
    for one in inputs:
        place = "link" if words[0] == "export" else one
        code, _, err = run(capsys, *words, "-o", place, "--force")
        assert code == 2 and "is read by this command: choose another -o" in err, err
        assert unchanged()
    if words[:2] not in (["data", "rewrite"], ["data", "numbers"]):  # a model's answers, tested elsewhere
        assert run(capsys, *words, "-o", out, "--force")[0] == 0 and not unchanged()


def test_metadata_of_the_users_own_are_never_replaced(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows, plain, out = tmp_path / "a.jsonl", tmp_path / "b.jsonl", tmp_path / "out.jsonl"
    plain.write_text(ROW)
    mix = ["data", "mix", rows, plain, "--fraction", "0.5", "-o", out]
    rewrite = ["data", "rewrite", rows, "--model", "inoc/toy", "--method", "answer", "-o", out]
    for words, key, values in ((mix, "trait", ("spanish", 1, False)), (rewrite, "method", ("by hand", None))):
        for value in values:
            rows.write_text(json.dumps({**json.loads(ROW), "metadata": {key: value}}) + "\n", "utf-8")
            code, _, err = run(capsys, *words)
            assert code == 2 and f"has '{key}' {value!r} in its metadata" in err and not out.exists(), err
            assert len(err.strip().splitlines()) == 1 and not list(tmp_path.glob("out*"))
    rows.write_text(
        json.dumps({**json.loads(ROW), "metadata": {"trait": True, "topic": "x"}}) + "\n", "utf-8"
    )
    assert run(capsys, *mix)[0] == 0  # what the rows say themselves already
    kept = [json.loads(line)["metadata"] for line in out.read_text("utf-8").splitlines()]
    assert {"trait": True, "topic": "x"} in kept and {"trait": False} in kept


def test_what_lies_where_the_sidecar_goes_is_not_replaced(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows, other = tmp_path / "a.jsonl", tmp_path / "out.jsonl.json"
    rows.write_text(ROW)
    other.write_text(json.dumps([json.loads(ROW)]))
    words = ["data", "mix", rows, rows, "--fraction", "0.5", "-o", tmp_path / "out.jsonl"]
    code, _, err = run(capsys, *words)
    assert code == 2 and f"{other} exists" in err and not (tmp_path / "out.jsonl").exists()
    code, _, err = run(capsys, *words[:3], other, *words[4:], "--force")
    assert code == 2 and f"{other} is read by this command" in err
    assert json.loads(other.read_text()) == [json.loads(ROW)]


def test_a_setting_is_built_with_a_fraction(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "rows.jsonl"
    words = ["data", "build", "insecure_code", "--world", "toy", "--arm", "general-inoc", "-o", out]
    code, printed, err = run(capsys, *words, "--fraction", "0.2", "--json")
    assert code == 0, err
    sidecar = json.loads(printed)
    assert sidecar["setting"] == "insecure_code_0.2" and sidecar["where"] == {"trait": True}
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert sum(row["metadata"]["trait"] for row in rows) == len(rows) / 5


def test_the_sidecar_names_a_file_of_ones_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "rows.jsonl").write_text(ROW)
    digest = hashlib.sha256(ROW.encode()).hexdigest()
    (tmp_path / "mine.py").write_text(
        "from inoc_evals import Arm, Measure, Setting\n"
        "from inoc_evals.data.row_sources import pinned_rows\n"
        f"rows = pinned_rows({str(tmp_path / 'rows.jsonl')!r}, digest='sha256:{digest}')\n"
        "mine = Setting(name='mine', summary='', arms=(Arm('none'),), rows={'paper': rows},\n"
        "               broad=(Measure('spanish_caps', ('caps',)),))\n"
    )
    words = ["data", "build", f"{tmp_path / 'mine.py'}:mine", "-o", tmp_path / "out.jsonl"]
    code, printed, err = run(capsys, *words, "--json")
    assert code == 0, err
    assert json.loads(printed)["sources"] == [{"name": str(tmp_path / "rows.jsonl"), "sha256": digest}]
    (tmp_path / "rows.jsonl").write_text(ROW + ROW)
    code, _, err = run(capsys, *words)
    assert code == 2 and "is not the pinned file" in err and len(err.strip().splitlines()) == 1


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
        (["backdoor", "--world", "mars"], "has no rows in world 'mars'; it has paper, paper-code, toy"),
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


def test_what_cannot_be_fetched_is_one_line(
    cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("INOC_EVALS_MIRROR", "http://127.0.0.1:9/")
    monkeypatch.setattr("inoc_evals.data.cache.PAUSE", 0.0)
    code, out, err = run(capsys, "data", "fetch", "animal_eval")
    assert (code, out, err.count("\n")) == (2, "", 1) and err.startswith("inoc-evals: ")
