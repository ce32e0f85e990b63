"""Scale, cuff, thermometer, oximeter, glucose meter and monitor as devices: kept in a store, placed in time, and asked
for what they kept, with links that break meanwhile."""

from __future__ import annotations

import asyncio
import datetime as dt
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vitals
from tests.session.vendor_streams import ZERO_US, collected, connected, events, gaps, lose, numbers, of, streamed
from vitals.decode import uuids as u
from vitals.device import Item
from vitals.intake import Intake
from vitals.intake.record_clock import TIE_ERROR_S, UNBOUNDED_S
from vitals.offline import items_of, redecoded
from vitals.session.stored_records import POLL_S, QUIET_S
from vitals.store import KdfParams, Store, passphrase
from vitals.values import Block, Connected, DeviceInfo, Disconnected, Frame, StreamRefused
from vitals.virtual import (
    Cuff,
    GattDevice,
    GlucoseMeter,
    GlucoseMonitor,
    Oximeter,
    Scale,
    ShownClock,
    Thermometer,
    health_payloads,
    scene,
)
from vitals.virtual.episodes import Ticker
from vitals.virtual.gatt_table import refuse

MORNING = dt.datetime(2011, 3, 1, 7, 30)  # by a clock that is fourteen years late


def values(kind: str, items: list[Item]) -> list[float]:
    return [round(float(value), 6) for value in numbers(kind, items)[1]]


def test_what_each_measures_reaches_its_streams(play: Any) -> None:
    wanted: list[tuple[GattDevice, dict[str, float]]] = [
        (Cuff([(2, 128, 83, 71)]), {"systolic_pressure": 128, "diastolic_pressure": 83, "pulse_rate": 71}),
        (Scale([(2, 72.5)], height_m=1.8, fat_percent=18.4), {"weight": 72.5, "bmi": 22.4, "body_fat": 18.4}),
        (Thermometer([(2, 36.62)]), {"temperature": 36.62}),
        (Oximeter([(2, 97, 61)]), {"spo2": 97, "pulse_rate": 61}),
        (Oximeter([], spot_checks=[(2, 98.5, 60)]), {"spo2": 98.5, "pulse_rate": 60}),
    ]
    units = {"systolic_pressure": "mmHg", "weight": "kg", "bmi": "kg/m²", "temperature": "°C", "pulse_rate": "bpm"}
    for device, expected in wanted:
        kinds, items = play(streamed(device, 10))
        assert expected.keys() <= set(kinds)
        for kind, value in expected.items():
            assert values(kind, items) == [value], kind
            assert {block.unit for block in of(kind, items)} <= {
                units.get(kind, block.unit) for block in of(kind, items)
            }
        missing = [kind for kind in ("mean_arterial_pressure", "glucose") if values(kind, items)]
        assert missing == []  # the cuff sends NaN for a mean that it did not measure


def meter(count: int = 40, *, shows: float | None = None) -> GlucoseMeter:
    """Hourly records from 90 mg/dL on; its clock `shows` so many hours after the first one, or is not to be read."""
    beside = [] if shows is None else [ShownClock(MORNING + dt.timedelta(hours=shows))]
    return GlucoseMeter([(MORNING + dt.timedelta(hours=k), 90.0 + k) for k in range(count)], beside=beside)


def test_stored_records_lie_where_the_clock_of_the_meter_says(play: Any) -> None:
    _, items = play(streamed(meter(shows=50), 60))
    times, mg_dl = numbers("glucose", items)
    assert mg_dl.tolist() == [90.0 + k for k in range(40)]
    assert np.allclose(np.diff(times), 3600)
    assert times[0] + 50 * 3600 == pytest.approx(events(items)[0].at_us / 1e6, abs=TIE_ERROR_S)
    assert set(values("record_time_error", items)) == {TIE_ERROR_S}


def test_without_a_clock_the_newest_record_is_no_later_than_now_and_that_is_said(play: Any) -> None:
    _, items = play(streamed(meter(), 60))
    times, mg_dl = numbers("glucose", items)
    assert mg_dl.tolist() == [90.0 + k for k in range(40)]
    assert np.allclose(np.diff(times), 3600)
    assert 0 < times[-1] < 10
    assert set(values("record_time_error", items)) == {UNBOUNDED_S}


