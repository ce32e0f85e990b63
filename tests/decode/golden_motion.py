"""Frames of the sport, activity and sensor profiles, written by hand, with what they say; and requests to control
points.

From the GATT Specification Supplement; fitness machine control and status from FTMS 1.0, physical activity and
health sensor from what is public of them (see their files). No code of ours made a byte of this table.
"""

from __future__ import annotations

from tests.decode.golden_health import CALIBRATION, WHEN
from vitals.decode import cgm_control, user_control, uuids, wahoo
from vitals.decode import cycling_power as power
from vitals.decode import cycling_power_control as power_control
from vitals.decode import cycling_speed as csc
from vitals.decode import fitness_machine as ftms
from vitals.decode import fitness_machine_control as machine
from vitals.decode import health_sensor as ghs
from vitals.decode import health_sensor_control as ghs_control
from vitals.decode import physical_activity as pam
from vitals.decode import record_access as records
from vitals.decode import running as rsc
from vitals.decode import speed_control as speed
from vitals.decode.revolutions import Revolutions
from vitals.decode.segmentation import Segment

P = csc.SensorLocation
OP = power_control.PowerOperation
DONE = power_control.PowerResult.SUCCESS
M = machine.MachineOperation
T = machine.MachineTarget
E = machine.MachineEvent
U = user_control.UserOperation
CRANK_1000 = Revolutions(1000, 1024, 1024, 1 << 16)

