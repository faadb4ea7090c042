"""The truth by change_id; a trade's id is its trade_seq."""

from workers.simulator.deribit.streams import InstrumentStreams
from workers.simulator.truth import MarkedTruth


class DeribitTruth(MarkedTruth[InstrumentStreams]):
    """The markets, asked from the side; prices and amounts are written out."""

    def ours(self, name: str, streams: InstrumentStreams) -> str:
        """The exchange's own name: it has no hyphenated pair."""
        return name
