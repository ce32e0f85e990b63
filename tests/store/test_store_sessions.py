"""Writing and reading through the door."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from vitals.errors import InputError
from vitals.store import Key, Store
from vitals.values import (
    Block,
    DeviceInfo,
    Event,
    EventState,
    Features,
    Gap,
    Provenance,
    Score,
    Timing,
    rr_block,
)

ZERO = 1_700_000_000_000_000
STRAP = DeviceInfo(name="strap", manufacturer="Acme", serial="7", firmware="1.2")
MAKER = Provenance("irregular-rhythm", "1", {"beats": np.int64(64), "q": (0.5, None)}, "ab" * 32)


def rr(t0_us: int, *ticks: int) -> Block:
    """RR intervals of 1/1024 s."""
    return rr_block(t0_us, np.array(ticks, np.int32), 1024)


def event(start: int, end: int, state: EventState, maker: Provenance = MAKER, score: float = 0.9) -> Event:
    """An irregular rhythm."""
    return Event("irregular_rhythm", "rr", start, end, score, 1.0, state, maker)


def test_everything_comes_back_in_utc(store: Store) -> None:
    acc = Block("acc", 500_000, Timing.REGULAR, 50.0, np.arange(300, dtype=np.int16).reshape(100, 3), 1 / 4096, "g")
    hr = Block("hr", 0, Timing.STAMPED, 0.0, np.array([60, 61], np.uint8), 1.0, "bpm", np.array([0, 1_100_000]))
    with store.session(device=STRAP, source="live", zero_utc_us=ZERO, subject="Ada") as session:
        session.append(rr(1_000, 1024, 2048))
        session.append(acc)
        session.append(hr)
        session.gap(Gap("rr", 3_001_000, 4_000_000, "link lost"))
        session.features(Features("rr", 0, 3_000_000, {"MeanNN": 1500.0, "SDNN": float("nan")}, 0.5, "few", MAKER))
        session.score(Score(0, 3_000_000, float("nan"), "few beats", MAKER), source="rr")
        session.event(event(1_000, 2_000_000, EventState.CUT))
    info, *rest = store.streams("rr")
    assert not rest
    assert (info.timing, info.rate_hz, info.unit, info.n, info.start_us, info.end_us) == (
        Timing.INTERVAL, 1024.0, "ms", 2, ZERO + 1_000, ZERO + 3_001_000,
    )  # fmt: skip
    assert (info.session.device, info.session.subject, info.session.source, info.session.state) == (
        STRAP, "Ada", "live", "complete",
    )  # fmt: skip
    frame = store.read("rr")
    assert frame["rr_ms"].tolist() == [1000.0, 2000.0]
    assert frame.index.name == "time"
    assert str(frame.index.tz) == "UTC"  # type: ignore[attr-defined]
    assert [int(t.timestamp() * 1e6) for t in frame.index] == [ZERO + 1_001_000, ZERO + 3_001_000]
    got = store.read("acc")
    assert list(got.columns) == ["acc_g_x", "acc_g_y", "acc_g_z", "stream"]
    np.testing.assert_array_equal(got[["acc_g_x", "acc_g_y", "acc_g_z"]].to_numpy(), acc.physical())
    assert store.read("hr")["hr_bpm"].tolist() == [60.0, 61.0]
    (block,) = store.blocks(store.streams("acc")[0])
    assert (block.t0_us, str(block.values.dtype), block.scale) == (ZERO + 500_000, "int16", 1 / 4096)
    assert store.gap_list("rr") == [Gap("rr", ZERO + 3_001_000, ZERO + 4_000_000, "link lost")]
    assert store.gap_list(info) == store.gap_list("rr")
    assert store.gap_list(info, ZERO + 5_000_000) == store.gap_list(store.streams("acc")[0]) == []
    assert store.gaps("rr")["reason"].tolist() == ["link lost"]
    window, score = store.feature_rows()
    assert window.features.values["MeanNN"] == 1500.0
    assert np.isnan(window.features.values["SDNN"])
    assert (window.features.coverage, window.features.reason, window.features.start_us) == (0.5, "few", ZERO)
    assert window.features.made_by == Provenance("irregular-rhythm", "1", {"beats": 64, "q": [0.5, None]}, "ab" * 32)
    assert np.isnan(score.features.values["probability"])
    assert (score.features.coverage, score.features.reason) == (0.0, "few beats")
    (found,) = store.event_rows()
    assert (found.event.start_us, found.event.state, found.event.kind) == (
        ZERO + 1_000,
        EventState.CUT,
        "irregular_rhythm",
    )
    table = store.events()
    assert table["score"].tolist() == [0.9]
    assert table["state"].tolist() == ["cut"]
    assert store.features()["MeanNN"].tolist()[0] == 1500.0


def test_spans(store: Store) -> None:
    with store.session(device=STRAP, source="live", zero_utc_us=ZERO) as session:
        for k in range(100):
            session.append(rr(k * 1_000_000, 1024))
    (info,) = store.streams()
    start, end = ZERO + 10_000_000, ZERO + 20_000_000
    blocks = list(store.blocks(info, start, end))
    times = np.concatenate([block.times_us() for block in blocks])
    np.testing.assert_array_equal(times, ZERO + np.arange(10, 20) * 1_000_000)
    assert blocks[0].start_us == ZERO + 9_000_000  # the beat that opens the first interval
    when = dt.datetime.fromtimestamp(start / 1e6, dt.UTC)
    for first, last in ((when, when + dt.timedelta(seconds=10)), (when.isoformat(), "2023-11-14T23:13:40+01:00")):
        assert len(store.read("rr", first, last)) == 10
    assert len(store.read("rr", end=ZERO)) == 0
    for naive in ("2023-11-14T22:13:30", dt.datetime(2023, 11, 14)):
        with pytest.raises(InputError, match="time zone"):
            store.read("rr", naive)
    with pytest.raises(InputError, match="ISO 8601"):
        store.read("rr", "yesterday")
    with pytest.raises(InputError, match="before its start"):
        store.read("rr", end, start)
    with pytest.raises(InputError, match="it has: rr"):
        store.read("ecg")
    with pytest.raises(InputError, match="no stream 99"):
        list(store.blocks(99))


def test_a_session_flushes_by_itself_before_ten_seconds_of_stream_wait(store: Store, tmp_path: Path, key: Key) -> None:
    with (
        store.session(device=STRAP, source="virtual", zero_utc_us=ZERO) as session,
        Store.open(store.path, key) as other,
    ):
        for k in range(35):
            session.append(rr(k * 1_000_000, 1024))
            held = other.streams()
            assert (k + 1) - (held[0].n if held else 0) <= 10
        assert other.streams()[0].n == 30
        session.flush()
        assert other.streams()[0].n == 35
        (row,) = store.db.query("select count(*) as chunks, max(n) as n from any_chunk")
        assert row == {"chunks": 4, "n": 10}
    (row,) = store.db.query("select count(*) as chunks, max(n) as n from any_chunk")
    assert row == {"chunks": 1, "n": 35}


def test_a_session_flushes_by_the_wall_clock(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("vitals.store.session.time.monotonic", lambda: now[0])
    session = store.session(device=STRAP, source="live", zero_utc_us=ZERO)
    session.append(rr(0, 1024))
    now[0] = 8.9
    session.append(rr(1_000_000, 1024))
    assert store.streams() == []
    now[0] = 9.0
    session.append(rr(2_000_000, 1024))
    assert store.streams()[0].n == 3


def test_an_import_is_all_or_nothing_and_never_twice(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vitals.store.session._IMPORT_SAMPLES", 10)  # so that much is written before the end
    sha = "cd" * 32

    def importing() -> None:
        with store.session(device=STRAP, source="import", zero_utc_us=ZERO, source_sha256=sha) as session:
            for k in range(25):
                session.append(rr(k * 1_000_000, 1024))
                assert store.streams() == []
            if store.find_import("00" * 32) is None and not armed:
                raise KeyError
        assert session.uid

    armed: list[int] = []
    with pytest.raises(KeyError):
        importing()
    assert (store.find_import(sha), store.streams(), store.sessions(), store.event_rows()) == (None, [], [], [])
    armed.append(1)
    importing()
    found = store.find_import(sha)
    assert found is not None
    assert found.source == "import"
    assert [info.n for info in store.streams()] == [25]
    assert len(store.read("rr")) == 25
    assert store.verify().ok


def test_a_live_session_keeps_what_it_has_when_it_fails(store: Store) -> None:
    session = store.session(device=STRAP, source="live", zero_utc_us=ZERO)

    def fail() -> None:
        with session:
            session.append(rr(0, 1024))
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    (info,) = store.streams()
    assert (info.n, info.session.state) == (1, "cut")
    with pytest.raises(InputError, match="closed"):
        session.append(rr(0, 1024))


def test_events_have_one_row_per_state_and_show_the_last(store: Store) -> None:
    with store.session(device=STRAP, source="live", zero_utc_us=ZERO) as session:
        session.append(rr(0, 1024))
        for end, state in ((5, EventState.OPEN), (7, EventState.OPEN), (9, EventState.CLOSED)):
            session.event(event(1, end * 1_000_000, state))
            session.flush()
        session.event(event(1, 9_000_000, EventState.CLOSED))
        session.event(event(20_000_000, 21_000_000, EventState.OPEN))
        session.event(event(20_000_000, 22_000_000, EventState.CLOSED))
    first, second = store.event_rows()
    assert (first.event.end_us, first.event.state) == (ZERO + 9_000_000, EventState.CLOSED)
    assert (second.event.end_us, second.event.state) == (ZERO + 22_000_000, EventState.CLOSED)
    assert store.db.table("event").count == 4  # of the second only its last state, for both came between two flushes
    assert len(store.event_rows(ZERO + 10_000_000)) == 1
    assert len(store.event_rows(None, ZERO + 10_000_000)) == 1


def test_notes_wait_for_their_stream_and_gaps_need_none(store: Store) -> None:
    with store.session(device=STRAP, source="live", zero_utc_us=ZERO) as session:
        session.gap(Gap("rr", 0, 1_000_000, "no data"))
        session.gap(Gap("ecg", 0, 1_000_000, "no data"))
        session.flush()
        assert store.gap_list("rr") == []
        session.append(rr(1_000_000, 1024))
    assert [(gap.kind, gap.start_us) for gap in store.gap_list("rr")] == [("rr", ZERO)]
    assert [(gap.kind, gap.start_us) for gap in store.gap_list("ecg")] == [("ecg", ZERO)]
    assert [info.n for info in store.streams("rr")] == [1]


def test_analysing_twice_changes_nothing_and_a_newer_maker_takes_over(store: Store, fill: Callable[..., int]) -> None:
    fill(store)
    (stream,) = store.streams()
    zero = stream.session.zero_utc_us

    def analyse(maker: Provenance, *found: Event) -> int:
        with store.analysis(stream, maker) as analysis:
            for one in found:
                analysis.event(one)
            analysis.features(Features("rr", zero, zero + 9, {"MeanNN": 1.0}, 1.0, None, maker))
            analysis.append(Block("hr", zero, Timing.REGULAR, 1.0, np.array([60, 61]), 1.0, "bpm"), made_by=maker)
        return sum(store.verify().rows.values())

    old = Provenance("irregular-rhythm", "1", {"beats": 64})
    new = Provenance("irregular-rhythm", "2", {"beats": 64})
    states = (event(zero + 5, zero + 7, EventState.OPEN, old), event(zero + 5, zero + 9, EventState.CLOSED, old))
    once = analyse(old, *states)
    assert analyse(old, *states) == once
    assert [row.event.start_us for row in store.event_rows()] == [zero + 5, zero + 1_000_000]
    assert [info.made_by for info in store.streams("hr")] == [old]
    analyse(new)  # finds no event at all
    assert store.event_rows() == []
    assert [row.features.made_by.version for row in store.feature_rows()] == ["2"]
    assert [info.made_by for info in store.streams("hr")] == [new]
    assert len(store.event_rows(all_makers=True)) == 2
    assert {row.features.made_by.version for row in store.feature_rows(all_makers=True)} == {"1", "2"}
    assert len(store.streams("hr", all_makers=True)) == 2

    def fail() -> None:
        with store.analysis(stream, new) as analysis:
            analysis.event(event(zero, zero + 1, EventState.CLOSED, new))
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert store.event_rows() == []
    with pytest.raises(InputError, match="no stream 99"):
        store.analysis(99, new)


def test_what_cannot_be_stored_is_refused_at_once(store: Store) -> None:
    session = store.session(device=STRAP, source="live", zero_utc_us=ZERO)
    with pytest.raises(InputError, match="JSON"):
        session.event(event(0, 1, EventState.OPEN, Provenance("x", "1", {"f": object()})))
    with pytest.raises(InputError, match="JSON"):
        session.features(Features("rr", 0, 1, {}, 1.0, None, Provenance("x", "1", {"f": float("nan")})))
    with pytest.raises(InputError, match="ends before"):
        session.gap(Gap("rr", 2, 1, "no data"))
    with pytest.raises(InputError, match="dtype"):
        session.append(Block("ecg", 0, Timing.REGULAR, 130.0, np.array([0.1]), 1.0, "mV"))
    with pytest.raises(InputError, match="'live', 'import' or 'virtual'"):
        store.session(device=STRAP, source="radio", zero_utc_us=ZERO)  # type: ignore[arg-type]
    session.append(rr(0))  # nothing in it: nothing to store
    session.flush()
    assert store.sessions() == []


def test_the_same_device_is_one_row(store: Store, fill: Callable[..., int]) -> None:
    for seed in (1, 2, 3):
        fill(store, seed=seed)
    counts = store.verify().rows
    assert (counts["device"], counts["subject"], counts["session"], counts["provenance"]) == (1, 1, 3, 1)


def test_readers_see_whole_flushes_while_a_writer_writes(
    store: Store, key: Key, heart: Callable[[int, int], Iterator[Block]]
) -> None:
    seen: list[int] = []
    problems: list[str] = []
    done = threading.Event()

    def read() -> None:
        with Store.open(store.path, key) as other:
            while not done.is_set():
                for info in other.streams():
                    values = np.concatenate([block.values for block in other.blocks(info)] or [np.empty(0)])
                    seen.append(len(values))
                    if len(values) < info.n or (np.diff(seen) < 0).any():
                        problems.append(f"{len(values)} of {info.n}")

    reader = threading.Thread(target=read)
    reader.start()
    n = 0
    with store.session(device=STRAP, source="virtual", zero_utc_us=ZERO) as session:
        for block in heart(3, 900):
            session.append(block)
            n += len(block)
    done.set()
    reader.join(30)
    assert not problems
    assert len(set(seen)) > 3
    assert len(store.read("rr")) == n


def test_two_stores_write_at_once(store: Store, key: Key, fill: Callable[..., int]) -> None:
    totals: list[int] = []

    def write(seed: int) -> None:
        with Store.open(store.path, key) as other:
            totals.append(fill(other, seed=seed, seconds=200))

    threads = [threading.Thread(target=write, args=(seed,)) for seed in (1, 2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(store.read("rr")) == sum(totals)
    report = store.verify()
    assert report.ok, report.problems
    assert report.samples == sum(totals)
