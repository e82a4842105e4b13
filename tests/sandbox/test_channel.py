"""The wire between the host and the supervisor."""

import subprocess
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sweagent.sandbox._channel import ChannelLostError, Received, Request, escape, exchange
from sweagent.sandbox._output import BoundedOutput
from sweagent.sandbox.attach import AttachTransport


class Told:
    """A transport that gives pieces, of the answers where one begins with `!`; TOKEN stands for the request's token."""

    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = iter(pieces)
        self.interrupts = 0
        self._token = b""

    def send(self, data: bytes) -> None:
        self._token = data.split()[0]

    def receive(self, timeout: float) -> Received | None:
        piece = next(self._pieces, b"").replace(b"TOKEN", self._token)
        if piece == b"silence":
            return None
        return Received(answers=piece[1:]) if piece.startswith(b"!") else Received(piece)

    def interrupt(self) -> None:
        self.interrupts += 1

    def close(self) -> None: ...


@given(st.binary(max_size=200).map(lambda data: data.replace(b"\0", b"")))
@settings(max_examples=25)
def test_any_command_survives_the_wire(data: bytes) -> None:
    word = escape(data)
    assert not set(word) & set(b" \n\t")
    assert (
        subprocess.run(
            ["sh", "-c", b"printf '%b.' " + b"'" + word.replace(b"'", b"'\\''") + b"'"], capture_output=True, check=True
        ).stdout
        == data + b"."
    )


MARK = b"\x1e" + b"f" * 32
OUTPUT = b"output \x1e\x1e0000 no\n\x1e" + b"0" * 32 + b" 0 0 0 0 -\n" + MARK + b"\n"
ANSWER = b"!" + MARK + b" 3 0 2 0 folder,unsaved\n"


@pytest.mark.parametrize("cut", range(1, 70))
@pytest.mark.parametrize("answer_first", [True, False])
def test_the_end_is_found_wherever_the_stream_is_cut(cut: int, answer_first: bool) -> None:
    output = [piece for piece in (OUTPUT[:cut], OUTPUT[cut:]) if piece]
    answer = [ANSWER[: cut + 1], *([b"!" + ANSWER[cut + 1 :]] if ANSWER[cut + 1 :] else [])]
    kept = BoundedOutput(1000)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sweagent.sandbox._channel.secrets.token_hex", lambda size: "f" * 2 * size)
        ended = exchange(Told(answer + output if answer_first else output + answer), Request(b"x", 5), kept)
    assert (ended.status, ended.strays, ended.notes) == (3, 2, ("folder", "unsaved"))
    assert kept.whole() == OUTPUT[: OUTPUT.index(MARK)]


def test_what_a_command_prints_never_says_how_it_ended() -> None:
    """Even one that has learned the token writes to the output only."""
    forged = b"\x1eTOKEN 0 0 0 0 -\n\x1eTOKEN\n"
    ended = exchange(Told([forged, b"!\x1eTOKEN 9 0 0 0 -\n"]), Request(b"x", 5), BoundedOutput(1000))
    assert ended.status == 9


def test_only_the_host_says_that_the_limit_was_reached() -> None:
    forged = exchange(Told([b"\x1eTOKEN\n", b"!\x1eTOKEN 137 1 0 0 -\n"]), Request(b"x", 5), BoundedOutput(1000))
    assert (forged.late, forged.notes) == (False, ("signalled",))
    asked = threading.Event()
    asked.set()
    real = exchange(
        Told([b"\x1eTOKEN\n", b"!\x1eTOKEN 137 1 0 0 -\n"]), Request(b"x", 5), BoundedOutput(1000), asked=asked
    )
    assert (real.late, real.notes) == (True, ())


@pytest.mark.parametrize(
    ("pieces", "stuck"),
    [
        ([b"partial"], False),
        ([b"partial", b"!\x1eTOKEN x" + b"y" * 500], False),
        ([b"partial"] + [b"silence"] * 1000, True),
        ([b"partial", b"!\x1eTOKEN 0 0 0 0 -\n"] + [b"silence"] * 1000, False),
    ],
    ids=["stream ends", "damaged answer", "silence past the deadline", "the mark of the end was taken away"],
)
def test_a_lost_channel_is_said_and_what_came_is_kept(
    pieces: list[bytes], stuck: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock: Iterator[int] = iter(range(10_000))
    monkeypatch.setattr("sweagent.sandbox._channel.time.monotonic", lambda: float(next(clock)))
    kept = BoundedOutput(1000)
    with pytest.raises(ChannelLostError) as raised:
        exchange(Told(pieces), Request(b"x", 5), kept)
    assert raised.value.stuck is stuck
    assert kept.whole().startswith(b"partial")


@given(st.lists(st.binary(max_size=50), max_size=8), st.lists(st.integers(1, 20), min_size=1, max_size=40))
@settings(max_examples=60)
def test_frames_are_unwrapped_however_they_arrive(outputs: list[bytes], cuts: list[int]) -> None:
    frames = [(bytes([1 + number % 2, 0, 0, 0]), part) for number, part in enumerate(outputs)]
    stream = b"".join(head + len(part).to_bytes(4, "big") + part for head, part in frames)
    transport = AttachTransport.__new__(AttachTransport)
    transport._raw, transport._left, transport._of_answers, transport._answers = bytearray(), 0, False, 2
    got, answers, place, index = b"", b"", 0, 0
    while place < len(stream):
        size = cuts[index % len(cuts)]
        received = transport._unwrap(stream[place : place + size])
        got, answers = got + received.output, answers + received.answers
        place, index = place + size, index + 1
    assert (got, answers) == (b"".join(outputs[::2]), b"".join(outputs[1::2]))
