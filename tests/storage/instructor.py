"""An instructor with a folder on Drive, as a browser sees it, and a service account for it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_drive_sync.demo.ground import Ground
from tests.localdrive.caller import BEN, FOLDER, Caller, caller

DOCUMENT = "application/vnd.google-apps.document"
SHORTCUT = "application/vnd.google-apps.shortcut"


@dataclass
class Instructor:
    """Ben, whose whole Drive is his to see.

    Attributes:
        ground: the Drive.
        folder: id of the course's folder.
        key_file: key of the service account that may read.
    """

    ground: Ground
    folder: str = ""
    key_file: Path = Path()
    email: str = ""
    files: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.drive: Caller = caller(self.ground.drive, BEN, scopes=("drive",))
        self.folder = self.drive.folder("Course A")

    @property
    def link(self) -> str:
        return f"https://drive.google.com/drive/folders/{self.folder}?usp=sharing"

    def put(self, name: str, content: str | bytes, *, folder: str = "") -> str:
        """Make a file, or give it new content."""
        data = content.encode() if isinstance(content, str) else content
        if name in self.files:
            self.drive.replace(self.files[name], data)
        else:
            made = self.drive.create(name, data, parents=[folder or self.folder])
            self.files[name] = made["id"]
        return self.files[name]

    def put_document(self, name: str, mime: str = DOCUMENT, **more: Any) -> None:
        self.drive.create(name, None, mimeType=mime, parents=[self.folder], **more)

    def share(self, what: str = "", **permission: str) -> None:
        """Share the folder, by link unless somebody is named."""
        said = permission or {"type": "anyone", "role": "reader"}
        path = f"/files/{what or self.folder}/permissions"
        self.drive.ask("POST", path, said, supportsAllDrives="true")

    def make_key(self, path: Path, name: str = "course-reader") -> Path:
        """Make a service account, and the file with its key."""
        oauth = self.ground.drive.oauth
        account = oauth.add_service_account(name)
        path.write_text(json.dumps(oauth.service_account_file(account.email, self.ground.url)))
        self.key_file, self.email = path, account.email
        return path

    def shared_folder(self, drive: str, name: str) -> str:
        """Make a shared drive that the service account may write to, with a folder in it."""
        made = self.ground.drive.model.make_drive(
            drive, {BEN: "organizer", self.email: "fileOrganizer"}
        )
        said = {"name": name, "mimeType": FOLDER, "parents": [made.id]}
        return str(self.drive.ask("POST", "/files", said, supportsAllDrives="true")["id"])
