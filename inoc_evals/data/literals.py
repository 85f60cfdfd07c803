"""Literals in another project's Python file, read without running it.

    literal(path, "ALIGNMENT_JUDGE_TEMPLATE")       # '...'
    literals(path)["templates"]                     # ['... {choice_a} ... {choice_b} ...', ...]

Reads strings, numbers, lists, tuples, dicts, `"...".strip()` and sums of these; a call with literal keywords,
such as `Preference(category="movie")`, is read as the dict of its keywords. A function that does nothing but
return a literal is read as that literal, and a name or a call of such a function as what was read for it
before. Everything else in the file is ignored.
"""

import ast
from contextlib import suppress
from pathlib import Path
from typing import Any

from inoc_evals.errors import UserError


def literals(path: Path) -> dict[str, Any]:
    """Read the literals that a file assigns at module level, or returns from a function without arguments.

    Args:
        path: A Python file in UTF-8.

    Returns:
        By name of the variable or function, its first literal.

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
            case ast.FunctionDef(name=name, body=[*_, ast.Return(value=ast.expr() as value)]) if (
                _only_returns(node)
            ):
                targets = [ast.Name(id=name)]
            case _:
                continue
        new = [name.id for name in targets if isinstance(name, ast.Name) and name.id not in values]
        # RecursionError: a sum of thousands of strings is valid Python, but none of the texts read here.
        with suppress(ValueError, TypeError, RecursionError):
            values |= dict.fromkeys(new, _value(value, values))
    return values


def _only_returns(function: ast.FunctionDef) -> bool:
    """Whether a function takes nothing and does nothing but return, beside a docstring."""
    arguments = function.args
    takes = (
        *arguments.posonlyargs,
        *arguments.args,
        *arguments.kwonlyargs,
        arguments.vararg,
        arguments.kwarg,
    )
    docstring = [function.body[0]] if ast.get_docstring(function) is not None else []
    return not any(takes) and len(function.body) == 1 + len(docstring)


def literal(path: Path, name: str) -> Any:
    """Read one literal.

    Args:
        path: A Python file in UTF-8.
        name: The variable or function; `NAME[key]` is one value of a dict.

    Raises:
        UserError: If the file has no literal of that name.
    """
    values = literals(path)
    variable, bracket, key = name.partition("[")
    if variable not in values:
        raise UserError(f"{path} assigns no literal to {variable}: this is not the expected file")
    if not bracket:
        return values[variable]
    key = key.removesuffix("]")
    if not isinstance(values[variable], dict) or key not in values[variable]:
        raise UserError(f"{path}: {variable} has no key {key!r}: this is not the expected file")
    return values[variable][key]


def _value(node: ast.expr, known: dict[str, Any]) -> Any:
    """The value of a literal.

    Args:
        node: The expression.
        known: What was read so far, by name.

    Raises:
        ValueError: If it is none.
    """
    match node:
        case ast.Constant(value=value):
            return value
        case ast.List(elts=elements):
            return [_value(element, known) for element in elements]
        case ast.Tuple(elts=elements):
            return tuple(_value(element, known) for element in elements)
        case ast.Dict(keys=keys, values=values) if None not in keys:
            pairs = zip(keys, values, strict=True)
            return {_value(key, known): _value(value, known) for key, value in pairs if key}
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _value(left, known) + _value(right, known)
        case ast.Call(func=ast.Attribute(value=text, attr="strip"), args=[], keywords=[]):
            return str.strip(_value(text, known))
        case ast.Call(func=ast.Name(), args=[], keywords=words) if words and all(word.arg for word in words):
            return {word.arg: _value(word.value, known) for word in words}
        case ast.Name(id=name) | ast.Call(func=ast.Name(id=name), args=[], keywords=[]) if name in known:
            return known[name]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand, known)
    raise ValueError("not a literal")
