"""Weight Scale (WSS 1.0, 0x181D) and Body Composition (BCS 1.0, 0x181B).

Layouts (GATT Specification Supplement, Weight Measurement and Body Composition Measurement):
    weight 0x2A9D       flags u8: bit 0 imperial, 1 time stamp, 2 user, 3 BMI and height
                        weight u16 [0.005 kg | 0.01 lb], time (7 bytes), user u8, BMI u16 [0.1], height u16 [0.001 m
                        | 0.1 in]
    composition 0x2A9C  flags u16: bit 0 imperial, 1 time stamp, 2 user, 3 basal metabolism, 4 muscle percentage, 5
                        muscle mass, 6 fat free mass, 7 soft lean mass, 8 body water mass, 9 impedance, 10 weight, 11
                        height, 12 one of two packets of a measurement
                        body fat u16 [0.1 %], then what the flags say; masses like the weight, metabolism u16 [kJ],
                        muscle u16 [0.1 %], impedance u16 [0.1 ohm]
Fields, units and the unknown user were compared with the supplement's own YAML (which gives impedance once as 0.1 and
once as 0.01 ohm: as 0.1 here). FFFF in the weight or the body fat says that the measurement did not succeed (WSS and
BCS, from memory; the YAML does not say so): None here.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from vitals.decode import uuids
from vitals.decode.cursor import Cursor
from vitals.decode.date_time import DateTime, time_stamp

# Exact by definition; as integers they let a value be rounded once.
_NG_PER_CENTIPOUND = 4_535_923_700
_UM_PER_TENTH_INCH = 2540
UNKNOWN_USER = 0xFF
_UNSUCCESSFUL = 0xFFFF
# Resolution codes of the two features, in kilograms and metres; the imperial ones are of the same rank.
_WEIGHT_RESOLUTION_KG = (None, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005)
_HEIGHT_RESOLUTION_M = (None, 0.01, 0.005, 0.001)


class WeightScaleFeature(enum.IntFlag):
    TIME_STAMP = 1 << 0
    MULTIPLE_USERS = 1 << 1
    BMI = 1 << 2


class BodyCompositionFeature(enum.IntFlag):
    TIME_STAMP = 1 << 0
    MULTIPLE_USERS = 1 << 1
    BASAL_METABOLISM = 1 << 2
    MUSCLE_PERCENTAGE = 1 << 3
    MUSCLE_MASS = 1 << 4
    FAT_FREE_MASS = 1 << 5
    SOFT_LEAN_MASS = 1 << 6
    BODY_WATER_MASS = 1 << 7
    IMPEDANCE = 1 << 8
    WEIGHT = 1 << 9
    HEIGHT = 1 << 10


@dataclass(frozen=True, slots=True)
class WeightMeasurement:
    weight_kg: float | None  # None: the measurement did not succeed
    sent_in_imperial: bool
    time: DateTime | None
    user: int | None  # 255: unknown user
    bmi_kg_m2: float | None
    height_m: float | None


@dataclass(frozen=True, slots=True)
class BodyComposition:
    body_fat_percent: float | None  # None: the measurement did not succeed
    sent_in_imperial: bool
    time: DateTime | None
    user: int | None
    basal_metabolism_kj: int | None
    muscle_percent: float | None
    muscle_mass_kg: float | None
    fat_free_mass_kg: float | None
    soft_lean_mass_kg: float | None
    body_water_mass_kg: float | None
    impedance_ohm: float | None
    weight_kg: float | None
    height_m: float | None
    multiple_packets: bool  # the other values of this measurement come in a second packet


@dataclass(frozen=True, slots=True)
class WeightScaleFeatures:
    features: WeightScaleFeature
    weight_resolution_kg: float | None  # None: not specified
    height_resolution_m: float | None


@dataclass(frozen=True, slots=True)
class BodyCompositionFeatures:
    features: BodyCompositionFeature
    weight_resolution_kg: float | None
    height_resolution_m: float | None


def _mass_kg(at: Cursor, imperial: int, what: str) -> float:
    raw = at.uint(2, what)
    return raw * _NG_PER_CENTIPOUND / 10**12 if imperial else raw / 200


def _height_m(at: Cursor, imperial: int) -> float:
    raw = at.uint(2, "height")
    return raw * _UM_PER_TENTH_INCH / 10**6 if imperial else raw / 1000


def _resolution(table: tuple[float | None, ...], code: int) -> float | None:
    return table[code] if code < len(table) else None


def decode_weight(payload: bytes) -> WeightMeasurement:
    """Weight Measurement (0x2A9D). Raises DecodeError where bytes are missing or left over."""
    at = Cursor(uuids.WEIGHT_MEASUREMENT, payload)
    flags = at.uint(1, "flags")
    failed = at.payload[1:3] == b"\xff\xff"
    weight = _mass_kg(at, flags & 0x01, "weight")
    time = time_stamp(at, "time stamp") if flags & 0x02 else None
    user = at.uint(1, "user") if flags & 0x04 else None
    bmi = at.uint(2, "BMI") / 10 if flags & 0x08 else None
    height = _height_m(at, flags & 0x01) if flags & 0x08 else None
    at.end()
    return WeightMeasurement(None if failed else weight, bool(flags & 0x01), time, user, bmi, height)


def decode_body_composition(payload: bytes) -> BodyComposition:
    """Body Composition Measurement (0x2A9C). Raises DecodeError where bytes are missing or left over."""
    at = Cursor(uuids.BODY_COMPOSITION_MEASUREMENT, payload)
    flags = at.uint(2, "flags")
    fat = at.uint(2, "body fat")
    time = time_stamp(at, "time stamp") if flags & 0x002 else None
    user = at.uint(1, "user") if flags & 0x004 else None
    basal = at.uint(2, "basal metabolism") if flags & 0x008 else None
    muscle = at.uint(2, "muscle percentage") / 10 if flags & 0x010 else None
    muscle_kg, fat_free_kg, lean_kg, water_kg = (
        _mass_kg(at, flags & 0x001, what) if flags & bit else None
        for bit, what in ((0x020, "muscle mass"), (0x040, "fat free mass"), (0x080, "soft lean mass"), (0x100, "water"))
    )
    impedance = at.uint(2, "impedance") / 10 if flags & 0x200 else None
    weight = _mass_kg(at, flags & 0x001, "weight") if flags & 0x400 else None
    height = _height_m(at, flags & 0x001) if flags & 0x800 else None
    at.end()
    return BodyComposition(
        None if fat == _UNSUCCESSFUL else fat / 10, bool(flags & 0x001), time, user, basal, muscle, muscle_kg,
        fat_free_kg, lean_kg, water_kg, impedance, weight, height, bool(flags & 0x1000),
    )  # fmt: skip


def decode_weight_scale_feature(payload: bytes) -> WeightScaleFeatures:
    """Weight Scale Feature (0x2A9E)."""
    at = Cursor(uuids.WEIGHT_SCALE_FEATURE, payload)
    bits = at.uint(4, "features")
    at.end()
    return WeightScaleFeatures(
        WeightScaleFeature(bits & 0x7),
        _resolution(_WEIGHT_RESOLUTION_KG, bits >> 3 & 0xF),
        _resolution(_HEIGHT_RESOLUTION_M, bits >> 7 & 0x7),
    )


def decode_body_composition_feature(payload: bytes) -> BodyCompositionFeatures:
    """Body Composition Feature (0x2A9B)."""
    at = Cursor(uuids.BODY_COMPOSITION_FEATURE, payload)
    bits = at.uint(4, "features")
    at.end()
    return BodyCompositionFeatures(
        BodyCompositionFeature(bits & 0x7FF),
        _resolution(_WEIGHT_RESOLUTION_KG, bits >> 11 & 0xF),
        _resolution(_HEIGHT_RESOLUTION_M, bits >> 15 & 0x7),
    )


DECODERS: Mapping[str, Callable[[bytes], object]] = {
    uuids.WEIGHT_MEASUREMENT: decode_weight,
    uuids.WEIGHT_SCALE_FEATURE: decode_weight_scale_feature,
    uuids.BODY_COMPOSITION_MEASUREMENT: decode_body_composition,
    uuids.BODY_COMPOSITION_FEATURE: decode_body_composition_feature,
}
