"""How a section of the report opens: what was found, in one sentence; its arms; its method in three lines.

    found(traits, rates, differences, verdicts, definition)
    # "Spanish was in 0 % of the base's answers, in 87 % after training without a prompt and in 22 % ..."
    compared(verdict.claim)       # "Spanish, uninoculated against base"

All of it is made of numbers that stand in the section's tables, and of what logs, settings and runs say.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inoc_evals.analysis.estimates import HIGHEST, Method, names_rating
from inoc_evals.analysis.observed import labels
from inoc_evals.analysis.style import BASE, NONE, role
from inoc_evals.analysis.verdicts import LEVEL, WORDS, Verdict
from inoc_evals.data.conditions import of_task
from inoc_evals.errors import UserError
from inoc_evals.plurals import many
from inoc_evals.report.asked import asked, distinct, test_prompts
from inoc_evals.report.readings import ArmReading
from inoc_evals.runs.directory import Manifest, Run
from inoc_evals.settings import SETTINGS, Setting
from inoc_evals.settings.claim import Claim, Side
from inoc_evals.settings.dose_claims import aims
from inoc_evals.settings.setting import NOT_IN_THE_PAPER

if TYPE_CHECKING:
    import pandas as pd

LONGEST = 160
"""Most characters of a prompt in the table of arms; a longer one is cut."""

SPACE = "\u00a0"
"""Between a number and its unit: no line ends there."""

PAPER = "of arXiv 2510.04340"

UNINOCULATED = "uninoculated"
"""What the arm `none` is called in words."""

Rates = Sequence[Mapping[str, Any]]
"""The rows of the table of rates: `arm` and `cells`, one for every trait."""


def found(
    traits: Sequence[str],
    rates: Rates,
    differences: Sequence[Mapping[str, Any]],
    verdicts: Sequence[Verdict],
    definition: Setting | None,
    worlds: Mapping[str, str] | None = None,
) -> str:
    """Say in one sentence what was found, with the number of answers.

    Args:
        traits: Labels of the columns of the table of rates.
        rates: Its rows.
        differences: Rows of the table of differences.
        verdicts: Verdicts on the claims of the section.
        definition: The setting; None where it is not known.
        worlds: By label, the world of the models: an arm may have another prompt there.

    Returns:
        The sentence: of the trait that the setting wants to keep out, or of the first one.
    """
    scored = [trait for trait in traits if any(_cell(row, traits, trait) for row in rates)]
    if not scored:
        return f"No answer was scored for {' or '.join(traits)}."
    trait = next(
        (one for one in (definition.unwanted or () if definition else ()) if one in scored), scored[0]
    )
    cells = {str(row["arm"]): cell for row in rates if (cell := _cell(row, traits, trait))}
    others = _keeping_out(trait, [arm for arm in cells if role(arm, definition) == "inoculated"], definition)
    if NONE in cells and others:
        best = min(others, key=lambda arm: float(cells[arm]["rate"]))
        prompt = _prompt(definition, best, (worlds or {}).get(trait, ""))
        text = _of_inoculation(trait, cells, best, differences, prompt)
        text += _kept(traits, rates, best, definition, scored)
        named = [arm for arm in (BASE, NONE, best) if arm in cells]
    else:
        ordered = sorted(cells, key=lambda arm: -float(cells[arm]["rate"]))
        named = [ordered[0]] if len(ordered) == 1 else [ordered[0], ordered[-1]]
        text = _of_extremes(trait, cells, named, differences)
    return f"{_capital(text)} ({_counts([cells[arm] for arm in named])}){_claims(verdicts)}."


def _cell(row: Mapping[str, Any], traits: Sequence[str], trait: str) -> Mapping[str, Any] | None:
    cell: Mapping[str, Any] | None = row["cells"][list(traits).index(trait)]
    return cell if cell and cell["n"] else None


def _keeping_out(trait: str, inoculated: Sequence[str], definition: Setting | None) -> list[str]:
    """Those inoculated arms that are to keep a trait out; all, where the setting says it of none of them.

    Of a setting of one's own what its claims say comes first: they are not made to be compared with whichever
    arm came out lowest. The suite's settings also have arms beside those of the claims, which the paper
    reports without a claim.
    """
    if definition is None:
        return list(inoculated)
    claimed = [one.arm for one in aims(definition) if _names(one.unwanted, trait)]
    of_aims = [
        arm
        for arm in inoculated
        if (of_arm := definition.aims(arm)) and any(_names(side, trait) for side in of_arm.unwanted)
    ]
    ways = [of_aims] if definition.name in SETTINGS else [claimed, of_aims]
    chosen = ([arm for arm in inoculated if arm in way] for way in ways)
    return next((arms for arms in chosen if arms), list(inoculated))


def _names(side: Side, label: str) -> bool:
    """Whether a label of the tables is about a side's trait, with or without what distinguishes it."""
    return label == side.name or label.startswith(f"{side.name} (")


