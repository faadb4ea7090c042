"""Ways to damage a frame: cut, of wrong types, huge, not UTF-8. The same frames every time."""

import random
import re
from collections.abc import Iterator

VALUE = re.compile(rb'"[^"\\]*"(?!:)|-?\d[\d.eE+-]*|true|false|null')
WRONG = (
    b"null",
    b"true",
    b"-1",
    b"0",
    b"1.5",
    b"1e400",
    b"9" * 30,
    b"9" * 400,
    b'""',
    b'"x"',
    b'"-1"',
    b'"1e5"',
    b'"NaN"',
    b'"Infinity"',
    b'"' + b"9" * 5000 + b'"',
    b"[]",
    b"{}",
    b'[["1","2"]]',
    b'"\xff\xfe"',
    b'"\\ud800"',
    b'"\xc2\xa0"',
)


def damaged(frame: bytes) -> Iterator[bytes]:
    """About a thousand frames that are no longer what they were."""
    for end in range(0, len(frame), max(1, len(frame) // 60)):
        yield frame[:end]
        yield frame[end:]
    for match in VALUE.finditer(frame):
        for wrong in WRONG:
            yield frame[: match.start()] + wrong + frame[match.end() :]
    yield from (frame * 2, b"[" + frame + b"]", b"[" * 5000, b'{"a":' * 5000, b"\x00" * 100)
    yield from (b"\xef\xbb\xbf" + frame, b" " + frame, frame.replace(b'"', b"'"), b"null", b"pong")
    yield b'"' + b"x" * 2_000_000 + b'"'
    noise = random.Random(7)
    for _ in range(150):
        changed = bytearray(frame)
        for _ in range(noise.randint(1, 4)):
            changed[noise.randrange(len(changed))] = noise.randrange(256)
        yield bytes(changed)
