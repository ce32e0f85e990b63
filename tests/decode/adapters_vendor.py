"""How the words of other projects map to ours: one adapter per protocol of the foreign vectors.

An adapter takes a vector (`frames/vectors.json`) and, if it likes, the folder that holds it; it compares every value
that the vector states with what we decode, and returns how many it compared. `expect` names the source project's own
fields; `expect_raw` is transcribed here by the vector's id.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np

from vitals.decode import colmi
from vitals.decode import polar as p
from vitals.decode.polar import delta
from vitals.decode.polar.gnss import Coordinates, Dilution, GnssSample, Nmea, Satellites
from vitals.errors import DecodeError, InputError

Vector = Mapping[str, Any]
M = p.Measurement

# Polar's unit tests hand a frame to the parser of the class under test, whatever its first byte says.
_KIND_OF_TEST = {
    "AccDataTest": M.ACC,
    "EcgDataTest": M.ECG,
    "GnssLocationDataTest": M.GNSS,
    "GyrDataTest": M.GYRO,
    "MagDataTest": M.MAGNETOMETER,
    "OfflineHrDataTest": M.OFFLINE_HR,
    "PpgDataTest": M.PPG,
    "PpiDataTest": M.PPI,
    "PressureDataTest": M.PRESSURE,
    "SkinTemperatureDataTest": M.SKIN_TEMPERATURE,
    "TemperatureDataTest": M.TEMPERATURE,
}
# The list that each of Polar's data classes keeps its samples in.
_LISTS = {
    M.ACC: "accSamples",
    M.ECG: "ecgSamples",
    M.GNSS: "gnssLocationDataSamples",
    M.GYRO: "gyrSamples",
    M.MAGNETOMETER: "magSamples",
    M.OFFLINE_HR: "hrSamples",
    M.PPG: "ppgSamples",
    M.PPI: "ppiSamples",
    M.PRESSURE: "pressureSamples",
    M.SKIN_TEMPERATURE: "skinTemperatureSamples",
    M.TEMPERATURE: "temperatureSamples",
}
_CLASS_OF_LIST = {name: kind for kind, name in _LISTS.items()}
_IS_CLASS = {
    "Acc": M.ACC,
    "Ecg": M.ECG,
    "GnssLocation": M.GNSS,
    "Gyr": M.GYRO,
    "Mag": M.MAGNETOMETER,
    "OfflineHr": M.OFFLINE_HR,
    "Ppg": M.PPG,
    "Ppi": M.PPI,
    "Pressure": M.PRESSURE,
    "SkinTemperature": M.SKIN_TEMPERATURE,
    "Temperature": M.TEMPERATURE,
}
_CALIBRATION = {-1: "NOT_AVAILABLE", 0: "UNKNOWN", 1: "POOR", 2: "OK", 3: "GOOD"}
_SDK_STATUS = (
    "SUCCESS",
    "ERROR_INVALID_OP_CODE",
    "ERROR_INVALID_MEASUREMENT_TYPE",
    "ERROR_NOT_SUPPORTED",
    "ERROR_INVALID_LENGTH",
    "ERROR_INVALID_PARAMETER",
    "ERROR_ALREADY_IN_STATE",
    "ERROR_INVALID_RESOLUTION",
    "ERROR_INVALID_SAMPLE_RATE",
    "ERROR_INVALID_RANGE",
    "ERROR_INVALID_MTU",
    "ERROR_INVALID_NUMBER_OF_CHANNELS",
    "ERROR_INVALID_STATE",
    "ERROR_DEVICE_IN_CHARGER",
    "ERROR_DISK_FULL",
)


def _camel(path: str) -> list[str | int]:
    """'a.b[2].last().c' -> ['a', 'b', 2, -1, 'c']."""
    steps: list[str | int] = []
    for word in re.findall(r"\[\d+\]|[A-Za-z_]\w*(?:\(\))?", path):
        if word.startswith("["):
            steps.append(int(word[1:-1]))
        else:
            steps.append({"first()": 0, "last()": -1}.get(word, word))
    return steps


def _look(root: object, path: str) -> object:
    """The value at a path of the source project in a tree of dicts and lists that use its names."""
    value = root
    for step in _camel(path):
        if isinstance(step, int):
            assert isinstance(value, list | bytes), path
            value = value[step]
        elif step in ("size", "count", "size()"):
            assert isinstance(value, list | bytes), path
            value = len(value)
        else:
            assert isinstance(value, dict), f"{path}: {step} has no mapping"
            assert step in value, f"{path}: {step} has no mapping"
            value = value[step]
    return value


def _same(path: str, got: object, want: object) -> None:
    if isinstance(want, bool) or isinstance(got, bool):
        assert bool(got) == bool(want), (path, got, want)
    elif isinstance(want, str):
        assert str(got) == want.rsplit(".", 1)[-1] or str(got) == want, (path, got, want)
    elif isinstance(got, float):
        # The source computes in single precision.
        assert math.isclose(got, float(str(want)), rel_tol=2e-6, abs_tol=1e-9), (path, got, want)
    elif re.search("time_?stamp", path, re.IGNORECASE) and abs(int(str(want))) > 1 << 53:
        # The source lays samples out in double precision, which has no single nanoseconds that far from its epoch.
        assert abs(int(str(got)) - int(str(want))) <= 256, (path, got, want)
    else:
        assert got == want, (path, got, want)


def _single(value: object) -> float:
    return float(np.float32(value))  # type: ignore[arg-type]


def _truncated(numbers: np.ndarray[Any, Any], factor: float) -> list[int]:
    """Integers times the factor, in single precision and cut off, as the source gives them."""
    if factor == 1.0:
        return [int(v) for v in numbers]
    return [int(np.float32(v) * np.float32(factor)) for v in numbers]


def _polar_sample(frame: p.PmdFrame, row: int, time_ns: int | None) -> dict[str, object]:
    """One row of a frame in the words of Polar's SDK."""
    factor = frame.scale / frame.layout.scale
    of = {name: frame.samples[row, i].item() for i, name in enumerate(frame.channels)}
    sample: dict[str, object] = {} if time_ns is None else {"timeStamp": time_ns}
    numbers = frame.signals[row]
    kind, number = frame.kind, frame.type.number
    if kind is M.ACC:
        milli = factor * 1000 if frame.type.compressed and number == 0 else factor
        sample |= dict(zip("xyz", _truncated(numbers, milli), strict=True))
    elif kind in (M.GYRO, M.MAGNETOMETER):
        per = 1000 if kind is M.MAGNETOMETER and number == 1 else 1
        sample |= {
            axis: _single(np.float32(v) * np.float32(factor)) / per for axis, v in zip("xyz", numbers, strict=True)
        }
        sample["calibrationStatus"] = _CALIBRATION.get(int(of.get("calibration", -1)), "NOT_AVAILABLE")
    elif kind is M.ECG and number == 3:
        sample |= of
    elif kind is M.ECG:
        sample |= {
            "microVolts": of["ecg"],
            "overSampling": bool(of.get("oversampling", 0)),
            "skinContactBit": of.get("contact", 0),
            "contactImpedance": of.get("impedance", 0),
            "ecgDataTag": of.get("ecg_tag", 0),
            "paceDataTag": of.get("pace_tag", 0),
        }
    elif kind is M.PPI:
        sample |= {
            "hr": of["hr"],
            "ppInMs": of["pp"],
            "ppErrorEstimate": of["error"],
            "blockerBit": of["blocker"],
            "skinContactStatus": of["contact"],
            "skinContactSupported": of["contact_supported"],
        }
    elif kind is M.OFFLINE_HR:
        sample |= {"hr": of["hr"], "ppgQuality": of.get("quality", 0), "correctedHr": of.get("corrected_hr", 0)}
    elif kind is M.PPG:
        sample |= _ppg(frame, row, of, factor)
    else:
        name = {M.PRESSURE: "pressure", M.TEMPERATURE: "temperature", M.SKIN_TEMPERATURE: "skinTemperature"}[kind]
        sample[name] = _single(np.float32(numbers[0]) * np.float32(factor))
    return sample


