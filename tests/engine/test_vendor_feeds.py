"""Vendors' feeds under whatever bytes: values, gaps, or a counted refusal, and nothing else; times go forwards."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime

import numpy as np
import pytest

from vitals.decode import bangle, colmi, infinitime, movesense, viatom
from vitals.intake import Intake
from vitals.values import Block, Frame


def gsp(rng: random.Random) -> bytes:
    if rng.random() < 0.4:  # well formed, with any number in it
        return bytes((2, rng.choice((11, 12)))) + rng.randbytes(4 + 48)
    code = rng.choice((1, 2, 2, 3, rng.randrange(256)))
    return bytes((code, rng.choice((11, 12, 15, 60, rng.randrange(256))))) + rng.randbytes(rng.randrange(60))


def ring_packet(rng: random.Random) -> bytes:
    if rng.random() < 0.1:
        return rng.randbytes(rng.randrange(20))
    command = rng.choice((1, 3, 0x15, 0x37, 0x43, 0x69, rng.randrange(256)))
    body = bytes((command, rng.choice((0, 1, 2, 240, 255, rng.randrange(256))))) + rng.randbytes(13)
    return body + bytes((sum(body) & 255,))


def line(rng: random.Random) -> bytes:
    if rng.random() < 0.3:
        return rng.randbytes(rng.randrange(30))
    if rng.random() < 0.1:
        return b'{"t":"status","bat":%d}\n' % rng.randrange(200)
    return b'{"t":"act","hrm":%d,"stp":%d,"rt":1}\r\n' % (rng.randrange(-5, 400), rng.randrange(-5, 2000))


def oximeter(rng: random.Random) -> bytes:
    return rng.choice((b"\x55\x00\xff\x00\x00\x0d\x00", b"\x55", b"")) + rng.randbytes(rng.randrange(20))


def motion(rng: random.Random) -> bytes:
    return rng.randbytes(rng.choice((5, 6, 6, 6, 7)))


SUBSCRIBED = [
    b"\x01\x0b/Meas/ECG/125/mV",
    b"\x01\x0c/Meas/Acc/52",
    b"\x01\x0f/Meas/HR",
    b"\x04\x3c/System/Energy/Level",
]
CASES: dict[str, tuple[str, str, list[bytes], Callable[[random.Random], bytes]]] = {
    "movesense": (movesense.NOTIFY, movesense.WRITE, SUBSCRIBED, gsp),
    "colmi": (colmi.NOTIFY, colmi.WRITE, [colmi.encode_set_time(datetime(2024, 1, 1))], ring_packet),
    "bangle": (bangle.NOTIFY, bangle.WRITE, [bangle.encode_call({})], line),
    "viatom": (viatom.NOTIFY, viatom.WRITE, [], oximeter),
    "infinitime": (infinitime.MOTION, "", [], motion),
}


@pytest.mark.parametrize("vendor", CASES)
def test_any_bytes_are_values_or_a_refusal(vendor: str) -> None:
    uuid, asked, notes, payload = CASES[vendor]
    rng = random.Random(5)
    intake = Intake()
    for note in notes:
        intake.feed(Frame(0, asked, note))
    now = 0
    ends: dict[str, int] = {}
    for _ in range(3000):
        now += rng.randrange(1_000, 200_000)
        items = intake.feed(Frame(now, uuid, payload(rng)))
        if rng.random() < 0.01:
            items = [*items, *intake.end("link lost")]
        for one in items:
            if isinstance(one, Block):
                assert np.issubdtype(one.values.dtype, np.integer)
                assert one.start_us >= ends.get(one.kind, -1 << 62)
                ends[one.kind] = one.end_us
                if one.kind in ("hr", "spo2", "battery", "steps"):
                    assert one.start_us == now
    assert intake.refused[uuid] > 100


def test_what_nobody_asked_for_is_nobodys() -> None:
    """Without the note of what was written, data of a shared characteristic are not guessed at."""
    intake = Intake()
    assert intake.feed(Frame(1, colmi.NOTIFY, colmi.encode_battery(colmi.RingBattery(50, False)))) == []
    assert intake.feed(Frame(2, movesense.NOTIFY, b"\x02\x0b" + bytes(36))) == []
    assert not intake.refused
