"""Wrong settings: each is named with its path, the value found, and what would be right."""

from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from config.checks import SYMBOL, respell
from config.exchanges import (
    ENTRY_POINTS,
    EXCHANGES_AVAILABLE,
    OFFERS,
    exchanges_known,
    kind_of,
)
from tests.config.test_load import load_env, problems_of


def only(**env: str) -> str:
    """The text of the one problem these variables make."""
    [problem] = problems_of(**env)
    return str(problem)


def test_the_line_names_path_value_place_and_remedy() -> None:
    assert only(REDIS__PORT="x") == (
        "redis.port: found 'x' (environment MARKETPRISM_REDIS__PORT); "
        "write a whole number from 1 to 65535 (default 16379)"
    )


def test_a_problem_in_a_file_names_the_line(tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text("log:\n  format: auto\nredis:\n  host: a\n  port: 70000\n")
    [problem] = problems_of(file)
    assert (problem.path, problem.found, problem.origin) == ("redis.port", "70000", f"{file}:5")


@pytest.mark.parametrize(
    ("env", "remedy"),
    [
        ({"LOG_LEVEL": "inf"}, "choose debug, info, warning or error (did you mean info?)"),
        ({"LOCAL__SIMULATE": "maybe"}, "write true or false"),
        ({"STABILITY__HEARTBEAT__TIMEOUT": "0"}, "write a duration above 0 such as 100ms"),
        ({"STABILITY__HEARTBEAT__TIMEOUT": "soon"}, "such as 100ms, 20s, 5m or 24h (default 1m)"),
        ({"SCHEDULE__ORDERBOOK_SNAPSHOT": "10ms"}, "write a duration of at least 1s"),
        ({"SIMULATOR__RATE": "30000"}, "write a number above 0 and at most 20000 (default 300)"),
        ({"SIMULATOR__RATE": "nan"}, "write a number above 0 and at most 20000"),
        ({"STABILITY__MEMORY__MAX_MB": "1"}, "write a whole number of at least 64 (default 512)"),
        ({"STABILITY__RECONNECT__MAX_ATTEMPTS": "0"}, "write a whole number of at least 1"),
        ({"CLICKHOUSE__TTL_DAYS__TRADES": "-1"}, "write a whole number from 0 to 36500"),
        ({"CLICKHOUSE__TTL_DAYS__TRADS": "1"}, "no such table (did you mean trades?)"),
        ({"CLICKHOUSE__DATABASE": "a-b"}, "write letters, digits and _ only"),
        ({"NATS__SERVERS": ""}, "name at least one"),
        ({"NATS__SERVERS": "localhost:4222"}, "such as nats://localhost:4222"),
        ({"NATS__SERVERS": "nats://:4222"}, "the host is missing"),
        ({"NATS__SERVERS": "nats://a:99999"}, "write nats://HOST:PORT"),
        ({"NATS__STREAMS_FILE": "nats_streams.yaml"}, "did you mean nats_unified_streams.yaml?"),
        ({"REDIS__HOST": "redis://a"}, "write a host name or an IP address and nothing else"),
        ({"REDIS__HOST": ""}, "write a host name or an IP address and nothing else"),
        ({"EXCHANGES__BINANCE_SPOT__CHANNELS": "trades"}, "(did you mean trade?)"),
        ({"EXCHANGES__BINANCE_SPOT__CHANNELS": "trade,trade"}, "name each channel once"),
        ({"EXCHANGES__BINANCE_SPOT__SYMBOLS": "btcusdt"}, "such as BTC-USDT"),
        ({"EXCHANGES__BINANCE_SPOT__SYMBOLS": "A-B,A-B"}, "name each symbol once"),
        ({"EXCHANGES__BINANCE_SPOT__WS_URL": "https://x"}, "begins with ws:// or wss://"),
        ({"EXCHANGES__BINANCE_SPOT__WS_URL": "ws://"}, "the host is missing"),
        ({"EXCHANGES__BINANCE_SPOT__REST_URL": "http://x:0x"}, "from 1 to 65535"),
        ({"EXCHANGES__BINANCE_SPOT__REST_URL": "http://x/?a=1"}, "nothing may follow"),
        ({"EXCHANGES__BINANCE_SPOT__DEPTH": "100"}, "choose at most 100, the depth that is kept"),
        ({"EXCHANGES__BINANCE_SPOT__DEPTH": "6000"}, "binance_spot gives 5000 at most"),
        (
            {"EXCHANGES__OKX_SPOT__CHANNELS": "trade,liquidation"},
            "no such channel; choose of trade,",
        ),
        (
            {"EXCHANGES__DERIBIT__CHANNELS": "volatility-index,kline-4h"},
            "deribit has no such channel (did you mean kline-",
        ),
        ({"EXCHANGES__OKX_DERIVATIVES__SYMBOLS": "BTC-USDT"}, "write BTC-USDT-PERP"),
        ({"EXCHANGES__BINANCE_SPOT__SYMBOLS": "BTC-DVOL"}, "write BTC-USDT"),
        (
            {"EXCHANGES__DERIBIT__CHANNELS": "trade", "EXCHANGES__DERIBIT__SYMBOLS": "BTC-DVOL"},
            "an index needs the channel volatility-index",
        ),
        (
            {"NETWORK__PROXY": "socks4://h:1"},
            "such as socks5h://127.0.0.1:1080; it begins with http",
        ),
        ({"STABILITY__RECONNECT__FIRST_DELAY": "40s"}, "write at least first_delay, 40s"),
        ({"TELEMETRY__PORTS": '{"writr": 9102}'}, "no such service (did you mean writer?)"),
        ({"CLICKHOUSE__PORT": "16379"}, "redis.port has the same port; choose another"),
        ({"NATS__SERVERS": "nats://localhost:19000"}, "nats.servers[0] has the same port"),
        ({"DATA_DIR": str(Path(__file__))}, "that is a file; name a directory"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_remedy(env: dict[str, str], remedy: str) -> None:
    assert remedy in only(**env)


def test_servers_on_different_machines_may_share_a_port() -> None:
    assert load_env(REDIS__HOST="redis", CLICKHOUSE__HOST="clickhouse", CLICKHOUSE__PORT="16379")


@pytest.mark.parametrize(
    ("variable", "suggestion"),
    [
        ("REDIS_PORT", "MARKETPRISM_REDIS__PORT"),
        ("NATS_SERVER", "MARKETPRISM_NATS_SERVERS"),
        ("LOGLEVEL", "MARKETPRISM_LOG_LEVEL"),
        ("CONFG", "MARKETPRISM_CONFIG"),
    ],
)
def test_an_unknown_variable_suggests_the_nearest(variable: str, suggestion: str) -> None:
    assert only(**{variable: "1"}).endswith(f"no such setting; did you mean {suggestion}?")


def test_an_unknown_name_deep_in_a_variable_suggests_its_neighbour() -> None:
    text = only(NATS__SEVERS="nats://a:1")
    assert "nats.severs" in text
    assert "no such setting (did you mean servers?)" in text


def test_a_section_is_not_a_value() -> None:
    assert "this is a section; set what is in it" in only(REDIS="x")
    assert "nothing is below MARKETPRISM_REDIS__PORT" in only(REDIS__PORT__X="1")


def test_two_variables_for_one_setting_must_agree() -> None:
    assert load_env(NATS_SERVERS="nats://a:1", NATS__SERVERS="nats://a:1")
    assert "keep one of them" in only(NATS_SERVERS="nats://a:1", NATS__SERVERS="nats://b:1")


def test_a_truth_value_is_no_number_and_no_text(tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text("redis: {database: yes, host: on}\nclickhouse: {ttl_days: {trades: no}}\n")
    by_path = {problem.path: problem for problem in problems_of(file)}
    assert by_path["redis.database"].remedy == "write a whole number from 0 to 15 (default 0)"
    assert "YAML reads yes, no, on and off as true and false" in by_path["redis.host"].remedy
    assert by_path["clickhouse.ttl_days.trades"].found == "false"


def test_a_password_that_yaml_reads_as_a_number_wants_quotes_and_stays_secret(
    tmp_path: Path,
) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text("redis: {password: 12345}\nnats: {servers: ['http://user:12345@h']}\n")
    problems = problems_of(file)
    assert [problem.path for problem in problems] == ["redis.password", "nats.servers[0]"]
    assert problems[0].remedy == "write text in quotes"
    assert "12345" not in "".join(map(str, problems))


def test_all_problems_are_told_at_once_also_those_between_settings() -> None:
    problems = problems_of(
        REDIS__PORT="x",
        CLICKHOUSE__PORT="5555",
        LOG_LEVL="info",
        EXCHANGES__BINANCE_SPOT__SYMBOLS="BTCUSDT",
        EXCHANGES__MINE__WS_URL="ws://h",
    )
    assert [problem.path for problem in problems] == [
        "MARKETPRISM_LOG_LEVL",
        "redis.port",
        "exchanges.mine.rest_url",
        "exchanges.mine.symbols",
        "exchanges.binance_spot.symbols[0]",
        "flower.port",
    ]


def test_a_misspelt_exchange_suggests_the_nearest() -> None:
    urls = {"WS_URL": "ws://h", "REST_URL": "http://h", "SYMBOLS": "BTC-USDT"}
    env = {f"EXCHANGES__BINANCE_SPOTS__{name}": value for name, value in urls.items()}
    assert "no such exchange (did you mean binance_spot?)" in only(**env)


def test_an_exchange_of_an_installed_package_may_be_configured(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    point = EntryPoint("example", "example.exchange:EXAMPLE", ENTRY_POINTS)
    monkeypatch.setattr("config.exchanges.entry_points", lambda group: [point])
    urls = {"WS_URL": "ws://h", "REST_URL": "http://h", "SYMBOLS": "BTC-USDT"}
    env = {f"EXCHANGES__EXAMPLE__{name}": value for name, value in urls.items()}
    assert load_env(**env).exchanges["example"].channels == ["trade", "orderbook", "ticker"]
    assert exchanges_known() == (*EXCHANGES_AVAILABLE, "example")


def test_a_proxy_s_password_is_never_shown() -> None:
    settings = load_env(NETWORK__PROXY="socks5h://me:geheim@h:1080")
    assert "geheim" not in f"{settings!r} {settings.model_dump()}"
    assert settings.network.proxy
    assert settings.network.proxy.get_secret_value() == "socks5h://me:geheim@h:1080"
    for wrong in ("ftp://me:geheim@h:1", "me:geheim@h:1", "http://me:geheim@"):
        assert "geheim" not in only(NETWORK__PROXY=wrong)


def test_simulated_data_may_not_meet_real_data() -> None:
    problems = {problem.path: problem.remedy for problem in problems_of(LOCAL__SIMULATE="true")}
    urls = {f"exchanges.{name}.{url}" for name in OFFERS for url in ("ws_url", "rest_url")}
    assert set(problems) == {*urls, "clickhouse.database", "data_dir"}
    assert "ws://127.0.0.1:18080" in problems["exchanges.binance_spot.ws_url"]


def test_a_simulated_exchange_elsewhere_than_the_simulator_is_a_problem() -> None:
    demo = Path("config/demo.yaml")
    elsewhere = {
        "EXCHANGES__BINANCE_SPOT__WS_URL": "ws://localhost:18081",
        "EXCHANGES__BINANCE_SPOT__REST_URL": "http://localhost:18081",
    }
    problems = problems_of(demo, SIMULATOR__PORT="28080", **elsewhere)
    assert "http://127.0.0.1:28080" in problems[1].remedy
    same = {name: url.replace("18081", "28080") for name, url in elsewhere.items()}
    assert load_env(demo, SIMULATOR__PORT="28080", **same).local.simulate


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("btc-usdt", "BTC-USDT"),
        ("ETHUSDT", "ETH-USDT"),
        ("sol/usdt", "SOL-USDT"),
        ("BTC_USDC", "BTC-USDC"),
        ("ethbtc", "ETH-BTC"),
        ("?", "BTC-USDT"),
    ],
)
def test_a_symbol_is_respelt(written: str, meant: str) -> None:
    assert respell(written) == meant


def test_what_the_settings_offer_is_what_the_exchanges_declare() -> None:
    registry = pytest.importorskip("workers.exchanges.registry")
    for name, offer in OFFERS.items():
        declared = registry.EXCHANGES[name].channels
        # what is not a setting: the collector adds it to `instrument`, or another name for `kline`
        inner = {"instrument-creation", "platform", "kline-1m"}
        assert set(offer.channels) == set(declared) - inner, name
        assert set(offer.collected) <= set(offer.channels)


@pytest.mark.parametrize(
    ("symbol", "kind"),
    [
        ("BTC-USDT", "pair"),
        ("BTC-USDT-PERP", "contract"),
        ("BTC-USD-260327-60000-C", "contract"),
        ("XRP-USDC-260327-0d625-C", "contract"),
        ("ETH-DVOL", "index"),
    ],
)
def test_a_symbol_tells_what_it_names(symbol: str, kind: str) -> None:
    assert kind_of(symbol) == kind
    assert SYMBOL.fullmatch(symbol)
