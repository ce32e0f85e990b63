"""What needs more than one notification: rates from counters, records of fitness machines, segmented values; and
times."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vitals.decode import date_time, decode, glucose, health_sensor, physical_activity, uuids
from vitals.decode.cursor import Cursor
from vitals.decode.cycling_speed import CscMeasurement, decode_csc_measurement
from vitals.decode.e2e_crc import crc16_mcrf4xx
from vitals.decode.fitness_machine import (
    CrossTrainerData,
    IndoorBikeData,
    RecordAssembler,
    decode_cross_trainer_data,
)
from vitals.decode.revolutions import RevolutionRate, Revolutions, Turned
from vitals.decode.segmentation import Segment, SegmentAssembler, read_segment


def crank(count: int, ticks: int) -> Revolutions:
    return Revolutions(count % 65536, ticks % 65536, 1024, 1 << 16)


def test_cadence_and_speed_from_two_frames() -> None:
    crank_rate, wheel_rate = RevolutionRate(), RevolutionRate()
    for payload, cadence, speed in (
        ("03 e8030000 0004 f401 0004", None, None),
        ("03 f2030000 000c f701 000c", 90.0, 10.525),  # 10 turns of the wheel and 3 of the crank in 2 s
    ):
        reading = decode_csc_measurement(bytes.fromhex(payload))
        assert isinstance(reading, CscMeasurement)
        assert reading.crank is not None
        assert reading.wheel is not None
        turned, rolled = crank_rate.feed(reading.crank), wheel_rate.feed(reading.wheel)
        assert (turned and turned.per_min) == cadence
        assert (rolled and rolled.speed_m_s(2.105)) == pytest.approx(speed)


@given(
    st.integers(0, 65535),
    st.integers(0, 65535),
    st.lists(st.tuples(st.integers(0, 30000), st.integers(1, 65535)), min_size=1, max_size=20),
)
def test_counters_that_roll_over_give_the_turns_and_times_that_were(
    count: int, ticks: int, steps: list[tuple[int, int]]
) -> None:
    rate = RevolutionRate()
    assert rate.feed(crank(count, ticks)) is None
    for turns, passed in steps:
        count, ticks = count + turns, ticks + passed
        assert rate.feed(crank(count, ticks)) == Turned(turns, passed / 1024)


def test_a_clock_that_rolled_over_more_than_once_needs_the_arrival() -> None:
    blind, told = RevolutionRate(), RevolutionRate()
    for ticks, arrival_s in ((0, 0.0), (200 * 1024, 200.4)):  # the bicycle stood; one turn after 200 s
        turned, right = blind.feed(crank(ticks // 1024, ticks)), told.feed(crank(ticks // 204800, ticks), arrival_s)
    assert turned is not None
    assert turned.duration_s == 200 % 64
    assert right == Turned(1, 200.0)


def test_a_counter_that_began_anew_and_a_clock_that_stood_still_yield_nothing() -> None:
    rate = RevolutionRate()
    rate.feed(crank(60000, 5000))
    assert rate.feed(crank(10, 100)) == Turned(5546, (100 - 5000) % 65536 / 1024)  # 16 bits cannot tell it from turning
    assert rate.feed(crank(5, 100)) is None  # backwards
    assert rate.feed(crank(6, 100)) is None  # a turn within no time
    assert rate.feed(crank(6, 100)) == Turned(0, 0.0)
    assert Turned(0, 0.0).per_min == 0.0
    assert rate.feed(Revolutions(7, 100, 2048, 1 << 32)) is None  # another kind of counter


def bike(payload: str) -> IndoorBikeData:
    reading = decode(uuids.INDOOR_BIKE_DATA, bytes.fromhex(payload))
    assert isinstance(reading, IndoorBikeData)
    return reading


def test_a_record_over_three_notifications_is_one_record() -> None:
    whole = RecordAssembler[IndoorBikeData]()
    assert whole.feed(bike("0102 96")) is None
    assert whole.feed(bike("1100 102700")) is None
    assert whole.feed(bike("4400 b80b b400 fa00")) == IndoorBikeData(
        more_data=False, speed_kmh=30.0, cadence_rpm=90.0, total_distance_m=10000, power_w=250, heart_rate_bpm=150
    )
    assert whole.feed(bike("0000 b80b")) == IndoorBikeData(more_data=False, speed_kmh=30.0)
    assert whole.incomplete == 0


def test_a_record_whose_end_was_lost_does_not_leak_into_the_next() -> None:
    whole = RecordAssembler[IndoorBikeData]()
    whole.feed(bike("0102 96"))
    assert whole.feed(bike("0102 97")) is None
    assert whole.incomplete == 1
    done = whole.feed(bike("0000 b80b"))
    assert done is not None
    assert done.heart_rate_bpm == 0x97


def test_the_direction_comes_with_every_part_of_a_cross_trainers_record() -> None:
    whole = RecordAssembler[CrossTrainerData]()
    assert whole.feed(decode_cross_trainer_data(bytes.fromhex("018800 96"))) is None
    done = whole.feed(decode_cross_trainer_data(bytes.fromhex("008000 e803")))
    assert done == CrossTrainerData(more_data=False, heart_rate_bpm=150, speed_kmh=10.0, backward=True)
    assert whole.incomplete == 0


@given(st.binary(max_size=300), st.integers(1, 19), st.integers(0, 63))
def test_segments_join_to_the_value_and_a_lost_one_is_counted(body: bytes, size: int, start: int) -> None:
    parts = [body[i : i + size] for i in range(0, len(body), size)] or [b""]
    frames = [
        bytes([(i == 0) | (i == len(parts) - 1) << 1 | (start + i) % 64 << 2]) + part for i, part in enumerate(parts)
    ]
    segments = [read_segment(Cursor(uuids.LIVE_HEALTH_OBSERVATIONS, frame)) for frame in frames]
    whole = SegmentAssembler()
    assert [whole.feed(segment) for segment in segments] == [None] * (len(parts) - 1) + [body]
    if len(segments) > 2:
        broken = SegmentAssembler()
        assert [broken.feed(segment) for segment in segments[:1] + segments[2:]] == [None] * (len(parts) - 1)
        assert broken.lost == 1
        assert [broken.feed(segment) for segment in segments][-1] == body


def test_an_observation_and_an_activity_in_segments_equal_those_in_one_piece() -> None:
    for uuid, payload in (
        (uuids.LIVE_HEALTH_OBSERVATIONS, "00 1400 0300 b84b0200 32805101000000 01 08 6200"),
        (uuids.STORED_HEALTH_OBSERVATIONS, "2a000000 00 1400 0300 b84b0200 32805101000000 01 08 6200"),
    ):
        body = bytes.fromhex(payload)
        assert health_sensor.decode_observation(uuid, body) == decode(uuid, b"\x03" + body)
    body = bytes.fromhex("810080 0100 0200 3c000000 05000000 e803 f6ffff")
    uuid = uuids.GENERAL_ACTIVITY_INSTANTANEOUS_DATA
    assert physical_activity.decode_activity_body(uuid, body) == decode(uuid, b"\x03" + body)
    first = decode(uuid, b"\x01" + body[:5])
    assert first == Segment(True, False, 0, body[:5])


def test_dates_and_offsets_become_python_times() -> None:
    current = date_time.decode_current_time(bytes.fromhex("e8070102030405 02 80 00"))
    assert current.datetime == dt.datetime(2024, 1, 2, 3, 4, 5, 500_000)
    unknown = date_time.decode_current_time(bytes.fromhex("00000102030405 02 80 00"))
    assert unknown.datetime is None
    local = date_time.decode_local_time_information(bytes.fromhex("f604"))
    assert local.utc_offset_min == -150 + 60
    assert date_time.decode_local_time_information(bytes.fromhex("80ff")).utc_offset_min is None
    measured = glucose.decode_glucose_measurement(bytes.fromhex("01 0100 e8070101000000 ffff"))
    assert measured.time == dt.datetime(2023, 12, 31, 23, 59)
    last = glucose.decode_glucose_measurement(bytes.fromhex("01 0100 0f270c1f173b00 0a00"))
    assert last.time is None
    live = health_sensor.decode_live_observation(bytes.fromhex("03 00 1000 0200 36 805101000000 01 08 6200"))
    assert isinstance(live, health_sensor.HealthObservation)
    assert live.time is not None
    assert live.time.unit_s == 0.1
    assert live.time.datetime == dt.datetime(2000, 1, 1, 2, 24, tzinfo=dt.UTC)


def test_the_checksum_is_the_published_one() -> None:
    # The check value of CRC-16/MCRF4XX in the catalogue of parametrised CRC algorithms (reveng).
    assert crc16_mcrf4xx(b"123456789") == 0x6F91
