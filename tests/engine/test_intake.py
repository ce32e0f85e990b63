"""Streams of a virtual strap and of a thermometer and oximeter frame, from payloads to blocks on the host's clock."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
import pytest

from vitals import virtual
from vitals.decode import uuids
from vitals.intake import Intake
from vitals.values import BatteryLow, Block, ContactChange, Frame, Gap
from vitals_signal import detect_r_peaks, synthetic


def collect(minutes: float, **options: Any) -> tuple[np.ndarray, dict[str, list[Block]], list[Gap]]:
    """True beats, blocks by kind, and gaps of a virtual strap."""
    beats = synthetic.wearer(hours=minutes / 60, seed=5).beats_s
    blocks: dict[str, list[Block]] = defaultdict(list)
    gaps: list[Gap] = []

    async def main() -> None:
        async with virtual.strap(beats, **options) as device, device.items() as items:
            async for item in items:
                if isinstance(item, Block):
                    blocks[item.kind].append(item)
                elif isinstance(item, Gap):
                    gaps.append(item)

    virtual.run(main())
    return beats, blocks, gaps


def test_ecg_and_acceleration_arrive_whole_and_in_units() -> None:
    _, blocks, gaps = collect(4, drift_ppm=50)
    assert gaps == []
    for kind, rate, unit in (("ecg", 130.0, "mV"), ("acc", 50.0, "g")):
        first = blocks[kind][0]
        assert (first.rate_hz, first.unit) == (rate, unit)
        times = np.concatenate([b.times_us() for b in blocks[kind]])
        assert abs(len(times) / (240 * rate) - 1) < 0.01
        assert np.all(np.diff(times) > 0)
        assert np.max(np.abs(np.diff(times) - 1e6 / rate)) < 0.5e6 / rate
    gravity = np.linalg.norm(np.concatenate([b.physical() for b in blocks["acc"]]), axis=1)
    assert 0.9 < np.median(gravity) < 1.1


def test_the_ecg_beats_when_the_intervals_say_so() -> None:
    beats, blocks, _ = collect(4)
    ecg = np.concatenate([b.physical() for b in blocks["ecg"]])
    times = np.concatenate([b.times_us() for b in blocks["ecg"]]) / 1e6
    peaks = times[detect_r_peaks(ecg, 130.0)]
    by_rr = np.concatenate([b.times_us() for b in blocks["rr"]]) / 1e6
    nearest = peaks[np.argmin(np.abs(peaks[None, :] - by_rr[:, None]), axis=1)] - by_rr
    assert len(peaks) >= len(beats) - 3
    # Two time lines of one body. That of the intervals starts late by up to a second, and makes it up by 2 ms a second.
    assert np.all(np.abs(nearest) < 1.0)
    assert np.all(np.abs(nearest[-30:]) < 0.1)


def test_a_low_battery_is_said_once() -> None:
    intake = Intake()
    said = [
        item
        for k, percent in enumerate([40, 15, 14, 13, 19, 15, 60, 15])
        for item in intake.feed(Frame(k * 1_000_000, uuids.BATTERY_LEVEL, bytes([percent])))
        if isinstance(item, BatteryLow)
    ]
    assert [(low.percent, low.at_us) for low in said] == [(15, 1_000_000), (15, 7_000_000)]


def test_contact_is_told_when_it_changes_and_ends_the_run() -> None:
    intake, items = Intake(), []
    for second in range(30):
        flags = 0x14 if 10 <= second < 15 else 0x16
        payload = bytes([flags, 60]) + (1024).to_bytes(2, "little")
        items += intake.feed(Frame(second * 1_000_000, uuids.HEART_RATE_MEASUREMENT, payload))
    items += intake.end("end of stream")
    assert [i.contact for i in items if isinstance(i, ContactChange)] == [False, True]
    assert [g.reason for g in items if isinstance(g, Gap) and g.kind == "rr"] == ["no skin contact"]


def test_oximeter_and_thermometer_values_keep_their_unit_and_never_become_zero() -> None:
    intake = Intake()
    # The captured ChoiceMMed values 97 % and 96 bpm in a continuous measurement (0x2A5F): flags, two SFLOATs.
    spo2, pulse = intake.feed(Frame(0, uuids.PLX_CONTINUOUS_MEASUREMENT, bytes.fromhex("00 6100 6000")))
    assert isinstance(spo2, Block)
    assert isinstance(pulse, Block)
    assert (spo2.kind, spo2.unit, float(spo2.physical()[0])) == ("spo2", "%", 97.0)
    assert (pulse.kind, pulse.unit, float(pulse.physical()[0])) == ("pulse_rate", "bpm", 96.0)
    assert intake.feed(Frame(1, uuids.PLX_CONTINUOUS_MEASUREMENT, bytes.fromhex("00 ff07 ff07"))) == []
    # 36.6 degrees Celsius as FLOAT: mantissa 366, exponent -1.
    (celsius,) = intake.feed(Frame(2, uuids.TEMPERATURE_MEASUREMENT, bytes.fromhex("00 6e0100ff")))
    assert isinstance(celsius, Block)
    assert (celsius.kind, celsius.unit, round(float(celsius.physical()[0]), 2)) == ("temperature", "°C", 36.6)


def test_what_does_not_decode_is_counted_and_left_out() -> None:
    intake = Intake()
    assert intake.feed(Frame(0, uuids.HEART_RATE_MEASUREMENT, b"\x10\x3c")) == []
    assert intake.refused[uuids.HEART_RATE_MEASUREMENT] == 1


@pytest.mark.parametrize("ticks", [0, 1, 204, 10_241, 65_535])
def test_an_interval_that_no_heart_has_is_a_gap_that_says_so(ticks: int) -> None:
    intake, items = Intake(), []
    for second in range(40):
        payload = b"\x10\x3c" + (ticks if second == 20 else 1024).to_bytes(2, "little")
        items += intake.feed(Frame(second * 1_000_000, uuids.HEART_RATE_MEASUREMENT, payload))
    items += intake.end("end of stream")
    told = [b.values for b in items if isinstance(b, Block) and b.kind == "rr"]
    assert set(np.concatenate(told).tolist()) == {1024}
    assert [g.reason for g in items if isinstance(g, Gap) and g.kind == "rr"] == ["implausible"]


def test_a_rate_that_no_heart_has_is_none() -> None:
    intake = Intake()
    assert intake.feed(Frame(0, uuids.HEART_RATE_MEASUREMENT, b"\x01\xff\xff")) == []
    assert len(intake.feed(Frame(1, uuids.HEART_RATE_MEASUREMENT, b"\x00\xff"))) == 1
