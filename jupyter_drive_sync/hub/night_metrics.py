"""Figures of the nights for Prometheus.

No figure has a person's name: there are 10,000 of them, and Prometheus keeps what it saw.
Source: Prometheus documentation, "Metric and label naming".
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from jupyter_drive_sync.hub.people import Person, Turn
from jupyter_drive_sync.hub.servers import Ending

if TYPE_CHECKING:
    from jupyter_drive_sync.hub.wave import Wave

_DAY: Final = 86_400.0


class NightMetrics:
    """Takes the figures.

    Args:
        registry: where they are kept; one of our own when None.
    """

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        named: dict[str, Any] = {"registry": self.registry}
        self._turns = Counter(
            "drive_sync_hub_turns", "Turns of people in the nights by how they ended",
            ["outcome"], **named,
        )  # fmt: skip
        self._units = Counter(
            "drive_sync_hub_quota_units", "Quota units that the nights used", **named
        )
        self._seconds = Histogram(
            "drive_sync_hub_turn_duration_seconds",
            "Duration of a turn in seconds, from the start of the server or the process",
            buckets=(5, 15, 30, 60, 120, 300, 900, 1800, 3600, 7200),
            **named,
        )
        self._people = Gauge(
            "drive_sync_hub_people", "People who consented, by how their backup stands",
            ["state"], **named,
        )  # fmt: skip
        self._oldest = Gauge(
            "drive_sync_hub_oldest_backup_seconds",
            "Age of the oldest complete backup of somebody who is not held or left out",
            **named,
        )
        self._running = Gauge("drive_sync_hub_night_running", "Whether a night is on", **named)
        self._waiting = Gauge("drive_sync_hub_turns_waiting", "Turns that have not begun", **named)
        self._under_way = Gauge("drive_sync_hub_turns_running", "Turns under way", **named)
        self._day_units = Gauge(
            "drive_sync_hub_day_quota_units", "Quota units used in this day of Google's", **named
        )
        self._ended = Gauge(
            "drive_sync_hub_night_end_timestamp_seconds", "When the last night ended", **named
        )

    def turn(self, turn: Turn, ending: Ending, now: float) -> None:
        """Count a turn."""
        self._turns.labels(ending.outcome).inc()
        self._units.inc(max(0, turn.units))
        if turn.began:
            self._seconds.observe(max(0.0, now - turn.began))

    def night(self, wave: Wave) -> None:
        """Take note of the end of a night."""
        self._ended.set(wave.wall())

    def render(
        self,
        people: Collection[tuple[str, Person]],
        wave: Wave | None,
        spent: Mapping[str, Any],
        now: float,
    ) -> bytes:
        """Write all figures.

        Args:
            people: everybody, each with the word for how their backup stands.
            wave: the night that is on.
            spent: what this day of Google's has cost.
            now: epoch seconds.
        """
        self._people.clear()
        oldest = 0.0
        for state, person in people:
            self._people.labels(state).inc()
            if person.last_sync is not None and not person.opted_out and person.frozen_at is None:
                oldest = max(oldest, now - person.last_sync)
        self._oldest.set(oldest)
        self._running.set(wave is not None)
        self._waiting.set(wave.waiting if wave else 0)
        self._under_way.set(len(wave.under_way) if wave else 0)
        self._day_units.set(spent["units"])
        return generate_latest(self.registry)
