"""What a second process, a full disk, a crash, or somebody with the folder in hand could do to keys and erasures."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from vitals.errors import InputError, StoreDamaged, StoreError, StoreExists, StoreLocked
from vitals.journal import Damage, Journal, journal_block, journal_bytes, unpack
from vitals.offline import link_events
from vitals.store import Key, Store, building, header, keys, new_recovery_code, recovery
from vitals.store.sealed import SealedJournal
from vitals.values import Block, Connected, DeviceInfo, Disconnected, Frame, LossReason, Timing

Fill = Callable[..., int]
HZ = 100.0


def ramp(first: int, n: int) -> Block:
    return Block("ecg", 0, Timing.REGULAR, HZ, np.arange(first, first + n, dtype=np.int32), 1.0, "uV", first=first)


RECORDER = """
import sys
import numpy as np
from vitals.errors import StoreError
from vitals.store import Store, recovery
from vitals.values import Block, DeviceInfo, Timing
with Store.open(sys.argv[1], recovery(sys.argv[2])) as store:
    with store.session(device=DeviceInfo(name="w"), source="live", zero_utc_us=0) as session:
        for at in range(0, 5000, 100):
            values = np.arange(at, at + 100, dtype=np.int32)
            session.append(Block("ecg", 0, Timing.REGULAR, 100.0, values, 1.0, "uV", first=at))
            session.flush()
            if at == 1000:
                print("going", flush=True)
                sys.stdin.readline()
"""


def test_nothing_changes_its_key_under_a_recorder_and_the_recorder_loses_nothing(tmp_path: Path) -> None:
    code, other = new_recovery_code(), recovery(new_recovery_code())
    key, path = recovery(code), tmp_path / "s"
    Store.create(path, key).close()
    recorder = subprocess.Popen(
        [sys.executable, "-c", RECORDER, str(path), code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert recorder.stdout is not None
    assert recorder.stdin is not None
    recorder.stdout.readline()
    with Store.open(path, key) as store:
        for change in (
            lambda: store.keys.rekey([other], proof=key),
            lambda: store.erase(proof=key),
            lambda: store.scrub(proof=key),
            lambda: Store.destroy(path, key),
        ):
            with pytest.raises(StoreError, match="open elsewhere"):
                change()
        assert not (path / "vitals.key.next").exists()
        store.back_up(tmp_path / "b", key)  # a second copy needs nobody to stop
        recorder.stdin.write(b"\n")
        recorder.stdin.close()
        assert recorder.wait(timeout=60) == 0
        recorder.stdout.close()
        assert store.streams("ecg")[0].n == 5000
        store.keys.rekey([other], proof=key)
        assert store.verify().ok
    with Store.open(path, other) as store:
        assert store.streams("ecg")[0].n == 5000


def test_a_second_connection_of_this_process_is_found_out_too(tmp_path: Path, key: Key, fill: Fill) -> None:
    with Store.create(tmp_path / "s", key) as store, Store.open(tmp_path / "s", key) as second:
        fill(store)
        with pytest.raises(StoreError, match="open elsewhere"):
            store.keys.rekey([key], proof=key)
        fill(second, 2)  # both go on
        fill(store, 3)
        assert store.verify().ok
    with Store.open(tmp_path / "s", key) as store:
        store.keys.rekey([key], proof=key)
        Store.open(tmp_path / "s", key).close()  # and the lock is given back


FULL = """
import resource, signal, sys
import numpy as np
from vitals.errors import StoreError
from vitals.store import Store, recovery
from vitals.values import Block, DeviceInfo, Timing

