"""The operating system's keyring: only those of the list, never what a plug-in or a configuration puts there."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any

import pytest

from vitals.errors import InputError, StoreError, WrongKey
from vitals.store import Store, keyring, new_recovery_code, os_keyring, recovery


class Wallet:
    """A keyring as `keyring` shows it."""

    viable = True
    kept: dict[tuple[str, str], str] = {}  # noqa: RUF012  (as a real one, it outlives its objects)
    locked = False

    def get_password(self, service: str, name: str) -> str | None:
        if self.locked:
            raise RuntimeError("the secret is s3cr3t")
        return self.kept.get((service, name))

    def set_password(self, service: str, name: str, secret: str) -> None:
        self.kept[service, name] = secret

    def delete_password(self, service: str, name: str) -> None:
        del self.kept[service, name]


@pytest.fixture
def wallet(monkeypatch: pytest.MonkeyPatch) -> type[Wallet]:
    """The desktop has a KDE Wallet, and nothing else."""
    module: Any = types.ModuleType("a_wallet")
    module.Wallet = Wallet
    monkeypatch.setitem(sys.modules, "a_wallet", module)
    monkeypatch.setattr(os_keyring, "BACKENDS", {4: ("KDE Wallet", "a_wallet", "Wallet")})
    monkeypatch.setattr(Wallet, "kept", {})
    return Wallet


def test_a_store_opens_with_the_keyring_and_only_the_entry_is_kept_there(tmp_path: Path, wallet: type[Wallet]) -> None:
    code = new_recovery_code()
    with Store.create(tmp_path / "s", [keyring("home"), recovery(code)]) as store:
        assert [slot.kind for slot in store.keys.list()] == ["keyring", "recovery code"]
        assert list(wallet.kept) == [("vitals", "home")]
        uid = store.uid
    assert list(wallet.kept) == [("vitals", "home"), ("vitals", f"home/{uid}")]  # the key, and how far the store came
    Store.open(tmp_path / "s", keyring("home")).close()
    with pytest.raises(WrongKey, match="no key named 'work'"):
        Store.open(tmp_path / "s", keyring("work"))
    Store.create(tmp_path / "t", keyring("home")).close()  # one entry may open several stores
    assert len(wallet.kept) == 3
    Store.open(tmp_path / "t", keyring("home")).close()


def test_a_keyring_that_was_lost_leaves_the_recovery_code(tmp_path: Path, wallet: type[Wallet]) -> None:
    code = new_recovery_code()
    Store.create(tmp_path / "s", [keyring(), recovery(code)]).close()
    assert os_keyring.forget("default")
    assert not os_keyring.forget("default")
    with pytest.raises(WrongKey, match="recovery code"):
        Store.open(tmp_path / "s", keyring())
    Store.open(tmp_path / "s", recovery(code)).close()
    wallet.kept["vitals", "default"] = "not a key"
    with pytest.raises(WrongKey, match="no key of vitals"):
        Store.open(tmp_path / "s", keyring())


def test_a_locked_keyring_is_one_sentence_without_what_it_said(
    tmp_path: Path, wallet: type[Wallet], monkeypatch: pytest.MonkeyPatch
) -> None:
    Store.create(tmp_path / "s", keyring()).close()
    monkeypatch.setattr(Wallet, "locked", True)
    with pytest.raises(StoreError, match="unlock it") as caught:
        Store.open(tmp_path / "s", keyring())
    assert "s3cr3t" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_a_keyring_that_does_not_keep_is_found_out(
    tmp_path: Path, wallet: type[Wallet], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Wallet, "set_password", lambda *_: None)  # as keyring's null backend
    with pytest.raises(StoreError, match="did not keep"):
        Store.create(tmp_path / "s", keyring())
    assert not list(tmp_path.iterdir())


def test_another_keyring_is_not_asked_in_place_of_the_one_that_made_the_slot(
    tmp_path: Path, wallet: type[Wallet], monkeypatch: pytest.MonkeyPatch
) -> None:
    Store.create(tmp_path / "s", keyring()).close()
    monkeypatch.setattr(
        os_keyring,
        "BACKENDS",
        {3: ("Secret Service", "a_wallet", "Wallet"), 4: ("KDE Wallet", "nowhere_to_be_found", "Wallet")},
    )
    with pytest.raises(StoreError, match="KDE Wallet that holds this key is not at hand"):
        Store.open(tmp_path / "s", keyring())


def test_a_plain_text_keyring_chosen_by_configuration_is_never_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`keyring.set_keyring`, PYTHON_KEYRING_BACKEND and keyringrc.cfg could name one that writes secrets to a file."""
    import keyring as library
    from keyring.backend import KeyringBackend

    asked = []

    class Plaintext(KeyringBackend):
        priority = 99

        def get_password(self, service: str, username: str) -> str | None:
            asked.append(username)
            return None

        def set_password(self, service: str, username: str, password: str) -> None:
            asked.append(username)

    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", f"unix:path={tmp_path}/no-bus")
    before = library.get_keyring()
    library.set_keyring(Plaintext())  # type: ignore[no-untyped-call]
    try:
        with pytest.raises(StoreError, match="no keyring of the operating system"):
            Store.create(tmp_path / "s", keyring())
    finally:
        library.set_keyring(before)
    assert asked == []


@pytest.mark.parametrize("name", ["", "a\nb"])
def test_a_name_is_printable(name: str) -> None:
    with pytest.raises(InputError, match="printable"):
        keyring(name)
