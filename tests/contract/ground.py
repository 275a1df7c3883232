"""The Drive that the contract is read to: LocalDrive or Google, with the same few verbs."""

from __future__ import annotations

import contextlib
import http.client
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlsplit

import pytest
from googleapiclient.discovery import Resource
from googleapiclient.errors import HttpError
from googleapiclient.http import MediaInMemoryUpload

FOLDER = "application/vnd.google-apps.folder"
GRANULE = 256 * 1024
T = TypeVar("T")
FULL = "id,name,mimeType,parents,size,md5Checksum,trashed,explicitlyTrashed,headRevisionId,version"


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back over the wire, untouched by any client."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.body)

    @property
    def reason(self) -> str:
        """The reason of the first error (Source: Drive guide, "Resolve errors")."""
        return str(self.json()["error"]["errors"][0]["reason"])


@dataclass(frozen=True, slots=True)
class Ground:
    """A Drive, an account on it through a `drive.file` client, and a folder to stand in.

    Attributes:
        service: The stock google-api-python-client on this Drive.
        root: Scheme and host.
        token: Returns an access token.
        folder: Id of the folder made for this test; all happens inside it.
        pauses: Seconds to wait before each look at what may lag (feed, listing).
        wait: Waits so many seconds.
    """

    service: Resource
    root: str
    token: Callable[[], str]
    folder: str = ""
    pauses: tuple[float, ...] = (0.0,)
    wait: Callable[[float], object] = field(default=lambda _seconds: None)

    @property
    def files(self) -> Any:
        """The stock client's `files` resource."""
        return self.service.files()

    def settled(self, look: Callable[[], T], good: Callable[[T], object] = bool) -> T:
        """Look until it is good, a bounded number of times, and return what was seen."""
        for pause in self.pauses:
            self.wait(pause)
            seen = look()
            if good(seen):
                return seen
        pytest.fail(f"this Drive did not settle; last seen: {seen!r}")

    def make(
        self,
        name: str,
        content: bytes = b"x",
        *,
        mime: str = "text/plain",
        parent: str | None = None,
        fields: str = FULL,
        **metadata: Any,
    ) -> dict[str, Any]:
        """Create a file by one multipart request and return its resource."""
        body = {"name": name, "parents": [parent or self.folder], **metadata}
        media = MediaInMemoryUpload(content, mimetype=mime)
        return dict(self.files.create(body=body, media_body=media, fields=fields).execute())

    def make_folder(
        self, name: str, *, parent: str | None = None, fields: str = FULL, **metadata: Any
    ) -> dict[str, Any]:
        """Create a folder and return its resource."""
        body = {
            "name": name,
            "mimeType": FOLDER,
            "parents": [parent or self.folder],
            **metadata,
        }
        return dict(self.files.create(body=body, fields=fields).execute())

    def replace(self, file_id: str, content: bytes, *, fields: str = FULL, **metadata: Any) -> Any:
        """Give a file new content by one multipart request and return its resource."""
        media = MediaInMemoryUpload(content, mimetype="text/plain")
        return self.files.update(
            fileId=file_id, body=metadata, media_body=media, fields=fields
        ).execute()

    def get(self, file_id: str, fields: str = FULL) -> dict[str, Any]:
        """Return a file's resource."""
        return dict(self.files.get(fileId=file_id, fields=fields).execute())

    def content(self, file_id: str) -> bytes:
        """Return a file's content."""
        return bytes(self.files.get_media(fileId=file_id).execute())

    def search(
        self, q: str, *, parent: str | None = None, fields: str = FULL, **parameters: Any
    ) -> list[dict[str, Any]]:
        """Return every child of the folder that fits a query, by paging."""
        scope = f"'{parent or self.folder}' in parents"
        request = self.files.list(
            q=f"{scope} and ({q})" if q else scope,
            fields=f"nextPageToken,files({fields})",
            **{"pageSize": 1000, **parameters},
        )
        found: list[dict[str, Any]] = []
        while request is not None:
            page = request.execute()
            found += page["files"]
            request = self.files.list_next(request, page)
        return found

    def names(self, q: str = "trashed=false", *, parent: str | None = None) -> list[str]:
        """Return the names of the children that fit a query, sorted."""
        return sorted(entry["name"] for entry in self.search(q, parent=parent))

    def start_token(self) -> str:
        """Return the change feed's present end."""
        return str(self.service.changes().getStartPageToken().execute()["startPageToken"])

    def feed(self, token: str, **parameters: Any) -> list[dict[str, Any]]:
        """Return the entries of the change feed from a token to its end."""
        changes = self.service.changes()
        entries: list[dict[str, Any]] = []
        while token:
            page = changes.list(
                pageToken=token,
                **{
                    "pageSize": 1000,
                    "fields": "nextPageToken,newStartPageToken,"
                    f"changes(changeType,fileId,removed,time,file({FULL}))",
                    **parameters,
                },
            ).execute()
            entries += page["changes"]
            token = page.get("nextPageToken", "")
        return entries

    def send(
        self,
        method: str,
        url: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        *,
        token: str | None = "",
        cut: int | None = None,
    ) -> Reply:
        """Send one request on a connection of its own, with nothing added but the token.

        Args:
            method: The HTTP method.
            url: A path on this Drive, or a whole address such as a session's.
            body: The body.
            headers: The headers.
            token: The bearer token; the account's own by default, none at all if None.
            cut: Close the connection after so many bytes of the body; the reply is then
                status 0.
        """
        where = urlsplit(url if "://" in url else self.root + url)
        kind = (
            http.client.HTTPSConnection if where.scheme == "https" else http.client.HTTPConnection
        )
        with contextlib.closing(kind(where.netloc, timeout=60)) as connection:
            connection.putrequest(method, f"{where.path}?{where.query}", skip_accept_encoding=True)
            if token is not None:
                connection.putheader("Authorization", f"Bearer {token or self.token()}")
            for name, value in (headers or {}).items():
                connection.putheader(name, value)
            if body or method in {"POST", "PUT", "PATCH"}:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders()
            if cut is not None:
                connection.send(body[:cut])
                return Reply(0, {}, b"")
            if body:
                connection.send(body)
            reply = connection.getresponse()
            return Reply(
                reply.status,
                {name.lower(): value for name, value in reply.getheaders()},
                reply.read(),
            )


def reason_of(error: HttpError) -> str:
    """Return the reason of a refusal's first error."""
    return str(json.loads(error.content)["error"]["errors"][0]["reason"])


@contextlib.contextmanager
def refused(*statuses: int, reason: str | None = None) -> Iterator[None]:
    """Expect Drive to refuse with one of these statuses (any 4xx if none), and this reason."""
    with pytest.raises(HttpError) as caught:
        yield
    status = int(caught.value.status_code)
    assert status in statuses if statuses else 400 <= status < 500, caught.value
    if reason is not None:
        assert reason_of(caught.value) == reason, caught.value
