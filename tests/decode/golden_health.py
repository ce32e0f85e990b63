"""Frames of the health profiles, written by hand from the GATT Specification Supplement, with what they say.

No code of ours made a byte of this table. CRCs: `binascii.crc_hqx` of the bytes with their bits reversed, seed FFFF,
the result's bits reversed.
"""

from __future__ import annotations

import datetime as dt

from vitals.decode import BatteryLevel, Special, cgm, cgm_control, glucose, user_data, uuids, weight
from vitals.decode import battery as bat
from vitals.decode import blood_pressure as bp
from vitals.decode import blood_pressure_record as bp_record
from vitals.decode import date_time as time
from vitals.decode import device_approval as approval
from vitals.decode import health_thermometer as therm
from vitals.decode import pulse_oximeter as plx
from vitals.decode import record_access as records

WHEN = time.DateTime(2024, 1, 2, 3, 4, 5)  # e8070102030405
NAN = Special.NAN
S = glucose.SampleType
L = glucose.SampleLocation
CALIBRATION = cgm_control.Calibration(
    100.0, 10, S.CAPILLARY_PLASMA, L.EARLOBE, 20, 1, cgm_control.CalibrationStatus.PROCESS_PENDING
)

GOLDEN: tuple[tuple[str, str, object], ...] = (
    (uuids.BATTERY_LEVEL, "64", BatteryLevel(100)),
    (uuids.UDI_FOR_MEDICAL_DEVICES, "09 28303129313200 322e313600",
     approval.UniqueDeviceIdentifier("(01)12", None, None, "2.16")),
    (
        uuids.REGULATORY_CERTIFICATION_LIST,
        "0003 0018 0201 0008 0105 0001 0002 1004 0202 0002 8000 fe07 0002 abcd",
        (
            approval.ContinuaCertificate((1, 5), (0x1004,)), approval.ContinuaRegulation(0x8000, False),
            approval.OtherCertificate(approval.AuthorizationBody.EXPERIMENTAL, 7, b"\xab\xcd"),
        ),
    ),
    (uuids.DATABASE_CHANGE_INCREMENT, "2a000000", user_data.UserDatum("database_change_increment", 42)),
    (
        uuids.BATTERY_LEVEL_STATUS,
        "07 b354 0601 50 05",
        bat.BatteryLevelStatus(
            True, bat.Answer.YES, bat.Answer.UNKNOWN, bat.ChargeState.CHARGING, bat.ChargeLevel.GOOD,
            bat.ChargingType.CONSTANT_VOLTAGE, bat.ChargingFault.BATTERY | bat.ChargingFault.OTHER, 0x0106, 80,
            bat.Answer.YES, True,
        ),
    ),
    (
        uuids.BATTERY_LEVEL_STATUS,
        "00 000a",  # charging type 5 is reserved
        bat.BatteryLevelStatus(
            False, bat.Answer.NO, bat.Answer.NO, bat.ChargeState.UNKNOWN, bat.ChargeLevel.UNKNOWN, 5,
            bat.ChargingFault(0), None, None, None, None,
        ),
    ),
    (uuids.DATE_TIME, "e8070102030405", WHEN),
    (uuids.DATE_TIME, "e807021d173b3b", time.DateTime(2024, 2, 29, 23, 59, 59)),
    (uuids.DAY_OF_WEEK, "07", time.DayOfWeek.SUNDAY),
    (uuids.DAY_DATE_TIME, "e807010203040502", time.DayDateTime(WHEN, time.DayOfWeek.TUESDAY)),
    (uuids.EXACT_TIME_256, "e80701020304050280", time.ExactTime(WHEN, time.DayOfWeek.TUESDAY, 128)),
    (
        uuids.CURRENT_TIME,
        "e8070102030405 02 80 05",
        time.CurrentTime(
            time.ExactTime(WHEN, time.DayOfWeek.TUESDAY, 128),
            time.AdjustReason.MANUAL_TIME_UPDATE | time.AdjustReason.CHANGE_OF_TIME_ZONE,
        ),
    ),
    (uuids.TIME_ZONE, "d0", time.TimeZone(-720)),
    (uuids.TIME_ZONE, "38", time.TimeZone(840)),
    (uuids.TIME_ZONE, "80", time.TimeZone(None)),
    (uuids.DST_OFFSET, "ff", time.DstOffset(None)),
    (uuids.LOCAL_TIME_INFORMATION, "0404", time.LocalTimeInformation(time.TimeZone(60), time.DstOffset(60))),
    (
        uuids.REFERENCE_TIME_INFORMATION,
        "01080203",
        time.ReferenceTimeInformation(time.TimeSource.NETWORK_TIME_PROTOCOL, 1.0, 2, 3),
    ),
    (uuids.REFERENCE_TIME_INFORMATION, "09ffffff", time.ReferenceTimeInformation(9, None, 255, 255)),
    (
        uuids.PLX_SPOT_CHECK_MEASUREMENT,
        "1f 6200 3c00 e8070102030405 2001 200000 7be0",
        plx.PlxSpotCheck(
            98.0, 60.0, WHEN,
            plx.MeasurementStatus.MEASUREMENT_ONGOING | plx.MeasurementStatus.FULLY_QUALIFIED_DATA,
            plx.DeviceAndSensorStatus.LOW_PERFUSION_DETECTED, 1.23, False,
        ),
    ),
    (uuids.PLX_SPOT_CHECK_MEASUREMENT, "e0 ff07 0008", plx.PlxSpotCheck(
        NAN, Special.NOT_AT_THIS_RESOLUTION, None, None, None, None, True)),
    (
        uuids.PLX_CONTINUOUS_MEASUREMENT,
        "1f 6100 4600 6200 4800 6000 4500 8000 010000 32f0",
        plx.PlxContinuous(
            97.0, 70.0, plx.SpO2PulseRate(98.0, 72.0), plx.SpO2PulseRate(96.0, 69.0),
            plx.MeasurementStatus.VALIDATED_DATA, plx.DeviceAndSensorStatus.EXTENDED_DISPLAY_UPDATE_ONGOING, 5.0,
        ),
    ),
    (uuids.PLX_CONTINUOUS_MEASUREMENT, "00 6100 4600", plx.PlxContinuous(97.0, 70.0, None, None, None, None, None)),
    (uuids.PLX_FEATURES, "7c00", plx.PlxFeatures(plx.PlxFeature(0x7C), None, None)),
    (
        uuids.PLX_FEATURES,
        "0300 e0ff ffff00",
        plx.PlxFeatures(plx.PlxFeature(3), plx.MeasurementStatus(0xFFE0), plx.DeviceAndSensorStatus(0xFFFF)),
    ),
    (
        uuids.TEMPERATURE_MEASUREMENT,
        "07 d4000000 e8070102030405 06",
        therm.TemperatureMeasurement(100.0, True, WHEN, therm.TemperatureType.MOUTH),
    ),
    (uuids.TEMPERATURE_MEASUREMENT, "01 ffff7f00", therm.TemperatureMeasurement(NAN, True, None, None)),
    (uuids.INTERMEDIATE_TEMPERATURE, "04 6c0100ff 0a", therm.TemperatureMeasurement(36.4, False, None, 10)),
    (uuids.TEMPERATURE_TYPE, "09", therm.TemperatureType.TYMPANUM),
    (uuids.MEASUREMENT_INTERVAL, "2c01", therm.MeasurementInterval(300)),
    (
        uuids.BLOOD_PRESSURE_MEASUREMENT,
        "1e 7800 5000 5d00 e8070102030405 4800 02 2f00",
        bp.BloodPressureMeasurement(120.0, 80.0, 93.0, False, WHEN, 72.0, 2, bp.BloodPressureStatus(0x2F), None),
    ),
    (
        uuids.BLOOD_PRESSURE_MEASUREMENT,
        "01 a0f0 6bf0 ff07",
        bp.BloodPressureMeasurement(
            16.0 * bp.MMHG_PER_KPA, 10.7 * bp.MMHG_PER_KPA, NAN, True, None, None, None, None, None
        ),
    ),
    (
        uuids.ENHANCED_BLOOD_PRESSURE_MEASUREMENT,
        "7e 7800 5000 5d00 00000000 4800 01 0000 10270000",
        bp.BloodPressureMeasurement(
            120.0, 80.0, 93.0, False, dt.datetime(2000, 1, 1), 72.0, 1, bp.BloodPressureStatus(0),
            dt.datetime(2000, 1, 1, 2, 46, 40),
        ),
    ),
    (
        uuids.ENHANCED_BLOOD_PRESSURE_MEASUREMENT,
        "02 7800 5000 5d00 80510100",
        bp.BloodPressureMeasurement(120.0, 80.0, 93.0, False, dt.datetime(1900, 1, 2), None, None, None, None),
    ),
    (
        uuids.INTERMEDIATE_CUFF_PRESSURE,
        "00 6400 ff07 ff07",
        bp.IntermediateCuffPressure(100.0, False, None, None, None, None, None),
    ),
    (
        uuids.ENHANCED_INTERMEDIATE_CUFF_PRESSURE,
        "60 6400 3c000000",
        bp.IntermediateCuffPressure(100.0, False, None, None, None, None, dt.datetime(2000, 1, 1, 0, 1)),
    ),
    (uuids.BLOOD_PRESSURE_FEATURE, "ff01", bp.BloodPressureFeature(0x1FF)),
    (
        uuids.BLOOD_PRESSURE_RECORD,
        "ff 0201 342b 0078005000",
        bp_record.BloodPressureRecordPart(
            True, True, 63, 258, uuids.ENHANCED_BLOOD_PRESSURE_MEASUREMENT, bytes.fromhex("0078005000")
        ),
    ),
    (
        uuids.GLUCOSE_MEASUREMENT,
        "1f 0a00 e8070102030405 c4ff 37c0 11 ff0f",
        glucose.GlucoseMeasurement(
            10, WHEN, -60, 5.5 * 18.0156, True, S.CAPILLARY_WHOLE_BLOOD, L.FINGER, glucose.GlucoseStatus(0xFFF), True
        ),
    ),
    (
        uuids.GLUCOSE_MEASUREMENT,
        "02 0100 e8070102030405 78b0 f8",
        glucose.GlucoseMeasurement(
            1, WHEN, None, 120.0, False, S.UNDETERMINED_PLASMA, L.NOT_AVAILABLE, None, False
        ),
    ),
    (
        uuids.GLUCOSE_MEASUREMENT,
        "00 ffff 00000000000000",
        glucose.GlucoseMeasurement(
            65535, time.DateTime(None, None, None, 0, 0, 0), None, None, False, None, None, None, False
        ),
    ),
    (
        uuids.GLUCOSE_MEASUREMENT_CONTEXT,
        "df 0a00 00 02 3cd0 03 51 0807 46 01 0ca0 41f0",
        glucose.GlucoseContext(
            10, 0, glucose.Carbohydrate.LUNCH, 60.0, glucose.Meal.FASTING, glucose.Tester.SELF,
            glucose.Health.NO_ISSUES, 1800, 70, glucose.Medication.RAPID_ACTING_INSULIN, 12.0, None, 6.5,
        ),
    ),
    (
        uuids.GLUCOSE_MEASUREMENT_CONTEXT,
        "30 0b00 04 05d0",
        glucose.GlucoseContext(
            11, None, None, None, None, None, None, None, None, glucose.Medication.LONG_ACTING_INSULIN, None, 5.0, None
        ),
    ),
    (uuids.GLUCOSE_FEATURE, "ff07", glucose.GlucoseFeature(0x7FF)),
    (uuids.RECORD_ACCESS_CONTROL_POINT, "05002c01", records.NumberOfRecords(300, False)),
    (uuids.RECORD_ACCESS_CONTROL_POINT, "0800 04030201", records.NumberOfRecords(16909060, True)),
    (
        uuids.RECORD_ACCESS_CONTROL_POINT,
        "06000106",
        records.RecordResponse(records.RecordOperation.REPORT_RECORDS, records.RecordResult.NO_RECORDS_FOUND),
    ),
    (
        uuids.CGM_MEASUREMENT,
        "06 00 6400 0500  0d e3 7200 0a00 02 08 01 05f0 5a00",
        cgm.CgmMeasurement((
            cgm.CgmRecord(100.0, 5, None, None, None, False),
            cgm.CgmRecord(
                114.0, 10,
                cgm.CgmStatusFlag.DEVICE_BATTERY_LOW | cgm.CgmStatusFlag.CALIBRATION_REQUIRED
                | cgm.CgmStatusFlag.BELOW_PATIENT_LOW,
                0.5, 90.0, False,
            ),
        )),
    ),
    (
        uuids.CGM_MEASUREMENT,
        "08 00 6400 0500 98bc",
        cgm.CgmMeasurement((cgm.CgmRecord(100.0, 5, None, None, None, True),)),
    ),
    (
        uuids.CGM_FEATURE,
        "ffef01 19 ffff",
        cgm.CgmFeatures(cgm.CgmFeature(0x1EFFF), S.INTERSTITIAL_FLUID, L.FINGER, False),
    ),
    (
        uuids.CGM_FEATURE,
        "001000 59 f049",
        cgm.CgmFeatures(cgm.CgmFeature.E2E_CRC, S.INTERSTITIAL_FLUID, L.SUBCUTANEOUS_TISSUE, True),
    ),
    (uuids.CGM_STATUS, "0500 010203", cgm.CgmStatus(5, cgm.CgmStatusFlag(0x030201), False)),
    (uuids.CGM_STATUS, "0500 010203 2b4d", cgm.CgmStatus(5, cgm.CgmStatusFlag(0x030201), True)),
    (
        uuids.CGM_SESSION_START_TIME,
        "e8070102030405 04 04 0b98",
        cgm.CgmSessionStartTime(WHEN, time.TimeZone(60), time.DstOffset(60), True),
    ),
    (uuids.CGM_SESSION_RUN_TIME, "a800 8791", cgm.CgmSessionRunTime(168, True)),
    (uuids.CGM_SPECIFIC_OPS_CONTROL_POINT, "0305", cgm_control.CgmInterval(5, False)),
    (
        uuids.CGM_SPECIFIC_OPS_CONTROL_POINT,
        "06 6400 0a00 32 1400 0100 04 f324",
        cgm_control.CgmCalibration(CALIBRATION, True),
    ),
    (
        uuids.CGM_SPECIFIC_OPS_CONTROL_POINT,
        "0c 0bc0 34be",
        cgm_control.CgmAlertLevel(cgm_control.CgmOperation.PATIENT_LOW_ALERT_RESPONSE, 0.0011, True),
    ),
    (
        uuids.CGM_SPECIFIC_OPS_CONTROL_POINT,
        "1c 1a 01",
        cgm_control.CgmResponse(cgm_control.CgmOperation.START_SESSION, cgm_control.CgmResult.SUCCESS, False),
    ),
    (
        uuids.WEIGHT_MEASUREMENT,
        "0e b036 e8070102030405 01 dc00 e606",
        weight.WeightMeasurement(70.0, False, WHEN, 1, 22.0, 1.766),
    ),
    (uuids.WEIGHT_MEASUREMENT, "01 983a", weight.WeightMeasurement(68.0388555, True, None, None, None, None)),
    (
        uuids.WEIGHT_MEASUREMENT,
        "09 983a dc00 bc02",  # 150.00 lb, 70.0 in
        weight.WeightMeasurement(68.0388555, True, None, None, 22.0, 1.778),
    ),
    (uuids.WEIGHT_MEASUREMENT, "00 ffff", weight.WeightMeasurement(None, False, None, None, None, None)),
    (
        uuids.WEIGHT_SCALE_FEATURE,
        "bf010000",
        weight.WeightScaleFeatures(weight.WeightScaleFeature(7), 0.005, 0.001),
    ),
    (
        uuids.BODY_COMPOSITION_MEASUREMENT,
        "fe1f c800 e8070102030405 02 401f 9001 e015 c02b 6829 401f 8813 b036 e606",
        weight.BodyComposition(
            20.0, False, WHEN, 2, 8000, 40.0, 28.0, 56.0, 53.0, 40.0, 500.0, 70.0, 1.766, True
        ),
    ),
    (
        uuids.BODY_COMPOSITION_FEATURE,
        "ffbf0100",
        weight.BodyCompositionFeatures(weight.BodyCompositionFeature(0x7FF), 0.005, 0.001),
    ),
    (uuids.AGE, "21", user_data.UserDatum("age_years", 33)),
    (uuids.HEIGHT, "b000", user_data.UserDatum("height_m", 1.76)),
    (uuids.WEIGHT, "b036", user_data.UserDatum("weight_kg", 70.0)),
    (uuids.STRIDE_LENGTH, "e204", user_data.UserDatum("stride_length_m", 1.25)),
    (uuids.GENDER, "01", user_data.Gender.FEMALE),
    (uuids.DATE_OF_BIRTH, "c6070000", user_data.DateOfBirth(1990, None, None)),
)  # fmt: skip