def _ppg(frame: p.PmdFrame, row: int, of: dict[str, Any], factor: float) -> dict[str, object]:
    columns = frame.samples[row]
    number = frame.type.number
    if number in (4, 9, 14):
        n = len(columns) // 3
        num, one, two = ([int(v) for v in columns[i * n : i * n + n]] for i in range(3))
        return {
            "numIntTs": num,
            "channel1GainTs": one,
            "channel2GainTs": two,
            "numIntTs1": num,
            "channel1GainTs1": one,
            "channel2GainTs1": two,
        }
    if number in (5, 6):
        return {"operationMode": of.get("operation_mode"), "sportId": of.get("sport_id")}
    values = _truncated(frame.signals[row], factor)
    if number == 0:
        return {"ppgDataSamples": values[:3], "ambientSample": values[3]}
    if number == 10:
        named = {"greenSamples": values[:8], "redSamples": values[8:14], "irSamples": values[14:20]}
        return {**named, "status": of["status"], "statusBits": of["status"]}
    channels = {f"ppgChannel{i}": [value] for i, value in enumerate(values)}
    return {"ppgDataSamples": values, **channels, "status": of["status"], "statusBits": of["status"]}


def _gnss_sample(sample: GnssSample, time_ns: int) -> dict[str, object]:
    words: dict[str, object] = {"timeStamp": time_ns}
    if isinstance(sample, Coordinates):
        words |= {
            "latitude": sample.latitude_deg,
            "longitude": sample.longitude_deg,
            "date": sample.time,
            "cumulativeDistance": sample.distance_m,
            "speed": sample.speed_km_h,
            "usedAccelerationSpeed": sample.used_acceleration_speed,
            "coordinateSpeed": sample.coordinate_speed,
            "accelerationSpeedFactor": sample.acceleration_speed_factor,
            "course": sample.course_deg,
            "gpsChipSpeed": sample.chip_speed_kn,
            "fix": sample.fix,
            "speedFlag": sample.speed_flag,
            "fusionState": sample.fusion_state,
        }
    elif isinstance(sample, Dilution):
        words |= {
            "dilution": sample.dilution,
            "altitude": sample.altitude_m,
            "numberOfSatellites": sample.satellites,
            "fix": sample.fix,
        }
    elif isinstance(sample, Nmea):
        words |= {
            "measurementPeriod": sample.period,
            "messageLength": len(sample.sentence),
            "statusFlags": sample.flags,
            "nmeaMessage": sample.sentence,
        }
    else:
        words |= _constellations(sample)
    return words


