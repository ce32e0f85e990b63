"""Signed packs: what is used, what is refused, and the way back."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from vitals_models import load, packs
from vitals_models.errors import CardError, ModelError, ModelNotFound, PackError
from vitals_models.loading import export

NAME = "irregular-rhythm"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(packs.FOLDER_VARIABLE, str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def key(tmp_path: Path) -> Path:
    packs.pin(packs.new_key(tmp_path / "key.pem"))
    return tmp_path / "key.pem"


def pack(folder: Path, key: Path, version: str, threshold: float = 0.5) -> Path:
    folder.mkdir()
    model = load(NAME, runtime="numpy")
    path = export(replace(model, card=replace(model.card, version=version, threshold=threshold)), folder / "new.tflite")
    packs.sign(path, key)
    return path


def test_an_installed_pack_is_used_until_it_is_rolled_back(tmp_path: Path, key: Path) -> None:
    shipped = load(NAME, runtime="numpy").card
    first = packs.install(pack(tmp_path / "a", key, "7", 0.6))
    assert (first.version, first.active) == ("7", True)
    assert load(NAME, runtime="numpy").threshold == 0.6
    packs.install(pack(tmp_path / "b", key, "7.1", 0.7))
    assert load(NAME, runtime="numpy").card.version == "7.1"
    assert [(one.version, one.active) for one in packs.installed(NAME)] == [("7", False), ("7.1", True)]
    back = packs.rollback(NAME)
    assert back is not None
    assert back.version == "7"
    assert packs.rollback(NAME) is None
    assert load(NAME, runtime="numpy").card == shipped
    with pytest.raises(PackError, match="what loads is the shipped model"):
        packs.rollback(NAME)


def test_an_older_version_is_refused_unless_asked_for_even_after_a_rollback(tmp_path: Path, key: Path) -> None:
    packs.install(pack(tmp_path / "a", key, "10"))
    packs.rollback(NAME)
    old = pack(tmp_path / "b", key, "9.9.9")
    with pytest.raises(PackError, match=r"9\.9\.9 is not above version 10 met before"):
        packs.install(old)
    assert packs.install(old, older=True).version == "9.9.9"
    with pytest.raises(PackError, match="is not above version"):  # the shipped one counts, too
        packs.install(pack(tmp_path / "c", key, "0.1"))


@pytest.mark.parametrize("ending", [".tflite", ".json"])
def test_one_changed_bit_is_refused(tmp_path: Path, key: Path, ending: str) -> None:
    file = pack(tmp_path / "a", key, "7").with_suffix(ending)
    raw = bytearray(file.read_bytes())
    for at in (0, len(raw) // 2, len(raw) - 1):
        raw[at] ^= 1
        file.write_bytes(raw)
        with pytest.raises(PackError, match="changed after it was signed"):
            packs.install(file.with_suffix(".tflite"))
        raw[at] ^= 1
    assert packs.installed() == []


def test_what_is_changed_after_it_was_installed_is_refused_at_load(tmp_path: Path, key: Path) -> None:
    path = packs.install(pack(tmp_path / "a", key, "7")).path
    card = path.with_suffix(".json")
    card.write_text(card.read_text().replace('"threshold": 0.5', '"threshold": 0.9'))
    with pytest.raises(PackError, match="changed after it was signed"):
        load(NAME)


def test_only_pinned_keys_count(tmp_path: Path, key: Path) -> None:
    stranger = tmp_path / "stranger.pem"
    public = packs.new_key(stranger)
    path = pack(tmp_path / "a", stranger, "7")
    with pytest.raises(PackError, match=f"signed with the key {packs.fingerprint(public)}, which is not pinned here"):
        packs.install(path)
    packs.install(pack(tmp_path / "b", key, "8"))
    for one in packs.pinned():
        packs.unpin(packs.fingerprint(one))
    with pytest.raises(PackError, match="not pinned"):
        load(NAME)


def test_a_signature_is_for_this_file_and_this_card(tmp_path: Path, key: Path) -> None:
    one, other = pack(tmp_path / "a", key, "7"), pack(tmp_path / "b", key, "8")
    one.with_suffix(".sig").write_text(other.with_suffix(".sig").read_text())
    with pytest.raises(PackError, match="changed after it was signed"):
        packs.install(one)
    one.with_suffix(".sig").unlink()
    with pytest.raises(PackError, match="not signed"):
        packs.install(one)
    for text in ("", "{}", "[1]", json.dumps({"key": "00", "signature": "00"})):
        one.with_suffix(".sig").write_text(text)
        with pytest.raises(PackError):
            packs.install(one)


def test_a_pack_cannot_leave_its_folder(tmp_path: Path, key: Path) -> None:
    folder = tmp_path / "a"
    folder.mkdir()
    model = load(NAME, runtime="numpy")
    path = export(replace(model, card=replace(model.card, name="../../evil", version="7")), folder / "x.tflite")
    packs.sign(path, key)
    with pytest.raises(PackError, match="names another file"):
        packs.install(path)
    with pytest.raises(PackError, match=r"not of the form 1\.2\.3"):
        packs.install(pack(tmp_path / "b", key, "../7"))


def test_the_rfc_8032_vector_and_odd_keys(tmp_path: Path) -> None:
    """The public key of RFC 8032, section 7.1, test 1, is taken; what is no key is not."""
    assert len(packs.pin("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")) == 16
    for text in ("", "zz" * 32, "00" * 31):
        with pytest.raises(PackError, match="64 hexadecimal digits"):
            packs.pin(text)
    with pytest.raises(FileExistsError):
        (tmp_path / "k").touch()
        packs.new_key(tmp_path / "k")
    with pytest.raises(PackError, match="cannot be read"):
        packs.sign(export(load(NAME, runtime="numpy"), tmp_path / "m.tflite"), tmp_path / "k")
    with pytest.raises(ModelNotFound):
        packs.install(tmp_path / "absent.tflite")


def test_damaged_bookkeeping_is_said(home: Path, tmp_path: Path, key: Path) -> None:
    packs.install(pack(tmp_path / "a", key, "7"))
    for text in ("{", "[]", '{"met": [], "used": ["../../x"]}', '{"met": 1, "used": []}'):
        (home / NAME / "state.json").write_text(text)
        with pytest.raises((PackError, CardError, ModelError)):
            load(NAME)
