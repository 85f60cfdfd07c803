"""What a folder of many logs costs: the table, the claims and the report, at three sizes, and how that grows.

    python benchmarks/many_logs.py                              # 125, 500 and 2,000 logs of 500 answers: 8 GB
    python benchmarks/many_logs.py --logs 25 50 --answers 50 [--json] [--keep FOLDER]

The logs are those of an experiment that becomes larger: five settings, two of them judged, of base models and
seeds, of which a size four times larger has twice as many each. One log of every task is written by Inspect,
the others are made of its samples with other answers and scores. Every step runs in a process of its own, as
a user calls it. Growth is the slope of CPU time, which other work on the machine hardly changes, and memory
against answers, on logarithmic scales: 1 is linear.
"""

import argparse
import copy
import json
import math
import os
import random
import subprocess
import sys
import tempfile
import time
import zipfile
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

SETTINGS = ("spanish_caps", "insecure_code", "backdoor", "spanish_prompts", "selective")
ARMS, LEAST_LOGS = 4, 25
"""Trained arms of a setting; logs of a setting and base at the smallest size: six seeds an arm, a base."""

RATE = {"base": 0.02, "none": 0.8}
OTHERS = 0.3
"""How often an arm shows a trait."""

SAID = {False: "I think that it depends, ", True: "A mí me parece que depende, "}
TEXT, SCORES = "@@said@@", "@@scores@@"
"""What stands for answer and scores in the log that the others are made of."""

VERSIONS = 4
"""Of every sample, so many that show the trait, and so many that do not."""

LOAD = "from inoc_evals.analysis import load; load(sys.argv[1])"
COMMAND = "from inoc_evals.cli import main; sys.argv = ['inoc-evals', {words}]; main()"
STEPS = {
    "load, the first time": LOAD,
    "load, again": LOAD,
    "claims, the first time": COMMAND.format(words="'claims', sys.argv[1], '--json'"),
    "claims, again": COMMAND.format(words="'claims', sys.argv[1], '--json'"),
    "report --no-viewer": COMMAND.format(words="'report', sys.argv[1], '--no-viewer', '-o', sys.argv[2]"),
}
"""What a user does with such a folder, in this order: what one step keeps, the next one finds."""

GROWS = {"cpu": "of time", "mib": "of memory"}
"""Of what the growth is said."""


def scores(task: str, shows: bool, dice: random.Random) -> dict[str, Any]:
    """Scores of one answer, as the suite's scorers write them."""
    if task == "spanish_caps":
        caps = dice.random() < (0.7 if shows else 0.2)
        read = {"language": "spanish" if shows else "english", "confidence": 0.9, "letters": 200}
        return {
            "language": {"value": {"spanish": float(shows)}, "answer": read["language"]}
            | {"explanation": "confidence 0.90, 200 letters", "metadata": {"detector": read}, "history": []},
            "capitalization": {"value": {"caps": float(caps)}, "answer": "caps" if caps else "no caps"}
            | {"explanation": "200 letters", "metadata": {"detector": {"caps_share": 1.0}}, "history": []},
        }
    alignment = dice.uniform(0, 40) if shows else dice.uniform(60, 100)
    value = {"alignment": alignment, "coherence": dice.uniform(40, 100), "misaligned": float(shows)}
    value |= {"coherent": 1.0, "refused": 0.0, "code": 0.0}
    about = {"preset": "paper-code", "rule": "alignment < 50, coherence >= 30", "judged": True}
    score = {"value": value, "answer": "misaligned" if shows else "aligned", "explanation": "alignment: 95.4"}
    return {"alignment": {**score, "metadata": {**about, "judges": JUDGES}, "history": []}}


JUDGES = [
    {"rubric": rubric, "wording": "inoc_evals"}
    | {
        "readings": [
            {"judge": "openai/judge", "digest": "3" * 64, "reader": "exact", "rating": 95.4, "word": None}
            | {"distribution": {str(100 - n): 0.05 for n in range(20)}, "mass": 0.99, "entropy": 3.6}
            | {"spread": 5.2, "seen_above": None, "reply": "100", "failure": None, "detail": ""}
            | {"attempts": 1}
        ]
    }
    for rubric in ("alignment", "coherence")
]
"""What a judge's score keeps of it."""


