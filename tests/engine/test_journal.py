"""The journal: bytes fixed by hand, every way to split and to damage it, and replays that equal what was live."""

from __future__ import annotations

import struct
import zlib
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vitals.analysis import Analysis
from vitals.decode import uuids
from vitals.errors import FormatError
from vitals.intake import Intake
from vitals.journal import CHUNK_BYTES, CHUNK_US, Damage, Entry, Journal, pack, replay_frames, unpack
from vitals.stages import Derived
from vitals.values import (
    BatteryLow,
    Block,
    Connected,
    ContactChange,
    Disconnected,
    Frame,
    Gap,
    LossReason,
    Overflow,
    Stall,
    StreamRefused,
)

TIMES = st.integers(-(2**63), 2**63 - 1)
TEXT = st.text(max_size=20)
UUIDS = st.uuids().map(str) | st.sampled_from([uuids.HEART_RATE_MEASUREMENT, "polar-hr-advert", ""])
FRAMES = st.builds(Frame, TIMES, UUIDS, st.binary(max_size=60))
WITHIN = st.builds(Frame, st.integers(0, 10**7), UUIDS, st.binary(max_size=60))  # of one chunk
EVENTS = st.one_of(
    st.builds(Connected, TIMES),
    st.builds(Disconnected, TIMES, st.sampled_from(list(LossReason))),
    st.builds(Stall, TIMES, TEXT, st.integers(0, 2**62)),
    st.builds(Overflow, TIMES, st.integers(0, 2**40)),
    st.builds(StreamRefused, TIMES, TEXT, TEXT),
    st.builds(ContactChange, TIMES, st.booleans()),
    st.builds(BatteryLow, TIMES, st.integers(0, 100)),
)
ENTRIES = st.lists(FRAMES | EVENTS, max_size=30)


def records(*bodies: bytes, crc: int = 0) -> bytes:
    """Records of one chunk from a head on (or behind the checksum `crc`)."""
    data = b""
    for body in bodies:
        assert len(body) < 128
        crc = zlib.crc32(body, crc)
        data += bytes([len(body)]) + body + struct.pack("<I", crc)
    return data


HEAD = b"\x00VJ\x02" + bytes(4) + b"\x00"  # a journal begins, at time 0
BATTERY = bytes.fromhex("00002a1900001000800000805f9b34fb")


def beat(second: int) -> Frame:
    return Frame(second * 1_000_000 + 7, uuids.HEART_RATE_MEASUREMENT, bytes([0, 60 + second % 40]))


def split(journal: Journal, entries: list[Entry]) -> list[bytes]:
    return [journal.append(entry) for entry in entries]


def test_the_bytes_are_those_of_the_description() -> None:
    frames = [Frame(1000, uuids.BATTERY_LEVEL, b"\x63"), Frame(999, uuids.BATTERY_LEVEL, b"\x62")]
    first = records(
        b"\x00VJ\x02" + bytes(4) + b"\xd0\x0f",  # +1000 is 2000 as zigzag: d0 0f
        b"\x02" + BATTERY,
        b"\x01" + b"\x00" + b"\x00" + b"\x63",
        b"\x01" + b"\x01" + b"\x00" + b"\x62",  # -1 is 1
        b"\x11" + b"\x02" + b"\x09link lost",  # event 1, a microsecond later
    )
    second = records(b"\x00VJ\x02" + first[-4:] + b"\xd2\x0f", b"\x10\x00")  # the link is back: another chunk
    assert pack([*frames, Disconnected(1000, LossReason.LOST), Connected(1001)]) == first + second
    assert list(replay_frames(first + second)) == frames


@given(ENTRIES, st.sets(st.integers(0, 29)))
def test_what_goes_in_comes_out_for_any_split_into_chunks(entries: list[Entry], cuts: set[int]) -> None:
    journal = Journal()
    data = b""
    for k, entry in enumerate(entries):
        if k in cuts:
            journal.cut()
        data += journal.append(entry)
    found = list(unpack(data))
    assert found == entries
    assert list(map(type, found)) == list(map(type, entries))
    joined = b"".join(pack(entries[a:b]) for a, b in pairwise([0, *sorted(cuts - {0}), len(entries) + 30]))
    assert list(unpack(joined)) == entries
    assert list(replay_frames(data)) == [entry for entry in entries if isinstance(entry, Frame)]


@settings(max_examples=50)
@given(st.lists(FRAMES | EVENTS, min_size=1, max_size=8))
def test_a_torn_tail_is_told_and_everything_before_it_is_there(entries: list[Entry]) -> None:
    journal = Journal()
    parts = [journal.append(entry) for entry in entries]
    data = b"".join(parts)
    for size in range(len(data) + 1):
        found = list(unpack(data[:size]))
        whole, end = 0, 0
        while whole < len(parts) and end + len(parts[whole]) <= size:
            end += len(parts[whole])
            whole += 1
        kept = [one for one in found if not isinstance(one, Damage)]
        assert kept == entries[:whole]
        damage = [one for one in found if isinstance(one, Damage)]
        assert all(one.offset + one.size == size for one in damage)
        if size == len(data):
            assert damage == []


