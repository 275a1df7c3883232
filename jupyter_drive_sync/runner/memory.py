"""How much memory is left before the kernel kills something here.

In a container the whole of it usually dies with the first process that the kernel picks, so a pass
looks before and while it runs and rather waits.

Sources: kernel documentation, "Control Group v2" (memory.max, memory.current, memory.stat,
memory.events) and "Memory Resource Controller" (v1: memory.limit_in_bytes, memory.usage_in_bytes,
memory.oom_control).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from jupyter_drive_sync.errors import LowMemory

MiB: Final = 1024 * 1024
_NO_LIMIT: Final = 1 << 60
"""Version 1 writes "no limit" as a number near 2**63."""


class _Files(NamedTuple):
    """The names of the same things in the two versions of control groups."""

    mount: str
    limit: str
    used: str
    cache: str
    events: str


_V2: Final = _Files(
    "sys/fs/cgroup", "memory.max", "memory.current", "inactive_file", "memory.events"
)
_V1: Final = _Files(
    "sys/fs/cgroup/memory",
    "memory.limit_in_bytes",
    "memory.usage_in_bytes",
    "total_inactive_file",
    "memory.oom_control",
)


class Memory:
    """The memory of the machine and of the container that we are in.

    Args:
        root: where ``proc`` and ``sys`` lie.
    """

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = root

    def headroom(self) -> int | None:
        """Return the bytes that may still be used, None where the platform does not tell.

        Page cache that the kernel would give back counts as free.
        """
        known = [room for files, group in self._groups() if (room := _room(files, group)) >= 0]
        available = _number(self._root / "proc/meminfo", "MemAvailable:")
        if available is not None:
            known.append(available * 1024)
        return min(known, default=None)

    def oom_kills(self) -> int:
        """Return how often the kernel has killed a process of our control group so far."""
        return max(
            (_number(group / files.events, "oom_kill") or 0 for files, group in self._groups()),
            default=0,
        )

    def _groups(self) -> Iterator[tuple[_Files, Path]]:
        """Yield our control group and those above it: each may have a limit."""
        try:
            lines = (self._root / "proc/self/cgroup").read_text().splitlines()
        except OSError:
            return
        for line in lines:
            number, controllers, path = line.split(":", 2)
            if number == "0" and not controllers:
                files = _V2
            elif "memory" in controllers.split(","):
                files = _V1
            else:
                continue
            mount = self._root / files.mount
            group = mount / path.lstrip("/")
            while group != mount:
                # Inside a container the path may be that of the host, where nothing is mounted.
                if (group / files.used).exists():
                    yield files, group
                group = group.parent
            yield files, mount


def memory_guard(memory: Memory, need: int) -> Callable[[], None]:
    """Return a check that raises when too little memory is left.

    Args:
        memory: where to look.
        need: bytes that must stay free.
    """

    def check() -> None:
        room = memory.headroom()
        if room is not None and room < need:
            raise LowMemory(free_mb=room // MiB, need_mb=need // MiB)

    return check


def _room(files: _Files, group: Path) -> int:
    """Return the bytes left in a control group, -1 where it has no limit."""
    limit, used = _number(group / files.limit), _number(group / files.used)
    if limit is None or used is None or limit >= _NO_LIMIT:
        return -1
    cache = _number(group / "memory.stat", files.cache) or 0
    return max(0, limit - used + cache)


def _number(path: Path, key: str | None = None) -> int | None:
    """Read a number: the file's only one, or the one beside ``key``."""
    try:
        text = path.read_text()
    except OSError:
        return None
    words = text.split()
    if key is not None:
        words = words[words.index(key) + 1 :] if key in words else []
    return int(words[0]) if words and words[0].isdigit() else None
