"""100,000 payloads per decoder, shaped so that they get far: a value or DecodeError, nothing else."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from vitals.decode import bangle, colmi, huami, infinitime, movesense, viatom
from vitals.decode import polar as p
from vitals.decode.polar import layouts
from vitals.errors import DecodeError

ROUNDS = 100_000
KINDS = [*sorted(layouts.LAYOUTS), *((p.Measurement.GNSS, number) for number in range(4))]
HEAD = bytes.fromhex("002b4c7c3d010000000000000011223344") + b"2024-02-29 23:59:58\0"

Draw = Callable[[random.Random], bytes]


def anything(r: random.Random) -> bytes:
    return r.randbytes(r.randrange(60))


def small(r: random.Random, most: int) -> bytes:
    """Bytes that look like sizes, types and widths."""
    return bytes(r.choice((0, 0, 1, 2, 3, 4, 5, 6, 8, 16)) for _ in range(r.randrange(most)))


def frame(r: random.Random) -> bytes:
    kind, type_byte = r.choice(KINDS)
    content = r.randbytes(r.randrange(240)) if r.random() < 0.5 else small(r, 100)
    return bytes((kind | r.choice((0, 0x80)),)) + r.randbytes(8) + bytes((type_byte,)) + content


def ring_packet(r: random.Random) -> bytes:
    body = bytes((r.choice(list(colmi.Command)),)) + r.randbytes(14)
    return body + bytes((sum(body) & 0xFF,))


def big_data(r: random.Random) -> bytes:
    content = small(r, 60)
    return bytes((0xBC, r.choice((0x27, 0x2A)))) + len(content).to_bytes(2, "little") + b"\0\0" + content


def oximeter_frame(r: random.Random) -> bytes:
    body = bytes((0x55, 0, 0xFF, 0, 0, 13, 0)) + r.randbytes(13)
    return body + bytes((viatom.crc8(body),))


CASES: dict[str, tuple[Callable[[bytes], object], Draw]] = {
    "frame": (p.decode_frame, frame),
    "frame head": (p.decode_head, anything),
    "control point": (p.decode_control_point, lambda r: bytes((r.choice((0xF0, 1, 15)),)) + anything(r)),
    "request": (p.decode_request, lambda r: bytes((r.randrange(11), r.randrange(16))) + small(r, 30)),
    "settings": (p.decode_settings, lambda r: small(r, 30)),
    "triggers": (p.decode_trigger_status, lambda r: small(r, 30)),
    "recording": (p.decode_recording, lambda r: HEAD + small(r, 12) + frame(r)),
    "encrypted": (lambda b: p.decode_recording(b, key=bytes(16)), lambda r: bytes((r.choice((1, 2)),)) + anything(r)),
    "advert": (p.find_hr_advert, anything),
    "ring packet": (colmi.decode_packet, ring_packet),
    "ring big data": (colmi.decode_big_data, big_data),
    "watch line": (bangle.decode_line, lambda r: b'{"t":"act","hrm":' + bytes(r.choices(b'01.e-,"}[]', k=12))),
    "oximeter": (viatom.decode_reading, oximeter_frame),
    "band request": (huami.decode_request, lambda r: bytes((r.choice((0x14, 0x15, 0x16)),)) + small(r, 4)),
    "band reply": (huami.decode_reply, lambda r: b"\x10" + anything(r)),
    "steps": (infinitime.decode_step_count, lambda r: r.randbytes(r.randrange(6))),
    "motion": (infinitime.decode_motion, lambda r: r.randbytes(r.randrange(8))),
    "movesense": (movesense.decode_message, lambda r: bytes((r.randrange(5),)) + anything(r)),
    "movesense command": (movesense.decode_command, lambda r: bytes((r.randrange(12),)) + anything(r)),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(CASES))
def test_nothing_but_values_and_decode_errors(name: str) -> None:
    decode, draw = CASES[name]
    r = random.Random(name)
    for _ in range(ROUNDS):
        payload = draw(r)
        try:
            decode(payload)
        except DecodeError as err:
            assert 0 <= err.offset <= len(payload)
