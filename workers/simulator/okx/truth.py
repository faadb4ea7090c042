"""What really happened on the simulated OKX; quantities are base coins or contracts, as there."""

from workers.simulator.market.journal import TooOld
from workers.simulator.okx.market import OkxMarket
from workers.simulator.okx.payloads import Row
from workers.simulator.okx.publisher import Publisher
from workers.simulator.truth import MOST_TRADES, Unknown


class OkxTruth:
    """The markets, asked from the side by instrument id."""

    def __init__(self, market: OkxMarket) -> None:
        self._market = market

    def book(self, symbol: str, seq_id: int | None, depth: int | None) -> Row:
        """All levels right after a `seqId` (default: now), or the best `depth` a side."""
        at = self._publisher(symbol)
        book, listing = at.engine.book, at.listing
        wanted = book.update_id if seq_id is None else at.seq.update_id(seq_id)
        try:
            totals = book.totals_at(wanted)
        except TooOld as error:
            raise Unknown(410, str(error)) from error
        except ValueError as error:
            raise Unknown(404, str(error)) from error
        keys = sorted(totals, reverse=True)
        bids = [key for key in keys if key > 0][:depth]
        asks = [key for key in keys if key < 0][:depth]
        return {
            "symbol": listing.inst_id,
            "update_id": at.seq.now() if seq_id is None else seq_id,
            "contract_value": listing.contract_value,
            "bids": [(listing.price(key), listing.size(totals[key])) for key in bids],
            "asks": [(listing.price(-key), listing.size(totals[key])) for key in asks],
        }

    def trades(self, symbol: str, from_id: int | None, to_id: int | None) -> Row:
        """Trades with ids in a range, both ends inclusive; times in milliseconds."""
        at = self._publisher(symbol)
        tape, listing = at.engine.tape, at.listing
        first = tape.first_id if from_id is None else max(from_id, tape.first_id)
        last = tape.next_id - 1 if to_id is None else min(to_id, tape.next_id - 1)
        if last - first >= MOST_TRADES:
            raise Unknown(400, f"{last - first + 1} trades; ask for at most {MOST_TRADES}")
        rows = [
            {
                "id": fill.trade_id,
                "price": listing.price(fill.ticks),
                "quantity": listing.size(fill.lots),
                "side": "sell" if fill.buyer_is_maker else "buy",
                "time": fill.time_us // 1000,
            }
            for fill in tape.fills(first, max(0, last - first + 1))
        ]
        return {
            "symbol": listing.inst_id,
            "contract_value": listing.contract_value,
            "trades": rows,
        }

    def summary(self) -> Row:
        """Per instrument: ids and counts."""
        return {name: self._summary(each) for name, each in self._market.publishers.items()}

    def _summary(self, at: Publisher) -> Row:
        engine = at.engine
        tape, book = engine.tape, engine.book
        return {
            "symbol": at.listing.inst_id.replace("-SWAP", "-PERP"),
            "contract_value": at.listing.contract_value,
            "trades": len(tape),
            "first_trade_id": tape.first_id,
            "last_trade_id": tape.next_id - 1,
            "last_update_id": at.seq.now(),
            "last_published_update_id": at.last_seq,
            "bids": len(book.bids),
            "asks": len(book.asks),
            "time": engine.now_us // 1000,
            "active": engine.active,
            "rate": engine.rate,
            "state": at.state,
        }

    def _publisher(self, symbol: str) -> Publisher:
        found = self._market.find(symbol)
        if found is None:
            known = ", ".join(self._market.publishers)
            raise Unknown(404, f"no symbol {symbol}; there are {known}")
        return found
