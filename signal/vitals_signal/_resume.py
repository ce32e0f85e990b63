"""State of a stream as bytes: what a monitor keeps so that a restart goes on where it stopped.

Laws of this file:
1. The bytes are JSON: nothing in them is ever executed.
2. A stream that was restored gives the numbers that the original would have given.
"""

from __future__ import annotations

import base64
import json
from collections import deque
from typing import Any, ClassVar, Self

import numpy as np


class Resumable:
    """A stream whose whole state lies in its attributes: numbers, texts, arrays, containers and other such streams."""

    _streams: ClassVar[dict[str, type[Resumable]]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        Resumable._streams[cls.__qualname__] = cls

    def to_bytes(self) -> bytes:
        """The state, to be kept as it is; it holds health data."""
        return json.dumps(_plain(self)).encode()

    @classmethod
    def from_bytes(cls, state: bytes) -> Self:
        """The stream that `to_bytes` was called on. Raises ValueError if the bytes are no state of this class."""
        try:
            stream = _live(json.loads(state))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"these bytes are no state of {cls.__qualname__}") from error
        if type(stream) is not cls:
            raise ValueError(f"these bytes are a state of {type(stream).__qualname__}, not of {cls.__qualname__}")
        return stream


def _attributes(stream: Resumable) -> dict[str, Any]:
    slots = [name for cls in type(stream).__mro__ for name in getattr(cls, "__slots__", ())]
    return {
        **getattr(stream, "__dict__", {}),
        **{name: getattr(stream, name) for name in slots if hasattr(stream, name)},
    }


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.generic):
        return {"scalar": _plain(np.asarray(value))}
    if isinstance(value, np.ndarray):
        if value.dtype.hasobject:
            raise TypeError("an array of objects cannot be kept")
        data = base64.b64encode(np.ascontiguousarray(value).tobytes()).decode()
        return {"array": [value.dtype.str, list(value.shape), data]}
    if isinstance(value, tuple):
        return {"tuple": [_plain(item) for item in value]}
    if isinstance(value, deque):
        return {"deque": [_plain(item) for item in value], "maxlen": value.maxlen}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {"dict": [[_plain(key), _plain(item)] for key, item in value.items()]}
    if isinstance(value, Resumable):
        return {"stream": type(value).__qualname__, "state": _plain(_attributes(value))}
    raise TypeError(f"a stream may not keep a {type(value).__name__}")


def _live(value: Any) -> Any:
    if isinstance(value, list):
        return [_live(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "scalar" in value:
        return _live(value["scalar"])[()]
    if "array" in value:
        dtype, shape, data = value["array"]
        return np.frombuffer(base64.b64decode(data), np.dtype(dtype)).reshape(shape).copy()
    if "tuple" in value:
        return tuple(_live(item) for item in value["tuple"])
    if "deque" in value:
        return deque((_live(item) for item in value["deque"]), value["maxlen"])
    if "dict" in value:
        return {_live(key): _live(item) for key, item in value["dict"]}
    cls = Resumable._streams[value["stream"]]
    stream = object.__new__(cls)
    for name, item in _live(value["state"]).items():
        object.__setattr__(stream, name, item)
    return stream
