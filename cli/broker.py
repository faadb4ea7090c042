"""What a person is told when Redis, and with it every command, is away."""

from collections.abc import Iterator
from contextlib import contextmanager

from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from config.environment import variable_of
from config.settings import RedisSettings
from workers.model.errors import TransportError


@contextmanager
def broker_errors(settings: RedisSettings) -> Iterator[None]:
    """Turn errors of Redis into one line with the remedy.

    Raises:
        TransportError: Redis does not answer.
    """
    try:
        yield
    except (RedisError, OperationalError) as error:
        host, port = variable_of(("redis", "host")), variable_of(("redis", "port"))
        raise TransportError(
            f"Redis does not answer at {settings.host}:{settings.port} ({error}); start the stack "
            f"with `marketprism up`, or correct {host} and {port}"
        ) from error
