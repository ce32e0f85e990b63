"""Running, cycling, machines and activity monitors through intake: rates, pauses, gaps, records in pieces."""

from __future__ import annotations

import random
import struct

import numpy as np
import pytest

from tests.decode.golden_health import GOLDEN as HEALTH
from tests.decode.golden_motion import GOLDEN as MOTION
from vitals.decode import uuids as u
from vitals.intake import FEEDS, KINDS, Intake
from vitals.intake.exercise import EXERCISE
from vitals.intake.health_records import HealthRecordFeed
from vitals.store.chunks import check
from vitals.values import Block, Disconnected, Frame, Gap, LossReason

S = 1_000_000


def told(intake: Intake, *frames: Frame | Disconnected) -> dict[str, list[tuple[float, float]]]:
    """Seconds and value by kind."""
    found: dict[str, list[tuple[float, float]]] = {}
    for item in (item for frame in frames for item in intake.take(frame)):
        if isinstance(item, Block):
            found.setdefault(item.kind, []).append((item.t0_us / S, round(float(item.physical()[0]), 4)))
    assert not intake.refused
    return found


def crank_at(seconds: float, rpm: float, *, count0: int = 65_530, ticks0: int = 65_000) -> tuple[int, int]:
    """Counter and event clock of a crank at a time, both rolling over soon."""
    turned = int(seconds * rpm / 60)
    return (count0 + turned) % 65_536, int(ticks0 + turned * 60 / rpm * 1024) % 65_536


@pytest.mark.parametrize("rpm", [25.0, 61.0, 93.5])
def test_a_cadence_is_that_of_the_crank_over_every_roll_over(rpm: float) -> None:
    frames = [
        Frame(second * S, u.CSC_MEASUREMENT, struct.pack("<BHH", 2, *crank_at(second, rpm))) for second in range(180)
    ]
    rates = np.array([value for _, value in told(Intake(), *frames)["cadence"]])
    assert len(rates) > 60
    assert np.abs(rates - rpm).max() < 0.2


def test_a_crank_that_stands_is_zero_after_three_seconds_and_no_rate_spans_a_lost_link() -> None:
    def frame(second: int, count: int, ticks: int) -> Frame:
        return Frame(second * S, u.CSC_MEASUREMENT, struct.pack("<BHH", 2, count, ticks))

    intake = Intake()
    moving = [frame(second, second, second * 1024) for second in range(5)]
    standing = [frame(second, 4, 4096) for second in range(5, 10)]
    found = told(intake, *moving, *standing)["cadence"]
    assert found == [(1, 60), (2, 60), (3, 60), (4, 60), (7, 0), (8, 0), (9, 0)]
    lost = Disconnected(10 * S, LossReason.LOST)
    after = told(intake, lost, frame(100, 50, 40_960), frame(101, 51, 41_984))["cadence"]
    assert after == [(101, 60)]


def test_a_counter_that_began_anew_gives_no_rate() -> None:
    wheels = [(5000, 1024), (5002, 2048), (1, 3072), (3, 4096)]
    frames = [
        Frame(k * S, u.CSC_MEASUREMENT, struct.pack("<BIH", 1, *wheel)) for k, wheel in enumerate(wheels, start=1)
    ]
    assert told(Intake(), *frames) == {"wheel_rate": [(2, 120), (4, 120)]}


def test_power_with_its_crank_and_running_with_its_strides() -> None:
    power = [
        Frame(k * S, u.CYCLING_POWER_MEASUREMENT, struct.pack("<HhBHH", 0x21, 200 + k, 101, k, k * 1024))
        for k in range(3)
    ]
    found = told(Intake(), *power)
    assert found["power"] == [(0, 200), (1, 201), (2, 202)]
    assert found["pedal_balance"][0] == (0, 50.5)
    assert found["cadence"] == [(1, 60), (2, 60)]
    pod = Frame(S, u.RSC_MEASUREMENT, struct.pack("<BHBHI", 7, 768, 85, 105, 12_345))
    assert told(Intake(), pod) == {
        "speed": [(1, 3)], "cadence": [(1, 85)], "stride_length": [(1, 1.05)], "distance": [(1, 1234.5)]
    }  # fmt: skip


def test_a_machine_counts_when_its_record_is_whole_and_a_rate_of_zero_is_no_pulse() -> None:
    first = Frame(S, u.INDOOR_BIKE_DATA, struct.pack("<Hh", 0x41, 150))  # more data: power
    second = Frame(S + 1000, u.INDOOR_BIKE_DATA, struct.pack("<HHHB", 0x204, 3600, 180, 0))
    intake = Intake()
    assert told(intake, first) == {}
    found = told(intake, second)
    assert {kind: values[0][1] for kind, values in found.items()} == {"speed": 10.0, "cadence": 90.0, "power": 150.0}


