"""Which faults a number plans: every kind that LocalDrive knows, where it can happen."""

from __future__ import annotations

from jupyter_drive_sync.localdrive.fault_kinds import KINDS
from jupyter_drive_sync.localdrive.faults import Fault

_WHERE = {
    "invalid_grant": ("oauth.token",),
    "page_token": ("changes.list", "files.list"),
    "keep": ("*",),
    "409": ("files.create",),
    "412": ("files.update",),
}
_ALSO_DONE = ("F9, F10", "F17", "F18")
"""A rate limit or an error of the server may be told of what was done; a refusal is one."""
_EVERYWHERE = ("*", "files.*", "files.create", "files.update", "batch", "changes.list")


def _all() -> list[tuple[str, str, bool]]:
    found = []
    for kind, what in KINDS.items():
        for endpoint in _WHERE.get(kind, _EVERYWHERE):
            found.append((kind, endpoint, False))
            if what.number in _ALSO_DONE:
                found.append((kind, endpoint, True))
    return found


ALL = _all()
"""Kind, endpoint, and whether it strikes after the effect."""


def chosen(number: int) -> list[Fault]:
    """Plan: nothing in four of ten passes, else one fault, now and then two."""
    calm, number = number % 10, number // 10
    if calm < 4:
        return []
    plan = [_fault(number)]
    if calm == 9:
        plan.append(_fault(number * 31 + 7))
    return plan


def _fault(number: int) -> Fault:
    kind, endpoint, done = ALL[number % len(ALL)]
    times, number = number // len(ALL) % 3, number // len(ALL)
    parameters = {"done": True} if done else {}
    if times == 0:
        return Fault(kind, endpoint, nth=1 + number % 6, parameters=parameters)
    chance = (0.05, 0.3)[times - 1]
    return Fault(kind, endpoint, probability=chance, times=6, parameters=parameters)
