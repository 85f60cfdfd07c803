"""What README and docs name is there: links, files, commands with their options, tasks, scorers, Python."""

import ast
import importlib
import inspect
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from itertools import pairwise, takewhile
from pathlib import Path
from typing import Any, get_type_hints
from urllib.parse import unquote

import pytest
import typer
from markdown_it import MarkdownIt
from markdown_it.token import Token
from pydantic import TypeAdapter, ValidationError

import inoc_evals
from inoc_evals import _registry, scorers, tasks
from inoc_evals.cli import EXAMPLES, PANELS, app
from inoc_evals.commands.lazy import Later

ROOT = Path(__file__).parent.parent
OUTSIDE = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")]
"""Pages that the site does not have."""

PAGES = [*OUTSIDE, *sorted((ROOT / "docs").rglob("*.md"))]
CLI: Any = typer.main.get_command(
    app
)  # Typer may bring a Click of its own, so no class of Click is asked for

COMMAND = re.compile(r"(?:^|[;&(] *)(?:\$ )?(?:[A-Z_]+=\S+ )*(?:\S*/)?(inoc-evals .*)")
INSPECT = re.compile(r"(?:^|[;&(] *)(?:\$ )?(?:[A-Z_]+=\S+ )*(?:\S*/)?(inspect (?:eval|score) .*)")
PLACEHOLDER = re.compile(r"\.\.\.|[][<>|…]|^[A-Z][A-Z_-]*(\.\w+)?$")
FILE = re.compile(r"(?:inoc_evals|tests|docs|benchmarks|tasks|scorers|finetune)/[\w./-]*(?:\.\w+|/)")

pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


@cache
def parsed(page: Path) -> list[Token]:
    """All tokens of a page, those within lines of text, too."""
    blocks = MarkdownIt("commonmark").enable("table").parse(page.read_text(encoding="utf-8"))
    return [token for block in blocks for token in (block, *(block.children or []))]


def codes(page: Path, *kinds: str) -> Iterator[str]:
    """The code of a page; without kinds all that is not in another language than the shell's."""
    for token in parsed(page):
        if token.type in (kinds or ("fence", "code_block", "code_inline")):
            yield token.content.replace("\\\n", " ")


def lines(page: Path, pattern: re.Pattern[str]) -> Iterator[list[str]]:
    """The words of every line of code that a pattern finds a command in."""
    for code in codes(page):
        for line in code.splitlines():
            for found in pattern.findall(line.strip()):
                words = shlex.shlex(found, posix=True, punctuation_chars=";&()")
                words.whitespace_split = True
                yield list(takewhile(lambda word: not set(word) <= set(";&()"), words))


