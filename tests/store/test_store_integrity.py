"""`verify`: what was changed, by whom ever and however, is named."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from vitals.errors import StoreDamaged, StoreError
from vitals.store import Key, Store


@pytest.fixture
def closed(tmp_path: Path, key: Key, fill: Callable[..., int]) -> Path:
    """A store with three sessions, closed."""
    with Store.create(tmp_path / "s", key) as store:
        for seed in (1, 2, 3):
            fill(store, seed=seed, seconds=120)
        assert store.verify().ok
    return tmp_path / "s"


def test_a_sound_store(store: Store, fill: Callable[..., int]) -> None:
    n = fill(store)
    report = store.verify()
    assert report.problems == ()
    assert report.samples == n
    assert report.rows["event"] == 1
    assert report.log_entries == sum(report.rows.values())
    assert report.pages > 10


# What a holder of the key could do behind our back, and what verify says. Row 1 of the log is the device, and so on.
CHANGES = {
    "DELETE FROM chunk WHERE id = 7": "chunk 7 was deleted",
    "DELETE FROM event": "event 1 was deleted",
    "UPDATE event SET score = 0.1": "event 1 was altered",
    "UPDATE event SET end_us = end_us + 1": "event 1 was altered",
    "UPDATE chunk SET t0_us = t0_us - 1 WHERE id = 7": "chunk 7: a chunk of samples fails its check value",
    "UPDATE chunk SET payload = (SELECT payload FROM chunk WHERE id = 7) WHERE id = 1": "chunk 1: ",
    "UPDATE chunk SET parts = (SELECT parts FROM chunk WHERE id = 7) WHERE id = 1": "chunk 1: ",
    "UPDATE chunk SET parts = NULL WHERE id = 1": "chunk 1 was altered",
    "UPDATE chunk SET stream_id = 2 WHERE id = 1": "chunk 1 was altered",
    "INSERT INTO chunk SELECT 99, stream_id, t0_us, t1_us, n, codec, crc32, payload, parts FROM chunk "
    "WHERE id = 1": "chunk 99 was added",
    "UPDATE moved SET chunk_id = 7 WHERE id = 4": "chunk 7 was altered",
    "DELETE FROM moved WHERE id = 4": "chunk 4 was deleted",
    "UPDATE moved SET chunk_id = 4 WHERE id = 4": "chunk 4 was deleted",
    "UPDATE pyramid SET n = n - 1 WHERE id = 1": "tile 1 of the pyramid of stream 1",
    "UPDATE pyramid SET t0_us = t0_us + 21600000000 WHERE id = 1": "tile 1 of the pyramid of stream 1",
    "UPDATE feature SET numbers = zeroblob(16)": "feature 1 was altered",
    "UPDATE provenance SET version = '9'": "provenance 1 was altered",
    "UPDATE gap SET stream_id = 2 WHERE id = 1": "gap 1 was altered",
    "UPDATE session SET zero_utc_us = 0": "session 1 was altered",
    "INSERT INTO gap SELECT 99, stream_id, start_us, end_us, 'forged' FROM gap WHERE id = 1": "gap 99 was added",
    "DELETE FROM entry WHERE place & 1099511627775 = 5": "entries 5 to 5 are missing",
    "DELETE FROM entry WHERE place & 1099511627775 > 20": "it ends at entry 20",
    "UPDATE entry SET row_sha256 = zeroblob(32) WHERE place & 1099511627775 = 7": "entry 7 does not follow",
    "UPDATE entry SET h = zeroblob(32) WHERE place & 1099511627775 = 7": "entry 7 does not follow",
    "UPDATE entry SET kind = 'gap' WHERE place & 1099511627775 = 7": "entry 7 does not follow",
    "UPDATE entry SET row_id = row_id + 1 WHERE kind = 'samples' AND row_id = 6": "chunk 7 was altered",
    "DELETE FROM entry WHERE kind = 'samples' AND place & 1099511627775 > 19; UPDATE origin SET seq = 19, "
    "h = (SELECT h FROM log WHERE seq = 19)": "chunk 7 was added",
    "UPDATE entry SET place = -place WHERE place & 1099511627775 IN (7, 8); UPDATE entry SET place = 15 + place + "
    "2199023255552 WHERE place < 0": "does not follow",
    "UPDATE origin SET seq = seq - 1": "its head says",
}


@pytest.mark.parametrize("sql", CHANGES)
def test_rows_that_were_changed_with_the_key_are_named(store: Store, fill: Callable[..., int], sql: str) -> None:
    for seed in (1, 2):
        fill(store, seed=seed)
    connection = store.fresh()
    connection.execute("PRAGMA foreign_keys=OFF")
    for statement in sql.split(";"):
        connection.execute(statement)
    connection.close()
    report = store.verify()
    assert not report.ok
    assert any(CHANGES[sql] in problem for problem in report.problems), report.problems


def test_problems_name_rows_and_no_values(store: Store, fill: Callable[..., int]) -> None:
    fill(store)
    store.db.execute("UPDATE event SET score = 0.123456")
    store.db.execute("UPDATE chunk SET n = n + 1")
    store.db.conn.commit()
    problems = "\n".join(store.verify().problems)
    assert "was altered" in problems
    assert "0.123456" not in problems
    assert "irregular_rhythm" not in problems


def test_flipped_bits_on_every_page_are_found(closed: Path, key: Key) -> None:
    path = closed / "vitals.db"
    good = path.read_bytes()
    rng = random.Random(5)
    for page in range(len(good) // 4096):
        flipped = bytearray(good)
        flipped[page * 4096 + rng.randrange(4096)] ^= 1 << rng.randrange(8)
        path.write_bytes(flipped)
        try:
            with Store.open(closed, key) as store:
                assert not store.verify().ok, page
        except StoreDamaged:
            continue
    path.write_bytes(good)
    with Store.open(closed, key) as store:
        assert store.verify().ok


def test_reading_from_a_damaged_page_raises_and_gives_no_wrong_value(closed: Path, key: Key) -> None:
    path = closed / "vitals.db"
    good = path.read_bytes()
    with Store.open(closed, key) as store:
        want = store.read("rr")
    raised = 0
    for page in range(0, len(good) // 4096):
        path.write_bytes(good[: page * 4096 + 100] + bytes([good[page * 4096 + 100] ^ 1]) + good[page * 4096 + 101 :])
        try:
            with Store.open(closed, key) as store:
                assert store.read("rr").equals(want)  # where the page was not needed
        except StoreError:
            raised += 1
    assert raised >= 5


@pytest.mark.parametrize("how", ["cut", "swap", "zero"])
def test_cut_swapped_and_zeroed_pages_are_found(closed: Path, key: Key, how: str) -> None:
    path = closed / "vitals.db"
    good = path.read_bytes()
    pages = [good[at : at + 4096] for at in range(0, len(good), 4096)]
    for at in range(1, len(pages) - 1, 3):
        changed = {
            "cut": pages[:at],
            "swap": [*pages[:at], pages[at + 1], pages[at], *pages[at + 2 :]],
            "zero": [*pages[:at], bytes(4096), *pages[at + 1 :]],
        }[how]
        path.write_bytes(b"".join(changed))
        try:
            with Store.open(closed, key) as store:
                assert not store.verify().ok, at
        except StoreDamaged:
            continue


def test_a_page_put_back_to_an_older_state_is_found(tmp_path: Path, key: Key, fill: Callable[..., int]) -> None:
    # The page's own HMAC is right; of the engine's checks alone a quarter of these go unnoticed.
    path = tmp_path / "s" / "vitals.db"
    with Store.create(tmp_path / "s", key) as store:
        fill(store, seed=1, seconds=300)
    old = path.read_bytes()
    with Store.open(tmp_path / "s", key) as store:
        fill(store, seed=2, seconds=300)
        want = store.read("rr")
        connection = store.fresh()
        free = int(connection.execute("PRAGMA freelist_count").fetchone()[0])
        connection.close()
    new = path.read_bytes()
    changed = [at for at in range(0, len(old), 4096) if old[at : at + 4096] != new[at : at + 4096]]
    assert len(changed) > 5
    unnoticed = 0
    for at in changed:
        path.write_bytes(new[:at] + old[at : at + 4096] + new[at + 4096 :])
        try:
            with Store.open(tmp_path / "s", key) as store:
                if store.verify().ok:
                    unnoticed += 1
                    assert store.read("rr").equals(want)
        except StoreDamaged:
            continue
    # A free page holds nothing, nor does the first page of `fresh`, before as after.
    assert unnoticed <= free + 1 < len(changed) - 5