def _constellations(sample: Satellites) -> dict[str, object]:
    words: dict[str, object] = {"maxSnr": sample.max_snr}
    for seen, band in (("seen", 1), ("used", 1), ("seen", 2), ("used", 2)):
        of = getattr(sample, f"{seen}_band{band}")
        words[f"{seen}GnssSatelliteSummaryBand{band}"] = {
            "gpsNbrOfSat": of.gps,
            "gpsMaxSnr": of.gps_snr,
            "glonassNbrOfSat": of.glonass,
            "glonassMaxSnr": of.glonass_snr,
            "galileoNbrOfSat": of.galileo,
            "galileoMaxSnr": of.galileo_snr,
            "beidouNbrOfSat": of.beidou,
            "beidouMaxSnr": of.beidou_snr,
            "nbrOfSat": of.satellites,
            "snrTop5Avg": of.snr_top5,
        }
    return words


def _in_polars_words(frame: p.PmdFrame | p.GnssFrame, *, previous_ns: int, rate_hz: float) -> list[dict[str, object]]:
    n = len(frame.samples)
    times: list[Any] = [None] * n
    if frame.kind is M.PPI and isinstance(frame, p.PmdFrame):
        # A beat ends where the next interval begins; the time stamp is that of the last beat, 0: no clock.
        after = np.append(frame.column("pp")[::-1].cumsum()[::-1][1:], 0)
        times = [frame.timestamp_ns - int(ms) * 1_000_000 if frame.timestamp_ns else 0 for ms in after]
    elif isinstance(frame, p.GnssFrame) and frame.frame_type == 3:
        times = [frame.timestamp_ns] * n
    elif frame.kind is not M.OFFLINE_HR and (previous_ns or rate_hz):
        times = p.sample_times_ns(frame.timestamp_ns, n, previous_ns=previous_ns, rate_hz=rate_hz).tolist()
    if isinstance(frame, p.GnssFrame):
        return [_gnss_sample(s, t) for s, t in zip(frame.samples, times, strict=True)]
    return [_polar_sample(frame, row, time) for row, time in enumerate(times)]


