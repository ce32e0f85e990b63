"""Payloads of episodic health devices, written from the GATT Specification Supplement; all little endian.

The measurement decoders in `vitals.decode` share no code with them but the IEEE 11073 numbers and the CRC.
"""

from __future__ import annotations

import datetime as dt
import struct

from vitals.decode.e2e_crc import crc16_mcrf4xx
from vitals.decode.ieee11073 import Special, encode_float, encode_sfloat


def date_time(when: dt.datetime) -> bytes:
    """Date Time, 7 bytes."""
    return struct.pack("<H5B", when.year, when.month, when.day, when.hour, when.minute, when.second)


def spot_check(spo2: float, pulse_bpm: float, *, when: dt.datetime | None = None, index: float | None = None) -> bytes:
    """PLX Spot-Check Measurement (0x2A5E): saturation in %, pulse rate, time, pulse amplitude index in %."""
    flags = (when is not None) | (index is not None) << 3
    out = bytes([flags]) + encode_sfloat(spo2) + encode_sfloat(pulse_bpm)
    return out + (date_time(when) if when else b"") + (b"" if index is None else encode_sfloat(index))


def continuous(spo2: float, pulse_bpm: float, *, index: float | None = None) -> bytes:
    """PLX Continuous Measurement (0x2A5F)."""
    out = bytes([(index is not None) << 4]) + encode_sfloat(spo2) + encode_sfloat(pulse_bpm)
    return out + (b"" if index is None else encode_sfloat(index))


def temperature(
    celsius: float, *, when: dt.datetime | None = None, site: int | None = None, fahrenheit: bool = False
) -> bytes:
    """Temperature Measurement (0x2A1C); sent in degrees Fahrenheit where asked for."""
    flags = fahrenheit | (when is not None) << 1 | (site is not None) << 2
    out = bytes([flags]) + encode_float(round(celsius * 1.8 + 32, 2) if fahrenheit else celsius)
    return out + (date_time(when) if when else b"") + (b"" if site is None else bytes([site]))


def blood_pressure(
    systolic: float,
    diastolic: float,
    mean: float | None = None,
    *,
    pulse_bpm: float | None = None,
    when: dt.datetime | None = None,
    user: int | None = None,
    status: int | None = None,
) -> bytes:
    """Blood Pressure Measurement (0x2A35) in mmHg; a mean that was not measured is sent as NaN."""
    flags = (when is not None) << 1 | (pulse_bpm is not None) << 2 | (user is not None) << 3 | (status is not None) << 4
    out = bytes([flags]) + encode_sfloat(systolic) + encode_sfloat(diastolic)
    out += encode_sfloat(Special.NAN if mean is None else mean)
    out += date_time(when) if when else b""
    out += b"" if pulse_bpm is None else encode_sfloat(pulse_bpm)
    out += b"" if user is None else bytes([user])
    return out + (b"" if status is None else struct.pack("<H", status))


def weight(
    kg: float,
    *,
    when: dt.datetime | None = None,
    user: int | None = None,
    height_m: float | None = None,
    imperial: bool = False,
) -> bytes:
    """Weight Measurement (0x2A9D); with a height it carries the body mass index as well."""
    flags = imperial | (when is not None) << 1 | (user is not None) << 2 | (height_m is not None) << 3
    out = struct.pack("<BH", flags, round(kg / 0.45359237 * 100) if imperial else round(kg * 200))
    out += date_time(when) if when else b""
    out += b"" if user is None else bytes([user])
    if height_m is not None:
        height = round(height_m / 0.0254 * 10) if imperial else round(height_m * 1000)
        out += struct.pack("<HH", round(kg / height_m**2 * 10), height)
    return out


def body_composition(fat_percent: float, *, impedance_ohm: float | None = None, kg: float | None = None) -> bytes:
    """Body Composition Measurement (0x2A9C), metric."""
    flags = (impedance_ohm is not None) << 9 | (kg is not None) << 10
    out = struct.pack("<HH", flags, round(fat_percent * 10))
    out += b"" if impedance_ohm is None else struct.pack("<H", round(impedance_ohm * 10))
    return out + (b"" if kg is None else struct.pack("<H", round(kg * 200)))


def glucose(sequence: int, mg_dl: float, when: dt.datetime, *, offset_min: int | None = None) -> bytes:
    """Glucose Measurement (0x2A18) in kg/L, capillary whole blood from a finger."""
    flags = (offset_min is not None) | 0x02
    out = struct.pack("<BH", flags, sequence) + date_time(when)
    out += b"" if offset_min is None else struct.pack("<h", offset_min)
    # 1 mg/dL is 1e-5 kg/L: the exponent is written, so that no digit is lost to a quotient.
    return out + struct.pack("<H", round(mg_dl) & 0x0FFF | (-5 & 0xF) << 12) + b"\x11"


def cgm(
    mg_dl: float, offset_min: int, *, trend: float | None = None, quality: float | None = None, crc: bool = False
) -> bytes:
    """One record of CGM Measurement (0x2AA7)."""
    flags = (trend is not None) | (quality is not None) << 1
    body = bytes([flags]) + encode_sfloat(mg_dl) + struct.pack("<H", offset_min)
    body += b"" if trend is None else encode_sfloat(trend)
    body += b"" if quality is None else encode_sfloat(quality)
    return closed(bytes([len(body) + 1 + 2 * crc]) + body, crc=crc)


def closed(body: bytes, *, crc: bool) -> bytes:
    """`body` with its E2E-CRC, where the device has one."""
    return body + (struct.pack("<H", crc16_mcrf4xx(body)) if crc else b"")
