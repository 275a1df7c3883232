"""What a file browser asks: how the entries of a folder stand, and where one lies on Drive."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jupyter_drive_sync.core.tree import FileId, Kind, LedgerEntry, RelPath, Standing, Stat
from jupyter_drive_sync.engine.ledger import Ledger
from jupyter_drive_sync.server.service import Service
from tests.server.conftest import Api

LINK = "https://drive.google.com/drive/folders/root"


def entry(home: Path, path: str, kind: Kind = Kind.FILE) -> LedgerEntry:
    status = (home / path).stat()
    return LedgerEntry(
        RelPath(path), kind, Standing.MIRRORED, FileId(f"id-{path}"), FileId("root"), path,
        Stat(status.st_size, status.st_mtime_ns, status.st_ino), bytes(16), "n", 1,
    )  # fmt: skip


@pytest.fixture
def mirrored(home: Path, state: Path) -> None:
    """Leave a ledger, as a sync would."""
    state.mkdir(mode=0o700, exist_ok=True)
    ledger, _ = Ledger.open(state)
    with ledger:
        ledger.remember(root="root", root_link=LINK)
        files = ("notes.txt", "course/lab.ipynb", "course/data.csv")
        ledger.put([*(entry(home, path) for path in files), entry(home, "course", Kind.FOLDER)])


async def test_before_the_first_sync(api: Api) -> None:
    found = await api.get("folder")
    assert found == {"path": "", "known": False, "left_out": None, "mirrored": [], "marks": []}
    assert await api.get("object?path=notes.txt") == {
        "path": "notes.txt", "id": "", "link": "", "colab": "",
    }  # fmt: skip


@pytest.mark.usefixtures("mirrored")
async def test_a_folder(api: Api, home: Path) -> None:
    found = await api.get("folder")
    status = (home / "notes.txt").stat()
    assert found["mirrored"] == [["notes.txt", status.st_size, status.st_mtime_ns // 1_000_000]]
    assert found["marks"] == []
    (home / ".cache").mkdir()
    (mark,) = (await api.get("folder"))["marks"]
    assert mark == {
        "path": ".cache", "outcome": "left_out", "folder": True, "size": 0,
        "reason": 'excluded by rule ".cache/ (default)"', "code": "left_out.excluded",
        "params": {"rule": ".cache/ (default)"},
    }  # fmt: skip
    inside = await api.get("folder?path=.cache")
    assert inside["left_out"]["code"] == "left_out.excluded"
    names = [name for name, *_ in (await api.get("folder?path=course"))["mirrored"]]
    assert names == ["data.csv", "lab.ipynb"]


@pytest.mark.usefixtures("mirrored")
async def test_a_rule_counts_as_soon_as_it_is_set(api: Api) -> None:
    await api.call("PATCH", "settings", {"excludes": ["/course/"]})
    (mark,) = (await api.get("folder"))["marks"]
    assert (mark["path"], mark["outcome"]) == ("course", "left_out")


@pytest.mark.usefixtures("mirrored")
async def test_what_was_saved_here_waits(api: Api, service: Service, jp_fetch: Any) -> None:
    body = '{"type": "file", "format": "text", "content": "new"}'
    await service.start()
    await jp_fetch("api", "contents", "course", "new.txt", method="PUT", body=body)
    (mark,) = (await api.get("folder"))["marks"]
    assert (mark["path"], mark["outcome"], mark["folder"]) == ("course", "waiting", True)


async def test_what_is_no_folder(api: Api) -> None:
    for route in ("folder", "object"):
        assert await api.refused("GET", f"{route}?path=../x") == (400, "request.invalid")
        assert await api.refused("GET", f"{route}?path=/x") == (400, "request.invalid")


@pytest.mark.usefixtures("mirrored")
async def test_a_folder_that_is_gone(api: Api) -> None:
    assert await api.refused("GET", "folder?path=gone") == (404, "request.unknown")


@pytest.mark.usefixtures("mirrored")
async def test_where_it_lies_on_drive(api: Api) -> None:
    assert await api.get("object?path=course/lab.ipynb") == {
        "path": "course/lab.ipynb", "id": "id-course/lab.ipynb",
        "link": "https://drive.google.com/file/d/id-course/lab.ipynb/view",
        "colab": "https://colab.research.google.com/drive/id-course/lab.ipynb",
    }  # fmt: skip
    assert (await api.get("object"))["link"] == LINK
    assert (await api.get("object?path=course"))["link"].endswith("/drive/folders/id-course")
