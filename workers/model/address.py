"""Where an event goes and what makes it unique: NATS subject and message id.

Two sends of one event carry one id, so JetStream stores it once within its duplicate window.
"""

from workers.model.events import (
    BookAudit,
    BookDelta,
    Event,
    FundingRate,
    Gap,
    InstrumentChange,
    Kline,
    Liquidation,
    LongShortRatio,
    OpenInterest,
    OrderBook,
    Quality,
    Ticker,
    Trade,
    VolatilityIndex,
)


def event_type(event: Event) -> str:
    """`trade`, `orderbook`, ...: the event's `type` field."""
    return str(event.__struct_config__.tag)


def subject(event: Event) -> str:
    """`trade-data.binance_spot.BTC-USDT`."""
    return f"{event.__struct_config__.tag}-data.{event.exchange}.{event.symbol}"


def message_id(event: Event) -> str:
    """The event's identity in the exchange's own ids, `trade:binance_spot:BTC-USDT:4711`."""
    root = f"{event.__struct_config__.tag}:{event.exchange}:{event.symbol}"
    match event:
        case Trade():
            space = "aggregate-" if event.aggregate else ""
            return f"{space}{root}:{event.trade_id}"
        case BookDelta():
            return f"{root}:{event.first_update_id}-{event.last_update_id}"
        case OrderBook():
            return f"{root}:{event.last_update_id}:{event.state}:{event.source}"
        case Ticker():
            when = event.exchange_ns if event.exchange_ns is not None else event.received_ns
            if event.last_price is not None:
                return f"{root}:{when}:day"
            # Many quotes come in one millisecond of a busy exchange.
            bid = f"{event.best_bid_price}:{event.best_bid_quantity}"
            ask = f"{event.best_ask_price}:{event.best_ask_quantity}"
            return f"{root}:{when}:best:{bid}:{ask}"
        case Gap():
            return f"{root}:{event.data_type}:{event.first_id}-{event.last_id}:{event.received_ns}"
        case Kline():
            state = "closed" if event.closed else str(event.exchange_ns or event.received_ns)
            return f"{root}:{event.interval}:{event.open_time_ns}:{state}"
        case FundingRate():
            # Rate, mark price and index price may come apart, with one and the same time.
            facts = f"{event.funding_rate}:{event.mark_price}:{event.index_price}"
            return f"{root}:{event.exchange_ns or event.received_ns}:{facts}"
        case OpenInterest():
            return f"{root}:{event.exchange_ns or event.received_ns}"
        case Liquidation() if event.trade_id is not None:
            return f"{root}:{event.trade_id}:{event.side}"
        case Liquidation():
            order = f"{event.side}:{event.price}:{event.quantity}:{event.filled_quantity}"
            return f"{root}:{event.exchange_ns}:{order}"
        case LongShortRatio():
            return f"{root}:{event.kind}:{event.period}:{event.exchange_ns}"
        case VolatilityIndex():
            return f"{root}:{event.resolution}:{event.exchange_ns}:{event.close}"
        case InstrumentChange():
            return f"{root}:{event.status}:{event.received_ns}"
        case BookAudit():
            return f"{root}:{event.last_update_id}:{event.received_ns}"
        case Quality():
            return f"{root}:{event.check}:{event.data_type}:{event.received_ns}"
    raise TypeError(f"{type(event).__name__} has no message id; add it to {__name__}")
