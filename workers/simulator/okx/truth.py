"""What really happened on the simulated OKX; quantities are base coins or contracts, as there."""

from workers.simulator.okx.publisher import Publisher
from workers.simulator.truth import Row, Truth


class OkxTruth(Truth[Publisher]):
    """The markets, asked from the side by instrument id; `update_id` is a `seqId`."""

    def price(self, streams: Publisher, ticks: int) -> str:
        """A price as it stands on the wire."""
        return streams.listing.price(ticks)

    def quantity(self, streams: Publisher, lots: int) -> str:
        """Base coins, or contracts."""
        return streams.listing.size(lots)

    def ours(self, name: str, streams: Publisher) -> str:
        """The symbol as we write it."""
        return name.replace("-SWAP", "-PERP")

    def facts(self, streams: Publisher) -> Row:
        """The size of a contract, and the state."""
        return {"contract_value": streams.listing.contract_value, "state": streams.state}

    def update_id(self, streams: Publisher, number: int) -> int:
        """The engine's own id of a `seqId`."""
        return streams.seq.update_id(number)

    def last_id(self, streams: Publisher) -> int:
        """The `seqId` of the book as it is."""
        return streams.seq.now()

    def published_id(self, streams: Publisher) -> int:
        """The `seqId` that the channel `books` told last."""
        return streams.last_seq
