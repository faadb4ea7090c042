"""How an event looks on the wire: its names there, what it decodes to, which fields it has."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec


class Shape(msgspec.Struct, frozen=True):
    """One kind of event.

    Args:
        event: its name in `e`; spot's bookTicker has none and is called so by us.
        suffixes: the ends of its stream names, from the `@` on.
        struct: what its fields decode to.
        fields: names it always has.
        optional: names it may have, which we do not read.
        nested: the same for the objects in it, by the field they are in.
    """

    event: str
    suffixes: tuple[str, ...]
    struct: type[msgspec.Struct]
    fields: frozenset[str]
    optional: frozenset[str] = frozenset()
    nested: Mapping[str, frozenset[str]] = {}

    def unknown(self, fields: Mapping[str, Any]) -> Iterator[str]:
        """Names in a message that are not known, `<field>` or `<field>.<name>`."""
        yield from fields.keys() - self.fields - self.optional
        for name, known in self.nested.items():
            yield from (f"{name}.{each}" for each in fields[name].keys() - known)


def shape(
    event: str,
    suffixes: str | Sequence[str],
    struct: type[msgspec.Struct],
    unread: Sequence[str] = "",
    optional: Sequence[str] = "",
    nested: Mapping[str, tuple[type[msgspec.Struct], Sequence[str]]] | None = None,
) -> Shape:
    """A shape; `unread` are fields it always has that the struct leaves out."""
    ends = (suffixes,) if isinstance(suffixes, str) else tuple(suffixes)
    fields = msgspec.structs.fields(struct)
    always = frozenset(each.name for each in fields if each.required) | frozenset(unread)
    may = frozenset(each.name for each in fields if not each.required) | frozenset(optional)
    inner = {
        name: frozenset(each.name for each in msgspec.structs.fields(inside)) | frozenset(more)
        for name, (inside, more) in (nested or {}).items()
    }
    return Shape(event, ends, struct, always, may, inner)