@cache
def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings."""
    blocks = MarkdownIt("commonmark").enable("table").parse(page.read_text(encoding="utf-8"))
    heads = [
        "".join(child.content for child in blocks[n + 1].children or [])
        for n, block in enumerate(blocks)
        if block.type == "heading_open"
    ]
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pages
def test_links_lead_somewhere(page: Path) -> None:
    for token in parsed(page):
        to = str(token.attrs.get("href") or token.attrs.get("src") or "")
        if not to or re.match(r"\w+:", to):
            continue
        path, _, anchor = unquote(to).partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists() and target.is_relative_to(ROOT), to
        if anchor:
            assert anchor in anchors(target), to


@pages
def test_files_are_there(page: Path) -> None:
    for code in codes(page, "code_inline"):
        if FILE.fullmatch(code):
            assert (ROOT / code).exists() or (ROOT / "inoc_evals" / code).exists(), code


@pages
def test_commands_are_as_the_command_line_has_them(page: Path) -> None:
    for _program, *words in lines(page, COMMAND):
        check(words)


def check(words: list[str]) -> None:
    """Hold the words after `inoc-evals` against the command line."""
    command = CLI
    said, rest = shlex.join(words), list(words)
    while hasattr(command, "commands") and rest and not rest[0].startswith("-"):
        word = rest.pop(0)
        if PLACEHOLDER.search(word):  # `COMMAND`, or one of several: each of them must be there
            names = word.strip("[]").split("|") if "|" in word else []
            assert all(name in command.commands for name in names), said
            return
        assert word in command.commands, f"no command {word}: {said}"
        command = command.commands[word]
        command = command.load() if isinstance(command, Later) else command
    context = command.make_context(said, [], resilient_parsing=True)
    options = {name: p for p in command.params for name in (*p.opts, *p.secondary_opts)}
    room = sum(99 if p.nargs < 0 else p.nargs for p in command.params if p.param_type_name == "argument")
    while rest:
        word = rest.pop(0)
        if not word.startswith("-"):
            room -= 1
            assert room >= 0 or PLACEHOLDER.search(word), f"one word too many, {word}: {said}"
            continue
        name, equals, value = word.partition("=")
        if name in ("-h", "--help"):
            continue
        assert name in options, f"no option {name}: {said}"
        option = options[name]
        if not option.is_flag and not equals:
            # in a sentence an option may be named without its value
            value = rest.pop(0) if rest else "..."
        if value and not PLACEHOLDER.search(value):
            try:
                option.process_value(context, [value] if option.multiple else value)
            except Exception as error:
                raise AssertionError(f"{error}: {said}") from error


@pytest.mark.parametrize(
    "line",
    ["demoo", "demo --settings x", "run --seeds many", "runs list x y", "data fetchh", "runs list|sho"],
)
def test_a_wrong_command_is_found(line: str) -> None:
    with pytest.raises(AssertionError):
        check(line.split())


@pytest.mark.parametrize("name", [name for names in PANELS.values() for name in names])
def test_every_help_page_ends_with_a_call_that_works(name: str) -> None:
    check(shlex.split(EXAMPLES[name]))
    assert EXAMPLES[name].split()[0] == name
    assert CLI.commands[name].load().epilog == f"Example: inoc-evals {EXAMPLES[name]}"


def test_help_pages_name_no_file_that_an_installation_lacks() -> None:
    """Who installed a wheel has no `docs/`."""
    left = dict(CLI.commands)
    while left:
        name, command = left.popitem()
        command = command.load() if isinstance(command, Later) else command
        left |= {f"{name} {part}": one for part, one in getattr(command, "commands", {}).items()}
        words = [command.help or "", *(str(getattr(one, "help", "")) for one in command.params)]
        assert not [text for text in words if "docs/" in text], name


def test_every_command_is_in_the_list_of_commands() -> None:
    listed = " ".join(codes(ROOT / "docs" / "cli.md", "code_inline"))
    assert [name for name in CLI.commands if not re.search(rf"\b{name}\b", listed)] == []


@pages
def test_tasks_and_scorers_are_registered(page: Path) -> None:
    named = r"(?<![\w./-])inoc_evals/(\w+)(?![\w/.])"
    found = {name for code in codes(page) for name in re.findall(named, code)}
    assert {name for name in found if not name.isupper()} <= set(_registry.__all__) - {"inoc"}


@pages
def test_tasks_and_scorers_take_their_parameters(page: Path) -> None:
    for words in lines(page, INSPECT):
        names = [word.partition("/")[2] for word in words if re.fullmatch(r"inoc_evals/[a-z_]+", word)]
        wanted = tasks if words[1] == "eval" else scorers
        for name in names:
            assert name in wanted.__all__, f"{name}: {words}"
            takes = inspect.signature(getattr(wanted, name)).parameters
            flag = "-T" if words[1] == "eval" else "-S"
            for option, value in pairwise(words):
                if option == flag and not any(p.kind is p.VAR_KEYWORD for p in takes.values()):
                    assert value.partition("=")[0] in takes, f"{value}: {words}"


OPTION = re.compile(r"""(?:^|\s)-[TSM] +(\w+=(?:'[^']*'|"[^"]*"|[^\s"',;]+,?[^\s"',;]+)|'\w+=[^']*')""")


