"""What went wrong on the way to an exchange, in one plain line and with a name that is counted.

The libraries below (requests, urllib3, websocket-client, python-socks, PySocks, ssl) wrap each
other's errors two to five deep; the cause that a person can act on is the innermost.
"""

import http.client
import socket
import ssl
from collections.abc import Iterator
from typing import Literal

from workers.model.errors import TransportError

Outcome = Literal[
    "ok",
    "timeout",  # no connection, or no whole reply, in time
    "network",  # refused, reset, cut short, no such name
    "proxy",  # the proxy could not be used or refused
    "certificate",  # the peer did not prove who it is
    "redirected",  # 3xx: the address is wrong
    "oversize",  # a body over the limit
    "server_error",  # 5xx
    "maintenance",  # a page for people, where data was expected
    "empty",  # no body
    "malformed",  # a body that is not JSON
    "unexpected",  # JSON that is not what is documented
    "other_symbol",  # an answer to another question
    "refused",  # 4xx, or an error code in the body
    "rate_limited",  # over the limit
    "banned",  # 418
    "no_budget",  # our own budget did not allow it in time; not sent
    "breaker_open",  # the endpoint failed too often; not sent
    "closed",  # this process is stopping; not sent
]

_CERTIFICATE = {
    9: "its certificate is not valid yet",
    10: "its certificate has expired",
    18: "its certificate is signed by itself, not by an authority we know",
    19: "its certificate is signed by an authority we do not know; name it as network.ca_file",
    20: "its certificate is signed by an authority we do not know; name it as network.ca_file",
    21: "its certificate is signed by an authority we do not know; name it as network.ca_file",
    62: "its certificate is for another host",
    64: "its certificate is for another address",
}
"""By OpenSSL's verify code (x509_vfy.h)."""


class CallFailed(TransportError):
    """A call that failed on its way.

    Args:
        message: where, and the cause in plain words.
        outcome: the name it is counted under.
    """

    def __init__(self, message: str, outcome: Outcome) -> None:
        super().__init__(message)
        self.outcome: Outcome = outcome


def explain(error: BaseException) -> tuple[Outcome, str]:
    """The name and the cause, in plain words, of an error of a network library."""
    chain = list(_chain(error))
    for each in chain:
        if isinstance(each, ssl.SSLCertVerificationError):
            return "certificate", _certificate(each)
    through_proxy = any("Proxy" in type(each).__name__ for each in chain)
    outcome, words = _cause(chain)
    if through_proxy:
        return "proxy", f"the proxy did not lead there: {words}"
    return outcome, words


def _cause(chain: list[BaseException]) -> tuple[Outcome, str]:
    for each in reversed(chain):
        name = type(each).__name__
        if isinstance(each, socket.gaierror):
            return "network", "no such host name, or the name server is away"
        if isinstance(each, TimeoutError) or "Timeout" in name:
            connecting = any("ConnectTimeout" in type(one).__name__ for one in chain)
            return "timeout", "no connection in time" if connecting else "no answer in time"
        if isinstance(each, ConnectionRefusedError):
            return "network", "connection refused, nothing listens there"
        if isinstance(each, http.client.RemoteDisconnected):
            return "network", "the peer ended the connection without an answer"
        if isinstance(each, ConnectionError) and each.errno is not None:
            return "network", "the peer ended the connection"
        if isinstance(each, http.client.IncompleteRead) or name == "IncompleteRead":
            return "network", _cut_short(each)
        if isinstance(each, ssl.SSLError):
            return "network", f"no TLS spoken there ({each.reason or each})"
    last = chain[-1]
    text = " ".join(str(getattr(last, "strerror", None) or last).split())
    return "network", text or type(last).__name__


def _cut_short(error: BaseException) -> str:
    partial = getattr(error, "partial", b"")
    held = partial if isinstance(partial, int) else len(partial)
    missing = getattr(error, "expected", None)
    rest = f", {missing} more were announced" if missing is not None else ""
    return f"the body was cut short after {held} bytes{rest}"


def _certificate(error: ssl.SSLCertVerificationError) -> str:
    words = _CERTIFICATE.get(error.verify_code, "its certificate was not accepted")
    return f"{words} ({error.verify_message})"


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and what it wraps, outermost first; each once."""
    seen: set[int] = set()
    pending: list[object] = [error]
    while pending:
        each = pending.pop(0)
        if not isinstance(each, BaseException) or id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        pending += [
            *each.args,
            getattr(each, "reason", None),
            getattr(each, "original_error", None),
            getattr(each, "socket_err", None),
            each.__cause__,
            each.__context__,
        ]
