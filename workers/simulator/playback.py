"""Plays a recording as if it were live: original bytes, original spacing, one timeline."""

import asyncio
import contextlib
import json
import time
from collections.abc import Callable, Mapping

from workers.simulator.binance.endpoints import ENDPOINTS
from workers.simulator.binance.payloads import encode_json
from workers.simulator.binance.replies import ApiError, Parameters, invalid_symbol
from workers.simulator.binance.rows import rate_limits, symbol_row
from workers.simulator.faults import DEPTH_PATH, Fault
from workers.simulator.hub import Hub
from workers.simulator.market.instruments import Instrument, split_name
from workers.simulator.options import Options
from workers.simulator.recordings import Recording, RecordingError

MOST_BACKLOG = 4 << 20
"""Bytes clients may leave unread before the playback waits for them: no frame may be lost."""

BURST = 500
"""Frames between two looks at the clients."""


class Playback:
    """A recording on stage.

    It waits until every recorded stream is subscribed to, or `settle_s` after the last SUBSCRIBE
    while at least one is; then all frames go to whoever listens. Connections stay open afterwards.

    Args:
        recording: what to play.
        options: speed, settle_s, names of instruments.
        hub: where frames go.
        backlog: bytes that the slowest client has not taken yet.
    """

    def __init__(
        self, recording: Recording, options: Options, hub: Hub, backlog: Callable[[], int]
    ) -> None:
        self.state = "waiting"
        self._recording, self._options, self._hub, self._backlog = recording, options, hub, backlog
        self._instruments = instruments_of(recording, options.names)
        self._position = 0
        self._unheard = 0
        self._subscribed = asyncio.Event()
        self._started_ns: int | None = None
        self._ended_ns: int | None = None
        self._streams = recording.streams()

    async def run(self) -> None:
        """Wait for an audience, play, and stay."""
        await self._audience()
        self.state, self._started_ns = "playing", time.time_ns()
        frames, speed = self._recording.frames, self._options.speed
        began_s, first_ns = time.monotonic(), frames[0].time_ns
        while self._position < len(frames):
            if self._backlog() > MOST_BACKLOG:
                await asyncio.sleep(0.002)
                continue
            reached_ns = first_ns + int((time.monotonic() - began_s) * speed * 1e9)
            for _ in range(BURST):
                if self._position == len(frames) or frames[self._position].time_ns > reached_ns:
                    break
                self._publish()
            self._hub.flush()
            if self._position == len(frames):
                break
            wait_s = (frames[self._position].time_ns - first_ns) / 1e9 / speed
            await asyncio.sleep(max(0.0, wait_s - (time.monotonic() - began_s)))
        self.state, self._ended_ns = "finished", time.time_ns()
        while True:
            self._hub.flush()
            await asyncio.sleep(0.05)

    def subscribed(self) -> None:
        """Some connection subscribed to something."""
        self._subscribed.set()

    def now_us(self) -> int:
        """A recording has no time of its own for notices."""
        return time.time_ns() // 1000

    def weight(self, path: str, query: Mapping[str, str]) -> int:
        """What a request costs, as on the exchange."""
        endpoint = ENDPOINTS.get(path)
        return endpoint.weight(query) if endpoint else 1

    def bucket(self, path: str) -> str | None:
        """Spot knows weights alone."""
        return None

    def another(self, name: str) -> str:
        """Some other recorded symbol."""
        return next((each for each in self._instruments if each != name), name)

    def answer(self, path: str, query: Mapping[str, str], micro: bool) -> bytes:
        """Recorded snapshots, a synthesised exchangeInfo, time and ping; nothing else."""
        endpoint = ENDPOINTS.get(path)
        if endpoint is None:
            raise ApiError(-1000, "Not found.", 404)
        parameters = Parameters(query, endpoint.known)
        match path.removeprefix("/api/v3/"):
            case "ping":
                return b"{}"
            case "time":
                now_us = self.now_us()
                return encode_json({"serverTime": now_us if micro else now_us // 1000})
            case "exchangeInfo":
                return self._exchange_info(parameters)
            case "depth":
                return self._depth(parameters)
        raise ApiError(-1000, "Not part of the recording that is played.")

    async def odd_snapshot(self, fault: Fault, query: Mapping[str, str]) -> bytes:
        """The first recorded snapshot, however late it is."""
        parameters = Parameters(query, ENDPOINTS[DEPTH_PATH].known)
        return self._cut(self._snapshots(parameters.symbol())[0], parameters)

    def status(self) -> dict[str, object]:
        """As `GET /sim/play` shows it; `unheard` frames had no listener."""
        return {
            "state": self.state,
            "position": self._position,
            "total": len(self._recording.frames),
            "unheard": self._unheard,
            "speed": self._options.speed,
            "started_ns": self._started_ns,
            "ended_ns": self._ended_ns,
            "streams": self._streams,
            "symbols": {name: f"{at.base}-{at.quote}" for name, at in self._instruments.items()},
        }

    async def _audience(self) -> None:
        """Wait for all streams to be heard, or for silence after the last SUBSCRIBE."""
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._subscribed.wait(), self._options.settle_s)
            settled = not self._subscribed.is_set()
            self._subscribed.clear()
            heard = sum(self._hub.wanted(stream) for stream in self._streams)
            if heard == len(self._streams) or (settled and heard):
                return

    def _publish(self) -> None:
        frame = self._recording.frames[self._position]
        self._position += 1
        if not self._hub.wanted(frame.stream):
            self._unheard += 1
            return
        payload = frame.payload
        self._hub.publish(frame.stream, lambda _: payload, frame.whole)

    def _exchange_info(self, parameters: Parameters) -> bytes:
        if self._recording.exchange_info is not None:
            return self._recording.exchange_info
        names = list(self._instruments)
        if parameters.has("symbol"):
            names = [parameters.symbol()]
        elif parameters.has("symbols"):
            names = json.loads(parameters.text("symbols"))
        if any(name not in self._instruments for name in names):
            raise invalid_symbol()
        reply = {
            "timezone": "UTC",
            "serverTime": self.now_us() // 1000,
            "rateLimits": rate_limits(self._options.limits.weight),
            "exchangeFilters": [],
            "symbols": [symbol_row(self._instruments[name], "TRADING") for name in names],
        }
        return encode_json(reply)

    def _depth(self, parameters: Parameters) -> bytes:
        snapshots = self._snapshots(parameters.symbol())
        frames = self._recording.frames
        played_ns = frames[self._position - 1].time_ns if self._position else 0
        passed = [body for at_ns, body in snapshots if at_ns <= played_ns]
        return self._cut((0, passed[-1]) if passed else snapshots[0], parameters)

    def _snapshots(self, symbol: str) -> list[tuple[int, bytes]]:
        if symbol not in self._instruments:
            raise invalid_symbol()
        found = [(at, body) for at, name, body in self._recording.snapshots if name == symbol]
        if not found:
            raise ApiError(-1112, "No orders on book for symbol.")
        return found

    @staticmethod
    def _cut(snapshot: tuple[int, bytes], parameters: Parameters) -> bytes:
        limit, body = parameters.limit(100, 5000), snapshot[1]
        book = json.loads(body)
        if max(len(book["bids"]), len(book["asks"])) <= limit:
            return body
        return encode_json({**book, "bids": book["bids"][:limit], "asks": book["asks"][:limit]})


def instruments_of(recording: Recording, names: tuple[str, ...]) -> dict[str, Instrument]:
    """Instruments of the recorded symbols; steps as fine as the recorded numbers.

    Args:
        recording: its numbers tell the steps.
        names: `BTCUSDT=BTC-USDT` for symbols whose quote coin is not known.

    Raises:
        RecordingError: a symbol cannot be split.
    """
    steps = recording.steps()
    known = dict(each.split("=", 1) for each in names)
    found = {}
    for name in recording.symbols():
        try:
            base, quote = known[name].split("-") if name in known else split_name(name)
        except ValueError as error:
            raise RecordingError(f"{error}; --instrument {name}=BASE-QUOTE") from error
        price, size, top = steps.get(name, (8, 8, "1"))
        tick, lot = 10 ** (8 - min(8, price)), 10 ** (8 - min(8, size))
        ticks = max(1, round(float(top) * 1e8 / tick))
        found[name] = Instrument(base, quote, ticks, tick, lot)
    return found
