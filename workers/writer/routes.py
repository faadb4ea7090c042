"""Which consumer of which stream fills which table; read from nats_unified_streams.yaml. Pure."""

from collections.abc import Mapping
from typing import NamedTuple

from config import ConfigError, Problem
from config.queues import WRITER, subject
from workers.bus.streams import Consumer, Stream
from workers.store.tables import TABLES, Table


class Route(NamedTuple):
    """One durable consumer and the table it fills.

    Args:
        stream: name of the JetStream stream.
        durable: name of its consumer: `writer`, or `writer-book-audit` where types share a stream.
        table: where the events go.
        whole: the consumer takes every message of its stream.
    """

    stream: str
    durable: str
    table: Table
    whole: bool

    @property
    def name(self) -> str:
        """`TRADES`; the second and later ones of a shared stream `FACTS book-audit`."""
        return f"{self.stream}{self.durable.removeprefix(WRITER).replace('-', ' ', 1)}"


def routes(streams: Mapping[str, Stream], file: str) -> list[Route]:
    """A route for every table.

    Args:
        streams: the declared ones.
        file: where, for errors.

    Raises:
        ConfigError: a table has none or more than one; a consumer takes what belongs in no table.
    """
    by_subject = {subject(each.event_type, ">", "").rstrip("."): each for each in TABLES.values()}
    found: dict[str, list[Route]] = {name: [] for name in TABLES}
    problems = []
    for stream, declared in streams.items():
        for durable, consumer in declared.consumers.items():
            if durable != WRITER and not durable.startswith(f"{WRITER}-"):
                continue
            table = by_subject.get(_taken(declared, consumer))
            if table is None:
                path = f"streams.{stream}.consumers.{durable}"
                remedy = f"take the subject of one type: {', '.join(sorted(by_subject))}"
                problems.append(Problem(path, repr(_taken(declared, consumer)), remedy, file))
            else:
                whole = consumer.filter is None
                found[table.name].append(Route(stream, durable, table, whole))
    for name, each in found.items():
        if len(each) != 1:
            wanted = f"declare one consumer {WRITER} for {TABLES[name].event_type}-data.>"
            problems.append(Problem("streams", f"{len(each)} for table {name}", wanted, file))
    if problems:
        raise ConfigError(problems)
    return [each for [each] in found.values()]


def _taken(stream: Stream, consumer: Consumer) -> str:
    return consumer.filter or " ".join(stream.subjects)
