from collections.abc import Iterator

import pytest
import websocket

from tests.simulator.okx_client import Client, Running

BOOKS = {"channel": "books", "instId": "BTC-USDT"}
CANDLE = {"channel": "candle1m", "instId": "BTC-USDT"}


@pytest.fixture(scope="module")
def exchange() -> Iterator[Running]:
    with Running() as running:
        yield running


def test_every_arg_has_its_own_answer_and_a_bad_one_harms_no_other(exchange: Running) -> None:
    client = exchange.client()
    unknown = {"channel": "books", "instId": "NO-SUCH"}
    ticker = {"channel": "tickers", "instId": "BTC-USDT"}
    client.send("subscribe", BOOKS, unknown, ticker, id="a1")
    answers = []
    while len(answers) < 3 and len(client.messages) < 100:
        message = client.receive()
        if "event" in message:
            answers.append(message)
    assert [(m["event"], m.get("arg"), m.get("code"), m["id"]) for m in answers] == [
        ("subscribe", BOOKS, None, "a1"),
        ("error", None, "60018", "a1"),
        ("subscribe", ticker, None, "a1"),
    ]
    assert all(m["connId"] for m in answers)
    client.take("books", 2)


@pytest.mark.parametrize(
    ("door", "arg", "code"),
    [
        pytest.param("public", CANDLE, "64001", id="candles-are-business"),
        pytest.param(
            "public", {"channel": "trades-all", "instId": "BTC-USDT"}, "64001", id="trades-all-too"
        ),
        pytest.param("business", BOOKS, "64002", id="books-are-public"),
        pytest.param("public", {"channel": "martians", "instId": "BTC-USDT"}, "60018", id="none"),
        pytest.param(
            "public",
            {"channel": "liquidation-orders", "instId": "BTC-USDT-SWAP"},
            "60018",
            id="liquidations-go-by-type",
        ),
        pytest.param(
            "public", {"channel": "funding-rate", "instId": "BTC-USDT"}, "60018", id="no-spot"
        ),
        pytest.param("public", {"instId": "BTC-USDT"}, "60027", id="no-channel"),
        pytest.param(
            "public", {"channel": "books-l2-tbt", "instId": "BTC-USDT"}, "64003", id="for-vips"
        ),
    ],
)
def test_what_is_not_served_here_is_refused(
    exchange: Running, door: str, arg: dict[str, str], code: str
) -> None:
    assert exchange.client(door).refused("subscribe", arg) == code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{", "60012"),
        ('{"op":"subscribe","argss":[]}', "60012"),
        ('{"op":"subscribe","args":[]}', "60013"),
        ('{"op":"dance","args":[{}]}', "60019"),
        ('{"op":"ping"}', "60012"),
    ],
)
def test_malformed_requests_are_refused(exchange: Running, text: str, code: str) -> None:
    client = exchange.client()
    client.socket.send(text)
    assert client.receive()["code"] == code


def test_a_text_ping_is_answered_with_a_text_pong(exchange: Running) -> None:
    client = exchange.client()
    client.socket.send("ping")
    assert client.receive() == {"text": "pong"}


def test_who_subscribes_to_nothing_is_cut_even_if_it_pings() -> None:
    with Running("idle_s=0.6") as exchange:
        client, quiet = exchange.client(), exchange.client()
        client.socket.settimeout(0.2)
        code, rounds = None, 0
        while code is None and rounds < 40:
            rounds += 1
            client.socket.send("ping")
            code = closed_by_now(client)
        assert code == 4004
        assert quiet.closed() == (4004, "No data received in 0.6s.")


def test_a_silent_subscription_is_cut_unless_the_client_pings_in_text() -> None:
    with Running("idle_s=2") as exchange:
        silent, pinging = exchange.client(), exchange.client()
        for client in (silent, pinging):
            client.subscribe("instruments", "SPOT", "instType")
        pongs = 0
        silent.socket.settimeout(0.2)
        code, rounds = None, 0
        while code is None and rounds < 40:
            rounds += 1
            pinging.socket.send("ping")
            pongs += pinging.receive() == {"text": "pong"}
            silent.socket.ping()
            code = closed_by_now(silent)
        assert code == 4004
        assert pongs >= 3
        pinging.socket.send("ping")
        assert pinging.receive() == {"text": "pong"}


def closed_by_now(client: Client) -> int | None:
    """The close code if it came within the socket's timeout; control pongs are passed over."""
    try:
        while True:
            opcode, data = client.socket.recv_data(control_frame=True)
            if opcode == websocket.ABNF.OPCODE_CLOSE:
                return int.from_bytes(data[:2], "big")
    except websocket.WebSocketTimeoutException:
        return None


def test_control_messages_beyond_the_hourly_limit_are_refused() -> None:
    with Running("messages=3") as exchange:
        client = exchange.client()
        for _ in range(3):
            client.subscribe("instruments", "SPOT", "instType")
        assert client.refused("subscribe", BOOKS) == "60014"


def test_a_message_beyond_64_kilobytes_ends_the_connection(exchange: Running) -> None:
    client = exchange.client()
    client.send("subscribe", *[BOOKS] * 1600)
    assert client.closed()[0] == 1009


def test_the_fourth_connection_in_a_second_is_refused() -> None:
    with Running("connects=3") as exchange:
        kept = [exchange.client() for _ in range(3)]
        with pytest.raises(websocket.WebSocketBadStatusException, match="429"):
            exchange.client()
        assert len(kept) == 3


@pytest.mark.parametrize(("kind", "code"), [("1006", 1006), ("close", 4006)])
def test_a_connection_can_be_cut(exchange: Running, kind: str, code: int) -> None:
    client = exchange.client()
    client.subscribe("books")
    client.take("books", 1)
    exchange.fault(kind, code=4006, symbol="BTC-USDT", connection=number_of(client))
    assert client.closed()[0] == code


def number_of(client: Client) -> int:
    return next(int(m["connId"], 16) for m in client.messages if "connId" in m)


def test_the_state_lists_connections_and_their_streams(exchange: Running) -> None:
    client = exchange.client()
    client.subscribe("books", "BTC-USDT-SWAP")
    state = exchange.json("/sim/state")
    mine = next(c for c in state["connections"] if c["number"] == number_of(client))
    assert mine["streams"] == ["btcusdtswap@books"]
    assert state["dialect"] == "okx"
