"""Readers of public recordings, by idea: intervals and rhythm marks, beats of an ECG (train extra: wfdb)."""

from vitals_models.datasets.ecg_beats import EcgRecord, read_ecg
from vitals_models.datasets.intervals import BEATS, DATASETS, SAME_PERSON, Recording, read

__all__ = ["BEATS", "DATASETS", "SAME_PERSON", "EcgRecord", "Recording", "read", "read_ecg"]
