"""keys list, recovery, passphrase, keyring, remove, drill, rekey: who may open a store."""

from __future__ import annotations

import argparse

from vitals.cli.speaking import emit, say
from vitals.cli.unlocking import new_passphrase, open_with_key, recovery_code
from vitals.errors import InputError

PRINT_IT = "Write this recovery code down and keep it apart from the computer; it is not shown again:"


def show(arguments: argparse.Namespace) -> int:
    store, _ = open_with_key(arguments)
    with store:
        slots = store.keys.list()
    for slot in slots:
        if arguments.json:
            emit({"number": slot.number, "kind": slot.kind})
        else:
            print(f"{slot.number}  {slot.kind}")
    if len(slots) == 1:
        say("the store has one key only: who loses it loses the store; `vitals keys recovery` makes another")
    return 0


def add_recovery(arguments: argparse.Namespace) -> int:
    from vitals.store import new_recovery_code, recovery

    store, proof = open_with_key(arguments)
    with store:
        code = new_recovery_code()
        slot = store.keys.add(recovery(code), proof=proof)
    say(PRINT_IT)
    if arguments.json:
        emit({"number": slot.number, "kind": slot.kind, "code": code})
    else:
        print(code)
    return 0


def passphrase(arguments: argparse.Namespace) -> int:
    store, proof = open_with_key(arguments)
    with store:
        new = new_passphrase(arguments)
        opener = store.keys.opens(proof)
        if opener.kind == "passphrase":
            slot = store.keys.replace(proof, new)
            say("the passphrase is changed; a copy of the store made before still opens with the old one")
        else:
            slot = store.keys.add(new, proof=proof)
            say("the store opens with the new passphrase too")
    if arguments.json:
        emit({"number": slot.number, "kind": slot.kind})
    return 0


def add_keyring(arguments: argparse.Namespace) -> int:
    from vitals.store import keyring

    store, proof = open_with_key(arguments)
    with store:
        slot = store.keys.add(keyring(arguments.name), proof=proof)
    say(f"the store opens on this computer with --keyring {arguments.name}")
    if arguments.json:
        emit({"number": slot.number, "kind": slot.kind})
    return 0


def remove(arguments: argparse.Namespace) -> int:
    store, proof = open_with_key(arguments)
    with store:
        store.keys.remove(arguments.number, proof=proof)
    say(f"key {arguments.number} no longer opens the store; for copies made before, see `vitals keys rekey`")
    return 0


def drill(arguments: argparse.Namespace) -> int:
    from vitals.store import recovery

    store, _ = open_with_key(arguments)
    with store:
        slot = store.keys.opens(recovery(recovery_code(arguments)))
    if arguments.json:
        emit({"number": slot.number, "kind": slot.kind, "opens": True})
    else:
        print(f"the recovery code opens the store (key {slot.number})")
    return 0


def rekey(arguments: argparse.Namespace) -> int:
    from vitals.store import new_recovery_code, recovery

    store, proof = open_with_key(arguments)
    with store:
        if store.keys.opens(proof).kind == "recovery code":
            raise InputError("a new data key goes to a passphrase or keyring entry: open the store with one of these")
        code = new_recovery_code()
        store.keys.rekey([proof, recovery(code)], proof=proof)
    say("every page is encrypted anew; other keys than this one and the code below open nothing any more")
    say(PRINT_IT)
    if arguments.json:
        emit({"code": code})
    else:
        print(code)
    return 0
