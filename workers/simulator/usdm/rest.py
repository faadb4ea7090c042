"""REST of USD-M over the engines: what differs from spot, and what spot has not.

Source: the official SDK of 2026-07-24. Rows ascend.
"""

from collections.abc import Callable, Collection, Mapping

from workers.simulator.binance import payloads as spot
from workers.simulator.binance import rows
from workers.simulator.binance.payloads import DAY_US, encode_json
from workers.simulator.binance.replies import ApiError, Parameters
from workers.simulator.binance.rest import RestApi
from workers.simulator.market.instruments import Instrument, decimal8
from workers.simulator.market.tape import AggregateFill, Fill
from workers.simulator.usdm import payloads
from workers.simulator.usdm.figures import FUNDING_US
from workers.simulator.usdm.names import NEVER_MS, ONBOARD_MS
from workers.simulator.usdm.publisher import UsdmPublisher
from workers.simulator.usdm.switches import Switches

HOUR_US = 3_600_000_000
MONTH_US = 30 * DAY_US
DEPTHS = (5, 10, 20, 50, 100, 500, 1000)
PERIODS_US = {
    name: minutes * 60_000_000
    for name, minutes in {
        **{"5m": 5, "15m": 15, "30m": 30, "1h": 60, "2h": 120, "4h": 240},
        **{"6h": 360, "12h": 720, "1d": 1440},
    }.items()
}


