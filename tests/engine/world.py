"""A home, a Drive and a person: what the engine's tests stand on. One process, virtual time."""

from __future__ import annotations

import functools
import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

from jupyter_drive_sync.core.settings import Settings
from jupyter_drive_sync.core.tree import FileId, Kind, RelPath, RemoteEntry, Standing
from jupyter_drive_sync.drive.api import Drive
from jupyter_drive_sync.drive.listing import whole_tree
from jupyter_drive_sync.drive.secrets import Secret, SecretsStore
from jupyter_drive_sync.drive.transport import Call, Transport
from jupyter_drive_sync.drive.types import Patch
from jupyter_drive_sync.drive.wire import Wire
from jupyter_drive_sync.engine.executor import Executor, InOrder
from jupyter_drive_sync.engine.ledger import Ledger
from jupyter_drive_sync.engine.mirror import Mirror, PassReport
from jupyter_drive_sync.engine.records import Hold
from jupyter_drive_sync.engine.report import Progress
from jupyter_drive_sync.engine.site import Identity, Site, make_state_dir
from jupyter_drive_sync.localdrive.drive import LocalDrive
from jupyter_drive_sync.localdrive.settings import LocalDriveSettings
from tests.drive.ground import ANN, DRIVE_FILE, ENDPOINT, ROOT, DriveTime, LocalWire
from tests.virtual_clock import VirtualClock

FULL = "https://www.googleapis.com/auth/drive"


class GrantedTokens:
    """Tokens of a grant that lasts, whatever time has passed."""

    def __init__(self, server: LocalDrive, client: str, scope: str) -> None:
        self._grant = lambda: Secret(server.oauth.grant(ANN, client, [scope]).access_token)
        self._token = self._grant()

    def token(self) -> Secret:
        return self._token

    def renew(self, refused: Secret) -> None:
        self._token = self._grant()


