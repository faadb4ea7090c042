"""The truth by change_id instead of by the engines' own update ids."""

from collections.abc import Mapping

import msgspec

from workers.simulator.deribit.numbers import encode
from workers.simulator.deribit.streams import InstrumentStreams
from workers.simulator.truth import Truth, Unknown


class DeribitTruth(Truth):
    """The markets, asked from the side; `update_id` is a change_id, a trade's id its trade_seq.

    Args:
        streams: the markets by the exchange's name.
    """

    def __init__(self, streams: Mapping[str, InstrumentStreams]) -> None:
        super().__init__(streams)
        self._streams = streams

    def book(self, symbol: str, update_id: int | None, depth: int | None) -> bytes:
        """All levels right after a change_id (default: now), or the best `depth` a side."""
        streams = self._streams.get(symbol)
        if streams is None:
            raise Unknown(404, f"no instrument {symbol}; there are {', '.join(self._streams)}")
        marks = streams.marks
        wanted = marks.change_id if update_id is None else update_id
        own = marks.update_of(wanted)
        if own is None:
            status = 410 if wanted < marks.oldest else 404
            raise Unknown(
                status,
                f"{symbol} never had change_id {wanted}; {marks.oldest} to {marks.change_id}",
            )
        found = msgspec.json.decode(super().book(symbol, own, depth))
        return encode({**found, "update_id": wanted})

    def summary(self) -> dict[str, object]:
        """Per instrument: ids and counts."""
        rows = super().summary()
        for name, streams in self._streams.items():
            row = rows[name]
            if isinstance(row, dict):
                row.update(
                    symbol=name,
                    oldest_update_id=streams.marks.oldest,
                    last_update_id=streams.marks.change_id,
                    last_published_update_id=streams.books["100ms"].change_id,
                )
        return rows
