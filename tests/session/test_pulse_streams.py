"""Everything that an optical band measures, over the virtual link, to streams on the host's clock: also over losses."""

from __future__ import annotations

import asyncio
import random
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vitals
from vitals import Store
from vitals.device import Item
from vitals.offline import analyze
from vitals.values import Block, Connected, Disconnected, Event, Gap
from vitals.virtual import Body, OpticalBand, connected, scene
from vitals_signal.synthetic import wearer

KINDS = {"ppg", "acc", "gyro", "magnetometer", "ppi", "skin_temperature", "pressure", "device_temperature"}


def blocks_of(items: list[Item]) -> dict[str, list[Block]]:
    found: dict[str, list[Block]] = defaultdict(list)
    for item in items:
        if isinstance(item, Block):
            found[item.kind].append(item)
    return found


def gaps_of(items: list[Item], kind: str) -> list[Gap]:
    return [item for item in items if isinstance(item, Gap) and item.kind == kind]


def play_band(play: Any, band: OpticalBand, fault: Any = None, **options: Any) -> tuple[list[Item], float]:
    """Items of the whole life of a band, and when its body began, in host time."""

    async def main() -> tuple[list[Item], float]:
        async with scene(band) as near:
            options.setdefault("kinds", KINDS)
            link = vitals.connect(near.name, backend=near.backend, ended=band.finished, rng=random.Random(1), **options)
            async with link as device:
                breaking = asyncio.ensure_future(fault(near)) if fault else None
                async with device.items() as items:
                    seen = [item async for item in items]
                if breaking:
                    await breaking
                return seen, asyncio.get_running_loop().time() - band.body_s

    result: tuple[list[Item], float] = play(main())
    return result


def test_all_streams_of_a_band_arrive_in_their_units(play: Any) -> None:
    body = Body.of(wearer(0.06, seed=3))
    items, began = play_band(play, OpticalBand(body, drift_ppm=30))
    found = blocks_of(items)
    assert set(found) == KINDS
    assert not [item for item in items if isinstance(item, Gap)]
    expected = {
        "ppg": (55.0, "", 4), "acc": (52.0, "g", 3), "gyro": (52.0, "deg/s", 3), "magnetometer": (20.0, "gauss", 3),
        "skin_temperature": (4.0, "°C", 0), "pressure": (1.0, "bar", 0), "device_temperature": (1.0, "°C", 0),
        "ppi": (1000.0, "ms", 0),
    }  # fmt: skip
    for kind, (rate, unit, channels) in expected.items():
        first = found[kind][0]
        assert (kind, first.rate_hz, first.unit) == (kind, rate, unit)
        assert first.values.shape[1:] == ((channels,) if channels else ())
        assert first.values.dtype.kind in "iu"
        if kind != "ppi":
            assert sum(map(len, found[kind])) == pytest.approx(body.duration_s * rate, abs=2 * rate)
    whole = {kind: np.concatenate([block.physical() for block in blocks]) for kind, blocks in found.items()}
    assert whole["skin_temperature"].mean() == pytest.approx(33.0, abs=0.05)
    assert whole["device_temperature"].mean() == pytest.approx(34.5, abs=0.05)
    assert whole["pressure"] == pytest.approx(1.013, abs=5e-6)
    assert np.linalg.norm(whole["magnetometer"], axis=1) == pytest.approx(0.48 * np.sqrt(1 + 0.81), abs=0.005)
    truth = np.rint(np.diff(body.beats_s) * 1000 * (1 + 30e-6))
    assert whole["ppi"].tolist() == truth[len(truth) - len(whole["ppi"]) :].tolist()
    times = np.concatenate([block.times_us() for block in found["ppi"]]) / 1e6 - began
    pulses = body.beats_s[-len(times) :] + 0.2
    assert np.all((times - pulses > -0.02) & (times - pulses < 1.5))


def test_pulse_intervals_go_on_after_a_lost_link_behind_one_gap(play: Any) -> None:
    body = Body.of(wearer(0.12, seed=4))

    async def fault(near: Any) -> None:
        await asyncio.sleep(150)
        near.radio.drop()
        await asyncio.sleep(60)

    items, began = play_band(play, OpticalBand(body), fault, kinds={"ppi"})
    assert [type(item) for item in items if isinstance(item, Connected | Disconnected)] == [
        Connected, Disconnected, Connected,
    ]  # fmt: skip
    (gap,) = gaps_of(items, "ppi")
    assert gap.reason == "link lost"
    # What the band measured while nobody listened is lost; what lies on both sides is not.
    assert gap.end_us - gap.start_us < 15e6
    found = blocks_of(items)["ppi"]
    truth = np.rint(np.diff(body.beats_s) * 1000)
    got = np.concatenate([block.values for block in found])
    lost = len(truth) - len(got)
    assert 0 < lost <= 15
    before = sum(len(block) for block in found if block.end_us <= gap.start_us)
    skipped = len(truth) - len(got) - 1
    assert np.array_equal(got[before:], truth[len(truth) - (len(got) - before) :])
    assert any(np.array_equal(got[:before], truth[k : k + before]) for k in range(skipped + 2))
    times = np.concatenate([block.times_us() for block in found]) / 1e6 - began
    late = times[before:] - (body.beats_s[len(body.beats_s) - (len(got) - before) :] + 0.2)
    assert np.all((late > -0.02) & (late < 1.5))


def test_movement_is_a_gap_in_the_pulse_intervals(play: Any) -> None:
    body = Body.of(wearer(0.1, seed=5))
    items, began = play_band(play, OpticalBand(body, movement=[(100.0, 130.0)]), kinds={"ppi"})
    (gap,) = gaps_of(items, "ppi")
    assert gap.reason == "movement"
    assert gap.start_us / 1e6 - began == pytest.approx(99.5, abs=1.5)
    assert gap.end_us / 1e6 - began == pytest.approx(130.5, abs=2.0)


def test_pulse_intervals_are_analysed_as_what_they_are_live_and_stored(play: Any, tmp_path: Path) -> None:
    body = Body.of(wearer(0.4, episodes=[(300.0, 1200.0)], seed=6))

    async def main(store: Store) -> tuple[list[Event], Counter[str]]:
        async with (
            connected(OpticalBand(body, movement=[(700.0, 720.0)])) as device,
            vitals.monitor(device, store=store, kinds={"ppi"}) as events,
        ):
            return [event async for event in events], events.counts

    with Store.open(tmp_path / "s", key=vitals.passphrase("four words are enough"), create=True) as store:
        seen, counts = play(main(store))
        assert counts["ppi"] > 1000
        assert {(event.kind, event.source) for event in seen} == {("irregular_rhythm", "ppi")}
        assert {event.made_by.params["intervals"] for event in seen} == {"ppi"}
        features, events = list(store.feature_rows()), list(store.event_rows())
        assert {row.features.source for row in features} == {"ppi"}
        assert [done.stream.kind for done in analyze(store)] == ["ppi"]
        assert repr(list(store.feature_rows())) == repr(features)  # NaN is not equal to itself
        assert list(store.event_rows()) == events
