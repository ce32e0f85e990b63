"""What the frame types of Polar's measurements hold, as one table.

Facts from Polar's public SDK; frame types that are not in `LAYOUTS` are not public. ECG types 1 and 2 carry unsigned
14 and 18 bit values there: whether the top bit is a sign is not documented.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitals.decode.polar.gatt import Measurement

COMPRESSED = 0x80  # bit 7 of the frame type byte
_Rows = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns of one frame type. The first `signals` columns are physical, the others counts and flags."""

    channels: tuple[str, ...]
    signals: int
    unit: str
    scale: float  # unit per step, before the factor of the settings
    bits: int  # of one number: as sent (raw) or of the reference sample (compressed)
    floating: bool = False  # IEEE 754 single precision
    flags: int = -1  # mask over the last column of a compressed frame
    step: int = 0  # bytes of one raw sample that needs `unpack`
    unpack: Callable[[_Rows], NDArray[Any]] | None = None  # (n, step) bytes -> (n, channels)
    pack: Callable[[NDArray[Any]], _Rows] | None = None


def _words(rows: _Rows) -> NDArray[np.int32]:
    return rows.astype(np.int32)


def _ecg_type_1(rows: _Rows) -> NDArray[np.int32]:
    b = _words(rows)
    flags = b[:, 2]
    return np.stack([b[:, 0] | (b[:, 1] & 0x3F) << 8, flags & 1, flags >> 1 & 3, flags >> 3 & 3], axis=1)


def _ecg_type_2(rows: _Rows) -> NDArray[np.int32]:
    b = _words(rows)
    tags = b[:, 2]
    return np.stack([b[:, 0] | b[:, 1] << 8 | (tags & 3) << 16, tags >> 2 & 7, tags >> 5], axis=1)


def _signed_24(b: NDArray[np.int32]) -> NDArray[np.int32]:
    return (b[:, 0] << 8 | b[:, 1] << 16 | b[:, 2] << 24) >> 8


def _ecg_type_3(rows: _Rows) -> NDArray[np.int32]:
    b = _words(rows)
    return np.stack([_signed_24(b[:, 0:3]), _signed_24(b[:, 3:6]), b[:, 6]], axis=1)


def _gains(rows: _Rows) -> NDArray[np.int32]:
    """Integration numbers, then gains of channel 1 and 2 in turn (3 bits each)."""
    n = rows.shape[1] // 3
    b = _words(rows)
    return np.concatenate([b[:, :n], b[:, n::2] & 7, b[:, n + 1 :: 2] & 7], axis=1)


def _ppi(rows: _Rows) -> NDArray[np.int32]:
    b = _words(rows)
    flags = b[:, 5]
    columns = [b[:, 1] | b[:, 2] << 8, b[:, 3] | b[:, 4] << 8, b[:, 0], flags & 1, flags >> 1 & 1, flags >> 2 & 1]
    return np.stack(columns, axis=1)


def _pack_ppi(samples: NDArray[Any]) -> _Rows:
    pp, error, hr, blocker, contact, supported = samples.astype(np.int64).T
    flags = blocker | contact << 1 | supported << 2
    return np.stack([hr, pp & 255, pp >> 8, error & 255, error >> 8, flags], axis=1).astype(np.uint8)


def _hr_with_quality(rows: _Rows) -> NDArray[np.int32]:
    return _words(rows)[:, [0, 2, 1]]


def _named(name: str, count: int) -> tuple[str, ...]:
    return tuple(f"{name}{i}" for i in range(count))


_XYZ = ("x", "y", "z")
_TYPE_4 = Layout(
    _named("num_int", 12) + _named("gain1_", 12) + _named("gain2_", 12), 0, "", 1.0, 8, step=36, unpack=_gains
)
_PPG_0 = (*_named("ppg", 3), "ambient")
_M = Measurement


def _scalar(name: str, unit: str) -> Layout:
    return Layout((name,), 1, unit, 1.0, 32, floating=True)


