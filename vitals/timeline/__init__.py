"""Honest time: device clocks on the host's clock, samples and beats placed on it, gaps where nothing came."""

from vitals.timeline.bursts import BurstTimeline
from vitals.timeline.clock import ClockFit, DeviceClock
from vitals.timeline.presence import Presence
from vitals.timeline.rr import RrTimeline
from vitals.timeline.samples import SampleTimeline, Stamp

__all__ = ["BurstTimeline", "ClockFit", "DeviceClock", "Presence", "RrTimeline", "SampleTimeline", "Stamp"]
