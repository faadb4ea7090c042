import pytest

from workers.model.errors import TransportError
from workers.transport.network import Network
from workers.transport.proxy import Proxy
from workers.transport.websocket import Disconnected, WebSocketConnection

VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    return monkeypatch


def proxy_for(url: str) -> str | None:
    proxy = Network().proxy_for(url)
    return proxy.url if proxy else None


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


def test_a_proxy_address_is_read_and_its_password_is_not_shown():
    proxy = Proxy.parse("socks5h://me:p%40ss@proxy.invalid")
    assert (proxy.kind, proxy.host, proxy.port) == ("socks5h", "proxy.invalid", 1080)
    assert (proxy.username, proxy.password) == ("me", "p@ss")
    assert proxy.url == "socks5h://me:p%40ss@proxy.invalid:1080"
    assert "p@ss" not in f"{proxy!r} {proxy.name} {Network(proxy=proxy.url)!r}"


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("proxy.invalid:3128", "http://proxy.invalid:3128"),
        ("https://proxy.invalid", "https://proxy.invalid:443"),
        ("socks://proxy.invalid", "socks5h://proxy.invalid:1080"),
        ("http://[::1]:3128", "http://[::1]:3128"),
    ],
)
def test_what_an_address_leaves_out_is_the_usual(address, name):
    assert Proxy.parse(address).name == name


@pytest.mark.parametrize("proxy", ["ftp://proxy.invalid", "http://", "quic://me:secret@x:1"])
def test_a_proxy_we_cannot_speak_to_is_refused_with_the_remedy(proxy):
    with pytest.raises(TransportError, match=r"write http://host:port or socks5h://host:port") as e:
        Proxy.parse(proxy)
    assert "secret" not in str(e.value)


def test_a_proxy_port_that_is_no_number_is_refused():
    with pytest.raises(TransportError, match=r"proxy proxy\.invalid"):
        Proxy.parse("http://proxy.invalid:port")


@pytest.mark.parametrize("host", ["127.0.0.1:18080", "exchange.invalid"])
def test_a_proxy_of_the_settings_goes_before_the_environment_and_for_loopback(environment, host):
    environment.setenv("all_proxy", "http://other.invalid:1")
    environment.setenv("no_proxy", "*")
    proxy = Network(proxy="http://proxy.invalid:3128").proxy_for(f"wss://{host}/ws")
    assert proxy is not None
    assert proxy.host == "proxy.invalid"


@pytest.mark.parametrize(
    ("host", "direct"),
    [
        ("10.1.2.3", True),
        ("11.1.2.3", False),
        ("stream.exchange.invalid", True),
        ("myexchange.invalid", False),
        ("[fd00::1]", True),
    ],
)
@pytest.mark.parametrize("named", ["settings", "environment"])
def test_exempt_hosts_of_the_settings_are_reached_directly(environment, host, direct, named):
    environment.setenv("https_proxy", "http://proxy.invalid:3128")
    network = Network(
        proxy="http://proxy.invalid:3128" if named == "settings" else None,
        no_proxy=("10.0.0.0/8", ".exchange.invalid", "fd00::/8"),
    )
    assert (network.proxy_for(f"wss://{host}/ws") is None) is direct


def test_limits_are_counted_for_the_proxy_calls_leave_from(environment):
    url = "https://exchange.invalid"
    assert Network().egress(url) == "direct"
    assert Network(proxy="http://me:x@proxy.invalid:3128").egress(url) == "proxy.invalid:3128"
    assert Network(proxy="http://proxy.invalid:3128", egress_name="berlin").egress(url) == "berlin"


def test_an_unusable_proxy_in_the_environment_is_a_failed_connect(environment):
    environment.setenv("https_proxy", "ftp://proxy.invalid")
    connection = WebSocketConnection("wss://exchange.invalid/ws", connect_timeout_s=1)
    with pytest.raises(Disconnected, match="scheme 'ftp'"):
        connection.connect()
