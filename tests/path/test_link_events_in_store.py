"""What happened to a link is in the store, and a clinician can read it later."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import numpy as np
import pytest

import vitals
from vitals import virtual
from vitals.cli import main
from vitals.cli.link_events import words
from vitals.offline import link_events, redecoded
from vitals.store import KdfParams, Store, passphrase
from vitals.values import (
    BatteryLow,
    ClockReset,
    Connected,
    ContactChange,
    Disconnected,
    LinkEvent,
    LossReason,
    Overflow,
    Stall,
    StreamRefused,
)

ZERO = 1_700_000_000_000_000
QUICK = KdfParams(memory_kib=19 * 1024, time_cost=2, lanes=1)


def test_losses_silences_and_resets_are_kept_as_they_were_told(
    tmp_path: Path, unlocked: str, capsys: pytest.CaptureFixture[str]
) -> None:
    told: list[LinkEvent | ClockReset] = []

    async def record(store: Store) -> None:
        async with (
            virtual.virtual_strap(np.arange(0, 900, 0.8), battery=12) as near,
            vitals.connect(near.name, backend=near.backend, zero_utc_us=ZERO, source="virtual") as device,
            vitals.monitor(device, store=store, on_link=told.append) as monitoring,
        ):
            loop = asyncio.get_running_loop()
            loop.call_later(60, near.radio.drop)
            loop.call_later(120, setattr, near.strap, "muted", True)
            loop.call_later(126, setattr, near.strap, "muted", False)
            reboot = loop.create_task(_later(200, near.strap.reboot(off_s=5)))
            loop.call_later(400, monitoring.stop)
            _ = [event async for event in monitoring]
            await reboot

    path = tmp_path / "s"
    with Store.create(path, passphrase(unlocked), kdf=QUICK) as store:
        virtual.run(record(store))
        rows = link_events(store)
        assert [row.event for row in rows] == [_at_utc(event) for event in told]
        kinds = {type(row.event) for row in rows}
        assert kinds >= {Connected, Disconnected, Stall, BatteryLow, ClockReset}
        assert link_events(store, start=rows[2].event.at_us, end=rows[4].event.at_us) == rows[2:4]
        assert store.verify().ok

    capsys.readouterr()
    assert main(["events", "--store", str(path), "--link", "--json"]) == 0
    shown = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(shown) == len(rows)
    lost = next(row for row in shown if row["kind"] == "disconnected")
    assert (lost["reason"], lost["device"]) == ("link lost", "Virtual H10")
    assert lost["at"].startswith("2023-11-14T22:14:2")
    assert main(["events", "--store", str(path), "--link", "--kind", "battery_low"]) == 0
    assert capsys.readouterr().out.endswith("Virtual H10  battery of the device at 12 %\n")


async def _later(seconds: float, work: object) -> None:
    await asyncio.sleep(seconds)
    await work  # type: ignore[misc]


def _at_utc(event: LinkEvent | ClockReset) -> object:
    from dataclasses import replace

    return replace(event, at_us=event.at_us + ZERO)


def test_a_journal_beside_it_decodes_as_before(tmp_path: Path) -> None:
    async def record(store: Store) -> None:
        async with (
            virtual.virtual_strap(np.arange(0, 120, 0.8)) as near,
            vitals.connect(near.name, backend=near.backend, zero_utc_us=ZERO, source="virtual") as device,
            vitals.monitor(device, store=store, journal=True, kinds={"rr"}) as monitoring,
        ):
            asyncio.get_running_loop().call_later(40, near.radio.drop)
            asyncio.get_running_loop().call_later(90, monitoring.stop)
            _ = [event async for event in monitoring]

    with Store.create(tmp_path / "s", passphrase("correct horse"), kdf=QUICK) as store:
        virtual.run(record(store))
        (journal,) = store.streams("journal")
        assert sum(isinstance(item, vitals.Gap) for item in redecoded(store, journal)) == 1
        assert [type(row.event) for row in link_events(store)] == [Connected, Disconnected, Connected]


def test_every_link_event_has_words() -> None:
    said = {
        words(event)
        for event in (
            Connected(0), Disconnected(0, LossReason.SILENT), Stall(0, "ECG", 3_000_000), Overflow(0, 7),
            StreamRefused(0, "ecg", "in charger"), ContactChange(0, False), ContactChange(0, True), BatteryLow(0, 9),
            ClockReset(0, -4_000_000),
        )
    }  # fmt: skip
    assert said == {
        "connected", "disconnected: silent stream", "silent for 3.0 s, started again: ECG",
        "7 notifications dropped: this computer was too slow", "no ecg: in charger", "skin contact lost",
        "skin contact found", "battery of the device at 9 %", "clock of the device jumped by -4.0 s",
    }  # fmt: skip
