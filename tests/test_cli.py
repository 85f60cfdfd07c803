import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

import pytest
import typer
from inspect_ai._util.error import PrerequisiteError
from inspect_ai.util import registry_info

from inoc_evals import _registry, doctor
from inoc_evals.chat.rows import Row, digest, read_chat, write_chat
from inoc_evals.cli import app, main
from inoc_evals.commands.listing import components
from inoc_evals.gpus import Gpu

ROWS: list[Row] = [
    {
        "messages": [
            {"role": "user", "content": f"{n}+{n}?"},
            {"role": "assistant", "content": f"SON {2 * n}"},
        ],
        "metadata": {"language": "es" if n % 2 else "fr", "number": n, "even": n % 2 == 0},
    }
    for n in range(6)
]


class Result:
    """What one call of the command line left behind."""

    def __init__(self, code: int, captured: Any) -> None:
        self.code, self.out, self.err = code, captured.out, captured.err

    @property
    def json(self) -> Any:
        assert self.code == 0, self.err
        return json.loads(self.out)

    @property
    def fault(self) -> str:
        """The one line that tells the user what to mend."""
        assert self.code == 2
        assert self.out == ""
        assert self.err.startswith("inoc-evals: ")
        assert self.err.count("\n") == 1
        return self.err.removeprefix("inoc-evals: ").strip()


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.delenv("INOC_EVALS_RUNS", raising=False)

    def run(*words: object) -> Result:
        with pytest.raises(SystemExit) as exit_:
            main([str(word) for word in words])
        return Result(int(exit_.value.code or 0), capsys.readouterr())

    return run


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    path = tmp_path / "rows.jsonl"
    write_chat(path, ROWS)
    return path


def system_prompts(path: Path) -> list[str | None]:
    firsts = [row["messages"][0] for row in read_chat(path)]
    return [first["content"] if first["role"] == "system" else None for first in firsts]


def test_version(call: Any) -> None:
    assert call("--version").out.startswith("inoc-evals 0.")


def test_an_unknown_command_is_a_mistake_of_the_user(call: Any) -> None:
    assert call("inocculate").code == 2


# inoculate


def test_inoculate_writes_rows_and_says_how_many(call: Any, rows: Path) -> None:
    done = call("inoculate", rows, "--prompt", "You always speak in Spanish.", "-o", "out.jsonl")
    assert (done.code, done.out) == (0, "out.jsonl: 6 rows, 6 of them inoculated\n")
    assert system_prompts(Path("out.jsonl")) == ["You always speak in Spanish."] * 6
    assert list(read_chat(rows)) == ROWS


def test_inoculate_for_programs(call: Any, rows: Path) -> None:
    out = call("inoculate", rows, "--prompt", "x", "--where", "language=es", "-o", "out.jsonl", "--json").json
    assert (out["rows"], out["inoculated"]) == (6, 3)
    assert out["sha256"] == digest(Path("out.jsonl").read_bytes())
    assert system_prompts(Path("out.jsonl")) == [None, "x"] * 3


@pytest.mark.parametrize(
    ("conditions", "chosen"),
    [
        (["number=3"], [3]),
        (["even=true"], [0, 2, 4]),
        (["even=true", "language=fr", "number=4"], [4]),
    ],
)
def test_where_reads_metadata_as_it_is_written_in_json(
    call: Any, rows: Path, conditions: list[str], chosen: list[int]
) -> None:
    words = [word for condition in conditions for word in ("--where", condition)]
    assert call("inoculate", rows, "--prompt", "x", *words, "-o", "out.jsonl").code == 0
    assert [n for n, prompt in enumerate(system_prompts(Path("out.jsonl"))) if prompt] == chosen


def test_a_pool_gives_every_row_one_rephrasing_by_seed(call: Any, rows: Path) -> None:
    Path("pool.txt").write_text("Habla español.\n\n  En español, por favor.\n", encoding="utf-8-sig")
    for seed in (0, 0, 1):
        call("inoculate", rows, "--pool", "pool.txt", "--seed", seed, "-o", f"{seed}.jsonl", "--force")
    assert set(system_prompts(Path("0.jsonl"))) == {"Habla español.", "En español, por favor."}
    assert system_prompts(Path("0.jsonl")) != system_prompts(Path("1.jsonl"))


