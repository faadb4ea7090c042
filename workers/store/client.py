"""The ClickHouse driver's client, and its errors in our words."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from clickhouse_driver import Client
from clickhouse_driver import errors as driver

from config.settings import ClickHouseSettings
from workers.model.errors import StoreError

TRANSIENT_CODES = frozenset(
    {
        159,  # TIMEOUT_EXCEEDED
        202,  # TOO_MANY_SIMULTANEOUS_QUERIES
        209,  # SOCKET_TIMEOUT
        210,  # NETWORK_ERROR
        236,  # ABORTED: shutting down
        241,  # MEMORY_LIMIT_EXCEEDED
        242,  # TABLE_IS_READ_ONLY
        243,  # NOT_ENOUGH_SPACE
        252,  # TOO_MANY_PARTS: merges have to catch up
        394,  # QUERY_WAS_CANCELLED
        667,  # NOT_INITIALIZED
    }
)
"""Answers after which the same query may succeed unchanged."""

DATA_CODES = frozenset(
    {
        6,  # CANNOT_PARSE_TEXT
        26,  # CANNOT_PARSE_QUOTED_STRING
        27,  # CANNOT_PARSE_INPUT_ASSERTION_FAILED
        32,  # ATTEMPT_TO_READ_AFTER_EOF: an empty number
        38,  # CANNOT_PARSE_DATE
        41,  # CANNOT_PARSE_DATETIME
        43,  # ILLEGAL_TYPE_OF_ARGUMENT
        53,  # TYPE_MISMATCH
        69,  # ARGUMENT_OUT_OF_BOUND: a number too large
        70,  # CANNOT_CONVERT_TYPE
        72,  # CANNOT_PARSE_NUMBER
        117,  # INCORRECT_DATA
        130,  # CANNOT_READ_ARRAY_FROM_TEXT
        321,  # VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE
        349,  # CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN: a field is missing
        395,  # FUNCTION_THROW_IF_VALUE_IS_NON_ZERO: a check of ours
        407,  # DECIMAL_OVERFLOW
        467,  # CANNOT_PARSE_BOOL
        691,  # UNKNOWN_ELEMENT_OF_ENUM
    }
)
"""Answers that say something about the rows of an insert, not about the server.

Anything else is not blamed on the rows: an insert is then tried again, loudly, and nothing becomes
a dead letter because of a missing table or a wrong password. Should a code be missing here, the
writer finds wrong rows by their complaints (insert.py) after some retries.
"""


def connect(settings: ClickHouseSettings, database: str | None = None, **session: Any) -> Client:
    """A client; it connects with its first query.

    Args:
        settings: address, account, timeouts.
        database: default `settings.database`.
        session: ClickHouse settings of every query.
    """
    return Client(
        settings.host,
        port=settings.port,
        database=settings.database if database is None else database,
        user=settings.user,
        password=settings.password.get_secret_value(),
        connect_timeout=settings.connect_timeout,
        send_receive_timeout=settings.send_receive_timeout,
        sync_request_timeout=settings.connect_timeout,
        client_name="marketprism",
        settings=session or None,
    )


@contextmanager
def translated(doing: str, *, insert: bool = False) -> Iterator[None]:
    """Turn the driver's errors into StoreError.

    Args:
        doing: what was being done, for the message.
        insert: everything but refused rows is retryable.
    """
    try:
        yield
    except driver.ServerException as error:
        retryable = error.code not in DATA_CODES if insert else error.code in TRANSIENT_CODES
        text = f"{doing}: ClickHouse code {error.code}: {_words(error)}"
        raise StoreError(text, retryable=retryable) from error
    except UnicodeDecodeError as error:
        # It quotes the data it refuses, cut in the middle of a character; trying again is in vain.
        words = " ".join(error.object.decode("utf-8", "replace").split())[:1000]
        raise StoreError(f"{doing}: ClickHouse says {words}", retryable=False) from error
    except (driver.Error, OSError, EOFError) as error:
        raise StoreError(f"{doing}: {_words(error)}", retryable=True) from error


def _words(error: Exception) -> str:
    """The server's words without its stack trace."""
    text = getattr(error, "message", None) or str(error) or repr(error)
    words = str(text).partition("Stack trace:")[0].removeprefix("DB::Exception:")
    if isinstance(error, driver.SocketTimeoutError):
        words = f"ClickHouse did not answer in time {words}"  # the driver gives the address alone
    return " ".join(words.split())[:1000]