LAYOUTS: Mapping[tuple[int, int], Layout] = {
    (_M.ECG, 0): Layout(("ecg",), 1, "mV", 0.001, 24),
    (_M.ECG, 1): Layout(
        ("ecg", "oversampling", "contact", "impedance"), 1, "mV", 0.001, 14, step=3, unpack=_ecg_type_1
    ),
    (_M.ECG, 2): Layout(("ecg", "ecg_tag", "pace_tag"), 1, "mV", 0.001, 18, step=3, unpack=_ecg_type_2),
    (_M.ECG, 3): Layout(("data0", "data1", "status"), 2, "", 1.0, 24, step=7, unpack=_ecg_type_3),
    (_M.PPG, 0): Layout(_PPG_0, 4, "", 1.0, 24),
    (_M.PPG, 4): _TYPE_4,
    (_M.PPG, 5): Layout(("operation_mode",), 0, "", 1.0, 32, step=4, unpack=lambda rows: rows.view("<u4")),
    (_M.PPG, 6): Layout(("sport_id",), 0, "", 1.0, 64, step=8, unpack=lambda rows: rows.view("<u8")),
    (_M.PPG, 9): _TYPE_4,
    (_M.PPG, 14): Layout(("num_int0", "gain1_0", "gain2_0"), 0, "", 1.0, 8, step=3, unpack=_gains),
    (_M.PPG, COMPRESSED | 0): Layout(_PPG_0, 4, "", 1.0, 24),
    (_M.PPG, COMPRESSED | 7): Layout((*_named("ppg", 16), "status"), 16, "", 1.0, 24, flags=0xFFFFFF),
    (_M.PPG, COMPRESSED | 8): Layout((*_named("ppg", 24), "status"), 24, "", 1.0, 24, flags=0xFFFFFF),
    (_M.PPG, COMPRESSED | 10): Layout(
        (*_named("green", 8), *_named("red", 6), *_named("ir", 6), "status"), 20, "", 1.0, 24
    ),
    (_M.PPG, COMPRESSED | 13): Layout((*_named("ppg", 2), "status"), 2, "", 1.0, 24, flags=0xFFFFFF),
    (_M.ACC, 0): Layout(_XYZ, 3, "g", 0.001, 8),
    (_M.ACC, 1): Layout(_XYZ, 3, "g", 0.001, 16),
    (_M.ACC, 2): Layout(_XYZ, 3, "g", 0.001, 24),
    (_M.ACC, COMPRESSED | 0): Layout(_XYZ, 3, "g", 1.0, 16),
    (_M.ACC, COMPRESSED | 1): Layout(_XYZ, 3, "g", 0.001, 16),
    (_M.PPI, 0): Layout(
        ("pp", "error", "hr", "blocker", "contact", "contact_supported"),
        2,
        "ms",
        1.0,
        16,
        step=6,
        unpack=_ppi,
        pack=_pack_ppi,
    ),
    (_M.GYRO, COMPRESSED | 0): Layout(_XYZ, 3, "deg/s", 1.0, 16),
    (_M.GYRO, COMPRESSED | 1): Layout(_XYZ, 3, "deg/s", 1.0, 32, floating=True),
    (_M.MAGNETOMETER, COMPRESSED | 0): Layout(_XYZ, 3, "gauss", 1.0, 16),
    (_M.MAGNETOMETER, COMPRESSED | 1): Layout((*_XYZ, "calibration"), 3, "gauss", 0.001, 16),
    (_M.SKIN_TEMPERATURE, 0): _scalar("skin_temperature", "degC"),
    (_M.SKIN_TEMPERATURE, COMPRESSED | 0): _scalar("skin_temperature", "degC"),
    (_M.PRESSURE, 0): _scalar("pressure", "bar"),
    (_M.PRESSURE, COMPRESSED | 0): _scalar("pressure", "bar"),
    (_M.TEMPERATURE, 0): _scalar("temperature", "degC"),
    (_M.TEMPERATURE, COMPRESSED | 0): _scalar("temperature", "degC"),
    (_M.OFFLINE_HR, 0): Layout(("hr",), 1, "bpm", 1.0, 8, step=1, unpack=_words, pack=lambda s: s.astype(np.uint8)),
    (_M.OFFLINE_HR, 1): Layout(("hr", "corrected_hr", "quality"), 2, "bpm", 1.0, 8, step=3, unpack=_hr_with_quality),
}
