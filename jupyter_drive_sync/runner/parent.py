"""The parent's side: a child for each job, told by stdin, heard on stdout, ended if need be.

No Google library is imported here or by anything that this imports: they would stay in a server's
memory for good. They live and end with the child.
"""

from __future__ import annotations

import collections
import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import IO, Any, Final

from jupyter_drive_sync.errors import Internal, RunCancelled, RunKilled
from jupyter_drive_sync.runner.memory import Memory
from jupyter_drive_sync.runner.protocol import (
    Event,
    Garbled,
    Job,
    Need,
    Problem,
    Reported,
    Result,
    decode_event,
    encode_job,
)

COMMAND: Final = (sys.executable, "-P", "-m", "jupyter_drive_sync.runner")
"""``-P``: a ``json.py`` in the folder where somebody works is not our ``json``."""
GRACE: Final = 15.0
"""Seconds that a cancelled child has to finish the request that it is in."""
_LAST_WORDS: Final = 40
"""Lines of stderr that are kept for the details of a crash."""

_HANDED_ON: Final = frozenset(
    {
        "PATH",
        "HOME",
        "USER",
        "LOGNAME",
        "LANG",
        "LANGUAGE",
        "TZ",
        "TZDIR",
        "TMPDIR",
        "LD_LIBRARY_PATH",
        "DYLD_LIBRARY_PATH",
        "VIRTUAL_ENV",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "DRIVE_SYNC_API_ENDPOINT",
        "GOOGLE_APPLICATION_CREDENTIALS",
        "GOOGLE_CLOUD_PROJECT",
        "GCE_METADATA_HOST",
        "GCE_METADATA_IP",
        "NO_GCE_CHECK",
    }
)
_HANDED_ON_BY_PREFIX: Final = ("LC_", "XDG_", "PYTHON", "CLOUDSDK_CONFIG", "COVERAGE_")
_PROXIES: Final = frozenset({"http_proxy", "https_proxy", "all_proxy", "no_proxy"})