def docstrings() -> Iterator[tuple[str, str]]:
    """The docstrings of the package, each with its file."""
    for file in sorted((ROOT / "inoc_evals").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                yield str(file.relative_to(ROOT)), ast.get_docstring(node) or ""


def typed_options() -> list[tuple[str, str]]:
    """All `-T`, `-S` and `-M` with a value that pages and docstrings show, each with where it stands."""
    texts = [(str(page.relative_to(ROOT)), code) for page in PAGES for code in codes(page)]
    found = {(where, typed) for where, text in [*texts, *docstrings()] for typed in OPTION.findall(text)}
    return sorted((where, typed) for where, typed in found if not typed.endswith("=..."))


@pytest.mark.parametrize(("where", "typed"), typed_options())
def test_inspect_reads_every_value_as_it_is_meant(where: str, typed: str) -> None:
    """Inspect takes a value for YAML, in which `|a|`, `no` and `2026-01-31` are no texts."""
    from inspect_ai._util.config import parse_cli_args

    from inoc_evals.models.provider_args import ProviderArgs, read_provider_args

    ((name, value),) = parse_cli_args(shlex.split(typed)).items()
    functions = [getattr(face, one) for face in (tasks, scorers) for one in face.__all__]
    hints = [get_type_hints(one) for one in (*functions, ProviderArgs)]
    kinds = [hint[name] for hint in hints if name in hint]
    if name in get_type_hints(ProviderArgs) and name != "engine":  # which the factory takes
        value = getattr(read_provider_args({name: value}), name)
    assert not kinds or any(is_a(value, kind) for kind in kinds), (where, value)


def is_a(value: object, kind: Any) -> bool:
    """Whether a value is of a type as it stands, without being turned into it."""
    try:
        TypeAdapter(kind).validate_python(value, strict=True)
    except ValidationError:
        return False
    return True


@pages
def test_python_names_exist(page: Path) -> None:
    for code in codes(page, "code_inline"):
        found = re.match(r"(?:python -m )?(inoc_evals(?:\.\w+)+)", code)
        if found:
            assert resolve(found[1]) is not None, found[1]
    for code in codes(page, "fence", "code_block"):
        if "from inoc_evals" in code:
            for node in ast.walk(ast.parse(code)):
                if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("inoc_evals"):
                    for name in node.names:
                        assert resolve(f"{node.module}.{name.name}") is not None, ast.unparse(node)


def resolve(name: str) -> Any:
    """What a dotted name stands for, or None."""
    parts = name.split(".")
    for n in range(len(parts), 0, -1):
        try:
            found: Any = importlib.import_module(".".join(parts[:n]))
        except ModuleNotFoundError:
            continue
        for part in parts[n:]:
            found = getattr(found, part, None)
        return found
    return None


def test_every_public_name_is_in_the_reference() -> None:
    listed = set(codes(ROOT / "docs" / "api" / "index.md", "code_inline"))
    assert set(inoc_evals.__all__) - listed == set()
    shown = "".join(page.read_text(encoding="utf-8") for page in (ROOT / "docs" / "api").glob("*.md"))
    for face in (tasks, scorers):
        assert [name for name in face.__all__ if f"::: {face.__name__}.{name}.{name}\n" not in shown] == []


def test_the_site_builds_and_asks_nothing_of_other_hosts(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", tmp_path],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    html = {file: file.read_text(encoding="utf-8") for file in tmp_path.rglob("*.html")}
    assert len(html) > len(PAGES) - len(OUTSIDE)  # every page, and the one for what is not found
    for file, text in html.items():
        asked = re.findall(
            r"<(?:script|img|iframe|link)\b[^>]*?\b(?:src|href)=\"?((?:https?:)?//[^\s\">]+)", text
        )
        assert asked == [], file
    for file in tmp_path.rglob("*.css"):
        assert not re.search(r"url\(\W?(https?:)?//|@import", file.read_text(encoding="utf-8")), file
    assert list(tmp_path.rglob("*.py")) + list(tmp_path.glob("figures/*.json")) == []


def test_no_message_names_a_page_that_whoever_installed_the_package_has_not() -> None:
    """Pages are not in the wheel; docstrings and comments are for readers of the sources, who have them."""
    named = []
    for file in (ROOT / "inoc_evals").rglob("*.py"):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        texts = {
            id(statement.value)
            for node in ast.walk(tree)
            if isinstance(body := getattr(node, "body", None), list)  # of a lambda it is an expression
            for statement in body
            if isinstance(statement, ast.Expr)
        }
        named += [
            f"{file.name}:{node.lineno}: {node.value}"
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in texts
            if re.search(r"(?<![\w./])docs/\w+", node.value)
        ]
    assert not named
