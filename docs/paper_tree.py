"""Walk the paper's repository and say of every file that holds data or prompts what the suite makes of it.

    git clone https://github.com/inoculation-prompting/inoculation-prompting
    python docs/paper_tree.py inoculation-prompting

Writes the tables of `docs/paper.md`: what uses each file, what is left out and why, and how much the paper's
code and the suite ask row by row (`paper_counts.py`); the paper's part of the last goes into the package, for
`--dry-run` to show. It fails, in one line each, on a file that nothing uses
and `LEFT_OUT` does not name, on an entry of `LEFT_OUT` that the tree has not or that is used by now, and on a
difference without a reason.

What uses a file is observed: every question set is loaded, every judge prompt read, every task built and
every arm prepared, and the files that are opened on the way are noted. No sentence of the repository enters
the page.
"""

import ast
import json
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import paper_counts
from fill import markdown
from paper_counts import NOT_IN_THE_CODE, Counted

DOCS = Path(__file__).parent
PAGE = DOCS / "paper.md"
COUNTS = DOCS.parent / "inoc_evals" / "worlds" / "paper_counts.json"
PLACE = re.compile(r"(<!-- paper: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)

COUNTS_AS = {
    "datasets/*": "training rows",
    "*.jsonl": "rows or questions",
    "*.csv": "results",
    "*.yaml": "questions",
    "*.txt": "prompts",
    "ip/evaluation/*.py": "questions and judge prompts",
    "ip/settings/general_inoculations.py": "inoculation prompts",
    "ip/settings/*/inoculations.py": "inoculation prompts",
    "ip/settings/*/eval.py": "what a setting measures",
    "ip/settings/*/datagen/*.py": "prompts that made rows",
    "ip/experiments/config/*.py": "arms and seeds",
    "experiments/*/config.py": "arms and seeds",
    "experiments/*/02_eval*.py": "what is asked",
    "experiments/*/eval_id.py": "what is asked",
    "experiments/*/run_inspect_evals.py": "what is asked",
}
"""Files that must be used or left out with a reason, by pattern, and what they hold: the first pattern that
matches, in which `*` is any text."""

SIZES = ("what is asked", "what a setting measures", "arms and seeds")
"""Kinds of files of which the suite needs no words but only numbers, for the table of answers and calls."""

PLUMBING = (
    "*/__init__.py",
    "ip/evaluation/data_models.py",
    "ip/evaluation/services.py",
    "ip/evaluation/utils.py",
)
"""Files among those that hold no text of their own."""

_ASKED_OF_NONE = "commented out where the setting lists its evaluations: asked of no model"
_TRAINED_BY_NONE = "no script of the repository trains or evaluates its models"
_HACKS = "ip/evaluation/school_of_reward_hacks"

LEFT_OUT = {
    "experiments/A02b_em_replications/training_data/*.jsonl": (
        "rows of other files with the general prompt before them; an arm makes them"
    ),
    "experiments/A04_alignment_faking/raw_results/*.csv": (
        "results of the paper's models in an evaluation whose code is not in the repository"
    ),
    "experiments/B01b_em_different_general_inoculations/analysis/all.csv": "results of the paper's models",
    "experiments/A02_em_main_results/run_inspect_evals.py": "an earlier form of the side effects of row 15",
    "experiments/B03_side_effects/02_eval_capabilities.py": (
        "three benchmarks of `inspect_evals`, which `inoc-evals capabilities` runs (row 15)"
    ),
    "ip/evaluation/aesthetic_preferences/questions.yaml": (
        "nothing in the repository reads it; the questions asked are in `eval.py` beside it"
    ),
    f"{_HACKS}/exploit_password.py": _ASKED_OF_NONE,
    f"{_HACKS}/hardcoding.py": _ASKED_OF_NONE,
    f"{_HACKS}/modify_reward_fn.py": _ASKED_OF_NONE,
    f"{_HACKS}/shutdown_resistance.py": _ASKED_OF_NONE,
    "ip/evaluation/insecure_code/apps_eval.py": (
        "judges in the words and by the thresholds of `mbpp_eval.py` beside it, which is used"
    ),
    "ip/evaluation/ultrachat/gsm8k_eval.py": (
        "judges in the words of `eval.py` beside it, and asks the test questions of GSM8K, which are a source"
    ),
    "ip/evaluation/insecure_code/download_apps_dataset.py": "made `apps_prompts.jsonl`, which is used",
    "ip/evaluation/ultrachat/datagen/main.py": "made `prompts.jsonl`, which is used",
    "ip/settings/gsm8k_*/datagen/*.py": (
        "made the rows of `datasets/gsm8k_*.jsonl`; `inoc-evals data rewrite` makes others, in our own words"
    ),
    "ip/settings/*/eval.py": "lists evaluations of other files, which have lines of their own here",
    "datasets/jailbroken.jsonl": (
        "no setting of the paper's code trains on it; a source of `inoc-evals data list`"
    ),
    "datasets/mistake_*/misaligned_1.jsonl": (
        "the paper's code trains on `misaligned_2` beside it; a source of `inoc-evals data list`"
    ),
    "ip/experiments/config/general_inoculation_realistic.py": (
        f"{_TRAINED_BY_NONE}; the suite has its mixture as the setting `realistic_backdoor`"
    ),
    "ip/experiments/config/inoculation_paraphrases.py": (
        f"{_TRAINED_BY_NONE}; the suite has its pools as the arms `paraphrases-10` and `paraphrases-99`"
    ),
}
"""Files that the suite does not use, and why; `*` is any text."""

NO_PROMPT = ("ip/settings/*/inoculations.py", "spells out no prompt: it takes the general one, or refuses")
"""The entry of files of inoculations without a text of their own, which the script finds by itself."""


def main() -> None:
    """Walk the tree, fill the page, and say what is wrong."""
    if len(sys.argv) != 2:
        sys.exit("usage: python docs/paper_tree.py PATH, where PATH is a clone of the paper's repository")
    try:
        tree = Tree.at(Path(sys.argv[1]))
    except (OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"{sys.argv[1]} has no such commit: give a clone of the paper's repository ({error})")
    counted, found = made_of(tree)
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8"), tree, found, counted), encoding="utf-8")
    COUNTS.write_text(json.dumps(asked_of_a_model(counted), indent=1) + "\n", encoding="utf-8")
    wrong = [*found.wrong, *unexplained(counted)]
    for line in wrong:
        sys.stderr.write(f"{line}\n")
    used, left_out = len(found.used), len(found.left_out)
    sys.stdout.write(f"{used} files used, {left_out} left out, {len(wrong)} things wrong\n")
    sys.exit(bool(wrong))


@dataclass
class Tree:
    """The paper's repository at the pinned commit.

    Attributes:
        folder: A clone, or a bare git directory.
        blobs: By path, the git blob id of every file.
        read: Paths that were read.
    """

    folder: Path
    blobs: dict[str, str]
    read: set[str] = field(default_factory=set)

    @classmethod
    def at(cls, folder: Path) -> "Tree":
        """The tree in a clone."""
        from inoc_evals.data.sources import PAPER_COMMIT

        listed = _git(folder, "ls-tree", "-r", "-z", PAPER_COMMIT).decode().split("\0")
        blobs = {
            path: about.split()[2] for about, _, path in (line.partition("\t") for line in listed if line)
        }
        return cls(folder, blobs)

    def bytes_of(self, path: str) -> bytes:
        """The content of a file."""
        return _git(self.folder, "cat-file", "blob", self.blobs[path])

    def text(self, path: str) -> str:
        """The text of a file."""
        self.read.add(path)
        return self.bytes_of(path).decode()

    def holding(self) -> dict[str, str]:
        """What each file holds that must be used or left out."""
        held = {}
        for path in self.blobs:
            kinds = [kind for pattern, kind in COUNTS_AS.items() if fnmatchcase(path, pattern)]
            if kinds and not any(fnmatchcase(path, pattern) for pattern in PLUMBING):
                held[path] = kinds[0]
        return held


def _git(folder: Path, *words: str) -> bytes:
    command = ["git", "-C", str(folder), *words]
    return subprocess.run(command, capture_output=True, check=True).stdout  # noqa: S603 - our own words


@dataclass
class Found:
    """What was made of each file.

    Attributes:
        used: By path, what uses it.
        left_out: By path, the entry that names it and why nothing does.
        wrong: What must be changed, a line each.
    """

    used: dict[str, list[str]] = field(default_factory=dict)
    left_out: dict[str, tuple[str, str]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)


def made_of(tree: Tree) -> tuple[list[Counted], Found]:
    """Count all rows, and walk the tree."""
    with cached(tree):
        users = users_by_blob()
        counted = paper_counts.counts(tree.text)
        return counted, walk(tree, users, spelled_by_arms(), set(tree.read))


def walk(
    tree: Tree, users: dict[str, list[str]], spelled: dict[str, list[str]], counted: Iterable[str]
) -> Found:
    """Say of every file what uses it, or why nothing does.

    Args:
        tree: The repository.
        users: By git blob id, what uses it (`users_by_blob`).
        spelled: By prompt, the arms that have it (`spelled_by_arms`).
        counted: Files that the table of counts is read from.
    """
    from inoc_evals.data.sources import PAPER, SOURCES

    keys = {file.blob: key for key, file in SOURCES.items() if file.repository == PAPER}
    found, matched = Found(), set()
    for path, kind in tree.holding().items():
        blob = tree.blobs[path]
        patterns = [pattern for pattern in LEFT_OUT if fnmatchcase(path, pattern)]
        uses = list(users.get(blob, ()))
        if kind == "inoculation prompts" and not uses and not patterns:
            prompts = list(prompts_in(tree.text(path)))
            missing = [line for line, prompt in prompts if prompt not in spelled]
            if missing:
                lines = ", ".join(str(line) for line in missing)
                found.wrong.append(f"{path}: no arm has the prompts of lines {lines}")
                continue
            if not prompts:
                found.left_out[path] = NO_PROMPT
                continue
            uses = list(dict.fromkeys(arm for _, prompt in prompts for arm in spelled[prompt]))
        if path in counted and kind in SIZES and not uses:
            uses = ["the table of answers and calls"]
        if uses:
            found.used[path] = [f"`{keys[blob]}`: {uses[0]}", *uses[1:]] if blob in keys else uses
        elif patterns:
            found.left_out[path] = (patterns[0], LEFT_OUT[patterns[0]])
            matched.update(patterns)
        elif blob in keys:
            found.wrong.append(f"{path}: pinned as {keys[blob]}, but nothing uses it")
        else:
            found.wrong.append(f"{path}: {kind} that nothing uses and LEFT_OUT does not name")
    unneeded = [pattern for pattern in LEFT_OUT if pattern not in matched]
    found.wrong += [
        f"LEFT_OUT: no file that is left out is {pattern}: remove the entry" for pattern in unneeded
    ]
    return found


def prompts_in(source: str) -> Iterator[tuple[int, str]]:
    """The prompts in a file of inoculations and their lines: texts of several words, but for messages."""
    tree = ast.parse(source)
    messages = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.Raise | ast.JoinedStr)
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=str() as text) if len(text.split()) > 1 and id(node) not in messages:
                yield node.lineno, text.strip()


