"""Loading a model: file, card and runtime become one object that scores feature vectors.

Laws
1. The file's SHA-256 is the card's, or nothing is loaded.
2. A row with any non-finite feature is not scored: NaN out, the model abstains.
3. Standardisation and clipping happen here in float64, outside the int8 network.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vitals_models.card import Card
from vitals_models.errors import CardError, InputShapeError, ModelFileError, ModelNotFound
from vitals_models.network import Network, read_network
from vitals_models.runtime import Runtime, open_runtime

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """A loaded binary classifier; one object serves one thread at a time."""

    card: Card
    data: bytes  # the .tflite file
    network: Network
    runtime: Runtime

    @property
    def threshold(self) -> float:
        """The probability from which on a window counts as positive."""
        return self.card.threshold

    def predict_proba(self, X: ArrayLike) -> Floats:
        """Probability of the positive class.

        `X`: (W, F) features in the order of `card.features`. Returns (W,) float64 in 0..1, NaN where a feature of the
        row is not finite. Raises InputShapeError for any other shape or type.
        """
        z = self._standardised(X)
        out = np.full(len(z), np.nan)
        known = np.isfinite(z).all(axis=1)
        out[known] = 1.0 / (1.0 + np.exp(-self._logits(z[known])))
        return out

    def contributions(self, X: ArrayLike) -> Floats:
        """How much each feature moves the logit away from its value at the training mean.

        `X` as in `predict_proba`; returns (W, F), positive towards the positive class, NaN for rows not scored. One
        feature at a time is set to its mean; for a linear model that is exactly coefficient times standardised value.
        """
        z = self._standardised(X)
        out = np.full(z.shape, np.nan)
        known = np.isfinite(z).all(axis=1)
        whole = self.network.real(z[known])[:, 0]
        for feature in range(z.shape[1]):
            without = z[known].copy()
            without[:, feature] = 0.0
            out[known, feature] = whole - self.network.real(without)[:, 0]
        return out

    def _standardised(self, X: ArrayLike) -> Floats:
        try:
            x = np.asarray(X, dtype=np.float64)
        except (TypeError, ValueError):
            raise InputShapeError("X is not an array of numbers") from None
        if x.ndim != 2 or x.shape[1] != len(self.card.features):
            raise InputShapeError(
                f"X has shape {x.shape}; {self.card.name} takes (windows, {len(self.card.features)}) features "
                f"of version {self.card.feature_version}"
            )
        x = np.where(np.isfinite(x), x, np.nan)
        with np.errstate(over="ignore"):
            return np.clip((x - self.card.mean) / self.card.std, -self.card.clip, self.card.clip)

    def _logits(self, z: Floats) -> Floats:
        source, target = self.network.source, self.network.target
        q = np.clip(np.rint(z / source.scale) + source.zero, -128, 127).astype(np.int8)
        return (self.runtime.run(q)[:, 0].astype(np.float64) - target.zero) * target.scale


def shipped_names() -> list[str]:
    """Names of the models that came with this package, sorted."""
    found = files("vitals_models").joinpath("shipped").iterdir()
    return sorted(item.name.removesuffix(".tflite") for item in found if item.name.endswith(".tflite"))


def shipped(name: str) -> Traversable:
    """The .tflite file of a shipped model. Raises ModelNotFound, which lists the names there are."""
    names = shipped_names()
    if name not in names:
        raise ModelNotFound(f"there is no shipped model {name!r}; there are: {', '.join(names)}")
    return files("vitals_models").joinpath("shipped", f"{name}.tflite")


def load(name_or_path: str | Path, *, runtime: str | None = None) -> Model:
    """A shipped model by name, or a .tflite file that has its card (.json) beside it.

    `runtime`: "litert", "tflite-runtime" or "numpy"; None takes the first that works. Raises ModelNotFound,
    ModelFileError, CardError or RuntimeUnavailable.
    """
    if str(name_or_path).endswith(".tflite"):
        path = Path(name_or_path)
        if not path.is_file():
            raise ModelNotFound(f"there is no model file {path}")
        data, beside = path.read_bytes(), path.with_suffix(".json")
        if not beside.is_file():
            raise CardError(f"the model file {path.name} has no card beside it; expected {beside.name}")
        text = beside.read_bytes()
    else:
        file = shipped(str(name_or_path))
        data, text = file.read_bytes(), files("vitals_models").joinpath("shipped", f"{name_or_path}.json").read_bytes()
    try:
        card = Card.from_json(text.decode())
    except UnicodeDecodeError:
        raise CardError("card: not UTF-8 text; get the file again") from None
    if (found := hashlib.sha256(data).hexdigest()) != card.sha256:
        raise CardError(
            f"the file of {card.name} is not the one its card names: SHA-256 {found[:12]}, card {card.sha256[:12]}"
        )
    network = read_network(data)
    if network.outputs != 1 or network.inputs != len(card.features):
        raise ModelFileError(
            f"model file: {network.inputs} inputs and {network.outputs} outputs; "
            f"the card of {card.name} has {len(card.features)} features and one output"
        )
    return Model(card, data, network, open_runtime(data, runtime))


def export(model: Model, path: str | Path, format: str = "tflite") -> Path:  # noqa: A002 - the word of the door
    """Write a model to `path` (.tflite) and its card beside it (.json); `load` takes them back.

    Raises ValueError for another format or file name.
    """
    target = Path(path)
    if format != "tflite" or target.suffix != ".tflite":
        raise ValueError(f'format is {format!r} and path ends in {target.suffix!r}; use "tflite" and ".tflite"')
    target.write_bytes(model.data)
    target.with_suffix(".json").write_text(model.card.to_json(), encoding="utf-8")
    return target
