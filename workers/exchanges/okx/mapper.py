"""OKX frames to events. Pure: one mapper for live, replay and backfill.

Usual frames are recognised by their channel without decoding, then decoded once, typed. Everything
else (answers, notices, odd field order, errors) is read with care first. An event's market type is
its instrument's, so one mapper may know instruments of every kind.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from workers.book.sequence import Snapshot
from workers.exchanges.base import Acknowledged, BookReset, Mapped, ShutdownNotice
from workers.exchanges.okx import instruments, rows
from workers.exchanges.okx.checksum import RecordedBooks
from workers.exchanges.okx.contracts import Contract
from workers.exchanges.okx.messages import (
    UNREADABLE,
    OkxBest,
    OkxBook,
    OkxCandle,
    OkxFunding,
    OkxIndexTicker,
    OkxInstrument,
    OkxLiquidation,
    OkxMarkPrice,
    OkxOpenInterest,
    OkxPush,
    OkxTicker,
    OkxTrade,
    WireLevel,
)
from workers.exchanges.okx.requests import unreadable
from workers.exchanges.okx.shapes import SHAPES, Shape, ignored
from workers.exchanges.okx.symbols import guess, index_of
from workers.exchanges.okx.trades import STRANGE, Lane, trade_lane
from workers.exchanges.okx.unusual import PONG, Fields, read_unusual
from workers.model.errors import BookError, WireError, WireErrorKind
from workers.model.events import BookDelta
from workers.model.instrument import Instrument
from workers.model.level import read_levels

CHANNEL_AT = b'{"arg":{"channel":"'
"""How every data frame begins."""

NUMBERS = b'0123456789.,[]"'
"""What is left of a frame without these is its skeleton: its names and whatever is odd in it, such
as a field more, a sign or an exponent. A skeleton that was read with care needs only decoding."""

NAME = slice(len(CHANNEL_AT), 60)
"""Where a frame names its channel and, mostly, all of its instrument."""

TRADE_CHANNELS = ("trades", "trades-all")

NOTHING_BEFORE = -1
"""`prevSeqId` of a snapshot."""

SKELETONS_KEPT = 10_000
NAMES_KEPT = 200
"""Names of unknown fields; what is beyond is counted under `other`."""

Build = Callable[[OkxPush[Any], bytes, int], list[Mapped]]
Decoder = msgspec.json.Decoder[Any]


class OkxMapper:
    """Turns frames of OKX into events.

    Books are in base units, like every quantity; see contracts.py.

    Args:
        exchange: for errors, and for instruments it was not told; events carry their instrument's.
        listed: the instruments it may meet; any other is a WireError unknown_symbol, except in
            channels that are subscribed for all instruments, where it is counted in `ignored`.
        guessing: take instruments it does not know from their ids; quantities of derivatives then
            stay the exchange's own numbers, equal to `raw_quantity`.
    """

    def __init__(
        self, exchange: str, listed: Sequence[Instrument], *, guessing: bool = False
    ) -> None:
        self._exchange, self._guessing = exchange, guessing
        self._contracts: dict[str, Contract | None] = {}
        self._by_index: dict[str, list[Contract]] = defaultdict(list)
        for each in listed:
            self._contracts[each.raw_symbol] = self._contract(each)
        self.extra_fields: dict[str, int] = Counter()
        self.ignored: dict[str, int] = Counter()
        """What we know and do not collect, by channel or event."""
        self.recorded = RecordedBooks()
        """Follows books with a checksum. Idle where it is 0."""
        self.checksums = self.recorded.results
        """Books that carried a checksum: how many `matched`, `failed` or were `unknown`."""
        self._build: dict[str, Build] = {
            "trade": self._trades,
            "book": self._books,
            "best": self._best,
            "ticker": self._tickers,
            "kline": self._klines,
            "funding": self._funding,
            "price": self._prices,
            "index": self._index,
            "open_interest": self._open_interest,
            "liquidation": self._liquidations,
            "instrument": self._instruments,
        }
        decoders = {id(shape): _decoder(shape) for shape in SHAPES.values()}
        self._routes = {
            channel.encode(): (decoders[id(shape)], self._build[shape.kind])
            for channel, shape in SHAPES.items()
        }
        self._skeletons: set[bytes] = set()
        self._lanes: dict[bytes, Lane] = {}
        """How trades are read once one of their stream was read with care."""

    def map(self, frame: bytes, received_ns: int) -> Sequence[Mapped]:
        """Events and notices in one frame; empty where it carries nothing for us.

        Raises:
            WireError: the frame cannot be used; its `kind` says why.
        """
        lane = self._lanes.get(frame[NAME])
        if lane is not None:
            try:
                return lane(frame, received_ns)
            except STRANGE:
                return self._map_unusual(frame, received_ns)
        if frame.startswith(CHANNEL_AT):
            start = len(CHANNEL_AT)
            route = self._routes.get(frame[start : frame.find(b'"', start)])
            if route is not None and frame.translate(None, NUMBERS) in self._skeletons:
                try:
                    message = route[0].decode(frame)
                except UNREADABLE:
                    return self._map_unusual(frame, received_ns)
                return self._events(route[1], message, frame, received_ns)
        elif frame == PONG:
            return ()
        return self._map_unusual(frame, received_ns)

    def _map_unusual(self, frame: bytes, received_ns: int) -> Sequence[Mapped]:
        found = read_unusual(self._exchange, frame)
        if isinstance(found, Acknowledged | ShutdownNotice):
            return (found,)
        if isinstance(found, str):
            self.ignored[found] += 1
            return ()
        channel = found["arg"]["channel"]
        shape = SHAPES.get(channel)
        if shape is None:
            if ignored(channel):
                self.ignored[channel] += 1
                return ()
            raise self._refused("unknown_event", f"channel is {channel[:40]!r}", frame)
        try:
            message = msgspec.convert(found, OkxPush[shape.row])  # type: ignore[name-defined]
        except UNREADABLE as error:
            raise unreadable(self._exchange, channel, error, frame) from error
        self._check_levels(message.data, frame)
        mapped = self._events(self._build[shape.kind], message, frame, received_ns)
        if not self._count_extra(found, shape) and len(self._skeletons) < SKELETONS_KEPT:
            self._skeletons.add(frame.translate(None, NUMBERS))
            self._open_lane(frame, found["arg"])
        return mapped

    def _open_lane(self, frame: bytes, arg: Fields) -> None:
        """Let trades of this stream be read at speed from now on."""
        channel, inst_id = arg["channel"], str(arg.get("instId"))
        contract = self._contracts.get(inst_id)
        if contract is None or channel not in TRADE_CHANNELS:
            return
        usual = f'{{"arg":{{"channel":"{channel}","instId":"{inst_id}"}}'.encode()
        if frame.startswith(usual) and len(usual) <= NAME.stop:
            self._lanes[frame[NAME]] = trade_lane(contract)

    def _events(
        self, build: Build, message: OkxPush[Any], frame: bytes, received_ns: int
    ) -> list[Mapped]:
        try:
            return build(message, frame, received_ns)
        except (ValueError, ArithmeticError, BookError) as error:
            detail = f"{message.arg.channel}: {error}"
            raise self._refused("absurd_number", detail, frame) from error

    def _trades(self, message: OkxPush[OkxTrade], frame: bytes, received_ns: int) -> list[Mapped]:
        return [
            rows.trade(row, self._known(row.instId, frame), received_ns) for row in message.data
        ]

    def _books(self, message: OkxPush[OkxBook], frame: bytes, received_ns: int) -> list[Mapped]:
        contract, action = self._known(message.arg.instId, frame), message.action
        found: list[Mapped] = []
        for row in message.data:
            whole = row.prevSeqId == NOTHING_BEFORE if action is None else action == "snapshot"
            if action is None and not whole:
                raise self._refused("missing_field", "books: no action", frame)
            found.append(self._book(row, contract, frame, received_ns, whole=whole))
        return found

    def _book(
        self, row: OkxBook, contract: Contract, frame: bytes, received_ns: int, *, whole: bool
    ) -> BookReset | BookDelta:
        """A book or a change of it.

        The channel holds the best 400 levels a side, no more and no fewer if there are so many
        (recorded: 400 and 400 after each of 48 updates): what we keep of a side is all of it.
        """
        instrument, before, last = contract.instrument, row.prevSeqId, row.seqId
        failed = False
        if last is None and not row.checksum:
            raise self._refused("missing_field", "books: neither seqId nor checksum", frame)
        if row.checksum:
            before, last, failed = self.recorded.follow(instrument.raw_symbol, row, whole=whole)
        assert last is not None
        if not (0 <= last < rows.NEWEST_ID and NOTHING_BEFORE <= (before or 0) < rows.NEWEST_ID):
            raise ValueError(f"seqId {last}, prevSeqId {before}")
        bids, asks = contract.levels(row.bids), contract.levels(row.asks)
        when_ns = rows.time_ns(row.ts)
        if whole:
            snapshot = Snapshot(last, bids, asks, True, True, contradicted=failed)
            return BookReset(instrument.symbol, snapshot, when_ns, received_ns)
        if row.checksum == 0 and before is None:
            raise self._refused("missing_field", "books: no prevSeqId", frame)
        return BookDelta(
            exchange=instrument.exchange,
            market_type=instrument.market_type,
            symbol=instrument.symbol,
            raw_symbol=instrument.raw_symbol,
            exchange_ns=when_ns,
            received_ns=received_ns,
            # After a reset of their count the id before is the larger one.
            first_update_id=before + 1 if before is not None and before < last else last,
            last_update_id=last,
            bids=bids,
            asks=asks,
            prev_update_id=before,
        )

    def _best(self, message: OkxPush[OkxBest], frame: bytes, received_ns: int) -> list[Mapped]:
        contract = self._known(message.arg.instId, frame)
        return [rows.best(row, contract, received_ns) for row in message.data]

    def _tickers(self, message: OkxPush[OkxTicker], frame: bytes, received_ns: int) -> list[Mapped]:
        return [
            rows.ticker(row, self._known(row.instId, frame), received_ns) for row in message.data
        ]

    def _klines(self, message: OkxPush[OkxCandle], frame: bytes, received_ns: int) -> list[Mapped]:
        contract = self._known(message.arg.instId, frame)
        bar = message.arg.channel.removeprefix("candle")
        return [rows.kline(row, bar, contract, received_ns) for row in message.data]

    def _funding(
        self, message: OkxPush[OkxFunding], frame: bytes, received_ns: int
    ) -> list[Mapped]:
        return [
            rows.funding(row, self._known(row.instId, frame), received_ns) for row in message.data
        ]

    def _prices(
        self, message: OkxPush[OkxMarkPrice], frame: bytes, received_ns: int
    ) -> list[Mapped]:
        return [
            rows.price_of(row, self._known(row.instId, frame), received_ns) for row in message.data
        ]

    def _index(
        self, message: OkxPush[OkxIndexTicker], frame: bytes, received_ns: int
    ) -> list[Mapped]:
        """One event for every perpetual and future on the index."""
        found: list[Mapped] = []
        for row in message.data:
            contracts = self._by_index.get(row.instId)
            if contracts is None and self._guessing:
                contracts = [Contract(guess(self._exchange, f"{row.instId}-SWAP"), as_is=True)]
            if contracts is None:
                raise self._refused("unknown_symbol", f"index {row.instId[:40]!r}", frame)
            found += [rows.price_of(row, each, received_ns) for each in contracts]
        return found

    def _open_interest(
        self, message: OkxPush[OkxOpenInterest], frame: bytes, received_ns: int
    ) -> list[Mapped]:
        return [
            rows.open_interest(row, self._known(row.instId, frame), received_ns)
            for row in message.data
        ]

    def _liquidations(
        self, message: OkxPush[OkxLiquidation], frame: bytes, received_ns: int
    ) -> list[Mapped]:
        """All instruments of a kind come; those that are not ours are counted.

        The first message after subscribing repeats old orders. They keep their own times, so their
        message ids are those they had before.
        """
        found: list[Mapped] = []
        for row in message.data:
            if not self._guessing and row.instId not in self._contracts:
                self.ignored[message.arg.channel] += 1
                continue
            contract = self._known(row.instId, frame)
            found += [rows.liquidation(each, contract, received_ns) for each in row.details]
        return found

    def _instruments(
        self, message: OkxPush[OkxInstrument], frame: bytes, received_ns: int
    ) -> list[Mapped]:
        """Changed instruments, also ones nobody knew before: that is how a listing shows."""
        found = [instruments.read_row(self._exchange, row) for row in message.data]
        return [instruments.change(each, received_ns) for each in found]

    def _known(self, inst_id: str, frame: bytes) -> Contract:
        if inst_id not in self._contracts:
            if not self._guessing:
                raise self._refused("unknown_symbol", f"{inst_id[:40]!r}", frame)
            try:
                self._contracts[inst_id] = self._contract(guess(self._exchange, inst_id))
            except ValueError as error:
                raise self._refused("unknown_symbol", str(error), frame) from error
        contract = self._contracts[inst_id]
        if contract is None:
            detail = f"the contract size of {inst_id[:40]!r} is unknown"
            raise self._refused("missing_field", detail, frame)
        return contract

    def _contract(self, instrument: Instrument) -> Contract | None:
        """None where quantities cannot be converted; the others are not harmed."""
        try:
            contract = Contract(instrument, as_is=self._guessing)
        except ValueError:
            return None
        if instrument.market_type in ("perpetual", "future"):
            self._by_index[index_of(instrument.raw_symbol)].append(contract)
        return contract

    def _check_levels(self, data: Sequence[Any], frame: bytes) -> None:
        for row in data:
            if isinstance(row, OkxBook | OkxBest):
                try:
                    read_levels(_pairs(row.bids), _pairs(row.asks))
                except ValueError as error:
                    raise self._refused("absurd_number", f"level {error}", frame) from None

    def _count_extra(self, message: Fields, shape: Shape) -> bool:
        """Count fields we do not know; whether there were any."""
        extra = [f"OkxPush.{name}" for name in message.keys() - {"arg", "data", "action"}]
        if shape.known is not None:
            extra += [
                f"{shape.name}.{name}"
                for row in message["data"]
                for name in row.keys() - shape.known
            ]
        for name in extra:
            known = name in self.extra_fields or len(self.extra_fields) < NAMES_KEPT
            self.extra_fields[name[:60] if known else "other"] += 1
        return bool(extra)

    def _refused(self, kind: WireErrorKind, detail: str, frame: bytes) -> WireError:
        return WireError(self._exchange, kind, detail, frame)


def _decoder(shape: Shape) -> Decoder:
    return msgspec.json.Decoder(OkxPush[shape.row])  # type: ignore[name-defined]


def _pairs(levels: Sequence[WireLevel]) -> list[tuple[str, str]]:
    return [(price, quantity) for price, quantity, _, _ in levels]