def _of_inoculation(
    trait: str,
    cells: Mapping[str, Mapping[str, Any]],
    best: str,
    differences: Sequence[Mapping[str, Any]],
    prompt: str,
) -> str:
    is_share, highest = _shares(trait, cells.values()), _highest(trait, cells.values())
    verb = "was in" if is_share else "was"
    said = [f"{amount(cells[NONE]['rate'], is_share, highest)} after training without a prompt"]
    if BASE in cells:
        said.insert(0, f"{amount(cells[BASE]['rate'], is_share, highest)} of the base's answers")
        if not is_share:
            said[0] = f"{amount(cells[BASE]['rate'], is_share, highest)} in the base"
    under = (
        f"with “{_short(prompt, 80)}” before the training rows ({best})" if prompt else f"in the arm {best}"
    )
    said.append(f"{amount(cells[best]['rate'], is_share, highest)} {under}")
    places = ["in " + one if is_share and number else one for number, one in enumerate(said)]
    text = f"{trait} {verb} {', '.join(places[:-1])} and {places[-1]}"
    return text + _difference(trait, best, NONE, differences, is_share)


def _of_extremes(
    trait: str,
    cells: Mapping[str, Mapping[str, Any]],
    named: Sequence[str],
    differences: Sequence[Mapping[str, Any]],
) -> str:
    is_share, highest = _shares(trait, cells.values()), _highest(trait, cells.values())
    verb, of = ("is in", " of the answers of") if is_share else ("is", " in")
    said = [f"{amount(cells[arm]['rate'], is_share, highest)}{of} {arm}" for arm in named]
    if len(named) == 1:
        low, high = (amount(cells[named[0]][end], is_share, highest) for end in ("low", "high"))
        return f"{trait} {verb} {said[0]} [{low} to {high}]"
    most = ", the most," if len(cells) > len(named) else ""
    least = ", the least" if len(cells) > len(named) else ""
    text = f"{trait} {verb} {said[0]}{most} and {'in ' if is_share else ''}{said[1]}{least}"
    return text + _difference(trait, named[0], named[1], differences, is_share)


def _difference(
    trait: str, arm: str, to: str, differences: Sequence[Mapping[str, Any]], is_share: bool
) -> str:
    """The difference of two arms with its interval, and whether it is clear; empty if not compared."""
    for one, other, sign in ((arm, to, 1), (to, arm, -1)):
        for row in differences:
            if (row["label"], row["arm"], row["to"]) == (trait, one, other):
                ends = sorted(sign * float(row[end]) for end in ("low", "high"))
                by = sign * float(row["difference"])
                scale = 100 if is_share else 1
                numbers = [_signed(scale * value, 0 if is_share else 2) for value in (by, *ends)]
                unit = f"{SPACE}points" if is_share else ""
                among = sum(other["to"] == row["to"] for other in differences)
                clear = _clear(float(row["p_holm"]), ends, among)
                return f", a difference of {numbers[0]}{unit} [{numbers[1]}, {numbers[2]}]{clear}"
    return ""


def _signed(value: float, digits: int) -> str:
    """A difference with its sign, and without one if it is 0 as shown."""
    shown = f"{value:+z.{digits}f}".replace("-", "−")
    return shown if shown.strip("+−0.") else shown.lstrip("+−")


