"""Which file decodes which characteristic. Adding a file is one line in `FILES`.

Laws of this file:
1. A file is imported when one of its characteristics is decoded for the first time, not before: `import vitals`
stays light. 2. What a line lists is what the file's own `DECODERS` holds (a test compares them).
3. What an application writes to a control point is another language than what the device answers: `REQUEST_FILES`
names the
   files that read the former too, for virtual devices.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping

from vitals.decode import uuids as u
from vitals.decode.heart_rate import decode_body_sensor_location, decode_heart_rate

Decoder = Callable[[bytes], object]

FILES: Mapping[str, tuple[str, ...]] = {
    "battery": (u.BATTERY_LEVEL, u.BATTERY_LEVEL_STATUS),
    "device_information": (
        u.SYSTEM_ID, u.PNP_ID, u.MANUFACTURER_NAME, u.MODEL_NUMBER, u.SERIAL_NUMBER, u.FIRMWARE_REVISION,
        u.HARDWARE_REVISION, u.SOFTWARE_REVISION,
    ),
    "device_approval": (u.UDI_FOR_MEDICAL_DEVICES, u.REGULATORY_CERTIFICATION_LIST),
    "date_time": (
        u.DATE_TIME, u.DAY_OF_WEEK, u.DAY_DATE_TIME, u.EXACT_TIME_256, u.CURRENT_TIME, u.TIME_ZONE, u.DST_OFFSET,
        u.LOCAL_TIME_INFORMATION, u.REFERENCE_TIME_INFORMATION,
    ),
    "pulse_oximeter": (u.PLX_SPOT_CHECK_MEASUREMENT, u.PLX_CONTINUOUS_MEASUREMENT, u.PLX_FEATURES),
    "health_thermometer": (
        u.TEMPERATURE_MEASUREMENT, u.INTERMEDIATE_TEMPERATURE, u.TEMPERATURE_TYPE, u.MEASUREMENT_INTERVAL,
    ),
    "blood_pressure": (
        u.BLOOD_PRESSURE_MEASUREMENT, u.INTERMEDIATE_CUFF_PRESSURE, u.ENHANCED_BLOOD_PRESSURE_MEASUREMENT,
        u.ENHANCED_INTERMEDIATE_CUFF_PRESSURE, u.BLOOD_PRESSURE_FEATURE,
    ),
    "blood_pressure_record": (u.BLOOD_PRESSURE_RECORD,),
    "glucose": (u.GLUCOSE_MEASUREMENT, u.GLUCOSE_MEASUREMENT_CONTEXT, u.GLUCOSE_FEATURE),
    "record_access": (u.RECORD_ACCESS_CONTROL_POINT,),
    "cgm": (u.CGM_MEASUREMENT, u.CGM_FEATURE, u.CGM_STATUS, u.CGM_SESSION_START_TIME, u.CGM_SESSION_RUN_TIME),
    "cgm_control": (u.CGM_SPECIFIC_OPS_CONTROL_POINT,),
    "weight": (
        u.WEIGHT_MEASUREMENT, u.WEIGHT_SCALE_FEATURE, u.BODY_COMPOSITION_MEASUREMENT, u.BODY_COMPOSITION_FEATURE,
    ),
    "user_data": (
        u.AGE, u.DATE_OF_BIRTH, u.GENDER, u.HEART_RATE_MAX, u.HEIGHT, u.HIP_CIRCUMFERENCE, u.RESTING_HEART_RATE,
        u.VO2_MAX, u.WAIST_CIRCUMFERENCE, u.WEIGHT, u.USER_INDEX, u.STRIDE_LENGTH, u.DATABASE_CHANGE_INCREMENT,
    ),
    "user_control": (u.USER_CONTROL_POINT,),
    "running": (u.RSC_MEASUREMENT, u.RSC_FEATURE),
    "cycling_speed": (u.CSC_MEASUREMENT, u.CSC_FEATURE, u.SENSOR_LOCATION),
    "speed_control": (u.SC_CONTROL_POINT,),
    "cycling_power": (u.CYCLING_POWER_MEASUREMENT, u.CYCLING_POWER_VECTOR, u.CYCLING_POWER_FEATURE),
    "cycling_power_control": (u.CYCLING_POWER_CONTROL_POINT,),
    "fitness_machine": (
        u.TREADMILL_DATA, u.CROSS_TRAINER_DATA, u.STEP_CLIMBER_DATA, u.STAIR_CLIMBER_DATA, u.ROWER_DATA,
        u.INDOOR_BIKE_DATA,
    ),
    "fitness_machine_control": (
        u.FITNESS_MACHINE_FEATURE, u.FITNESS_MACHINE_CONTROL_POINT, u.FITNESS_MACHINE_STATUS, u.TRAINING_STATUS,
        u.SUPPORTED_SPEED_RANGE, u.SUPPORTED_INCLINATION_RANGE, u.SUPPORTED_RESISTANCE_LEVEL_RANGE,
        u.SUPPORTED_HEART_RATE_RANGE, u.SUPPORTED_POWER_RANGE,
    ),
    "physical_activity": (
        u.PHYSICAL_ACTIVITY_MONITOR_FEATURES, u.PHYSICAL_ACTIVITY_MONITOR_CONTROL_POINT,
        u.PHYSICAL_ACTIVITY_CURRENT_SESSION, u.PHYSICAL_ACTIVITY_SESSION_DESCRIPTOR,
        u.GENERAL_ACTIVITY_INSTANTANEOUS_DATA, u.GENERAL_ACTIVITY_SUMMARY_DATA,
        u.CARDIORESPIRATORY_ACTIVITY_INSTANTANEOUS_DATA, u.CARDIORESPIRATORY_ACTIVITY_SUMMARY_DATA,
        u.STEP_COUNTER_ACTIVITY_SUMMARY_DATA, u.SLEEP_ACTIVITY_INSTANTANEOUS_DATA, u.SLEEP_ACTIVITY_SUMMARY_DATA,
    ),
    "health_sensor": (u.LIVE_HEALTH_OBSERVATIONS, u.STORED_HEALTH_OBSERVATIONS),
    "health_sensor_control": (u.HEALTH_SENSOR_FEATURES, u.GHS_CONTROL_POINT, u.OBSERVATION_SCHEDULE_CHANGED),
    "wahoo": ("a026e005-0a7d-4ab3-97fa-f1500f9feb8b",),
    "polar": ("fb005c81-02e7-f387-1cad-8acd2d8df0c8", "fb005c82-02e7-f387-1cad-8acd2d8df0c8"),
    "movesense": ("34800002-7185-4d5d-b431-630e7050e8f0",),
    "infinitime": ("00030001-78fc-48fe-8e23-433b3a1942d0", "00030002-78fc-48fe-8e23-433b3a1942d0"),
    "colmi": ("de5bf729-d711-4e47-af26-65e3012a5dc7",),
    "viatom": ("0734594a-a8e7-4b1a-a6b1-cd5243059a57",),
}  # fmt: skip

REQUEST_FILES: Mapping[str, tuple[str, ...]] = {
    "heart_rate_control": (u.HEART_RATE_CONTROL_POINT,),
    "record_access": (u.RECORD_ACCESS_CONTROL_POINT,),
    "cgm_control": (u.CGM_SPECIFIC_OPS_CONTROL_POINT,),
    "speed_control": (u.SC_CONTROL_POINT,),
    "cycling_power_control": (u.CYCLING_POWER_CONTROL_POINT,),
    "fitness_machine_control": (u.FITNESS_MACHINE_CONTROL_POINT,),
    "user_control": (u.USER_CONTROL_POINT,),
    "health_sensor_control": (u.GHS_CONTROL_POINT,),
    "polar": ("fb005c81-02e7-f387-1cad-8acd2d8df0c8",),
    "movesense": ("34800001-7185-4d5d-b431-630e7050e8f0",),
}


class Registry(Mapping[str, Decoder]):
    """Characteristic -> decoder; the decoder's file is imported when it is asked for."""

    def __init__(self, files: Mapping[str, tuple[str, ...]], table: str, at_hand: Mapping[str, Decoder]) -> None:
        self._file = {uuid: file for file, uuids in files.items() for uuid in uuids}
        self._table = table
        self._found = dict(at_hand)
        self._uuids = (*at_hand, *self._file)

    def __getitem__(self, uuid: str) -> Decoder:
        found = self._found.get(uuid)
        if found is None:
            module = importlib.import_module(f"vitals.decode.{self._file[uuid]}")
            found = self._found[uuid] = getattr(module, self._table)[uuid]
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._uuids)

    def __len__(self) -> int:
        return len(self._uuids)


# Every monitoring device has these two, so their file is loaded with the package.
_HEART_RATE: Mapping[str, Decoder] = {
    u.HEART_RATE_MEASUREMENT: decode_heart_rate,
    u.BODY_SENSOR_LOCATION: decode_body_sensor_location,
}
DECODERS: Mapping[str, Decoder] = Registry(FILES, "DECODERS", _HEART_RATE)
REQUESTS: Mapping[str, Decoder] = Registry(REQUEST_FILES, "REQUESTS", {})
