"""Log-probs that are followed while a model trains, and runs that a second finetune starts from."""

import json
from pathlib import Path

import pandas as pd
import pytest
from inspect_ai import eval

from inoc_evals import toy_spec
from inoc_evals.analysis import dynamics
from inoc_evals.errors import UserError
from inoc_evals.finetune import Run, finetune
from inoc_evals.finetune.merged import merged
from inoc_evals.models.checkpoint import resolve
from inoc_evals.runs.directory import DYNAMICS, read_dynamics
from inoc_evals.runs.spec import ProbeSpec
from inoc_evals.tasks import trait_logprobs
from inoc_evals.worlds.toy import rows as toy

STEPS = 5


def train(folder: Path, probe: ProbeSpec | None, **changes: object) -> Run:
    spec = toy_spec(0, max_steps=STEPS, probe=probe, **changes)
    return finetune(spec, toy.spanish_caps(0, 40), name="x", runs=folder, progress=False)


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return train(tmp_path_factory.mktemp("runs"), ProbeSpec(responses="toy", every=2))


def test_the_curve_has_the_first_the_last_and_every_second_step(followed: Run) -> None:
    rows = read_dynamics(followed.folder)
    assert list(dict.fromkeys(row["step"] for row in rows)) == [0, 2, 4, 5]
    assert len(rows) == 4 * 20 and {row["trait"] for row in rows} == {"spanish", "caps"}


def test_both_ends_of_the_curve_are_what_the_task_says(followed: Run, tmp_path: Path) -> None:
    rows = read_dynamics(followed.folder)
    for step, model in ((0, "inoc/toy"), (STEPS, f"inoc/{followed.folder}")):
        (log,) = eval(trait_logprobs(questions="toy"), model=model, log_dir=str(tmp_path), display="none")
        assert log.samples is not None
        expected = {s.id: (s.scores or {})["response_logprob"].as_dict() for s in log.samples}
        for row in (row for row in rows if row["step"] == step):
            assert row["logprob"] == pytest.approx(expected[row["id"]]["logprob"], abs=1e-3)
            assert row["tokens"] == expected[row["id"]]["tokens"]


def test_to_be_followed_changes_nothing_that_is_learnt(followed: Run, tmp_path: Path) -> None:
    alone = train(tmp_path, None)
    first, second = (run.checkpoint / "adapter_model.safetensors" for run in (followed, alone))
    assert first.read_bytes() == second.read_bytes()
    assert not (alone.folder / DYNAMICS).exists() and read_dynamics(alone.folder) == []


def test_half_a_line_of_a_killed_process_is_left_out(followed: Run, tmp_path: Path) -> None:
    text = (followed.folder / DYNAMICS).read_text()
    (tmp_path / DYNAMICS).write_text(text[:-9])
    assert len(read_dynamics(tmp_path)) == 79


def test_responses_that_do_not_exist_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nowhere.csv: no such file"):
        train(tmp_path, ProbeSpec(responses="nowhere.csv"))


def test_the_curve_can_be_drawn(followed: Run) -> None:
    table = dynamics.load([(followed.folder, {"arm": "none", "seed": 0})])
    assert tuple(table.columns) == dynamics.COLUMNS and len(table) == 80
    figure = dynamics.curves(table, ("none",), "A title")
    panels = figure.get_axes()
    assert [axes.get_title(loc="left") for axes in panels] == ["Spanish only", "Caps only"]
    line = panels[0].get_lines()[-1]
    first = [row["logprob"] for row in read_dynamics(followed.folder) if row["step"] == 0][::2]
    assert line.get_ydata()[0] == pytest.approx(sum(first) / len(first))
    with pytest.raises(UserError, match="no run recorded log-probs"):
        dynamics.load([(followed.folder.parent, {"arm": "none", "seed": 0})])


def test_the_thick_line_is_the_mean_of_the_thin_ones() -> None:
    """A seed whose probe has more responses counts no more than another."""
    rows = [
        {"arm": arm, "seed": seed, "step": step, "trait": "spanish", "id": n, "logprob": value, "tokens": 3}
        for arm, seed, count, value in (
            ("none", 0, 10, -10.0),
            ("none", 1, 2, -2.0),
            ("other", None, 3, -4.0),
        )
        for step in (0, 10)
        for n in range(count)
    ]
    [axes] = dynamics.curves(pd.DataFrame(rows), ("none", "other"), "A title").get_axes()
    *thin, thick, _, other = [list(line.get_ydata()) for line in axes.get_lines()]
    assert thin == [[-10.0, -10.0], [-2.0, -2.0]] and thick == [-6.0, -6.0]
    assert other == [-4.0, -4.0]  # a run without a seed has a line, too


def test_a_run_becomes_a_base_that_says_the_same(followed: Run, tmp_path: Path) -> None:
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    from inoc_evals.models.base import SHIPPED

    folder = merged(followed)
    assert folder == merged(followed) and resolve(str(folder)).adapter is None
    whole = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    base = AutoModelForCausalLM.from_pretrained(SHIPPED["toy"], dtype=torch.float32)
    adapted = PeftModel.from_pretrained(base, str(followed.checkpoint)).eval()
    ids = torch.arange(5, 45)[None]
    with torch.inference_mode():
        assert torch.allclose(whole(ids).logits, adapted(ids).logits, atol=1e-4)
    second = train(tmp_path, None, base=str(folder))
    assert second.is_finished() and resolve(str(second.folder)).weights == folder
    assert not [path for path in followed.folder.iterdir() if path.name.startswith(".merged")]


def test_a_run_of_all_weights_is_its_own_base(tmp_path: Path) -> None:
    run = train(tmp_path, None, lora=None, trained_tokens=(), token_learning_rate=None)
    assert merged(run) == run.checkpoint


def test_a_run_that_is_not_finished_is_no_base(followed: Run, tmp_path: Path) -> None:
    manifest = json.loads((followed.folder / "manifest.json").read_text())
    (tmp_path / "manifest.json").write_text(json.dumps({**manifest, "status": "failed"}))
    with pytest.raises(UserError, match="is failed, not finished: start its finetune again"):
        merged(Run(tmp_path))
