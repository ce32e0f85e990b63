"""Location frames of Polar's measurement data (kind 10), raw types 0 to 3; compressed ones are not public."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

from vitals.decode.polar.gatt import PMD_DATA, Measurement
from vitals.errors import DecodeError

_COORDINATES = struct.Struct("<ddHBBIIffffHHBbB")
_DILUTION = struct.Struct("<HhBB")
_SATELLITES = struct.Struct("<41B")
_NMEA_HEAD = struct.Struct("<IHB")


@dataclass(frozen=True, slots=True)
class Coordinates:
    """Frame type 0: position, speed, distance."""

    latitude_deg: float
    longitude_deg: float
    time: str  # ISO 8601 without a zone, as the satellites say; may be impossible before the first fix
    distance_m: float  # cumulative
    speed_km_h: float
    used_acceleration_speed: float
    coordinate_speed: float
    acceleration_speed_factor: float
    course_deg: float
    chip_speed_kn: float
    fix: bool
    speed_flag: int
    fusion_state: int


@dataclass(frozen=True, slots=True)
class Dilution:
    """Frame type 1: dilution of precision, altitude."""

    dilution: float
    altitude_m: int
    satellites: int
    fix: bool


@dataclass(frozen=True, slots=True)
class Constellations:
    """Satellites of one band: number and best signal-to-noise ratio of each system."""

    gps: int
    gps_snr: int
    glonass: int
    glonass_snr: int
    galileo: int
    galileo_snr: int
    beidou: int
    beidou_snr: int
    satellites: int
    snr_top5: int


@dataclass(frozen=True, slots=True)
class Satellites:
    """Frame type 2: satellites seen and used, in two bands."""

    seen_band1: Constellations
    used_band1: Constellations
    seen_band2: Constellations
    used_band2: Constellations
    max_snr: int


@dataclass(frozen=True, slots=True)
class Nmea:
    """Frame type 3: a sentence of the receiver."""

    period: int  # measurement period, unit not public
    flags: int
    sentence: str


GnssSample = Coordinates | Dilution | Satellites | Nmea


@dataclass(frozen=True, slots=True)
class GnssFrame:
    """One location frame."""

    frame_type: int
    offline: bool
    timestamp_ns: int  # of the last sample, on the device clock
    samples: tuple[GnssSample, ...]
    kind: Measurement = Measurement.GNSS


def _coordinates(*v: float) -> Coordinates:
    lat, lon, year, month, day, clock, distance, speed, used, coord, accel, course, knots, fix, flag, fusion = v
    bits = int(clock)
    hour, minute, second, milli = bits >> 10 & 31, bits >> 15 & 63, bits >> 21 & 63, bits & 1023
    time = f"{year:04d}-{month:02d}-{day:02d}T{hour:02d}:{minute:02d}:{second:02d}.{milli:03d}"
    speeds = (speed, used, coord, accel, course / 100, knots / 100)
    return Coordinates(lat, lon, time, distance / 10, *speeds, bool(fix), int(flag), int(fusion))


def _dilution(dilution: int, altitude: int, satellites: int, fix: int) -> Dilution:
    return Dilution(dilution / 100, altitude, satellites, bool(fix))


def _satellites(*v: int) -> Satellites:
    seen1, used1, seen2, used2 = (Constellations(*v[i : i + 10]) for i in range(0, 40, 10))
    return Satellites(seen1, used1, seen2, used2, v[40])


_FIXED: dict[int, tuple[struct.Struct, Callable[..., GnssSample]]] = {
    0: (_COORDINATES, _coordinates),
    1: (_DILUTION, _dilution),
    2: (_SATELLITES, _satellites),
}


def decode(payload: bytes, offline: bool, timestamp_ns: int, type_byte: int) -> GnssFrame:
    """A whole location frame whose header was read already. Raises DecodeError."""
    start = 10
    if type_byte == 3:
        samples = _sentences(payload, start)
    elif type_byte in _FIXED:
        layout, build = _FIXED[type_byte]
        rest = (len(payload) - start) % layout.size
        if rest:
            raise _error(f"{rest} bytes left over; a sample has {layout.size}", payload, len(payload) - rest)
        samples = tuple(build(*values) for values in layout.iter_unpack(payload[start:]))
    else:
        raise _error(f"frame type 0x{type_byte:02x} of GNSS is not known", payload, 9)
    if not samples:
        raise _error("frame holds no sample", payload, start)
    return GnssFrame(type_byte, offline, timestamp_ns, samples)


def _sentences(payload: bytes, at: int) -> tuple[GnssSample, ...]:
    samples: list[GnssSample] = []
    while at < len(payload):
        if len(payload) - at < _NMEA_HEAD.size:
            raise _error(f"NMEA header needs {_NMEA_HEAD.size} bytes, {len(payload) - at} left", payload, at)
        period, length, flags = _NMEA_HEAD.unpack_from(payload, at)
        at += _NMEA_HEAD.size
        text = payload[at : at + length]
        if len(text) < length:
            raise _error(f"NMEA sentence needs {length} bytes, {len(text)} left", payload, at)
        if not text.isascii():
            raise _error("NMEA sentence is not ASCII", payload, at)
        samples.append(Nmea(period, flags, text.decode("ascii")))
        at += length
    return tuple(samples)


def _error(message: str, payload: bytes, offset: int) -> DecodeError:
    return DecodeError(message, uuid=PMD_DATA, payload=payload, offset=offset)
