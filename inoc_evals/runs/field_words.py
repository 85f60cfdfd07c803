"""What to write into a field of a spec, in words, from its type: pydantic names the types that it tried.

    wanted(FinetuneSpec.model_fields["kept_steps"])
    # "powers, a whole number of at least 1, a list of whole numbers of at least 1, or null"

A `description` of the field goes before its type, where a short form is taken that the type does not show.
"""

from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

ONE_AND_SEVERAL = {
    bool: ("true or false", "true or false"),
    int: ("a whole number", "whole numbers"),
    float: ("a number", "numbers"),
    str: ("a text", "texts"),
}
"""Plain types in words, one of them and several."""


def wanted(field: FieldInfo) -> str:
    """What a user can write into a field; empty for a plain type, of which pydantic's own words say enough.

    Args:
        field: The field.
    """
    if field.description:
        return field.description
    kinds = [kind for kind in _kinds(field.annotation) if kind is not NoneType]
    if len(kinds) == 1 and get_origin(_bare(kinds[0])) not in (tuple, dict):
        return ""
    words = [word for kind in _kinds(field.annotation) for word in _words(kind, field.metadata)]
    comma = "," * (len(words) > 2 or words[-1] == "null")
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])}{comma} or {words[-1]}"


def _kinds(kind: Any) -> list[Any]:
    """The members of a union; null comes last."""
    if get_origin(kind) not in (Union, UnionType):
        return [kind]
    return sorted(get_args(kind), key=lambda one: one is NoneType)


def _bare(kind: Any) -> Any:
    return get_args(kind)[0] if get_origin(kind) is Annotated else kind


def _words(kind: Any, limits: list[Any], several: bool = False) -> list[str]:
    if get_origin(kind) is Annotated:
        kind, *notes = get_args(kind)
        limits = [limit for note in notes for limit in getattr(note, "metadata", [note])]
    if kind is NoneType:
        return ["null"]
    if get_origin(kind) is Literal:
        return [str(value) for value in get_args(kind)]
    if get_origin(kind) is tuple:
        inner = get_args(kind)
        some = "one or more " if any(getattr(limit, "min_length", 0) for limit in limits) else ""
        count = some if inner[-1] is Ellipsis else f"{len(inner)} "
        return [f"a list of {count}{' or '.join(_words(inner[0], [], several=True))}"]
    if get_origin(kind) is dict or kind is dict:
        values = _words(get_args(kind)[1], [], several=True)[0] if get_args(kind) else "values"
        return ["mappings" if several else f"a mapping of names to {values}"]
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return ["mappings" if several else f"a mapping of {', '.join(kind.model_fields)}"]
    if kind not in ONE_AND_SEVERAL:
        return ["values" if several else "a value"]
    least = next((f" of at least {limit.ge}" for limit in limits if hasattr(limit, "ge")), "")
    over = next((f" over {limit.gt}" for limit in limits if hasattr(limit, "gt")), "")
    return [f"{ONE_AND_SEVERAL[kind][several]}{least}{over}"]