@dataclass
class World:
    """One home and its mirror.

    ``person`` acts on Drive as its owner does in a browser: with the whole Drive in view, and
    without our marks.
    """

    folder: Path
    clock: VirtualClock
    server: LocalDrive
    settings: Settings = field(default_factory=lambda: Settings(verify_days=3650))
    name: str = "ann"
    seed: int = 1
    client: str = ""
    account: str = ""
    executor: Executor = field(default_factory=InOrder)
    wrap: Callable[[Wire], Wire] = lambda wire: wire
    """Stands between a pass and Drive, for what happens on the way."""
    inside: bool = False
    """Whether the state lies in the home, as it does for most."""

    def __post_init__(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        make_state_dir(self.state)
        self.rng = Random(self.seed)  # noqa: S311 - chance that repeats
        self.sent: Counter[str] = Counter()
        """Requests of the last pass, by endpoint."""
        self.inner: Counter[str] = Counter()
        """The calls in its batches."""
        self.token = ""
        """The access token that was given out last."""
        self.person = self.connect(FULL)

    @functools.cached_property
    def foreign(self) -> Drive:
        """The same person with another program: an OAuth client of another project."""
        oauth = self.server.oauth
        project = oauth.add_project("elsewhere", "Elsewhere")
        client = oauth.add_client(project.number, "desktop")
        return self.connect(FULL, client=client.client_id)

    def other(self, folder: str, name: str = "") -> World:
        """Make another home (of another hub, say) that is connected to the same account."""
        return World(
            self.folder / folder,
            self.clock,
            self.server,
            self.settings,
            name or self.name,
            seed=self.seed + 1 + len(folder),
        )

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def state(self) -> Path:
        if self.inside:
            return self.home / ".local/state/jupyter-drive-sync"
        return self.folder / "state"

    @property
    def site(self) -> Site:
        return Site(
            self.home,
            f"home/{self.name}",
            self.state,
            self.settings,
            self.clock,
            self.rng,
            self.client,
            self.account,
        )

    def connect(
        self,
        scope: str = DRIVE_FILE,
        *,
        wrap: Callable[[Wire], Wire] = lambda wire: wire,
        client: str = "",
    ) -> Drive:
        client = client or self.server.oauth.client_of_kind("desktop").client_id
        tokens = GrantedTokens(self.server, client, scope)
        self.token = tokens.token().reveal()
        transport = Transport(
            tokens,
            lambda: wrap(LocalWire(self.server, self.clock)),
            self.clock,
            Random(self.seed),  # noqa: S311 - as above
            self.settings,
            permit=lambda: None,
        )
        return Drive(transport, ENDPOINT, Random(self.seed))  # noqa: S311 - as above

    def sync(self, *only: str, dry_run: bool = False) -> PassReport:
        """Run one pass, a minute after whatever was before it."""
        self.clock.advance(60)
        drive = self.connect(wrap=self.wrap)
        self.server.log.clear()
        progress = Progress(self.clock)
        self.progress = progress
        mirror = Mirror(self.site, drive, SecretsStore(self.state), self.executor, progress, "job")
        try:
            return mirror.run(only=[RelPath(path) for path in only], dry_run=dry_run)
        finally:
            self.sent = self.server.log.counts()
            self.inner = self.server.log.inner_counts()

    def requests(self) -> int:
        """Count the requests of the last pass."""
        return sum(self.sent.values())

    # -- the home ---------------------------------------------------------------------------------

    def write(self, path: str, content: str | bytes = "", age: float = 3600) -> Path:
        """Write a file that was last changed ``age`` seconds ago."""
        file = self.home / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        at = self.clock.wall() - age
        os.utime(file, (at, at))
        return file

    def local(self) -> dict[str, bytes]:
        """Read the home's regular files."""
        return {
            str(path.relative_to(self.home)): path.read_bytes()
            for path in sorted(self.home.rglob("*"))
            if path.is_file() and not path.is_symlink()
        }

    # -- Drive ------------------------------------------------------------------------------------

    @property
    def home_id(self) -> str:
        return Identity.load(self.site)[0].home_id

    def objects(self, *, trashed: bool = False) -> list[RemoteEntry]:
        """List everything of ours on Drive."""
        found = whole_tree(self.person, self.home_id)
        return [entry for entry in found if trashed or not entry.trashed]

    def remote(self) -> dict[str, RemoteEntry]:
        """Return the live files of the mirror by path; two at one path are an error."""
        entries = {entry.id: entry for entry in self.objects()}
        found: dict[str, RemoteEntry] = {}
        root = self.root
        for entry in entries.values():
            if entry.kind is Kind.FOLDER:
                continue
            names: list[str] = []
            here: RemoteEntry | None = entry
            while here is not None and here.id != root:
                names.append(here.name)
                here = entries.get(here.parent) if here.parent else None
            if here is None:
                continue
            path = "/".join(reversed(names))
            assert path not in found, f"two copies of {path}"
            found[path] = entry
        return found

    def everything(self) -> list[RemoteEntry]:
        """List all live objects of the account, whoever made them."""
        found: list[RemoteEntry] = []
        token: str | None = None
        while True:
            page = self.person.search("trashed = false", token)
            found += page.entries
            token = page.next
            if token is None:
                return found

    def assert_no_twins(self) -> None:
        """Law 1: nothing that we made exists twice at one place."""
        places = Counter(
            (entry.parent, entry.name, entry.kind) for entry in self.everything() if entry.ours
        )
        assert [place for place, count in places.items() if count > 1] == []

    def assert_mirrored(self) -> None:
        """Laws 1 and 4: what is here is there, once, and nothing else."""
        self.assert_no_twins()
        assert self.mirrored() == self.local()

    @property
    def root(self) -> FileId:
        with self.ledger() as ledger:
            return FileId(ledger.get("root"))

    def content(self, path: str) -> bytes:
        return self.download(self.remote()[path].id)

    def download(self, file_id: FileId) -> bytes:
        call = Call("GET", f"{ROOT}/drive/v3/files/{file_id}?alt=media", "files.download")
        return self.person.transport.send(call, lambda reply: reply).body

    def mirrored(self) -> dict[str, bytes]:
        """Read the whole mirror."""
        return {path: self.download(entry.id) for path, entry in self.remote().items()}

    def edit_on_drive(self, path: str, content: bytes) -> None:
        entry = self.remote()[path]
        self.clock.advance(1)
        self.person.replace_file(Patch(entry.id, name=entry.name), content)

    def copy_on_drive(self, path: str, name: str) -> FileId:
        """Make a copy as the web page does: beside the original, with all its marks."""
        call = Call(
            "POST",
            f"{ROOT}/drive/v3/files/{self.remote()[path].id}/copy?fields=id",
            "files.copy",
            {"content-type": "application/json"},
            json.dumps({"name": name}).encode(),
        )
        return FileId(self.person.transport.send(call, lambda reply: reply.json()["id"]))

    def delete_on_drive(self, file_id: FileId) -> None:
        """Delete for good, as a person can."""
        call = Call(
            "DELETE",
            f"{ROOT}/drive/v3/files/{file_id}",
            "files.delete",
            accept=frozenset({204}),
        )
        self.person.transport.send(call, lambda reply: reply)

    def change_on_drive(self, file_id: FileId, **change: object) -> None:
        (result,) = self.person.batch([Patch(file_id, **change)])  # type: ignore[arg-type]
        assert isinstance(result, RemoteEntry), result

    @contextmanager
    def ledger(self) -> Iterator[Ledger]:
        ledger, _ = Ledger.open(self.state)
        with ledger:
            yield ledger

    def holds(self) -> list[Hold]:
        """List what waits for an answer."""
        with self.ledger() as ledger:
            return [hold for hold in ledger.holds() if not hold.answer]

    def standing(self, path: str) -> Standing:
        """Say what the ledger thinks of a file."""
        with self.ledger() as ledger:
            return ledger.tree().files[RelPath(path)].standing

    def answer(self, choice: str, *paths: str) -> int:
        with self.ledger() as ledger:
            (hold,) = [hold for hold in ledger.holds() if not hold.answer]
            return ledger.answer(
                hold.id, choice, [RelPath(path) for path in paths], at=self.clock.wall()
            )

    def with_settings(self, **changes: object) -> None:
        self.settings = replace(self.settings, **changes)  # type: ignore[arg-type]


def make_world(
    folder: Path, clock: VirtualClock, *, drive: LocalDriveSettings | None = None
) -> World:
    """Make a world with an empty home and an empty Drive."""
    return World(folder, clock, LocalDrive(clock=DriveTime(clock), seed=1, settings=drive))
