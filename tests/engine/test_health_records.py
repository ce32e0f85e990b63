"""Records of health devices through intake: when they lie, which are told, which are not, and what is said about it."""

from __future__ import annotations

import datetime as dt
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vitals.decode import uuids as u
from vitals.decode.e2e_crc import crc16_mcrf4xx
from vitals.decode.health_thermometer import decode_temperature_measurement
from vitals.intake import Intake
from vitals.intake.record_clock import MOST_US, TIE_ERROR_S, UNBOUNDED_S, RecordClock
from vitals.values import Block, Disconnected, Frame, LossReason

S = 1_000_000
MINUTE = 60 * S
HOUR = 3600 * S
NOON = dt.datetime(2011, 3, 1, 12)  # what the device's clock shows at session time 1000 s
ASK, DONE = bytes.fromhex("0101"), bytes.fromhex("06000101")


def stamp(when: dt.datetime) -> bytes:
    return struct.pack("<H5B", when.year, when.month, when.day, when.hour, when.minute, when.second)


def shown(when: dt.datetime = NOON, at_us: int = 1000 * S) -> Frame:
    return Frame(at_us, u.CURRENT_TIME, stamp(when) + bytes(3))


def cuff(when: dt.datetime | None, at_us: int, systolic: int = 120) -> Frame:
    body = struct.pack("<BHHH", 2 if when else 0, systolic, 80, 0x07FF)
    return Frame(at_us, u.BLOOD_PRESSURE_MEASUREMENT, body + (stamp(when) if when else b""))


def glucose(sequence: int, when: dt.datetime, at_us: int, mg_dl: int = 100, kind: int = 0x11) -> Frame:
    body = struct.pack("<BH", 2, sequence) + stamp(when) + struct.pack("<HB", mg_dl | 0xB000, kind)
    return Frame(at_us, u.GLUCOSE_MEASUREMENT, body)


def told(intake: Intake, *frames: Frame | Disconnected) -> list[tuple[str, int, float]]:
    """Kind, time and value of everything that comes of these frames."""
    found = [item for frame in frames for item in intake.take(frame)]
    assert not intake.refused
    return [(b.kind, b.t0_us, round(float(b.physical()[0]), 6)) for b in found if isinstance(b, Block)]


def of(kind: str, items: list[tuple[str, int, float]]) -> list[tuple[int, float]]:
    return [(at, value) for name, at, value in items if name == kind]


def test_the_clock_that_the_device_shows_places_its_records_whatever_it_shows() -> None:
    for years in (0, -11, 40):
        now = NOON.replace(year=NOON.year + years)
        items = told(Intake(), shown(now), cuff(now - dt.timedelta(hours=3), 1010 * S))
        assert of("systolic_pressure", items) == [(1000 * S - 3 * HOUR, 120)]
        assert of("record_time_error", items) == [(1000 * S - 3 * HOUR, TIE_ERROR_S)]


def test_a_record_without_a_time_is_of_now_and_one_without_a_known_clock_is_said_to_be_anywhere() -> None:
    items = told(Intake(), cuff(None, 5 * S))
    assert of("systolic_pressure", items) == [(5 * S, 120)]
    assert of("record_time_error", items) == []
    assert of("mean_arterial_pressure", items) == []  # NaN
    items = told(Intake(), cuff(NOON, 5 * S), cuff(NOON - dt.timedelta(hours=1), 6 * S, 130))
    assert of("systolic_pressure", items) == [(5 * S, 120), (5 * S - HOUR, 130)]
    assert [value for _, value in of("record_time_error", items)] == [UNBOUNDED_S] * 2


def test_a_cuff_at_work_ties_its_clock_and_a_lost_link_unties_it() -> None:
    live = Frame(1000 * S, u.INTERMEDIATE_CUFF_PRESSURE, struct.pack("<BHHH", 2, 90, 0, 0) + stamp(NOON))
    intake = Intake()
    items = told(intake, live, cuff(NOON - dt.timedelta(hours=2), 1001 * S))
    assert of("cuff_pressure", items) == [(1000 * S, 90)]
    assert of("record_time_error", items) == [(1000 * S - 2 * HOUR, TIE_ERROR_S)]
    after = told(intake, Disconnected(1002 * S, LossReason.LOST), cuff(NOON - dt.timedelta(hours=1), 2000 * S))
    assert of("record_time_error", after) == [(2000 * S, UNBOUNDED_S)]


def test_a_record_from_the_future_is_of_now() -> None:
    items = told(Intake(), shown(), cuff(NOON + dt.timedelta(days=2), 1010 * S))
    assert of("record_time_error", items) == [(1010 * S, UNBOUNDED_S)]


