"""Whether a person is asked to connect: once, in one tab, and not again after a no."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

LATER: Final = 7 * 86_400.0
"""Seconds for which *Not now* counts."""
CLAIM: Final = 60.0
"""Seconds for which a tab that says nothing more keeps the question."""


@dataclass
class Claim:
    """The right of one tab to ask.

    Args:
        clock: monotonic seconds.
    """

    clock: Callable[[], float]
    _tab: str = ""
    _until: float = 0.0

    @property
    def tab(self) -> str:
        """The tab that asks now, or ``""``."""
        return self._tab if self.clock() < self._until else ""

    def take(self, tab: str) -> bool:
        """Take or keep the right; tells whether it is the tab's."""
        if self.tab not in ("", tab):
            return False
        self._tab, self._until = tab, self.clock() + CLAIM
        return True

    def give_back(self, tab: str = "") -> None:
        """Give it back; without a name, whoever has it."""
        if tab in ("", self._tab):
            self._tab = ""
