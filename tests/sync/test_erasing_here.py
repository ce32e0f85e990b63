"""A store that erased what it was sent goes on taking what else comes, and tells third parties what it tells itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vitals import sync
from vitals.errors import StoreDamaged
from vitals.store import Key, Store, chain, new_recovery_code, recovery
from vitals.values import Block, DeviceInfo, Event, EventState, Features, Gap, Provenance, Timing, rr_block

pytest.importorskip("pyrage")

MAKER = Provenance("maker", "1")


@pytest.fixture
def key() -> Key:
    return recovery(new_recovery_code())


def send(source: Store, target: Store, path: Path) -> int:
    path.unlink(missing_ok=True)
    sync.bundle(source, sync.identity(target), path)
    return sync.apply(target, path).new


def begin(store: Store, subject: str, seed: int) -> object:
    return store.session(
        device=DeviceInfo(name="strap"), source="live", zero_utc_us=10**15 + seed * 10**9, subject=subject
    )


def fill(session: object, seed: int) -> None:
    rng = np.random.default_rng(seed)
    start = seed * 10**8
    session.append(rr_block(start, rng.integers(700, 1100, 20), 1024))  # type: ignore[attr-defined]
    stamps = np.arange(5, dtype=np.int64) * 10**6
    values = rng.integers(0, 99, (5, 2)).astype(np.uint8)
    session.append(Block("spot", start, Timing.STAMPED, 0.0, values, 1.0, "", stamps))  # type: ignore[attr-defined]
    session.gap(Gap("rr", start, start + 1, "x"))  # type: ignore[attr-defined]
    session.features(Features("rr", start, start + 64, {"a": 1.0}, 1.0, None, MAKER))  # type: ignore[attr-defined]
    event = Event("e", "rr", start + seed, start + seed + 1, 0.5, 0.5, EventState.CLOSED, MAKER)
    session.event(event)  # type: ignore[attr-defined]
    session.flush()  # type: ignore[attr-defined]


def heads(store: Store) -> dict[bytes, tuple[int, bytes]]:
    with store.reading() as connection:
        return {head.origin: (head.seq, head.h) for head in chain.heads(connection).values()}


def test_a_peer_that_erased_a_subject_takes_the_others_and_keeps_that_one_out(tmp_path: Path, key: Key) -> None:
    with (
        Store.create(tmp_path / "p", key) as phone,
        Store.create(tmp_path / "d", key) as desktop,
        Store.create(tmp_path / "t", key) as third,
        begin(phone, "anna", 1) as anna,  # type: ignore[attr-defined]
    ):
        fill(anna, 1)
        assert send(phone, desktop, tmp_path / "1") > 0
        desktop.erase(proof=key, subject="anna")
        assert desktop.subjects() == []
        fill(anna, 2)  # what is sent later refers to rows that are erased there
        with begin(phone, "berta", 3) as berta:  # type: ignore[attr-defined]
            fill(berta, 3)
        assert send(phone, desktop, tmp_path / "2") > 0
        assert desktop.subjects() == ["berta"]
        assert desktop.devices()[0].device.name == "strap"
        assert [info.n for info in desktop.streams("rr")] == [20]
        assert desktop.verify().ok
        assert heads(desktop)[bytes.fromhex(phone.uid)] == heads(phone)[bytes.fromhex(phone.uid)]
        fill(anna, 4)
        send(phone, desktop, tmp_path / "3")
        assert desktop.subjects() == ["berta"]
        send(desktop, third, tmp_path / "4")  # who gets it from there gets no row that was kept out
        assert third.subjects() == ["berta"]
        assert third.verify().ok
        send(phone, third, tmp_path / "5")
        assert third.verify().ok
        assert send(phone, third, tmp_path / "6") == 0


def test_a_backup_with_more_of_a_chain_keeps_out_what_was_erased(tmp_path: Path, key: Key) -> None:
    with Store.create(tmp_path / "p", key) as phone, begin(phone, "anna", 1) as anna:  # type: ignore[attr-defined]
        fill(anna, 1)
        with Store.create(tmp_path / "d", key) as desktop:
            send(phone, desktop, tmp_path / "1")
            desktop.back_up(tmp_path / "b", key)
            desktop.erase(proof=key, subject="anna")
            fill(anna, 2)
            with begin(phone, "berta", 3) as berta:  # type: ignore[attr-defined]
                fill(berta, 3)
            with Store.open(tmp_path / "b", key) as backup:
                send(phone, backup, tmp_path / "2")  # the backup was used as a store
                report = sync.restore(desktop, backup)
            assert report.new > 0
            assert desktop.subjects() == ["berta"]
            assert desktop.verify().ok
            assert heads(desktop)[bytes.fromhex(phone.uid)] == heads(phone)[bytes.fromhex(phone.uid)]
            assert send(phone, desktop, tmp_path / "3") == 0


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE gap SET reason = 'y'",
        "DELETE FROM feature",
        "UPDATE entry SET row_sha256 = zeroblob(32) WHERE place = (SELECT max(place) FROM entry)",
        "UPDATE entry SET kind = 'nothing' WHERE place = (SELECT max(place) FROM entry)",
        "UPDATE entry SET kind = 'event' WHERE kind = 'gap'",
        "DELETE FROM entry WHERE kind = 'gap'",
    ],
)
def test_a_damaged_backup_changes_nothing(tmp_path: Path, key: Key, sql: str) -> None:
    with Store.create(tmp_path / "s", key) as store:
        store.back_up(tmp_path / "old", key)
        with begin(store, "self", 1) as session:  # type: ignore[attr-defined]
            fill(session, 1)
    with Store.open(tmp_path / "s", key) as newer, newer.transaction() as connection:
        connection.execute("PRAGMA defer_foreign_keys=ON")
        connection.execute(sql)
    with Store.open(tmp_path / "old", key) as store, Store.open(tmp_path / "s", key) as backup:
        before = heads(store)
        with pytest.raises(StoreDamaged):
            sync.restore(store, backup)
        assert heads(store) == before
        assert store.sessions() == []
        assert store.verify().ok
