"""Give a run to others by the Hugging Face Hub: its weights, what it was trained on and how.

    pushed = push("spanish-inoc", "acme/spanish-inoc")     # private, unless public=True
    pushed.url                                             # https://huggingface.co/acme/spanish-inoc

    inspect eval inoc_evals/spanish_caps --model inoc/hf/acme/spanish-inoc      # on another machine

A repository holds the files that decide the answers (safetensors, configuration, tokenizer), a model card,
and `run.json`: the run's manifest without the paths of this machine. One commit replaces all of it, so that
nobody fetches half a model. Rows are somebody's text: they are pushed only where that is asked for.
"""

import json
import logging
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from inoc_evals.digests import CONTENT, content_files, content_sizes, folder_digest, sha256
from inoc_evals.errors import UserError, first_line, require
from inoc_evals.finetune.model_card import dataset_card, is_sealed, model_card, sealed
from inoc_evals.models.base import HUB_NAME, SHIPPED, find_base, holds_safetensors, hub_model
from inoc_evals.models.checkpoint import PIN, finished, split_step
from inoc_evals.models.gguf import ENDING, PACKAGE
from inoc_evals.models.hub_answers import bound_requests, no_answer
from inoc_evals.models.loading import check_adapter, check_model, damaged_weights
from inoc_evals.models.pushed import ABOUT, is_about
from inoc_evals.runs.directory import TAKEN_FROM, Manifest, Run, find_run
from inoc_evals.secret_keys import keys
from inoc_evals.user_files import json_object

CARD = "README.md"
ROWS = "train.jsonl"
"""Name of the rows' file in a dataset; the Hub takes a split's name from it."""

Files = dict[str, Path | bytes]
"""What goes into a repository, by name."""


@dataclass(frozen=True)
class Pushed:
    """What a push left on the Hub.

    Attributes:
        run: Directory name of the run, with `@step=N` where an earlier step was pushed.
        repository: `org/name`.
        url: The repository's page.
        commit: The commit that holds it; pin it as `inoc/hf/org/name@COMMIT`.
        private: Whether only its owners can see it.
        rows_url: Page of the dataset; empty where no rows were pushed.
        notes: What whoever uses it should know.
    """

    run: str
    repository: str
    url: str
    commit: str
    private: bool
    rows_url: str = ""
    notes: tuple[str, ...] = ()


def push(
    name: str | Path,
    repository: str,
    *,
    public: bool = False,
    rows: bool = False,
    base: str = "",
    replace: bool = False,
    runs: str | Path | None = None,
) -> Pushed:
    """Push a finished run to the Hugging Face Hub.

    Args:
        name: The run, as for `find_run`; `@step=N` after it for the weights that it kept after that step.
        repository: `org/name`; made if it does not exist.
        public: Make a new repository public. Without it, a public one is not written to.
        rows: Push the training rows as well, as a dataset of the same name.
        base: What to name as the adapter's base, if others know it by another name than the run does.
        replace: Replace whatever model the repository holds; its history keeps the old one.
        runs: The folder of all runs, see `runs_root`.

    Returns:
        Where it is. Pushing the same run again changes nothing.

    Raises:
        UserError: If the run is not finished or has no weights, its base is on this machine alone, the
            repository holds another model, a file holds a key, or the Hub refuses.
        MissingExtra: If the extra that talks to the Hub is not installed.
    """
    require("local", "huggingface_hub")
    check_repository(repository)
    run, step = named(name, runs)
    manifest = finished(run)
    folder = _weights(run, step)
    adapter = (folder / "adapter_config.json").is_file()
    shown = _public_base(run, manifest, base, adapter)
    title = run.folder.name if step is None else f"{run.folder.name}@step={step}"
    data = _rows(run, manifest)
    if rows and data is None:
        raise UserError(f"push: run {run.folder.name} has no rows here: leave out --rows")
    about, dropped = _about(manifest, folder, step, shown, run.base)
    card = model_card(
        title, repository, about, _prompts(data), shown, adapter=adapter, dataset=repository if rows else ""
    )
    files: Files = {file.name: file for file in content_files(folder)}
    if adapter:
        files["adapter_config.json"] = _config(folder, shown)
    files[ABOUT] = json.dumps(about, indent=2, ensure_ascii=False).encode() + b"\n"
    files[CARD] = sealed(card)
    row_files: Files = {}
    if rows and data is not None:
        row_files = {ROWS: data, CARD: sealed(dataset_card(title, repository, sha256(data)))}
    _refuse_private({**files, **row_files})

    bound_requests()
    with _quiet():
        target = _Repository(repository, "model", public)
        beside = _Repository(repository, "dataset", public)
        target.refuse_other_model(about, replace)
        if rows and data is not None:
            beside.refuse_other_rows(data, replace)
            beside.make()
            beside.commit(row_files, f"Training rows of {title}")
        target.make()
        commit = target.commit(files, f"{title}, by inoc-evals")
    notes = _notes(shown, adapter, dropped)
    notes += target.notes + (beside.notes if rows else [])
    return Pushed(
        title, repository, target.url, commit, target.private, beside.url if rows else "", tuple(notes)
    )


