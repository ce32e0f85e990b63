"""sync identity, bundle, apply: from one store to another, sealed, without a network."""

from __future__ import annotations

import argparse

from vitals.cli.speaking import emit, say
from vitals.cli.unlocking import open_store


def identity(arguments: argparse.Namespace) -> int:
    from vitals import sync

    with open_store(arguments) as store:
        recipient = sync.identity(store)
    if arguments.json:
        emit({"recipient": recipient})
    else:
        print(recipient)
    return 0


def bundle(arguments: argparse.Namespace) -> int:
    from vitals import sync

    with open_store(arguments) as store:
        done = sync.bundle(store, arguments.to, arguments.file, since=arguments.since)
    if arguments.json:
        emit({"file": str(arguments.file), "rows": done.rows})
    else:
        print(f"{arguments.file}: {done.rows} rows, sealed for {arguments.to[:16]}...")
    if not done.rows and arguments.since is None:
        say(
            "nothing is new since the last bundle for this recipient; was that one lost? --since 0 makes it whole again"
        )
    return 0


def apply(arguments: argparse.Namespace) -> int:
    from vitals import sync

    with open_store(arguments) as store:
        done = sync.apply(store, arguments.file)
    if arguments.json:
        row = {"file": str(arguments.file), "rows": done.rows, "new": done.new, "sender": done.sender}
        emit({**row, "first_contact": done.first_contact, "fingerprint": done.fingerprint})
    else:
        print(f"{arguments.file}: {done.new} new rows of {done.rows}")
    if done.first_contact:
        say(f"first bundle of this sender; compare its fingerprint with the other device's: {done.fingerprint}")
    if not done.new:
        say("nothing changed: the store had it all")
    return 0
