"""Training and evaluation, reproducible from a seed (train extra: scikit-learn, wfdb, ai-edge-litert).

`vitals models train irregular-rhythm --data DIR` and `vitals models evaluate irregular-rhythm --data DIR`.
"""

from vitals_models.training.irregular_rhythm import HELD_OUT, Report, SubjectScore, evaluate, train
from vitals_models.training.validation import CrossValidation, cross_validate

__all__ = ["CrossValidation", "HELD_OUT", "Report", "SubjectScore", "cross_validate", "evaluate", "train"]
