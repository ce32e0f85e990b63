"""A journal kept in the store decodes again to the blocks, gaps and events that the live stream gave."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np

import vitals
from vitals import virtual
from vitals.analysis import analyze
from vitals.journal import Damage, journal_bytes, unpack
from vitals.offline import items_of, redecoded
from vitals.store import KdfParams, Store, passphrase
from vitals.values import Frame
from vitals_signal import synthetic

ZERO = 1_700_000_000_000_000
QUICK = KdfParams(memory_kib=19 * 1024, time_cost=2, lanes=1)


def test_a_journal_replays_to_what_was_live(tmp_path: Path) -> None:
    wearer = synthetic.wearer(hours=0.4, seed=6, episodes=[(300, 1100)])

    async def main(store: Store) -> list[vitals.Event]:
        async with (
            virtual.virtual_strap(wearer.beats_s) as near,
            vitals.connect(near.name, backend=near.backend, zero_utc_us=ZERO, source="virtual") as device,
            vitals.monitor(device, store=store, journal=True) as monitoring,
        ):
            loop = asyncio.get_running_loop()
            loop.call_later(200, near.radio.drop)
            loop.call_later(1400, monitoring.stop)
            return [event async for event in monitoring]

    with Store.create(tmp_path / "s", passphrase("correct horse"), kdf=QUICK) as store:
        live = virtual.run(main(store))
        assert [e.state.value for e in live if e.kind == "irregular_rhythm"] == ["open", "closed"]
        (journal,) = store.streams("journal")
        again = list(redecoded(store, journal))
        for kind in ("hr", "rr", "ecg", "acc", "battery"):
            (stream,) = store.streams(kind)
            kept = list(items_of(store, stream))
            both = [[i for i in items if isinstance(i, vitals.Block) and i.kind == kind] for items in (kept, again)]
            values = [np.concatenate([b.values for b in blocks]) for blocks in both]
            times = [np.concatenate([b.times_us() for b in blocks]) for blocks in both]
            np.testing.assert_array_equal(values[0], values[1])
            np.testing.assert_array_equal(times[0], times[1])
            gaps = [[i for i in items if isinstance(i, vitals.Gap) and i.kind == kind] for items in (kept, again)]
            assert gaps[0] == gaps[1]
        events = [one for one in analyze(again) if isinstance(one, vitals.Event)]
        told = [(e.kind, e.start_us + ZERO, e.end_us + ZERO, e.score, e.state.value) for e in live]
        assert sorted((e.kind, e.start_us, e.end_us, e.score, e.state.value) for e in events) == sorted(told)
        assert store.verify().ok


def test_a_damaged_minute_of_a_stored_journal_costs_no_more(tmp_path: Path) -> None:
    async def main(store: Store) -> None:
        async with (
            virtual.virtual_strap([0.8 * k for k in range(400)]) as near,
            vitals.connect(near.name, backend=near.backend, zero_utc_us=ZERO, source="virtual") as device,
            vitals.monitor(device, store=store, journal=True) as monitoring,
        ):
            asyncio.get_running_loop().call_later(250, monitoring.stop)
            async for _ in monitoring:
                pass

    with Store.create(tmp_path / "s", passphrase("correct horse"), kdf=QUICK) as store:
        virtual.run(main(store))
        (journal,) = store.streams("journal")
        whole = journal_bytes(store.blocks(journal))
    frames = [one for one in unpack(whole) if isinstance(one, Frame)]
    assert len(frames) > 700
    broken = bytearray(whole)
    broken[len(whole) // 2] ^= 1
    found = list(unpack(bytes(broken)))
    left = [one for one in found if isinstance(one, Frame)]
    assert [type(one) for one in found].count(Damage) == 1
    assert len(left) > 0.7 * len(frames)
    assert left[-1] == frames[-1]
