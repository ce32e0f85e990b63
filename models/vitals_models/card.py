"""The card of a model: what it was trained on, how well it did on whom, and what it must not be used for.

Laws
1. A card names its model file by SHA-256; `load` checks it.
2. The same training gives the same card, byte for byte: no time stamps.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import Any

from vitals_models.errors import CardError


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure with its 95 % interval from resampling subjects; None where one subject or class is too few."""

    data: str  # data set
    name: str  # "sensitivity", "specificity", "auroc", ...
    value: float
    low: float | None
    high: float | None
    subjects: int
    windows: int


@dataclass(frozen=True, slots=True)
class Source:
    """A data set that a model was trained on."""

    name: str
    title: str
    licence: str
    subjects: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Conformal:
    """Split conformal prediction per class (Vovk 2012, "Conditional validity of inductive conformal predictors").

    Class k is in the set where its probability is at least `least[k]`, so that the true class is left out in about
    `alpha` of its windows.
    """

    alpha: float
    least: tuple[float, ...]  # by class


@dataclass(frozen=True, slots=True)
class Familiar:
    """What training has seen of each feature: a window with more than `most` features outside is unlike all of it."""

    low: tuple[float, ...]
    high: tuple[float, ...]
    most: int
    deciles: tuple[tuple[float, ...], ...] = ()  # nine of each feature; cards without them cannot tell drift


@dataclass(frozen=True, slots=True)
class Card:
    """Everything about a model that its file does not say."""

    name: str
    version: str
    task: str
    output: str
    feature_version: str
    features: tuple[str, ...]
    mean: tuple[float, ...]  # standardisation, outside the network
    std: tuple[float, ...]
    clip: float  # standardised features are cut at +- this
    classes: tuple[str, ...]  # two for one logit (the second is the positive one), else one per logit
    threshold: float  # probability from which on a window is positive; of more classes, that the leading one needs
    sources: tuple[Source, ...]
    held_out: tuple[str, ...]  # subjects never seen in training
    split: str
    measures: tuple[Measure, ...]
    conformal: tuple[Conformal, ...]
    familiar: Familiar | None
    limits: tuple[str, ...]
    recipe: tuple[str, ...]
    sha256: str
    size_bytes: int

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=1, sort_keys=False, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Card:
        """Raises CardError, which names the field, for anything that `to_json` could not have written."""
        try:
            raw = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise CardError(f"card: not JSON ({error})") from None
        values = _fields(cls, raw, "card")
        for name in ("name", "version", "task", "output", "feature_version", "split", "sha256"):
            _check(isinstance(values[name], str), name)
        for name in ("clip", "threshold"):
            _check(_is_number(values[name]), name)
        _check(0.0 < values["threshold"] < 1.0, "threshold")
        _check(values["clip"] > 0, "clip")
        _check(isinstance(values["size_bytes"], int), "size_bytes")
        for name in ("features", "classes", "held_out", "limits", "recipe"):
            values[name] = _list(values[name], name, lambda item: isinstance(item, str))
        for name in ("mean", "std"):
            values[name] = _list(values[name], name, _is_number)
            _check(len(values[name]) == len(values["features"]), name)
        _check(all(s > 0 for s in values["std"]), "std")
        _check(len(values["classes"]) >= 2, "classes")
        kinds, width = len(values["classes"]), len(values["features"])
        values["conformal"] = tuple(_conformal(item, kinds) for item in _list(values["conformal"], "conformal", bool))
        values["familiar"] = None if values["familiar"] is None else _familiar(values["familiar"], width)
        values["sources"] = tuple(_source(item) for item in _list(values["sources"], "sources", bool))
        values["measures"] = tuple(_measure(item) for item in _list(values["measures"], "measures", bool))
        return cls(**values)


def _source(raw: Any) -> Source:
    values = _fields(Source, raw, "sources")
    values["subjects"] = _list(values["subjects"], "subjects", lambda item: isinstance(item, str))
    _check(all(isinstance(values[name], str) for name in ("name", "title", "licence")), "sources")
    return Source(**values)


def _measure(raw: Any) -> Measure:
    values = _fields(Measure, raw, "measures")
    _check(all(isinstance(values[name], str) for name in ("data", "name")), "measures")
    _check(_is_number(values["value"]), "measures")
    _check(all(values[name] is None or _is_number(values[name]) for name in ("low", "high")), "measures")
    _check(all(isinstance(values[name], int) for name in ("subjects", "windows")), "measures")
    return Measure(**values)


def _conformal(raw: Any, classes: int) -> Conformal:
    values = _fields(Conformal, raw, "conformal")
    values["least"] = _list(values["least"], "conformal", _is_number)
    _check(len(values["least"]) == classes and _is_number(values["alpha"]) and 0 < values["alpha"] < 1, "conformal")
    return Conformal(**values)


def _familiar(raw: Any, width: int) -> Familiar:
    values = _fields(Familiar, {"deciles": [], **raw} if isinstance(raw, dict) else raw, "familiar")
    for name in ("low", "high"):
        values[name] = _list(values[name], "familiar", _is_number)
        _check(len(values[name]) == width, "familiar")
    _check(isinstance(values["most"], int) and not isinstance(values["most"], bool), "familiar")
    values["deciles"] = tuple(
        _list(row, "familiar", _is_number)
        for row in _list(values["deciles"], "familiar", lambda item: isinstance(item, list))
    )
    _check(len(values["deciles"]) in (0, width), "familiar")
    _check(all(len(row) == 9 and list(row) == sorted(row) for row in values["deciles"]), "familiar")
    return Familiar(**values)


def _fields(kind: type[Any], raw: Any, what: str) -> dict[str, Any]:
    wanted = {field.name for field in fields(kind)}
    if not isinstance(raw, dict) or set(raw) != wanted:
        raise CardError(f"card: {what} must have exactly the fields {', '.join(sorted(wanted))}")
    return dict(raw)


def _list(raw: Any, name: str, fits: Any) -> tuple[Any, ...]:
    _check(isinstance(raw, list) and all(fits(item) for item in raw), name)
    return tuple(raw)


def _is_number(raw: Any) -> bool:
    return isinstance(raw, int | float) and not isinstance(raw, bool) and abs(raw) < 1e300


def _check(good: bool, name: str) -> None:
    if not good:
        raise CardError(f"card: the field {name} holds a value that no card can hold; get the file again")