def polar_pmd(vector: Vector, shared: Path | None = None) -> int:
    """Frames from the unit tests of Polar's SDK, and captured ones from its issues."""
    payload = bytes.fromhex(vector["hex"])
    if isinstance(vector.get("expect"), dict):
        return _captured(payload, vector["expect"])
    test = Path(vector.get("path") or "").stem
    if test in _KIND_OF_TEST:
        payload = bytes((payload[0] & 0x80 | _KIND_OF_TEST[test],)) + payload[1:]
    context = vector.get("context") or {}
    if not vector["expect"] and re.search(r"throws|fails|not supported", vector.get("test") or ""):
        # Nothing to compare because the source states that its parser throws.
        try:
            p.decode_frame(payload)
        except DecodeError:
            return 1
        raise AssertionError(f"vector {vector['id']}: {vector['test']}")
    frame = p.decode_frame(payload, factor=context.get("factor") or 1.0)
    samples = _in_polars_words(
        frame, previous_ns=context.get("previous_timestamp") or 0, rate_hz=context.get("sample_rate") or 0
    )
    tree = {_LISTS[M(frame.kind)]: samples}
    for path, want in vector["expect"]:
        _same(path, _look(tree, path), want)
    return len(vector["expect"])


def _captured(payload: bytes, expect: Mapping[str, Any]) -> int:
    frame = p.decode_frame(payload)
    assert isinstance(frame, p.PmdFrame)
    channels, bits = len(frame.channels), frame.layout.bits
    at = 10 + channels * bits // 8
    assert delta.reference(payload, channels, bits, offset=10).tolist() == expect["reference"]
    blocks = []
    while at < len(payload):
        width, count = payload[at : at + 2]
        blocks.append([width, count])
        at += 2 + (width * count * channels + 7) // 8
    assert blocks == expect["blocks"]
    assert frame.samples.tolist() == expect["samples"]
    return 2 + frame.samples.size


def polar_head(vector: Vector, shared: Path | None = None) -> int:
    """The beginning of a frame: header, reference sample, head of the first block."""
    payload = bytes.fromhex(vector["hex"])
    head = p.decode_head(payload)
    layout = head.type.layout
    assert layout is not None
    at = 10 + len(layout.channels) * layout.bits // 8
    ours = {
        "kind": head.type.kind,
        "frame_type": head.type.number,
        "compressed": head.type.compressed,
        "reference": delta.reference(payload, len(layout.channels), layout.bits, offset=10).tolist(),
        "delta_bits": payload[at],
        "delta_count": payload[at + 1],
        "timestamp": head.timestamp_ns,
        "offline": head.type.offline,
    }
    for name, want in vector["expect"].items():
        assert ours[name] == want, (name, ours[name], want)
    return len(vector["expect"])


