"""models install, rollback, pin, unpin, sign: signed models."""

from __future__ import annotations

import argparse

from vitals.cli.modelling import own_words
from vitals.cli.speaking import emit, say


def install(arguments: argparse.Namespace) -> int:
    from vitals_models import packs

    with own_words():
        done = packs.install(arguments.pack, older=arguments.older)
    row = {"name": done.name, "version": done.version, "sha256": done.sha256, "key": done.key}
    if arguments.json:
        emit(row)
    else:
        print("{name} {version} is in use, signed with the key {key}".format(**row))
    say("`vitals models rollback` undoes it; run `vitals analyze` again for events of the new model")
    return 0


def rollback(arguments: argparse.Namespace) -> int:
    from vitals_models import packs

    with own_words():
        now = packs.rollback(arguments.name)
    version = None if now is None else now.version
    if arguments.json:
        emit({"name": arguments.name, "version": version})
    else:
        print(f"{arguments.name}: {'the shipped model' if version is None else version} is in use")
    return 0


def pin(arguments: argparse.Namespace) -> int:
    from vitals_models import packs

    with own_words():
        mark = packs.pin(arguments.key)
    if arguments.json:
        emit({"fingerprint": mark})
    else:
        print(f"models that the key {mark} signed can be installed from now on")
    return 0


def unpin(arguments: argparse.Namespace) -> int:
    from vitals_models import packs

    with own_words():
        packs.unpin(arguments.key)
    say("models of that key are refused from now on, installed ones too: roll them back")
    return 0


def sign(arguments: argparse.Namespace) -> int:
    from vitals_models import packs

    with own_words():
        made = None if arguments.key.exists() else packs.new_key(arguments.key)
        file = packs.sign(arguments.pack, arguments.key)
    if arguments.json:
        emit({"signature": str(file), "new_key": made})
    else:
        print(file)
    if made is not None:
        say(f"a new key was made; others pin its public half: vitals models pin {made}")
    return 0
