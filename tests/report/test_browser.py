"""The report in headless Chromium: what models wrote stays text, and nothing is asked for elsewhere."""

import csv
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.report.logs import HOSTILE, shown

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")

LOOK = """<script>
  addEventListener("load", () => setTimeout(() => {
    const copied = [];
    Object.defineProperty(navigator, "clipboard", { value: { writeText: async text => copied.push(text) } });
    for (const button of document.querySelectorAll(".bar button")) button.click();
    const part = document.querySelector(".asking"), left = {};
    const seen = () => part.querySelectorAll(".card:not([hidden])").length;
    const [words, choice] = [part.querySelector("[type=search]"), part.querySelector("select")];
    const wishes = [["", ""], ["", "yes"], ["", "no"], ["number 9", ""], ["nowhere to be found", ""]];
    for (const [text, value] of wishes) {
      [words.value, choice.value] = [text, value];
      choice.dispatchEvent(new Event("input", { bubbles: true }));
      left[text + value] = seen();
    }
    [words.value, choice.value] = ["", ""];
    choice.dispatchEvent(new Event("input", { bubbles: true }));
    const shown = [...document.querySelectorAll(".card pre")].map(pre => pre.textContent);
    document.body.dataset.found = JSON.stringify({
      title: document.title, shown, copied, left, images: document.querySelectorAll("img").length,
      scripts: document.querySelectorAll("script").length,
      wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
      ink: getComputedStyle(document.body).color,
      loaded: performance.getEntriesByType("resource").map(entry => entry.name),
    });
  }, 200));
</script></body>"""


def looked_at(page: Path, *options: str) -> dict:
    """What a browser finds in the page, without the policy that would stop scripts whatever the page says."""
    text = page.read_text(encoding="utf-8")
    policy = text[text.index('<meta http-equiv="Content-Security-Policy"') :].partition(">")[0] + ">"
    text = text.replace(policy, "").replace("<details>", "<details open>")
    copy = page.with_name("looked-at.html")
    copy.write_text(text.replace("</body>", LOOK), encoding="utf-8")
    command = [
        str(CHROMIUM),
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--virtual-time-budget=3000",
        *options,
    ]
    command += ["--host-resolver-rules=MAP * ~NOTFOUND", "--dump-dom", copy.as_uri()]
    dom = subprocess.run(command, capture_output=True, text=True, timeout=120).stdout
    copy.unlink()
    found = dom.partition('data-found="')[2].partition('"')[0]
    assert found, dom[:500]
    for mark, character in (("&quot;", '"'), ("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        found = found.replace(mark, character)
    return json.loads(found)


def test_script_in_an_answer_is_shown_and_not_run(page: Path) -> None:
    found = looked_at(page)
    assert found["title"] == "What the finetunes learned"
    assert any(HOSTILE in text for text in found["shown"])
    read = {shown("base")["test"], shown("none")["training"]}
    assert read <= set(found["shown"])  # the line break at the start, too
    assert (found["images"], found["scripts"]) == (0, 2)  # one of the page, one of this test
    assert found["loaded"] == []
    _copies_tables(found["copied"])
    left = found["left"]
    assert left["yes"] > 0 and left["yes"] + left["no"] == left[""] and left["nowhere to be found"] == 0
    assert 0 < left["number 9"] <= left[""]


def _copies_tables(copied: list[str]) -> None:
    """The first table, of the arms, in all formats; and the citation."""
    markdown, latex, table = copied[:3]
    assert "| arm | training prompt |" in markdown and "| none | no prompt |" in markdown
    assert latex.startswith("\\begin{tabular}") and "\\midrule" in latex and "none & no prompt &" in latex
    rows = list(csv.reader(table.splitlines()))
    assert rows[0][:2] == ["arm", "training prompt"] and {len(row) for row in rows} == {len(rows[0])}
    assert copied[-1].startswith("@misc{tan2025")


def test_it_fits_a_phone_and_turns_dark(page: Path) -> None:
    phone = looked_at(page, "--window-size=500,900")
    assert phone["wide"] <= 0  # what is wider scrolls by itself
    dark = looked_at(page, "--blink-settings=preferredColorScheme=0")
    assert dark["ink"] != phone["ink"]
