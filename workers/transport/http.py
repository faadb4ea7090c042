"""REST calls to one exchange: budget, deadline, size limit. Bodies are bytes, never parsed here.

One call is one attempt; call.py repeats what may be repeated.
"""

import logging
import ssl
from collections.abc import Callable
from typing import Any, Protocol
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter

from workers.model.clock import Clock, SystemClock
from workers.model.errors import ExchangeError, RateLimited
from workers.model.http import HttpRequest, HttpResponse
from workers.transport.budget import Priority
from workers.transport.failures import CallFailed, explain
from workers.transport.headers import retry_after_s, user_agent
from workers.transport.network import Network

log = logging.getLogger(__name__)

DEFAULT_MAX_BODY_BYTES = 64 * 1024 * 1024
BAN_S = 120.0
"""Pause after a 418 without Retry-After: the shortest ban Binance documents."""
_READ_BYTES = 64 * 1024
_OVER_LIMIT, _BANNED = 429, 418


class Budget(Protocol):
    """What calls are paid from: `WeightBudget`, or `RateBudget` where processes share it."""

    @property
    def window_s(self) -> float:
        """Length of the weight's window."""
        ...

    def acquire(
        self,
        weight: int,
        deadline_s: float,
        priority: Priority = "resync",
        bucket: str | None = None,
    ) -> None:
        """Take the weight, and a call of the bucket, or raise."""
        ...

    def observe(self, used: int, asked_ns: int | None = None) -> None:
        """Take over the weight the exchange reports."""
        ...

    def pause(self, seconds: float, bucket: str | None = None) -> None:
        """Send nothing for so long."""
        ...


