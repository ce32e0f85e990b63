"""The command line: one command is one library call.

Laws of this room:
1. Results go to stdout (JSON lines with --json), words and progress to stderr.
2. Exit 0: done. 1: it could not be done, a sentence says why. 2: the command line is wrong. 130: interrupted.
3. A user's mistake never shows a traceback; a passphrase never comes from an argument.
4. `vitals --help` loads nothing but this room: every command imports what it needs when it runs.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module

from vitals.cli.parser import build_parser
from vitals.errors import VitalsError


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line; returns the exit status."""
    try:
        arguments = build_parser().parse_args(argv)
    except SystemExit as stop:  # argparse has spoken
        return int(stop.code or 0)
    module, _, function = arguments.run.partition(":")
    try:
        status: int = getattr(import_module(f"vitals.cli.{module}"), function)(arguments) or 0
        if sys.stdout is not None:  # closed by whoever started us
            sys.stdout.flush()
    except VitalsError as error:
        print(f"vitals: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # the reader of our output went away: what it wanted, it has
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        where = f": {error.filename}" if error.filename else ""
        print(f"vitals: {error.strerror or error}{where}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("vitals: interrupted", file=sys.stderr)
        return 130
    return status
