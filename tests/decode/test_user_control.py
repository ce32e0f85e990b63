"""Stored blood pressures in several notifications, and the control points of users and of health sensors."""

from __future__ import annotations

import binascii

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.decode.golden_motion import GOLDEN, READ_ONLY_REQUESTS
from vitals.decode import blood_pressure, decode, decode_request, fitness_machine, uuids
from vitals.decode.blood_pressure_record import (
    BloodPressureRecord,
    BloodPressureRecordPart,
    RecordJoiner,
    decode_blood_pressure_record,
    encode_blood_pressure_record,
)
from vitals.decode.health_sensor_control import HealthSensorFeatures, encode_health_sensor_features
from vitals.decode.user_control import (
    UserOperation,
    UserRequest,
    UserResponse,
    encode_user_request,
    encode_user_response,
)
from vitals.errors import DecodeError, InputError

# 120/80, mean 93 mmHg, pulse 62: Enhanced Blood Pressure Measurement, in one notification and in two.
VALUE = bytes.fromhex("04 7800 5000 5d00 3e00")
PARTS = ("01 0700 342b 0478005000", "06 0700 342b 5d003e00")


def crc(data: bytes) -> bytes:
    """CRC-16/MCRF4XX by the standard library: CCITT of the bytes with their bits reversed, and that reversed."""
    mirror = bytes(int(f"{byte:08b}"[::-1], 2) for byte in data)
    return int(f"{binascii.crc_hqx(mirror, 0xFFFF):016b}"[::-1], 2).to_bytes(2, "little")


def joined(joiner: RecordJoiner, *frames: bytes) -> list[BloodPressureRecord]:
    return [one for frame in frames if (one := joiner.feed(decode_blood_pressure_record(frame)))]


def test_a_record_in_one_and_in_two_notifications_says_the_same() -> None:
    whole = BloodPressureRecord(7, uuids.ENHANCED_BLOOD_PRESSURE_MEASUREMENT, VALUE)
    two = [bytes.fromhex(part) for part in PARTS]
    assert joined(RecordJoiner(), b"\x03\x07\x00\x34\x2b" + VALUE) == [whole]
    assert joined(RecordJoiner(), *two) == [whole]
    assert joined(RecordJoiner(crc=True), two[0], two[1] + crc(two[0] + two[1])) == [whole]
    measured = decode(whole.characteristic, whole.value)
    assert isinstance(measured, blood_pressure.BloodPressureMeasurement)
    assert (measured.systolic_mmhg, measured.diastolic_mmhg, measured.pulse_rate_bpm) == (120.0, 80.0, 62.0)


def test_a_notification_that_is_missing_loses_its_record_and_no_other() -> None:
    first, second = (bytes.fromhex(part) for part in PARTS)
    joiner = RecordJoiner()
    assert len(joined(joiner, second, first, first, second)) == 1
    assert joiner.lost == 1
    other = bytearray(second)
    other[1] = 8  # of another record
    assert joined(joiner, first, bytes(other), second) == []
    assert joiner.lost == 2
    record = BloodPressureRecord(9, uuids.ENHANCED_BLOOD_PRESSURE_MEASUREMENT, VALUE)
    three = encode_blood_pressure_record(record, room=9, crc=False)
    assert len(three) == 3
    assert joined(joiner, three[0], three[2]) == []
    assert joiner.lost == 3
    with pytest.raises(DecodeError, match="E2E-CRC"):
        joined(RecordJoiner(crc=True), first, second + b"\0\0")


@given(st.binary(max_size=80), st.integers(8, 40), st.booleans(), st.integers(0, 65535))
def test_what_is_cut_into_notifications_comes_together_again(value: bytes, room: int, crc: bool, number: int) -> None:
    record = BloodPressureRecord(number, uuids.BLOOD_PRESSURE_MEASUREMENT, value)
    frames = encode_blood_pressure_record(record, room=room, crc=crc)
    assert max(map(len, frames)) <= room
    assert joined(RecordJoiner(crc=crc), *frames) == [record]


def test_a_climb_in_two_notifications_is_one_record() -> None:
    assembler: fitness_machine.RecordAssembler[fitness_machine.StepClimberData] = fitness_machine.RecordAssembler()
    parts = [
        fitness_machine.decode_step_climber_data(bytes.fromhex(part)) for part in ("2300 4600 87", "0000 0c00 dc00")
    ]
    assert [assembler.feed(part) for part in parts] == [
        None,
        fitness_machine.StepClimberData(more_data=False, floors=12, steps=220, steps_per_min=70, heart_rate_bpm=135),
    ]


def test_control_points_are_written_as_they_are_read() -> None:
    checked = 0
    for _, frame, value in READ_ONLY_REQUESTS:
        if isinstance(value, UserRequest) and value.operation in UserOperation.__members__.values():
            assert encode_user_request(value) == bytes.fromhex(frame)
            checked += 1
    for _, frame, value in GOLDEN:
        if isinstance(value, UserResponse):
            assert encode_user_response(value) == bytes.fromhex(frame)
            checked += 1
        elif isinstance(value, HealthSensorFeatures):
            assert encode_health_sensor_features(value) == bytes.fromhex(frame)
            checked += 1
    assert checked == 10


def test_a_consent_code_shows_nowhere_and_what_is_missing_is_said() -> None:
    request = decode_request(uuids.USER_CONTROL_POINT, bytes.fromhex("02 03 d204"))
    assert "1234" not in repr(request)
    with pytest.raises(InputError, match="user is None"):
        encode_user_request(UserRequest(UserOperation.CONSENT, consent_code=1))
    with pytest.raises(InputError, match="give 0 to 9999") as error:
        encode_user_request(UserRequest(UserOperation.CONSENT, 1, 12345))
    assert "12345" not in str(error.value)
    for frame in ("20 01 01 03", "81"):
        uuid = uuids.USER_CONTROL_POINT if len(frame) > 2 else uuids.GHS_CONTROL_POINT
        with pytest.raises(DecodeError, match="response, not a request"):
            decode_request(uuid, bytes.fromhex(frame))
    with pytest.raises(DecodeError, match="is not a response"):
        decode(uuids.GHS_CONTROL_POINT, b"\x01")


def test_the_head_of_a_part_is_read_field_by_field() -> None:
    part = decode_blood_pressure_record(bytes.fromhex("06 0700 352b"))
    assert part == BloodPressureRecordPart(False, True, 1, 7, uuids.ENHANCED_INTERMEDIATE_CUFF_PRESSURE, b"")
