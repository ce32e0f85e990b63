"""A locked store takes recordings and tells nothing; unlocked, it holds what a live recording would have held."""

from __future__ import annotations

import asyncio
import json
import random
from pathlib import Path

import numpy as np
import pytest

import vitals
from vitals import virtual
from vitals.cli import main
from vitals.errors import InputError, StoreDamaged, StoreMissing
from vitals.locked import collect, take_in
from vitals.store import Key, Store, new_recovery_code, recovery
from vitals.store.sealed import FOLDER, INBOX, SealedJournal
from vitals.values import DeviceInfo
from vitals_signal import synthetic

ZERO = 1_700_000_000_000_000


@pytest.fixture
def key() -> Key:
    return recovery(new_recovery_code())


def recorded(store: Store | None, path: Path) -> None:
    """Twenty minutes of a strap with an episode and a lost link: into the open store, or sealed beside a locked one."""
    wearer = synthetic.wearer(hours=0.35, seed=6, episodes=[(200, 1000)])

    async def run() -> None:
        async with (
            virtual.virtual_strap(wearer.beats_s) as near,
            vitals.connect(
                near.name, backend=near.backend, zero_utc_us=ZERO, source="virtual", rng=random.Random(1)
            ) as device,
        ):
            loop = asyncio.get_running_loop()
            loop.call_later(150, near.radio.drop)
            if store is None:
                enough = asyncio.Event()
                loop.call_later(1200, enough.set)
                assert await collect(device, path, until=enough) > 1000
                return
            async with vitals.monitor(device, store=store, journal=True) as events:
                loop.call_later(1200, events.stop)
                async for _ in events:
                    pass

    virtual.run(run())


def test_what_was_sealed_becomes_what_would_have_been_live(tmp_path: Path, key: Key) -> None:
    Store.create(tmp_path / "locked", key).close()
    recorded(None, tmp_path / "locked")
    (file,) = (tmp_path / "locked" / FOLDER).iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    assert b"Polar" not in file.read_bytes()
    with Store.create(tmp_path / "open", key) as live, Store.open(tmp_path / "locked", key) as store:
        recorded(live, tmp_path)
        with pytest.raises(InputError, match="take in first"):
            store.keys.rekey([key], proof=key)
        (done,) = asyncio.run(take_in(store))
        assert done.whole
        assert done.events >= 2
        assert asyncio.run(take_in(store)) == []
        assert store.verify().ok
        for kind in ("hr", "rr", "ecg", "acc", "battery"):
            ours, theirs = store.arrays(kind), live.arrays(kind)
            np.testing.assert_array_equal(ours[0].values, theirs[0].values)
            np.testing.assert_array_equal(ours[0].times_us, theirs[0].times_us)
            assert store.gap_list(kind) == live.gap_list(kind)
        assert [row.event for row in store.event_rows()] == [row.event for row in live.event_rows()]
        assert store.sessions()[0].device == live.sessions()[0].device
        store.keys.rekey([key], proof=key)
        store.keys.rekey([key], proof=key)
    recorded_again = SealedJournal(tmp_path / "locked", device=DeviceInfo(name="x"), source="live", zero_utc_us=0)
    with recorded_again:
        pass
    with Store.open(tmp_path / "locked", key) as store:
        assert [one.whole for one in store.sealed()] == [True]


def test_a_cut_or_changed_file_gives_what_came_before(tmp_path: Path, key: Key) -> None:
    path = tmp_path / "s"
    Store.create(path, key).close()
    pieces = [bytes([n]) * 50 for n in range(1, 6)]
    with SealedJournal(path, device=DeviceInfo(name="x"), source="live", zero_utc_us=7, subject="anna") as journal:
        for piece in pieces:
            journal.append(piece)
            journal.flush()
    whole = journal.path.read_bytes()
    with Store.open(path, key) as store:
        (one,) = store.sealed()
        assert (one.device.name, one.zero_utc_us, one.subject, one.journal, one.whole) == (
            "x", 7, "anna", b"".join(pieces), True
        )  # fmt: skip
        one.held.close()
        for size in range(0, len(whole), 3):
            journal.path.write_bytes(whole[:size])
            found = store.sealed()
            if not found:  # no beginning: nothing was ever acknowledged
                assert not journal.path.exists()
                continue
            (one,) = found
            one.held.close()
            assert not one.whole
            assert b"".join(pieces).startswith(one.journal)
        for at in range(0, len(whole), 7):
            changed = bytearray(whole)
            changed[at] ^= 1
            journal.path.write_bytes(changed)
            try:
                found = store.sealed()
            except StoreDamaged:
                continue
            for one in found:
                one.held.close()
                assert not one.whole
                assert b"".join(pieces).startswith(one.journal)
        journal.path.write_bytes(whole + b"more")
        assert not store.sealed()[0].whole


def test_a_public_key_that_was_exchanged_is_noticed(tmp_path: Path, key: Key) -> None:
    path = tmp_path / "s"
    Store.create(path, key).close()
    Store.create(tmp_path / "t", key).close()
    (path / INBOX).write_bytes((tmp_path / "t" / INBOX).read_bytes())
    with SealedJournal(path, device=DeviceInfo(), source="live", zero_utc_us=0) as journal:
        journal.append(b"x")
    with pytest.raises(StoreDamaged, match="sealed for somebody else"):
        Store.open(path, key)
    (path / INBOX).unlink()
    with Store.open(path, key) as store, pytest.raises(StoreDamaged, match="another store"):
        store.sealed()
    with pytest.raises(StoreMissing, match="takes sealed recordings"):
        SealedJournal(tmp_path / "nothing", device=DeviceInfo(), source="live", zero_utc_us=0)


def test_take_in_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = new_recovery_code()
    (tmp_path / "code").write_text(code)
    Store.create(tmp_path / "s", recovery(code)).close()
    words = ["take-in", "--store", str(tmp_path / "s"), "--recovery-file", str(tmp_path / "code")]
    assert main(words) == 0
    assert "nothing was recorded" in capsys.readouterr().err
    recorded(None, tmp_path / "s")
    assert main([*words, "--json"]) == 0
    row = json.loads(capsys.readouterr().out)
    assert row["whole"]
    assert row["samples"]["rr"] > 1000


@pytest.mark.parametrize("session_is_whole", [True, False])
def test_a_taking_in_that_was_cut_short_leaves_nothing_twice(
    tmp_path: Path, key: Key, monkeypatch: pytest.MonkeyPatch, session_is_whole: bool
) -> None:
    path = tmp_path / "s"
    Store.create(path, key).close()
    recorded(None, path)
    (name,) = (path / "sealed").iterdir()
    kept = name.read_bytes()
    with Store.open(path, key) as store:
        asyncio.run(take_in(store))
        samples = {info.kind: info.n for info in store.streams()}
        events = len(store.event_rows())
        if not session_is_whole:  # as if killed before the session ended
            with store.transaction() as connection:
                connection.execute("DELETE FROM session_end")
    name.write_bytes(kept)  # and before the file was removed
    with Store.open(path, key) as store:
        assert len(asyncio.run(take_in(store))) == (0 if session_is_whole else 1)
        assert {info.kind: info.n for info in store.streams()} == samples
        assert len(store.event_rows()) == events
        assert len(store.sessions()) == 1
        assert not name.exists()
