"""One writer per home.

The lease is a file in the state folder: who writes, and a beat that the writer changes every few
seconds. Clocks of two hosts are never compared: an observer waits until the beat has stood still
for the whole term *on its own monotonic clock*, and a writer gives up on its own clock well before
that. A process of this host that is plainly dead is replaced at once.

File locks are not used, since NFS may not have them; making the file is atomic by ``link(2)``,
which NFS does have (Linux man page open(2), on ``O_EXCL``).
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from uuid import uuid4

from jupyter_drive_sync.core.clock import Clock
from jupyter_drive_sync.core.refusals import refused_by_disk
from jupyter_drive_sync.errors import LeaseLost, RunBusy


@dataclass(frozen=True, slots=True)
class Process:
    """A process, known beyond its pid: pids are used again."""

    host: str
    boot: str
    """Changes when the host (or the container's kernel) restarts."""
    pid: int
    started: str
    """Start time as the kernel counts it; ``""`` where it does not tell."""

    @classmethod
    def current(cls) -> Process:
        """Describe this process."""
        pid = os.getpid()
        return cls(socket.gethostname(), _boot_id(), pid, _start_time(pid))

    def is_dead(self) -> bool | None:
        """Tell whether it is gone; None when it runs where we cannot look."""
        here = Process.current()
        if self.host != here.host:
            return None
        if self.boot != here.boot:
            return True
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            pass
        return _start_time(self.pid) != self.started


@dataclass(frozen=True, slots=True)
class _Holder:
    token: str
    beat: int
    process: Process


class Lease:
    """The right to write one home's mirror.

    Args:
        folder: the state folder.
        clock: for the term; only its monotonic side is used.
        term: seconds after which a silent writer counts as dead.
        process: who we are.
        is_dead: looks at another holder's process; None: cannot tell.
        token: tells this lease from all others; a random one when empty.
    """

    def __init__(
        self,
        folder: Path,
        clock: Clock,
        *,
        term: float,
        process: Process,
        is_dead: Callable[[Process], bool | None] = Process.is_dead,
        token: str = "",
    ) -> None:
        self._path = folder / "lease.json"
        self._clock = clock
        self._term = term
        self._process = process
        self._is_dead = is_dead
        self._token = token or uuid4().hex
        self._beat = 0
        self._valid_until = 0.0

    def acquire(self, *, patience: float) -> None:
        """Become the writer.

        Args:
            patience: seconds to watch a holder that may be dead before giving way to it.

        Raises:
            RunBusy: somebody else writes.
            StateUnusable: the state folder cannot be written.
        """
        begun = self._clock.monotonic()
        seen: _Holder | None = None
        still_since = begun
        while not self._take():
            holder = self._read()
            now = self._clock.monotonic()
            if holder != seen:
                seen, still_since = holder, now
            dead = holder is None or self._is_dead(holder.process) is True
            if dead or now - still_since >= self._term:
                self._evict(holder)
                continue
            if now - begun >= patience:
                where = holder.process.host if holder else "unknown host"
                raise RunBusy(where=f"process {holder.process.pid if holder else 0} on {where}")
            self._clock.sleep(min(1.0, self._term / 10))

    def beat(self) -> None:
        """Say that we live. Called every few seconds, by any thread.

        Raises:
            LeaseLost: our time was over, or somebody took the lease.
        """
        self.check()
        holder = self._read()
        if holder is None or holder.token != self._token:
            self._valid_until = 0.0
            raise LeaseLost
        begun = self._clock.monotonic()
        self._beat += 1
        self._write(self._path.with_name(f"lease.{self._token}"), replace_it=True)
        self._valid_until = begun + self._term / 2

    def check(self) -> None:
        """Make sure that we may still write; asked before each request.

        Half a term: whoever watches needs a whole one, so two writers never overlap by more than
        the requests that were already on their way.

        Raises:
            LeaseLost: our last sign of life is too old.
        """
        if self._clock.monotonic() >= self._valid_until:
            raise LeaseLost

    def mine(self) -> bool:
        """Tell whether nobody else has taken the lease so far, however old it is."""
        holder = self._read()
        return holder is not None and holder.token == self._token

    def release(self) -> None:
        """Give the lease back; harmless when it is no longer ours."""
        if self.mine():
            with contextlib.suppress(OSError):  # read-only by now: it will count as dead
                self._path.unlink(missing_ok=True)
        self._valid_until = 0.0

    @contextlib.contextmanager
    def held(self, *, patience: float = 0) -> Iterator[Lease]:
        """Hold the lease for a block."""
        self.acquire(patience=patience)
        try:
            yield self
        finally:
            self.release()

    def _take(self) -> bool:
        begun = self._clock.monotonic()
        temporary = self._path.with_name(f"lease.{self._token}")
        self._write(temporary, replace_it=False)
        try:
            os.link(temporary, self._path)
        except FileExistsError:
            return False
        except OSError as error:
            raise refused_by_disk(str(self._path.parent), error) from error
        finally:
            _drop(temporary)
        self._valid_until = begun + self._term / 2
        return True

    def _evict(self, holder: _Holder | None) -> None:
        """Move a dead lease away; of several observers only one succeeds."""
        grave = self._path.with_name(f"lease.dead.{self._token}")
        try:
            self._path.rename(grave)
        except FileNotFoundError:
            return
        except OSError as error:
            raise refused_by_disk(str(self._path.parent), error) from error
        moved = self._read(grave)
        if moved is not None and (holder is None or moved.token != holder.token):
            # Another observer was quicker and a live writer began meanwhile: give it back.
            with contextlib.suppress(FileExistsError):
                os.link(grave, self._path)
        _drop(grave)

    def _read(self, path: Path | None = None) -> _Holder | None:
        try:
            values = json.loads((path or self._path).read_text("utf-8"))
            return _Holder(values["token"], values["beat"], Process(**values["process"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _write(self, path: Path, *, replace_it: bool) -> None:
        holder = _Holder(self._token, self._beat, self._process)
        try:
            with open(path, "w", encoding="utf-8", opener=_private) as file:
                json.dump(asdict(holder), file)
                file.flush()
                os.fsync(file.fileno())
            if replace_it:
                path.replace(self._path)
        except OSError as error:
            _drop(path)
            raise refused_by_disk(str(path.parent), error) from error


def _drop(temporary: Path) -> None:
    """Remove a file of our own that nobody looks for; where that is refused, it may stay."""
    with contextlib.suppress(OSError):
        temporary.unlink(missing_ok=True)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return ""


def _start_time(pid: int) -> str:
    """Return the 22nd field of ``/proc/PID/stat`` (proc(5): starttime)."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except OSError:
        return ""
    return text.rpartition(")")[2].split()[19]