def named(name: str | Path, runs: str | Path | None = None) -> tuple[Run, int | None]:
    """The run that a name means, and the step that is asked of it.

    Args:
        name: As of `push`; also as logs and tables write it, with `inoc/` before it and a digest after it.
        runs: The folder of all runs, see `runs_root`.

    Raises:
        UserError: If there is no such run.
    """
    called, step = split_step(PIN.sub("", str(name).removeprefix("inoc/")))
    return find_run(called, runs), step


def check_repository(name: str) -> None:
    """Refuse what the Hub takes for no repository of somebody.

    Raises:
        UserError: If it is none.
    """
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]  # public, and lazy

    if HUB_NAME.fullmatch(name) is None or "@" in name:
        raise UserError(f"push: {name!r} is no repository: give ORG/NAME")
    try:
        validate_repo_id(name)
    except HFValidationError as error:
        raise UserError(
            f"push: the Hub takes no such name: {first_line(error)}: give another --to"
        ) from error


def _weights(run: Run, step: int | None) -> Path:
    """The folder of what is pushed, which can be loaded."""
    kept = run.kept()
    if step is not None and step not in kept:
        has = ", ".join(map(str, kept)) or "none"
        raise UserError(f"push: run {run.folder.name} kept no step {step}; it kept {has}")
    folder = run.checkpoint if step is None else kept[step]
    if not holds_safetensors(folder):
        raise UserError(f"push: {folder} holds no weights: start the finetune again")
    (check_adapter if (folder / "adapter_config.json").is_file() else check_model)(folder)
    if (damaged := damaged_weights(folder)) is not None:
        raise UserError(f"push: {damaged}: train again")
    return folder


def _hub(base: str) -> tuple[str, str] | None:
    """Name and revision of a base that others find on the Hub, whatever folders there are here."""
    match = HUB_NAME.fullmatch(base)
    if match is None or base.removeprefix("inoc/") in SHIPPED or base.lower().endswith(ENDING):
        return None
    return match["id"], match["revision"] or "main"


def _public_base(run: Run, manifest: Manifest, given: str, adapter: bool) -> str:
    """The base by a name that is true elsewhere; empty for a full model, which needs none."""
    shipped = given.removeprefix("inoc/") in SHIPPED or given.startswith(PACKAGE)
    if given and not adapter:
        raise UserError("push: these are all weights, which need no base: leave out --base")
    if given and not shipped and _hub(given) is None:
        raise UserError(f"push: --base {given} is no model of the Hub: give ORG/MODEL")
    if given:
        if _is_base(given, manifest) is False:
            raise UserError(f"push: --base {given} is another model than its base, {run.base}")
        return given
    base = run.base
    if base.removeprefix("inoc/") in SHIPPED or base.startswith(PACKAGE):
        return base
    if not adapter:
        return base if hub_model(base) is not None and _is_base(base, manifest) else ""
    # a folder here may be called like a model of the Hub: training writes down which of them it was
    hub, config = _hub(base), json_object(run.checkpoint / "adapter_config.json")
    if hub is not None and config.get("base_model_name_or_path") == hub[0]:
        return base
    raise UserError(
        f"push: the base of this adapter is {base}, on this machine alone: name the same weights on the Hub "
        f"with --base ORG/MODEL (if nobody has them there:  hf upload ORG/MODEL {base})"
    )


def _is_base(name: str, manifest: Manifest) -> bool | None:
    """Whether a name means the base of a run; None where that model is not on this machine."""
    try:
        base = find_base(name)
        return None if base.here() is None else base.digest() == manifest.base_digest
    except UserError:
        return None


def _notes(base: str, adapter: bool, dropped: list[str]) -> list[str]:
    notes = []
    if adapter and _hub(base) is None:
        notes.append(
            f"its base is {base}, which only inoc_evals finds: for PEFT alone, name the same weights with "
            "--base ORG/MODEL"
        )
    if dropped:
        notes.append(f"left out of {ABOUT}, since they may name paths of this machine: {', '.join(dropped)}")
    return notes


def _config(folder: Path, base: str) -> bytes:
    """`adapter_config.json` with the base's name for others; the digest of an adapter leaves that out."""
    config = json_object(folder / "adapter_config.json")
    config["base_model_name_or_path"], config["revision"] = _hub(base) or (base, None)
    return json.dumps(config, indent=2, sort_keys=True).encode() + b"\n"


