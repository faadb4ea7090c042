"""Certificates are verified, for REST and WebSocket alike, and a refusal says what is wrong."""

import datetime
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme

from tests.transport.rest import Rest
from tests.transport.servers import CA_FILE, WAIT_S, RawServer, server_tls
from workers.model.errors import ExchangeError, TransportError
from workers.model.http import HttpRequest
from workers.transport.budget import WeightBudget
from workers.transport.failures import CallFailed
from workers.transport.http import HttpClient
from workers.transport.network import Network
from workers.transport.websocket import Disconnected, WebSocketConnection

YEAR = datetime.timedelta(days=365)


@pytest.fixture(autouse=True)
def environment(monkeypatch) -> pytest.MonkeyPatch:
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca_file(authority, tmp_path: Path) -> Path:
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


def context_of(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


@pytest.fixture(params=["rest", "websocket"])
def reason(request, start) -> Callable[[ssl.SSLContext, Network], str | None]:
    """Why a connection to a server with this certificate is refused; None: it is not."""

    def of_rest(context: ssl.SSLContext, network: Network) -> str | None:
        server: Rest = start(secure=context)
        client = HttpClient(
            server.url,
            exchange="x",
            timeout_s=WAIT_S,
            budget=WeightBudget(10, 3600),
            read_error=lambda response: ExchangeError("x", response.status, "no"),
            network=network,
        )
        try:
            client.get(HttpRequest("/"))
        except CallFailed as error:
            return f"{error.outcome}: {error}"
        finally:
            client.close()
        return None

    def of_websocket(context: ssl.SSLContext, network: Network) -> str | None:
        with RawServer(tls=context) as server:
            connection = WebSocketConnection(server.url, connect_timeout_s=WAIT_S, network=network)
            try:
                connection.connect()
            except Disconnected as error:
                return str(error)
            connection.abort()
            connection.close()
            return None

    return of_rest if request.param == "rest" else of_websocket


def test_a_good_certificate_of_a_named_authority_is_accepted(authority, ca_file, reason):
    good = context_of(authority.issue_cert("127.0.0.1"))
    assert reason(good, Network(ca_file=ca_file)) is None


def test_an_authority_we_do_not_know_is_refused_with_the_remedy(authority, reason):
    text = reason(context_of(authority.issue_cert("127.0.0.1")), Network())
    assert text is not None
    assert "signed by an authority we do not know; name it as network.ca_file" in text


def test_a_certificate_of_another_host_is_refused(authority, ca_file, reason):
    text = reason(context_of(authority.issue_cert("other.invalid")), Network(ca_file=ca_file))
    assert text is not None
    assert "its certificate is for another address" in text


def test_a_certificate_of_another_name_is_refused(authority, ca_file):
    with RawServer(tls=context_of(authority.issue_cert("other.invalid"))) as server:
        connection = WebSocketConnection(
            server.url.replace("127.0.0.1", "localhost"),
            connect_timeout_s=WAIT_S,
            network=Network(ca_file=ca_file),
        )
        with pytest.raises(Disconnected, match="its certificate is for another host"):
            connection.connect()


@pytest.mark.parametrize(
    ("begins", "ends", "words"),
    [
        pytest.param(-2 * YEAR, -YEAR, "its certificate has expired", id="expired"),
        pytest.param(YEAR, 2 * YEAR, "its certificate is not valid yet", id="too-early"),
    ],
)
def test_a_certificate_outside_its_time_is_refused(authority, ca_file, reason, begins, ends, words):
    now = datetime.datetime.now(datetime.UTC)
    wrong = authority.issue_cert("127.0.0.1", not_before=now + begins, not_after=now + ends)
    text = reason(context_of(wrong), Network(ca_file=ca_file))
    assert text is not None
    assert words in text


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"])
def test_the_environment_names_authorities_and_the_settings_add_theirs(
    environment, authority, ca_file, reason, variable
):
    environment.setenv(variable, str(ca_file))
    assert reason(context_of(authority.issue_cert("127.0.0.1")), Network()) is None
    assert reason(server_tls(), Network(ca_file=CA_FILE)) is None


@pytest.mark.parametrize(
    ("content", "words"), [(None, "no such file"), (b"no certificate", "no certificates in it")]
)
def test_a_file_without_certificates_is_named(tmp_path, content, words):
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(TransportError, match=rf"network\.ca_file: .*ca\.pem: {words}"):
        Network(ca_file=path).tls()


def test_something_that_speaks_no_tls_is_named(start):
    plain: Rest = start()
    connection = WebSocketConnection(plain.url.replace("http:", "wss:"), connect_timeout_s=WAIT_S)
    with pytest.raises(Disconnected, match="no TLS spoken there"):
        connection.connect()