def polar_delta(vector: Vector, shared: Path | None = None) -> int:
    """Reference samples and whole delta streams without a frame around them."""
    payload, context = bytes.fromhex(vector["hex"]), vector["context"]
    channels, bits = context["channels"], context["resolution_bits"]
    if context["fn"] == "ref":
        samples: list[Any] = delta.reference(payload, channels, bits).tolist()
    else:
        samples = delta.decompress(payload, channels, bits).tolist()
    tree = {"refSamples": samples, "allSamples": samples, "samples": samples}
    for path, want in vector["expect"]:
        got = _look(tree, path)
        assert isinstance(got, int), path
        if context["encoding"] == "SIGNED_INT" or path.endswith("size"):
            assert got == want, (path, got, want)
        else:  # bit patterns and unsigned numbers: equal modulo 2**bits
            assert (got - want) % (1 << bits) == 0, (path, got, want)
    return len(vector["expect"])


def polar_timestamps(vector: Vector, shared: Path | None = None) -> int:
    """Polar's rule for the times of samples."""
    context = vector["context"]

    def times() -> list[int]:
        previous, rate = context["previousTimeStamp"], context["samplingRate"]
        found = p.sample_times_ns(context["timeStamp"], context["samplesSize"], previous_ns=previous, rate_hz=rate)
        return [int(time) for time in found]

    if vector.get("error"):
        try:
            times()
        except InputError:
            return 1
        raise AssertionError(f"vector {vector['id']} must be refused: {vector['error']}")
    tree = {"timestamps": times()}
    for path, want in vector["expect"]:
        _same(path, _look(tree, path), want)
    return len(vector["expect"])


def polar_advert(vector: Vector, shared: Path | None = None) -> int:
    """Advertised heart rates, one after the other."""
    compared, previous = 0, -1
    for raw, expect in vector["sequence"]:
        advert = p.decode_hr_advert(bytes.fromhex(raw))
        words = {
            "batteryStatus": int(advert.battery_low),
            "sensorContact": int(advert.contact),
            "advFrameCounter": advert.counter,
            "broadcastBit": int(advert.broadcast),
            "statusFlags": int(advert.status),
            "khzCode": advert.khz_code,
            "fastAverageHr": advert.fast_bpm,
            "slowAverageHr": advert.slow_bpm,
            "hrForDisplay": advert.slow_bpm,
            "isPresent": True,
            "isHrDataUpdated": advert.counter != previous,
        }
        previous = advert.counter
        for name, want in expect:
            _same(name, words[name], want)
            compared += 1
    return compared


def polar_recording(vector: Vector, shared: Path | None = None) -> int:
    """Whole offline recordings, two of them encrypted; those without an expectation must decode."""
    recording = p.decode_recording(bytes.fromhex(vector["hex"]), key=bytes.fromhex(vector.get("key") or ""))
    rate = recording.settings.sample_rate_hz[0] if recording.settings.sample_rate_hz else 0
    samples: list[dict[str, object]] = []
    previous = 0
    for frame in recording.frames:
        samples += _in_polars_words(frame, previous_ns=previous, rate_hz=rate)
        previous = frame.timestamp_ns
    tree: dict[str, object] = {"data": dict.fromkeys(_LISTS.values(), samples)}
    for path, want in vector["expect"]:
        if match := re.fullmatch(r"dataIs(\w+)Data", path, re.IGNORECASE):
            names = {name.lower(): kind for name, kind in _IS_CLASS.items()}
            assert (recording.kind is names[match[1].lower()]) == want, path
            continue
        steps = _camel(path)
        if samples and len(steps) > 1:
            assert recording.kind is _CLASS_OF_LIST[str(steps[1])], path
        _same(path, _look(tree, path), want)
    assert recording.start.year >= 2000
    return len(vector["expect"])


