"""What a person does on Drive itself, with their own rights there."""

from __future__ import annotations

from typing import Final
from urllib.request import ProxyHandler, Request, build_opener

from tests.e2e.jupyter_page import ACCOUNT, Jupyter

_EVERYTHING: Final = "https://www.googleapis.com/auth/drive"


def edit_on_drive(server: Jupyter, name: str, content: bytes) -> None:
    """Change the content of the one file of a name, as an editor on Drive does."""
    drive = server.ground.drive
    (file,) = [
        file
        for file in drive.model.files.values()
        if file.name == name and not drive.model.trashed(file)
    ]
    client = drive.oauth.client_of_kind("desktop").client_id
    token = drive.oauth.grant(ACCOUNT, client, [_EVERYTHING]).access_token
    request = Request(  # noqa: S310 - a LocalDrive of ours
        f"{server.ground.url}/upload/drive/v3/files/{file.id}?uploadType=media",
        data=content,
        method="PATCH",
        headers={"Authorization": f"Bearer {token}", "Content-Type": "text/plain"},
    )
    with build_opener(ProxyHandler({})).open(request, timeout=30) as reply:
        assert reply.status == 200
