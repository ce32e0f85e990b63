#!/usr/bin/env python3
"""The two commands of the README, on a machine that has nothing but Python 3.11 or newer.

    python run.py demo [OPTIONS]        set up, then `vitals demo`: a virtual watch over a virtual Bluetooth link
    python run.py test [OPTIONS]        set up with all extras, then the whole test suite (options go to pytest)
    python run.py check                 ruff, mypy and import-linter
    python run.py bench NAME            one of benchmarks/*.py
    python run.py campaign NAME         a long fault campaign: tests/campaigns/NAME.py
    python run.py vitals ...            the command line of the SDK, from this checkout

Only the standard library is used here. The environment lies in .venv; it is made with uv where that is on the path,
else with venv and pip, and made anew only when a lock file changes. Every package is pinned by its hash.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
STAMP = VENV / "vitals-stamp"
FOLDERS = {"bench": "benchmarks", "campaign": "tests/campaigns"}
LOCKS = {"demo": ROOT / "requirements-demo.lock", "full": ROOT / "requirements.lock"}


def say(text: str) -> None:
    print(f"run.py: {text}", file=sys.stderr, flush=True)


def stop(text: str) -> None:
    say(text)
    raise SystemExit(1)


def venv_python() -> Path:
    return VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def wanted(kind: str) -> str:
    """What the environment must be made from: the interpreter, the lock and the project's own description."""
    import tomllib  # here, for this file also runs where vitals does not

    digest = hashlib.sha256(str(ROOT).encode())
    digest.update(LOCKS[kind].read_bytes())
    described = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))  # not how it is checked
    digest.update(repr([described["build-system"], described["project"], described["tool"]["hatch"]]).encode())
    return f"{kind} {sys.implementation.cache_tag} {digest.hexdigest()}"


def is_whole() -> bool:
    """Whether an environment was finished here."""
    return STAMP.is_file() and venv_python().exists()


def is_ready(kind: str) -> bool:
    """The full environment also serves the demo."""
    return is_whole() and STAMP.read_text() in ({wanted(kind), wanted("full")})


def installers() -> tuple[list[str], list[str]]:
    """Make the bare environment; returns the two commands that install a lock and the project into it.

    One that was finished before is brought up to date in its place: it may be in use.
    """
    uv = shutil.which("uv")
    old = is_whole() and STAMP.read_text().split()[1:2] == [sys.implementation.cache_tag]
    if uv:
        if not old:
            call([uv, "venv", "--quiet", "--python", sys.executable, "--clear", str(VENV)])
        pip = [uv, "pip", "install", "--quiet", "--no-config", "--python", str(venv_python())]
        return [*pip, "--require-hashes", "--only-binary", ":all:"], [*pip, "--no-deps", "--no-build-isolation"]
    # Byte-compiling everything takes as long as the download; Python compiles what is imported, when it is.
    options = ["install", "--quiet", "--no-compile", "--disable-pip-version-check"]
    if importlib.util.find_spec("ensurepip"):
        if not old:
            call([sys.executable, "-m", "venv", "--clear", str(VENV)])
        pip = [str(venv_python()), "-m", "pip", *options]
    elif importlib.util.find_spec("pip"):
        if not old:
            call([sys.executable, "-m", "venv", "--clear", "--without-pip", str(VENV)])
        pip = [sys.executable, "-m", "pip", "--python", str(venv_python()), *options]
    else:
        stop(
            "this Python has neither ensurepip nor pip, so no environment can be made; on Debian and Ubuntu: "
            "sudo apt install python3-venv (or install uv)"
        )
    return [*pip, "--require-hashes", "--only-binary", ":all:"], [*pip, "--no-deps", "--no-build-isolation"]


def call(command: list[str]) -> None:
    done = subprocess.run(command, cwd=ROOT, check=False)
    if done.returncode:
        stop(f"this step failed, its own words are above: {' '.join(command[:6])} ...")


def set_up(kind: str) -> None:
    if is_ready(kind):
        return
    began = time.monotonic()
    say(f"making the environment in {VENV.name} (once; needs the package index) ...")
    install_lock, install_project = installers()
    call([*install_lock, "-r", str(LOCKS[kind])])
    call([*install_project, "-e", str(ROOT)])
    STAMP.write_text(wanted(kind))
    say(f"environment ready after {time.monotonic() - began:.0f} s")


def run(*command: str, cwd: Path | None = ROOT) -> int:
    return subprocess.run([str(venv_python()), *command], cwd=cwd, check=False).returncode


def script(folder: str, arguments: list[str]) -> str:
    """Name of the module that the command means, before anything is installed for it."""
    names = sorted(p.stem for p in (ROOT / folder).glob("*.py") if not p.stem.startswith("_"))
    if not arguments or arguments[0] not in names:
        stop(f"name one of: {', '.join(names) or 'none there yet'}")
    return f"{folder}/{arguments[0]}".replace("/", ".")


def main(arguments: list[str]) -> int:
    if sys.version_info < (3, 11):  # noqa: UP036  (this file also runs where vitals does not)
        stop(f"vitals needs Python 3.11 or newer; this is {sys.version.split()[0]}. Try: python3.11 run.py demo")
    command, rest = (arguments[0], arguments[1:]) if arguments else ("", [])
    if command in {"-h", "--help"}:
        print(__doc__)
        return 0
    if command not in {"demo", "test", "check", "bench", "campaign", "vitals"}:
        say(f"{command!r} is none of its commands; python run.py --help lists them" if command else str(__doc__))
        return 2
    named = script(FOLDERS[command], rest) if command in FOLDERS else ""
    set_up("demo" if command in {"demo", "vitals"} else "full")
    if command in {"demo", "vitals"}:  # where the user stands: paths in the options are the user's
        return run("-m", "vitals", *(["demo"] if command == "demo" else []), *rest, cwd=None)
    if command == "test":
        return run("-m", "pytest", *(rest or ["-n", "2", "--dist", "loadfile"]))
    if command == "check":
        lint = "from importlinter.cli import lint_imports_command; lint_imports_command()"
        return max(run("-m", "ruff", "check"), run("-m", "mypy"), run("-c", lint))
    return run("-m", named, *rest[1:])


if __name__ == "__main__":
    try:
        raise SystemExit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        raise SystemExit(130) from None
