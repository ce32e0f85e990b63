"""Features in, score out: tiny models on numpy and a TensorFlow Lite runtime.

    model = vitals_models.load("irregular-rhythm")
    model.predict_proba(X)      # (W,) probabilities, NaN where the model abstains
    model.contributions(X)      # (W, F) what moved the score
    model.card                  # data, subjects, figures, limits

Everything is imported on first use; `import vitals_models` itself loads nothing else.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vitals_models.card import Card
    from vitals_models.loading import Model, export, load
    from vitals_models.runtime import available_runtimes
    from vitals_models.training import evaluate, train

__all__ = ["Card", "Model", "available_runtimes", "evaluate", "export", "load", "train"]

_HOMES = {
    "Card": "card",
    "Model": "loading",
    "available_runtimes": "runtime",
    "evaluate": "training",
    "export": "loading",
    "load": "loading",
    "train": "training",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'vitals_models' has no attribute {name!r}")
    return getattr(import_module(f"vitals_models.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
