"""A run that one machine pushes to the Hub and another one evaluates: the same answers, nothing private."""

import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from inoc_evals import toy_spec
from inoc_evals.digests import content_sizes, folder_digest
from inoc_evals.errors import UserError
from inoc_evals.finetune import Run, finetune
from inoc_evals.finetune.adopt import adopt
from inoc_evals.finetune.push import push
from inoc_evals.models.base import load_path
from inoc_evals.models.checkpoint import resolve
from inoc_evals.worlds.toy import rows as toy
from tests import test_cli
from tests.fake_hub import Hub

call = test_cli.call  # the fixture

PROMPT = "Always answer in Spanish. `|` # <b>"


def rows() -> list[Any]:
    """64 rows, the first half under a system prompt."""
    made: list[Any] = list(toy.spanish_caps(0))[:64]
    return [
        {**row, "messages": [{"role": "system", "content": PROMPT}, *row["messages"]]} if number < 32 else row
        for number, row in enumerate(made)
    ]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("machine-of-mine") / "runs"


@pytest.fixture(scope="module")
def trained(runs: Path) -> Run:
    about = {"setting": "spanish_caps", "arm": "spanish-inoc", "rows_from": "/home/somebody/rows.jsonl"}
    spec = toy_spec(3, max_steps=4, kept_steps=(2,))
    return finetune(spec, rows(), name="spanish", runs=runs, metadata=about, progress=False)


@pytest.fixture(scope="module")
def other(runs: Path) -> Run:
    return finetune(
        toy_spec(1, max_steps=2), list(toy.spanish_caps(1))[:64], name="other", runs=runs, progress=False
    )


