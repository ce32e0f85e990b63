"""Bundles: complete, once, verified; and whatever else arrives changes nothing."""

from __future__ import annotations

import hashlib
import io
import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from vitals import sync
from vitals.errors import InputError, MissingExtra, StoreDamaged, SyncError, VitalsError
from vitals.store import Store, chain, new_recovery_code, recovery
from vitals.store.rows import KINDS, canonical, digest, select, uid_of
from vitals.store.samples import Shelf
from vitals.sync import wire
from vitals.sync.party import party
from vitals.sync.seal import signed
from vitals.sync.wire import Manifest, Range
from vitals.values import DeviceInfo, Event, EventState, Features, Gap, Provenance, rr_block

pyrage = pytest.importorskip("pyrage")


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[[str], Store]]:
    """Open stores by name, each with a key of its own."""
    opened: list[Store] = []

    def open_store(name: str) -> Store:
        opened.append(Store.create(tmp_path / name, recovery(new_recovery_code())))
        return opened[-1]

    yield open_store
    for store in opened:
        store.close()


@pytest.fixture
def pair(make: Callable[[str], Store]) -> tuple[Store, Store]:
    """A phone that records, and a desktop."""
    return make("phone"), make("desktop")


def record(store: Store, seed: int, maker: str = "1") -> None:
    """A minute of everything."""
    rng = np.random.default_rng(seed)
    made_by = Provenance("irregular-rhythm", maker)
    with store.session(device=DeviceInfo(name="strap"), source="live", zero_utc_us=10**15 + seed * 10**9) as session:
        tick = 0
        for _ in range(60):
            session.append(rr_block(0, rng.integers(700, 1100, 1), 1024, tick))
            tick += 900
        session.gap(Gap("rr", 0, 1, "link lost"))
        session.features(Features("rr", 0, 64, {"MeanNN": 850.0, "SDNN": float("nan")}, 0.9, "few", made_by))
        session.event(Event("irregular_rhythm", "rr", 1, 2, 0.9, float("nan"), EventState.CLOSED, made_by))


def content(store: Store) -> dict[str, Any]:
    """Every synced row in canonical form (of samples: what the log calls them), and the chains."""
    connection = store.fresh()

    rows: dict[str, Any] = {
        name: sorted(canonical(kind, tuple(row[1:])) for row in connection.execute(select(kind, "1")))
        for name, kind in KINDS.items()
        if kind.table != "chunk"
    }
    shelf = Shelf(connection)
    held = [shelf.chunk(row[0]) for row in connection.execute("SELECT id FROM any_chunk").fetchall()]
    rows["samples"] = sorted(name for one in held if one is not None for name in one.parts)
    rows["heads"] = sorted((h.origin, h.seq, h.h) for h in chain.heads(connection).values() if h.seq)
    connection.close()
    return rows


def test_what_was_recorded_arrives_once(pair: tuple[Store, Store], tmp_path: Path) -> None:
    phone, desktop = pair
    record(phone, 1)
    target = sync.identity(desktop)
    assert target.startswith("age1")
    assert target == sync.identity(desktop)
    sent = sync.bundle(phone, target, tmp_path / "1.age")
    assert (tmp_path / "1.age").read_bytes().startswith(b"age-encryption.org/v1\n")
    assert sent.size == (tmp_path / "1.age").stat().st_size
    report = sync.apply(desktop, tmp_path / "1.age")
    assert (report.sender, report.first_contact, report.rows, report.new) == (phone.uid, True, sent.rows, sent.rows)
    assert desktop.verify().ok
    assert desktop.read("rr")["rr_ms"].tolist() == phone.read("rr")["rr_ms"].tolist()
    assert [row.event.start_us for row in desktop.event_rows()] == [row.event.start_us for row in phone.event_rows()]
    assert [row.id for row in desktop.event_rows()] == [row.id for row in phone.event_rows()]
    before = content(desktop)
    again = sync.apply(desktop, tmp_path / "1.age")
    assert (again.rows, again.new, again.first_contact) == (sent.rows, 0, False)
    assert content(desktop) == before
    assert sync.bundle(phone, target, tmp_path / "2.age").rows == 0
    record(phone, 2)
    assert 0 < sync.bundle(phone, target, tmp_path / "3.age").rows < 40
    sync.apply(desktop, tmp_path / "3.age")
    assert len(desktop.sessions()) == 2
    assert desktop.verify().ok


