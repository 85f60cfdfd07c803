"""Literals in another project's Python file, read without running it.

    literal(path, "ALIGNMENT_JUDGE_TEMPLATE")       # '...'
    literals(path)["templates"]                     # ['... {choice_a} ... {choice_b} ...', ...]

Reads strings, numbers, lists, tuples, dicts, `"...".strip()` and sums of these; a call with literal keywords,
such as `Preference(category="movie")`, is read as the dict of its keywords. Everything else in the file is
ignored.
"""

import ast
from contextlib import suppress
from pathlib import Path
from typing import Any

from inoc_evals.errors import UserError


def literals(path: Path) -> dict[str, Any]:
    """Read the module-level assignments of literals in a file.

    Args:
        path: A Python file in UTF-8.

    Returns:
        By name, the first literal assigned to it.

    Raises:
        UserError: If the file cannot be read or is not Python.
    """
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, SyntaxError, RecursionError, MemoryError) as error:
        raise UserError(f"{path} is not valid Python: {' '.join(str(error).split())}") from error
    values: dict[str, Any] = {}
    for node in tree.body:
        match node:
            case ast.Assign(targets=targets, value=value):
                pass
            case ast.AnnAssign(target=ast.expr() as target, value=ast.expr() as value):
                targets = [target]
            case _:
                continue
        new = [name.id for name in targets if isinstance(name, ast.Name) and name.id not in values]
        # RecursionError: a sum of thousands of strings is valid Python, but none of the texts read here.
        with suppress(ValueError, TypeError, RecursionError):
            values |= dict.fromkeys(new, _value(value))
    return values


def literal(path: Path, name: str) -> Any:
    """Read one literal.

    Raises:
        UserError: If the file assigns no literal to that name.
    """
    values = literals(path)
    if name not in values:
        raise UserError(f"{path} assigns no literal to {name}: this is not the expected file")
    return values[name]


def _value(node: ast.expr) -> Any:
    match node:
        case ast.Constant(value=value):
            return value
        case ast.List(elts=elements):
            return [_value(element) for element in elements]
        case ast.Tuple(elts=elements):
            return tuple(_value(element) for element in elements)
        case ast.Dict(keys=keys, values=values) if None not in keys:
            return {_value(key): _value(value) for key, value in zip(keys, values, strict=True) if key}
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _value(left) + _value(right)
        case ast.Call(func=ast.Attribute(value=text, attr="strip"), args=[], keywords=[]):
            return str.strip(_value(text))
        case ast.Call(func=ast.Name(), args=[], keywords=words) if words and all(word.arg for word in words):
            return {word.arg: _value(word.value) for word in words}
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand)
    raise ValueError("not a literal")
