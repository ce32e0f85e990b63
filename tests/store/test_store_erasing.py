"""What is erased is gone from every page and every reading, and the log still tells an erasure from a theft."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vitals.errors import InputError, StoreExists, WrongKey
from vitals.store import Key, Receipt, Store, new_recovery_code, places, recovery
from vitals.values import Block, DeviceInfo, Event, EventState, Features, Gap, Provenance, Timing

Fill = Callable[..., int]
ZERO = 1_700_000_000_000_000
HZ, N = 100.0, 60_000  # ten minutes
MAKER = Provenance("maker", "1")


def values(seed: int) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    return np.random.default_rng(seed).integers(-900, 900, N).astype(np.int16)


def write(store: Store, subject: str, seed: int, kinds: tuple[str, ...] = ("ecg", "acc")) -> None:
    """Ten minutes of some kinds, flushed every ten seconds, with notes and something computed from the first."""
    with store.session(
        device=DeviceInfo(name=f"strap of {subject}"), source="virtual", zero_utc_us=ZERO, subject=subject
    ) as session:
        for at in range(0, N, 1000):
            for number, kind in enumerate(kinds):
                piece = values(seed + number)[at : at + 1000]
                session.append(Block(kind, 0, Timing.REGULAR, HZ, piece, 1.0, "uV", first=at))
            piece = values(seed + 7)[at : at + 1000]
            session.append(Block("rr", 0, Timing.REGULAR, HZ, piece, 1.0, "uV", first=at), made_by=MAKER)
            session.gap(Gap(kinds[0], at * 10_000, at * 10_000 + 1, "x"))
            start = at * 10_000
            session.features(Features(kinds[0], start, start + 10**7, {"a": float(at)}, 1.0, None, MAKER))
            session.event(Event("e", kinds[0], start, start + 10**6, 0.5, 0.5, EventState.CLOSED, MAKER))
            session.flush()


def samples(store: Store, kind: str, subject: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.concatenate([a.values for a in store.arrays(kind, subject=subject)])


def test_a_subject_goes_and_another_stays(tmp_path: Path, key: Key) -> None:
    path = tmp_path / "s"
    with Store.create(path, key) as store:
        write(store, "anna", 1)
        write(store, "berta", 2)
        receipt = store.erase(proof=key, subject="anna")
        assert store.subjects() == ["berta"]
        assert [one.device.name for one in store.devices()] == ["strap of berta"]
        assert np.array_equal(samples(store, "ecg", "berta"), values(2))
        assert store.verify().ok
        assert store.check(receipt) == []
        assert receipt.rows["samples"] > 0
        assert len(store.event_rows()) == N // 1000
        write(store, "anna", 3)  # row ids that are free again take no old entry for theirs
        assert store.verify().ok
    with Store.open(path, key) as store:
        assert store.check(Receipt.from_json(receipt.to_json())) == []
        assert np.array_equal(samples(store, "ecg", "anna"), values(3))


@pytest.mark.parametrize(("low_s", "high_s"), [(100.0, 200.0), (0.0, 33.33), (595.0, 700.0), (123.456, 123.457)])
def test_a_span_goes_to_the_sample(tmp_path: Path, key: Key, low_s: float, high_s: float) -> None:
    start, end = ZERO + round(low_s * 1e6), ZERO + round(high_s * 1e6)
    with Store.create(tmp_path / "s", key) as store:
        write(store, "self", 1)
        store.compact()
        times = ZERO + np.arange(N) * 10_000
        kept = (times < start) | (times >= end)
        store.erase(proof=key, kinds=["ecg"], start=start, end=end)
        assert np.array_equal(samples(store, "ecg", "self"), values(1)[kept])
        assert np.array_equal(samples(store, "acc", "self"), values(2))
        assert np.array_equal(samples(store, "rr", "self"), values(8)[kept])  # computed in the same session
        assert store.verify().ok
        if not kept.all():
            assert any(gap.reason == "erased" for gap in store.gap_list("ecg"))
        for row in store.event_rows():
            assert row.event.end_us < start or row.event.start_us >= end
        store.compact()
        assert store.verify().ok
        assert np.array_equal(samples(store, "ecg", "self"), values(1)[kept])


def test_no_page_and_no_free_page_keeps_what_was_erased(tmp_path: Path, key: Key) -> None:
    marker = b"MARKED-BY-ANNA"
    with Store.create(tmp_path / "s", key) as store:
        write(store, "berta", 2)
        with store.session(
            device=DeviceInfo(name="w", serial=marker.decode()), source="virtual", zero_utc_us=ZERO, subject="anna"
        ) as session:
            session.gap(Gap("rr", 0, 1, marker.decode()))
        old = (tmp_path / "s" / "vitals.key").read_bytes()
        assert any(marker.decode() in line for line in store.db.conn.iterdump())
        store.erase(proof=key, subject="anna")
        assert (tmp_path / "s" / "vitals.key").read_bytes() != old
        connection = store.fresh()
        try:
            assert connection.execute("PRAGMA freelist_count").fetchone()[0] == 0
            raw = sqlite3.connect(":memory:")
            raw.executescript("\n".join(connection.iterdump()))
            assert marker not in raw.serialize()
            raw.close()
        finally:
            connection.close()


def test_what_takes_rows_out_without_an_erasure_is_still_named(tmp_path: Path, key: Key) -> None:
    with Store.create(tmp_path / "s", key) as store:
        write(store, "self", 1)
        store.erase(proof=key, start=ZERO, end=ZERO + 10**8)
        with store.transaction() as connection:
            connection.execute("DELETE FROM gap WHERE id = (SELECT max(id) FROM gap)")
        assert any("was deleted" in problem for problem in store.verify().problems)
        with store.transaction() as connection:
            connection.execute("UPDATE entry SET row_id = 0 WHERE place = (SELECT max(place) FROM entry)")
        assert any("was deleted" in problem for problem in store.verify().problems)


def test_the_audit_chain_names_what_was_changed_in_it(tmp_path: Path, key: Key) -> None:
    with Store.create(tmp_path / "s", key) as store:
        write(store, "self", 1)
        receipt = store.erase(proof=key, kinds=["acc"])
        store.note("shown", to="a clinic")
        assert [entry.action for entry in store.audit_log()] == ["erased", "shown"]
        with store.transaction() as connection:
            connection.execute("UPDATE audit SET action = 'nothing' WHERE seq = 1")
        assert any(problem.startswith("audit: entry 1") for problem in store.verify().problems)
        assert store.check(receipt)
        with store.transaction() as connection:
            connection.execute("DELETE FROM audit WHERE seq = 1")
        assert any("entries 1 to 1 are missing" in problem for problem in store.verify().problems)


def test_a_receipt_of_another_store_or_of_an_older_copy_is_told(tmp_path: Path, key: Key) -> None:
    with Store.create(tmp_path / "s", key) as store:
        write(store, "self", 1)
        store.back_up(tmp_path / "b", key)
        receipt = store.erase(proof=key, kinds=["acc"])
    with Store.open(tmp_path / "b", key) as old:
        assert any("older copy" in problem for problem in old.check(receipt))
    with Store.create(tmp_path / "t", key) as other:
        assert other.check(receipt) == ["the receipt is of another store"]
    with pytest.raises(InputError, match="no receipt"):
        Receipt.from_json("{}")


def test_nothing_to_erase_and_a_wrong_key_change_nothing(tmp_path: Path, key: Key) -> None:
    with Store.create(tmp_path / "s", key) as store:
        write(store, "self", 1)
        before = store.keys.opens(key)
        for bad in ({"subject": "nobody"}, {"kinds": ["ppg"]}, {"start": ZERO + 10**12}):
            with pytest.raises(InputError, match="nothing was erased"):
                store.erase(proof=key, **bad)
        with pytest.raises(WrongKey):
            store.erase(proof=recovery(new_recovery_code()))
        assert store.keys.opens(key) == before
        assert np.array_equal(samples(store, "ecg", "self"), values(1))
        assert store.verify().ok


def test_an_interrupted_erasure_says_so_and_is_finished(
    tmp_path: Path, key: Key, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store.create(tmp_path / "s", key) as store:
        write(store, "self", 1)
        with monkeypatch.context() as patch:
            patch.setattr(Store, "scrub", lambda *_, **__: 0)
            store.erase(proof=key, kinds=["acc"])
        assert any("interrupted" in problem for problem in store.verify().problems)
        store.scrub(proof=key)
        assert store.verify().ok


def test_everything_goes_and_the_store_can_be_used_again(tmp_path: Path, key: Key) -> None:
    with Store.create(tmp_path / "s", key) as store:
        write(store, "self", 1)
        store.erase(proof=key)
        assert (store.streams(), store.sessions(), store.subjects(), store.event_rows()) == ([], [], [], [])
        assert store.verify().ok
        write(store, "self", 1)
        assert store.verify().ok


def test_a_destroyed_store_is_no_store(tmp_path: Path, key: Key) -> None:
    Store.create(tmp_path / "s", key).close()
    with pytest.raises(WrongKey):
        Store.destroy(tmp_path / "s", recovery(new_recovery_code()))
    Store.destroy(tmp_path / "s", key)
    assert not (tmp_path / "s").exists()


def test_samples_expire_and_what_was_computed_stays(tmp_path: Path, key: Key) -> None:
    day = 86_400_000_000
    with Store.create(tmp_path / "s", key) as store:
        write(store, "self", 1)
        store.compact()
        store.keep("acc", 30)
        store.keep("ecg", 90)
        assert store.kept_days() == {"acc": 30.0, "ecg": 90.0}
        assert store.expire(ZERO + 10 * day) == {}
        features = len(store.feature_rows())
        assert store.expire(ZERO + 40 * day)["samples"] > 0
        assert sum(len(a.values) for a in store.arrays("acc")) == 0
        assert np.array_equal(samples(store, "ecg", "self"), values(1))
        assert len(store.feature_rows()) == features
        assert [gap.reason for gap in store.gap_list("acc")] == ["expired"]
        assert store.verify().ok
        store.keep("ecg", None)
        assert store.expire(ZERO + 400 * day) == {}
        with pytest.raises(InputError, match="days is 0"):
            store.keep("ecg", 0)


def test_a_backup_is_whole_and_has_keys_of_its_own(tmp_path: Path, key: Key) -> None:
    other = recovery(new_recovery_code())
    with Store.create(tmp_path / "s", key) as store:
        write(store, "self", 1)
        report = store.back_up(tmp_path / "b", other)
        assert report.ok
        with pytest.raises(StoreExists):
            store.back_up(tmp_path / "b", other)
        uid = store.uid
    with pytest.raises(WrongKey):
        Store.open(tmp_path / "b", key)
    with Store.open(tmp_path / "b", other) as backup:
        assert backup.uid == uid
        assert np.array_equal(samples(backup, "ecg", "self"), values(1))
    first = (tmp_path / "s" / "vitals.db").read_bytes()[:4096]
    assert first != (tmp_path / "b" / "vitals.db").read_bytes()[:4096]


@given(st.sets(st.integers(1, 5000)))
def test_places_pack_and_unpack(seqs: set[int]) -> None:
    rows = list(places.pack(sorted(seqs)))
    runs = [run for row in rows for run in places.unpack(row)]
    assert {seq for first, last in runs for seq in range(first, last + 1)} == seqs


@given(st.binary(max_size=30))
def test_any_bytes_are_places_or_refused(data: bytes) -> None:
    try:
        runs = places.unpack(data)
    except ValueError:
        return
    assert all(first <= last for first, last in runs)
