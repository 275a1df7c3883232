"""Law 16: the same seed gives the same trace."""

from __future__ import annotations

import hashlib
from itertools import zip_longest

from tests.laws.facts import Broken


class Trace:
    """Every request, every statement of the ledger, every file operation, in order.

    Args:
        keep: whether to keep the lines, to find the first one that differs.
    """

    def __init__(self, *, keep: bool = False) -> None:
        self.lines: list[str] = []
        self.count = 0
        self._keep = keep
        self._digest = hashlib.blake2b(digest_size=16)

    def add(self, line: str) -> None:
        """Take note of one event."""
        self.count += 1
        self._digest.update(line.encode("utf-8", "backslashreplace") + b"\n")
        if self._keep:
            self.lines.append(line)

    @property
    def digest(self) -> str:
        """A checksum of all that happened."""
        return self._digest.hexdigest()


def check(one: Trace, other: Trace) -> None:
    """Compare two traces."""
    if one.digest == other.digest:
        return
    for number, (first, second) in enumerate(zip_longest(one.lines, other.lines)):
        if first != second:
            raise Broken(
                16, f"the same seed went another way at event {number}: {first} | {second}"
            )
    raise Broken(16, f"the same seed went another way: {one.count} events, {other.count} events")
