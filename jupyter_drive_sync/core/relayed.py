"""What another process met: its errors, as they read on this side."""

from __future__ import annotations

from collections.abc import Mapping

from jupyter_drive_sync.errors import DriveSyncError, Who


class Relayed(DriveSyncError):
    """An error that another process met, in its own words; one class for the errors of all."""

    def __init__(
        self,
        *,
        code: str,
        who: Who,
        sentence: str,
        exit_code: int,
        params: Mapping[str, str | int | float] | None = None,
        detail: str = "",
    ) -> None:
        self._sentence = sentence
        super().__init__(detail=detail, **(params or {}))
        self.code = code  # type: ignore[misc]
        self.who = who  # type: ignore[misc]
        self.exit_code = exit_code  # type: ignore[misc]

    @property
    def sentence(self) -> str:
        """The sentence as it was made there."""
        return self._sentence
