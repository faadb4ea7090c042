"""The made-up markets of one dialect: their time, rate, rest and troubles."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

from workers.simulator.faults import SymbolKey
from workers.simulator.hub import Hub
from workers.simulator.market.engine import STEP_US
from workers.simulator.truth import Streams, Truth
from workers.simulator.world import World


class Market(ABC):
    """All symbols of one dialect.

    Attributes:
        publishers: each symbol's market and streams, by the exchange's symbol.
        halted: symbols that stand still.
        gone: symbols that are not listed any more.
        rate: messages a second, all symbols together.

    Args:
        world: time and pace.
        hub: where events go.
        key: from a symbol to what its streams begin with.
        rate: messages a second.
        news_s: between two changes of instruments that are made up; 0 for none.
    """

    def __init__(
        self, world: World, hub: Hub, key: SymbolKey, *, rate: float, news_s: float
    ) -> None:
        self.publishers: dict[str, Streams] = {}
        self.halted: set[str] = set()
        self.gone: set[str] = set()
        self.paused = False
        self.rate = rate
        self.pacer = world.pacer
        self.hub = hub
        self._key = key
        self._news_steps = int(news_s * 1_000_000 / STEP_US)
        self._news_told = self._steps = 0

    def begin(self, after: Sequence[Callable[[], None]] = ()) -> None:
        """Join the world with all publishers; `after` are steps that follow theirs."""
        steps = [each.step for each in self.publishers.values()]
        self.pacer.add([*steps, *after, self._step], self.skip, self.hub.flush)

    @abstractmethod
    def truth(self) -> Truth[Any]:
        """What really happened."""

    @abstractmethod
    def now_us(self) -> int:
        """Engine time."""

    @abstractmethod
    def told(self, name: str) -> None:
        """A symbol was halted, delisted, or is back: say so where the exchange does."""

    @abstractmethod
    def news(self, number: int) -> None:
        """Announce some change of an instrument; numbers count from 0."""

    @abstractmethod
    def maintenance(self, lead_us: int) -> None:
        """Announce that the exchange goes down; most say it to each connection alone."""

    def reset_sequence(self, name: str) -> bool:
        """Begin a symbol's numbers again; False where the exchange never does."""
        return False

    def share(self, name: str) -> float:
        """A symbol's part of the rate."""
        return 1 / len(self.publishers)

    def find(self, symbol: str) -> str | None:
        """The exchange's name of a symbol that is written in some way."""
        wanted = self._key(symbol)
        return next((each for each in self.publishers if self._key(each) == wanted), None)

    def names(self) -> list[str]:
        """What is listed."""
        return [each for each in self.publishers if each not in self.gone]

    def another(self, name: str) -> str:
        """Some other symbol that is listed; the same if there is none."""
        return next((each for each in self.names() if each != name), name)

    async def run(self) -> None:
        """Let time pass, for ever."""
        await self.pacer.run()

    async def pause(self) -> None:
        """Stand still; returns once every book change has been published."""
        self.paused = True
        self._wake()
        while not all(each.settled() for each in self.publishers.values()):
            await self.pacer.burst()

    def resume(self) -> None:
        """Go on."""
        self.paused = False
        self._wake()

    def halt(self, name: str, halted: bool) -> None:
        """Stop or restart one symbol; its status follows."""
        (self.halted.add if halted else self.halted.discard)(name)
        self._wake()
        self.told(name)

    def delist(self, name: str, gone: bool) -> None:
        """Take a symbol off the list, or put it back; its streams are mute meanwhile."""
        (self.gone.add if gone else self.gone.discard)(name)
        self._wake()
        self.told(name)
        (self.hub.close if gone else self.hub.reopen)(self._key(name))

    def empty(self, name: str, side: str | None) -> None:
        """Take all orders of a side away and let none come; None lets both sides fill again."""
        self.publishers[name].engine.empty(side)

    def set_rate(self, rate: float) -> None:
        """Messages a second, all symbols together."""
        self.rate = rate
        for name, publisher in self.publishers.items():
            publisher.engine.set_rate(rate * self.share(name))

    def skip(self, seconds: int) -> None:
        """Let time pass in which nothing happens."""
        for publisher in self.publishers.values():
            publisher.engine.now_us += seconds * 1_000_000

    def _step(self) -> None:
        self._steps += 1
        if self._news_steps and self._steps % self._news_steps == 0 and not self.paused:
            self.news(self._news_told)
            self._news_told += 1

    def _wake(self) -> None:
        still = self.halted | self.gone
        for name, publisher in self.publishers.items():
            publisher.engine.active = not self.paused and name not in still