@given(
    st.one_of(st.none(), st.integers(-(10**15), 10**15)),
    st.lists(st.tuples(st.integers(0, 10**16), st.integers(0, 10**9)), min_size=1, max_size=20),
)
def test_no_record_lies_after_its_arrival_or_without_a_tie_before_the_times_of_the_clock(
    zero_us: int | None, records: list[tuple[int, int]]
) -> None:
    clock, arrival = RecordClock(), 0
    if zero_us is not None:
        clock.tie(0, zero_us)
    for device_us, later_us in records:
        arrival += later_us
        at, error_s = clock.place(device_us, arrival)
        assert at <= arrival
        if error_s == UNBOUNDED_S:
            assert arrival - at <= MOST_US
        else:
            assert zero_us is not None
            assert abs(at - zero_us - device_us) <= error_s * S


def test_a_report_is_told_once_and_in_its_order_and_the_newest_record_ends_now() -> None:
    records = [glucose(n, NOON + dt.timedelta(hours=n), (10 + n) * S, 90 + n) for n in range(4)]
    control = u.RECORD_ACCESS_CONTROL_POINT
    intake = Intake()
    assert told(intake, Frame(9 * S, control, ASK), *records) == []  # they wait for the end
    items = told(intake, Frame(20 * S, control, DONE))
    assert of("glucose", items) == [(13 * S - (3 - n) * HOUR, 90 + n) for n in range(4)]
    assert told(intake, Frame(30 * S, control, ASK), *records, Frame(40 * S, control, DONE)) == []
    (later,) = of("glucose", told(intake, glucose(4, NOON + dt.timedelta(hours=4), 50 * S)))
    assert later == (50 * S, 100)


def test_a_report_that_a_lost_link_cut_off_is_kept_as_far_as_it_came() -> None:
    intake = Intake()
    first = glucose(1, NOON, 11 * S)
    lost = Disconnected(12 * S, LossReason.LOST)
    items = told(intake, Frame(9 * S, u.RECORD_ACCESS_CONTROL_POINT, ASK), first, lost)
    assert of("glucose", items) == [(11 * S, 100)]
    assert told(intake, Frame(20 * S, u.RECORD_ACCESS_CONTROL_POINT, ASK), first) == []


def test_control_solution_and_demonstrations_are_nobodys_blood() -> None:
    for kind in (0x1A, 0x41):  # a control solution by its type, or by where it was taken
        assert told(Intake(), glucose(1, NOON, S, kind=kind)) == []
    for bit in (10, 11, 12, 13, 15):
        spot = Frame(S, u.PLX_SPOT_CHECK_MEASUREMENT, struct.pack("<BHHH", 2, 97, 60, 1 << bit))
        running = Frame(S, u.PLX_CONTINUOUS_MEASUREMENT, struct.pack("<BHHH", 4, 97, 60, 1 << bit))
        assert told(Intake(), spot, running) == []
    fine = Frame(S, u.PLX_SPOT_CHECK_MEASUREMENT, struct.pack("<BHHH", 2, 97, 60, 1 << 8))
    assert told(Intake(), fine) == [("spo2", S, 97), ("pulse_rate", S, 60)]


def test_a_scale_that_tells_a_weighing_twice_weighed_once() -> None:
    weight = Frame(S, u.WEIGHT_MEASUREMENT, struct.pack("<BHB", 4, 14500, 2))
    fat = Frame(2 * S, u.BODY_COMPOSITION_MEASUREMENT, struct.pack("<HHBH", 0x404, 184, 2, 14500))
    for first, second in ((weight, fat), (fat, weight)):
        items = told(Intake(), first, second)
        assert [value for _, value in of("weight", items)] == [72.5]
        assert [value for _, value in of("user", items)] == [2]
        assert [value for _, value in of("body_fat", items)] == [18.4]
    again = Frame(20 * S, u.WEIGHT_MEASUREMENT, weight.payload)
    assert len(of("weight", told(Intake(), weight, again))) == 2


def cgm(minute: int, at_us: int, mg_dl: int = 100) -> Frame:
    body = struct.pack("<BBHH", 8, 0, mg_dl, minute)
    return Frame(at_us, u.CGM_MEASUREMENT, body + struct.pack("<H", crc16_mcrf4xx(body)))


