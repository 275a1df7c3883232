"""What a plan will cost, before it is carried out."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Final

from jupyter_drive_sync.core.plan import Plan, Verb
from jupyter_drive_sync.core.settings import Settings

WRITES_PER_SECOND: Final = 2.5
"""Drive's sustained writes per user. Source: rclone's documentation of its Drive backend."""
BYTES_PER_SECOND: Final = 5_000_000
"""A cautious guess at a campus uplink; only for the estimate."""
EDIT_UNITS: Final = 50
LIST_UNITS: Final = 100
BATCH: Final = 100


@dataclass(frozen=True, slots=True)
class Estimate:
    """The cost of a plan."""

    files: int
    """Files whose content is sent."""
    size: int
    """Bytes of content that are sent."""
    requests: int
    quota_units: int
    minutes: float


def estimate(plan: Plan, settings: Settings) -> Estimate:
    """Count what a plan asks of Drive, the one request for the change feed included."""
    contents = plan.contents
    size = sum(step.size for step in contents)
    sends = sum(
        1 if step.size <= settings.small_file else 1 + ceil(step.size / settings.chunk_size)
        for step in contents
    )
    new = sum(1 for step in contents if step.verb is Verb.CREATE)
    folders = sum(len(level) for level in plan.folders)
    groups = [plan.untrash, *plan.folders, *plan.patches, plan.pins, plan.trashes]
    batches = sum(ceil(len(group) / BATCH) for group in groups)
    ids = ceil((new + folders) / 1000)
    edits = len(contents) + sum(len(group) for group in groups)
    return Estimate(
        files=len(contents),
        size=size,
        requests=1 + ids + batches + sends,
        quota_units=LIST_UNITS + ids * 5 + edits * EDIT_UNITS,
        minutes=minutes(edits, size, settings),
    )


def minutes(edits: int, size: int, settings: Settings) -> float:
    """Say roughly how long so many changes on Drive with so many bytes take."""
    bandwidth = min(BYTES_PER_SECOND, settings.bandwidth or BYTES_PER_SECOND)
    return max(edits / WRITES_PER_SECOND, size / bandwidth) / 60
