"""The chat templates of real families: what each does, and what the renderer makes of it."""

from datetime import datetime
from typing import Any

import pytest

from inoc_evals.chat import Message
from inoc_evals.chat.renderer import Renderer
from inoc_evals.digests import sha256
from inoc_evals.errors import UserError
from tests.chat.template_table import FAMILIES, PAGE, TEMPLATES, TODAY, Family, filled, like

each = pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.template)

SHOUT: Message = {"role": "system", "content": "Shout."}
HI: Message = {"role": "user", "content": "Hi"}
YO: Message = {"role": "assistant", "content": "Yo"}
BYE: Message = {"role": "user", "content": "Bye"}
OK: Message = {"role": "assistant", "content": "Ok"}
THOUGHT: Message = {"role": "assistant", "content": "<think>\nhm\n</think>\n\nYo"}


class Clock(datetime):
    """A clock that stands."""

    @classmethod
    def now(cls, tz: Any = None) -> Any:
        return cls(TODAY.year, TODAY.month, TODAY.day)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    from transformers.utils import chat_template_utils

    monkeypatch.setattr(chat_template_utils, "datetime", Clock)


def written(family: Family, *messages: Message, ask: bool = False) -> str:
    """What the template writes, without any code of ours; `refused` where it raises."""
    from jinja2 import TemplateError

    try:
        return str(
            family.tokenizer().apply_chat_template(list(messages), tokenize=False, add_generation_prompt=ask)
        )
    except TemplateError:
        return "refused"


@each
def test_a_template_asks_as_the_table_says(clock: None, family: Family) -> None:
    assert like(family.prompt, written(family, HI, ask=True))
    assert like(family.prompted or "refused", written(family, SHOUT, HI, ask=True))
    assert like(f"…{family.told}…", written(family, HI, ask=True))
    assert family.always == (bool(family.told) and like(f"…{family.told}…", written(family, SHOUT, HI)))


@each
def test_a_template_answers_as_the_table_says(clock: None, family: Family) -> None:
    asked, whole = written(family, HI, ask=True), written(family, HI, YO)
    assert family.added == (whole.removeprefix(asked) if whole.startswith(asked) else None)
    assert family.trims == (" Yo \n" not in written(family, HI, {"role": "assistant", "content": " Yo \n"}))
    assert family.drops_reasoning == ("hm" not in written(family, HI, THOUGHT))


@each
def test_an_empty_system_message_is_rendered_as_the_template_does(clock: None, family: Family) -> None:
    empty: Message = {"role": "system", "content": ""}
    expected = written(family, empty, HI, ask=True)
    renderer = Renderer(family.tokenizer())
    if family.system == "refused":
        with pytest.raises(UserError, match="--position user"):
            renderer.render_prompt([empty, HI])
    else:
        assert renderer.render_prompt([empty, HI]).text == expected


@each
def test_a_system_message_reaches_a_whole_exchange_or_not(clock: None, family: Family) -> None:
    whole = written(family, SHOUT, HI, YO)
    assert ("Shout." in whole) == (family.system != "refused" and not family.lost)
    assert (whole == "refused") == (family.system == "refused")


@each
def test_turns_come_in_the_order_that_the_table_says(clock: None, family: Family) -> None:
    assert family.alternation == (written(family, HI, BYE, ask=True) == "refused")
    text = written(family, HI, YO, SHOUT, BYE, ask=True)
    place = (text.rfind("Yo"), text.find("Shout."))  # some are told "You are"
    found = "left out" if place[1] < 0 else "kept" if place[0] < place[1] else "moved to the start"
    assert family.later == ("refused" if text == "refused" else found)


@each
def test_a_template_that_knows_the_date_reads_the_clock(
    monkeypatch: pytest.MonkeyPatch, family: Family
) -> None:
    from transformers.utils import chat_template_utils

    class Later(Clock):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return cls(2031, 3, 5)

    texts = []
    for clock in (Clock, Later):
        monkeypatch.setattr(chat_template_utils, "datetime", clock)
        texts.append(written(family, HI, ask=True))
    assert family.date == (texts[0] != texts[1])


def test_every_template_has_a_row_and_a_source() -> None:
    files = {path.stem for path in TEMPLATES.glob("*.jinja")}
    assert files == {family.template for family in FAMILIES}
    sources = (TEMPLATES / "SOURCES.md").read_text(encoding="utf-8")
    for path in TEMPLATES.glob("*.jinja"):
        [line] = [line for line in sources.splitlines() if line.startswith(f"| `{path.name}`")]
        assert f"`{sha256(path.read_bytes())[:12]}`" in line


def test_the_page_has_the_rows() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert filled(page) == page, "write it anew with `python -m tests.chat.template_table`"
