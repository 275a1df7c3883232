"""How fast we send: as many requests at once as Drive bears, and as many bytes as we may.

Drive throttles an account's writes to a few per second and says so only by refusing, so the number
of requests at once follows the rule of TCP: a little more with each success, half with a refusal.
Source: Drive guide, "Resolve errors" (403 and 429, exponential backoff).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from random import Random
from typing import Final

from jupyter_drive_sync.core.clock import Clock

_SLICE: Final = 1.0
"""Seconds that a cancelled wait may still take."""
_FIRST_LIMIT: Final = 4.0
_LEAST_GAP: Final = 0.1
_MOST_GAP: Final = 5.0
_COOL_OFF: Final = 1.0
"""Refusals within so many seconds belong to one burst and halve once."""
_MOST_BACKOFF: Final = 64.0
"""Source: Drive guide, "Resolve errors" (32 or 64 seconds)."""
MOST_PATIENCE: Final = 600.0
"""A ``Retry-After`` beyond that many seconds ends the run rather than keeping it waiting."""
_CALM: Final = 10.0
"""Seconds without a refusal after which nobody is being slowed any more."""
_TICK: Final = 1e-6
"""Less is no wait: adding it may leave a float as it is."""


def backoff(tries: int, random: Random) -> float:
    """Return the seconds to wait after the ``tries``-th failure: truncated, with full jitter."""
    return random.uniform(0.0, min(_MOST_BACKOFF, 2.0 ** (tries - 1)))


def retry_after(value: str | None, date: str | None, now: float) -> float | None:
    """Read a ``Retry-After``: seconds, or an HTTP date.

    Args:
        value: the header.
        date: the reply's own ``Date``, against which a date is taken, since our clock may be off.
        now: seconds since the epoch, where the reply has no date.

    Returns:
        Seconds to wait, at least 0; None for no header or nonsense.
    """
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return float(int(text))
    until = http_date(text)
    if until is None:
        return None
    said = http_date(date) if date else None
    return max(0.0, until - (now if said is None else said))


def http_date(text: str) -> float | None:
    """Read an HTTP date as seconds since the epoch, None for nonsense."""
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def wait(clock: Clock, permit: Callable[[], None], seconds: float) -> None:
    """Wait, in slices, so that a cancelled run does not wait on.

    Raises:
        RunCancelled, LeaseLost: as ``permit`` decides.
    """
    end = clock.monotonic() + seconds
    while (left := end - clock.monotonic()) > _TICK:
        permit()
        clock.sleep(min(left, _SLICE))


@dataclass(slots=True)
class _State:
    limit: float
    inside: int = 0
    gap: float = 0.0
    next_start: float = 0.0
    next_byte: float = 0.0
    last_cut: float = float("-inf")
    slowed_until: float = float("-inf")


class Pace:
    """The gate before each request. One per account, shared by all threads.

    Args:
        clock: time; with a virtual one a wait just moves it on.
        permit: called before and during each wait; raises what ends the run.
        most: requests at once.
        bandwidth: bytes per second sent at most, 0 for no limit.
    """

    def __init__(
        self, clock: Clock, permit: Callable[[], None], *, most: int, bandwidth: int = 0
    ) -> None:
        self._clock = clock
        self._permit = permit
        self._most = most
        self._bandwidth = bandwidth
        self._free = threading.Condition()
        self._state = _State(limit=min(float(most), _FIRST_LIMIT))
        self.waited = 0.0

    @property
    def limit(self) -> int:
        """Requests that may be under way at once now."""
        return int(self._state.limit)

    @contextmanager
    def turn(self, size: int = 0) -> Iterator[None]:
        """Wait for a turn to send ``size`` bytes and hold it."""
        self._permit()
        with self._free:
            while self._state.inside >= int(self._state.limit):
                self._free.wait(_SLICE)
                self._permit()
            self._state.inside += 1
        try:
            self.wait(self._due(size))
            yield
        finally:
            with self._free:
                self._state.inside -= 1
                self._free.notify()

    def _due(self, size: int) -> float:
        """Book the next moment at which something may be sent; return the seconds until then."""
        with self._free:
            state, now = self._state, self._clock.monotonic()
            start = max(now, state.next_start, state.next_byte if size else now)
            state.next_start = start + state.gap
            if size and self._bandwidth:
                state.next_byte = start + size / self._bandwidth
            return start - now

    def succeeded(self) -> None:
        """Dare a little more."""
        with self._free:
            state = self._state
            state.limit = min(float(self._most), state.limit + 1.0 / state.limit)
            state.gap = state.gap * 0.9 if state.gap > _LEAST_GAP / 4 else 0.0
            self._free.notify()

    def refused(self, seconds: float | None) -> None:
        """Slow down, and let nobody start before ``seconds`` are over, if Drive said so."""
        with self._free:
            state, now = self._state, self._clock.monotonic()
            self._slow(now + min(seconds or 0.0, MOST_PATIENCE))
            if seconds:
                state.next_start = max(state.next_start, now + min(seconds, MOST_PATIENCE))
            if now - state.last_cut < _COOL_OFF:
                return
            state.last_cut = now
            if state.limit <= 1.0:
                state.gap = min(_MOST_GAP, max(_LEAST_GAP, state.gap * 2))
            state.limit = max(1.0, state.limit / 2)

    @property
    def slowed(self) -> bool:
        """Whether Drive has us wait, or did a moment ago."""
        return self._clock.monotonic() < self._state.slowed_until

    def hold_back(self, seconds: float) -> None:
        """Wait because Drive is busy."""
        with self._free:
            self._slow(self._clock.monotonic() + seconds)
        self.wait(seconds)

    def _slow(self, until: float) -> None:
        self._state.slowed_until = max(self._state.slowed_until, until + _CALM)

    def wait(self, seconds: float) -> None:
        """Wait (see :func:`wait`) and count it."""
        wait(self._clock, self._permit, seconds)
        with self._free:
            self.waited += max(0.0, seconds)