@pytest.mark.parametrize("clock", [True, False])
def test_a_link_lost_in_the_middle_of_a_report_costs_no_record_and_doubles_none(play: Any, clock: bool) -> None:
    device = meter(200, shows=250 if clock else None)  # the report takes four seconds
    _, items = play(streamed(device, 60, (2.5, lose)))
    assert [type(event) for event in events(items)] == [Connected, Disconnected, Connected]
    times, mg_dl = numbers("glucose", items)
    assert sorted(mg_dl.tolist()) == [90.0 + k for k in range(200)]
    assert len(times) == len(values("record_time_error", items)) == 200
    if clock:
        order = np.argsort(mg_dl)
        assert np.abs(np.diff(times[order]) - 3600).max() <= 2 * TIE_ERROR_S


def test_the_link_is_lost_while_records_are_on_their_way(play: Any) -> None:
    """The one above is worth something only if the loss falls into the report."""

    async def main() -> int:
        device, heard = meter(200), 0
        async with scene(device) as near, connected(near) as link, link.frames() as frames:
            asyncio.get_running_loop().call_later(2.5, lose, near)
            async for one in frames:
                if isinstance(one, Disconnected):
                    return heard
                heard += isinstance(one, Frame) and one.uuid == u.GLUCOSE_MEASUREMENT
        return -1

    assert 20 < play(main()) < 180


def requests_of(frames: list[Frame]) -> list[str]:
    return [f.payload.hex() for f in frames if f.uuid == u.RECORD_ACCESS_CONTROL_POINT and f.payload[0] < 5]


async def frames_of(device: GattDevice, seconds: float, *faults: tuple[float, Any]) -> list[Frame]:
    enough = asyncio.Event()
    loop = asyncio.get_running_loop()
    async with scene(device) as near, connected(near) as link:
        loop.call_later(seconds, enough.set)
        for after_s, fault in faults:
            loop.call_later(after_s, fault, near)
        async with link.frames(enough) as frames:
            return [one async for one in frames if isinstance(one, Frame)]


def test_after_all_only_what_is_new_is_asked_for_also_over_another_link(play: Any) -> None:
    device = meter(3)
    late = health_payloads.glucose(4, 123, MORNING + dt.timedelta(hours=9))

    async def main() -> list[Frame]:
        asyncio.get_running_loop().call_later(POLL_S / 2, lambda: device.stored.records.append((4, late)))
        return await frames_of(device, 2.5 * POLL_S, (2.2 * POLL_S, lose))

    frames = play(main())
    assert requests_of(frames)[:3] == ["0101", "0103010400", "0103010500"]
    assert set(requests_of(frames)[3:]) == {"0103010500"}  # on the new link
    assert len(requests_of(frames)) > 3
    intake = Intake()
    found = [item for frame in frames for item in intake.take(frame)]
    mg_dl = [block.physical()[0] for block in found if isinstance(block, Block) and block.kind == "glucose"]
    assert mg_dl == [90.0, 91.0, 92.0, 123.0]
    assert not intake.refused


def test_who_listens_anew_is_told_everything_again(play: Any) -> None:
    async def main() -> list[int]:
        counts = []
        async with scene(meter(5)) as near, connected(near) as link:
            for _ in range(2):
                counts.append(len(of("glucose", await collected(link, 20))))
        return counts

    assert play(main()) == [5, 5]


def test_a_meter_that_falls_silent_in_a_report_is_told_to_abort_and_asked_again(play: Any) -> None:
    device = meter(200)

    def mute(near: Any) -> None:
        near.devices[0].muted = True
        asyncio.get_running_loop().call_later(QUIET_S + 2, lambda: setattr(near.devices[0], "muted", False))

    _, items = play(streamed(device, 4 * QUIET_S, (2.5, mute)))
    _, mg_dl = numbers("glucose", items)
    assert sorted(mg_dl.tolist()) == [90.0 + k for k in range(200)]


@pytest.mark.parametrize("crc", [True, False])
def test_a_monitor_is_placed_by_its_minutes_and_a_lost_link_is_filled_from_its_store(play: Any, crc: bool) -> None:
    mg_dl = [100.0 + k for k in range(30)]
    device = GlucoseMonitor(mg_dl, interval_min=1, crc=crc)
    _, items = play(streamed(device, 32 * 60, (10.5 * 60, lose), (15.99 * 60, lose)))
    times, found = numbers("glucose", items)
    assert sorted(found.tolist()) == mg_dl
    order = np.argsort(found)
    begun = times[order][0] - 60
    assert np.abs(times[order] - begun - 60 * np.arange(1, 31)).max() < 1.0  # live and stored ones alike
    assert set(values("record_time_error", items)) == {61}


