"""Exchanges of installed packages: found by name, loaded when asked for, harmless when broken."""

import sys
from importlib.metadata import EntryPoint

import pytest

from config.exchanges import EXCHANGES_AVAILABLE
from workers.exchanges.binance.spot.exchange import BinanceSpot
from workers.exchanges.registry import EXCHANGES, OURS, Registry, UnknownExchange
from workers.model.packages import BrokenPackage

HERE = __name__


class Toy(BinanceSpot):
    name = "toy"


TOY = Toy()


class Partial:
    name = "partial"


def offer(name: str, value: str) -> EntryPoint:
    return EntryPoint(name, value, "marketprism.exchanges")


def registry(*offers: EntryPoint) -> Registry:
    return Registry(OURS, lambda: offers)


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    """Entry points name this module."""
    monkeypatch.setitem(sys.modules, HERE, sys.modules[Toy.__module__])


@pytest.mark.parametrize("value", ["TOY", "Toy"])
def test_an_object_or_a_class_of_a_package_is_an_exchange(value):
    found = registry(offer("toy", f"{HERE}:{value}"))
    assert isinstance(found["toy"], Toy)
    assert found["toy"] is found["toy"]
    assert list(found) == [*EXCHANGES_AVAILABLE, "toy"]
    assert len(found) == len(EXCHANGES_AVAILABLE) + 1
    assert "toy" in found


def test_nothing_is_looked_for_while_ours_are_asked_for():
    def find():
        raise AssertionError("looked")

    found = Registry(OURS, find)
    assert found["okx_spot"].name == "okx_spot"
    assert "deribit" in found


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("toy", "no_such_module_anywhere:TOY", "fails to load it: ModuleNotFoundError"),
        ("toy", f"{HERE}:NOTHING", "fails to load it: AttributeError"),
        ("partial", f"{HERE}:Partial", "leaves out .*mapper"),
        ("other", f"{HERE}:TOY", "calls it 'toy'"),
    ],
)
def test_a_broken_one_is_named_and_takes_nobody_down(name, value, why):
    found = registry(offer(name, value), offer("toy2", f"{HERE}:Toy2"))
    with pytest.raises(BrokenPackage, match=f"{name!r} cannot be used: .*{why}"):
        found[name]
    assert found["binance_spot"] is OURS[0]
    assert name in found
    assert found.packages.complaints() == []


def test_ours_cannot_be_replaced():
    found = registry(offer("binance_spot", f"{HERE}:TOY"))
    assert found["binance_spot"] is OURS[0]
    assert len(found) == len(OURS)
    assert len(found.packages.complaints()) == 1
    assert "'binance_spot'" in found.packages.complaints()[0]


def test_two_packages_with_one_name_are_both_refused():
    found = registry(offer("toy", f"{HERE}:TOY"), offer("toy", "other.package:TOY"))
    with pytest.raises(BrokenPackage, match="both offer it; uninstall one"):
        found["toy"]
    assert len(found.packages.complaints()) == 1


def test_a_package_that_is_found_twice_is_one():
    found = registry(*[offer("toy", f"{HERE}:TOY")] * 2)
    assert found["toy"] is TOY


def test_an_unknown_name_hears_the_known_ones():
    with pytest.raises(UnknownExchange, match=r"'mtgox' is unknown; .*binance_spot.*toy"):
        registry(offer("toy", f"{HERE}:TOY"))["mtgox"]
    assert EXCHANGES.get("mtgox") is None
