"""What was asked of an exchange on one connection, and what became of it. Pure.

An exchange says no in three ways: to one stream of a request (OKX), by leaving it out of the list
of accepted ones (Deribit), or to the request as a whole (all of them, for what they cannot read).
The streams of a request that was refused as a whole are asked for again in two halves, until the
one that is bad stands alone. What was refused is asked for again rarely, apart from the others.
"""

from collections.abc import Iterable, Sequence

from workers.exchanges.base import Acknowledged, Exchange, Stream

STREAMS_PER_REQUEST = 200
"""Of one subscribe message, so that its answer is known to be about these."""
ANSWER_S = 15.0
"""An exchange that has not answered by then is not going to; data is what proves a stream."""
REFUSED_AGAIN_S = 600.0
"""A refused stream is asked for again this often: a listing may come or come back."""

Requests = list[tuple[int, bytes]]
"""Messages to send, with their ids."""


class _Asked:
    """One subscribe message that was not answered in full."""

    __slots__ = ("answers", "by_name", "error", "left", "sent_s")

    def __init__(self, by_name: dict[str, list[Stream]]) -> None:
        self.by_name, self.left = by_name, set(by_name)
        self.answers = 0
        self.error: str | None = None
        self.sent_s: float | None = None

    @property
    def untouched(self) -> bool:
        """None of several streams was accepted."""
        return len(self.left) == len(self.by_name) > 1

    def streams(self) -> list[Stream]:
        """Those not accepted."""
        return [each for name in self.by_name if name in self.left for each in self.by_name[name]]


class Subscriptions:
    """The requests of one connection.

    Attributes:
        refused: streams the exchange does not give, with its words.
        refusals: how often it refused one since the connection began.
    """

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._request_id = 1
        self._asked: dict[int, _Asked] = {}
        self._refused_s: dict[Stream, float] = {}
        self.refused: dict[Stream, str] = {}
        self.refusals = 0

    @property
    def settled(self) -> bool:
        """Every subscribe message was answered."""
        return not self._asked

    def subscribe(self, streams: Sequence[Stream]) -> Requests:
        """Messages that ask for streams; those refused before come last, apart from the others."""
        bad = [each for each in streams if each in self.refused]
        good = [each for each in streams if each not in self.refused]
        return [*self._subscribe(good), *self._subscribe(bad)]

    def unsubscribe(self, streams: Sequence[Stream]) -> Requests:
        """Messages that end streams; their answers mean nothing."""
        messages = self._exchange.unsubscribe(streams, self._request_id) if streams else []
        return [(self._next_id(), each) for each in messages]

    def sent(self, request_id: int, now_s: float) -> None:
        """A message went out."""
        if request_id in self._asked:
            self._asked[request_id].sent_s = now_s

    def answered(self, answer: Acknowledged, now_s: float) -> Requests:
        """Take an answer; messages to send because of it."""
        asked = self._asked.get(answer.request_id) if type(answer.request_id) is int else None
        if asked is None:
            return []
        asked.answers += 1
        asked.error = answer.error or asked.error
        if answer.accepted is not None:
            asked.left.difference_update(answer.accepted)
        elif answer.error is None:
            asked.left.clear()
        whole = not self._exchange.answers_each_stream
        if not asked.left or whole or asked.answers >= len(asked.by_name):
            del self._asked[answer.request_id]  # type: ignore[arg-type]  # it is a key
            return self._decided(asked, now_s)
        return []

    def tick(self, now_s: float) -> Requests:
        """Messages due by now: halves of requests half answered, and refused streams again."""
        requests: Requests = []
        for request_id, asked in list(self._asked.items()):
            if asked.sent_s is not None and now_s - asked.sent_s > ANSWER_S:
                del self._asked[request_id]
                if asked.error is not None:
                    requests += self._decided(asked, now_s)
        due = [each for each, at_s in self._refused_s.items() if now_s - at_s > REFUSED_AGAIN_S]
        if due:
            self._refused_s.update(dict.fromkeys(due, now_s))
            requests += self._subscribe(due)
        return requests

    def remember(self, refused: dict[Stream, str], now_s: float) -> None:
        """Streams that were refused on the connection before."""
        self.refused.update(refused)
        self._refused_s.update(dict.fromkeys(refused, now_s))

    def forget(self, streams: Iterable[Stream]) -> None:
        """What nobody wants any more is neither refused nor asked for again."""
        gone = set(streams)
        for each in gone:
            self.refused.pop(each, None)
            self._refused_s.pop(each, None)
        for asked in self._asked.values():
            asked.left = {name for name in asked.left if not gone.issuperset(asked.by_name[name])}

    def _decided(self, asked: _Asked, now_s: float) -> Requests:
        """Note what was accepted and refused; ask again where a whole request was refused."""
        left = asked.streams()
        for each in [each for every in asked.by_name.values() for each in every]:
            if each not in left:
                self.refused.pop(each, None)
                self._refused_s.pop(each, None)
        if not left:
            return []
        if asked.untouched and asked.error is not None:
            half = len(left) // 2
            return [*self._subscribe(left[:half]), *self._subscribe(left[half:])]
        for each in left:
            self.refusals += 1
            self.refused[each] = asked.error or "not accepted"
            self._refused_s[each] = now_s
        return []

    def _subscribe(self, streams: Sequence[Stream]) -> Requests:
        requests: Requests = []
        for chunk in _chunks(streams):
            by_name: dict[str, list[Stream]] = {}
            for each in chunk:
                by_name.setdefault(self._exchange.channel_name(each), []).append(each)
            for message in self._exchange.subscribe(chunk, self._request_id):
                request_id = self._next_id()
                self._asked[request_id] = _Asked(by_name)
                requests.append((request_id, message))
        return requests

    def _next_id(self) -> int:
        self._request_id += 1
        return self._request_id - 1


def _chunks(streams: Sequence[Stream]) -> Iterable[Sequence[Stream]]:
    for start in range(0, len(streams), STREAMS_PER_REQUEST):
        yield streams[start : start + STREAMS_PER_REQUEST]
