"""One mirrored home: where it is, where it goes, and who it is.

``home.json`` in the state folder outlives the ledger. It holds the home id, which is random and is
also in the ``appProperties`` of everything that we make, so that two homes never write to one
mirror without a person's word.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import threading
from dataclasses import asdict, dataclass, field
from pathlib import Path

from jupyter_drive_sync.core.clock import Clock
from jupyter_drive_sync.core.refusals import refused_by_disk
from jupyter_drive_sync.core.settings import Settings
from jupyter_drive_sync.errors import StateUnusable

_FILE = "home.json"


@dataclass(frozen=True, slots=True)
class Site:
    """Everything that a pass needs to know about one home.

    Attributes:
        home: the local root.
        drive_folder: where the mirror lies on Drive, ``/`` between names, below My Drive.
        state_dir: our own folder (0700).
        settings: the knobs.
        clock: time.
        rng: for nonces and jitter; ``random.SystemRandom`` but in simulations.
        client: the Google project of the OAuth client, as far as its id tells.
        account: permission id of the account that consented; ``""`` when not known.
        root: id of a folder on Drive that is there already and takes the mirror, whoever made it;
            ``""`` for one of our own, by the names in ``drive_folder``.
        keys: files that are named as somebody's key or OAuth client; never mirrored.
        storage: name of the storage whose export this is; ``""`` for a home's mirror.
    """

    home: Path
    drive_folder: str
    state_dir: Path
    settings: Settings
    clock: Clock
    rng: random.Random = field(default_factory=random.SystemRandom)
    client: str = ""
    account: str = ""
    root: str = ""
    keys: tuple[Path, ...] = ()
    storage: str = ""

    def nonce(self) -> str:
        """Make 16 random hexadecimal digits."""
        return f"{self.rng.getrandbits(64):016x}"


@dataclass(frozen=True, slots=True)
class Identity:
    """What the state folder remembers of the home.

    Attributes:
        home_id: 16 hexadecimal digits.
        drive_folder: the mirror's folder, where a person chose another one (``home/ann (2)``).
        client: Google project whose client made the mirror; another one cannot see it.
        account: account that holds the mirror.
        root_inode: inode of the home when it was last mirrored; 0 for never.
        taking_over: id of the home whose mirror this one is taking over, until that is done.
        root: id of the mirror's folder, for whoever has lost the ledger; ``""`` for not made yet.
        written: epoch seconds, by Google's clock, when this home wrote to Drive last, as far as
            that is known; 0 for never. Listings lag: what was written a moment ago may not be in
            them.
        before: the id that the home had before it began afresh; a hub knows its permission by it.
    """

    home_id: str
    drive_folder: str = ""
    client: str = ""
    account: str = ""
    root_inode: int = 0
    taking_over: str = ""
    root: str = ""
    written: float = 0.0
    before: str = ""

    @classmethod
    def load(cls, site: Site) -> tuple[Identity, bool]:
        """Read the identity, making one where there is none.

        Returns:
            The identity, and whether it was made just now.

        Raises:
            StateUnusable: the state folder cannot be written.
        """
        path = site.state_dir / _FILE
        try:
            values = json.loads(path.read_text("utf-8"))
            known = {name: values[name] for name in cls.__slots__ if name in values}
            return cls(**known), False  # a newer program may have left more than we know
        except (FileNotFoundError, ValueError, TypeError):
            identity = cls(home_id=site.nonce())
            identity.save(site)
            return identity, True
        except OSError as error:
            raise StateUnusable(
                path=str(site.state_dir), problem=error.strerror or "no access"
            ) from error

    def save(self, site: Site) -> Identity:
        """Write the identity, all of it or nothing."""
        write_private(site.state_dir / _FILE, json.dumps(asdict(self)))
        return self

    def afresh(self, site: Site, *, written: float = 0.0) -> Identity:
        """Begin a new mirror: a new id, so that the old one is left alone.

        Args:
            site: the home.
            written: when this home wrote last to where the new one will be; see :class:`Identity`.
        """
        anew = Identity(
            site.nonce(),
            self.drive_folder,
            root_inode=self.root_inode,
            before=self.home_id,
            written=written,
        )
        return anew.save(site)


def make_state_dir(path: Path) -> None:
    """Make the state folder, for its owner alone.

    Raises:
        StateUnusable: it cannot be made, is no folder, or cannot be written.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if path.stat().st_mode & 0o077:
            path.chmod(0o700)
    except OSError as error:
        raise StateUnusable(path=str(path), problem=error.strerror or "no access") from error
    if not os.access(path, os.W_OK | os.X_OK):
        raise StateUnusable(path=str(path), problem="it cannot be written")


def write_private(path: Path, text: str) -> None:
    """Replace a file of the state folder atomically; readable by its owner alone.

    Raises:
        StateUnusable: the folder cannot be written.
        StateFull: its disk is full.
    """
    # Each writer has its own, or one would take it away from under the other.
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_native_id()}")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "w", encoding="utf-8") as file:  # noqa: PTH123 - a descriptor
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):  # on a read-only disk even of what is not there
            temporary.unlink(missing_ok=True)
        raise refused_by_disk(str(path.parent), error) from error
