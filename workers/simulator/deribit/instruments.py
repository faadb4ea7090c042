"""What this Deribit lists: inverse and linear perpetuals, a dated future, thin options.

Source: docs.deribit.com, public/get_instruments; expiries are the last Friday of a quarter, 08:00
UTC. Amounts are dollars on inverse futures, coins elsewhere.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from workers.simulator.deribit.numbers import decimal, raw, text
from workers.simulator.market.instruments import DOLLARS, SCALE, Instrument

PERPETUAL_END_MS = 32_503_708_800_000
"""The year 3000: perpetuals never end."""

CREATED_MS = 1_534_167_754_000
MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]


@dataclass(frozen=True)
class Contract(Instrument):
    """One instrument.

    Args:
        raw: its name, `BTC-PERPETUAL`.
        kind: future or option; perpetuals are futures.
        inverse: whether amounts are dollars (futures) or premiums coins (options).
        settlement: coin of profits, `BTC` or `USDC`.
        index: name of its index, `btc_usd`.
        contract: size of a contract in 1e-8 units of the amount.
        expiry_ms: when it ends.
        strike: of an option, 1e-8 units.
        call: of an option.
        levels: price levels a side.
        busy: share of the messages.
    """

    raw: str = ""
    kind: Literal["future", "option"] = "future"
    inverse: bool = False
    settlement: str = "USDC"
    index: str = ""
    contract: int = SCALE
    expiry_ms: int = PERPETUAL_END_MS
    strike: int = 0
    call: bool = True
    levels: int = 8
    busy: float = 0.02

    @property
    def name(self) -> str:
        """The exchange's own name."""
        return self.raw

    @property
    def in_dollars(self) -> bool:
        """Whether amounts are dollars."""
        return self.inverse and self.kind == "future"

    @property
    def perpetual(self) -> bool:
        """Whether it never expires."""
        return self.expiry_ms == PERPETUAL_END_MS

    @property
    def lot_value(self) -> float:
        """Dollars of one lot."""
        if self.in_dollars:
            return self.lot / SCALE
        dollars = DOLLARS[self.base] if self.kind == "option" and self.inverse else 1.0
        return self.price_ticks * self.tick / SCALE * self.lot / SCALE * dollars

    def price(self, ticks: int) -> str:
        """A price written out."""
        return text(decimal(ticks * self.tick), exponents=False)

    def quantity(self, lots: int) -> str:
        """An amount written out."""
        return text(decimal(lots * self.lot), exponents=False)


def last_friday(after: datetime) -> datetime:
    """The first quarterly expiry that is at least a week later."""
    month = after.replace(day=1, hour=8, minute=0, second=0, microsecond=0)
    while True:
        following = (month + timedelta(days=32)).replace(day=1)
        end = following - timedelta(days=1)
        friday = end - timedelta(days=(end.weekday() - 4) % 7)
        if month.month % 3 == 0 and friday >= after + timedelta(days=7):
            return friday
        month = following


def listed(start_ms: int) -> tuple[Contract, ...]:
    """Everything there is to trade from a time on; the last is listed only when asked for."""
    expiry = last_friday(datetime.fromtimestamp(start_ms / 1000, UTC))
    date = f"{expiry.day}{MONTHS[expiry.month - 1]}{expiry.year % 100}"
    end = int(expiry.timestamp()) * 1000
    btc, eth = DOLLARS["BTC"], DOLLARS["ETH"]
    return (
        _future("BTC-PERPETUAL", "BTC", btc, 0.5, 10, levels=600, busy=0.4),
        _future("ETH-PERPETUAL", "ETH", eth, 0.05, 1, levels=400, busy=0.25),
        _linear("BTC_USDC-PERPETUAL", "BTC", btc, 0.5, 0.0001),
        _future(f"BTC-{date}", "BTC", btc * 1.01, 2.5, 10, levels=100, busy=0.08, end=end),
        _option(f"BTC-{date}-96000-C", "BTC", 0.0525, 96_000, end),
        _option(f"BTC-{date}-80000-P", "BTC", 0.0125, 80_000, end),
        _option(f"ETH-{date}-3400-C", "ETH", 0.0615, 3_400, end),
        _option(f"XRP_USDC-{date}-1d4-C", "XRP", 0.1125, 1.4, end),
        _option(f"BTC-{date}-120000-C", "BTC", 0.0105, 120_000, end),
    )


def row(at: Contract, state: str, number: int) -> dict[str, object]:
    """The instrument as get_instruments and instrument.creation show it."""
    kind = "reversed" if at.inverse else "linear"
    option = at.kind == "option"
    fields: dict[str, object] = {
        "price_index": at.index,
        "kind": at.kind,
        "instrument_name": at.raw,
        "state": state,
        "is_active": state == "open",
        "instrument_type": kind,
        "underlying_type": "crypto",
        "base_currency": at.base,
        "quote_currency": at.base if option and at.inverse else at.quote,
        "counter_currency": at.quote,
        "settlement_currency": at.settlement,
        "settlement_period": "perpetual" if at.perpetual else "month",
        "contract_size": raw(decimal(at.contract)),
        "min_trade_amount": raw(decimal(at.lot)),
        "tick_size": raw(decimal(at.tick)),
        "tick_size_steps": [],
        "creation_timestamp": CREATED_MS + number,
        "expiration_timestamp": at.expiry_ms,
        "instrument_id": 124_972 + number,
        "maker_commission": 0.0,
        "taker_commission": raw(decimal(50_000)),
    }
    if option:
        fields["strike"] = raw(decimal(at.strike), exponents=False)
        fields["option_type"] = "call" if at.call else "put"
    else:
        fields["future_type"] = kind
        fields["max_leverage"] = 50
    return fields


def _future(
    name: str,
    base: str,
    dollars: float,
    tick: float,
    lot: int,
    *,
    levels: int,
    busy: float,
    end: int = PERPETUAL_END_MS,
) -> Contract:
    return Contract(
        base=base,
        quote="USD",
        price_ticks=round(dollars / tick),
        tick=round(tick * SCALE),
        lot=lot * SCALE,
        raw=name,
        inverse=True,
        settlement=base,
        index=f"{base.lower()}_usd",
        contract=lot * SCALE,
        expiry_ms=end,
        levels=levels,
        busy=busy,
    )


def _linear(name: str, base: str, dollars: float, tick: float, lot: float) -> Contract:
    return Contract(
        base=base,
        quote="USDC",
        price_ticks=round(dollars / tick),
        tick=round(tick * SCALE),
        lot=round(lot * SCALE),
        raw=name,
        index=f"{base.lower()}_usdc",
        contract=round(lot * SCALE),
        levels=400,
        busy=0.2,
    )


def _option(name: str, base: str, premium: float, strike: float, end: int) -> Contract:
    inverse = "_" not in name
    tick = 0.0005
    lot = {"BTC": 0.1, "ETH": 1.0, "XRP": 1000.0}[base]
    return Contract(
        base=base,
        quote="USD" if inverse else "USDC",
        price_ticks=round(premium / tick),
        tick=round(tick * SCALE),
        lot=round(lot * SCALE),
        raw=name,
        contract=1000 * SCALE if base == "XRP" else SCALE,
        kind="option",
        inverse=inverse,
        settlement=base if inverse else "USDC",
        index=f"{base.lower()}_{'usd' if inverse else 'usdc'}",
        expiry_ms=end,
        strike=round(strike * SCALE),
        call=name.endswith("C"),
    )
