"""The grammar of the command line. `run` names the function that does it: module of this room, colon, function."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

PASSPHRASE = (
    "The passphrase of a store comes from a prompt, from --passphrase-file, or from the environment variable "
    "VITALS_PASSPHRASE; never from an argument."
)


def duration(text: str) -> float:
    """Seconds from "90", "90s", "10m", "1.5h" or "2d"."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhd]?)", text.strip())
    if not match or float(match[1]) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a duration; write for example 90s, 10m or 1.5h")
    return float(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}[match[2]]


def seed(text: str) -> int:
    """A whole number that is not negative."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a seed; write a whole number from 0 on")
    return int(text)


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="vitals",
        description="Wearable health monitoring that stays on the device. Not a medical device.",
        epilog=PASSPHRASE,
    )
    parser.add_argument("--version", action="version", version=_version())
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, run: str, text: str, *parents: argparse.ArgumentParser) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=text, description=text, parents=list(parents), epilog=PASSPHRASE)
        made.set_defaults(run=run)
        return made

    json, key, store, span = _json(), _key(), _store(), _span()

    demo = command("demo", "demo:run", "a virtual watch from Bluetooth to an encrypted store, no hardware", json, key)
    demo.add_argument("--record", type=Path, metavar="PATH", help="play this WFDB record or RR text instead")
    demo.add_argument(
        "--store", type=Path, metavar="S", help="keep the store here (default: a new folder in demo-store)"
    )
    demo.add_argument("--hours", type=float, default=3.0, help="length of the synthetic recording (default 3)")
    demo.add_argument("--seed", type=seed, default=1, help="another seed is another wearer (default 1)")

    radio = _radio()
    scan = command("scan", "devices:scan", "list the Bluetooth devices that advertise", json, radio)
    scan.add_argument("--for", type=duration, default=5.0, dest="seconds", metavar="TIME", help="listen so long (5s)")
    for name, run, text in (
        ("record", "devices:record", "record a device into a store"),
        ("live", "devices:live", "record a device and show heart rate and events as they come"),
    ):
        made = command(name, run, text, json, store, key, radio)
        made.add_argument("device", metavar="DEVICE", help="advertised name or address")
        made.add_argument("--for", type=duration, dest="seconds", metavar="TIME", help="stop after this time (10m)")
        made.add_argument("--journal", action="store_true", help="also keep what arrived, to be decoded again later")
        if name == "record":
            text = "ask for no key: seal what arrives until `vitals take-in` is run with one"
            made.add_argument("--locked", action="store_true", help=text)
    command("take-in", "collecting:take_in", "take in what was recorded with --locked", json, store, key)

    imported = command(
        "import", "holdings:import_files", "read recordings into a store (created if new)", json, store, key
    )
    imported.add_argument("files", nargs="+", type=Path, metavar="FILE", help="RECORD.hea (WFDB) or RR text; detected")
    imported.add_argument("--subject", default="self", help="whose recording it is (default: self)")
    command("analyze", "holdings:analyze", "compute features and events over all that a store holds", json, store, key)
    command("streams", "holdings:streams", "list the streams of a store", json, store, key)
    events = command("events", "holdings:events", "list the events of a store", json, store, key, span)
    events.add_argument("--kind", help="only events of this kind")
    _wording(events)
    events.add_argument(
        "--link", action="store_true", help="instead: losses, returns and troubles of the links of the recordings"
    )
    features = command("features", "holdings:features", "list the features of a store", json, store, key, span)
    features.add_argument("--csv", action="store_true", help="comma-separated values")
    command("verify", "holdings:verify", "check every byte of a store", json, store, key)
    erase = command("erase", "keeping:erase", "take rows out of a store for good", json, store, key, span)
    erase.add_argument("--subject", help="all that was recorded of this person")
    erase.add_argument("--kind", help="streams of this kind, and what was computed in the same sessions")
    erase.add_argument("--everything", action="store_true", help="destroy the whole store")
    erase.add_argument("--finish", action="store_true", help="finish an erasure that was interrupted")
    erase.add_argument("--receipt", type=Path, metavar="FILE", help="write the receipt here")
    erase.add_argument("--yes", action="store_true", help="do not ask again")
    checked = command("check-receipt", "keeping:check", "check the receipt of an erasure", json, store, key)
    checked.add_argument("file", type=Path, metavar="FILE")
    backup = command(
        "backup", "keeping:backup", "copy a store, verified, under a data key of its own", json, store, key
    )
    backup.add_argument("out", type=Path, metavar="OUT", help="a new folder")
    restore = command("restore", "keeping:restore", "merge a backup into its store, or make it anew", json, store, key)
    restore.add_argument("backup", type=Path, metavar="BACKUP")
    keep = command("keep", "keeping:keep", "say for how long the samples of a kind are kept", json, store, key)
    keep.add_argument("kind", nargs="?", metavar="KIND", help="kind of stream, e.g. acc; without it: show all")
    keep.add_argument("days", nargs="?", metavar="DAYS", help="a number, or forever")
    command("expire", "keeping:expire", "take out samples that are older than they are kept", json, store, key)
    out = command("export", "opening:export", "write all of a person as CSV and JSON, in plaintext", json, store, key)
    out.add_argument("out", type=Path, metavar="OUT", help="a new folder")
    out.add_argument("--subject", default="self", help="whose (default: self)")
    why = command("why", "opening:why", "show how a number was made, and make it again", json, store, key)
    why.add_argument("id", metavar="ID", help="of an event or a window: see `vitals events --json`")
    _wording(why)
    consent = command("consent", "opening:consent", "give, withdraw or list consents", json, store, key)
    consent.add_argument("--give", metavar="PARTY", help="who may have it")
    consent.add_argument("--purpose", help="what for")
    consent.add_argument("--subject", default="self", help="whose data (default: self)")
    consent.add_argument("--stream", action="append", default=[], metavar="KIND", help="only these kinds (repeatable)")
    consent.add_argument("--expires", metavar="TIME", help="ISO 8601 with offset")
    consent.add_argument("--withdraw", metavar="ID", help="end a consent now")
    ec57 = command("ec57", "scoring:ec57", "score beats against reference annotations, by ANSI/AAMI EC57", json)
    ec57.add_argument("records", nargs="+", type=Path, metavar="RECORD", help="WFDB records, e.g. mitdb/*.hea")
    ec57.add_argument("--reference", default="atr", metavar="EXT", help="annotator of the truth (atr)")
    ec57.add_argument("--test", metavar="EXT", help="annotator to be scored; without it vitals' own detector")
    ec57.add_argument("--detector", choices=("offline", "stream"), default="offline", help="(offline)")
    ec57.add_argument("--channel", type=int, default=0, help="of the ECG (0)")
    ec57.add_argument("--learning", type=float, default=300.0, metavar="S", help="seconds left out first (300)")
    command("audit", "keeping:audit", "show what was done with a store", json, store, key)
    _keys(commands, json, store, key)
    _sync(commands, json, store, key)
    _models(commands, json, store, key)
    return parser


def _wording(command: argparse.ArgumentParser) -> None:
    text = "neutral words (default), or the clinical ones for what such an event is looked at for"
    command.add_argument("--wording", choices=("neutral", "clinical"), default="neutral", help=text)


def _keys(commands: argparse._SubParsersAction[argparse.ArgumentParser], *parents: argparse.ArgumentParser) -> None:
    text = "who may open a store: passphrases, recovery codes, the keyring"
    keys = commands.add_parser("keys", help=text, description=text).add_subparsers(required=True, metavar="ACTION")

    def action(name: str, run: str, text: str) -> argparse.ArgumentParser:
        made = keys.add_parser(name, help=text, description=text, parents=list(parents), epilog=PASSPHRASE)
        made.set_defaults(run=f"locking:{run}")
        return made

    action("list", "show", "list the keys of a store by number and kind")
    action("recovery", "add_recovery", "make a recovery code to be kept on paper")
    new = action("passphrase", "passphrase", "change the passphrase, or add one")
    new.add_argument("--new-passphrase-file", type=Path, metavar="FILE", help="else VITALS_NEW_PASSPHRASE, or a prompt")
    ring = action("to-keyring", "add_keyring", "let the operating system's keyring open the store too")
    ring.add_argument("name", nargs="?", default="default", metavar="NAME", help="of the entry (default)")
    action("remove", "remove", "take a key away").add_argument("number", type=int, help="see vitals keys list")
    action("drill", "drill", "prove that the recovery code on paper opens the store")
    action("rekey", "rekey", "encrypt the whole store anew; all other keys are gone")


def _sync(commands: argparse._SubParsersAction[argparse.ArgumentParser], *parents: argparse.ArgumentParser) -> None:
    text = "hand what changed to another device, sealed for it; no network"
    sync = commands.add_parser("sync", help=text, description=text).add_subparsers(required=True, metavar="ACTION")
    identity = sync.add_parser("identity", help="show the key that others seal bundles for", parents=list(parents))
    identity.set_defaults(run="sharing:identity")
    bundle = sync.add_parser(
        "bundle", help="write what changed since the last bundle for a recipient", parents=list(parents)
    )
    bundle.add_argument(
        "--to", required=True, metavar="RECIPIENT", help="the key that `vitals sync identity` shows there"
    )
    bundle.add_argument("--since", type=int, metavar="SEQ", help="begin after this row instead of the kept cursor")
    bundle.add_argument("file", type=Path, metavar="FILE", help="the sealed bundle to write")
    bundle.set_defaults(run="sharing:bundle")
    apply = sync.add_parser("apply", help="take in a bundle that was sealed for this store", parents=list(parents))
    apply.add_argument("file", type=Path, metavar="FILE")
    apply.set_defaults(run="sharing:apply")


def _models(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    json: argparse.ArgumentParser,
    *opening: argparse.ArgumentParser,
) -> None:
    text = "the tiny models: list, explain, train, evaluate"
    models = commands.add_parser("models", help=text, description=text).add_subparsers(required=True, metavar="ACTION")

    def action(name: str, run: str, text: str, *parents: argparse.ArgumentParser) -> argparse.ArgumentParser:
        made = models.add_parser(name, help=text, description=text, parents=[json, *parents])
        made.set_defaults(run=run)
        return made

    action("list", "modelling:show_list", "list the shipped and installed models and the runtimes that work here")
    text = "compare the features that a store holds with what the models were trained on"
    action("drift", "modelling:show_drift", text, *opening)
    install = action("install", "packing:install", "install a signed model and use it from now on")
    install.add_argument("pack", type=Path, metavar="PACK", help="a .tflite with its card and signature beside it")
    install.add_argument("--older", action="store_true", help="also where its version is not above those met before")
    action("rollback", "packing:rollback", "use the model that was used before the installed one").add_argument("name")
    pin = action("pin", "packing:pin", "trust models that this key signed")
    pin.add_argument("key", metavar="KEY", help="the public key, 64 hexadecimal digits")
    unpin = action("unpin", "packing:unpin", "trust models of a key no longer")
    unpin.add_argument("key", metavar="FINGERPRINT", help="of the key: see vitals models list")
    made = action("sign", "packing:sign", "sign a model and its card, for others to install")
    made.add_argument("pack", type=Path, metavar="FILE", help="a .tflite with its card beside it")
    text = "the private key (made where there is none)"
    made.add_argument("--key", type=Path, required=True, metavar="KEYFILE", help=text)
    export = action("export", "modelling:export", "write a model and its card to a file")
    export.add_argument("name")
    export.add_argument("file", metavar="FILE", help="ends in .tflite")
    action("card", "modelling:card", "show the card of a model").add_argument("name")
    train = action("train", "modelling:train", "train a model from recordings (extra: train)")
    train.add_argument("name")
    train.add_argument("--data", type=Path, required=True, metavar="DIR", help="the folder that holds the data sets")
    train.add_argument("--out", type=Path, default=Path("models-out"), metavar="DIR", help="default: models-out")
    train.add_argument("--seed", type=seed, default=0)
    train.add_argument("--subjects", help="only these, separated by commas")
    evaluate = action("evaluate", "modelling:evaluate", "score a model on recordings (extra: train)")
    evaluate.add_argument("name", help="a shipped model or the path of a .tflite with its card beside it")
    evaluate.add_argument("--data", type=Path, required=True, metavar="DIR", help="the folder that holds the data sets")
    evaluate.add_argument("--subjects", help="only these, separated by commas")


def _json() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(add_help=False)
    made.add_argument("--json", action="store_true", help="JSON lines on stdout")
    return made


def _radio() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(add_help=False)
    text = "not by the Bluetooth of this computer but by the controller behind this HCI transport (extra: sim)"
    made.add_argument("--hci", metavar="SPEC", help=f"{text}: tcp-client:HOST:PORT, usb:0, ...")
    return made


def _key() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(add_help=False)
    made.add_argument("--passphrase-file", type=Path, metavar="FILE", help="read the passphrase from this file")
    made.add_argument("--keyring", metavar="NAME", help="use the key of this name in the operating system's keyring")
    made.add_argument("--recovery-file", type=Path, metavar="FILE", help="open with the recovery code in this file")
    return made


def _store() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(add_help=False)
    made.add_argument("--store", type=Path, required=True, metavar="S", help="the folder of the store")
    return made


def _span() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(add_help=False)
    made.add_argument("--from", dest="start", metavar="TIME", help="ISO 8601 with offset, e.g. 2026-11-24T08:00:00Z")
    made.add_argument("--to", dest="end", metavar="TIME", help="ISO 8601 with offset")
    return made


def _version() -> str:
    from vitals import __version__

    return f"vitals {__version__}"