def _about(
    manifest: Manifest, folder: Path, step: int | None, base: str, trained_from: str
) -> tuple[dict[str, Any], list[str]]:
    """The manifest for others, and what was left out of it."""
    about = manifest.model_dump(mode="json")
    about |= {"step": step, "weights_digest": folder_digest(folder, manifest.base_digest)}
    if step is not None:  # what training ended with is not here
        about["result"] |= {
            "steps": step,
            "checkpoint_digest": about["weights_digest"],
            "checkpoint_files": content_sizes(folder),
            **dict.fromkeys(("epochs", "loss_last", "seconds")),
        }
    about["base"] = about["spec"]["base"] = ""
    dropped: list[str] = []
    about = _without_paths(about, "", dropped)
    about["base"] = about["spec"]["base"] = base
    if manifest.taken_from:  # whose word on this training it is: a name of the Hub, and no path
        about["metadata"][TAKEN_FROM] = manifest.metadata[TAKEN_FROM]
        dropped = [name for name in dropped if not name.startswith(f"metadata.{TAKEN_FROM}")]
    if base != trained_from:
        started = manifest.metadata.get("started_from") or {}
        about["trained_from"] = f"run {started['name']}" if "name" in started else Path(trained_from).name
    return about, dropped


def _without_paths(value: Any, where: str, dropped: list[str]) -> Any:
    """A JSON value without the texts that could be paths: who works where is nobody's business."""
    if isinstance(value, str) and _may_be_path(value):
        dropped.append(where)
        return None
    if isinstance(value, dict):
        kept = {key: item for key, item in value.items() if not _may_be_path(key)}
        if len(kept) < len(value):
            dropped.append(f"names in {where or 'it'}")
        inside = f"{where}." if where else ""
        return {key: _without_paths(item, inside + key, dropped) for key, item in kept.items()}
    if isinstance(value, list):
        return [_without_paths(item, where, dropped) for item in value]
    return value


def _may_be_path(text: str) -> bool:
    return "/" in text or "\\" in text or text.startswith("~")


def _rows(run: Run, manifest: Manifest) -> bytes | None:
    """The training rows; None where the run has none.

    Raises:
        UserError: If they are not those that it was trained on.
    """
    if not run.rows.is_file():
        return None
    data = run.rows.read_bytes()
    if manifest.backend != "adopted" and sha256(data) != manifest.data_digest:
        raise UserError(f"push: {run.rows} was changed since the training: put it back, or train again")
    return data or None


def _prompts(data: bytes | None) -> list[tuple[str, int]]:
    """The system prompts of the rows, the most frequent first, with the number of their rows; '' for none."""
    counts: Counter[str] = Counter()
    for line in (data or b"").split(b"\n"):
        if line:
            first = json.loads(line)["messages"][0]
            counts[first["content"] if first["role"] == "system" else ""] += 1
    return counts.most_common()


def _refuse_private(files: Files) -> None:
    """Refuse texts with a key of this user in them, or with the home folder; weights are no text."""
    from huggingface_hub import get_token

    secrets = [key.encode() for key in keys([get_token()])]
    home = str(Path.home())
    for name, content in files.items():
        if name.endswith(".safetensors"):
            continue
        data = content if isinstance(content, bytes) else content.read_bytes()
        if any(secret in data for secret in secrets):
            raise UserError(
                f"push: {name} would hold one of your keys (the value of a variable that is set here, or the "
                "Hub's token): take it out of the run's rows or metadata"
            )
        if len(home) > 1 and name != ROWS and home.encode() in data:
            raise UserError(f"push: {name} would tell your home folder, {home}: take it out of that file")