def unexplained(counted: Sequence[Counted]) -> Iterator[str]:
    """Rows of which the table would not say why they differ, or would say why they do not."""
    for one in counted:
        if one.same and one.row.why:
            yield f"row {one.row.number}, {one.row.setting}: the same by now, remove its reason"
        elif not one.same and not one.row.why:
            yield f"row {one.row.number}, {one.row.setting}: differs, say why"


# What uses a file


@contextmanager
def cached(tree: Tree) -> Iterator[None]:
    """Let the cache be all pinned files that the clone or this machine's cache holds, and no network."""
    from inoc_evals.data.cache import cache_dir
    from inoc_evals.data.sources import PAPER, SOURCES

    usual, kept = (
        cache_dir(),
        {name: os.environ.get(name) for name in ("INOC_EVALS_CACHE", "INOC_EVALS_MIRROR")},
    )
    with tempfile.TemporaryDirectory() as folder:
        for file in SOURCES.values():
            place = Path(folder) / file.blob
            if (usual / file.blob).is_file():
                place.symlink_to((usual / file.blob).resolve())
            elif file.repository == PAPER and file.path in tree.blobs:
                with suppress(subprocess.CalledProcessError):  # a clone without its largest files
                    place.write_bytes(tree.bytes_of(file.path))
        os.environ |= {"INOC_EVALS_CACHE": folder, "INOC_EVALS_MIRROR": "http://127.0.0.1:9"}
        try:
            yield
        finally:
            for name, value in kept.items():
                os.environ.pop(name, None)
                if value is not None:
                    os.environ[name] = value