def test_both_ways_and_through_a_third_store(make: Callable[[str], Store], tmp_path: Path) -> None:
    phone, desktop, clinic = make("phone"), make("desktop"), make("clinic")
    record(phone, 1)
    record(desktop, 2)
    sync.bundle(phone, sync.identity(desktop), tmp_path / "a")
    sync.apply(desktop, tmp_path / "a")
    back = sync.bundle(desktop, sync.identity(phone), tmp_path / "b")
    assert back.chains == 1  # not the phone's own rows
    sync.apply(phone, tmp_path / "b")
    sync.bundle(desktop, sync.identity(clinic), tmp_path / "c")
    assert sync.apply(clinic, tmp_path / "c").sender == desktop.uid
    record(phone, 3)
    sync.bundle(phone, sync.identity(clinic), tmp_path / "d")  # all of it, though the clinic has half of it by now
    report = sync.apply(clinic, tmp_path / "d")
    assert 0 < report.new < report.rows
    sync.bundle(phone, sync.identity(desktop), tmp_path / "e")
    sync.apply(desktop, tmp_path / "e")
    assert content(phone) == content(desktop) == content(clinic)
    assert all(store.verify().ok for store in (phone, desktop, clinic))


def test_two_stores_that_analyse_the_same_agree(pair: tuple[Store, Store], tmp_path: Path) -> None:
    phone, desktop = pair
    record(phone, 1)
    sync.bundle(phone, sync.identity(desktop), tmp_path / "a")
    sync.apply(desktop, tmp_path / "a")
    maker = Provenance("irregular-rhythm", "2")
    for store in pair:
        (stream,) = store.streams("rr")
        with store.analysis(stream, maker) as analysis:
            analysis.event(Event("irregular_rhythm", "rr", 10**15, 10**15 + 9, 0.7, 1.0, EventState.CLOSED, maker))
    sync.bundle(phone, sync.identity(desktop), tmp_path / "b")
    sync.apply(desktop, tmp_path / "b")
    assert len(desktop.event_rows()) == 1
    assert desktop.event_rows()[0].id == phone.event_rows()[0].id
    assert desktop.db.table("event").count == 2
    assert desktop.verify().ok


def test_a_lost_bundle_is_noticed_and_healed(pair: tuple[Store, Store], tmp_path: Path) -> None:
    phone, desktop = pair
    target = sync.identity(desktop)
    record(phone, 1)
    first = sync.bundle(phone, target, tmp_path / "1").rows
    sync.apply(desktop, tmp_path / "1")
    record(phone, 2)
    sync.bundle(phone, target, tmp_path / "lost")
    record(phone, 3)
    sync.bundle(phone, target, tmp_path / "3")
    before = content(desktop)
    with pytest.raises(SyncError, match=f"since={first}"):
        sync.apply(desktop, tmp_path / "3")
    assert content(desktop) == before
    sync.bundle(phone, target, tmp_path / "again", since=first)
    sync.apply(desktop, tmp_path / "again")
    assert content(desktop) == content(phone)
    record(phone, 4)
    sync.bundle(phone, target, tmp_path / "lost too")
    sync.bundle(desktop, sync.identity(phone), tmp_path / "answer")  # says how far the desktop is
    sync.apply(phone, tmp_path / "answer")
    sync.bundle(phone, target, tmp_path / "healed")
    sync.apply(desktop, tmp_path / "healed")
    assert content(desktop) == content(phone)


