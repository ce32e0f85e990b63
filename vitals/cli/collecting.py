"""take-in: what was recorded while the store was locked."""

from __future__ import annotations

import argparse
import asyncio

from vitals.cli.speaking import NOT_MEDICAL, emit, say
from vitals.cli.unlocking import open_store


def take_in(arguments: argparse.Namespace) -> int:
    from vitals.locked import take_in as take

    with open_store(arguments) as store:
        done = asyncio.run(take(store))
    for one in done:
        row = {"device": one.device, "samples": dict(one.samples), "events": one.events, "whole": one.whole}
        if arguments.json:
            emit(row)
        else:
            print(
                f"{one.device}: "
                + ", ".join(f"{n} {kind}" for kind, n in one.samples.items())
                + f", {one.events} events"
            )
        if not one.whole:
            say(f"{one.device}: the recording was cut off; what had come is in the store")
    if not done:
        say("nothing was recorded while the store was locked")
    say(NOT_MEDICAL)
    return 0
