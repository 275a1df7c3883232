"""Puts the real world together for a job: clock, credentials, wire, Drive. In the child only."""

from __future__ import annotations

import contextlib
import os
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from jupyter_drive_sync.core.settings import Settings
from jupyter_drive_sync.core.storage import SCOPE_URL, read
from jupyter_drive_sync.drive.api import Drive
from jupyter_drive_sync.drive.connection import HttpWire
from jupyter_drive_sync.drive.courses import CourseDrive
from jupyter_drive_sync.drive.credentials.chain import Source, choose
from jupyter_drive_sync.drive.discovery import ENVIRONMENT_VARIABLE, Endpoint, parse_endpoint
from jupyter_drive_sync.drive.exchange import Exchange
from jupyter_drive_sync.drive.oauth import ClientFile, load_client_file
from jupyter_drive_sync.drive.secrets import Access, Secret, SecretsStore
from jupyter_drive_sync.drive.transport import Transport
from jupyter_drive_sync.drive.wire import Wire
from jupyter_drive_sync.engine.site import Identity, Site, make_state_dir
from jupyter_drive_sync.errors import DriveSyncError
from jupyter_drive_sync.runner import settings_file, storages
from jupyter_drive_sync.runner.account import Account
from jupyter_drive_sync.runner.child import Context
from jupyter_drive_sync.runner.clock import SystemClock
from jupyter_drive_sync.runner.confine import become, confine
from jupyter_drive_sync.runner.handing import FromParent
from jupyter_drive_sync.runner.protocol import (
    HOME_ID,
    NEED_OTHER_TOKEN,
    NEED_TOKEN,
    Job,
    Note,
    Token,
    decode_token,
)


