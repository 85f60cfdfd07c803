"""Write the exact training file of an arm, and beside it a record of its sources.

    build(setting("reward_hacking"), "general-inoc", "paper", seed=0, out=Path("rows.jsonl"))

Beside the rows lies a sidecar, `rows.jsonl.json`: setting, arm, prompt, seed, sources with their digests,
number of rows, and the digest of the file, which the finetune's manifest holds, too.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inoc_evals.chat.rows import Row, encode_chat, write_chat
from inoc_evals.data.own_files import OwnFile
from inoc_evals.data.row_sources import RowSource, Source, source_record, sources_of
from inoc_evals.digests import sha256
from inoc_evals.errors import UserError
from inoc_evals.files import refuse_overwriting, write_whole
from inoc_evals.user_files import json_object

if TYPE_CHECKING:
    from inoc_evals.settings import Setting


def build(
    setting: "Setting",
    arm: str,
    world: str,
    out: Path,
    seed: int = 0,
    first_stage: bool = False,
    *,
    force: bool = True,
) -> dict[str, Any]:
    """Write the training rows of one arm.

    Args:
        setting: The setting.
        arm: Name of one of its arms; ignored for the first stage.
        world: Name of a world in which the setting has rows.
        out: The file to write; it appears whole or not at all.
        seed: Seed of the rows.
        first_stage: Write the rows of the setting's first stage instead.
        force: Replace a file with other rows, if there is one.

    Returns:
        The sidecar's content.

    Raises:
        UserError: If the setting has no such arm or rows, a source cannot be fetched, or the file cannot be
            written or replaced.
    """
    chosen = setting.arm(arm, world)
    source: RowSource
    if first_stage:
        first = setting.training(world).first_stage
        if first is None:
            raise UserError(f"setting {setting.name} has no first stage in world {world!r}")
        source, rows = first, iter(first(seed))
    else:
        source, rows = setting.source(chosen, world), setting.prepare(chosen, world, seed)
    inoculation = None if first_stage else chosen.inoculation
    about = {
        "setting": setting.name,
        "stage": "first" if first_stage else "arms",
        "arm": None if first_stage else arm,
        "prompts": list(inoculation.texts) if inoculation else [],
        "position": inoculation.position if inoculation else None,
        "deal": inoculation.deal if inoculation else None,
        "where": dict(chosen.where) if inoculation else {},
        **({"others": list(chosen.others.texts)} if chosen.others and not first_stage else {}),
        "control": chosen.control and not first_stage,
        "world": world,
        "seed": seed,
        "sources": [source_record(one) for one in sources_of(source)],
    }
    return write_with_sidecar(out, rows, about, force=force, inputs=_files(sources_of(source)))


def _files(sources: Iterable[Source]) -> list[str]:
    """Those of the sources that are files of the user's own."""
    return [one.origin for one in sources if isinstance(one, OwnFile) and not one.remote]


def write_with_sidecar(
    out: Path,
    rows: Iterable[Row],
    about: dict[str, Any],
    *,
    force: bool = True,
    inputs: Iterable[str | Path] = (),
) -> dict[str, Any]:
    """Write rows, and beside them what they are.

    Args:
        out: The file to write; the sidecar is beside it.
        rows: The rows.
        about: Where they come from.
        force: Replace a file with other rows, if there is one.
        inputs: Files that the rows were read from, which are never replaced.

    Returns:
        The sidecar's content: `about`, the number of rows, and the digest of the file.

    Raises:
        UserError: If a row is malformed, or the file cannot be written or replaced.
    """
    beside, inputs = Path(f"{out}.json"), list(inputs)
    refuse_overwriting(beside, force=force or out.exists(), inputs=inputs)
    if out.exists():
        rows = list(rows)
        refuse_overwriting(out, force=force, inputs=inputs, content=encode_chat(rows))
    count = write_chat(out, rows)
    sidecar = {**about, "rows": count, "sha256": sha256(out.read_bytes())}
    write_whole(beside, (json.dumps(sidecar, indent=2, ensure_ascii=False) + "\n").encode())
    return sidecar


def forget_sidecar(out: Path) -> Path | None:
    """Remove the sidecar of rows that were replaced by others: it would say that these are what those were.

    Args:
        out: The file of rows, as it is now.

    Returns:
        The sidecar that was there; None where there is none, or it is of these very rows, or no sidecar.
    """
    beside = Path(f"{out}.json")
    try:
        found = json_object(beside)
    except UserError:
        return None
    if not {"rows", "sha256"} <= set(found) or found["sha256"] == sha256(out.read_bytes()):
        return None
    beside.unlink()
    return beside
