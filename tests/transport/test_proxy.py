import pytest

from tests.transport import wire
from tests.transport.servers import CA_FILE, WAIT_S, ConnectProxy, RawServer, server_tls
from workers.model.errors import TransportError
from workers.transport.proxy import proxy_for, websocket_options
from workers.transport.websocket import Disconnected, WebSocketConnection

VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    return monkeypatch


def end(connection: WebSocketConnection) -> None:
    connection.abort()
    connection.close()


@pytest.mark.parametrize(
    ("variable", "url"),
    [
        ("http_proxy", "ws://exchange.invalid/ws"),
        ("http_proxy", "http://exchange.invalid/"),
        ("https_proxy", "wss://exchange.invalid:9443/ws"),
        ("HTTPS_PROXY", "https://exchange.invalid/"),
        ("ALL_PROXY", "wss://exchange.invalid/ws"),
    ],
)
def test_the_usual_variables_name_the_proxy(environment, variable, url):
    environment.setenv(variable, "http://proxy.invalid:3128")
    assert proxy_for(url) == "http://proxy.invalid:3128"


def test_without_variables_there_is_no_proxy():
    assert proxy_for("wss://exchange.invalid/ws") is None


def test_a_proxy_for_http_is_none_for_https(environment):
    environment.setenv("http_proxy", "http://proxy.invalid:3128")
    assert proxy_for("wss://exchange.invalid/ws") is None


@pytest.mark.parametrize(
    ("no_proxy", "host", "direct"),
    [
        ("exchange.invalid", "exchange.invalid", True),
        (".invalid", "stream.exchange.invalid", True),
        ("*", "exchange.invalid", True),
        ("other.invalid", "exchange.invalid", False),
    ],
)
def test_no_proxy_names_hosts_reached_directly(environment, no_proxy, host, direct):
    environment.setenv("https_proxy", "http://proxy.invalid:3128")
    environment.setenv("no_proxy", no_proxy)
    assert (proxy_for(f"wss://{host}/ws") is None) is direct


@pytest.mark.parametrize("host", ["127.0.0.1:18080", "127.8.9.1", "localhost:1", "[::1]:80"])
def test_loopback_never_goes_through_a_proxy(environment, host):
    environment.setenv("http_proxy", "http://proxy.invalid:3128")
    assert proxy_for(f"ws://{host}/ws") is None


def test_a_proxy_address_becomes_the_options_of_the_library():
    options = websocket_options("socks5h://me:p%40ss@proxy.invalid")
    assert options["http_proxy_host"] == "proxy.invalid"
    assert options["http_proxy_port"] == 1080
    assert options["proxy_type"] == "socks5h"
    assert options["http_proxy_auth"] == ("me", "p@ss")


@pytest.mark.parametrize("proxy", ["https://proxy.invalid:1", "ftp://proxy.invalid", "http://"])
def test_a_proxy_we_cannot_speak_to_is_refused_with_the_remedy(proxy):
    with pytest.raises(TransportError, match=r"write http://host:port or socks5h://host:port"):
        websocket_options(proxy)


def test_a_proxy_port_that_is_no_number_is_refused():
    with pytest.raises(TransportError, match=r"proxy proxy\.invalid"):
        websocket_options("http://proxy.invalid:port")


def test_an_unusable_proxy_in_the_environment_is_a_failed_connect(environment):
    environment.setenv("https_proxy", "ftp://proxy.invalid")
    connection = WebSocketConnection("wss://exchange.invalid/ws", connect_timeout_s=1)
    with pytest.raises(Disconnected, match="scheme 'ftp'"):
        connection.connect()


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
def test_a_websocket_goes_through_the_proxy_of_the_environment(environment, secure):
    scheme = "wss" if secure else "ws"
    with (
        RawServer(tls=server_tls() if secure else None) as server,
        ConnectProxy(server.port) as proxy,
    ):
        environment.setenv("https_proxy" if secure else "http_proxy", proxy.url)
        connection = WebSocketConnection(
            f"{scheme}://exchange.invalid:9443/ws", connect_timeout_s=WAIT_S, ca_file=CA_FILE
        )
        connection.connect()
        server.peer().send(wire.frame(b"through"))
        assert connection.receive(WAIT_S) == [b"through"]
        end(connection)
    assert proxy.requests[0].startswith(b"CONNECT exchange.invalid:9443 HTTP/1.1\r\n")


def test_a_named_proxy_is_used_with_its_password_and_goes_before_the_environment(environment):
    environment.setenv("http_proxy", "http://127.0.0.1:1")
    with RawServer() as server, ConnectProxy(server.port) as proxy:
        named = proxy.url.replace("http://", "http://me:secret@")
        connection = WebSocketConnection(
            "ws://exchange.invalid/ws", connect_timeout_s=WAIT_S, proxy=named
        )
        connection.connect()
        end(connection)
    assert b"Proxy-Authorization: Basic bWU6c2VjcmV0\r\n" in proxy.requests[0]


def test_an_empty_proxy_means_none_whatever_the_environment_says(environment):
    environment.setenv("http_proxy", "http://127.0.0.1:1")
    environment.setenv("all_proxy", "http://127.0.0.1:1")
    with RawServer() as server:
        connection = WebSocketConnection(server.url, connect_timeout_s=WAIT_S, proxy="")
        connection.connect()
        end(connection)
