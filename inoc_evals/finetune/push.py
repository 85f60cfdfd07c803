"""Give a run to others by the Hugging Face Hub: its weights, what it was trained on and how.

    pushed = push("spanish-inoc", "acme/spanish-inoc")     # private, unless public=True
    pushed.url                                             # https://huggingface.co/acme/spanish-inoc

    inspect eval inoc_evals/spanish_caps --model inoc/hf/acme/spanish-inoc      # on another machine

A repository holds the files that decide the answers (safetensors, configuration, tokenizer), a model card,
and `run.json`: the run's manifest without the paths of this machine. One commit replaces all of it, so
that nobody fetches half a model. Rows are somebody's text: they are pushed only where that is asked for.
"""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath
from typing import Any

from inoc_evals.digests import content_files
from inoc_evals.errors import UserError, first_line, require
from inoc_evals.finetune.model_card import dataset_card, model_card
from inoc_evals.models.base import HUB_NAME, SHIPPED, hub_name
from inoc_evals.models.checkpoint import finished, split_step
from inoc_evals.models.gguf import PACKAGE
from inoc_evals.runs.directory import Run, find_run
from inoc_evals.secret_keys import keys
from inoc_evals.user_files import json_object

ABOUT = "run.json"
"""File of a repository with the run's manifest, by which a second push knows what it replaces."""

CARD = "README.md"
ROWS = "train.jsonl"
"""Name of the rows' file in a dataset; the Hub takes a split's name from it."""

_KEPT = frozenset({CARD, ".gitattributes", ABOUT})
"""What a repository may hold without a model in it."""


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
    if HUB_NAME.fullmatch(repository) is None or "@" in repository:
        raise UserError(f"push: {repository!r} is no repository: give ORG/NAME")
    called, step = split_step(str(name))
    run = find_run(called, runs)
    manifest = finished(run)
    folder = _weights(run, step)
    adapter = (folder / "adapter_config.json").is_file()
    shown = _public_base(base or run.base, adapter)
    about = _without_paths(manifest.model_dump(mode="json") | {"step": step})
    about["base"] = about["spec"]["base"] = shown or _last_part(run.base)
    if shown != run.base:
        about["trained_from"] = _last_part(run.base)
    title = run.folder.name if step is None else f"{run.folder.name}@step={step}"
    dataset = repository if rows else ""
    card = model_card(title, repository, about, _prompts(run.rows), shown, adapter=adapter, dataset=dataset)
    files: dict[str, Path | bytes] = {file.name: file for file in content_files(folder)}
    if adapter:
        files["adapter_config.json"] = _config(folder, shown)
    files[ABOUT] = json.dumps(about, indent=2, ensure_ascii=False).encode() + b"\n"
    files[CARD] = card.encode()
    row_files: dict[str, Path | bytes] = {}
    if rows:
        if not run.rows.is_file():
            raise UserError(f"push: run {run.folder.name} has no rows here: leave out --rows")
        row_files = {ROWS: run.rows, CARD: dataset_card(title, repository, manifest.data_digest).encode()}
    _refuse_keys({**files, **row_files})

    target = _Repository(repository, "model", public)
    target.prepare(manifest.run_digest, step, replace)
    rows_url = ""
    if rows:
        beside = _Repository(repository, "dataset", public)
        beside.prepare_rows(replace, run.rows)
        beside.commit(row_files, f"Training rows of {title}")
        rows_url = beside.url
    commit = target.commit(files, f"{title}, by inoc-evals")
    notes = [*_base_notes(shown, adapter), *target.notes]
    return Pushed(title, repository, target.url, commit, target.private, rows_url, tuple(notes))


def _weights(run: Run, step: int | None) -> Path:
    if step is None:
        return run.checkpoint
    kept = run.kept()
    if step not in kept:
        raise UserError(
            f"push: run {run.folder.name} kept no step {step}; it kept {', '.join(map(str, kept)) or 'none'}"
        )
    return kept[step]


def _public_base(base: str, adapter: bool) -> str:
    """The base by a name that is true elsewhere; empty for a full model whose base is a folder here."""
    if base.removeprefix("inoc/") in SHIPPED or base.startswith(PACKAGE) or hub_name(base) is not None:
        return base
    if adapter:
        raise UserError(
            f"push: the base of this adapter is {base}, on this machine alone: push that first, or name the "
            "same weights on the Hub with --base ORG/MODEL"
        )
    return ""


def _base_notes(base: str, adapter: bool) -> list[str]:
    if not adapter or hub_name(base) is not None:
        return []
    return [
        f"its base is {base}, which only inoc_evals finds: for PEFT alone, name the same weights with --base "
        "ORG/MODEL"
    ]


def _config(folder: Path, base: str) -> bytes:
    """`adapter_config.json` with the base's name for others; the digest of an adapter leaves that out."""
    config = json_object(folder / "adapter_config.json")
    hub = hub_name(base)
    config["base_model_name_or_path"], config["revision"] = hub or (base, None)
    return json.dumps(config, indent=2, sort_keys=True).encode() + b"\n"