def polar_response(vector: Vector, shared: Path | None = None) -> int:
    """Responses of the control point."""
    payload = bytes.fromhex(vector["hex"])
    response = p.decode_control_point(payload)
    assert isinstance(response, p.ControlResponse)
    assert p.encode_response(response)[: len(payload)] == payload[:5] + response.parameters
    expect = vector["expect"]
    if isinstance(expect, dict):
        ours: dict[str, object] = {
            "op": response.operation,
            "kind": response.kind,
            "status": response.status,
            "more": response.more,
        }
        if set(expect) - set(ours):
            settings = p.decode_settings(response.parameters)
            ours |= _settings_words(settings)
        for name, want in expect.items():
            assert ours[name] == want, (name, ours[name], want)
        return len(expect)
    status = _SDK_STATUS[response.status]
    tree = {
        "response": {
            "responseCode": payload[0],
            "opCode": int(response.operation),
            "measurementType": response.kind,
            "status": status,
            "more": response.more,
            "parameters": list(response.parameters),
        }
    }
    for path, want in expect:
        if "contentEquals" in path:  # the expected bytes are those after the fixed five
            assert (response.parameters == payload[5:]) == want, path
        else:
            got = _look(tree, path)
            _same(path, _SDK_STATUS.index(status) if got is status and isinstance(want, int) else got, want)
    return len(expect)


def _settings_words(settings: p.Settings) -> dict[str, object]:
    return {
        "sample_rate": list(settings.sample_rate_hz),
        "resolution": list(settings.resolution_bits),
        "range": list(settings.full_scale),
        "range_milli": list(settings.full_scale_milli),
        "channels": list(settings.channels),
        "factor": list(settings.factor),
    }


def polar_request(vector: Vector, shared: Path | None = None) -> int:
    """Requests that a device is known to accept: they decode, and encode to the same bytes."""
    payload = bytes.fromhex(vector["hex"])
    request = p.decode_request(payload)
    assert p.encode_request(request) == payload
    first = {
        name: values[0]
        for name, values in _settings_words(request.settings).items()
        if isinstance(values, list) and values
    }
    ours = {"op": request.operation, "kind": request.kind, **first, "range_g": first.get("range")}
    for name, want in vector["expect"].items():
        assert ours[name] == want, (name, ours[name], want)
    return 1 + len(vector["expect"])


def polar_features(vector: Vector, shared: Path | None = None) -> int:
    """Reads of the control point."""
    kinds = p.decode_features(bytes.fromhex(vector["hex"]))
    names = {
        "ecg": M.ECG,
        "ppg": M.PPG,
        "acc": M.ACC,
        "ppi": M.PPI,
        "gyro": M.GYRO,
        "mag": M.MAGNETOMETER,
        "skin_temperature": M.SKIN_TEMPERATURE,
        "sdk_mode": M.SDK_MODE,
        "location": M.GNSS,
        "pressure": M.PRESSURE,
        "temperature": M.TEMPERATURE,
        "offline_recording": M.OFFLINE_RECORDING,
        "offline_hr": M.OFFLINE_HR,
    }
    for name, want in vector["expect"].items():
        assert (names[name] in kinds) == want, name
    return len(vector["expect"])


def polar_settings(vector: Vector, shared: Path | None = None) -> int:
    """A settings list alone."""
    words = _settings_words(p.decode_settings(bytes.fromhex(vector["hex"])))
    expect = vector.get("expect") or {}
    for name, want in expect.items() if isinstance(expect, dict) else expect:
        assert words[name] == want, (name, words[name], want)
    return len(expect)


def _steps(when: date, quarter: int, index: int, calories: int, steps: int, distance: int) -> colmi.StepsPart:
    return colmi.StepsPart(when, quarter, index, 5, calories, steps, distance)