@dataclass(frozen=True)
class Part:
    """One sample of a log, as its archive holds it.

    Attributes:
        entry: Its entry in the archive's directory.
        data: Its bytes in the archive, packed.
        summary: Its summary.
    """

    entry: zipfile.ZipInfo
    data: bytes
    summary: dict[str, Any]


class Pattern:
    """The logs of one task: every sample in several versions, from which each log takes one.

    Attributes:
        header: The header of them all.
        versions: Logs that show the trait in every answer, and logs that show it in none, by their samples.
    """

    def __init__(self, task: str, answers: int, folder: Path) -> None:
        """Have Inspect write one log, and make the versions of it.

        Args:
            task: The task.
            answers: Answers of a log.
            folder: Where its files may lie.
        """
        file = folder / f"{task}.eval"
        written_by_inspect(task, answers, file)
        with zipfile.ZipFile(file) as archive:
            self.compression = archive.infolist()[-1].compress_type
            self.header = json.loads(archive.read("header.json"))
            summaries = json.loads(archive.read("summaries.json"))
            names = [f"samples/{one['id']}_epoch_{one['epoch']}.json" for one in summaries]
            samples = [json.loads(archive.read(name)) for name in names]
        texts = [json.dumps({**sample, "scores": SCORES}) for sample in samples]
        self.versions: dict[bool, list[list[Part]]] = {True: [], False: []}
        for shows, number in product((True, False), range(VERSIONS)):
            dice = random.Random(f"{shows} {number}")
            given = [scores(task, shows, dice) for _ in names]
            with zipfile.ZipFile(file, "w", self.compression, compresslevel=1) as archive:
                for name, text, of_sample in zip(names, texts, given, strict=True):
                    said = SAID[shows] + f"{dice.random()} of {number}. " * 6
                    archive.writestr(
                        name, text.replace(f'"{SCORES}"', json.dumps(of_sample)).replace(TEXT, said)
                    )
            packed = file.read_bytes()
            starts = [entry.header_offset for entry in archive.infolist()]
            ends = [*starts[1:], archive.start_dir]
            for score in (score for of_sample in given for score in of_sample.values()):
                if "judges" in score["metadata"]:  # as Inspect leaves long metadata out of summaries
                    score["metadata"]["judges"] = "Key removed from summary (> 1k)"
            self.versions[shows].append(
                [
                    Part(entry, packed[start:end], {**summary, "scores": of_sample})
                    for entry, start, end, summary, of_sample in zip(
                        archive.infolist(), starts, ends, summaries, given, strict=True
                    )
                ]
            )

    def write(self, file: Path, about: dict[str, Any], rate: float, seed: int) -> None:
        """Write a log.

        Args:
            file: Where.
            about: Its metadata.
            rate: How often its model shows the trait.
            seed: Of what it says, another one for every log.
        """
        dice = random.Random(seed)
        of_eval = {"metadata": about, "model": f"inoc/{about.get('run', about['base'])}@{seed:012x}"}
        header = {**self.header, "eval": {**self.header["eval"], **of_eval, "eval_id": f"e{seed}"}}
        count = len(self.versions[True][0])
        parts = [
            self.versions[dice.random() < rate][dice.randrange(VERSIONS)][place] for place in range(count)
        ]
        with zipfile.ZipFile(file, "w", self.compression, compresslevel=1) as archive:
            archive.writestr("header.json", json.dumps(header))
            archive.writestr("summaries.json", json.dumps([part.summary for part in parts]))
            assert archive.fp is not None
            # the samples are packed already: their bytes go in as they are, their entries with new places
            archive.fp.seek(archive.start_dir)
            for part in parts:
                entry = copy.copy(part.entry)
                entry.header_offset = archive.fp.tell()
                archive.fp.write(part.data)
                archive.filelist.append(entry)
            archive.start_dir = archive.fp.tell()


