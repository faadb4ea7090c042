"""Books that carry a checksum, as before 2026-06-23: frames in, a book that trusts no wrong one."""

import zlib
from itertools import zip_longest

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.exchanges.okx_frames import RECEIVED_NS, mapper
from workers.book.book import Book
from workers.book.sync import BookSync, PublishGap, RequestSnapshot
from workers.exchanges.base import BookReset
from workers.exchanges.okx.sequence import OkxSequencer
from workers.model.events import BookDelta

Side = dict[int, int]


class Legacy:
    """OKX as it was, and a book behind it. The checksum is worked out here, not by our code."""

    def __init__(self) -> None:
        self.bids: Side = {100: 5, 99: 3}
        self.asks: Side = {101: 2, 103: 7}
        self.seq_id = 10
        self.mapper = mapper()
        self.sync = BookSync("BTC-USDT", Book(400), OkxSequencer)

    def checksum(self) -> int:
        bids = [f"{p}.1:{q}" for p, q in sorted(self.bids.items(), reverse=True)[:25]]
        asks = [f"{p}.1:{q}" for p, q in sorted(self.asks.items())[:25]]
        parts = [part for pair in zip_longest(bids, asks) for part in pair if part]
        return int.from_bytes(zlib.crc32(":".join(parts).encode()).to_bytes(4), signed=True)

    def snapshot(self, wrong: int = 0):
        self.seq_id += 3
        return self._send("snapshot", self.bids, self.asks, -1, self.checksum() ^ wrong)

    def update(self, bids: Side, asks: Side, wrong: int = 0, *, sent: bool = True):
        for mine, changed in ((self.bids, bids), (self.asks, asks)):
            mine.update(changed)
            for price in [price for price, quantity in mine.items() if not quantity]:
                del mine[price]
        before, self.seq_id = self.seq_id, self.seq_id + 3
        return self._send("update", bids, asks, before, self.checksum() ^ wrong) if sent else ()

    def _send(self, action: str, bids: Side, asks: Side, before: int, checksum: int):
        row = {
            "asks": [[f"{p}.1", str(q), "0", "1"] for p, q in asks.items()],
            "bids": [[f"{p}.1", str(q), "0", "1"] for p, q in bids.items()],
            "ts": "1597026383085",
            "checksum": checksum,
            "prevSeqId": before,
            "seqId": self.seq_id,
        }
        arg = {"channel": "books", "instId": "BTC-USDT"}
        frame = msgspec.json.encode({"arg": arg, "action": action, "data": [row]})
        (item,) = self.mapper.map(frame, RECEIVED_NS)
        if isinstance(item, BookReset):
            return self.sync.reset(item.snapshot)
        assert isinstance(item, BookDelta)
        return self.sync.delta(item)

    @property
    def counts(self) -> dict[str, int]:
        return dict(self.mapper.recorded.results)


def test_right_checksums_cost_nothing():
    okx = Legacy()
    okx.snapshot()
    okx.update({98: 4}, {101: 0})
    assert (okx.sync.state, okx.counts) == ("SYNCED", {"matched": 2})


def test_a_wrong_checksum_of_an_update_builds_the_book_again():
    okx = Legacy()
    okx.snapshot()
    assert okx.update({98: 4}, {}, wrong=1)[-1] == RequestSnapshot("sequence")
    assert (okx.sync.state, okx.counts["failed"]) == ("SYNCING", 1)
    okx.snapshot()
    assert (okx.sync.state, okx.sync.last_id) == ("SYNCED", okx.seq_id)


def test_a_wrong_checksum_of_a_whole_book_refuses_it():
    okx = Legacy()
    assert okx.snapshot(wrong=1) == (RequestSnapshot("malformed"),)
    assert (okx.sync.state, okx.counts) == ("SYNCING", {"failed": 1})
    okx.snapshot()
    assert okx.sync.state == "SYNCED"
    assert okx.snapshot(wrong=4) == (
        PublishGap("malformed", None, None),
        RequestSnapshot("malformed"),
    )


quantities = st.dictionaries(st.integers(0, 40), st.sampled_from((0, 1, 2, 9)), max_size=5)


@given(st.lists(st.tuples(quantities, quantities), max_size=20), st.integers(1, 2**31 - 1))
def test_generated_books_match_and_any_wrong_bit_is_seen(history, wrong):
    okx = Legacy()
    okx.snapshot()
    for bids, asks in history:
        okx.update(
            {60 + price: quantity for price, quantity in bids.items()},
            {101 + price: quantity for price, quantity in asks.items()},
        )
        # 0 says that there is none
        assert okx.counts == {"matched": 1 + okx.sync.applied} or not okx.checksum()
        assert okx.sync.state == "SYNCED"
    if okx.checksum() ^ wrong:
        okx.update({60: 1}, {}, wrong=wrong)
        assert okx.sync.state == "SYNCING" or okx.checksum() ^ wrong == 0


@pytest.mark.parametrize("lost", [({98: 4}, {}), ({}, {101: 0})], ids=["level", "removal"])
def test_a_lost_update_shows_in_both_the_chain_and_the_checksum(lost):
    okx = Legacy()
    okx.snapshot()
    okx.update(*lost, sent=False)
    assert okx.update({97: 1}, {})[-1] == RequestSnapshot("sequence")
    assert okx.counts == {"matched": 1, "failed": 1}