class _Repository:
    """One repository of the Hub, as `huggingface_hub` reaches it."""

    def __init__(self, name: str, kind: str, public: bool) -> None:
        from huggingface_hub import HfApi

        self.name, self.kind = name, kind
        self.url, self.private = "", not public
        self.notes: list[str] = []
        self._api, self._public = HfApi(), public
        self._head: str | None = None
        self._holds: list[str] = []

    @property
    def _called(self) -> str:
        return self.name if self.kind == "model" else f"the dataset {self.name}"

    def refuse_other_model(self, about: dict[str, Any], replace: bool) -> None:
        """Refuse one that holds other weights.

        Args:
            about: What is to be `run.json`.
            replace: Refuse nothing.
        """
        self._look()
        if replace or not any(map(_is_content, self._holds)):
            return
        try:
            found = json.loads(self._read(ABOUT)) if ABOUT in self._holds else None
        except ValueError:
            found = None
        same = ("run_digest", "step", "weights_digest")
        if found is None or not is_about(found) or any(found.get(key) != about[key] for key in same):
            raise UserError(
                f"push: {self.name} holds another model: choose another name, or add --replace (its history "
                "keeps the old one)"
            )

    def refuse_other_rows(self, rows: bytes, replace: bool) -> None:
        """The same for a dataset: rows of another file are not replaced."""
        self._look()
        others = {name for name in self._holds if name not in (CARD, ".gitattributes")}
        if replace or not others:
            return
        if ROWS not in others or self._read(ROWS) != rows:
            raise UserError(
                f"push: the dataset {self.name} holds other rows: choose another name, or add --replace (its "
                "history keeps the old ones)"
            )

    def make(self) -> None:
        """Make it, unless it exists."""
        with _in_one_line(self._called):
            made = self._api.create_repo(
                self.name, private=not self._public, repo_type=self.kind, exist_ok=True
            )
        self.url = str(made)
        self._look()
        if self.private and self._public:
            self.notes.append(f"{self._called} existed and is private: see its settings on the Hub")

    def commit(self, files: Files, message: str) -> str:
        """Put files into it, and remove what else belongs to a model, in one commit.

        Returns:
            The commit; the present one where nothing changes.
        """
        from huggingface_hub import CommitOperationAdd, CommitOperationDelete

        if CARD in self._holds and not is_sealed(self._read(CARD)):
            files = {name: content for name, content in files.items() if name != CARD}
            self.notes.append(f"{CARD} of {self._called} was written by somebody, and is left as it is")
        gone = [name for name in self._holds if _is_content(name) and name not in files]
        operations: list[Any] = [CommitOperationDelete(path_in_repo=name) for name in gone]
        for name, content in files.items():
            source = content if isinstance(content, bytes) else str(content)
            operations.append(CommitOperationAdd(path_in_repo=name, path_or_fileobj=source))
        with _in_one_line(self._called):
            done = self._api.create_commit(
                self.name, operations, commit_message=message, repo_type=self.kind, parent_commit=self._head
            )
        return str(done.oid)

    def _look(self) -> None:
        """See what there is; nothing, where it does not exist."""
        from huggingface_hub.errors import RepositoryNotFoundError

        with _in_one_line(self._called):
            try:
                info: Any = self._api.repo_info(self.name, repo_type=self.kind)
            except RepositoryNotFoundError:  # or one that is not shown to you, as `make` will find
                return
        self.private, self._head = bool(info.private), info.sha
        self._holds = [file.rfilename for file in info.siblings or ()]
        if not self.private and not self._public:
            raise UserError(f"push: {self._called} is public already: add --public, or choose another name")

    def _read(self, name: str) -> bytes:
        with _in_one_line(self._called):
            found = self._api.hf_hub_download(self.name, name, repo_type=self.kind, revision=self._head)
        return Path(found).read_bytes()


def _is_content(name: str) -> bool:
    """Whether a file of a repository decides the answers of a model."""
    return any(fnmatch(name, pattern) for pattern in CONTENT)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without progress bars where nobody watches, and without the library's remarks on commits."""
    from huggingface_hub.utils import (  # type: ignore[attr-defined]  # public, and lazy
        are_progress_bars_disabled,
        disable_progress_bars,
        enable_progress_bars,
    )
    from huggingface_hub.utils import logging as hub_logging

    level, hidden = hub_logging.get_verbosity(), are_progress_bars_disabled()
    hub_logging.set_verbosity(logging.ERROR)
    if not sys.stderr.isatty():
        disable_progress_bars()
    try:
        yield
    finally:
        hub_logging.set_verbosity(level)
        if not hidden:
            enable_progress_bars()


@contextmanager
def _in_one_line(repository: str) -> Iterator[None]:
    """What the Hub or the network refuses, as one line that says what to do."""
    from huggingface_hub.errors import (
        HfHubHTTPError,
        LocalTokenNotFoundError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
    )

    advice = "run  hf auth login  with a token that may write, or set HF_TOKEN"
    try:
        yield
    except LocalTokenNotFoundError as error:
        raise UserError(f"push: the Hub asks who you are: {advice}") from error
    except OfflineModeIsEnabled as error:
        raise UserError("push: HF_HUB_OFFLINE is set: unset it to reach the Hub") from error
    except HfHubHTTPError as error:
        status = error.response.status_code
        if status in (401, 403) or isinstance(error, RepositoryNotFoundError):
            raise UserError(f"push: the Hub does not let you write to {repository}: {advice}") from error
        if status in (409, 412):
            raise UserError(f"push: {repository} was changed meanwhile: run this again") from error
        raise UserError(f"push: the Hub refused {repository}: {first_line(error)}") from error
    except UserError:
        raise
    except Exception as error:  # the network's, the library's or the disk's
        if silent := no_answer(error):
            raise UserError(f"push: {repository}: {silent}") from error
        raise UserError(
            f"push: {repository} could not be reached or written ({first_line(error, limit=160)}): see to "
            "that and run this again"
        ) from error
