"""What a person does on Drive itself, with their own rights there."""

from __future__ import annotations

from typing import Final
from urllib.request import ProxyHandler, Request, build_opener

from tests.e2e.jupyter_page import ACCOUNT, Jupyter

_EVERYTHING: Final = "https://www.googleapis.com/auth/drive"


def edit_on_drive(server: Jupyter, name: str, content: bytes) -> None:
    """Change the content of the one file of a name, as an editor on Drive does."""
    file_id, _ = _find(server, name)
    _patch(server, f"/upload/drive/v3/files/{file_id}?uploadType=media", content, "text/plain")


def move_to_my_drive(server: Jupyter, name: str) -> None:
    """Drag the one file or folder of a name to My Drive itself."""
    file_id, parent = _find(server, name)
    _patch(
        server,
        f"/drive/v3/files/{file_id}?addParents=root&removeParents={parent}",
        b"{}",
        "application/json",
    )


def _find(server: Jupyter, name: str) -> tuple[str, str]:
    model = server.ground.drive.model
    (file,) = [
        file for file in model.files.values() if file.name == name and not model.trashed(file)
    ]
    return file.id, file.parent


def _patch(server: Jupyter, path: str, body: bytes, kind: str) -> None:
    oauth = server.ground.drive.oauth
    client = oauth.client_of_kind("desktop").client_id
    token = oauth.grant(ACCOUNT, client, [_EVERYTHING]).access_token
    request = Request(  # noqa: S310 - a LocalDrive of ours
        f"{server.ground.url}{path}",
        data=body,
        method="PATCH",
        headers={"Authorization": f"Bearer {token}", "Content-Type": kind},
    )
    with build_opener(ProxyHandler({})).open(request, timeout=30) as reply:
        assert reply.status == 200