class HttpClient:
    """GETs below one address, each paid from a budget. For one thread at a time.

    Args:
        base_url: the exchange's `rest_url`, without a slash at the end.
        exchange: its name, for error messages.
        timeout_s: for connecting and for each read of a reply; a whole call also has a deadline.
        budget: weight is taken from it before a call; shared by all clients of the exchange.
        read_error: turns a reply of status 400 or above into the error that is raised.
        used_weight_header: lower-case name of the header that tells the weight used; None: none.
        max_body_bytes: a longer body (unpacked) is a TransportError.
        network: proxy and trusted authorities; default: the environment's.
        clock: stamps `received_ns` and measures deadlines.
    """

    def __init__(
        self,
        base_url: str,
        *,
        exchange: str,
        timeout_s: float,
        budget: Budget,
        read_error: Callable[[HttpResponse], ExchangeError],
        used_weight_header: str | None = None,
        max_body_bytes: int = DEFAULT_MAX_BODY_BYTES,
        network: Network | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        parts = urlsplit(self._base_url)
        self._address = f"{parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 80)}"
        self._exchange = exchange
        self._timeout_s = timeout_s
        self._budget = budget
        self._read_error = read_error
        self._used_weight_header = used_weight_header
        self._max_body_bytes = max_body_bytes
        self._clock: Clock = clock if clock is not None else SystemClock()
        network = network if network is not None else Network()
        self._session = requests.Session()
        # No .netrc, and proxy and authorities are chosen by the rules the WebSockets follow.
        self._session.trust_env = False
        self._session.headers["User-Agent"] = user_agent()
        self._proxy = network.proxy_for(self._base_url)
        if self._proxy:
            self._session.proxies = {"http": self._proxy.url, "https": self._proxy.url}
            self._address += f" through {self._proxy.name}"
        adapter = _VerifyingAdapter(network.tls())
        self._session.mount("http://", adapter)
        self._session.mount("https://", adapter)

    def get(
        self,
        request: HttpRequest,
        deadline_s: float | None = None,
        priority: Priority = "resync",
    ) -> HttpResponse:
        """Make the call once there is budget for it; status below 300.

        Args:
            request: path, parameters, weight and bucket.
            deadline_s: seconds for everything, waiting for the budget included; None: one window
                of the budget plus `timeout_s`.
            priority: how much of the budget the call may use.

        Raises:
            BudgetExhausted: the budget does not allow it in time; nothing was sent.
            ServiceClosed: the budget was closed while waiting.
            CallFailed: network trouble, a redirect, a body too long, or the deadline.
            ExchangeError: what `read_error` made of a status of 400 or above; RateLimited, and any
                429 and 418, also pause the budget, for `Retry-After` where it is given.
        """
        allowed_s = self._budget.window_s + self._timeout_s if deadline_s is None else deadline_s
        end_s = self._clock.monotonic_s() + allowed_s
        self._budget.acquire(request.weight, allowed_s, priority, request.bucket)
        where = self.where(request)
        timeout_s = min(self._timeout_s, end_s - self._clock.monotonic_s())
        if timeout_s <= 0:
            raise CallFailed(f"{where}: no time left of {allowed_s:.1f} s; not sent", "timeout")
        asked_ns = self._clock.now_ns()
        try:
            with self._session.get(
                self._base_url + request.path,
                params=dict(request.params),
                timeout=timeout_s,
                allow_redirects=False,
                stream=True,
            ) as reply:
                body = self._read_body(reply, end_s, where)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            outcome, words = explain(error)
            raise CallFailed(f"{where}: {self._address}: {words}", outcome) from error
        response = HttpResponse(
            status=reply.status_code,
            headers={name.lower(): value for name, value in reply.headers.items()},
            body=body,
            received_ns=self._clock.now_ns(),
        )
        self._observe(response, asked_ns)
        if 300 <= response.status < 400:
            target = response.headers.get("location", "nowhere")
            raise CallFailed(
                f"{where}: answered {response.status}, redirect to {target}; not followed, put the "
                f"right address into exchanges.{self._exchange}.rest_url",
                "redirected",
            )
        if response.status >= 400:
            raise self._refusal(request, response)
        return response

    def where(self, request: HttpRequest) -> str:
        """Exchange, method and path, for messages."""
        return f"{self._exchange}: GET {request.path}"

    def pause(self, request: HttpRequest, seconds: float) -> None:
        """Pause the budget: an answer of status 200 said that a limit was passed."""
        self._budget.pause(seconds, request.bucket)

    def close(self) -> None:
        """Close the connections kept open; the budget stays usable for others."""
        self._session.close()

    def _read_body(self, reply: requests.Response, end_s: float, where: str) -> bytes:
        body = bytearray()
        # read1 returns after one read of the socket, so a slow server cannot hold us in it.
        while part := reply.raw.read1(_READ_BYTES, decode_content=True):
            body += part
            if len(body) > self._max_body_bytes:
                raise CallFailed(
                    f"{where}: body of more than {self._max_body_bytes} bytes; given up", "oversize"
                )
            if self._clock.monotonic_s() > end_s:
                raise CallFailed(
                    f"{where}: deadline passed after {len(body)} bytes of the body; given up",
                    "timeout",
                )
        return bytes(body)

    def _observe(self, response: HttpResponse, asked_ns: int) -> None:
        """Correct the budget by what the exchange says."""
        used = response.headers.get(self._used_weight_header or "")
        if used is None:
            return
        if used.isascii() and used.isdigit():
            self._budget.observe(int(used), asked_ns)
        else:
            log.warning(
                "%s: header %s says %r, not a number; ignored",
                self._exchange,
                self._used_weight_header,
                used[:64],
            )

    def _refusal(self, request: HttpRequest, response: HttpResponse) -> ExchangeError:
        """The error of a reply of status 400 or above; pauses the budget where it asks for it."""
        error = self._read_error(response)
        error.status = response.status
        asked_s = retry_after_s(response.headers.get("retry-after"), self._clock.now_ns())
        if response.status == _BANNED:
            # A ban is of the address, whatever was asked.
            self._budget.pause(BAN_S if asked_s is None else asked_s)
        elif response.status == _OVER_LIMIT or isinstance(error, RateLimited):
            named_s = error.retry_after_s if isinstance(error, RateLimited) else 0.0
            if asked_s is None:
                whole_window = response.status == _OVER_LIMIT
                asked_s = max(named_s, self._budget.window_s if whole_window else 0.0)
            self._budget.pause(asked_s, request.bucket)
        return error


class _VerifyingAdapter(HTTPAdapter):
    """One connection, TLS verified by a given context, of a proxy too; no retries."""

    def __init__(self, tls: ssl.SSLContext) -> None:
        self._tls = tls
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """Have connections verified by the context."""
        super().init_poolmanager(*args, **options, ssl_context=self._tls)

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        """Likewise through a proxy."""
        if proxy.startswith("https:"):
            options["proxy_ssl_context"] = self._tls
        return super().proxy_manager_for(proxy, **options, ssl_context=self._tls)

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Keep requests from adding its own authorities to the context."""
        conn.cert_reqs = "CERT_REQUIRED"
