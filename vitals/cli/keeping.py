"""erase, backup, restore, keep, expire, audit: what becomes of what a store holds."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from vitals.cli.speaking import emit, iso, say
from vitals.cli.unlocking import key_from, open_store, open_with_key
from vitals.errors import InputError, StoreMissing


def erase(arguments: argparse.Namespace) -> int:
    from vitals.store import Store

    chosen = (arguments.subject, arguments.kind, arguments.start, arguments.end)
    if sum([any(one is not None for one in chosen), arguments.everything, arguments.finish]) != 1:
        raise InputError(
            "say what to erase: --subject, --kind, --from, --to (those given must all fit), or --everything; "
            "or --finish for an erasure that was interrupted"
        )
    store, proof = open_with_key(arguments)
    with store:
        if arguments.finish:
            store.scrub(proof=proof)
            say("the pages are written over, and the store has a new data key")
            return 0
        _confirm(arguments)
        if arguments.everything:
            uid = store.uid
            store.close()
            Store.destroy(arguments.store, proof)
            if arguments.json:
                emit({"store": uid, "destroyed": True})
            else:
                print(f"{arguments.store}: destroyed, key file first")
            say("backups and paired devices have keys of their own: erase there too")
            return 0
        kinds = None if arguments.kind is None else [arguments.kind]
        receipt = store.erase(
            proof=proof, subject=arguments.subject, kinds=kinds, start=arguments.start, end=arguments.end
        )
    if arguments.receipt is not None:
        arguments.receipt.write_text(receipt.to_json() + "\n", encoding="utf-8")
    if arguments.json:
        print(receipt.to_json())
    else:
        print(f"{arguments.store}: {', '.join(f'{n} {kind}' for kind, n in receipt.rows.items())} erased")
    say("the store has a new data key; other keys than the one given open it no longer: see `vitals keys`")
    say("backups and paired devices have keys of their own: erase there too")
    return 0


def _confirm(arguments: argparse.Namespace) -> None:
    if arguments.yes:
        return
    if not sys.stdin.isatty():
        raise InputError("erasing cannot be undone: give --yes, or run it at a terminal")
    say("This cannot be undone. Type the name of the store's folder to go on:")
    if sys.stdin.readline().strip() != Path(arguments.store).name:
        raise InputError("that is not the name of the folder; nothing was erased")


def check(arguments: argparse.Namespace) -> int:
    from vitals.store import Receipt

    with open_store(arguments) as store:
        problems = store.check(Receipt.from_json(arguments.file.read_text(encoding="utf-8")))
    if arguments.json:
        emit({"file": str(arguments.file), "problems": problems})
    for problem in problems:
        say(problem)
    if not problems and not arguments.json:
        print(f"{arguments.file}: the store stands by this erasure")
    return 1 if problems else 0


def backup(arguments: argparse.Namespace) -> int:
    store, key = open_with_key(arguments)
    with store:
        report = store.back_up(arguments.out, key)
    if arguments.json:
        emit({"backup": str(arguments.out), "rows": report.log_entries, "samples": report.samples})
    else:
        print(f"{arguments.out}: {report.log_entries} rows and {report.samples} samples, verified")
    say("it opens with the key given now, under a data key of its own")
    return 0


def restore(arguments: argparse.Namespace) -> int:
    from vitals import sync
    from vitals.store import Store

    if not Store.exists(arguments.backup):
        raise StoreMissing(f"there is no backup at {arguments.backup}: check the path")
    key = key_from(arguments, new=False)
    with Store.open(arguments.backup, key) as kept:
        if not Store.exists(arguments.store):
            report = kept.back_up(arguments.store, key)
            row = {"store": str(arguments.store), "new": report.log_entries, "erased": 0}
        else:
            with Store.open(arguments.store, key) as store:
                done = sync.restore(store, kept)
            row = {"store": str(arguments.store), "new": done.new, "erased": done.erased}
    if arguments.json:
        emit(row)
    else:
        print("{store}: {new} rows came back, {erased} stay erased".format(**row))
    return 0


def keep(arguments: argparse.Namespace) -> int:
    with open_store(arguments) as store:
        if arguments.kind is not None:
            if arguments.days is None:
                raise InputError("say for how many days: `vitals keep KIND DAYS`, or `forever`")
            store.keep(arguments.kind, None if arguments.days == "forever" else _days(arguments.days))
        kept = store.kept_days()
    for kind, days in kept.items():
        if arguments.json:
            emit({"kind": kind, "days": days})
        else:
            print(f"{kind}  {days:g} days")
    if not kept:
        say("all samples are kept for ever")
    return 0


def _days(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InputError(f"{text!r} is no number of days: write for example 90, or forever") from None


def expire(arguments: argparse.Namespace) -> int:
    with open_store(arguments) as store:
        rows = store.expire()
    if arguments.json:
        emit({"rows": rows})
    else:
        print(", ".join(f"{n} {kind}" for kind, n in rows.items()) or "nothing is older than it is kept")
    return 0


def audit(arguments: argparse.Namespace) -> int:
    with open_store(arguments) as store:
        entries = store.audit_log()
    for entry in entries:
        if arguments.json:
            emit({"seq": entry.seq, "at": iso(entry.at_us), "action": entry.action, "detail": entry.detail})
        else:
            detail = ", ".join(f"{name} {value}" for name, value in entry.detail.items())
            print(f"{iso(entry.at_us)}  {entry.action}  {detail}".rstrip())
    if not entries:
        say("nothing was noted yet")
    return 0
