"""What the suite of every exchange needs to know of one: its own messages, from its documents.

One module `tests/contract/samples/<exchange>.py` with a `SAMPLE`. A third party's exchange, which
registers through the entry point `marketprism.exchanges`, has it in a module `contract_sample`
beside the one that declares it.
"""

import importlib
import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from workers.exchanges.base import Exchange, Stream
from workers.model.instrument import Instrument

RECEIVED_NS = 1_790_133_900_000_000_000


@dataclass(frozen=True)
class Top:
    """Where a book stands: its id, and best bid and ask as (price, quantity)."""

    last_update_id: int
    bid: tuple[str, str]
    ask: tuple[str, str]


@dataclass(frozen=True)
class Sample:
    """Messages of one exchange.

    Args:
        exchange: what it is of.
        instruments: replies to `instruments_requests`; between them they list `symbol`.
        symbol: ours; all frames but those of `others` are about it.
        frames: one data frame for each channel, whole as it comes through its stream.
        trade: price and quantity of the only or first trade in `frames["trade"]`, in base units.
        book: what a book starts from: a frame where books come on the stream, else a REST reply.
        depth: levels a side the book was asked for.
        updates: frames that continue it, at least two.
        top: where the book stands then.
        others: our symbols of frames about another instrument, by channel.
    """

    exchange: Exchange
    instruments: Sequence[bytes]
    symbol: str
    frames: Mapping[str, bytes]
    trade: tuple[str, str]
    book: bytes
    updates: Sequence[bytes]
    top: Top
    depth: int = 100
    others: Mapping[str, str] = field(default_factory=dict)

    def listed(self) -> list[Instrument]:
        """All instruments in the replies."""
        return [each for body in self.instruments for each in self.exchange.read_instruments(body)]

    def instrument(self) -> Instrument:
        (found,) = (each for each in self.listed() if each.symbol == self.symbol)
        return found

    def mapper(self):
        return self.exchange.mapper([*self.listed(), *self.exchange.indices])

    def streams(self) -> list[Stream]:
        """What is subscribed to for the instrument and the indices, every channel."""
        return self.exchange.streams(
            [self.instrument(), *self.exchange.indices], self.exchange.channels
        )


def sample_of(exchange: Exchange) -> Sample:
    """The exchange's sample.

    Raises:
        LookupError: there is none; says where to write it.
    """
    ours = f"tests.contract.samples.{exchange.name}"
    theirs = f"{type(exchange).__module__.rpartition('.')[0]}.contract_sample".lstrip(".")
    for name in (ours, theirs):
        if importlib.util.find_spec(name) is not None:
            sample: Sample = importlib.import_module(name).SAMPLE
            return sample
    raise LookupError(
        f"{exchange.name} has no messages to be tested with; write them to "
        f"{ours.replace('.', '/')}.py or, outside this repository, to the module {theirs}"
    )
