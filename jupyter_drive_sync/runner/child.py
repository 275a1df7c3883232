"""The child's side: one job from stdin, events to stdout, and an orderly end whatever happens."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, TextIO

from jupyter_drive_sync.drive.secrets import Secret, redact
from jupyter_drive_sync.errors import DriveSyncError, Internal, RunCancelled, RunKilled
from jupyter_drive_sync.runner.protocol import (
    Event,
    Job,
    Need,
    Result,
    Started,
    decode_job,
    encode_event,
    problem_of,
)

_NICENESS: Final = 10
_OOM_SCORE_ADJ: Final = 900
"""Of 1000: when memory ends, the kernel shall take us before the person's kernels."""


class Interruption:
    """The one way to end a job early: somebody says why, the job finds out at its next step."""

    def __init__(self) -> None:
        # A bare attribute: a signal handler must not touch a lock that its own thread may hold.
        self._reason: DriveSyncError | None = None

    def stop(self, reason: DriveSyncError) -> None:
        """Ask the job to end; the first reason counts. Safe in a signal handler."""
        if self._reason is None:
            self._reason = reason

    def permit(self) -> None:
        """Go on, or not.

        Raises:
            DriveSyncError: the reason given to :meth:`stop`.
        """
        if self._reason is not None:
            raise self._reason


class Context:
    """What a job may ask of the process that it runs in.

    Args:
        send: takes one line without its end.
        lines: what the parent writes after the job.
        interruption: how the job is ended early.
    """

    def __init__(
        self, send: Callable[[str], None], lines: queue.SimpleQueue[str], interruption: Interruption
    ) -> None:
        self._send = send
        self._lines = lines
        self.interruption = interruption

    def emit(self, event: Event) -> None:
        """Tell the parent; where it is gone, the job ends at its next step."""
        try:
            self._send(encode_event(event))
        except OSError:
            self.interruption.stop(orphaned())

    def permit(self) -> None:
        """Go on, or raise the reason why not."""
        self.interruption.permit()

    def ask(self, what: str) -> Secret:
        """Have the parent hand in a secret.

        Raises:
            DriveSyncError: the job was ended meanwhile.
        """
        self.emit(Need(what))
        while True:
            self.permit()
            with contextlib.suppress(queue.Empty):
                return Secret(self._lines.get(timeout=0.2))

    @contextlib.contextmanager
    def pulse(self, beat: Callable[[], None], seconds: float) -> Iterator[None]:
        """Call ``beat`` every so many seconds, in a thread, while the body runs.

        An error that ``beat`` raises (the lease is lost, memory runs out) ends the job.
        """
        over = threading.Event()

        def run() -> None:
            while not over.wait(seconds):
                try:
                    beat()
                except DriveSyncError as problem:
                    self.interruption.stop(problem)
                    return
                except Exception as problem:
                    self.interruption.stop(unforeseen(problem))
                    return

        thread = threading.Thread(target=run, name="pulse")
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


Handler = Callable[[Job, Context], Mapping[str, Any]]


def serve(handlers: Mapping[str, Handler], *, stdin: int = 0, stdout: int = 1) -> int:
    """Do the job that stands in stdin.

    Args:
        handlers: what does each kind of job.
        stdin: descriptor of the parent's lines.
        stdout: descriptor of our events; afterwards it leads to stderr, so that no print of
            anybody gets among them.

    Returns:
        The exit status: 0 after a result, else that of the problem.
    """
    output = _take_over(stdout)
    interruption = Interruption()
    signal.signal(signal.SIGTERM, lambda *_: interruption.stop(RunCancelled()))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent's terminal; it tells us by SIGTERM
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(stdin, lines, interruption), daemon=True).start()
    guard = threading.Lock()

    def send(line: str) -> None:
        with guard:
            output.write(line + "\n")
            output.flush()

    context = Context(send, lines, interruption)
    known: tuple[Secret, ...] = ()
    try:
        job = decode_job(_first(lines, interruption))
        known = tuple(Secret(value) for value in job.secrets.values())
        step_back()
        context.emit(Started(os.getpid()))
        result = handlers[job.kind](job, context)
    except DriveSyncError as problem:
        context.emit(problem_of(problem))
        return problem.exit_code
    except Exception as problem:
        internal = unforeseen(problem, known)
        context.emit(problem_of(internal))
        return internal.exit_code
    context.emit(Result(result))
    return 0


def orphaned() -> RunKilled:
    """Say that whoever wanted the job is gone: a server that stops, or a killed command."""
    return RunKilled(cause="parent")


def unforeseen(problem: BaseException, known: tuple[Secret, ...] = ()) -> Internal:
    """Wrap a fault of ours, its traceback without secrets."""
    return Internal(detail=redact("".join(traceback.format_exception(problem)), known))


def step_back() -> None:
    """Give way to what the person does: less CPU, later I/O, first to go when memory ends.

    A lower CPU priority lowers that of I/O too. Source: ioprio_set(2), "If no I/O scheduler has
    been set for a thread ... derived from the CPU nice value"; proc(5), ``oom_score_adj``.
    """
    with contextlib.suppress(OSError):
        os.nice(_NICENESS)
    score = Path("/proc/self/oom_score_adj")
    with contextlib.suppress(OSError, ValueError):
        if int(score.read_text()) < _OOM_SCORE_ADJ:
            score.write_text(str(_OOM_SCORE_ADJ))


def _take_over(stdout: int) -> TextIO:
    """Keep stdout for ourselves; whoever prints, prints to stderr."""
    own = os.fdopen(os.dup(stdout), "w", encoding="ascii", newline="\n")
    sys.stdout.flush()
    os.dup2(2, stdout)
    return own


def _read(stdin: int, lines: queue.SimpleQueue[str], interruption: Interruption) -> None:
    """Hand on each line of stdin; at its end the parent is gone and the job stops.

    Reads the bare descriptor: a thread that sleeps in ``sys.stdin`` holds its lock while the
    interpreter shuts down.
    """
    rest = b""
    while part := os.read(stdin, 65536):
        *whole, rest = (rest + part).split(b"\n")
        for line in whole:
            lines.put(line.decode("ascii", "replace"))
    interruption.stop(orphaned())


def _first(lines: queue.SimpleQueue[str], interruption: Interruption) -> str:
    while True:
        try:
            return lines.get(timeout=0.2)
        except queue.Empty:
            interruption.permit()
