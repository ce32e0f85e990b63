"""Names of the Bluetooth SIG characteristics that vitals knows (Assigned Numbers, section 3.8)."""

from __future__ import annotations


def sig(number: int) -> str:
    """The 128-bit form of a 16-bit UUID (Core Specification 5.4, Vol 3, Part B, 2.5.1), lower case."""
    return f"{number:08x}-0000-1000-8000-00805f9b34fb"


HEART_RATE_MEASUREMENT = sig(0x2A37)
BODY_SENSOR_LOCATION = sig(0x2A38)
HEART_RATE_CONTROL_POINT = sig(0x2A39)
BATTERY_LEVEL = sig(0x2A19)
SYSTEM_ID = sig(0x2A23)
MODEL_NUMBER = sig(0x2A24)
SERIAL_NUMBER = sig(0x2A25)
FIRMWARE_REVISION = sig(0x2A26)
HARDWARE_REVISION = sig(0x2A27)
SOFTWARE_REVISION = sig(0x2A28)
MANUFACTURER_NAME = sig(0x2A29)
PNP_ID = sig(0x2A50)