class UsdmRest(RestApi):
    """Answers over the markets of all symbols.

    Args:
        contracts: the markets, by the exchange's symbol.
        newcomer: name and status of a contract that never trades.
    """

    def __init__(
        self,
        contracts: Mapping[str, UsdmPublisher],
        halted: Collection[str],
        gone: Collection[str],
        weight_limit: int,
        *,
        switches: Switches,
        newcomer: Callable[[], tuple[Instrument, str]],
    ) -> None:
        super().__init__(contracts, halted, gone, weight_limit)
        self.contracts, self._switches, self._newcomer = contracts, switches, newcomer

    def contract(self, parameters: Parameters) -> UsdmPublisher:
        """The one that is asked about. Raises ApiError -1121 where there is none."""
        symbol = parameters.symbol()
        self.publisher(symbol)
        return self.contracts[symbol]

    def depth(self, symbol: str, limit: int, update_id: int | None = None) -> bytes:
        """The book now, or right after one of the engine's own update ids."""
        self.publisher(symbol)
        at = self.contracts[symbol]
        engine, book = at.engine, at.engine.book
        told = at.marks.change_id
        totals = book.totals
        if update_id is not None and update_id != book.update_id:
            told = at.marks.change_before(update_id)
            own = at.marks.update_of(told)
            totals = book.totals_at(update_id if own is None else own)
        keys = sorted(totals, reverse=True)
        bids = [key for key in keys if key > 0][:limit]
        asks = [key for key in keys if key < 0][:limit]
        return payloads.snapshot(engine.instrument, bids, asks, totals, told, engine.now_us)

    def order_book(self, parameters: Parameters, micro: bool) -> bytes:
        """`/fapi/v1/depth`: only some limits are legal."""
        limit = parameters.whole("limit")
        if limit is not None and limit not in DEPTHS:
            raise ApiError(-4021, f"'{limit}' is not valid depth limit.")
        return self.depth(parameters.symbol(), limit or 500)

    def exchange_info(self, parameters: Parameters, micro: bool) -> bytes:
        """`/fapi/v1/exchangeInfo`: all symbols."""
        listed = [
            contract_row(self.contracts[name].engine.instrument, self.status(name))
            for name in self.names()
        ]
        return encode_json(
            {
                "timezone": "UTC",
                "serverTime": self.now_us() // 1000,
                "futuresType": "U_MARGINED",
                "rateLimits": rows.rate_limits(self._weight_limit)[:2],
                "exchangeFilters": [],
                "assets": [{"asset": "USDT", "marginAvailable": True, "autoAssetExchange": "-1"}],
                "symbols": [*listed, contract_row(*self._newcomer())],
            }
        )

    def historical_trades(self, parameters: Parameters, micro: bool) -> bytes:
        """`/fapi/v1/historicalTrades` needs a key."""
        raise ApiError(-2014, "API-key format invalid.", 401)

    def aggregate_trades(self, parameters: Parameters, micro: bool) -> bytes:
        """`/fapi/v1/aggTrades`: none that is older than a day."""
        start, end = parameters.time_us("startTime"), parameters.time_us("endTime")
        if start is not None and end is not None and end - start > HOUR_US:
            raise ApiError(-1127, "More than 1 hours between startTime and endTime.")
        return super().aggregate_trades(parameters, micro)

    def trade_row(self, at: Instrument, fill: Fill, micro: bool) -> dict[str, object]:
        """One trade of `/fapi/v1/trades`."""
        row = rows.trade_row(at, fill, micro)
        del row["isBestMatch"]
        return {**row, "isRPITrade": False}

    def aggregate_row(self, at: Instrument, fill: AggregateFill, micro: bool) -> dict[str, object]:
        """One aggregate."""
        row = rows.aggregate_row(at, fill, micro)
        del row["M"]
        return {**row, "nq": row["q"]}

    def day_ticker(self, parameters: Parameters, micro: bool) -> bytes:
        """`/fapi/v1/ticker/24hr`: without best prices."""
        dropped = {"prevClosePrice", "bidPrice", "bidQty", "askPrice", "askQty"}
        found = [
            rows.ticker_row(self.engine(name), False, micro) for name in self.asked(parameters)
        ]
        return self._one_or_all(
            parameters, [{k: v for k, v in row.items() if k not in dropped} for row in found]
        )

    def book_ticker(self, parameters: Parameters) -> bytes:
        """`/fapi/v1/ticker/bookTicker`."""
        fields = ("bidPrice", "bidQty", "askPrice", "askQty")
        found = []
        for name in self.asked(parameters):
            at = self.contracts[name]
            best = spot.best(at.engine.instrument, at.engine.book)
            row: dict[str, object] = {"symbol": name, **dict(zip(fields, best, strict=True))}
            found.append({**row, "time": self.now_us() // 1000, "lastUpdateId": at.marks.change_id})
        return self._one_or_all(parameters, found)

    def last_price(self, parameters: Parameters) -> bytes:
        """`/fapi/v1/ticker/price` and its second version."""
        found: list[dict[str, object]] = []
        for name in self.asked(parameters):
            engine = self.engine(name)
            price = engine.instrument.price(engine.last_ticks)
            found.append({"symbol": name, "price": price, "time": engine.now_us // 1000})
        return self._one_or_all(parameters, found)

    def premium_index(self, parameters: Parameters) -> bytes:
        """`/fapi/v1/premiumIndex`."""
        found = [self.contracts[name].figures.premium() for name in self.asked(parameters)]
        return self._one_or_all(parameters, found)

    def funding_rates(self, parameters: Parameters) -> bytes:
        """`/fapi/v1/fundingRate`: what was paid, of one contract or of all."""
        limit = parameters.limit(100, 1000)
        start, end = parameters.time_us("startTime"), parameters.time_us("endTime")
        newest = min(self.now_us(), self.now_us() if end is None else end) // FUNDING_US
        oldest = (self.now_us() - 3 * 365 * DAY_US) // FUNDING_US
        if start is not None:
            oldest = max(oldest, -(-start // FUNDING_US))
            newest = min(newest, oldest + limit - 1)
        else:
            oldest = max(oldest, newest - limit + 1)
        found = [
            {
                "symbol": name,
                "fundingRate": self.contracts[name].figures.settled(each * FUNDING_US),
                "fundingTime": each * FUNDING_US // 1000,
                "markPrice": self.contracts[name].figures.worth_at(each * FUNDING_US),
                "rateType": "Regular",
            }
            for each in range(oldest, newest + 1)
            for name in self.asked(parameters)
        ]
        return encode_json(found[:limit] if start is not None else found[-limit:])

    def funding_info(self, parameters: Parameters) -> bytes:
        """`/fapi/v1/fundingInfo`: only contracts that were adjusted; here the last one."""
        row = {
            "symbol": self.names()[-1] if self.names() else "",
            "adjustedFundingRateCap": "0.02500000",
            "adjustedFundingRateFloor": "-0.02500000",
            "fundingIntervalHours": 8,
            "disclaimer": False,
        }
        return encode_json([row] if self.names() else [])

    def open_interest(self, parameters: Parameters) -> bytes:
        """`/fapi/v1/openInterest`."""
        return encode_json(self.contract(parameters).figures.open_interest())

    def data_rows(
        self, parameters: Parameters, make: Callable[[UsdmPublisher, int], dict[str, object]]
    ) -> bytes:
        """`/futures/data/*`: a row for each period that is over, a month back."""
        at = self.contract(parameters)
        period = PERIODS_US.get(parameters.text("period"))
        if period is None:
            raise ApiError(-1130, "Data sent for parameter 'period' is not valid.")
        limit = parameters.limit(30, 500)
        start, end = parameters.time_us("startTime"), parameters.time_us("endTime")
        now_us = self.now_us()
        newest = (now_us - int(self._switches.data_lag_s * 1e6)) // period
        oldest = (now_us - MONTH_US) // period
        if start is not None and start < now_us - MONTH_US - DAY_US:
            raise ApiError(-1130, "parameter 'startTime' is invalid.")
        if end is not None:
            newest = min(newest, end // period)
        if start is not None:
            oldest = max(oldest, -(-start // period))
            if end is None:
                newest = min(newest, oldest + limit - 1)
        oldest = max(oldest, newest - limit + 1)
        return encode_json([make(at, each * period) for each in range(oldest, newest + 1)])

    @staticmethod
    def _one_or_all(parameters: Parameters, found: list[dict[str, object]]) -> bytes:
        return encode_json(found[0] if parameters.has("symbol") else found)


def contract_row(at: Instrument, status: str) -> dict[str, object]:
    """One symbol of exchangeInfo."""
    step, lot = decimal8(at.tick).rstrip("0").rstrip("."), decimal8(at.lot).rstrip("0").rstrip(".")
    return {
        "symbol": at.name,
        "pair": at.name,
        "contractType": "PERPETUAL",
        "deliveryDate": NEVER_MS,
        "onboardDate": ONBOARD_MS,
        "status": status,
        "maintMarginPercent": "2.5000",
        "requiredMarginPercent": "5.0000",
        "baseAsset": at.base,
        "quoteAsset": at.quote,
        "marginAsset": at.quote,
        "pricePrecision": 2,
        "quantityPrecision": 3,
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "underlyingType": "COIN",
        "underlyingSubType": ["PoW"],
        "triggerProtect": "0.0500",
        "liquidationFee": "0.012500",
        "marketTakeBound": "0.05",
        "maxMoveOrderLimit": 10000,
        "filters": [
            {
                "filterType": "PRICE_FILTER",
                "minPrice": step,
                "maxPrice": decimal8(at.price_ticks * at.tick * 10).rstrip("0").rstrip("."),
                "tickSize": step,
            },
            {"filterType": "LOT_SIZE", "minQty": lot, "maxQty": "1000", "stepSize": lot},
            {"filterType": "MARKET_LOT_SIZE", "minQty": lot, "maxQty": "120", "stepSize": lot},
            {"filterType": "MAX_NUM_ORDERS", "limit": 200},
            {"filterType": "MIN_NOTIONAL", "notional": "5"},
            {
                "filterType": "PERCENT_PRICE",
                "multiplierUp": "1.0500",
                "multiplierDown": "0.9500",
                "multiplierDecimal": "4",
            },
        ],
        "orderTypes": ["LIMIT", "MARKET", "STOP", "STOP_MARKET", "TAKE_PROFIT"],
        "timeInForce": ["GTC", "IOC", "FOK", "GTX", "GTD"],
        "permissionSets": ["GRID", "COPY"],
    }
