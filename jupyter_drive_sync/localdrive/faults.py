"""What goes wrong on purpose: a plan of faults, by seed, and what never came to pass.

A rule names a kind of fault, the endpoints that it hits and when. It is judged at one moment of a
call only: when it arrives (networks and front ends fail whoever calls), before the effect, after
it, or when a chunk of a resumable upload is kept. Each rule draws from a generator of its own, so
that rules do not disturb each other and one seed gives one course of events as long as the calls
come in the same order.

A planned fault that never fired proves nothing: `Faults.assert_all_fired` fails a test that relied
on it (the habit of kopia's fault sets).
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from random import Random

from jupyter_drive_sync.localdrive.fault_kinds import KINDS, Moment
from jupyter_drive_sync.localdrive.routing import Call
from jupyter_drive_sync.localdrive.wire import Response

Parameter = str | float | bool

_PLACES = {True: "inner", False: "alone"}


@dataclass(frozen=True, slots=True)
class Fault:
    """One rule of a plan. Without `nth`, `every` or `probability` it hits each call that fits.

    Attributes:
        kind: What happens: a key of `KINDS`, such as `503`, `lost` or `cut`.
        endpoint: Which endpoints, as a shell pattern over their names (`files.*`, `oauth.token`).
        method: Which HTTP method; None is any.
        nth: Hits the n-th fitting call only, counted from 1.
        every: Hits each n-th fitting call.
        probability: Hits a fitting call by chance, 0 to 1.
        times: Hits at most so often; None has no end.
        inner: Hits only calls inside a batch (True), or only requests of their own (False).
        parameters: What the kind takes, such as `{"retry_after": 7}`, and `done` for those that
            may also strike after the effect.

    Raises:
        ValueError: No such kind or parameter, or a number out of range.
    """

    kind: str
    endpoint: str = "*"
    method: str | None = None
    nth: int | None = None
    every: int | None = None
    probability: float | None = None
    times: int | None = None
    inner: bool | None = None
    parameters: Mapping[str, Parameter] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"no fault is called {self.kind!r}; there are {', '.join(KINDS)}")
        known = KINDS[self.kind].parameters
        for name in self.parameters:
            if name not in known:
                takes = ", ".join(sorted(known)) or "no parameters"
                raise ValueError(f"{self.kind!r} does not take {name!r}; it takes {takes}")
        for name in ("nth", "every", "times"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name}={value} must be at least 1")
        if self.probability is not None and not 0 <= self.probability <= 1:
            raise ValueError(f"p={self.probability} must lie between 0 and 1")

    @property
    def moment(self) -> Moment:
        """When the rule is judged."""
        return Moment.AFTER if self.parameters.get("done") else KINDS[self.kind].moment

    def fits(self, call: Call) -> bool:
        """Say whether a call is of those that the rule counts."""
        if self.method is not None and call.request.method != self.method:
            return False
        if self.inner is not None and call.inner is not self.inner:
            return False
        return fnmatchcase(call.endpoint, self.endpoint)

    def __str__(self) -> str:
        words = [self.endpoint, self.kind]
        pairs = {
            "method": self.method,
            "nth": self.nth,
            "every": self.every,
            "p": self.probability,
            "times": self.times,
        }
        words += [f"{name}={value}" for name, value in pairs.items() if value is not None]
        if self.inner is not None:
            words.append(_PLACES[self.inner])
        for name, value in self.parameters.items():
            shown = f"{value:g}" if isinstance(value, float) else value
            words.append(name if value is True else f"{name}={shown}")
        return ":".join(words)


class _Rule:
    """A fault with its memory."""

    __slots__ = ("fault", "fired", "random", "seen")

    def __init__(self, fault: Fault, seed: str) -> None:
        self.fault = fault
        self.random = Random(seed)  # noqa: S311 - chance that can be repeated is the point
        self.seen = 0
        self.fired = 0

    def strikes(self) -> bool:
        """Count one more fitting call and say whether this is one to hit."""
        fault = self.fault
        self.seen += 1
        chance = fault.probability is None or self.random.random() < fault.probability
        due = (
            chance
            and (fault.nth is None or self.seen == fault.nth)
            and (fault.every is None or self.seen % fault.every == 0)
            and (fault.times is None or self.fired < fault.times)
        )
        self.fired += due
        return due


class Faults:
    """A plan of faults, as `routing.FaultHook` wants it.

    Args:
        seed: What chance is drawn from.
        plan: The rules to begin with.
    """

    def __init__(self, seed: int = 0, plan: Iterable[Fault] = ()) -> None:
        self._seed = seed
        self._lock = threading.Lock()
        self._rules: list[_Rule] = []
        self._added = 0
        for fault in plan:
            self.add(fault)

    def add(self, fault: Fault) -> None:
        """Add a rule; of several that strike one call at one moment, the first decides."""
        with self._lock:
            self._rules.append(_Rule(fault, f"{self._seed} {self._added}"))
            self._added += 1

    def clear(self) -> None:
        """Let nothing go wrong any more."""
        with self._lock:
            self._rules.clear()

    def fired(self) -> dict[str, int]:
        """Return how often each rule has struck, by its text form."""
        with self._lock:
            return {str(rule.fault): rule.fired for rule in self._rules}

    def unfired(self) -> tuple[Fault, ...]:
        """Return the rules that have never struck."""
        with self._lock:
            return tuple(rule.fault for rule in self._rules if not rule.fired)

    def assert_all_fired(self) -> None:
        """Fail a test whose plan did not come to pass.

        Raises:
            AssertionError: Some rule has never struck; the sentence names it.
        """
        idle = self.unfired()
        if idle:
            raise AssertionError("planned, but never struck: " + ", ".join(map(str, idle)))

    def arriving(self, call: Call) -> Response | None:
        """Return what comes instead of Google's answer, whoever calls; None to let it go on."""
        return self._instead(call, Moment.ARRIVING)

    def before(self, call: Call) -> Response | None:
        """Return the reply that is sent instead of an effect, None to let the call go on."""
        return self._instead(call, Moment.BEFORE)

    def _instead(self, call: Call, moment: Moment) -> Response | None:
        rule = self._striking(call, moment)
        if rule is None:
            return None
        return KINDS[rule.fault.kind].reply(call, rule.fault.parameters)

    def after(self, call: Call, response: Response) -> Response:
        """Return what is sent for an effect that has happened; a true error is left alone."""
        rule = self._striking(call, Moment.AFTER, response) if 0 < response.status < 400 else None
        if rule is None:
            return response
        kind = KINDS[rule.fault.kind]
        return kind.bend(call, response, rule.fault.parameters, rule.random)

    def kept(self, call: Call, received: int) -> int:
        """Return how many bytes of a chunk are kept."""
        rule = self._striking(call, Moment.KEPT)
        if rule is None:
            return received
        return KINDS[rule.fault.kind].keep(received, rule.fault.parameters)

    def _striking(
        self, call: Call, moment: Moment, response: Response | None = None
    ) -> _Rule | None:
        """Return the first rule that strikes; those behind it do not count the call."""
        with self._lock:
            for rule in self._rules:
                fault = rule.fault
                if fault.moment is not moment or not fault.fits(call):
                    continue
                if response is not None and not KINDS[fault.kind].applies(response):
                    continue
                if rule.strikes():
                    return rule
        return None
