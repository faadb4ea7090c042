"""What can be chosen of the OKX dialect; the defaults are what OKX documents."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True)
class OkxOptions:
    """Limits, times and switches.

    Args:
        legacy_checksum: real CRC32 in `books`, as before 2026-06-23, instead of 0.
        data_first: channels whose first push comes before the answer to the subscription.
        idle_s: a connection without a push or a subscription for so long is closed with 4004.
        heartbeat_s: an unchanged book is confirmed with an empty update this often.
        liquidation_s: between two liquidations of a swap.
        funding_s: between two pushes of a funding rate.
        connects: connections a second and address.
        messages: subscribe and unsubscribe messages an hour and connection.
        args_bytes: longest message from a client.
        limit_status: HTTP status of a refused request, 429 or 200; the body says 50011.
        limit_share: of the documented REST limits; 0.1 lets a tenth through.
        backlog_bytes: a client that leaves more than this unread is closed with 4005.
    """

    legacy_checksum: bool = False
    data_first: tuple[str, ...] = ("candle1m",)
    idle_s: float = 30.0
    heartbeat_s: float = 60.0
    liquidation_s: float = 5.0
    funding_s: float = 30.0
    connects: int = 3
    messages: int = 480
    args_bytes: int = 64 << 10
    limit_status: int = 429
    limit_share: float = 1.0
    backlog_bytes: int = 64 << 20


def okx_options(switches: Sequence[str]) -> OkxOptions:
    """From `--switch NAME=NUMBER`, named as in OkxOptions; `data_first` has none.

    Raises:
        ValueError: an unknown name, or no number.
    """
    usual = OkxOptions()
    kinds = {each.name: type(getattr(usual, each.name)) for each in fields(usual)}
    chosen: dict[str, Any] = {}
    for switch in switches:
        name, _, value = switch.partition("=")
        if name not in kinds or name == "data_first":
            raise ValueError(f"--switch {switch}: okx knows {', '.join(kinds)}")
        try:
            chosen[name] = kinds[name](float(value))
        except ValueError as error:
            raise ValueError(f"--switch {switch}: write {name}=NUMBER") from error
    return OkxOptions(**chosen)
