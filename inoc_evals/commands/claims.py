"""`inoc-evals claims`: which claims of the paper, and of others since, a folder of logs supports."""

from typing import Annotated

import typer

from inoc_evals.commands.known_settings import audit_call, known_settings, named_settings
from inoc_evals.commands.output import AsJson, print_json, print_table, say, say_skipped

UNMEASURED = "not measured"
"""The verdict on a claim of which the logs hold no answers."""


def command(
    logs: Annotated[
        str, typer.Argument(metavar="LOGS", help="A folder of Inspect logs, or one log; a path or URL.")
    ],
    setting: Annotated[
        str | None, typer.Option(help="Only the claims of these settings, separated by commas.")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Show the claims that the logs do not measure, too.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Test the claims of the paper, and of others since, on the answers of an experiment."""
    from inoc_evals.analysis import unread
    from inoc_evals.analysis.audit import audit_loaded
    from inoc_evals.analysis.declared_traits import focused, unknown_settings
    from inoc_evals.analysis.table import read
    from inoc_evals.analysis.verdicts import WORDS, verdicts
    from inoc_evals.runs.directory import runs_root
    from inoc_evals.settings import SETTINGS

    named = named_settings(setting)
    loaded = read(logs)
    measured = set(loaded.table["setting"])
    # The paper's claims stand there unmeasured, too; others only where somebody has measured them.
    chosen = named or [one for one in SETTINGS.values() if one.number or one.name in measured]
    of_settings = known_settings(setting)
    audited = audit_loaded(loaded, runs_root(), of_settings)
    claims = [claim for one in chosen for claim in one.claims]
    results = verdicts(loaded.table, claims, findings=audited.findings)
    missing = unread.lines(focused(loaded.table, of_settings))
    unknown = unknown_settings(loaded.table, of_settings)
    if as_json:
        verdicts_json = [v.as_dict() for v in results]
        about = {
            "skipped": loaded.skipped,
            "unscored": missing,
            "unknown": unknown,
            "audit": audited.as_dict(),
        }
        print_json({"verdicts": verdicts_json, **about})
        return
    shown = [v for v in results if everything or v.word != UNMEASURED]
    for name in dict.fromkeys(v.claim.setting for v in shown):
        of_setting = [v for v in shown if v.claim.setting == name]
        several = len({v.base for v in of_setting}) > 1
        rows = [[v.word, *([v.base] if several else []), v.claim.said, v.name, v.why] for v in of_setting]
        heads = ["verdict", *(["base"] if several else []), "claim", "difference", "found"]
        paper = of_setting[0].claim.paper
        print_table(f"{name} ({paper})" if paper else name, heads, rows)
    words = [v.word for v in results]
    counts = {word: words.count(word) for word in WORDS if word in words}
    more = "" if everything or UNMEASURED not in counts else " (--all shows these, too)"
    say((", ".join(f"{count} {word}" for word, count in counts.items()) or "no claims") + more)
    if audited.findings:
        say(f"Audit: {audited.summary} (`{audit_call(logs, setting)}` says which)", err=True)
    for line in [*missing, *unknown]:
        say(line, err=True)
    say_skipped(loaded.skipped)
