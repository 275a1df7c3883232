"""The web page: what a person would see of an account's Drive. It only shows, and only here.

`webViewLink` leads to it. There is no login, since LocalDrive holds nothing that is secret; so the
page answers only at this machine's own names and at Google's (through the proxy), not when a page
elsewhere had its own name turned to this machine. A GET is all it takes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from urllib.parse import quote, urlsplit

from jupyter_drive_sync.localdrive import revisions
from jupyter_drive_sync.localdrive.drive_views import (
    Crumb,
    Row,
    Surroundings,
    Version,
    file_view,
    folder_view,
    icon,
    missing_view,
    trash_view,
)
from jupyter_drive_sync.localdrive.google_hosts import is_google, is_loopback_host
from jupyter_drive_sync.localdrive.model import Model
from jupyter_drive_sync.localdrive.objects import FOLDER, SHORTCUT, Account, File, Revision
from jupyter_drive_sync.localdrive.routing import Call, Route
from jupyter_drive_sync.localdrive.visibility import lineage
from jupyter_drive_sync.localdrive.wire import Response

PAGE_ROWS = 500
_DOWNLOAD_HEADERS = {
    "Content-Type": "application/octet-stream",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cache-Control": "no-store",
}


class DrivePage:
    """The page's handlers.

    Args:
        model: What is shown.
    """

    def __init__(self, model: Model) -> None:
        self._model = model

    def routes(self) -> Iterable[Route]:
        """Return the routes."""
        table: Mapping[str, tuple[str, Callable[[Call], Response]]] = {
            "/": ("home", self.home),
            "/drive/folders/{id}": ("folder", self.folder),
            "/drive/trash": ("trash", self.trash),
            "/file/d/{id}/view": ("file", self.file),
            "/file/d/{id}/revisions/{revision}": ("download", self.download),
            "/uc": ("download", self.head),
            "/icon": ("icon", self.icon),
        }
        return tuple(
            Route("GET", path, f"page.{name}", self._guarded(handler))
            for path, (name, handler) in table.items()
        )

    def _guarded(self, handler: Callable[[Call], Response]) -> Callable[[Call], Response]:
        """Answer only at names of this machine or of Google, under the model's lock."""

        def answer(call: Call) -> Response:
            host = urlsplit(call.request.base_url).hostname or ""
            if not (is_loopback_host(host) or is_google(host)):
                return Response.of_text("This page is for this machine only.", 403, "text/plain")
            with self._model.lock:
                return handler(call)

        return answer

    # Pages.

    def home(self, call: Call) -> Response:
        """Show an account's root folder: the one asked for, else the one that holds most."""
        account = self._account(call.request.parameter("account"))
        if account is None:
            return missing_view()
        return self._folder(account, self._model.files[account.root], call)

    def folder(self, call: Call) -> Response:
        """Show a folder."""
        found = self._model.files.get(call.arguments["id"])
        if found is None:
            return missing_view()
        account = self._whose(found)
        if found.mime_type != FOLDER:
            return self._file(account, found)
        return self._folder(account, found, call)

    def _folder(self, account: Account, folder: File, call: Call) -> Response:
        children = [self._model.files[each] for each in self._model.children.get(folder.id, ())]
        shown = [each for each in children if not each.trashed or folder.trashed]
        pages = max(1, -(-len(shown) // PAGE_ROWS))
        page = min(_number(call.request.parameter("page")), pages)
        rows = sorted(map(self._row, shown), key=lambda row: row.order)
        return folder_view(
            self._surroundings(account, "files"),
            self._crumbs(folder),
            rows[(page - 1) * PAGE_ROWS : page * PAGE_ROWS],
            page=page,
            pages=pages,
            trashed=self._model.trashed(folder),
        )

    def trash(self, call: Call) -> Response:
        """Show what an account put into the trash; what went with a folder is inside it."""
        account = self._account(call.request.parameter("account"))
        if account is None:
            return missing_view()
        files = [f for f in self._model.files.values() if f.owner == account.address and f.trashed]
        rows = sorted(map(self._row, files), key=lambda row: row.order)
        return trash_view(self._surroundings(account, "trash"), rows[:PAGE_ROWS], len(rows))

    def file(self, call: Call) -> Response:
        """Show a file's details and versions."""
        found = self._model.files.get(call.arguments["id"])
        if found is None:
            return missing_view()
        return self._file(self._whose(found), found)

    def _file(self, account: Account, file: File) -> Response:
        head = file.head
        details = {
            "Kind": file.mime_type,
            "Size": f"{head.size:,} bytes" if head else None,
            "Owner": None if file.drive_id else file.owner,
            "Shared drive": self._drive_name(file),
            "Id": file.id,
            "MD5": head.md5 if head else None,
            "SHA-256": head.sha256 if head else None,
            "Description": file.description,
            "Shortcut to": file.shortcut_target,
        }
        return file_view(
            self._surroundings(account, "files"),
            self._crumbs(file),
            modified=file.modified,
            created=file.created,
            details={name: value for name, value in details.items() if value},
            properties=self._properties(file),
            versions=[
                Version(
                    _revision_path(file, each),
                    each.modified,
                    each.size,
                    each.md5,
                    each.keep_forever,
                )
                for each in reversed(self._kept(file))
            ],
            trashed=self._model.trashed(file),
        )

    # Downloads.

    def download(self, call: Call) -> Response:
        """Give one version of a file."""
        found = self._model.files.get(call.arguments["id"])
        kept = self._kept(found) if found else ()
        wanted = next((each for each in kept if each.id == call.arguments["revision"]), None)
        return self._content(found, wanted)

    def head(self, call: Call) -> Response:
        """Give a file's content, where `webContentLink` leads."""
        found = self._model.files.get(call.request.parameter("id") or "")
        return self._content(found, found.head if found else None)

    def _content(self, file: File | None, revision: Revision | None) -> Response:
        if file is None or revision is None:
            return missing_view()
        name = quote(file.name.encode("utf-8", "replace"), safe="")
        headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{name}"}
        body = self._model.blobs.read(revision.blob, 0, revision.size)
        return Response(200, {**_DOWNLOAD_HEADERS, **headers}, body)

    def icon(self, call: Call) -> Response:
        """Give the picture that `iconLink` promises."""
        kind = "folder" if call.request.parameter("type") == FOLDER else "file"
        return Response.of_text(icon(kind), kind="image/svg+xml")

    # What the pages are made of.

    def _kept(self, file: File) -> tuple[Revision, ...]:
        return revisions.living(file, self._model.settings, self._model.clock.now())

    def _whose(self, file: File) -> Account:
        """Return the account under which a file is shown: its owner, or a member of its drive."""
        if file.drive_id is None:
            return self._model.accounts[file.owner]
        members = self._model.files[file.drive_id].permissions
        return self._model.accounts[next(each.address for each in members if each.address)]

    def _drive_name(self, file: File) -> str | None:
        return self._model.drives[file.drive_id].name if file.drive_id else None

    def _account(self, address: str | None) -> Account | None:
        accounts = self._model.accounts
        if address is not None:
            return accounts.get(address)
        fullest = sorted(accounts, key=lambda each: (-self._model.items.get(each, 0), each))
        return accounts[fullest[0]] if fullest else None

    def _surroundings(self, account: Account, place: str) -> Surroundings:
        owned = (f for f in self._model.files.values() if f.owner == account.address)
        return Surroundings(
            address=account.address,
            accounts=tuple(sorted(self._model.accounts)),
            place=place,
            used=self._model.usage.get(account.address, 0),
            limit=self._model.limit(account.address),
            in_trash=sum(file.trashed for file in owned),
        )

    def _crumbs(self, file: File) -> list[Crumb]:
        line = [*lineage(file, self._model.lookup)]
        return [Crumb(_path(each), self._title(each)) for each in reversed(line)]

    def _title(self, file: File) -> str:
        drive = self._model.drives.get(file.id)
        return drive.name if drive else file.name

    def _row(self, file: File) -> Row:
        kind = {FOLDER: "folder", SHORTCUT: "shortcut"}.get(file.mime_type, "file")
        versions = len(self._kept(file))
        badges = [f"{versions} versions"] if versions > 1 else []
        if kind == "shortcut":
            badges.append("shortcut")
        return Row(
            path=_path(file),
            name=file.name,
            kind=kind,
            size=file.head.size if file.head else None,
            modified=file.modified,
            badges=tuple(badges),
            trashed=file.trashed,
        )

    def _properties(self, file: File) -> dict[str, str]:
        own = {
            f"{name} (app {project})": value
            for project, properties in sorted(file.app_properties.items())
            for name, value in sorted(properties.items())
        }
        return {**dict(sorted(file.properties.items())), **own}


def _path(file: File) -> str:
    if file.mime_type == FOLDER:
        return f"/drive/folders/{quote(file.id, safe='')}"
    return f"/file/d/{quote(file.id, safe='')}/view"


def _revision_path(file: File, revision: Revision) -> str:
    return f"/file/d/{quote(file.id, safe='')}/revisions/{quote(revision.id, safe='')}"


def _number(text: str | None) -> int:
    return int(text) if text is not None and text.isdecimal() and 0 < len(text) < 7 else 1
