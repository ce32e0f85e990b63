"""Readers of public recordings, by idea: intervals and rhythm marks, beats of an ECG (train extra: wfdb)."""

from vitals_models.datasets.ecg_beats import EcgRecord, read_ecg
from vitals_models.datasets.intervals import BEATS, DATASETS, NEVER_TRAINED_ON, SAME_PERSON, Recording, present, read

__all__ = [
    "BEATS",
    "DATASETS",
    "NEVER_TRAINED_ON",
    "SAME_PERSON",
    "EcgRecord",
    "Recording",
    "present",
    "read",
    "read_ecg",
]
