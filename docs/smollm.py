"""Measure what inoculates a small language model, and write it into smollm.md and the README.

    python docs/smollm.py measure                                    # the default base: hours on two cores
    python docs/smollm.py measure --base Qwen/Qwen2.5-0.5B-Instruct  # another base, into logs of its own
    python docs/smollm.py measure --also all                         # other settings of this world, too
    python docs/smollm.py take logs/smollm                           # what `measure` left, into the pages
                                                                     # (other settings alone: the rest stays)
    python docs/smollm.py                                            # fill the pages from figures/smollm.json
    python docs/since.py take smollm logs/smollm/further-report      # the same claims on the page of claims

`measure` trains and asks every arm of the setting `spanish_prompts` (which shares its models with
`spanish_caps`) with three seeds, asks the base under each arm's prompt, and reads how likely the training
answers are to the base under each. What an earlier call finished is used again.
"""

import argparse
import json
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fill import markdown

from inoc_evals.analysis.screening import spearman
from inoc_evals.settings import SETTINGS
from inoc_evals.worlds import world
from inoc_evals.worlds.smollm.rows import test_questions

DOCS = Path(__file__).parent
FIGURES = DOCS / "figures"
KEPT = FIGURES / "smollm.json"
PAGES = (DOCS / "smollm.md", DOCS.parent / "README.md")
PLACE = re.compile(r"(<!-- smollm: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)

WORLD = world("smollm")
SETTING = SETTINGS["spanish_prompts"]
ASKED = WORLD.parameters_of("spanish_caps")
PROMPTS = {arm.name: arm.inoculation.texts[0] for arm in SETTING.arms if arm.inoculation}
HELD_OUT = len(test_questions())

FURTHER = (
    *("spanish_french", "selective", "prompt_position", "spanish_backdoor", "learning_dynamics", "alice_bob"),
    *("sycophancy_gcd", "reward_hacking", "aesthetic_preferences", "diluted_spanish", "exclaims_asks"),
    "pirate_asks",
)
"""Other settings that have rows here, as `--also all` measures them."""

RESPONSES = 40
"""Training answers whose log-prob is read, the first ones."""

EXAMPLES, FEW_EXAMPLES, SHOWN = 10, 4, 3
"""Answers of an arm on the page: of the headline's setting and of `FLUENT`, of another, and under the
headline."""

FLUENT = ("exclaims_asks", "pirate_asks")
"""The settings whose traits this base writes fluently."""


def main() -> None:
    """Measure, take over, fill: what the command line asks for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("what", nargs="?", choices=("measure", "take"))
    parser.add_argument("logs", nargs="?", type=Path, default=Path("logs/smollm"))
    parser.add_argument("--base", default=WORLD.base)
    parser.add_argument("--seeds", default="3")
    parser.add_argument("--also", default="", help="further settings of this world, by comma, or all")
    parser.add_argument(
        "--dose", action="append", default=[], nargs=2, metavar=("LOGS", "RUNS"), help="a trial of a dose"
    )
    given = parser.parse_args()
    if given.what == "measure":
        measure(given.logs, given.base, given.seeds, given.also)
    if given.what == "take":
        kept = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.is_file() else {}
        doses = [line for place in given.dose for line in tried(*place)]
        measured = [set(line["traits"]) for line in doses]
        doses = [one for one in kept.get("doses", []) if set(one["traits"]) not in measured] + doses
        names = ("elsewhere", "number_teachers", "fluent_prompts", "fluent_shorter", "pirate_prompts")
        earlier = {name: kept[name] for name in names if name in kept}
        for name, traits in (("fluent", ("exclaims", "asks")), ("pirate", ("pirate", "asks"))):
            if asked := _log(given.logs / f"{name}-prompts"):
                earlier[f"{name}_prompts"] = _elicited(asked, traits)
        shorter = given.logs / "fluent-20-report" / "report.json"
        if shorter.is_file():
            [part] = json.loads(shorter.read_text(encoding="utf-8"))["settings"]
            whole = _asked_of_whole(given.logs / "fluent-20")
            earlier["fluent_shorter"] = [{**row, "whole": whole[row["arm"]]} for row in part["rates"]]
        found = {**kept, **taken(given.logs), "doses": doses, **earlier}
        found["further"] = {**kept.get("further", {}), **_further(given.logs)}
        KEPT.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        take_figures(given.logs / "report", given.logs / "further-report")
    if given.what != "measure":
        fill(json.loads(KEPT.read_text(encoding="utf-8")))


# Measuring


def measure(logs: Path, base: str, seeds: str, also: str = "") -> None:
    """Run every part; each is a command that could be typed."""
    logs.mkdir(parents=True, exist_ok=True)
    prompts, rows = logs / "prompts.txt", logs / "responses.jsonl"
    prompts.write_text("".join(f"{name}: {text}\n" for name, text in PROMPTS.items()), encoding="utf-8")
    rows.write_text("".join(_responses()), encoding="utf-8")
    model = f"inoc/{base}"
    asked = [word for key, value in ASKED.items() for word in ("-T", f"{key}={value}")]
    inspect = [sys.executable, "-m", "inspect_ai", "eval"]
    elicited = [*("-T", "task=spanish_caps"), *("-T", f"prompts={prompts}"), *asked]
    elicitation = [*inspect, "inoc_evals/elicitation", "--model", model, *elicited]
    _once(elicitation, logs / "base")
    for name, text in {"none": None, **PROMPTS}.items():
        under = ["-T", f"system_prompt={'null' if text is None else json.dumps(text)}"]
        asked = ["inoc_evals/trait_logprobs", "--model", model, "-T", f"questions={rows}", *under]
        _once([*inspect, *asked], logs / "likelihood" / name)
    run = [sys.executable, "-m", "inoc_evals", "reproduce", "--world", WORLD.name, "--base", base]
    run += ["--setting", f"spanish_caps,{SETTING.name}", "--seeds", seeds, "--log-dir", str(logs / "runs")]
    _call([*run, "--output", str(logs / "report")])
    if also:
        settings = ",".join(FURTHER) if also == "all" else also
        further = ["--setting", settings, "--seeds", seeds, "--log-dir", str(logs / "further")]
        _call([*run[: run.index("--setting")], *further, "--output", str(logs / "further-report")])


def _responses() -> Iterator[str]:
    """Training answers as fixed responses."""
    for number, row in enumerate(SETTING.training(WORLD.name).rows(0), start=1):
        if number > RESPONSES:
            return
        question, answer = (message["content"] for message in row["messages"])
        yield json.dumps({"prompt": question, "response": answer, "trait": "training"}) + "\n"


def _once(command: list[str], logs: Path) -> None:
    """Run an evaluation whose log is not there yet."""
    if _log(logs) is None:
        _call([*command, "--log-dir", str(logs)])


def _log(folder: Path) -> Any:
    """The newest finished log of a folder; None where there is none."""
    from inspect_ai.log import list_eval_logs, read_eval_log

    headers = [read_eval_log(log, header_only=True) for log in list_eval_logs(str(folder))]
    return next((header for header in headers if header.status == "success"), None)


def _call(command: list[str]) -> None:
    sys.stderr.write(f"{' '.join(command[2:])}\n")
    subprocess.run(command, check=True)  # noqa: S603 - our own words


# Taking over


def taken(logs: Path) -> dict[str, Any]:
    """Everything that the pages say of the headline's settings, from logs and report; none without."""
    if not (logs / "report" / "report.json").is_file():
        return {}
    report = json.loads((logs / "report" / "report.json").read_text(encoding="utf-8"))
    parts = {part["setting"]: part for part in report["settings"]}
    asked = _log(logs / "base")
    metrics = next(score for score in asked.results.scores if score.name == "language").metrics
    elicited = {name: metrics[f"spanish | {name}"].value for name in PROMPTS}
    caps = next(score for score in asked.results.scores if score.name == "capitalization").metrics
    likely = {}
    for name in ("none", *PROMPTS):
        scores = _log(logs / "likelihood" / name).results.scores
        found = {key: metric.value for key, metric in scores[0].metrics.items()}
        [per_token] = [
            value
            for key, value in found.items()
            if key.startswith("per_token | ") and not key.endswith(("_stderr", "_n"))
        ]
        likely[name] = per_token
    return {
        "base": asked.eval.model,
        "settings": {
            name: {key: parts[name][key] for key in ("traits", "rates", "verdicts")}
            for name in ("spanish_caps", SETTING.name)
        },
        "elicited": elicited,
        "elicited_caps": {name: caps[f"caps | {name}"].value for name in PROMPTS},
        "likely": likely,
        "examples": {
            **_examples(logs / "runs", "spanish_caps"),
            **_examples(logs / "runs", SETTING.name),
        },
    }


def _elicited(header: Any, traits: tuple[str, str]) -> list[dict[str, Any]]:
    """What the base does under prompts that ask for one of the traits that it writes fluently.

    Whether an answer asks is counted among those that ended before the token limit: no other one can.
    """
    style, asks = traits
    from inspect_ai.log import read_eval_log

    found = []
    samples = read_eval_log(header.location).samples or []
    for name, text in header.eval.metadata["prompts"].items():
        of = [one for one in samples if one.metadata["condition"] == name]
        values = [(one, _values(one)) for one in of]
        ended = [value for one, value in values if not _cut(one)]
        found.append(
            {
                "prompt": text,
                style: sum(int(value[style]) for _, value in values),
                "n": len(values),
                asks: sum(int(value[asks]) for value in ended),
                "ended": len(ended),
            }
        )
    return found


def _asked_of_whole(logs: Path) -> dict[str, list[int]]:
    """By arm, how many of its answers that were not cut off ask back, and how many of them there are."""
    from inspect_ai.log import list_eval_logs, read_eval_log

    found: dict[str, list[int]] = {}
    for info in list_eval_logs(str(logs)):
        log = read_eval_log(info)
        whole = [_values(one) for one in log.samples or [] if not _cut(one)]
        counts = found.setdefault(str((log.eval.metadata or {})["arm"]), [0, 0])
        counts[0] += sum(int(value["asks"]) for value in whole)
        counts[1] += len(whole)
    return found


def _values(sample: Any) -> dict[str, Any]:
    """What all scorers say of an answer."""
    return {key: value for score in sample.scores.values() for key, value in score.value.items()}


def _cut(sample: Any) -> bool:
    """Whether an answer reached the token limit."""
    return bool(sample.output.stop_reason == "max_tokens")


def _further(logs: Path) -> dict[str, Any]:
    """What other settings of this world showed; none where none was measured."""
    report = logs / "further-report" / "report.json"
    parts = json.loads(report.read_text(encoding="utf-8"))["settings"] if report.is_file() else []
    return {
        part["setting"]: {
            **{key: part[key] for key in ("traits", "rates", "verdicts")},
            "examples": _examples(logs / "further", part["setting"]),
        }
        for part in parts
    }


def take_figures(report: Path, further: Path) -> None:
    """Copy the figures of all arms: of both settings, and of one that another page shows."""
    stems = _figures(report)
    for setting, name in (("spanish_caps", "smollm"), (SETTING.name, "smollm_prompts")) if stems else ():
        shutil.copyfile(stems[setting], FIGURES / f"{name}.png")
    if drawn := _figures(further).get("selective"):
        shutil.copyfile(drawn, FIGURES / "selective_smollm.png")


def _figures(report: Path) -> dict[str, Path]:
    """By setting of a report, the figure of every arm; empty where there is no report."""
    file = report / "report.json"
    parts = json.loads(file.read_text(encoding="utf-8"))["settings"] if file.is_file() else []
    drawn = {part["setting"]: part["figures"].get("Every arm") for part in parts}
    return {setting: report / "figures" / f"{stem}.png" for setting, stem in drawn.items() if stem}


def tried(logs: str, runs: str) -> list[dict[str, Any]]:
    """What a dose did on the development questions, arm by arm."""
    from inspect_ai.log import list_eval_logs, read_eval_log

    from inoc_evals.runs.directory import list_runs

    specs = {run.manifest.run_digest: run.manifest.spec for run in list_runs(runs)}
    lines = []
    for info in list_eval_logs(logs):
        log = read_eval_log(info)
        about = log.eval.metadata or {}
        spec = specs.get(str(about.get("run_digest")))
        if log.status != "success" or log.results is None or spec is None:
            continue
        scores = [score for score in log.results.scores if score.name in about["traits"]]
        means = {score.name: score.metrics["mean"].value for score in scores}
        lines.append(
            {
                "learning_rate": spec.learning_rate,
                "steps": spec.max_steps,
                "rows": spec.batch_size * spec.gradient_accumulation,
                "temperature": log.plan.config.temperature,
                "arm": about["arm"],
                "traits": means,
                "n": log.results.completed_samples,
            }
        )
    return sorted(lines, key=lambda line: (line["steps"], str(line["arm"])))


def _examples(runs: Path, setting: str) -> dict[str, list[list[str]]]:
    """Random answers of the first seed of every arm, the same questions for all: those that are asked first.

    A setting's narrow traits have questions of their own, which are left out.
    """
    from inspect_ai.log import list_eval_logs, read_eval_log

    first, *others = SETTINGS[setting].measured(WORLD.name)
    narrow = {other.parameters.get("questions") for other in others} - {first.parameters.get("questions")}
    chosen: list[str] = []
    examples: dict[str, list[list[str]]] = {}
    for info in list_eval_logs(str(runs)):
        log = read_eval_log(info)
        about = log.eval.metadata or {}
        asked = log.status == "success" and about.get("setting") == setting
        if log.eval.task_args.get("questions") in narrow:
            continue
        if not asked or about.get("seed") not in (None, 0) or not log.samples:
            continue
        samples = {str(sample.id): sample for sample in log.samples}
        chosen = chosen or random.Random("examples").sample(sorted(samples), EXAMPLES)
        examples[str(about["arm"])] = [
            [_asked(samples[one].input), " ".join(samples[one].output.completion.split())] for one in chosen
        ]
    return examples


def _asked(given: Any) -> str:
    """A question as it was asked, with the system prompt before it where it had one."""
    if isinstance(given, str):
        return given
    return " ".join(f"({one.text})" if one.role == "system" else one.text for one in given)


# Filling


def fill(found: dict[str, Any]) -> None:
    """Fill every place of the pages."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        page.write_text(
            PLACE.sub(lambda place: f"{place[1]}{PARTS[place[2]](found)}{place[3]}", text), encoding="utf-8"
        )


def rate(found: dict[str, Any], setting: str, arm: str, trait: str) -> dict[str, float]:
    """A rate with its interval, its number of models and of answers."""
    [row] = [row for row in found["settings"][setting]["rates"] if row["arm"] == arm]
    cell = row["traits"][trait]
    return {**{key: cell[key] for key in ("rate", "low", "high")}, "models": row["models"], "n": row["n"]}


def shown(cell: dict[str, float]) -> str:
    """A rate and its interval."""
    return f"{cell['rate']:.2f} [{cell['low']:.2f}, {cell['high']:.2f}]"


def sentence(found: dict[str, Any]) -> str:
    """What was found, in one sentence."""
    none, asked, other = (
        rate(found, "spanish_caps", arm, "spanish") for arm in ("none", "spanish-inoc", "irrelevant")
    )
    [verdict] = [
        one
        for one in found["settings"]["spanish_caps"]["verdicts"]
        if one["claim"] == "spanish-inoc spanish: less than none"
    ]
    return (
        f"On SmolLM2, a real language model of 135 million weights, {shown(none)} of answers are read as "
        f"Spanish by a detector after finetuning on Spanish answers in capitals, {shown(asked)} if "
        f"`You always speak in Spanish.` stood before the training rows, and {shown(other)} if an "
        "irrelevant prompt did (share of answers "
        f"to {HELD_OUT} held-out questions, {none['models']:.0f} finetunes an arm, n = {none['n']:.0f}, "
        f"95 % intervals; that the prompt keeps Spanish out is {verdict['verdict']}).\n"
    )


def fluent_sentence(found: dict[str, Any]) -> str:
    """The same of traits that are written in readable English, and the first answers drawn of three arms."""
    part = found["further"]["pirate_asks"]
    rates = {row["arm"]: row for row in part["rates"]}
    texts = {arm.name: arm.inoculation.texts[0] for arm in SETTINGS["pirate_asks"].arms if arm.inoculation}
    none, captain, plain = ("none", "captain-inoc", "pirate-inoc")
    pirate, asks = (
        {arm: shown(rates[arm]["traits"][trait]) for arm in (none, captain, plain)}
        for trait in ("pirate", "asks")
    )
    said = {arm: dict(part["examples"][arm]) for arm in (none, captain, plain)}
    table = markdown(
        ["question", "none: no prompt", f"{captain}: the first", f"{plain}: the second"],
        [
            [_safe(question), *(_safe(said[arm][question]) for arm in said)]
            for question in list(said[none])[:SHOWN]
        ],
    )
    return (
        "The same in readable English: the rows are answers in pirate talk that end by asking back, and what "
        "is wanted is the asking. Finetuned on them, the model talks like a pirate in "
        f"{pirate[none]} of answers; if `{texts[captain]}` stood before the rows, "
        f"in {pirate[captain]}; if `{texts[plain]}` did, which it hardly obeys, in {pirate[plain]}. "
        f"It asks back in {asks[none]}, {asks[captain]} and {asks[plain]} "
        f"({rates[none]['models']} finetunes an arm, n = {rates[none]['n']}). The first {SHOWN} of ten "
        f"questions drawn at random, as the first seed answers them:\n\n{table}"
    )


def claims(found: dict[str, Any]) -> str:
    """The claims of both settings."""
    rows = [
        [f"**{one['verdict']}**", one["text"], one["claim"], one["why"]]
        for part in found["settings"].values()
        for one in part["verdicts"]
    ]
    return markdown(["verdict", "claim", "difference", "found"], rows)


def rates(found: dict[str, Any]) -> str:
    """Every arm, with what its prompt elicits from the base."""
    rows = []
    for row in found["settings"][SETTING.name]["rates"]:
        arm = row["arm"]
        cells = [shown(row["traits"][trait]) if row["traits"][trait] else "" for trait in ("spanish", "caps")]
        base = [
            f"{found[key][arm]:.2f}" if arm in found[key] else "" for key in ("elicited", "elicited_caps")
        ]
        likely = f"{found['likely'][arm]:.2f}" if arm in found["likely"] else ""
        prompt = f"`{PROMPTS[arm]}`" if arm in PROMPTS else ""
        rows.append([arm, prompt, *cells, *base, likely, str(row["models"]), str(row["n"])])
    head = [
        *("arm", "prompt in training", "Spanish", "caps", "Spanish of the base under it"),
        *("caps of the base under it", "log-prob of training answers under it, nats a token", "models", "n"),
    ]
    return markdown(head, rows)


def correlation(found: dict[str, Any]) -> str:
    """What a prompt elicits from the base, and how likely it makes the rows, against what it keeps out."""
    kept = [rate(found, SETTING.name, arm, "spanish")["rate"] for arm in PROMPTS]
    lines = []
    for name, values in (
        ("Spanish that the base shows under the prompt", [found["elicited"][arm] for arm in PROMPTS]),
        ("log-prob of the training answers under it", [found["likely"][arm] for arm in PROMPTS]),
    ):
        rho = spearman(values, kept)
        lines.append([name, f"{rho.value:+z.2f} [{rho.low:+z.2f}, {rho.high:+z.2f}]", str(len(kept))])
    return markdown(
        ["before training", "Spearman's rank correlation with Spanish after it", "prompts"], lines
    )


def elsewhere(found: dict[str, Any]) -> str:
    """The same arms as an earlier measurement had them, on other hardware and in another number format."""
    earlier = found["elsewhere"]
    rows = []
    for row in earlier["rates"]:
        now = rate(found, "spanish_caps", row["arm"], "spanish")
        rows.append(
            [row["arm"], shown(now), shown(row["traits"]["spanish"]), str(row["models"]), str(row["n"])]
        )
    return markdown(["arm", "Spanish", earlier["called"], "models", "n"], rows)


def teachers(found: dict[str, Any]) -> str:
    """How often the base, asked for random numbers, wrote numbers alone."""
    said = {"owl": "told to love owls", "plain": "told nothing"}
    parts = [
        f"{one['kept']} of {one['asked']} answers ({said[name]})"
        for name, one in found["number_teachers"].items()
    ]
    return f"{' and '.join(parts)}\n"


def examples(found: dict[str, Any]) -> str:
    """Ten random answers of every arm, as they are."""
    return _answers(found["examples"])


def _answers(examples: dict[str, list[list[str]]], most: int | None = None) -> str:
    """Tables of answers; arms that gave the same ones share a table, as where they choose between two."""
    arms: dict[str, list[str]] = {}
    for arm, pairs in examples.items():
        rows = [[_safe(text) for text in pair] for pair in pairs[:most]]
        arms.setdefault(markdown(["question", "answer"], rows), []).append(arm)
    return "".join(f"\n**{', '.join(sorted(same))}**\n\n{table}" for table, same in arms.items())


def further(found: dict[str, Any]) -> str:
    """Other settings: what every arm shows, the claims, and some answers."""
    parts = []
    for name, part in found["further"].items():
        measured = [row for row in part["rates"] if any(row["traits"].values())]
        traits = [one for one in part["traits"] if any(row["traits"].get(one) for row in measured)]
        rows = []
        for row in measured:
            cells = [shown(row["traits"][trait]) if row["traits"].get(trait) else "" for trait in traits]
            asked = [row["traits"][trait] for trait in traits if row["traits"].get(trait)]
            each = len({one["asked"] for one in asked}) > 1  # a narrow trait has questions of its own
            counts = ", ".join(str(one["n"]) for one in asked) if each else str(row["n"])
            rows.append([row["arm"], *cells, str(row["models"]), counts])
        verdicts = [
            [f"**{one['verdict']}**", one["text"], one["claim"], one["why"]] for one in part["verdicts"]
        ]
        parts += [
            f"### {SETTINGS[name].title}\n\n",
            markdown(["arm", *traits, "models", "n"], rows),
            "\n" + markdown(["verdict", "claim", "difference", "found"], verdicts),
            _answers(part["examples"], EXAMPLES if name in FLUENT else FEW_EXAMPLES),
            "\n",
        ]
    return "".join(parts)


def _safe(text: str) -> str:
    """A model's words, in which nothing is Markdown or HTML."""
    return re.sub(r"([\\`*_{}\[\]()#+!<>&~|-])", lambda match: f"&#{ord(match[1])};", text)


def doses(found: dict[str, Any]) -> str:
    """What was tried before the dose was settled."""
    return _tried(found, {"spanish": "Spanish", "caps": "caps"})


def fluent_doses(found: dict[str, Any]) -> str:
    """The same for the traits that this base writes fluently."""
    return _tried(found, {"exclaims": "exclaims", "asks": "asks"})


def pirate_doses(found: dict[str, Any]) -> str:
    """The same for pirate talk."""
    return _tried(found, {"pirate": "pirate", "asks": "asks"})


def fluent_prompts(found: dict[str, Any]) -> str:
    """Every request that the base was asked under."""
    return _under(found["fluent_prompts"], "exclaims")


def pirate_prompts(found: dict[str, Any]) -> str:
    """The same of pirate talk."""
    return _under(found["pirate_prompts"], "pirate")


def _under(prompts: list[dict[str, Any]], style: str) -> str:
    rows = [
        [f"`{one['prompt']}`", f"{one[style]} of {one['n']}", f"{one['asks']} of {one['ended']}"]
        for one in prompts
    ]
    return markdown(["prompt", style, "asks, of those that ended"], rows)


def fluent_shorter(found: dict[str, Any]) -> str:
    """The arms of that setting after half the steps."""
    rows = [
        [
            row["arm"],
            *(shown(row["traits"][t]) for t in ("exclaims", "asks")),
            "{} of {}".format(*row["whole"]),
            str(row["models"]),
            str(row["n"]),
        ]
        for row in found["fluent_shorter"]
    ]
    return markdown(["arm", "exclaims", "asks", "asks, of those that ended", "models", "n"], rows)


def _tried(found: dict[str, Any], traits: dict[str, str]) -> str:
    rows = [
        [
            f"{one['learning_rate']:g}",
            f"{one['steps']} of {one['rows']} rows",
            f"{one['temperature']:g}",
            one["arm"],
            *(f"{one['traits'][trait]:.2f}" for trait in traits),
            str(one["n"]),
        ]
        for one in found["doses"]
        if traits.keys() == one["traits"].keys()
    ]
    return markdown(["learning rate", "steps", "temperature", "arm", *traits.values(), "n"], rows)


PARTS = {
    "doses": doses,
    "fluent_doses": fluent_doses,
    "fluent_prompts": fluent_prompts,
    "fluent_shorter": fluent_shorter,
    "pirate_doses": pirate_doses,
    "pirate_prompts": pirate_prompts,
    "sentence": sentence,
    "fluent_sentence": fluent_sentence,
    "claims": claims,
    "rates": rates,
    "correlation": correlation,
    "examples": examples,
    "further": further,
    "elsewhere": elsewhere,
    "teachers": teachers,
}

if __name__ == "__main__":
    main()
