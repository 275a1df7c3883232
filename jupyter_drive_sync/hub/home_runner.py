"""One sync of one mounted home, in a child process with its person's rights.

The order says all that is needed, so that it is the same in the service's own process and in a
worker elsewhere: where the home lies below the worker's own mount, and what the admin decided.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Protocol

from jupyter_drive_sync.core.settings import from_mapping
from jupyter_drive_sync.core.storage import place_of
from jupyter_drive_sync.errors import DriveSyncError, HomeMissing, HomeRefused, RunCancelled
from jupyter_drive_sync.hub.courses import given_storage
from jupyter_drive_sync.runner import storages
from jupyter_drive_sync.runner.confine import open_beneath
from jupyter_drive_sync.runner.handing import Shelf, handing
from jupyter_drive_sync.runner.parent import COMMAND, Child, follow
from jupyter_drive_sync.runner.protocol import (
    HOME_ID,
    NEED_OTHER_TOKEN,
    Event,
    Job,
    Note,
    Token,
    encode_refusal,
    encode_token,
)

_STATE: Final = ".local/state/jupyter-drive-sync"
"""Where a person's own server keeps its state (XDG Base Directory Specification), so that both
share home id, records and lease."""
_LOOK: Final = 0.2
"""Seconds between two looks whether a sync has to end."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be done for one person.

    Attributes:
        night: id of the night.
        user: whose home.
        server: whose turn, with ``user``.
        home: path of the home below the folder of the homes.
        drive_folder: where the mirror lies on Drive.
        homes_user: whose rights it has, see ``c.DriveSyncHub.homes_user``.
        confine: whether the kernel holds it inside the home.
        seconds: how long it may take.
        settings: what the admin decided.
        args: of the job.
        courses: that are put into the home before: ``name``, and ``local``, the folder there.
    """

    night: str
    user: str
    server: str
    home: str
    drive_folder: str
    homes_user: str
    confine: bool
    seconds: float
    settings: Mapping[str, Any] = field(default_factory=dict)
    args: Mapping[str, Any] = field(default_factory=dict)
    courses: Sequence[Mapping[str, str]] = ()

    def dump(self) -> dict[str, Any]:
        """Return the order as JSON can hold it."""
        return asdict(self)


Tokens = Callable[[str, bool], Token]
"""Makes an access token for a home id; told whether Drive refused the last one."""
Heard = Callable[[Event], None]


class HomeRunner(Protocol):
    """Carries out orders; one call per thread."""

    def sync(self, order: Order, tokens: Tokens, heard: Heard, over: threading.Event) -> Any:
        """Sync a home, and return what the job brought.

        Args:
            order: what to do.
            tokens: makes access tokens.
            heard: is told what happens.
            over: when set, the sync ends as soon as it can; the next one goes on.

        Raises:
            DriveSyncError: the sync failed.
        """
        ...


class ChildRunner:
    """Carries out orders by child processes.

    Args:
        root: the folder of the homes, here.
        command: what to run.
        environment: of the child, beside the home; our own when None.
        shelf: has the courses of an order; without, none are put into homes.
    """

    def __init__(
        self,
        root: str,
        *,
        command: Sequence[str] = COMMAND,
        environment: Mapping[str, str] | None = None,
        shelf: Callable[[Order], Shelf] | None = None,
    ) -> None:
        self.shelf = shelf
        self._root = root.rstrip("/")
        self._command = command
        self._environment = environment

    def sync(
        self, order: Order, tokens: Tokens, heard: Heard, over: threading.Event
    ) -> Mapping[str, Any]:
        """Sync a home (see :class:`HomeRunner`); what its courses have comes first.

        What goes wrong with a course is in its status in the home, and keeps nothing else back.
        """
        end = time.monotonic() + order.seconds
        home = f"{self._root}/{order.home}"
        around = Job(
            kind="mirror",
            id=uuid.uuid4().hex[:12],
            home=home,
            state_dir=f"{home}/{_STATE}",
            drive_folder=order.drive_folder,
            client_file="",
            credentials="broker",
            settings=order.settings,
            args=order.args,
            confine=(self._root, order.home) if order.confine else (),
            run_as=self._rights(order),
        )
        if self.shelf is not None and order.courses:
            supply = handing(self.shelf(order))
            for course in order.courses:
                with contextlib.suppress(DriveSyncError):
                    job = _course_job(around, course)
                    self._carry_out(job, lambda _: None, supply, over, end)
        ids: list[str] = []

        def hear(event: Event) -> None:
            if isinstance(event, Note) and event.code == HOME_ID:
                ids[:] = [str(event.values.get("home_id", ""))]
            else:
                heard(event)

        def supply_token(what: str) -> str:
            try:
                return encode_token(tokens(ids[0] if ids else "", what == NEED_OTHER_TOKEN))
            except DriveSyncError as problem:
                return encode_refusal(problem)

        return self._carry_out(around, hear, supply_token, over, end)

    def _carry_out(
        self,
        job: Job,
        heard: Heard,
        supply: Callable[[str], str],
        over: threading.Event,
        end: float,
    ) -> Mapping[str, Any]:
        ours = os.environ if self._environment is None else self._environment
        environment = {name: text for name, text in ours.items() if not name.startswith("XDG_")}
        environment["HOME"] = f"{job.args.get('home') or job.home}"
        child = Child(job, command=self._command, environment=environment)
        late = threading.Timer(max(1.0, end - time.monotonic()), child.cancel)
        late.daemon = True
        ended = threading.Event()
        watch = threading.Thread(target=_watch, args=(over, ended, child), daemon=True)
        with child:
            late.start()
            watch.start()
            try:
                return follow(child, heard, supply)
            finally:
                late.cancel()
                ended.set()

    def _rights(self, order: Order) -> tuple[int, ...]:
        """Look at the home, through no link, and say who the child has to be.

        Raises:
            HomeMissing, HomeRefused: there is no such home, or it is not to be read so.
        """
        home = f"{self._root}/{order.home}"
        try:
            fd = open_beneath(self._root, order.home)
        except FileNotFoundError:
            raise HomeMissing(home=home, problem="") from None
        except OSError as problem:
            raise HomeRefused(
                home=home, problem=f"it cannot be reached: {problem.strerror}"
            ) from None
        try:
            status = os.fstat(fd)
        finally:
            os.close(fd)
        if order.homes_user == "same":
            return ()
        wanted = status.st_uid if order.homes_user == "owner" else int(order.homes_user)
        if wanted == 0:
            raise HomeRefused(
                home=home, problem="it belongs to root, and no home is read with root's rights"
            )
        if os.geteuid() == wanted:
            return ()
        if os.geteuid() != 0:
            raise HomeRefused(
                home=home,
                problem=f"it belongs to user id {wanted}, and only root can take on its rights",
            )
        return wanted, status.st_gid or wanted


def _course_job(around: Job, course: Mapping[str, str]) -> Job:
    """Describe the job that puts a course into a home.

    The home's own files are not looked at here: only the child has its person's rights.
    """
    storage = given_storage(course["name"], course["local"])
    return replace(
        around,
        kind="import",
        id=uuid.uuid4().hex[:12],
        home=place_of(storage.local, around.home),
        state_dir=str(storages.folder_of(Path(around.state_dir), storage.name)),
        drive_folder=storage.drive,
        settings=storages.settings_of(storage, from_mapping(around.settings)),
        args={
            "storage": storage.described(),
            "home": around.home,
            "home_state": around.state_dir,
            "roots": [around.home],
            "by_night": True,
        },
        grant_dir=around.state_dir,
    )


def _watch(over: threading.Event, ended: threading.Event, child: Child) -> None:
    while not ended.wait(_LOOK):
        if over.is_set():
            child.hang_up()
            return


def was_late(problem: DriveSyncError) -> bool:
    """Tell whether a sync ended because its time was over."""
    return problem.code == RunCancelled.code
