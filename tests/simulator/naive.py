"""The simplest book there can be: two dicts. Knows nothing of the simulator."""

from typing import Any


class NaiveBook:
    def __init__(self, snapshot: Any) -> None:
        self.last_id = snapshot["lastUpdateId"]
        self.idle_deletes = 0
        self.bids = dict(map(tuple, snapshot["bids"]))
        self.asks = dict(map(tuple, snapshot["asks"]))

    def apply(self, event: Any) -> bool:
        """False if the book has it already."""
        if event["u"] <= self.last_id:
            return False
        assert event["U"] <= self.last_id + 1, f"gap: {event['U']} after {self.last_id}"
        for side, levels in ((self.bids, event["b"]), (self.asks, event["a"])):
            for price, quantity in levels:
                if float(quantity) == 0:
                    self.idle_deletes += price not in side
                    side.pop(price, None)
                else:
                    side[price] = quantity
        self.last_id = event["u"]
        return True

    def same_as(self, truth: Any) -> bool:
        """Whether a true book holds exactly these levels."""
        return self.bids == dict(map(tuple, truth["bids"])) and self.asks == dict(
            map(tuple, truth["asks"])
        )
