"""Opening a store from the command line: prompt, file or environment variable."""

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
    from vitals.store import passphrase

    text = _passphrase(arguments, new=new)
    if new and len(text) < SHORTEST:
        raise InputError(f"the passphrase has {len(text)} characters; a new store asks for {SHORTEST} or more")
    return passphrase(text)


def _passphrase(arguments: argparse.Namespace, *, new: bool) -> str:
    if arguments.passphrase_file:
        try:
            text = Path(arguments.passphrase_file).read_text(encoding="utf-8").rstrip("\r\n")
        except UnicodeDecodeError as error:
            raise InputError(f"--passphrase-file {arguments.passphrase_file} is not UTF-8 text") from error
        if not text:
            raise InputError(f"--passphrase-file {arguments.passphrase_file} is empty; write the passphrase into it")
        return text
    if text := os.environ.get("VITALS_PASSPHRASE", ""):
        if not text.isprintable():  # bytes that are no text come as lone surrogates
            raise InputError("VITALS_PASSPHRASE holds bytes that are not text; set it again")
        return text
    if not sys.stdin.isatty():
        raise InputError(
            "no passphrase: there is no terminal to ask at; give --passphrase-file FILE or set VITALS_PASSPHRASE"
        )
    text = getpass.getpass("Passphrase of the new store: " if new else "Passphrase: ")
    if new and text != getpass.getpass("Once more: "):
        raise InputError("the two passphrases differ; nothing was created, try again")
    if not text:
        raise InputError("the passphrase is empty; nothing was opened")
    return text


def open_store(arguments: argparse.Namespace) -> Store:
    """The store that --store names. Raises StoreMissing, InputError, WrongKey."""
    from vitals.store import Store

    if not Store.exists(arguments.store):  # before a passphrase is asked for
        raise StoreMissing(f"there is no store at {arguments.store}: check the path, or create one")
    return Store.open(arguments.store, key=key_from(arguments, new=False))


def store_opener(arguments: argparse.Namespace) -> Callable[[], Store]:
    """Asks for the key now; the call opens the store, or makes it where there is none.

    So nothing is made before it is known that something will be stored, and nobody types while a device waits.
    """
    from vitals.store import Store

    new = not Store.exists(arguments.store)
    key = key_from(arguments, new=new)

    def opened() -> Store:
        store = Store.open(arguments.store, key=key, create=new)
        if new:
            say(f"new encrypted store: {arguments.store} (without its passphrase nobody can read it, you included)")
        return store

    return opened
