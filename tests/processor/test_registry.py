"""Processors of installed packages: what is wrong with one is said with its package's name."""

import sys
from importlib.metadata import EntryPoint

import pytest

from workers.model.names import UnknownName
from workers.model.packages import BrokenPackage, Packages
from workers.processor.registry import EVENTS, load


class Good:
    events = ("trade", "gap")

    def on_event(self, event):
        """Nothing."""


class Silent:
    events = ("trade",)


class Greedy(Good):
    events = ("trades",)


class Wordy(Good):
    events = "trade"


class Failing(Good):
    def __init__(self):
        raise OSError("no licence")


GOOD = Good()


def installed(name, value):
    point = EntryPoint(name, f"{__name__}:{value}", "marketprism.processors")
    return Packages("processor", "marketprism.processors", find=lambda: [point])


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    monkeypatch.setitem(sys.modules, __name__, sys.modules[Good.__module__])


@pytest.mark.parametrize("value", ["GOOD", "Good"])
def test_an_object_or_a_class_may_be_offered(value):
    assert isinstance(load("good", installed("good", value)), Good)


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("Silent", "has no method on_event"),
        ("Greedy", r"wants the events \('trades',\); choose of trade, "),
        ("Wordy", "wants the events 'trade'"),
        ("Failing", "OSError: no licence"),
        ("Nothing", "AttributeError"),
    ],
)
def test_a_broken_one_says_why(value, why):
    with pytest.raises(BrokenPackage, match=f"processor 'mine' cannot be used: .*{why}"):
        load("mine", installed("mine", value))


def test_an_unknown_one_hears_the_nearest():
    with pytest.raises(UnknownName, match="no processor is called 'god'; nearest: good"):
        load("god", installed("good", "Good"))


def test_every_type_of_event_can_be_wanted():
    assert {"trade", "orderbook", "orderbook-delta", "quality", "instrument"} <= set(EVENTS)