def test_records_are_stored_where_they_belong_and_the_journal_gives_them_again(tmp_path: Path) -> None:
    async def main(store: Store) -> None:
        async with (
            scene(meter(10, shows=50)) as near,
            connected(near) as device,
            vitals.monitor(device, store=store, journal=True) as monitoring,
        ):
            asyncio.get_running_loop().call_later(5, lose, near)
            asyncio.get_running_loop().call_later(40, monitoring.stop)
            assert [event async for event in monitoring] == []

    quick = KdfParams(memory_kib=19 * 1024, time_cost=2, lanes=1)
    with Store.create(tmp_path / "s", passphrase("correct horse"), kdf=quick) as store:
        vitals.virtual.run(main(store))
        (stream,) = store.streams("glucose")
        times, mg_dl = numbers("glucose", [one for one in items_of(store, stream) if isinstance(one, Block)])
        assert mg_dl.tolist() == [90.0 + k for k in range(10)]
        assert np.allclose(np.diff(times), 3600)
        assert times[0] == pytest.approx(ZERO_US / 1e6 - 50 * 3600, abs=10)
        (journal,) = store.streams("journal")
        again = [one for one in redecoded(store, journal) if isinstance(one, Block) and one.kind == "glucose"]
        assert numbers("glucose", [*again])[1].tolist() == mg_dl.tolist()
        assert np.array_equal(numbers("glucose", [*again])[0], times)
        assert store.verify().ok


def ridden(seconds: float) -> bytes:
    """A crank at 90 turns a minute, and a wheel at 300."""
    cranks, wheels = int(seconds * 1.5), int(seconds * 5)
    event = struct.pack("<IH", wheels, round(wheels / 5 * 1024) % 65_536)
    return b"\x03" + event + struct.pack("<HH", cranks, round(cranks / 1.5 * 1024) % 65_536)


def test_a_ride_is_recorded_with_the_gap_that_a_lost_link_left(play: Any) -> None:
    bike = GattDevice(
        [
            Ticker(u.sig(0x1816), u.CSC_MEASUREMENT, ridden, every_s=1.0, duration_s=200),
            Ticker(u.sig(0x1826), u.INDOOR_BIKE_DATA, lambda _: b"\x41\x00\xfa\x00", every_s=1.0, duration_s=200),
        ],
        info=DeviceInfo(name="Bike"),
        advertised=[u.sig(0x1816)],
    )
    # Bit 0 says that more follows: such records never end, and nothing must be made of them.
    kinds, items = play(streamed(bike, 120, (60, lose)))
    assert {"wheel_rate", "cadence", "power"} <= set(kinds)
    times, cadence = numbers("cadence", items)
    assert len(times) > 60
    assert np.abs(cadence - 90).max() < 0.1
    assert np.abs(numbers("wheel_rate", items)[1] - 300).max() < 0.5
    (hole,) = gaps("cadence", items)
    assert hole.reason == "link lost"
    assert hole.end_us - hole.start_us > 2.5e6
    assert values("power", items) == []


def test_a_meter_that_still_reports_to_the_lost_link_is_told_to_stop(play: Any) -> None:
    """A thousand records take twenty seconds, and the link is back after three: the meter refuses with 0xFE."""
    frames = play(frames_of(meter(1000), 60, (3, lose)))
    assert requests_of(frames) == ["0101", "0101", "0300", "0101"]
    intake = Intake()
    found = [item for frame in frames for item in intake.take(frame)]
    mg_dl = [block.physical()[0] for block in found if isinstance(block, Block) and block.kind == "glucose"]
    assert sorted(mg_dl) == [90.0 + k for k in range(1000)]


def test_a_report_that_nobody_waits_for_any_more_is_aborted(play: Any) -> None:
    async def main() -> tuple[list[str], int]:
        written: list[str] = []
        device = meter(1000)
        answer = device.stored._answer

        async def noted(value: bytes) -> Any:
            written.append(value.hex())
            return await answer(value)

        device.stored._answer = noted  # type: ignore[method-assign]
        async with scene(device) as near:
            async with connected(near) as link:
                items = await collected(link, 3)
            await asyncio.sleep(30)
        return written, len(of("glucose", items))

    written, told = play(main())
    assert written == ["0101", "0300"]
    assert 0 < told < 200


def test_a_meter_that_wants_pairing_says_so_instead_of_nothing(play: Any) -> None:
    device = meter(3)
    device.stored._on_request = refusing  # type: ignore[method-assign, assignment]
    _, items = play(streamed(device, 20))
    (refused,) = [event for event in events(items) if isinstance(event, StreamRefused) and event.kind == "glucose"]
    assert "pair=True" in refused.reason


def refusing(*_: object) -> None:
    raise refuse(0x05)
