"""Frame types of Polar that no shared vector shows, written here byte by byte from their layouts."""

from __future__ import annotations

import struct
from collections.abc import Sequence

import numpy as np
import pytest

from vitals.decode import polar as p
from vitals.decode.polar.gnss import Constellations, Coordinates, Satellites
from vitals.errors import DecodeError, InputError

M = p.Measurement


def frame(kind: int, type_byte: int, content: bytes, *, factor: float = 1.0) -> p.PmdFrame:
    decoded = p.decode_frame(struct.pack("<BQB", kind, 77, type_byte) + content, factor=factor)
    assert isinstance(decoded, p.PmdFrame)
    assert decoded.timestamp_ns == 77
    return decoded


def test_ecg_of_every_type() -> None:
    assert frame(M.ECG, 0, bytes.fromhex("ffff7f 000080 feffff")).samples.ravel().tolist() == [8388607, -8388608, -2]
    # Type 1: 14 bits, then oversampling, contact (2 bits), impedance (2 bits).
    assert frame(M.ECG, 1, bytes((0xFF, 0xFF, 0b11101))).samples.tolist() == [[0x3FFF, 1, 2, 3]]
    # Type 2: 18 bits, then 3 bits of ECG and 3 bits of pacemaker tag.
    assert frame(M.ECG, 2, bytes((0x01, 0x02, 0b101_110_11))).samples.tolist() == [[0x30201, 6, 5]]
    assert frame(M.ECG, 3, bytes.fromhex("010000 ffffff 7f")).samples.tolist() == [[1, -1, 127]]
    assert frame(M.ECG, 0, bytes.fromhex("e80300")).physical().tolist() == [[1.0]]  # 1000 uV are 1 mV


@pytest.mark.parametrize(("number", "size"), [(0, 1), (1, 2), (2, 3)])
def test_raw_acceleration_of_every_width(number: int, size: int) -> None:
    limit = 1 << (8 * size - 1)
    values = [[limit - 1, -limit, 0], [-1, 1, -2]]
    content = b"".join(v.to_bytes(size, "little", signed=True) for row in values for v in row)
    decoded = frame(M.ACC, number, content, factor=9.0)
    assert decoded.samples.tolist() == values
    assert decoded.samples.dtype == np.int32
    assert (decoded.scale, decoded.unit) == (0.001, "g")  # the factor is for compressed frames
    assert p.encode_frame(M.ACC, number, 77, decoded.samples)[10:] == content
    with pytest.raises(InputError, match="does not fit"):
        p.encode_frame(M.ACC, number, 77, decoded.samples + 1)


def reference_only(values: Sequence[int], size: int) -> bytes:
    return b"".join(v.to_bytes(size, "little", signed=True) for v in values)


@pytest.mark.parametrize(
    ("kind", "number", "channels", "size", "signals", "scale", "unit"),
    [
        (M.ACC, 0, 3, 2, 3, 0.5, "g"),
        (M.ACC, 1, 3, 2, 3, 0.0005, "g"),
        (M.GYRO, 0, 3, 2, 3, 0.5, "deg/s"),
        (M.MAGNETOMETER, 0, 3, 2, 3, 0.5, "gauss"),
        (M.MAGNETOMETER, 1, 4, 2, 3, 0.0005, "gauss"),
        (M.PPG, 0, 4, 3, 4, 0.5, ""),
        (M.PPG, 7, 17, 3, 16, 0.5, ""),
        (M.PPG, 8, 25, 3, 24, 0.5, ""),
        (M.PPG, 10, 21, 3, 20, 0.5, ""),
        (M.PPG, 13, 3, 3, 2, 0.5, ""),
    ],
)
def test_compressed_frames_of_every_type(
    kind: M, number: int, channels: int, size: int, signals: int, scale: float, unit: str
) -> None:
    values = [(-1) ** i * (i + 1) * 100 for i in range(channels)]
    values[-1] = 3
    step = bytes((8, 1)) + bytes([1] * channels)
    decoded = frame(kind, 0x80 | number, reference_only(values, size) + step, factor=0.5)
    assert decoded.samples.tolist() == [values, [v + 1 for v in values]]
    assert decoded.signals.shape == (2, signals)
    assert decoded.scale == pytest.approx(scale)
    assert decoded.unit == unit
    assert len(decoded.channels) == len(set(decoded.channels)) == channels


