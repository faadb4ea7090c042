import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.transport import wire
from workers.transport.frames import Control, Ending, FrameReader

LIMIT = 100_000
any_time = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def read(stream: bytes, cuts: list[int] | None = None, limit: int = LIMIT):
    """Messages, controls and ending of a stream that is fed in pieces cut at these places."""
    reader = FrameReader(limit)
    places = sorted({min(cut, len(stream)) for cut in cuts or []})
    messages: list[bytes] = []
    for begin, end in zip([0, *places], [*places, len(stream)], strict=True):
        messages += reader.feed(stream[begin:end])
    return messages, reader.controls, reader.ending


def ending(*frames: bytes, limit: int = LIMIT) -> Ending:
    found = read(b"".join(frames), limit=limit)[2]
    assert found is not None
    return found


@st.composite
def sessions(draw):
    """Frames of a well-behaved server, with the messages and control frames they carry."""
    frames: list[bytes] = []
    messages: list[bytes] = []
    controls: list[Control] = []

    def control():
        opcode = draw(st.sampled_from([wire.PING, wire.PONG]))
        payload = draw(st.binary(max_size=125))
        frames.append(wire.frame(payload, opcode))
        controls.append(Control(opcode, payload))

    for _ in range(draw(st.integers(0, 6))):
        size = draw(st.sampled_from([0, 1, 125, 126, 127, 65_535, 65_536]) | st.integers(0, 300))
        payload = draw(st.binary(min_size=1, max_size=7)) * (size // 7 + 1)
        payload = payload[:size]
        opcode = draw(st.sampled_from([wire.TEXT, wire.BINARY]))
        parts = wire.fragments(payload, draw(st.lists(st.integers(0, 90), max_size=4)), opcode)
        for part in parts:
            if draw(st.integers(0, 3)) == 0:
                control()
            frames.append(part)
        messages.append(payload)
    return b"".join(frames), messages, controls


@any_time
@given(sessions(), st.lists(st.integers(0, 140_000), max_size=12))
def test_any_split_of_a_session_gives_its_messages_and_control_frames(session, cuts):
    stream, messages, controls = session
    assert read(stream, cuts) == (messages, controls, None)


@any_time
@given(sessions())
def test_a_session_fed_byte_by_byte_gives_its_messages(session):
    stream, messages, controls = session
    stream = stream[:4000]
    whole = read(stream)
    assert read(stream, list(range(len(stream)))) == whole
    assert whole[0] == messages[: len(whole[0])]
    assert whole[1] == controls[: len(whole[1])]


@any_time
@given(
    st.lists(st.binary(max_size=40) | st.binary(max_size=20).map(wire.frame), max_size=8),
    st.lists(st.integers(0, 300), max_size=10),
)
def test_any_bytes_read_the_same_however_they_are_split(pieces, cuts):
    stream = b"".join(pieces)
    assert read(stream, cuts) == read(stream)


@any_time
@given(st.integers(0, 255), st.integers(0, 255), st.binary(max_size=400))
def test_any_header_is_taken_or_refused_never_an_exception(first, second, rest):
    messages, _, end = read(bytes([first, second]) + rest)
    assert end is None or end.code in (1002, 1005, 1009) or not end.refused
    if first & 0x70 or second & 0x80:
        assert not messages


def test_messages_before_the_close_frame_are_handed_over_and_bytes_after_it_ignored():
    stream = wire.frame(b"one") + wire.close_frame(4001, "gone") + wire.frame(b"late")
    assert read(stream) == ([b"one"], [], Ending(4001, "gone", refused=False))


def test_messages_before_an_error_are_handed_over_and_bytes_after_it_ignored():
    messages, _, end = read(wire.frame(b"one") + wire.frame(b"", 3) + wire.frame(b"late"))
    assert messages == [b"one"]
    assert end == Ending(1002, "unknown opcode 3", refused=True)


def test_a_close_frame_without_a_code_is_1005():
    assert ending(wire.close_frame(None)) == Ending(1005, "", refused=False)


@pytest.mark.parametrize(
    "frames",
    [
        pytest.param([wire.frame(b"x", reserved=4)], id="compressed"),
        pytest.param([wire.frame(b"x", reserved=2)], id="rsv2"),
        pytest.param([wire.frame(b"x", reserved=1)], id="rsv3"),
        pytest.param([b"\x81\x81\x00\x00\x00\x00x"], id="masked"),
        pytest.param([wire.frame(b"x", 3)], id="unknown-data-opcode"),
        pytest.param([wire.frame(b"x", 11)], id="unknown-control-opcode"),
        pytest.param([wire.frame(b"x", wire.PING, final=False)], id="fragmented-ping"),
        pytest.param([wire.frame(b"x", wire.CLOSE, final=False)], id="fragmented-close"),
        pytest.param([wire.frame(b"x" * 126, wire.PING)], id="ping-of-126-bytes"),
        pytest.param([wire.frame(b"x", wire.CONTINUATION)], id="nothing-to-continue"),
        pytest.param(
            [wire.frame(b"x", final=False), wire.frame(b"y")], id="message-inside-a-message"
        ),
        pytest.param([wire.frame(b"\x03", wire.CLOSE)], id="close-frame-of-one-byte"),
        pytest.param([wire.close_frame(1005)], id="close-code-1005-on-the-wire"),
        pytest.param([wire.close_frame(999)], id="close-code-999"),
        pytest.param([wire.close_frame(2000)], id="close-code-2000"),
        pytest.param([wire.close_frame(5000)], id="close-code-5000"),
    ],
)
def test_a_protocol_error_ends_the_stream_with_1002(frames):
    end = ending(*frames)
    assert (end.code, end.refused) == (1002, True)
    assert end.reason


@pytest.mark.parametrize("code", [1000, 1001, 1003, 1011, 1012, 1013, 3000, 4999])
def test_a_close_code_that_may_be_sent_is_taken_over(code):
    assert ending(wire.close_frame(code)) == Ending(code, "", refused=False)


def test_a_message_of_the_limit_is_taken_and_one_byte_more_ends_with_1009():
    assert read(wire.frame(b"x" * 200), limit=200)[0] == [b"x" * 200]
    end = ending(wire.frame(b"x" * 201), limit=200)
    assert end == Ending(1009, "message of 201 bytes, the limit is 200", refused=True)


def test_a_huge_message_is_refused_by_its_header_alone():
    assert ending(b"\x81\x7f\xff" + b"\x00" * 7).code == 1009


def test_fragments_together_must_keep_the_limit():
    frames = [wire.frame(b"x" * 150, final=False), wire.frame(b"y" * 51, wire.CONTINUATION)]
    assert ending(*frames, limit=200).code == 1009
    frames[1] = wire.frame(b"y" * 50, wire.CONTINUATION)
    assert read(b"".join(frames), limit=200)[0] == [b"x" * 150 + b"y" * 50]


def test_endless_empty_fragments_hold_no_memory():
    reader = FrameReader(LIMIT)
    reader.feed(wire.frame(b"", final=False))
    for _ in range(100):
        reader.feed(wire.frame(b"", wire.CONTINUATION, final=False) * 1000)
    assert reader.held_bytes == 0
    assert reader.ending is None


def test_text_that_is_not_utf8_passes_unchecked():
    assert read(wire.frame(b"\xff\xfe"))[0] == [b"\xff\xfe"]


def test_a_limit_below_125_bytes_is_refused():
    with pytest.raises(ValueError, match="max_message_bytes is 124, the least is 125"):
        FrameReader(124)
