import pytest

from config import Settings, load
from workers.model.names import UnknownName
from workers.runtime.services import make_service, service_names


@pytest.fixture(scope="module")
def defaults() -> Settings:
    return load(env={})


def test_there_is_a_writer_and_a_collector_for_each_exchange(defaults: Settings) -> None:
    assert service_names(defaults) == [
        "writer",
        *(f"collector.{name}" for name in defaults.exchanges),
    ]


def test_every_service_has_the_name_it_is_asked_for(defaults: Settings) -> None:
    for name in service_names(defaults):
        assert make_service(name, defaults).name == name


@pytest.mark.parametrize(
    ("wrong", "nearest"),
    [
        pytest.param("collector.binance_spo", "collector.binance_spot", id="cut-short"),
        pytest.param("writter", "writer", id="misspelt"),
        pytest.param("redis", "writer", id="far-off"),
    ],
)
def test_a_wrong_name_hears_a_right_one(wrong: str, nearest: str, defaults: Settings) -> None:
    with pytest.raises(UnknownName, match=f"no service is called '{wrong}'; .*{nearest}"):
        make_service(wrong, defaults)