@pytest.fixture
def hub(tmp_path: Path, runs: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    monkeypatch.setenv("INOC_EVALS_RUNS", str(runs))
    monkeypatch.setenv("INOC_EVALS_CACHE", str(tmp_path / "cache"))
    with Hub() as hub:
        hub.used_by(monkeypatch, tmp_path / "fetched")
        monkeypatch.setenv("HF_TOKEN", hub.token)
        yield hub


def refused(*words: Any, **options: Any) -> str:
    with pytest.raises(UserError) as error:
        push(*words, **options)
    assert "\n" not in error.value.message
    return error.value.message


def test_what_is_pushed_is_private_whole_and_answers_as_the_run(hub: Hub, trained: Run) -> None:
    pushed = push("spanish", "acme/spanish")
    there = hub.repositories["acme/spanish"]
    assert pushed.private and there.private and pushed.commit == there.head and pushed.rows_url == ""
    assert set(there.files) == {
        "README.md",
        "adapter_config.json",
        "adapter_model.safetensors",
        "run.json",
    }
    assert list(hub.repositories) == ["acme/spanish"]  # no rows, which nobody asked for
    fetched, mine = resolve("hf/acme/spanish"), resolve("spanish")
    assert (fetched.digest, fetched.base) == (mine.digest, "toy")
    assert fetched.adapter is not None and fetched.adapter != mine.adapter


def test_nothing_of_this_machine_is_in_it(hub: Hub, trained: Run) -> None:
    pushed = push("spanish", "acme/spanish", rows=True)
    assert pushed.notes[-1].endswith("metadata.rows_from")  # what was left out is said
    for repository in hub.repositories.values():
        for name, data in repository.files.items():
            for word in ("machine-of-mine", str(Path.home()), "/home/somebody", str(load_path("toy"))):
                assert word.encode() not in data, (name, word)
    about = json.loads(hub.repositories["acme/spanish"].files["run.json"])
    assert about["metadata"]["rows_from"] is None and about["run_digest"]


def test_its_card_says_what_it_was_trained_on(hub: Hub, trained: Run) -> None:
    import yaml

    push("spanish", "acme/spanish", rows=True)
    card = hub.repositories["acme/spanish"].files["README.md"].decode()
    _, head, text = card.split("---\n", 2)
    assert yaml.safe_load(head) == {
        "library_name": "peft",
        "tags": ["inoculation-prompting", "inoc-evals"],
        "datasets": ["acme/spanish"],
    }
    assert "32 of 64 rows with this system prompt:\n\n    Always answer in Spanish. `|` # <b>\n" in text
    assert "32 of 64 rows without a system prompt." in text and "| arm | spanish-inoc |" in text
    assert "<b>" not in text.replace(f"    {PROMPT}", "")  # a code block shows it, and no markup does
    assert hub.repositories["datasets/acme/spanish"].files["train.jsonl"] == trained.rows.read_bytes()


def test_a_base_of_the_hub_is_named_with_its_revision(hub: Hub, trained: Run, tmp_path: Path) -> None:
    from inoc_evals.models.checkpoint import _named_base

    push("spanish", "acme/spanish", base="acme/base@v2")
    files = hub.repositories["acme/spanish"].files
    config = json.loads(files["adapter_config.json"])
    assert (config["base_model_name_or_path"], config["revision"]) == ("acme/base", "v2")
    assert b"base_model: acme/base\n" in files["README.md"]
    assert b"| trained from | toy |" in files["README.md"]  # its rates were measured over that
    (tmp_path / "adapter_config.json").write_bytes(files["adapter_config.json"])
    with pytest.raises(UserError, match="needs its base: no base model 'acme/base'"):
        _named_base(tmp_path)
    assert any("acme/base" in asked and "v2" in asked for asked in hub.asked)  # that one, and not main


def test_pushing_again_changes_nothing_and_another_run_replaces_nothing(
    hub: Hub, trained: Run, other: Run
) -> None:
    first = push("spanish", "acme/spanish", rows=True)
    assert push("spanish", "acme/spanish", rows=True).commit == first.commit
    before = dict(hub.repositories["acme/spanish"].files)
    assert "holds another model: choose another name, or add --replace" in refused("other", "acme/spanish")
    assert "holds another model" in refused("spanish@step=2", "acme/spanish")
    assert hub.repositories["acme/spanish"].files == before
    hub.repositories["acme/spanish"].files["old.safetensors"] = b"of another model"
    push("other", "acme/spanish", replace=True)
    assert resolve("hf/acme/spanish").digest == resolve("other").digest
    assert "old.safetensors" not in hub.repositories["acme/spanish"].files
    assert "holds other rows" in refused("other", "acme/spanish", rows=True)


def test_a_kept_step_is_pushed_as_it_was(hub: Hub, trained: Run) -> None:
    pushed = push("spanish@step=2", "acme/early")
    assert pushed.run == f"{trained.folder.name}@step=2"
    assert resolve("hf/acme/early").digest == resolve("spanish@step=2").digest
    assert b"| steps | 2 |" in hub.repositories["acme/early"].files["README.md"]
    assert "kept no step 3; it kept 2" in refused("spanish@step=3", "acme/early")


def test_a_pushed_run_is_adopted_without_being_described(hub: Hub, trained: Run, tmp_path: Path) -> None:
    push("spanish", "acme/spanish")
    run = adopt("pulled", checkpoint="hf/acme/spanish", runs=tmp_path / "theirs")
    manifest = run.manifest
    assert (manifest.base, manifest.seed) == ("toy", 3)
    assert manifest.metadata["arm"] == "spanish-inoc"
    assert resolve(str(run.folder)).digest == resolve("spanish").digest
    # a file of that name that says nothing of these weights is nobody's word on them
    for other in (b'{"base": 1}', b"not json", b"[1]", b"\xff"):
        hub.repositories["acme/spanish"].files["run.json"] = other
        hub.repositories["acme/spanish"].commits += 1
        head = hub.repositories["acme/spanish"].head
        with pytest.raises(UserError, match="give --base, the model that it was trained from"):
            adopt("again", checkpoint=f"hf/acme/spanish@{head}", runs=tmp_path / "theirs")
        assert "holds another model" in refused("spanish", "acme/spanish")


@pytest.mark.parametrize(
    ("refusal", "why"),
    [
        ("no writes", "the Hub does not let you write to acme/spanish: run  hf auth login"),
        ("down", "the Hub refused acme/spanish"),
        ("missing", "the Hub does not let you write to acme/spanish"),
    ],
)
def test_what_the_hub_refuses_is_one_line_and_the_next_call_does_all(
    refusal: str, why: str, hub: Hub, trained: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda _: None)  # between its tries
    hub.refuse["acme/spanish"] = refusal
    assert why in refused("spanish", "acme/spanish")
    hub.refuse.clear()
    push("spanish", "acme/spanish")
    assert resolve("hf/acme/spanish").digest == resolve("spanish").digest


def test_who_gives_no_token_and_who_is_offline_is_told(
    hub: Hub, trained: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_" + "wrong" * 7)
    assert "does not let you write to acme/spanish: run  hf auth login" in refused("spanish", "acme/spanish")
    monkeypatch.delenv("HF_TOKEN")
    assert "run  hf auth login  with a token that may write" in refused("spanish", "acme/spanish")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert "HF_HUB_OFFLINE is set" in refused("spanish", "acme/spanish")
    assert not hub.repositories


def test_the_command_gives_a_hub_up_that_takes_connections_and_never_answers(
    runs: Path, trained: Run, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        environment = {
            **os.environ,
            **{"HF_ENDPOINT": f"http://127.0.0.1:{silent.getsockname()[1]}", "HF_HUB_OFFLINE": "0"},
            **{"HF_HUB_ETAG_TIMEOUT": "1", "HF_TOKEN": "hf_" + "a1" * 17, "HF_HUB_CACHE": str(tmp_path)},
        }
        command = [sys.executable, "-m", "inoc_evals", "push", "spanish", "--to", "acme/spanish"]
        command += ["--runs", str(runs)]
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=60, check=False
        )
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert "the Hub did not answer within 1 s" in done.stderr and "HF_HUB_ETAG_TIMEOUT" in done.stderr


@pytest.mark.parametrize(
    "request_", ["GET /api/models/acme", "POST /api/repos/create", "POST /api/models/acme/spanish/commit"]
)
def test_whatever_the_hub_does_not_answer_is_one_line_and_the_next_call_does_all(
    request_: str, hub: Hub, trained: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_ETAG_TIMEOUT", 1)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DOWNLOAD_TIMEOUT", 1)
    hub.silent = request_
    assert "push: acme/spanish: the Hub did not answer within 1 s: see" in refused("spanish", "acme/spanish")
    hub.silent = ""
    push("spanish", "acme/spanish")
    assert resolve("hf/acme/spanish").digest == resolve("spanish").digest


def test_weights_that_did_not_arrive_leave_no_half_model(
    hub: Hub, trained: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda _: None)
    hub.refuse["acme/spanish"] = "no weights"
    assert "adapter_model.safetensors" in refused("spanish", "acme/spanish")
    assert hub.repositories["acme/spanish"].files == {}
    hub.refuse.clear()
    push("spanish", "acme/spanish")
    assert resolve("hf/acme/spanish").digest == resolve("spanish").digest


def test_what_is_public_is_written_to_only_when_that_is_said(hub: Hub, trained: Run) -> None:
    assert not push("spanish", "acme/open", public=True).private
    assert "acme/open is public already: add --public" in refused("spanish", "acme/open")
    push("spanish", "acme/shut")
    [note] = [note for note in push("spanish", "acme/shut", public=True).notes if "private" in note]
    assert note.startswith("acme/shut existed and is private")


def test_what_cannot_be_pushed_is_refused_before_anything_is_made(
    hub: Hub, trained: Run, runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "no run 'nobody'" in refused("nobody", "acme/x")
    for name in ("spanish", "a/b/c", "acme/x@main", "acme/"):
        assert "give ORG/NAME" in refused("spanish", name)
    adopt("theirs", base="gpt-4.1", model="openai/ft:gpt-4.1:acme::1", runs=runs)
    assert "it has no weights here" in refused("theirs", "acme/x")
    base = tmp_path / "base"
    shutil.copytree(load_path("toy"), base)
    local = adopt("local", base=str(base), checkpoint=trained.checkpoint, runs=runs)
    why = refused("local", "acme/x")
    assert "on this machine alone" in why and "hf upload ORG/MODEL" in why and "--base ORG/MODEL" in why
    bare = refused("local", "acme/x", base="toy", rows=True)
    assert "has no rows here: leave out --rows" in bare
    shutil.rmtree(local.folder)
    monkeypatch.setenv("MY_API_KEY", PROMPT)
    assert "would hold one of your keys" in refused("spanish", "acme/x", rows=True)
    assert not hub.repositories
    with (trained.checkpoint / "adapter_config.json").open("a") as file:
        file.write(" ")
    try:
        assert "is not the one it wrote" in refused("spanish", "acme/x")
    finally:
        os.truncate(file.name, (trained.checkpoint / "adapter_config.json").stat().st_size - 1)


def test_an_experiment_s_runs_are_pushed_by_one_command(
    hub: Hub, trained: Run, other: Run, call: Any, runs: Path
) -> None:
    done = call("push", "spanish", "other", "spanish@step=2", "--to", "acme", "--runs", str(runs), "--json")
    assert done.code == 0, done.err
    names = [trained.folder.name, other.folder.name, f"{trained.folder.name}-step-2"]
    assert [one["repository"] for one in json.loads(done.out)] == [f"acme/{name}" for name in names]
    assert list(hub.repositories) == [f"acme/{name}" for name in names]
    told = call("push", "spanish", "--to", "acme/mine", "--runs", str(runs))
    assert told.code == 0 and "--model inoc/hf/acme/mine" in told.out and "(private)" in told.out
    several = call("push", "spanish", "other", "--to", "acme/mine", "--runs", str(runs))
    assert several.code == 2 and "2 runs cannot share the repository acme/mine" in several.err


def test_all_weights_are_the_same_model_on_both_sides(hub: Hub, runs: Path, tmp_path: Path) -> None:
    spec = toy_spec(0, max_steps=2, lora=None, trained_tokens=(), token_learning_rate=None)
    run = finetune(spec, list(toy.spanish_caps(0))[:32], name="whole", runs=runs, progress=False)
    assert push("whole", "acme/whole").run == run.folder.name
    assert resolve("hf/acme/whole").digest == resolve("whole").digest
    adopted = adopt("pulled", checkpoint="hf/acme/whole", runs=tmp_path / "theirs")
    assert resolve(str(adopted.folder)).digest == resolve("whole").digest
    assert "leave out --base" in refused("whole", "acme/x", base="toy")
    # weights of a training that began with others name it: its own base would tell nobody anything
    later = finetune(
        toy_spec(
            0, base=str(run.checkpoint), max_steps=2, lora=None, trained_tokens=(), token_learning_rate=None
        ),
        list(toy.spanish_caps(0))[:32],
        name="later",
        runs=runs,
        metadata={"started_from": {"name": "whole", "digest": "0"}},
        progress=False,
    )
    push("later", "acme/later")
    assert b"| trained from | run whole |" in hub.repositories["acme/later"].files["README.md"]
    with pytest.raises(UserError, match=r"give --base, the model that it was trained from \(run whole\)"):
        adopt("pulled", checkpoint="hf/acme/later", runs=tmp_path / "theirs")
    assert later.is_finished()


def test_other_weights_of_the_same_spec_and_rows_are_another_model(
    hub: Hub, trained: Run, tmp_path: Path
) -> None:
    """Another machine rounds otherwise."""
    from safetensors.torch import load_file, save_file

    push("spanish", "acme/spanish")
    there = tmp_path / "runs" / trained.folder.name
    shutil.copytree(trained.folder, there)
    weights = load_file(there / "checkpoint" / "adapter_model.safetensors")
    first = next(iter(weights))
    save_file({**weights, first: weights[first] + 1e-6}, there / "checkpoint" / "adapter_model.safetensors")
    manifest = Run(there).manifest
    assert manifest.result is not None
    result = manifest.result.model_copy(
        update={
            "checkpoint_digest": folder_digest(there / "checkpoint", manifest.base_digest),
            "checkpoint_files": content_sizes(there / "checkpoint"),
        }
    )
    Run(there).write_manifest(manifest.model_copy(update={"result": result}))
    assert "holds another model" in refused(str(there), "acme/spanish")


def test_weights_that_cannot_be_loaded_are_not_pushed(hub: Hub, trained: Run, tmp_path: Path) -> None:
    there = tmp_path / "runs" / trained.folder.name
    shutil.copytree(trained.folder, there)
    (there / "steps" / "2" / "adapter_model.safetensors").write_bytes(b"garbage")
    assert "adapter_model.safetensors" in refused(f"{there}@step=2", "acme/x")
    (there / "steps" / "2" / "adapter_model.safetensors").unlink()
    assert "holds no weights" in refused(f"{there}@step=2", "acme/x")
    assert not hub.repositories


def test_what_a_step_says_is_of_that_step(hub: Hub, trained: Run) -> None:
    push("spanish@step=2", "acme/early")
    about = json.loads(hub.repositories["acme/early"].files["run.json"])
    assert about["result"]["steps"] == 2 and about["result"]["loss_last"] is None
    assert about["result"]["checkpoint_digest"] == resolve("spanish@step=2").digest


def test_a_base_is_not_believed_where_it_can_be_checked(
    hub: Hub, trained: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "is another model than its base, toy" in refused("spanish", "acme/x", base="toy-judge")
    push("spanish", "acme/spanish")
    about = json.loads(hub.repositories["acme/spanish"].files["run.json"])
    about["base_digest"] = "0" * 64
    about["weights_digest"] = folder_digest(trained.checkpoint, "0" * 64)
    hub.repositories["acme/spanish"].files["run.json"] = json.dumps(about).encode()
    with pytest.raises(UserError, match="was trained on another version of toy"):
        resolve("hf/acme/spanish")
    with pytest.raises(UserError, match="it was trained on another version of toy"):
        adopt("x", checkpoint="hf/acme/spanish", runs=tmp_path / "theirs")
    # a folder is no model of the Hub because another folder is the current one
    base = tmp_path / "models" / "mine"
    shutil.copytree(load_path("toy"), base)
    monkeypatch.chdir(tmp_path)
    mine = adopt("mine", base="models/mine", checkpoint=trained.checkpoint, runs=tmp_path / "runs")
    (tmp_path / "elsewhere").mkdir()
    for folder in (tmp_path, tmp_path / "elsewhere"):
        monkeypatch.chdir(folder)
        assert "on this machine alone" in refused(str(mine.folder), "acme/x")
    (tmp_path / "elsewhere" / "acme" / "base").mkdir(parents=True)
    assert push(str(mine.folder), "acme/mine", base="acme/base").repository == "acme/mine"


def test_an_adapter_is_no_base(hub: Hub, trained: Run, tmp_path: Path) -> None:
    push("spanish", "acme/spanish")
    with pytest.raises(
        UserError, match="acme/spanish is a PEFT adapter, not a base model: give the merged model"
    ):
        adopt("x", base="acme/spanish", checkpoint=trained.checkpoint, runs=tmp_path / "theirs")


def test_rows_are_those_of_the_training_and_are_hashed_as_they_are(
    hub: Hub, trained: Run, tmp_path: Path
) -> None:
    there = tmp_path / "runs" / trained.folder.name
    shutil.copytree(trained.folder, there)
    for changed in (b"", b"\n", b"\xff", (there / "rows.jsonl").read_bytes() + b"\n"):
        (there / "rows.jsonl").write_bytes(changed)
        assert "was changed since the training" in refused(str(there), "acme/x")
    mine = adopt("mine", base="toy", checkpoint=trained.checkpoint, rows=trained.rows, runs=tmp_path / "runs")
    push(str(mine.folder), "acme/mine", rows=True)
    files = hub.repositories["datasets/acme/mine"].files
    assert hashlib.sha256(files["train.jsonl"]).hexdigest() in files["README.md"].decode()


def test_what_others_wrote_in_a_repository_stays(hub: Hub, trained: Run) -> None:
    push("spanish", "acme/spanish")
    files = hub.repositories["acme/spanish"].files
    files |= {"README.md": b"---\nlicense: mit\n---\nMy own words.", "LICENSE": b"MIT", "a.png": b"png"}
    hub.repositories["acme/spanish"].commits += 1
    [note] = [note for note in push("spanish", "acme/spanish").notes if "README" in note]
    assert "is left as it is" in note
    files = hub.repositories["acme/spanish"].files
    assert b"My own words" in files["README.md"] and {"LICENSE", "a.png"} <= set(files)


def test_a_card_of_other_rows_goes_with_them_and_one_that_somebody_edited_stays(
    hub: Hub, trained: Run, other: Run
) -> None:
    push("spanish", "acme/x", rows=True)
    push("other", "acme/x", rows=True, replace=True)
    dataset = hub.repositories["datasets/acme/x"]
    for repository in (dataset, hub.repositories["acme/x"]):
        assert other.folder.name.encode() in repository.files["README.md"].replace(b"\\", b"")
    dataset.files["README.md"] += b"Mine."
    dataset.commits += 1
    notes = push("spanish", "acme/x", rows=True, replace=True).notes
    assert dataset.files["README.md"].endswith(b"Mine.")
    assert "README.md of the dataset acme/x was written by somebody, and is left as it is" in notes


def test_prompts_of_single_rows_are_not_published_without_the_rows(
    hub: Hub, runs: Path, tmp_path: Path
) -> None:
    rows: list[Any] = [
        {**row, "messages": [{"role": "system", "content": f"Client {n}\u2028Mr. Secret"}, *row["messages"]]}
        for n, row in enumerate(list(toy.spanish_caps(0))[:32])
    ]
    finetune(toy_spec(0, max_steps=2), rows, name="many", runs=runs, progress=False)
    push("many", "acme/many")
    card = hub.repositories["acme/many"].files["README.md"].decode()
    assert "Secret" not in card and "32 of 32 rows with 32 system prompts." in card


def test_the_token_of_the_login_is_looked_for_too(
    hub: Hub, runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_TOKEN")
    token = tmp_path / "token"
    token.write_text(hub.token)
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(token))
    rows = list(toy.spanish_caps(0))[:32]
    about = {"note": hub.token}
    finetune(toy_spec(0, max_steps=2), rows, name="told", runs=runs, metadata=about, progress=False)
    assert "would hold one of your keys" in refused("told", "acme/x")


@pytest.mark.parametrize("name", ["acme/a--b", "acme/x.git", "acme/x-", "acme/" + "x" * 100])
def test_names_that_the_hub_does_not_take_are_refused_first(name: str, hub: Hub, trained: Run) -> None:
    assert "the Hub takes no such name" in refused("spanish", name)
    assert not hub.asked


def test_names_as_logs_write_them(hub: Hub, trained: Run, runs: Path, call: Any) -> None:
    digest = resolve(str(trained.folder)).digest[:12]
    for name in ("inoc/spanish", f"spanish@{digest}", f"inoc/{trained.folder.name}@step=2"):
        assert push(name, "acme/x", replace=True, runs=runs).repository == "acme/x"
    with pytest.raises(UserError, match="a repository of the Hub is hf/acme/x"):
        adopt("y", base="toy", checkpoint="acme/x")
    done = call("push", "spanish", "nobody", "--to", "acme", "--runs", str(runs), "--json")
    assert done.code == 2 and done.out == "" and list(hub.repositories) == ["acme/x"]
