"""What a dialect is made of, and how each is built."""

import time
from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

import msgspec
from aiohttp import web

from workers.simulator.admin import Admin, json_response
from workers.simulator.binance.exchange import Exchange
from workers.simulator.binance.market import SpotMarket
from workers.simulator.deribit import rpc
from workers.simulator.deribit import spoil as deribit_spoil
from workers.simulator.deribit.channels import hub_key as deribit_key
from workers.simulator.deribit.exchange import DeribitExchange
from workers.simulator.deribit.market import DeribitMarket
from workers.simulator.deribit.switches import switches
from workers.simulator.faults import FaultBox
from workers.simulator.hub import Hub
from workers.simulator.line import Line
from workers.simulator.live import Market
from workers.simulator.okx import exchange as okx
from workers.simulator.okx import spoil as okx_spoil
from workers.simulator.okx.listing import hub_key as okx_key
from workers.simulator.okx.market import OkxMarket
from workers.simulator.okx.options import okx_options
from workers.simulator.options import Options
from workers.simulator.playback import Playback
from workers.simulator.recordings import read
from workers.simulator.usdm.exchange import UsdmExchange
from workers.simulator.usdm.limits import usdm_limits, usdm_times
from workers.simulator.usdm.market import UsdmMarket
from workers.simulator.usdm.names import hub_key as usdm_key
from workers.simulator.usdm.switches import switches as usdm_switches
from workers.simulator.world import World


class Face(Protocol):
    """The doors of a dialect."""

    connections: dict[int, Line]

    def routes(self, *, alone: bool) -> list[web.RouteDef]:
        """Where the exchange answers; `alone` on its port it answers unknown paths, too."""
        ...


class Dialect(NamedTuple):
    """One exchange, complete.

    Attributes:
        names: its own, and others that the side door takes for it.
    """

    names: tuple[str, ...]
    face: Face
    source: Market | Playback
    hub: Hub
    admin: Admin


Build = Callable[[Options, World, float], Dialect]
"""From options, world and messages a second."""


def binance_spot(options: Options, world: World, rate: float) -> Dialect:
    """Binance spot, made up or played. Raises RecordingError."""
    _no_switches(options, "binance_spot")
    faults = FaultBox(time.monotonic)
    hub = Hub(faults)
    connections: dict[int, Line] = {}
    source: SpotMarket | Playback
    if options.play:
        recording = read(options.play, options.http)

        def backlog() -> int:
            return max((each.backlog() for each in connections.values()), default=0)

        source = Playback(recording, options, hub, backlog)
    else:
        source = SpotMarket(options, world, hub, rate)
    face = Exchange(
        hub, faults, limits=options.limits, connections=options.connections, source=source
    )
    face.connections = connections
    admin = Admin("binance_spot", face, hub, faults, source)
    return Dialect(("binance_spot",), face, source, hub, admin)


def binance_derivatives(options: Options, world: World, rate: float) -> Dialect:
    """Binance USD-M futures."""
    chosen = usdm_switches(options.switches_of("binance_derivatives"))
    faults = FaultBox(time.monotonic, key=usdm_key)
    hub = Hub(faults)
    market = UsdmMarket(options, chosen, world, hub, rate)
    face = UsdmExchange(
        hub,
        faults,
        limits=usdm_limits(options.limits, chosen),
        connections=usdm_times(options.connections, chosen),
        source=market,
    )
    admin = Admin("binance_derivatives", face, hub, faults, market)
    return Dialect(("binance_derivatives",), face, market, hub, admin)


def okx_v5(options: Options, world: World, rate: float) -> Dialect:
    """OKX, spot and swaps."""
    chosen = okx_options(options.switches_of("okx"))
    faults = FaultBox(time.monotonic, spoilers=okx_spoil.SPOILERS, key=okx_key)
    hub = Hub(faults)
    market = OkxMarket(options, chosen, world, hub, rate)
    face = okx.Exchange(chosen, hub, faults, market)

    async def reset_sequence(request: web.Request) -> web.Response:
        """`{"symbol": "BTC-USDT"}`: the next push of its `books` begins the numbers again."""
        try:
            symbol = msgspec.json.decode(await request.read(), type=dict[str, str])["symbol"]
        except (msgspec.DecodeError, KeyError):
            return json_response({"error": 'send {"symbol": <instrument id>}'}, 400)
        name = market.find(symbol)
        if name is None:
            return json_response({"error": f"no symbol {symbol}"}, 404)
        market.reset_sequence(name)
        return json_response({"symbol": name})

    posts = {"reset_sequence": reset_sequence}
    admin = Admin("okx", face, hub, faults, market, posts)
    return Dialect(("okx", "okx_spot", "okx_derivatives"), face, market, hub, admin)


def deribit(options: Options, world: World, rate: float) -> Dialect:
    """Deribit."""
    chosen = switches(options.switches_of("deribit"))
    faults = FaultBox(time.monotonic, rpc.notification, deribit_spoil.SPOILERS, deribit_key)
    hub = Hub(faults, rpc.notification)
    market = DeribitMarket(options, chosen, world, hub, rate)
    face = DeribitExchange(hub, faults, market)
    posts = {"list": face.list_hidden}
    return Dialect(
        ("deribit",), face, market, hub, Admin("deribit", face, hub, faults, market, posts)
    )


BUILDS: Mapping[str, Build] = {
    "binance_spot": binance_spot,
    "binance_derivatives": binance_derivatives,
    "okx": okx_v5,
    "deribit": deribit,
}


def _no_switches(options: Options, dialect: str) -> None:
    given = options.switches_of(dialect)
    if given:
        raise ValueError(f"--switch {given[0]}: {dialect} has options of its own, see --help")
