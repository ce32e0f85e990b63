"""Merging: the same samples, the same log, fewer chunks; whoever reads or syncs meanwhile notices nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vitals import sync
from vitals.errors import StoreDamaged
from vitals.store import Key, Store, chain, chunks, merge, new_recovery_code, recovery
from vitals.store.samples import Shelf, row_hash
from vitals.values import Block, DeviceInfo, Gap, Timing, rr_block

ZERO = 1_700_000_000_000_000
Live = Callable[..., Any]


@pytest.fixture
def live(monkeypatch: pytest.MonkeyPatch) -> Live:
    """Opens a session that never merges by itself."""

    def session(store: Store) -> Any:
        monkeypatch.setattr("vitals.store.session.settle", lambda *_, **__: (0, 0))
        return store.session(device=DeviceInfo(name="watch"), source="virtual", zero_utc_us=ZERO)

    return session


def acc(second: int, seconds: int = 10, dtype: str = "int16") -> Block:
    """Acceleration of 25 Hz."""
    rng = np.random.default_rng(second)
    values = rng.integers(-300, 300, (25 * seconds, 3)).astype(dtype)
    return Block("acc", 0, Timing.REGULAR, 25.0, values, 1 / 4096, "g", first=25 * second)


def heart(second: int) -> Block:
    return Block("hr", second * 10**6, Timing.STAMPED, 0.0, np.array([60 + second % 9]), 1.0, "bpm", np.array([0]))


def log(store: Store) -> list[Any]:
    """Heads, entries, and what the entries of samples name."""
    connection = store.fresh()
    heads = list(chain.heads(connection).values())
    entries = connection.execute("SELECT * FROM log ORDER BY origin_id, seq").fetchall()
    connection.close()
    return [heads, entries]


def series(store: Store, kind: str) -> list[tuple[int, Any]]:
    (info,) = store.streams(kind)
    return [(int(t), v) for b in store.blocks(info) for t, v in zip(b.times_us(), b.values.tolist(), strict=True)]


def count(store: Store) -> int:
    connection = store.fresh()
    found = int(connection.execute("SELECT count(*) FROM any_chunk").fetchone()[0])
    connection.close()
    return found


def filled(store: Store, live: Live, seconds: int = 700) -> None:
    with live(store) as session:
        for second in range(0, seconds, 10):
            session.append(acc(second))
            for k in range(10):
                session.append(heart(second + k))
            session.append(rr_block(0, np.full(10, 1024), 1024, second * 1024))
            session.flush()


def test_a_merge_changes_neither_samples_nor_the_log(store: Store, live: Live) -> None:
    filled(store, live)
    before = {kind: series(store, kind) for kind in ("acc", "hr", "rr")}
    known, small = log(store), count(store)
    done = store.compact()
    assert small > 200
    assert count(store) == small - done.merged
    assert count(store) == 6  # three times 190 s of acceleration, and the rest; an hour of what is slow
    assert {kind: series(store, kind) for kind in before} == before
    assert log(store) == known
    assert store.verify().ok
    assert sum(1 for _ in store.blocks(store.streams("acc")[0])) == 4
    assert store.compact().merged == 0
    assert store.compact().tiles == 0


def test_a_live_session_merges_as_it_goes_and_at_its_end(store: Store) -> None:
    with store.session(device=DeviceInfo(name="w"), source="virtual", zero_utc_us=ZERO) as session:
        for second in range(0, 400, 10):
            session.append(acc(second))
        assert count(store) < 25
    assert count(store) == 3
    assert [len(b) for b in store.blocks(store.streams()[0])] == [25 * 190, 25 * 190, 25 * 20]


def test_later_merges_of_merged_chunks_are_still_found(store: Store, live: Live) -> None:
    with live(store) as session:
        for second in range(0, 150, 10):
            session.append(acc(second))
            session.flush()
            if second in (20, 50):
                store.compact()
    store.compact()
    assert count(store) == 1
    assert store.verify().ok
    assert series(store, "acc") == [
        (ZERO + 40_000 * k, v) for k, v in enumerate(v for s in range(0, 150, 10) for v in acc(s).values.tolist())
    ]


def test_a_reading_that_began_before_a_merge_ends_as_if_there_was_none(store: Store, live: Live) -> None:
    filled(store, live)
    (info,) = store.streams("acc")
    want = series(store, "acc")
    for stop in (1, 15, 16, 17, 40):
        with Store.create(store.path.with_name(f"copy{stop}"), recovery(new_recovery_code())) as other:
            filled(other, live)
            reading = other.blocks(other.streams("acc")[0])
            first = [next(reading) for _ in range(stop)]
            other.compact()
            got = [*first, *reading]
            assert [(int(t), v) for b in got for t, v in zip(b.times_us(), b.values.tolist(), strict=True)] == want
    assert info.n == 700 * 25


def test_gaps_keep_merged_blocks_apart(store: Store, live: Live) -> None:
    with live(store) as session:
        for second in (0, 10, 20):
            session.append(acc(second))
            for k in range(10):
                session.append(heart(second + k))
            session.flush()
        session.gap(Gap("acc", 9_990_000, 10_000_000, "x"))
        session.gap(Gap("hr", 19_500_000, 19_600_000, "y"))
    store.compact()
    assert [len(b) for b in store.blocks(store.streams("acc")[0])] == [250, 500]
    assert [len(b) for b in store.blocks(store.streams("hr")[0])] == [20, 10]
    assert store.verify().ok


def test_what_is_of_another_width_or_out_of_order_is_left_apart(store: Store, live: Live) -> None:
    with live(store) as session:
        for block in (acc(0), acc(10), acc(20, dtype="int32"), acc(30, dtype="int32"), acc(5, 1), acc(40)):
            session.append(block)
            session.flush()
    before = series(store, "acc")
    store.compact()
    assert series(store, "acc") == before
    assert store.verify().ok


def test_samples_are_never_added_twice_however_packed(store: Store, live: Live) -> None:
    filled(store, live, 100)
    store.compact()
    (info,) = store.streams("acc")
    entries = store.verify().log_entries
    with store.transaction() as connection:
        ledger = chain.Ledger(connection)
        for second in range(0, 100, 10):
            again = acc(second)
            moved = Block(again.kind, ZERO, again.timing, 25.0, again.values, again.scale, "g", first=again.first)
            Shelf(connection).add(ledger, info.id, [moved])
        ledger.close()
    assert store.verify().log_entries == entries
    assert len(series(store, "acc")) == 2500


def test_a_merge_is_no_news_to_peers(store: Store, live: Live, tmp_path: Path) -> None:
    pytest.importorskip("pyrage")
    with (
        Store.create(tmp_path / "desktop", recovery(new_recovery_code())) as desktop,
        Store.create(tmp_path / "clinic", recovery(new_recovery_code())) as clinic,
    ):

        def send(source: Store, target: Store) -> int:
            sync.bundle(source, sync.identity(target), tmp_path / "b")
            return sync.apply(target, tmp_path / "b").new

        filled(store, live, 100)
        assert send(store, desktop) > 30
        store.compact()
        sync.bundle(store, sync.identity(desktop), tmp_path / "none")
        assert sync.apply(desktop, tmp_path / "none").rows == 0
        assert send(desktop, clinic) > 30  # the small ones, through a third
        desktop.compact()
        with live(store) as session:
            session.append(acc(1000))
        assert send(store, desktop) == 4  # session, stream, samples, end
        assert send(store, clinic) == 4
        for other in (desktop, clinic):
            assert other.verify().ok, other.verify().problems
            assert log(other)[1] is not None
            for kind in ("hr", "rr"):
                assert series(other, kind) == series(store, kind)
        connection, theirs = store.fresh(), clinic.fresh()
        ours = [bytes(row[0]) for row in connection.execute("SELECT h FROM log WHERE origin_id = 1 ORDER BY seq")]
        sql = "SELECT l.h FROM log l JOIN origin o ON o.id = l.origin_id WHERE o.uid = ? ORDER BY l.seq"
        held = theirs.execute(sql, (bytes.fromhex(store.uid),)).fetchall()
        assert [bytes(row[0]) for row in held] == ours
        connection.close()
        theirs.close()


def test_nothing_is_dropped_where_the_merged_chunk_does_not_come_back(
    store: Store, live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(store, live, 100)
    before = count(store)
    real = chunks.encode

    def wrong(run: list[Block], **options: Any) -> chunks.Chunk:
        return real([Block(**{**{k: getattr(b, k) for k in Block.__slots__}, "values": b.values ^ 1}) for b in run])

    monkeypatch.setattr(chunks, "encode", wrong)
    with pytest.raises(StoreDamaged, match="do not come back"):
        store.compact()
    assert count(store) == before
    assert store.verify().ok


def test_an_altered_chunk_is_not_laundered_by_a_merge(store: Store, live: Live) -> None:
    filled(store, live, 100)
    (info,) = store.streams("acc")
    block = next(iter(store.blocks(info)))
    values = block.values.copy()
    values[3, 1] += 1
    forged = chunks.encode([Block("acc", block.t0_us, block.timing, 25.0, values, block.scale, "g", first=block.first)])
    with store.transaction() as connection:
        connection.execute("UPDATE fresh SET codec = ?, crc32 = ?, payload = ? WHERE stream_id = ? AND t0_us = ?",
                           (forged.codec, forged.crc32, forged.payload, info.id, forged.t0_us))  # fmt: skip
    assert any("was altered" in problem for problem in store.verify().problems)
    store.compact()
    assert any("was altered" in problem for problem in store.verify().problems)


CUTS = st.lists(st.integers(1, 40), min_size=2, max_size=12)


@settings(max_examples=40, deadline=None)
@given(CUTS, st.lists(st.sampled_from(["on", "anchor", "pause"]), min_size=12, max_size=12), st.data())
def test_any_runs_joined_and_split_again_have_their_row_hashes(
    sizes: list[int], how: list[str], data: st.DataObject
) -> None:
    timing = data.draw(st.sampled_from(list(Timing)))
    blocks, anchor, step = [], 0, 0
    for size, change in zip(sizes, how, strict=False):
        values = np.arange(size, dtype=np.int32) % 7 + 500
        if change == "anchor":
            anchor, step = anchor + 10**9, 0  # beyond what came before: a stream never goes back
        elif change == "pause":
            step += 100
        if timing is Timing.STAMPED:
            offsets = np.arange(size, dtype=np.int64) * 1000
            blocks.append(Block("x", anchor + step * 1000, timing, 0.0, values, 1.0, "u", offsets))
            step += size
        else:
            blocks.append(Block("x", anchor, timing, 1000.0, values, 1.0, "u", first=step))
            step += int(values.sum()) if timing is Timing.INTERVAL else size
    before = [row_hash(b"s" * 16, [block]) for block in blocks]
    merged = chunks.encode(list(chunks.join(blocks)))
    back = chunks.unpack(merged, chunks.Shape.of(blocks[0]))
    assert [row_hash(b"s" * 16, run) for run in chunks.split(back, [len(b) for b in blocks])] == before


def test_a_kill_between_two_merges_leaves_a_sound_store(tmp_path: Path, key: Key, live: Live) -> None:
    with Store.create(tmp_path / "s", key) as store:
        filled(store, live, 1000)
        want = series(store, "acc")
        real = merge._move
        seen: list[int] = []

        def fail(*args: Any) -> int:
            seen.append(1)
            if len(seen) == 3:
                raise KeyboardInterrupt
            return real(*args)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(merge, "_move", fail)
            with pytest.raises(KeyboardInterrupt):
                store.compact()
        assert store.verify().ok
        assert series(store, "acc") == want
        store.compact()
        assert series(store, "acc") == want