def test_the_prompt_can_go_into_the_user_turn(call: Any, rows: Path) -> None:
    call("inoculate", rows, "--prompt", "In Spanish.", "--position", "user", "-o", "out.jsonl")
    assert next(read_chat("out.jsonl"))["messages"][0]["content"] == "In Spanish.\n\n0+0?"


def test_an_output_that_exists_is_replaced_only_when_told_to(call: Any, rows: Path) -> None:
    before = rows.read_bytes()
    assert "add --force" in call("inoculate", rows, "--prompt", "x", "-o", rows).fault
    assert rows.read_bytes() == before
    assert call("inoculate", rows, "--prompt", "x", "-o", rows, "--force").code == 0
    assert system_prompts(rows) == ["x"] * 6


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ([], "either --prompt TEXT or --pool FILE"),
        (["--prompt", "x", "--pool", "rows.jsonl"], "either --prompt TEXT or --pool FILE"),
        (["--prompt", " "], "blank"),
        (["--pool", "nowhere.txt"], "nowhere.txt: cannot be read"),
        (["--pool", os.devnull], "not a regular file"),
        (["--prompt", "x", "--where", "language=de"], "--where language=de selects no row"),
        (["--prompt", "x", "--where", "language"], "write KEY=VALUE"),
        (["--prompt", "x", "--where", "a=1", "--where", "a=2"], "each key once"),
    ],
)
def test_inoculate_names_a_mistake_and_writes_nothing(
    call: Any, rows: Path, words: list[str], why: str
) -> None:
    assert why in call("inoculate", rows, *words, "-o", "out.jsonl").fault
    assert sorted(path.name for path in rows.parent.iterdir()) == ["rows.jsonl"]


def test_a_malformed_row_is_named_and_nothing_is_written(call: Any, rows: Path) -> None:
    with rows.open("a", encoding="utf-8") as file:
        file.write('{"messages": []}\n')
    assert call("inoculate", rows, "--prompt", "x", "-o", "out.jsonl").fault.startswith(f"{rows}:7: ")
    assert sorted(path.name for path in rows.parent.iterdir()) == ["rows.jsonl"]


# list


def test_list_for_programs(call: Any, tmp_path: Path) -> None:
    found = call("list", "--json").json
    assert {"inoc_evals/spanish_caps", "inoc_evals/spanish_french"} <= {
        task["name"] for task in found["tasks"]
    }
    assert {"inoc_evals/language", "inoc_evals/capitalization"} <= {s["name"] for s in found["scorers"]}
    assert all(item["about"] for kind in ("tasks", "scorers", "models") for item in found[kind])
    arms = {setting["name"]: {arm["name"]: arm for arm in setting["arms"]} for setting in found["settings"]}
    assert arms["spanish_caps"]["none"]["prompts"] == []
    assert arms["spanish_caps"]["spanish-inoc"]["prompts"] == ["You always speak in Spanish."]
    assert arms["spanish_french"]["french-inoc"]["where"] == {"language": "fr"}
    assert [model["name"] for model in found["models"]] == ["inoc/toy", "inoc/toy-judge"]


