"""A client in the same process: requests go in by `dispatch`, replies come out as values."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from jupyter_drive_sync.localdrive.drive import LocalDrive
from jupyter_drive_sync.localdrive.wire import Body, Request, Response

SCOPE = "https://www.googleapis.com/auth/"
FOLDER = "application/vnd.google-apps.folder"
GRANULE = 256 * 1024
ANN, BEN = "ann@example.edu", "ben@example.edu"


@dataclass(slots=True)
class Caller:
    """One account's access to a Drive through one client.

    Attributes:
        drive: The Drive.
        renew: Makes an access token, when the last one has expired.
        token: The access token.
    """

    drive: LocalDrive
    renew: Callable[[], str]
    token: str = ""

    def at(self, drive: LocalDrive) -> Caller:
        """Return the same access, by the same token, to a Drive that was started again."""
        return Caller(drive, self.renew, self.token)

    def send(
        self,
        method: str,
        target: str,
        body: bytes | Body | Mapping[str, Any] = b"",
        **headers: str,
    ) -> Response:
        """Send a request; `content_range` stands for the header Content-Range."""
        if isinstance(body, Mapping):
            body = json.dumps(body).encode()
            headers.setdefault("content_type", "application/json")
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if "authorization" not in named:
            if self.drive.oauth.authenticate(self.token) is None:
                self.token = self.renew()
            named["authorization"] = f"Bearer {self.token}"
        return self.drive.dispatch(Request.make(method, target, headers=named, body=body))

    def ask(self, method: str, path: str, body: Any = b"", **parameters: Any) -> Any:
        """Send a request that has to succeed; return its JSON, None for an empty reply."""
        response = self.send(method, target_of(path, **parameters), body)
        assert response.status in {200, 204}, response.content()
        return response.json() if response.size else None

    def refused(
        self, method: str, path: str, body: Any = b"", **parameters: Any
    ) -> tuple[int, str]:
        """Send a request that has to be refused; return status and reason."""
        response = self.send(method, target_of(path, **parameters), body)
        return response.status, reason_of(response)

    def create(self, name: str, content: bytes | None = None, **metadata: Any) -> dict[str, Any]:
        """Make a file with content, or without any."""
        metadata["name"] = name
        if content is None:
            return dict(self.ask("POST", "/files", metadata, fields="*"))
        kind, body = multipart(metadata, content)
        response = self.send(
            "POST", upload_target("/files", uploadType="multipart"), body, content_type=kind
        )
        assert response.status == 200, response.content()
        return dict(response.json())

    def folder(self, name: str, **metadata: Any) -> str:
        """Make a folder; return its id."""
        return str(self.create(name, mimeType=FOLDER, **metadata)["id"])

    def replace(self, file_id: str, content: bytes, **parameters: Any) -> dict[str, Any]:
        """Give a file new content."""
        target = upload_target(f"/files/{file_id}", uploadType="media", **parameters)
        response = self.send("PATCH", target, content, content_type="text/plain")
        assert response.status == 200, response.content()
        return dict(response.json())

    def get(self, file_id: str) -> dict[str, Any]:
        """Return all metadata of a file."""
        return dict(self.ask("GET", f"/files/{file_id}", fields="*"))

    def download(self, file_id: str) -> bytes:
        """Return a file's content."""
        return self.send("GET", target_of(f"/files/{file_id}", alt="media")).content()

    def names(self, q: str = "", **parameters: Any) -> list[str]:
        """Return the names of what a search finds, all pages of it."""
        return [each["name"] for each in self.search(q, **parameters)]

    def search(self, q: str = "", **parameters: Any) -> list[dict[str, Any]]:
        """Return what a search finds, all pages of it."""
        found: list[dict[str, Any]] = []
        page: dict[str, Any] = {}
        while not found or page:
            reply = self.ask("GET", "/files", q=q, **page, **parameters)
            found += reply["files"]
            if "nextPageToken" not in reply:
                return found
            page = {"pageToken": reply["nextPageToken"]}
        return found

    def start_token(self) -> str:
        """Return where the change feed is now."""
        return str(self.ask("GET", "/changes/startPageToken")["startPageToken"])

    def changes(self, token: str, **parameters: Any) -> dict[str, bool]:
        """Return what changed since a token, all pages: id -> removed."""
        found: dict[str, bool] = {}
        while True:
            reply = self.ask("GET", "/changes", pageToken=token, **parameters)
            for each in reply["changes"]:
                assert each["fileId"] not in found
                found[each["fileId"]] = each["removed"]
            if "newStartPageToken" in reply:
                assert "nextPageToken" not in reply
                return found
            token = reply["nextPageToken"]


def reason_of(response: Response) -> str:
    """Return the reason of an error reply, checking the shape of it."""
    error = response.json()["error"]
    assert error["code"] == response.status
    (detail,) = error["errors"]
    assert detail["message"] == error["message"]
    return str(detail["reason"])


def target_of(path: str, **parameters: Any) -> str:
    """Return a request target of the Drive API."""
    return f"/drive/v3{path}" + (f"?{urlencode(parameters)}" if parameters else "")


def upload_target(path: str, **parameters: Any) -> str:
    """Return a request target of the upload paths; the reply shows everything."""
    return f"/upload/drive/v3{path}?{urlencode({'fields': '*', **parameters})}"


def multipart(metadata: Mapping[str, Any], content: bytes) -> tuple[str, bytes]:
    """Return Content-Type and body of a multipart upload."""
    body = (
        b"--edge\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n"
        + json.dumps(metadata).encode()
        + b"\r\n--edge\r\nContent-Type: text/plain\r\n\r\n"
        + content
        + b"\r\n--edge--\r\n"
    )
    return "multipart/related; boundary=edge", body


def caller(
    drive: LocalDrive,
    account: str = ANN,
    *,
    scopes: tuple[str, ...] = ("drive.file",),
    client: str | None = None,
) -> Caller:
    """Return an account's access; through the Drive's own desktop client unless said otherwise."""
    chosen = client or drive.oauth.client_of_kind("desktop").client_id

    def renew() -> str:
        wanted = [SCOPE + scope for scope in scopes]
        return str(drive.oauth.grant(account, chosen, wanted).access_token)

    return Caller(drive, renew, renew())


def other_client(drive: LocalDrive, name: str = "stranger") -> str:
    """Return the id of a client of another project."""
    project = drive.oauth.add_project(name, name)
    return str(drive.oauth.add_client(project.number, "desktop").client_id)
