"""SUBSCRIBE and UNSUBSCRIBE, the same on spot and USD-M. The answer proves nothing.

Unknown streams are accepted too, and on USD-M streams of the other route.
"""

from collections.abc import Mapping, Sequence

import msgspec

from workers.exchanges.base import Stream
from workers.exchanges.binance.messages import INTERVALS

PARAMS_PER_MESSAGE = 200
"""Stream names in one SUBSCRIBE. None is documented; 200 stay within one 4 kB frame."""


def kline_suffixes(intervals: Sequence[str] = INTERVALS) -> dict[str, str]:
    """Channels of candles: `kline` is the one of a minute, `kline-5m` another length."""
    return {"kline" if each == "1m" else f"kline-{each}": f"@kline_{each}" for each in intervals}


def control(
    method: str, streams: Sequence[Stream], suffixes: Mapping[str, str], first_request_id: int
) -> list[bytes]:
    """Messages for all streams, ids counting up.

    `suffixes` has, by our channel, what stands behind the symbol in lower case; one that begins
    with `!` is a stream of all symbols and named once.

    Raises:
        KeyError: a channel that is not in `suffixes`.
    """
    names = list(dict.fromkeys(stream_name(each, suffixes) for each in streams))
    chunks = [names[i : i + PARAMS_PER_MESSAGE] for i in range(0, len(names), PARAMS_PER_MESSAGE)]
    return [
        msgspec.json.encode({"method": method, "params": chunk, "id": first_request_id + index})
        for index, chunk in enumerate(chunks)
    ]


def stream_name(stream: Stream, suffixes: Mapping[str, str]) -> str:
    """`btcusdt@trade`; raises KeyError for a channel that is not in `suffixes`."""
    suffix = suffixes[stream.channel]
    return suffix if suffix.startswith("!") else stream.raw_symbol.lower() + suffix
