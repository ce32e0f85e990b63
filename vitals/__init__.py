"""Wearable health monitoring that stays on the device."""
