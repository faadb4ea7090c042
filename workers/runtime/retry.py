"""Dead letters sent their way again: a row to its table, a frame through its exchange's mapper.

A letter is removed only when everything in it is stored. That is known from the writer's consumer:
it acknowledges what it stored, and what it refused again only after that is a dead letter anew.
Such a new letter says what the old one says, so it is removed and the old one kept.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from config.queues import DEAD_LETTERS, WRITER
from workers.bus.kept import KeptMessages, Taken
from workers.bus.outgoing import Outgoing
from workers.bus.streams import StreamError
from workers.exchanges.normalize import Normalizer
from workers.model.address import event_type, message_id, subject
from workers.model.codec import decode, encode
from workers.model.errors import MarketPrismError, WireError
from workers.model.instrument import Instrument
from workers.runtime.letters import ROOT, Letter, NotRetryable, read_letter
from workers.writer.routes import Route

LOOK_S = 0.1
TOGETHER = 500
"""Letters sent before their storing is waited for."""

State = Literal["stored", "empty", "refused", "waiting", "impossible"]
"""`empty`: the frame is understood and carries nothing to store. `waiting`: published, and not
stored in time. `impossible`: it could not be sent."""


class Sent(NamedTuple):
    """Something published, and who stores it."""

    taken: Taken
    route: Route


InstrumentsOf = Callable[[str], Sequence[Instrument]]


@dataclass(frozen=True)
class Outcome:
    """What became of one letter; it is removed for the first two states."""

    sequence: int
    subject: str
    state: State
    events: int
    detail: str

    @property
    def removed(self) -> bool:
        """Whether it is a dead letter no more."""
        return self.state in ("stored", "empty")


class Retry:
    """Sends letters again.

    Args:
        kept: the stream of dead letters.
        routes: which consumer stores what.
        instruments_of: everything an exchange lists; may raise MarketPrismError.
        wait_s: how long the writer may take to store what was sent together.
    """

    def __init__(
        self,
        kept: KeptMessages,
        routes: Sequence[Route],
        instruments_of: InstrumentsOf,
        wait_s: float = 30.0,
    ) -> None:
        self._kept, self._wait_s = kept, wait_s
        self._routes = {f"{each.table.event_type}-data": each for each in routes}
        self._instruments_of = instruments_of
        self._normalizers: dict[str, Normalizer] = {}

    async def run(self, letters: Sequence[Letter]) -> list[Outcome]:
        """Send all of them; what became of each, in their order.

        Raises:
            TransportError: NATS did not answer; nothing was removed that is not stored.
        """
        found: list[Outcome] = []
        for begin in range(0, len(letters), TOGETHER):
            found += await self._together(letters[begin : begin + TOGETHER])
        return found

    async def _together(self, letters: Sequence[Letter]) -> list[Outcome]:
        before = await self._kept.last_sequence()
        sent: dict[int, list[Sent]] = {}
        outcomes: dict[int, Outcome] = {}
        for letter in letters:
            try:
                messages = await asyncio.to_thread(self._messages, letter)
                sent[letter.sequence] = [await self._send(letter, each) for each in messages]
            except (NotRetryable, StreamError) as error:
                outcomes[letter.sequence] = _outcome(letter, "impossible", 0, str(error))
        floors = await self._stored([each for those in sent.values() for each in those])
        refused = await self._refused_again(before)
        for letter in letters:
            those = sent.get(letter.sequence)
            if those is not None:
                outcome = _judge(letter, those, floors, refused)
                outcomes[letter.sequence] = outcome
                if outcome.removed:
                    await self._kept.remove(letter.sequence)
        for taken in {each.taken for those in sent.values() for each in those}:
            if (again := refused.get((taken.stream, taken.sequence))) is not None:
                await self._kept.remove(again.sequence)
        return [outcomes[each.sequence] for each in letters]

    def _messages(self, letter: Letter) -> list[Outgoing]:
        if letter.truncated:
            raise NotRetryable(f"only its first {len(letter.content)} bytes were kept")
        if letter.kind == "row":
            return [_row(letter)]
        if letter.kind == "frame":
            return self._events(letter)
        raise NotRetryable(letter.reason)

    def _events(self, letter: Letter) -> list[Outgoing]:
        exchange = letter.source
        received_ns = letter.facts.get("received_ns")
        try:
            if exchange not in self._normalizers:
                listed = self._instruments_of(exchange)
                self._normalizers[exchange] = Normalizer(exchange, listed)
            events = self._normalizers[exchange].events(
                letter.content, received_ns if isinstance(received_ns, int) else letter.stored_ns
            )
        except WireError as error:
            raise NotRetryable(f"still {error.kind}: {error.detail}") from error
        except MarketPrismError as error:
            raise NotRetryable(f"the instruments of {exchange} are needed: {error}") from error
        found = []
        for event in events:
            event.source, event.published_ns = "replay", time.time_ns()
            found.append(
                Outgoing(subject(event), encode(event), message_id(event), event_type(event))
            )
        return found

    async def _send(self, letter: Letter, message: Outgoing) -> Sent:
        route = self._routes.get(message.subject.partition(".")[0])
        if route is None:
            raise NotRetryable(f"no consumer of the writer takes {message.subject}")
        taken = await self._kept.publish(message)
        if taken.duplicate:
            # JetStream remembers the message that was refused; the tables know it by its key.
            again = f"{DEAD_LETTERS}:{letter.sequence}:{letter.stored_ns}:{message.message_id}"
            taken = await self._kept.publish(message._replace(message_id=again))
        return Sent(taken, route)

    async def _stored(self, sent: Sequence[Sent]) -> dict[Route, int]:
        """How far each consumer has stored; waits until all of these are, or time is up."""
        wanted: dict[Route, int] = {}
        for taken, route in sent:
            wanted[route] = max(wanted.get(route, 0), taken.sequence)
        floors = dict.fromkeys(wanted, 0)
        until_s = time.monotonic() + self._wait_s
        while any(floors[route] < last for route, last in wanted.items()):
            for route in wanted:
                floors[route] = await self._floor(route)
            if time.monotonic() > until_s:
                break
            await asyncio.sleep(LOOK_S)
        return floors

    async def _floor(self, route: Route) -> int:
        try:
            return await self._kept.acknowledged(route.stream, route.durable)
        except StreamError:
            return 0  # nobody made the consumer yet, so nobody stores

    async def _refused_again(self, before: int) -> dict[tuple[str, int], Letter]:
        found = {}
        async for kept in self._kept.each(f"{ROOT}{WRITER}.>", before):
            letter = read_letter(kept)
            stream, sequence = letter.facts.get("stream"), letter.facts.get("sequence")
            if isinstance(stream, str) and isinstance(sequence, int):
                found[stream, sequence] = letter
        return found


def _row(letter: Letter) -> Outgoing:
    """The message as it was published; its id is made of its event where it can be read."""
    address = str(letter.facts["subject"])
    try:
        event = decode(letter.content)
        identity, kind = message_id(event), event_type(event)
    except ValueError:
        identity, kind = f"{DEAD_LETTERS}:{letter.sequence}:{letter.stored_ns}", DEAD_LETTERS
    return Outgoing(address, letter.content, identity, kind)


def _judge(
    letter: Letter,
    sent: Sequence[Sent],
    floors: Mapping[Route, int],
    refused: Mapping[tuple[str, int], Letter],
) -> Outcome:
    if not sent:
        return _outcome(letter, "empty", 0, "understood now; it carries nothing to store")
    for taken, _ in sent:
        again = refused.get((taken.stream, taken.sequence))
        if again is not None:
            return _outcome(letter, "refused", len(sent), again.reason)
    for taken, route in sent:
        if floors[route] < taken.sequence:
            where = f"{taken.stream}, message {taken.sequence}"
            detail = f"published ({where}) and not stored in time; is the writer running?"
            return _outcome(letter, "waiting", len(sent), detail)
    return _outcome(letter, "stored", len(sent), "")


def _outcome(letter: Letter, state: State, events: int, detail: str) -> Outcome:
    return Outcome(letter.sequence, letter.subject, state, events, detail)