def _prompts(rows: Path) -> list[tuple[str, int]]:
    """The system prompts of the rows, the most frequent first, with the number of their rows; '' for none."""
    if not rows.is_file():
        return []
    counts: Counter[str] = Counter()
    for line in rows.read_text(encoding="utf-8").splitlines():
        first = json.loads(line)["messages"][0]
        counts[first["content"] if first["role"] == "system" else ""] += 1
    return counts.most_common()


def _without_paths(value: Any) -> Any:
    """A JSON value in which a path of this machine is only its last part: who works where is nobody's."""
    if isinstance(value, str):
        return _last_part(value) if Path(value).is_absolute() or PureWindowsPath(value).drive else value
    if isinstance(value, dict):
        return {name: _without_paths(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_without_paths(item) for item in value]
    return value


def _last_part(path: str) -> str:
    return PureWindowsPath(path).name or path  # knows both kinds of slashes


def _refuse_keys(files: dict[str, Path | bytes]) -> None:
    """Refuse texts with a key of this process in them; weights are no text."""
    secrets = [key.encode() for key in keys()]
    for name, content in files.items():
        if name.endswith(".safetensors"):
            continue
        data = content if isinstance(content, bytes) else content.read_bytes()
        if any(secret in data for secret in secrets):
            raise UserError(f"push: {name} holds one of your keys (its variable is set here): take it out")


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

    def prepare(self, run_digest: str, step: int | None, replace: bool) -> None:
        """Make it if it does not exist; refuse one that holds another model."""
        self._open()
        if replace or not set(self._holds) - _KEPT:
            return
        about = json.loads(self._read(ABOUT)) if ABOUT in self._holds else {}
        if (about.get("run_digest"), about.get("step")) != (run_digest, step):
            raise UserError(
                f"push: {self.name} holds another model: choose another name, or add --replace (its history "
                "keeps the old one)"
            )

    def prepare_rows(self, replace: bool, rows: Path) -> None:
        """The same for a dataset: rows of another file are not replaced."""
        self._open()
        if replace or not set(self._holds) - _KEPT:
            return
        if self._holds.count(ROWS) != 1 or self._read(ROWS) != rows.read_bytes():
            raise UserError(
                f"push: the dataset {self.name} holds other rows: choose another name, or add --replace (its "
                "history keeps the old ones)"
            )

    def commit(self, files: dict[str, Path | bytes], message: str) -> str:
        """Put files into it, and remove all others, in one commit.

        Returns:
            The commit; the present one where nothing changes.
        """
        from huggingface_hub import CommitOperationAdd, CommitOperationDelete

        gone = [name for name in self._holds if name not in {*files, ".gitattributes"}]
        operations: list[Any] = [CommitOperationDelete(path_in_repo=name) for name in gone]
        for name, content in files.items():
            source = content if isinstance(content, bytes) else str(content)
            operations.append(CommitOperationAdd(path_in_repo=name, path_or_fileobj=source))
        with _in_one_line(self.name):
            done = self._api.create_commit(
                self.name, operations, commit_message=message, repo_type=self.kind, parent_commit=self._head
            )
        return str(done.oid)

    def _open(self) -> None:
        with _in_one_line(self.name):
            made = self._api.create_repo(
                self.name, private=not self._public, repo_type=self.kind, exist_ok=True
            )
            info = self._api.repo_info(self.name, repo_type=self.kind)
        self.url, self.private, self._head = str(made), bool(info.private), info.sha
        self._holds = [file.rfilename for file in getattr(info, "siblings", None) or ()]
        if not self.private and not self._public:
            raise UserError(f"push: {self.name} is public already: add --public, or choose another name")
        if self.private and self._public:
            self.notes.append(f"{self.name} existed and is private: its settings on the Hub make it public")

    def _read(self, name: str) -> bytes:
        with _in_one_line(self.name):
            found = self._api.hf_hub_download(self.name, name, repo_type=self.kind, revision=self._head)
        return Path(found).read_bytes()


@contextmanager
def _in_one_line(repository: str) -> Iterator[None]:
    """What the Hub or the network refuses, as one line that says what to do."""
    from huggingface_hub.errors import HfHubHTTPError, LocalTokenNotFoundError, OfflineModeIsEnabled

    advice = "run  hf auth login  with a token that may write, or set HF_TOKEN"
    try:
        yield
    except LocalTokenNotFoundError as error:
        raise UserError(f"push: the Hub asks who you are: {advice}") from error
    except OfflineModeIsEnabled as error:
        raise UserError("push: HF_HUB_OFFLINE is set: unset it to reach the Hub") from error
    except HfHubHTTPError as error:
        status = error.response.status_code
        if status in (401, 403):
            raise UserError(f"push: the Hub does not let you write to {repository}: {advice}") from error
        if status in (409, 412):
            raise UserError(f"push: {repository} was changed meanwhile: run this again") from error
        raise UserError(f"push: the Hub refused {repository}: {first_line(error)}") from error
    except UserError:
        raise
    except Exception as error:  # the network's, the library's or the disk's
        raise UserError(
            f"push: {repository} could not be reached or written ({first_line(error, limit=160)}): run this "
            "again"
        ) from error
