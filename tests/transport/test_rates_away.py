"""Budgets in a Redis that hangs, dies and comes back; two processes against a real limit."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.settings import ROOT
from tests.transport.declared import LONG_S
from tests.transport.rest import Door, Rest
from tests.waiting import wait_until
from workers.local.servers import RedisServer, free_ports
from workers.model.clock import SystemClock
from workers.transport.fixed import FixedWindow
from workers.transport.link import RedisLink
from workers.transport.moving import MovingWindow


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path, *free_ports(1))
    server.start()
    yield server
    server.stop()


def test_a_redis_that_hangs_costs_one_timeout_then_a_share_until_it_is_back(own_redis):
    url = f"redis://127.0.0.1:{own_redis.port}/0"
    link = RedisLink(url, probe_every_s=0.05)
    window = FixedWindow(link, "x", 1000, LONG_S, SystemClock())
    assert window.take(100) == 0
    os.kill(own_redis.pid, signal.SIGSTOP)
    try:
        taken, costs_s = 100, []
        while True:
            began_s = time.monotonic()
            refused = window.take(10) > 0
            costs_s.append(time.monotonic() - began_s)
            if refused:
                break
            taken += 10
        assert taken == 200, "a quarter of the limit less the headroom, spent before included"
        assert sum(costs_s) < len(costs_s) * link.timeout_s / 2, "one call waited, not each"
        assert (link.away, link.losses) == (True, 1)
    finally:
        os.kill(own_redis.pid, signal.SIGCONT)
    wait_until(lambda: not link.away, what="redis found again")
    assert window.take(600) == 0
    assert window.take(1) > 0, "what was spent meanwhile was told to redis"


def test_a_redis_that_is_killed_is_missed_and_found_again_by_all(own_redis):
    url = f"redis://127.0.0.1:{own_redis.port}/0"
    link = RedisLink(url, probe_every_s=0.05)
    window = FixedWindow(link, "x", 1000, LONG_S, SystemClock())
    calls = MovingWindow(link, "y", 100, 3600, SystemClock())
    assert [window.take(100), calls.take(50)] == [0, 0]
    own_redis.stop()
    assert window.take(100) == 0
    assert window.take(10) > 0
    assert calls.take(1) > 1800, "half of the limit is out already"
    assert window.used == 200
    own_redis.start()
    wait_until(lambda: not link.away, what="redis found again")
    assert window.take(600) == 0
    assert window.take(1) > 0


@pytest.mark.parametrize("kind", [FixedWindow, MovingWindow])
def test_what_each_process_spent_without_redis_is_summed_up(own_redis, kind):
    url = f"redis://127.0.0.1:{own_redis.port}/0"
    links = [RedisLink(url, probe_every_s=0.05) for _ in range(2)]
    windows = [kind(link, "x", 1000, LONG_S, SystemClock()) for link in links]
    assert windows[0].take(100) == 0
    own_redis.stop()
    assert [window.take(90) for window in windows] == [0, 0]
    own_redis.start()
    wait_until(lambda: not any(link.away for link in links), what="redis found again")
    assert [window.delay_s(1) for window in windows] == [0, 0]
    assert windows[0].used == windows[1].used == 280


def test_a_pause_seen_in_redis_holds_when_redis_goes(own_redis):
    url = f"redis://127.0.0.1:{own_redis.port}/0"
    one, other = (FixedWindow(RedisLink(url), "x", 1000, LONG_S, SystemClock()) for _ in range(2))
    one.pause(300)
    assert other.delay_s(1) > 0
    own_redis.stop()
    assert other.take(1) == pytest.approx(300, abs=10)
    line = other.report()
    assert (line["source"], line["usable"], line["limit"]) == ("local share", 200, 250)
    assert line["paused_until"] is not None
    own_redis.start()


PROCESS = """
import json, sys, threading
from tests.transport.declared import limits
from workers.exchanges.base import Bucket
from workers.model.errors import ExchangeError, TransportError
from workers.model.http import HttpRequest
from workers.transport.budget import BudgetExhausted
from workers.transport.http import HttpClient
from workers.transport.rates import open_budget

url, redis_url, calls = sys.argv[1:]
declared = limits(weight=400, weight_window_s=1.0, buckets={"few": Bucket(20, 1.0)})
budget = open_budget("x", declared, redis_url=redis_url)
answers = {}

def work(request):
    client = HttpClient(url, exchange="x", timeout_s=20, budget=budget, read_error=refused,
                        used_weight_header="x-used")
    for _ in range(int(calls)):
        try:
            status = client.get(request, 60.0, "audit").status
        except ExchangeError as error:
            status = error.code
        answers[str(status)] = answers.get(str(status), 0) + 1

def refused(response):
    return ExchangeError("x", response.status, "refused")

heavy, few = HttpRequest("/heavy", weight=20), HttpRequest("/few", weight=0, bucket="few")
threads = [threading.Thread(target=work, args=(each,)) for each in (heavy, heavy, few)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(json.dumps(answers))
"""


class Limiter:
    """Enforces what the exchange declares: weight in seconds of the clock, calls in any second."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._second = -1
        self._weight = 0
        self._calls: list[float] = []
        self.most = 0

    def __call__(self, door: Door) -> None:
        now_s = time.time()
        with self._lock:
            if door.path == "/few":
                self._calls = [each for each in self._calls if now_s - each < 1.0] + [now_s]
                over, used = len(self._calls) > 20, 0
            else:
                if int(now_s) != self._second:
                    self._second, self._weight = int(now_s), 0
                self._weight += 20
                over, used = self._weight > 400, self._weight
                self.most = max(self.most, used)
        door.say(429 if over else 200, b"{}", {"X-Used": str(used)})


class Pair:
    """Two processes that call at full speed; `answers` waits for both and gives their statuses."""

    def __init__(self, url: str, redis_url: str, calls: int) -> None:
        self._processes = [
            subprocess.Popen(
                [sys.executable, "-c", PROCESS, url, redis_url, str(calls)],
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                stdout=subprocess.PIPE,
            )
            for _ in range(2)
        ]

    def answers(self) -> list[dict[str, int]]:
        return [json.loads(each.communicate(timeout=100)[0]) for each in self._processes]


def test_two_processes_at_full_speed_are_never_refused(rest: Rest, redis_url):
    rest.answer = limiter = Limiter()
    began_s = time.monotonic()
    assert Pair(rest.url, redis_url, 20).answers() == [{"200": 60}, {"200": 60}]
    assert limiter.most <= 400
    # 80 calls of weight 20; audits may use 56 % of 400 a second.
    assert time.monotonic() - began_s > 5


def test_nor_are_they_while_redis_hangs_and_comes_back(rest: Rest, own_redis):
    rest.answer = Limiter()
    pair = Pair(rest.url, f"redis://127.0.0.1:{own_redis.port}/0", 15)
    wait_until(lambda: len(rest.requests) > 20, 60, "calls under way")
    os.kill(own_redis.pid, signal.SIGSTOP)
    try:
        wait_until(lambda: len(rest.requests) > 50, 60, "calls without redis")
    finally:
        os.kill(own_redis.pid, signal.SIGCONT)
    assert pair.answers() == [{"200": 45}, {"200": 45}]
