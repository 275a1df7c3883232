"""Law 12: one writer per home; of a frozen one at most the requests in flight may land."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.laws.facts import Broken


@dataclass
class Writers:
    """Watches who writes.

    Args:
        in_flight: requests that may have been on their way when a writer was replaced.
    """

    in_flight: int = 1
    _current: str = ""
    _late: dict[str, int] = field(default_factory=dict)

    def sends(self, writer: str) -> None:
        """Take note of a request."""
        if writer in self._late:
            self._late[writer] += 1
            if self._late[writer] > self.in_flight:
                raise Broken(12, f"{writer} goes on writing after {self._current} took over")
            return
        if self._current and writer != self._current:
            self._late[self._current] = 0
        self._current = writer
