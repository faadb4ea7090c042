"""Pydantic's complaints in plain English: path, value found, what would be right."""

import difflib
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from pydantic import BaseModel

from config.describe import Kind, choices, expected, kind_at, names_at
from config.problem import DEFAULT, Keys, Origins, Problem, dotted

SHOWN_CHARACTERS = 60


def explain(
    root: type[BaseModel], error: Mapping[str, Any], written: object, origins: Origins
) -> Problem:
    """One of pydantic's errors as a problem.

    Args:
        root: the tree's class.
        written: the tree that was validated; what it holds is shown, not what became of it.
        error: an item of `ValidationError.errors()`.
        origins: where the settings were written.
    """
    keys = tuple(key for key in error["loc"] if key != "[key]")
    kind = kind_at(root, keys) or Kind(object)
    origin, value = origins.near(keys), _at(written, keys, error["input"])
    match error["type"]:
        case "missing":
            remedy, found = f"a value is required; {expected(kind)}", "nothing"
        case "extra_forbidden":
            remedy, found = _unknown(root, keys), show(value, keys)
        case "interval":
            remedy, found = error["msg"], show(value, keys)
        case "too_short":
            remedy, found = "name at least one", show(value, keys)
        case "value_error" if not kind.duration:
            remedy, found = str(error["ctx"]["error"]), show(value, keys)
        case "invalid_key":
            remedy, found = "no such setting; names are text", show(error["input"])
        case "recursion_loop":
            remedy, found = "it contains itself; write it out", "an anchor"
        case _:
            remedy, found = _remedy(kind, value), show(value, keys)
    if error["type"] == "value_error" and origins.of(keys) == DEFAULT:
        origin = DEFAULT
    return Problem(dotted(keys), found, remedy, origin)


def _at(tree: object, keys: Keys, otherwise: object) -> object:
    for key in keys:
        if not isinstance(tree, dict) or key not in tree:
            return otherwise
        tree = tree[key]
    return tree


def show(value: object, keys: Keys = ()) -> str:
    """A value as it may be printed: short, without secrets."""
    if any("password" in str(key) or key == "proxy" for key in keys):
        return "***"
    if isinstance(value, dict):
        return "a mapping" if value else "an empty mapping"
    if isinstance(value, list):
        return f"[{', '.join(show(each) for each in value)}]"[:SHOWN_CHARACTERS]
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    text = repr(without_credentials(value)) if isinstance(value, str) else str(value)
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"


def without_credentials(address: str) -> str:
    """An address with its user and password hidden: `nats://***@host:4222`."""
    if "://" not in address or "@" not in address:
        return address
    try:
        parts = urlsplit(address)
    except ValueError:
        return "***"
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"***@{host}"))


def nearest(name: str, known: list[str]) -> str:
    """` (did you mean X?)` where a known name is near, else nothing."""
    by_lower = {each.lower(): each for each in known}
    near = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=0.5)
    return f" (did you mean {by_lower[near[0]]}?)" if near else ""


def _unknown(root: type[BaseModel], keys: Keys) -> str:
    known = names_at(root, keys[:-1])
    near = nearest(str(keys[-1]), known) or f"; known here: {', '.join(known)}"
    return f"no such setting{near}"


def _remedy(kind: Kind, value: object) -> str:
    text = expected(kind)
    if isinstance(value, str) and choices(kind):
        return text + nearest(value, choices(kind))
    if kind.type is str or kind.secret:
        if isinstance(value, bool):
            return f"{text} in quotes; YAML reads yes, no, on and off as true and false"
        if isinstance(value, int | float):
            return f"{text} in quotes"
    return text
