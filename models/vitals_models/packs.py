"""Signed model packs: NAME.tflite, its card NAME.json and a signature NAME.sig beside them, installed for this user.

Laws
1. A pack is used only where an Ed25519 key (RFC 8032) that was pinned here before signed both its file and its card;
   this is checked when it is installed and again at every load. A pack that fails is an error, never passed over.
2. A version that is not above every one met so far, installed or shipped, is refused unless it is asked for.
3. `rollback` goes back to the pack used before, at last to the shipped model; nothing is deleted by it.
4. What came with this package needs no signature here: the installer checked the wheel's hash, and the card names the
   file's. Keys are pinned by hand only; a pack brings none that is trusted.
5. Whoever may write to the folder may change which keys are pinned: it is as safe as the user's account.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vitals_models.card import Card
from vitals_models.errors import ModelNotFound, PackError

FOLDER_VARIABLE = "VITALS_MODELS"
_DOMAIN = b"vitals model pack 1\n"  # a signature for anything else is none for a pack
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")


@dataclass(frozen=True, slots=True)
class Installed:
    """A pack that is installed here."""

    name: str
    version: str
    sha256: str  # of the .tflite file
    key: str  # fingerprint of the key that signed it
    active: bool  # whether `load(name)` takes it
    path: Path  # its .tflite file


def packs_folder() -> Path:
    """Where packs are installed: the environment variable VITALS_MODELS, else a folder of this user."""
    if given := os.environ.get(FOLDER_VARIABLE):
        return Path(given)
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return base / "vitals" / "models"


def new_key(path: str | Path) -> str:
    """Write a new private key for signing packs (PEM, PKCS #8, readable by its owner only); its public key in hex.

    Raises FileExistsError where there is a file already.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pem)
    return key.public_key().public_bytes_raw().hex()


def sign(path: str | Path, key_file: str | Path) -> Path:
    """Sign a .tflite and the card beside it; the signature file, which lies beside them.

    Raises ModelNotFound for a missing file, PackError for a key file that holds no Ed25519 private key.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    data, card = _read(Path(path))
    try:
        key = load_pem_private_key(Path(key_file).read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        raise PackError(f"the key file cannot be read: {error}") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise PackError("the key file holds another kind of key; packs are signed with Ed25519")
    public = key.public_key().public_bytes_raw().hex()
    signature = {"key": public, "signature": key.sign(_message(data, card)).hex()}
    target = Path(path).with_suffix(".sig")
    target.write_text(json.dumps(signature) + "\n", encoding="ascii")
    return target


def pin(public_key: str) -> str:
    """Trust packs that this key (hex, 32 bytes) signed; its fingerprint. Raises PackError where it is no key."""
    key = public_key.strip().lower()
    if not re.fullmatch(r"[0-9a-f]{64}", key):
        raise PackError("a public key is 64 hexadecimal digits; get it from whoever signs the pack, not from the pack")
    _write(packs_folder() / "keys.json", sorted({*pinned(), key}))
    return fingerprint(key)


def unpin(mark: str) -> None:
    """Trust packs of the key with this fingerprint no longer. Raises PackError where none has it."""
    keys = pinned()
    kept = [key for key in keys if fingerprint(key) != mark]
    if len(kept) == len(keys):
        raise PackError(f"no pinned key has the fingerprint {mark!r}")
    _write(packs_folder() / "keys.json", kept)


def pinned() -> list[str]:
    """The public keys that are trusted, in hex."""
    found = _json(packs_folder() / "keys.json", [])
    if not isinstance(found, list) or not all(isinstance(key, str) for key in found):
        raise PackError("the list of pinned keys is damaged; pin the keys again")
    return found


def fingerprint(public_key: str) -> str:
    """Sixteen hexadecimal digits by which people tell keys apart."""
    return hashlib.sha256(bytes.fromhex(public_key)).hexdigest()[:16]


def verify(path: str | Path) -> Card:
    """Check the signature of a pack; its card. Raises PackError, which says what is wrong, CardError, ModelNotFound."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    file = Path(path)
    data, text = _read(file)
    key, signature = _signature(file.with_suffix(".sig"))
    if key not in pinned():
        raise PackError(f"{file.name} is signed with the key {fingerprint(key)}, which is not pinned here")
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)).verify(bytes.fromhex(signature), _message(data, text))
    except InvalidSignature:
        raise PackError(f"{file.name} or its card was changed after it was signed; get the pack again") from None
    card = Card.from_json(text.decode())
    if hashlib.sha256(data).hexdigest() != card.sha256 or not _NAME.fullmatch(card.name):
        raise PackError(f"the card of {file.name} names another file; whoever signed the pack made a mistake")
    return card