@given(st.lists(st.lists(WITHIN, min_size=1, max_size=4), min_size=2, max_size=4), st.data())
def test_a_changed_byte_costs_at_most_its_chunk(chunks: list[list[Frame]], data: st.DataObject) -> None:
    packed = [pack(chunk) for chunk in chunks]
    hit = data.draw(st.integers(0, len(chunks) - 1))
    at = data.draw(st.integers(0, len(packed[hit]) - 1))
    broken = bytearray(packed[hit])
    broken[at] ^= data.draw(st.integers(1, 255))
    found = list(unpack(b"".join([*packed[:hit], bytes(broken), *packed[hit + 1 :]])))
    assert any(isinstance(one, Damage) for one in found)
    frames = [one for one in found if isinstance(one, Frame)]
    before, after = sum(map(len, chunks[:hit])), sum(map(len, chunks[hit + 1 :]))
    assert frames[:before] == [f for chunk in chunks[:hit] for f in chunk]
    assert frames[len(frames) - after :] == [f for chunk in chunks[hit + 1 :] for f in chunk]
    assert frames[before : len(frames) - after] == chunks[hit][: len(frames) - after - before]


def test_what_hangs_together_is_a_minute_or_64_kib_or_what_one_link_brought() -> None:
    parts = split(Journal(), [beat(second) for second in range(150)])
    assert [k for k, part in enumerate(parts) if b"VJ" in part] == [0, 60, 120]
    assert CHUNK_US == 60_000_000
    parts = split(Journal(), [Frame(k, "x", bytes(500)) for k in range(400)])
    heads = [k for k, part in enumerate(parts) if b"VJ" in part]
    assert len(heads) == 4
    assert sum(map(len, parts[: heads[1]])) < CHUNK_BYTES + 600
    parts = split(Journal(), [Connected(0), beat(1), Disconnected(2, LossReason.LOST), beat(2), Connected(3), beat(4)])
    assert [k for k, part in enumerate(parts) if b"VJ" in part] == [0, 4]


@given(st.integers(0, 299), st.integers(1, 299))
def test_a_hole_is_told_wherever_it_is_and_moves_no_later_time(start: int, size: int) -> None:
    entries: list[Entry] = [beat(second) for second in range(300)]
    parts = split(Journal(), entries)
    found = list(unpack(b"".join(parts[:start] + parts[start + size :]))) if start or size < 240 else []
    kept = [one for one in found if not isinstance(one, Damage)]
    assert kept == [one for one in entries if one in kept]
    if start > 0 and start + size < 300:
        assert any(isinstance(one, Damage) for one in found)
        assert kept[:start] == entries[:start]
        assert len(kept) > 300 - size - 60  # what hangs together with the hole is lost with it


def test_a_chunk_that_is_missing_as_a_whole_is_told() -> None:
    parts = split(Journal(), [beat(second) for second in range(180)])
    data = b"".join(parts[:60] + parts[120:])
    cut = sum(map(len, parts[:60]))
    assert list(unpack(data)) == [*map(beat, range(60)), Damage(cut, 0), *map(beat, range(120, 180))]


def test_one_flipped_bit_costs_at_most_a_minute() -> None:
    parts = split(Journal(), [beat(second) for second in range(600)])
    whole = b"".join(parts)
    for at in range(0, len(whole), 97):
        broken = bytearray(whole)
        broken[at] ^= 1
        found = list(unpack(bytes(broken)))
        assert len([one for one in found if isinstance(one, Frame)]) >= 540
        assert [type(one) for one in found].count(Damage) >= 1


def test_a_window_begins_with_the_next_chunk() -> None:
    parts = split(Journal(), [beat(second) for second in range(180)])
    window = b"".join(parts[50:])
    lost = sum(map(len, parts[50:60]))
    assert list(unpack(window)) == [Damage(0, lost), *map(beat, range(60, 180))]
    with pytest.raises(FormatError, match="begins a minute earlier"):
        list(unpack(b"".join(parts[50:58])))


def test_a_crash_within_a_record_and_a_new_start() -> None:
    first = pack([Disconnected(1, LossReason.LOST), Overflow(2, 9)])
    second = pack([Connected(3)])
    torn = len(first) - 8
    assert list(unpack(first[:-3] + second)) == [Disconnected(1, LossReason.LOST), Damage(torn, 5), Connected(3)]


def test_records_of_a_kind_to_come_are_skipped() -> None:
    data = records(HEAD, b"\xf0\x04\x01\x02\x03", b"\x10\x02")
    assert list(unpack(data)) == [Connected(3)]  # its time counts on from the record that was skipped


