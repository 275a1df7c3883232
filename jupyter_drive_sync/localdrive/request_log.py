"""What was asked of LocalDrive: one record per request, a batch's inner calls beside it."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass

OTHER_ROOMS = ("oauth.", "page.")
"""Endpoints that are not the Drive API: consent and the web page."""


@dataclass(frozen=True, slots=True)
class Record:
    """One request.

    Attributes:
        method: HTTP method.
        path: Path without query.
        endpoint: Name of the method, such as `files.create`; empty for an unknown path.
        upload_type: `media`, `multipart` or `resumable` on uploads.
        status: Status of the reply; 0 when none was sent.
        units: Quota units spent.
        account: Who asked, None without a token.
        at: Seconds since 1970.
        inner: A batch's calls, in the order in which they were carried out.
    """

    method: str
    path: str
    endpoint: str
    upload_type: str | None
    status: int
    units: int
    account: str | None
    at: float
    inner: tuple[Record, ...] = ()

    @property
    def is_drive(self) -> bool:
        """Whether the request went to the Drive API."""
        return not self.endpoint.startswith(OTHER_ROOMS)


class RequestLog:
    """The records since the start, or since `clear`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._records: list[Record] = []

    def add(self, record: Record) -> None:
        """Add a record."""
        with self._lock:
            self._records.append(record)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._records.clear()

    @property
    def records(self) -> list[Record]:
        """A copy of the records, oldest first."""
        with self._lock:
            return list(self._records)

    def count(self, endpoint: str | None = None) -> int:
        """Count the HTTP requests to the Drive API, of one endpoint or all; a batch is one."""
        return sum(
            1
            for each in self.records
            if each.is_drive and (endpoint is None or each.endpoint == endpoint)
        )

    def counts(self) -> Counter[str]:
        """Count the HTTP requests to the Drive API by endpoint."""
        return Counter(each.endpoint for each in self.records if each.is_drive)

    def inner_counts(self) -> Counter[str]:
        """Count the calls inside batches by endpoint."""
        return Counter(inner.endpoint for each in self.records for inner in each.inner)

    def token_count(self) -> int:
        """Count the requests to the consent rooms."""
        return sum(1 for each in self.records if each.endpoint.startswith("oauth."))

    def units(self) -> int:
        """Sum the quota units, inner calls included."""
        return sum(each.units + sum(inner.units for inner in each.inner) for each in self.records)
