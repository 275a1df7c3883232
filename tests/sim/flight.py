"""A pass under simulation: under way, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass, field

from jupyter_drive_sync.engine.mirror import PassReport
from jupyter_drive_sync.engine.turn import Turn
from jupyter_drive_sync.errors import DriveSyncError
from tests.sim.stead import Stead
from tests.sim.steps import Step


@dataclass
class End:
    """How a pass ended."""

    outcome: str
    """``completed``, ``completed_with_errors``, ``failed``, ``busy``, ``killed``, ``previewed``."""
    report: PassReport | None = None
    problem: DriveSyncError | None = None


@dataclass
class Flight:
    """A pass under way."""

    stead: Stead
    number: int
    turn: Turn
    beaten: float
    meanwhile: dict[int, Step] = field(default_factory=dict)
    """What happens at which of its requests."""
    requests: int = 0
    disturbed: bool = False
    """Something happened in the home while it ran."""
    frozen: bool = False
