"""Figures for the server's own ``/metrics``.

Source: Prometheus documentation, "Metric and label naming".
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Any, Final

from prometheus_client import Counter, Gauge, Histogram

_RUNS: Final = Counter("drive_sync_runs", "Syncs by how they ended", ["outcome"])
_SECONDS: Final = Histogram(
    "drive_sync_run_duration_seconds",
    "Duration of a sync in seconds",
    buckets=(1, 5, 15, 60, 300, 900, 3600, 14400, 43200),
)
_AGE: Final = Gauge(
    "drive_sync_last_success_age_seconds", "Seconds since the last complete sync; NaN: never"
)
_RUNNING: Final = Gauge("drive_sync_running", "Whether this server syncs now")
_TOTALS: Final = {
    "bytes": Counter("drive_sync_bytes", "Bytes of content that were mirrored"),
    "requests": Counter("drive_sync_requests", "Requests to Drive"),
    "quota_units": Counter("drive_sync_quota_units", "Quota units that Drive counted"),
    "retries": Counter("drive_sync_retries", "Requests that were sent again"),
}


_STORAGE_RUNS: Final = Counter(
    "drive_sync_storage_runs",
    "Runs of storages by direction and how they ended",
    ["direction", "outcome"],
)
_STORAGE_BYTES: Final = Counter(
    "drive_sync_storage_bytes", "Bytes of content that storages transferred", ["direction"]
)


class Metrics:
    """Takes the figures of this server's runs."""

    def __init__(self) -> None:
        self._last_success: float | None = None
        _AGE.set_function(self._age)

    def succeeded(self, at: float | None) -> None:
        """Take note of the last success, epoch seconds; None for never."""
        self._last_success = at

    def began(self) -> None:
        """Count a run in."""
        _RUNNING.set(1)

    def ended(self, outcome: str, seconds: float, counters: Mapping[str, Any]) -> None:
        """Count a run out.

        Args:
            outcome: ``completed``, ``completed_with_errors``, or the code of what ended it.
            seconds: how long it took.
            counters: its counters, as far as they are known.
        """
        _RUNNING.set(0)
        _RUNS.labels(outcome).inc()
        _SECONDS.observe(seconds)
        for name, total in _TOTALS.items():
            total.inc(max(0, int(counters.get(name, 0))))

    def storage_ended(self, direction: str, outcome: str, size: int) -> None:
        """Count a run of a storage.

        Args:
            direction: ``import`` or ``export``.
            outcome: as of :meth:`ended`.
            size: bytes that it transferred.
        """
        _STORAGE_RUNS.labels(direction, outcome).inc()
        _STORAGE_BYTES.labels(direction).inc(max(0, size))

    def _age(self) -> float:
        return math.nan if self._last_success is None else time.time() - self._last_success