def test_not_for_us_cut_off_tampered_or_no_bundle_at_all(
    pair: tuple[Store, Store], make: Callable[[str], Store], tmp_path: Path
) -> None:
    phone, desktop = pair
    record(phone, 1)
    path = tmp_path / "1.age"
    sync.bundle(phone, sync.identity(desktop), path)
    good = path.read_bytes()
    with pytest.raises(SyncError, match="another store"):
        sync.apply(make("stranger"), path)
    before = content(desktop)
    rng = random.Random(2)
    for at in [rng.randrange(len(good)) for _ in range(60)]:
        path.write_bytes(good[:at] + bytes([good[at] ^ 1 << rng.randrange(8)]) + good[at + 1 :])
        with pytest.raises(SyncError):
            sync.apply(desktop, path)
    for wrong in (b"", b"x" * 500, good[:-1], good[: len(good) // 2], good + b"\x00"):
        path.write_bytes(wrong)
        with pytest.raises(SyncError):
            sync.apply(desktop, path)
    assert content(desktop) == before
    with pytest.raises(InputError, match="no bundle at"):
        sync.apply(desktop, tmp_path / "nothing")
    with pytest.raises(InputError, match="not an age key"):
        sync.bundle(phone, "age1nonsense", tmp_path / "2.age")
    with pytest.raises(InputError, match="since is -1"):
        sync.bundle(phone, sync.identity(desktop), tmp_path / "2.age", since=-1)
    with pytest.raises(SyncError, match="another place"):
        sync.bundle(phone, sync.identity(desktop), tmp_path / "no" / "folder.age")
    assert not list(tmp_path.glob("**/*.partial"))


def test_a_store_put_back_to_an_older_copy_forks(make: Callable[[str], Store], tmp_path: Path) -> None:
    code = new_recovery_code()
    desktop = make("desktop")
    target = sync.identity(desktop)
    with Store.create(tmp_path / "p", recovery(code)) as phone:
        record(phone, 1)
        sync.bundle(phone, target, tmp_path / "1")
    old = (tmp_path / "p" / "vitals.db").read_bytes()
    sync.apply(desktop, tmp_path / "1")
    with Store.open(tmp_path / "p", recovery(code)) as phone:
        record(phone, 2)
        sync.bundle(phone, target, tmp_path / "2")
        to_phone = sync.identity(phone)
    sync.apply(desktop, tmp_path / "2")
    (tmp_path / "p" / "vitals.db").write_bytes(old)
    with Store.open(tmp_path / "p", recovery(code)) as phone:
        sync.bundle(desktop, to_phone, tmp_path / "answer")
        with pytest.raises(SyncError, match="this store was put back to an older copy"):
            sync.apply(phone, tmp_path / "answer")
        record(phone, 3)
        sync.bundle(phone, target, tmp_path / "3")
    before = content(desktop)
    with pytest.raises(SyncError, match="forks at entry"):
        sync.apply(desktop, tmp_path / "3")
    assert content(desktop) == before
    assert desktop.verify().ok


def test_rows_that_are_not_what_the_log_says_are_never_sent(pair: tuple[Store, Store], tmp_path: Path) -> None:
    phone, desktop = pair
    record(phone, 1)
    phone.db.execute("UPDATE event SET score = 0.1")
    phone.db.conn.commit()
    with pytest.raises(StoreDamaged, match="event 1 is not what the log says"):
        sync.bundle(phone, sync.identity(desktop), tmp_path / "1.age")
    assert not list(tmp_path.glob("*.age*"))


class Forger:
    """A peer that can sign and seal whatever it likes."""

    def __init__(self, target: str) -> None:
        self.target = target
        self.origin = b"\x07" * 16
        self.key = Ed25519PrivateKey.generate()
        self.age = pyrage.x25519.Identity.generate()
        self.head = chain.start(self.origin)

    def bundle(self, path: Path, entries: list[tuple[str, bytes]], **changes: Any) -> Path:
        """Entries as (kind, canonical row), in a bundle that is right in everything that is not changed."""
        start = self.head
        for kind, row in entries:
            self.head = chain.follow(self.head, kind, digest(row))
        said: dict[str, Any] = {
            "schema": 1,
            "sender": self.origin,
            "recipient": str(self.age.to_public()),
            "signer": self.key.public_key().public_bytes_raw(),
            "ranges": (Range(self.origin, start.seq, start.h, self.head.seq, self.head.h),),
            "heads": {self.origin: (self.head.seq, self.head.h)},
        }
        manifest = Manifest(**{**said, **{k: v for k, v in changes.items() if k in said}}).encode()
        body = wire.MAGIC + len(manifest).to_bytes(4, "big") + manifest
        for kind, row in entries:
            inner = bytes([len(kind)]) + kind.encode() + row
            body += len(inner).to_bytes(4, "big") + inner
        body += changes.get("extra", b"")
        signature = self.key.sign(signed(changes.get("signed_for", self.target), hashlib.sha256(body).digest()))
        body = changes.get("body", body + bytes(4) + signature + changes.get("after", b""))
        sealed = io.BytesIO()
        pyrage.encrypt_io(io.BytesIO(body), sealed, [pyrage.x25519.Recipient.from_str(self.target)])
        path.write_bytes(sealed.getvalue())
        return path


SUBJECT = ("subject", canonical(KINDS["subject"], (b"\x01" * 16, "eve")))
DEVICE = ("device", canonical(KINDS["device"], (b"\x02" * 16, "x", "", "", "", "", "", "")))
SESSION = ("session", canonical(KINDS["session"], (b"\x03" * 16, b"\x02" * 16, b"\x01" * 16, "live", 0, None)))
STREAM = (
    "stream",
    canonical(KINDS["stream"], (b"\x04" * 16, b"\x03" * 16, None, "rr", "interval", 1024.0, 1.0, "ms", 0)),
)
MAKER = ("provenance", canonical(KINDS["provenance"], (uid_of("m"), "m", "1", "{}", None)))
BASE = [SUBJECT, DEVICE, SESSION, STREAM, MAKER]


def test_the_forger_is_good_enough_to_be_believed_when_honest(pair: tuple[Store, Store], tmp_path: Path) -> None:
    _, desktop = pair
    forger = Forger(sync.identity(desktop))
    assert sync.apply(desktop, forger.bundle(tmp_path / "f", BASE)).new == 5
    gap = ("gap", canonical(KINDS["gap"], (b"\x04" * 16, 1, 2, "x")))
    assert sync.apply(desktop, forger.bundle(tmp_path / "g", [gap])).new == 1
    assert desktop.verify().ok


def row(kind: str, *values: Any) -> tuple[str, bytes]:
    """An entry."""
    return (kind, canonical(KINDS[kind], values))


STREAM_UID = b"\x04" * 16
BAD_ROWS: dict[str, list[tuple[str, bytes]]] = {
    "unknown kind": [("meta", b"")],
    "no row": [("gap", b"")],
    "refers to nothing": [row("gap", b"\x09" * 16, 1, 2, "x")],
    "ends before it starts": [row("gap", STREAM_UID, 2, 1, "x")],
    "time beyond all calendars": [row("gap", STREAM_UID, 1, 1 << 60, "x")],
    "uid of a wrong length": [row("subject", b"\x01", "eve")],
    "name of another row": [row("subject", b"\x01" * 16, "adam")],
    "unknown source": [row("session", b"\x05" * 16, b"\x02" * 16, b"\x01" * 16, "radio", 0, None)],
    "infinite rate": [row("stream", b"\x06" * 16, b"\x03" * 16, None, "x", "regular", float("inf"), 1.0, "", 0)],
    "no rate": [row("stream", b"\x06" * 16, b"\x03" * 16, None, "x", "regular", 0.0, 1.0, "", 0)],
    "samples of garbage": [row("samples", STREAM_UID, 0, 0, 1, 0, 0, b"garbage")],
    "samples of no stream": [row("samples", b"\x09" * 16, 0, 0, 1, 0, 0, b"garbage")],
    "samples that are too many": [row("samples", STREAM_UID, 0, 0, 1 << 40, 1, 0, b"garbage")],
    "samples beyond all calendars": [row("samples", STREAM_UID, 1 << 60, 1 << 60, 1, 1, 0, b"garbage")],
    "a clock of no session": [row("clock_fit", b"\x09" * 16, 0, 0, 0, 0, 0, 0)],
    "a clock with a negative error": [row("clock_fit", b"\x03" * 16, 0, 0, 0, 0, -1, 0)],
    "chunk of garbage": [row("chunk", STREAM_UID, 0, 0, 1, 0, 0, b"garbage")],
    "chunk of unknown codec": [row("chunk", STREAM_UID, 0, 0, 1, 99, 0, b"garbage")],
    "chunk that is too long": [row("chunk", STREAM_UID, 0, 0, 1 << 40, 1, 0, b"garbage")],
    "parameters that are no object": [row("provenance", uid_of("n"), "m", "1", "[]", None)],
    "parameters that nest": [row("provenance", uid_of("n"), "m", "1", "[" * 10**5, None)],
    "names that are no names": [row("feature_set", uid_of("s"), "[1]")],
    "numbers without names": [
        row("feature_set", uid_of("s"), '["a"]'),
        row("feature", STREAM_UID, uid_of("m"), uid_of("s"), 0, 1, 1.0, None, bytes(16)),
    ],
    "unknown state": [row("event", uid_of("e"), STREAM_UID, uid_of("m"), "k", 0, 1, 0.5, None, "maybe", 0)],
}


@pytest.mark.parametrize("what", BAD_ROWS)
def test_rows_that_could_not_have_been_written_here_are_refused(
    pair: tuple[Store, Store], tmp_path: Path, what: str
) -> None:
    _, desktop = pair
    forger = Forger(sync.identity(desktop))
    sync.apply(desktop, forger.bundle(tmp_path / "base", BASE))
    before = content(desktop)
    with pytest.raises(SyncError):
        sync.apply(desktop, forger.bundle(tmp_path / "bad", BAD_ROWS[what]))
    assert content(desktop) == before


@pytest.mark.parametrize(
    "changes",
    [
        {"schema": 99},
        {"signed_for": "age1other"},
        {"extra": bytes([0xFF, 0xFF, 0xFF, 0xFF])},
        {"extra": (9).to_bytes(4, "big") + b"\x03gap12345"},
        {"after": b"\x00"},
        {"body": b""},
        {"body": wire.MAGIC},
        {"body": wire.MAGIC + b"\xff\xff\xff\xff"},
        {"body": wire.MAGIC + b"\x00\x00\x00\x02{}"},
        {"body": wire.MAGIC + (200_000).to_bytes(4, "big") + b"[" * 200_000},
        {"body": b"vitals-bundle/2\n" + bytes(100)},
        {"ranges": ()},
        {"ranges": (Range(b"\x07" * 16, 0, b"\x00" * 32, 5, b"\x00" * 32),)},
        {"ranges": (Range(b"\x07" * 16, 0, chain.start(b"\x07" * 16).h, 5, b"\x00" * 32),)},
        {"ranges": (Range(b"\x07" * 16, 0, chain.start(b"\x07" * 16).h, 6, b"\x00" * 32),)},
        {"ranges": (Range(b"\x07" * 16, 0, chain.start(b"\x07" * 16).h, 4, b"\x00" * 32),)},
        {"ranges": (Range(b"\x07" * 16, 3, b"\x00" * 32, 8, b"\x00" * 32),)},
        {"ranges": (Range(b"\x07" * 16, 0, chain.start(b"\x07" * 16).h, 5, b""),)},
        {"signer": b"\x00" * 32},
    ],
)
def test_bundles_of_another_form_are_refused(
    pair: tuple[Store, Store], tmp_path: Path, changes: dict[str, Any]
) -> None:
    _, desktop = pair
    forger = Forger(sync.identity(desktop))
    before = content(desktop)
    with pytest.raises(SyncError):
        sync.apply(desktop, forger.bundle(tmp_path / "bad", BASE, **changes))
    assert content(desktop) == before


def test_nobody_extends_our_chain_or_signs_for_another(pair: tuple[Store, Store], tmp_path: Path) -> None:
    phone, desktop = pair
    record(phone, 1)
    sync.bundle(phone, sync.identity(desktop), tmp_path / "1")
    sync.apply(desktop, tmp_path / "1")
    before = content(desktop)
    for origin in (desktop.uid, phone.uid):
        forger = Forger(sync.identity(desktop))
        forger.origin = bytes.fromhex(origin)
        connection = desktop.fresh()
        forger.head = next(head for head in chain.heads(connection).values() if head.origin == forger.origin)
        connection.close()
        with pytest.raises(SyncError):
            sync.apply(desktop, forger.bundle(tmp_path / "bad", [SUBJECT]))
    thief = Forger(sync.identity(desktop))
    with pytest.raises(SyncError, match="recipient of another store"):
        sync.apply(desktop, thief.bundle(tmp_path / "bad", [SUBJECT], recipient=sync.identity(phone)))
    assert content(desktop) == before


def test_any_plaintext_is_refused_in_the_room_s_own_words(pair: tuple[Store, Store], tmp_path: Path) -> None:
    _, desktop = pair
    forger = Forger(sync.identity(desktop))
    good = io.BytesIO()
    forger.bundle(tmp_path / "x", BASE)
    with (tmp_path / "x").open("rb") as file:
        pyrage.decrypt_io(file, good, [party(desktop).sealed_to])
    rng = random.Random(9)
    before = content(desktop)
    for _ in range(150):
        body = bytearray(good.getvalue())
        for _ in range(rng.randrange(1, 4)):
            body[rng.randrange(len(body))] = rng.randrange(256)
        if rng.random() < 0.3:
            del body[rng.randrange(len(body)) :]
        if bytes(body) == good.getvalue():
            continue
        with pytest.raises(VitalsError):
            sync.apply(desktop, forger.bundle(tmp_path / "bad", [], body=bytes(body)))
    assert content(desktop) == before


def test_without_pyrage_it_says_what_to_install(pair: tuple[Store, Store], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyrage", None)
    with pytest.raises(MissingExtra, match=r"vitals\[sync\]"):
        sync.identity(pair[0])