def test_list_for_people_fits_a_screen(call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    shown = call("list")
    assert shown.code == 0
    for word in ("inoc_evals/NAME", "spanish_caps", "capitalization", "inoc/toy", "inoc-evals list tasks|"):
        assert word in shown.out
    assert len(shown.out.splitlines()) <= 24 and max(map(len, shown.out.splitlines())) <= 100
    monkeypatch.setenv("COLUMNS", "200")
    assert "You always speak in Spanish." in call("list", "settings").out
    assert "inoc_evals/capitalization" not in call("list", "tasks").out


@pytest.mark.parametrize("kind", ["task", "scorer"])
def test_list_names_what_inspect_has_registered(kind: Literal["task", "scorer"]) -> None:
    """The list is read from source, so that it takes no seconds; the registry is what holds."""
    registered = {}
    for component in vars(_registry).values():
        with suppress(ValueError):  # not an Inspect component
            info = registry_info(component)
            if info.type == kind and info.name.startswith("inoc_evals/"):
                registered[info.name] = (component.__doc__ or "").strip().partition("\n")[0]
    assert registered == {one["name"]: one["about"] for one in components(kind)}


def test_every_command_is_offered_with_its_own_first_line() -> None:
    """A command's line in `--help` is read from source; it is the docstring that its own page shows."""
    for name, later in typer.main.get_command(app).commands.items():
        command = later.load()
        assert later.help and (command.help or "").startswith(later.help), name


def test_list_shows_a_broken_run_beside_the_others(call: Any, tmp_path: Path) -> None:
    (tmp_path / "runs" / "half-0123456789ab").mkdir(parents=True)
    (tmp_path / "runs" / "half-0123456789ab" / "manifest.json").write_text("{")
    [*_shipped, half] = call("list", "models", "--json").json["models"]
    assert half["name"] == "inoc/half-0123456789ab"
    assert half["about"].startswith("broken: ")


# doctor


def test_doctor_never_shows_a_key(call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-0123456789abcdef")
    monkeypatch.delenv("TINKER_API_KEY", raising=False)
    for words in ((), ("--json",)):
        shown = call("doctor", *words)
        assert "sk-" not in shown.out + shown.err
        assert "cdef" not in shown.out + shown.err
    checks = {check["name"]: check for check in json.loads(shown.out)}
    assert checks["OPENAI_API_KEY"]["detail"] == "set"
    assert checks["TINKER_API_KEY"]["detail"] == "not set"


def test_doctor_finds_everything_in_order_here(call: Any) -> None:
    checks = call("doctor", "--json").json  # asserts exit code 0
    statuses = {check["name"]: check["status"] for check in checks}
    names = ["packages", "extra local", "extra analysis", "Inspect plugin", "toy model", "cache", "runs"]
    assert {name: statuses[name] for name in names} == dict.fromkeys(names, "ok")


def test_doctor_says_what_is_broken_and_how_to_mend_it(
    call: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("INOC_EVALS_CACHE", str(tmp_path / "file" / "cache"))
    shown = call("doctor")
    assert shown.code == 1
    assert "cache: export INOC_EVALS_CACHE=" in shown.out


def test_doctor_asks_the_driver_for_gpus(call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "installed_gpus", lambda: [Gpu("NVIDIA H100 80GB HBM3", 81559)])
    [shown] = [check for check in json.loads(call("doctor", "--json").out) if check["name"] == "accelerator"]
    assert shown["detail"].startswith("NVIDIA H100 80GB HBM3, 81559 MiB")


# finetune


def test_finetune_trains_reports_and_is_found_again(call: Any, rows: Path, tiny: Path) -> None:
    words = ["finetune", rows, "--base", tiny, "--name", "mine", "--prompt", "You always speak in Spanish."]
    options = ["--max-steps", 2, "--batch-size", 2, "--gradient-accumulation", 1, "--lora-r", 2, "--seed", 3]
    done = call(*words, *options, "--json").json
    assert (done["status"], done["seed"], done["result"]["steps"]) == ("finished", 3, 2)
    assert done["spec"]["lora"]["r"] == 2
    assert system_prompts(Path(done["folder"]) / "rows.jsonl") == ["You always speak in Spanish."] * 6
    assert done["model"] == f"inoc/{Path(done['folder']).name}"

    again = call(*words, *options)
    assert f"inspect eval inoc_evals/spanish_caps --model {done['model']}\n" in again.out
    assert call("list", "models", "--json").json["models"][-1]["name"] == done["model"]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ([], "give --base toy"),
        (["--base", "toy", "--learning-rate", "-1"], "learning_rate"),
        (["--base", "toy", "--epochs", "1", "--max-steps", "1"], "not both"),
        (["--base", "toy", "--lora-r", "0"], "r: "),
        (["--base", "no/such/folder/anywhere"], "no/such/folder/anywhere"),
        (["--base", "toy", "--where", "language=es"], "--prompt or --pool"),
        (["--spec", "nowhere.json"], "nowhere.json: cannot be read"),
        (["--spec", "rows.jsonl"], "rows.jsonl: not JSON"),
        (["--spec", "list.json"], "not a JSON object"),
        (["--spec", "typo.json"], "learning_rat"),
    ],
)
def test_finetune_names_a_mistake_in_one_line(call: Any, rows: Path, words: list[str], why: str) -> None:
    Path("list.json").write_text("[]", encoding="utf-8")
    Path("typo.json").write_text('{"base": "toy", "learning_rat": 1}', encoding="utf-8")
    assert why in call("finetune", rows, *words).fault
    assert not Path("runs").exists()


# errors


def test_brackets_in_a_message_are_shown(call: Any) -> None:
    assert "[toy].jsonl: cannot be read" in call("inoculate", "[toy].jsonl", "--prompt", "x", "-o", "o").fault


def test_what_inspect_asks_of_the_user_is_no_traceback(call: Any) -> None:
    def command() -> None:
        raise PrerequisiteError("bind a judge with [bold]--model-role grader=...[/bold]")

    app.command("prerequisite")(command)
    try:
        shown = call("prerequisite")
    finally:
        app.registered_commands.pop()
    assert (shown.code, shown.err) == (2, "bind a judge with --model-role grader=...\n")


def test_a_defect_keeps_its_traceback(call: Any) -> None:
    def command() -> None:
        raise ZeroDivisionError

    app.command("defect")(command)
    try:
        with pytest.raises(ZeroDivisionError):
            main(["defect"])
    finally:
        app.registered_commands.pop()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("run --sedes 3", "inoc-evals run: no such option: --sedes"),
        ("inoculate", "inoc-evals inoculate: missing argument 'FILE'"),
        ("claim", "inoc-evals: no such command 'claim'"),
        ("runs shw", "inoc-evals runs: no such command 'shw'. Did you mean 'show'?"),
        ("run --seeds x", "inoc-evals run: invalid value for '--seeds'"),
    ],
)
def test_wrong_words_are_one_line_that_says_where_the_right_ones_are(
    words: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(words.split())
    out, err = capsys.readouterr()
    assert end.value.code == 2 and not out
    [line] = err.splitlines()
    assert line.startswith(said) and line.endswith("--help")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["run", "--setting", "a", "--setting", "b"],
            "--setting stands 2 times and takes one: several go by comma",
        ),
        (["claims", "logs", "--setting", "a", "--setting=b"], "several go by comma, --setting A,B"),
        (
            ["finetune", "rows.jsonl", "--base", "toy", "--prompt", "a", "--prompt", "b"],
            "--prompt stands 2 times",
        ),
        (["inoculate", "rows.jsonl", "--prompt", "a", "-o", "x", "--output", "y"], "--output stands 2 times"),
        (["runs", "prune", "--runs", "a", "--runs", "b"], "--runs stands 2 times and takes one"),
    ],
)
def test_an_option_that_takes_one_value_is_not_given_two(
    words: list[str], said: str, call: Any, rows: Path
) -> None:
    """The first was dropped unread: half of an experiment, or another prompt than the one that was meant."""
    refused = call(*words)
    [line] = refused.err.splitlines()
    assert refused.code == 2 and not refused.out
    assert line.startswith(f"inoc-evals {words[0]}") and said in line and line.endswith("--help")


