"""Opening a store from the command line: prompt, file, environment variable or keyring."""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from vitals.cli.speaking import say
from vitals.errors import InputError, StoreMissing

if TYPE_CHECKING:
    from vitals.store import Key, Store

SHORTEST = 8  # characters of a new passphrase; argon2id makes each guess dear, but not a short list of guesses


def key_from(arguments: argparse.Namespace, *, new: bool) -> Key:
    """The key that the command line offers. Raises InputError where none can be had, or a `new` one is too short."""
    from vitals.store import keyring, passphrase, recovery

    if arguments.keyring is not None:
        return keyring(arguments.keyring)
    if arguments.recovery_file is not None:
        if new:
            raise InputError(
                "a new store begins with a passphrase or a keyring entry; --recovery-file opens an old one"
            )
        return recovery(recovery_code(arguments))
    text = _passphrase(arguments.passphrase_file, "VITALS_PASSPHRASE", "--passphrase-file", new=new)
    if new:
        _check_length(text)
    return passphrase(text)


def new_passphrase(arguments: argparse.Namespace) -> Key:
    """The passphrase that an existing store shall get. Raises InputError."""
    from vitals.store import passphrase

    text = _passphrase(arguments.new_passphrase_file, "VITALS_NEW_PASSPHRASE", "--new-passphrase-file", new=True)
    _check_length(text)
    return passphrase(text)


def recovery_code(arguments: argparse.Namespace) -> str:
    """The recovery code from its file or a prompt. Raises InputError."""
    if arguments.recovery_file is not None:
        return _from_file(arguments.recovery_file, "--recovery-file")
    if not sys.stdin.isatty():
        raise InputError("no recovery code: there is no terminal to ask at; give --recovery-file FILE")
    return getpass.getpass("Recovery code: ")


def _check_length(text: str) -> None:
    if len(text) < SHORTEST:
        raise InputError(f"the passphrase has {len(text)} characters; a new one needs {SHORTEST} or more")


def _from_file(path: Path, option: str) -> str:
    try:
        text = Path(path).read_text(encoding="utf-8").rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise InputError(f"{option} {path} is not UTF-8 text") from error
    if not text:
        raise InputError(f"{option} {path} is empty; write the secret into it")
    return text


def _passphrase(file: Path | None, variable: str, option: str, *, new: bool) -> str:
    if file:
        return _from_file(file, option)
    if text := os.environ.get(variable, ""):
        if not text.isprintable():  # bytes that are no text come as lone surrogates
            raise InputError(f"{variable} holds bytes that are not text; set it again")
        return text
    if not sys.stdin.isatty():
        raise InputError(f"no passphrase: there is no terminal to ask at; give {option} FILE or set {variable}")
    text = getpass.getpass("New passphrase: " if new else "Passphrase: ")
    if new and text != getpass.getpass("Once more: "):
        raise InputError("the two passphrases differ; nothing was changed, try again")
    if not text:
        raise InputError("the passphrase is empty; nothing was opened")
    return text


def open_store(arguments: argparse.Namespace) -> Store:
    """The store that --store names. Raises StoreMissing, InputError, WrongKey."""
    return open_with_key(arguments)[0]


def open_with_key(arguments: argparse.Namespace) -> tuple[Store, Key]:
    """The store that --store names, and the key that opened it. Raises StoreMissing, InputError, WrongKey."""
    from vitals.store import Store

    if not Store.exists(arguments.store):  # before a passphrase is asked for
        raise StoreMissing(f"there is no store at {arguments.store}: check the path, or create one")
    key = key_from(arguments, new=False)
    return Store.open(arguments.store, key=key), key


def store_opener(arguments: argparse.Namespace) -> Callable[[], Store]:
    """Asks for the key now; the call opens the store, or makes it where there is none.

    So nothing is made before it is known that something will be stored, and nobody types while a device waits.
    """
    from vitals.store import Store, new_recovery_code, recovery

    new = not Store.exists(arguments.store)
    key = key_from(arguments, new=new)

    def opened() -> Store:
        if not new:
            return Store.open(arguments.store, key=key)
        if arguments.keyring is None:
            store = Store.create(arguments.store, key)
            say(f"new encrypted store: {arguments.store} (without its passphrase nobody can read it, you included;")
            say("`vitals keys recovery` makes a second key to keep on paper)")
            return store
        code = new_recovery_code()  # a keyring is lost with its computer
        store = Store.create(arguments.store, [key, recovery(code)])
        say(f"new encrypted store: {arguments.store}, opened by the keyring entry {arguments.keyring!r} or this code,")
        say(f"to be kept on paper; it is not shown again: {code}")
        return store

    return opened
