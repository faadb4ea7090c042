"""What a setting may be, in words, read from the settings tree itself."""

import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple, Union, get_args, get_origin

import annotated_types
from pydantic import BaseModel, BeforeValidator, SecretStr
from pydantic.fields import FieldInfo

from config.durations import format_duration, parse_duration
from config.problem import Keys


class Kind(NamedTuple):
    """The type of one setting.

    Args:
        type: the bare type, `int`, a section's class, `list[str]`, ...
        marks: bounds and validators attached to it.
        default: the value it has when nobody sets it; None where there is none.
        example: how it may be written, where the default does not show it.
    """

    type: Any
    marks: tuple[Any, ...] = ()
    default: Any = None
    example: str = ""

    @property
    def duration(self) -> bool:
        """It is written with a unit, `20s`."""
        parsers = (mark.func for mark in self.marks if isinstance(mark, BeforeValidator))
        return any(parser is parse_duration for parser in parsers)

    @property
    def secret(self) -> bool:
        """It must not be shown."""
        return self.type is SecretStr

    @property
    def section(self) -> type[BaseModel] | None:
        """The class of settings below it, None for a plain value."""
        is_model = isinstance(self.type, type) and issubclass(self.type, BaseModel)
        return self.type if is_model else None


def kind_at(root: type[BaseModel], keys: Keys) -> Kind | None:
    """The kind of the setting at a path; None where the tree knows no such setting."""
    here = Kind(root)
    for key in keys:
        below = _below(here, key)
        if below is None:
            return None
        here = below
    return here


def names_at(root: type[BaseModel], keys: Keys) -> list[str]:
    """Names of the settings directly below a path."""
    here = kind_at(root, keys)
    return list(here.section.model_fields) if here and here.section else []


def leaves(kind: Kind, keys: Keys = ()) -> Iterator[Keys]:
    """Paths of all plain settings; a mapping with free names counts as one."""
    if kind.section is None:
        yield keys
        return
    for name, field in kind.section.model_fields.items():
        yield from leaves(_of_field(field), (*keys, name))


def expected(kind: Kind) -> str:
    """What to write: `write a whole number from 1 to 65535`."""
    if kind.section:
        return f"write settings below it: {_list(list(kind.section.model_fields))}"
    if get_origin(kind.type) is Literal:
        return f"choose {_list([str(value) for value in get_args(kind.type)])}"
    if get_origin(kind.type) is list:
        return f"write a list{_example(kind)}"
    if get_origin(kind.type) is dict:
        return "write names with a value each"
    if kind.type is bool:
        return "write true or false"
    if kind.duration:
        return f"write a duration{_bounds(kind)} such as 100ms, 20s, 5m or 24h{_default(kind)}"
    if kind.type in (int, float):
        what = "a whole number" if kind.type is int else "a number"
        return f"write {what}{_bounds(kind)}{_default(kind)}"
    return f"write {'a path' if kind.type is Path else 'text'}{_default(kind)}"


def choices(kind: Kind) -> list[str]:
    """The allowed words of a setting that has a closed list of them, also as list items."""
    if get_origin(kind.type) is list:
        below = _below(kind, 0)
        return choices(below) if below else []
    return [str(v) for v in get_args(kind.type)] if get_origin(kind.type) is Literal else []


def _below(kind: Kind, key: str | int) -> Kind | None:
    if kind.section:
        field = kind.section.model_fields.get(str(key))
        return _of_field(field) if field else None
    arguments = get_args(kind.type)
    if get_origin(kind.type) is list:
        return _of_type(arguments[0])
    if get_origin(kind.type) is dict:
        return _of_type(arguments[1])
    return None


def _of_field(field: FieldInfo) -> Kind:
    default = None if field.is_required() else field.get_default(call_default_factory=True)
    inner = _of_type(field.annotation)
    example = str(field.examples[0]) if field.examples else ""
    return Kind(inner.type, (*field.metadata, *inner.marks), default, example)


def _of_type(annotation: Any) -> Kind:
    marks: tuple[Any, ...] = ()
    while True:
        if get_origin(annotation) is typing.Annotated:
            annotation, *more = get_args(annotation)
            for mark in more:
                marks += tuple(mark.metadata) if isinstance(mark, FieldInfo) else (mark,)
        elif get_origin(annotation) in (Union, types.UnionType):
            annotation = next(a for a in get_args(annotation) if a is not type(None))
        else:
            return Kind(annotation, marks)


def _bounds(kind: Kind) -> str:
    low = high = above = None
    for mark in kind.marks:
        match mark:
            case annotated_types.Ge(ge=value):
                low = value
            case annotated_types.Gt(gt=value):
                above = value
            case annotated_types.Le(le=value):
                high = value

    def text(value: Any) -> str:
        return format_duration(value) if kind.duration and value else f"{value:g}"

    if low is not None and high is not None:
        return f" from {text(low)} to {text(high)}"
    lower = f" of at least {text(low)}" if low is not None else ""
    lower = f" above {text(above)}" if above is not None else lower
    upper = f" of at most {text(high)}" if high is not None else ""
    return f"{lower} and at most {text(high)}" if lower and upper else lower or upper


def _default(kind: Kind) -> str:
    if kind.example:
        return f" such as {kind.example}"
    if kind.default is None or kind.default == "" or kind.secret:
        return ""
    text = format_duration(kind.default) if kind.duration else f"{kind.default}"
    text = text.removesuffix(".0")
    return f" (default {text})"


def _example(kind: Kind) -> str:
    if kind.example:
        return f" such as {kind.example}"
    items = kind.default or choices(kind)
    return f" such as [{', '.join(items[:3])}]" if items else ""


def _list(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"