def _clear(p_holm: float, ends: Sequence[float], among: int) -> str:
    """What is to be said of a difference that may be chance; nothing of one that is clear.

    Args:
        p_holm: Its p-value after Holm's correction.
        ends: The ends of its interval, which is for this difference alone.
        among: How many differences the correction is over.
    """
    if p_holm < LEVEL:
        return ""
    alone = ends[0] > 0 or ends[1] < 0
    return (
        f", which after correction over {many(among, 'comparison')} may be chance"
        if alone
        else ", which may be chance"
    )


def _kept(
    traits: Sequence[str], rates: Rates, best: str, definition: Setting | None, scored: Sequence[str]
) -> str:
    """What is left of the wanted trait in the best arm."""
    wanted = next((one for one in (definition.wanted or () if definition else ()) if one in scored), None)
    if wanted is None:
        return ""
    of = {str(row["arm"]): cell for row in rates if (cell := _cell(row, traits, wanted))}
    if best not in of or NONE not in of:
        return ""
    is_share, highest = _shares(wanted, of.values()), _highest(wanted, of.values())
    now, before = (amount(of[arm]["rate"], is_share, highest) for arm in (best, NONE))
    return f"; {wanted}, which is wanted, {'was in' if is_share else 'was'} {now} there against {before}"


def _counts(cells: Sequence[Mapping[str, Any]]) -> str:
    answers = [str(int(cell["n"])) for cell in cells]
    models = [str(max(1, int(cell["seeds"]))) for cell in cells]
    each = " each" if len(cells) > 1 and len(set(answers)) == len(set(models)) == 1 else ""
    of_models = f"{_listed(models)} model{'' if set(models) == {'1'} else 's'}"
    return f"n = {_listed(answers)} answers of {of_models}{each}; intervals are 95{SPACE}%"


def _claims(verdicts: Sequence[Verdict]) -> str:
    counts = [(sum(one.word == word for one in verdicts), word) for word in WORDS if word != "not measured"]
    said = [f"{number} {word}" for number, word in counts if number]
    if not said:
        return ""
    total = sum(number for number, _ in counts)
    return f"; of {many(total, 'claim')}, {_listed(said)}"


def whose(claims: Sequence[Claim]) -> str:
    """Whose the claims of one setting are, in a sentence.

    Args:
        claims: The claims; at least one.

    Returns:
        Of the suite's settings, whether they are the paper's, its own, or those of later work, and that they
        were written down before the results: its history shows that. Of others only their authors can know.
    """
    later = "of the later work that they name"
    own = [claim for claim in claims if not claim.source]
    if claims[0].setting not in SETTINGS:
        of = [f"the setting {claims[0].setting}, which is none of this suite"] * bool(own)
        said = [f"of {one}" for one in of] + [later] * (len(own) < len(claims))
        return f"Claims {' and '.join(said)}."
    of_paper = [claim.paper != NOT_IN_THE_PAPER for claim in own]
    said = [PAPER] * any(of_paper) + ["of this suite"] * (not all(of_paper))
    said += [later] * (len(own) < len(claims))
    return f"Claims {_listed(said)}, written down before the results."


def compared(claim: Claim, apart: str = "") -> str:
    """What a claim compares, in words: `Spanish, uninoculated against base`.

    Args:
        claim: The claim.
        apart: What distinguishes its verdict from others on the same claim, e.g. a judge.
    """
    return f"{_compared(claim)} ({apart})" if apart else _compared(claim)


def _compared(claim: Claim) -> str:
    left, right = claim.left, claim.right
    trait = _capital(left.trait.replace("_", " ")) + (f" ({left.questions})" if left.questions else "")
    conditions = [of_task(side.condition or None) or "" for side in (left, right)]
    same = left.trait == right.trait and conditions[0] == conditions[1]
    under = f" under {conditions[0]}" if same and conditions[0] else ""
    if same and left.arm != right.arm:
        return f"{trait}{under}, {in_words(left.arm)} against {in_words(right.arm)}"
    sides = [
        _side(side, condition, left.trait) for side, condition in zip((left, right), conditions, strict=True)
    ]
    return f"{trait}, {sides[0]} against {sides[1]}"


def _side(side: Side, condition: str, trait: str) -> str:
    other = f" ({side.trait.replace('_', ' ')})" if side.trait != trait else ""
    return f"{in_words(side.arm)}{other}{f' under {condition}' if condition else ''}"


