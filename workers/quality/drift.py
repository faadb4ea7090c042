"""Whether messages still have the shape they had: sampled frames, field by field. Pure.

Nothing is declared: what a message of one kind (a channel of one market type) looks like is learned
from its first samples in this process, so a field that left before we started is not missed.

| check            | said when                                                                |
|------------------|--------------------------------------------------------------------------|
| `vanished_field` | it was in LEARNED samples in a row, then in none of GONE                  |
| `constant_field` | it changed with each of LEARNED samples in a row, then with none of STILL |
|                  | or it was 0 in each of STILL samples since we started                     |

Prices and quantities may rest in a quiet market, so what was ever written with a point is never
called constant; neither are levels, which are lists. One symbol stands for all: a kind's samples
are of at most FOLLOWED symbols.
"""

from typing import Any, Literal, NamedTuple

import msgspec

SAMPLE_NS = 500_000_000
"""Between two samples of one symbol and kind."""
LEARNED, GONE, STILL = 20, 10, 30
FOLLOWED = 2
SILENT_NS = 30_000_000_000
"""A followed symbol that is quiet for longer makes room for another."""
AGAIN_NS = 3600 * 1_000_000_000
"""What goes on is said again this often."""
LARGEST_BYTES = 256 * 1024
ZEROS = frozenset({"0", "-0"})

Check = Literal["vanished_field", "constant_field"]


class Drifted(NamedTuple):
    """A field that is not what it was. `value`: what a constant one has."""

    check: Check
    field: str
    value: str | None
    detail: str


class _Field:
    """What is known of one field of one symbol's messages."""

    __slots__ = (
        "changed",
        "decimal",
        "gone",
        "last",
        "lively",
        "present",
        "same",
        "steady",
        "zeros",
    )

    def __init__(self) -> None:
        self.present = self.gone = self.changed = self.same = 0
        self.zeros: int | None = 0
        self.steady = self.lively = self.decimal = False
        self.last: object = None


class _Followed:
    """The fields of one kind and symbol."""

    __slots__ = ("due_ns", "fields", "seen_ns")

    def __init__(self) -> None:
        self.due_ns = self.seen_ns = 0
        self.fields: dict[str, _Field] = {}


class Drift:
    """Watches the shape of one connection's messages."""

    def __init__(self) -> None:
        self._kinds: dict[str, dict[str, _Followed]] = {}
        self._said_ns: dict[tuple[Check, str, str], int] = {}

    def wants(self, kind: str, symbol: str, now_ns: int) -> bool:
        """Whether this message is to be looked at; cheap, for every half second of a stream."""
        followed = self._kinds.setdefault(kind, {})
        found = followed.get(symbol)
        if found is None:
            if len(followed) >= FOLLOWED:
                oldest = min(followed, key=lambda each: followed[each].seen_ns)
                if now_ns - followed[oldest].seen_ns < SILENT_NS:
                    return False
                del followed[oldest]
            found = followed[symbol] = _Followed()
        found.seen_ns = now_ns
        return now_ns >= found.due_ns

    def look(self, kind: str, symbol: str, frame: bytes, now_ns: int) -> list[Drifted]:
        """Compare one message with those before it.

        Args:
            kind: channel and market type.
            symbol: whose message it is.
            frame: as it came; one that is no JSON object tells nothing.
            now_ns: when it came.
        """
        followed = self._kinds.get(kind, {}).get(symbol)
        if followed is None or len(frame) > LARGEST_BYTES:
            return []
        followed.due_ns = now_ns + SAMPLE_NS
        found: dict[str, object] = {}
        try:
            _flatten("", msgspec.json.decode(frame), found)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return []  # the mapper complained already
        drifted = []
        for name, value in found.items():
            known = followed.fields.get(name)
            if known is None:
                known = followed.fields[name] = _Field()
            drifted.append(self._present(kind, name, known, value, now_ns))
        for name, known in followed.fields.items():
            if name not in found:
                drifted.append(self._absent(kind, name, known, now_ns))
        return [each for each in drifted if each is not None]

    def _present(
        self, kind: str, name: str, known: _Field, value: object, now_ns: int
    ) -> Drifted | None:
        known.present, known.gone = known.present + 1, 0
        if known.present >= LEARNED and not known.steady:
            known.steady = True
            self._said_ns.pop(("vanished_field", kind, name), None)
        if value is None or isinstance(value, bool):
            return None
        known.decimal = known.decimal or isinstance(value, float) or "." in str(value)
        if str(value) not in ZEROS:
            known.zeros = None
        elif known.zeros is not None:
            known.zeros += 1
        if value != known.last:
            known.last, known.same, known.changed = value, 0, known.changed + 1
            if known.changed >= LEARNED and not known.lively:
                known.lively = True
                self._said_ns.pop(("constant_field", kind, name), None)
        else:
            known.same, known.changed = known.same + 1, 0
        if known.zeros == STILL:
            return self._say("constant_field", kind, name, "0", f"{name} is always 0", now_ns)
        if known.same >= STILL and known.lively and not known.decimal:
            known.lively = False
            detail = f"{name} changed with each message and is constant now"
            return self._say("constant_field", kind, name, str(value)[:100], detail, now_ns)
        return None

    def _absent(self, kind: str, name: str, known: _Field, now_ns: int) -> Drifted | None:
        known.present, known.gone = 0, known.gone + 1
        if known.gone < GONE or not known.steady:
            return None
        known.steady = False
        detail = f"{name} was in every message and is in none now"
        return self._say("vanished_field", kind, name, None, detail, now_ns)

    def _say(
        self, check: Check, kind: str, name: str, value: str | None, detail: str, now_ns: int
    ) -> Drifted | None:
        """Once for all symbols; again when it happened anew or an hour later."""
        said_ns = self._said_ns.get((check, kind, name))
        if said_ns is not None and now_ns - said_ns < AGAIN_NS:
            return None
        self._said_ns[check, kind, name] = now_ns
        return Drifted(check, name, value, detail)


def _flatten(path: str, value: Any, into: dict[str, object]) -> None:
    """Fields by their path, `data[].px`; lists of numbers and of lists count as being there."""
    if isinstance(value, dict):
        for name, content in value.items():
            _flatten(f"{path}.{name}" if path else name, content, into)
    elif isinstance(value, list):
        rows = [each for each in value if isinstance(each, dict)]
        into[f"{path}[]"] = None
        for row in rows[-1:]:
            _flatten(f"{path}[]", row, into)
    else:
        into[path] = value
