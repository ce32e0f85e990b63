"""Who gets in: the right key, and nobody else, whatever is done to the header."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import pytest

from vitals.errors import InputError, StoreDamaged, StoreError, StoreExists, StoreMissing, WrongKey
from vitals.store import KdfParams, Key, Store, header, new_recovery_code, passphrase, recovery
from vitals.store.keys import RecoveryKey

CHEAP = KdfParams(memory_kib=19 * 1024, time_cost=2, lanes=1)


def test_passphrase_and_recovery_code_open_the_same_store(tmp_path: Path) -> None:
    code = new_recovery_code()
    with Store.create(tmp_path / "s", [passphrase("naïve horse"), recovery(code)], kdf=CHEAP) as store:
        uid = store.uid
    for key in (passphrase("nai\u0308ve horse"), recovery(code), recovery(code.lower().replace("-", " "))):
        with Store.open(tmp_path / "s", key) as store:
            assert store.uid == uid
    for wrong in (passphrase("naive horse"), recovery(new_recovery_code())):
        with pytest.raises(WrongKey, match="does not open this store"):
            Store.open(tmp_path / "s", wrong)


def test_a_store_without_a_slot_of_that_kind_says_so(tmp_path: Path, key: Key) -> None:
    Store.create(tmp_path / "s", key).close()
    with pytest.raises(WrongKey, match="no slot for a key of this kind"):
        Store.open(tmp_path / "s", passphrase("anything"))


def test_no_empty_passphrase() -> None:
    for text in ("", "  \n"):
        with pytest.raises(InputError, match="empty"):
            passphrase(text)


def test_a_mistyped_recovery_code_is_told_from_a_wrong_one() -> None:
    code = new_recovery_code()
    digits = code.replace("-", "")
    assert len(digits) == 56
    for at in range(0, 56, 5):
        other = "A" if digits[at] != "A" else "B"
        with pytest.raises(InputError, match="mistyped"):
            recovery(digits[:at] + other + digits[at + 1 :])
    for wrong in ("", digits[:-1], digits + "A", "ÄÖÜ"):
        with pytest.raises(InputError):
            recovery(wrong)


def test_recovery_code_golden() -> None:
    # python3 -c 'import base64,hashlib; s=bytes(range(32));
    #   print(base64.b32encode(s+hashlib.sha256(b"vitals/recovery-check/1"+s).digest()[:3]).decode())'
    key = recovery("AAAQEAYEAUDAOCAJBIFQYDIOB4IBCEQTCQKRMFYYDENBWHA5DYP6R6XE")
    assert isinstance(key, RecoveryKey)
    assert key._secret == bytes(range(32))


@pytest.mark.parametrize(
    "bad", [KdfParams(memory_kib=1024), KdfParams(time_cost=1), KdfParams(lanes=0), KdfParams(2 << 20)]
)
def test_costs_out_of_range_are_refused(tmp_path: Path, bad: KdfParams) -> None:
    with pytest.raises(InputError, match="must be from"):
        Store.create(tmp_path / "s", passphrase("x y"), kdf=bad)
    assert not list(tmp_path.iterdir())


def test_every_flipped_bit_of_the_header_is_refused(tmp_path: Path, key: Key) -> None:
    path = tmp_path / "vitals.key"
    header.write_new(path, [passphrase("x y"), key], CHEAP)
    good = path.read_bytes()
    assert len(good) == 29 + 2 * 83 + 32
    for bit in range(8 * len(good)):
        flipped = bytearray(good)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        with pytest.raises((WrongKey, StoreDamaged)):
            header.read(path, key)
    path.write_bytes(good)
    assert header.read(path, key).epoch == 1


def test_flipped_bits_of_a_passphrase_slot_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "vitals.key"
    header.write_new(path, [passphrase("x y")], CHEAP)
    good = path.read_bytes()
    costs = range(30, 36)  # where a flipped bit may be within the range, and dear; the next test has those
    for at in [at for at in range(len(good)) if at not in costs][::2]:
        flipped = bytearray(good)
        flipped[at] ^= 1 << at // 2 % 8
        path.write_bytes(flipped)
        with pytest.raises((WrongKey, StoreDamaged)):
            header.read(path, passphrase("x y"))


def test_a_forged_cost_takes_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "vitals.key"
    header.write_new(path, [passphrase("x y")], CHEAP)
    good = path.read_bytes()
    for at, forged in ((30, struct.pack(">I", 0xFFFFFFFF)), (30, struct.pack(">I", 8)), (34, b"\xff"), (35, b"\xff")):
        path.write_bytes(good[:at] + forged + good[at + len(forged) :])
        with pytest.raises(StoreDamaged, match="must be from"):
            header.read(path, passphrase("x y"))


def test_cut_foreign_and_lengthened_headers_are_refused(tmp_path: Path, key: Key) -> None:
    path = tmp_path / "vitals.key"
    header.write_new(path, [key], CHEAP)
    good = path.read_bytes()
    for wrong in (b"", good[:-1], good + b"\x00", good[:20], b"age-encryption.org/v1\n" * 9):
        path.write_bytes(wrong)
        with pytest.raises(StoreDamaged):
            header.read(path, key)


def test_a_slot_cannot_be_carried_to_another_store(tmp_path: Path, key: Key) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    header.write_new(one, [key], CHEAP)
    header.write_new(other, [key], CHEAP)
    a, b = one.read_bytes(), other.read_bytes()
    one.write_bytes(a[:29] + b[29:112] + a[112:])
    with pytest.raises(WrongKey):
        header.read(one, key)


def test_the_data_key_is_not_in_the_header(tmp_path: Path, key: Key) -> None:
    opened = header.write_new(tmp_path / "vitals.key", [key], CHEAP)
    data = (tmp_path / "vitals.key").read_bytes()
    assert opened.data_key not in data
    assert opened.database_key() not in data
    assert opened.database_key() != opened.data_key


def test_what_is_there_or_not_is_said(tmp_path: Path, key: Key) -> None:
    path = tmp_path / "s"
    with pytest.raises(StoreMissing, match="no store at"):
        Store.open(path, key)
    path.mkdir()
    Store.open(path, key, create=True).close()
    Store.open(path, key, create=True).close()
    with pytest.raises(StoreExists):
        Store.create(path, key)
    (path / "vitals.db").unlink()
    with pytest.raises(StoreMissing, match=r"vitals\.db"):
        Store.open(path, key)
    (path / "vitals.db").touch()
    with pytest.raises(StoreDamaged, match="0 bytes"):
        Store.open(path, key)
    (path / "vitals.key").unlink()
    with pytest.raises(StoreMissing, match=r"vitals\.key"):
        Store.open(path, key)
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreExists):
        Store.create(tmp_path / "file", key)
    with pytest.raises(StoreError, match="choose another place"):
        Store.create(tmp_path / "file" / "s", key)


def test_header_and_database_of_different_stores(tmp_path: Path, key: Key) -> None:
    for name in "ab":
        Store.create(tmp_path / name, key).close()
    (tmp_path / "a" / "vitals.db").write_bytes((tmp_path / "b" / "vitals.db").read_bytes())
    with pytest.raises(StoreDamaged):
        Store.open(tmp_path / "a", key)


@pytest.mark.skipif(os.name != "posix", reason="modes are of POSIX")
def test_modes(tmp_path: Path, key: Key) -> None:
    path = tmp_path / "s"
    with Store.create(path, key) as store:
        store.db.table("t").insert({"a": 1})
        modes = {file.name: file.stat().st_mode & 0o777 for file in path.iterdir()}
        assert set(modes) == {
            "vitals.db",
            "vitals.db-wal",
            "vitals.db-shm",
            "vitals.key",
            "vitals.ballast",
            "vitals.inbox",
        }
        assert set(modes.values()) == {0o600}
        assert path.stat().st_mode & 0o777 == 0o700
    path.chmod(0o755)
    (path / "vitals.db").chmod(0o644)
    Store.open(path, key).close()
    assert path.stat().st_mode & 0o777 == 0o700
    assert (path / "vitals.db").stat().st_mode & 0o777 == 0o600
