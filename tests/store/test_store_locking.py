"""Locking, anchors outside of the store, room kept for a full disk, media that cannot be written."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from vitals.errors import InputError, StoreDamaged, StoreError, StoreFull, StoreLocked, WrongKey
from vitals.store import Key, Store, ballast, keys, new_recovery_code, recovery
from vitals.values import Block, DeviceInfo, Timing

Fill = Callable[..., int]


def test_a_locked_store_tells_nothing_until_it_is_unlocked(tmp_path: Path, key: Key, fill: Fill) -> None:
    with Store.create(tmp_path / "s", key) as store:
        fill(store)
        store.lock()
        assert bytes(store._key) == bytes(32)
        for use in (store.streams, store.event_rows, store.verify, store.compact, lambda: store.db, store.fresh):
            with pytest.raises(StoreLocked, match="unlock it"):
                use()
        with pytest.raises(WrongKey):
            store.unlock(recovery(new_recovery_code()))
        with pytest.raises(StoreLocked):
            store.streams()
        store.unlock(key)
        store.unlock(key)
        assert store.verify().ok
        assert store.streams()
    with pytest.raises(StoreError, match="closed"):
        store.unlock(key)


def test_a_session_that_meets_a_lock_keeps_what_it_holds(tmp_path: Path, key: Key) -> None:
    with Store.create(tmp_path / "s", key) as store:
        session = store.session(device=DeviceInfo(name="w"), source="live", zero_utc_us=0)
        session.append(Block("ecg", 0, Timing.REGULAR, 100.0, np.arange(50), 1.0, "uV"))
        store.lock()
        with pytest.raises(StoreLocked):
            session.flush()
        store.unlock(key)
        session.flush()
        assert store.streams("ecg")[0].n == 50


def test_a_store_locks_itself_when_nobody_uses_it(tmp_path: Path, key: Key) -> None:
    Store.create(tmp_path / "s", key).close()
    with Store.open(tmp_path / "s", key, idle_lock_s=0.4) as store:
        until = time.monotonic() + 1.2
        while time.monotonic() < until:
            store.streams()  # used: it stays open
            time.sleep(0.02)
        deadline = time.monotonic() + 30
        while any(store._key):
            assert time.monotonic() < deadline, "it never locked"
            time.sleep(0.05)
        with pytest.raises(StoreLocked):
            store.streams()
        store.unlock(key)
        store.streams()
    with pytest.raises(InputError, match="idle_lock_s is 0"):
        Store.open(tmp_path / "s", key, idle_lock_s=0)


class Noted(keys.RecoveryKey):
    """A key with a notebook, as a keyring key has."""

    words: dict[str, str] = {}  # noqa: RUF012  (one keyring for all)

    def notebook(self) -> keys.Notebook:
        return self

    def read(self, name: str) -> str | None:
        return self.words.get(name)

    def write(self, name: str, words: str) -> None:
        self.words[name] = words


@pytest.fixture
def noted(monkeypatch: pytest.MonkeyPatch) -> Noted:
    monkeypatch.setattr(Noted, "words", {})
    return Noted(bytes(range(32)))


def test_an_older_copy_put_in_the_place_of_the_store_is_noticed(tmp_path: Path, noted: Noted, fill: Fill) -> None:
    path, old = tmp_path / "s", tmp_path / "old"
    with Store.create(path, noted) as store:
        fill(store, 1)
    shutil.copytree(path, old)
    with Store.open(path, noted) as store:
        fill(store, 2)
    Store.open(path, noted).close()  # unchanged, it opens
    shutil.rmtree(path)
    shutil.copytree(old, path)
    with pytest.raises(StoreDamaged, match="put back to an earlier copy"):
        Store.open(path, noted)
    with Store.open(path, keys.RecoveryKey(bytes(range(32)))) as store:  # another kind of key still shows what it holds
        assert store.verify().ok


def test_an_audit_chain_put_back_is_noticed_and_an_anchor_of_nonsense_is_named(tmp_path: Path, noted: Noted) -> None:
    path = tmp_path / "s"
    with Store.create(path, noted) as store:
        store.note("shown")
    with Store.open(path, keys.RecoveryKey(bytes(range(32)))) as store, store.transaction() as connection:
        connection.execute("DELETE FROM audit")
    with pytest.raises(StoreDamaged, match="older than when it was last closed"):
        Store.open(path, noted)
    Noted.words[next(iter(Noted.words))] = "{"
    with pytest.raises(StoreDamaged, match="anchor of this store is unreadable"):
        Store.open(path, noted)


def test_an_anchor_tells_nothing_of_what_was_measured(tmp_path: Path, noted: Noted, fill: Fill) -> None:
    with Store.create(tmp_path / "s", noted) as store:
        fill(store)
    (words,) = Noted.words.values()
    assert "strap" not in words
    assert len(words) < 300


def test_room_is_kept_and_given_back_when_the_disk_is_full(
    tmp_path: Path, key: Key, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store.create(tmp_path / "s", key) as store:
        kept = tmp_path / "s" / ballast.NAME
        assert kept.stat().st_size == ballast.BYTES
        with pytest.raises(StoreFull), store.transaction():
            raise StoreFull("the disk took no more")
        assert not kept.exists()
        with pytest.raises(StoreFull), store.transaction():
            raise StoreFull("the disk took no more")  # nothing to give back is no error of its own
    Store.open(tmp_path / "s", key).close()
    assert kept.exists()
    kept.unlink()
    if hasattr(os, "statvfs"):
        there = os.statvfs(tmp_path)
        fields = list(there)
        fields[4] = 1  # blocks that are free to us
        monkeypatch.setattr(os, "statvfs", lambda _: os.statvfs_result(fields))
        Store.open(tmp_path / "s", key).close()
        assert not kept.exists()


def test_a_store_on_a_medium_that_cannot_be_written_can_be_read(
    tmp_path: Path, key: Key, fill: Fill, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "s"
    with Store.create(path, key) as store:
        n = fill(store)
        store.compact()
    before = {p.name: p.read_bytes() for p in path.iterdir()}
    real = os.access
    monkeypatch.setattr(os, "access", lambda p, mode: False if mode == os.W_OK else real(p, mode))
    with Store.open(path, key) as store:
        assert sum(info.n for info in store.streams("rr")) == n
        assert store.event_rows()
        assert store.verify().ok
        with pytest.raises(StoreError):
            fill(store)
    assert {p.name: p.read_bytes() for p in path.iterdir()} == before
    (path / "vitals.db-wal").write_bytes(b"not empty")
    with pytest.raises(StoreError, match="copy the folder to a disk"):
        Store.open(path, key)
