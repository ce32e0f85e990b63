"""Hand-made frames with every optional field: each decodes to what it says, and to nothing else when a byte goes or
comes."""

from __future__ import annotations

import pytest

from tests.decode.golden_health import GOLDEN as HEALTH
from tests.decode.golden_motion import GOLDEN as MOTION
from tests.decode.golden_motion import READ_ONLY_REQUESTS, REQUESTS
from vitals.decode import DECODERS, cgm_control, decode, decode_request, record_access, registry, speed_control, uuids
from vitals.decode.registry import FILES, REQUEST_FILES
from vitals.errors import DecodeError, InputError

GOLDEN = HEALTH + MOTION


@pytest.mark.parametrize(("uuid", "frame", "value"), GOLDEN, ids=lambda item: item if isinstance(item, str) else "")
def test_frame_says(uuid: str, frame: str, value: object) -> None:
    assert decode(uuid, bytes.fromhex(frame)) == value


@pytest.mark.parametrize(("uuid", "frame", "value"), REQUESTS + READ_ONLY_REQUESTS, ids=lambda item: str(item)[:40])
def test_request_says(uuid: str, frame: str, value: object) -> None:
    assert decode_request(uuid, bytes.fromhex(frame)) == value


def test_every_registered_characteristic_has_a_golden_frame_or_a_foreign_one() -> None:
    tested_elsewhere = {  # test_heart_rate.py and the foreign vectors
        uuids.HEART_RATE_MEASUREMENT, uuids.BODY_SENSOR_LOCATION, uuids.SYSTEM_ID, uuids.PNP_ID,
        uuids.MANUFACTURER_NAME, uuids.MODEL_NUMBER, uuids.SERIAL_NUMBER, uuids.FIRMWARE_REVISION,
        uuids.HARDWARE_REVISION, uuids.SOFTWARE_REVISION, uuids.SUPPORTED_POWER_RANGE,
    }  # fmt: skip
    same_reader = {  # another characteristic of the same table stands for these
        uuids.HEART_RATE_MAX, uuids.HIP_CIRCUMFERENCE, uuids.RESTING_HEART_RATE, uuids.VO2_MAX,
        uuids.WAIST_CIRCUMFERENCE, uuids.USER_INDEX, uuids.GENERAL_ACTIVITY_SUMMARY_DATA,
        uuids.CARDIORESPIRATORY_ACTIVITY_INSTANTANEOUS_DATA, uuids.CARDIORESPIRATORY_ACTIVITY_SUMMARY_DATA,
    }  # fmt: skip
    standard = {uuid for uuid in DECODERS if uuid.endswith(uuids.sig(0)[8:])}
    assert standard - {uuid for uuid, _, _ in GOLDEN} == tested_elsewhere | same_reader


@pytest.mark.parametrize(("uuid", "frame"), [(uuid, frame) for uuid, frame, _ in GOLDEN])
def test_a_byte_less_or_more_is_refused_or_something_else(uuid: str, frame: str) -> None:
    whole = bytes.fromhex(frame)
    value = decode(uuid, whole)
    for other in [whole[:length] for length in range(len(whole))] + [whole + b"\0"]:
        try:
            assert decode(uuid, other) != value
        except DecodeError as err:
            assert (err.uuid, err.payload) == (uuid, other)
            assert 0 <= err.offset <= len(other)


@pytest.mark.parametrize(
    ("uuid", "frame", "why", "offset"),
    [
        (uuids.CGM_MEASUREMENT, "08 00 6400 0500 98bd", "E2E-CRC is bd98, not bc98", 6),
        (uuids.CGM_MEASUREMENT, "06 00 6400 0500 08 00 6400 0500 98bd", "E2E-CRC", 12),
        (uuids.CGM_MEASUREMENT, "07 00 6400 0500 00", "record size 7 is neither 6 nor, with a CRC, 8", 0),
        (uuids.CGM_MEASUREMENT, "09 00 6400 0500", "record of 9 bytes, 6 left", 0),
        (uuids.CGM_MEASUREMENT, "", "record size needs 1 byte", 0),
        (uuids.CGM_FEATURE, "001000 59 f04a", "E2E-CRC is 4af0, not 49f0", 4),
        (uuids.CGM_FEATURE, "000000 59 0000", "E2E-CRC of a device without CRC is not ffff", 4),
        (uuids.CGM_STATUS, "0500 010203 2b", "1 byte left over", 5),
        (uuids.CGM_SESSION_RUN_TIME, "a800 8792", "E2E-CRC", 2),
        (uuids.CGM_SPECIFIC_OPS_CONTROL_POINT, "1c 1a 01 6d61", "E2E-CRC", 3),
        (uuids.CGM_SPECIFIC_OPS_CONTROL_POINT, "02", "op code 2 is not a response", 0),
        (uuids.RECORD_ACCESS_CONTROL_POINT, "0500", "number of records has 0 bytes", 2),
        (uuids.RECORD_ACCESS_CONTROL_POINT, "0500010203", "number of records has 3 bytes", 2),
        (uuids.RECORD_ACCESS_CONTROL_POINT, "06000101ff", "1 byte left over", 4),
        (uuids.DATE_TIME, "e8070d01000000", "month 13", 2),
        (uuids.DATE_TIME, "e707021d000000", "day 29 of date time does not exist", 3),
        (uuids.DATE_TIME, "e8070101180000", "hour 24", 4),
        (uuids.DATE_TIME, "e80701010000 3c", "second 60", 6),
        (uuids.DATE_TIME, "2d060101000000", "year 1581", 0),
        (uuids.TIME_ZONE, "39", "time zone 57 is reserved", 0),
        (uuids.DST_OFFSET, "03", "DST offset 3 is reserved", 0),
        (uuids.BATTERY_LEVEL_STATUS, "02 0000 65", "battery level 101 is above", 3),
        (uuids.CYCLING_POWER_VECTOR, "0c 0100", "forces and torques", 0),
        (uuids.FITNESS_MACHINE_STATUS, "08 2c", "power needs 2 bytes, 1 left", 1),
        (uuids.TRAINING_STATUS, "01 0d 61ff", "text is not UTF-8", 3),
        (uuids.LIVE_HEALTH_OBSERVATIONS, "03 00 0800 0000 6200", "length is 8, the observation has 7 bytes", 2),
        (uuids.GLUCOSE_MEASUREMENT, "02 0100 e8070102030405 78b0", "type and sample location", 12),
    ],
)
def test_what_is_wrong_is_named_with_its_place(uuid: str, frame: str, why: str, offset: int) -> None:
    payload = bytes.fromhex(frame)
    with pytest.raises(DecodeError, match=why) as caught:
        decode(uuid, payload)
    assert (caught.value.uuid, caught.value.payload, caught.value.offset) == (uuid, payload, offset)
    assert payload.hex() in str(caught.value)


