"""The proof that a home may be archived: what it held, by checksum, and that Drive holds it too.

After a last sync the manifest is made from the home alone (every file is read), and put beside the
mirror's files on the person's own Drive. Whoever wants the proof reads it from there and compares
it with what Drive says of each file, by an access token of their own: the word of whoever synced is
not needed. From then on nothing below the folder is moved to Drive's trash any more.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from jupyter_drive_sync.core.settings import DAY
from jupyter_drive_sync.core.tree import FileId, Kind, RelPath, RemoteEntry, is_below
from jupyter_drive_sync.drive.api import Drive, quote
from jupyter_drive_sync.drive.listing import whole_tree
from jupyter_drive_sync.drive.transport import Call
from jupyter_drive_sync.drive.types import NewFile
from jupyter_drive_sync.engine.frozen import freeze
from jupyter_drive_sync.engine.ledger import Ledger
from jupyter_drive_sync.engine.observe import paths_below
from jupyter_drive_sync.engine.report import Progress
from jupyter_drive_sync.engine.site import Identity, Site
from jupyter_drive_sync.engine.survey import Survey, open_home
from jupyter_drive_sync.errors import FileProblem, Missing

FORMAT: Final = "jupyter-drive-sync manifest 1"
_MARK: Final = "manifest"
"""Of ``appProperties``: the home's id. It is no part of the mirror, which knows its own by
``home``."""
_PLAIN: Final = 4_500_000
"""Bytes up to which the manifest is written as it is; larger ones are compressed."""
_LISTED: Final = 100


def make(
    site: Site, drive: Drive, folder: RelPath, progress: Progress, permit: Callable[[], None]
) -> dict[str, Any]:
    """Read a home, or a folder of it, and put its manifest on Drive; then freeze it.

    Args:
        site: the home, synced just now.
        drive: of its owner.
        folder: the part of it; ``""`` for all.
        progress: is told how many files were read.
        permit: raises to end it.

    Returns:
        ``id`` and ``name`` of the manifest on Drive, ``files`` and ``bytes`` in it, ``unreadable``.

    Raises:
        HomeMissing, HomeRefused: there is no home.
        Missing: the mirror's folder is gone.
        DriveSyncError: Drive does not answer.
    """
    identity, _ = Identity.load(site)
    ledger, _ = Ledger.open(site.state_dir)
    with ledger, open_home(site) as home:
        root = ledger.get("root")
        if not root:
            raise Missing
        survey = Survey.make(site, home, progress, permit)
        progress.enter("checking")
        files: list[dict[str, Any]] = []
        unreadable: list[dict[str, Any]] = []
        size = 0
        for entry in survey.tree.entries.values():
            if entry.kind is not Kind.FILE or not is_below(entry.path, folder):
                continue
            permit()
            try:
                found = home.digest(entry.path)
            except FileProblem as problem:
                unreadable.append({"path": entry.path, "reason": problem.sentence})
                continue
            files.append(
                {
                    "path": entry.path,
                    "size": found.stat.size,
                    "md5": found.md5.hex(),
                    "mtime_ns": found.stat.mtime_ns,
                }
            )
            size += found.stat.size
            progress.count("done")
        left_out = [
            {"path": item.path, "reason": item.reason}
            for item in survey.left_out()
            if is_below(item.path, folder)
        ]
        made_at = datetime.fromtimestamp(site.clock.wall(), UTC)
        content = {
            "format": FORMAT,
            "made_at": made_at.isoformat(timespec="seconds"),
            "home_id": identity.home_id,
            "root": root,
            "folder": folder,
            "files": files,
            "unreadable": unreadable,
            "left_out": left_out,
        }
        about = folder.replace("/", " ") if folder else "all files"
        name, data = _written(f"manifest of {about} {made_at:%Y-%m-%d %H.%M}.json", content)
        (new_id,) = drive.generate_ids(1)
        mtime_ms = int(site.clock.wall() * 1000)
        marks = {_MARK: identity.home_id}
        drive.create_file(NewFile(new_id, name, FileId(root), mtime_ms, marks), data)
        freeze(ledger, folder)
    return {
        "id": new_id,
        "name": name,
        "files": len(files),
        "bytes": size,
        "unreadable": len(unreadable),
    }


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a comparison of a manifest with Drive found.

    Attributes:
        id: of the manifest on Drive; ``""`` where there is none.
        text: the manifest as it lies there.
        sha256: of the text.
        files: that are on Drive as the manifest says, by size and checksum.
        bytes: theirs.
        wrong: paths that are not, with the reason; at most 100.
        wrong_count: of all of those.
    """

    id: str
    text: str
    sha256: str
    files: int
    bytes: int
    wrong: tuple[tuple[str, str], ...]
    wrong_count: int

    @property
    def proven(self) -> bool:
        """Whether everything is there."""
        return bool(self.id) and not self.wrong_count


def verify(
    drive: Drive, home_id: str, folder: RelPath, root_uri: str, newer_than: float
) -> Verdict:
    """Compare the newest manifest of a home with what Drive itself says of each file.

    Args:
        drive: of the home's owner.
        home_id: the home's id.
        folder: that the manifest has to be of.
        root_uri: scheme and host of the Drive server.
        newer_than: epoch seconds; a manifest that is more than a day older does not count.
    """
    query = (
        f"appProperties has {{key={quote(_MARK)} and value={quote(home_id)}}} and trashed = false"
    )
    found = [entry for entry in drive.search(query).entries if entry.parent]
    for entry in sorted(found, key=lambda each: -each.mtime_ms):
        if entry.mtime_ms / 1000 < newer_than - DAY:
            break
        text = _read(drive, root_uri, entry)
        content = json.loads(text)
        if content.get("format") == FORMAT and content.get("folder") == folder:
            return _compared(drive, home_id, entry, text, content)
    return Verdict("", "", "", 0, 0, (("", "there is no manifest on Drive"),), 1)


def _compared(
    drive: Drive, home_id: str, entry: RemoteEntry, text: str, content: dict[str, Any]
) -> Verdict:
    root = FileId(str(content["root"]))
    remotes = {each.id: each for each in whole_tree(drive, home_id) if each.id != root}
    there: dict[str, RemoteEntry] = {}
    for file_id, path in paths_below(remotes, root).items():
        remote = remotes[file_id]
        if remote.kind is Kind.FILE and not remote.trashed:
            there[path] = remote
    wrong: list[tuple[str, str]] = [
        (str(item["path"]), f"it could not be read here: {item['reason']}")
        for item in content["unreadable"]
    ]
    files = size = 0
    for item in content["files"]:
        remote_file = there.get(item["path"])
        if remote_file is None:
            wrong.append((str(item["path"]), "it is not on Drive"))
        elif remote_file.md5 is None or remote_file.md5.hex() != item["md5"]:
            wrong.append((str(item["path"]), "its checksum on Drive is another one"))
        else:
            files, size = files + 1, size + int(item["size"])
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    return Verdict(entry.id, text, sha256, files, size, tuple(wrong[:_LISTED]), len(wrong))


def _written(name: str, content: dict[str, Any]) -> tuple[str, bytes]:
    data = json.dumps(content, indent=1).encode()
    return (name, data) if len(data) <= _PLAIN else (f"{name}.gz", gzip.compress(data, mtime=0))


def _read(drive: Drive, root_uri: str, entry: RemoteEntry) -> str:
    call = Call(
        "GET", f"{root_uri}/drive/v3/files/{entry.id}?alt=media", "files.download", units=200
    )
    data = drive.transport.send(call, lambda reply: reply.body)
    return (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).decode()
