"""A wearer's own threshold: moved within limits, checked on windows held back, and taken off again at any time.

Laws
1. Only the threshold moves. Weights stay those of the signed file: a last layer trained on a wearer's few windows lost
   a fifth of its macro-F1 where the classes were shown evenly and helped half of the wearers at best, and one wearer
   rarely has both classes confirmed. A threshold has one number, which can be read, bounded and reverted.
2. It moves up only, by at most `MOST` in logits: it can silence what a wearer's harmless rhythm sets off, and not make
   the model see what nobody has confirmed.
3. It is chosen on the earlier half of the confirmed windows and kept only where it makes fewer false ones among the
   later half, too.
4. It belongs to one model file. Where that is replaced, it no longer holds. What is computed with it says so.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from vitals_models.errors import PersonalError

if TYPE_CHECKING:
    from vitals_models.loading import Model

MOST = 1.0  # logits: the odds that a flag needs grow at most e-fold
LEAST_WINDOWS = 200  # about three hours of heartbeats at a window every 16
SHARE = 0.01  # of the confirmed windows that may still be positive


@dataclass(frozen=True, slots=True)
class Personal:
    """A wearer's threshold for one model."""

    model: str  # its name
    sha256: str  # of its file
    offset: float  # logits, 0 to MOST
    windows: int  # confirmed windows that it was chosen and checked on
    before: float  # share of the windows held back that were positive without it
    after: float  # and with it

    def threshold(self, trained: float) -> float:
        """The probability that takes the place of the trained threshold."""
        return 1.0 / (1.0 + math.exp(-(math.log(trained / (1.0 - trained)) + self.offset)))

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Personal:
        """Raises PersonalError for anything that `to_json` could not have written."""
        try:
            made = cls(**json.loads(text))
            good = isinstance(made.model, str) and isinstance(made.sha256, str) and isinstance(made.windows, int)
            good = good and 0.0 <= made.offset <= MOST and 0.0 <= made.after <= made.before <= 1.0
        except (ValueError, TypeError, RecursionError):
            good = False
        if not good:
            raise PersonalError("the personal threshold is damaged or out of its limits; make it again")
        return made


def personal_threshold(model: Model, X: ArrayLike) -> Personal:
    """Choose a wearer's threshold from windows that were confirmed to be harmless.

    `X`: (W, F) features as in `Model.predict_proba`, in order of time, of at least 200 windows that can be scored.
    Raises PersonalError where there are too few, where nothing needs to change, or where it does not hold on the later
    half; ValueError for a model of more than two classes; InputShapeError.
    """
    if len(model.classes) != 2:
        raise ValueError(f"{model.card.name} tells {len(model.classes)} classes apart; only one threshold can be moved")
    scored = model.predict_proba(X)
    scored = scored[np.isfinite(scored)]
    if len(scored) < LEAST_WINDOWS:
        raise PersonalError(f"{len(scored)} windows can be scored; a personal threshold needs {LEAST_WINDOWS}")
    half = len(scored) // 2
    odds = np.log(np.clip(scored, 1e-6, 1 - 1e-6) / (1.0 - np.clip(scored, 1e-6, 1 - 1e-6)))
    trained = math.log(model.card.threshold / (1.0 - model.card.threshold))
    wanted = float(np.quantile(odds[:half], 1.0 - SHARE, method="higher")) - trained
    offset = round(min(max(wanted + 1e-3, 0.0), MOST), 4)
    before = float(np.mean(odds[half:] >= trained))
    after = float(np.mean(odds[half:] >= trained + offset))
    if wanted < 0.0:
        raise PersonalError("the trained threshold flags hardly any of these windows; nothing needs to change")
    if not after < before:
        raise PersonalError("the moved threshold flags no fewer of the windows held back; it is not kept")
    return Personal(model.card.name, model.card.sha256, offset, len(scored), round(before, 6), round(after, 6))


def with_personal(model: Model, personal: Personal | None) -> Model:
    """The model with a wearer's threshold, or without one (None). Raises PersonalError for that of another file."""
    if personal is not None and personal.sha256 != model.card.sha256:
        raise PersonalError(f"the personal threshold is of another file than this {model.card.name}; make it again")
    return replace(model, personal=personal)
