"""The floor: `orjson.loads` of every frame and nothing else."""

import time
from importlib.metadata import version

import orjson

from benchmarks._peers.tapes import Tape

VERSIONS = {"orjson": version("orjson")}


def measure(tape: Tape) -> float:
    """CPU seconds a message."""
    frames = tape.frames
    started_s = time.process_time()
    for _ in range(tape.repeat):
        for frame in frames:
            orjson.loads(frame)
    return (time.process_time() - started_s) / (tape.repeat * len(frames))


def outcome(tape: Tape) -> None:
    """Nothing is made of them."""
