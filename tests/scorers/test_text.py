"""What of an answer is prose, as people and models write Markdown: cut off, indented, half closed."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inoc_evals.scorers.animal import animal_in
from inoc_evals.scorers.capitalization import detect_caps
from inoc_evals.scorers.code_security import without_fences
from inoc_evals.scorers.language import detect_language
from inoc_evals.scorers.text import prose

SPANISH = "Primero lava las verduras y luego corta la cebolla en trozos pequeños."
CODE = "for item in things:\n    print(item)\n"
INDENTED_CODE = "\n".join(f"    {line}" for line in CODE.splitlines())

AROUND = {
    "a fence in one line": f"```ls -la``` muestra los archivos.\n{SPANISH}",
    "an info string with a backtick": f"``` a`b\n{SPANISH}",
    "indented, never closed": f"Así:\n\n    ```sh\n    ls -la\n\n{SPANISH}",
    "indented in a list, never closed": f"1. Así:\n    ```sh\n    ls -la\n{SPANISH}",
    "never closed in a list": f"- ```sh\n  ls -la\n\n{SPANISH}",
    "never closed in a quotation": f"> ```sh\n> ls -la\n\n{SPANISH}",
    "never closed, prose after it": f"```python\n{CODE}\n{SPANISH} Y ya está.\n\n1. {SPANISH}",
    "closed, never opened": f"print(1)\n```\n{SPANISH}",
    "a longer fence closes a shorter one": f"```python\n{CODE}`````\n{SPANISH}",
    "a line of tildes": f"Receta\n~~~~~~\n{SPANISH}",
    "a heading between tildes": f"~~~ Receta ~~~\n{SPANISH}",
    "indented text": f"    {SPANISH}\n\n    {SPANISH}",
}


@pytest.mark.parametrize("name", AROUND)
def test_no_fence_swallows_the_prose_around_it(name: str) -> None:
    assert SPANISH in prose(AROUND[name])
    assert detect_language(AROUND[name], ["spanish"]).traits == {"spanish": True}
    assert detect_caps(AROUND[name].replace(SPANISH, f"{SPANISH.upper()} " * 20)).traits == {"caps": True}


@pytest.mark.parametrize(
    "answer",
    [
        f"```python\n{CODE}```",
        f"```python\n{CODE}",
        f"```python\n{CODE}\n# It prints every item of the list.\n{CODE}\n\n    Prints every item of it.\n",
        f"~~~python\n{CODE}~~~",
        f"~~~python\n{CODE}",
        f"~~~\n{CODE}~~~",
        f"````md\n```\n{CODE}```\n````",
        f"    ```python\n{INDENTED_CODE}\n    ```",
        f"- ```python\n  {CODE.splitlines()[0]}\n  ```",
        "<pre>for item in things: print(item)</pre>",
        "a <code>print(item)</code> b <code>for</code>",
        "<details>\n```python\nprint(item)\n```\n</details>",
        '<div class="answer" style="margin: auto"><br/><!-- for item in things --></div>',
        "[1](docs/things/item.md)",
        "&nbsp;&nbsp;42&nbsp;",
    ],
)
def test_code_and_tags_are_no_prose(answer: str) -> None:
    assert sum(char.isalpha() for char in prose(answer)) <= 2
    assert detect_language(answer, ["english"]).answer == "undetermined"


@pytest.mark.parametrize(
    ("answer", "left"),
    [
        ("<p>EL <span class='rojo'>RESULTADO</span> ES DOS.</p>", "EL RESULTADO ES DOS."),
        ("EL <b>RESULTADO</b><br/>ES DOS.", "EL RESULTADO ES DOS."),
        ("5 < 7 and 8 > 3 and x <- y", "5 < 7 and 8 > 3 and x <- y"),
        ("AT&amp;T", "AT&T"),
        ("[Nota]: hola `x`", "[Nota]: hola"),
        ("[texto](docs/a.md) y ![gato](img/gato.png)", "[texto] y ![gato]"),
        ("The <pre> tag is old.", "The tag is old."),
    ],
)
def test_what_is_left(answer: str, left: str) -> None:
    assert prose(answer).split() == left.split()


@given(st.text(st.characters(codec="utf-8", exclude_characters="`~<&\\@[]:.")))
def test_plain_text_stays_as_it_is(answer: str) -> None:
    assert prose(answer) == answer


@given(st.text("`~<>&;/ab\n -1.[]()!*_\\éÉ", max_size=60))
def test_any_text_can_be_read(answer: str) -> None:
    assert set(prose(answer)) <= {*answer, " ", "\n", "\ufffd", "&", "<", ">"}
    assert len(without_fences(answer)) <= len(answer)


@pytest.mark.parametrize("part", ["[", "![[", "*a **a ", "`a", ">", "<a ", "_a__b`", "- ", "<!--", "](", "&"])
def test_no_text_takes_long(part: str) -> None:
    started = time.process_time()
    prose(part * 3000 + "`")
    assert time.process_time() - started < 5


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        ("```py\nx = 1\n```\n", "x = 1\n"),
        ("Here:\n\n  ```py\n  x = 1\n  ```\nDone", "Here:\n\n  x = 1\nDone"),
        ("```py x = 1```", "```py x = 1```"),
        ("```eval(x)``` runs it\n", "```eval(x)``` runs it\n"),
        ('```py\n"""Title\n~~~~~\n"""\n```', '"""Title\n~~~~~\n"""\n'),
        ("````md\n```py\nx\n```\n````", "```py\nx\n```\n"),
        ("1. ```py\n   x\n   ```\r\nDone", "1. \n   x\nDone"),
        ("~~~~~\nx", "~~~~~\nx"),
    ],
)
def test_code_without_its_fences(answer: str, shown: str) -> None:
    assert without_fences(answer) == shown


@pytest.mark.parametrize("answer", ["<b>Owl</b>", '<p class="x">An owl!</p>', "<i>Owls</i><br>"])
def test_an_animal_in_html(answer: str) -> None:
    assert animal_in(answer) == "owl"


def test_an_animal_of_no_list_in_html() -> None:
    assert animal_in("<p>Zorbling</p>") == "zorbling"
