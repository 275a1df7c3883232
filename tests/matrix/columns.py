"""The columns: every fault of HTTP, F1 to F22, in the kinds that LocalDrive can make of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from jupyter_drive_sync.localdrive.fault_kinds import KINDS, Moment


@dataclass(frozen=True, slots=True)
class Column:
    """One way in which a request goes wrong.

    Attributes:
        fault: number in the laws.
        kind: LocalDrive's name of it.
        more: what that kind takes.
    """

    fault: str
    kind: str
    more: Mapping[str, float | str | bool] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """How the table and the tests call it."""
        words = [self.fault, self.kind]
        words += [f"{k}" if v is True else f"{k}={v}" for k, v in self.more.items()]
        return " ".join(words)

    @property
    def acts(self) -> bool:
        """Whether the server carries the request out although the reply is spoilt."""
        return bool(self.more.get("done")) or KINDS[self.kind].moment is Moment.AFTER

    @property
    def needs_body(self) -> bool:
        """Whether it spoils the body of a success."""
        return self.kind in ("cut", "drip", "truncated", "not_json", "wrong_json", "corrupt")


COLUMNS = tuple(
    Column(fault, kind, more)
    for fault, kind, more in (
        ("F1", "refused", {}),
        ("F2", "hang", {"seconds": 600.0}),
        ("F3", "lost", {}),
        ("F4", "cut", {}),
        ("F5", "drip", {"seconds": 2.0}),
        ("F5", "drip", {"bytes": 1.0, "seconds": 50.0}),
        ("F6", "400", {}),
        ("F7", "401", {}),
        ("F8", "invalid_grant", {}),
        ("F9", "rate", {}),
        ("F10", "rate", {"done": True}),
        ("F11", "storage", {}),
        ("F12", "policy", {}),
        ("F13", "404", {}),
        ("F14", "409", {}),
        ("F15", "page_token", {}),
        ("F16", "412", {}),
        ("F17", "429", {}),
        ("F17", "429", {"retry_after": 30.0}),
        ("F18", "500", {}),
        ("F18", "502", {}),
        ("F18", "503", {}),
        ("F18", "504", {}),
        ("F18", "503", {"done": True}),
        ("F19", "truncated", {}),
        ("F19", "not_json", {}),
        ("F19", "wrong_json", {}),
        ("F20", "keep", {}),
        ("F20", "404", {}),
        ("F21", "redirect", {}),
        ("F22", "checksum", {}),
        ("F22", "corrupt", {}),
    )
)
"""In the order of the laws."""
