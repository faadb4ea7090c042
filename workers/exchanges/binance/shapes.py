"""How an event looks on the wire: its names there, what it decodes to, which fields it has."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal

import msgspec

from workers.exchanges.binance.checks import MICROSECONDS_FROM, NEWEST_ID
from workers.model.level import CEILING_CHARACTERS

TIMES = ("E", "T")
TIME = Annotated[int, msgspec.Meta(gt=0, lt=MICROSECONDS_FROM)]
ID = Annotated[int, msgspec.Meta(ge=0, le=NEWEST_ID - 1)]
NUMBER = Annotated[str, msgspec.Meta(max_length=CEILING_CHARACTERS)]


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


def strict(
    known: Shape, numbers: str, only: Mapping[str, object] | None = None
) -> type[msgspec.Struct]:
    """A struct with which the decoder refuses what is unusual: a field more, an absurd id or time.

    It has the fields of the shape's own struct. Of the texts in `numbers` only the length is
    checked; fields in `only` must have that value.
    """
    only, own = only or {}, msgspec.structs.fields(known.struct)
    fields: list[tuple[str, Any] | tuple[str, Any, Any]] = []
    for each in own:
        kind = TIME if each.name in TIMES else ID if each.type is int else each.type
        if each.name in numbers:
            kind = NUMBER
        if each.name in only:
            kind = Literal[only[each.name]]
        fields.append((each.name, kind) if each.required else (each.name, kind, each.default))
    unread = sorted((known.fields | known.optional) - {each.name for each in own})
    fields += [(name, msgspec.Raw, msgspec.Raw()) for name in unread]
    name = f"Strict{known.struct.__name__}"
    return msgspec.defstruct(name, fields, forbid_unknown_fields=True, gc=False, module=__name__)
