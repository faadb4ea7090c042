"""Through real proxies on loopback, REST and WebSocket alike; what passed is counted there."""

from collections.abc import Callable, Iterator

import pytest

from tests.transport import wire
from tests.transport.proxies import SocksProxy, TlsFront
from tests.transport.rest import Rest
from tests.transport.servers import CA_FILE, WAIT_S, ConnectProxy, RawServer, server_tls
from workers.model.errors import ExchangeError
from workers.model.http import HttpRequest
from workers.transport.budget import WeightBudget
from workers.transport.failures import CallFailed
from workers.transport.http import HttpClient
from workers.transport.network import Network
from workers.transport.websocket import Disconnected, WebSocketConnection

SECURE = pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
NAMED = "exchange.invalid"
"""A name in the certificate that no name server knows: the proxy has to find it."""


@pytest.fixture(autouse=True)
def environment(monkeypatch) -> pytest.MonkeyPatch:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    return monkeypatch


@pytest.fixture
def get() -> Iterator[Callable[..., bytes]]:
    made: list[HttpClient] = []

    def get(url: str, network: Network) -> bytes:
        client = HttpClient(
            url,
            exchange="x",
            timeout_s=WAIT_S,
            budget=WeightBudget(1000, 3600),
            read_error=lambda response: ExchangeError("x", response.status, "no"),
            network=network,
        )
        made.append(client)
        return client.get(HttpRequest("/time")).body

    yield get
    for client in made:
        client.close()


def exchange(server: RawServer, url: str, network: Network) -> None:
    """Connect, send and receive a message, a large one too, time out, close."""
    connection = WebSocketConnection(url, connect_timeout_s=WAIT_S, network=network)
    connection.connect()
    peer = server.peer()
    peer.send(wire.frame(b"hello"))
    assert connection.receive(WAIT_S) == [b"hello"]
    connection.send("asked")
    assert peer.read_frame()[1] == b"asked"
    assert connection.receive(0) == []
    assert connection.receive(0.01) == []
    peer.send(wire.frame(b"x" * 300_000))
    assert connection.receive(WAIT_S) == [b"x" * 300_000]
    connection.abort()
    with pytest.raises(Disconnected, match="aborted"):
        connection.receive(WAIT_S)
    connection.close()


def websocket_url(server: RawServer, secure: bool, host: str = NAMED) -> str:
    return f"{'wss' if secure else 'ws'}://{host}:{server.port}/ws"


@SECURE
def test_a_websocket_goes_through_the_http_proxy_of_the_environment(environment, secure):
    with (
        RawServer(tls=server_tls() if secure else None) as server,
        ConnectProxy(server.port) as proxy,
    ):
        environment.setenv("https_proxy" if secure else "http_proxy", proxy.url)
        exchange(server, websocket_url(server, secure), Network(ca_file=CA_FILE))
        asked = f"CONNECT {NAMED}:{server.port} HTTP/1.1\r\n".encode()
    assert proxy.requests[0].startswith(asked)


def test_a_named_proxy_is_used_with_its_password_and_goes_before_the_environment(environment):
    environment.setenv("http_proxy", "http://127.0.0.1:1")
    with RawServer() as server, ConnectProxy(server.port) as proxy:
        named = proxy.url.replace("http://", "http://me:secret@")
        exchange(server, server.url, Network(proxy=named))
    assert b"Proxy-Authorization: Basic bWU6c2VjcmV0\r\n" in proxy.requests[0]


def test_an_empty_proxy_means_none_whatever_the_environment_says(environment):
    environment.setenv("http_proxy", "http://127.0.0.1:1")
    environment.setenv("all_proxy", "http://127.0.0.1:1")
    with RawServer() as server:
        exchange(server, server.url, Network(proxy=""))


@SECURE
def test_a_websocket_goes_through_a_proxy_that_speaks_tls(secure):
    with (
        RawServer(tls=server_tls() if secure else None) as server,
        ConnectProxy(server.port) as proxy,
        TlsFront(server_tls(), int(proxy.url.rpartition(":")[2])) as front,
    ):
        network = Network(proxy=front.url, ca_file=CA_FILE)
        exchange(server, websocket_url(server, secure), network)
    assert len(proxy.requests) == 1
    assert front.passed > 300_000


