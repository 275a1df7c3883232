"""How fast one user may go: quota units by the minute, and the write throttle nobody documents.

Sources: Drive guide "Usage limits" (units of each method, limits per minute); rclone's
documentation of its drive backend (2 to 3 files a second, whatever the quota says).
"""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass

from jupyter_drive_sync.localdrive import replies
from jupyter_drive_sync.localdrive.clock import Clock
from jupyter_drive_sync.localdrive.settings import LocalDriveSettings

GET, LIST, DOWNLOAD, EDIT, OTHER = 5, 100, 200, 50, 5
MINUTE = 60.0


@dataclass(slots=True)
class _Bucket:
    """Writes that a user has left."""

    level: float
    at: float


class Throttle:
    """Counts what each user spends."""

    def __init__(self, settings: LocalDriveSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: dict[str, _Bucket] = {}
        self._minutes: dict[tuple[str, str], tuple[int, int]] = {}

    def admit(self, account: str, project: str, units: int) -> None:
        """Count one call.

        Raises:
            ApiError: 403 `userRateLimitExceeded` or 429 `rateLimitExceeded`: it has no effect.
        """
        with self._lock:
            self._admit_units(account, project, units)
            if units == EDIT:
                self._admit_write(account)

    def _admit_units(self, account: str, project: str, units: int) -> None:
        limit = self._settings.units_per_minute
        if limit is None:
            return
        now = self._clock.now()
        minute = int(now // MINUTE)
        last, spent = self._minutes.get((account, project), (minute, 0))
        spent = spent if last == minute else 0
        if spent + units > limit:
            raise self._refusal(MINUTE - now % MINUTE)
        self._minutes[account, project] = (minute, spent + units)

    def _admit_write(self, account: str) -> None:
        rate = self._settings.writes_per_second
        if rate is None:
            return
        now = self._clock.now()
        burst = self._settings.write_burst
        bucket = self._buckets.setdefault(account, _Bucket(burst, now))
        bucket.level = min(burst, bucket.level + (now - bucket.at) * rate)
        bucket.at = now
        if bucket.level < 1:
            raise self._refusal((1 - bucket.level) / rate)
        bucket.level -= 1

    def _refusal(self, wait: float) -> replies.ApiError:
        seconds = max(1, math.ceil(wait)) if self._settings.throttle_retry_after else None
        if self._settings.throttle_status == 429:
            return replies.too_many_requests(seconds)
        return replies.rate_limited(seconds)
