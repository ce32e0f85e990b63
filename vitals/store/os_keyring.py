"""Keys that lie in the operating system's keyring: random, one per name, and never in a file of ours.

Laws of this file:
1. Only keyrings of a known list are asked, by their own class: what `keyring` would choose by configuration or by an
   installed plug-in may write secrets in plain text (keyrings.alt does).
2. A slot remembers which keyring made it; another one is not asked in its place.

What it cannot do: on Linux every process of the same user reads an unlocked keyring. Who fears that uses a passphrase.
"""

from __future__ import annotations

import base64
import importlib
import secrets
from typing import Any, Final

from vitals.errors import InputError, StoreDamaged, StoreError, WrongKey
from vitals.store.keys import KEY_BYTES, KdfParams, Key, Notebook, subkey

SERVICE: Final = "vitals"
# As written into the slot; a number is never given again.
BACKENDS: Final = {
    1: ("macOS Keychain", "keyring.backends.macOS", "Keyring"),
    2: ("Windows Credential Manager", "keyring.backends.Windows", "WinVaultKeyring"),
    3: ("Secret Service", "keyring.backends.SecretService", "Keyring"),
    4: ("KDE Wallet", "keyring.backends.kwallet", "DBusKeyring"),
}


class KeyringKey(Key):
    """256 random bits under a name in the keyring."""

    slot_kind = 3

    def __init__(self, name: str) -> None:
        self._name = name

    def costs(self, wanted: KdfParams) -> KdfParams:
        """Make the entry if there is none yet; the slot keeps the number of the keyring instead of costs."""
        number, backend = _first_that_works()
        if _ask(backend, "get_password", self._name) is None:
            secret = base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()
            _ask(backend, "set_password", self._name, secret)
            if _ask(backend, "get_password", self._name) != secret:
                raise StoreError(f"the {BACKENDS[number][0]} did not keep the key: use a passphrase instead")
        return KdfParams(0, number, 0)

    def wrapping_key(self, salt: bytes, kdf: KdfParams) -> bytes:
        """HKDF-SHA256 of the entry. Raises WrongKey where there is none, StoreError where the keyring is not there."""
        number = kdf.time_cost
        if number not in BACKENDS or (kdf.memory_kib, kdf.lanes) != (0, 0):
            raise StoreDamaged("vitals.key was changed outside of vitals: restore it from a backup")
        kept = _ask(_backend(number), "get_password", self._name)
        if kept is None:
            raise WrongKey(
                f"the {BACKENDS[number][0]} of this computer has no key named {self._name!r}: "
                "check the name, or open the store with its passphrase or recovery code"
            )
        try:
            secret = base64.b64decode(kept, validate=True)
        except ValueError:
            secret = b""
        if len(secret) != KEY_BYTES:
            raise WrongKey(
                f"the entry {self._name!r} of the {BACKENDS[number][0]} is no key of vitals: remove it there"
            )
        return subkey(secret, b"vitals/keyring/1", salt)

    def notebook(self) -> Notebook:
        """Entries beside the key."""
        return _Entries(self._name)


class _Entries:
    """Words in the keyring, under the name of a key."""

    def __init__(self, name: str) -> None:
        self._name = name

    def read(self, name: str) -> str | None:
        """The words, or None."""
        kept: str | None = _ask(_first_that_works()[1], "get_password", f"{self._name}/{name}")
        return kept

    def write(self, name: str, words: str) -> None:
        """Keep words in place of those that were there."""
        _ask(_first_that_works()[1], "set_password", f"{self._name}/{name}", words)


def keyring(name: str = "default") -> Key:
    """A key that lies in the operating system's keyring under `name`; made when a store is first made with it.

    macOS Keychain, Windows Credential Manager, Secret Service (GNOME Keyring, KeePassXC) and KDE Wallet are used, no
    others. A store should have a second key beside it: a keyring is lost with the computer. Raises InputError.
    """
    if not name or not name.isprintable():
        raise InputError(f"the name of the keyring entry is {name!r}: use printable characters")
    return KeyringKey(name)


def forget(name: str) -> bool:
    """Remove the entry from the keyring; every slot that it opened is then closed for ever. True if there was one."""
    _, backend = _first_that_works()
    if _ask(backend, "get_password", name) is None:
        return False
    _ask(backend, "delete_password", name)
    return True


def _first_that_works() -> tuple[int, Any]:
    for number in BACKENDS:
        try:
            return number, _backend(number)
        except StoreError:
            continue
    known = ", ".join(name for name, _, _ in BACKENDS.values())
    raise StoreError(f"no keyring of the operating system is at hand (known: {known}): use a passphrase instead")


def _backend(number: int) -> Any:
    name, module, kind = BACKENDS[number]
    try:
        cls = getattr(importlib.import_module(module), kind)
        if not cls.viable:
            raise RuntimeError("not viable")
        return cls()
    except (ImportError, AttributeError, RuntimeError, OSError) as error:
        raise StoreError(
            f"the {name} that holds this key is not at hand: log in to the desktop where the key was made, "
            "or open the store with its passphrase or recovery code"
        ) from error


def _ask(backend: Any, call: str, name: str, *secret: str) -> Any:
    """One call to a keyring; whatever it raises becomes one sentence, without the secret."""
    try:
        return getattr(backend, call)(SERVICE, name, *secret)
    except Exception as error:
        # Each backend has errors of its own: locked, denied, D-Bus gone.
        raise StoreError(
            f"the keyring refused ({type(error).__name__}): unlock it, or open the store with another key"
        ) from None
