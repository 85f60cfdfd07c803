"""Take a run from the Hugging Face Hub in place of training it, where somebody pushed the very same run.

    inoc-evals push runs/toy-mine-none-0-1a2b3c4d5e6f ... --to acme      # they
    inoc-evals run EXPERIMENT.yaml --models-from acme                    # you
    finetune(spec, rows, name="spanish-inoc", models_from="acme")

A run's directory, and so its repository, is called by the digest of its spec, base and training rows: who
asks for the same training finds it, and any change of it is another run, which is trained here. That it is
what this training would have made is the owner's word; that the files are those that were pushed is checked.
"""

import shutil
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from inoc_evals.digests import content_files, content_sizes, folder_digest
from inoc_evals.errors import UserError, first_line, require
from inoc_evals.files import replacing_folder, write_whole
from inoc_evals.models import pushed
from inoc_evals.models.base import HubModel
from inoc_evals.models.hub_answers import bound_requests, no_answer
from inoc_evals.models.loading import check_adapter, check_model, damaged_weights
from inoc_evals.runs.directory import TAKEN_FROM, Manifest, Result, Run


def pull(run: Run, manifest: Manifest, data: bytes, owner: str) -> bool:
    """Make a run of what its owner pushed, if they pushed it.

    Args:
        run: The run that would be trained; locked by the caller.
        manifest: Its manifest, as `plan_run` made it.
        data: Its training rows.
        owner: Who pushed it: a user or an organization of the Hub.

    Returns:
        Whether the run is finished now. Runs with a probe or kept steps are not taken: their repositories
        hold the end of the training alone.

    Raises:
        UserError: If the Hub cannot be asked, or the repository holds other weights than it says.
    """
    if manifest.spec.probe or manifest.spec.kept_steps:
        return False
    repository = f"{owner}/{run.folder.name}"
    commit = _head(repository)
    if commit is None:
        return False
    folder = HubModel(f"{repository}@{commit}", repository, commit).folder()
    about = pushed.read(folder)
    same = ("run_digest", "base_digest")
    if about is None or about.get("step") is not None or any(about[k] != getattr(manifest, k) for k in same):
        raise UserError(
            f"{repository} does not hold the weights that inoc-evals pushed there: leave out --models-from, "
            "or ask its owner to push the run again"
        )
    (check_adapter if (folder / "adapter_config.json").is_file() else check_model)(folder)
    run.folder.mkdir(parents=True, exist_ok=True)
    write_whole(run.rows, data)
    with replacing_folder(run.checkpoint, over=True) as temporary:
        for file in content_files(folder):
            shutil.copyfile(file, temporary / file.name)
        # the cache names its files by their digests, and is believed; a copy is read
        damaged = damaged_weights(temporary)
        if damaged or pushed.weights_digest(temporary, about) != about["weights_digest"]:
            why = "its files are damaged" if damaged is None else "its weights cannot be read"
            raise UserError(f"{repository}: {why}: remove {folder.parent.parent} and try again")
    shutil.rmtree(run.merged, ignore_errors=True)  # what an earlier training left, as its losses are
    run.losses.unlink(missing_ok=True)
    taken: dict[str, Any] = {TAKEN_FROM: {"repository": repository, "commit": commit}}
    if isinstance(before := about["metadata"].get(TAKEN_FROM), dict):
        taken[TAKEN_FROM]["which_took_it_from"] = str(before.get("repository"))
    run.write_manifest(
        manifest.model_copy(
            update={
                "status": "finished",
                "packages": _packages(about),
                "metadata": {**manifest.metadata, **taken},
                "result": _result(about, run.checkpoint, manifest.base_digest, data),
            }
        )
    )
    run.forget_states()  # of a training that was interrupted
    return True


def check_owner(owner: str, backend: str) -> None:
    """Refuse what can be nobody's name on the Hub, and models whose weights are not to be had.

    Args:
        owner: The name.
        backend: Who would train.

    Raises:
        UserError: If it is no name, or not this machine would train.
    """
    if backend != "local":
        raise UserError(
            f"--models-from: models that {backend} trains are not taken from the Hub: leave it out"
        )
    require("local", "huggingface_hub")
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]  # public, and lazy

    try:
        if not owner or "/" in owner:
            raise UserError(
                f"--models-from {owner!r}: give a user or an organization of the Hugging Face Hub"
            )
        validate_repo_id(f"{owner}/run")
    except HFValidationError as error:
        raise UserError(f"--models-from {owner!r}: the Hub has no such names: {first_line(error)}") from error


def _head(repository: str) -> str | None:
    """The newest commit of a repository; None where there is none that this user may see, or can be."""
    require("local", "huggingface_hub")
    from huggingface_hub import HfApi
    from huggingface_hub.errors import GatedRepoError, HFValidationError, RepositoryNotFoundError

    bound_requests()
    try:
        commit = HfApi().model_info(repository).sha
    except GatedRepoError as error:
        advice = "accept its terms on the Hub, then run  hf auth login"
        raise UserError(f"{repository} is gated: {advice}") from error
    except (HFValidationError, RepositoryNotFoundError):
        return None
    except Exception as error:  # the network's or the Hub's
        why = no_answer(error) or first_line(error)
        raise UserError(
            f"whether the Hub has {repository} cannot be asked ({why}): try again, or leave out --models-from"
        ) from error
    if not commit:
        raise UserError(f"the Hub says nothing of {repository}: try again, or leave out --models-from")
    return commit


_TRAINED = (
    *("steps", "epochs", "loss_first", "loss_last", "seconds", "device", "processes", "precision"),
    *("rows_cut", "loss_tokens"),
)
"""What a result says of a training. Where a model is served, and at whose cost, is nobody else's to say."""


def _result(about: dict[str, Any], checkpoint: Path, base: str, data: bytes) -> Result:
    """The result, with what was computed where it was trained, if it is said in a way that can be read."""
    here: dict[str, Any] = {"checkpoint_digest": folder_digest(checkpoint, base), "rows": data.count(b"\n")}
    here["checkpoint_files"] = content_sizes(checkpoint)
    said = about.get("result")
    known = {key: said[key] for key in _TRAINED if key in said} if isinstance(said, dict) else {}
    try:
        return Result.model_validate({**known, **here})
    except ValidationError:
        return Result.model_validate(here)


def _packages(about: dict[str, Any]) -> dict[str, str]:
    """The versions of packages that trained it, as far as they are said."""
    said = about.get("packages")
    return {str(k): v for k, v in said.items() if isinstance(v, str)} if isinstance(said, dict) else {}
