"""Every error that vitals_models raises on purpose.

    ModelError (RuntimeError)            a model cannot be used
    ├── ModelFileError (ValueError)      the .tflite file is damaged, or holds what we do not run
    ├── CardError (ValueError)           the card is damaged, or does not belong to the file
    ├── ModelNotFound (ValueError)       no shipped model of that name, no file at that path
    ├── PackError (ValueError)           a signed pack, or what is kept of packs, cannot be trusted
    └── RuntimeUnavailable               the asked-for TensorFlow Lite runtime cannot run here
    PersonalError (ValueError)           a wearer's threshold cannot be made or does not belong here
    DriftError (ValueError)              too few windows, or a card without deciles, to tell drift
    InputShapeError (ValueError)         the features given to a model have another shape or type
    DataError (ValueError)               a data set is missing, damaged or empty

The message says whose fault it is and what to do next. No message holds health data.
"""

from __future__ import annotations


class ModelError(RuntimeError):
    """A model cannot be used."""


class ModelFileError(ModelError, ValueError):
    """The .tflite file is damaged, or holds what we do not run."""


class CardError(ModelError, ValueError):
    """The card is damaged, or does not belong to the model file."""


class ModelNotFound(ModelError, ValueError):
    """There is no shipped model of that name and no file at that path."""


class PackError(ModelError, ValueError):
    """A signed pack cannot be trusted: no signature, an unknown key, changed bytes, or an older version."""


class RuntimeUnavailable(ModelError):
    """The asked-for TensorFlow Lite runtime cannot run here."""


class InputShapeError(ValueError):
    """The features given to a model have another shape or type than its card says."""


class PersonalError(ValueError):
    """A wearer's threshold cannot be made, or does not belong to this model."""


class DriftError(ValueError):
    """Drift cannot be told: too few windows, or a card that holds no deciles of its training."""


class DataError(ValueError):
    """A data set is missing, damaged or holds no subject that was asked for."""