@dataclass(frozen=True)
class World:
    """What a job works with.

    Attributes:
        job: what is to be done.
        context: the process that it is done in.
        settings: of the home.
        endpoint: the Drive server.
        clock: time.
        rng: nonces and jitter.
    """

    job: Job
    context: Context
    settings: Settings
    endpoint: Endpoint
    clock: SystemClock = field(default_factory=SystemClock)
    rng: random.Random = field(default_factory=random.SystemRandom)
    _first: list[Token] = field(default_factory=list)
    """The first access token of our parent's: it also says whose it is."""
    _used: list[Token] = field(default_factory=list)

    @classmethod
    def of(cls, job: Job, context: Context) -> World:
        """Read settings and endpoint, and make the state folder.

        Raises:
            BadSettings, BadEndpoint: what a person set cannot be used.
            StateUnusable: the state folder cannot be used.
        """
        if job.confine:
            confine(*job.confine)
        if job.run_as:
            become(*job.run_as)
        state_dir = Path(job.state_dir)
        settings = settings_file.load(state_dir, job.settings, job.defaults)
        endpoint = parse_endpoint(os.environ.get(ENVIRONMENT_VARIABLE))
        make_state_dir(state_dir)
        return cls(job, context, settings, endpoint)

    @property
    def state_dir(self) -> Path:
        """The state folder."""
        return Path(self.job.state_dir)

    @property
    def grant_dir(self) -> Path:
        """The state folder that has the grant; of a storage, often that of the home."""
        return Path(self.job.grant_dir or self.job.state_dir)

    @property
    def secrets(self) -> SecretsStore:
        """The file with what a pass keeps secret; where nothing else is said, the grant too."""
        return SecretsStore(self.state_dir)

    def client(self) -> ClientFile:
        """Read the client file (errors as :func:`load_client_file`)."""
        return load_client_file(Path(self.job.client_file), named=self.job.client_named)

    def exchange(self) -> Exchange:
        """Make what deals with the client's token server."""
        return Exchange(self.client(), self.endpoint, self.source().token_endpoint())

    def source(self, on_request: Callable[[], None] = lambda: None) -> Source:
        """Say what credentials are made of; ``on_request`` is told of each use of them."""
        return Source(
            endpoint=self.endpoint,
            state_dir=self.grant_dir,
            client=self.client,
            clock=self.clock,
            random=self.rng,
            wire=self.wire,
            on_request=on_request,
            ask=self._ask_parent,
            **self._of_storage(),
        )

    def _of_storage(self) -> dict[str, Any]:
        """Say what a storage has to see, and with which key."""
        values = self.job.args.get("storage")
        if values is None:
            return {}
        storage = read(values)
        scopes = (f"{SCOPE_URL}{storage.scope}",)
        return {"scopes": scopes, "key": storage.key_file, "subject": storage.subject}

    def _ask_parent(self, refused: bool) -> tuple[Access, str]:
        """Have our parent hand in an access token (:class:`.protocol.Reported`: it has none)."""
        made = self._first[0] if self._first and not self._used else self._hand(refused)
        self._used[:] = [made]
        return Access(Secret(made.token), self.clock.wall() + made.expires_in), made.token_uri

    def _hand(self, refused: bool) -> Token:
        home, _ = Identity.load(replace(self.bare_site(), state_dir=self.grant_dir))
        # Where the parent has many homes, it may not look into this one itself.
        self.context.emit(Note(HOME_ID, "", {"home_id": home.home_id}))
        return decode_token(self.context.ask(NEED_OTHER_TOKEN if refused else NEED_TOKEN).reveal())

    def wire(self) -> Wire:
        """Make a connection."""
        return HttpWire(self.settings.request_timeout)

    def drive(self, permit: Callable[[], None] | None = None) -> Drive:
        """Connect to Drive; nothing is sent yet.

        Args:
            permit: asked before each request; by default, whether the job was ended early.
        """

        def count() -> None:
            transport.count_token()

        transport = Transport(
            choose(self.job.credentials, self.source(count)),
            self.wire,
            self.clock,
            self.rng,
            self.settings,
            permit=permit or self.context.permit,
        )
        course = self._course()
        if course is None:
            return Drive(transport, self.endpoint, self.rng)
        handed = FromParent(self.context, course)
        asked = permit or self.context.permit
        return CourseDrive(course, handed, transport, self.endpoint, self.rng, permit=asked)

    def _course(self) -> str | None:
        """Return the course that the hub hands on, if the job is about one."""
        values = self.job.args.get("storage")
        storage = read(values) if values is not None else None
        return storage.drive if storage is not None and storage.credentials == "hub" else None

    def bare_site(self) -> Site:
        """Describe the home for whoever does not ask Drive.

        Raises:
            BadStorage, BadSettings, StateUnusable: what the person's storages are cannot be read.
        """
        return Site(
            home=Path(self.job.home),
            drive_folder=self.job.drive_folder,
            state_dir=self.state_dir,
            settings=self.settings,
            clock=self.clock,
            rng=self.rng,
            keys=self._keys(),
        )

    def _keys(self) -> tuple[Path, ...]:
        """Return the files that hold a key, whoever named them."""
        args = self.job.args
        home = Path(args.get("home") or self.job.home)
        known = storages.known_keys(home, Path(args.get("home_state") or self.job.state_dir))
        own = [read(args["storage"])] if "storage" in args else []
        return (*map(Path, self.job.keys), *known, *storages.key_files(home, own))

    def site(self) -> Site:
        """Describe the home for the engine."""
        account = Account.load(self.grant_dir)
        own = self.job.credentials == "grant"
        if self.job.credentials == "broker":
            # What is wrong with the token is said when it is used: by then the status is kept.
            with contextlib.suppress(DriveSyncError):
                if not self._first:
                    self._first.append(self._hand(refused=False))
            known = self._first[0] if self._first else Token("", 0, "")
            return replace(self.bare_site(), client=known.project, account=known.account)
        return replace(
            self.bare_site(),
            client=self.client().project if own else "",
            account=account.permission_id if own and account else "",
        )
