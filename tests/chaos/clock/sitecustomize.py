"""A wall clock that can be stepped, for services alone: Python imports this by itself at its start.

Setting the machine's clock needs root. This moves what `time.time` and `time.time_ns` say, which is
what the services take time from; `datetime.now` and the servers keep the machine's clock.
"""

import os
import sys
import time

LOOK_S = 0.1

_file = os.environ.get("CHAOS_CLOCK", "")
_time, _time_ns, _monotonic = time.time, time.time_ns, time.monotonic
_offset_s = 0
_looked_s = 0.0


def _offset() -> int:
    global _offset_s, _looked_s
    if _monotonic() - _looked_s > LOOK_S:
        _looked_s = _monotonic()
        try:
            with open(_file) as file:
                _offset_s = int(file.read() or 0)
        except FileNotFoundError:
            _offset_s = 0
    return _offset_s


def _stepped() -> float:
    return _time() + _offset()


def _stepped_ns() -> int:
    return _time_ns() + _offset() * 1_000_000_000


if _file and "--service" in sys.orig_argv:
    time.time, time.time_ns = _stepped, _stepped_ns