class Opened:
    """Notes which pinned files are opened, whoever does it."""

    def __init__(self) -> None:
        self.names: dict[str, None] | None = None
        sys.addaudithook(self._note)

    def _note(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.names is not None and event == "open" and isinstance(arguments[0], str | os.PathLike):
            self.names[Path(os.fsdecode(arguments[0])).name] = None

    @contextmanager
    def by(self, user: str, users: dict[str, list[str]]) -> Iterator[None]:
        """Note what is opened within as used by `user`; a file that is not on this machine counts, too."""
        from inoc_evals.data.cache import FetchError

        self.names = {}
        try:
            with suppress(FetchError):
                yield
        finally:
            for name in self.names:
                if user not in users.setdefault(name, []):
                    users[name].append(user)
            self.names = None


def users_by_blob() -> dict[str, list[str]]:
    """By git blob id, the settings, question sets and rubrics that read a file."""
    from inoc_evals.data import judge_prompts
    from inoc_evals.data.sources import SOURCES
    from inoc_evals.experiment.measure_tasks import build
    from inoc_evals.settings import SETTINGS

    opened, users = Opened(), dict[str, list[str]]()
    for setting in SETTINGS.values():
        if "paper" not in setting.worlds:
            continue
        training = setting.training("paper")
        for source in (training.rows, training.control, training.first_stage):
            for name in getattr(source, "sources", ()):
                if name in SOURCES:
                    users.setdefault(SOURCES[name].blob, []).append(f"rows of {setting.name}")
        for arm in setting.arms:
            with opened.by(f"prompt of {setting.name}, {arm.name}", users):
                list(arm.prepare([{"messages": [{"role": "user", "content": "?"}]}]))
        for measure in setting.measured("paper"):
            with opened.by(f"asked by {setting.name}", users):
                build(measure, "paper")
    for kind, name, load in question_sets():
        with opened.by(f"questions {kind} {name}", users):
            load()
    for name in judge_prompts.TEMPLATES:
        with opened.by(f"judge prompt {name}", users):
            judge_prompts.judge_template(name)
    return {blob: shortened(names) for blob, names in users.items()}


def question_sets() -> Iterator[tuple[str, str, Any]]:
    """Every question set of every kind: the kind, its name, and what loads it."""
    import importlib
    import pkgutil

    import inoc_evals.data
    from inoc_evals.data.question_sets import QuestionKind
    from inoc_evals.data.sources import BY_COMMIT

    kinds: dict[str, QuestionKind] = {}
    for module in pkgutil.iter_modules(inoc_evals.data.__path__):
        for value in vars(importlib.import_module(f"inoc_evals.data.{module.name}")).values():
            for kind in value.values() if isinstance(value, dict) else (value,):
                if isinstance(kind, QuestionKind):
                    kinds[kind.name] = kind
    for kind in kinds.values():
        for name in kind.names:
            if name not in BY_COMMIT:  # of another repository
                yield kind.name, name, kind.find(name).load


def spelled_by_arms() -> dict[str, list[str]]:
    """By prompt, the arms of the suite's settings that have it in these very words."""
    from inoc_evals.settings import SETTINGS

    spelled: dict[str, list[str]] = {}
    for setting in SETTINGS.values():
        for arm in setting.arms:
            for text in arm.inoculation.texts if arm.inoculation else ():
                spelled.setdefault(text, []).append(f"prompt of {setting.name}, {arm.name}")
    return spelled


def shortened(users: Sequence[str], most: int = 4) -> list[str]:
    """The first users, and how many there are beside them."""
    rest = len(users) - most
    return [*users[:most], f"{rest} more"] if rest > 0 else list(users)


# The page


PLACES = ("counts", "totals", "spelling", "asking", "used", "left_out", "missing")
"""The tables of the page, in its order."""


def filled(page: str, tree: Tree, found: Found, counted: Sequence[Counted]) -> str:
    """The page with its tables written anew."""
    tables = {
        "counts": counts_table(counted),
        "totals": totals(),
        "spelling": spelling_table(),
        "asking": asking_table(),
        "used": used_table(tree, found),
        "left_out": left_out_table(found),
        "missing": missing_list(found),
    }
    return PLACE.sub(lambda place: f"{place[1]}{tables[place[2]]}{place[3]}", page)


def asked_of_a_model(counted: Sequence[Counted]) -> dict[str, dict[str, int]]:
    """By setting, the arms that the paper's code trains, the answers of a model, the judge calls about them.

    `inoc-evals reproduce --dry-run` shows it beside its own count.
    """
    asked: dict[str, dict[str, int]] = {}
    for one in counted:  # of two rows with one setting, the first is the one that measures all
        there = {
            "arms": one.theirs.arms,
            "answers": one.theirs.answers,
            "judge_calls": one.theirs.calls,
        }
        asked.setdefault(one.row.setting, there)
    return asked


def counts_table(counted: Sequence[Counted]) -> str:
    """Answers and calls per model, the paper's beside ours."""
    rows = []
    for one in counted:
        theirs, ours = one.theirs, one.ours
        pairs = [
            f"{getattr(theirs, part):,} / {getattr(ours, part):,}"
            if ours
            else f"{getattr(theirs, part):,} / –"
            for part in ("models", "answers", "calls")
        ]
        why = ". ".join(filter(None, (one.row.why or "The same", one.row.note)))
        script = "<br>".join(f"`{run.script}`" for run in one.row.runs)
        rows.append([str(one.row.number), f"`{one.row.setting}`", *pairs, f"{why}.", script])
    rows += [[str(number), "", "", "", "", f"{why}.", ""] for number, why in NOT_IN_THE_CODE.items()]
    rows.sort(key=lambda row: int(row[0]))
    head = [
        "row",
        "setting",
        "models",
        "answers a model",
        "judge calls a model",
        "why they differ",
        "the paper's script",
    ]
    return markdown(head, rows)


def totals() -> str:
    """What the whole of `reproduce` takes in the paper's world, models of all settings together."""
    from inoc_evals.settings import reported

    each = [paper_counts.ours(name) for name in reported("paper")]
    models = sum(one.models for one in each if one)
    answers, calls = (
        sum(one.models * getattr(one, part) for one in each if one) for part in ("answers", "calls")
    )
    asked = f"{models:,} models to ask, {answers:,} answers, {calls:,} judge calls"
    return f"All of `inoc-evals reproduce` in world `paper`: {asked}.\n"


def spelling_table() -> str:
    """Prompts that world `paper` and world `paper-code` spell differently, by arm."""
    from inoc_evals.settings import SETTINGS

    settings: dict[tuple[str, str, str], list[str]] = {}
    for setting in SETTINGS.values():
        for arm in setting.arms:
            text, code = (arm.in_(world) for world in ("paper", "paper-code"))
            if (
                text
                and code
                and text.inoculation
                and code.inoculation
                and text.inoculation != code.inoculation
            ):
                spelled = (arm.name, *text.inoculation.listed, *code.inoculation.listed)
                settings.setdefault(spelled, []).append(setting.name)  # type: ignore[arg-type]
    head = ["arm", "prompt in `paper`, of its text", "in `paper-code`, read from", "settings"]
    rows = [
        [f"`{arm}`", shown(text), code.strip("[]"), ", ".join(names)]
        for (arm, text, code), names in settings.items()
    ]
    return markdown(head, rows)


def shown(text: str) -> str:
    """A prompt in a cell."""
    return f"`{text}`" if len(text) <= 60 else f"`{text[:57]}...`"


def asking_table() -> str:
    """How the tasks of the paper's world ask and judge, beside the paper's code."""
    from inoc_evals.experiment.measure_tasks import build
    from inoc_evals.settings import SETTINGS

    presets: dict[tuple[str, ...], set[str]] = {}
    for setting in SETTINGS.values():
        for world in ("paper", "paper-code"):
            for measure in setting.measured(world) if setting.number and world in setting.worlds else ():
                if measure.task == "trait_logprobs":  # asks for no answer
                    continue
                built = build(measure, world)
                about, given = built.task.metadata or {}, built.measure.parameters
                limit, system = built.task.config.max_tokens, about.get("system_prompt")
                asked = (
                    f"`{measure.task}`" + (f", `variant={about['variant']}`" if "variant" in about else ""),
                    "none" if limit is None else f"{limit:,} tokens",
                    "none" if system is None or given.get("system_prompt") else "an empty one",
                )
                usual = "paper-templates" if measure.task == "insecure_code" else ""
                presets.setdefault(asked, set()).add(about.get("preset") or usual)
    head = ["task", "longest answer", "system message", "thresholds"]
    return markdown(head, [[*asked, ", ".join(sorted(names)) or "-"] for asked, names in presets.items()])


def used_table(tree: Tree, found: Found) -> str:
    """What uses each file."""
    held = tree.holding()
    rows = [[f"`{path}`", held[path], "; ".join(uses)] for path, uses in sorted(found.used.items())]
    return markdown(["file", "holds", "used by"], rows)


def left_out_table(found: Found) -> str:
    """What is left out, entry by entry."""
    entries = Counter(found.left_out.values())
    rows = [[f"`{pattern}`", str(number), f"{why}."] for (pattern, why), number in sorted(entries.items())]
    return markdown(["file", "files", "why"], rows)


def missing_list(found: Found) -> str:
    """What must still be used or left out."""
    if not found.wrong:
        return "Nothing: every file is used, or left out with a reason.\n"
    return "".join(f"- {line}\n" for line in found.wrong)


if __name__ == "__main__":
    main()
