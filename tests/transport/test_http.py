import email.utils
import gzip
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.transport.rest import Door
from tests.transport.servers import CA_FILE, WAIT_S, ConnectProxy
from workers.model.clock import ManualClock
from workers.model.errors import ExchangeError, RateLimited, ServiceClosed, TransportError
from workers.model.http import HttpRequest, HttpResponse
from workers.transport.budget import BudgetExhausted, WeightBudget
from workers.transport.headers import retry_after_s
from workers.transport.http import HttpClient
from workers.transport.network import Network

DEPTH = HttpRequest("/api/v3/depth", {"symbol": "BTCUSDT", "limit": "5000"}, weight=250)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(1_700_000_040 * 10**9)


@pytest.fixture
def budget(clock: ManualClock) -> WeightBudget:
    return WeightBudget(6000, 60, clock, wait=clock.advance)


def refused(response: HttpResponse) -> ExchangeError:
    if response.status in (429, 418):
        return RateLimited("binance_spot", -1003, "Too many requests", 7)
    return ExchangeError("binance_spot", response.status, response.body.decode())


@pytest.fixture
def make(budget: WeightBudget) -> Iterator[Callable[..., HttpClient]]:
    made: list[HttpClient] = []

    def make_client(url: str, **options: Any) -> HttpClient:
        fixed = {"exchange": "binance_spot", "timeout_s": WAIT_S, "budget": budget}
        made.append(HttpClient(url, **{**fixed, "read_error": refused, **options}))
        return made[-1]

    yield make_client
    for client in made:
        client.close()


def test_a_call_carries_its_parameters_and_our_name(rest, make):
    rest.answer = lambda door: door.say(200, b'{"lastUpdateId":1}', {"X-Custom": "Y"})
    before_ns = time.time_ns()
    response = make(rest.url).get(DEPTH)
    assert (response.status, response.body) == (200, b'{"lastUpdateId":1}')
    assert response.headers["x-custom"] == "Y"
    assert before_ns <= response.received_ns <= time.time_ns()
    path, headers = rest.requests[0]
    assert path == "/api/v3/depth?symbol=BTCUSDT&limit=5000"
    assert headers["User-Agent"].startswith("marketprism")


def test_calls_share_one_connection(rest, make):
    client = make(rest.url)
    for _ in range(3):
        client.get(DEPTH)
    assert len(rest.ports) == 1


def test_a_call_is_paid_from_the_budget_before_it_is_made(rest, make, budget, clock):
    budget.acquire(4700, 0)
    make(rest.url).get(DEPTH)
    assert clock.now_ns() // (60 * 10**9) == 1_700_000_040 // 60 + 1
    assert budget.used == 250


def test_a_call_the_budget_does_not_allow_in_time_is_not_sent(rest, make, budget):
    budget.acquire(4800, 0)
    with pytest.raises(BudgetExhausted):
        make(rest.url).get(DEPTH, deadline_s=5)
    assert rest.requests == []


def test_a_ban_longer_than_the_deadline_is_not_waited_for(rest, make, budget):
    budget.pause(3 * 86400)
    with pytest.raises(BudgetExhausted):
        make(rest.url).get(DEPTH)
    assert rest.requests == []


def test_a_closed_budget_ends_calls(rest, make, budget):
    budget.close()
    with pytest.raises(ServiceClosed):
        make(rest.url).get(DEPTH)


def test_the_weight_the_exchange_reports_is_observed(rest, make, budget):
    rest.answer = lambda door: door.say(200, headers={"X-MBX-USED-WEIGHT-1M": "4000"})
    make(rest.url, used_weight_header="x-mbx-used-weight-1m").get(DEPTH)
    assert budget.used == 4000


def test_a_report_that_is_no_number_is_ignored_and_logged(rest, make, budget, caplog):
    rest.answer = lambda door: door.say(200, headers={"X-Used": "many"})
    with caplog.at_level(logging.WARNING):
        make(rest.url, used_weight_header="x-used").get(DEPTH)
    assert budget.used == 250
    assert "header x-used says 'many', not a number" in caplog.text


@pytest.mark.parametrize(
    ("status", "headers", "pause_s"),
    [
        pytest.param(429, {"Retry-After": "7"}, 7, id="seconds"),
        pytest.param(418, {"Retry-After": "300"}, 300, id="ban"),
        pytest.param(429, {}, 60, id="no-header-waits-a-window"),
        pytest.param(418, {}, 120, id="ban-without-header"),
        pytest.param(429, {"Retry-After": "soon"}, 60, id="unreadable-header"),
    ],
)
def test_over_the_limit_pauses_the_whole_budget(
    rest, make, budget, clock, status, headers, pause_s
):
    rest.answer = lambda door: door.say(status, b'{"code":-1003}', headers)
    with pytest.raises(RateLimited):
        make(rest.url, clock=clock).get(DEPTH)
    assert budget.delay_s(1) == pytest.approx(pause_s)


