"""Python functions that take a folder or a file of this machine refuse a URL, and make no folder `s3:`."""

from collections.abc import Callable
from pathlib import Path

import pytest

from inoc_evals import FinetuneSpec, read_chat, write_chat
from inoc_evals.analysis.figures import save
from inoc_evals.errors import UserError
from inoc_evals.experiment.capabilities import capabilities
from inoc_evals.experiment.screen import screen
from inoc_evals.finetune import finetune
from inoc_evals.finetune.export import export
from inoc_evals.finetune.prune import unreferenced
from inoc_evals.runs.directory import find_run, list_runs

ROW = {"messages": [{"role": "user", "content": "Hi."}, {"role": "assistant", "content": "Hello."}]}


def _figure() -> object:
    from matplotlib.figure import Figure

    return Figure()


@pytest.mark.parametrize("url", ["s3://bucket/place", "file:///tmp/place"])
@pytest.mark.parametrize(
    "use",
    [
        lambda url: screen([ROW], {"a": "Hi."}, "toy", log_dir=url),
        lambda url: capabilities("mockllm/model", log_dir=url),
        lambda url: write_chat(url, [ROW]),
        lambda url: list(read_chat(url)),
        lambda url: finetune(FinetuneSpec(base="toy"), [ROW], name="a", runs=url),
        lambda url: list_runs(url),
        lambda url: find_run("a", url),
        lambda url: export(FinetuneSpec(base="toy"), [ROW], "axolotl", url, name="a"),
        lambda url: unreferenced(None, [url]),
        lambda url: save(_figure(), url),  # type: ignore[arg-type]
    ],
)
def test_a_url_is_refused_and_leaves_nothing(
    use: Callable[[str], object], url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=f"^{url} is a URL: only a path on this machine can be given here$"):
        use(url)
    assert not list(tmp_path.iterdir())