def child_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what a child may know of our environment: no token of anybody is among it."""
    return {
        name: value
        for name, value in environment.items()
        if name in _HANDED_ON or name.startswith(_HANDED_ON_BY_PREFIX) or name.lower() in _PROXIES
    }


class Child:
    """A job under way. Use it in a ``with``: no child outlives its body.

    Args:
        job: what to do.
        command: what to run, for tests.
        environment: where the child's environment is taken from.
        grace: seconds between the request to end and the end.
        memory: tells a child that the kernel killed from one that a person killed.

    Raises:
        Internal: the child could not be started.
    """

    def __init__(
        self,
        job: Job,
        *,
        command: Sequence[str] = COMMAND,
        environment: Mapping[str, str] | None = None,
        grace: float = GRACE,
        memory: Memory | None = None,
    ) -> None:
        self._grace = grace
        self._memory = memory or Memory()
        self._kills_before = self._memory.oom_kills()
        self._cancelled = threading.Event()
        self._deadline: threading.Timer | None = None
        self._last_words: collections.deque[str] = collections.deque(maxlen=_LAST_WORDS)
        try:
            # No shell, our own command; a session of its own: Ctrl-C in the terminal and the end
            # of a terminal reach us, and we end the child in order.
            self._process = subprocess.Popen(  # noqa: S603
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=child_environment(os.environ if environment is None else environment),
                start_new_session=True,
                cwd="/",
            )
        except OSError as problem:
            raise Internal(detail=f"the child could not be started: {problem}") from problem
        self._listener = threading.Thread(target=self._listen, name="child-stderr", daemon=True)
        self._listener.start()
        self.say(encode_job(job))

    def __enter__(self) -> Child:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._process.pid

    @property
    def cancelled(self) -> bool:
        """Whether we asked it to end."""
        return self._cancelled.is_set()

    def say(self, line: str) -> None:
        """Write one line to the child; one that is gone is noticed where its events are read."""
        with contextlib.suppress(OSError, ValueError):  # broken, or closed by us
            self._stdin.write(line.encode("ascii") + b"\n")
            self._stdin.flush()

    def next(self) -> Event | None:
        """Wait for the next event; None when the child has ended.

        Raises:
            Internal: the child said something that is no event.
        """
        line = self._stdout.readline()
        if not line.endswith(b"\n"):
            return None  # nothing, or a line that a kill cut off
        try:
            return decode_event(line.decode("ascii", "replace"))
        except Garbled as problem:
            self.kill()
            raise Internal(detail=str(problem)) from problem

    def cancel(self) -> None:
        """Ask the child to end; kill it when the grace is over. Returns at once, may be repeated.

        A second call kills at once.
        """
        if self._cancelled.is_set():
            self.kill()
            return
        self._cancelled.set()
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        self._set_deadline()

    def hang_up(self) -> None:
        """Tell the child that we end; kill it when the grace is over. Returns at once.

        Unlike :meth:`cancel`, nobody wanted the job to stop: the next run goes on by itself.
        """
        if self._deadline is None:
            with contextlib.suppress(OSError):
                self._stdin.close()
            self._set_deadline()

    def kill(self) -> None:
        """End the child and what it started, now."""
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def epitaph(self) -> RunKilled | RunCancelled:
        """Say why a child ended without a result and without a problem."""
        status = self._process.wait()
        self._listener.join()
        if self.cancelled:
            return RunCancelled()
        detail = "\n".join(self._last_words)
        if status == -signal.SIGKILL and self._memory.oom_kills() > self._kills_before:
            return RunKilled(cause="memory", detail=detail)
        if status < 0:
            return RunKilled(cause="killed", detail=f"signal {-status}\n{detail}")
        return RunKilled(cause="crash", detail=f"exit status {status}\n{detail}")

    def close(self) -> None:
        """See that the child has ended, and let go of all that belongs to it.

        Closed pipes tell a child that is still at work that its parent is gone.
        """
        for stream in (self._stdin, self._stdout):
            with contextlib.suppress(OSError):
                stream.close()
        try:
            self._process.wait(timeout=self._grace)
        except subprocess.TimeoutExpired:
            self.kill()
            self._process.wait()
        if self._deadline is not None:
            self._deadline.cancel()
        self._listener.join()

    @property
    def _stdin(self) -> IO[bytes]:
        assert self._process.stdin is not None  # noqa: S101 - we asked for a pipe
        return self._process.stdin

    @property
    def _stdout(self) -> IO[bytes]:
        assert self._process.stdout is not None  # noqa: S101 - we asked for a pipe
        return self._process.stdout

    def _set_deadline(self) -> None:
        self._deadline = threading.Timer(self._grace, self.kill)
        self._deadline.daemon = True
        self._deadline.start()

    def _listen(self) -> None:
        assert self._process.stderr is not None  # noqa: S101 - we asked for a pipe
        with self._process.stderr as words:
            for line in words:
                self._last_words.append(line.decode("utf-8", "replace").rstrip())


def follow(
    child: Child,
    heard: Callable[[Event], None],
    supply: Callable[[str], str] | None = None,
) -> Mapping[str, Any]:
    """Hear a child to its end.

    Args:
        child: a job under way.
        heard: called with each event but the last.
        supply: hands out what a child says it needs.

    Returns:
        The values of its result.

    Raises:
        Reported: the child named its problem.
        RunCancelled: it was cancelled.
        RunKilled: it ended without a word.
        Internal: it broke the protocol.
    """
    while (event := child.next()) is not None:
        match event:
            case Result(values):
                return values
            case Problem():
                raise Reported(event)
            case Need(what) if supply is not None:
                child.say(supply(what))
            case Need(what):
                child.kill()
                raise Internal(detail=f"the child asked for {what}, which nobody has")
            case _:
                heard(event)
    raise child.epitaph()