path, old, new, what = sys.argv[1:]
old, new = recovery(old), recovery(new)
hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
with Store.open(path, old) as store:
    session = store.session(device=DeviceInfo(name="r"), source="live", zero_utc_us=0)
    session.append(Block("ecg", 0, Timing.REGULAR, 100.0, np.arange(100, dtype=np.int32), 1.0, "uV"))
    session.flush()
    session.append(Block("ecg", 0, Timing.REGULAR, 100.0, np.arange(100, 200, dtype=np.int32), 1.0, "uV", first=100))
    size = (store.path / "vitals.db").stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (size // 2, hard))
    try:
        if what == "rekey":
            store.keys.rekey([new], proof=old)
        elif what == "erase":
            store.erase(kinds=["acc"], keys=[new], proof=old)
        else:
            store.back_up(path + "-backup", new)
        raise SystemExit("the disk is full, and yet it was done")
    except StoreError:
        pass
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    session.flush()  # on the same connection, with the same key
    assert store.streams("ecg")[0].n == 200
    report = store.verify()
    assert all("interrupted" in problem for problem in report.problems), report.problems
"""


@pytest.mark.skipif(os.name != "posix", reason="RLIMIT_FSIZE is of POSIX")
@pytest.mark.parametrize("what", ["rekey", "erase", "backup"])
def test_a_full_disk_in_the_middle_leaves_a_store_that_goes_on(tmp_path: Path, what: str) -> None:
    old, new = new_recovery_code(), new_recovery_code()
    path = tmp_path / "s"
    rng = np.random.default_rng(1)
    with (
        Store.create(path, recovery(old)) as store,
        store.session(device=DeviceInfo(name="w"), source="import", zero_utc_us=0) as session,
    ):
        for kind, n in (("ppg", 400_000), ("acc", 1000)):
            values = rng.integers(-30_000, 30_000, n).astype(np.int16)
            session.append(Block(kind, 0, Timing.REGULAR, HZ, values, 1.0, "counts"))
    command = [sys.executable, "-c", FULL, str(path), old, new, what]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert ran.returncode == 0, ran.stderr
    assert [one.name for one in tmp_path.iterdir()] == ["s"]
    with Store.open(path, recovery(old)) as store:
        if what == "erase":
            store.scrub(proof=recovery(old))
        assert store.verify().ok
        assert store.streams("ecg")[0].n == 200
        assert store.streams("ppg")[0].n == 400_000
        assert not (path / "vitals.key.next").exists()


def test_the_old_wraps_are_written_over_by_a_rekey(tmp_path: Path, key: Key) -> None:
    """Whoever finds the old key file on the disk and knows a passphrase of then would have the old data key."""
    path = tmp_path / "s"
    with Store.create(path, key) as store:
        os.link(path / "vitals.key", tmp_path / "same-inode")
        old = (path / "vitals.key").read_bytes()
        store.keys.rekey([key], proof=key)
    left = (tmp_path / "same-inode").read_bytes()
    assert len(left) == len(old)
    assert left[:8] != old[:8]
    with pytest.raises(StoreDamaged):
        header.read(tmp_path / "same-inode", key)


def test_a_link_in_the_place_of_the_partial_key_file_is_not_followed(tmp_path: Path, key: Key) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    path = tmp_path / "s"
    Store.create(path, key).close()
    (path / "vitals.key.partial").symlink_to(victim)
    with Store.open(path, key) as store:
        store.keys.add(recovery(new_recovery_code()), proof=key)
    assert victim.read_text() == "mine"
    assert (path / "vitals.key").stat().st_mode & 0o077 == 0


def test_a_key_file_of_a_rekey_that_never_happened_is_cleared_away(tmp_path: Path, key: Key) -> None:
    path = tmp_path / "s"
    Store.create(path, key).close()
    (path / "vitals.key.next").write_bytes(b"torn")
    Store.open(path, key).close()
    assert not (path / "vitals.key.next").exists()


@pytest.mark.skipif(os.name != "posix", reason="locks on folders are of POSIX")
def test_what_a_crash_left_beside_a_backup_is_removed_by_the_next(tmp_path: Path, key: Key, fill: Fill) -> None:
    with Store.create(tmp_path / "s", key) as store:
        fill(store)
        left, busy = tmp_path / ".b.01234567.partial", tmp_path / ".b.89abcdef.partial"
        for folder in (left, busy):
            folder.mkdir()
            (folder / "vitals.db").write_bytes(b"half")
        handle = os.open(busy, os.O_RDONLY)
        try:
            assert building.hold(handle)
            store.back_up(tmp_path / "b", key)
        finally:
            os.close(handle)
        assert not left.exists()
        assert busy.exists()
        assert [entry.action for entry in store.audit_log()] == ["backed up"]
        with pytest.raises(StoreExists):
            store.back_up(tmp_path / "b", key)
        assert [entry.action for entry in store.audit_log()] == ["backed up"]  # what failed was not done


def test_destroying_leaves_what_is_not_the_stores(tmp_path: Path, key: Key) -> None:
    path = tmp_path / "s"
    Store.create(path, key).close()
    (path / "diary.txt").write_text("mine")
    Store.destroy(path, key)
    assert [one.name for one in path.iterdir()] == ["diary.txt"]


def test_a_recording_that_was_killed_goes_with_its_subject(tmp_path: Path, key: Key) -> None:
    code = new_recovery_code()
    path = tmp_path / "s"
    Store.create(path, recovery(code)).close()
    killed = (
        "import os, sys\nfrom vitals.store import Store, recovery\n"
        "from vitals.values import DeviceInfo, rr_block\nimport numpy as np\n"
        "store = Store.open(sys.argv[1], recovery(sys.argv[2]))\n"
        "session = store.session(device=DeviceInfo(name='strap of anna', serial='A-1'), source='live', "
        "zero_utc_us=0, subject='anna')\n"
        "session.append(rr_block(0, np.array([800, 810]), 1000.0))\nsession.flush()\nos._exit(9)\n"
    )
    subprocess.run([sys.executable, "-c", killed, str(path), code], check=False)
    key = recovery(code)
    with Store.open(path, key) as store:
        with store.session(device=DeviceInfo(name="w"), source="live", zero_utc_us=0, subject="carla"):
            pass  # a session without a stream
        assert store.subjects() == ["anna", "carla"]
        store.erase(proof=key, subject="anna")
        store.erase(proof=key, subject="carla")
        text = "\n".join(store.db.conn.iterdump())
        assert "anna" not in text
        assert "A-1" not in text
        assert "carla" not in text
        assert store.verify().ok


def test_an_erasure_lets_the_session_of_this_store_go_on(tmp_path: Path, key: Key) -> None:
    with Store.create(tmp_path / "s", key) as store:
        with store.session(device=DeviceInfo(name="w"), source="live", zero_utc_us=0) as session:
            session.append(ramp(0, 500))
            session.flush()
            store.erase(proof=key, kinds=["ecg"])
            session.append(ramp(500, 500))
        (info,) = store.streams("ecg")
        assert np.array_equal(np.concatenate([b.values for b in store.blocks(info)]), np.arange(500, 1000))
        assert store.verify().ok


def test_a_journal_goes_as_a_whole_with_what_is_erased_of_its_session(tmp_path: Path, key: Key) -> None:
    """Its records build upon each other, and what came late tells of a time before."""
    journal, link = Journal(), Journal()
    with Store.create(tmp_path / "s", key) as store:
        for zero in (0, 10**12):
            journal.cut()
            link.cut()
            with store.session(device=DeviceInfo(name="w"), source="live", zero_utc_us=zero) as session:
                for second in range(0, 60):
                    at = second * 10**6
                    session.append(ramp(second * 100, 100))
                    session.append(journal_block(at, journal.append(Frame(at, "a", bytes([second])))))
                    event = Connected(at) if second % 2 == 0 else Disconnected(at, LossReason.LOST)
                    session.append(journal_block(at, link.append(event), "link"))
                    if second % 7 == 0:
                        session.flush()
        before = [row.event for row in link_events(store, 10**12)]
        assert len(before) == 60
        store.erase(proof=key, start=20 * 10**6, end=30 * 10**6)
        assert [row.event for row in link_events(store)] == before
        kept = [unpack(journal_bytes(store.blocks(one))) for one in store.streams("journal")]
        assert [len(list(one)) for one in kept if one] == [60]
        assert store.streams("ecg")[0].n == 5000
        store.erase(proof=key, kinds=["ecg"], start=10**12, end=10**12 + 10**6)
        assert sum(one.n for one in store.streams("journal")) == 0
        assert len(link_events(store)) == 60  # of the link only a span without kinds takes something
        store.keep("link", 10)
        late = 10**12 + 10 * 86_400 * 10**6
        store.expire(late + 30 * 10**6)
        assert not any(isinstance(one, Damage) for s in store.streams("link") for one in
                       unpack(journal_bytes(store.blocks(s))))  # fmt: skip
        assert len(link_events(store)) == 60
        store.expire(late + 70 * 10**6)
        assert link_events(store) == []
        assert store.verify().ok


def test_an_idle_lock_waits_for_a_recording(tmp_path: Path, key: Key) -> None:
    Store.create(tmp_path / "s", key).close()
    with Store.open(tmp_path / "s", key, idle_lock_s=0.15) as store:
        with store.session(device=DeviceInfo(name="w"), source="live", zero_utc_us=0) as session:
            session.append(ramp(0, 10))
            time.sleep(0.6)
            session.append(ramp(10, 10))
            session.flush()
        deadline = time.monotonic() + 30
        while any(store._key):
            assert time.monotonic() < deadline, "it never locked"
            time.sleep(0.02)
        with pytest.raises(StoreLocked):
            store.streams()
        store.unlock(key)
        assert store.streams("ecg")[0].n == 20


def test_another_store_or_an_older_key_file_does_not_unlock(tmp_path: Path, key: Key) -> None:
    path = tmp_path / "s"
    second = recovery(new_recovery_code())
    with Store.create(path, [key, second]) as store:
        old = (path / "vitals.key").read_bytes()
        store.keys.remove(1, proof=key)
        store.lock()
        new = (path / "vitals.key").read_bytes()
        (path / "vitals.key").write_bytes(old)
        with pytest.raises(StoreDamaged, match="older than"):
            store.unlock(second)
        with pytest.raises(StoreLocked):
            store.streams()
        assert not any(store._key)
        (path / "vitals.key").write_bytes(new)
        store.unlock(key)
        store.lock()
        shutil.move(path, tmp_path / "away")
        Store.create(path, key).close()
        with pytest.raises(StoreDamaged, match="another store"):
            store.unlock(key)
        shutil.rmtree(path)
        shutil.move(tmp_path / "away", path)
        store.unlock(key)
        assert store.verify().ok


class Noted(keys.RecoveryKey):
    """A key with a notebook, as a keyring key has."""

    words: dict[str, str] = {}  # noqa: RUF012  (one keyring for all)

    def notebook(self) -> keys.Notebook:
        return self

    def read(self, name: str) -> str | None:
        return self.words.get(name)

    def write(self, name: str, words: str) -> None:
        self.words[name] = words


def test_a_backup_that_was_opened_with_the_keyring_takes_no_store_for_older(
    tmp_path: Path, fill: Fill, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vitals import sync

    monkeypatch.setattr(Noted, "words", {})
    key = Noted(bytes(32))
    with Store.create(tmp_path / "s", key) as store:
        fill(store, 1)
        store.back_up(tmp_path / "b", key)
        fill(store, 2)
    with Store.open(tmp_path / "b", key) as backup:  # older than the store, and no rollback
        assert backup.verify().ok
    with Store.open(tmp_path / "s", key) as store, Store.open(tmp_path / "b", key) as backup:
        assert sync.restore(store, backup).new == 0
    Store.open(tmp_path / "s", key).close()
    shutil.copytree(tmp_path / "b", tmp_path / "old")
    with Store.open(tmp_path / "b", key) as backup:
        fill(backup, 3)
    shutil.rmtree(tmp_path / "b")
    shutil.move(tmp_path / "old", tmp_path / "b")
    with pytest.raises(StoreDamaged, match="earlier copy"):  # of the backup, too, an older copy is told
        Store.open(tmp_path / "b", key)


def test_sealed_recordings_are_left_to_who_makes_them_and_guard_the_key(tmp_path: Path, key: Key) -> None:
    path = tmp_path / "s"
    Store.create(path, key).close()
    device = DeviceInfo(name="w")
    with SealedJournal(path, device=device, source="live", zero_utc_us=0) as collecting:
        collecting.append(b"12345")
        collecting.flush()
        with Store.open(path, key) as store:
            assert store.sealed() == []  # it goes on
            for change in (lambda: store.keys.rekey([key], proof=key), lambda: store.erase(proof=key)):
                with pytest.raises(InputError, match="take in first"):
                    change()
            assert [entry.action for entry in store.audit_log()] == []
        collecting.append(b"67890")
    torn = path / "sealed" / "0-torn.sealed"
    torn.write_bytes(b"VITALSS1" + bytes(range(32)) + bytes([0, 0, 1, 0]) + b"half of a frame")
    (path / "sealed" / "1-empty.sealed").touch()
    with Store.open(path, key) as store:
        (one,) = store.sealed()
        assert one.journal == b"1234567890"
        assert one.whole
        assert not torn.exists()
        if os.name == "posix":
            with Store.open(path, key) as second:
                assert second.sealed() == []  # somebody takes it in
        one.remove()
        store.keys.rekey([key], proof=key)
        bad = path / "sealed" / "2-bad.sealed"
        bad.write_bytes(b"VITALSS1" + bytes(32) + bytes([0, 0, 0, 16]) + bytes(16))  # a point that gives no secret
        with pytest.raises(StoreDamaged, match="remove it"):
            store.sealed()
        bad.unlink()


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is of POSIX")
@pytest.mark.parametrize("what", ["store.back_up(path + '-b', key)", "store.erase(kinds=['rr'], proof=key)"])
def test_kills_in_a_backup_or_an_erasure_leave_a_sound_store(tmp_path: Path, fill: Fill, what: str) -> None:
    code = new_recovery_code()
    key, before = recovery(code), tmp_path / "before"
    with Store.create(before, key) as store:
        fill(store, seconds=2000)
        with store.session(device=DeviceInfo(name="w"), source="import", zero_utc_us=0) as session:
            session.append(ramp(0, 50_000))
    worker = (
        "import sys\nfrom vitals.store import Store, recovery\npath, code = sys.argv[1:]\nkey = recovery(code)\n"
        f"with Store.open(path, key) as store:\n    print('go', flush=True)\n    {what}\n"
    )
    for trial in range(5):
        path = tmp_path / f"s{trial}"
        shutil.copytree(before, path)
        child = subprocess.Popen([sys.executable, "-c", worker, str(path), code], stdout=subprocess.PIPE)
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(0.03 + 0.05 * trial)
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        with Store.open(path, key) as store:
            if any("interrupted" in problem for problem in store.verify().problems):
                store.scrub(proof=key)
            assert store.verify().ok
            assert store.streams("ecg")[0].n == 50_000
            if "back_up" in what:
                if not (tmp_path / f"s{trial}-b").exists():
                    store.back_up(tmp_path / f"s{trial}-b", key)
                with Store.open(tmp_path / f"s{trial}-b", key) as backup:
                    assert backup.verify().ok
        assert not list(tmp_path.glob(f".s{trial}-b.*.partial"))
