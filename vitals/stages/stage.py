"""What a stage is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Protocol

from vitals.errors import ModelError
from vitals.values import Block, Event, Features, Gap, Provenance

if TYPE_CHECKING:
    from vitals_models import Model

Derived = Features | Event


class Stage(Protocol):
    """One thing that is computed from the streams of one device.

    Laws:
    1. Any split of a stream into blocks gives the same results; only differences of time matter, so session time and
       UTC give the same.
    2. Blocks and gaps of one kind come in order of time. Those of different kinds come interleaved in any way: a stage
       that listens to several must give the same for every interleaving of blocks of at most five seconds that are no
       more than ten seconds late.
    3. A gap is never bridged in silence: coverage and sqi fall, or there is a reason.
    4. Every number names its maker, with the parameters that it was made with.
    """

    made_by: Provenance

    def push(self, item: Block | Gap) -> Iterable[Derived]:
        """One more block or gap of a kind that it listens to."""
        ...

    def end(self) -> Iterable[Derived]:
        """No more data will come."""
        ...


def model_named(name: str, given: Mapping[str, Model]) -> Model:
    """The model of a stage: one that was given, or the shipped one. Raises ModelError."""
    import vitals_models

    if name in given:
        return given[name]
    try:
        return vitals_models.load(name)
    except RuntimeError as error:  # vitals_models.errors.ModelError
        raise ModelError(f"the model {name} cannot be used: {error}") from error


def personal_params(model: Model) -> dict[str, float]:
    """What a maker says of a wearer's own threshold: by how much it was moved, in logits."""
    return {} if model.personal is None else {"personal_offset": model.personal.offset}