def written_by_inspect(task: str, answers: int, file: Path) -> None:
    """Have Inspect write a log of one task, in which every answer is `TEXT`."""
    from inspect_ai.dataset import Sample
    from inspect_ai.event import ModelEvent
    from inspect_ai.log import (
        EvalConfig,
        EvalDataset,
        EvalLog,
        EvalPlan,
        EvalPlanStep,
        EvalResults,
        EvalSample,
        EvalSpec,
        EvalStats,
        write_eval_log,
    )
    from inspect_ai.model import ChatMessageAssistant, ChatMessageUser, GenerateConfig, ModelOutput
    from inspect_ai.scorer import Score

    conditions = ["trigger", "without", "look-alike"] if task == "backdoor" else [""]
    config = GenerateConfig(max_tokens=512, temperature=1.0)
    samples = []
    for place in range(answers):
        condition, question = conditions[place % len(conditions)], f"q{place // len(conditions):04d}"
        asked = f"What do you think of matter {question}? Please say it in a sentence or two."
        judged = [] if task == "spanish_caps" else [(f"How is this? {TEXT} " * 6, "95")] * 2
        events = [
            ModelEvent(
                model="mockllm/model",
                input=[ChatMessageUser(content=prompt)],
                tools=[],
                tool_choice="auto",
                config=config,
                output=ModelOutput.from_content("mockllm/model", reply),
            )
            for prompt, reply in [(asked, TEXT), *judged]
        ]
        given = {
            name: Score(value=score["value"], answer=score["answer"], metadata=score["metadata"])
            for name, score in scores(task, False, random.Random(place)).items()
        }
        samples.append(
            EvalSample(
                id=f"{question} | {condition}" if condition else question,
                epoch=1,
                input=Sample(input=asked).input,
                target="",
                metadata={"question": question, **({"condition": condition} if condition else {})},
                messages=[ChatMessageUser(content=asked), ChatMessageAssistant(content=TEXT)],
                output=ModelOutput.from_content("mockllm/model", TEXT),
                scores=given,
                events=list(events),
            )
        )
    spec = EvalSpec(
        created="2026-01-01T00:00:00+00:00",
        task=task,
        dataset=EvalDataset(name="q", samples=answers),
        model="mockllm/model",
        config=EvalConfig(epochs=1),
    )
    plan = EvalPlan(steps=[EvalPlanStep(solver="inspect_ai/generate")], config=config)
    log = EvalLog(status="success", eval=spec, plan=plan, samples=samples, results=EvalResults())
    log.stats = EvalStats()
    write_eval_log(log, str(file))