GOLDEN: tuple[tuple[str, str, object], ...] = (
    (uuids.RSC_MEASUREMENT, "07 0003 b4 7800 e8030000", rsc.RscMeasurement(3.0, 180, 1.2, 100.0, True)),
    (uuids.RSC_MEASUREMENT, "f8 0180 ff", rsc.RscMeasurement(0x8001 / 256, 255, None, None, False)),
    (uuids.RSC_FEATURE, "1f00", rsc.RscFeature(0x1F)),
    (
        uuids.CSC_MEASUREMENT,
        "03 e8030000 0004 f401 0008",
        csc.CscMeasurement(Revolutions(1000, 1024, 1024, 1 << 32), Revolutions(500, 2048, 1024, 1 << 16)),
    ),
    (uuids.CSC_FEATURE, "0700", csc.CscFeature(7)),
    (uuids.SENSOR_LOCATION, "0e", P.CHEST),
    (uuids.SENSOR_LOCATION, "11", 17),
    (
        uuids.SC_CONTROL_POINT,
        "10 04 01 000506",
        speed.SpeedResponse(
            speed.SpeedOperation.REQUEST_SENSOR_LOCATIONS, speed.SpeedResult.SUCCESS,
            (P.OTHER, P.LEFT_CRANK, P.RIGHT_CRANK),
        ),
    ),
    (
        uuids.CYCLING_POWER_MEASUREMENT,
        "ff1f 2c01 65 4001 40420f00 0008 e803 0004 9001 9cff 4006 e0ff 5ae010 0500 b400 e204",
        power.CyclingPowerMeasurement(
            300, 50.5, True, 10.0, True, Revolutions(1_000_000, 2048, 2048, 1 << 32), CRANK_1000,
            power.Extremes(400, -100), power.Extremes(50.0, -1.0), power.Extremes(90, 270), 5, 180, 1250, True,
        ),
    ),
    (
        uuids.CYCLING_POWER_MEASUREMENT,
        "0000 ceff",
        power.CyclingPowerMeasurement(
            -50, None, False, None, False, None, None, None, None, None, None, None, None, False
        ),
    ),
    (
        uuids.CYCLING_POWER_VECTOR,
        "17 e803 0004 2d00 6400 9cff",
        power.CyclingPowerVector(CRANK_1000, 45, (100, -100), (), power.MeasurementDirection.TANGENTIAL),
    ),
    (
        uuids.CYCLING_POWER_VECTOR,
        "38 4000 e0ff",
        power.CyclingPowerVector(None, None, (), (2.0, -1.0), power.MeasurementDirection.LATERAL),
    ),
    (
        uuids.CYCLING_POWER_FEATURE,
        "ffff2f00",
        power.CyclingPowerFeatures(power.CyclingPowerFeature(0xFFFFF), power.DistributedSystem.YES),
    ),
    (
        uuids.CYCLING_POWER_CONTROL_POINT,
        "20 03 01 000506",
        power_control.PowerResponse(OP.REQUEST_SENSOR_LOCATIONS, DONE, (P.OTHER, P.LEFT_CRANK, P.RIGHT_CRANK)),
    ),
    (
        uuids.CYCLING_POWER_CONTROL_POINT,
        "20 05 01 5901",
        power_control.PowerResponse(OP.REQUEST_CRANK_LENGTH, DONE, crank_length_mm=172.5),
    ),
    (
        uuids.CYCLING_POWER_CONTROL_POINT,
        "20 07 01 7805",
        power_control.PowerResponse(OP.REQUEST_CHAIN_LENGTH, DONE, chain_length_mm=1400),
    ),
    (
        uuids.CYCLING_POWER_CONTROL_POINT,
        "20 09 01 2c01",
        power_control.PowerResponse(OP.REQUEST_CHAIN_WEIGHT, DONE, chain_weight_g=300),
    ),
    (
        uuids.CYCLING_POWER_CONTROL_POINT,
        "20 0b 01 c800",
        power_control.PowerResponse(OP.REQUEST_SPAN_LENGTH, DONE, span_length_mm=200),
    ),
    (
        uuids.CYCLING_POWER_CONTROL_POINT,
        "20 0c 01 9cff",
        power_control.PowerResponse(OP.START_OFFSET_COMPENSATION, DONE, raw_offset=-100),
    ),
    (
        uuids.CYCLING_POWER_CONTROL_POINT,
        "20 0e 01 0a",
        power_control.PowerResponse(OP.REQUEST_SAMPLING_RATE, DONE, sampling_rate_hz=10),
    ),
    (
        uuids.CYCLING_POWER_CONTROL_POINT,
        "20 0f 01 e8070102030405",
        power_control.PowerResponse(OP.REQUEST_FACTORY_CALIBRATION_DATE, DONE, calibration_date=WHEN),
    ),
    (
        uuids.CYCLING_POWER_CONTROL_POINT,
        "20 10 01 0a00 6b00aa",
        power_control.PowerResponse(OP.START_ENHANCED_OFFSET_COMPENSATION, DONE, raw_offset=10, rest=b"\x6b\x00\xaa"),
    ),
    (
        uuids.CYCLING_POWER_CONTROL_POINT,
        "20 0c 04 ff",
        power_control.PowerResponse(
            OP.START_OFFSET_COMPENSATION, power_control.PowerResult.OPERATION_FAILED, rest=b"\xff"
        ),
    ),
    (
        uuids.STEP_CLIMBER_DATA,  # bluetooth-sig 0.6.0 reads the frames of both climbers in the same way
        "fe01 0c00 dc00 4600 4200 2400 3800 5802 0a 87 55 b004 5802",
        ftms.StepClimberData(
            more_data=False, floors=12, steps=220, steps_per_min=70, average_steps_per_min=66,
            positive_elevation_m=36, energy_kcal=56, energy_kcal_per_h=600, energy_kcal_per_min=10,
            heart_rate_bpm=135, metabolic_equivalent=8.5, elapsed_s=1200, remaining_s=600,
        ),
    ),
    (uuids.STEP_CLIMBER_DATA, "2300 4600 87", ftms.StepClimberData(
        more_data=True, steps_per_min=70, heart_rate_bpm=135)),
    (
        uuids.STAIR_CLIMBER_DATA,
        "fe03 0c00 4600 4200 2400 6e00 3800 5802 0a 87 55 b004 5802",
        ftms.StairClimberData(
            more_data=False, floors=12, steps_per_min=70, average_steps_per_min=66, positive_elevation_m=36,
            strides=110, energy_kcal=56, energy_kcal_per_h=600, energy_kcal_per_min=10, heart_rate_bpm=135,
            metabolic_equivalent=8.5, elapsed_s=1200, remaining_s=600,
        ),
    ),
    (  # FTMS 1.0: a machine that cannot tell says so with the last number of the type, in these fields only
        uuids.TREADMILL_DATA,
        "9810 0000 ff7f ff7f ffff ffff ffff ffff ff ff7f ff7f",
        ftms.TreadmillData(
            more_data=False, speed_kmh=0.0, positive_elevation_m=6553.5, negative_elevation_m=6553.5
        ),
    ),
    (
        uuids.CROSS_TRAINER_DATA,
        "480100 0000 ffff ffff ff7f ff7f ff7f",
        ftms.CrossTrainerData(more_data=False, speed_kmh=0.0, power_w=32_767, backward=False),
    ),
    (
        uuids.TREADMILL_DATA,
        "fe1f e803 8403 102700 0f00 f6ff 6400 3200 2c01 3601 c800 5802 0a 96 55 0807 5802 ceff fa00",
        ftms.TreadmillData(
            more_data=False, speed_kmh=10.0, average_speed_kmh=9.0, total_distance_m=10000, inclination_percent=1.5,
            ramp_angle_deg=-1.0, positive_elevation_m=10.0, negative_elevation_m=5.0, pace_s_per_500m=300,
            average_pace_s_per_500m=310, energy_kcal=200, energy_kcal_per_h=600, energy_kcal_per_min=10,
            heart_rate_bpm=150, metabolic_equivalent=8.5, elapsed_s=1800, remaining_s=600, belt_force_n=-50,
            power_w=250,
        ),
    ),
    (
        uuids.CROSS_TRAINER_DATA,
        "feff00 e803 8403 102700 7800 6e00 e803 0a00 0500 0f00 f6ff 0c00 fa00 f000 c800 5802 0a 96 55 0807 5802",
        ftms.CrossTrainerData(
            more_data=False, speed_kmh=10.0, average_speed_kmh=9.0, total_distance_m=10000, steps_per_min=120,
            average_steps_per_min=110, strides=100.0, positive_elevation_m=10, negative_elevation_m=5,
            inclination_percent=1.5, ramp_angle_deg=-1.0, resistance_level=12, power_w=250, average_power_w=240,
            energy_kcal=200, energy_kcal_per_h=600, energy_kcal_per_min=10, heart_rate_bpm=150,
            metabolic_equivalent=8.5, elapsed_s=1800, remaining_s=600, backward=True,
        ),
    ),
    (
        uuids.ROWER_DATA,
        "fe1f 30 6400 2f 102700 7800 7a00 fa00 f000 0c c800 5802 0a 96 55 0807 5802",
        ftms.RowerData(
            more_data=False, strokes_per_min=24.0, strokes=100, average_strokes_per_min=23.5, total_distance_m=10000,
            pace_s_per_500m=120, average_pace_s_per_500m=122, power_w=250, average_power_w=240, resistance_level=12,
            energy_kcal=200, energy_kcal_per_h=600, energy_kcal_per_min=10, heart_rate_bpm=150,
            metabolic_equivalent=8.5, elapsed_s=1800, remaining_s=600,
        ),
    ),
    (
        uuids.INDOOR_BIKE_DATA,
        "fe1f b80b 540b b400 aa00 102700 f6ff fa00 f000 ffff ffff ff 96 55 0807 5802",
        ftms.IndoorBikeData(
            more_data=False, speed_kmh=30.0, average_speed_kmh=29.0, cadence_rpm=90.0, average_cadence_rpm=85.0,
            total_distance_m=10000, resistance_level=-10, power_w=250, average_power_w=240, heart_rate_bpm=150,
            metabolic_equivalent=8.5, elapsed_s=1800, remaining_s=600,
        ),
    ),
    (
        uuids.INDOOR_BIKE_DATA,
        "c100 9cff ceff",
        ftms.IndoorBikeData(more_data=True, power_w=-100, average_power_w=-50),
    ),
    (uuids.INDOOR_BIKE_DATA, "0102 96", ftms.IndoorBikeData(more_data=True, heart_rate_bpm=150)),
    (
        uuids.FITNESS_MACHINE_FEATURE,
        "ffff0100 ffff0100",
        machine.MachineFeatures(machine.MachineFeature(0x1FFFF), machine.TargetFeature(0x1FFFF)),
    ),
    (uuids.USER_CONTROL_POINT, "20 01 01 03", user_control.UserResponse(
        U.REGISTER_NEW_USER, user_control.UserResult.SUCCESS, user=3)),
    (uuids.USER_CONTROL_POINT, "20 02 05", user_control.UserResponse(
        U.CONSENT, user_control.UserResult.USER_NOT_AUTHORIZED)),
    (uuids.USER_CONTROL_POINT, "20 04 01 02", user_control.UserResponse(
        U.LIST_ALL_USERS, user_control.UserResult.SUCCESS, users=2)),
    (uuids.GHS_CONTROL_POINT, "80", ghs_control.ObservationResult.SUCCESS),
    (uuids.GHS_CONTROL_POINT, "83", 0x83),
    (
        uuids.HEALTH_SENSOR_FEATURES,
        "01 02 b84b0200 1a480200 01 0410 02",
        ghs_control.HealthSensorFeatures((0x24BB8, 0x2481A), (ghs_control.Specialization(4100, 2),)),
    ),
    (
        uuids.OBSERVATION_SCHEDULE_CHANGED,
        "b84b0200 050000ff 3c000000",  # 0.5 s every minute
        ghs_control.ObservationSchedule(0x24BB8, 0.5, 60.0),
    ),
    (uuids.HEALTH_SENSOR_FEATURES, "00 01 1a480200", ghs_control.HealthSensorFeatures((0x2481A,), None)),
    (uuids.FITNESS_MACHINE_STATUS, "02 02", machine.MachineStatus(
        E.STOPPED_OR_PAUSED_BY_USER, T(stop=machine.StopKind.PAUSE))),
    (uuids.FITNESS_MACHINE_STATUS, "05 e803", machine.MachineStatus(E.SPEED_CHANGED, T(speed_kmh=10.0))),
    (uuids.FITNESS_MACHINE_STATUS, "06 f6ff", machine.MachineStatus(
        E.INCLINATION_CHANGED, T(inclination_percent=-1.0))),
    (uuids.FITNESS_MACHINE_STATUS, "07 ceff", machine.MachineStatus(E.RESISTANCE_CHANGED, T(resistance_level=-5.0))),
    (uuids.FITNESS_MACHINE_STATUS, "09 96", machine.MachineStatus(E.HEART_RATE_CHANGED, T(heart_rate_bpm=150))),
    (uuids.FITNESS_MACHINE_STATUS, "0a c800", machine.MachineStatus(E.ENERGY_CHANGED, T(energy_kcal=200))),
    (uuids.FITNESS_MACHINE_STATUS, "0d 102700", machine.MachineStatus(E.DISTANCE_CHANGED, T(distance_m=10000))),
    (
        uuids.FITNESS_MACHINE_STATUS,
        "11 0a00 1400 1e00 2800 3200",
        machine.MachineStatus(E.TIME_IN_FIVE_HEART_RATE_ZONES_CHANGED, T(zone_times_s=(10, 20, 30, 40, 50))),
    ),
    (uuids.FITNESS_MACHINE_STATUS, "13 0852", machine.MachineStatus(
        E.WHEEL_CIRCUMFERENCE_CHANGED, T(wheel_circumference_mm=2100.0))),
    (uuids.FITNESS_MACHINE_STATUS, "14 02", machine.MachineStatus(E.SPIN_DOWN_STATUS, T(spin_down=2))),
    (uuids.FITNESS_MACHINE_STATUS, "15 b400", machine.MachineStatus(E.CADENCE_CHANGED, T(cadence_rpm=90.0))),
    (uuids.FITNESS_MACHINE_STATUS, "ff", machine.MachineStatus(E.CONTROL_PERMISSION_LOST, T())),
    (
        uuids.FITNESS_MACHINE_CONTROL_POINT,
        "80 05 05",
        machine.MachineResponse(M.SET_POWER, machine.MachineResult.CONTROL_NOT_PERMITTED, None),
    ),
    (
        uuids.FITNESS_MACHINE_CONTROL_POINT,
        "80 13 01 d007 b80b",
        machine.MachineResponse(M.SPIN_DOWN_CONTROL, machine.MachineResult.SUCCESS, (20.0, 30.0)),
    ),
    (uuids.TRAINING_STATUS, "01 0d 616263", machine.TrainingStatus(machine.TrainingState.MANUAL_MODE, "abc")),
    (uuids.SUPPORTED_SPEED_RANGE, "6400 d007 0a00", machine.SupportedRange(1.0, 20.0, 0.1, "km/h")),
    (uuids.SUPPORTED_INCLINATION_RANGE, "ceff 9600 0500", machine.SupportedRange(-5.0, 15.0, 0.5, "%")),
    (uuids.SUPPORTED_RESISTANCE_LEVEL_RANGE, "0a00 e803 0a00", machine.SupportedRange(1.0, 100.0, 1.0, "level")),
    (uuids.SUPPORTED_RESISTANCE_LEVEL_RANGE, "0a c8 01", machine.SupportedRange(1.0, 20.0, 0.1, "level")),
    (uuids.SUPPORTED_HEART_RATE_RANGE, "3c b4 01", machine.SupportedRange(60, 180, 1, "bpm")),
    (
        wahoo.CONTROL_POINT,
        "00 42 01",
        wahoo.TrainerResponse(False, wahoo.TrainerOperation.SET_POWER_TARGET, None, b"\x01"),
    ),
    (uuids.PHYSICAL_ACTIVITY_MONITOR_FEATURES, "0300000000000080", pam.ActivityFeatures(0x8000000000000003)),
    (
        uuids.GENERAL_ACTIVITY_INSTANTANEOUS_DATA,
        "03 810080 0100 0200 3c000000 05000000 e803 f6ffff",
        pam.ActivityData(1, 2, 60, 5, True, {"normal_walking_energy_per_hour": 1000, "elevation": -10}),
    ),
    (
        uuids.STEP_COUNTER_ACTIVITY_SUMMARY_DATA,
        "03 1f 0100 0000 0a000000 01000000 e80300 640000 0a0000 ee0200 100e00",
        pam.ActivityData(1, 0, 10, 1, None, {
            "normal_walking_steps": 1000, "intensity_steps": 100, "floor_steps": 10, "distance": 750,
            "worn_duration_s": 3600,
        }),
    ),
    (
        uuids.SLEEP_ACTIVITY_INSTANTANEOUS_DATA,
        "03 1800 0100 0000 0a000000 01000000 240000 32",
        pam.ActivityData(1, 0, 10, 1, False, {
            "sleep_stage": pam.SleepStage.REM | pam.SleepStage.DEEP_SLEEP, "sleeping_heart_rate_bpm": 50,
        }),
    ),
    (uuids.SLEEP_ACTIVITY_SUMMARY_DATA, "05 aabb", Segment(True, False, 1, b"\xaa\xbb")),
    (
        uuids.PHYSICAL_ACTIVITY_CURRENT_SESSION,
        "01 0500 00000010 3c00 0200 10000000 c4ff 0500",
        pam.CurrentSession(True, 5, pam.SessionTime(0x10000000, 60), 2, pam.SessionTime(16, -60), 5),
    ),
    (
        uuids.PHYSICAL_ACTIVITY_SESSION_DESCRIPTOR,
        "05 0500 01000000 0000 02000000 0000 0600 03000000 0000 04000000 ffff",
        pam.SessionDescriptor(
            True, False, True, 5, pam.SessionTime(1, 0), pam.SessionTime(2, 0), 6, pam.SessionTime(3, 0),
            pam.SessionTime(4, -1),
        ),
    ),
    (
        uuids.PHYSICAL_ACTIVITY_MONITOR_CONTROL_POINT,
        "fc 0300",
        pam.ActivityControl(pam.ActivityOperation.ENQUIRE_SESSIONS_SUCCESS, b"\x03\x00"),
    ),
    (
        uuids.LIVE_HEALTH_OBSERVATIONS,
        "03 00 2f00 ff01 b84b0200 32805101000000 01 08 01000000 0100 07000000 02 01dc000200 0105000000"
        "020100000002000000 6200",
        ghs.HealthObservation(
            None, ghs.ObservationClass.SIMPLE_NUMERIC, 150456,
            ghs.ElapsedTime(86400, 1.0, False, True, 120, True, 1), 1.0, ghs.ObservationStatus.INVALID, 7, 2,
            (0x200DC,), (5,), (1, 2), False, b"\x62\x00",
        ),
    ),
    (
        uuids.STORED_HEALTH_OBSERVATIONS,
        "03 2a000000 02 0700 0002 6869",
        ghs.HealthObservation(
            42, ghs.ObservationClass.STRING, None, None, None, None, None, None, (), (), (), True, b"hi"
        ),
    ),
)  # fmt: skip