@SECURE
@pytest.mark.parametrize("login", [None, ("me", "p@ss")], ids=["open", "with-password"])
def test_a_websocket_goes_through_a_socks_proxy_that_finds_the_name(secure, login):
    with (
        RawServer(tls=server_tls() if secure else None) as server,
        SocksProxy(server.port, login) as proxy,
    ):
        named = proxy.url("socks5h").replace("p@ss", "p%40ss")
        network = Network(proxy=named, ca_file=CA_FILE)
        exchange(server, websocket_url(server, secure), network)
        assert proxy.asked == [(NAMED, server.port)]
    assert proxy.logins == ([login] if login else [])
    assert proxy.passed > 300_000


def test_socks5_finds_the_name_here():
    with RawServer() as server, SocksProxy(server.port) as proxy:
        url = websocket_url(server, False, "localhost")
        exchange(server, url, Network(proxy=proxy.url("socks5")))
        assert proxy.asked == [("127.0.0.1", server.port)]


@pytest.mark.parametrize("kind", ["http", "https", "socks5h", "socks5h-with-password"])
def test_rest_calls_go_through_each_kind_of_proxy(start, get, kind):
    rest: Rest = start(secure=True)
    url = f"https://{NAMED}:{rest.server_port}"
    if kind.startswith("socks5h"):
        login = ("me", "secret") if kind.endswith("password") else None
        with SocksProxy(rest.server_port, login) as socks:
            network = Network(proxy=socks.url("socks5h"), ca_file=CA_FILE)
            assert get(url, network) == b"{}"
            assert socks.asked == [(NAMED, rest.server_port)]
            assert socks.logins == ([login] if login else [])
        return
    with (
        ConnectProxy(rest.server_port) as proxy,
        TlsFront(server_tls(), int(proxy.url.rpartition(":")[2])) as front,
    ):
        address = front.url if kind == "https" else proxy.url
        assert get(url, Network(proxy=address, ca_file=CA_FILE)) == b"{}"
        assert proxy.requests[0].startswith(f"CONNECT {NAMED}:".encode())
        assert (front.passed > 0) is (kind == "https")


def test_a_refusal_of_the_proxy_names_it_without_its_password(get):
    refusal = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"
    with ConnectProxy(1, refusal) as proxy:
        named = proxy.url.replace("http://", "http://me:secret@")
        network = Network(proxy=named)
        connection = WebSocketConnection(
            f"wss://{NAMED}/ws", connect_timeout_s=WAIT_S, network=network
        )
        with pytest.raises(Disconnected) as ended:
            connection.connect()
        with pytest.raises(CallFailed) as failed:
            get(f"https://{NAMED}", network)
    assert failed.value.outcome == "proxy"
    for text in (str(ended.value), str(failed.value)):
        assert f"through {proxy.url}: the proxy did not lead there: " in text
        assert "407" in text
        assert "secret" not in text


def test_a_socks_proxy_that_does_not_allow_it_is_a_failed_connect():
    with SocksProxy(1, reply=2) as proxy:
        network = Network(proxy=proxy.url("socks5h"))
        connection = WebSocketConnection(
            f"ws://{NAMED}/ws", connect_timeout_s=WAIT_S, network=network
        )
        with pytest.raises(Disconnected, match="not allowed by ruleset"):
            connection.connect()


@pytest.mark.parametrize("kind", ["http", "https", "socks5h"])
def test_a_proxy_that_is_away_is_named(get, kind):
    with RawServer() as gone:
        address = f"{kind}://127.0.0.1:{gone.port}"
    network = Network(proxy=address)
    connection = WebSocketConnection(f"wss://{NAMED}/ws", connect_timeout_s=WAIT_S, network=network)
    with pytest.raises(Disconnected) as ended:
        connection.connect()
    with pytest.raises(CallFailed) as failed:
        get(f"https://{NAMED}", network)
    for text in (str(ended.value), str(failed.value)):
        assert text.endswith(
            f"through {address}: the proxy did not lead there: connection refused, "
            "nothing listens there"
        )
