"""Keys come and go, the data key changes, and at no moment is a store without a key or open to one taken away."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from vitals.errors import InputError, StoreDamaged, VitalsError, WrongKey
from vitals.store import KdfParams, Key, Store, header, new_recovery_code, passphrase, recovery, rotation

CHEAP = KdfParams(memory_kib=19 * 1024, time_cost=2, lanes=1)
Fill = Callable[..., int]


@pytest.fixture
def other() -> Key:
    return recovery(new_recovery_code())


def test_keys_come_and_go_and_the_data_stay(tmp_path: Path, key: Key, other: Key, fill: Fill) -> None:
    path = tmp_path / "s"
    words = passphrase("eight or more words")
    with Store.create(path, key) as store:
        n = fill(store)
        added = store.keys.add(other, proof=key)
        assert (added.number, added.kind) == (1, "recovery code")
        store.keys.remove(0, proof=other)
        with pytest.raises(WrongKey):
            store.keys.opens(key)
        put = store.keys.add(words, proof=other, kdf=CHEAP)
        assert (put.number, put.kind) == (0, "passphrase")  # the empty place is used again
        changed = store.keys.replace(words, passphrase("changed my mind"), kdf=CHEAP)
        assert changed.number == 0
        assert [(slot.number, slot.kind) for slot in store.keys.list()] == [(0, "passphrase"), (1, "recovery code")]
    for gone in (key, words):
        with pytest.raises(WrongKey):
            Store.open(path, gone)
    for held in (other, passphrase("changed my mind")):
        with Store.open(path, held) as store:
            assert store.verify().ok
            assert sum(info.n for info in store.streams("rr")) == n


def test_every_change_asks_for_a_key_that_opens(store: Store, other: Key) -> None:
    before = (store.path / "vitals.key").read_bytes()
    for change in (
        lambda: store.keys.add(other, proof=other),
        lambda: store.keys.remove(0, proof=other),
        lambda: store.keys.replace(other, passphrase("some other words")),
        lambda: store.keys.rekey([other], proof=other),
    ):
        with pytest.raises(WrongKey):
            change()
    assert (store.path / "vitals.key").read_bytes() == before


def test_the_last_key_stays_and_a_key_that_is_not_there_is_named(store: Store, key: Key) -> None:
    with pytest.raises(InputError, match="last key"):
        store.keys.remove(0, proof=key)
    with pytest.raises(InputError, match="no key 7: it has 0"):
        store.keys.remove(7, proof=key)
    for _ in range(15):
        store.keys.add(recovery(new_recovery_code()), proof=key)
    with pytest.raises(InputError, match="16 keys already"):
        store.keys.add(recovery(new_recovery_code()), proof=key)


def test_an_old_header_that_is_put_back_opens_nothing(tmp_path: Path, key: Key, other: Key) -> None:
    path = tmp_path / "s"
    with Store.create(path, [key, other]) as store:
        old = (path / "vitals.key").read_bytes()
        store.keys.remove(0, proof=other)
    (path / "vitals.key").write_bytes(old)
    for either in (key, other):
        with pytest.raises(StoreDamaged, match=r"older than vitals\.db"):
            Store.open(path, either)


def test_two_openers_do_not_undo_each_others_keys(tmp_path: Path, key: Key) -> None:
    path = tmp_path / "s"
    Store.create(path, key).close()

    def add(names: list[str]) -> None:
        with Store.open(path, key) as store:
            for code in names:
                store.keys.add(recovery(code), proof=key)

    codes = [[new_recovery_code() for _ in range(5)] for _ in range(2)]
    threads = [threading.Thread(target=add, args=(some,)) for some in codes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with Store.open(path, key) as store:
        assert len(store.keys.list()) == 11
        for code in codes[0] + codes[1]:
            store.keys.opens(recovery(code))


def test_rekeying_changes_every_page_and_closes_the_old_keys(tmp_path: Path, key: Key, other: Key, fill: Fill) -> None:
    path = tmp_path / "s"
    with Store.create(path, key) as store:
        n = fill(store)
        store.compact()
        store.db.execute("SELECT 1")
        old_header, old_pages = (path / "vitals.key").read_bytes(), (path / "vitals.db").read_bytes()
        store.keys.rekey([other], proof=key)
        assert store.verify().ok
        assert sum(info.n for info in store.streams("rr")) == n  # the same object goes on
        fill(store, 2)
    new_pages = (path / "vitals.db").read_bytes()
    pages = range(0, min(len(old_pages), len(new_pages)), 4096)
    assert not any(old_pages[at : at + 4096] == new_pages[at : at + 4096] for at in pages)
    assert not (path / "vitals.key.next").exists()
    with pytest.raises(WrongKey):
        Store.open(path, key)
    with Store.open(path, other) as store:
        assert store.verify().ok
    (path / "vitals.key").write_bytes(old_header)  # its data key opens nothing
    with pytest.raises(StoreDamaged):
        Store.open(path, key)


def test_a_rekey_interrupted_between_its_two_files_is_finished_by_the_next_opener(
    tmp_path: Path, key: Key, other: Key, monkeypatch: pytest.MonkeyPatch, fill: Fill
) -> None:
    path = tmp_path / "s"
    with Store.create(path, key) as store:
        n = fill(store)
        with monkeypatch.context() as patch:
            patch.setattr(rotation, "_settle", lambda path: None)
            store.keys.rekey([other], proof=key)
    assert (path / "vitals.key.next").exists()
    with pytest.raises(VitalsError):
        Store.open(path, key)
    with Store.open(path, other) as store:
        assert sum(info.n for info in store.streams("rr")) == n
    assert not (path / "vitals.key.next").exists()
    Store.open(path, other).close()


def test_a_rekey_that_never_committed_leaves_the_old_keys(tmp_path: Path, key: Key, other: Key) -> None:
    path = tmp_path / "s"
    Store.create(path, key).close()
    fresh = header.new([other], CHEAP, header.read(path / "vitals.key", key).store_id, 2)
    header.write(path / "vitals.key.next", fresh)
    with pytest.raises(WrongKey):
        Store.open(path, other)
    Store.open(path, key).close()
    (path / "vitals.key.next").write_bytes(b"torn")
    Store.open(path, key).close()


WORKER = """
import sys
from vitals.store import Store, recovery
path, codes = sys.argv[1], sys.argv[2:]
keys = [recovery(code) for code in codes]
print("go", flush=True)
with Store.open(path, keys[0]) as store:
    for old, new in zip(keys, keys[1:]):
        store.keys.rekey([new], proof=old)
