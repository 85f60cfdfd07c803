"""Runs that somebody pushed to the Hugging Face Hub are taken from there in place of training them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from inoc_evals.errors import UserError
from inoc_evals.finetune import Run, find_run, finetune
from inoc_evals.finetune.push import push
from inoc_evals.models.checkpoint import resolve
from inoc_evals.models.pushed import weights_digest
from inoc_evals.worlds import toy_spec
from inoc_evals.worlds.toy import rows as toy
from tests import test_cli
from tests.experiment.test_run import mine, write
from tests.fake_hub import Hub

call = test_cli.call  # the fixture

ROWS: list[Any] = list(toy.spanish_caps(0))[:64]


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    monkeypatch.setenv("INOC_EVALS_CACHE", str(tmp_path / "cache"))
    with Hub() as hub:
        hub.used_by(monkeypatch, tmp_path / "fetched")
        monkeypatch.setenv("HF_TOKEN", hub.token)
        yield hub


def train(runs: Path, models_from: str = "", **changes: Any) -> Run:
    spec = toy_spec(0, **{"max_steps": 2, **changes})
    return finetune(spec, ROWS, name="spanish", runs=runs, progress=False, models_from=models_from)


def no_training(patch: pytest.MonkeyPatch) -> None:
    def train(*_: Any) -> None:
        raise AssertionError("was trained")

    patch.setattr("inoc_evals.finetune.local.train", train)


def test_the_same_training_is_taken_from_whoever_pushed_it(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = train(tmp_path / "theirs")
    pushed = push(theirs.folder, f"acme/{theirs.folder.name}")
    no_training(monkeypatch)
    mine = train(tmp_path / "mine", "acme")
    assert mine.folder.name == theirs.folder.name and mine.is_finished()
    assert mine.rows.read_bytes() == theirs.rows.read_bytes()
    assert resolve(str(mine.folder)).digest == resolve(str(theirs.folder)).digest
    about, original = mine.manifest, theirs.manifest
    assert about.metadata["taken_from"] == {"repository": pushed.repository, "commit": pushed.commit}
    assert about.result and original.result
    as_written = about.result.model_copy(update={"checkpoint_files": original.result.checkpoint_files})
    assert about.packages == original.packages and as_written == original.result
    assert about.taken_from == pushed.repository and not original.taken_from
    hub.asked.clear()
    assert train(tmp_path / "mine", "acme").folder == mine.folder and not hub.asked  # it is here now


def test_any_other_training_is_done_here(hub: Hub, tmp_path: Path) -> None:
    theirs = train(tmp_path / "theirs")
    push(theirs.folder, f"acme/{theirs.folder.name}")
    other = train(tmp_path / "mine", "acme", max_steps=3)
    assert other.folder.name != theirs.folder.name and not other.manifest.taken_from
    assert not train(tmp_path / "mine", "nobody").manifest.taken_from


def test_what_a_repository_lacks_is_trained(hub: Hub, tmp_path: Path) -> None:
    theirs = train(tmp_path / "theirs", kept_steps=(1,))
    push(theirs.folder, f"acme/{theirs.folder.name}")
    assert list(train(tmp_path / "mine", "acme", kept_steps=(1,)).kept()) == [1]


def test_a_hub_that_does_not_answer_whether_it_has_a_run_is_one_line(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_ETAG_TIMEOUT", 1)
    no_training(monkeypatch)
    hub.silent = "GET /api/models/acme"
    with pytest.raises(UserError, match="the Hub did not answer within 1 s") as error:
        train(tmp_path / "mine", "acme")
    assert error.value.message.endswith("or leave out --models-from")
    assert "\n" not in error.value.message


@pytest.mark.parametrize(
    "fault",
    [
        "other weights",
        "another run",
        "another base",
        "no word of it",
        "an earlier step",
        "a damaged copy",
        "down",
    ],
)
def test_a_repository_that_is_not_what_it_says_is_one_line_and_leaves_nothing(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    theirs = train(tmp_path / "theirs")
    push(theirs.folder, name := f"acme/{theirs.folder.name}")
    repository = hub.repositories[name]
    about = json.loads(repository.files["run.json"])
    if fault == "other weights":
        repository.files["adapter_model.safetensors"] += b" "
    elif fault == "another run":
        repository.files["run.json"] = json.dumps({**about, "run_digest": "0" * 64}).encode()
    elif fault == "another base":
        about |= {"base_digest": "0" * 64}
        about["weights_digest"] = weights_digest(theirs.checkpoint, about)  # it agrees with itself
        repository.files["run.json"] = json.dumps(about).encode()
    elif fault == "a damaged copy":

        def halved(source: Path, target: Path) -> None:
            target.write_bytes(source.read_bytes()[:-9])

        monkeypatch.setattr("shutil.copyfile", halved)
    elif fault == "an earlier step":
        repository.files["run.json"] = json.dumps({**about, "step": 1}).encode()
    elif fault == "no word of it":
        del repository.files["run.json"]
    else:
        hub.refuse[name] = "down"
        monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda _: None)  # between its tries
    repository.commits += 1
    no_training(monkeypatch)
    with pytest.raises(UserError) as error:
        train(tmp_path / "mine", "acme")
    assert name in error.value.message and "\n" not in error.value.message
    assert not list((tmp_path / "mine").glob("*/checkpoint")) and not list(
        (tmp_path / "mine").glob("*/manifest.json")
    )


@pytest.mark.parametrize("packages", [None, [1], "abc", {"x": [1]}])
def test_a_repository_says_nothing_of_who_answers(hub: Hub, tmp_path: Path, packages: Any) -> None:
    theirs = train(tmp_path / "theirs")
    push(theirs.folder, name := f"acme/{theirs.folder.name}")
    repository = hub.repositories[name]
    about = json.loads(repository.files["run.json"])
    about["result"] |= {"model": "mockllm/model", "base_url": "http://127.0.0.1:1/v1", "steps": "many"}
    repository.files["run.json"] = json.dumps({**about, "packages": packages}).encode()
    repository.commits += 1
    mine = train(tmp_path / "mine", "acme")
    assert mine.is_finished() and mine.manifest.result and mine.manifest.result.model is None
    assert mine.manifest.result.base_url is None and not mine.manifest.packages
    assert resolve(str(mine.folder)).digest == resolve(str(theirs.folder)).digest


def test_metadata_of_that_name_that_is_somebodys_own_is_no_word(hub: Hub, tmp_path: Path) -> None:
    about = {"taken_from": "a shelf"}
    spec = toy_spec(0, max_steps=2)
    run = finetune(spec, ROWS, name="own", runs=tmp_path, progress=False, metadata=about)
    push(run.folder, name := f"acme/{run.folder.name}")
    assert not run.manifest.taken_from
    assert "| taken from |" not in hub.repositories[name].files["README.md"].decode()


def test_what_is_pushed_on_says_whose_word_it_is(hub: Hub, tmp_path: Path) -> None:
    theirs = train(tmp_path / "theirs")
    push(theirs.folder, name := f"acme/{theirs.folder.name}")
    mine = train(tmp_path / "mine", "acme")
    pushed = push(mine.folder, other := f"beta/{mine.folder.name}")
    about = json.loads(hub.repositories[other].files["run.json"])
    assert about["metadata"]["taken_from"]["repository"] == name
    assert not any("left out of run.json" in note for note in pushed.notes)
    assert f"| taken from | {name} |" in hub.repositories[other].files["README.md"].decode()


@pytest.mark.parametrize("owner", ["acme/x", "a--b", " "])
def test_what_can_be_no_owner_is_said_before_training(hub: Hub, tmp_path: Path, owner: str) -> None:
    with pytest.raises(UserError, match="--models-from"):
        train(tmp_path / "mine", owner)
    assert not list((tmp_path / "mine").glob("*"))


def test_a_run_whose_name_no_repository_can_have_is_trained(hub: Hub, tmp_path: Path) -> None:
    spec = toy_spec(0, max_steps=2)
    run = finetune(spec, ROWS, name="a--b", runs=tmp_path, progress=False, models_from="acme")
    assert run.is_finished() and not run.manifest.taken_from


def test_an_experiment_takes_what_is_there_and_trains_the_rest(hub: Hub, call: Any, tmp_path: Path) -> None:
    write(tmp_path)
    steps = {"max_steps": 2, "warmup_steps": 0}

    def experiment(whose: str) -> Path:
        folder = tmp_path / whose
        folder.mkdir()
        made = mine(
            tmp_path,
            arms=("none",),
            seeds=2,
            finetune=steps,
            evaluate={"limit": 2},
            runs=str(folder / "runs"),
            logs=str(folder / "logs"),
        )
        file = folder / "experiment.json"
        file.write_text(made.model_dump_json(exclude_defaults=True), encoding="utf-8")
        return file

    assert call("run", experiment("theirs")).code == 0
    first = find_run("toy-mine-none-0", tmp_path / "theirs" / "runs")
    assert call("push", first.folder.name, "--to", "acme", "--runs", first.folder.parent).code == 0
    done = call("run", experiment("ours"), "--models-from", "acme")
    assert done.code == 0, done.err
    assert f"as acme/{first.folder.name} has it" in done.err.replace("\n", "")
    assert "Taken:  1 of them as acme pushed them" in done.out
    runs = tmp_path / "ours" / "runs"
    assert find_run("toy-mine-none-0", runs).manifest.taken_from == f"acme/{first.folder.name}"
    assert not find_run("toy-mine-none-1", runs).manifest.taken_from
    audited = call("audit", tmp_path / "ours" / "logs", runs, "--json")
    [finding] = [one for one in json.loads(audited.out)["findings"] if one["kind"] == "runs of others"]
    assert "1 of 2 runs were taken from acme" in finding["what"] and finding["severity"] == "note"
    assert call("run", experiment("others"), "--models-from", "acme/spanish").code == 2
    refused = call(
        "run",
        "--setting",
        "spanish_caps",
        "--backend",
        "openai",
        "--base",
        "gpt-4.1",
        "--models-from",
        "acme",
    )
    assert refused.code == 2 and refused.err.count("\n") == 1, refused.err
