"""The features that a store holds against what the models were trained on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from vitals.errors import ModelError

if TYPE_CHECKING:
    from vitals.store import Store
    from vitals_models.drift import FeatureDrift


@dataclass(frozen=True, slots=True)
class Drift:
    """One model on one kind of stream."""

    model: str
    source: str  # kind of the stream
    features: tuple[FeatureDrift, ...]
    why_not: str | None  # why nothing can be told; None where `features` tell


def drift_of(store: Store) -> list[Drift]:
    """Every model that scored windows of the store, by kind of stream, and how far its features have moved.

    Windows of another version of the features than the model at hand takes are passed over. Raises StoreError,
    ModelError.
    """
    import vitals_models
    from vitals_models.drift import drift
    from vitals_models.errors import DriftError, ModelNotFound
    from vitals_models.errors import ModelError as TheirModelError

    scored: dict[tuple[str, str], list[dict[str, float]]] = {}
    for row in store.feature_rows():
        if (maker := row.features.made_by).model_sha256 is not None:
            scored.setdefault((maker.algorithm, row.features.source), []).append(dict(row.features.values))
    found = []
    for (name, source), windows in sorted(scored.items()):
        try:
            card = vitals_models.load(name).card
            x = [
                [values[feature] for feature in card.features]
                for values in windows
                if set(card.features) <= set(values)
            ]
            rows = drift(card, np.array(x, dtype=np.float64).reshape(len(x), len(card.features)))
            found.append(Drift(name, source, rows, None))
        except (DriftError, ModelNotFound) as error:
            found.append(Drift(name, source, (), str(error)))
        except TheirModelError as error:
            raise ModelError(f"the model {name} cannot be used: {error}") from error
    return found
