"""The report in headless Chromium: what models wrote stays text, and nothing is asked for elsewhere."""

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
    const shown = [...document.querySelectorAll(".card pre")].map(pre => pre.textContent);
    document.body.dataset.found = JSON.stringify({
      title: document.title, shown, images: document.querySelectorAll("img").length,
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
    assert (found["images"], found["scripts"]) == (0, 1)  # the script is the test's own
    assert found["loaded"] == []


def test_it_fits_a_phone_and_turns_dark(page: Path) -> None:
    phone = looked_at(page, "--window-size=500,900")
    assert phone["wide"] <= 0  # what is wider scrolls by itself
    dark = looked_at(page, "--blink-settings=preferredColorScheme=0")
    assert dark["ink"] != phone["ink"]
