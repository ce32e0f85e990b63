"""Heart Rate, Battery and Device Information against frames that other projects wrote or captured."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vitals import decode as d
from vitals.decode import uuids
from vitals.decode.heart_rate_control import HeartRateControl, encode_heart_rate_control
from vitals.errors import DecodeError, InputError


def hr_vectors(shared: Path) -> list[dict[str, Any]]:
    vectors = json.loads((shared / "frames" / "vectors.json").read_text())["vectors"]
    named = re.compile(r"hrs-2a37|heart.?rate.?(measurement|service)|BluetoothHandlerManagerHeartRate", re.I)
    return [v for v in vectors if named.search(v["protocol"]) and v.get("hex")]


# The sources' own words for our fields, transcribed by hand: id or (protocol, hex) -> what must come out.
RAW = {
    "0055": d.HeartRateMeasurement(85, None, None, ()),
    "1e5532002100": d.HeartRateMeasurement(85, True, 50, (33,)),
    "010101": d.HeartRateMeasurement(257, None, None, ()),
    "0051": d.HeartRateMeasurement(81, None, None, ()),
    "10437203": d.HeartRateMeasurement(67, None, None, (882,)),
    "106772038a039504": d.HeartRateMeasurement(103, None, None, (882, 906, 1173)),
    "0843d007": d.HeartRateMeasurement(67, None, 2000, ()),
    "0443": d.HeartRateMeasurement(67, False, None, ()),
    "002a": d.HeartRateMeasurement(42, None, None, ()),
}
POLAR: dict[str, Callable[[d.HeartRateMeasurement], object]] = {
    "hrValue": lambda m: m.rate_bpm,
    "sensorContact": lambda m: bool(m.contact),
    "sensorContactSupported": lambda m: m.contact is not None,
    "energy": lambda m: m.energy_kj,
    "rrPresent": lambda m: bool(m.rr_ticks),
    "rrs.size": lambda m: len(m.rr_ticks),
    "rrsMs.size": lambda m: len(m.rr_ticks),
}


def check(vector: dict[str, Any]) -> int:
    """Compare every value that the source states; returns how many were compared."""
    raw = vector["hex"]
    if raw in RAW:
        assert d.decode_heart_rate(bytes.fromhex(raw)) == RAW[raw]
        return 1
    if ["False", "response.isValid()"] in (vector.get("expect_raw") or []):
        with pytest.raises(DecodeError):
            d.decode_heart_rate(bytes.fromhex(raw))
        return 1
    measured = d.decode_heart_rate(bytes.fromhex(raw))
    expect = vector.get("expect")
    compared = 0
    if isinstance(expect, dict):
        names = {"hr": measured.rate_bpm, "contact": measured.contact, "rr_1024": list(measured.rr_ticks)}
        names["contact_supported"] = measured.contact is not None
        for name, value in expect.items():
            assert names[name] == value, (raw, name)
            compared += 1
        return compared
    for name, value in expect or []:
        if match := re.fullmatch(r"rrs\[(\d+)\]", name):
            assert measured.rr_ticks[int(match[1])] == value
        elif match := re.fullmatch(r"rrsMs\[(\d+)\]", name):
            # Polar rounds to whole milliseconds; we keep the tick.
            assert abs(measured.rr_ticks[int(match[1])] * 1000 / 1024 - value) <= 1
        else:
            assert POLAR[name](measured) == value, (raw, name)
        compared += 1
    return compared


def test_every_foreign_heart_rate_frame_decodes_as_its_source_says(shared: Path) -> None:
    vectors = hr_vectors(shared)
    assert len(vectors) >= 15
    assert sum(check(v) for v in vectors) >= 30


@pytest.mark.parametrize("payload", ["", "01", "0155", "08", "083c01", "10", "103c", "103c01", "163c110401", "170101"])
def test_truncated_or_odd_payloads_are_refused_with_bytes_and_offset(payload: str) -> None:
    with pytest.raises(DecodeError) as caught:
        d.decode_heart_rate(bytes.fromhex(payload))
    assert payload in str(caught.value)
    assert caught.value.uuid == uuids.HEART_RATE_MEASUREMENT
    assert 0 <= caught.value.offset <= len(payload) // 2


@pytest.mark.parametrize("payload", ["003c01", "043c0000"])
def test_left_over_bytes_are_refused(payload: str) -> None:
    with pytest.raises(DecodeError, match="left over"):
        d.decode_heart_rate(bytes.fromhex(payload))


@given(st.sampled_from(sorted(d.DECODERS)), st.binary(max_size=40))
def test_any_bytes_decode_or_say_why(uuid: str, payload: bytes) -> None:
    try:
        d.decode(uuid, payload)
    except DecodeError as err:
        assert payload.hex() in str(err)
        assert err.uuid == uuid


def test_rr_keeps_the_tick_and_the_order() -> None:
    assert d.decode_heart_rate(bytes.fromhex("10 3c 0004 0104 ffff 0000")).rr_ticks == (1024, 1025, 65535, 0)


def test_contact_is_three_valued() -> None:
    # pycycling 0.4.1 reads 0x04 (supported, not in contact) as contact: the trap of facts/ble.md 3.3.
    contacts = [d.decode_heart_rate(bytes([flags, 60])).contact for flags in (0x00, 0x02, 0x04, 0x06)]
    assert contacts == [None, None, False, True]


def test_battery_location_and_identity() -> None:
    assert d.decode(uuids.BATTERY_LEVEL, b"\x64") == d.BatteryLevel(100)
    with pytest.raises(DecodeError, match="above 100"):
        d.decode(uuids.BATTERY_LEVEL, b"\x65")
    assert d.decode(uuids.BODY_SENSOR_LOCATION, b"\x01") is d.BodySensorLocation.CHEST
    assert d.decode(uuids.BODY_SENSOR_LOCATION, b"\x63") == 0x63
    # A device address 00:1B:DC:12:34:56 in EUI-64 form (ff fe in the middle), least significant byte first.
    assert d.decode(uuids.SYSTEM_ID, bytes.fromhex("563412feffdc1b00")) == d.SystemId(0xFFFE123456, 0x001BDC)
    assert d.decode(uuids.PNP_ID, bytes.fromhex("01 6b00 0500 1302")) == d.PnpId(1, 0x006B, 5, 0x0213)


def test_device_information_text_is_cut_and_a_bad_field_does_not_spoil_the_others() -> None:
    info = d.device_info(
        "Polar H10 0A1B2C3D",
        {uuids.MANUFACTURER_NAME: b"Polar Electro Oy\0", uuids.MODEL_NUMBER: b"H10 ", uuids.SERIAL_NUMBER: b"\xff\xfe"},
    )
    assert (info.manufacturer, info.model, info.serial) == ("Polar Electro Oy", "H10", "")


def test_the_control_point_resets_the_energy() -> None:
    reset = d.decode_request(uuids.HEART_RATE_CONTROL_POINT, b"\x01")
    assert reset is HeartRateControl.RESET_ENERGY_EXPENDED
    assert encode_heart_rate_control(reset) == b"\x01"
    assert d.decode_request(uuids.HEART_RATE_CONTROL_POINT, b"\x02") == 2
    with pytest.raises(DecodeError, match="left over"):
        d.decode_request(uuids.HEART_RATE_CONTROL_POINT, b"\x01\x00")


def test_an_unknown_characteristic_is_an_input_error() -> None:
    with pytest.raises(InputError, match="not known"):
        d.decode(uuids.sig(0x2AFF), b"\0")
