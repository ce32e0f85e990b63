"""The async shell over the virtual link: what the SDK's user writes, and what happens when the link breaks."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest

import vitals
from vitals import virtual
from vitals.errors import InputError, LinkLost
from vitals.store import Store, passphrase
from vitals_signal import synthetic

ZERO = 1_700_000_000_000_000


def test_streams_give_blocks_with_times_and_units() -> None:
    beats = np.arange(0.5, 60, 0.8)

    async def main() -> list[vitals.Block]:
        async with virtual.strap(beats) as device:
            assert set(device.kinds) == {"hr", "rr", "battery", "ecg", "acc"}
            assert device.info.manufacturer
            with pytest.raises(InputError, match="it has hr, rr, battery"):
                async with device.stream("ppg"):
                    pass
            async with device.stream("rr") as blocks:
                return [block async for block in blocks]

    blocks = virtual.run(main())
    rr = np.concatenate([b.physical() for b in blocks])
    assert len(rr) == len(beats) - 1
    assert np.allclose(rr, 800, atol=1)
    times = np.concatenate([b.times_us() for b in blocks]) / 1e6
    assert np.allclose(np.diff(times), 0.8, atol=0.03)


def test_leaving_monitor_early_stores_what_was_heard(tmp_path: Path) -> None:
    wearer = synthetic.wearer(hours=0.5, seed=3)

    async def main(store: Store) -> float:
        async with (
            virtual.strap(wearer.beats_s, zero_utc_us=ZERO) as device,
            vitals.monitor(device, store=store) as events,
        ):
            await asyncio.sleep(300)
        return events.seconds

    with Store.open(tmp_path / "s", key=passphrase("correct horse battery"), create=True) as store:
        seconds = virtual.run(main(store))
        assert 290 < seconds < 301
        (rr,) = store.streams("rr")
        assert rr.end_us is not None
        assert rr.end_us - ZERO > 295e6
        assert rr.session.state == "complete"
        assert store.verify().ok


def test_a_lost_link_is_told_after_everything_was_stored(tmp_path: Path) -> None:
    wearer = synthetic.wearer(hours=0.5, seed=4, episodes=[(60, 1700)])

    async def main(store: Store) -> list[vitals.Event]:
        events: list[vitals.Event] = []
        async with virtual.virtual_strap(wearer.beats_s) as scene:
            asyncio.get_running_loop().call_later(600, scene.radio.drop)
            async with (
                vitals.connect(scene.name, backend=scene.backend, zero_utc_us=ZERO, reconnect=False) as device,
                vitals.monitor(device, store=store) as monitoring,
            ):
                with pytest.raises(LinkLost):
                    async for event in monitoring:
                        events.append(event)
        return events

    with Store.open(tmp_path / "s", key=passphrase("correct horse battery"), create=True) as store:
        events = [event for event in virtual.run(main(store)) if event.kind == "irregular_rhythm"]
        assert [e.state.value for e in events] == ["open", "cut"]
        (row,) = [row for row in store.event_rows() if row.event.kind == "irregular_rhythm"]
        assert row.event.state.value == "cut"
        assert abs(row.event.end_us - ZERO - 600e6) < 60e6
        (rr,) = store.streams("rr")
        assert rr.end_us is not None
        assert 595e6 < rr.end_us - ZERO < 603e6


def test_live_and_replay_give_the_same_events(shared: Path) -> None:
    async def main() -> list[vitals.Event]:
        device = vitals.replay(shared / "data" / "mitdb" / "203.hea")
        async with vitals.monitor(device) as events:
            return [event async for event in events]

    from vitals.analysis import analyze
    from vitals.recording import open_recording

    live = virtual.run(main())
    batch = [
        d for d in analyze(open_recording(shared / "data" / "mitdb" / "203.hea").items) if isinstance(d, vitals.Event)
    ]
    assert {"irregular_rhythm", "ectopy"} & {event.kind for event in live}
    assert sorted(live, key=repr) == sorted(batch, key=repr)


def test_a_device_that_comes_back_goes_on_in_the_same_session(tmp_path: Path) -> None:
    wearer = synthetic.wearer(hours=0.5, seed=4)

    async def main(store: Store) -> list[str]:
        told: list[str] = []
        async with virtual.virtual_strap(wearer.beats_s) as scene:
            later = asyncio.get_running_loop().call_later
            for at in (300, 900):
                later(at, scene.radio.out_of_range, scene.strap.device)
                later(at + 60, scene.radio.in_range, scene.strap.device)
            async with (
                vitals.connect(
                    scene.name, backend=scene.backend, zero_utc_us=ZERO, ended=scene.strap.finished, kinds=("hr", "rr")
                ) as device,
                vitals.monitor(device, store=store, on_link=lambda event: told.append(type(event).__name__)) as events,
            ):
                async for _ in events:
                    pass
                assert events.link_events["Disconnected"] == 2
        return told

    with Store.open(tmp_path / "s", key=passphrase("correct horse battery"), create=True) as store:
        told = virtual.run(main(store))
        assert [one for one in told if one != "Stall"] == ["Connected", *["Disconnected", "Connected"] * 2]
        (rr,) = store.streams("rr")
        assert rr.session.state == "complete"
        lost = store.gaps("rr")
        lost = lost[lost["reason"] == "link lost"]
        assert len(lost) == 2
        assert ((lost["end"] - lost.index.to_series()).dt.total_seconds() > 55).all()
        assert store.verify().ok
