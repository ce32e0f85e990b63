"""Each flag bit adds its bytes and no others, and each bit of a status or feature has its name.

Both tables are transcribed by hand from the GATT Specification Supplement (pulse oximeter: PLXS; physical activity: see
`vitals.decode.physical_activity`), by position, so that they share no shift and no mask with the code.
"""

from __future__ import annotations

import enum
import itertools
from typing import NamedTuple

import pytest

from vitals.decode import blood_pressure as bp
from vitals.decode import (
    cgm,
    cycling_power,
    cycling_speed,
    date_time,
    decode,
    glucose,
    physical_activity,
    running,
    uuids,
    weight,
)
from vitals.decode import fitness_machine_control as machine
from vitals.decode import health_sensor as ghs
from vitals.decode import pulse_oximeter as plx
from vitals.errors import DecodeError


class Layout(NamedTuple):
    uuid: str
    size: int  # bytes of the flags
    base: int  # bytes of a frame without any optional field
    adds: tuple[int, ...]  # bytes that each bit adds, from bit 0
    head: bytes = b""  # what stands before the flags; counted in `base`
    inverted: bool = False  # bit 0 adds its bytes when it is clear
    variable: int = -1  # a bit whose field may be one byte shorter


_EXTREMES_1, _EXTREMES_2, _EXTREMES_3 = (1,) * 3, (2,) * 3, (3,) * 3
WHOLE = b"\x03"  # segmentation header: first and last
LAYOUTS = (
    Layout(uuids.PLX_SPOT_CHECK_MEASUREMENT, 1, 5, (7, 2, 3, 2, 0, 0, 0, 0)),
    Layout(uuids.PLX_CONTINUOUS_MEASUREMENT, 1, 5, (4, 4, 2, 3, 2, 0, 0, 0)),
    Layout(uuids.TEMPERATURE_MEASUREMENT, 1, 5, (0, 7, 1, 0, 0, 0, 0, 0)),
    Layout(uuids.INTERMEDIATE_TEMPERATURE, 1, 5, (0, 7, 1, 0, 0, 0, 0, 0)),
    Layout(uuids.BLOOD_PRESSURE_MEASUREMENT, 1, 7, (0, 7, 2, 1, 2, 0, 0, 0)),
    Layout(uuids.INTERMEDIATE_CUFF_PRESSURE, 1, 7, (0, 7, 2, 1, 2, 0, 0, 0)),
    Layout(uuids.ENHANCED_BLOOD_PRESSURE_MEASUREMENT, 1, 7, (0, 4, 2, 1, 2, 4, 0, 0)),
    Layout(uuids.ENHANCED_INTERMEDIATE_CUFF_PRESSURE, 1, 3, (0, 4, 2, 1, 2, 4, 0, 0)),
    Layout(uuids.GLUCOSE_MEASUREMENT, 1, 10, (2, 3, 0, 2, 0, 0, 0, 0)),
    Layout(uuids.GLUCOSE_MEASUREMENT_CONTEXT, 1, 3, (3, 1, 1, 3, 3, 0, 2, 1)),
    Layout(uuids.WEIGHT_MEASUREMENT, 1, 3, (0, 7, 1, 4, 0, 0, 0, 0)),
    Layout(uuids.BODY_COMPOSITION_MEASUREMENT, 2, 4, (0, 7, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 0, 0, 0, 0)),
    Layout(uuids.RSC_MEASUREMENT, 1, 4, (2, 4, 0, 0, 0, 0, 0, 0)),
    Layout(uuids.CSC_MEASUREMENT, 1, 1, (6, 4, 0, 0, 0, 0, 0, 0)),
    Layout(uuids.CYCLING_POWER_MEASUREMENT, 2, 4, (1, 0, 2, 0, 6, 4, 4, 4, 3, 2, 2, 2, 0, 0, 0, 0)),
    Layout(uuids.CYCLING_POWER_VECTOR, 1, 1, (4, 2)),
    Layout(uuids.BATTERY_LEVEL_STATUS, 1, 3, (2, 1, 1, 0, 0, 0, 0, 0)),
    Layout(uuids.TREADMILL_DATA, 2, 2, (2, 2, 3, 4, 4, 2, 2, 5, 1, 1, 2, 2, 4, 0, 0, 0), inverted=True),
    Layout(
        uuids.CROSS_TRAINER_DATA, 3, 3, (2, 2, 3, 4, 2, 4, 4, 2, 2, 2, 5, 1, 1, 2, 2, 0), inverted=True, variable=7
    ),
    Layout(uuids.STEP_CLIMBER_DATA, 2, 2, (4, 2, 2, 2, 5, 1, 1, 2, 2, 0, 0, 0, 0, 0, 0, 0), inverted=True),
    Layout(uuids.STAIR_CLIMBER_DATA, 2, 2, (2, 2, 2, 2, 2, 5, 1, 1, 2, 2, 0, 0, 0, 0, 0, 0), inverted=True),
    Layout(uuids.ROWER_DATA, 2, 2, (3, 1, 3, 2, 2, 2, 2, 2, 5, 1, 1, 2, 2, 0, 0, 0), inverted=True, variable=7),
    Layout(uuids.INDOOR_BIKE_DATA, 2, 2, (2, 2, 2, 2, 3, 2, 2, 2, 5, 1, 1, 2, 2, 0, 0, 0), inverted=True, variable=5),
    Layout(uuids.GENERAL_ACTIVITY_INSTANTANEOUS_DATA, 3, 16, (2, 2, 2, 2, 1, 2, 2, 3, 2, 2, 2), WHOLE),
    Layout(
        uuids.GENERAL_ACTIVITY_SUMMARY_DATA, 4, 17,
        (4, 4, 4, 2, *_EXTREMES_1, 3, *_EXTREMES_2, 3, 3, *_EXTREMES_2, 1, 3, 3, 4, *_EXTREMES_2, 2, 3), WHOLE,
    ),
    Layout(uuids.CARDIORESPIRATORY_ACTIVITY_INSTANTANEOUS_DATA, 2, 15, (1, 1, 2, 1, 2, 1, 1), WHOLE),
    Layout(
        uuids.CARDIORESPIRATORY_ACTIVITY_SUMMARY_DATA, 4, 17,
        (3, 3, 3, 3, 3, *_EXTREMES_1, *_EXTREMES_1, *_EXTREMES_2, *_EXTREMES_1, *_EXTREMES_2, *_EXTREMES_1,
         *_EXTREMES_1, 3), WHOLE,
    ),
    Layout(uuids.STEP_COUNTER_ACTIVITY_SUMMARY_DATA, 1, 14, (3, 3, 3, 3, 3), WHOLE),
    Layout(uuids.SLEEP_ACTIVITY_INSTANTANEOUS_DATA, 2, 15, (3, 3, 3, 3, 1), WHOLE),
    Layout(
        uuids.SLEEP_ACTIVITY_SUMMARY_DATA, 3, 16,
        (3, 3, 3, 2, 2, 1, 2, 2, 3, *_EXTREMES_3, *_EXTREMES_3, *_EXTREMES_3, 1, 3), WHOLE,
    ),
)  # fmt: skip


