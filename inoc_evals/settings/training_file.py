"""Write the exact training file of an arm, and beside it a record of its sources.

    build(setting("reward_hacking"), "general-inoc", "paper", seed=0, out=Path("rows.jsonl"))

Beside the rows lies a sidecar, `rows.jsonl.json`: setting, arm, prompt, seed, sources with their digests,
number of rows, and the digest of the file, which the finetune's manifest holds, too.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inoc_evals.chat.rows import Row, write_chat
from inoc_evals.data.row_sources import RowSource, source_record, sources_of
from inoc_evals.digests import sha256
from inoc_evals.errors import UserError
from inoc_evals.files import write_whole

if TYPE_CHECKING:
    from inoc_evals.settings import Setting


def build(
    setting: "Setting", arm: str, world: str, out: Path, seed: int = 0, first_stage: bool = False
) -> dict[str, Any]:
    """Write the training rows of one arm.

    Args:
        setting: The setting.
        arm: Name of one of its arms; ignored for the first stage.
        world: Name of a world in which the setting has rows.
        out: The file to write; it appears whole or not at all.
        seed: Seed of the rows.
        first_stage: Write the rows of the setting's first stage instead.

    Returns:
        The sidecar's content.

    Raises:
        UserError: If the setting has no such arm or rows, a source cannot be fetched, or the file cannot be
            written.
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
    return write_with_sidecar(out, rows, about)


def write_with_sidecar(out: Path, rows: Iterable[Row], about: dict[str, Any]) -> dict[str, Any]:
    """Write rows, and beside them what they are.

    Args:
        out: The file to write; the sidecar is beside it.
        rows: The rows.
        about: Where they come from.

    Returns:
        The sidecar's content: `about`, the number of rows, and the digest of the file.

    Raises:
        UserError: If a row is malformed, or the file cannot be written.
    """
    count = write_chat(out, rows)
    sidecar = {**about, "rows": count, "sha256": sha256(out.read_bytes())}
    write_whole(Path(f"{out}.json"), (json.dumps(sidecar, indent=2, ensure_ascii=False) + "\n").encode())
    return sidecar
