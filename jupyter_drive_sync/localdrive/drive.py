"""The assembly: a whole LocalDrive, without a socket."""

from __future__ import annotations

from pathlib import Path
from random import Random

from jupyter_drive_sync.localdrive.api import Api
from jupyter_drive_sync.localdrive.blobs import Blobs
from jupyter_drive_sync.localdrive.clock import Clock, SystemClock
from jupyter_drive_sync.localdrive.console import Console
from jupyter_drive_sync.localdrive.faults import Faults
from jupyter_drive_sync.localdrive.model import Model
from jupyter_drive_sync.localdrive.oauth import OAuth
from jupyter_drive_sync.localdrive.oauth_routes import ConsentRoutes
from jupyter_drive_sync.localdrive.page import DrivePage
from jupyter_drive_sync.localdrive.request_log import RequestLog
from jupyter_drive_sync.localdrive.settings import LocalDriveSettings
from jupyter_drive_sync.localdrive.store import FolderStore, MemoryStore, Store
from jupyter_drive_sync.localdrive.uploads import Uploads
from jupyter_drive_sync.localdrive.wire import Request, Response


class LocalDrive:
    """Google Drive v3 and Google OAuth in one object.

    `dispatch` answers a request in the caller's thread and may be called from many; everything else
    is for looking at the state and for changing how the Drive behaves. Close it at the end.

    Args:
        folder: Where the state lives and survives; None keeps it in memory.
        clock: The time; the machine's own when None.
        seed: Decides all that is random: ids, orders, lags, faults.
        settings: How the Drive behaves.

    Attributes:
        oauth: Accounts, clients, grants and tokens.
        model: The drives.
        faults: What goes wrong.
        log: What was asked.
        uploads: The resumable sessions.
        store: What survives.
        settings: How the Drive behaves.
        clock: The time.
        console: What admins do at Google's own pages.
    """

    def __init__(
        self,
        folder: Path | None = None,
        *,
        clock: Clock | None = None,
        seed: int = 0,
        settings: LocalDriveSettings | None = None,
    ) -> None:
        self.clock: Clock = clock or SystemClock()
        self.settings = settings or LocalDriveSettings()
        self.store: Store = FolderStore(folder) if folder else MemoryStore()
        starts = _count_start(self.store)
        self._blobs = Blobs(folder)
        self.log = RequestLog()
        self.faults = Faults(seed)
        self.oauth = OAuth(self.clock, seed, self.store, self.settings.secret_mark)
        self.model = Model(
            clock=self.clock,
            random=Random(f"model {seed} {starts}"),  # noqa: S311 - repeatable on purpose
            settings=self.settings,
            store=self.store,
            blobs=self._blobs,
        )
        for account in self.oauth.accounts:
            self.model.open_account(account.email, name=account.name)
        self._api = Api(
            model=self.model,
            store=self.store,
            oauth=self.oauth,
            faults=self.faults,
            log=self.log,
            random=Random(f"batch {seed} {starts}"),  # noqa: S311 - repeatable on purpose
        )
        self._api.add(ConsentRoutes(self.oauth, self.clock).routes())
        self._api.add(DrivePage(self.model).routes())
        self.console = Console(self.model, self.oauth)
        self._api.add(self.console.routes())
        self._blobs.drop_unreferenced()

    @property
    def uploads(self) -> Uploads:
        """The resumable sessions."""
        return self._api.transfers.uploads

    def dispatch(self, request: Request) -> Response:
        """Answer one request."""
        return self._api.dispatch(request)

    def close(self) -> None:
        """Close the state; a state in memory is gone."""
        self.store.close()
        self._blobs.close()

    def __enter__(self) -> LocalDrive:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def _count_start(store: Store) -> int:
    """Return how often this state was started before, so that no start repeats another's ids."""
    starts = next((count for _, count in store.items("starts")), 0)
    store.put("starts", "count", starts + 1)
    return int(starts)