def in_words(arm: str) -> str:
    """What an arm is called in a sentence."""
    return UNINOCULATED if arm == NONE else arm


def arms(
    focus: "pd.DataFrame",
    order: Sequence[str],
    definition: Setting | None,
    read: Sequence[ArmReading],
    runs: Path | None,
) -> list[dict[str, str]]:
    """The table of arms.

    Args:
        focus: Answers of the section.
        order: The arms.
        definition: The setting; None where it is not known.
        read: What the models of the arms read, as far as logs say it.
        runs: Folder of run directories, which know rows and LoRA; None leaves both out.

    Returns:
        A row per arm: `arm`, `role`, `prompt`, `rows`, `base`, `lora`, `dose`, `seeds`, `answers`; empty
        where nothing is known.
    """
    readings = {(one.arm, one.world): one for one in read}
    rows = []
    for arm in order:
        of_arm = focus[(focus["arm"] == arm).to_numpy()]
        manifests = _manifests(of_arm, runs)
        # in another world an arm may have another prompt
        worlds = [str(one) for one in of_arm["world"].dropna().unique()] if "world" in focus.columns else []
        prompts = [_said(arm, definition, world, readings.get((arm, world))) for world in worlds or [""]]
        seeds = sorted({int(seed) for seed in of_arm["seed"].dropna().unique()})
        rows.append(
            {
                **{
                    "arm": arm,
                    "role": role(arm, definition),
                    "prompt": distinct(one for one in prompts if one),
                },
                "rows": distinct(one.result.rows for one in manifests if one.result),
                "base": _first(of_arm["base"]) or _first(of_arm["model"]),
                "lora": distinct(_lora(one) for one in manifests),
                "dose": distinct(of_arm["dose"].dropna().unique()) if "dose" in of_arm.columns else "",
                "seeds": ", ".join(map(str, seeds)),
                "answers": str(len(of_arm.drop_duplicates(["log", "sample", "epoch"]))),
            }
        )
    return rows


def _said(arm: str, definition: Setting | None, world: str, reading: ArmReading | None) -> str:
    if arm == BASE:
        return "not trained"
    if arm == NONE:
        return "no prompt"
    if prompt := _prompt(definition, arm, world):
        return _short(prompt, LONGEST)
    if definition is not None and any(one.name == arm and one.inoculation is None for one in definition.arms):
        return "no prompt"
    return "see what it read, below" if reading and reading.training else ""


def _prompt(definition: Setting | None, arm: str, world: str) -> str:
    """The prompt of an arm; of a pool its first, with their number; empty where it is not known."""
    if definition is None:
        return ""
    try:
        of_arm = definition.arm(arm, world)
        texts = of_arm.inoculation.texts if of_arm.inoculation is not None else ()
    except UserError:  # an arm that this setting does not have, or a published prompt that cannot be fetched
        return ""
    if not texts:
        return ""
    return texts[0] if len(texts) == 1 else f"{texts[0]} (and {len(texts) - 1} more)"


def _manifests(of_arm: "pd.DataFrame", runs: Path | None) -> list[Manifest]:
    found = []
    for name in of_arm["run"].dropna().unique() if runs is not None else ():
        run = Run(runs / str(name)) if runs is not None else None
        if run is not None and run.folder.is_dir():
            try:
                found.append(run.manifest)
            except UserError:  # damaged, or no run: the audit says so
                continue
    return found


def _lora(manifest: Manifest) -> str:
    lora = manifest.spec.lora
    return f"r {lora.r}, α {lora.alpha:g}" if lora else "all weights"