def test_minutes_of_a_monitor_lie_after_its_start_and_a_new_session_is_noticed() -> None:
    intake, control = Intake(), u.RECORD_ACCESS_CONTROL_POINT
    status = Frame(1000 * S + 600 * MINUTE, u.CGM_STATUS, struct.pack("<H", 600) + bytes(3))
    at = status.arrival_us
    items = told(intake, status, Frame(at, control, ASK), cgm(10, at), cgm(595, at), Frame(at, control, DONE))
    assert of("glucose", items) == [(1000 * S + 10 * MINUTE, 100), (1000 * S + 595 * MINUTE, 100)]
    assert {value for _, value in of("record_time_error", items)} == {61}
    live = told(intake, cgm(605, at + 5 * MINUTE), cgm(595, at + 5 * MINUTE + S))
    assert of("glucose", live) == [(1000 * S + 605 * MINUTE, 100)]
    intake = Intake()
    told(intake, status, Frame(at, control, ASK), cgm(5, at), Frame(at, control, DONE), cgm(605, at + 5 * MINUTE))
    begun = at + 100 * MINUTE  # the sensor was changed meanwhile
    items = told(intake, cgm(5, begun + 5 * MINUTE, 90), cgm(10, begun + 10 * MINUTE, 91))
    assert of("glucose", items) == [(begun + 5 * MINUTE, 90), (begun + 10 * MINUTE, 91)]
    start = Frame(begun + 11 * MINUTE, u.CGM_SESSION_START_TIME, stamp(NOON) + bytes([0x80, 0xFF]))
    again = told(intake, start, Frame(begun + 11 * MINUTE, control, ASK), cgm(5, begun + 11 * MINUTE, 90))
    assert again == []  # the session that was noticed is the one whose start is told now


@pytest.mark.parametrize("payload", [b"", b"\x05\x00\x01\x00", b"\x09"])
def test_other_words_of_the_control_point_change_nothing(payload: bytes) -> None:
    items = told(Intake(), Frame(0, u.RECORD_ACCESS_CONTROL_POINT, payload), glucose(1, NOON, S))
    assert of("glucose", items) == [(S, 100)]


def test_numbers_that_no_body_has_are_left_out() -> None:
    pressure = Frame(S, u.BLOOD_PRESSURE_MEASUREMENT, bytes.fromhex("00 fd7f 5000 fd7f"))  # -30,000,000 mmHg
    assert told(Intake(), pressure) == [("diastolic_pressure", S, 80)]
    assert told(Intake(), Frame(S, u.PLX_CONTINUOUS_MEASUREMENT, struct.pack("<BHH", 0, 101, 60))) == [
        ("pulse_rate", S, 60)
    ]
    assert told(Intake(), Frame(S, u.PLX_CONTINUOUS_MEASUREMENT, struct.pack("<BHH", 0, 100, 401))) == [
        ("spo2", S, 100)
    ]


@pytest.mark.parametrize("date", ["db07 0d 01 0c0000", "db07 02 1e 0c0000", "db07 03 01 180000", "0000 03 01 0c0000"])
def test_a_date_that_cannot_be_costs_the_time_and_not_the_value(date: str) -> None:
    stamped = bytes.fromhex(date)
    for uuid, payload, kind, value in (
        (u.BLOOD_PRESSURE_MEASUREMENT, bytes.fromhex("02 7800 5000 ff07") + stamped, "systolic_pressure", 120),
        (u.WEIGHT_MEASUREMENT, bytes.fromhex("02 a438") + stamped, "weight", 72.5),
        (u.BODY_COMPOSITION_MEASUREMENT, bytes.fromhex("0200 b800") + stamped, "body_fat", 18.4),
        (u.TEMPERATURE_MEASUREMENT, bytes.fromhex("02 6e0100ff") + stamped, "temperature", 36.6),
        (u.PLX_SPOT_CHECK_MEASUREMENT, bytes.fromhex("01 6100 3c00") + stamped, "spo2", 97),
        (u.GLUCOSE_MEASUREMENT, bytes.fromhex("02 0100") + stamped + bytes.fromhex("64b0 11"), "glucose", 100),
    ):
        items = told(Intake(), shown(), Frame(1010 * S, uuid, payload))
        assert of(kind, items) == [(1010 * S, value)]
        assert of("record_time_error", items) == [(1010 * S, UNBOUNDED_S)]
        intake = Intake()
        assert intake.take(Frame(S, uuid, payload[: payload.index(stamped) + 6])) == []
        assert intake.refused == {uuid: 1}  # bytes are missing


def test_fahrenheit_is_rounded_once() -> None:
    for tenths, celsius in ((878, 31.0), (986, 37.0), (1004, 38.0), (320, 0.0)):
        said = decode_temperature_measurement(b"\x01" + struct.pack("<i", tenths | -1 << 24))
        assert said.temperature_c == celsius
