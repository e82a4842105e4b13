"""The wire between the host and the supervisor."""

import subprocess
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sweagent.sandbox._channel import ChannelLostError, Request, escape, exchange
from sweagent.sandbox._output import Kept
from sweagent.sandbox.attach import AttachTransport


class Told:
    """A transport that answers with given pieces, in which TOKEN stands for the token of the request."""

    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = iter(pieces)
        self.interrupts = 0
        self._token = b""

    def send(self, data: bytes) -> None:
        self._token = data.split()[0]

    def receive(self, timeout: float) -> bytes | None:
        piece = next(self._pieces, b"")
        return piece.replace(b"TOKEN", self._token) if piece != b"silence" else None

    def interrupt(self) -> None:
        self.interrupts += 1

    def close(self) -> None: ...


@given(st.binary(max_size=200).map(lambda data: data.replace(b"\0", b"")))
@settings(max_examples=25, deadline=None)
def test_any_command_survives_the_wire(data: bytes) -> None:
    word = escape(data)
    assert not set(word) & set(b" \n\t")
    assert (
        subprocess.run(
            ["sh", "-c", b"printf '%b.' " + b"'" + word.replace(b"'", b"'\\''") + b"'"], capture_output=True, check=True
        ).stdout
        == data + b"."
    )


@pytest.mark.parametrize("cut", range(1, 60))
def test_the_end_is_found_wherever_the_stream_is_cut(cut: int) -> None:
    stream = b"output \x1e\x1e0000 no\n\x1eTOKEN 3 0 2 0 folder,unsaved\n"
    token = b"0" * 32
    whole = stream.replace(b"TOKEN", token)
    pieces = [whole[:cut], whole[cut:]]
    kept = Kept(1000)
    import sweagent.sandbox._channel as channel

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(channel.secrets, "token_hex", lambda size: "0" * 2 * size)
        ended = exchange(Told([piece for piece in pieces if piece]), Request(b"x", 5), kept)
    assert (ended.status, ended.strays, ended.notes) == (3, 2, ("folder", "unsaved"))
    assert kept.whole() == b"output \x1e\x1e0000 no\n"


@pytest.mark.parametrize(
    ("pieces", "stuck"),
    [
        ([b"partial"], False),
        ([b"partial", b"\x1eTOKEN x" + b"y" * 300], False),
        ([b"partial"] + [b"silence"] * 1000, True),
    ],
    ids=["stream ends", "damaged end", "silence past the deadline"],
)
def test_a_lost_channel_is_said_and_what_came_is_kept(
    pieces: list[bytes], stuck: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock: Iterator[int] = iter(range(10_000))
    monkeypatch.setattr("sweagent.sandbox._channel.time.monotonic", lambda: float(next(clock)))
    kept = Kept(1000)
    with pytest.raises(ChannelLostError) as raised:
        exchange(Told(pieces), Request(b"x", 5), kept)
    assert raised.value.stuck is stuck
    assert kept.whole().startswith(b"partial")


@given(st.lists(st.binary(max_size=50), max_size=8), st.lists(st.integers(1, 20), min_size=1, max_size=40))
@settings(max_examples=60)
def test_frames_are_unwrapped_however_they_arrive(outputs: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(bytes([1, 0, 0, 0]) + len(part).to_bytes(4, "big") + part for part in outputs)
    transport = AttachTransport.__new__(AttachTransport)
    transport._raw, transport._left = bytearray(), 0
    got, place, index = b"", 0, 0
    while place < len(stream):
        size = cuts[index % len(cuts)]
        got += transport._unwrap(stream[place : place + size])
        place, index = place + size, index + 1
    assert got == b"".join(outputs)
