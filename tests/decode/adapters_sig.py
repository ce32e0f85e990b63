"""What the foreign frames of the Bluetooth SIG profiles must decode to, in our field names.

Laws of this file:
1. Payloads stay in the shared folder; an expectation is keyed by the id of its vector.
2. `EXPECTED` transcribes the assertions of the source by hand: our field (dots go deeper) and the value that the
source states.
   `REFUSED` holds the frames that the source calls invalid. `expect` lists and dictionaries of the source are read
   through a mapping of its names to ours.
3. An adapter returns how many values it compared; it never returns 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any

import pytest

from vitals.decode import (
    Special,
    cgm,
    cgm_control,
    cycling_power,
    cycling_speed,
    date_time,
    decode_battery_level,
    decode_heart_rate,
    decode_text,
    fitness_machine,
    glucose,
    running,
    speed_control,
    uuids,
    wahoo,
)
from vitals.decode import fitness_machine_control as machine
from vitals.decode import health_thermometer as thermometer
from vitals.decode import pulse_oximeter as plx
from vitals.decode import record_access as records
from vitals.decode.blood_pressure import (
    MMHG_PER_KPA,
    BloodPressureStatus,
    decode_blood_pressure,
    decode_intermediate_cuff_pressure,
)
from vitals.decode.cursor import Cursor
from vitals.decode.e2e_crc import crc16_mcrf4xx
from vitals.decode.ieee11073 import decode_float, decode_sfloat
from vitals.errors import DecodeError

Vector = Mapping[str, Any]
Decoder = Callable[[bytes], object]

DECODE: Mapping[str, Decoder] = {
    "sig/callback/DSTOffset": date_time.decode_dst_offset,
    "sig/callback/DateTime": date_time.decode_date_time,
    "sig/callback/TimeZone": date_time.decode_time_zone,
    "sig/callback/RecordAccessControlPoint": records.decode_record_response,
    "sig/battery/BatteryLevel": decode_battery_level,
    "sig/battery_service": decode_battery_level,
    "sig/bps/BloodPressureMeasurement": decode_blood_pressure,
    "sig/bps/IntermediateCuffPressure": decode_intermediate_cuff_pressure,
    "sig/cgm/CGMSessionRunTime": cgm.decode_cgm_session_run_time,
    "sig/cgm/CGMSessionStartTime": cgm.decode_cgm_session_start_time,
    "sig/cgm/CGMSpecificOpsControlPoint": cgm_control.decode_cgm_control_response,
    "sig/csc/CyclingSpeedAndCadenceFeature": cycling_speed.decode_csc_feature,
    "sig/glucose/GlucoseMeasurement": glucose.decode_glucose_measurement,
    "sig/hr/HeartRateMeasurement": decode_heart_rate,
    "sig/heart-rate-measurement": decode_heart_rate,
    "sig/heart_rate_service": decode_heart_rate,
    "sig/BluetoothHandlerManagerHeartRate": decode_heart_rate,
    "sig/ht/MeasurementInterval": thermometer.decode_measurement_interval,
    "sig/ht/TemperatureMeasurement": thermometer.decode_temperature_measurement,
    "sig/ht/TemperatureType": thermometer.decode_temperature_type,
    "sig/rsc/RunningSpeedAndCadenceFeature": running.decode_rsc_feature,
    "sig/sc/SensorLocation": cycling_speed.decode_sensor_location,
    "sig/sc/SpeedAndCadenceControlPoint": speed_control.decode_speed_response,
    "sig/BluetoothHandlerCyclingDistanceSpeed": cycling_speed.decode_csc_measurement,
    "sig/BluetoothHandlerCyclingPower": cycling_power.decode_cycling_power_measurement,
    "sig/indoor-bike-data": fitness_machine.decode_indoor_bike_data,
    "sig/wcps": wahoo.decode_trainer_response,
    "sig/cycling_speed_cadence_service": cycling_speed.decode_csc_feature,
}
# These protocols of the collection mix several characteristics.
DECODE_ONE: Mapping[int, Decoder] = {
    486: machine.decode_machine_request,
    488: fitness_machine.decode_indoor_bike_data,
    490: machine.decode_machine_status,
    492: machine.decode_machine_status,
    494: machine.DECODERS[uuids.SUPPORTED_POWER_RANGE],
    516: cycling_speed.decode_sensor_location,
    518: cycling_speed.decode_sensor_location,
    520: cycling_power.decode_cycling_power_feature,
    522: cycling_power.decode_cycling_power_measurement,
}

REFUSED = frozenset({326, 344, 346, 352, 358, 362, 368, 382, 384, 392, 394, 396, 398, 400, 402, 406})

NOT_APPLICABLE: Mapping[int, str] = {
    408: "CRC-16/CCITT-FALSE: no GATT service uses it",
    412: "CRC-16/AUG-CCITT: no GATT service uses it",
    414: "CRC-16/MAXIM: no GATT service uses it",
    416: "two bytes longer than its flags say; refused by us, equal to the source when they are cut off (tested below)",
    424: "constructor of the source's own reader",
    440: "big-endian integers: GATT is little endian",
    442: "asserts nothing about the bytes: the source's own exception",
    450: "hexadecimal text of the source's own reader",
    452: "byte slices of the source's own reader",
    454: "hexadecimal text of the source's own reader",
    456: "asserts nothing about the bytes: the source's own exception",
    460: "big-endian integers: GATT is little endian",
    462: "big-endian integers: GATT is little endian",
    464: "big-endian integers: GATT is little endian",
    466: "big-endian integers: GATT is little endian",
    468: "big-endian integers: GATT is little endian",
    470: "big-endian integers: GATT is little endian",
    480: "joining arrays in the source's own reader",
    482: "hexadecimal text of the source's own reader",
}

ALL_20_POWER_FEATURES = cycling_power.CyclingPowerFeature(0xFFFFF)
NOTHING_BUT_POWER = dict.fromkeys(
    (
        "pedal_balance_percent", "accumulated_torque_nm", "wheel", "crank", "force_n", "torque_nm", "angle_deg",
        "top_dead_spot_deg", "bottom_dead_spot_deg", "accumulated_energy_kj",
    )
)  # fmt: skip

EXPECTED: Mapping[int, Mapping[str, object]] = {
    322: {"offset_min": 30},
    324: {"offset_min": 120},
    328: {"year": None, "month": None, "day": None, "hour": 18, "minute": 26, "second": 32},
    330: {"request": 1, "result": records.RecordResult.SUCCESS},
    332: {"request": 1, "result": 3},
    334: {"result": 5},
    336: {"result": 7},
    338: {"result": 9},
    340: {"count": 1},
    342: {"count": 16909060},
    348: {"offset_min": None},
    350: {"percent": 100},
    354: {
        "systolic_mmhg": 138.0, "diastolic_mmhg": 88.0, "mean_arterial_mmhg": 120.0, "sent_in_kpa": False,
        "pulse_rate_bpm": 60.0, "user": 1,
        "status": BloodPressureStatus.BODY_MOVEMENT | BloodPressureStatus.CUFF_TOO_LOOSE
        | BloodPressureStatus.IRREGULAR_PULSE | BloodPressureStatus.IMPROPER_POSITION,
        "time.year": None, "time.month": 4, "time.day": 17, "time.hour": 20, "time.minute": 41, "time.second": 59,
    },
    356: {
        "systolic_mmhg": pytest.approx(18.9, abs=0.01), "diastolic_mmhg": 11.0,
        "mean_arterial_mmhg": pytest.approx(15.9, abs=0.01), "sent_in_kpa": False, "pulse_rate_bpm": None,
        "user": None, "status": None, "time": None,
    },
    360: {
        "cuff_mmhg": pytest.approx(11.1 * MMHG_PER_KPA), "sent_in_kpa": True, "pulse_rate_bpm": 60.0, "user": None,
        "status": BloodPressureStatus.CUFF_TOO_LOOSE | BloodPressureStatus.PULSE_RATE_BELOW_LIMIT, "time": None,
    },
    364: {"run_time_h": 2, "e2e_crc": False},
    366: {
        "e2e_crc": False, "time.year": None, "time.month": 4, "time.day": 24, "time.hour": 13, "time.minute": 8,
        "time.second": 24,
        # The source states 8 * 60000 ms: it takes the raw number for minutes. The characteristic counts quarters.
        "time_zone.offset_min": 8 * 15, "dst.offset_min": 2 * 15,
    },
    370: {"result": 2, "e2e_crc": False, "request": 2},
    372: {"result": 2, "e2e_crc": True, "request": 2},
    374: {"response": cgm_control.CgmOperation.PATIENT_HIGH_ALERT_RESPONSE, "level": 1.2, "e2e_crc": False},
    376: {"response": cgm_control.CgmOperation.HYPO_ALERT_RESPONSE, "level": 1.0, "e2e_crc": False},
    378: {"response": cgm_control.CgmOperation.RATE_OF_DECREASE_ALERT_RESPONSE, "level": 10.0, "e2e_crc": False},
    380: {"interval_min": 11, "e2e_crc": False},
    386: {
        "sequence": 1, "time.minute": 5, "sent_in_mmol_l": False, "status.value": 261, "context_follows": True,
        "status": glucose.GlucoseStatus.DEVICE_BATTERY_LOW | glucose.GlucoseStatus.SAMPLE_SIZE_INSUFFICIENT
        | glucose.GlucoseStatus.TEMPERATURE_TOO_LOW,
    },
    388: {"rate_bpm": 85, "contact": None, "energy_kj": None, "rr_ticks": ()},
    390: {"rate_bpm": 85, "contact": True, "energy_kj": 50, "rr_ticks": (33,)},
    404: {"request": 2, "result": 2, "locations": ()},
    418: {"wheel.count": 200 + 16777216, "crank.count": 225},
    420: {"power_w": 0, "crank.count": 12, "crank.time_ticks": 17125},
    422: {"rate_bpm": 257},
    486: {"operation": machine.MachineOperation.REQUEST_CONTROL},
    488: {"speed_kmh": pytest.approx(280 * 0.01), "cadence_rpm": 10, "power_w": 6},
    490: {"event": machine.MachineEvent.POWER_CHANGED, "target.power_w": 300},
    492: {
        "event": machine.MachineEvent.BIKE_SIMULATION_CHANGED, "target.simulation.wind_speed_m_s": 3,
        "target.simulation.grade_percent": 8.1, "target.simulation.rolling_resistance": 0.004,
        "target.simulation.wind_resistance_kg_m": 0.49,
    },
    494: {"minimum": 0, "maximum": 800, "increment": 1},
    496: {"contact": None, "rate_bpm": 81},
    498: {"contact": None, "rate_bpm": 67, "rr_ticks": (882,)},
    500: {"contact": None, "rate_bpm": 103, "rr_ticks": (882, 906, 1173)},
    502: {"contact": None, "rate_bpm": 67, "energy_kj": 2000},
    504: {"contact": False, "rate_bpm": 67},
    506: {"speed_kmh": 32.74, "cadence_rpm": 80, "power_w": 300},
    508: {"speed_kmh": 32.74, "cadence_rpm": 80, "total_distance_m": 42195, "power_w": 300, "heart_rate_bpm": 143},
    510: {"success": True, "request": wahoo.TrainerOperation.SET_POWER_TARGET, "power_target_w": 50},
    512: {"success": True, "request": wahoo.TrainerOperation.UNLOCK},
    514: {"percent": 42},
    516: {"real": cycling_speed.SensorLocation.OTHER},
    518: {"real": cycling_speed.SensorLocation.LEFT_CRANK},
    # The source says "unspecified" of bits 20 and 21, which are both set in its frame: 0b11 is reserved.
    520: {"features": ALL_20_POWER_FEATURES, "distributed_system": cycling_power.DistributedSystem.RESERVED},
    522: {"power_w": 1234, **NOTHING_BUT_POWER},
    524: {"value": 0b111},
    526: {"value": 0},
    # The source says False of a sensor that does not support contact; ours is None.
    528: {"rate_bpm": 42, "contact": None, "rr_ticks": (), "energy_kj": None},
}  # fmt: skip


def payloads(vector: Vector) -> list[bytes]:
    """The frames of a vector: it holds one or several."""
    frames = vector["hex"]
    return [bytes.fromhex(frame) for frame in (frames if isinstance(frames, list) else [frames])]


def transcribed(vector: Vector) -> int:
    """A frame whose assertions are in `EXPECTED` or `REFUSED`."""
    number = vector["id"]
    decode = DECODE_ONE.get(number) or DECODE[vector["protocol"]]
    frames = payloads(vector)
    if number in REFUSED:
        for frame in frames:
            with pytest.raises(DecodeError):
                decode(frame)
        return len(frames)
    (frame,) = frames
    reading = decode(frame)
    for path, value in EXPECTED[number].items():
        assert attrgetter(path)(reading) == value, f"{path} of {reading}, {value} expected"
    return len(EXPECTED[number])


HEART_RATE_NAMES: Mapping[str, Callable[[Any], object]] = {
    "hrValue": lambda m: m.rate_bpm,
    "sensorContact": lambda m: bool(m.contact),
    "sensorContactSupported": lambda m: m.contact is not None,
    "energy": lambda m: m.energy_kj,
    "rrPresent": lambda m: bool(m.rr_ticks),
    "rrs.size": lambda m: len(m.rr_ticks),
    "rrs[0]": lambda m: m.rr_ticks[0],
    "rrs[1]": lambda m: m.rr_ticks[1],
    # The source cuts to whole milliseconds; we keep the tick.
    "rrsMs.size": lambda m: len(m.rr_ticks),
    "rrsMs[0]": lambda m: int(m.rr_ticks[0] * 1000 / 1024),
    "rrsMs[1]": lambda m: round(m.rr_ticks[1] * 1000 / 1024),
    "hr": lambda m: m.rate_bpm,
    "contact": lambda m: m.contact,
    "contact_supported": lambda m: m.contact is not None,
    "rr_1024": lambda m: list(m.rr_ticks),
}
RSC_NAMES: Mapping[str, Callable[[Any], object]] = {
    "strideLengthPresent": lambda m: m.stride_length_m is not None,
    "totalDistancePresent": lambda m: m.total_distance_m is not None,
    "running": lambda m: m.running,
    "speed": lambda m: m.speed_m_s * 256,
    "cadence": lambda m: m.cadence_per_min,
    "strideLength": lambda m: pytest.approx(m.stride_length_m * 100),
    "totalDistance": lambda m: pytest.approx(m.total_distance_m * 10),
}
PLX_NAMES: Mapping[str, Callable[[Any], object]] = {
    "spo2": lambda m: m.spo2_percent,
    "pulse_rate": lambda m: m.pulse_rate_bpm,
    "timestamp": lambda m: m.time.datetime.isoformat(),
    "measurement_status": lambda m: m.measurement_status.value,
    "device_and_sensor_status": lambda m: m.device_status.value,
    "device_clock_not_set": lambda m: not m.clock_is_set,
}


def by_names(decode: Decoder, names: Mapping[str, Callable[[Any], object]]) -> Callable[[Vector], int]:
    """An adapter for a source that states its own field names, in a list of pairs or a dictionary."""

    def compare(vector: Vector) -> int:
        (frame,) = payloads(vector)
        reading = decode(frame)
        expect = vector["expect"]
        pairs = list(expect.items()) if isinstance(expect, dict) else [tuple(pair) for pair in expect]
        for name, value in pairs:
            assert names[name](reading) == value, f"{name} of {reading}, {value} expected"
        return len(pairs)

    return compare


SPECIALS = {
    "nan": Special.NAN,
    "nres": Special.NOT_AT_THIS_RESOLUTION,
    "+inf": Special.PLUS_INFINITY,
    "-inf": Special.MINUS_INFINITY,
}


def number(decode: Callable[[int], float]) -> Callable[[Vector], int]:
    """An adapter for IEEE 11073 numbers; the special ones are named."""

    def compare(vector: Vector) -> int:
        (frame,) = payloads(vector)
        expect = vector["expect"]
        value = decode(int.from_bytes(frame, "little"))
        if isinstance(expect, str):
            assert value is SPECIALS[expect]
        else:
            assert value == expect
        return 1

    return compare


# Integers that the reader of another project finds at (offset, bytes, signed), by the id of its frame.
INTEGERS: Mapping[int, Mapping[tuple[int, int, bool], int]] = {
    426: {(0, 1, False): 40, (1, 1, False): 200, (2, 1, False): 255, (3, 1, False): 80},
    428: {(0, 2, False): 513, (1, 2, False): 770, (2, 2, False): 1027},
    430: {(0, 2, True): -511, (1, 2, True): 1022, (2, 2, True): -1021},
    432: {(0, 3, False): 0x030201, (1, 3, False): 0x040302, (2, 3, False): 0x050403, (3, 3, False): 0x060504},
    434: {
        (0, 3, True): 0x03FE01, (1, 3, True): 0xFC03FE - 0x1000000, (2, 3, True): 0x05FC03,
        (3, 3, True): 0xFA05FC - 0x1000000,
    },
    436: {(0, 4, False): 67305985, (1, 4, False): 84148994, (2, 4, False): 100992003, (4, 4, False): 134678021},
    438: {(0, 4, True): -66847231, (1, 4, True): 100402174, (2, 4, True): -100271101, (4, 4, True): -133694971},
    448: {(0, 2, False): 2020},
    458: {(0, 1, True): 40, (1, 1, True): -40, (2, 1, True): 127, (3, 1, True): -127},
}  # fmt: skip
LONGS = (1, 257, 72340172838076673, 72623859790382856)
FLOATS = (1.97120998e9, 26.1633, -1.958409984e9)
SFLOATS = (513.0, -51.1, 767.0)


def bytes_parser(vector: Vector) -> int:
    """The byte reader of another project: integers, IEEE 11073 numbers, a date and a text."""
    frames = payloads(vector)
    number = vector["id"]
    if number in INTEGERS:
        for (offset, size, signed), value in INTEGERS[number].items():
            at = Cursor("foreign", frames[0])
            at.offset = offset
            assert (at.sint(size, "integer") if signed else at.uint(size, "integer")) == value
        return len(INTEGERS[number])
    if number == 472:
        assert [Cursor("foreign", frame).uint(8, "integer") for frame in frames] == list(LONGS)
        return len(LONGS)
    # The words of the big-endian frames are the same numbers: the codec works on the word.
    order: Any = "big" if number in (444, 446) else "little"
    if number in (444, 474):
        assert [decode_float(int.from_bytes(f, order)) for f in frames] == pytest.approx(FLOATS, rel=1e-6)
        return len(FLOATS)
    if number in (446, 476):
        assert [decode_sfloat(int.from_bytes(f, order)) for f in frames] == list(SFLOATS)
        return len(SFLOATS)
    if number == 478:
        assert date_time.decode_date_time(frames[0]) == date_time.DateTime(2020, 1, 2, 10, 21, 48)
        return 6
    assert number == 484
    assert decode_text(uuids.MODEL_NUMBER, frames[0]) == "abc"
    return 1


def crc(vector: Vector) -> int:
    """CRC-16/MCRF4XX; the other checksums of that source are not used by GATT services."""
    assert vector["id"] == 410
    assert crc16_mcrf4xx(payloads(vector)[0]) == 0x07F1
    return 1


ADAPTERS: Mapping[str, Callable[[Vector], int]] = {
    **dict.fromkeys((*DECODE, "sig/ftms", "sig/cycling_power_service"), transcribed),
    "hrs-2a37": by_names(decode_heart_rate, HEART_RATE_NAMES),
    "rsc-2a53": by_names(running.decode_rsc_measurement, RSC_NAMES),
    "plx-2a5e": by_names(plx.decode_plx_spot_check, PLX_NAMES),
    "ieee11073-sfloat": number(decode_sfloat),
    "ieee11073-float": number(decode_float),
    "ieee11073/bytesparser": bytes_parser,
    "sig/util/CRC16Test.java": crc,
}
