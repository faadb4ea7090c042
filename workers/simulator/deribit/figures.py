"""Methods about funding, volatility, currencies and all trades of a currency.

Source: docs.deribit.com, api-reference; dossier of September 2026.
"""

from collections.abc import Mapping
from decimal import Decimal

from workers.simulator.deribit import indices, payloads
from workers.simulator.deribit.market import DeribitMarket
from workers.simulator.deribit.numbers import decimal, raw
from workers.simulator.deribit.rpc import invalid, whole, word
from workers.simulator.deribit.streams import InstrumentStreams

MOST_ROWS = 1000
HOURS_OF_VOLATILITY = 16 * 24
CHART_HOURS = {"8h": 8, "24h": 24, "1m": 30 * 24}

Params = Mapping[str, object]
Row = dict[str, object]


def streams_of(market: DeribitMarket, params: Params) -> InstrumentStreams:
    """The instrument that is asked about. Raises RpcError."""
    name = word(params, "instrument_name")
    if name not in market.names():
        raise invalid("instrument_name", "instrument not found")
    return market.streams[name]


def perpetual_of(market: DeribitMarket, params: Params) -> InstrumentStreams:
    """The perpetual that is asked about. Raises RpcError."""
    streams = streams_of(market, params)
    if not streams.at.perpetual:
        raise invalid("instrument_name", "instrument is not perpetual")
    return streams


def funding_value(market: DeribitMarket, params: Params) -> object:
    """`public/get_funding_rate_value`: what was paid between two times, by full hours."""
    at = perpetual_of(market, params).at
    start, end = whole(params, "start_timestamp"), whole(params, "end_timestamp")
    hours = range(start // indices.HOUR_MS, end // indices.HOUR_MS)
    return raw(sum((indices.hourly_interest(at.raw, each) for each in hours), Decimal(0)))


def funding_chart(market: DeribitMarket, params: Params) -> object:
    """`public/get_funding_chart_data`: an hour a row."""
    at = perpetual_of(market, params).at
    hours = CHART_HOURS.get(word(params, "length", "8h"))
    if hours is None:
        raise invalid("length", "must be one of: 8h, 24h, 1m")
    now_ms = market.now_us() // 1000
    last = now_ms // indices.HOUR_MS
    rows = [
        {
            "index_price": raw(
                indices.index_price(at.index, each * indices.HOUR_MS, market.worths),
                exponents=False,
            ),
            "interest_8h": raw(indices.eight_hour_interest(at.raw, each - 1)),
            "timestamp": each * indices.HOUR_MS,
        }
        for each in range(last - hours + 1, last + 1)
    ]
    return {
        "current_interest": raw(indices.current_interest(at.raw, now_ms)),
        "interest_8h": rows[-1]["interest_8h"],
        "data": rows,
    }


def historical_volatility(market: DeribitMarket, params: Params) -> object:
    """`public/get_historical_volatility`: an hour a row, some sixteen days."""
    currency = word(params, "currency")
    if currency not in indices.VOLATILITY:
        return []
    last = market.now_us() // 1000 // indices.HOUR_MS
    return [
        [
            each * indices.HOUR_MS,
            raw(indices.volatility(currency, each * indices.HOUR_MS), exponents=False),
        ]
        for each in range(last - HOURS_OF_VOLATILITY + 1, last + 1)
    ]


def summary_of_one(market: DeribitMarket, params: Params) -> object:
    """`public/get_book_summary_by_instrument`: an array of one."""
    streams = streams_of(market, params)
    return [payloads.summary(streams.at, streams.engine, market.worths)]


def currencies(market: DeribitMarket, params: Params) -> object:
    """`public/get_currencies`."""
    found = dict.fromkeys(market.streams[name].at.settlement for name in market.names())
    return [
        {
            "currency": each,
            "currency_long": each,
            "coin_type": each,
            "min_confirmations": 1,
            "fee_precision": 4,
            "withdrawal_fee": 0.0001,
            "disabled_deposit_address_creation": False,
            "withdrawal_priorities": [],
        }
        for each in found
    ]


def contract_size(market: DeribitMarket, params: Params) -> object:
    """`public/get_contract_size`."""
    return {"contract_size": raw(decimal(streams_of(market, params).at.contract))}


def index_names(market: DeribitMarket, params: Params) -> object:
    """`public/get_index_price_names`."""
    return list(indices.CHATTY)


def trades_of_currency(market: DeribitMarket, params: Params) -> object:
    """`public/get_last_trades_by_currency` and `..._and_time`: of all its instruments."""
    currency, kind = word(params, "currency"), params.get("kind")
    wanted = whole(params, "count", 10)
    if not 1 <= wanted <= MOST_ROWS:
        raise invalid("count", f"must be from 1 to {MOST_ROWS}")
    now_us = market.now_us()
    start_us = max(
        whole(params, "start_timestamp", 0) * 1000, now_us - int(market.switches.reach_s * 1e6)
    )
    end_us = min((whole(params, "end_timestamp", now_us // 1000) + 1) * 1000, now_us + 1)
    found: list[tuple[int, Row]] = []
    for name in market.names():
        streams = market.streams[name]
        if streams.at.settlement != currency or kind not in (None, "any", streams.at.kind):
            continue
        tape = streams.prints.past
        first, end = tape.first_at(start_us), tape.first_at(end_us)
        found += [
            (tape.fill(seq).time_us, streams.prints.row(seq, now_us))
            for seq in range(max(first, end - wanted - 1), end)
        ]
    found.sort(key=lambda each: each[0])
    rows = [row for _, row in found]
    ascending = params.get("sorting") == "asc"
    chosen = rows[:wanted] if ascending else rows[-wanted:][::-1]
    return {"trades": chosen, "has_more": len(rows) > wanted}