"""


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is of POSIX")
def test_kills_during_rekeys_leave_one_key_that_opens_everything(tmp_path: Path, fill: Fill) -> None:
    codes = [new_recovery_code() for _ in range(60)]
    before = tmp_path / "before"
    with Store.create(before, recovery(codes[0])) as store:
        n = fill(store, seconds=3000)
    rng = random.Random(7)
    opened_by = set()
    for trial in range(8):
        path = tmp_path / f"s{trial}"
        shutil.copytree(before, path)
        child = subprocess.Popen([sys.executable, "-c", WORKER, str(path), *codes], stdout=subprocess.PIPE)
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(rng.uniform(0.05, 0.6))
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        for code in codes:
            try:
                store = Store.open(path, recovery(code))
            except VitalsError:
                continue
            break
        opened_by.add(codes.index(code))
        with store:
            assert store.verify().ok
            assert sum(info.n for info in store.streams("rr")) == n
    assert max(opened_by) > 0  # at least one kill came after a rekey had begun


def test_no_key_is_in_a_representation(tmp_path: Path, key: Key) -> None:
    opened = header.write_new(tmp_path / "vitals.key", [key], CHEAP)
    shown = repr(opened) + repr(key) + repr(rotation.KeySlot(0, "keyring"))
    assert opened.data_key.hex() not in shown
    assert repr(opened.data_key) not in shown
    assert "wrapped" not in shown


def test_values_survive_a_rekey(tmp_path: Path, key: Key, other: Key, fill: Fill) -> None:
    with Store.create(tmp_path / "s", key) as store:
        fill(store)
        before = [block.values for block in store.blocks(store.streams("rr")[0])]
        store.keys.rekey([other], proof=key)
        after = [block.values for block in store.blocks(store.streams("rr")[0])]
    assert np.array_equal(np.concatenate(before), np.concatenate(after))