REQUESTS: tuple[tuple[str, str, object], ...] = (
    (uuids.RECORD_ACCESS_CONTROL_POINT, "0101", records.RecordRequest(records.RecordOperation.REPORT_RECORDS)),
    (
        uuids.RECORD_ACCESS_CONTROL_POINT,
        "0406",
        records.RecordRequest(records.RecordOperation.REPORT_NUMBER_OF_RECORDS, records.RecordOperator.LAST),
    ),
    (
        uuids.RECORD_ACCESS_CONTROL_POINT,
        "0104 01 0100 0a00",
        records.RecordRequest(
            records.RecordOperation.REPORT_RECORDS, records.RecordOperator.WITHIN_RANGE,
            records.RecordFilter.SEQUENCE_NUMBER, 1, 10,
        ),
    ),
    (
        uuids.RECORD_ACCESS_CONTROL_POINT,
        "0203 01 0500",
        records.RecordRequest(
            records.RecordOperation.DELETE_RECORDS, records.RecordOperator.GREATER_OR_EQUAL,
            records.RecordFilter.SEQUENCE_NUMBER, 5, None,
        ),
    ),
    (
        uuids.RECORD_ACCESS_CONTROL_POINT,
        "0702 02 e8070102030405",
        records.RecordRequest(
            records.RecordOperation.COMBINED_REPORT, records.RecordOperator.LESS_OR_EQUAL,
            records.RecordFilter.USER_FACING_TIME, None, WHEN,
        ),
    ),
    (
        uuids.RECORD_ACCESS_CONTROL_POINT,
        "0300",
        records.RecordRequest(records.RecordOperation.ABORT, records.RecordOperator.NULL),
    ),
    (uuids.CGM_SPECIFIC_OPS_CONTROL_POINT, "01 05", cgm_control.CgmRequest(
        cgm_control.CgmOperation.SET_COMMUNICATION_INTERVAL, 5)),
    (uuids.CGM_SPECIFIC_OPS_CONTROL_POINT, "07 b400 38e8", cgm_control.CgmRequest(
        cgm_control.CgmOperation.SET_PATIENT_HIGH_ALERT, 180.0, True)),
    (uuids.CGM_SPECIFIC_OPS_CONTROL_POINT, "04 6400 0a00 32 1400 0100 04", cgm_control.CgmRequest(
        cgm_control.CgmOperation.SET_CALIBRATION, CALIBRATION)),
    (uuids.CGM_SPECIFIC_OPS_CONTROL_POINT, "05 0100", cgm_control.CgmRequest(
        cgm_control.CgmOperation.GET_CALIBRATION, 1)),
    (uuids.CGM_SPECIFIC_OPS_CONTROL_POINT, "1a", cgm_control.CgmRequest(cgm_control.CgmOperation.START_SESSION)),
    (uuids.SC_CONTROL_POINT, "01 10270000", speed.SpeedRequest(speed.SpeedOperation.SET_CUMULATIVE_VALUE, 10000)),
    (uuids.SC_CONTROL_POINT, "03 02", speed.SpeedRequest(
        speed.SpeedOperation.UPDATE_SENSOR_LOCATION, None, P.IN_SHOE)),
    (uuids.SC_CONTROL_POINT, "04", speed.SpeedRequest(speed.SpeedOperation.REQUEST_SENSOR_LOCATIONS)),
)  # fmt: skip