def frame(layout: Layout, bits: tuple[int, ...], more: int = 0) -> bytes:
    """A frame of zeros with these flag bits set, `more` bytes longer than it ought to be."""
    flags = sum(1 << bit for bit in bits)
    length = layout.base + sum(layout.adds[bit] for bit in bits if bit or not layout.inverted) + more
    length += layout.adds[0] if layout.inverted and 0 not in bits else 0
    head = layout.head + flags.to_bytes(layout.size, "little")
    return head + bytes(max(0, length - len(head)))


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.uuid[4:8])
def test_each_flag_bit_adds_its_bytes_and_no_others(layout: Layout) -> None:
    every = range(len(layout.adds))
    for bits in [(), tuple(every), *((bit,) for bit in every), *itertools.combinations(every, 2)]:
        decode(layout.uuid, frame(layout, bits))
        with pytest.raises(DecodeError, match="1 byte left over"):
            decode(layout.uuid, frame(layout, bits, 1))
        if len(frame(layout, bits)) > len(layout.head) + layout.size and layout.variable not in bits:
            with pytest.raises(DecodeError, match=r"needs \d byte"):
                decode(layout.uuid, frame(layout, bits, -1))


NAMES: dict[type[enum.IntFlag], str] = {  # names from bit 0; a dot is a bit without a name
    date_time.AdjustReason:
        "MANUAL_TIME_UPDATE EXTERNAL_REFERENCE_TIME_UPDATE CHANGE_OF_TIME_ZONE CHANGE_OF_DST",
    plx.MeasurementStatus:
        ". . . . . MEASUREMENT_ONGOING EARLY_ESTIMATED_DATA VALIDATED_DATA FULLY_QUALIFIED_DATA "
        "DATA_FROM_MEASUREMENT_STORAGE DATA_FOR_DEMONSTRATION DATA_FOR_TESTING CALIBRATION_ONGOING "
        "MEASUREMENT_UNAVAILABLE QUESTIONABLE_MEASUREMENT_DETECTED INVALID_MEASUREMENT_DETECTED",
    plx.DeviceAndSensorStatus:
        "EXTENDED_DISPLAY_UPDATE_ONGOING EQUIPMENT_MALFUNCTION_DETECTED SIGNAL_PROCESSING_IRREGULARITY_DETECTED "
        "INADEQUATE_SIGNAL_DETECTED POOR_SIGNAL_DETECTED LOW_PERFUSION_DETECTED ERRATIC_SIGNAL_DETECTED "
        "NONPULSATILE_SIGNAL_DETECTED QUESTIONABLE_PULSE_DETECTED SIGNAL_ANALYSIS_ONGOING "
        "SENSOR_INTERFERENCE_DETECTED SENSOR_UNCONNECTED_TO_USER UNKNOWN_SENSOR_CONNECTED SENSOR_DISPLACED "
        "SENSOR_MALFUNCTIONING SENSOR_DISCONNECTED",
    plx.PlxFeature:
        "MEASUREMENT_STATUS DEVICE_AND_SENSOR_STATUS MEASUREMENT_STORAGE TIME_STAMP FAST_AVERAGES SLOW_AVERAGES "
        "PULSE_AMPLITUDE_INDEX MULTIPLE_BONDS",
    bp.BloodPressureStatus:
        "BODY_MOVEMENT CUFF_TOO_LOOSE IRREGULAR_PULSE PULSE_RATE_ABOVE_LIMIT PULSE_RATE_BELOW_LIMIT IMPROPER_POSITION",
    bp.BloodPressureFeature:
        "BODY_MOVEMENT_DETECTION CUFF_FIT_DETECTION IRREGULAR_PULSE_DETECTION PULSE_RATE_RANGE_DETECTION "
        "MEASUREMENT_POSITION_DETECTION MULTIPLE_BONDS E2E_CRC USER_DATA_SERVICE USER_FACING_TIME",
    glucose.GlucoseStatus:
        "DEVICE_BATTERY_LOW SENSOR_MALFUNCTION SAMPLE_SIZE_INSUFFICIENT STRIP_INSERTION_ERROR STRIP_TYPE_INCORRECT "
        "RESULT_TOO_HIGH RESULT_TOO_LOW TEMPERATURE_TOO_HIGH TEMPERATURE_TOO_LOW READ_INTERRUPTED "
        "GENERAL_DEVICE_FAULT TIME_FAULT",
    glucose.GlucoseFeature:
        "LOW_BATTERY_DETECTION SENSOR_MALFUNCTION_DETECTION SAMPLE_SIZE STRIP_INSERTION_ERROR_DETECTION "
        "STRIP_TYPE_ERROR_DETECTION RESULT_HIGH_LOW_DETECTION TEMPERATURE_HIGH_LOW_DETECTION "
        "READ_INTERRUPT_DETECTION GENERAL_DEVICE_FAULT TIME_FAULT MULTIPLE_BONDS",
    cgm.CgmFeature:
        "CALIBRATION PATIENT_HIGH_LOW_ALERTS HYPO_ALERTS HYPER_ALERTS RATE_ALERTS DEVICE_SPECIFIC_ALERT "
        "SENSOR_MALFUNCTION_DETECTION TEMPERATURE_HIGH_LOW_DETECTION RESULT_HIGH_LOW_DETECTION "
        "LOW_BATTERY_DETECTION SENSOR_TYPE_ERROR_DETECTION GENERAL_DEVICE_FAULT E2E_CRC MULTIPLE_BONDS "
        "MULTIPLE_SESSIONS TREND_INFORMATION QUALITY",
    cgm.CgmStatusFlag:
        "SESSION_STOPPED DEVICE_BATTERY_LOW SENSOR_TYPE_INCORRECT SENSOR_MALFUNCTION DEVICE_SPECIFIC_ALERT "
        "GENERAL_DEVICE_FAULT . . TIME_SYNC_REQUIRED CALIBRATION_NOT_ALLOWED CALIBRATION_RECOMMENDED "
        "CALIBRATION_REQUIRED TEMPERATURE_TOO_HIGH TEMPERATURE_TOO_LOW CALIBRATION_PENDING . BELOW_PATIENT_LOW "
        "ABOVE_PATIENT_HIGH BELOW_HYPO ABOVE_HYPER RATE_OF_DECREASE_EXCEEDED RATE_OF_INCREASE_EXCEEDED "
        "BELOW_DEVICE_RANGE ABOVE_DEVICE_RANGE",
    weight.WeightScaleFeature: "TIME_STAMP MULTIPLE_USERS BMI",
    weight.BodyCompositionFeature:
        "TIME_STAMP MULTIPLE_USERS BASAL_METABOLISM MUSCLE_PERCENTAGE MUSCLE_MASS FAT_FREE_MASS SOFT_LEAN_MASS "
        "BODY_WATER_MASS IMPEDANCE WEIGHT HEIGHT",
    running.RscFeature:
        "STRIDE_LENGTH TOTAL_DISTANCE WALKING_OR_RUNNING CALIBRATION_PROCEDURE MULTIPLE_SENSOR_LOCATIONS",
    cycling_speed.CscFeature: "WHEEL_REVOLUTIONS CRANK_REVOLUTIONS MULTIPLE_SENSOR_LOCATIONS",
    cycling_power.CyclingPowerFeature:
        "PEDAL_POWER_BALANCE ACCUMULATED_TORQUE WHEEL_REVOLUTIONS CRANK_REVOLUTIONS EXTREME_MAGNITUDES "
        "EXTREME_ANGLES DEAD_SPOT_ANGLES ACCUMULATED_ENERGY OFFSET_COMPENSATION_INDICATOR OFFSET_COMPENSATION "
        "CONTENT_MASKING MULTIPLE_SENSOR_LOCATIONS CRANK_LENGTH_ADJUSTMENT CHAIN_LENGTH_ADJUSTMENT "
        "CHAIN_WEIGHT_ADJUSTMENT SPAN_LENGTH_ADJUSTMENT TORQUE_BASED MEASUREMENT_DIRECTION "
        "FACTORY_CALIBRATION_DATE ENHANCED_OFFSET_COMPENSATION",
    machine.MachineFeature:
        "AVERAGE_SPEED CADENCE TOTAL_DISTANCE INCLINATION ELEVATION_GAIN PACE STEP_COUNT RESISTANCE_LEVEL "
        "STRIDE_COUNT EXPENDED_ENERGY HEART_RATE METABOLIC_EQUIVALENT ELAPSED_TIME REMAINING_TIME POWER "
        "BELT_FORCE_AND_POWER USER_DATA_RETENTION",
    machine.TargetFeature:
        "SPEED INCLINATION RESISTANCE POWER HEART_RATE ENERGY STEPS STRIDES DISTANCE TRAINING_TIME "
        "TIME_IN_TWO_HEART_RATE_ZONES TIME_IN_THREE_HEART_RATE_ZONES TIME_IN_FIVE_HEART_RATE_ZONES "
        "BIKE_SIMULATION WHEEL_CIRCUMFERENCE SPIN_DOWN_CONTROL CADENCE",
    physical_activity.SleepStage:
        "WAKE SLEEP REM NON_REM LIGHT_SLEEP DEEP_SLEEP N1 N2 N3 N4 ACTIVE_SLEEP QUIET_SLEEP INTERMEDIATE_SLEEP "
        "AROUSAL . . . . . . . . . UNKNOWN",
    ghs.ObservationStatus:
        "INVALID QUESTIONABLE NOT_AVAILABLE CALIBRATING TEST_DATA EARLY_ESTIMATE MANUALLY_ENTERED SETTING . . . . . . "
        "THRESHOLD_ERROR THRESHOLDING_DISABLED",
}  # fmt: skip


@pytest.mark.parametrize("flags", NAMES, ids=lambda flags: flags.__name__)
def test_each_bit_has_its_name_and_a_reserved_bit_none(flags: type[enum.IntFlag]) -> None:
    names = NAMES[flags].split()
    for bit, name in enumerate(names):
        assert flags(1 << bit).name == (None if name == "." else name)
    assert len(flags) == len(names) - names.count(".")