@pytest.mark.parametrize(
    ("uuid", "flags"),
    [
        (u.TREADMILL_DATA, "fe1f"),
        (u.CROSS_TRAINER_DATA, "fe7f00"),
        (u.STEP_CLIMBER_DATA, "fe01"),
        (u.STAIR_CLIMBER_DATA, "fe03"),
        (u.ROWER_DATA, "fe1f"),
        (u.INDOOR_BIKE_DATA, "fe1f"),
    ],
)
def test_a_machine_has_the_kinds_that_its_fields_tell_and_no_others(uuid: str, flags: str) -> None:
    for size in range(10, 60):  # the one length that all fields together have
        intake = Intake()
        items = intake.take(Frame(0, uuid, bytes.fromhex(flags) + bytes([7] * size)))
        if not intake.refused:
            break
    assert sorted(item.kind for item in items if isinstance(item, Block)) == sorted(KINDS[uuid])
    assert len(items) > 4


def test_an_activity_monitor_in_segments_tells_heart_breath_and_steps() -> None:
    head = struct.pack("<HHII", 1, 2, 60, 5)
    now = struct.pack("<H", 0x8022) + head + bytes([72, 15])  # worn; heart rate, respiration rate
    steps = b"\x03" + head + (1000).to_bytes(3, "little") + (250).to_bytes(3, "little")
    cardio = u.CARDIORESPIRATORY_ACTIVITY_INSTANTANEOUS_DATA
    frames = [
        Frame(S, cardio, b"\x01" + now[:10]),
        Frame(S + 1, cardio, b"\x06" + now[10:]),
        Frame(2 * S, u.STEP_COUNTER_ACTIVITY_SUMMARY_DATA, b"\x03" + steps),
    ]
    found = told(Intake(), *frames)
    assert {kind: values[0][1] for kind, values in found.items()} == {"hr": 72, "respiration_rate": 15, "steps": 1250}
    off = struct.pack("<H", 0x0022) + head + bytes([72, 15])
    assert told(Intake(), Frame(S, cardio, b"\x03" + off)) == {}  # not worn


def test_a_silence_is_a_gap() -> None:
    intake = Intake()
    frames = [Frame(k * S, u.RSC_MEASUREMENT, struct.pack("<BHB", 0, 256, 80)) for k in (0, 1, 2, 12)]
    gaps = [item for frame in frames for item in intake.take(frame) if isinstance(item, Gap)]
    assert {(gap.kind, gap.start_us, gap.end_us) for gap in gaps} == {
        ("speed", 2 * S, 12 * S), ("cadence", 2 * S, 12 * S)
    }  # fmt: skip


def test_whatever_a_feed_tells_is_among_the_kinds_that_its_source_names() -> None:
    """A kind that is not named is never started, and filtered out behind the decoder."""
    tried = set()
    for uuid, frame, _ in HEALTH + MOTION:
        if uuid not in KINDS:
            continue
        intake = Intake()
        payload = bytes.fromhex(frame)
        for at in range(4):
            for item in intake.take(Frame(at * S, uuid, payload)):
                if isinstance(item, Block):
                    assert item.kind in KINDS[uuid], uuid
                    tried.add(uuid)
    assert len(tried) >= 18
    assert set(KINDS) <= set(FEEDS)


def test_any_payloads_in_any_order_are_values_of_a_stream_or_a_refusal() -> None:
    mine = sorted(uuid for uuid in FEEDS if uuid in EXERCISE or FEEDS[uuid] is HealthRecordFeed)
    assert len(mine) >= 25
    frames = {uuid: [bytes.fromhex(frame) for one, frame, _ in HEALTH + MOTION if one == uuid] for uuid in mine}
    rng = random.Random(7)
    blocks = 0
    for _ in range(60):
        intake, at = Intake(), 0
        for _ in range(200):
            at += rng.randrange(3 * S)
            uuid, payload = rng.choice(mine), bytearray(rng.randbytes(rng.randrange(24)))
            if frames[uuid] and rng.random() < 0.7:
                payload = bytearray(rng.choice(frames[uuid]))
                for _ in range(rng.randrange(3)):
                    payload[rng.randrange(len(payload))] = rng.randrange(256)
            for item in intake.take(Frame(at, uuid, bytes(payload))):
                if isinstance(item, Block):
                    check(item)
                    assert item.end_us <= at
                    blocks += 1
        intake.end("end of stream")
    assert blocks > 1000


def test_a_distance_beyond_the_moon_is_refused_and_counted() -> None:
    intake = Intake()
    assert intake.take(Frame(0, u.RSC_MEASUREMENT, struct.pack("<BHBI", 2, 256, 80, 2**32 - 1))) == []
    assert intake.refused == {u.RSC_MEASUREMENT: 1}
