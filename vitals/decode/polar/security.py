"""Keys of Polar's offline recordings: how they are named in requests and how they open a file.

ECB is Polar's choice, not ours: equal blocks stay visible as equal. Treat the files as readable by others.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from vitals.errors import InputError


class Strategy(enum.IntEnum):
    """How a recording is encrypted."""

    NONE = 0
    XOR = 1
    AES128 = 2
    AES256 = 3


KEY_BYTES = {Strategy.NONE: 0, Strategy.AES128: 16, Strategy.AES256: 32}  # XOR takes any length


@dataclass(frozen=True, slots=True)
class Secret:
    """A strategy and its key; the key never shows in a repr. Raises InputError where they do not match."""

    strategy: Strategy
    key: bytes = field(repr=False)

    def __post_init__(self) -> None:
        needed = KEY_BYTES.get(self.strategy)
        if len(self.key) != needed if needed is not None else not self.key:
            what = "at least one byte" if needed is None else f"{needed} bytes"
            raise InputError(f"{self.strategy.name} needs a key of {what}, {len(self.key)} given")


def decrypt(strategy: Strategy, key: bytes, data: bytes) -> bytes:
    """`data` in the clear: XOR with the first byte of the key, or AES in ECB mode over whole 16-byte blocks.

    AES drops the bytes after the last whole block. Loads `cryptography` on first use.
    """
    if strategy is Strategy.NONE:
        return data
    if strategy is Strategy.XOR:
        return data.translate(bytes(value ^ key[0] for value in range(256)))
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    opener = Cipher(algorithms.AES(key), modes.ECB()).decryptor()
    return opener.update(data[: len(data) // 16 * 16]) + opener.finalize()