_DAY = date(2023, 8, 13)
# What the source's tests assert, by vector id.
_COLMI_PACKETS: Mapping[int, object] = {
    530: colmi.RingBattery(64, False),
    534: colmi.NoData(colmi.Command.HEART_RATE_LOG),
    536: colmi.HeartRateSettings(False, 60),
    538: colmi.RealTimeReading(colmi.RealTimeKind.HEART_RATE, 0, 78),
}
_COLMI_STEPS: Mapping[int, tuple[colmi.StepsPart, ...]] = {
    544: (
        _steps(_DAY, 16, 0, 2000, 48, 27),
        _steps(_DAY, 20, 1, 63260, 1194, 873),
        _steps(_DAY, 24, 2, 10800, 225, 149),
        _steps(_DAY, 28, 3, 5170, 108, 72),
        _steps(_DAY, 76, 4, 4950, 99, 68),
    )
}
# test_parse_doesnt_drop_data: the readings that are not 0, from the slot where each run begins.
_COLMI_HEART_RATES: Mapping[int, tuple[int, Mapping[int, list[int]]]] = {
    546: (
        1730347200,
        {
            6: [104],
            12: [111],
            24: [66],
            180: [89, 91, 89, 74, 89, 114, 106, 89, 90, 102, 87, 88, 87, 84, 97, 92, 102, 82],
            198: [85, 95, 107, 86, 118, 93, 89, 84, 87, 98, 87, 89, 91, 75, 87, 83, 90, 102],
            216: [114, 86, 88, 99, 95, 112, 77, 89, 97, 72, 84, 96, 91, 88, 103, 86, 73, 100],
            262: [70, 84, 113, 75, 111],
        },
    )
}


def colmi_r02(vector: Vector, shared: Path | None = None) -> int:
    """Packets of the ring; the real capture holds 24 of them, each with a line feed."""
    number, raw = vector["id"], vector["hex"]
    packets = [bytes.fromhex(part) for part in raw] if isinstance(raw, list) else [bytes.fromhex(raw)]
    if number in _COLMI_PACKETS:
        assert colmi.decode_packet(packets[0]) == _COLMI_PACKETS[number]
        return 1
    if number == 532:  # the source logs "Did not expect this packet"
        try:
            colmi.decode_packet(packets[0])
        except DecodeError as err:
            assert err.offset == 0
            return 1
        raise AssertionError("an unknown command must be refused")
    if number == 540:
        assert colmi.encode_set_time(datetime(2024, 1, 1)) == packets[0]
        return 2
    if number == 542:
        able = colmi.decode_packet(packets[0])
        assert isinstance(able, colmi.Capabilities)
        assert able.manual_heart_rate
        assert not able.blood_sugar
        return 2
    if number in _COLMI_STEPS:
        steps = colmi.StepsAssembler()
        results = [steps.feed(colmi.decode_packet(packet)) for packet in packets]
        assert results[:-1] == [None] * (len(results) - 1)
        assert results[-1] == _COLMI_STEPS[number]
        return 5 * 6 + 1
    if number in _COLMI_HEART_RATES:
        midnight, runs = _COLMI_HEART_RATES[number]
        want = np.zeros(288, int)
        for start, values in runs.items():
            want[start : start + len(values)] = values
        log = colmi.LogAssembler()
        whole = [log.feed(colmi.decode_packet(packets[0][i : i + 16])) for i in range(0, len(packets[0]), 17)][-1]
        assert isinstance(whole, colmi.DayLog)
        assert whole.start_s == midnight
        assert whole.interval_min == 5
        assert whole.readings.tolist() == want.tolist()
        return 288 + 2
    for packet in packets:  # not transcribed: it must decode, or be refused for what it is
        colmi.decode_packet(packet[:16])
    return 0


ADAPTERS: Mapping[str, Callable[..., int]] = {
    "polar-pmd": polar_pmd,
    "polar-pmd-head": polar_head,
    "polar-pmd-delta": polar_delta,
    "polar-pmd-timestamps": polar_timestamps,
    "polar-pmd-features": polar_features,
    "polar-pmd-cp-request": polar_request,
    "polar-pmd-cp-response": polar_response,
    "polar-pmd-settings": polar_settings,
    "polar-hr-advert": polar_advert,
    "polar-offline-rec": polar_recording,
    "colmi-r02": colmi_r02,
}