def test_requests_and_answers_are_not_mixed_up() -> None:
    for uuid, frame, _ in REQUESTS + READ_ONLY_REQUESTS:
        with pytest.raises(DecodeError, match="is not a response"):
            decode(uuid, bytes.fromhex(frame))
    for uuid, frame, _ in GOLDEN:
        if uuid in registry.REQUESTS:
            with pytest.raises(DecodeError, match="is a response, not a request") as caught:
                decode_request(uuid, bytes.fromhex(frame))
            assert caught.value.offset == 0
    with pytest.raises(InputError, match="not known"):
        decode_request(uuids.BATTERY_LEVEL, b"\x64")


def test_an_unknown_operation_is_handed_on_for_the_device_to_answer() -> None:
    assert record_access.decode_record_request(bytes([99, 1, 2])).operation == 99
    assert cgm_control.decode_cgm_control_request(bytes([99, 1, 2])).operation == 99
    assert speed_control.decode_speed_request(bytes([99, 1, 2])).operation == 99


def test_encoders_write_the_hand_made_requests_and_answers() -> None:
    for _, frame, value in REQUESTS:
        if isinstance(value, record_access.RecordRequest):
            assert record_access.encode_record_request(value) == bytes.fromhex(frame)
        elif isinstance(value, cgm_control.CgmRequest):
            assert cgm_control.encode_cgm_control_request(value) == bytes.fromhex(frame)
        else:
            assert isinstance(value, speed_control.SpeedRequest)
            assert speed_control.encode_speed_request(value) == bytes.fromhex(frame)
    answers = 0
    for _, frame, value in GOLDEN:
        raw = bytes.fromhex(frame)
        if isinstance(value, record_access.RecordResponse | record_access.NumberOfRecords):
            assert record_access.encode_record_response(value, width=len(raw) - 2) == raw
        elif isinstance(
            value,
            cgm_control.CgmInterval | cgm_control.CgmCalibration | cgm_control.CgmAlertLevel | cgm_control.CgmResponse,
        ):
            assert cgm_control.encode_cgm_control_response(value) == raw
        elif isinstance(value, speed_control.SpeedResponse):
            assert speed_control.encode_speed_response(value) == raw
        else:
            continue
        answers += 1
    assert answers >= 8


def test_what_does_not_fit_is_not_encoded() -> None:
    too_big = record_access.RecordRequest(
        record_access.RecordOperation.REPORT_RECORDS,
        record_access.RecordOperator.GREATER_OR_EQUAL,
        record_access.RecordFilter.SEQUENCE_NUMBER,
        65536,
    )
    with pytest.raises(InputError, match="65536"):
        record_access.encode_record_request(too_big)
    assert record_access.encode_record_request(too_big, width=4) == bytes.fromhex("0103 01 00000100")
    with pytest.raises(InputError, match="does not suit"):
        cgm_control.encode_cgm_control_request(cgm_control.CgmRequest(cgm_control.CgmOperation.SET_HYPO_ALERT))
    with pytest.raises(InputError, match="give 0 to 4294967295"):
        speed_control.encode_speed_request(
            speed_control.SpeedRequest(speed_control.SpeedOperation.SET_CUMULATIVE_VALUE, 1 << 32)
        )


def test_the_lines_of_the_registry_are_the_tables_of_the_files() -> None:
    import importlib

    for files, table in ((FILES, "DECODERS"), (REQUEST_FILES, "REQUESTS")):
        for file, listed in files.items():
            assert set(listed) == set(getattr(importlib.import_module(f"vitals.decode.{file}"), table)), file