def method(
    focus: "pd.DataFrame",
    observed: Mapping[str, Mapping[str, Any]],
    intervals: Method,
    differences: Sequence[Mapping[str, Any]],
    versions: Mapping[str, Mapping[str, Sequence[str]]],
    lacking: str = "",
) -> list[tuple[str, str]]:
    """The method in three lines: what was asked, how it was scored, how it was compared.

    Args:
        focus: Answers of the section.
        observed: By label, what is shown of each trait.
        intervals: Method of the intervals.
        differences: Rows of the table of differences.
        versions: By label and version of what scored, the arms (`versions_of`).
        lacking: The arm that they were to be compared with, if it has no answers here.
    """
    scored: dict[str, list[str]] = {}
    for label, way in observed.items():
        judge, preset = way.get("judge"), way.get("preset")
        by = (
            f"judge {judge}{f' under preset {preset}' if preset else ''}"
            if judge
            else f"scorer {way.get('scorer')}"
        )
        by += _read_by(versions.get(label, {}))
        scored.setdefault(by, []).append(label)
    scores = "; ".join(f"{', '.join(labels)} by {by}" for by, labels in scored.items())
    compare = (
        "95 % intervals clustered by question and by finetune"
        if intervals == "clustered"
        else "95 % intervals bootstrapped over means of finetunes, as in the paper"
    )
    if differences:
        to = dict.fromkeys(str(row["to"]) for row in differences)
        compare += f"; differences to {' and '.join(to)} {paired(differences)}"
        compare += ", Student's test with Holm's correction"
    else:
        which = "one arm" if focus["arm"].nunique() == 1 else "arms that were not asked and scored alike"
        compare += f"; of {which} no difference is taken"
    compare += f"; of {lacking}, which was asked for, there are no answers here" if lacking else ""
    what = asked(focus, observed, test_prompts(focus))
    return [("Asked", f"{what}."), ("Scored", f"{scores}."), ("Compared", f"{compare}.")]


def paired(differences: Sequence[Mapping[str, Any]]) -> str:
    """Whether differences are paired by question: those of arms that were asked other questions are not.

    Args:
        differences: Rows of the table of differences; at least one.
    """
    apart = sum(not row["asked"] for row in differences)
    if apart == len(differences):
        return "not paired, as both arms were asked other questions"
    but = f", but for {apart} of {len(differences)}, of arms that were asked other questions" if apart else ""
    return f"paired by question{but}"


def versions_of(focus: "pd.DataFrame", among: "pd.DataFrame") -> dict[str, dict[str, list[str]]]:
    """Which versions of the suite and of its detectors scored: by label and version, the arms.

    Args:
        focus: Answers of the section.
        among: Its rates, whose labels are used.
    """
    known = focus.assign(label=labels(focus, among)).dropna(subset=["version"])
    ways = known[["label", "version", "arm"]].drop_duplicates().astype(str)
    found: dict[str, dict[str, list[str]]] = {}
    for label, version, arm in ways.sort_values(["version", "arm"]).itertuples(index=False):
        found.setdefault(label, {}).setdefault(version, []).append(arm)
    return found


def _read_by(versions: Mapping[str, Sequence[str]]) -> str:
    """The version that scored, in brackets; where arms differ, each with its own."""
    if len(versions) < 2:
        return f" ({next(iter(versions))})" if versions else ""
    return f" ({'; '.join(f'{version} for {_listed(arms)}' for version, arms in versions.items())})"


def amount(value: float, is_share: bool, highest: int | None) -> str:
    """A rate or a mean as it stands in a sentence.

    Args:
        value: The number.
        is_share: Whether it is a share of answers.
        highest: The highest value that it could have, where it is a rating.
    """
    if is_share:
        percent = 100 * float(value)
        return f"{percent:.{int(0 < percent < 1 or 99 < percent < 100)}f}{SPACE}%"
    return f"{value:z.2f}" if highest is None else f"{value:.1f} of {highest}"


def _shares(trait: str, cells: Any) -> bool:
    return not names_rating(trait) and all(0 <= float(cell["rate"]) <= 1 for cell in cells)


def _highest(trait: str, cells: Any) -> int | None:
    """The end of the scale of ratings; None of other values, those of a judge with a scale to 1 included."""
    rated = names_rating(trait) and any(float(cell["high"]) > 1 for cell in cells)
    return HIGHEST if rated else None


def _listed(words: Sequence[str]) -> str:
    """Words as in a sentence; numbers that are all the same are said once."""
    if len(words) == 1 or (len(set(words)) == 1 and words[0].isdigit()):
        return words[0]
    return f"{', '.join(words[:-1])} and {words[-1]}"


def _first(column: "pd.Series") -> str:
    known = column.dropna()
    return str(known.iloc[0]) if len(known) else ""


def _short(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