def test_retry_after_as_a_date_is_compared_with_now():
    now_s = 1_700_000_000
    assert retry_after_s(email.utils.formatdate(now_s + 90, usegmt=True), now_s * 10**9) == 90
    assert retry_after_s(email.utils.formatdate(now_s - 90, usegmt=True), now_s * 10**9) == 0
    assert retry_after_s(email.utils.formatdate(now_s + 90), now_s * 10**9) == 90


@pytest.mark.parametrize("value", [None, "", "soon", "-5", "1e3", "\u0661"])
def test_a_retry_after_that_says_nothing_is_none(value):
    assert retry_after_s(value, 0) is None


def test_an_error_reply_is_read_by_the_exchange(rest, make):
    rest.answer = lambda door: door.say(400, b"Invalid symbol.")
    with pytest.raises(ExchangeError, match=r"400: Invalid symbol\."):
        make(rest.url).get(DEPTH)


def test_redirects_are_not_followed_and_the_remedy_is_named(rest, start, make):
    other = start()
    rest.answer = lambda door: door.say(301, b"", {"Location": other.url + "/elsewhere"})
    with pytest.raises(TransportError, match=r"not followed.*exchanges\.binance_spot\.rest_url"):
        make(rest.url).get(DEPTH)
    assert other.requests == []


def test_a_body_over_the_limit_is_given_up(rest, make):
    rest.answer = lambda door: door.say(200, b"x" * 2000)
    assert len(make(rest.url, max_body_bytes=2000).get(DEPTH).body) == 2000
    with pytest.raises(TransportError, match="body of more than 1999 bytes"):
        make(rest.url, max_body_bytes=1999).get(DEPTH)


def test_a_small_packed_body_cannot_grow_beyond_the_limit(rest, make):
    packed = gzip.compress(b"\0" * 50_000_000)
    rest.answer = lambda door: door.say(200, packed, {"Content-Encoding": "gzip"})
    with pytest.raises(TransportError, match="body of more than 1000000 bytes"):
        make(rest.url, max_body_bytes=1_000_000).get(DEPTH)


def test_a_packed_body_arrives_unpacked(rest, make):
    body = b'{"bids":[]}' * 20_000
    rest.answer = lambda door: door.say(200, gzip.compress(body), {"Content-Encoding": "gzip"})
    assert make(rest.url).get(DEPTH).body == body


def test_a_chunked_body_arrives_whole(rest, make):
    def answer(door: Door) -> None:
        door.send_response(200)
        door.send_header("Transfer-Encoding", "chunked")
        door.end_headers()
        door.wfile.write(b"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n")

    rest.answer = answer
    assert make(rest.url).get(DEPTH).body == b"hello world"


def test_a_body_that_drips_is_given_up_at_the_deadline(rest, make):
    done = threading.Event()

    def drip(door: Door) -> None:
        door.send_response(200)
        door.send_header("Content-Length", "100000")
        door.end_headers()
        while not done.wait(0.02):
            door.wfile.write(b"x")

    rest.answer = drip
    began_s = time.monotonic()
    with pytest.raises(TransportError, match="deadline passed after"):
        make(rest.url).get(DEPTH, deadline_s=0.3)
    done.set()
    assert time.monotonic() - began_s < 5


def test_a_server_that_never_answers_is_given_up(make):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(TransportError, match=r"depth: 127\.0\.0\.1:\d+: no answer in time$"):
            make(url).get(DEPTH, deadline_s=0.2)


def test_a_body_cut_short_is_an_error(rest, make):
    def answer(door: Door) -> None:
        door.send_response(200)
        door.send_header("Content-Length", "100")
        door.end_headers()
        door.wfile.write(b"half")
        door.close_connection = True

    rest.answer = answer
    with pytest.raises(TransportError, match=r"cut short after 4 bytes, 96 more were announced$"):
        make(rest.url).get(DEPTH)


def test_a_port_nobody_listens_on_is_an_error(make):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(TransportError, match=rf"depth: 127\.0\.0\.1:{port}: connection refused"):
        make(f"http://127.0.0.1:{port}").get(DEPTH)


def test_certificates_are_verified_and_a_private_authority_can_be_named(start, make):
    rest = start(secure=True)
    with pytest.raises(TransportError, match="signed by an authority we do not know"):
        make(rest.url).get(DEPTH)
    assert make(rest.url, network=Network(ca_file=CA_FILE)).get(DEPTH).status == 200


def test_calls_go_through_the_proxy_of_the_environment(start, make, monkeypatch):
    rest = start(secure=True)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with ConnectProxy(rest.server_port) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url)
        client = make("https://exchange.invalid", network=Network(ca_file=CA_FILE))
        assert client.get(DEPTH).status == 200
        client.close()
    assert proxy.requests[0].startswith(b"CONNECT exchange.invalid:443 ")


def test_passwords_in_a_home_directory_are_not_sent(rest, make, monkeypatch, tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    make(rest.url).get(DEPTH)
    assert "Authorization" not in rest.requests[0][1]