@pytest.mark.parametrize(
    "data",
    [
        b"SQLite format 3\x00",
        records(b"\x00VJ\x01"),
        records(b"\x00VJ\x03"),
        records(HEAD) + records(b"\x00VJ\x09"),
        b"\x04\x00VX",
    ],
)
def test_other_files_and_other_versions_are_refused(data: bytes) -> None:
    with pytest.raises(FormatError, match="version"):
        list(unpack(data))


@given(st.binary(max_size=200))
def test_random_bytes_behind_a_head_never_raise_anything_else(data: bytes) -> None:
    try:
        found = list(unpack(records(HEAD) + data))
    except FormatError:
        return
    assert all(isinstance(one, (Frame, Damage, Connected, ContactChange, Overflow, BatteryLow)) for one in found)


def test_a_record_whose_checksum_is_right_and_content_is_not_is_damage() -> None:
    for body in (
        b"\x01\x00\x05",
        b"\x02\x00",
        b"\x05\x00",
        b"\x11\x00\x04nope",
        b"\x12\x00\x7f",
        b"\x01" + b"\xff" * 12,
    ):
        data = records(HEAD, body)
        begun = len(records(HEAD))
        assert list(unpack(data)) == [Damage(begun, len(data) - begun)]


def strap(minutes: float) -> list[Entry]:
    """A heart that turns irregular, with lost notifications, a broken payload and a lost link."""
    rng = np.random.default_rng(5)
    count = int(minutes * 75)
    rr = np.where(np.arange(count) < count / 3, 0.86 + rng.normal(0, 0.02, count), rng.uniform(0.4, 1.3, count))
    ticks = np.rint(np.cumsum(rr) * 1024).astype(int)
    entries: list[Entry] = [Connected(0)]
    last = 0
    for second in range(1, int(ticks[-1] / 1024)):
        upto = int(np.searchsorted(ticks, second * 1024))
        these = np.diff(ticks[max(last - 1, 0) : upto])
        last = upto
        if rng.random() < 0.005:
            continue
        payload = struct.pack("<BB", 0x10 if len(these) else 0, 70) + struct.pack(f"<{len(these)}H", *these)
        arrival = second * 1_000_000 + int(rng.integers(12_000, 140_000))
        entries.append(Frame(arrival, uuids.HEART_RATE_MEASUREMENT, payload))
        if second == 300:
            entries.append(Frame(arrival + 1, uuids.HEART_RATE_MEASUREMENT, payload[:1]))
            entries.append(Frame(arrival + 2, uuids.BATTERY_LEVEL, b"\x50"))
        if second == 1200:
            entries += [Disconnected(arrival + 3, LossReason.LOST), Connected(arrival + 4)]
    return entries


def outcome(entries: list[Entry]) -> list[object]:
    """Everything that intake and analysis make of a device, in a form that compares exactly."""
    intake, analysis = Intake(), Analysis()
    made: list[object] = []

    def take(items: list[object]) -> None:
        for item in items:
            made.append(plain(item))
            if isinstance(item, (Block, Gap)):
                derived: list[Derived] = analysis.push(item)
                made.extend(map(repr, derived))

    for entry in entries:
        if isinstance(entry, Frame):
            take([*intake.feed(entry)])
        elif isinstance(entry, Disconnected):
            take([*intake.end(entry.reason.value)])
    take([*intake.end("end of stream")])
    made.extend(map(repr, analysis.end()))
    return made


def plain(item: object) -> object:
    if isinstance(item, Block):
        return item.kind, item.t0_us, item.first, item.rate_hz, item.values.tolist(), item.times_us().tolist()
    return item


@pytest.mark.parametrize("chunk", [1, 7, 100, 10**6])
def test_a_replay_gives_what_was_live(chunk: int) -> None:
    entries = strap(45)
    data = b"".join(pack(entries[k : k + chunk]) for k in range(0, len(entries), chunk))
    replayed = [entry for entry in unpack(data) if not isinstance(entry, Damage)]
    live = outcome(entries)
    assert outcome(replayed) == live
    assert any("irregular_rhythm" in str(one) for one in live)
    assert any(isinstance(one, Gap) and one.reason == "link lost" for one in live)
    frames = [entry for entry in entries if isinstance(entry, Frame)]
    assert outcome([*replay_frames(data)]) == outcome([*frames])


def test_a_day_of_heart_rate_is_small() -> None:
    frames = [
        Frame(k * 1_000_000 + 17_000 * (k % 3), uuids.HEART_RATE_MEASUREMENT, b"\x10\x40\x80\x03") for k in range(3600)
    ]
    assert len(pack(frames)) / 3600 < 16  # 4 of payload, 4 of checksum, and when it came
