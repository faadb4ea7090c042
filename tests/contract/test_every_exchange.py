"""Every registered exchange behaves alike, whoever wrote it: declarations, messages, books, errors.

A new exchange passes with a folder, a section of the configuration and a sample; see sample.py.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from functools import cache
from urllib.parse import urlsplit

import msgspec
import pytest

from tests.contract.damage import damaged
from tests.contract.sample import RECEIVED_NS, Sample, sample_of
from workers.book.audit import TrailAudit
from workers.book.book import Book
from workers.book.sequence import Snapshot
from workers.book.sync import BookSync
from workers.exchanges.base import BookReset, Mapped, Stream
from workers.exchanges.registry import EXCHANGES
from workers.model.address import event_type
from workers.model.codec import decode, encode
from workers.model.errors import ExchangeError, RateLimited, WireError
from workers.model.events import BookDelta, Event, Trade
from workers.model.http import HttpRequest, HttpResponse

sample_of = cache(sample_of)
MESSAGE_BYTES = 64 * 1024
"""No exchange takes a longer message from a client; OKX says so."""
WS_URL = "wss://example.test:9443"


@pytest.fixture(params=sorted(EXCHANGES))
def sample(request) -> Sample:
    return sample_of(EXCHANGES[request.param])


def events(items: Sequence[Mapped]) -> list[Event]:
    return [each for each in items if isinstance(each, Event)]


def named(streams: Sequence[Stream]) -> set[str]:
    return {each.channel for each in streams}


def many(sample: Sample, count: int) -> list[Stream]:
    """Every channel of its own, of as many instruments, named as this one is."""
    ours, exchange = sample.instrument(), sample.exchange
    return [
        Stream(
            each.channel,
            ours.symbol.replace(ours.base, f"{ours.base}{number}", 1),
            ours.raw_symbol.replace(ours.base, f"{ours.base}{number}", 1),
        )
        for number in range(count)
        for each in exchange.streams([ours], exchange.channels)
        if each.channel not in exchange.shared_channels
    ]


def by_address(sample: Sample, streams: Sequence[Stream]) -> list[list[Stream]]:
    """The streams that may share a connection."""
    routes = defaultdict(list)
    for each in streams:
        routes[sample.exchange.stream_url(WS_URL, each.channel)].append(each)
    return list(routes.values())


def test_it_is_registered_under_its_own_name(sample):
    assert EXCHANGES[sample.exchange.name] is sample.exchange


def test_its_limits_can_be_kept(sample):
    limits = sample.exchange.limits
    for count in (
        limits.streams_per_connection,
        limits.control_messages,
        limits.connects,
        limits.weight,
    ):
        assert isinstance(count, int)
        assert count >= 1
    for seconds in (limits.control_window_s, limits.connect_window_s, limits.weight_window_s):
        assert 0 < seconds <= 86_400
    assert limits.max_age_s is None or limits.max_age_s >= 600
    header = limits.used_weight_header
    assert header is None or header == header.lower()
    for bucket in limits.buckets.values():
        assert bucket.calls >= 1
        assert bucket.window_s > 0


def test_its_heartbeat_is_something_that_can_be_sent(sample):
    heartbeat = sample.exchange.heartbeat
    assert 1 <= heartbeat.after_s <= 600
    for message in (*heartbeat.on_connect, heartbeat.message or b"ping"):
        assert isinstance(message, bytes)
        assert 0 < len(message) <= MESSAGE_BYTES


def test_its_requests_fit_their_budgets(sample):
    exchange, raw_symbol = sample.exchange, sample.instrument().raw_symbol
    requests: list[HttpRequest] = [
        *exchange.instruments_requests(),
        *(exchange.snapshot_request(raw_symbol, depth) for depth in (5, 400, 5000)),
    ]
    for request in requests:
        assert request.path.startswith("/")
        assert 0 <= request.weight <= exchange.limits.weight
        # `instruments/SWAP`: the bucket `instruments`, counted apart for what is behind the slash
        bucket = None if request.bucket is None else request.bucket.partition("/")[0]
        assert bucket is None or bucket in exchange.limits.buckets
        assert all(isinstance(value, str) for value in request.params.values())
    assert exchange.instruments_request() in exchange.instruments_requests()


def test_its_instruments_are_read_with_their_facts(sample):
    listed = sample.listed()
    assert len({each.symbol for each in listed}) == len(listed)
    assert len({each.raw_symbol for each in listed}) == len(listed)
    for each in listed:
        assert each.exchange == sample.exchange.name
        assert each.base
        assert each.quote
        assert not set(each.symbol) & set(". *>\t")  # a part of a NATS subject
        for fact in (each.tick_size, each.lot_size, each.contract_size):
            assert fact is None or Decimal(fact) > 0
        assert each.expiry_ns is None or each.market_type in ("future", "option")
    ours = sample.instrument()
    assert (ours.status, bool(ours.tick_size)) == ("trading", True)


def test_every_channel_it_declares_can_be_subscribed_to(sample):
    exchange = sample.exchange
    assert {"trade", "orderbook", "ticker"} <= set(exchange.channels)
    assert len(set(exchange.channels)) == len(exchange.channels)
    assert exchange.shared_channels <= set(exchange.channels)
    assert named(sample.streams()) <= set(exchange.channels)
    for stream in sample.streams():
        parts = urlsplit(exchange.stream_url(WS_URL, stream.channel))
        assert (parts.scheme, parts.netloc) == ("wss", "example.test:9443")
        assert exchange.channel_name(stream)


def test_a_channel_it_does_not_have_is_refused(sample):
    with pytest.raises(KeyError):
        sample.exchange.channel_name(Stream("no-such-channel", sample.symbol, "X"))


@pytest.mark.parametrize("what", ["subscribe", "unsubscribe"])
def test_its_control_messages_are_json_below_the_limit_and_count_up(sample, what):
    make = getattr(sample.exchange, what)
    one = by_address(sample, sample.streams())
    for streams in (*one, *by_address(sample, many(sample, 300))):
        messages = make(streams, 41)
        assert all(len(each) <= MESSAGE_BYTES for each in messages)
        ids = [int(msgspec.json.decode(each)["id"]) for each in messages]
        assert ids == list(range(41, 41 + len(messages)))
    for streams in by_address(sample, many(sample, 1)):
        assert len(make(streams, 1)) == 1
    assert make([], 1) == []


def test_a_control_message_names_the_streams_as_answers_do(sample):
    exchange = sample.exchange
    stream = Stream("orderbook", sample.symbol, sample.instrument().raw_symbol)
    (message,) = exchange.subscribe([stream], 1)
    parts = exchange.channel_name(stream).split(":")
    assert all(part in message.decode() for part in parts)


def test_every_sample_becomes_events_of_its_channel(sample):
    for channel, frame in sample.frames.items():
        assert channel in sample.exchange.channels, channel
        found = events(sample.mapper().map(frame, RECEIVED_NS))
        assert found, channel
        symbols = {each.symbol for each in found}
        assert sample.others.get(channel, sample.symbol) in symbols, channel
        for event in found:
            assert event.exchange == sample.exchange.name
            assert event.received_ns == RECEIVED_NS
            assert event.exchange_ns is None or 1e18 < event.exchange_ns < 3e18
            assert decode(encode(event)) == event
            assert event_type(event)


def test_every_channel_that_matters_has_a_sample(sample):
    missing = {
        each for each in sample.exchange.channels if not each.startswith("kline-")
    } - sample.frames.keys()
    same_frame = {"mark-price", "index-price", "open-interest"}  # carried by another's frames
    assert missing <= same_frame, missing


def test_trades_keep_exact_decimals(sample):
    found = sample.mapper().map(sample.frames["trade"], RECEIVED_NS)
    trade = next(each for each in found if isinstance(each, Trade))
    assert (trade.price, trade.quantity) == sample.trade
    assert trade.side in ("buy", "sell")
    assert not trade.aggregate


def snapshot_of(sample: Sample) -> Snapshot:
    """The book of the sample, wherever it comes from."""
    exchange = sample.exchange
    if not exchange.books_from_stream:
        return exchange.read_snapshot(sample.book, sample.depth, sample.instrument())
    (reset,) = sample.mapper().map(sample.book, RECEIVED_NS)
    assert isinstance(reset, BookReset)
    assert reset.symbol == sample.symbol
    return reset.snapshot


def deltas_of(sample: Sample) -> list[BookDelta]:
    mapper = sample.mapper()
    found = [item for frame in sample.updates for item in mapper.map(frame, RECEIVED_NS)]
    assert all(isinstance(each, BookDelta) for each in found)
    return found


def new_book(sample: Sample) -> BookSync:
    return BookSync(sample.symbol, Book(1000), sample.exchange.sequencer)


def test_a_book_and_its_updates_become_a_synced_book(sample):
    sync, deltas = new_book(sample), deltas_of(sample)
    if sample.exchange.books_from_stream:
        sync.reset(snapshot_of(sample))
    else:
        sync.delta(deltas.pop(0))  # waits, and is in the snapshot
        sync.snapshot(snapshot_of(sample))
    for delta in deltas:
        sync.delta(delta)
    top = sample.top
    assert (sync.state, sync.gaps, sync.last_id) == ("SYNCED", 0, top.last_update_id)
    assert (sync.book.best_bid, sync.book.best_ask) == (top.bid, top.ask)


def test_an_update_behind_a_hole_is_a_gap(sample):
    sync, (*deltas, last) = new_book(sample), deltas_of(sample)
    sync.reset(snapshot_of(sample))
    for delta in deltas:
        sync.delta(delta)
    assert sync.gaps == 0
    far = 10**6
    last.first_update_id, last.last_update_id = sync.last_id + far, sync.last_id + 2 * far
    if last.prev_update_id is not None:
        last.prev_update_id = last.first_update_id - 1
    sync.delta(last)
    assert (sync.state, sync.gaps) == ("SYNCING", 1)


def test_an_audit_of_the_sample_agrees_and_one_of_another_book_does_not(sample):
    sync = new_book(sample)
    sync.reset(snapshot_of(sample))
    trail, twin = sync.trail(), sync.trail()
    assert TrailAudit(twin, snapshot_of(sample), sample.exchange.sequencer).advance()[0] == "equal"
    price, _ = trail.book.best_bid
    trail.book.apply([(price, "123456")], [])
    found = TrailAudit(trail, snapshot_of(sample), sample.exchange.sequencer).advance()
    assert (found.result, found.levels_different) == ("different", 1)


def test_an_unknown_field_is_counted_and_changes_nothing(sample):
    for channel in ("trade", "orderbook", "ticker"):
        frame, mapper = sample.frames[channel], sample.mapper()
        plain = mapper.map(frame, RECEIVED_NS)
        assert not mapper.extra_fields
        first = b'{"' + next(iter(largest(msgspec.json.decode(frame)))).encode() + b'":'
        assert first in frame, channel
        more = frame.replace(first, b'{"zz_new":{"deep":[1,"2"]},' + first[1:], 1)
        assert mapper.map(more, RECEIVED_NS) == plain, channel
        assert sum(mapper.extra_fields.values()) == 1, channel
        assert next(iter(mapper.extra_fields)).endswith(".zz_new")


def largest(message):
    """The object with the most fields in a message: its payload."""
    found, waiting = message, [message]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            found = max(found, each, key=len)
            waiting += each.values()
        elif isinstance(each, list):
            waiting += each
    return found


def test_damaged_frames_become_wire_errors_or_events_and_nothing_else(sample):
    refused = 0
    mapper = sample.mapper()
    before = {name: mapper.map(frame, RECEIVED_NS) for name, frame in sample.frames.items()}
    for frame in [*sample.frames.values(), sample.book, *sample.updates]:
        for broken in damaged(frame):
            try:
                found = mapper.map(broken, RECEIVED_NS)
            except WireError as error:
                refused += error.exchange == sample.exchange.name
            else:
                for event in events(found):
                    encode(event)
    assert refused > 100
    before.pop("platform", None)  # says nothing when it says the same again
    assert {name: mapper.map(sample.frames[name], RECEIVED_NS) for name in before} == before


def test_damaged_replies_become_errors_of_ours(sample):
    exchange, ours = sample.exchange, sample.instrument()
    for broken in damaged(sample.instruments[0]):
        try:
            exchange.read_instruments(broken)
        except (WireError, ExchangeError):
            continue
    if exchange.books_from_stream:
        return
    for broken in damaged(sample.book):
        try:
            exchange.read_snapshot(broken, sample.depth, ours)
        except (WireError, ExchangeError):
            continue


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>Too many requests</html>", b"{}", b"\xff\xfe", b'{"code":null,"error":3}', b"[]"],
)
@pytest.mark.parametrize("retry_after", ["7", None, "soon", "-3", "1e400"])
def test_too_many_requests_is_told_with_a_wait_that_can_be_waited(sample, body, retry_after):
    headers = {} if retry_after is None else {"retry-after": retry_after}
    error = sample.exchange.read_error(HttpResponse(429, headers, body, RECEIVED_NS))
    assert isinstance(error, RateLimited)
    assert math.isfinite(error.retry_after_s)
    assert 0 < error.retry_after_s <= 86_400 * 3


@pytest.mark.parametrize("status", [400, 403, 404, 418, 451, 500, 503])
def test_any_error_reply_is_an_error_of_the_exchange(sample, status):
    for body in (b"", b"<html>no</html>", b'{"code":-1121,"msg":"Invalid symbol."}', b"nonsense"):
        error = sample.exchange.read_error(HttpResponse(status, {}, body, RECEIVED_NS))
        assert isinstance(error, ExchangeError)
        assert error.exchange == sample.exchange.name


def test_an_exchange_without_a_sample_is_told_where_to_write_one():
    class Elsewhere:
        name = "no_such_exchange"

    with pytest.raises(LookupError, match=r"tests/contract/samples/no_such_exchange\.py"):
        sample_of.__wrapped__(Elsewhere())