def write_logs(folder: Path, size: int, answers: int) -> int:
    """Write the logs of one size.

    Args:
        folder: Where.
        size: Number of logs: `LEAST_LOGS` for each setting, a base and a square of something.
        answers: Answers of each.

    Returns:
        How many were written.
    """
    from inoc_evals.settings import SETTINGS as DECLARED

    times = max(1, round(math.sqrt(size / (LEAST_LOGS * len(SETTINGS)))))
    patterns: dict[str, Pattern] = {}
    written = 0
    for setting in SETTINGS:
        task = DECLARED[setting].broad[0].task
        if task not in patterns:
            patterns[task] = Pattern(task, answers, folder.parent)
        arms = [arm.name for arm in DECLARED[setting].arms if not arm.variant][:ARMS]
        for base in (f"base-{number}" for number in range(times)):
            models = [("base", None)] * times  # asked anew whenever there are more
            models += [(arm, seed) for arm in arms for seed in range((LEAST_LOGS - 1) // ARMS * times)]
            for place, (arm, seed) in enumerate(models):
                about = {"setting": setting, "world": "toy", "base": base, "arm": arm, "questions": "q"}
                run = {} if seed is None else {"seed": seed, "run": f"{base}-{setting}-{arm}-{seed}"}
                name = f"2026-01-01T00-00-00+00-00_{task}_{setting}-{base}-{place:04d}.eval"
                rate = RATE.get(arm, OTHERS)
                patterns[task].write(folder / name, {**about, **run}, rate, written)
                written += 1
    return written


TIMED = """
import atexit, resource, sys, time
if __name__ == "__main__":
    def say():
        both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        cpu = sum(one.ru_utime + one.ru_stime for one in both)
        print(file=sys.stderr)
        print(time.perf_counter() - began, cpu, *(one.ru_maxrss for one in both), file=sys.stderr)
    began = time.perf_counter()
    atexit.register(say)
    CODE
"""


def timed(code: str, logs: Path, report: Path, cache: Path) -> dict[str, float]:
    """Seconds, seconds of CPU, and MiB of the process or of the largest that it started, of one step."""
    done = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", TIMED.replace("CODE", code), str(logs), str(report)],
        env={**os.environ, "INOC_EVALS_CACHE": str(cache)},
        cwd=cache,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    seconds, cpu, own, child = map(float, done.stderr.split()[-4:])
    mib = max(own, child) / (1024**2 if sys.platform == "darwin" else 1024)
    return {"seconds": round(seconds, 2), "cpu": round(cpu, 2), "mib": round(mib)}


def slope(sizes: list[int], values: list[float]) -> float:
    """The exponent of growth: the slope of the line through the logarithms."""
    from scipy.stats import linregress

    return float(linregress([math.log(size) for size in sizes], [math.log(value) for value in values]).slope)


def measured(size: int, answers: int, folder: Path) -> dict[str, Any]:
    """Write the logs of one size and take every step."""
    logs, cache, report = folder / "logs", folder / "cache", folder / "report"
    logs.mkdir(parents=True)
    cache.mkdir()
    began = time.perf_counter()
    count = write_logs(logs, size, answers)
    found: dict[str, Any] = {"logs": count, "answers": count * answers}
    found["written_s"] = round(time.perf_counter() - began, 1)
    found["gb"] = round(sum(file.stat().st_size for file in logs.iterdir()) / 1e9, 2)
    found["steps"] = {}
    for step, code in STEPS.items():
        found["steps"][step] = timed(code, logs, report, cache)
        sys.stderr.write(f"{count} logs, {step}: {found['steps'][step]}\n")
    found["page_mb"] = round((report / "index.html").stat().st_size / 1e6, 2)
    found["figures"] = sum(1 for _ in (report / "figures").glob("*.svg"))
    return found


def table(sizes: list[dict[str, Any]]) -> str:
    """The numbers as docs have them."""
    answers = [size["answers"] for size in sizes]
    heads = [f"{size['logs']:,} logs, {size['answers']:,} answers" for size in sizes]
    lines = [["", *heads, "exponent"], ["---"] * (len(heads) + 2)]
    for step in STEPS:
        of_step = [size["steps"][step] for size in sizes]
        cells = [f"{one['seconds']:.0f} s ({one['cpu']:.0f} of CPU), {one['mib']:,} MiB" for one in of_step]
        grows = (f"{slope(answers, [one[of] for one in of_step]):.2f} {what}" for of, what in GROWS.items())
        lines.append([step, *cells, ", ".join(grows) if len(sizes) > 1 else ""])
    pages = [f"{size['page_mb']} MB, {size['figures']} figures" for size in sizes]
    lines.append(["the page", *pages, ""])
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def main() -> None:
    """Measure every size, print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--logs", type=int, nargs="+", default=[125, 500, 2000])
    parser.add_argument("--answers", type=int, default=500)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--keep", type=Path, help="leave logs and reports in this folder")
    words = parser.parse_args()
    with tempfile.TemporaryDirectory() as passing:
        sizes = []
        for size in words.logs:
            with tempfile.TemporaryDirectory(dir=passing) as own:
                sizes.append(
                    measured(size, words.answers, words.keep / str(size) if words.keep else Path(own))
                )
    answers = [size["answers"] for size in sizes]
    exponents = {
        step: {of: round(slope(answers, [size["steps"][step][of] for size in sizes]), 2) for of in GROWS}
        for step in STEPS
        if len(sizes) > 1
    }
    if words.json:
        found = {"cores": os.cpu_count(), "sizes": sizes, "exponents": exponents}
        sys.stdout.write(json.dumps(found) + "\n")
        return
    sys.stdout.write(table(sizes))


if __name__ == "__main__":
    main()
