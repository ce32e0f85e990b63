"""Polar: measurement data (PMD), its control point, advertisements, offline recordings.

Facts come from Polar's public SDK, issues and documentation; none of its code is used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from vitals.decode.polar.advert import HrAdvert, decode_hr_advert, encode_hr_advert, find_hr_advert
from vitals.decode.polar.clock import from_unix_ns, is_unset, sample_times_ns, to_unix_ns
from vitals.decode.polar.control import (
    Activity,
    ControlRequest,
    ControlResponse,
    Operation,
    Status,
    StreamsStopped,
    Trigger,
    TriggerMode,
    TriggerStatus,
    decode_control_point,
    decode_features,
    decode_measurement_status,
    decode_request,
    decode_sdk_mode,
    decode_trigger_status,
    encode_features,
    encode_request,
    encode_response,
    encode_streams_stopped,
    join_responses,
)
from vitals.decode.polar.frame import FrameHead, PmdFrame, decode_frame, decode_head, encode_frame
from vitals.decode.polar.gatt import COMPANY, PMD_CONTROL_POINT, PMD_DATA, PMD_SERVICE, Measurement
from vitals.decode.polar.gnss import GnssFrame
from vitals.decode.polar.recording import OfflineRecording, decode_recording
from vitals.decode.polar.security import Secret, Strategy
from vitals.decode.polar.settings import Settings, decode_settings, encode_settings

__all__ = [
    "COMPANY",
    "PMD_CONTROL_POINT",
    "PMD_DATA",
    "PMD_SERVICE",
    "Activity",
    "ControlRequest",
    "ControlResponse",
    "FrameHead",
    "GnssFrame",
    "HrAdvert",
    "Measurement",
    "OfflineRecording",
    "Operation",
    "PmdFrame",
    "Secret",
    "Settings",
    "Status",
    "Strategy",
    "StreamsStopped",
    "Trigger",
    "TriggerMode",
    "TriggerStatus",
    "decode_control_point",
    "decode_features",
    "decode_frame",
    "decode_head",
    "decode_hr_advert",
    "decode_measurement_status",
    "decode_recording",
    "decode_request",
    "decode_sdk_mode",
    "decode_settings",
    "decode_trigger_status",
    "encode_features",
    "encode_frame",
    "encode_hr_advert",
    "encode_request",
    "encode_response",
    "encode_settings",
    "encode_streams_stopped",
    "find_hr_advert",
    "from_unix_ns",
    "is_unset",
    "join_responses",
    "sample_times_ns",
    "to_unix_ns",
]


DECODERS: Mapping[str, Callable[[bytes], object]] = {PMD_DATA: decode_frame, PMD_CONTROL_POINT: decode_control_point}
REQUESTS: Mapping[str, Callable[[bytes], object]] = {PMD_CONTROL_POINT: decode_request}