def test_status_of_optical_frames_is_24_bits_unsigned() -> None:
    content = reference_only([0, 0, -1], 3)
    assert frame(M.PPG, 0x8D, content).column("status").tolist() == [0xFFFFFF]


@pytest.mark.parametrize(("kind", "unit"), [(M.SKIN_TEMPERATURE, "degC"), (M.TEMPERATURE, "degC"), (M.PRESSURE, "bar")])
def test_floats_raw_and_compressed(kind: M, unit: str) -> None:
    raw = frame(kind, 0, struct.pack("<2f", 36.5, -1.25))
    assert raw.physical().tolist() == [[36.5], [-1.25]]
    assert raw.unit == unit
    first, second = (int.from_bytes(struct.pack("<f", v), "little") for v in (36.5, 36.75))
    packed = struct.pack("<f", 36.5) + bytes((24, 1)) + (second - first).to_bytes(3, "little", signed=True)
    assert frame(kind, 0x80, packed, factor=2.0).physical().tolist() == [[73.0], [73.5]]


def test_optical_raw_types() -> None:
    assert frame(M.PPG, 0, reference_only([1, -2, 3, -4], 3)).samples.tolist() == [[1, -2, 3, -4]]
    assert frame(M.PPG, 5, struct.pack("<2I", 7, 0xFFFFFFFF)).column("operation_mode").tolist() == [7, 0xFFFFFFFF]
    assert frame(M.PPG, 6, struct.pack("<Q", (1 << 64) - 1)).column("sport_id").tolist() == [(1 << 64) - 1]
    gains = bytes(range(12)) + bytes(x for i in range(12) for x in (8 + i % 8, 0xF8 | 7 - i % 8))
    for number in (4, 9):
        row = frame(M.PPG, number, gains).samples[0].tolist()
        assert row == [*range(12), *(i % 8 for i in range(12)), *(7 - i % 8 for i in range(12))]


def test_offline_heart_rate() -> None:
    assert frame(M.OFFLINE_HR, 0, bytes((0, 61, 255))).column("hr").tolist() == [0, 61, 255]
    both = frame(M.OFFLINE_HR, 1, bytes((61, 90, 62, 63, 91, 64)))
    assert [both.column(name).tolist() for name in ("hr", "quality", "corrected_hr")] == [[61, 63], [90, 91], [62, 64]]
    assert both.physical().tolist() == [[61.0, 62.0], [63.0, 64.0]]


def test_location_frames() -> None:
    clock = 9 << 10 | 58 << 15 | 7 << 21 | 123
    fields = (60.1699, -24.9384, 2024, 2, 29, clock, 12345, 5.5, 1.0, 2.0, 0.25, 35999, 250, 1, -3, 9)
    payload = struct.pack("<BQB", M.GNSS, 5, 0) + struct.pack("<ddHBBIIffffHHBbB", *fields) * 2
    decoded = p.decode_frame(payload)
    assert isinstance(decoded, p.GnssFrame)
    first, second = decoded.samples
    assert first == second
    assert first == Coordinates(
        60.1699, -24.9384, "2024-02-29T09:58:07.123", 1234.5, 5.5, 1.0, 2.0, 0.25, 359.99, 2.5, True, -3, 9
    )
    seen = p.decode_frame(struct.pack("<BQB", M.GNSS, 5, 2) + bytes(range(41)))
    assert isinstance(seen, p.GnssFrame)
    bands = [Constellations(*range(i, i + 10)) for i in (0, 10, 20, 30)]
    assert seen.samples == (Satellites(bands[0], bands[1], bands[2], bands[3], 40),)
    for type_byte, content in ((0, bytes(50)), (1, bytes(7)), (2, bytes(40)), (3, bytes(6)), (3, b"\0\0\0\0\5\0\0ab")):
        with pytest.raises(DecodeError):
            p.decode_frame(struct.pack("<BQB", M.GNSS, 5, type_byte) + content)
    with pytest.raises(DecodeError, match="ASCII"):
        p.decode_frame(struct.pack("<BQB", M.GNSS, 5, 3) + b"\0\0\0\0\1\0\0\xff")
