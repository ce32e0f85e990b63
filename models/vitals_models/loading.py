"""Loading a model: file, card and runtime become one object that scores feature vectors.

Laws
1. The file's SHA-256 is the card's, or nothing is loaded.
2. A row with any non-finite feature is not scored: NaN out, the model abstains.
3. Standardisation and clipping happen here in float64, outside the int8 network.
4. Doubt is said: prediction sets at stated error rates, and rows unlike anything in training.
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
from vitals_models.packs import active
from vitals_models.personal import Personal
from vitals_models.runtime import Runtime, open_runtime

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """A loaded classifier of feature vectors; one object serves one thread at a time."""

    card: Card
    data: bytes  # the .tflite file
    network: Network
    runtime: Runtime
    personal: Personal | None = None  # of one wearer; None: as it was trained

    @property
    def threshold(self) -> float:
        """The probability from which on a window counts as positive; of more than two classes, that the leading one
        needs. Moved where there is a personal one."""
        return self.card.threshold if self.personal is None else self.personal.threshold(self.card.threshold)

    @property
    def classes(self) -> tuple[str, ...]:
        """What it tells apart, in the order of the probabilities; of two, the second is the positive one."""
        return self.card.classes

    def predict_proba(self, X: ArrayLike) -> Floats:
        """Probability of the positive class, (W,); of more than two classes the probability of each, (W, K).

        `X`: (W, F) features in the order of `card.features`. Returns float64 in 0..1, NaN where a feature of the row
        is not finite. Raises InputShapeError for any other shape or type.
        """
        p = self._probabilities(X)
        return p[:, 1] if len(self.classes) == 2 else p

    def prediction_sets(self, X: ArrayLike, alpha: float) -> NDArray[np.bool_]:
        """Which classes cannot be excluded at the error rate `alpha`, (W, K): conformal prediction.

        More than one: it is in doubt. None: nothing like what it has learned. Rows that are not scored exclude
        nothing. Raises ValueError where the card has no such rate.
        """
        kept = next((one for one in self.card.conformal if abs(one.alpha - alpha) < 1e-9), None)
        if kept is None:
            rates = ", ".join(f"{one.alpha:g}" for one in self.card.conformal) or "none"
            raise ValueError(f"{self.card.name} has no prediction sets at alpha {alpha}; it has: {rates}")
        p = self._probabilities(X)
        return np.asarray((p >= kept.least) | np.isnan(p), dtype=np.bool_)

    def unfamiliar(self, X: ArrayLike) -> NDArray[np.bool_]:
        """Whether a row is unlike what the model was trained on, (W,): too many features out of the range seen there.

        Rows with a feature that is not finite are unfamiliar; so is nothing where the card has no such range.
        """
        x = self._checked(X)
        if self.card.familiar is None:
            return np.asarray(~np.isfinite(x).all(axis=1))
        seen = self.card.familiar
        outside = ~((x >= seen.low) & (x <= seen.high))
        return np.asarray((outside.sum(axis=1) > seen.most) | ~np.isfinite(x).all(axis=1))

    def doubtful(self, X: ArrayLike, alpha: float = 0.1) -> NDArray[np.bool_]:
        """Rows on which the model should not be taken at its word, (W,): unlike its training, not scored, or without
        exactly one class in the prediction set at the error rate `alpha`. Raises ValueError as `prediction_sets`."""
        alone = self.prediction_sets(X, alpha).sum(axis=1) == 1
        return np.asarray(~alone | self.unfamiliar(X))

    def contributions(self, X: ArrayLike) -> Floats:
        """How much each feature moves the logit away from its value at the training mean; of more than two classes, the
        logit of the leading class over the mean of the others.

        `X` as in `predict_proba`; returns (W, F), positive towards that class, NaN for rows not scored. One feature at
        a time is set to its mean; for a linear model that is exactly coefficient times standardised value.
        """
        z = self._standardised(X)
        out = np.full(z.shape, np.nan)
        known = np.isfinite(z).all(axis=1)
        logits = self.network.real(z[known])
        leading = logits.argmax(axis=1)
        whole = _lead(logits, leading)
        for feature in range(z.shape[1]):
            without = z[known].copy()
            without[:, feature] = 0.0
            out[known, feature] = whole - _lead(self.network.real(without), leading)
        return out

    def _probabilities(self, X: ArrayLike) -> Floats:
        z = self._standardised(X)
        out = np.full((len(z), len(self.classes)), np.nan)
        known = np.isfinite(z).all(axis=1)
        logits = self._logits(z[known])
        if logits.shape[1] == 1:
            positive = 1.0 / (1.0 + np.exp(-logits[:, 0]))
            out[known] = np.column_stack((1.0 - positive, positive))
        else:
            powers = np.exp(logits - logits.max(axis=1, keepdims=True, initial=-np.inf))
            out[known] = powers / powers.sum(axis=1, keepdims=True)
        return out

    def _checked(self, X: ArrayLike) -> Floats:
        try:
            x = np.asarray(X, dtype=np.float64)
        except (TypeError, ValueError):
            raise InputShapeError("X is not an array of numbers") from None
        if x.ndim != 2 or x.shape[1] != len(self.card.features):
            raise InputShapeError(
                f"X has shape {x.shape}; {self.card.name} takes (windows, {len(self.card.features)}) features "
                f"of version {self.card.feature_version}"
            )
        return np.where(np.isfinite(x), x, np.nan)

    def _standardised(self, X: ArrayLike) -> Floats:
        x = self._checked(X)
        with np.errstate(over="ignore"):
            return np.clip((x - self.card.mean) / self.card.std, -self.card.clip, self.card.clip)

    def _logits(self, z: Floats) -> Floats:
        source, target = self.network.source, self.network.target
        q = np.clip(np.rint(z / source.scale) + source.zero, -128, 127).astype(np.int8)
        return (self.runtime.run(q).astype(np.float64) - target.zero) * target.scale


def _lead(logits: Floats, leading: NDArray[np.intp]) -> Floats:
    if logits.shape[1] == 1:
        return logits[:, 0]
    own = logits[np.arange(len(logits)), leading]
    return np.asarray(own - (logits.sum(axis=1) - own) / (logits.shape[1] - 1), dtype=np.float64)


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


def load_shipped_card(name: str) -> Card:
    """The card of a shipped model, whatever pack is in use. Raises ModelNotFound, CardError."""
    shipped(name)
    text = files("vitals_models").joinpath("shipped", f"{name}.json").read_text(encoding="utf-8")
    return Card.from_json(text)


def load(name_or_path: str | Path, *, runtime: str | None = None) -> Model:
    """A model by name (a signed pack that is in use, else the shipped one), or a .tflite file with its card
    (.json) beside it.

    `runtime`: "litert", "tflite-runtime" or "numpy"; None takes the first that works. Raises ModelNotFound,
    ModelFileError, CardError, PackError for an installed pack that fails its check, or RuntimeUnavailable.
    """
    if not str(name_or_path).endswith(".tflite") and (pack := active(str(name_or_path))) is not None:
        name_or_path = pack
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
    outputs = 1 if len(card.classes) == 2 else len(card.classes)
    if network.outputs != outputs or network.inputs != len(card.features):
        raise ModelFileError(
            f"model file: {network.inputs} inputs and {network.outputs} outputs; "
            f"the card of {card.name} has {len(card.features)} features and {outputs} outputs"
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
