"""Processor seconds and memory of this process and of those it started."""

from __future__ import annotations

import resource
import sys
from pathlib import Path


def cpu_seconds() -> float:
    """Return the processor seconds used so far, those of ended children included."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def peak_mb() -> float:
    """Return the most memory that this process or one of its children has held at a time, in MB."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    status = Path("/proc/self/status")
    if status.exists():
        # `ru_maxrss` of a fresh process starts at that of the process that started it; this one does not.
        peak = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return max(int(peak.split()[1]) / 1024, children)
    unit = 1024 if sys.platform == "darwin" else 1
    return max(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, children) / unit
