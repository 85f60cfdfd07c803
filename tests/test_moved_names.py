"""What documentation of version 0.1.0 told users to import still works, and warns."""

import importlib

import pytest

from inoc_evals.runs.directory import read_dynamics
from inoc_evals.runs.spec import ProbeSpec
from inoc_evals.worlds.toy import rows


@pytest.mark.parametrize(
    ("old", "name", "new"),
    [
        ("inoc_evals.toy", "rows", rows),
        ("inoc_evals.data.chat", "read_chat", importlib.import_module("inoc_evals").read_chat),
        ("inoc_evals.finetune.runs", "read_dynamics", read_dynamics),
        ("inoc_evals.finetune.spec", "ProbeSpec", ProbeSpec),
    ],
)
def test_moved_names_warn_and_work(old: str, name: str, new: object) -> None:
    module = importlib.import_module(old)
    with pytest.warns(DeprecationWarning, match=f"{old} has moved: import {name} from inoc_evals"):
        assert getattr(module, name) is new
    with pytest.raises(AttributeError, match=f"module '{old}' has no attribute 'no_such'"):
        module.no_such  # noqa: B018