def install(path: str | Path, *, older: bool = False) -> Installed:
    """Install a signed pack and use it from now on.

    `older` allows a version that is not above every one met so far. Raises PackError, CardError, ModelFileError for a
    network that cannot be run, ModelNotFound.
    """
    from vitals_models.loading import load

    file = Path(path)
    card = verify(file)
    load(file)  # what cannot be run is not installed
    highest = max([*map(version_key, _state(card.name)["met"]), *_shipped_version(card.name)], default=())
    if version_key(card.version) <= highest and not older:
        met = ".".join(map(str, highest))
        raise PackError(f"{card.name} {card.version} is not above version {met} met before; ask for it with --older")
    folder = packs_folder() / card.name
    target = folder / f"{card.version}-{card.sha256[:12]}"
    if not target.exists():
        folder.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix=".new-", dir=folder))
        try:
            for ending in (".tflite", ".json", ".sig"):
                shutil.copyfile(file.with_suffix(ending), fresh / f"{card.name}{ending}")
            verify(fresh / f"{card.name}.tflite")  # the copy: the source may have changed meanwhile
            os.replace(fresh, target)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
    state = _state(card.name)
    state["met"] = sorted({*state["met"], card.version}, key=version_key)
    state["used"] = [*(one for one in state["used"] if one != target.name), target.name]
    _write(folder / "state.json", state)
    return next(one for one in installed(card.name) if one.active)


def rollback(name: str) -> Installed | None:
    """Use the pack that was used before this one; None: the shipped model. Raises PackError where none is installed."""
    state = _state(name)
    if not state["used"]:
        raise PackError(f"no pack of {name!r} is in use; what loads is the shipped model")
    state["used"] = state["used"][:-1]
    _write(packs_folder() / name / "state.json", state)
    return next((one for one in installed(name) if one.active), None)


def installed(name: str | None = None) -> list[Installed]:
    """The packs that are installed, or those of one model, each verified. Raises PackError for one that fails."""
    root = packs_folder()
    found = []
    for folder in sorted(root.iterdir()) if root.is_dir() else []:
        if not folder.is_dir() or name not in (None, folder.name):
            continue
        used = _state(folder.name)["used"]
        for one in sorted(folder.glob("[0-9]*/*.tflite")):
            card = verify(one)
            key = fingerprint(_signature(one.with_suffix(".sig"))[0])
            active = bool(used) and one.parent.name == used[-1]
            found.append(Installed(card.name, card.version, card.sha256, key, active, one))
    return found


def active(name: str) -> Path | None:
    """The verified .tflite of the pack that is used for this name; None: there is none. Raises PackError."""
    if not _NAME.fullmatch(name):
        return None
    used = _state(name)["used"]
    if not used:
        return None
    path = packs_folder() / name / str(used[-1]) / f"{name}.tflite"
    card = verify(path)
    if card.name != name:
        raise PackError(f"the pack installed for {name} is one of {card.name}; roll it back or install it again")
    return path


def version_key(version: str) -> tuple[int, ...]:
    """Versions are numbers with dots, compared one by one. Raises PackError for others."""
    if not re.fullmatch(r"\d{1,9}(\.\d{1,9}){0,3}", version):
        raise PackError(f"version {version!r} is not of the form 1.2.3")
    return tuple(int(part) for part in version.split("."))


def _shipped_version(name: str) -> list[tuple[int, ...]]:
    from vitals_models.loading import load_shipped_card, shipped_names

    if name not in shipped_names():
        return []
    return [version_key(load_shipped_card(name).version)]


def _read(file: Path) -> tuple[bytes, bytes]:
    if file.suffix != ".tflite" or not file.is_file() or not file.with_suffix(".json").is_file():
        raise ModelNotFound(f"{file.name} is no pack: it must end in .tflite, with its card (.json) beside it")
    return file.read_bytes(), file.with_suffix(".json").read_bytes()


def _signature(file: Path) -> tuple[str, str]:
    if not file.is_file():
        raise PackError(f"{file.name} is missing: the pack is not signed")
    raw = _json(file, None)
    if isinstance(raw, dict) and set(raw) == {"key", "signature"}:
        key, signature = raw["key"], raw["signature"]
        if re.fullmatch(r"[0-9a-f]{64}", str(key)) and re.fullmatch(r"[0-9a-f]{128}", str(signature)):
            return str(key), str(signature)
    raise PackError(f"{file.name} holds no signature; get the pack again")


def _message(data: bytes, card: bytes) -> bytes:
    return _DOMAIN + hashlib.sha256(data).digest() + hashlib.sha256(card).digest()


def _state(name: str) -> dict[str, list[str]]:
    """`met`: versions ever installed; `used`: folders in the order of their use, the last one is active."""
    raw = _json(packs_folder() / name / "state.json", {"met": [], "used": []})
    if not isinstance(raw, dict) or set(raw) != {"met", "used"} or not all(isinstance(v, list) for v in raw.values()):
        raise PackError(f"what is kept of the packs of {name} is damaged; install the pack again")
    if not all(isinstance(one, str) and re.fullmatch(r"[0-9a-f.-]+", one) for v in raw.values() for one in v):
        raise PackError(f"what is kept of the packs of {name} is damaged; install the pack again")
    return raw


def _json(file: Path, absent: Any) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return absent
    except (ValueError, RecursionError):
        raise PackError(f"{file.name} is damaged: it is not JSON") from None


def _write(file: Path, value: Any) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_suffix(".new")
    fresh.write_text(json.dumps(value) + "\n", encoding="utf-8")
    os.replace(fresh, file)