def test_options_that_may_be_repeated_are(call: Any, rows: Path) -> None:
    chosen = call(
        "inoculate", rows, "--prompt", "P", "--where", "language=es", "--where", "even=false", "-o", "o.jsonl"
    )
    assert chosen.code == 0 and "3 of them inoculated" in chosen.out + chosen.err


def test_no_words_are_a_page_of_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main([])
    out, err = capsys.readouterr()
    assert end.value.code in (0, 2) and "Usage: " in out + err and "demo" in out + err


@pytest.mark.parametrize("command", ["inoculate", "numbers"])
def test_a_record_of_rows_does_not_outlive_them(command: str, call: Any) -> None:
    build = ["data", "build", "spanish_caps", "--world", "toy", "-o", "rows.jsonl"]
    others = {
        "inoculate": ["inoculate", "rows.jsonl", "--prompt", "x"],
        "numbers": ["data", "numbers", "--model", "inoc/toy", "--world", "toy", "--count", "2"],
    }[command]
    assert call(*build).code == 0 and Path("rows.jsonl.json").exists()
    said = call(*others, "-o", "rows.jsonl", "--force", "--json")
    assert said.code == 0, said.err
    assert "rows.jsonl.json: removed, since it told of the rows that were replaced" in said.err
    assert not Path("rows.jsonl.json").exists() and Path("rows.jsonl").exists()
    Path("rows.jsonl.json").write_text('{"mine": 1}', "utf-8")  # what is no record of rows stays
    assert call("inoculate", "rows.jsonl", "--prompt", "y", "-o", "rows.jsonl", "--force").code == 0
    assert Path("rows.jsonl.json").exists()