# Requests that have no encoder: the applications of vitals do not send them.
READ_ONLY_REQUESTS: tuple[tuple[str, str, object], ...] = (
    (uuids.USER_CONTROL_POINT, "01 d204", user_control.UserRequest(U.REGISTER_NEW_USER, consent_code=1234)),
    (uuids.USER_CONTROL_POINT, "02 03 d204", user_control.UserRequest(U.CONSENT, 3, 1234)),
    (uuids.USER_CONTROL_POINT, "03", user_control.UserRequest(U.DELETE_USER_DATA)),
    (uuids.USER_CONTROL_POINT, "04", user_control.UserRequest(U.LIST_ALL_USERS)),
    (uuids.USER_CONTROL_POINT, "05 03", user_control.UserRequest(U.DELETE_USER, 3)),
    (uuids.USER_CONTROL_POINT, "09", user_control.UserRequest(9)),
    (uuids.GHS_CONTROL_POINT, "01", ghs_control.ObservationRequest.START_LIVE),
    (uuids.GHS_CONTROL_POINT, "02", ghs_control.ObservationRequest.STOP_LIVE),
    (uuids.CYCLING_POWER_CONTROL_POINT, "04 5901", power_control.PowerRequest(OP.SET_CRANK_LENGTH, 345)),
    (uuids.CYCLING_POWER_CONTROL_POINT, "01 10270000", power_control.PowerRequest(OP.SET_CUMULATIVE_VALUE, 10000)),
    (uuids.CYCLING_POWER_CONTROL_POINT, "0e", power_control.PowerRequest(OP.REQUEST_SAMPLING_RATE)),
    (uuids.FITNESS_MACHINE_CONTROL_POINT, "05 2c01", machine.MachineRequest(M.SET_POWER, T(power_w=300))),
    (uuids.FITNESS_MACHINE_CONTROL_POINT, "04 3200", machine.MachineRequest(
        M.SET_RESISTANCE, T(resistance_level=5.0))),
    (uuids.FITNESS_MACHINE_CONTROL_POINT, "08 01", machine.MachineRequest(
        M.STOP_OR_PAUSE, T(stop=machine.StopKind.STOP))),
    (
        uuids.FITNESS_MACHINE_CONTROL_POINT,
        "11 b80b 2a03 28 31",
        machine.MachineRequest(M.SET_BIKE_SIMULATION, T(simulation=machine.BikeSimulation(3.0, 8.1, 0.004, 0.49))),
    ),
    (uuids.FITNESS_MACHINE_CONTROL_POINT, "07", machine.MachineRequest(M.START_OR_RESUME, T())),
)  # fmt: skip
