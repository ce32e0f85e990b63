"""Polar's control point: requests, responses in parts, errors, triggers, keys that stay hidden."""

from __future__ import annotations

import pytest

from vitals.decode import polar as p
from vitals.errors import DecodeError, InputError

M = p.Measurement


def test_control_point_dialogue() -> None:
    settings = p.Settings(sample_rate_hz=(52,), resolution_bits=(16,), full_scale=(8,), channels=(3,))
    start = p.ControlRequest(p.Operation.START, M.ACC, settings=settings)
    assert p.decode_request(p.encode_request(start)) == start
    assert p.encode_request(p.ControlRequest(p.Operation.START, M.SDK_MODE)) == bytes((2, 9))
    assert p.encode_request(p.ControlRequest(p.Operation.GET_SETTINGS, M.PPG, offline=True)) == bytes((1, 0x81))
    with pytest.raises(InputError, match="kind is missing"):
        p.encode_request(p.ControlRequest(p.Operation.STOP))
    # The factor goes from the device to the host only.
    told = p.Settings(sample_rate_hz=(52,), factor=(0.25,))
    assert p.decode_settings(p.encode_settings(told)).scale == 0.25
    assert p.decode_request(p.encode_request(p.ControlRequest(p.Operation.START, M.ACC, settings=told))).settings == (
        p.Settings(sample_rate_hz=(52,))
    )
    assert p.decode_settings(b"\0") == p.Settings()


def test_a_response_in_parts_is_joined() -> None:
    whole = p.encode_settings(p.Settings(sample_rate_hz=(13, 26, 52), resolution_bits=(16,)))
    parts = [
        p.decode_control_point(p.encode_response(p.ControlResponse(p.Operation.GET_SETTINGS, 2, 0, more, piece)))
        for more, piece in ((True, whole[:5]), (False, whole[5:]))
    ]
    responses = [part for part in parts if isinstance(part, p.ControlResponse)]
    assert p.decode_settings(p.join_responses(responses).parameters).sample_rate_hz == (13, 26, 52)
    for wrong in ([], responses[:1], [responses[1], responses[1]]):
        with pytest.raises(InputError, match="keep collecting"):
            p.join_responses(wrong)


def test_errors_stops_and_states_of_the_control_point() -> None:
    refused = p.decode_control_point(bytes.fromhex("f00202 06 00"))
    assert refused == p.ControlResponse(p.Operation.START, 2, p.Status.ALREADY_IN_STATE, False, b"")
    assert p.decode_control_point(bytes.fromhex("f0020263")) == p.ControlResponse(
        p.Operation.START, 2, 0x63, False, b""
    )
    assert p.decode_control_point(bytes((1, 2, 0x80))) == p.StreamsStopped((M.ACC, M.ECG))
    assert p.encode_streams_stopped([M.ACC]) == b"\x01\x02"
    assert p.decode_measurement_status(bytes((0x40, 0xC2, 0x01))) == {
        M.ECG: p.Activity.ONLINE,
        M.ACC: p.Activity.ONLINE_AND_OFFLINE,
        M.PPG: p.Activity.NONE,
    }
    assert p.decode_sdk_mode(b"\x01")
    assert p.decode_control_point(p.encode_features(frozenset({M.ECG, M.OFFLINE_HR}))) == frozenset(
        {M.ECG, M.OFFLINE_HR}
    )


def test_triggers() -> None:
    secret = p.Secret(p.Strategy.AES128, bytes(range(16)))
    settings = p.Settings(sample_rate_hz=(52,))
    request = p.ControlRequest(p.Operation.SET_TRIGGER_SETTINGS, M.ACC, settings=settings, secret=secret, enabled=True)
    raw = p.encode_request(request)
    assert raw[:4] == bytes((9, 1, 2, 23))
    assert p.decode_request(raw) == request
    mode = p.ControlRequest(p.Operation.SET_TRIGGER_MODE, mode=p.TriggerMode.EXERCISE_START)
    assert p.decode_request(p.encode_request(mode)) == mode
    off = p.ControlRequest(p.Operation.SET_TRIGGER_SETTINGS, M.ACC, enabled=False)
    assert p.encode_request(off) == bytes((9, 0, 2))
    status = p.decode_trigger_status(bytes((1, 1, 2, 4, 0, 1, 52, 0, 0, 3)))
    assert status == p.TriggerStatus(
        p.TriggerMode.SYSTEM_START, (p.Trigger(True, M.ACC, settings), p.Trigger(False, M.PPI))
    )


def test_no_message_and_no_repr_shows_a_key() -> None:
    key = bytes.fromhex("c0ffee00c0ffee00c0ffee00c0ffee00")
    secret = p.Secret(p.Strategy.AES128, key)
    assert "c0ffee" not in repr(secret)
    assert repr(key) not in repr(secret)
    raw = p.encode_request(p.ControlRequest(p.Operation.START, M.ACC, secret=secret))
    with pytest.raises(DecodeError) as caught:
        p.decode_request(raw[:-1])
    assert "c0ffee" not in str(caught.value)
    with pytest.raises(InputError, match="32 bytes"):
        p.Secret(p.Strategy.AES256, key)
