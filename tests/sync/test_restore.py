"""A backup comes back without taking anything away, and nothing that was erased rises from it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vitals import sync
from vitals.errors import InputError, SyncError
from vitals.store import Key, Store, chain, new_recovery_code, recovery
from vitals.sync import wire
from vitals.values import DeviceInfo, Event, EventState, Features, Gap, Provenance, rr_block

pytest.importorskip("pyrage")

MAKER = Provenance("maker", "1")


@pytest.fixture
def key() -> Key:
    return recovery(new_recovery_code())


def record(store: Store, seed: int, subject: str = "self") -> None:
    rng = np.random.default_rng(seed)
    zero = 10**15 + seed * 10**9
    with store.session(device=DeviceInfo(name="w"), source="live", zero_utc_us=zero, subject=subject) as session:
        for n in range(40):
            session.append(rr_block(0, rng.integers(700, 1100, 2), 1024, n * 2200))
            if n % 9 == 0:
                session.flush()
        session.gap(Gap("rr", 0, 1, "x"))
        session.features(Features("rr", 0, 64, {"a": float(seed)}, 1.0, None, MAKER))
        session.event(Event("e", "rr", seed, seed + 1, 0.5, 0.5, EventState.CLOSED, MAKER))


def beats(store: Store) -> list[float]:
    return sorted(value for one in store.arrays("rr") for value in one.values.tolist())


def test_what_was_lost_since_the_backup_comes_back_and_what_is_new_stays(tmp_path: Path, key: Key) -> None:
    with Store.create(tmp_path / "s", key) as store:
        record(store, 1)
        record(store, 2)
        everything = beats(store)
        store.back_up(tmp_path / "b", key)
        record(store, 3)
        more = beats(store)
        with Store.open(tmp_path / "b", key) as backup:
            assert sync.restore(store, backup).new == 0
        assert beats(store) == more
    with Store.open(tmp_path / "b", key) as lost:  # as if the store of today were the backup: its chain is continued
        with Store.open(tmp_path / "s", key) as newer:
            assert sync.restore(lost, newer).new > 0
            assert sync.restore(lost, newer).new == 0
            theirs = {head.origin: (head.seq, head.h) for head in chain.heads(newer.fresh()).values()}
            assert {head.origin: (head.seq, head.h) for head in chain.heads(lost.fresh()).values()} == theirs
        assert beats(lost) == more
        assert lost.verify().ok
    assert everything != more


def test_two_copies_that_went_different_ways_are_merged(tmp_path: Path, key: Key) -> None:
    with Store.create(tmp_path / "s", key) as store:
        record(store, 1)
        store.back_up(tmp_path / "b", key)
        record(store, 2)
        with Store.open(tmp_path / "b", key) as backup:
            record(backup, 3)
            both = sorted(beats(store) + [x for x in beats(backup) if x not in beats(store)])
            assert sync.restore(store, backup).new > 0
            assert sync.restore(store, backup).new == 0
        assert set(beats(store)) == set(both)
        assert len(store.sessions()) == 3
        assert len(store.event_rows()) == 3
        assert store.verify().ok


def test_what_was_erased_does_not_rise_from_a_backup(tmp_path: Path, key: Key) -> None:
    with Store.create(tmp_path / "s", key) as store:
        record(store, 1, "anna")
        record(store, 2, "berta")
        store.back_up(tmp_path / "b", key)
        store.erase(proof=key, subject="anna")
        with Store.open(tmp_path / "b", key) as backup:
            assert sync.restore(store, backup).new == 0
            record(backup, 3, "berta")  # so that the chains fork
            report = sync.restore(store, backup)
        assert report.new > 0
        assert report.erased > 0
        assert store.subjects() == ["berta"]
        assert len(store.sessions()) == 2
        assert store.verify().ok


def test_a_foreign_backup_and_the_store_itself_are_refused(tmp_path: Path, key: Key) -> None:
    with Store.create(tmp_path / "s", key) as store, Store.create(tmp_path / "t", key) as other:
        with pytest.raises(InputError, match="another store"):
            sync.restore(store, other)
        with Store.open(tmp_path / "s", key) as same, pytest.raises(InputError, match="same folder"):
            sync.restore(store, same)


def test_bundles_go_on_after_an_erasure(tmp_path: Path, key: Key) -> None:
    with (
        Store.create(tmp_path / "s", key) as phone,
        Store.create(tmp_path / "t", key) as desktop,
        Store.create(tmp_path / "u", key) as late,
    ):
        record(phone, 1, "anna")
        record(phone, 2, "berta")
        sync.bundle(phone, sync.identity(desktop), tmp_path / "1")
        sync.apply(desktop, tmp_path / "1")
        phone.erase(proof=key, subject="anna")
        record(phone, 3, "berta")
        for peer in (desktop, late):
            sync.bundle(phone, sync.identity(peer), tmp_path / "2")
            sync.apply(peer, tmp_path / "2")
            assert peer.verify().ok
        assert desktop.subjects() == ["anna", "berta"]  # what a peer was sent is the peer's
        assert late.subjects() == ["berta"]
        assert beats(late) == beats(phone)
        sync.bundle(late, sync.identity(desktop), tmp_path / "3")
        sync.apply(desktop, tmp_path / "3")
        assert desktop.verify().ok


def test_rows_that_are_left_out_without_an_erasure_are_refused(
    tmp_path: Path, key: Key, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store.create(tmp_path / "s", key) as phone, Store.create(tmp_path / "t", key) as desktop:
        record(phone, 1)
        target = sync.identity(desktop)
        with phone.transaction() as connection:
            connection.execute("UPDATE entry SET row_id = 0 WHERE kind = 'gap'")
        sync.bundle(phone, target, tmp_path / "1")
        with pytest.raises(SyncError, match="never erased"):
            sync.apply(desktop, tmp_path / "1")
        assert desktop.sessions() == []
        with monkeypatch.context() as patch:
            patch.setattr(wire, "encode_erased", lambda kind, h: wire.encode_entry(kind, h))
            sync.bundle(phone, target, tmp_path / "2", since=0)
        with pytest.raises(SyncError):
            sync.apply(desktop, tmp_path / "2")


def test_what_was_sent_is_in_the_audit_chain_without_naming_anybody(tmp_path: Path, key: Key) -> None:
    with Store.create(tmp_path / "s", key) as phone, Store.create(tmp_path / "t", key) as desktop:
        record(phone, 1, "anna")
        target = sync.identity(desktop)
        rows = sync.bundle(phone, target, tmp_path / "1").rows
        (entry,) = phone.audit_log()
        assert (entry.action, entry.detail["rows"]) == ("sent", rows)
        assert target not in str(entry)
        assert "anna" not in str(entry)
