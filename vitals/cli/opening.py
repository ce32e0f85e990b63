"""export, why, consent: what a store tells its owner and, with consent, others."""

from __future__ import annotations

import argparse
import time
from dataclasses import asdict
from typing import Any

from vitals.cli.speaking import NOT_MEDICAL, emit, iso, say
from vitals.cli.unlocking import open_store
from vitals.cli.wording import worded
from vitals.errors import InputError


def export(arguments: argparse.Namespace) -> int:
    from vitals.takeout import take_out

    with open_store(arguments) as store:
        done = take_out(store, arguments.out, subject=arguments.subject)
    if arguments.json:
        emit({"out": str(arguments.out), "files": done.files, "samples": done.samples})
    else:
        print(f"{arguments.out}: {done.files} files, {done.samples} samples")
    say("these files are not encrypted: keep them safe")
    say(NOT_MEDICAL)
    return 0


def why(arguments: argparse.Namespace) -> int:
    from vitals.explaining import why as explain
    from vitals.reasons import reasons
    from vitals.values import Event

    with open_store(arguments) as store:
        found = explain(store, arguments.id)
        rows = store.event_rows(all_makers=True) if isinstance(found.row, Event) else []
        because = next((reasons(store, one) for one in rows if one.id == found.id), None)
    row, maker = found.row, found.row.made_by
    numbers = {"score": row.score, "sqi": row.sqi} if isinstance(row, Event) else dict(row.values)
    said: dict[str, Any] = {
        "id": found.id,
        "what": row.kind if isinstance(row, Event) else "features",
        "start": iso(row.start_us),
        "end": iso(row.end_us),
        "numbers": numbers,
        "from": found.stream.kind,
        "device": found.stream.session.device.name,
        "maker": maker.algorithm,
        "version": maker.version,
        "parameters": dict(maker.params),
        "model_sha256": maker.model_sha256,
        "identical": found.identical,
        "why_not": found.why_not,
    }
    if because is not None:
        said |= {"windows": because.windows, "doubt": because.doubt, "contributions": dict(because.contributions)}
    if isinstance(row, Event) and arguments.wording == "clinical":
        said["clinical"] = worded(row.kind, "clinical")
    if arguments.json:
        emit(said)
    else:
        what = said.get("clinical", said["what"])
        print(f"{what}  " + "{start} - {end}, from {from} of {device}".format(**said))
        print("  " + ", ".join(f"{name} {value:.6g}" for name, value in numbers.items()))
        print("  made by {maker} {version}".format(**said) + f", {maker.params or 'no parameters'}")
        if because is not None:
            moved = ", ".join(f"{name} {logits:+.2f}" for name, logits in because.contributions.items())
            print(f"  moved by (logits): {moved}")
            print(f"  {because.doubt:.0%} of its {because.windows} windows are in doubt or unlike the training")
        if maker.model_sha256:
            print(f"  with the model {maker.model_sha256}")
        print(f"  made again: {'identical to the last bit' if found.identical else found.why_not}")
    say(NOT_MEDICAL)
    return 0


def consent(arguments: argparse.Namespace) -> int:
    if arguments.give is not None and arguments.withdraw is not None:
        raise InputError("give --give or --withdraw, not both")
    if arguments.give is not None and not arguments.purpose:
        raise InputError("say with --purpose what it is for")
    with open_store(arguments) as store:
        if arguments.give is not None:
            store.grant(
                arguments.give,
                arguments.purpose,
                subject=arguments.subject,
                streams=arguments.stream,
                expires=arguments.expires,
            )
        if arguments.withdraw is not None:
            store.withdraw(arguments.withdraw)
        found = store.consents()
    now = time.time_ns() // 1000
    for one in found:
        if arguments.json:
            emit({**asdict(one), "holds": one.holds(now)})
        else:
            what = ", ".join(one.streams) or "all streams"
            state = "in force" if one.holds(now) else "over"
            print(f"{one.id}  {one.subject} -> {one.party}: {what}, for {one.purpose} ({state})")
    if not found:
        say("no consent was given: nobody may be sent anything")
    return 0
